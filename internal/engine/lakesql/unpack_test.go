package lakesql

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/lakesql/hive"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

const plainRows = "1,a\n2,b\n"

// hadoop frames blocks as Hadoop's codecs do.
func hadoop(text string, pack func([]byte) []byte) string {
	var b bytes.Buffer
	for _, block := range []string{text[:4], text[4:]} {
		binary.Write(&b, binary.BigEndian, uint32(len(block)))
		packed := pack([]byte(block))
		binary.Write(&b, binary.BigEndian, uint32(len(packed)))
		b.Write(packed)
	}
	return b.String()
}

func lz4Packed(b []byte) []byte {
	out := make([]byte, lz4.CompressBlockBound(len(b)))
	n, err := lz4.CompressBlock(b, out, nil)
	if err != nil {
		panic(err)
	}
	if n == 0 { // too short to be packed: literals alone
		return append([]byte{byte(len(b) << 4)}, b...)
	}
	return out[:n]
}

func compressedFiles() map[string]string {
	unhex := func(s string) string { b, _ := hex.DecodeString(s); return string(b) }
	written := func(f func(io.Writer) io.WriteCloser) string {
		var b bytes.Buffer
		w := f(&b)
		io.WriteString(w, plainRows)
		w.Close()
		return b.String()
	}
	snap := func(b []byte) []byte { return snappy.Encode(nil, b) }
	java := "\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"
	for _, part := range []string{plainRows[:4], plainRows[4:]} {
		p := snap([]byte(part))
		java += string(binary.BigEndian.AppendUint32(nil, uint32(len(p)))) + string(p)
	}
	return map[string]string{
		"a.bz2":         unhex("425a6839314159265359b0a7114f00000259000010000430003000200021a699a0c002950b0bb9229c2848585388a780"),
		"a.deflate":     unhex("789c33d449e432d249e2020007560193"),
		"hadoop.snappy": hadoop(plainRows, snap),
		"frame.snappy":  written(func(w io.Writer) io.WriteCloser { return snappy.NewBufferedWriter(w) }),
		"java.snappy":   java,
		"hadoop.lz4":    hadoop(plainRows, lz4Packed),
		"frame.lz4":     written(func(w io.Writer) io.WriteCloser { return lz4.NewWriter(w) }),
		"a.zst":         written(func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z }),
		"a.gz":          plainRows, // packed by write
	}
}

func TestCompressedText(t *testing.T) {
	e, l := newEngine(t)
	for name, content := range compressedFiles() {
		table := strings.ReplaceAll(name, ".", "_")
		l.add(t, table, "a int; b string", "", textSerDe, map[string]string{"field.delim": ","})
		l.write(t, "b/"+table+"/"+name, content)
		if got, _, err := ask(e, l, `SELECT a, b, "$path" FROM `+table); err != nil || got != fmt.Sprintf("1|a|s3://b/%s/%s\n2|b|s3://b/%[1]s/%[2]s", table, name) {
			t.Errorf("%s: got %s, %v", name, got, err)
		}
	}
	l.add(t, "broken", "a int", "", jsonSerDe, nil)
	l.write(t, "b/broken/x.json.snappy", "\x00\x00\x00\x09\x00\x00\x00\x02zz")
	if _, _, err := ask(e, l, "SELECT * FROM broken"); err == nil || !strings.HasPrefix(err.Error(), "HIVE_CURSOR_ERROR") {
		t.Error(err)
	}
	// A file that is replaced is unpacked again.
	l.write(t, "b/again/x.csv.snappy", compressedFiles()["hadoop.snappy"])
	l.add(t, "again", "a string", "", textSerDe, nil)
	if got, _, err := ask(e, l, "SELECT count(*) FROM again"); err != nil || got != "2" {
		t.Errorf("got %s, %v", got, err)
	}
	l.write(t, "b/again/x.csv.snappy", hadoop("first\nsecond\nthird\n", func(b []byte) []byte { return snappy.Encode(nil, b) }))
	if got, _, err := ask(e, l, "SELECT count(*) FROM again"); err != nil || got != "3" {
		t.Errorf("of a replaced file: %s, %v", got, err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(e.scratch); err != nil || len(left) != 0 {
		t.Errorf("unpacked files stay: %v, %v", left, err)
	}
}

func FuzzUnpack(f *testing.F) {
	for name, content := range compressedFiles() {
		f.Add("."+name[strings.LastIndexByte(name, '.')+1:], []byte(content))
	}
	f.Fuzz(func(t *testing.T, ext string, content []byte) {
		open := hive.Unpack(ext)
		if open == nil {
			return
		}
		r, err := open(bytes.NewReader(content))
		if err != nil {
			return
		}
		io.Copy(io.Discard, io.LimitReader(r, 1<<20))
	})
}
