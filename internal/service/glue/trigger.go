package glue

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// CreateTrigger, GetTrigger, GetTriggers, BatchGetTriggers, ListTriggers, UpdateTrigger,
// DeleteTrigger, StartTrigger, StopTrigger.
//
// Triggers on demand, by schedule and by condition start jobs and crawlers (trigger_fire.go).
// Triggers by events of EventBridge are refused.

const triggerKind = "glue.trigger"

type triggerDoc struct {
	Name        string             `json:"name"`
	Workflow    string             `json:"workflow,omitempty"`
	Type        types.TriggerType  `json:"type"`
	State       types.TriggerState `json:"state"`
	Description *string            `json:"description,omitempty"`
	Schedule    string             `json:"schedule,omitempty"`
	Since       time.Time          `json:"since,omitzero"` // when it was activated: it is not due before
	Acted       time.Time          `json:"acted,omitzero"` // up to when it has fired by its schedule
	Actions     []types.Action     `json:"actions,omitempty"`
	Predicate   *types.Predicate   `json:"predicate,omitempty"`

	// Seen are the conditions that have come true since the trigger fired last, of a trigger
	// that is in no workflow: the index of a condition -> the run that made it true.
	Seen map[int]types.Predecessor `json:"seen,omitempty"`

	// Told are the runs whose end it has heard of last, keptTold at most: after a crash it may be told again.
	Told []string `json:"told,omitempty"`
}

const keptTold = 64

func (d *triggerDoc) output() types.Trigger {
	t := types.Trigger{
		Name: aws.String(d.Name), Type: d.Type, State: d.State, Description: d.Description, Actions: append([]types.Action{}, d.Actions...), Predicate: d.Predicate,
	}
	if d.Workflow != "" {
		t.WorkflowName = aws.String(d.Workflow)
	}
	if d.Schedule != "" {
		t.Schedule = aws.String(d.Schedule)
	}
	return t
}

func triggerNotFound(name string) error { return notFound("Trigger with name %s not found.", name) }

func (s *Service) trigger(sc scope, name string) (*triggerDoc, error) {
	d, err := s.triggers.Get(sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, triggerNotFound(name)
	}
	return d, err
}

// check refuses what could not fire.
func (d *triggerDoc) check() error {
	if len(d.Actions) == 0 {
		return invalidInput("Actions cannot be null or empty.")
	}
	for _, a := range d.Actions {
		job, crawler := aws.ToString(a.JobName), aws.ToString(a.CrawlerName)
		if (job == "") == (crawler == "") {
			return invalidInput("An action must have either a JobName or a CrawlerName.")
		}
	}
	switch d.Type {
	case types.TriggerTypeScheduled:
		if d.Schedule == "" {
			return invalidInput("Schedule cannot be null or empty for a scheduled trigger.")
		}
		if err := checkSchedule(d.Schedule); err != nil {
			return err
		}
	case types.TriggerTypeConditional:
		if d.Predicate == nil || len(d.Predicate.Conditions) == 0 {
			return invalidInput("Predicate cannot be null or empty for a conditional trigger.")
		}
		p := *d.Predicate
		p.Conditions = slices.Clone(p.Conditions)
		p.Logical = cmp.Or(p.Logical, types.LogicalAnd)
		for i := range p.Conditions {
			c := &p.Conditions[i]
			if c.LogicalOperator == "" {
				return invalidInput("Logical operator cannot be null or empty")
			}
			if (aws.ToString(c.JobName) == "") == (aws.ToString(c.CrawlerName) == "") {
				return invalidInput("A condition must have either a JobName or a CrawlerName.")
			}
			if c.JobName != nil {
				if slices.ContainsFunc(d.Actions, func(a types.Action) bool { return aws.ToString(a.JobName) == *c.JobName }) {
					return invalidInput("Job cannot be a Predicate and Action for Conditional Trigger.")
				}
				switch c.State {
				case types.JobRunStateSucceeded, types.JobRunStateStopped, types.JobRunStateFailed, types.JobRunStateTimeout:
				default:
					return invalidInput("The state of a condition on a job must be SUCCEEDED, STOPPED, FAILED or TIMEOUT.")
				}
			}
			if c.CrawlerName != nil {
				switch c.CrawlState {
				case types.CrawlStateSucceeded, types.CrawlStateFailed, types.CrawlStateCancelled:
				default:
					return invalidInput("The state of a condition on a crawler must be SUCCEEDED, FAILED or CANCELLED.")
				}
			}
		}
		d.Predicate = &p
	case types.TriggerTypeEvent:
		return invalidInput("Triggers of the type EVENT are not supported.")
	}
	if d.Type != types.TriggerTypeScheduled && d.Schedule != "" {
		return invalidInput("Only a scheduled trigger has a Schedule.")
	}
	if d.Type != types.TriggerTypeConditional && d.Predicate != nil && len(d.Predicate.Conditions) > 0 {
		return invalidInput("Only a conditional trigger has a Predicate.")
	}
	return nil
}

