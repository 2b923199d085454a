package schemaguess

import (
	"fmt"
	"strings"
	"testing"
)

func describe(s *Schema) string {
	var b strings.Builder
	if s.CSV {
		fmt.Fprintf(&b, "csv %q %q\n", s.RowDelimiter, s.ColumnDelimiter)
	} else {
		fmt.Fprintf(&b, "json %s\n", s.RowPath)
	}
	for _, c := range s.Columns {
		fmt.Fprintf(&b, "%s %s %s\n", c.Name, c.Type, c.Mapping)
	}
	return b.String()
}

func TestGuess(t *testing.T) {
	for _, c := range []struct {
		name    string
		records []string
		table   bool
		want    string
	}{
		{"a unicorn", []string{`{"Distance":30.2123,"HealthPoints":152,"Latitude":40.7486,"Longitude":-73.9860,"MagicPoints":151,"Name":"Shadowfax","StatusTime":"2026-11-28 14:05:38.155"}` + "\n"}, false, `json $
Distance DOUBLE $.Distance
HealthPoints INTEGER $.HealthPoints
Latitude DOUBLE $.Latitude
Longitude DOUBLE $.Longitude
MagicPoints INTEGER $.MagicPoints
Name VARCHAR(16) $.Name
StatusTime TIMESTAMP $.StatusTime
`},
		{"names and lengths", []string{`{"timestamp":1700000000000,"a b":"x","1st":"four","é":"fives","user-agent":"` + strings.Repeat("m", 36) + `","ok":true}`}, false, `json $
COL_timestamp BIGINT $.timestamp
COL_a_b VARCHAR(4) $['a b']
COL_1st VARCHAR(4) $['1st']
COL_4 VARCHAR(8) $['é']
COL_user_agent VARCHAR(64) $['user-agent']
ok BOOLEAN $.ok
`},
		{"nested, and types that widen", []string{`{"a":{"id":1,"x":null},"b":{"id":2},"n":1}{"n":2.5,"a":{"x":"2020-01-01"}}`, `[{"a":{"x":"2020-01-01 10:00:00"},"tags":["q"]}]`}, false, `json $
id INTEGER $.a.id
x TIMESTAMP $.a.x
b_id INTEGER $.b.id
n DOUBLE $.n
tags VARCHAR(4) $.tags[0]
`},
		{"an array of rows", []string{`{"rows":[{"k":"a","v":1},{"k":"b","v":5000000000}]}`}, false, `json $.rows[0:]
k VARCHAR(4) $.k
v BIGINT $.v
`},
		{"lines", []string{"AMZN,12.5,7\n", "MSFT,13,8\n"}, false, `csv "\n" ","
COL_1 VARCHAR(4) 
COL_2 DOUBLE 
COL_3 INTEGER 
`},
		{"lines with a header", []string{"Ticker,Company\nAMZN,Amazon.com\nMSFT,Microsoft\n"}, true, `csv "\n" ","
Ticker VARCHAR(4) 
Company VARCHAR(16) 
`},
		{"bars", []string{"sensor|value\na|1", "b|2"}, false, `csv "\n" "|"
sensor VARCHAR(4) 
COL_value INTEGER 
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var records [][]byte
			for _, r := range c.records {
				records = append(records, []byte(r))
			}
			s, err := Guess(records, c.table)
			if err != nil {
				t.Fatal(err)
			}
			if got := describe(s); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

func TestGuessFindsNone(t *testing.T) {
	for _, r := range []string{"", "hello", `{"a":1`, "12", "\xff\x00,1", `{"a":1} x`} {
		if s, err := Guess([][]byte{[]byte(r)}, false); err == nil {
			t.Errorf("Guess(%q) = %s", r, describe(s))
		}
	}
}

func FuzzGuess(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[{"c":1}]},"d":"2020-01-01"}`), true)
	f.Add([]byte("a,b\n1,2\n"), false)
	f.Fuzz(func(t *testing.T, data []byte, table bool) {
		s, err := Guess([][]byte{data}, table)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, c := range s.Columns {
			if c.Name == "" || len(c.Name) > maxName || seen[c.Name] || c.Type == "" {
				t.Errorf("column %q %q", c.Name, c.Type)
			}
			seen[c.Name] = true
		}
		for _, row := range s.Rows {
			if len(row) != len(s.Columns) {
				t.Errorf("a row of %d fields for %d columns", len(row), len(s.Columns))
			}
		}
	})
}
