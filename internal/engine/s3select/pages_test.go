package s3select

import (
	"runtime"
	"testing"
)

// manyLevels is a Parquet file of one value, whose page has a run of 268,435,456 levels.
const manyLevels = "PAR1\x15\x00\x15\x1c\x15\x1c,\x15\x02\x15\x00\x15\x06\x15\x06\x1c6\x00\x00\x00\x00\x06\x00\x00\x00\x80\x80\x80\x80\x02\x01\x00\x00\x00\x00" +
	"\x15\x02\x19,H\x04root\x15\x02\x00\x15\x02%\x02\x18\x01a\x00\x16\x02\x19\x1c\x19\x1c&\x00\x1c\x15\x02\x19\x15\x00\x19\x18\x01a\x15\x00\x16\x02\x16F\x16F&\b<6\x00\x00\x00\x00\x16\x00\x16\x02D\x00\x00\x00?\x00\x00\x00PAR1"

// TestHostilePage: what a page claims is an error, and takes no memory.
func TestHostilePage(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := ask("select * from s3object", []byte(manyLevels), Input{Format: "Parquet"}, Output{})
	runtime.ReadMemStats(&after)
	if got != "!ParquetParsingError" {
		t.Error(got)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 32<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
}