// checkNames refuses jobs and crawlers that do not exist: those that it starts, and those that it waits for.
func (s *Service) checkNames(sc scope, d *triggerDoc) error {
	exists := func(job, crawler *string) error {
		if job != nil {
			_, err := s.job(sc, *job)
			return err
		}
		_, err := s.crawler(sc, aws.ToString(crawler))
		return err
	}
	for _, a := range d.Actions {
		if err := exists(a.JobName, a.CrawlerName); err != nil {
			return err
		}
	}
	if d.Type != types.TriggerTypeConditional {
		return nil
	}
	for _, c := range d.Predicate.Conditions {
		if err := exists(c.JobName, c.CrawlerName); err != nil {
			return err
		}
	}
	return nil
}

// CreateTrigger makes a trigger. One with a schedule or conditions starts nothing before it is
// activated: by StartOnCreation, or by StartTrigger.
func (s *Service) CreateTrigger(ctx context.Context, in *glue.CreateTriggerInput, _ ...func(*glue.Options)) (*glue.CreateTriggerOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	d := &triggerDoc{
		Name: aws.ToString(in.Name), Workflow: aws.ToString(in.WorkflowName), Type: in.Type, State: types.TriggerStateCreated, Description: in.Description,
		Schedule: aws.ToString(in.Schedule), Actions: in.Actions, Predicate: in.Predicate,
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	if err := s.checkNames(sc, d); err != nil {
		return nil, err
	}
	if d.Workflow != "" {
		if _, err := s.workflow(sc, d.Workflow); err != nil {
			return nil, err
		}
	}
	if in.StartOnCreation {
		if d.Type == types.TriggerTypeOnDemand {
			return nil, invalidInput("StartOnCreation is not supported for ON_DEMAND triggers.")
		}
		d.State, d.Since = types.TriggerStateActivated, s.clock.Now().UTC()
	}
	err = s.triggers.Create(ctx, d, sc.account, sc.region, d.Name)
	if errors.Is(err, state.ErrExists) {
		return nil, alreadyExists("Trigger with name %s already submitted with different configuration", d.Name)
	}
	if err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.addTags(ctx, sc, sc.arn("trigger/"+d.Name), in.Tags); err != nil {
			return nil, err
		}
	}
	s.reschedule()
	return &glue.CreateTriggerOutput{Name: in.Name}, nil
}

func (s *Service) modifyTrigger(ctx context.Context, sc scope, name string, f func(d *triggerDoc) error) (*triggerDoc, error) {
	d, err := s.triggers.Modify(ctx, f, sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, triggerNotFound(name)
	}
	if err == nil {
		s.reschedule()
	}
	return d, err
}

// UpdateTrigger replaces what is given of a trigger.
func (s *Service) UpdateTrigger(ctx context.Context, in *glue.UpdateTriggerInput, _ ...func(*glue.Options)) (*glue.UpdateTriggerOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name, u := aws.ToString(in.Name), in.TriggerUpdate
	if u.EventBatchingCondition != nil {
		return nil, invalidInput("Triggers of the type EVENT are not supported.")
	}
	d, err := s.modifyTrigger(ctx, sc, name, func(d *triggerDoc) error {
		set(&d.Description, u.Description)
		if u.Schedule != nil {
			if d.Schedule != *u.Schedule {
				d.Since = s.clock.Now().UTC()
			}
			d.Schedule = *u.Schedule
		}
		if u.Actions != nil {
			d.Actions = u.Actions
		}
		if u.Predicate != nil {
			d.Predicate, d.Seen = u.Predicate, nil
		}
		if err := d.check(); err != nil {
			return err
		}
		return s.checkNames(sc, d)
	})
	if err != nil {
		return nil, err
	}
	out := d.output()
	return &glue.UpdateTriggerOutput{Trigger: &out}, nil
}

// DeleteTrigger deletes a trigger; one that is not there is deleted, too.
func (s *Service) DeleteTrigger(ctx context.Context, in *glue.DeleteTriggerInput, _ ...func(*glue.Options)) (*glue.DeleteTriggerOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	if err := s.triggers.Delete(ctx, sc.account, sc.region, name); err != nil && !errors.Is(err, state.ErrNotFound) {
		return nil, err
	}
	return &glue.DeleteTriggerOutput{Name: in.Name}, s.deleteTags(ctx, sc, sc.arn("trigger/"+name))
}

// GetTrigger describes one trigger.
func (s *Service) GetTrigger(ctx context.Context, in *glue.GetTriggerInput, _ ...func(*glue.Options)) (*glue.GetTriggerOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	d, err := s.trigger(sc, aws.ToString(in.Name))
	if err != nil {
		return nil, err
	}
	out := d.output()
	return &glue.GetTriggerOutput{Trigger: &out}, nil
}

