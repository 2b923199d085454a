package policy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Codes of a glob that stand for no character. Below them come variables, by their index.
const (
	anyText  int32 = -1
	anyRune  int32 = -2
	variable int32 = -16 // minus the index
)

// A glob is a text with wildcards and variables.
type glob struct {
	codes []int32
	vars  []reference
	// What can be compared without the codes: the whole text, or the text before a single "*" at
	// the end.
	text          string
	exact, prefix bool
}

// reference is a policy variable, ${key} or ${key, 'default'}.
type reference struct {
	key        string // lower case
	def        string
	hasDefault bool
}

var literal = strings.NewReplacer("${", "${$}{", "*", "${*}", "?", "${?}")

// Literal is how a document of version 2012-10-17 names a text that may have wildcards or variables in it, for itself alone.
func Literal(text string) string {
	if !strings.ContainsAny(text, "*?$") {
		return text
	}
	return literal.Replace(text)
}

// newGlob compiles text. With variables, ${...} is a variable, as in documents of version 2012-10-17;
// with wildcards, "*" and "?" are wildcards; with fold, characters are in lower case, as what is
// matched must be.
func newGlob(text string, variables, wildcards, fold bool) glob {
	var g glob
	g.codes = make([]int32, 0, len(text))
	special := false
	for i := 0; i < len(text); {
		if variables && strings.HasPrefix(text[i:], "${") {
			if end := strings.IndexByte(text[i:], '}'); end > 0 {
				g.add(text[i+2:i+end], fold)
				special = true
				i += end + 1
				continue
			}
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		i += size
		switch {
		case r == '*' && wildcards:
			if n := len(g.codes); n == 0 || g.codes[n-1] != anyText {
				g.codes = append(g.codes, anyText)
			}
			if strings.Trim(text[i:], "*") != "" {
				special = true
			}
		case r == '?' && wildcards:
			g.codes = append(g.codes, anyRune)
			special = true
		default:
			if fold {
				r = unicode.ToLower(r)
			}
			g.codes = append(g.codes, r)
		}
	}
	if special {
		return g
	}
	g.text = text
	if fold {
		g.text = strings.ToLower(text)
	}
	if n := len(g.codes); n > 0 && g.codes[n-1] == anyText {
		g.text, g.prefix = strings.TrimRight(g.text, "*"), true
	} else {
		g.exact = true
	}
	return g
}

// add adds the variable whose text between the braces is given.
func (g *glob) add(inner string, fold bool) {
	switch inner {
	case "*", "?", "$": // the characters themselves
		g.codes = append(g.codes, int32(inner[0]))
		return
	}
	var ref reference
	name, rest, ok := strings.Cut(inner, ",")
	ref.key = strings.ToLower(strings.TrimSpace(name))
	if ok {
		rest = strings.TrimSpace(rest)
		if len(rest) >= 2 && rest[0] == '\'' && rest[len(rest)-1] == '\'' {
			ref.def, ref.hasDefault = rest[1:len(rest)-1], true
		}
	}
	if fold {
		ref.def = strings.ToLower(ref.def)
	}
	g.codes = append(g.codes, variable-int32(len(g.vars)))
	g.vars = append(g.vars, ref)
}

// resolve returns the codes with the variables' values in place; false where one has none.
func (g *glob) resolve(keys Keys, fold bool) ([]int32, bool) {
	if len(g.vars) == 0 {
		return g.codes, true
	}
	codes := make([]int32, 0, len(g.codes)+32)
	for _, c := range g.codes {
		if c > variable {
			codes = append(codes, c)
			continue
		}
		ref := g.vars[variable-c]
		value := ref.def
		switch values := keys.get(ref.key); {
		case len(values) == 1:
			value = values[0]
			if fold {
				value = strings.ToLower(value)
			}
		case !ref.hasDefault || len(values) > 1:
			return nil, false // of several values none is the one
		}
		for _, r := range value {
			codes = append(codes, r)
		}
	}
	return codes, true
}

// matches reports whether s, in lower case if the glob was folded, matches.
func (g *glob) matches(s string, keys Keys, fold bool) bool {
	switch {
	case g.exact:
		return s == g.text
	case g.prefix:
		return strings.HasPrefix(s, g.text)
	}
	codes, ok := g.resolve(keys, fold)
	return ok && matchCodes(codes, s)
}

// matchCodes matches from the left, and goes back to the last "*" where that fails.
func matchCodes(codes []int32, s string) bool {
	c, star, from := 0, -1, 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case c < len(codes) && codes[c] == anyText:
			star, from = c, i
			c++
			continue
		case c < len(codes) && (codes[c] == anyRune || codes[c] == r):
			c++
			i += size
			continue
		case star < 0:
			return false
		}
		_, size = utf8.DecodeRuneInString(s[from:])
		from += size
		i, c = from, star+1
	}
	for c < len(codes) && codes[c] == anyText {
		c++
	}
	return c == len(codes)
}

// An arnPattern matches ARNs part by part, whatever their partition.
type arnPattern struct {
	any   bool // "*"
	parts []glob
}

// newARNPattern compiles the pattern of an ARN. A pattern with fewer than six parts is completed with
// wildcards where complete says so; otherwise it matches nothing.
func newARNPattern(text string, variables, complete bool) arnPattern {
	if strings.Trim(text, "*") == "" && text != "" {
		return arnPattern{any: true}
	}
	var p arnPattern
	for _, part := range splitARN(text, variables) {
		p.parts = append(p.parts, newGlob(part, variables, true, false))
	}
	for complete && len(p.parts) < 6 {
		p.parts = append(p.parts, newGlob("*", false, true, false))
	}
	return p
}

// splitARN splits at the first five colons that are in no variable.
func splitARN(text string, variables bool) []string {
	var parts []string
	start := 0
	for i := 0; i < len(text) && len(parts) < 5; i++ {
		if variables && strings.HasPrefix(text[i:], "${") {
			if end := strings.IndexByte(text[i:], '}'); end > 0 {
				i += end
				continue
			}
		}
		if text[i] == ':' {
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

func (p *arnPattern) matches(arn string, keys Keys) bool {
	if p.any {
		return true
	}
	if len(p.parts) != 6 {
		return false
	}
	for i := range p.parts {
		part := arn
		if i < 5 {
			var ok bool
			if part, arn, ok = strings.Cut(arn, ":"); !ok {
				return false
			}
		}
		if i == 1 {
			if !p.parts[i].matchesPartition(part, keys) {
				return false
			}
		} else if !p.parts[i].matches(part, keys, false) {
			return false
		}
	}
	return true
}
