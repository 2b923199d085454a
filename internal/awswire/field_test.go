package awswire

import (
	"net/http"
	"testing"
)

func TestField(t *testing.T) {
	h := http.Header{}
	h.Add("x-amz-target", "a")
	h.Add("X-Amz-Target", "b")
	h["Empty"] = nil
	for name, want := range map[string]string{"X-Amz-Target": "a", "Empty": "", "Other": ""} {
		if got := Field(h, name); got != want || got != h.Get(name) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
