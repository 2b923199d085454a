package schemacheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/emicklei/proto"
)

// Protocol Buffers are compatible where the bytes that the one writes mean the same to the other. Fields are told by
// their numbers; names do not count. A field may come and go, unless it is required; types may change within the groups
// that are alike on the wire. Types that are imported are known by their names alone.

// protoFile is what a definition says of its types.
type protoFile struct {
	pkg      string
	kinds    map[string]string // full name of a type -> "message" or "enum"
	messages map[string]*protoMessage
}

type protoMessage struct {
	fields map[int]protoField
	oneofs map[string][]int // name -> numbers of its fields
}

type protoField struct {
	typ      string // as it is written
	key      string // type of the keys of a map; "": it is not a map
	repeated bool
	required bool
	oneof    string
	group    bool // written between marks of its own, not behind its length
}

// protoTypes gathers the types of a definition.
func protoTypes(def *proto.Proto) *protoFile {
	f := &protoFile{kinds: map[string]string{}, messages: map[string]*protoMessage{}}
	for _, e := range def.Elements {
		if p, ok := e.(*proto.Package); ok {
			f.pkg = p.Name
		}
	}
	for _, e := range def.Elements {
		f.add(f.pkg, nil, e)
	}
	return f
}

func within(scope, name string) string {
	if scope == "" {
		return name
	}
	return scope + "." + name
}

// add takes an element of a scope, which is that of the message m unless that is nil.
func (f *protoFile) add(scope string, m *protoMessage, e proto.Visitee) {
	switch e := e.(type) {
	case *proto.Enum:
		f.kinds[within(scope, e.Name)] = "enum"
	case *proto.Message:
		name := within(scope, e.Name)
		if !e.IsExtend {
			f.addMessage(name, e.Elements)
		}
	case *proto.Group:
		f.addMessage(within(scope, e.Name), e.Elements)
		if m != nil {
			m.fields[e.Sequence] = protoField{typ: e.Name, repeated: e.Repeated, required: e.Required, group: true}
		}
	case *proto.NormalField:
		if m != nil {
			m.fields[e.Sequence] = protoField{typ: e.Type, repeated: e.Repeated, required: e.Required}
		}
	case *proto.MapField:
		if m != nil {
			m.fields[e.Sequence] = protoField{typ: e.Type, key: e.KeyType}
		}
	case *proto.Oneof:
		for _, x := range e.Elements {
			if o, ok := x.(*proto.OneOfField); ok && m != nil {
				m.fields[o.Sequence] = protoField{typ: o.Type, oneof: e.Name}
				m.oneofs[e.Name] = append(m.oneofs[e.Name], o.Sequence)
			} else {
				f.add(scope, m, x)
			}
		}
	}
}

func (f *protoFile) addMessage(name string, elements []proto.Visitee) {
	m := &protoMessage{fields: map[int]protoField{}, oneofs: map[string][]int{}}
	f.kinds[name], f.messages[name] = "message", m
	for _, e := range elements {
		f.add(name, m, e)
	}
}

// resolve is the full name of a type that is named in a message, and its kind; "" for what is not of this definition.
func (f *protoFile) resolve(message, name string) (string, string) {
	if full, ok := strings.CutPrefix(name, "."); ok {
		return full, f.kinds[full]
	}
	for scope := message; ; {
		if kind, ok := f.kinds[within(scope, name)]; ok {
			return within(scope, name), kind
		}
		if scope == "" {
			return name, ""
		}
		if i := strings.LastIndexByte(scope, '.'); i >= 0 {
			scope = scope[:i]
		} else {
			scope = ""
		}
	}
}

// protoGroups are scalar types that are alike on the wire.
var protoGroups = map[string]string{
	"int32": "varint", "int64": "varint", "uint32": "varint", "uint64": "varint", "bool": "varint",
	"sint32": "zigzag", "sint64": "zigzag", "fixed32": "fixed32", "sfixed32": "fixed32", "fixed64": "fixed64", "sfixed64": "fixed64",
	"string": "text", "bytes": "text", "float": "float", "double": "double",
}

// wire is what a type is on the wire: a group of scalars, or a message by its name without the package.
func (f *protoFile) wire(message, name string) (group string, scalar bool) {
	if g := protoGroups[name]; g != "" {
		return g, g != "text"
	}
	full, kind := f.resolve(message, name)
	if kind == "enum" {
		return "varint", true
	}
	return "message " + strings.TrimPrefix(full, f.pkg+"."), false
}

// protoReads says why a reader does not read what a writer writes.
func protoReads(r, w *protoFile) error {
	local := func(f *protoFile, name string) string {
		if f.pkg == "" {
			return name
		}
		return strings.TrimPrefix(name, f.pkg+".")
	}
	known := make(map[string]string, len(r.messages)) // local name -> full
	for name := range r.messages {
		known[local(r, name)] = name
	}
	for _, name := range slices.Sorted(maps.Keys(w.messages)) {
		short := local(w, name)
		full, ok := known[short]
		if !ok {
			return fmt.Errorf("message %s is missing", short)
		}
		if err := protoMessageReads(r, w, full, name, short); err != nil {
			return err
		}
	}
	return nil
}

func protoMessageReads(r, w *protoFile, rname, wname, short string) error {
	rm, wm := r.messages[rname], w.messages[wname]
	for _, n := range slices.Sorted(maps.Keys(rm.fields)) {
		rf := rm.fields[n]
		wf, ok := wm.fields[n]
		if rf.required && (!ok || !wf.required) {
			return fmt.Errorf("field %d of %s is required and was not", n, short)
		}
		if !ok {
			continue
		}
		if (rf.key == "") != (wf.key == "") || rf.key != "" && protoGroups[rf.key] != protoGroups[wf.key] {
			return fmt.Errorf("field %d of %s: %s cannot be read as %s", n, short, wf.text(), rf.text())
		}
		rw, scalar := r.wire(rname, rf.typ)
		ww, _ := w.wire(wname, wf.typ)
		if rw != ww || rf.group != wf.group {
			return fmt.Errorf("field %d of %s: %s cannot be read as %s", n, short, wf.text(), rf.text())
		}
		if rf.repeated != wf.repeated && scalar && rf.key == "" {
			return fmt.Errorf("field %d of %s is repeated in one version and not in the other", n, short)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rm.oneofs)) {
		apart := 0 // fields that can be written together, of which the reader would keep one
		for _, n := range rm.oneofs[name] {
			if wf, ok := wm.fields[n]; ok && wf.oneof == "" {
				apart++
			}
		}
		if apart > 1 {
			return fmt.Errorf("oneof %s of %s holds fields that could be set together", name, short)
		}
	}
	return nil
}

func (f protoField) text() string {
	if f.group {
		return "group " + f.typ
	}
	if f.key != "" {
		return "map<" + f.key + "," + f.typ + ">"
	}
	return f.typ
}
