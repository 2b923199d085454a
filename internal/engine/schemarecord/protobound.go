package schemarecord

import (
	"errors"
	"strings"
)

// Limits of a definition in Protocol Buffers beside its size. The compiler makes a full name of everything that has one, and
// walks a value of an option again for each value in it.
const (
	maxNesting = 100      // brackets of all kinds within one another
	maxNames   = 16 << 20 // bytes of full names, about
)

var errDefinition = errors.New("the schema nests deeper than 100, or its full names have more than 16 MiB")

// checkProtobuf refuses a definition that would take much more memory than it has bytes. It knows of the language only what
// ends a statement and what brackets, comments and texts are: what stands before a bracket counts as the name of what is in it.
func checkProtobuf(definition string) error {
	var open []int // what was before the brackets, in bytes
	names, prefix, start := 0, 0, 0
	for i := 0; i < len(definition); i++ {
		switch c := definition[i]; c {
		case '"', '\'':
			for i++; i < len(definition) && definition[i] != c && definition[i] != '\n'; i++ {
				if definition[i] == '\\' {
					i++
				}
			}
		case '/': // there is no other use of it than comments
			rest, end := definition[i+1:], ""
			switch {
			case strings.HasPrefix(rest, "/"):
				end = "\n"
			case strings.HasPrefix(rest, "*"):
				rest, end = rest[1:], "*/"
			default:
				continue
			}
			_, behind, found := strings.Cut(rest, end)
			if !found {
				return nil
			}
			at := len(definition) - len(behind)
			start += at - i // it is no part of a name
			i = at - 1
		case '{', '[', '<', '(':
			if len(open) == maxNesting {
				return errDefinition
			}
			names += prefix + i - start
			open = append(open, i-start)
			prefix += i - start
			start = i + 1
		case '}', ']', '>', ')':
			names += prefix + i - start
			if n := len(open); n > 0 {
				prefix -= open[n-1]
				open = open[:n-1]
			}
			start = i + 1
		case ';', ',':
			names += prefix + i - start
			if c == ';' && len(open) == 0 && strings.HasPrefix(strings.TrimSpace(definition[start:i]), "package") {
				prefix += i - start
			}
			start = i + 1
		}
		if names > maxNames {
			return errDefinition
		}
	}
	return nil
}
