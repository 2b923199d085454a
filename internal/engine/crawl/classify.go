package crawl

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// headSize is how much of an object is read to tell its format and columns, before and
// after decompression.
const headSize = 1 << 20

// readAll reads the files, several at a time; the first error ends it.
func readAll(ctx context.Context, src Source, files []*file, o Options) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan *file)
	var wg sync.WaitGroup
	for range min(o.Concurrency, len(files)) {
		wg.Go(func() {
			for f := range work {
				err := classify(ctx, src, f, o.Classifiers)
				if errors.Is(err, ErrArchived) {
					f.why, err = "it is archived", nil
				}
				if err != nil {
					cancel(fmt.Errorf("crawl: read %s: %w", f.Key, err))
				}
			}
		})
	}
feed:
	for _, f := range files {
		select {
		case work <- f:
		case <-ctx.Done():
			break feed
		}
	}
	close(work)
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func readPart(ctx context.Context, src Source, key string, offset, length int64) ([]byte, error) {
	r, err := src.Open(ctx, key, offset, length)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b := make([]byte, 0, min(length, headSize)+1)
	buf := bytes.NewBuffer(b)
	_, err = io.Copy(buf, io.LimitReader(r, length))
	return buf.Bytes(), err
}

// classify reads what it takes to know a file. What cannot be understood is Unknown;
// an error is one of reading.
func classify(ctx context.Context, src Source, f *file, custom []Classifier) error {
	f.read = true
	f.format = Format{Classification: Unknown, Compression: "none"}
	var head []byte
	if !strings.HasSuffix(strings.ToLower(f.Key), ".parquet") || f.Size <= headSize {
		var err error
		if head, err = readPart(ctx, src, f.Key, 0, min(f.Size, headSize)); err != nil {
			return err
		}
		if len(head) == 0 {
			return nil
		}
	}
	if head == nil || bytes.HasPrefix(head, parquetMagic) {
		ok, err := parquet(ctx, src, f, head)
		if ok || err != nil {
			return err
		}
		return nil
	}
	if bytes.HasPrefix(head, orcMagic) {
		if ok, err := orcFile(ctx, src, f, head); ok || err != nil {
			return err
		}
	}
	if avroFile(f, head) || bytes.HasPrefix(head, avroMagic) {
		return nil
	}
	whole := int64(len(head)) == f.Size
	text, compression, complete := decompress(head, whole)
	if compression == "none" { // the first bytes of gzip can pass for a length of BSON
		if f.why = binaryNotRead(head, f.Size); f.why != "" {
			return nil
		}
	}
	known := len(text) > 0 && (slices.ContainsFunc(custom, func(c Classifier) bool { return c.classify(f, text, complete) }) ||
		jsonFile(f, text, complete) || builtinXML.classify(f, text, complete) || slices.ContainsFunc(builtinLogs(), func(c Classifier) bool { return c.classify(f, text, complete) }) || csvFile(f, text, complete))
	if !known {
		if bytes.HasPrefix(text, []byte("$ion_1_")) {
			f.why = ionNotRead
		}
		return nil
	}
	records := f.records
	f.format.Compression = compression
	if !complete {
		// By the share of the object that the records were found in.
		used := int64(len(text))
		if compression != "none" {
			used = int64(len(head))
		}
		if used > 0 {
			f.records = max(records, records*f.Size/used)
		}
	}
	return nil
}

const ionNotRead = "it is Amazon Ion, which is not read"

// binaryNotRead says which format an object is of that is known and not read; empty if none.
func binaryNotRead(head []byte, size int64) string {
	if bytes.HasPrefix(head, []byte{0xe0, 0x01, 0x00, 0xea}) {
		return ionNotRead
	}
	// A BSON document: its length, a type, a name.
	if len(head) < 5 {
		return ""
	}
	n := int64(binary.LittleEndian.Uint32(head))
	if n < 5 || n > size || n <= int64(len(head)) && head[n-1] != 0 {
		return ""
	}
	if t := head[4]; n > 5 && (t < 1 || t > 0x13 || bytes.IndexByte(head[5:min(n, int64(len(head)))], 0) < 0) || n == 5 && t != 0 {
		return ""
	}
	return "it is BSON, which is not read"
}

// decompress undoes what the first bytes say is a compression, as far as headSize.
func decompress(head []byte, whole bool) (text []byte, compression string, complete bool) {
	var r io.Reader
	src := bytes.NewReader(head)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		compression = "gzip"
		if z, err := gzip.NewReader(src); err == nil {
			r = z
		}
	case bytes.HasPrefix(head, []byte("BZh")):
		compression, r = "bzip2", bzip2.NewReader(src)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		compression = "zstd"
		if z, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20)); err == nil {
			defer z.Close()
			r = z
		}
	case bytes.HasPrefix(head, []byte("\xff\x06\x00\x00sNaPpY")):
		compression, r = "snappy", s2.NewReader(src)
	default:
		if len(head) > 8 && hadoopSnappy(head) {
			return hadoopSnappyText(head, whole)
		}
		return head, "none", whole
	}
	if r == nil {
		return nil, compression, false
	}
	text, err := io.ReadAll(io.LimitReader(r, headSize))
	complete = whole && err == nil && len(text) < headSize
	if err != nil && whole && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, compression, false // not what it began like
	}
	return text, compression, complete
}
