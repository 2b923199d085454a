package eventpattern

import (
	"errors"
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
