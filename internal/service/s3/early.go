package s3

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3api/middlewares"
	"github.com/versity/versitygw/s3response"
)

// earlyStep is how much of a large upload is received before the disk begins with it.
const earlyStep = 8 << 20

// An earlyWriter has the disk write what has come of an upload while the rest comes, so
// that the sync at its end finds little left to do. It is a hint: without it an upload
// takes as long as to receive it and then to write it, and fills the page cache.
type earlyWriter struct {
	io.Reader
	pattern string // of the posix backend's temporary file
	got     int64
	asked   int64
	upto    chan int64
	done    chan struct{}
}

// writeEarly makes in's body a reader that starts the writing, if it is large.
func (d *durable) writeEarly(in *s3response.PutObjectInput) *earlyWriter {
	if !canWriteEarly || in.ContentLength == nil || *in.ContentLength < 2*earlyStep || in.Body == nil {
		return nil
	}
	w := &earlyWriter{
		Reader:  in.Body,
		pattern: filepath.Join(d.dir, *in.Bucket, posix.MetaTmpDir, fmt.Sprintf("%x.*", sha256.Sum256([]byte(*in.Key)))),
		upto:    make(chan int64, 1),
		done:    make(chan struct{}),
	}
	go w.run()
	if sum, ok := in.Body.(middlewares.ChecksumReader); ok {
		in.Body = struct {
			*earlyWriter
			checksummed
		}{w, sum}
	} else {
		in.Body = w
	}
	return w
}

// checksummed is middlewares.ChecksumReader without its Read.
type checksummed interface {
	Algorithm() string
	Checksum() string
}

// Read reads on, and asks for what has come to be written.
func (w *earlyWriter) Read(p []byte) (int, error) {
	// What was read before has been written to the file by now.
	if w.got-w.asked >= earlyStep {
		select {
		case w.upto <- w.got:
			w.asked = w.got
		default: // the disk is busy with the last one
		}
	}
	n, err := w.Reader.Read(p)
	w.got += int64(n)
	return n, err
}

func (w *earlyWriter) run() {
	defer close(w.done)
	var f *os.File
	defer func() {
		if f != nil {
			f.Close() // it was only read
		}
	}()
	var from int64
	for upto := range w.upto {
		if f == nil {
			// Of several uploads to one key there is no telling which file is whose.
			found, _ := filepath.Glob(w.pattern)
			if len(found) != 1 {
				continue
			}
			var err error
			if f, err = os.Open(found[0]); err != nil {
				f = nil
				continue
			}
		}
		startWriting(f, from, upto-from)
		from = upto
	}
}

// close ends the work; the body is not read any more.
func (w *earlyWriter) close() {
	close(w.upto)
	<-w.done
}
