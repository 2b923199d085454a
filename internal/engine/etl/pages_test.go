package etl

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"github.com/brookmere/brookmere/internal/engine/parquetclaims"
)

// manyLevels is a Parquet file of one value, whose page has a run of 268,435,456 levels.
const manyLevels = "PAR1\x15\x00\x15\x1c\x15\x1c,\x15\x02\x15\x00\x15\x06\x15\x06\x1c6\x00\x00\x00\x00\x06\x00\x00\x00\x80\x80\x80\x80\x02\x01\x00\x00\x00\x00" +
	"\x15\x02\x19,H\x04root\x15\x02\x00\x15\x02%\x02\x18\x01a\x00\x16\x02\x19\x1c\x19\x1c&\x00\x1c\x15\x02\x19\x15\x00\x19\x18\x01a\x15\x00\x16\x02\x16F\x16F&\b<6\x00\x00\x00\x00\x16\x00\x16\x02D\x00\x00\x00?\x00\x00\x00PAR1"

// TestHostilePages: what a page claims, and a row that repeats a long text of its dictionary, are errors and take no memory.
func TestHostilePages(t *testing.T) {
	type row struct {
		L []string `parquet:"l,dict"`
	}
	var repeats bytes.Buffer
	long := strings.Repeat("x", 64<<10)
	texts := make([]string, 2000)
	for i := range texts {
		texts[i] = long
	}
	if err := pq.Write(&repeats, []row{{texts}}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		what string
		data []byte
		want error
	}{{"levels", []byte(manyLevels), parquetclaims.ErrPages}, {"texts", repeats.Bytes(), ErrTooLarge}} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := NewReader(ReadOptions{Format: "parquet", MaxBytes: 1 << 20}).Add("a", object{bytes.NewReader(tt.data)}, nil)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.what, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 32<<20 {
			t.Errorf("%s: %d bytes were allocated for a file of %d", tt.what, n, len(tt.data))
		}
	}
}
