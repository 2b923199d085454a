package glue

import (
	"cmp"
	"context"
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

// CreateWorkflow, GetWorkflow, BatchGetWorkflows, ListWorkflows, UpdateWorkflow, DeleteWorkflow.
//
// A workflow is the triggers that name it. Blueprints, and resuming a run in the middle, are
// refused.

type workflowDoc struct {
	Name        string            `json:"name"`
	Description *string           `json:"description,omitempty"`
	Properties  map[string]string `json:"properties,omitempty"`
	Max         *int32            `json:"max,omitempty"`
	Created     time.Time         `json:"created"`
	Updated     time.Time         `json:"updated"`
	LastRun     string            `json:"lastRun,omitempty"`
}

func workflowNotFound(name string) error {
	return notFound("Entity with name %s of type WORKFLOW not found.", name)
}

func (s *Service) workflow(sc scope, name string) (*workflowDoc, error) {
	d, err := s.workflows.Get(sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, workflowNotFound(name)
	}
	return d, err
}

func (s *Service) workflowOutput(sc scope, d *workflowDoc, graph bool) (types.Workflow, error) {
	w := types.Workflow{
		Name: aws.String(d.Name), Description: d.Description, DefaultRunProperties: maps.Clone(d.Properties), MaxConcurrentRuns: d.Max,
		CreatedOn: aws.Time(d.Created), LastModifiedOn: aws.Time(d.Updated),
	}
	if w.DefaultRunProperties == nil {
		w.DefaultRunProperties = map[string]string{}
	}
	if d.LastRun != "" {
		f, err := s.flows.Get(sc.account, sc.region, d.Name, d.LastRun)
		if err != nil && !errors.Is(err, state.ErrNotFound) {
			return w, err
		}
		if err == nil {
			run := s.flowOutput(sc, f, false)
			w.LastRun = &run
		}
	}
	if graph {
		all, err := s.triggersIn(sc, d.Name)
		if err != nil {
			return w, err
		}
		w.Graph = s.graphOf(sc, all, nil)
	}
	return w, nil
}

// triggersIn are those of a workflow.
func (s *Service) triggersIn(sc scope, workflow string) ([]*triggerDoc, error) {
	all, err := s.triggersOf(sc, "")
	return slices.DeleteFunc(all, func(d *triggerDoc) bool { return d.Workflow != workflow }), err
}

// graphOf draws triggers, jobs and crawlers, with the runs of a run of the workflow.
func (s *Service) graphOf(sc scope, triggers []*triggerDoc, f *flowDoc) *types.WorkflowGraph {
	g := &types.WorkflowGraph{Nodes: []types.Node{}, Edges: []types.Edge{}}
	ids := make(map[string]string)
	node := func(kind types.NodeType, name string) string {
		id := string(kind) + "/" + name
		if ids[id] == "" {
			ids[id] = fmt.Sprintf("wnode_%s", id)
			n := types.Node{Type: kind, Name: aws.String(name), UniqueId: aws.String(ids[id])}
			switch kind {
			case types.NodeTypeJob:
				n.JobDetails = &types.JobNodeDetails{}
				if f != nil {
					for _, run := range f.Runs[name] {
						if d, err := s.jobRuns.Get(sc.account, sc.region, name, run); err == nil {
							n.JobDetails.JobRuns = append(n.JobDetails.JobRuns, d.output(s.clock.Now()))
						}
					}
				}
			case types.NodeTypeCrawler:
				n.CrawlerDetails = &types.CrawlerNodeDetails{}
			}
			g.Nodes = append(g.Nodes, n)
		}
		return ids[id]
	}
	edge := func(from, to string) {
		g.Edges = append(g.Edges, types.Edge{SourceId: aws.String(from), DestinationId: aws.String(to)})
	}
	for _, t := range triggers {
		id := node(types.NodeTypeTrigger, t.Name)
		out := t.output()
		g.Nodes[len(g.Nodes)-1].TriggerDetails = &types.TriggerNodeDetails{Trigger: &out}
		if t.Predicate != nil {
			for _, c := range t.Predicate.Conditions {
				if c.JobName != nil {
					edge(node(types.NodeTypeJob, *c.JobName), id)
				} else {
					edge(node(types.NodeTypeCrawler, aws.ToString(c.CrawlerName)), id)
				}
			}
		}
		for _, a := range t.Actions {
			if a.JobName != nil {
				edge(id, node(types.NodeTypeJob, *a.JobName))
			} else {
				edge(id, node(types.NodeTypeCrawler, aws.ToString(a.CrawlerName)))
			}
		}
	}
	return g
}

// CreateWorkflow makes a workflow without triggers.
func (s *Service) CreateWorkflow(ctx context.Context, in *glue.CreateWorkflowInput, _ ...func(*glue.Options)) (*glue.CreateWorkflowOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	if m := in.MaxConcurrentRuns; m != nil && *m < 0 {
		return nil, invalidInput("MaxConcurrentRuns must be positive.")
	}
	now := s.clock.Now().UTC()
	d := &workflowDoc{Name: aws.ToString(in.Name), Description: in.Description, Properties: in.DefaultRunProperties, Max: in.MaxConcurrentRuns, Created: now, Updated: now}
	err = s.workflows.Create(ctx, d, sc.account, sc.region, d.Name)
	if errors.Is(err, state.ErrExists) {
		return nil, alreadyExists("Entity with name %s of type WORKFLOW already exists.", d.Name)
	}
	if err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.addTags(ctx, sc, sc.arn("workflow/"+d.Name), in.Tags); err != nil {
			return nil, err
		}
	}
	return &glue.CreateWorkflowOutput{Name: in.Name}, nil
}

