package eventpattern

import (
	"errors"
	"fmt"
	"testing"
)

func TestMatches(t *testing.T) {
	const doc = `{"a":{"b":"text","n":5,"t":true,"z":null,"list":["x","y"],"empty":[]},"ip":"10.1.2.3","objects":[{"k":1},{"k":2}]}`
	for pattern, want := range map[string]bool{
		`{"a":{"b":["text"]}}`:                                    true,
		`{"a":{"b":["other"]}}`:                                   false,
		`{"a":{"b":["other","text"]}}`:                            true,
		`{"a":{"b":["text"],"n":[6]}}`:                            false,
		`{"a":{"n":[5.0]}}`:                                       true,
		`{"a":{"n":["5"]}}`:                                       false,
		`{"a":{"t":[true],"z":[null]}}`:                           true,
		`{"a":{"list":["y"]}}`:                                    true,
		`{"a":{"list":["z"]}}`:                                    false,
		`{"objects":{"k":[2]}}`:                                   true,
		`{"objects":{"k":[3]}}`:                                   false,
		`{"a":{"b":[{"prefix":"te"}]}}`:                           true,
		`{"a":{"b":[{"suffix":"xt"}]}}`:                           true,
		`{"a":{"b":[{"prefix":{"equals-ignore-case":"TE"}}]}}`:    true,
		`{"a":{"b":[{"equals-ignore-case":"TEXT"}]}}`:             true,
		`{"a":{"b":[{"wildcard":"t*x*"}]}}`:                       true,
		`{"a":{"b":[{"wildcard":"t*y"}]}}`:                        false,
		`{"a":{"b":[{"anything-but":"text"}]}}`:                   false,
		`{"a":{"b":[{"anything-but":["other",1]}]}}`:              true,
		`{"a":{"b":[{"anything-but":{"prefix":"te"}}]}}`:          false,
		`{"a":{"none":[{"anything-but":"text"}]}}`:                false,
		`{"a":{"n":[{"numeric":[">",1,"<=",5]}]}}`:                true,
		`{"a":{"n":[{"numeric":["<",5]}]}}`:                       false,
		`{"a":{"b":[{"numeric":["=",5]}]}}`:                       false,
		`{"a":{"b":[{"exists":true}],"none":[{"exists":false}]}}`: true,
		`{"none":{"b":[{"exists":false}]}}`:                       true,
		`{"a":{"empty":[{"exists":false}]}}`:                      true,
		`{"ip":[{"cidr":"10.0.0.0/8"}]}`:                          true,
		`{"ip":[{"cidr":"11.0.0.0/8"}]}`:                          false,
		`{"$or":[{"a":{"n":[1]}},{"ip":[{"prefix":"10."}]}]}`:     true,
		`{"$or":[{"a":{"n":[1]}},{"ip":["x"]}]}`:                  false,
	} {
		p, err := Parse(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		if got := p.MatchesJSON([]byte(doc)); got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
}

// TestNames tries names with dots, and what is absent in a document of arrays.
func TestNames(t *testing.T) {
	for _, c := range []struct {
		pattern, doc string
		want         bool
	}{
		{`{"object.nested":["v"]}`, `{"object":{"nested":"v"}}`, true},
		{`{"object.nested":["v"]}`, `{"object.nested":"v"}`, true},
		{`{"object.nested":["v"]}`, `{"object":{"nested":"w"}}`, false},
		{`{"object.nested.test":["v"]}`, `{"object.nested":{"test":"v"}}`, true},
		{`{"object.nested.test":["v"]}`, `{"object":{"nested.test":"v"}}`, true},
		{`{"object":{"nested":["v"]}}`, `{"object.nested":"v"}`, true},
		{`{"a":{"b":[1],"c":[2]}}`, `{"a":{"b":1},"a.c":2}`, true},
		{`{"a":{"b":[1]}}`, `{"a":5,"a.b":1}`, true},
		{`{"a":[5]}`, `{"a":5,"a.b":1}`, true},
		{`{"a.b":[1]}`, `{"a":[{"b":2},{"b":1}]}`, true},
		{`{"a":[{"exists":true}]}`, `{"a":{"b":1}}`, false},
		{`{"a":[{"exists":false}]}`, `{"a":{"b":1}}`, true},
		{`{"a":{"x":[{"exists":false}]}}`, `{"a":[{"k":1},{"x":1}]}`, false},
		{`{"a":{"x":[{"exists":false}]}}`, `{"a":[{"k":1},{"y":1}]}`, true},
		{`{"a":{"x":[{"exists":false},"v"]}}`, `{"a":[{"k":1},{"x":"v"}]}`, true},
		{`{"r":{"o":{"k":[{"prefix":"auto-"}]}}}`, `{"r":[{"o":[[{"k":"auto-1"}]]},{"o":{"k":"home"}}]}`, true},
		{`{"a":{"b":[1],"c":[2]}}`, `{"a":[{"b":1,"c":3},{"b":4,"c":2}]}`, false},
		{`{"a":[1],"a":[2]}`, `{"a":2}`, true},
		{`{"$or":[1]}`, `{"$or":1}`, true},
		{`{"a":[{"anything-but":{"suffix":"x"}}]}`, `{"a":"yx"}`, false},
	} {
		p, err := Parse(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got := p.MatchesJSON([]byte(c.doc)); got != c.want {
			t.Errorf("%s of %s: %v", c.pattern, c.doc, got)
		}
	}
}

// TestWhere tries the messages and the places of AWS's compiler of rules, as subscriptions of topics were recorded to
// answer them.
func TestWhere(t *testing.T) {
	for pattern, want := range map[string]string{
		`{"key":[["value"]]}`:                                "10 Match value must be String, number, true, false, or null",
		`{"key":[{"wrong-operator":true}]}`:                  "31 Unrecognized match type wrong-operator",
		`{"key":[{"suffix":"value","prefix":"value2"}]}`:     "37 Only one key allowed in match expression",
		`{"key":[{"suffix":100}]}`:                           "22 suffix match pattern must be a string",
		`{"key":[{"suffix":null}]}`:                          "23 suffix match pattern must be a string",
		`{"key":[{"suffix":["test","test2"]}]}`:              "20 suffix match pattern must be a string",
		`{"key":{"suffix":"value"}}`:                         `19 "suffix" must be an object or an array`,
		`{"key":{"not-an-operator":"value"}}`:                `28 "not-an-operator" must be an object or an array`,
		`{"key":[{"numeric":[]}]}`:                           "22 Invalid member in numeric match: ]",
		`{"key":[{"numeric":["operator"]}]}`:                 "32 Unrecognized numeric range operator: operator",
		`{"key":[{"numeric":[1,"<="]}]}`:                     "22 Invalid member in numeric match: 1",
		`{"key":[{"numeric":["=","000"]}]}`:                  "26 Value of equals must be numeric",
		`{"key":[{"numeric":[">="]}]}`:                       "26 Value of >= must be numeric",
		`{"key":[{"numeric":["<",100,">",10]}]}`:             "30 Too many elements in numeric expression",
		`{"key":[{"numeric":[">=",1,">",2]}]}`:               "31 Bad numeric range operator: >",
		`{"key":[{"numeric":[">",3,"<",1]}]}`:                "33 Bottom must be less than top",
		`{"key":[{"numeric":[">",20,"<="]}]}`:                "33 Value of <= must be numeric",
		`{"key":[{"numeric":[">",20,30]}]}`:                  "30 Bad value in numeric range: 30",
		`{"key":[{"numeric":[">",20,"test"]}]}`:              "34 Bad numeric range operator: test",
		`{"key":[{"numeric":[">","20","<","30"]}]}`:          "26 Value of > must be numeric",
		`{"key":[{"numeric":[">",20,"<","30"]}]}`:            "33 Value of < must be numeric",
		`{"key":[{"numeric":[">",20,"<",30,"<",50]}]}`:       "36 Too many terms in numeric range expression",
		`{"key":[{"exists":null}]}`:                          "23 exists match pattern must be either true or false.",
		`{"key":[{"exists":"no"}]}`:                          "20 exists match pattern must be either true or false.",
		`{"key":[{"anything-but":{"wrong-operator":null}}]}`: "47 Unsupported anything-but pattern: wrong-operator",
		`{"key":[{"anything-but":{"exists":false}}]}`:        "40 Unsupported anything-but pattern: exists",
		`{"key":[{"anything-but":{"prefix":false}}]}`:        "40 prefix match pattern must be a string",
		`{"key_a":"value_one"}`:                              `11 "key_a" must be an object or an array`,
		`{invalidjson}`:                                      "2 Unexpected character ('i' (code 105)): was expecting double-quote to start field name",
		`invalid`:                                            "8 Unrecognized token 'invalid': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
	} {
		_, err := Parse(pattern)
		var e *SyntaxError
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", pattern, err)
		} else if got := fmt.Sprint(e.Column, " ", e.Reason); got != want || e.Line != 1 || e.JSON != (pattern[0] == '{' && pattern[1] == '"') {
			t.Errorf("%s: %+v\nwant %s", pattern, e, want)
		}
	}
}

func TestSyntax(t *testing.T) {
	for _, pattern := range []string{
		``, `[]`, `{}`, `{"a":"b"}`, `{"a":[]}`, `{"a":{}}`, `{"a":[[1]]}`, `{"a":[{"x":1}]}`, `{"a":[{"prefix":1}]}`, `{"a":[{"numeric":[">"]}]}`,
		`{"a":[{"numeric":["!",1]}]}`, `{"a":[{"exists":1}]}`, `{"a":[{"anything-but":[]}]}`, `{"a":[{"wildcard":"**"}]}`, `{"a":[{"cidr":"x"}]}`, `{"a":[1]} x`,
	} {
		if _, err := Parse(pattern); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"a":{"b":[{"prefix":"x"},1,null]},"$or":[{"c":[1]},{"d":[2]}]}`, `{"a":{"b":1}}`)
	f.Fuzz(func(t *testing.T, pattern, doc string) {
		if p, err := Parse(pattern); err == nil {
			p.MatchesJSON([]byte(doc))
		} else if !errors.Is(err, ErrSyntax) {
			t.Error(err)
		}
	})
}
