package parquetrows

import (
	"bytes"
	"strings"
	"testing"
	"time"

	pq "github.com/parquet-go/parquet-go"
)

func TestWriter(t *testing.T) {
	columns := []Column{{"z", String, true}, {"a", Bool, false}, {"n", Int64, false}, {"at", Timestamp, false}}
	if s := Schema("rows", columns); !strings.HasPrefix(s, "message rows {") || strings.Index(s, "binary z") > strings.Index(s, "boolean a") {
		t.Errorf("schema %s", s)
	}
	var out bytes.Buffer
	w := NewWriter(&out, "rows", columns)
	at := time.UnixMilli(1_700_000_000_123)
	for _, row := range [][]any{{"x", true, int64(7), at}, {"", nil, nil, nil}} {
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range [][]any{{"x"}, {nil, nil, nil, nil}, {"x", "y", nil, nil}, {"x", nil, 7, nil}, {"x", nil, nil, int64(1) << 40, nil}} {
		if w.Write(bad) == nil {
			t.Errorf("%v was written", bad)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	type row struct {
		Z  string `parquet:"z"`
		A  *bool  `parquet:"a,optional"`
		N  *int64 `parquet:"n,optional"`
		At *int64 `parquet:"at,optional,timestamp(millisecond)"`
	}
	rows, err := pq.Read[row](bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	if r := rows[0]; r.Z != "x" || !*r.A || *r.N != 7 || *r.At != at.UnixMilli() {
		t.Errorf("%+v", r)
	}
	if r := rows[1]; r.Z != "" || r.A != nil || r.N != nil || r.At != nil {
		t.Errorf("%+v", r)
	}
}
