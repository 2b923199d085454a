package duck

import (
	"regexp"
	"testing"
)

// TestClasses: classes of Java's that are made of others match the characters that Java's do.
func TestClasses(t *testing.T) {
	for _, c := range []struct{ pattern, in, out string }{
		{`[a-z&&[def]]`, "def", "agz"},
		{`[a-z&&[^bc]]`, "adz", "bcA"},
		{`[a-z&&[^m-p]]`, "alqz", "mnop"},
		{`[a-d[m-p]]`, "admp", "elq"},
		{`[^a-d[m-p]]`, "elqé", "adm"},
		{`[\w&&[^\d]]`, "a_Z", "09-"},
		{`[\w&&\D]`, "a_Z", "09-"},
		{`[\p{L}&&[^\p{Lu}]]`, "aéß", "AÉ1"},
		{`[\p{Alpha}&&\P{Lower}]`, "AZ", "az1é"},
		{`[a-z&&b-y&&[^c]]`, "by", "acz"},
		{`[^a-z&&[^0-9]]`, "A0é", "az"},
		{`[&a&&[&b]]`, "&", "ab"},
		{`[a-z&&]`, "az", "A"},
		{`[\[\]&&[\]]]`, "]", "["},
		{`[\u0041-\x5a&&[\x{42}C]]`, "BC", "AD"},
		{`[а-я[ё]&&[^б]]`, "аёя", "бz"},
		{`\Q[a&&b]\E|x`, "x", "a"},
		{`[[:alpha:]&&[^a]]`, "bZ", "a1"},
		{`[a&b]`, "a&b", "c"},
	} {
		out, missing := Pattern(c.pattern)
		re, err := regexp.Compile(`^(?:` + out + `)$`)
		if missing != "" || err != nil {
			t.Errorf("%s: %q, %v", c.pattern, missing, err)
			continue
		}
		for _, r := range c.in {
			if !re.MatchString(string(r)) {
				t.Errorf("%s (%s) does not match %q", c.pattern, out, r)
			}
		}
		for _, r := range c.out {
			if re.MatchString(string(r)) {
				t.Errorf("%s (%s) matches %q", c.pattern, out, r)
			}
		}
	}
	for _, pattern := range []string{`[a&&[b`, `[a&&\b]`, `[z-a&&b]`, `[a&&\p{Nonsense}]`} {
		if out, missing := Pattern(pattern); missing == "" {
			t.Errorf("%s is %s", pattern, out)
		}
	}
}

func FuzzClasses(f *testing.F) {
	f.Add(`[a-z&&[^bc]]`)
	f.Add(`\Q[\E[[a]&&\p{L}]`)
	f.Add(`[\x{`)
	f.Add(`[\p`)
	f.Fuzz(func(t *testing.T, p string) {
		if out, missing := Classes(p); missing == "" && len(out) > 100*len(p)+1<<20 {
			t.Errorf("%d bytes of %q", len(out), p)
		}
	})
}
