package dynamodb

import "testing"

func TestSequenceNumbers(t *testing.T) {
	for text, want := range map[string]uint64{"100000000000000000007": 7, "118446744073709551614": 1<<64 - 2} {
		if n, ok := parseSequence(text); !ok || n != want || sequenceText(n) != text {
			t.Errorf("%s is %d, %v", text, n, ok)
		}
	}
	// The largest has none after it, from which a reader of what follows would begin again.
	for _, text := range []string{"118446744073709551615", "118446744073709551616", "199999999999999999999", "000000000000000000007", "1+0000000000000000007", "10000000000000000007", ""} {
		if n, ok := parseSequence(text); ok {
			t.Errorf("%q is taken for %d", text, n)
		}
	}
}
