// Package broker runs the NATS server that holds every durable stream of the node, inside
// the process, or connects to a JetStream cluster outside of it.
//
// Embedded, the server listens on no port: clients reach it over in-memory pipes. What the
// callers get is the same either way, a connection and its JetStream context, so that they
// use nothing but the client API.
//
// # What is durable when
//
// A message that the embedded server has acknowledged is with the operating system, and
// safe from a kill of the process; on disk it is when Persist or Sync says so, and only
// then may anybody be told that it is stored. Persist writes the message into the journal,
// where messages of all streams share a sync; Sync syncs the stream's own files, and is for
// what is rare: state documents, and changes of streams. With Options.NoSync, and with a
// server outside, both have nothing to do.
//
// Whoever appends to streams may keep a journal of appends of its own (AppendsDir), from which
// it makes messages that streams lack: shardlog does. Then Store and SyncAppended are what it
// needs: they sync streams, one or many at the same time.
//
// A file of which a sync has failed is suspect: its stream is not taken for durable any more until
// the next start of a broker, which writes the file again (suspect.go).
//
// At a start after a loss of power, streams may lack what the journals hold. It is put
// back before anybody can connect: storeindex.Mend cuts each stream off where its files
// are not what was written, from the first message on that a journal has, and the messages
// from there on are published again, those of the journal of appends by its owner.
package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// MaxPayload is the largest message that the embedded server takes.
const MaxPayload = 32 << 20

// Options say where the streams are.
type Options struct {
	// Dir holds the embedded server's files. It must be an absolute path; it is made if
	// it is missing.
	Dir string

	// URL, when set, names a JetStream cluster to use in place of the embedded server.
	URL string

	// Replicas is how many servers of the cluster hold each stream; 0 means 1.
	Replicas int

	// NoSync leaves it to the system when messages get to the disk, whatever is asked of
	// Persist and Sync: for data that goes with the process.
	NoSync bool

	// Logf gets the server's warnings and errors; nil drops them.
	Logf func(level, message string)

	// In tests: the size of a segment of the journal, how files of streams get to the disk, and how
	// many of them checkpoints keep open: 0 means keptOpen, negative none.
	segmentBytes int64
	fsync        func(*os.File) error
	keptOpen     int
}

// Broker is a running server, or the link to one outside.
type Broker struct {
	opts Options

	mu     sync.Mutex
	srv    *server.Server // nil when the server is outside
	closed bool

	disk *disk // nil when there is nothing to sync

	healing atomic.Bool
	errors  atomic.Bool   // the server has logged one since its start
	done    chan struct{} // closed by Close

	failedMu     sync.Mutex
	failedWrites map[string]struct{} // streams of which the server could not write a file since its start

	conn  *nats.Conn
	js    jetstream.JetStream
	extra []*nats.Conn
}

// Start starts the embedded server, or connects to the one outside. It returns when
// every stream on disk is recovered.
func Start(o Options) (*Broker, error) {
	b := &Broker{opts: o, done: make(chan struct{})}
	if o.URL == "" {
		if !filepath.IsAbs(o.Dir) {
			return nil, fmt.Errorf("broker: directory %q is not an absolute path", o.Dir)
		}
		if !o.NoSync {
			b.disk = &disk{dir: o.Dir, segmentBytes: o.segmentBytes, logf: o.Logf, fsync: o.fsync, keptOpen: cmp.Or(o.keptOpen, keptOpen), streams: map[string]*files{}}
			if b.disk.fsync == nil {
				b.disk.fsync = (*os.File).Sync
			}
			var err error
			if b.disk.suspects, err = readSuspects(o.Dir); err != nil {
				return nil, err
			}
		}
		srv, err := b.run()
		if err != nil {
			return nil, err
		}
		b.srv = srv
	}
	conn, err := b.dial("brookmere")
	if err != nil {
		b.stopServer()
		return nil, err
	}
	b.conn = conn
	if b.js, err = jetstream.New(conn, jetstream.WithDefaultTimeout(30*time.Second)); err != nil {
		b.Close()
		return nil, fmt.Errorf("broker: %w", err)
	}
	return b, nil
}

// run starts the server on its files, with all that was ever durable in them.
func (b *Broker) run() (*server.Server, error) {
	if err := b.damaged(); err != nil {
		return nil, err
	}
	if err := begin(b.opts.Dir); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	if err := repairMeta(b.opts.Dir); err != nil {
		return nil, err
	}
	if b.disk == nil {
		return b.serve()
	}
	if !b.disk.started { // nobody relies on the streams yet
		if err := b.disk.rewrite(); err != nil {
			return nil, err
		}
		b.disk.started = true
	}
	left, err := b.disk.mend()
	if err != nil {
		return nil, err
	}
	b.index()
	srv, err := b.serve()
	if err != nil {
		return nil, err
	}
	if err = b.putBack(srv, left); err == nil {
		err = b.disk.open(left)
	}
	if err != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
		return nil, err
	}
	return srv, nil
}

