package template

import (
	"fmt"
	"maps"
	"slices"
)

// A maker checks arguments once and returns what appends a value each time.
type maker func(a arguments) (appender, error)

// modules are the methods, by module and name.
var modules map[string]map[string]maker

func init() { // an initializer would be a circle: lists of methods are in errors of methods
	modules = map[string]map[string]maker{
		"address": addressMethods, "commerce": commerceMethods, "company": companyMethods, "database": databaseMethods, "datatype": datatypeMethods,
		"date": dateMethods, "finance": financeMethods, "hacker": hackerMethods, "helpers": helperMethods,
		"image": imageMethods, "internet": internetMethods, "lorem": loremMethods, "name": nameMethods,
		"phone": phoneMethods, "random": randomMethods, "system": systemMethods, "vehicle": vehicleMethods,
	}
}

// Modules lists the modules, in order.
func Modules() []string { return slices.Sorted(maps.Keys(modules)) }

// Methods lists the methods of a module, in order.
func Methods(module string) []string { return slices.Sorted(maps.Keys(modules[module])) }

// plain is a method without arguments that gives text. Arguments that it is called with do nothing,
// as in JavaScript.
func plain(f func(s *Source) string) maker {
	return func(arguments) (appender, error) {
		return func(s *Source, dst []byte) []byte { return append(dst, f(s)...) }, nil
	}
}

// oneOf is a method that gives one of some texts.
func oneOf(list ...string) maker {
	return plain(func(s *Source) string { return s.pick(list) })
}

// pattern is a method that gives a format with its # made digits and its ? letters.
func pattern(formats ...string) maker {
	return func(arguments) (appender, error) {
		return func(s *Source, dst []byte) []byte { return s.appendSymbols(dst, s.pick(formats)) }, nil
	}
}

// joined is a method that appends several others, each with text before it.
func joined(parts ...any) maker {
	return func(arguments) (appender, error) {
		var list []appender
		for _, p := range parts {
			if text, ok := p.(string); ok {
				list = append(list, func(_ *Source, dst []byte) []byte { return append(dst, text...) })
				continue
			}
			a, err := p.(maker)(nil)
			if err != nil {
				return nil, err
			}
			list = append(list, a)
		}
		return func(s *Source, dst []byte) []byte {
			for _, a := range list {
				dst = a(s, dst)
			}
			return dst
		}, nil
	}
}

// anyOf is a method that does one of several.
func anyOf(methods ...maker) maker {
	return func(a arguments) (appender, error) {
		list := make([]appender, len(methods))
		for i, m := range methods {
			var err error
			if list[i], err = m(a); err != nil {
				return nil, err
			}
		}
		return func(s *Source, dst []byte) []byte { return list[s.rng.IntN(len(list))](s, dst) }, nil
	}
}

func (s *Source) pick(list []string) string { return list[s.rng.IntN(len(list))] }

// appendSymbols appends a format with each # made a digit and each ? a letter.
func (s *Source) appendSymbols(dst []byte, format string) []byte {
	for i := range len(format) {
		switch c := format[i]; c {
		case '#':
			dst = append(dst, byte('0'+s.rng.IntN(10)))
		case '?':
			dst = append(dst, byte('A'+s.rng.IntN(26)))
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// appendOf appends n characters of an alphabet.
func (s *Source) appendOf(dst []byte, alphabet string, n int) []byte {
	for range n {
		dst = append(dst, alphabet[s.rng.IntN(len(alphabet))])
	}
	return dst
}

// element checks that an argument is a list with something in it.
func element(v any) ([]any, error) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, fmt.Errorf(`want a list, as ["a","b"]`)
	}
	return list, nil
}
