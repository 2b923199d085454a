package node

import "testing"

func TestHidden(t *testing.T) {
	for below, want := range map[string]bool{
		"a.csv": false, "d=1/a_b.csv": false, "": false, "_a": true, ".a": true, "_temporary/0/a": true, "a/.hive-staging_1/b": true, "a/_delta_log/00.json": true, "a/b_": false,
	} {
		if got := hidden(below); got != want {
			t.Errorf("hidden(%q) = %v", below, got)
		}
	}
}
