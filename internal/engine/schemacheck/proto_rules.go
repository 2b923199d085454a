package schemacheck

import (
	"fmt"
	"strings"

	"github.com/emicklei/proto"
)

// Numbers that fields may have, and those that Protocol Buffers keep for themselves.
const (
	maxFieldNumber     = 1<<29 - 1
	firstPrivateNumber = 19000
	lastPrivateNumber  = 19999
)

// protoRules are the rules of a definition that its syntax does not say, as protoc checks them.
type protoRules struct {
	file     *protoFile
	proto3   bool
	imports  bool // a type that is not here may be of another file
	declared map[string]bool
}

// checkProtoRules says which rule a definition breaks.
func checkProtoRules(def *proto.Proto, file *protoFile) error {
	c := &protoRules{file: file, declared: map[string]bool{}}
	for _, e := range def.Elements {
		switch e := e.(type) {
		case *proto.Syntax:
			c.proto3 = e.Value == "proto3"
		case *proto.Import:
			c.imports = true
		}
	}
	for _, e := range def.Elements {
		if err := c.element(file.pkg, e); err != nil {
			return err
		}
	}
	return nil
}

// declare takes the name of a type in a scope.
func (c *protoRules) declare(scope, name string) (string, error) {
	full := within(scope, name)
	if c.declared[full] {
		return full, fmt.Errorf("%s is defined twice", full)
	}
	c.declared[full] = true
	return full, nil
}

func (c *protoRules) element(scope string, e proto.Visitee) error {
	switch e := e.(type) {
	case *proto.Enum:
		return c.enum(scope, e)
	case *proto.Message:
		if e.IsExtend {
			return nil
		}
		name, err := c.declare(scope, e.Name)
		if err != nil {
			return err
		}
		return c.message(name, e.Elements)
	}
	return nil
}

func (c *protoRules) enum(scope string, e *proto.Enum) error {
	name, err := c.declare(scope, e.Name)
	if err != nil {
		return err
	}
	names, numbers, alias, first := map[string]bool{}, map[int]string{}, false, true
	for _, x := range e.Elements {
		if o, ok := x.(*proto.Option); ok && o.Name == "allow_alias" {
			alias = o.Constant.Source == "true"
		}
	}
	for _, x := range e.Elements {
		v, ok := x.(*proto.EnumField)
		if !ok {
			continue
		}
		if first && c.proto3 && v.Integer != 0 {
			return fmt.Errorf("the first value of the enum %s must be 0 in proto3", name)
		}
		if first = false; names[v.Name] {
			return fmt.Errorf("%s is in the enum %s twice", v.Name, name)
		}
		if other, taken := numbers[v.Integer]; taken && !alias {
			return fmt.Errorf("the number %d is of %s and of %s in the enum %s", v.Integer, other, v.Name, name)
		}
		names[v.Name], numbers[v.Integer] = true, v.Name
	}
	if first {
		return fmt.Errorf("the enum %s has no values", name)
	}
	return nil
}

// protoMember is a field of a message, of whatever form.
type protoMember struct {
	name   string
	types  []string
	number int
}

func (c *protoRules) message(message string, elements []proto.Visitee) error {
	var fields []protoMember
	var reserved []proto.Range
	gone := map[string]bool{}
	var take func(elements []proto.Visitee) error
	take = func(elements []proto.Visitee) error {
		for _, e := range elements {
			switch e := e.(type) {
			case *proto.NormalField:
				if e.Required && c.proto3 {
					return fmt.Errorf("the field %s of %s is required, which proto3 does not have", e.Name, message)
				}
				fields = append(fields, protoMember{e.Name, []string{e.Type}, e.Sequence})
			case *proto.OneOfField:
				fields = append(fields, protoMember{e.Name, []string{e.Type}, e.Sequence})
			case *proto.MapField:
				if g := protoGroups[e.KeyType]; g == "" || g == "float" || g == "double" || e.KeyType == "bytes" {
					return fmt.Errorf("the map %s of %s has keys of the type %s", e.Name, message, e.KeyType)
				}
				fields = append(fields, protoMember{e.Name, []string{e.Type}, e.Sequence})
			case *proto.Oneof:
				if err := take(e.Elements); err != nil {
					return err
				}
			case *proto.Group:
				if c.proto3 {
					return fmt.Errorf("%s of %s is a group, which proto3 does not have", e.Name, message)
				}
				fields = append(fields, protoMember{strings.ToLower(e.Name), nil, e.Sequence})
				name, err := c.declare(message, e.Name)
				if err != nil {
					return err
				}
				if err := c.message(name, e.Elements); err != nil {
					return err
				}
			case *proto.Reserved:
				reserved = append(reserved, e.Ranges...)
				for _, n := range e.FieldNames {
					gone[n] = true
				}
			default:
				if err := c.element(message, e); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := take(elements); err != nil {
		return err
	}
	names, numbers := map[string]bool{}, map[int]string{}
	for _, f := range fields {
		switch {
		case f.number < 1 || f.number > maxFieldNumber || f.number >= firstPrivateNumber && f.number <= lastPrivateNumber:
			return fmt.Errorf("the field %s of %s has the number %d: numbers are 1 to %d, without %d to %d", f.name, message, f.number, maxFieldNumber, firstPrivateNumber, lastPrivateNumber)
		case names[f.name]:
			return fmt.Errorf("the field %s is in %s twice", f.name, message)
		case numbers[f.number] != "":
			return fmt.Errorf("the fields %s and %s of %s have the number %d", numbers[f.number], f.name, message, f.number)
		case gone[f.name]:
			return fmt.Errorf("the field name %s is reserved in %s", f.name, message)
		}
		for _, r := range reserved {
			if f.number >= r.From && (r.Max || f.number <= r.To) {
				return fmt.Errorf("the number %d of the field %s is reserved in %s", f.number, f.name, message)
			}
		}
		for _, typ := range f.types {
			if _, kind := c.file.resolve(message, typ); protoGroups[typ] == "" && kind == "" && !c.imports {
				return fmt.Errorf("the type %s of the field %s of %s is not defined", typ, f.name, message)
			}
		}
		names[f.name], numbers[f.number] = true, f.name
	}
	return nil
}
