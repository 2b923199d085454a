package glue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// StartWorkflowRun, GetWorkflowRun, GetWorkflowRuns, StopWorkflowRun, GetWorkflowRunProperties,
// PutWorkflowRunProperties.
//
// A run fires the workflow's first trigger, on demand or scheduled, then each conditional one
// when its conditions have come true in this run, once. It is COMPLETED when nothing of it runs
// and nothing more can fire.

// flowDoc is a run of a workflow.
type flowDoc struct {
	ID         string                               `json:"id"`
	Workflow   string                               `json:"workflow"`
	Properties map[string]string                    `json:"properties,omitempty"`
	Status     types.WorkflowRunStatus              `json:"status"`
	Started    time.Time                            `json:"started"`
	Completed  time.Time                            `json:"completed,omitzero"`
	Error      string                               `json:"error,omitempty"`
	Previous   string                               `json:"previous,omitempty"`
	Fired      map[string]bool                      `json:"fired,omitempty"`    // triggers
	Firing     map[string]bool                      `json:"firing,omitempty"`   // those of them whose actions are being started
	By         string                               `json:"by,omitempty"`       // the process that starts them
	Seen       map[string]map[int]types.Predecessor `json:"seen,omitempty"`     // trigger -> conditions that came true
	Runs       map[string][]string                  `json:"runs,omitempty"`     // job -> ids
	Ended      map[string]types.JobRunState         `json:"ended,omitempty"`    // id -> state
	Crawlers   map[string]types.CrawlState          `json:"crawlers,omitempty"` // "": it runs
	Failures   int32                                `json:"failures,omitempty"` // actions that could not be started
}

func (f *flowDoc) waitsFor(crawler string) bool {
	s, ok := f.Crawlers[crawler]
	return ok && s == ""
}

func flowNotFound(id string) error {
	return notFound("Entity with id %s of type WORKFLOW_RUN not found.", id)
}

func (s *Service) flow(sc scope, workflow, id string) (*flowDoc, error) {
	if _, err := s.workflow(sc, workflow); err != nil {
		return nil, err
	}
	d, err := s.flows.Get(sc.account, sc.region, workflow, id)
	if errors.Is(err, state.ErrNotFound) {
		return nil, flowNotFound(id)
	}
	return d, err
}

func (f *flowDoc) statistics() *types.WorkflowRunStatistics {
	n := &types.WorkflowRunStatistics{FailedActions: f.Failures, TotalActions: f.Failures}
	count := func(state string) {
		n.TotalActions++
		switch state {
		case "SUCCEEDED":
			n.SucceededActions++
		case "STOPPED", "CANCELLED":
			n.StoppedActions++
		case "TIMEOUT":
			n.TimeoutActions++
		case "":
			n.RunningActions++
		default:
			n.FailedActions++
		}
	}
	for _, ids := range f.Runs {
		for _, id := range ids {
			count(string(f.Ended[id]))
		}
	}
	for _, s := range f.Crawlers {
		count(string(s))
	}
	return n
}

func (s *Service) flowOutput(sc scope, f *flowDoc, graph bool) types.WorkflowRun {
	out := types.WorkflowRun{
		Name: aws.String(f.Workflow), WorkflowRunId: aws.String(f.ID), WorkflowRunProperties: maps.Clone(f.Properties), Status: f.Status,
		StartedOn: aws.Time(f.Started), Statistics: f.statistics(),
	}
	if out.WorkflowRunProperties == nil {
		out.WorkflowRunProperties = map[string]string{}
	}
	if f.Previous != "" {
		out.PreviousRunId = aws.String(f.Previous)
	}
	if !f.Completed.IsZero() {
		out.CompletedOn = aws.Time(f.Completed)
	}
	if f.Error != "" {
		out.ErrorMessage = aws.String(f.Error)
	}
	if graph {
		if all, err := s.triggersIn(sc, f.Workflow); err == nil {
			out.Graph = s.graphOf(sc, all, f)
		}
	}
	return out
}

