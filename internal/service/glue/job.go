//lint:file-ignore SA1019 AllocatedCapacity is deprecated, and clients still send and read it

package glue

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// CreateJob, GetJob, GetJobs, BatchGetJobs, ListJobs, UpdateJob, DeleteJob.
//
// A job is visual (it has CodeGenConfigurationNodes, and runs natively), or a script that runs
// as a process of this machine. What a visual job's graph cannot do here is refused by name when
// the job is made. Workers and capacities are kept and read back; they size nothing.

type jobDoc struct {
	Name     string          `json:"name"`
	Settings types.JobUpdate `json:"settings"` // completed with Glue's defaults
	Created  time.Time       `json:"created"`
	Updated  time.Time       `json:"updated"`
}

// jobStateDoc says which runs of a job are under way: a rule between documents is guarded by one.
type jobStateDoc struct {
	Active map[string]time.Time `json:"active,omitempty"` // id of a run -> when it was started
	Runs   int                  `json:"runs"`             // ever
}

// The names of a job's command.
const (
	commandETL       = "glueetl"
	commandStreaming = "gluestreaming"
	commandShell     = "pythonshell"
)

func (d *jobDoc) output() types.Job {
	u := &d.Settings
	return types.Job{
		Name: aws.String(d.Name), JobMode: u.JobMode, JobRunQueuingEnabled: u.JobRunQueuingEnabled, Description: u.Description, LogUri: u.LogUri,
		Role: u.Role, CreatedOn: aws.Time(d.Created), LastModifiedOn: aws.Time(d.Updated), ExecutionProperty: u.ExecutionProperty, Command: u.Command,
		DefaultArguments: u.DefaultArguments, NonOverridableArguments: u.NonOverridableArguments, Connections: u.Connections, MaxRetries: u.MaxRetries,
		AllocatedCapacity: u.AllocatedCapacity, Timeout: u.Timeout, MaxCapacity: u.MaxCapacity, WorkerType: u.WorkerType, NumberOfWorkers: u.NumberOfWorkers,
		SecurityConfiguration: u.SecurityConfiguration, NotificationProperty: u.NotificationProperty, GlueVersion: u.GlueVersion,
		CodeGenConfigurationNodes: u.CodeGenConfigurationNodes, ExecutionClass: u.ExecutionClass, SourceControlDetails: u.SourceControlDetails,
		MaintenanceWindow: u.MaintenanceWindow,
	}
}

// roleARN is the ARN of a role, which may be named without one.
func roleARN(sc scope, role string) string {
	if role == "" || strings.HasPrefix(role, "arn:") {
		return role
	}
	return arn.Global("iam", sc.region, sc.account, "role/"+strings.TrimPrefix(role, "/"))
}

