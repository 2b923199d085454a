package recordplan

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestValues(t *testing.T) {
	tests := []struct {
		in   string
		want []string
		rest string
	}{
		{`{"a":1}`, []string{`{"a":1}`}, ""},
		{"{\n  \"a\": 1\n}\n", []string{"{\n  \"a\": 1\n}"}, ""},
		{"{\"a\":1}\n{\"a\":2}\r\n", []string{`{"a":1}`, `{"a":2}`}, ""},
		{`{"a":1}{"a":2} {"a":"}{"}`, []string{`{"a":1}`, `{"a":2}`, `{"a":"}{"}`}, ""},
		{"", nil, ""},
		{" \n", nil, ""},
		{`{"a":1}{"a":`, []string{`{"a":1}`}, `{"a":`},
		{`{"a":1},{"a":2}`, []string{`{"a":1}`}, `,{"a":2}`},
		{`{"a":1} plain text`, []string{`{"a":1}`}, `plain text`},
		{`[1,2] "x" 5`, []string{`[1,2]`, `"x"`, `5`}, ""},
		{`hello`, nil, `hello`},
	}
	var v Values
	for _, tt := range tests {
		v.Reset([]byte(tt.in))
		var got []string
		for v.Next() {
			got = append(got, string(v.Value.Text))
		}
		rest, err := v.Rest()
		if strings.Join(got, "|") != strings.Join(tt.want, "|") || string(rest) != tt.rest || (err != nil) != (tt.rest != "") {
			t.Errorf("%q: %q and rest %q, %v; want %q and %q", tt.in, got, rest, err, tt.want, tt.rest)
		}
	}
}

func FuzzValues(f *testing.F) {
	for _, s := range []string{`{"a":1}{"a":2}`, "{}\n[1]", `{"a"`, `1 2`, `nulltrue`, "{}\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !utf8.Valid(data) || bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > 1000 {
			return
		}
		var v Values
		v.Reset(data)
		d := json.NewDecoder(bytes.NewReader(data))
		for {
			var want json.RawMessage
			err := d.Decode(&want)
			if !v.Next() {
				if _, verr := v.Rest(); (verr == nil) != (err == io.EOF) {
					t.Fatalf("%q ends with %v, encoding/json says %v", data, verr, err)
				}
				return
			}
			if err != nil || !bytes.Equal(v.Value.Text, want) {
				// encoding/json wants a boundary after a bare literal or number.
				if k := v.Value.Text[0]; k != '{' && k != '[' && k != '"' {
					return
				}
				t.Fatalf("%q: found %q, encoding/json says %q, %v", data, v.Value.Text, want, err)
			}
		}
	})
}

func TestDelimited(t *testing.T) {
	delim, err := ParseDelimiter("IyMjIw==")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for part := range Delimited([]byte("a####b#c########d####"), delim) {
		got = append(got, string(part))
	}
	if strings.Join(got, "|") != "a|b#c|d" {
		t.Errorf("parts are %q", got)
	}
	for _, bad := range []string{"", "####", "a"} {
		if _, err := ParseDelimiter(bad); err == nil {
			t.Errorf("delimiter %q is taken", bad)
		}
	}
}

func BenchmarkValues(b *testing.B) {
	data := bytes.Repeat([]byte(`{"temperature": 31, "cpu": 0.8444218515250481, "ram": 0.7579544029403025, "hd": 0.420571580830845, "timestamp": "2026-11-22 05:10:11.123456", "timestamp_sent": "2026-11-22 05", "id_device": 7}`), 100)
	var v Values
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		v.Reset(data)
		n := 0
		for v.Next() {
			n++
		}
		if n != 100 {
			b.Fatal(n)
		}
	}
}
