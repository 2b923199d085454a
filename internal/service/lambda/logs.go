package lambda

import (
	"context"
	"sync"
	"time"

	"github.com/brookmere/brookmere/internal/engine/function"
)

// recentLines and recentBytes bound what is kept in memory of a function's log.
const (
	recentLines = 2000
	recentBytes = 512 << 10
)

// recentLogs keeps the last lines of each function, for whoever looks on.
type recentLogs struct {
	mu   sync.Mutex
	logs map[string]*recentLog // by the engine's group
}

type recentLog struct {
	events []LogEvent
	bytes  int
	first  int64 // number of the first event that is kept
	more   chan struct{}
}

func (r *recentLogs) of(group string) *recentLog {
	if r.logs == nil {
		r.logs = map[string]*recentLog{}
	}
	l := r.logs[group]
	if l == nil {
		l = &recentLog{more: make(chan struct{})}
		r.logs[group] = l
	}
	return l
}

func (r *recentLogs) add(group string, events []LogEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.of(group)
	for _, e := range events {
		l.events = append(l.events, e)
		l.bytes += len(e.Message)
	}
	drop := 0
	for len(l.events)-drop > recentLines || l.bytes > recentBytes && len(l.events)-drop > 1 {
		l.bytes -= len(l.events[drop].Message)
		drop++
	}
	if drop > 0 {
		l.events = append([]LogEvent(nil), l.events[drop:]...)
		l.first += int64(drop)
	}
	close(l.more)
	l.more = make(chan struct{})
}

func (r *recentLogs) forget(group string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.logs, group)
}

// after returns the events from a number on, the number after them, and what tells of more.
func (r *recentLogs) after(group string, n int64) ([]LogEvent, int64, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.of(group)
	n = min(max(n, l.first), l.first+int64(len(l.events)))
	return append([]LogEvent(nil), l.events[n-l.first:]...), l.first + int64(len(l.events)), l.more
}

// Log takes what functions print, as the engine's events: to the sink, and to those who look
// on.
func (s *Service) Log(f *function.Function, instance string, lines []function.Line) {
	place, ok := f.Context.(logPlace)
	if !ok {
		return
	}
	events := make([]LogEvent, len(lines))
	for i, l := range lines {
		events[i] = LogEvent{l.Time, l.Text}
	}
	s.recent.add(place.function, events)
	if s.cfg.Logs != nil {
		s.cfg.Logs.Log(LogPlace{place.account, place.region, place.group, logStream(s.clock.Now(), f.Version, instance), place.role, place.arn}, events)
	}
}

// Note is something about the machine that functions meet.
func (s *Service) Note(message string) { s.log.Warn(message) }

// follow calls f with the lines that a function has logged lately and, until ctx ends or f
// returns false, with those that come; follow false: not with those.
func (s *Service) follow(ctx context.Context, d *functionDoc, follow bool, f func([]LogEvent) bool) {
	var n int64
	for {
		events, next, more := s.recent.after(d.group(), n)
		n = next
		if len(events) > 0 && !f(events) || !follow {
			return
		}
		select {
		case <-more:
		case <-ctx.Done():
			return
		case <-time.After(10 * time.Second): // the client may have gone
			if !f(nil) {
				return
			}
		}
	}
}
