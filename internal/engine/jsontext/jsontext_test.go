package jsontext

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

var seeds = []string{
	`{}`, `[]`, `null`, `true`, `false`, `0`, `-0`, `01`, `1.`, `1.5e+3`, `-`, `"a"`, `"\u00e9"`, `"\ud83d\ude00"`,
	`"\ud800"`, `{"a":1,"b":[1,2,{"c":null}],"a":2}`, ` {"a" : "x\ny" } `, `{"a":1}{"a":2}`, `{"a"}`, `{"a":1,}`,
	"\"\x01\"", "\"\xff\"", `"\x"`, `"\u12"`, `[1 2]`, `tru`, `nul`, `{"temperature":31,"cpu":0.8444218515250481}`,
	`"aaaaaaaaaaaaaaaaaaaaaaaa\"bbbbbbbbbbbbbbb"`, `"é€😀 and much more after it"`, `12345678901234567890123`, `1e400`,
}

func TestSkipAgainstEncodingJSON(t *testing.T) {
	for _, s := range seeds {
		check(t, []byte(s))
	}
	deep := strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1)
	if valid([]byte(deep)) {
		t.Error("nesting beyond MaxDepth is taken as valid")
	}
	if !valid([]byte(deep[1 : len(deep)-1])) {
		t.Error("nesting of MaxDepth is refused")
	}
}

// valid reports whether b is one JSON value with nothing but white space around it.
func valid(b []byte) bool {
	end, _, _, err := skip(b, SkipSpace(b, 0), 0)
	return err == nil && SkipSpace(b, end) == len(b)
}

// check compares what this package makes of b with what encoding/json makes of it.
func check(t *testing.T, b []byte) {
	t.Helper()
	want := json.Valid(b) && utf8.Valid(b)
	got := valid(b)
	if got != want {
		if want && bytes.Count(b, []byte("["))+bytes.Count(b, []byte("{")) > MaxDepth {
			return
		}
		t.Fatalf("valid(%q) = %v, encoding/json says %v", b, got, want)
	}
	var r Record
	n, err := r.Parse(b)
	if !want {
		return
	}
	if err != nil || len(bytes.TrimSpace(b[n:])) != 0 {
		t.Fatalf("Parse(%q) = %d, %v", b, n, err)
	}
	switch r.Kind {
	case Object:
		var wantMembers map[string]json.RawMessage
		if err := json.Unmarshal(b, &wantMembers); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time from the keys that are expected
			got := make(map[string]string)
			for i := range r.Members {
				m := &r.Members[i]
				name := string(r.AppendKey(nil, m))
				if m.Key >= 0 && r.Keys.Name(m.Key) != name {
					t.Fatalf("Parse(%q): key %d is %q, its number says %q", b, i, name, r.Keys.Name(m.Key))
				}
				got[name] = string(r.Value(m))
			}
			if len(got) != len(wantMembers) {
				t.Fatalf("Parse(%q) has keys %v, want %v", b, got, wantMembers)
			}
			for k, v := range wantMembers {
				if got[k] != string(v) {
					t.Fatalf("Parse(%q): %q is %q, want %q", b, k, got[k], v)
				}
			}
			if _, err := r.Parse(b); err != nil {
				t.Fatal(err)
			}
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, b); err != nil {
			t.Fatal(err)
		}
		if got := AppendCompact(nil, b, false); !bytes.Equal(got, compact.Bytes()) {
			t.Fatalf("AppendCompact(%q) = %q, want %q", b, got, compact.Bytes())
		}
	case String:
		var want string
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		if got := string(AppendUnquoted(nil, r.Text[1:len(r.Text)-1])); got != want {
			t.Fatalf("AppendUnquoted(%q) = %q, want %q", b, got, want)
		}
	case Integer:
		var want int64
		wantErr := json.Unmarshal(r.Text, &want)
		if got, ok := Int(r.Text); ok != (wantErr == nil) || ok && got != want {
			t.Fatalf("Int(%s) = %d, %v, want %d, %v", r.Text, got, ok, want, wantErr)
		}
		fallthrough
	case Real:
		var want float64
		got := Float(r.Text)
		if err := json.Unmarshal(r.Text, &want); err != nil {
			if !math.IsInf(got, 0) {
				t.Fatalf("Float(%s) = %v, want %v", r.Text, got, err)
			}
		} else if math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("Float(%s) = %v, want %v", r.Text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(check)
}

func TestRecordExpectsKeysOfTheLast(t *testing.T) {
	var r Record
	for _, s := range []string{`{"a":1,"b":2}`, `{"a":1,"b":2}`, `{"b":3,"a":4}`, `{"a":1}`, `{"ab":1,"b":2}`, `{"a":1,"b":2,"c":3}`} {
		if _, err := r.Parse([]byte(s)); err != nil {
			t.Fatalf("Parse(%s): %v", s, err)
		}
		for i := range r.Members {
			m := &r.Members[i]
			if got, want := r.Keys.Name(m.Key), string(r.Text[m.KeyLo:m.KeyHi]); got != want {
				t.Errorf("Parse(%s): member %d is %q, want %q", s, i, got, want)
			}
		}
	}
	if _, err := r.Parse([]byte(`{"a":1`)); err == nil || len(r.Members) != 0 || r.Text != nil {
		t.Errorf("after an error the record holds %d members", len(r.Members))
	}
}

func TestKeysAreBounded(t *testing.T) {
	var r Record
	b := []byte{'{'}
	for i := range maxKeys + 10 {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, []byte(strings.Repeat(string(rune('a'+i%26)), 1+i/26%40))...)
		b = append(b, byte('0'+i%10), byte('0'+i/10%10), byte('0'+i/100%10), byte('0'+i/1000%10), byte('0'+i/10000%10), '"', ':', '1')
	}
	b = append(b, '}')
	if _, err := r.Parse(b); err != nil {
		t.Fatal(err)
	}
	if r.Keys.Len() > maxKeys || len(r.Members) != maxKeys+10 {
		t.Errorf("%d keys numbered of %d", r.Keys.Len(), len(r.Members))
	}
}

