package broker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/broker/storeindex"
)

// ErrFailed is a stream of the embedded server that refuses all writes since its disk
// failed; Restart brings it back.
var ErrFailed = errors.New("broker: stream has failed")

// Check reports whether the embedded server can write to a stream: a write that failed is
// not answered, so whoever waits for an answer asks here. With a server outside it cannot
// tell, and finds nothing.
func (b *Broker) Check(stream string) error {
	b.mu.Lock()
	srv, closed := b.srv, b.closed
	b.mu.Unlock()
	// The server logs each failure of a stream. Without any there is no need to ask, which
	// takes a walk over all streams.
	if srv == nil || closed || !b.errors.Load() {
		return nil
	}
	// The server's health page is the one place where it says this.
	w := &response{header: http.Header{}}
	srv.HandleHealthz(w, &http.Request{
		Method: http.MethodGet,
		URL:    &url.URL{Path: "/healthz", RawQuery: url.Values{"account": {"$G"}, "stream": {stream}}.Encode()},
	})
	if w.status == 0 || w.status == http.StatusOK || w.status == http.StatusNotFound {
		return nil
	}
	var health struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(w.body.Bytes(), &health); err != nil || health.Error == "" {
		health.Error = fmt.Sprintf("health status %d", w.status)
	}
	return fmt.Errorf("%w: %s", ErrFailed, health.Error)
}

type response struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *response) Header() http.Header         { return r.header }
func (r *response) WriteHeader(status int)      { r.status = status }
func (r *response) Write(p []byte) (int, error) { return r.body.Write(p) }

const (
	healEvery = time.Second
	healSpace = 32 << 20 // free bytes without which a restart would not help
)

// failed is called when the server has logged an error. If a stream has failed, the
// server is restarted as soon as its disk has space, so that what nobody looks after
// writes again too.
func (b *Broker) failed(v []any) {
	b.noteFailed(v)
	if b.disk != nil {
		b.disk.serverFailed(v)
	}
	b.errors.Store(true)
	if !b.healing.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer b.healing.Store(false)
		for range time.Tick(healEvery) {
			select {
			case <-b.done:
				return
			default:
			}
			// A stream that cannot be read is not readable after a restart either.
			if err := b.Check(""); err == nil || !strings.Contains(err.Error(), "write error") {
				return
			}
			if free, err := b.Free(); err == nil && free < healSpace {
				continue
			}
			if b.Restart(context.Background()) == nil {
				return
			}
		}
	}()
}

// noteFailed looks through what the server logs of an error for a write that failed: it may be in
// the index of its stream all the same.
func (b *Broker) noteFailed(v []any) {
	for _, v := range v {
		err, ok := v.(error)
		var failed *fs.PathError
		if !ok || !errors.As(err, &failed) || failed.Op == "read" || failed.Op == "sync" || errors.Is(err, fs.ErrNotExist) {
			continue // that a file is missing its index has to tell
		}
		rel, err := filepath.Rel(streamsDir(b.opts.Dir), failed.Path)
		stream, _, in := strings.Cut(rel, string(filepath.Separator))
		if err != nil || !in || !filepath.IsLocal(rel) {
			continue
		}
		b.failedMu.Lock()
		if b.failedWrites == nil {
			b.failedWrites = map[string]struct{}{}
		}
		b.failedWrites[stream] = struct{}{}
		b.failedMu.Unlock()
		if err := storeindex.NoteFailed(streamDir(b.opts.Dir, stream)); err != nil && b.opts.Logf != nil {
			b.opts.Logf("warn", fmt.Sprintf("a kill before the next stop may have stream %s taken for damaged: %v", stream, err))
		}
	}
}

// dropFailed is called when the server has stopped, which wrote its indexes.
func (b *Broker) dropFailed() {
	b.failedMu.Lock()
	defer b.failedMu.Unlock()
	for stream := range b.failedWrites {
		dir := streamDir(b.opts.Dir, stream)
		// The mark may be missing: the disk was full.
		err := errors.Join(storeindex.ForgetIndex(dir), storeindex.DropFailed(dir))
		if err != nil && b.opts.Logf != nil {
			b.opts.Logf("warn", fmt.Sprintf("the next start may take stream %s for damaged: %v", stream, err))
		}
	}
	clear(b.failedWrites)
}
