package broker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/brookmere/brookmere/internal/engine/broker/journal"
)

// directBytes is the size from which on a message is not worth writing twice: its stream
// is synced instead.
const directBytes = 128 << 10

// Persist calls done when a message that the server has acknowledged with the sequence is
// durable, or cannot be made so. Messages of all streams that come at the same time share
// one sync. The data is the caller's again when done is called; done must not wait for
// another message. Of one stream, messages must be given in sequence. A server outside has
// made its messages durable itself.
func (b *Broker) Persist(stream, subject string, seq uint64, data []byte, done func(error)) {
	if b.disk == nil {
		done(nil)
		return
	}
	b.disk.persist(journal.Entry{Stream: stream, Subject: subject, Seq: seq, Data: data}, done)
}

// Sync makes durable all that the server has acknowledged for a stream: messages, that it
// was made, changed, trimmed, or removed. Unlike Persist it costs syncs of its own.
func (b *Broker) Sync(stream string) error {
	if b.disk == nil {
		return nil
	}
	return b.disk.sync(stream, (*files).sync)
}

// Store makes durable what the server has of a stream, up to the sequence that it has
// acknowledged last, by a sync of the stream's own files alone, and calls done then. It is
// for messages that the journal must not hold: those that follow others which are not in it.
func (b *Broker) Store(stream string, seq uint64, done func(error)) {
	if b.disk == nil {
		done(nil)
		return
	}
	go func() {
		err := b.disk.sync(stream, (*files).syncAppended)
		if err == nil {
			b.Mark(stream, seq)
		}
		done(err)
	}()
}

// SyncAppended makes durable what the server has appended to some streams. One that is not
// there has nothing to sync.
func (b *Broker) SyncAppended(streams []string) error {
	if b.disk == nil {
		return nil
	}
	how := (*files).syncAppended
	if len(streams) > b.disk.keptOpen {
		how = (*files).syncClosed
	}
	err := b.disk.syncAll(streams, how)
	if err != nil {
		b.disk.unsynced.Store(true)
	}
	return err
}

// keptOpen is for how many streams of a checkpoint the last block is kept open, so that it need
// not be opened for each; with more of them files would run out.
const keptOpen = 256

// Mark notes that a stream's own files hold everything up to the sequence, after a Sync, so
// that a start after a kill misses a file that is gone: from its return on, a kill leaves the note.
// It does not wait for the disk to have it.
func (b *Broker) Mark(stream string, seq uint64) {
	if b.disk == nil {
		return
	}
	b.disk.mu.Lock()
	j := b.disk.journal
	b.disk.mu.Unlock()
	born, err := b.disk.files(stream).created()
	if j != nil && err == nil {
		j.Mark(journal.Entry{Stream: stream, Born: born, Seq: seq})
	}
}

// disk makes durable what the embedded server has written to its files. The server itself
// syncs them when it finds the time, since its own way, a sync for each message, is one for
// each stream that messages come for.
type disk struct {
	dir          string // of the server
	segmentBytes int64  // of the journal; 0: what it takes by itself
	logf         func(level, message string)
	fsync        func(*os.File) error
	keptOpen     int // streams of a checkpoint whose last blocks are kept open
	suspects     *suspects
	started      bool // suspect files were written again

	unsynced atomic.Bool // something could not be synced that the journal does not have

	mu      sync.Mutex
	streams map[string]*files
	journal *journal.Journal // nil while the server is not running
}

// AppendsDir is where, below a broker's directory, whoever appends to its streams keeps a
// journal of appends that these may lack (journal.Pieces). Streams that it has entries of are
// cut off at a start where their files are not what was written, as those of the broker's own.
func AppendsDir(dir string) string { return filepath.Join(dir, "appends") }

func (d *disk) journalDir() string { return filepath.Join(d.dir, "journal") }

// files are those of a stream.
func (d *disk) files(stream string) *files {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.streams[stream]
	if f == nil {
		f = newFiles(d, stream)
		d.streams[stream] = f
	}
	return f
}

// sync makes durable what the server has done to the stream, or, with (*files).syncAppended,
// what it has appended.
func (d *disk) sync(stream string, how func(*files) error) error {
	f := d.files(stream)
	err := how(f)
	if errors.Is(err, errNoStream) { // it was removed, and that is durable now
		d.mu.Lock()
		if d.streams[stream] == f {
			delete(d.streams, stream)
		}
		d.mu.Unlock()
		d.suspects.drop(stream)
		return nil
	}
	if err != nil {
		return fmt.Errorf("broker: sync stream %s: %w", stream, err)
	}
	return nil
}

// syncsAtOnce are the streams that are synced at the same time: the file system commits what
// waits for it together, so many take little longer than one. But the syncs of journals, which
// somebody waits for, would wait behind them all: only a few are under way at first, and more when
// these do not come to an end soon.
const (
	syncsAtOnce = 32
	syncsFirst  = 2
	syncsSoon   = 250 * time.Millisecond
)

// syncAll syncs some streams.
func (d *disk) syncAll(streams []string, how func(*files) error) error {
	slots := make(chan struct{}, syncsAtOnce)
	for range syncsFirst {
		slots <- struct{}{}
	}
	more := time.AfterFunc(syncsSoon, func() {
		for range syncsAtOnce - syncsFirst {
			slots <- struct{}{}
		}
	})
	defer more.Stop()
	var g errgroup.Group
	for _, s := range streams {
		<-slots
		g.Go(func() error {
			defer func() { slots <- struct{}{} }()
			return d.sync(s, how)
		})
	}
	return g.Wait()
}

func (d *disk) persist(e journal.Entry, done func(error)) {
	d.mu.Lock()
	j := d.journal
	d.mu.Unlock()
	f := d.files(e.Stream)
	var err error
	e.Born, err = f.created()
	// The journal can put a message back that follows what is in the stream's files. Of what
	// an earlier run has left there, that may not be durable yet.
	if j == nil || err != nil || len(e.Data) >= directBytes || !f.known() {
		go func() {
			err := d.sync(e.Stream, (*files).syncAppended)
			if j != nil && err == nil {
				j.Mark(journal.Entry{Stream: e.Stream, Born: e.Born, Subject: e.Subject, Seq: e.Seq})
			}
			done(err)
		}()
		return
	}
	j.Append(e, func(err error) {
		if err == nil {
			done(nil)
			return
		}
		// The disk may be full, and the store have the space already that it needs.
		go func() { done(d.sync(e.Stream, (*files).syncAppended)) }()
	})
}

// open goes on with the journal that was read.
func (d *disk) open(left *journal.Left) error {
	j, err := journal.Open(left, journal.Options{
		Checkpoint:   func(_ uint64, streams []string) error { return d.syncAll(streams, (*files).sync) },
		SegmentBytes: d.segmentBytes,
	})
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.journal = j
	d.mu.Unlock()
	return nil
}

// close ends the journal; what comes now is synced in the store. An error leaves the
// journal for the next start.
func (d *disk) close() error {
	d.mu.Lock()
	j := d.journal
	d.journal = nil
	d.mu.Unlock()
	defer d.forget()
	if j == nil {
		return nil
	}
	err := j.Close()
	if err == nil && (d.unsynced.Load() || d.suspects.any()) {
		err = errUnsynced
	}
	return err
}

var errUnsynced = errors.New("a stream could not be synced")

// forget closes the files of a server that was stopped.
func (d *disk) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.streams {
		f.close()
	}
	clear(d.streams)
}
