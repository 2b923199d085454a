//lint:file-ignore SA1019 AllocatedCapacity is deprecated, and clients still send and read it

package glue

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// StartJobRun, GetJobRun, GetJobRuns, BatchStopJobRun.
//
// A run is a document, which the Runner works (job_work.go). The newest thousand runs of a job
// are kept.

type jobRunDoc struct {
	ID        string              `json:"id"`
	Job       string              `json:"job"`
	Settings  types.JobUpdate     `json:"settings"` // of the job, as it was when the run was started
	Arguments map[string]string   `json:"arguments,omitempty"`
	Attempt   int32               `json:"attempt,omitempty"`
	Previous  string              `json:"previous,omitempty"`
	Trigger   string              `json:"trigger,omitempty"`
	Workflow  string              `json:"workflow,omitempty"`    // and
	Flow      string              `json:"workflowRun,omitempty"` // the run of it
	Before    []types.Predecessor `json:"before,omitempty"`
	State     types.JobRunState   `json:"state"`
	Started   time.Time           `json:"started"`
	Running   time.Time           `json:"running,omitzero"` // since when
	Modified  time.Time           `json:"modified"`
	Completed time.Time           `json:"completed,omitzero"`
	Error     string              `json:"error,omitempty"`
	Policy    *string             `json:"policy,omitempty"`
	Settled   bool                `json:"settled,omitempty"` // it has ended, and what follows from that is done
	Epoch     uint64              `json:"epoch,omitempty"`   // of the lease of who works it
}

// keptRuns of a job, beyond which the oldest that have ended are forgotten.
const keptRuns = 1000

func (d *jobRunDoc) ended() bool {
	switch d.State {
	case types.JobRunStateStarting, types.JobRunStateRunning, types.JobRunStateStopping, types.JobRunStateWaiting:
		return false
	}
	return true
}

func (d *jobRunDoc) output(now time.Time) types.JobRun {
	u := &d.Settings
	out := types.JobRun{
		Id: aws.String(d.ID), Attempt: d.Attempt, JobName: aws.String(d.Job), JobMode: u.JobMode, JobRunQueuingEnabled: u.JobRunQueuingEnabled,
		StartedOn: aws.Time(d.Started), LastModifiedOn: aws.Time(d.Modified), JobRunState: d.State, Arguments: d.Arguments,
		PredecessorRuns: append([]types.Predecessor{}, d.Before...), AllocatedCapacity: u.AllocatedCapacity, Timeout: u.Timeout, MaxCapacity: u.MaxCapacity,
		WorkerType: u.WorkerType, NumberOfWorkers: u.NumberOfWorkers, SecurityConfiguration: u.SecurityConfiguration, LogGroupName: aws.String("/aws-glue/jobs"),
		NotificationProperty: u.NotificationProperty, GlueVersion: u.GlueVersion, ExecutionClass: u.ExecutionClass, MaintenanceWindow: u.MaintenanceWindow,
		ExecutionRoleSessionPolicy: d.Policy,
	}
	if aws.ToString(u.Command.Name) == commandShell {
		out.LogGroupName = aws.String("/aws-glue/python-jobs")
	}
	if d.Previous != "" {
		out.PreviousRunId = aws.String(d.Previous)
	}
	if d.Trigger != "" {
		out.TriggerName = aws.String(d.Trigger)
	}
	if d.Error != "" {
		out.ErrorMessage = aws.String(d.Error)
	}
	end := now
	if !d.Completed.IsZero() {
		out.CompletedOn, end = aws.Time(d.Completed), d.Completed
	}
	if !d.Running.IsZero() {
		out.ExecutionTime = int32(max(end.Sub(d.Running), 0) / time.Second)
	}
	return out
}

func jobRunNotFound(job, id string) error {
	return notFound("Job run with name: %s and id: %s not found.", job, id)
}

func (s *Service) jobRun(sc scope, job, id string) (*jobRunDoc, error) {
	d, err := s.jobRuns.Get(sc.account, sc.region, job, id)
	if !errors.Is(err, state.ErrNotFound) {
		return d, err
	}
	return nil, jobRunNotFound(job, id)
}

func newRunID(prefix string) string {
	b := make([]byte, 32)
	rand.Read(b)
	return prefix + hex.EncodeToString(b)
}

// start says how a run is started, by a call or by a trigger.
type start struct {
	in       glue.StartJobRunInput
	trigger  string
	workflow string
	flow     string
	before   []types.Predecessor
}

// StartJobRun starts a run. With JobRunQueuingEnabled it waits where the job has as many as it
// may have; otherwise it is refused then. JobRunId starts one again that has ended.
func (s *Service) StartJobRun(ctx context.Context, in *glue.StartJobRunInput, _ ...func(*glue.Options)) (*glue.StartJobRunOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	id, err := s.startJobRun(ctx, sc, start{in: *in})
	if err != nil {
		return nil, err
	}
	return &glue.StartJobRunOutput{JobRunId: aws.String(id)}, nil
}

