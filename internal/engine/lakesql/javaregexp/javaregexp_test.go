package javaregexp

import (
	"errors"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct{ pattern, text, want string }{
		{`(\d+)-(\w+)`, "12-ab", "12|ab"},
		{`(a)|(b)`, "b", "-|b"},
		{`(a+)b`, "aab ", "no match"},
		{`(?!x)(\S+) (\S+)`, "ab cd", "ab|cd"},
		{`(?!x)(\S+) (\S+)`, "xb cd", "no match"},
		{`([^ ]*+) (.*)`, "a b c", "a|b c"},
		{`(a++)a`, "aaa", "no match"},
		{`(?:ab){2}+(c)`, "ababc", "c"},
		{`(?<first>a)(b)\k<first>(?=$)`, "aba", "a|b"},
		{`(\p{Alpha}+)(?<=c)([\p{Digit}_]+)`, "abc1_", "abc|1_"},
		{`(?>a+)(b)`, "aab", "b"},
		{`\Qa.b\E(?=c)(c)`, "a.bc", "c"},
		{`([a-z&&[^b]]+)(?=b)(b)`, "acb", "ac|b"},
		{`([\w&&[^\d_é]]+)(?!x)(.)`, "ab1", "ab|1"},
		{`(\h+)(?!x)(y)`, " \ty", " \t|y"},
		{`(.)(?=é)(é+?)`, "aéé", "a|éé"},
		{`([^\]]*)\](?!q)`, "ab]", "ab"},
		{strings.Repeat(`(\S+) ?`, 30), strings.TrimSpace(strings.Repeat("x ", 30)), strings.TrimSuffix(strings.Repeat("x|", 30), "|")},
	} {
		re, err := Compile(c.pattern, false)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		m, err := re.Match(c.text)
		got := "no match"
		if m != nil {
			parts := make([]string, len(m))
			for i, p := range m {
				if parts[i] = "-"; p != nil {
					parts[i] = *p
				}
			}
			got = strings.Join(parts, "|")
		}
		if got != c.want || err != nil {
			t.Errorf("%s on %q: %s, %v, want %s", c.pattern, c.text, got, err, c.want)
		}
	}
	for _, p := range []string{"(", "[a[b](?=c)", `[a-z&&\b](?=c)`, `\p{javaLowerCase}(?=a)`, strings.Repeat("a", maxLength+1), "(?<a"} {
		if _, err := Compile(p, false); err == nil {
			t.Errorf("%.20s is taken", p)
		}
	}
	// Backtracking ends.
	re, err := Compile(`(?=a)(a|aa)+$(?!b)x`, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := re.Match(strings.Repeat("a", 60) + "b"); !errors.Is(err, ErrTimeout) {
		t.Errorf("a match without end: %v", err)
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(`(?<a>[^\]\d]*+)\k<a>\p{Alpha}(?=x)\Qa\E`, "aa")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 200 || len(text) > 200 {
			return
		}
		if re, err := Compile(pattern, false); err == nil {
			re.Match(text)
		}
	})
}