// roleForms are the ARN of a role, and a name with its path.
var (
	roleForm     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/([!-~]{1,512}/)?[\w+=,.@-]{1,64}$`)
	roleNameForm = regexp.MustCompile(`^/?([!-9;-~]{1,512}/)?[\w+=,.@-]{1,64}$`)
)

// checkRole refuses what names no role.
func checkRole(role string) error {
	if strings.HasPrefix(role, "arn:") && roleForm.MatchString(role) || !strings.HasPrefix(role, "arn:") && roleNameForm.MatchString(role) {
		return nil
	}
	return invalidInput("Role %s is not valid: it must be the name or the ARN of a role.", role)
}

// visual reports whether the job has a graph.
func visual(u *types.JobUpdate) bool { return len(u.CodeGenConfigurationNodes) > 0 }

func jobNotFound(name string) error { return notFound("Job with name: %s not found.", name) }

func (s *Service) job(sc scope, name string) (*jobDoc, error) {
	d, err := s.jobs.Get(sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, jobNotFound(name)
	}
	return d, err
}

// checkJob completes settings with Glue's defaults and refuses what could not run.
func (s *Service) checkJob(u *types.JobUpdate) error {
	if u.Command == nil || aws.ToString(u.Command.Name) == "" {
		return invalidInput("Command name should not be null or empty.")
	}
	if aws.ToString(u.Role) == "" {
		return invalidInput("Role should not be null or empty.")
	}
	if err := checkRole(*u.Role); err != nil {
		return err
	}
	command := *u.Command
	u.Command = &command
	kind := aws.ToString(command.Name)
	switch kind {
	case commandETL, commandStreaming:
		if command.PythonVersion == nil {
			u.Command.PythonVersion = aws.String("3")
		}
	case commandShell:
		if command.PythonVersion == nil {
			u.Command.PythonVersion = aws.String("3.9")
		}
	case "glueray":
		return invalidInput("Ray jobs are not supported.")
	default:
		return invalidInput("Command name should be one of [glueetl, gluestreaming, pythonshell, glueray].")
	}
	if visual(u) {
		if kind == commandShell {
			return invalidInput("A visual job is glueetl or gluestreaming.")
		}
		if u.JobMode == "" {
			u.JobMode = types.JobModeVisual
		}
		if _, err := compileGraph(u, s.cfg.SQL); err != nil {
			return err
		}
	} else if aws.ToString(command.ScriptLocation) == "" {
		return invalidInput("Script location should not be null or empty.")
	}
	if u.JobMode == "" {
		u.JobMode = types.JobModeScript
	}
	if script := aws.ToString(command.ScriptLocation); script != "" {
		if _, _, err := splitLocation(script); err != nil {
			return invalidInput("Script location is not valid: %s", script)
		}
	}
	if err := checkCapacity(u, kind); err != nil {
		return err
	}
	if u.ExecutionProperty == nil {
		u.ExecutionProperty = &types.ExecutionProperty{MaxConcurrentRuns: 1}
	}
	if n := u.ExecutionProperty.MaxConcurrentRuns; n < 0 {
		return invalidInput("MaxConcurrentRuns must be positive.")
	} else if n == 0 {
		u.ExecutionProperty = &types.ExecutionProperty{MaxConcurrentRuns: 1}
	}
	if u.MaxRetries < 0 || u.MaxRetries > 10 {
		return invalidInput("MaxRetries must be between 0 and 10.")
	}
	if t := u.Timeout; t != nil && *t < 1 {
		return invalidInput("Timeout must be at least 1 minute.")
	}
	if u.Timeout == nil && kind != commandStreaming {
		u.Timeout = aws.Int32(2880)
	}
	if u.GlueVersion == nil && kind != commandShell {
		u.GlueVersion = aws.String("5.0")
	}
	if strings.EqualFold(string(u.ExecutionClass), string(types.ExecutionClassFlex)) && kind != commandETL {
		return invalidInput("Execution class FLEX is allowed for jobs of the type glueetl only.")
	}
	return nil
}

func checkCapacity(u *types.JobUpdate, kind string) error {
	sized := u.WorkerType != "" || u.NumberOfWorkers != nil
	switch {
	case u.MaxCapacity != nil && sized:
		return invalidInput("Please do not set Max Capacity if using Worker Type and Number of Workers.")
	case sized && kind == commandShell:
		return invalidInput("Worker Type and Number of Workers are not supported for a Job Command pythonshell.")
	case sized && (u.WorkerType == "" || u.NumberOfWorkers == nil):
		return invalidInput("Please set both Worker Type and Number of Workers.")
	case u.NumberOfWorkers != nil && *u.NumberOfWorkers < 1:
		return invalidInput("Number of Workers must be positive.")
	case u.MaxCapacity != nil && kind == commandShell && *u.MaxCapacity != 0.0625 && *u.MaxCapacity != 1:
		return invalidInput("Max Capacity of a Job Command pythonshell must be 0.0625 or 1.")
	case u.MaxCapacity != nil && *u.MaxCapacity < 0:
		return invalidInput("Max Capacity must be positive.")
	}
	if sized {
		each := map[types.WorkerType]float64{types.WorkerTypeG025x: 0.25, types.WorkerTypeG2x: 2, types.WorkerTypeG4x: 4, types.WorkerTypeG8x: 8, types.WorkerTypeZ2x: 2}[u.WorkerType]
		if each == 0 {
			each = 1
		}
		u.AllocatedCapacity = int32(each * float64(*u.NumberOfWorkers))
		u.MaxCapacity = aws.Float64(each * float64(*u.NumberOfWorkers))
		return nil
	}
	if u.MaxCapacity == nil {
		u.MaxCapacity = aws.Float64(10)
		if kind == commandShell {
			u.MaxCapacity = aws.Float64(0.0625)
		} else if u.AllocatedCapacity > 0 {
			u.MaxCapacity = aws.Float64(float64(u.AllocatedCapacity))
		}
	}
	u.AllocatedCapacity = int32(*u.MaxCapacity)
	return nil
}

// CreateJob makes a job; it does not run it.
func (s *Service) CreateJob(ctx context.Context, in *glue.CreateJobInput, _ ...func(*glue.Options)) (*glue.CreateJobOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now().UTC()
	d := &jobDoc{Name: aws.ToString(in.Name), Created: now, Updated: now, Settings: types.JobUpdate{
		JobMode: in.JobMode, JobRunQueuingEnabled: in.JobRunQueuingEnabled, Description: in.Description, LogUri: in.LogUri, Role: in.Role,
		ExecutionProperty: in.ExecutionProperty, Command: in.Command, DefaultArguments: in.DefaultArguments, NonOverridableArguments: in.NonOverridableArguments,
		Connections: in.Connections, MaxRetries: in.MaxRetries, AllocatedCapacity: in.AllocatedCapacity, Timeout: in.Timeout, MaxCapacity: in.MaxCapacity,
		WorkerType: in.WorkerType, NumberOfWorkers: in.NumberOfWorkers, SecurityConfiguration: in.SecurityConfiguration, NotificationProperty: in.NotificationProperty,
		GlueVersion: in.GlueVersion, CodeGenConfigurationNodes: in.CodeGenConfigurationNodes, ExecutionClass: in.ExecutionClass,
		SourceControlDetails: in.SourceControlDetails, MaintenanceWindow: in.MaintenanceWindow,
	}}
	if err := s.checkJob(&d.Settings); err != nil {
		return nil, err
	}
	err = s.jobs.Create(ctx, d, sc.account, sc.region, d.Name)
	if errors.Is(err, state.ErrExists) {
		return nil, alreadyExists("Job with name %s already submitted with different configuration.", d.Name)
	}
	if err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.addTags(ctx, sc, sc.arn("job/"+d.Name), in.Tags); err != nil {
			return nil, err
		}
	}
	s.writeScript(ctx, sc, d)
	return &glue.CreateJobOutput{Name: aws.String(d.Name)}, nil
}

// UpdateJob replaces the settings of a job: what is not given takes its default. Runs under way
// go on as they were started.
func (s *Service) UpdateJob(ctx context.Context, in *glue.UpdateJobInput, _ ...func(*glue.Options)) (*glue.UpdateJobOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name, u := aws.ToString(in.JobName), *in.JobUpdate
	if err := s.checkJob(&u); err != nil {
		return nil, err
	}
	d, err := s.jobs.Modify(ctx, func(d *jobDoc) error {
		d.Settings, d.Updated = u, s.clock.Now().UTC()
		return nil
	}, sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, jobNotFound(name)
	}
	if err != nil {
		return nil, err
	}
	s.writeScript(ctx, sc, d)
	return &glue.UpdateJobOutput{JobName: aws.String(name)}, nil
}

// DeleteJob deletes a job, ends its runs and forgets them, its bookmark and its checkpoint. A job
// that is not there is deleted, too, as in Glue.
func (s *Service) DeleteJob(ctx context.Context, in *glue.DeleteJobInput, _ ...func(*glue.Options)) (*glue.DeleteJobOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.JobName)
	out := &glue.DeleteJobOutput{JobName: aws.String(name)}
	if err := s.jobs.Delete(ctx, sc.account, sc.region, name); err != nil {
		if errors.Is(err, state.ErrNotFound) {
			return out, nil
		}
		return nil, err
	}
	if err := s.jobRuns.DeleteAll(ctx, sc.account, sc.region, name); err != nil {
		return nil, err
	}
	for _, kind := range []interface {
		Delete(context.Context, ...string) error
	}{s.jobStates, s.bookmarks, s.checkpoints} {
		if err := kind.Delete(ctx, sc.account, sc.region, name); err != nil && !errors.Is(err, state.ErrNotFound) {
			return nil, err
		}
	}
	return out, s.deleteTags(ctx, sc, sc.arn("job/"+name))
}

// GetJob describes one job.
func (s *Service) GetJob(ctx context.Context, in *glue.GetJobInput, _ ...func(*glue.Options)) (*glue.GetJobOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	d, err := s.job(sc, aws.ToString(in.JobName))
	if err != nil {
		return nil, err
	}
	out := d.output()
	return &glue.GetJobOutput{Job: &out}, nil
}

func (s *Service) allJobs(sc scope) ([]*jobDoc, error) {
	all, err := s.jobs.All(sc.account, sc.region)
	sortBy(all, func(d *jobDoc) string { return d.Name })
	return all, err
}

// GetJobs describes all jobs by name, 100 a page.
func (s *Service) GetJobs(ctx context.Context, in *glue.GetJobsInput, _ ...func(*glue.Options)) (*glue.GetJobsOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	all, err := s.allJobs(sc)
	if err != nil {
		return nil, err
	}
	page, next, err := pageOf(all, func(d *jobDoc) string { return d.Name }, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := &glue.GetJobsOutput{NextToken: next, Jobs: []types.Job{}}
	for _, d := range page {
		out.Jobs = append(out.Jobs, d.output())
	}
	return out, nil
}

// BatchGetJobs describes the named jobs and lists those that do not exist.
func (s *Service) BatchGetJobs(ctx context.Context, in *glue.BatchGetJobsInput, _ ...func(*glue.Options)) (*glue.BatchGetJobsOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	out := &glue.BatchGetJobsOutput{Jobs: []types.Job{}, JobsNotFound: []string{}}
	for _, name := range in.JobNames {
		d, err := s.job(sc, name)
		if err != nil {
			if !isNotFound(err) {
				return nil, err
			}
			out.JobsNotFound = append(out.JobsNotFound, name)
			continue
		}
		out.Jobs = append(out.Jobs, d.output())
	}
	return out, nil
}

func isNotFound(err error) bool {
	var e *types.EntityNotFoundException
	return errors.As(err, &e)
}

// ListJobs lists names, of the jobs that have all of Tags where given.
func (s *Service) ListJobs(ctx context.Context, in *glue.ListJobsInput, _ ...func(*glue.Options)) (*glue.ListJobsOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	all, err := s.allJobs(sc)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(d *jobDoc) bool { return !s.hasTags(sc, "job/"+d.Name, in.Tags) })
	page, next, err := pageOf(all, func(d *jobDoc) string { return d.Name }, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := &glue.ListJobsOutput{NextToken: next, JobNames: []string{}}
	for _, d := range page {
		out.JobNames = append(out.JobNames, d.Name)
	}
	return out, nil
}

// hasTags reports whether a resource has all of the tags.
func (s *Service) hasTags(sc scope, resource string, want map[string]string) bool {
	if len(want) == 0 {
		return true
	}
	tags := s.tagsOf(sc, sc.arn(resource))
	for k, v := range want {
		if have, ok := tags[k]; !ok || have != v {
			return false
		}
	}
	return true
}

// arguments of a run: those of the job, those that the run was started with, and those that
// cannot be overridden, each over the ones before.
func arguments(u *types.JobUpdate, own map[string]string) map[string]string {
	all := make(map[string]string)
	for _, m := range []map[string]string{u.DefaultArguments, own, u.NonOverridableArguments} {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

// jobArgument finds an argument, with or without the dashes.
func jobArgument(args map[string]string, name string) string {
	if v, ok := args["--"+name]; ok {
		return v
	}
	return args[name]
}
