package objectstore

import (
	"io"
	"os"
)

// earlyStep is how much of a large upload is received before the disk begins with it.
const earlyStep = 8 << 20

// An earlyWriter has the disk write what has come of an upload while the rest comes, so
// that the sync at its end finds little left to do. It is a hint: without it an upload
// takes as long as to receive it and then to write it, and fills the page cache.
type earlyWriter struct {
	io.Reader
	f     *os.File
	got   int64
	asked int64
	upto  chan int64
	done  chan struct{}
}

func startEarly(f *os.File, body io.Reader) *earlyWriter {
	w := &earlyWriter{Reader: body, f: f, upto: make(chan int64, 1), done: make(chan struct{})}
	go w.run()
	return w
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
	var from int64
	for upto := range w.upto {
		startWriting(w.f, from, upto-from)
		from = upto
	}
}

// close ends the work; the body is not read any more.
func (w *earlyWriter) close() {
	close(w.upto)
	<-w.done
}