func TestFloat(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 300_000 {
		f := rng.Float64()
		var b []byte
		switch i % 4 {
		case 0:
			b = strconv.AppendFloat(nil, f, 'g', -1, 64)
		case 1:
			b = strconv.AppendFloat(nil, f*1000, 'f', 17, 64)
		case 2: // digits at random, many of them half way between two floats
			b = fmt.Appendf(nil, "%d.%d", rng.Uint64N(1<<rng.UintN(40)), rng.Uint64N(1<<rng.UintN(34)))
		case 3:
			half := new(big.Float).SetPrec(200).SetMode(big.ToNearestEven).SetFloat64(float64(rng.Uint64N(1<<20)) / 1024)
			b = []byte(half.Text('f', 17))
		}
		check(t, b)
	}
}

func BenchmarkFloat(b *testing.B) {
	text := []byte("0.8444218515250481")
	for b.Loop() {
		Float(text)
	}
}

func BenchmarkAppendQuoted(b *testing.B) {
	for name, s := range map[string]string{"short": "pending", "long": strings.Repeat("x", 290), "escapes": strings.Repeat("a line\n", 40), "kana": strings.Repeat("かな", 48)} {
		b.Run(name, func(b *testing.B) {
			dst := make([]byte, 0, 1000)
			text := []byte(s)
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				AppendQuoted(dst, text)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	rec := []byte(`{"temperature": 31, "cpu": 0.8444218515250481, "ram": 0.7579544029403025, "hd": 0.420571580830845, "timestamp": "2026-11-22 05:10:11.123456", "timestamp_sent": "2026-11-22 05", "id_device": 7}`)
	var r Record
	b.SetBytes(int64(len(rec)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Parse(rec); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAppendQuoted(t *testing.T) {
	texts := []string{"", "plain", "a\"b\\c", "\n\r\t\b\f\x00\x1f\x7f", "é€😀", "a\xffb", "\xe2\x82", "\xf0\x9f\x98", "\xed\xa0\x80x", "\u2028<>&", "\uFFFD"}
	for _, s := range texts[2:] { // at each place of eight bytes
		for n := range 17 {
			texts = append(texts, strings.Repeat("a", n)+s+strings.Repeat("b", 16-n), strings.Repeat("!~", n/2)+s)
		}
	}
	for _, s := range texts {
		got := AppendQuoted([]byte("x"), s)
		if b := AppendQuoted([]byte("x"), []byte(s)); !bytes.Equal(got, b) {
			t.Errorf("%q: %s as a string, %s as bytes", s, got, b)
		}
		var back string
		if err := json.Unmarshal(got[1:], &back); err != nil || back != string([]rune(s)) || got[0] != 'x' {
			t.Errorf("%q: %s, %q, %v", s, got, back, err)
		}
		if again := AppendUnquoted(nil, got[2:len(got)-1]); string(again) != back {
			t.Errorf("%q: %q when it is read again", s, again)
		}
	}
	long := strings.Repeat("é", 100)
	buf := make([]byte, 0, 1000)
	if n := testing.AllocsPerRun(10, func() { AppendQuoted(buf, long) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
