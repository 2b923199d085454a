package jsontext

import (
	"strings"
	"testing"
)

func TestLenient(t *testing.T) {
	for text, want := range map[string]string{
		`{'a':'b'}`:                 `{"a":"b"}`,
		`{a:b}`:                     `{"a":"b"}`,
		`{a:some words ,"c" : x y}`: `{"a":"some words","c":"x y"}`,
		`{"a"=1,"b"=>2}`:            `{"a":1,"b":2}`,
		`{"a":1;"b":2;}`:            `{"a":1,"b":2}`,
		`{"a":1,}`:                  `{"a":1}`,
		`{"a":[1,2,],"b":[,1],"c":[1,,2],"d":[1;2]}`:                                      `{"a":[1,2],"b":[null,1],"c":[1,null,2],"d":[1,2]}`,
		`{"a":TRUE,"b":False,"c":NULL,"d":NaN}`:                                           `{"a":true,"b":false,"c":null,"d":"NaN"}`,
		`{"a":007,"b":+5,"c":.5,"d":-.5,"e":5.,"f":0x1F,"g":-,"h":1.5f,"i":1_0,"j":-0x1}`: `{"a":7,"b":5,"c":0.5,"d":-0.5,"e":5,"f":31,"g":"-","h":1.5,"i":"1_0","j":"-0x1"}`,
		`{"a":99999999999999999999,"b":1e999}`:                                            `{"a":99999999999999999999,"b":1e999}`,
		`{{a:b}:1,[c]:2}`:                                                                 `{"{\"a\":\"b\"}":1,"[\"c\"]":2}`,
		`{1:2,null:3,true:4}`:                                                             `{"1":2,"null":3,"true":4}`,
		"{\"a\":\"tab\there\"}":                                                           `{"a":"tab\there"}`,
		`{"a":"it's","b":'say "x"'}`:                                                      `{"a":"it's","b":"say \"x\""}`,
		`{"a":"\v\'\ud83d\ude00"}`:                                                        `{"a":"\t'😀"}`,
		`{"a":{b:[{c:d}]}} rest`:                                                          `{"a":{"b":[{"c":"d"}]}}`,
		`  [1,x]`:                                                                         `[1,"x"]`,
		`{}`:                                                                              `{}`,
		`{"a":[]}`:                                                                        `{"a":[]}`,
	} {
		got, err := Lenient(nil, []byte(text))
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v; want %s", text, got, err, want)
		}
		if !valid(got) {
			t.Errorf("%s became %s, which is not JSON", text, got)
		}
	}
	for text, want := range map[string]string{
		`{`: "A JSONObject text must end with '}' at 2 [character 3 line 1]",
		`{"country":"Italy","languages" "Italian"}`: "Expected a ':' after a key at 32 [character 33 line 1]",
		`{"a":"b`:       "Unterminated string at 8 [character 9 line 1]",
		`{"a":1 "b":2}`: "Expected a ',' or '}' at 8 [character 9 line 1]",
		`{"a":}`:        "Missing value at 5 [character 6 line 1]",
		`{"a":[1 "x"]}`: "Expected a ',' or ']' at 9 [character 10 line 1]",
		`{"a":"\x"}`:    "Illegal escape. at 8 [character 9 line 1]",
		`{"a":1 // c`:   "Expected a ',' or '}' at 8 [character 9 line 1]",
		`{# c`:          "Missing value at 1 [character 2 line 1]",
		`{"a":"\u12`:    "Substring bounds error at 11 [character 12 line 1]",
	} {
		if got, err := Lenient(nil, []byte(text)); err == nil || err.Error() != want {
			t.Errorf("%s: got %s, %v; want %s", text, got, err, want)
		}
	}
}

// TestLenientKeysOfKeys: objects that are keys of objects that are keys, whose text would double with each.
func TestLenientKeysOfKeys(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("{", 17) + "a:1" + strings.Repeat("}:1", 16) + "}",
		strings.Repeat("{[", 16) + "a" + strings.Repeat("]:1}", 16),
	} {
		if got, err := Lenient(nil, []byte(text)); err == nil || !strings.Contains(err.Error(), "Nested too deeply") {
			t.Errorf("%s became %d bytes, %v", text, len(got), err)
		}
	}
}

func FuzzLenient(f *testing.F) {
	for _, s := range []string{`{a:'b';c=>[,1,]}`, `{"a":"\ud83d`, `[0x,+.e5]`, "{\r\n'", `{"a":1.e+5f,-:{}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		out, err := Lenient(nil, text)
		if err == nil && !valid(out) {
			t.Fatalf("%q became %q, which is not JSON", text, out)
		}
	})
}
