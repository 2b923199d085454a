package s3

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// The archive tiers of S3 Intelligent-Tiering. An object of that class which nobody has read for as long as a configuration of
// its bucket says moves to the Archive Access tier, or the Deep Archive Access tier, where it cannot be read until it is
// restored, which moves it back for good. The sweep of lifecycle rules (lifecycle.go) moves objects. The tiers that can be read
// cost less on AWS and are otherwise alike, so nothing is kept of them. (Source: "How S3 Intelligent-Tiering works" in the user
// guide.)

const (
	propTier = "tier" // ARCHIVE_ACCESS or DEEP_ARCHIVE_ACCESS; empty: one that can be read
	propUsed = "used" // when an object of the class was read last, to the day, where its bucket has a configuration
)

const tieringClass = "INTELLIGENT_TIERING"

// usedEvery is how often the time at which an object was read is kept.
const usedEvery = 24 * time.Hour

// isReadable reports whether an object can be read.
func (s *Service) isReadable(info *objectstore.Info) bool {
	return info.Prop(propTier) == "" && (!archived(info.Prop(propClass)) || s.restored(info))
}

// tierings are the configurations of a bucket that are enabled.
func tierings(b *bucket) (list []*node) {
	for name := range b.Settings {
		if strings.HasPrefix(name, "intelligent-tiering.") {
			if n := b.setting(name); n.text("Status") == "Enabled" {
				list = append(list, n)
			}
		}
	}
	return list
}

// lastUsed is when an object was read last, or written.
func lastUsed(info *objectstore.Info) time.Time {
	if t, err := time.Parse(time.RFC3339, info.Prop(propUsed)); err == nil && t.After(info.ModTime) {
		return t
	}
	return info.ModTime
}

// use keeps that an object is read, once a day.
func (s *Service) use(b *bucket, info *objectstore.Info) {
	now := s.clock.Now()
	if info.Prop(propClass) != tieringClass || now.Sub(lastUsed(info)) < usedEvery || len(tierings(b)) == 0 {
		return
	}
	err := s.amendSeen(b, info, func(info *objectstore.Info) error {
		info.SetProp(propUsed, now.UTC().Format(time.RFC3339))
		return nil
	})
	if err != nil { // it is read all the same
		s.log.Error("s3: keep when an object was read", "bucket", b.Name, "key", info.Key, "error", err)
	}
}

// amendSeen amends the version that was looked at, unless it has changed or gone since.
func (s *Service) amendSeen(b *bucket, seen *objectstore.Info, f func(*objectstore.Info) error) error {
	id := ""
	if b.Versioning != "" {
		id = seen.VersionID()
	}
	_, err := s.store.Amend(b.Name, seen.Key, id, func(info *objectstore.Info) error {
		if err := same(seen)(info); err != nil {
			return err
		}
		return f(info)
	})
	if errors.Is(err, errMoved) || mayBeNew(err) || errors.Is(err, objectstore.ErrNoVersion) {
		return nil
	}
	return err
}

// tierOrder is from warm to cold.
var tierOrder = map[string]int{"": 0, "ARCHIVE_ACCESS": 1, "DEEP_ARCHIVE_ACCESS": 2}

// sweepTier moves an object to the coldest tier that is due.
func (s *Service) sweepTier(b *bucket, configs []*node, v *objectstore.Info, now time.Time) error {
	if v.Marker || v.Prop(propClass) != tieringClass || sizeOf(v) < smallest {
		return nil
	}
	due := func(info *objectstore.Info) string {
		tier := info.Prop(propTier)
		for _, config := range configs {
			if !ruleApplies(config, info) {
				continue
			}
			for _, t := range config.all("Tiering") {
				days, ok := t.number("Days")
				if to := t.text("AccessTier"); ok && tierOrder[to] > tierOrder[tier] && !now.Before(dueAt(lastUsed(info), days)) {
					tier = to
				}
			}
		}
		return tier
	}
	if due(v) == v.Prop(propTier) {
		return nil
	}
	return s.amendSeen(b, v, func(info *objectstore.Info) error {
		tier := due(info)
		if tier == info.Prop(propTier) { // it was read since
			return errMoved
		}
		a := s.announce(context.Background(), b, awsOwner(b), "", "IntelligentTiering", info.Key)
		if a != nil {
			a.e.Class = tier
		}
		s.tell(a, info) // an event of what a crash then undoes is told of again by the next sweep
		info.SetProp(propTier, tier)
		return nil
	})
}
