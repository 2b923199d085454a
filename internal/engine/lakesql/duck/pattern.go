package duck

import "strings"

// posixClasses are Java's names in RE2's words.
var posixClasses = map[string]string{"Alpha": "[:alpha:]", "Digit": "[:digit:]", "Alnum": "[:alnum:]", "Upper": "[:upper:]", "Lower": "[:lower:]",
	"Punct": "[:punct:]", "Space": "[:space:]", "Blank": "[:blank:]", "Cntrl": "[:cntrl:]", "XDigit": "[:xdigit:]", "Graph": "[:graph:]", "Print": "[:print:]", "ASCII": "[:ascii:]"}

// Pattern rewrites a regular expression of Java's for RE2; what is not empty names what RE2 does not have.
func Pattern(p string) (out, missing string) {
	p, missing = Classes(p)
	if missing != "" {
		return "", missing
	}
	var b strings.Builder
	class := 0 // depth of [
	for i := 0; i < len(p); {
		rest := p[i:]
		switch c := p[i]; {
		case class == 0 && strings.HasPrefix(rest, `\Q`):
			end := strings.Index(rest, `\E`)
			if end < 0 {
				end = len(rest) - 2
			}
			b.WriteString(rest[:end+2])
			i += end + 2
			continue
		case c == '\\' && i+1 < len(p):
			d := p[i+1]
			switch {
			case d >= '1' && d <= '9' && class == 0:
				return "", "back-reference " + rest[:2]
			case d == 'k' && class == 0:
				return "", "back-reference \\k"
			case d == 'G' || d == 'Z' || d == 'X' || d == 'R':
				return "", "\\" + string(d)
			case d == 'h':
				space := `\t\x{A0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000} `
				if class == 0 {
					space = "[" + space + "]"
				}
				b.WriteString(space)
			case d == 'u' && len(rest) >= 6:
				b.WriteString(`\x{` + rest[2:6] + `}`)
				i += 4
			case d == 'e':
				b.WriteString(`\x1b`)
			case d == 'p' || d == 'P':
				end := strings.IndexByte(rest, '}')
				if end < 3 || rest[2] != '{' {
					b.WriteString(rest[:2])
					break
				}
				name := rest[3:end]
				if posix, ok := posixClasses[name]; ok {
					if d == 'P' {
						posix = "[:^" + posix[2:]
					}
					if class == 0 {
						posix = "[" + posix + "]"
					}
					b.WriteString(posix)
				} else {
					b.WriteString(`\` + string(d) + `{` + strings.TrimPrefix(name, "Is") + `}`)
				}
				i += end - 1
			default:
				b.WriteString(rest[:2])
			}
			i += 2
			continue
		case c == '[':
			if class > 0 && !strings.HasPrefix(rest, "[:") {
				return "", "class within a class"
			}
			class++
		case c == ']' && class > 0:
			class--
		case class > 0 && strings.HasPrefix(rest, "&&"):
			return "", "intersection of classes"
		case class > 0:
		case strings.HasPrefix(rest, "(?=") || strings.HasPrefix(rest, "(?!"):
			return "", "lookahead " + rest[:3]
		case strings.HasPrefix(rest, "(?<=") || strings.HasPrefix(rest, "(?<!"):
			return "", "lookbehind " + rest[:4]
		case strings.HasPrefix(rest, "(?>"):
			return "", "atomic group (?>"
		case strings.HasPrefix(rest, "(?<"):
			b.WriteString("(?P<")
			i += 3
			continue
		case strings.IndexByte("*+?}", c) >= 0 && i+1 < len(p) && p[i+1] == '+' && i > 0:
			return "", "possessive quantifier " + rest[:2]
		}
		b.WriteByte(p[i])
		i++
	}
	return b.String(), ""
}
