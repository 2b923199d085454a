package dynamodb

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// A record tells the precision of its time only if that is of microseconds.
func TestDestinationPrecision(t *testing.T) {
	item := attr.Item{"id": attr.String("test")}
	change := itemstore.Change{Keys: item, New: item, Time: time.UnixMicro(1_700_000_000_123_456)}
	for precision, want := range map[string]string{
		"":            "ApproximateCreationDateTime Keys NewImage SizeBytes",
		"MILLISECOND": "ApproximateCreationDateTime Keys NewImage SizeBytes",
		"MICROSECOND": "ApproximateCreationDateTime ApproximateCreationDateTimePrecision Keys NewImage SizeBytes",
	} {
		var record struct {
			DynamoDB map[string]json.RawMessage `json:"dynamodb"`
		}
		if err := json.Unmarshal(destinationRecord(&table{}, &kinesisDestination{Precision: precision}, change), &record); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(slices.Sorted(maps.Keys(record.DynamoDB)), " "); got != want {
			t.Errorf("%q: %s, not %s", precision, got, want)
		}
		at, size := "1700000000123", "12"
		if precision == "MICROSECOND" {
			at = "1700000000123456"
		}
		if string(record.DynamoDB["ApproximateCreationDateTime"]) != at || string(record.DynamoDB["SizeBytes"]) != size {
			t.Errorf("%q: at %s, %s bytes", precision, record.DynamoDB["ApproximateCreationDateTime"], record.DynamoDB["SizeBytes"])
		}
	}
}

// Records have one partition key for one hash key, of 32 hexadecimal digits however long that is.
func TestDestinationKey(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range []attr.Value{attr.String(""), attr.String("a"), attr.String("1"), attr.String(strings.Repeat("a", 2048)), attr.String(strings.Repeat("a", 2047) + "b")} {
		key := destinationKey(v)
		if len(key) != 32 || strings.Trim(key, "0123456789ABCDEF") != "" || seen[key] || key != destinationKey(v) {
			t.Errorf("%q", key)
		}
		seen[key] = true
	}
}
