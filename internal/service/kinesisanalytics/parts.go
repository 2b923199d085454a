package kinesisanalytics

import (
	"context"
	"slices"
)

// Adding and removing parts of applications, for both versions of the API.

func (s *Service) addInput(ctx context.Context, name string, version *int64, in inputDoc) (*applicationDoc, error) {
	return s.change(ctx, name, version, func(d *applicationDoc) error {
		in.ID = newID(d.Version, d.Inputs, inputID)
		d.Inputs = append(slices.Clone(d.Inputs), in)
		return nil
	})
}

func (s *Service) addOutput(ctx context.Context, name string, version *int64, o outputDoc) (*applicationDoc, error) {
	return s.change(ctx, name, version, func(d *applicationDoc) error {
		o.ID = newID(d.Version, d.Outputs, outputID)
		d.Outputs = append(slices.Clone(d.Outputs), o)
		return nil
	})
}

func (s *Service) addReference(ctx context.Context, name string, version *int64, r referenceDoc) (*applicationDoc, error) {
	return s.change(ctx, name, version, func(d *applicationDoc) error {
		r.ID = newID(d.Version, d.References, referenceID)
		d.References = append(slices.Clone(d.References), r)
		return nil
	})
}

func (s *Service) addLogging(ctx context.Context, name string, version *int64, l loggingDoc) (*applicationDoc, error) {
	return s.change(ctx, name, version, func(d *applicationDoc) error {
		l.ID = newID(d.Version, d.Logging, loggingID)
		d.Logging = append(slices.Clone(d.Logging), l)
		return nil
	})
}

// setProcessor gives an input a function that its records go through; nil takes it away.
func (s *Service) setProcessor(ctx context.Context, name string, version *int64, input string, p *resourceDoc) (*applicationDoc, error) {
	return s.change(ctx, name, version, func(d *applicationDoc) error {
		d.Inputs = slices.Clone(d.Inputs)
		in := find(d.Inputs, inputID, input)
		if in == nil {
			return noPart("Input", input)
		}
		if p == nil && in.Processor == nil {
			return invalid("Input %s has no input processing configuration.", input)
		}
		in.Processor = p
		return nil
	})
}

func (s *Service) deleteOutput(ctx context.Context, name string, version *int64, id string) (*applicationDoc, error) {
	return s.change(ctx, name, version, func(d *applicationDoc) (err error) {
		d.Outputs, err = without(d.Outputs, outputID, id, "Output")
		return err
	})
}

func (s *Service) deleteReference(ctx context.Context, name string, version *int64, id string) (*applicationDoc, error) {
	return s.change(ctx, name, version, func(d *applicationDoc) (err error) {
		d.References, err = without(d.References, referenceID, id, "Reference data source")
		return err
	})
}

func (s *Service) deleteLogging(ctx context.Context, name string, version *int64, id string) (*applicationDoc, error) {
	return s.change(ctx, name, version, func(d *applicationDoc) (err error) {
		d.Logging, err = without(d.Logging, loggingID, id, "CloudWatch logging option")
		return err
	})
}

// without is a copy of the parts without the one of an id.
func without[P any](parts []P, id func(*P) string, gone, kind string) ([]P, error) {
	if find(parts, id, gone) == nil {
		return nil, noPart(kind, gone)
	}
	return slices.DeleteFunc(slices.Clone(parts), func(p P) bool { return id(&p) == gone }), nil
}
