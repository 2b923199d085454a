package awswire

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/awswire/model"
)

// A plan says how one Go type of the SDK is coded, in every protocol: which field is
// which member, what the member is called on the wire, and which constraints hold. Plans
// are built once per (type, shape) and shared by all requests; they may be cyclic.
type plan struct {
	kind  kind
	typ   reflect.Type // as stored: pointer, slice, map, struct, string...
	ptr   bool         // typ is a pointer to the value
	shape *model.Shape // nil where the model, older than the SDK, does not have it

	fields []field        // kindStruct
	index  map[string]int // kindStruct: member name -> position in fields

	// Of the inputs, outputs and errors of REST protocols: the members outside of the body,
	// and the one that is the body.
	bound   []field
	payload *field

	elem *plan // kindList, kindMap
	key  *plan // kindMap

	union *unionPlan // kindUnion

	constraints *constraints
}

type field struct {
	name     string // member name: the name on the wire in JSON and CBOR
	label    string // the name in validation messages
	quoted   string // `"name":` as JSON
	index    int    // of the Go struct
	plan     *plan
	required bool
	member   *model.Member // nil if not in the model
	always   bool          // not a pointer, so its zero is a value: always encoded
	time     timeFormat
}

type kind uint8

const (
	kindInvalid kind = iota // a type that no request can carry
	kindString
	kindBool
	kindInt
	kindFloat
	kindBlob
	kindTime
	kindList
	kindMap
	kindStruct
	kindUnion
	kindDocument
	kindReader // a streaming blob: the body of a REST request or answer
)

// timeFormat is the form of a timestamp, where the model sets one that is not the
// protocol's own.
type timeFormat uint8

const (
	timeDefault timeFormat = iota
	timeEpoch
	timeISO
	timeHTTP
)

// unionPlan is the members of a union: a Go interface, each of whose implementations is
// a struct with the single field Value.
type unionPlan struct {
	byName map[string]*unionMember
	empty  reflect.Value // what stands for a union without a member; invalid: none
	byType map[reflect.Type]*unionMember
	mu     sync.Mutex // guards byType, to which types met when encoding are added
}

type unionMember struct {
	name   string
	quoted string
	typ    reflect.Type // struct type
	plan   *plan        // of its Value
}

// Union tells the codec the members of a union type of the SDK, which reflection cannot
// find: UnionOf[types.AttributeValue](&types.AttributeValueMemberS{}, ...). Only unions
// in inputs need it.
type Union struct {
	iface   reflect.Type
	members []reflect.Type
	empty   reflect.Value
}

// UnionOf describes the union I by a pointer to each of its members.
func UnionOf[I any](members ...I) Union {
	u := Union{iface: reflect.TypeFor[I]()}
	for _, m := range members {
		u.members = append(u.members, reflect.TypeOf(m).Elem())
	}
	return u
}

// Empty is the union with v standing for a JSON object that has none of its members, which is
// told by it from a union that is not there. It is shared by all inputs.
func (u Union) Empty(v any) Union {
	u.empty = reflect.ValueOf(v)
	return u
}

// Document tells the codec how to make a document type of the SDK, as
// DocumentOf(document.NewLazyDocument). Only documents in inputs need it.
type Document struct {
	iface reflect.Type
	make  func(any) any
}

// DocumentOf describes the document type of one SDK package.
func DocumentOf[I any](lazy func(any) I) Document {
	return Document{iface: reflect.TypeFor[I](), make: func(v any) any { return lazy(v) }}
}

type planKey struct {
	typ   reflect.Type
	shape *model.Shape
}

// planner builds the plans of one service.
type planner struct {
	service   *model.Service
	plans     map[planKey]*plan
	unions    map[reflect.Type]Union
	documents map[reflect.Type]Document
	pattern   func(string) string // as messages write it
	open      []string            // shapes that take values besides those of the model
	rest      bool                // the service speaks a REST protocol
	inputs    bool                // messages name members of bodies below the input
	noValues  bool                // messages do not repeat values
	half      rune                // of surrogate pairs
	newer     bool                // JSON is read as AWS's newer reader does
	order     map[string][]string // orders of members in messages
	enums     map[string][]string // orders of enumerations in messages
	mu        sync.Mutex
}

