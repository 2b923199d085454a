package s3

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// Lifecycle rules at work: objects expire and change their class, noncurrent versions and
// unfinished uploads go. A sweep goes over each bucket with rules, or with restored copies that have ended, once an hour; what it does
// is what a client could do, step by step, so that a crash between leaves the rest to the next.

// sweepEvery is how often rules are applied.
const sweepEvery = time.Hour

func (s *Service) startSweeps() {
	s.group.Clock = s.clock
	s.group.Events.Failed = func(_ work.Key, what string, err error, _ int, wait time.Duration) {
		s.log.Error("s3: "+what, "error", err, "wait", wait)
	}
	first := true
	s.group.Go("apply lifecycle rules", func(ctx context.Context) error {
		if first {
			first = false
			return work.RunAfter(sweepEvery)
		}
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("s3: apply lifecycle rules", "error", err)
		}
		return work.RunAfter(sweepEvery)
	})
}

// dueAt is when an action that comes so many days after a time is due: at the midnight that
// follows.
func dueAt(from time.Time, days int) time.Time {
	t := from.UTC().AddDate(0, 0, days)
	midnight := t.Truncate(24 * time.Hour)
	if midnight.Equal(t) {
		return t
	}
	return midnight.AddDate(0, 0, 1)
}

// rulePrefix is the prefix of a rule.
func rulePrefix(rule *node) string {
	for _, at := range [][]string{{"Prefix"}, {"Filter", "Prefix"}, {"Filter", "And", "Prefix"}} {
		if v := rule.text(at...); v != "" {
			return v
		}
	}
	return ""
}

// ruleApplies reports whether a rule is about an object.
func ruleApplies(rule *node, info *objectstore.Info) bool {
	if !strings.HasPrefix(info.Key, rulePrefix(rule)) {
		return false
	}
	filter := rule.get("Filter")
	from := filter
	if and := filter.get("And"); and != nil {
		from = and
	}
	for _, t := range from.all("Tag") {
		if v, ok := info.Tags[t.text("Key")]; !ok || v != t.text("Value") {
			return false
		}
	}
	size := sizeOf(info)
	if n, ok := from.number("ObjectSizeGreaterThan"); ok && size <= int64(n) {
		return false
	}
	if n, ok := from.number("ObjectSizeLessThan"); ok && size >= int64(n) {
		return false
	}
	return true
}

func activeRules(b *bucket) []*node {
	var rules []*node
	for _, rule := range b.setting("lifecycle").all("Rule") {
		if rule.text("Status") == "Enabled" {
			rules = append(rules, rule)
		}
	}
	return rules
}

// expiration is when an object expires, and by which rule; zero for never.
func expiration(b *bucket, info *objectstore.Info) (at time.Time, id string) {
	for _, rule := range activeRules(b) {
		e := rule.get("Expiration")
		if e == nil || !ruleApplies(rule, info) {
			continue
		}
		var t time.Time
		if days, ok := e.number("Days"); ok {
			t = dueAt(info.ModTime, days)
		} else if d, ok := parseDate(e.text("Date")); ok {
			t = d
		} else {
			continue
		}
		if at.IsZero() || t.Before(at) {
			at, id = t, rule.text("ID")
		}
	}
	return at, id
}

// sayExpiration sets the header that reports when an object expires.
func (c *call) sayExpiration(info *objectstore.Info) {
	if _, set := c.b.Settings["lifecycle"]; !set {
		return
	}
	if at, id := expiration(c.b, info); !at.IsZero() {
		c.say("x-amz-expiration", `expiry-date="`+at.UTC().Format(http.TimeFormat)+`", rule-id="`+encodeListed(id)+`"`)
	}
}

// abortDate is when an upload to the request's key is aborted, and by which rule.
func (c *call) abortDate(begun time.Time) (at time.Time, id string) {
	for _, rule := range activeRules(c.b) {
		days, ok := rule.number("AbortIncompleteMultipartUpload", "DaysAfterInitiation")
		if !ok || !strings.HasPrefix(c.key, rulePrefix(rule)) {
			continue
		}
		if t := dueAt(begun, days); at.IsZero() || t.Before(at) {
			at, id = t, rule.text("ID")
		}
	}
	return at, id
}

