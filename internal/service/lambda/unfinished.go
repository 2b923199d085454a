package lambda

import (
	"slices"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// unfinished is which events of the log are not done with: all from read on, and before it those
// that are open. It has the size of what is open, however many events behind it are done.
// Guarded by async's mu.
type unfinished struct {
	read   shardlog.Position // everything before it is known
	open   []openEvent       // known and not done with, by position
	passed uint64            // how many events were read; so neighbours in the log are known

	// Of an earlier run: what of the log before upto was not done with, by position.
	left []span
	upto shardlog.Position
	done map[shardlog.Position]bool // what was, from upto on: earlier versions listed it
}

type openEvent struct {
	at     shardlog.Position
	number uint64
}

// span is events that follow one another in the log, by the first and the last of them.
type span struct {
	First shardlog.Position `json:"first"`
	Last  shardlog.Position `json:"last"`
}

// resume takes over what an earlier run has kept.
func (u *unfinished) resume(d *asyncDoc) {
	*u = unfinished{read: d.Low, left: d.Open, upto: d.Read, done: map[shardlog.Position]bool{}}
	for _, at := range d.Done {
		u.done[at] = true
	}
}

// keep puts it into a document.
func (u *unfinished) keep(d *asyncDoc) {
	d.Low, d.Read = u.low(), u.read
	for i, e := range u.open {
		if i > 0 && e.number == u.open[i-1].number+1 {
			d.Open[len(d.Open)-1].Last = e.at
		} else {
			d.Open = append(d.Open, span{e.at, e.at})
		}
	}
	if u.read.Compare(u.upto) < 0 {
		d.Read = u.upto
		for _, s := range u.left {
			if s.Last.Compare(u.read) >= 0 {
				if s.First.Compare(u.read) < 0 {
					s.First = u.read
				}
				d.Open = append(d.Open, s)
			}
		}
	}
	for at := range u.done {
		d.Done = append(d.Done, at)
	}
	slices.SortFunc(d.Done, shardlog.Position.Compare)
}

// next is where to read on: behind what an earlier run was done with.
func (u *unfinished) next() shardlog.Position {
	for len(u.left) > 0 && u.left[0].Last.Compare(u.read) < 0 {
		u.left = u.left[1:]
	}
	to := u.upto
	if len(u.left) > 0 {
		to = u.left[0].First
	}
	if u.read.Compare(to) < 0 {
		u.read = to
		u.passed++
	}
	return u.read
}

// pass notes an event that was read, and where to read on. It reports whether it is open: not done with before.
func (u *unfinished) pass(at, next shardlog.Position) (open bool) {
	u.read = next
	u.passed++
	if u.done[at] {
		delete(u.done, at)
		return false
	}
	u.open = append(u.open, openEvent{at, u.passed})
	return true
}

// finish notes that an event is done with.
func (u *unfinished) finish(at shardlog.Position) {
	i, ok := slices.BinarySearchFunc(u.open, at, func(e openEvent, at shardlog.Position) int { return e.at.Compare(at) })
	switch {
	case !ok:
	case i == 0:
		u.open = u.open[1:]
	default:
		u.open = slices.Delete(u.open, i, i+1)
	}
}

// low is the first position that is needed.
func (u *unfinished) low() shardlog.Position {
	if len(u.open) > 0 {
		return u.open[0].at
	}
	return u.read
}
