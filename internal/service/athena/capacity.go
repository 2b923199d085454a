package athena

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// CreateCapacityReservation, GetCapacityReservation, ListCapacityReservations,
// UpdateCapacityReservation, CancelCapacityReservation, DeleteCapacityReservation,
// PutCapacityAssignmentConfiguration, GetCapacityAssignmentConfiguration.
//
// Reservations are kept and read back; how many statements run at once does not depend on
// them. One is ACTIVE when it is made, with all it asks for.

type capacityDoc struct {
	Name        string                          `json:"name"`
	Status      types.CapacityReservationStatus `json:"status"`
	DPUs        int32                           `json:"dpus"`
	Created     time.Time                       `json:"created"`
	Allocated   time.Time                       `json:"allocated"`
	Assignments []types.CapacityAssignment      `json:"assignments,omitzero"`
}

func (d *capacityDoc) output() *types.CapacityReservation {
	out := &types.CapacityReservation{
		Name: aws.String(d.Name), Status: d.Status, TargetDpus: aws.Int32(d.DPUs), AllocatedDpus: aws.Int32(d.DPUs),
		CreationTime: aws.Time(d.Created), LastSuccessfulAllocationTime: aws.Time(d.Allocated),
		LastAllocation: &types.CapacityAllocation{
			Status: types.CapacityAllocationStatusSucceeded, RequestTime: aws.Time(d.Allocated), RequestCompletionTime: aws.Time(d.Allocated),
		},
	}
	if d.Status == types.CapacityReservationStatusCancelled {
		out.AllocatedDpus = aws.Int32(0)
	}
	return out
}

func noCapacityReservation() error {
	return invalidRequest("INVALID_INPUT", "Capacity reservation does not exist")
}

func (s *Service) capacityReservation(sc scope, name string) (*capacityDoc, error) {
	d, err := s.capacity.Get(sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noCapacityReservation()
	}
	return d, err
}

// changeCapacity changes a reservation that is not cancelled.
func (s *Service) changeCapacity(ctx context.Context, name string, change func(*capacityDoc)) error {
	sc := scopeOf(ctx)
	_, err := s.capacity.Modify(ctx, func(d *capacityDoc) error {
		if d.Status != types.CapacityReservationStatusActive {
			return invalidRequest("INVALID_INPUT", "Capacity reservation %s is %s", name, d.Status)
		}
		change(d)
		return nil
	}, sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return noCapacityReservation()
	}
	return err
}

// CreateCapacityReservation keeps a reservation.
func (s *Service) CreateCapacityReservation(ctx context.Context, in *athena.CreateCapacityReservationInput, _ ...func(*athena.Options)) (*athena.CreateCapacityReservationOutput, error) {
	sc, now := scopeOf(ctx), s.clock.Now().UTC()
	name := aws.ToString(in.Name)
	d := &capacityDoc{Name: name, Status: types.CapacityReservationStatusActive, DPUs: aws.ToInt32(in.TargetDpus), Created: now, Allocated: now}
	err := s.capacity.Create(ctx, d, sc.account, sc.region, name)
	if errors.Is(err, state.ErrExists) {
		return nil, invalidRequest("INVALID_INPUT", "Capacity reservation %s already exists", name)
	}
	if err != nil {
		return nil, err
	}
	if err := s.addTags(ctx, sc, sc.arn("capacity-reservation/"+name), in.Tags); err != nil {
		return nil, err
	}
	return &athena.CreateCapacityReservationOutput{}, nil
}

// GetCapacityReservation describes a reservation.
func (s *Service) GetCapacityReservation(ctx context.Context, in *athena.GetCapacityReservationInput, _ ...func(*athena.Options)) (*athena.GetCapacityReservationOutput, error) {
	d, err := s.capacityReservation(scopeOf(ctx), aws.ToString(in.Name))
	if err != nil {
		return nil, err
	}
	return &athena.GetCapacityReservationOutput{CapacityReservation: d.output()}, nil
}

