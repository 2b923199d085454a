package testclock

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
)

var _ clockwork.Clock = (*Clock)(nil)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func fired(t clockwork.Timer) bool {
	select {
	case <-t.Chan():
		return true
	default:
		return false
	}
}

func TestFrozen(t *testing.T) {
	c := Frozen(noon)
	first, second, stopped := c.NewTimer(time.Minute), c.NewTimer(time.Hour), c.NewTimer(time.Second)
	if !stopped.Stop() || stopped.Stop() {
		t.Error("a timer is stopped once")
	}
	if now := c.Advance(time.Minute); !now.Equal(noon.Add(time.Minute)) || !c.Now().Equal(now) || c.Since(noon) != time.Minute || c.Until(noon) != -time.Minute {
		t.Errorf("after a minute it is %v", now)
	}
	if !fired(first) || fired(second) || fired(stopped) {
		t.Error("after a minute, the timer of a minute alone has fired")
	}
	if first.Reset(time.Minute) {
		t.Error("a timer that has fired was active")
	}
	c.Advance(-time.Hour) // not back
	if c.Since(noon) != time.Minute || fired(first) {
		t.Error("the clock was moved back")
	}
	c.Advance(24 * time.Hour)
	if !fired(first) || !fired(second) {
		t.Error("not all timers have fired after a day")
	}
	if now := c.NewTimer(0); !fired(now) {
		t.Error("a timer of no time has not fired")
	}
}

// TestStale resets a timer whose time nobody has read.
func TestStale(t *testing.T) {
	c := Frozen(noon)
	timer := c.NewTimer(time.Second)
	c.Advance(time.Second)
	timer.Reset(time.Hour)
	if fired(timer) {
		t.Error("a reset timer has what it sent before")
	}
}

func TestTicker(t *testing.T) {
	c := Frozen(noon)
	ticker := c.NewTicker(time.Millisecond)
	c.Advance(1000 * time.Hour) // at once, whatever the period
	if got := <-ticker.Chan(); !got.Equal(noon.Add(1000 * time.Hour)) {
		t.Errorf("it ticks at %v", got)
	}
	select {
	case <-ticker.Chan():
		t.Error("it ticks twice")
	default:
	}
	ticker.Reset(time.Minute)
	c.Advance(time.Minute)
	<-ticker.Chan()
	ticker.Stop()
	c.Advance(time.Hour)
	select {
	case <-ticker.Chan():
		t.Error("it ticks after Stop")
	default:
	}
}

func TestRunning(t *testing.T) {
	c := Running()
	before := c.Now()
	c.Sleep(time.Millisecond)
	if c.Since(before) < time.Millisecond {
		t.Error("the clock does not run")
	}
	later := make(chan struct{})
	c.AfterFunc(time.Hour, func() { close(later) })
	soon := c.After(2 * time.Millisecond)
	c.Advance(2 * time.Hour)
	<-later
	<-soon
	if c.Since(before) < 2*time.Hour {
		t.Error("the clock was not moved")
	}
}
