package crawl

import (
	"fmt"
	"regexp"
	"strings"
)

// compileExclusions turns glob patterns into one test of a key relative to the target.
// In a pattern * stands for any text within a folder, ** for any text, ? for one
// character, [abc] and [!abc] for one of a set, {a,b} for either; a backslash takes the
// next character as it is.
func compileExclusions(patterns []string) (func(string) bool, error) {
	if len(patterns) == 0 {
		return func(string) bool { return false }, nil
	}
	var all []string
	for _, p := range patterns {
		expr, err := globPattern(p)
		if err != nil {
			return nil, err
		}
		all = append(all, expr)
	}
	re, err := regexp.Compile("(?s)^(?:" + strings.Join(all, "|") + ")$")
	if err != nil {
		return nil, fmt.Errorf("crawl: exclusions %q: %w", patterns, err)
	}
	return re.MatchString, nil
}

func globPattern(p string) (string, error) {
	var b strings.Builder
	braces := 0
	for i := 0; i < len(p); i++ {
		switch c := p[i]; c {
		case '*':
			if i+1 < len(p) && p[i+1] == '*' {
				b.WriteString(".*")
				i++
			} else {
				b.WriteString("[^/]*")
			}
		case '?':
			b.WriteString("[^/]")
		case '[':
			end := strings.IndexByte(p[i+1:], ']')
			if end <= 0 {
				return "", fmt.Errorf("crawl: exclusion %q: bracket is not closed", p)
			}
			set := p[i+1 : i+1+end]
			b.WriteByte('[')
			if set[0] == '!' {
				b.WriteByte('^')
				set = set[1:]
			}
			b.WriteString(strings.NewReplacer(`\`, `\\`, `^`, `\^`, `[`, `\[`).Replace(set))
			b.WriteByte(']')
			i += end + 1
		case '{':
			braces++
			b.WriteString("(?:")
		case '}':
			if braces == 0 {
				return "", fmt.Errorf("crawl: exclusion %q: brace is not opened", p)
			}
			braces--
			b.WriteByte(')')
		case ',':
			if braces > 0 {
				b.WriteByte('|')
			} else {
				b.WriteByte(',')
			}
		case '\\':
			if i++; i < len(p) {
				b.WriteString(regexp.QuoteMeta(p[i : i+1]))
			}
		default:
			b.WriteString(regexp.QuoteMeta(p[i : i+1]))
		}
	}
	if braces > 0 {
		return "", fmt.Errorf("crawl: exclusion %q: brace is not closed", p)
	}
	return b.String(), nil
}