func newPlanner(m *model.Service, api API) *planner {
	b := &planner{service: m, plans: map[planKey]*plan{}, unions: map[reflect.Type]Union{}, documents: map[reflect.Type]Document{}, pattern: api.MessagePattern, open: api.Open, rest: strings.HasPrefix(m.Protocol, "rest-"),
		inputs: api.InputPaths, noValues: api.NoValues, half: api.Half, newer: api.NewerReader, enums: api.EnumOrder, order: api.MemberOrder}
	if b.pattern == nil {
		b.pattern = func(p string) string { return p }
	}
	for _, u := range api.Unions {
		b.unions[u.iface] = u
	}
	for _, d := range api.Documents {
		b.documents[d.iface] = d
	}
	return b
}

func (b *planner) plan(t reflect.Type, shape *model.Shape) *plan {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.build(t, shape)
}

var (
	timeType  = reflect.TypeFor[time.Time]()
	bytesType = reflect.TypeFor[[]byte]()
)

func (b *planner) build(t reflect.Type, shape *model.Shape) *plan {
	key := planKey{t, shape}
	if p := b.plans[key]; p != nil {
		return p
	}
	p := &plan{typ: t, shape: shape}
	b.plans[key] = p
	if shape != nil {
		p.constraints = b.newConstraints(shape)
	}
	base := t
	if t.Kind() == reflect.Pointer {
		p.ptr = true
		base = t.Elem()
	}
	switch {
	case base == timeType:
		p.kind = kindTime
	case base == bytesType:
		p.kind = kindBlob
	case base.Kind() == reflect.String:
		p.kind = kindString
	case base.Kind() == reflect.Bool:
		p.kind = kindBool
	case base.Kind() >= reflect.Int && base.Kind() <= reflect.Int64:
		p.kind = kindInt
	case base.Kind() == reflect.Float32 || base.Kind() == reflect.Float64:
		p.kind = kindFloat
	case base.Kind() == reflect.Slice:
		p.kind = kindList
		var elem *model.Shape
		if shape != nil && shape.Elem != nil {
			elem = shape.Elem.Shape
		}
		p.elem = b.build(base.Elem(), elem)
	case base.Kind() == reflect.Map && base.Key().Kind() == reflect.String:
		p.kind = kindMap
		var k, v *model.Shape
		if shape != nil && shape.Key != nil {
			k, v = shape.Key.Shape, shape.Val.Shape
		}
		p.key, p.elem = b.build(base.Key(), k), b.build(base.Elem(), v)
	case base.Kind() == reflect.Struct:
		p.kind = kindStruct
		b.buildStruct(p, base)
	case base.Kind() == reflect.Interface:
		switch {
		case base == readerType || base == readCloserType:
			p.kind = kindReader
		case isDocument(base, shape):
			p.kind = kindDocument
		default:
			p.kind = kindUnion
			b.buildUnion(p, base)
		}
	}
	return p
}

func isDocument(t reflect.Type, shape *model.Shape) bool {
	if shape != nil {
		return shape.Document
	}
	return strings.HasSuffix(t.PkgPath(), "/document")
}