func (s *Service) startJobRun(ctx context.Context, sc scope, st start) (string, error) {
	in := &st.in
	name := aws.ToString(in.JobName)
	job, err := s.job(sc, name)
	if err != nil {
		return "", err
	}
	now := s.clock.Now().UTC()
	d := &jobRunDoc{
		ID: newRunID("jr_"), Job: name, Settings: job.Settings, Arguments: in.Arguments, State: types.JobRunStateStarting, Started: now, Modified: now,
		Trigger: st.trigger, Workflow: st.workflow, Flow: st.flow, Before: st.before, Policy: in.ExecutionRoleSessionPolicy,
	}
	if again := aws.ToString(in.JobRunId); again != "" {
		previous, err := s.jobRun(sc, name, again)
		if err != nil {
			return "", err
		}
		if !previous.ended() {
			return "", invalidInput("The job run %s has not ended.", again)
		}
		d.Previous, d.Attempt = again, previous.Attempt+1
		if d.Arguments == nil {
			d.Arguments = previous.Arguments
		}
	}
	u := &d.Settings
	if in.WorkerType != "" || in.NumberOfWorkers != nil || in.MaxCapacity != nil || in.AllocatedCapacity > 0 {
		u.WorkerType, u.NumberOfWorkers, u.MaxCapacity, u.AllocatedCapacity = in.WorkerType, in.NumberOfWorkers, in.MaxCapacity, in.AllocatedCapacity
		if err := checkCapacity(u, aws.ToString(u.Command.Name)); err != nil {
			return "", err
		}
	}
	set(&u.Timeout, in.Timeout)
	set(&u.SecurityConfiguration, in.SecurityConfiguration)
	set(&u.NotificationProperty, in.NotificationProperty)
	set(&u.JobRunQueuingEnabled, in.JobRunQueuingEnabled)
	if in.ExecutionClass != "" {
		u.ExecutionClass = in.ExecutionClass
	}
	claimed, err := s.claimRun(ctx, sc, job, d.ID)
	if err != nil {
		return "", err
	}
	if !claimed {
		if !aws.ToBool(u.JobRunQueuingEnabled) {
			return "", &types.ConcurrentRunsExceededException{Message: aws.String("Concurrent runs exceeded for " + name)}
		}
		d.State = types.JobRunStateWaiting
	}
	if err := s.jobRuns.Create(ctx, d, sc.account, sc.region, name, d.ID); err != nil {
		return "", errors.Join(err, s.releaseRun(context.WithoutCancel(ctx), sc, name, d.ID))
	}
	s.pruneRuns(ctx, sc, name)
	return d.ID, nil
}

// claimGrace is how long a run may be claimed without a document: the claim comes first, and the
// process may have ended between.
const claimGrace = time.Minute

// claimRun takes one of the job's places for a run; false where all are taken.
func (s *Service) claimRun(ctx context.Context, sc scope, job *jobDoc, id string) (claimed bool, err error) {
	err = s.jobStates.Create(ctx, &jobStateDoc{}, sc.account, sc.region, job.Name)
	if err != nil && !errors.Is(err, state.ErrExists) {
		return false, err
	}
	now := s.clock.Now().UTC()
	_, err = s.jobStates.Modify(ctx, func(d *jobStateDoc) error {
		maps.DeleteFunc(d.Active, func(id string, since time.Time) bool {
			r, err := s.jobRuns.Get(sc.account, sc.region, job.Name, id)
			return err == nil && r.ended() || errors.Is(err, state.ErrNotFound) && now.Sub(since) > claimGrace
		})
		if claimed = len(d.Active) < int(max(job.Settings.ExecutionProperty.MaxConcurrentRuns, 1)); !claimed {
			return nil
		}
		if d.Active == nil {
			d.Active = make(map[string]time.Time)
		}
		d.Active[id] = now
		d.Runs++
		return nil
	}, sc.account, sc.region, job.Name)
	return claimed, err
}

// releaseRun lets another run of the job have the place of one that has ended. It may be called again.
func (s *Service) releaseRun(ctx context.Context, sc scope, job, id string) error {
	_, err := s.jobStates.Modify(ctx, func(d *jobStateDoc) error {
		delete(d.Active, id)
		return nil
	}, sc.account, sc.region, job)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("release the place of run %s of job %s: %w", id, job, err)
	}
	return nil
}

