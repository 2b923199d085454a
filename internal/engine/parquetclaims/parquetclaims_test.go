package parquetclaims

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"
)

// file is a file with a footer.
func file(footer string) []byte {
	b := append([]byte("PAR1"), footer...)
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(footer))), "PAR1"...)
}

func check(b []byte) error { return Footer(bytes.NewReader(b), int64(len(b))) }

func TestFooter(t *testing.T) {
	type row struct {
		A []string          `parquet:"a,list"`
		M map[string]*int32 `parquet:"m"`
		B bool              `parquet:"b"`
	}
	var good bytes.Buffer
	if err := pq.Write(&good, []row{{A: []string{"x"}}, {M: map[string]*int32{"k": nil}}}, pq.KeyValueMetadata("k", "v")); err != nil {
		t.Fatal(err)
	}
	if err := check(good.Bytes()); err != nil {
		t.Error(err)
	}
	short := file("\x00")
	binary.LittleEndian.PutUint32(short[len(short)-8:], 1<<31)
	for what, b := range map[string][]byte{
		"nothing": nil, "another footer": []byte("PAR1\x00\x00\x00\x00\x00PARE"), "a footer before the file": short,
		"many elements":                    file("\x15\x02\x19\xfc\xff\xff\xff\xff\x07\x00"),
		"a long text":                      file("\x18\xff\xff\xff\xff\x07"),
		"a map":                            file("\x1b\x01\x55\x02\x02\x00"),
		"a list of booleans":               file("\x19\x21\x01\x01\x00"),
		"no end":                           file("\x15\x02"),
		"more rows than its groups":        file("\x36\x06\x19\x1c\x36\x02\x00\x00"),
		"fewer rows than none":             file("\x36\x01\x19\x1c\x36\x01\x00\x00"),
		"groups of too many rows":          file("\x36\x02\x19\x3c\x36\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x36\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x36\x06\x00\x00"),
		"deep lists":                       file(strings.Repeat("\x1c", 100_000)),
		"more elements than memory is for": file("\x19\xfc\x80\x9f\xf4\x03" + strings.Repeat("\x00", 8_000_000) + "\x00"),
	} {
		if err := check(b); err != ErrFalse {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func FuzzFooter(f *testing.F) {
	f.Add([]byte("\x15\x02\x19\x1c\x00\x00"))
	f.Fuzz(func(t *testing.T, footer []byte) { _ = check(file(string(footer))) })
}