// triggersOf lists triggers by name, of a job where dependent is given, which must exist.
func (s *Service) triggersOf(sc scope, dependent string) ([]*triggerDoc, error) {
	if dependent != "" {
		if _, err := s.job(sc, dependent); err != nil {
			return nil, err
		}
	}
	all, err := s.triggers.All(sc.account, sc.region)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(d *triggerDoc) bool {
		return dependent != "" && !slices.ContainsFunc(d.Actions, func(a types.Action) bool { return aws.ToString(a.JobName) == dependent })
	})
	sortBy(all, func(d *triggerDoc) string { return d.Name })
	return all, nil
}

// GetTriggers describes triggers by name, 200 a page, those that start a job where one is named.
func (s *Service) GetTriggers(ctx context.Context, in *glue.GetTriggersInput, _ ...func(*glue.Options)) (*glue.GetTriggersOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	all, err := s.triggersOf(sc, aws.ToString(in.DependentJobName))
	if err != nil {
		return nil, err
	}
	page, next, err := pageOf(all, func(d *triggerDoc) string { return d.Name }, in.NextToken, in.MaxResults, 200)
	if err != nil {
		return nil, err
	}
	out := &glue.GetTriggersOutput{NextToken: next, Triggers: []types.Trigger{}}
	for _, d := range page {
		out.Triggers = append(out.Triggers, d.output())
	}
	return out, nil
}

// ListTriggers lists names, of the triggers that have all of Tags where given.
func (s *Service) ListTriggers(ctx context.Context, in *glue.ListTriggersInput, _ ...func(*glue.Options)) (*glue.ListTriggersOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	all, err := s.triggersOf(sc, aws.ToString(in.DependentJobName))
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(d *triggerDoc) bool { return !s.hasTags(sc, "trigger/"+d.Name, in.Tags) })
	page, next, err := pageOf(all, func(d *triggerDoc) string { return d.Name }, in.NextToken, in.MaxResults, 200)
	if err != nil {
		return nil, err
	}
	out := &glue.ListTriggersOutput{NextToken: next, TriggerNames: []string{}}
	for _, d := range page {
		out.TriggerNames = append(out.TriggerNames, d.Name)
	}
	return out, nil
}

// BatchGetTriggers describes the named triggers and lists those that do not exist.
func (s *Service) BatchGetTriggers(ctx context.Context, in *glue.BatchGetTriggersInput, _ ...func(*glue.Options)) (*glue.BatchGetTriggersOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	out := &glue.BatchGetTriggersOutput{Triggers: []types.Trigger{}, TriggersNotFound: []string{}}
	for _, name := range in.TriggerNames {
		d, err := s.trigger(sc, name)
		if err != nil {
			if !isNotFound(err) {
				return nil, err
			}
			out.TriggersNotFound = append(out.TriggersNotFound, name)
			continue
		}
		out.Triggers = append(out.Triggers, d.output())
	}
	return out, nil
}

// StartTrigger fires a trigger on demand, and activates one of another type.
func (s *Service) StartTrigger(ctx context.Context, in *glue.StartTriggerInput, _ ...func(*glue.Options)) (*glue.StartTriggerOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	d, err := s.trigger(sc, name)
	if err != nil {
		return nil, err
	}
	if d.Type == types.TriggerTypeOnDemand {
		if d.Workflow != "" {
			_, err = s.StartWorkflowRun(ctx, &glue.StartWorkflowRunInput{Name: aws.String(d.Workflow)})
		} else {
			err = s.fire(ctx, sc, d, nil, "", nil)
		}
		if err != nil {
			return nil, err
		}
		return &glue.StartTriggerOutput{Name: in.Name}, nil
	}
	_, err = s.modifyTrigger(ctx, sc, name, func(d *triggerDoc) error {
		if d.State != types.TriggerStateActivated {
			d.State, d.Since, d.Seen = types.TriggerStateActivated, s.clock.Now().UTC(), nil
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &glue.StartTriggerOutput{Name: in.Name}, nil
}

// StopTrigger deactivates a trigger.
func (s *Service) StopTrigger(ctx context.Context, in *glue.StopTriggerInput, _ ...func(*glue.Options)) (*glue.StopTriggerOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	_, err = s.modifyTrigger(ctx, sc, aws.ToString(in.Name), func(d *triggerDoc) error {
		if d.Type == types.TriggerTypeOnDemand {
			return invalidInput("A trigger of the type ON_DEMAND cannot be stopped.")
		}
		d.State = types.TriggerStateDeactivated
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &glue.StopTriggerOutput{Name: in.Name}, nil
}