// StartWorkflowRun begins a run of a workflow, by firing the trigger that begins it.
func (s *Service) StartWorkflowRun(ctx context.Context, in *glue.StartWorkflowRunInput, _ ...func(*glue.Options)) (*glue.StartWorkflowRunOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	w, err := s.workflow(sc, name)
	if err != nil {
		return nil, err
	}
	triggers, err := s.triggersIn(sc, name)
	if err != nil {
		return nil, err
	}
	var first *triggerDoc
	for _, t := range triggers {
		if t.Type != types.TriggerTypeConditional {
			first = t
		}
	}
	if first == nil {
		return nil, invalidInput("The workflow %s has no trigger that starts it.", name)
	}
	if w.Max != nil && *w.Max > 0 {
		running := int32(0)
		all, err := s.flows.All(sc.account, sc.region, name)
		if err != nil {
			return nil, err
		}
		for _, f := range all {
			if f.Status == types.WorkflowRunStatusRunning || f.Status == types.WorkflowRunStatusStopping {
				running++
			}
		}
		if running >= *w.Max {
			return nil, &types.ConcurrentRunsExceededException{Message: aws.String(fmt.Sprintf("Concurrent runs exceeded for workflow %s.", name))}
		}
	}
	f := &flowDoc{
		ID: newRunID("wr_"), Workflow: name, Properties: maps.Clone(w.Properties), Status: types.WorkflowRunStatusRunning, Started: s.clock.Now().UTC(), Previous: w.LastRun,
		Fired: map[string]bool{},
	}
	for k, v := range in.RunProperties {
		if f.Properties == nil {
			f.Properties = map[string]string{}
		}
		f.Properties[k] = v
	}
	if err := s.flows.Create(ctx, f, sc.account, sc.region, name, f.ID); err != nil {
		return nil, err
	}
	_, err = s.workflows.Modify(ctx, func(d *workflowDoc) error {
		d.LastRun = f.ID
		return nil
	}, sc.account, sc.region, name)
	if err != nil {
		return nil, err
	}
	if err := s.fireInFlow(ctx, sc, f.ID, first, nil); err != nil {
		return nil, err
	}
	return &glue.StartWorkflowRunOutput{RunId: aws.String(f.ID)}, s.endIdleFlow(ctx, sc, name, f.ID)
}

// fireInFlow fires a trigger of a workflow for one of its runs, once.
func (s *Service) fireInFlow(ctx context.Context, sc scope, id string, t *triggerDoc, before []types.Predecessor) error {
	// The lease tells others that somebody is at it.
	lease, err := s.runs.owner.Acquire(ctx, flowLease(sc, t.Workflow, id), nil)
	if err != nil {
		return err
	}
	if lease.Release != nil {
		defer lease.Release()
	}
	again := false
	_, err = s.flows.Modify(ctx, func(f *flowDoc) error {
		if again = f.Fired[t.Name]; again {
			return nil
		}
		if f.Fired == nil {
			f.Fired = make(map[string]bool)
		}
		if f.Firing == nil {
			f.Firing = make(map[string]bool)
		}
		f.Fired[t.Name], f.Firing[t.Name], f.By = true, true, s.runs.node
		for _, a := range t.Actions {
			if a.CrawlerName != nil {
				if f.Crawlers == nil {
					f.Crawlers = make(map[string]types.CrawlState)
				}
				f.Crawlers[*a.CrawlerName] = ""
			}
		}
		return nil
	}, sc.account, sc.region, t.Workflow, id)
	if err != nil || again {
		return err
	}
	runs := make(map[string][]string)
	var failures int32
	_ = s.fire(ctx, sc, t, before, id, func(a types.Action, run string) { // it has logged what went wrong
		if a.JobName == nil {
			return
		}
		if run == "" {
			failures++
			return
		}
		runs[*a.JobName] = append(runs[*a.JobName], run)
	})
	_, err = s.flows.Modify(ctx, func(f *flowDoc) error {
		if f.Runs == nil {
			f.Runs = make(map[string][]string)
		}
		for job, ids := range runs {
			f.Runs[job] = append(f.Runs[job], ids...)
		}
		f.Failures += failures
		delete(f.Firing, t.Name)
		return nil
	}, sc.account, sc.region, t.Workflow, id)
	return err
}