// Sweep applies the lifecycle rules of all buckets now.
func (s *Service) Sweep(ctx context.Context) error {
	s.sweepMu.Lock()
	defer s.sweepMu.Unlock()
	var errs []error
	for _, b := range s.buckets.all() {
		if rules := activeRules(b); len(rules) > 0 || s.restoresEnded(b) || len(tierings(b)) > 0 {
			if err := s.sweepBucket(ctx, b, rules); err != nil && s.buckets.get(b.Name) != nil {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

func (s *Service) sweepBucket(ctx context.Context, b *bucket, rules []*node) error {
	now := s.clock.Now()
	restores, tiers := s.sweepRestores(b, now), tierings(b)
	q := objectstore.List{Max: maxListed}
	for {
		page, err := s.store.ListVersions(ctx, b.Name, q)
		if err != nil {
			return err
		}
		for i := range page.Entries {
			v := &page.Entries[i]
			if err := restores.look(ctx, v); err != nil {
				return err
			}
			if err := s.sweepTier(b, tiers, v, now); err != nil {
				return err
			}
			switch {
			case len(rules) == 0:
			case v.Latest:
				err = s.sweepCurrent(ctx, b, rules, v, now)
			case i == 0 || page.Entries[i-1].Latest || page.Entries[i-1].Key != v.Key:
				err = s.sweepNoncurrent(ctx, b, rules, v.Key, now)
			}
			if err != nil {
				return err
			}
		}
		if !page.Truncated {
			break
		}
		q.After, q.Version = page.Last, page.Version
	}
	if err := restores.end(); err != nil {
		return err
	}
	uploads, err := s.store.Uploads(b.Name, "")
	if err != nil {
		return err
	}
	for _, u := range uploads {
		for _, rule := range rules {
			days, ok := rule.number("AbortIncompleteMultipartUpload", "DaysAfterInitiation")
			if ok && strings.HasPrefix(u.Key, rulePrefix(rule)) && !now.Before(dueAt(u.Begun, days)) {
				if err := s.store.AbortUpload(b.Name, u.Key, u.ID); err != nil && !errors.Is(err, objectstore.ErrNoUpload) {
					return err
				}
				break
			}
		}
	}
	return nil
}

// same refuses to go on when an object is no longer the one that the sweep looked at.
func same(seen *objectstore.Info) func(*objectstore.Info) error {
	return func(now *objectstore.Info) error {
		if now == nil || now.ETag != seen.ETag || now.Version != seen.Version || !now.ModTime.Equal(seen.ModTime) {
			return errMoved
		}
		return nil
	}
}

var errMoved = errors.New("s3: the object has changed since it was looked at")

// sweepCurrent applies the rules to a current version.
func (s *Service) sweepCurrent(ctx context.Context, b *bucket, rules []*node, v *objectstore.Info, now time.Time) error {
	if v.Marker {
		versions, err := s.store.Versions(b.Name, v.Key)
		if err != nil || len(versions) != 1 {
			return err
		}
		for _, rule := range rules {
			due := strings.EqualFold(rule.text("Expiration", "ExpiredObjectDeleteMarker"), "true")
			if days, ok := rule.number("Expiration", "Days"); ok {
				due = due || !now.Before(dueAt(v.ModTime, days))
			}
			if due && strings.HasPrefix(v.Key, rulePrefix(rule)) {
				_, err := s.store.Delete(ctx, b.Name, v.Key, objectstore.Delete{Version: v.VersionID()})
				return err
			}
		}
		return nil
	}
	if at, _ := expiration(b, v); !at.IsZero() && !now.Before(at) {
		name := "LifecycleExpiration:Delete"
		if b.Versioning != "" {
			name = "LifecycleExpiration:DeleteMarkerCreated"
		}
		event := s.announce(ctx, b, awsOwner(b), "", name, v.Key)
		out, err := s.store.Delete(ctx, b.Name, v.Key, objectstore.Delete{Check: event.check(same(v))})
		gone := *v
		if out.Marker {
			gone.Version = strings.TrimPrefix(out.VersionID, objectstore.NullVersion)
		}
		event.end(&gone, err)
		if errors.Is(err, errMoved) {
			return nil
		}
		return err
	}
	class := ""
	for _, rule := range rules {
		if !ruleApplies(rule, v) {
			continue
		}
		for _, t := range rule.all("Transition") {
			days, byDays := t.number("Days")
			date, byDate := parseDate(t.text("Date"))
			if byDays && !now.Before(dueAt(v.ModTime, days)) || !byDays && byDate && !now.Before(date) {
				class = colder(class, t.text("StorageClass"))
			}
		}
	}
	return s.transition(b, v, class)
}

// classOrder is from warm to cold.
var classOrder = map[string]int{"": 0, "STANDARD": 0, "STANDARD_IA": 1, "INTELLIGENT_TIERING": 2, "ONEZONE_IA": 3, "GLACIER_IR": 4, "GLACIER": 5, "DEEP_ARCHIVE": 6}

func colder(a, b string) string {
	if classOrder[b] > classOrder[a] {
		return b
	}
	return a
}

// smallest is how many bytes an object must have to change its class, unless the rules say else.
const smallest = 128 << 10

func (s *Service) transition(b *bucket, v *objectstore.Info, class string) error {
	if classOrder[class] <= classOrder[v.Prop(propClass)] {
		return nil
	}
	if sizeOf(v) < smallest && (b.Settings["lifecycle-size"] != "varies_by_storage_class" || !archived(class)) {
		return nil
	}
	return s.amendSeen(b, v, func(info *objectstore.Info) error {
		// An event of what a crash then undoes is told of again by the next sweep.
		s.notifyMoved(b, class, info)
		info.SetProp(propClass, class)
		info.SetProp(propTier, "") // which its class had
		return nil
	})
}

// sweepNoncurrent applies the rules to the versions of an object but the current one.
func (s *Service) sweepNoncurrent(ctx context.Context, b *bucket, rules []*node, key string, now time.Time) error {
	versions, err := s.store.Versions(b.Name, key)
	if err != nil {
		return err
	}
	lock := &call{s: s, ctx: ctx, b: b, r: new(http.Request)}
	for i := 1; i < len(versions); i++ {
		v := &versions[i]
		since := versions[i-1].ModTime // when the next one came
		class, gone := "", false
		for _, rule := range rules {
			if !ruleApplies(rule, v) {
				continue
			}
			if e := rule.get("NoncurrentVersionExpiration"); e != nil {
				days, _ := e.number("NoncurrentDays")
				keep, _ := e.number("NewerNoncurrentVersions")
				gone = gone || i > keep && !now.Before(dueAt(since, days))
			}
			for _, t := range rule.all("NoncurrentVersionTransition") {
				days, _ := t.number("NoncurrentDays")
				keep, _ := t.number("NewerNoncurrentVersions")
				if i > keep && !now.Before(dueAt(since, days)) {
					class = colder(class, t.text("StorageClass"))
				}
			}
		}
		switch {
		case gone && lock.protected(v) == nil:
			if err := s.settle(b, key, v.VersionID()); err != nil {
				return err
			}
			event := s.announce(ctx, b, awsOwner(b), "", "LifecycleExpiration:Delete", key)
			event.deletes(v.VersionID())
			_, err := s.store.Delete(ctx, b.Name, key, objectstore.Delete{Version: v.VersionID(), Check: event.check(lock.protected)})
			event.end(v, err)
			if err != nil {
				return err
			}
		case !gone && !v.Marker:
			if err := s.transition(b, v, class); err != nil {
				return err
			}
		}
	}
	return nil
}
