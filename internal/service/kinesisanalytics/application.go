package kinesisanalytics

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Applications as both versions of the API create, change, list and delete them. Limits: 50 a
// region, one input, three outputs, one reference data source, one log stream (as AWS's).
const (
	maxApplications = 50
	maxInputs       = 1
	maxOutputs      = 3
	maxReferences   = 1
	maxLogging      = 1
)

func (s *Service) now() time.Time { return s.clock.Now().UTC().Truncate(time.Millisecond) }

// application is the caller's application of that name.
func (s *Service) application(ctx context.Context, name string) (*applicationDoc, error) {
	return s.applications.Get(scope.Of(ctx).Key(name)...)
}

// create stores a new application of the caller's. Its parts have no ids yet.
func (s *Service) create(ctx context.Context, d *applicationDoc) (*applicationDoc, error) {
	sc := scope.Of(ctx)
	d.Account, d.Region, d.ID, d.Version, d.Status = sc.Account, sc.Region, uuid.NewString(), 1, statusReady
	d.Created = s.now()
	d.Updated = d.Created
	for i := range d.Inputs {
		d.Inputs[i].ID = newID(1, d.Inputs[:i], inputID)
	}
	for i := range d.Outputs {
		d.Outputs[i].ID = newID(1, d.Outputs[:i], outputID)
	}
	for i := range d.References {
		d.References[i].ID = newID(1, d.References[:i], referenceID)
	}
	for i := range d.Logging {
		d.Logging[i].ID = newID(1, d.Logging[:i], loggingID)
	}
	if len(d.Tags) > maxTags {
		return nil, tooManyTags()
	}
	if err := s.check(d); err != nil {
		return nil, err
	}
	if _, err := s.applications.Get(d.key()...); err == nil {
		return nil, exists(d.Name)
	}
	if s.cfg.EnforceLimits {
		n := 0
		for range s.applications.In(sc.Account, sc.Region).Keys() {
			n++
		}
		if n >= maxApplications {
			return nil, limitExceeded("The number of applications is at its limit of %d.", maxApplications)
		}
	}
	return d, s.applications.Create(ctx, d, d.key()...)
}

// change changes the configuration of an application: a new version of it. version is the one
// that the caller has seen; nil where the API asks for none.
func (s *Service) change(ctx context.Context, name string, version *int64, f func(*applicationDoc) error) (*applicationDoc, error) {
	d, err := s.applications.Modify(ctx, func(d *applicationDoc) error {
		if version != nil && *version != d.Version {
			return stale(name, *version, d.Version)
		}
		if d.Status != statusReady && d.Status != statusRunning {
			return inUse(name, d.Status, "READY or RUNNING")
		}
		if err := f(d); err != nil {
			return err
		}
		if err := s.check(d); err != nil {
			return err
		}
		d.Version++
		d.Updated = s.now()
		if d.Status == statusRunning {
			d.Status = statusUpdating
		}
		return nil
	}, scope.Of(ctx).Key(name)...)
	if err != nil {
		return nil, err
	}
	s.runner.Wake(d.key()...)
	return d, nil
}

// list is a page of the caller's applications behind a name, by name.
func (s *Service) list(ctx context.Context, after *string, limit *int32) (page []*applicationDoc, more bool, err error) {
	all, err := s.applications.In(scope.Of(ctx).Key()...).All()
	if err != nil {
		return nil, false, err
	}
	if after != nil {
		i, found := slices.BinarySearchFunc(all, *after, func(d *applicationDoc, name string) int { return strings.Compare(d.Name, name) })
		if found {
			i++
		}
		all = all[i:]
	}
	n := 50
	if limit != nil {
		n = int(*limit)
	}
	if len(all) > n {
		return all[:n], true, nil
	}
	return all, false, nil
}

// remove marks an application as one to be deleted; its worker ends it and removes what it has.
func (s *Service) remove(ctx context.Context, name string, created *time.Time) error {
	d, err := s.applications.Modify(ctx, func(d *applicationDoc) error {
		// Clients that read the time as seconds give it back as such.
		if created == nil || created.Sub(d.Created).Abs() >= time.Second {
			return invalid("The CreateTimestamp does not match that of application %s.", name)
		}
		if d.Status == statusDeleting {
			return inUse(name, d.Status, "READY or RUNNING")
		}
		d.Status = statusDeleting
		return nil
	}, scope.Of(ctx).Key(name)...)
	if err != nil {
		return err
	}
	s.runner.Wake(d.key()...)
	s.awaitBriefly(ctx, d)
	return nil
}

// stop tells an application's worker to stop.
func (s *Service) stop(ctx context.Context, name string) error {
	d, err := s.applications.Modify(ctx, func(d *applicationDoc) error {
		if !d.runs() {
			return inUse(name, d.Status, "RUNNING")
		}
		d.Status = statusStopping
		return nil
	}, scope.Of(ctx).Key(name)...)
	if err != nil {
		return err
	}
	s.runner.Wake(d.key()...)
	return nil
}

// awaitBriefly waits a moment for a worker that has little to do, so that what follows finds it done.
func (s *Service) awaitBriefly(ctx context.Context, d *applicationDoc) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = s.runner.Await(ctx, d.key()...) // what it did not do yet it still does
}

// setStatus moves an application from one status to another; false when it is in neither.
func (s *Service) setStatus(ctx context.Context, d *applicationDoc, to string, from ...string) (bool, error) {
	errOther := errors.New("the application is in another state")
	_, err := s.applications.Modify(context.WithoutCancel(ctx), func(d *applicationDoc) error {
		if !slices.Contains(from, d.Status) {
			return errOther
		}
		d.Status = to
		return nil
	}, d.key()...)
	if errors.Is(err, errOther) || errors.Is(err, state.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