func (b *planner) buildStruct(p *plan, t reflect.Type) {
	p.index = map[string]int{}
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" || f.Name == "ErrorCodeOverride" {
			continue
		}
		name, label := f.Name, f.Name
		var member *model.Member
		if p.shape != nil {
			if member = findMember(p.shape, f.Name); member != nil {
				name = member.Name
				label = name
				if b.rest {
					name = member.WireName()
				}
			} else if len(p.shape.Members) > 0 && startsLower(p.shape.Members[0].Name) {
				name = lowerFirst(name) // newer than the model: as its neighbours are written
			}
		}
		fl := field{name: name, label: messageLabel(label), quoted: `"` + name + `":`, index: i, member: member}
		var shape *model.Shape
		if member != nil {
			shape = member.Shape
			fl.required = member.Required
			fl.time = timeFormatOf(member.TimestampFormat)
			if fl.time == timeDefault {
				fl.time = timeFormatOf(shape.TimestampFormat)
			}
		}
		fl.plan = b.build(f.Type, shape)
		if fl.plan.kind == kindInvalid {
			continue // event streams and the like are not members of a body
		}
		switch fl.plan.kind {
		case kindBool, kindInt, kindFloat:
			fl.always = !fl.plan.ptr
		}
		switch {
		case b.rest && member != nil && p.shape.Payload == member.Name:
			p.payload = &fl
		case b.rest && member != nil && member.Location != "":
			p.bound = append(p.bound, fl)
		case fl.plan.kind == kindReader: // no member of a body
		default:
			p.index[name] = len(p.fields)
			p.fields = append(p.fields, fl)
		}
	}
	if p.shape == nil || b.order[p.shape.Name] == nil {
		return
	}
	rank := func(f field) int {
		if i := slices.Index(b.order[p.shape.Name], f.name); i >= 0 {
			return i
		}
		return len(p.fields)
	}
	slices.SortStableFunc(p.fields, func(x, y field) int { return rank(x) - rank(y) })
	for i, f := range p.fields {
		p.index[f.name] = i
	}
}

// findMember finds the member that a Go field of the SDK stands for: its name with the
// first letter in upper case, and an underscore where that would be a reserved word.
func findMember(s *model.Shape, goName string) *model.Member {
	for _, m := range s.Members {
		if len(m.Name) == len(goName) && m.Name[1:] == goName[1:] && strings.EqualFold(m.Name[:1], goName[:1]) {
			return m
		}
	}
	for _, m := range s.Members {
		if strings.EqualFold(m.Name, strings.TrimSuffix(goName, "_")) {
			return m
		}
	}
	return nil
}

func (b *planner) buildUnion(p *plan, t reflect.Type) {
	p.union = &unionPlan{byName: map[string]*unionMember{}, byType: map[reflect.Type]*unionMember{}, empty: b.unions[t].empty}
	for _, m := range b.unions[t].members {
		if um := b.unionMember(p, t, m); um != nil {
			p.union.byName[um.name] = um
			p.union.byType[m] = um
		}
	}
}

func (b *planner) unionMember(p *plan, iface, m reflect.Type) *unionMember {
	value, ok := m.FieldByName("Value")
	if !ok {
		return nil
	}
	name := strings.TrimPrefix(m.Name(), iface.Name()+"Member")
	var shape *model.Shape
	if p.shape != nil {
		if mm := findMember(p.shape, name); mm != nil {
			name, shape = mm.Name, mm.Shape
		}
	}
	return &unionMember{name: name, quoted: `"` + name + `":`, typ: m, plan: b.build(value.Type, shape)}
}

// unionMemberFor finds the member of a value met when encoding.
func (b *planner) unionMemberFor(p *plan, t reflect.Type) (*unionMember, error) {
	p.union.mu.Lock()
	defer p.union.mu.Unlock()
	if m := p.union.byType[t]; m != nil {
		return m, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.Kind() == reflect.Struct {
		if m := b.unionMember(p, p.typ, t); m != nil {
			p.union.byType[t] = m
			return m, nil
		}
	}
	return nil, fmt.Errorf("%s is not a member of the union %s", t, p.typ)
}

func timeFormatOf(s string) timeFormat {
	switch s {
	case "unixTimestamp":
		return timeEpoch
	case "iso8601":
		return timeISO
	case "rfc822":
		return timeHTTP
	}
	return timeDefault
}

func startsLower(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLower(r)
}

func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[n:]
}

// messageLabel writes a member's name as validation messages do: StreamName is
// streamName, SSEType is sSEType, S3Config is s3Config.
func messageLabel(name string) string { return lowerFirst(name) }
