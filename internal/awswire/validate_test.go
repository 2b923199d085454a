package awswire

import (
	"testing"

	"github.com/brookmere/brookmere/internal/awswire/model"
)

// TestTextsThatAreNotBlank: what is blank is what Java's \s is, and a text may have several lines.
func TestTextsThatAreNotBlank(t *testing.T) {
	matches := matcher(&model.Shape{Pattern: anyText})
	for text, want := range map[string]bool{"": false, " \t\r\n\v\f": false, "a": true, "\n message M {\n}\n": true, "\u00a0": true} {
		if matches(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