// UpdateWorkflow changes what is given.
func (s *Service) UpdateWorkflow(ctx context.Context, in *glue.UpdateWorkflowInput, _ ...func(*glue.Options)) (*glue.UpdateWorkflowOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	_, err = s.workflows.Modify(ctx, func(d *workflowDoc) error {
		set(&d.Description, in.Description)
		if in.DefaultRunProperties != nil {
			d.Properties = in.DefaultRunProperties
		}
		set(&d.Max, in.MaxConcurrentRuns)
		d.Updated = s.clock.Now().UTC()
		return nil
	}, sc.account, sc.region, aws.ToString(in.Name))
	if errors.Is(err, state.ErrNotFound) {
		return nil, workflowNotFound(aws.ToString(in.Name))
	}
	if err != nil {
		return nil, err
	}
	return &glue.UpdateWorkflowOutput{Name: in.Name}, nil
}

// DeleteWorkflow deletes a workflow with its runs and its triggers; jobs and crawlers stay. One
// that is not there is deleted, too.
func (s *Service) DeleteWorkflow(ctx context.Context, in *glue.DeleteWorkflowInput, _ ...func(*glue.Options)) (*glue.DeleteWorkflowOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	all, err := s.triggersIn(sc, name)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		if _, err := s.DeleteTrigger(ctx, &glue.DeleteTriggerInput{Name: aws.String(t.Name)}); err != nil {
			return nil, err
		}
	}
	if err := s.flows.DeleteAll(ctx, sc.account, sc.region, name); err != nil {
		return nil, err
	}
	if err := s.workflows.Delete(ctx, sc.account, sc.region, name); err != nil && !errors.Is(err, state.ErrNotFound) {
		return nil, err
	}
	return &glue.DeleteWorkflowOutput{Name: in.Name}, s.deleteTags(ctx, sc, sc.arn("workflow/"+name))
}

// GetWorkflow describes one workflow.
func (s *Service) GetWorkflow(ctx context.Context, in *glue.GetWorkflowInput, _ ...func(*glue.Options)) (*glue.GetWorkflowOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	d, err := s.workflow(sc, aws.ToString(in.Name))
	if err != nil {
		return nil, err
	}
	out, err := s.workflowOutput(sc, d, aws.ToBool(in.IncludeGraph))
	if err != nil {
		return nil, err
	}
	return &glue.GetWorkflowOutput{Workflow: &out}, nil
}

// ListWorkflows lists names, 25 a page.
func (s *Service) ListWorkflows(ctx context.Context, in *glue.ListWorkflowsInput, _ ...func(*glue.Options)) (*glue.ListWorkflowsOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	all, err := s.workflows.All(sc.account, sc.region)
	if err != nil {
		return nil, err
	}
	sortBy(all, func(d *workflowDoc) string { return d.Name })
	page, next, err := pageOf(all, func(d *workflowDoc) string { return d.Name }, in.NextToken, in.MaxResults, 25)
	if err != nil {
		return nil, err
	}
	out := &glue.ListWorkflowsOutput{NextToken: next, Workflows: []string{}}
	for _, d := range page {
		out.Workflows = append(out.Workflows, d.Name)
	}
	return out, nil
}

// BatchGetWorkflows describes the named workflows and lists those that do not exist.
func (s *Service) BatchGetWorkflows(ctx context.Context, in *glue.BatchGetWorkflowsInput, _ ...func(*glue.Options)) (*glue.BatchGetWorkflowsOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	out := &glue.BatchGetWorkflowsOutput{Workflows: []types.Workflow{}, MissingWorkflows: []string{}}
	for _, name := range in.Names {
		d, err := s.workflow(sc, name)
		if isNotFound(err) {
			out.MissingWorkflows = append(out.MissingWorkflows, name)
			continue
		}
		if err != nil {
			return nil, err
		}
		w, err := s.workflowOutput(sc, d, aws.ToBool(in.IncludeGraph))
		if err != nil {
			return nil, err
		}
		out.Workflows = append(out.Workflows, w)
	}
	return out, nil
}

// sortFlows sorts runs of workflows, the newest first.
func sortFlows(all []*flowDoc) {
	slices.SortFunc(all, func(a, b *flowDoc) int { return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.ID, b.ID)) })
}
