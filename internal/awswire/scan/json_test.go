package scan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// skip takes one value, which must be all.
func skip(text []byte) error {
	s := JSON{Data: text}
	if err := s.Skip(); err != nil {
		return err
	}
	if !s.End() {
		return fail(s.Pos, Malformed)
	}
	return nil
}

func TestErrors(t *testing.T) {
	deep := strings.Repeat("[", MaxDepth)
	for _, tt := range []struct {
		text string
		want string
	}{
		{``, "ends early at byte 0"},
		{`  `, "ends early at byte 2"},
		{`{"a":1,}`, "malformed at byte 7"},
		{`{"a" 1}`, "malformed at byte 5"},
		{`{"a":`, "ends early at byte 5"},
		{`{"a`, "ends early at byte 3"},
		{`{"a":tru}`, "malformed at byte 5"},
		{`[1 2]`, "malformed at byte 3"},
		{`[1,`, "ends early at byte 3"},
		{`01`, "malformed at byte 1"},
		{`-`, "ends early at byte 1"},
		{`1.x`, "malformed at byte 2"},
		{`1e+`, "ends early at byte 3"},
		{"\"a\nb\"", "malformed at byte 2"},
		{"\"a\\n\x01\"", "malformed at byte 4"},
		{`"abcdefghijk\x"`, "malformed at byte 13"},
		{`"\u12G4"`, "malformed at byte 3"},
		{`"\u12`, "malformed at byte 3"},
		{`"\`, "ends early at byte 2"},
		{"\"a\xff\"", "not UTF-8 at byte 1"},
		{"\"\\n\xff\"", "not UTF-8 at byte 1"},
		{deep + "[", fmt.Sprintf("nests deeply at byte %d", MaxDepth)},
		{deep + `{"a":1}`, fmt.Sprintf("nests deeply at byte %d", MaxDepth)},
	} {
		err := skip([]byte(tt.text))
		var e *Error
		if !errors.As(err, &e) || e.Error() != tt.want {
			t.Errorf("%q: %v, want %s", tt.text, err, tt.want)
		}
	}
	if err := skip([]byte(deep + strings.Repeat("]", MaxDepth))); err != nil {
		t.Errorf("%d levels: %v", MaxDepth, err)
	}
	// Levels end with their containers.
	if err := skip([]byte("[" + strings.Repeat(`[{"a":[]}],`, 200) + "{}]")); err != nil {
		t.Error(err)
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		`""`:                                "",
		`"plain and long enough for words"`: "plain and long enough for words",
		`"grüße, 世界"`:                       "grüße, 世界",
		`"a\"\\\/\b\f\n\r\tz"`:              "a\"\\/\b\f\n\r\tz",
		`"\u00e9\uD83D\uDE00!"`:             "é😀!",
		`"\ud83d"`:                          "\ufffd",
		`"\ude00\ud83d\u0041"`:              "\ufffd\ufffdA",
		`"\ud83d\n"`:                        "\ufffd\n",
		`"\ud83dxx\ude00"`:                  "\ufffdxx\ufffd",
		`"\ufffd\ufffd"`:                    "\ufffd\ufffd",
	} {
		s := JSON{Data: []byte(text)}
		got, err := s.Text()
		if err != nil || string(got) != want || !s.End() {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
}

// TestStop looks for what ends a string at every place and beside every byte.
func TestStop(t *testing.T) {
	for n := range 20 {
		for at := range n {
			for c := range 256 {
				b := bytes.Repeat([]byte{'!'}, n)
				b[at] = byte(c)
				want, ascii := n, c < utf8.RuneSelf
				if c == '"' || c == '\\' || c < ' ' {
					want = at
				}
				if got, gotASCII := stop(b, 0); got != want || gotASCII != ascii {
					t.Fatalf("%q: %d, %v, want %d, %v", b, got, gotASCII, want, ascii)
				}
				if at+1 < n { // what is behind it is of no account
					for _, next := range []byte{'"', 0x80, 0xa2, 0xdc} {
						b[at+1] = next
						want, ascii := want, ascii
						if want == n {
							if next == '"' {
								want = at + 1
							} else {
								ascii = false
							}
						}
						if got, gotASCII := stop(b, 0); got != want || gotASCII != ascii {
							t.Fatalf("%q: %d, %v, want %d, %v", b, got, gotASCII, want, ascii)
						}
					}
				}
			}
		}
	}
}

// FuzzJSON compares Skip with encoding/json.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-2.5e3,true,false,null,"x\u00e9\n"],"b":{}}`, ` [ ] `, `"\ud83d\ude00"`, `[01]`, `{"a":1,}`, "\"\xff\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		err := skip(text)
		valid := json.Valid(text) && utf8.Valid(text)
		var e *Error
		if errors.As(err, &e) && (e.Pos < 0 || e.Pos > len(text)) {
			t.Errorf("%q: %v", text, err)
		}
		if (err == nil) != valid && (e == nil || e.Reason != TooDeep) {
			t.Errorf("%q: %v, valid: %v", text, err, valid)
		}
	})
}

// FuzzText compares the three ways to read a string, and what AppendQuoted makes of it.
func FuzzText(f *testing.F) {
	for _, seed := range []string{`plain`, `a\u00e9\n`, `\ud83d\ude00`, "\xff", "grüße", `\/`, `\`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, inner []byte) {
		quoted := append(append([]byte{'"'}, inner...), '"')
		s := JSON{Data: quoted}
		got, err := s.Text()
		if err == nil {
			var want string
			if json.Unmarshal(quoted[:s.Pos], &want) != nil || string(got) != want {
				t.Errorf("%q: %q, want %q", quoted, got, want)
			}
		} else if json.Valid(quoted) && utf8.Valid(quoted) {
			t.Errorf("%q: %v", quoted, err)
		}
		p := JSON{Data: quoted}
		if plain, ok := p.Plain(); ok && (err != nil || !bytes.Equal(plain, got) || p.Pos != s.Pos) {
			t.Errorf("%q: plain %q, text %q, %v", quoted, plain, got, err)
		} else if !ok && err == nil && bytes.IndexByte(quoted[:s.Pos], '\\') < 0 {
			t.Errorf("%q: not plain", quoted)
		}
		q := JSON{Data: quoted}
		if raw, ok := q.Quoted(); !ok || !bytes.Equal(raw, inner[:len(raw)]) {
			t.Errorf("%q: %q, %v", quoted, raw, ok)
		}
		a := JSON{Data: AppendQuoted(nil, inner)}
		again, err := a.Text()
		if err != nil || !a.End() || string(again) != string([]rune(string(inner))) {
			t.Errorf("%q is quoted as %s, %v", inner, a.Data, err)
		}
	})
}
