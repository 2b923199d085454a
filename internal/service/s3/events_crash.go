package s3

import (
	"errors"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// What tells, after a crash, whether the change of an event was made: the version that it made, or deleted, of a
// bucket with versions; else the object. A version that is not there may have been deleted since, so nothing of it
// that waits is left in doubt when it is deleted (Settle).

// deletes says which version the change deletes for good.
func (a *announcement) deletes(version string) {
	if a != nil {
		a.e.Of = version
		if version != objectstore.NullVersion {
			a.e.VersionID = version
		}
	}
}

// settle is called before a version is deleted for good.
func (s *Service) settle(b *bucket, key, version string) error {
	notifier := s.notifier.Load()
	if notifier == nil {
		return nil
	}
	return (*notifier).Settle(b.Name, key, version)
}

// Settle implements Notifier.
func (v *Events) Settle(bucket, key, version string) error {
	var list []*notice
	v.mu.Lock()
	v.deleted.add(bucket, key, version)
	for _, n := range v.pending {
		select {
		case <-n.ended:
		default: // its change is under way
			continue
		}
		if n.made && !n.settled && n.e.Bucket == bucket && n.e.Key == key && n.e.Of == version {
			list = append(list, n)
		}
	}
	v.mu.Unlock()
	for _, n := range list {
		if err := v.keep(n.e, n.to, false); err != nil {
			return err
		}
		v.mu.Lock()
		n.settled = true // a target that has had it has it again
		v.mu.Unlock()
	}
	return nil
}

// maxDeleted is how many deleted versions are remembered: those that may be the versions of events which an earlier
// process has left.
const maxDeleted = 16384

// deletedVersions remembers the last versions that were deleted.
type deletedVersions struct {
	have map[string]bool
	ring []string
	next int
}

func versionKey(bucket, key, version string) string { return bucket + "\x00" + key + "\x00" + version }

func (d *deletedVersions) add(bucket, key, version string) {
	k := versionKey(bucket, key, version)
	if d.have[k] {
		return
	}
	if d.have == nil {
		d.have = map[string]bool{}
	}
	if len(d.ring) < maxDeleted {
		d.ring = append(d.ring, k)
	} else {
		delete(d.have, d.ring[d.next])
		d.ring[d.next] = k
		d.next = (d.next + 1) % maxDeleted
	}
	d.have[k] = true
}

// happened reports whether a change may have been made that a crash cut off.
func (v *Events) happened(e *Event) bool {
	b := v.c.Objects.buckets.get(e.Bucket)
	if e.Made || b == nil {
		return true
	}
	info, err := v.c.Objects.store.Stat(e.Bucket, e.Key, e.Of)
	marker := errors.Is(err, objectstore.ErrMarker)
	missing := errors.Is(err, objectstore.ErrNoVersion) || errors.Is(err, objectstore.ErrNoKey)
	if err != nil && !marker && !missing {
		return true // it cannot be read
	}
	before := func(info *objectstore.Info) bool { return e.Before != nil && e.Before.is(stateOf(info)) }
	switch {
	case e.Of == "":
		if err == nil && !e.Removal && e.ETag == "" && !before(&info) { // of an earlier version of this program
			e.fill(b, &info)
		}
		return err != nil || !before(&info)
	case strings.HasSuffix(e.Name, ":Delete"):
		return missing || !before(&info)
	case marker && e.After == nil, err == nil && e.After != nil && e.After.is(stateOf(&info)):
		return true
	case e.Of == objectstore.NullVersion: // another may have taken its place
		now, err := v.c.Objects.store.Stat(e.Bucket, e.Key, "")
		return err != nil || !before(&now)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.deleted.have[versionKey(e.Bucket, e.Key, e.Of)]
}