func (b *Broker) serve() (*server.Server, error) {
	so := &server.Options{
		ServerName: "brookmere",
		DontListen: true,
		NoSigs:     true,
		NoLog:      b.opts.Logf == nil,
		JetStream:  true,
		StoreDir:   b.opts.Dir,
		MaxPayload: MaxPayload,
		MaxPending: 256 << 20,
		// The free space of the disk is the limit, not a share of it taken at the start.
		JetStreamMaxStore:     1 << 62,
		JetStreamMaxMemory:    1 << 40,
		WriteDeadline:         time.Minute,
		DisableShortFirstPing: true,
		PingInterval:          time.Hour,
	}
	srv, err := server.NewServer(so)
	if err != nil {
		return nil, fmt.Errorf("broker: configure server: %w", err)
	}
	l := &logger{logf: b.opts.Logf, failed: b.failed}
	b.errors.Store(false)
	srv.SetLoggerV2(l, false, false, false)
	srv.Start()
	if l.fatal() || !srv.ReadyForConnections(time.Minute) || !srv.JetStreamEnabled() {
		srv.Shutdown()
		srv.WaitForShutdown()
		return nil, fmt.Errorf("broker: start server in %s: %w", b.opts.Dir, l.cause())
	}
	return srv, nil
}

// InProcessConn opens a pipe to the server that runs now; nats.go calls it, at a
// reconnect too.
func (b *Broker) InProcessConn() (net.Conn, error) {
	b.mu.Lock()
	srv, closed := b.srv, b.closed
	b.mu.Unlock()
	if srv == nil || closed {
		return nil, errors.New("broker: closed")
	}
	return srv.InProcessConn()
}

// Dial opens a connection of its own for a caller whose traffic should not wait behind
// that of others. It is closed with the broker.
func (b *Broker) Dial(name string) (*nats.Conn, error) {
	c, err := b.dial(name)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.extra = append(b.extra, c)
	b.mu.Unlock()
	return c, nil
}

func (b *Broker) dial(name string) (*nats.Conn, error) {
	opts := []nats.Option{
		nats.Name(name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(20 * time.Millisecond),
		nats.ReconnectBufSize(-1), // a publish while disconnected fails at once, its sender knows best
	}
	url := b.opts.URL
	if url == "" {
		// The pipe is there at once, but the server answers when the machine lets it: on one with far too
		// much to do, not within the two seconds of the client's default.
		opts = append(opts, nats.InProcessServer(b), nats.PingInterval(time.Hour), nats.Timeout(time.Minute))
	}
	c, err := nats.Connect(url, opts...)
	if err != nil {
		return nil, fmt.Errorf("broker: connect: %w", err)
	}
	return c, nil
}

// JetStream is the JetStream context of the shared connection.
func (b *Broker) JetStream() jetstream.JetStream { return b.js }

// Replicas is how many servers are to hold each stream.
func (b *Broker) Replicas() int { return max(1, b.opts.Replicas) }

// Restart stops the embedded server and starts it again on the same files; connections
// come back by themselves. It is how a store that refuses writes since its disk failed
// is brought back. With a server outside it does nothing.
func (b *Broker) Restart(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return errors.New("broker: closed")
	}
	if b.srv == nil {
		return nil
	}
	b.srv.Shutdown()
	b.srv.WaitForShutdown()
	b.dropFailed()
	b.closeDisk()
	srv, err := b.run()
	if err != nil {
		return err
	}
	b.srv = srv
	return nil
}

// closeDisk ends the journal of a server that was stopped. It reports whether all is in the
// streams' files.
func (b *Broker) closeDisk() bool {
	if b.disk == nil {
		return false
	}
	err := b.disk.close()
	if err != nil && b.opts.Logf != nil {
		b.opts.Logf("warn", fmt.Sprintf("the next start writes back what the log's journal holds: %v", err))
	}
	return err == nil
}

// Close ends the connections and stops the server. What was acknowledged is on disk.
func (b *Broker) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	close(b.done)
	extra := b.extra
	b.mu.Unlock()
	for _, c := range extra {
		c.Close()
	}
	if b.conn != nil {
		b.conn.Close()
	}
	b.stopServer()
	return nil
}

func (b *Broker) stopServer() {
	b.mu.Lock()
	srv := b.srv
	b.mu.Unlock()
	if srv != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
		b.dropFailed()
		if b.closeDisk() {
			if err := writeManifest(b.opts.Dir); err != nil && b.opts.Logf != nil {
				b.opts.Logf("warn", fmt.Sprintf("the next start checks less: %v", err))
			}
		}
	}
}

// logger hands on the server's warnings and errors and keeps the last error, which is
// the only place where a failed start says why.
type logger struct {
	logf   func(level, message string)
	failed func(v []any) // called at each error, with what it tells
	mu     sync.Mutex
	last   string
	ended  bool
}

func (l *logger) cause() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == "" {
		return errors.New("server did not become ready")
	}
	return errors.New(l.last)
}

func (l *logger) log(level, format string, v []any) {
	m := fmt.Sprintf(format, v...)
	if level == "error" {
		l.mu.Lock()
		l.last = m
		l.mu.Unlock()
		l.failed(v)
	}
	if l.logf != nil {
		l.logf(level, m)
	}
}

func (l *logger) Noticef(string, ...any)         {}
func (l *logger) Debugf(string, ...any)          {}
func (l *logger) Tracef(string, ...any)          {}
func (l *logger) Warnf(format string, v ...any)  { l.log("warn", format, v) }
func (l *logger) Errorf(format string, v ...any) { l.log("error", format, v) }

// Fatalf does not end the process: the server returns from Start after it.
func (l *logger) Fatalf(format string, v ...any) {
	l.log("error", format, v)
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
}

func (l *logger) fatal() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

var _ io.Closer = (*Broker)(nil)
