package node

import "testing"

// TestNicedPanics: a panic on the thread of low priority must reach who can recover it,
// and not end the process.
func TestNicedPanics(t *testing.T) {
	defer func() {
		if p := recover(); p != "mistake" {
			t.Errorf("got %v", p)
		}
	}()
	niced(1, func() { panic("mistake") })
	t.Error("the panic is lost")
}
