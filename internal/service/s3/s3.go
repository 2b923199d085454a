package s3

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/objectstore"
	"github.com/brookmere/brookmere/internal/engine/policy"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// Config is what a Service needs.
type Config struct {
	// Dir holds the objects, as Dir/<bucket>/<key>. It is absolute, and made if missing.
	Dir string
	// StateDir holds all else: settings of buckets, old versions, what is being deleted.
	// It is absolute, on the file system of Dir and not below it. Empty means Dir with
	// ".state" added.
	StateDir string
	// Decide says whether the caller of ctx may do an action on the resource of an ARN, by the
	// policies of its account and of the bucket; nil: the owner's callers may do all. It is asked
	// about requests of clients, and about work that a service does as a role. keys answers for
	// condition keys, by their names in lower case. Its error is the client's answer.
	Decide func(ctx context.Context, action, arn string, keys policy.Keys) error
	// Enforces reports whether the denials of Decide count; nil: they may not.
	Enforces func() bool

	// Granted is Decide about a bucket or an object of another account that lets the caller in by its access control
	// list, or about a bucket that is to be created: the policies of the caller's account decide, and a Deny of the
	// bucket's. nil: Decide.
	Granted func(ctx context.Context, action, arn string, keys policy.Keys) error

	// Holder finds the secret key of an access key, and whom it acts as (by account, principal and session), for what
	// is signed in a way that S3 alone has: forms. Without a secret any signature is taken; false: there is no such key.
	// nil: all are taken, for the caller.
	Holder func(ctx context.Context, accessKey, token string) (secret string, as awswire.Caller, ok bool)

	// PassRole says whether the caller of ctx may hand a role to S3, for the bucket of an ARN. Its error is the client's
	// answer. nil: everybody may.
	PassRole func(ctx context.Context, role, bucket string) error

	// Encrypt has the data of new objects encrypted on disk, under a key that Key seals. Key is needed to read what was
	// encrypted too; nil: nothing is.
	Encrypt bool
	Key     objectstore.Sealer

	Clock      clockwork.Clock       // nil: the real one
	Logger     *slog.Logger          // nil: discard
	Registerer prometheus.Registerer // nil: no metrics
}

// A Service is S3 over a directory of plain files. Its methods may be called by many
// goroutines at once.
type Service struct {
	cfg      Config
	store    *objectstore.Store
	buckets  *buckets
	accounts *accounts
	clock    clockwork.Clock
	log      *slog.Logger
	metrics  *metrics

	createMu sync.Mutex // one CreateBucket or Reset at a time
	inFlight chan struct{}

	interceptors atomic.Pointer[[]awswire.Interceptor]
	notifier     atomic.Pointer[Notifier] // nil: nobody is told of events
	keys         atomic.Pointer[Keys]     // nil: keys of KMS are not looked up
	lastEvent    atomic.Int64             // the last sequencer

	group   work.Group // of the sweeps
	sweepMu sync.Mutex // one sweep at a time

	restoring sync.RWMutex // shared by those that make restored copies
	restores  atomic.Int64 // how many have been begun

	inventoryMu sync.Mutex // one round of inventories at a time

	accessLogs accessLogs
}

// maxRequests is how many requests may be under way; S3 answers SlowDown to one more.
const maxRequests = 4096

// New returns a running Service over the files in c.Dir.
func New(c Config) (*Service, error) {
	if c.StateDir == "" {
		c.StateDir = filepath.Clean(c.Dir) + ".state"
	}
	s := &Service{cfg: c, clock: c.Clock, log: c.Logger, inFlight: make(chan struct{}, maxRequests)}
	if s.clock == nil {
		s.clock = clockwork.NewRealClock()
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if s.metrics, err = newMetrics(c.Registerer); err != nil {
		return nil, err
	}
	if !filepath.IsAbs(c.Dir) || !filepath.IsAbs(c.StateDir) {
		return nil, fmt.Errorf("s3: the directories %q and %q are not both absolute paths", c.Dir, c.StateDir)
	}
	dir := filepath.Join(c.StateDir, "buckets")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("s3: open %s: %w", dir, err)
	}
	if s.buckets, err = openBuckets(dir); err != nil {
		return nil, fmt.Errorf("s3: open %s: %w", dir, err)
	}
	if s.accounts, err = openAccounts(filepath.Join(c.StateDir, "accounts")); err != nil {
		return nil, fmt.Errorf("s3: open %s: %w", c.StateDir, err)
	}
	s.store, err = objectstore.Open(objectstore.Options{
		Dir: c.Dir, StateDir: c.StateDir, Clock: s.clock, Versioned: s.versioning, Encrypt: c.Encrypt, Key: c.Key,
		Failed: func(doing string, err error) { s.log.Error("s3: "+doing, "error", err) },
	})
	if err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	s.startSweeps()
	s.startInventories()
	s.startAccessLogs()
	return s, nil
}