// flowMoved tells a run of a workflow of the end of something that it started.
func (s *Service) flowMoved(ctx context.Context, sc scope, e ended) error {
	triggers, err := s.triggersIn(sc, e.workflow)
	if err != nil {
		return err
	}
	type firing struct {
		t      *triggerDoc
		before []types.Predecessor
	}
	var fire []firing
	_, err = s.flows.Modify(ctx, func(f *flowDoc) error {
		fire = nil
		if e.job != "" {
			if f.Ended == nil {
				f.Ended = make(map[string]types.JobRunState)
			}
			f.Ended[e.run] = e.state
		} else {
			f.Crawlers[e.crawler] = e.crawl
		}
		if f.Status != types.WorkflowRunStatusRunning {
			return nil
		}
		for _, t := range triggers {
			if t.Type != types.TriggerTypeConditional || t.State != types.TriggerStateActivated || f.Fired[t.Name] {
				continue
			}
			if f.Seen == nil {
				f.Seen = make(map[string]map[int]types.Predecessor)
			}
			seen := f.Seen[t.Name]
			for i, c := range t.Predicate.Conditions {
				if e.makes(c) {
					if seen == nil {
						seen = make(map[int]types.Predecessor)
					}
					seen[i] = types.Predecessor{JobName: aws.String(e.job), RunId: aws.String(e.run)}
				}
			}
			f.Seen[t.Name] = seen
			if len(seen) == 0 || t.Predicate.Logical != types.LogicalAny && len(seen) < len(t.Predicate.Conditions) {
				continue
			}
			var before []types.Predecessor
			for i := range t.Predicate.Conditions {
				if p, ok := seen[i]; ok && aws.ToString(p.RunId) != "" {
					before = append(before, p)
				}
			}
			fire = append(fire, firing{t, before})
		}
		return nil
	}, sc.account, sc.region, e.workflow, e.flow)
	if errors.Is(err, state.ErrNotFound) {
		return nil // the workflow was deleted
	}
	if err != nil {
		return err
	}
	for _, x := range fire {
		if err := s.fireInFlow(ctx, sc, e.flow, x.t, x.before); err != nil {
			return err
		}
	}
	return s.endIdleFlow(ctx, sc, e.workflow, e.flow)
}

// endIdleFlow ends a run of which nothing is under way.
func (s *Service) endIdleFlow(ctx context.Context, sc scope, workflow, id string) error {
	_, err := s.flows.Modify(ctx, func(f *flowDoc) error {
		if !f.Completed.IsZero() || len(f.Firing) > 0 || f.statistics().RunningActions > 0 {
			return nil
		}
		switch f.Status {
		case types.WorkflowRunStatusRunning:
			f.Status = types.WorkflowRunStatusCompleted
		case types.WorkflowRunStatusStopping:
			f.Status = types.WorkflowRunStatusStopped
		}
		f.Completed = s.clock.Now().UTC()
		return nil
	}, sc.account, sc.region, workflow, id)
	if errors.Is(err, state.ErrNotFound) {
		return nil
	}
	return err
}

// flowLease is the key of the lease of who starts what a run of a workflow is to start.
func flowLease(sc scope, workflow, id string) string {
	return "glue.flow/" + sc.account + "/" + sc.region + "/" + workflow + "/" + id
}

// resumeFlows ends what a crash has left half done: a trigger of which it is not known what it
// had started counts as one action that failed. What another process may be at waits for its lease.
func (s *Service) resumeFlows(ctx context.Context) error {
	for it, err := range s.flows.List() {
		if err != nil {
			return fmt.Errorf("glue: read the runs of workflows: %w", err)
		}
		f, sc := it.Value, scope{it.Key[0], it.Key[1]}
		if len(f.Firing) == 0 {
			continue
		}
		now, busy := context.WithCancel(ctx)
		err := s.resumeFlow(now, sc, f, busy)
		held := now.Err() != nil && ctx.Err() == nil
		busy()
		switch {
		case held:
			s.runs.triggers.Go("a run of a workflow that was left", func(ctx context.Context) error { return s.resumeFlow(ctx, sc, f, nil) })
		case err != nil:
			return err
		}
	}
	return nil
}

