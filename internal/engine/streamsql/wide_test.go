package streamsql

import (
	"fmt"
	"strings"
	"testing"
)

// TestWideSelect: a hundred columns, each with a deep expression, compile in time and within bounds.
func TestWideSelect(t *testing.T) {
	var columns, items []string
	for i := range 100 {
		x := `"Distance"`
		for range 20 {
			x = fmt.Sprintf("CASE WHEN %s > %d THEN 1 ELSE 2 END", x, i)
		}
		columns = append(columns, fmt.Sprintf("c%d BIGINT", i))
		items = append(items, fmt.Sprintf("SUM(%s) + CASE WHEN MAX(%s) > 1 THEN 1 ELSE 0 END", x, x))
	}
	code := "CREATE STREAM D (" + strings.Join(columns, ", ") + "); CREATE PUMP P AS INSERT INTO D SELECT STREAM " + strings.Join(items, ", ") + ` FROM SOURCE_SQL_STREAM_001 s GROUP BY FLOOR(s.ROWTIME TO MINUTE), "Name"`
	if _, err := Compile(code, unicorns(), nil); err != nil {
		t.Fatal(err.Error()[:min(500, len(err.Error()))])
	}
}
