package node

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/nodeapi"
	"github.com/brookmere/brookmere/internal/server"
	"github.com/brookmere/brookmere/internal/testclock"
)

// The modes of Config.Clock.
const (
	clockSystem = "system"
	clockOffset = "offset" // runs, and can be moved on
	clockFrozen = "frozen" // moves only when it is moved
)

func newClock(mode string) clockwork.Clock {
	switch mode {
	case clockOffset:
		return testclock.Running()
	case clockFrozen:
		return testclock.Frozen(time.Now().UTC())
	}
	return clockwork.NewRealClock()
}

// maxAdvance bounds what a clock is moved by at once: times stay such that they have a form in every API.
const maxAdvance = 100 * 365 * 24 * time.Hour

// handleClock serves the node's time, and lets callers on this machine move it in the modes for tests.
func (n *Node) handleClock(d *doors) {
	answer := func(w http.ResponseWriter, now time.Time) {
		mode := n.cfg.Clock
		if mode == "" {
			mode = clockSystem
		}
		awswire.WriteJSON(w, nodeapi.ClockTime{Mode: mode, Now: now.UTC()})
	}
	d.everybody("GET", server.NodePrefix+"clock", func(w http.ResponseWriter, _ *http.Request) { answer(w, n.clock.Now()) })
	d.owner("POST", server.NodePrefix+"clock", func(w http.ResponseWriter, r *http.Request) {
		c, ok := n.clock.(*testclock.Clock)
		if !ok {
			http.Error(w, "The time of this node is the machine's: start one for tests with --clock offset or --clock frozen.", http.StatusConflict)
			return
		}
		var change nodeapi.ClockChange
		dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&change); err != nil {
			http.Error(w, "The body is not as expected, {\"advance\": \"1h30m\"}: "+err.Error(), http.StatusBadRequest)
			return
		}
		by, err := time.ParseDuration(change.Advance)
		if err == nil && (by < 0 || by > maxAdvance) {
			err = fmt.Errorf("%s is not between 0 and %v", change.Advance, maxAdvance)
		}
		if err == nil && n.clock.Now().Add(by).Year() > 9000 {
			err = fmt.Errorf("it would be after the year 9000")
		}
		if err != nil {
			http.Error(w, "advance: "+err.Error(), http.StatusBadRequest)
			return
		}
		answer(w, c.Advance(by))
	})
}
