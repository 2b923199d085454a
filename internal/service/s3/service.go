package s3

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3api/middlewares"
)

// Config is what a Service needs.
type Config struct {
	// Dir holds the objects, as Dir/<bucket>/<key>. It is absolute, and made if missing.
	Dir string
	// StateDir holds all else: settings of buckets, old versions, what is being deleted.
	// It is absolute, on the file system of Dir and not below it. Empty means Dir with
	// ".state" added.
	StateDir string

	Clock      clockwork.Clock       // nil: the real one
	Logger     *slog.Logger          // nil: discard
	Registerer prometheus.Registerer // nil: no metrics
}

// A Service is S3 over a directory of plain files. Its methods may be called by many
// goroutines at once.
type Service struct {
	dir     string
	state   string
	buckets string // StateDir/buckets
	attrs   attributes
	backend *durable
	handler fasthttp.RequestHandler
	signer  *signer
	clock   clockwork.Clock
	log     *slog.Logger
	metrics *metrics

	createMu sync.Mutex // one CreateBucket or Reset at a time
	resets   atomic.Uint64
	trash    sync.WaitGroup

	swaps      swaps
	swapIDs    atomic.Uint64
	ctx        context.Context // of what finishes swaps
	cancel     context.CancelFunc
	background sync.WaitGroup // and it
}

// maxRequests is how many requests may be under way; S3 answers SlowDown to one more.
const maxRequests = 4096

// open guards the process-wide working directory that versitygw depends on.
var open atomic.Bool

// New returns a running Service over the files in c.Dir.
func New(c Config) (*Service, error) {
	if !filepath.IsAbs(c.Dir) {
		return nil, fmt.Errorf("s3: the object directory %q is not an absolute path", c.Dir)
	}
	dir := filepath.Clean(c.Dir)
	state := c.StateDir
	if state == "" {
		state = dir + ".state"
	}
	if !filepath.IsAbs(state) {
		return nil, fmt.Errorf("s3: the state directory %q is not an absolute path", state)
	}
	if !open.CompareAndSwap(false, true) {
		return nil, errors.New("s3: another S3 service is open in this process; close it first")
	}
	s, err := newService(c, dir, filepath.Clean(state))
	if err != nil {
		open.Store(false)
		return nil, fmt.Errorf("s3: open %s: %w", dir, err)
	}
	return s, nil
}

func newService(c Config, dir, state string) (*Service, error) {
	s := &Service{
		dir:     dir,
		state:   state,
		buckets: filepath.Join(state, "buckets"),
		signer:  newSigner(),
		clock:   c.Clock,
		log:     c.Logger,
	}
	if s.clock == nil {
		s.clock = clockwork.NewRealClock()
	}
	s.swaps.clock = s.clock
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if s.metrics, err = newMetrics(c.Registerer); err != nil {
		return nil, err
	}
	for _, d := range []string{dir, s.buckets, s.swapsDir(), s.versionsDir(), s.trashDir()} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, err
		}
	}
	s.emptyTrash()
	if err := errors.Join(sweepUploads(dir), sweepCompletions(dir)); err != nil {
		return nil, err
	}
	storer, err := objectAttributes(dir, filepath.Join(state, "objects"), filepath.Join(state, "values"))
	if err != nil {
		return nil, err
	}
	s.attrs = attributes{MetadataStorer: storer, publishing: new(publishing), buckets: s.buckets}
	if s.backend, err = s.openBackend(); err != nil {
		return nil, err
	}
	if err := s.openSwaps(); err != nil {
		return nil, err
	}
	gw, err := s3api.New(s.backend, middlewares.RootUserConfig{Access: "root", Secret: s.signer.secret},
		gatewayRegion, s.signer, nil, nil, nil, nil, s3api.WithQuiet(),
		s3api.WithConcurrencyLimiter(maxRequests, maxRequests))
	if err != nil {
		return nil, err
	}
	if s.handler, err = fiberHandler(gw); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Service) versionsDir() string { return filepath.Join(s.state, "versions") }
func (s *Service) trashDir() string    { return filepath.Join(s.state, "trash") }