func (s *Service) resumeFlow(ctx context.Context, sc scope, f *flowDoc, elsewhere func()) error {
	lease, err := s.runs.owner.Acquire(ctx, flowLease(sc, f.Workflow, f.ID), elsewhere)
	if err != nil {
		return err
	}
	if lease.Release != nil {
		defer lease.Release()
	}
	_, err = s.flows.Modify(ctx, func(f *flowDoc) error {
		if f.By == s.runs.node {
			return errNotOurs // it has been begun since
		}
		f.Failures += int32(len(f.Firing))
		f.Firing = nil
		return nil
	}, sc.account, sc.region, f.Workflow, f.ID)
	if errors.Is(err, errNotOurs) || errors.Is(err, state.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.endIdleFlow(ctx, sc, f.Workflow, f.ID)
}

// GetWorkflowRun describes one run.
func (s *Service) GetWorkflowRun(ctx context.Context, in *glue.GetWorkflowRunInput, _ ...func(*glue.Options)) (*glue.GetWorkflowRunOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	f, err := s.flow(sc, aws.ToString(in.Name), aws.ToString(in.RunId))
	if err != nil {
		return nil, err
	}
	out := s.flowOutput(sc, f, aws.ToBool(in.IncludeGraph))
	return &glue.GetWorkflowRunOutput{Run: &out}, nil
}

// GetWorkflowRuns describes the runs of a workflow, the newest first, 25 a page.
func (s *Service) GetWorkflowRuns(ctx context.Context, in *glue.GetWorkflowRunsInput, _ ...func(*glue.Options)) (*glue.GetWorkflowRunsOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	if _, err := s.workflow(sc, name); err != nil {
		return nil, err
	}
	all, err := s.flows.All(sc.account, sc.region, name)
	if err != nil {
		return nil, err
	}
	sortFlows(all)
	key := func(f *flowDoc) string { return fmt.Sprintf("%020d%s", 1<<62-f.Started.UnixNano(), f.ID) }
	page, next, err := pageOf(all, key, in.NextToken, in.MaxResults, 25)
	if err != nil {
		return nil, err
	}
	out := &glue.GetWorkflowRunsOutput{NextToken: next, Runs: []types.WorkflowRun{}}
	for _, f := range page {
		out.Runs = append(out.Runs, s.flowOutput(sc, f, aws.ToBool(in.IncludeGraph)))
	}
	return out, nil
}

// StopWorkflowRun stops a run and the jobs that it runs.
func (s *Service) StopWorkflowRun(ctx context.Context, in *glue.StopWorkflowRunInput, _ ...func(*glue.Options)) (*glue.StopWorkflowRunOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name, id := aws.ToString(in.Name), aws.ToString(in.RunId)
	if _, err := s.flow(sc, name, id); err != nil {
		return nil, err
	}
	f, err := s.flows.Modify(ctx, func(f *flowDoc) error {
		if f.Status != types.WorkflowRunStatusRunning {
			return &types.IllegalWorkflowStateException{Message: aws.String(fmt.Sprintf("Workflow run %s is in %s state and cannot be stopped", id, f.Status))}
		}
		f.Status = types.WorkflowRunStatusStopping
		return nil
	}, sc.account, sc.region, name, id)
	if err != nil {
		return nil, err
	}
	for job, ids := range f.Runs {
		for _, run := range ids {
			if _, done := f.Ended[run]; !done {
				_ = s.stopJobRun(ctx, sc, job, run) // it may have ended by itself
			}
		}
	}
	for c, st := range f.Crawlers {
		if st == "" {
			_, _ = s.StopCrawler(ctx, &glue.StopCrawlerInput{Name: aws.String(c)}) // as above
		}
	}
	return &glue.StopWorkflowRunOutput{}, s.endIdleFlow(ctx, sc, name, id)
}

// GetWorkflowRunProperties reads the properties of a run.
func (s *Service) GetWorkflowRunProperties(ctx context.Context, in *glue.GetWorkflowRunPropertiesInput, _ ...func(*glue.Options)) (*glue.GetWorkflowRunPropertiesOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	f, err := s.flow(sc, aws.ToString(in.Name), aws.ToString(in.RunId))
	if err != nil {
		return nil, err
	}
	return &glue.GetWorkflowRunPropertiesOutput{RunProperties: s.flowOutput(sc, f, false).WorkflowRunProperties}, nil
}

// PutWorkflowRunProperties sets properties of a run; those of other names stay.
func (s *Service) PutWorkflowRunProperties(ctx context.Context, in *glue.PutWorkflowRunPropertiesInput, _ ...func(*glue.Options)) (*glue.PutWorkflowRunPropertiesOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name, id := aws.ToString(in.Name), aws.ToString(in.RunId)
	if _, err := s.flow(sc, name, id); err != nil {
		return nil, err
	}
	_, err = s.flows.Modify(ctx, func(f *flowDoc) error {
		if f.Properties == nil {
			f.Properties = make(map[string]string)
		}
		maps.Copy(f.Properties, in.RunProperties)
		return nil
	}, sc.account, sc.region, name, id)
	if err != nil {
		return nil, err
	}
	return &glue.PutWorkflowRunPropertiesOutput{}, nil
}
