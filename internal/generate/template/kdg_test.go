package template

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestTemplatesThatPeopleHave: templates in the shapes in which workshops and articles have them. Those whose first line is
// json make JSON, each time.
func TestTemplatesThatPeopleHave(t *testing.T) {
	text, err := os.ReadFile("testdata/kdg.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range strings.Split(string(text), "----\n") {
		kind, body, _ := strings.Cut(one, "\n")
		tpl, err := Parse(body)
		if err != nil {
			t.Errorf("%v\n%s", err, body)
			continue
		}
		s := tpl.Source(7)
		for range 50 {
			record := s.Append(nil, at)
			if kind == "json" && !json.Valid(record) || strings.Contains(string(record), "{{") || strings.Contains(string(record), "undefined") {
				t.Errorf("%s\nof\n%s", record, body)
				break
			}
		}
	}
}
