package hive

import (
	"testing"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// TestOddFields: fields that DuckDB's casts read as the SerDe does keep a file plain, all others do not.
func TestOddFields(t *testing.T) {
	for _, c := range []struct {
		kind       hivetype.Kind
		plain, odd []string
	}{
		{hivetype.Int, []string{"", "1", "-1", "+1", "007", "-", "abc", "n/a", "event.id", "99999999999999999999"}, []string{"1.5", ".5", "-.5", " 1", "1 ", "1e2", "0x10", "1_0", "1.", "+ 1"}},
		{hivetype.Double, []string{"", "1.5", "1e3", " 1", "1\t", "-", "x"}, []string{"1_0", "0x10", "inf", "NaN", "1.5d", "\x011", "1\x00"}},
		{hivetype.Decimal, []string{"", "1.5", "1e3", "-", "x"}, []string{" 1", "1 ", "1_0"}},
		{hivetype.Date, []string{"", "-", "2024-01-02", "2024-02-29", "n/a", "event_date", "date", "x", "1"}, []string{"2024-1-2", "2024-02-30", "2024/01/02", "2024-01-02 x", " 2024-01-02", "epoch", "inf", "INF", "infinity", "-infinity", "20240102", "2024-01-0a", "0000-01-01"}},
		{hivetype.Timestamp, []string{"", "-", "2024-01-02 03:04:05", "2024-01-02T03:04:05.5", "2024-01-02 03:04:05.123456789", "n/a", "time"}, []string{"2024-01-02", "2024-01-02 03:04", "2024-01-02T03:04:05Z", "2024-01-02 03:04:05+02", "2024-01-02 25:00:00", "2024-01-02 03:60:00", "2024-01-02 03:04:05.", "2024-01-02 03:04:05.1234567890", "2024-1-2 3:4:5", "epoch", "inf", "-inf", "2024-01-02 03.04.05"}},
		{hivetype.String, []string{"", " 1", "1_0", "2024/01/02"}, nil},
	} {
		for _, s := range c.plain {
			if oddField(c.kind, []byte(s)) {
				t.Errorf("%q is odd as kind %d", s, c.kind)
			}
		}
		for _, s := range c.odd {
			if !oddField(c.kind, []byte(s)) {
				t.Errorf("%q is not odd as kind %d", s, c.kind)
			}
		}
	}
}
