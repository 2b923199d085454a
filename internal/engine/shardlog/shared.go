package shardlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A shared log (Options.Shared) has others beside it, on other nodes or on this one, that
// make and remove shards and append to them:
//
//   - The server reports when a stream was made, changed or removed.
//   - A read at the end of a shard asks the server whether it ends there, and who waits for
//     records asks every pollShared.
//   - An append that meets another log's frame goes behind it (recover).

// pollShared is how often those who wait for records of a shared shard ask the server.
const pollShared = 50 * time.Millisecond

// adviseTries is how often a stream is looked for, about a second.
const adviseTries = 50

// adviseTimeout bounds what is asked of the server when it tells of a stream.
const adviseTimeout = 10 * time.Second

const advisories = "$JS.EVENT.ADVISORY.STREAM.*.*"

// follow takes the server's word of streams that others make, change and remove.
func (l *Log) follow() error {
	if !l.opts.Shared {
		return nil
	}
	conn := l.readers[0].conn
	_, err := conn.Subscribe(advisories, func(m *nats.Msg) {
		token := strings.Split(m.Subject, ".")
		if len(token) != 6 || !strings.HasPrefix(token[5], streamPrefix) || !l.start() {
			return
		}
		go func() { // which asks the server, and others of the connection need not wait
			defer l.busy.Done()
			ctx, cancel := context.WithTimeout(l.ctx, adviseTimeout)
			defer cancel()
			// The server may tell of a stream, or fail to answer, before it is ready.
			for tries := 0; !l.changed(ctx, token[5]) && tries < adviseTries; tries++ {
				if l.sleep(20*time.Millisecond) != nil {
					return
				}
			}
		}()
	})
	if err == nil {
		err = conn.Flush()
	}
	if err != nil {
		return fmt.Errorf("shardlog: follow streams: %w", err)
	}
	return nil
}

// changed looks at a stream that was made, changed or removed. One at a time: of two looks at
// a stream the later one counts. It reports whether the stream is there.
func (l *Log) changed(ctx context.Context, stream string) bool {
	l.following.Lock()
	defer l.following.Unlock()
	known := l.ofStream(stream)
	info, err := l.js.Stream(ctx, stream)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		// A shard that was taken in since it was asked for may be of a stream that was made since.
		if known != nil {
			l.removed(known)
		}
	case err == nil:
		l.adopt(&info.CachedInfo().Config)
	}
	return err == nil
}

// adopt takes in a shard that another log has made or changed.
func (l *Log) adopt(cfg *jetstream.StreamConfig) *Shard {
	name, ok := cfg.Metadata[nameKey]
	if !ok || streamName(name) != cfg.Name {
		return nil
	}
	l.mu.Lock()
	s := l.shards[name]
	if s != nil && s.maker != cfg.Metadata[makerKey] { // it was removed and made again
		delete(l.shards, name)
		defer s.end(fmt.Errorf("%w: %s", ErrNoShard, name))
		s = nil
	}
	if s == nil {
		s = l.newShard(name, cfg)
		l.shards[name] = s
		l.mu.Unlock()
		return s
	}
	l.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	floor, _ := strconv.ParseUint(cfg.Metadata[floorKey], 10, 64)
	s.maxAge, s.floor = cfg.MaxAge, max(s.floor, floor)
	if s.opened {
		s.beginAt(min(s.floor, s.last+1), nil)
	}
	return s
}

// ofStream is the shard of a stream; nil if there is none.
func (l *Log) ofStream(stream string) *Shard {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if name, ok := shardName(stream); ok {
		return l.shards[name]
	}
	for _, s := range l.shards {
		if s.stream == stream {
			return s
		}
	}
	return nil
}

// removed forgets a shard that another log has removed.
func (l *Log) removed(s *Shard) {
	l.mu.Lock()
	if l.shards[s.name] == s {
		delete(l.shards, s.name)
	}
	l.mu.Unlock()
	s.end(fmt.Errorf("%w: %s", ErrNoShard, s.name))
	l.cache.drop(s)
}

// refresh looks whether another log has appended to a shared shard, and takes in what was there at the call.
func (s *Shard) refresh(ctx context.Context) error {
	if !s.log.opts.Shared {
		return nil
	}
	first, last, err := s.bounds(ctx)
	if err != nil || last <= s.lastFrame() {
		return err
	}
	end, err := s.endHeader(ctx, first, last)
	if err != nil {
		return err
	}
	for tried := time.Now(); !s.extend(first, last, end); {
		// Appends of this log are under way: they take in what they find before them (recover).
		if time.Since(tried) > fetchWait {
			return fmt.Errorf("shardlog: where shard %s ends is not known while appends to it fail", s.name)
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		case <-s.log.ctx.Done():
			return ErrClosed
		}
	}
	return nil
}

// extend takes in that the shard has frames up to the last one, whose header is end, if it does not know; false says that
// it cannot yet.
func (s *Shard) extend(first, last uint64, end header) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last <= s.last || s.ended() {
		return true
	}
	if len(s.inflight) > 0 || s.sending || s.recovering {
		return false
	}
	if s.first > s.last {
		s.first, s.firstHeader = max(first, s.floor), nil
	}
	s.beginAt(first, nil)
	s.last, s.lastHeader, s.stored = last, end, last
	s.next, s.nextSeq = end, last
	s.wake()
	return true
}

// leader asks the server that leads the stream for a frame that another replica did not
// have: it may not have it yet. Nil, without an error, says that no server has it.
func (s *Shard) leader(ctx context.Context, seq uint64) (*frame, error) {
	if s.log.broker.Replicas() < 2 {
		return nil, nil
	}
	body, err := json.Marshal(struct {
		Seq uint64 `json:"seq"`
	}{seq})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchWait)
	defer cancel()
	m, err := s.reader.conn.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+s.stream, body)
	if err != nil {
		return nil, fmt.Errorf("shardlog: read: %w", err)
	}
	var answer struct {
		Message *struct {
			Data []byte `json:"data"`
		} `json:"message"`
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return nil, fmt.Errorf("shardlog: read: %w", err)
	}
	switch {
	case answer.Message != nil:
		f, err := decodeFrame(seq, answer.Message.Data)
		if err != nil {
			return nil, &corruptError{err, seq + 1}
		}
		return f, nil
	case answer.Error != nil && answer.Error.ErrorCode != jetstream.JSErrCodeMessageNotFound:
		return nil, fmt.Errorf("shardlog: read: %w", answer.Error)
	}
	return nil, nil
}
