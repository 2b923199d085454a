package s3

import (
	"context"
	"time"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// Restored copies of archived objects. A restored copy can be read at once; it ends at a midnight, from which on the
// object is what it was before: of its class, and unreadable. The sweep of lifecycle rules (lifecycle.go) takes it back and
// tells of it. A bucket's document says when the first of its restored copies ends, so that the sweep looks through no
// other bucket for them.

// restoredUntil is when the restored copy of an object ends, or has ended; ok is false where there is none.
func restoredUntil(info *objectstore.Info) (until time.Time, ok bool) {
	until, err := time.Parse(time.RFC3339, info.Prop(propRestored))
	return until, err == nil
}

// restored reports whether an archived object can be read.
func (s *Service) restored(info *objectstore.Info) bool {
	until, ok := restoredUntil(info)
	return ok && s.clock.Now().Before(until)
}

// sayRestore sets the header that tells of a restored copy.
func (c *call) sayRestore(info *objectstore.Info) {
	if until, ok := restoredUntil(info); ok && c.s.clock.Now().Before(until) {
		c.say("x-amz-restore", `ongoing-request="false", expiry-date="`+until.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")+`"`)
	}
}

var restoreShape = parseShape("RestoreRequest{Days?:int Description? Tier?:Standard|Bulk|Expedited Type?:SELECT GlacierJobParameters?{Tier:Standard|Bulk|Expedited} SelectParameters?{InputSerialization? ExpressionType? Expression? OutputSerialization?} OutputLocation?{S3?}}")

// restore is RestoreObject.
func (c *call) restore() error {
	doc, err := c.document(restoreShape)
	if err != nil {
		return err
	}
	if doc.text("Type") == "SELECT" {
		return errNotImplemented
	}
	days, ok := doc.number("Days")
	id := c.version()
	info, _, err := c.found(false)
	switch {
	case err != nil:
		return err
	case info.Prop(propTier) != "":
		if ok {
			return invalidArgument("Days must not be specified for objects of Intelligent-Tiering", "Days", doc.text("Days"))
		}
		return c.restoreTier(&info, id)
	case !ok || days < 1:
		return errMalformedXML
	}
	if err := restorable(&info); err != nil {
		return err
	}
	until := c.s.clock.Now().UTC().AddDate(0, 0, days+1).Truncate(24 * time.Hour)
	before := false
	ended, err := c.s.restoreEnds(c.bucket, until)
	if err != nil {
		return err
	}
	info, err = c.s.store.Amend(c.bucket, c.key, id, func(info *objectstore.Info) error {
		if err := restorable(info); err != nil {
			return err
		}
		if before = c.s.restored(info); !before && info.Prop(propRestored) != "" { // the sweep has yet to come
			c.s.notifyRestoreEnded(c.ctx, c.b, info)
		}
		info.SetProp(propRestored, until.Format(time.RFC3339))
		return nil
	})
	ended()
	if err != nil {
		return c.missing(&info, id, err)
	}
	c.sayVersion(&info)
	c.w.Header().Set("Content-Length", "0")
	if before {
		c.w.WriteHeader(200)
	} else {
		c.notifyRestoring(&info)
		c.w.WriteHeader(202)
		c.notifyRestored(&info, until)
	}
	return nil
}

// restoreTier is restore for an object in an archive tier, which moves back to the tier of what is read often.
func (c *call) restoreTier(seen *objectstore.Info, id string) error {
	info, err := c.s.store.Amend(c.bucket, c.key, id, func(info *objectstore.Info) error {
		if err := same(seen)(info); err != nil {
			return errBusy // another object, which may not be archived
		}
		info.SetProp(propTier, "")
		info.SetProp(propUsed, c.s.clock.Now().UTC().Format(time.RFC3339))
		return nil
	})
	if err != nil {
		return c.missing(&info, id, err)
	}
	c.sayVersion(&info)
	c.w.Header().Set("Content-Length", "0")
	c.notifyRestoring(&info)
	c.w.WriteHeader(202)
	c.notifyRestored(&info, time.Time{})
	return nil
}

// restorable refuses an object that is not archived.
func restorable(info *objectstore.Info) error {
	if class := info.Prop(propClass); !archived(class) {
		return fault(403, "InvalidObjectState", "Restore is not allowed for the object's current storage class").with("StorageClass", classOr(class))
	}
	return nil
}

// restoreEnds puts on disk that a restored copy in a bucket will end, before it is made. Until the function that it returns is
// called, no sweep begins.
func (s *Service) restoreEnds(name string, until time.Time) (done func(), err error) {
	s.restoring.RLock()
	s.restores.Add(1)
	b := s.buckets.get(name)
	if b == nil || b.Restores.IsZero() || until.Before(b.Restores) {
		err = s.buckets.update(name, func(b *bucket) error {
			if b.Restores.IsZero() || until.Before(b.Restores) {
				b.Restores = until
			}
			return nil
		})
	}
	if err != nil {
		s.restoring.RUnlock()
		return nil, err
	}
	return s.restoring.RUnlock, nil
}

// restoreSweep finds the restored copies of a bucket that have ended.
type restoreSweep struct {
	s     *Service
	b     *bucket
	now   time.Time
	begun int64     // how many were made before
	next  time.Time // when the first of those that are left ends; zero: none is
}

// sweepRestores begins to go through all versions of a bucket, when every restore under way has been made.
func (s *Service) sweepRestores(b *bucket, now time.Time) *restoreSweep {
	s.restoring.Lock()
	defer s.restoring.Unlock()
	return &restoreSweep{s: s, b: b, now: now, begun: s.restores.Load()}
}

// restoresEnded reports whether a restored copy of a bucket has ended.
func (s *Service) restoresEnded(b *bucket) bool {
	return !b.Restores.IsZero() && !s.clock.Now().Before(b.Restores)
}

// look takes a version, whose restored copy goes if its time is over.
func (r *restoreSweep) look(ctx context.Context, v *objectstore.Info) error {
	until, ok := restoredUntil(v)
	switch {
	case !ok:
		return nil
	case r.now.Before(until):
		if r.next.IsZero() || until.Before(r.next) {
			r.next = until
		}
		return nil
	}
	return r.s.amendSeen(r.b, v, func(info *objectstore.Info) error {
		if info.Prop(propRestored) != v.Prop(propRestored) { // it was restored again
			return errMoved
		}
		// An event of what a crash then undoes is told of again by the next sweep.
		r.s.notifyRestoreEnded(ctx, r.b, info)
		info.SetProp(propRestored, "")
		return nil
	})
}

// end keeps what is left of the bucket's restored copies, unless more have been made meanwhile: then the next sweep does.
func (r *restoreSweep) end() error {
	if r.next.Equal(r.b.Restores) {
		return nil
	}
	r.s.restoring.Lock()
	defer r.s.restoring.Unlock()
	return r.s.buckets.update(r.b.Name, func(b *bucket) error {
		if r.s.restores.Load() == r.begun {
			b.Restores = r.next
		}
		return nil
	})
}

// notifyRestoreEnded tells that the restored copy of an object is gone.
func (s *Service) notifyRestoreEnded(ctx context.Context, b *bucket, info *objectstore.Info) {
	a := s.announce(ctx, b, awsOwner(b), "", "ObjectRestore:Delete", info.Key)
	if a != nil {
		a.e.Class = info.Prop(propClass)
	}
	s.tell(a, info)
}
