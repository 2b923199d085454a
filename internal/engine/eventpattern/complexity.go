package eventpattern

import (
	"encoding/binary"
	"slices"
)

// maxComplexity is how many beginnings of wildcards one text may match at once, in one array of conditions.
const maxComplexity = 10

// maxWays bounds the sets of beginnings that are looked at for a pattern: wildcards with more of them are too complex.
const maxWays = 1 << 14

// CheckRule is ParseRule for a pattern that is new: it refuses one whose wildcards are too complex, as EventBridge does.
// A pattern is too complex where an array has wildcards of which a text matches more than ten beginnings at once, of one or
// of several: each asterisk counts from where it is reached to the end, and each text behind an asterisk as far as it has
// come. Wildcards within anything-but do not count.
func CheckRule(text string) (*Pattern, error) {
	p, err := ParseRule(text)
	ways := maxWays
	if err == nil && p.root.complex(&ways) {
		return nil, &SyntaxError{Reason: "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character", JSON: true}
	}
	return p, err
}

// complex reports whether a node has wildcards that are too complex, or more sets of their beginnings than ways.
func (n *node) complex(ways *int) bool {
	for _, f := range n.fields {
		if f.inner != nil && f.inner.complex(ways) || tooComplex(f.globs, ways) {
			return true
		}
	}
	for _, choices := range n.or {
		if slices.ContainsFunc(choices, func(n *node) bool { return n.complex(ways) }) {
			return true
		}
	}
	return false
}

const anyByte = 256 // an asterisk among the bytes of a wildcard, and a byte that is in none of them

// steps are the bytes of a wildcard between its quotes, which count too, and anyByte.
func (g glob) steps() []int {
	out := []int{'"'}
	for i, part := range g {
		if i > 0 {
			out = append(out, anyByte)
		}
		for _, b := range []byte(part) {
			out = append(out, int(b))
		}
	}
	return append(out, '"')
}

// tooComplex follows all texts at once: a state is a set of beginnings, each the number of a step in the list of all.
func tooComplex(globs []glob, ways *int) bool {
	var all []int // the steps of each wildcard and an end, one behind the other
	var first []uint16
	seen := map[string]bool{}
	for _, g := range globs {
		steps := g.steps()
		first = append(first, uint16(len(all)))
		all = append(append(all, steps...), -1)
	}
	if len(globs) == 0 || len(all) > 1<<16 {
		return len(globs) > 0
	}
	for todo := [][]uint16{first}; len(todo) > 0; {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		bytes := []int{anyByte}
		for _, i := range at {
			if all[i] >= 0 {
				bytes = append(bytes, all[i])
			}
		}
		slices.Sort(bytes)
		for _, b := range slices.Compact(bytes) {
			var to []uint16
			add := func(i uint16) {
				for ; !slices.Contains(to, i); i++ {
					to = append(to, i)
					if all[i] != anyByte {
						return
					}
				}
			}
			for _, i := range at {
				if i > 0 && all[i-1] == anyByte {
					add(i)
				}
				if all[i] == b && b != anyByte {
					add(i + 1)
				}
			}
			if len(to) > maxComplexity {
				return true
			}
			slices.Sort(to)
			key := make([]byte, 0, 2*maxComplexity)
			for _, i := range to {
				key = binary.LittleEndian.AppendUint16(key, i)
			}
			if len(to) > 0 && !seen[string(key)] {
				if *ways--; *ways < 0 {
					return true
				}
				seen[string(key)] = true
				todo = append(todo, to)
			}
		}
	}
	return false
}
