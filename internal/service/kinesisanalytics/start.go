package kinesisanalytics

import (
	"context"

	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// Positions that an application starts at. LAST_STOPPED_POINT of one that never ran is NOW.
const (
	startNow     = "NOW"
	startHorizon = "TRIM_HORIZON"
	startLast    = "LAST_STOPPED_POINT"
)

// start has an application run: starts are the positions of its inputs, by their ids. What must be
// right before it can run is checked here, so that its owner is told.
func (s *Service) start(ctx context.Context, name string, starts map[string]string) error {
	d, err := s.applications.Modify(ctx, func(d *applicationDoc) error {
		if d.Status != statusReady {
			return inUse(name, d.Status, statusReady)
		}
		*d = *d.clone()
		for id := range starts {
			if find(d.Inputs, inputID, id) == nil {
				return invalid("Input %s is not an input of application %s.", id, name)
			}
		}
		if err := s.checkStart(d); err != nil {
			return err
		}
		d.Fresh = true
		for i := range d.Inputs {
			in := &d.Inputs[i]
			in.Start = starts[in.ID]
			if in.Start == "" {
				in.Start = startNow
			}
			if in.Start == startLast && d.Run > 0 {
				d.Fresh = false
			}
		}
		d.Run++
		d.Started = s.now()
		d.Status = statusStarting
		return nil
	}, scope.Of(ctx).Key(name)...)
	if err != nil {
		return err
	}
	s.runner.Wake(d.key()...)
	return nil
}

// checkStart says what an application lacks to run.
func (s *Service) checkStart(d *applicationDoc) error {
	if len(d.Inputs) == 0 {
		return badConfiguration("Application %s has no input.", d.Name)
	}
	if d.Code == "" {
		return badConfiguration("Application %s has no code.", d.Name)
	}
	plan, err := compile(d)
	if err != nil {
		return badConfiguration("The code of application %s is not valid: %s", d.Name, err)
	}
	names := map[string]bool{}
	for _, st := range plan.Streams() {
		names[st.Name] = true
	}
	for i := range d.Outputs {
		if o := &d.Outputs[i]; !names[o.Name] {
			return badConfiguration("There is no in-application stream %s for output %s.", o.Name, o.ID)
		}
	}
	return nil
}
