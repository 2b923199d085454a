package vtl

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// asJSON makes of a value what encoding/json would have made of its text.
func asJSON(v any) any {
	switch v := v.(type) {
	case *Map:
		out := map[string]any{}
		for _, k := range v.Keys() {
			e, _ := v.Get(k)
			out[k] = asJSON(e)
		}
		return out
	case *List:
		out := []any{}
		for _, e := range v.Items {
			out = append(out, asJSON(e))
		}
		return out
	}
	return v
}

func numbered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = numbered(e)
		}
	case []any:
		for i, e := range v {
			v[i] = numbered(e)
		}
	case json.Number:
		return number(string(v))
	}
	return v
}

func checkJSON(t *testing.T, text string) {
	v, err := FromJSON(text)
	var want any
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	valid := json.Valid([]byte(text)) && d.Decode(&want) == nil
	if err != nil {
		if valid && err != ErrLimit {
			t.Errorf("%q is refused: %v", text, err)
		}
		return
	}
	if !valid || !reflect.DeepEqual(asJSON(v), numbered(want)) {
		t.Errorf("%q: %v, want %v", text, asJSON(v), want)
	}
}

var jsonTexts = []string{
	`{}`, `[]`, ` { "a" : [ 1 , -2.5e3 , true , false , null , "x" ] , "b" : { } , "a" : 2 } `, `""`, `"\u00e9\n\ud83d\ude00\ud83d"`, "\"\xff\xfe\"", `1`, `-0`, `12345678901234567890`, `1 2`, `{`, `[1,]`, `{"a":}`, `tru`, ``, ` `,
	`"a\"b"`, `"\\"`, `{"\"":"\\"}`, `[[[[]]],{"a":{}}]`,
}

func TestFromJSON(t *testing.T) {
	for _, text := range jsonTexts {
		checkJSON(t, text)
	}
	if _, err := FromJSON(strings.Repeat("[", 9000) + strings.Repeat("]", 9000)); err != ErrLimit {
		t.Errorf("deep nesting: %v", err)
	}
}

func FuzzFromJSON(f *testing.F) {
	for _, text := range jsonTexts {
		f.Add(text)
	}
	f.Fuzz(checkJSON)
}

func BenchmarkFromJSON(b *testing.B) {
	for b.Loop() {
		if _, err := FromJSON(`{"StreamName":"s","PartitionKey":"p1","Data":"eyJvcmRlcl9pZCI6Im8xIiwiY3VzdG9tZXJfaWQiOiJjMSIsImFtb3VudCI6MTIuNX0="}`); err != nil {
			b.Fatal(err)
		}
	}
}
