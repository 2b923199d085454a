package sql

import "reflect"

// Walk calls f for a node and, where f says so, for the nodes in it, in the order of their
// fields.
func Walk(n Node, f func(Node) bool) { walk(reflect.ValueOf(n), f) }

func walk(v reflect.Value, f func(Node) bool) {
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			walk(v.Elem(), f)
		}
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		if n, ok := v.Interface().(Node); ok && !f(n) {
			return
		}
		walk(v.Elem(), f)
	case reflect.Struct:
		for i := range v.NumField() {
			walk(v.Field(i), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), f)
		}
	}
}
