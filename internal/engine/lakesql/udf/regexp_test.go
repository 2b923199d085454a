package udf

import (
	"fmt"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/lakesql/javaregexp"
)

// TestCutAt: a text is cut at the matches of a pattern, into no more parts than are allowed.
func TestCutAt(t *testing.T) {
	for _, pattern := range []string{`(?=a)(a)(x)?`, `(a)(x)?`} {
		re, err := javaregexp.CompileSearch(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := cutAt(re, "baac", 8); err != nil || fmt.Sprint(got) != "[b a a <nil>  a a <nil> c]" {
			t.Errorf("%s: %v, %v", pattern, got, err)
		}
		if got, err := cutAt(re, "baaac", 8); err == nil || !strings.Contains(err.Error(), "more than 2 matches of a regular expression with 2 groups") {
			t.Errorf("%s: %v, %v", pattern, got, err)
		}
	}
}
