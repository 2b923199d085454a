package hive

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
)

// orcSample is a file of three rows: numbers, texts, lists, maps, times and decimals.
const orcSample = `T1JDCgYSBAgDUAAKFQoFAAAAAAASDAgCEgYIAhAGGAhQAQoVCgMAAAASDggDIggKAWESAWIYBlAAChUKBQAAAAAAEgwIAlABYgYIABACGAIKEgoCAAASDAgC
EgYIAhAEGAZQAAoVCgUAAAAAABIMCAJQAWIGCAAQARgBChUKAwAAABIOCAEiCAoBaxIBaxgCUAAKEgoCAAASDAgBEgYIAhACGAJQAAoeCgQAAAAAEhYIA0oQ
GIDQj6WYYyCA0I+lmGMwAVAACh8KBgAAAAAAABIVCAEyDwoDMS41EgMxLjUaAzEuNVAB/6BGASYAAWFiYf/AQgGARgEk/8BAAYBAAIBrQgCAGCHa5QAAAP+A
rAJGAEAKBggGEAAYCAoGCAYQARgXCgYIBhACGBcKBggGEAMYFwoGCAYQBBgUCgYIBhAFGBcKBggGEAYYFwoGCAYQBxgUCgYIBhAIGCAKBggGEAkYIQoGCAAQ
ARgCCgYIARABGAMKBggCEAIYAgoGCAEQAhgDCgYIABADGAIKBggCEAMYAwoGCAEQBBgDCgYIABAFGAIKBggCEAUYAwoGCAIQBhgDCgYIARAGGAEKBggBEAcY
AwoGCAEQCBgFCgYIBRAIGAIKBggAEAkYAgoGCAEQCRgCCgYIBRAJGAMSBAgAEAASBAgCEAASBAgCEAASBAgCEAASBAgCEAASBAgCEAASBAgCEAASBAgCEAAS
BAgCEAASBAgCEAAaA0dNVAqbAQoECANQAAoMCAISBggCEAYYCFABCg4IAyIICgFhEgFiGAZQAAoMCAJQAWIGCAAQAhgCCgwIAhIGCAIQBBgGUAAKDAgCUAFi
BggAEAEYAQoOCAEiCAoBaxIBaxgCUAAKDAgBEgYIAhACGAJQAAoWCANKEBiA0I+lmGMggNCPpZhjMAFQAAoVCAEyDwoDMS41EgMxLjUaAzEuNVABCAMQqQQa
DAgDEOQBGCwgmQIoAyIiCAwSBgECAwUICRoBaRoBcxoBbBoBbRoBdBoBZCAAKAAwACIICAQgACgAMAAiCAgHIAAoADAAIgsIChIBBCAAKAAwACIICAMgACgA
MAAiDAgLEgIGByAAKAAwACIICAcgACgAMAAiCAgDIAAoADAAIggICSAAKAAwACIICA4gACgKMAIwAzoECANQADoMCAISBggCEAYYCFABOg4IAyIICgFhEgFi
GAZQADoMCAJQAWIGCAAQAhgCOgwIAhIGCAIQBBgGUAA6DAgCUAFiBggAEAEYAToOCAEiCAoBaxIBaxgCUAA6DAgBEgYIAhACGAJQADoWCANKEBiA0I+lmGMg
gNCPpZhjMAFQADoVCAEyDwoDMS41EgMxLjUaAzEuNVABQJBOSAFiBTIuMi4yCMECEAAYgIAEIgIADCieATAGgvQDA09SQxk=`

func orcScan(t testing.TB) *scan {
	s := &scan{Reader: &Reader{}, ctx: context.Background(), Scan: Scan{Table: &catalog.Table{}}}
	for _, c := range []string{"i bigint", "s string", "l array<int>", "m map<string,int>", "t timestamp", "d decimal(10,2)"} {
		name, typ, _ := strings.Cut(c, " ")
		parsed, err := hivetype.Parse(typ)
		if err != nil {
			t.Fatal(err)
		}
		s.Table.Columns = append(s.Table.Columns, catalog.Column{Name: name, Type: parsed})
	}
	return s
}

func orcFile(t testing.TB) []byte {
	b, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(orcSample, "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func FuzzORC(f *testing.F) {
	f.Add(orcFile(f))
	s := orcScan(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 1<<16 {
			_ = s.convertORC(bytes.NewReader(b), int64(len(b)), io.Discard, true)
		}
	})
}

func TestORCSample(t *testing.T) {
	b := orcFile(t)
	if err := orcScan(t).convertORC(bytes.NewReader(b), int64(len(b)), io.Discard, true); err != nil {
		t.Error(err)
	}
}