// startWaiting starts the run of the job that waits longest, if there is a place for it.
func (s *Service) startWaiting(ctx context.Context, sc scope, name string) error {
	all, err := s.runsOf(sc, name)
	if err != nil {
		return err
	}
	slices.Reverse(all)
	for _, d := range all {
		if d.State != types.JobRunStateWaiting {
			continue
		}
		job, err := s.job(sc, name)
		if err != nil {
			return nil // it goes, and its runs with it
		}
		claimed, err := s.claimRun(ctx, sc, job, d.ID)
		if err != nil || !claimed {
			return err
		}
		_, err = s.jobRuns.Modify(ctx, func(d *jobRunDoc) error {
			if d.State == types.JobRunStateWaiting {
				d.State, d.Modified = types.JobRunStateStarting, s.clock.Now().UTC()
			}
			return nil
		}, sc.account, sc.region, name, d.ID)
		if errors.Is(err, state.ErrNotFound) {
			return nil
		}
		return err
	}
	return nil
}

// runsOf lists the runs of a job, the newest first.
func (s *Service) runsOf(sc scope, job string) ([]*jobRunDoc, error) {
	all, err := s.jobRuns.All(sc.account, sc.region, job)
	slices.SortFunc(all, func(a, b *jobRunDoc) int {
		return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.ID, b.ID))
	})
	return all, err
}

func (s *Service) pruneRuns(ctx context.Context, sc scope, job string) {
	n := 0
	for range s.jobRuns.Keys(sc.account, sc.region, job) {
		n++
	}
	if n <= keptRuns {
		return
	}
	all, err := s.runsOf(sc, job)
	if err != nil {
		return // nothing is removed for a listing that is not whole
	}
	for _, d := range all[min(keptRuns, len(all)):] {
		if d.ended() {
			s.jobRuns.Delete(ctx, sc.account, sc.region, job, d.ID) // the next run tries again
		}
	}
}

// GetJobRun describes one run.
func (s *Service) GetJobRun(ctx context.Context, in *glue.GetJobRunInput, _ ...func(*glue.Options)) (*glue.GetJobRunOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.JobName)
	if _, err := s.job(sc, name); err != nil {
		return nil, err
	}
	d, err := s.jobRun(sc, name, aws.ToString(in.RunId))
	if err != nil {
		return nil, err
	}
	out := d.output(s.clock.Now())
	return &glue.GetJobRunOutput{JobRun: &out}, nil
}

// GetJobRuns describes the runs of a job, the newest first, 200 a page.
func (s *Service) GetJobRuns(ctx context.Context, in *glue.GetJobRunsInput, _ ...func(*glue.Options)) (*glue.GetJobRunsOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.JobName)
	if _, err := s.job(sc, name); err != nil {
		return nil, err
	}
	all, err := s.runsOf(sc, name)
	if err != nil {
		return nil, err
	}
	key := func(d *jobRunDoc) string { return fmt.Sprintf("%020d%s", 1<<62-d.Started.UnixNano(), d.ID) }
	page, next, err := pageOf(all, key, in.NextToken, in.MaxResults, 200)
	if err != nil {
		return nil, err
	}
	out := &glue.GetJobRunsOutput{NextToken: next, JobRuns: []types.JobRun{}}
	for _, d := range page {
		out.JobRuns = append(out.JobRuns, d.output(s.clock.Now()))
	}
	return out, nil
}

// BatchStopJobRun asks runs to stop; each is STOPPING until it has.
func (s *Service) BatchStopJobRun(ctx context.Context, in *glue.BatchStopJobRunInput, _ ...func(*glue.Options)) (*glue.BatchStopJobRunOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.JobName)
	out := &glue.BatchStopJobRunOutput{SuccessfulSubmissions: []types.BatchStopJobRunSuccessfulSubmission{}, Errors: []types.BatchStopJobRunError{}}
	for _, id := range in.JobRunIds {
		if err := s.stopJobRun(ctx, sc, name, id); err != nil {
			out.Errors = append(out.Errors, types.BatchStopJobRunError{JobName: in.JobName, JobRunId: aws.String(id), ErrorDetail: errorDetail(err)})
			continue
		}
		out.SuccessfulSubmissions = append(out.SuccessfulSubmissions, types.BatchStopJobRunSuccessfulSubmission{JobName: in.JobName, JobRunId: aws.String(id)})
	}
	return out, nil
}

func (s *Service) stopJobRun(ctx context.Context, sc scope, job, id string) error {
	_, err := s.jobRuns.Modify(ctx, func(d *jobRunDoc) error {
		now := s.clock.Now().UTC()
		switch d.State {
		case types.JobRunStateWaiting:
			d.State, d.Completed = types.JobRunStateStopped, now
		case types.JobRunStateStarting, types.JobRunStateRunning:
			d.State = types.JobRunStateStopping
		case types.JobRunStateStopping:
		default:
			return &types.InvalidInputException{Message: aws.String(fmt.Sprintf("Job Run is in %s state and cannot be stopped", d.State))}
		}
		d.Modified = now
		return nil
	}, sc.account, sc.region, job, id)
	if errors.Is(err, state.ErrNotFound) {
		return jobRunNotFound(job, id)
	}
	return err
}
