package lambda

import (
	"errors"
	"sync/atomic"

	"github.com/brookmere/brookmere/internal/engine/function"
	"github.com/brookmere/brookmere/internal/engine/metering"
)

// What CloudWatch is told of functions: of each, and of all of an account together.
var (
	invocations = &metering.Measure{Name: "Invocations", Unit: "Count"}
	errorsOf    = &metering.Measure{Name: "Errors", Unit: "Count"}
	throttles   = &metering.Measure{Name: "Throttles", Unit: "Count"}
	duration    = &metering.Measure{Name: "Duration", Unit: "Milliseconds"}
	concurrent  = &metering.Measure{Name: "ConcurrentExecutions", Unit: "Count"}
	loops       = &metering.Measure{Name: "RecursiveInvocationsDropped", Unit: "Count"}
	iteratorAge = &metering.Measure{Name: "IteratorAge", Unit: "Milliseconds"}
)

// What CloudWatch is told of a mapping whose MetricsConfig has EventCount, in numbers of events.
var (
	polledEvents  = &metering.Measure{Name: "PolledEventCount", Unit: "Count"}
	filteredOut   = &metering.Measure{Name: "FilteredOutEventCount", Unit: "Count"}
	invokedEvents = &metering.Measure{Name: "InvokedEventCount", Unit: "Count"}
	failedInvoke  = &metering.Measure{Name: "FailedInvokeEventCount", Unit: "Count"}
	droppedEvents = &metering.Measure{Name: "DroppedEventCount", Unit: "Count"} // given up, without a destination
	handedOn      = &metering.Measure{Name: "OnFailureDestinationDeliveredEventCount", Unit: "Count"}
	deletedEvents = &metering.Measure{Name: "DeletedEventCount", Unit: "Count"} // of a queue
)

// measureEvents counts events of a mapping that wants it.
func (s *Service) measureEvents(d *mappingDoc, m *metering.Measure, n int) {
	if s.cfg.Meter == nil || !d.EventCount || n == 0 {
		return
	}
	s.cfg.Meter.Resource(d.Account+"/"+d.Region, "AWS/Lambda", "EventSourceMappingUUID", d.ID).Add(m.Of(float64(n)))
}

// running counts the invocations of a function that are under way.
type running struct {
	s *Service
	d *functionDoc
	n *atomic.Int64
}

// begin counts an invocation.
func (s *Service) begin(d *functionDoc) running {
	r := running{s, d, nil}
	if s.cfg.Meter == nil {
		return r
	}
	n, _ := s.concurrency.LoadOrStore(d.group(), new(atomic.Int64))
	r.n = n.(*atomic.Int64)
	now := float64(r.n.Add(1))
	r.each(func(m *metering.Resource) { m.Add(concurrent.Of(now)) })
	return r
}

func (r running) each(f func(*metering.Resource)) {
	scope := r.d.Account + "/" + r.d.Region
	f(r.s.cfg.Meter.Resource(scope, "AWS/Lambda", "FunctionName", r.d.Name))
	f(r.s.cfg.Meter.Resource(scope, "AWS/Lambda"))
}

// end counts what the invocation came to.
func (r running) end(out *function.Result, err error) {
	if r.n == nil {
		return
	}
	r.n.Add(-1)
	r.each(func(m *metering.Resource) {
		switch {
		case errors.Is(err, function.ErrThrottled), errors.Is(err, function.ErrBusy):
			m.Add(throttles.Of(1))
		case err == nil:
			failed := 0.0
			if out.Failed {
				failed = 1
			}
			m.Add(invocations.Of(1), errorsOf.Of(failed), throttles.Of(0), duration.Of(float64(out.Duration.Microseconds())/1000))
		}
	})
}

// measureAge reports how old the last record of a batch is.
func (l *lane[R]) measureAge(d *mappingDoc, records []R) {
	if l.s.cfg.Meter == nil || len(records) == 0 {
		return
	}
	age := l.s.clock.Since(l.c.info(&records[len(records)-1]).Arrived)
	sc := d.scope()
	l.s.cfg.Meter.Resource(sc.Account+"/"+sc.Region, "AWS/Lambda", "FunctionName", d.Name).Add(iteratorAge.Of(float64(max(age.Milliseconds(), 0))))
}