// ListCapacityReservations lists reservations by name, 50 a page.
func (s *Service) ListCapacityReservations(ctx context.Context, in *athena.ListCapacityReservationsInput, _ ...func(*athena.Options)) (*athena.ListCapacityReservationsOutput, error) {
	sc := scopeOf(ctx)
	all, err := s.capacity.All(sc.account, sc.region)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b *capacityDoc) int { return strings.Compare(a.Name, b.Name) })
	page, next, err := pageOf(all, func(d *capacityDoc) string { return d.Name }, in.NextToken, in.MaxResults, 50)
	if err != nil {
		return nil, err
	}
	out := &athena.ListCapacityReservationsOutput{NextToken: next, CapacityReservations: []types.CapacityReservation{}}
	for _, d := range page {
		out.CapacityReservations = append(out.CapacityReservations, *d.output())
	}
	return out, nil
}

// UpdateCapacityReservation changes the number of units.
func (s *Service) UpdateCapacityReservation(ctx context.Context, in *athena.UpdateCapacityReservationInput, _ ...func(*athena.Options)) (*athena.UpdateCapacityReservationOutput, error) {
	err := s.changeCapacity(ctx, aws.ToString(in.Name), func(d *capacityDoc) {
		d.DPUs, d.Allocated = aws.ToInt32(in.TargetDpus), s.clock.Now().UTC()
	})
	if err != nil {
		return nil, err
	}
	return &athena.UpdateCapacityReservationOutput{}, nil
}

// CancelCapacityReservation ends a reservation; it can be read until it is deleted.
func (s *Service) CancelCapacityReservation(ctx context.Context, in *athena.CancelCapacityReservationInput, _ ...func(*athena.Options)) (*athena.CancelCapacityReservationOutput, error) {
	err := s.changeCapacity(ctx, aws.ToString(in.Name), func(d *capacityDoc) {
		d.Status = types.CapacityReservationStatusCancelled
	})
	if err != nil {
		return nil, err
	}
	return &athena.CancelCapacityReservationOutput{}, nil
}

// DeleteCapacityReservation forgets a cancelled reservation.
func (s *Service) DeleteCapacityReservation(ctx context.Context, in *athena.DeleteCapacityReservationInput, _ ...func(*athena.Options)) (*athena.DeleteCapacityReservationOutput, error) {
	sc, name := scopeOf(ctx), aws.ToString(in.Name)
	d, err := s.capacityReservation(sc, name)
	if err != nil {
		return nil, err
	}
	if d.Status != types.CapacityReservationStatusCancelled {
		return nil, invalidRequest("INVALID_INPUT", "Capacity reservation %s must be cancelled before it can be deleted", name)
	}
	if err := s.deleteTags(ctx, sc, sc.arn("capacity-reservation/"+name)); err != nil {
		return nil, err
	}
	err = s.capacity.Delete(ctx, sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noCapacityReservation()
	}
	if err != nil {
		return nil, err
	}
	return &athena.DeleteCapacityReservationOutput{}, nil
}

// PutCapacityAssignmentConfiguration says which workgroups a reservation is for.
func (s *Service) PutCapacityAssignmentConfiguration(ctx context.Context, in *athena.PutCapacityAssignmentConfigurationInput, _ ...func(*athena.Options)) (*athena.PutCapacityAssignmentConfigurationOutput, error) {
	for _, a := range in.CapacityAssignments {
		for _, name := range a.WorkGroupNames {
			if _, err := s.workGroup(scopeOf(ctx), name); err != nil {
				return nil, err
			}
		}
	}
	err := s.changeCapacity(ctx, aws.ToString(in.CapacityReservationName), func(d *capacityDoc) { d.Assignments = in.CapacityAssignments })
	if err != nil {
		return nil, err
	}
	return &athena.PutCapacityAssignmentConfigurationOutput{}, nil
}

// GetCapacityAssignmentConfiguration reports which workgroups a reservation is for.
func (s *Service) GetCapacityAssignmentConfiguration(ctx context.Context, in *athena.GetCapacityAssignmentConfigurationInput, _ ...func(*athena.Options)) (*athena.GetCapacityAssignmentConfigurationOutput, error) {
	d, err := s.capacityReservation(scopeOf(ctx), aws.ToString(in.CapacityReservationName))
	if err != nil {
		return nil, err
	}
	assignments := d.Assignments
	if assignments == nil {
		assignments = []types.CapacityAssignment{}
	}
	return &athena.GetCapacityAssignmentConfigurationOutput{CapacityAssignmentConfiguration: &types.CapacityAssignmentConfiguration{
		CapacityReservationName: aws.String(d.Name), CapacityAssignments: assignments,
	}}, nil
}
