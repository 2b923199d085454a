package expr

import "slices"

// AttributesIn returns the first parts of the paths in an expression of any kind, as names say. Of a text that is no
// expression it returns what looks like them.
func AttributesIn(text string, names map[string]string) []string {
	var out []string
	list := tokens(text)
	for i, t := range list {
		switch {
		case i > 0 && list[i-1].is("."): // within what is before the dot
		case t.kind == tokenName:
			if n, ok := names[t.text]; ok {
				out = append(out, n)
			}
		case t.kind != tokenWord || slices.ContainsFunc(keywords, t.is):
		case list[i+1].is("("): // a function
		default:
			out = append(out, t.text)
		}
	}
	return out
}