// Intercept sets what runs around every operation from now on.
func (s *Service) Intercept(chain []awswire.Interceptor) { s.interceptors.Store(&chain) }

// Close ends the service. Requests that are under way have ended before.
func (s *Service) Close(ctx context.Context) error {
	err := s.group.Close(ctx)
	s.writeAccessLogs(ctx)
	s.store.Close()
	return err
}

// Reset removes all buckets, with all that is in them, settings and unfinished uploads
// too. It returns when they can no longer be seen; their space is freed in the
// background. What a request under way then acknowledges may be gone.
func (s *Service) Reset(context.Context) error {
	s.createMu.Lock()
	defer s.createMu.Unlock()
	// The settings first: without them there is no bucket, whatever files are left.
	s.buckets.clear()
	s.accounts.clear()
	if err := s.store.Reset(s.buckets.dir, s.accounts.dir); err != nil {
		return fmt.Errorf("s3: %w", err)
	}
	return nil
}

// A File is an object as the file that holds it.
type File = objectstore.File

// Merged is an object that stands for others.
type Merged = objectstore.Merged

// Snapshot shows objects as they were when it was made, as far as Replace is concerned.
type Snapshot struct {
	*objectstore.Snapshot
	s *Service
}

// ErrChanged is returned by Replace if objects were changed, or are not there.
var ErrChanged = objectstore.ErrChanged

// Snapshot begins a snapshot.
func (s *Service) Snapshot() *Snapshot { return &Snapshot{s.store.Snapshot(), s} }

func (v *Snapshot) exists(bucket string) error {
	if v.s.buckets.get(bucket) == nil {
		return noSuchBucket(bucket)
	}
	return nil
}

// Files returns the objects of a bucket whose keys start with prefix, in the order of their
// keys. Keys that end in "/" are left out. A bucket that does not exist is an error of S3's.
func (v *Snapshot) Files(ctx context.Context, bucket, prefix string) ([]File, error) {
	if err := v.exists(bucket); err != nil {
		return nil, err
	}
	return v.Snapshot.Files(ctx, bucket, prefix)
}

// Walk is Files for one object after the other, in no order.
func (v *Snapshot) Walk(ctx context.Context, bucket, prefix string, visit func(File)) error {
	if err := v.exists(bucket); err != nil {
		return err
	}
	return v.Snapshot.Walk(ctx, bucket, prefix, visit)
}

// Files is Files of the present snapshot.
func (s *Service) Files(ctx context.Context, bucket, prefix string) ([]File, error) {
	now := s.Snapshot()
	defer now.Release()
	return now.Files(ctx, bucket, prefix)
}

// LocalFile returns the file that holds an object, and whether there is one.
func (s *Service) LocalFile(bucket, key string) (f File, ok bool) {
	if s.buckets.get(bucket) == nil {
		return File{}, false
	}
	return s.store.LocalFile(bucket, key)
}

// OpenFile opens the data of the object whose file is at path, as Files gave it: where that is encrypted, it is read here
// alone.
func (s *Service) OpenFile(path string) (objectstore.Data, error) { return s.store.OpenFile(path) }

// BucketOwner returns the account that owns a bucket; false if there is no such bucket.
func (s *Service) BucketOwner(bucket string) (account string, ok bool) {
	b := s.buckets.get(bucket)
	if b == nil {
		return "", false
	}
	return b.Owner, true
}

type metrics struct{ read, written prometheus.Counter }

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		read: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "brookmere_s3_read_bytes", Help: "Bytes of objects sent to clients."}),
		written: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "brookmere_s3_written_bytes", Help: "Bytes of objects received from clients."}),
	}
	if r == nil {
		return m, nil
	}
	return m, errors.Join(r.Register(m.read), r.Register(m.written))
}

// ServeHTTP answers an S3 request, in path style or virtual-host style, that the server
// has authenticated: its context says for whom (awswire.CallerFrom). The body is as the
// client sent it, or as sigv4.Verify or sigv4.Unwrap leave it.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 && r.Header.Get("Expect") != "" {
		// There is no body to ask for with 100 Continue, so the answer comes early. botocore
		// then misreads the next answer on the connection.
		w.Header().Set("Connection", "close")
	}
	select {
	case s.inFlight <- struct{}{}:
		defer func() { <-s.inFlight }()
	default:
		writeError(w, r, errBusy)
		return
	}
	if isControl(r) {
		s.serveControl(w, r)
		return
	}
	begun := time.Now()
	c, err := s.newCall(w, r)
	if err == nil {
		c.logs(begun)
		defer c.record()
		err = c.serve()
	}
	if err == nil {
		return
	}
	e, known := errorOf(err, c.bucket, c.key)
	if !known {
		s.log.Error("s3: "+r.Method+" "+r.URL.Path, "error", err)
	}
	if c.log != nil {
		c.log.code = e.Code
	}
	writeError(c.w, r, e)
}
