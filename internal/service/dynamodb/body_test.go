package dynamodb

import (
	"strings"
	"testing"
)

// TestLargeBodies: a body may have 16 MiB, whatever it says.
func TestLargeBodies(t *testing.T) {
	h := newHarness(t, Config{})
	const list = `{"Limit":1}`
	if code, answer := h.call("ListTables", list+strings.Repeat(" ", 16<<20-len(list))); code != 200 {
		t.Errorf("16 MiB: %d %s", code, answer)
	}
	if code, answer := h.call("ListTables", list+strings.Repeat(" ", 16<<20-len(list)+1)); code != 413 {
		t.Errorf("a byte more: %d %s", code, answer)
	}
}