// openBackend opens the posix backend. It prints the versioning directory to standard
// output, which belongs to the command that runs in this process; so for that moment
// there is none.
func (s *Service) openBackend() (*durable, error) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	stdout := os.Stdout
	os.Stdout = null
	defer func() { os.Stdout = stdout }()
	px, err := posix.New(s.dir, s.attrs, posix.PosixOpts{
		VersioningDir: s.versionsDir(),
		// Renaming a named temporary file into place replaces an object in one step. An
		// unnamed one must be linked first under a name that listings show.
		ForceNoTmpFile: true,
		// The file locks are against other processes, and there are none.
		ForceNoObjLockFile:  true,
		ValidateBucketNames: true,
		CopyObjectThreshold: 5 << 30, // S3's own limit
		IOBufferSize:        256 << 10,
	})
	if err != nil {
		return nil, err
	}
	d := &durable{Posix: px, dir: s.dir, log: s.log, publishing: s.attrs.publishing, service: s, swaps: &s.swaps}
	_, follows := s.attrs.MetadataStorer.(largeValues)
	d.room = room{
		dir:     s.dir,
		follows: follows,
		versions: func(bucket, path string) string {
			return versionsDirOf(s.versionsDir(), bucket, path)
		},
		changing: func(bucket, path string) error { return d.changing(context.Background(), bucket, path) },
	}
	return d, nil
}

// objectAttributes returns where the metadata of objects goes.
func objectAttributes(dir, sidecar, values string) (meta.MetadataStorer, error) {
	if err := (meta.XattrMeta{}).Test(dir); err == nil {
		return largeValues{meta.XattrMeta{}, values}, nil
	}
	if err := os.MkdirAll(sidecar, 0o755); err != nil {
		return nil, err
	}
	return meta.NewSideCar(sidecar)
}

// Close ends the service. Requests that are under way have ended before.
func (s *Service) Close(context.Context) error {
	s.cancel()
	s.background.Wait()
	s.trash.Wait()
	s.backend.Shutdown()
	open.Store(false)
	return nil
}

// Reset removes all buckets, with all that is in them, settings and unfinished uploads
// too. It returns when they can no longer be seen; their space is freed in the
// background. What a request under way then acknowledges may be gone.
func (s *Service) Reset(context.Context) error {
	s.createMu.Lock()
	defer s.createMu.Unlock()
	s.cancel()
	s.background.Wait()
	s.swaps.clear()
	s.ctx, s.cancel = context.WithCancel(context.Background())
	bin, err := os.MkdirTemp(s.trashDir(), "reset-"+strconv.FormatUint(s.resets.Add(1), 10)+"-")
	if err != nil {
		return fmt.Errorf("s3: reset: %w", err)
	}
	// The settings first: without them there is no bucket, whatever files are left.
	for i, dir := range []string{s.buckets, s.swapsDir(), s.versionsDir(), filepath.Join(s.state, "objects"), filepath.Join(s.state, "values"), s.dir} {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("s3: reset: %w", err)
		}
		for _, e := range entries {
			to := filepath.Join(bin, strconv.Itoa(i)+"-"+e.Name())
			if err := os.Rename(filepath.Join(dir, e.Name()), to); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("s3: reset: %w", err)
			}
		}
		if err := syncDir(dir); err != nil {
			return fmt.Errorf("s3: reset: %w", err)
		}
	}
	s.backend.synced.clear()
	s.emptyTrash()
	return nil
}

// emptyTrash deletes, in the background, what is in the trash now.
func (s *Service) emptyTrash() {
	entries, err := os.ReadDir(s.trashDir())
	if err != nil {
		s.log.Error("s3: read the trash", "error", err)
		return
	}
	s.trash.Go(func() {
		for _, e := range entries {
			if err := os.RemoveAll(filepath.Join(s.trashDir(), e.Name())); err != nil {
				s.log.Error("s3: empty the trash", "error", err)
			}
		}
	})
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
	q, err := parseRequest(r)
	if err != nil {
		s.writeError(w, r, q, err)
		return
	}
	if err := s.serve(w, r, q); err != nil {
		s.writeError(w, r, q, err)
	}
}

type metrics struct {
	read, written prometheus.Counter
}

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
