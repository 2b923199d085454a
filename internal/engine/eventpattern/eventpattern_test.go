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
		{`{"a":{"b":[1],"c":[2]}}`, `{"a":5,"a.b":1,"a.c":2}`, true},
		{`{"b":["x"]}`, `{"a":[1e400,{"c":-1e999}],"b":"x"}`, true},
		{`{"a":[1]}`, `{"a":1e400}`, false},
		{`{"a":{"b":[1],"c":[2],"d":[3]}}`, `{"a.b":1,"a":{"c":2},"a.d":3}`, true},
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

// TestRuleErrors tries the messages of patterns of rules, with their places, as EventBridge was recorded to answer them.
func TestRuleErrors(t *testing.T) {
	at := func(pattern, reason string, column, times int) string {
		text := reason
		for range times {
			text += fmt.Sprintf("\n at [Source: (String)\"%s\"; line: 1, column: %d]", pattern, column)
		}
		return text
	}
	const bad = "Value of anything-but must be an array or single string/number value."
	for _, c := range []struct {
		pattern, reason string
		column, times   int
	}{
		{`{"int": 42}`, `"int" must be an object or an array`, 11, 1},
		{`{"string": "my-value"}`, `"string" must be an object or an array`, 13, 1},
		{`{"detail": {"equal": [{"NUMERIC": ["=", 5]}]}}`, "Unrecognized match type NUMERIC", 36, 1},
		{`{"resources": []}`, "Empty arrays are not allowed", 17, 1},
		{`{"my_key": [{"EXISTS": true}]}`, "Unrecognized match type EXISTS", 28, 1},
		{`{"detail": {"c-count": [{"numeric": [">", 0, ">", 0]}]}}`, "Bad numeric range operator: >", 49, 1},
		{`{"detail": {"c-count": [{"numeric": [">", 0, "<"]}]}}`, "Value of < must be numeric", 50, 1},
		{`{"detail-type": [{"equals-ignore-case": ["ec2 instance state-change notification"]}]}`, "equals-ignore-case match pattern must be a string", 42, 1},
		{`{"detail": {"state": [{"anything-but": {"equals-ignore-case": 123}}]}}`, "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.", 66, 1},
		{`{"detail": {"state": [{"anything-but": {"equals-ignore-case": [123, 456]}}]}}`, "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.", 67, 2},
		{`{"EventBusArn": [{"wildcard": 123}]}`, "wildcard match pattern must be a string", 34, 1},
		{`{"EventBusArn": [{"wildcard": "arn:aws:events:us-east-1:**:event-bus/*"}]}`, "Consecutive wildcard characters at pos 26", 72, 1},
		{`{"detail": {"state": [{"anything-but": {"wildcard": [123, "*/dir/*"]}}]}}`, "wildcard match pattern must be a string", 57, 2},
		{`{"detail": {"FilePath": [{"anything-but": {"wildcard": 123}}]}}`, "wildcard match pattern must be a string", 59, 1},
		{`{"detail": {"FileName": [{"anything-but": {"suffix": [123, ".txt"]}}]}}`, "prefix/suffix match pattern must be a string", 58, 2},
		{`{"detail": {"FileName": [{"anything-but": {"suffix": 123}}]}}`, "prefix/suffix match pattern must be a string", 57, 1},
		{`{"detail": {"FileName": [{"anything-but": {"prefix": {"equals-ignore-case": "file"}}}]}}`, bad, 55, 1},
		{`{"detail": {"sourceIPAddress": [{"cidr": "bad-filter"}]}}`, "Malformed CIDR, one '/' required", 0, 0},
		{`{"detail": {"sourceIPAddress": [{"cidr": "10.0.0.0/mm"}]}}`, "Malformed CIDR, mask bits must be an integer", 0, 0},
		{`{"detail": {"sourceIPAddress": [{"cidr": "xx.11.xx/8"}]}}`, "Nonstandard IP address: xx.11.xx", 0, 0},
		{`{"detail": {"sourceIPAddress": [{"cidr": ["bad-type"]}]}}`, "prefix match pattern must be a string", 43, 1},
		{`this is valid json but not a dict`, "Unrecognized token 'this': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", 5, 1},
		{`{'bad': 'quotation'}`, "Unexpected character (''' (code 39)): was expecting double-quote to start field name", 2, 1},
		{`["not", "a", "dict", "but valid json"]`, "Filter is not an object", 2, 1},
	} {
		_, err := ParseRule(c.pattern)
		var e *SyntaxError
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", c.pattern, err)
		} else if got, want := e.Reason+e.Source(c.pattern), at(c.pattern, c.reason, c.column, c.times); got != want {
			t.Errorf("%s\ngot  %q\nwant %q", c.pattern, got, want)
		}
	}
}

func TestWildcards(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{`{"a":[{"wildcard":"x\\*y"}]}`, `x*y`, true},
		{`{"a":[{"wildcard":"x\\*y"}]}`, `xzy`, false},
		{`{"a":[{"wildcard":"x\\\\*"}]}`, `x\z`, true},
		{`{"a":[{"wildcard":"*ab*"}]}`, `ab`, true},
		{`{"a":[{"wildcard":"a*a"}]}`, `a`, false},
		{`{"a":[{"wildcard":"*"}]}`, ``, true},
	} {
		p, err := Parse(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
		} else if got := p.Matches(map[string]any{"a": c.text}); got != c.want {
			t.Errorf("%s of %s: %v", c.pattern, c.text, got)
		}
	}
	for _, bad := range []string{`{"a":[{"wildcard":"x\\y"}]}`, `{"a":[{"wildcard":"x\\"}]}`} {
		if _, err := Parse(bad); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
