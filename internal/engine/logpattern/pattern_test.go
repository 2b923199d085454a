package logpattern

import (
	"bytes"
	"errors"
	"maps"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	const clf = `127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
	const trail = `{"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["value", "another value"],
		"objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "n": 12.50, "ok": true, "no": false, "a b": "\u0045x", "": 1}`
	for _, c := range []struct {
		pattern, message string
		want             bool
	}{
		{"", "anything", true},
		{`""`, "anything", true},
		{"ERROR", "[ERROR 400] BAD REQUEST", true},
		{"ERROR", "error", false},
		{"ERROR REQUEST", "[ERROR 400] BAD REQUEST", true},
		{"ERROR Exception", "[ERROR 400] BAD REQUEST", false},
		{`"BAD REQUEST"`, "[ERROR 400] BAD REQUEST", true},
		{`"REQUEST BAD"`, "[ERROR 400] BAD REQUEST", false},
		{`"say \"hi\""`, `say "hi"`, true},
		{"ERROR -BAD", "[ERROR 400] BAD REQUEST", false},
		{"ERROR -GOOD", "[ERROR 400] BAD REQUEST", true},
		{"?WARN ?ERROR", "[ERROR 400] BAD REQUEST", true},
		{"?WARN ?INFO", "[ERROR 400] BAD REQUEST", false},
		{"?WARN REQUEST", "[ERROR 400] BAD REQUEST", true},
		{`%4\d\d%`, "[ERROR 400] BAD REQUEST", true},
		{`%^4\d\d% ERROR`, "[ERROR 400] BAD REQUEST", false},
		{`-%5\d\d%`, "[ERROR 400] BAD REQUEST", true},

		{`{ $.eventType = "UpdateTrail" }`, trail, true},
		{`{ $.eventType = UpdateTrail }`, trail, true},
		{`{ $.eventType = "Update*" }`, trail, true},
		{`{ $.eventType = %^Update.*l$% }`, trail, true},
		{`{ $.eventType != "UpdateTrail" }`, trail, false},
		{`{ $.missing != "UpdateTrail" }`, trail, false},
		{`{ $.sourceIPAddress != 123.123.* }`, trail, true},
		{`{ $.sourceIPAddress = 111.111.* }`, trail, true},
		{`{ $.arrayKey[0] = "value" }`, trail, true},
		{`{ $.arrayKey[*] = "another value" }`, trail, true},
		{`{ $.arrayKey[2] = "value" }`, trail, false},
		{`{ $.objectList[1].id = 2 }`, trail, true},
		{`{ $.objectList[1].id = "2" }`, trail, false},
		{`{ $.SomeObject IS NULL }`, trail, true},
		{`{ $.n IS NULL }`, trail, false},
		{`{ $.SomeOtherObject NOT EXISTS }`, trail, true},
		{`{ $.n NOT EXISTS }`, trail, false},
		{`{ $.n = 12.5 }`, trail, true},
		{`{ $.n > 12 && $.n <= 12.5 }`, trail, true},
		{`{ $.n = 1.25e1 }`, trail, true},
		{`{ $.ok IS TRUE && $.no IS FALSE }`, trail, true},
		{`{ $.no IS TRUE }`, trail, false},
		{`{ ($.n > 100 || $.ok IS TRUE) && ($.eventType = *Trail) }`, trail, true},
		{`{($.n>100)||($.n=3)}`, trail, false},
		{`{ $['a b'] = "Ex" }`, trail, true},
		{`{ $.['a b'] = "Ex" }`, trail, true},
		{`{ $.n = 12.5 }`, `n 12.5`, false},
		{`{ $.n = 12.5 }`, `{"n": 12.5} and more`, false},

		{`[ip, user, username, timestamp, request, status_code, bytes]`, clf, true},
		{`[ip, user, username, timestamp, request, status_code = 404, bytes]`, clf, true},
		{`[ip, user, username, timestamp, request, status_code = 4*, bytes > 1000]`, clf, true},
		{`[ip, user, username, timestamp, request = *.html*, status_code = 4*]`, clf, false},
		{`[ip, user, username, timestamp, request = *.html*, status_code = 4*,]`, clf, true},
		{`[..., status_code=5* || status_code=404, bytes]`, clf, true},
		{`[..., status_code!=404, bytes]`, clf, false},
		{`[ip, ..., bytes = 1534]`, clf, true},
		{`[ip=%127\.0\.0\.[1-9]%, ...]`, clf, true},
		{`[ip="127.0.0.1", ...]`, clf, true},
		{`[w1, ...]`, "", false},
	} {
		p, err := Parse(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got := p.Match([]byte(c.message)); got != c.want {
			t.Errorf("%s matches %q: %v", c.pattern, c.message, got)
		}
		for _, r := range p.Required() {
			if c.want && !strings.Contains(c.message, r) {
				t.Errorf("%s requires %q of %q, which matches", c.pattern, r, c.message)
			}
		}
	}
}

func TestExtract(t *testing.T) {
	for _, c := range []struct {
		pattern, message string
		want             map[string]string
	}{
		{`[ip, , user, ...]`, `1.2.3.4 - frank [a b] "c d"`, map[string]string{"$ip": "1.2.3.4", "$2": "-", "$user": "frank", "$4": "a b", "$5": "c d"}},
		{`{ $.a.b = * && $.c > 1 }`, `{"a": {"b": "x\ty"}, "c": 2.0}`, map[string]string{"$.a.b": "x\ty", "$.c": "2.0"}},
		{`a`, `a`, map[string]string{}},
	} {
		p, err := Parse(c.pattern)
		if err != nil {
			t.Fatalf("%s: %v", c.pattern, err)
		}
		got, ok := p.Extract([]byte(c.message))
		if !ok || !maps.Equal(got, c.want) {
			t.Errorf("%s of %q: %v, %v; want %v", c.pattern, c.message, got, ok, c.want)
		}
	}
	p, _ := Parse(`{ $.a = 1 }`)
	if v, ok := p.Value([]byte(`{"a": 1, "latency": 17}`), "$.latency"); !ok || v != "17" {
		t.Errorf("$.latency is %q, %v", v, ok)
	}
}

// TestLiterals looks for what a JSON pattern needs before a message is read.
func TestLiterals(t *testing.T) {
	for _, c := range []struct{ pattern, want string }{
		{`{ $.level = "ERROR" && $.user.name = a*b }`, "ERROR a b level user name"},
		{`{ $.level = ERROR || $.n = 1 }`, ""},
		{`{ ($.a = "x" || $.a = "y") && $.b = 1.0 }`, "b"},
		{`{ $.a NOT EXISTS && $.b IS NULL && $['c d'] != "z" && $.e = %x+% }`, "b c d e"},
		{`{ $.a = "a \"b" }`, "a"},
	} {
		p, err := Parse(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(bytes.Join(p.json.literals, []byte(" "))); got != c.want {
			t.Errorf("%s: %q, want %q", c.pattern, got, c.want)
		}
	}
	p, _ := Parse(`{ $.level = "ERROR" }`)
	for message, want := range map[string]bool{
		`{"level": "ERROR"}`: true, `{"level": "\u0045RROR"}`: true, `{"le\u0076el": "ERROR"}`: true, `{"level": "ERROR", "x": "\n"}`: true,
		`{"level": "INFO"}`: false, `{"level": "INFO", "x": "ERROR"}`: false, `{"level": "\u0046RROR"}`: false, `{"level": "ERROR"`: false,
	} {
		if p.Match([]byte(message)) != want {
			t.Errorf("%s: not %v", message, want)
		}
	}
}

func BenchmarkJSON(b *testing.B) {
	p, err := Parse(`{ $.level = "ERROR" }`)
	if err != nil {
		b.Fatal(err)
	}
	message := []byte(`{"level":"INFO","request":"3-17-201","ms":37,"path":"/api/orders/118","user":"u12"}`)
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		p.Match(message)
	}
}

func TestSyntax(t *testing.T) {
	for _, s := range []string{
		`"a`, `a:b`, `- a`, `?`, `%a`, `%%`, `%(%`, `{`, `{}`, `{ $.a }`, `{ $. = 1 }`, `{ a = 1 }`, `{ $.a = }`, `{ $.a = 1 || }`, `{ ($.a = 1 }`,
		`{ $.a = 1 } x`, `{ $.a > b }`, `{ $.a[x] = 1 }`, `{ $.a[1 = 1 }`, `[`, `[]`, `[a b]`, `[a = 1 || b = 2]`, `[..., a, ...]`, `[a=]`,
		`{ ` + strings.Repeat("(", 200) + `$.a = 1` + strings.Repeat(")", 200) + ` }`, strings.Repeat("a", 1025), "\xff",
	} {
		if _, err := Parse(s); !errors.Is(err, ErrSyntax) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, p := range []string{"a -b", "?a ?b", `"a \" b"`, "%a+%", `{ $.a[0]['b'] = 1* && ($.c IS NULL || $.d NOT EXISTS) }`, "[a, b=1* || b>2, ..., c]"} {
		f.Add(p, `{"a": [{"b": "12"}], "c": null}`)
		f.Add(p, `a [b c] "d e" 3`)
	}
	f.Fuzz(func(t *testing.T, pattern, message string) {
		p, err := Parse(pattern)
		if err != nil {
			if !errors.Is(err, ErrSyntax) {
				t.Fatal(err)
			}
			return
		}
		_, ok := p.Extract([]byte(message))
		if got := p.Match([]byte(message)); got != ok {
			t.Fatalf("%q on %q: Match %v, Extract %v", pattern, message, got, ok)
		}
		if p.json != nil { // the quick look at what must be there decides nothing by itself
			slow := *p.json
			slow.literals = nil
			if slow.match([]byte(message)) != ok {
				t.Fatalf("%q on %q: %v with the literals %q", pattern, message, ok, p.json.literals)
			}
		}
		if ok {
			for _, r := range p.Required() {
				if !strings.Contains(message, r) {
					t.Fatalf("%q matches %q without %q", pattern, message, r)
				}
			}
		}
	})
}
