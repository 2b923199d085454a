package servicetest

import "testing"

// TestWithout: members that a fake leaves out do not count as a difference, at any depth.
func TestWithout(t *testing.T) {
	a := without(`{"Table": {"Name": "t", "VersionId": "1", "Columns": [{"Name": "c", "VersionId": "2"}]}}`, []string{"VersionId"})
	b := without(`{"Table": {"Name": "t", "Columns": [{"Name": "c"}]}}`, []string{"VersionId"})
	if a != b {
		t.Errorf("%s\nis not\n%s", a, b)
	}
	if c := without(`{"Table": {"Name": "u", "Columns": [{"Name": "c"}]}}`, []string{"VersionId"}); c == a {
		t.Error("another name is no difference")
	}
	if refused := "400 NotFound: no t"; without(refused, []string{"no"}) != refused {
		t.Error("a refusal is changed")
	}
}
