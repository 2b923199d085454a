package hivetype

import "testing"

func TestPath(t *testing.T) {
	for value, want := range map[string]string{
		"a b": "a b", "00:00:00": "00%3A00%3A00", "a/b": "a%2Fb", "50%": "50%25", "a=b?c#d": "a%3Db%3Fc%23d", "é": "é", "x\ty": "x%09y", "it's": "it%27s", "{a}": "%7Ba}", "a+b&c": "a+b&c",
	} {
		if got := EscapePath(value); got != want {
			t.Errorf("EscapePath(%q) = %q, want %q", value, got, want)
		}
		if got := UnescapePath(want); got != value {
			t.Errorf("UnescapePath(%q) = %q, want %q", want, got, value)
		}
	}
	for _, name := range []string{"100%", "%zz", "%2", "%"} {
		if got := UnescapePath(name); got != name {
			t.Errorf("UnescapePath(%q) = %q", name, got)
		}
	}
}

func FuzzPath(f *testing.F) {
	f.Add("a b:%")
	f.Fuzz(func(t *testing.T, value string) {
		if got := UnescapePath(EscapePath(value)); got != value {
			t.Errorf("%q became %q", value, got)
		}
	})
}
