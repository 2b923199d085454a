package eventpattern

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestComplexity: what EventBridge was seen to take and to refuse.
func TestComplexity(t *testing.T) {
	wildcards := func(texts ...string) string {
		var list []string
		for _, text := range texts {
			quoted, _ := json.Marshal(text)
			list = append(list, `{"wildcard":`+string(quoted)+`}`)
		}
		return `{"detail":{"key":[` + strings.Join(list, ",") + `]}}`
	}
	stacks := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("*:stack/%cStack/*", 'A'+i))
		}
		return list
	}
	for pattern, complex := range map[string]bool{
		wildcards("*.bif", "*.tiff", "*.tif", "*.svs"):                                                   false,
		wildcards("*/data/*.bif", "*/data/*.tiff", "*/data/*.tif", "*/data/*.svs"):                       true,
		wildcards("*/data/*.bif", "*/data/*.svs"):                                                        false,
		wildcards(stacks(3)...):                                                                          false,
		wildcards(stacks(4)...):                                                                          true,
		wildcards("*:*:*:*:*:event-bus/*"):                                                               true,
		wildcards("arn:*:events:*:*:event-bus/*"):                                                        false,
		wildcards("a*b*c*d*e"):                                                                           false,
		wildcards(strings.Repeat("a*", 6)):                                                               true,
		wildcards(strings.Repeat(`\*`, 20)):                                                              false,
		`{"a":[{"anything-but":{"wildcard":["*:*:*:*:*:*:*"]}}]}`:                                        false,
		`{"a":[1],"$or":[{"b":[2]},{"c":[{"wildcard":"*:*:*:*:*:*:*"}]}]}`:                               true,
		`{"a":[` + strings.TrimSuffix(strings.Repeat(`{"wildcard":"x*y"},`, 12), ",") + `]}`:             false, // one wildcard, twelve times
		`{"a":[{"wildcard":"*:stack/A/*"}],"b":[{"wildcard":"*:stack/A/*"}],"c":[{"wildcard":"*:*:*"}]}`: false,
	} {
		_, err := CheckRule(pattern)
		if (err != nil) != complex || err != nil && !strings.Contains(err.Error(), "Rule is too complex") {
			t.Errorf("%s: %v", pattern, err)
		}
		if _, err := ParseRule(pattern); err != nil { // of a rule that is there
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

func FuzzComplexity(f *testing.F) {
	f.Add(`{"a":[{"wildcard":"*a*b"},{"wildcard":"\\**"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		p, err := CheckRule(text)
		if q, parsed := ParseRule(text); (parsed != nil) && err == nil || p != nil && q == nil {
			t.Errorf("%q: %v, %v", text, err, parsed)
		}
	})
}
