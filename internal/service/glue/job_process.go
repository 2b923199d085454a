package glue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/function"
	"github.com/brookmere/brookmere/internal/engine/jobscript"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Script jobs: the script at the job's ScriptLocation runs as a process, as the job's role.
//
// Arguments that Glue keeps for itself are done here: --extra-py-files, --extra-files, --extra-jars, --conf,
// --additional-python-modules (which must be installed, and are not fetched), --job-bookmark-option, --TempDir. What
// cannot be done is refused by name. All others are the script's.

// Scripts runs scripts: *jobscript.Engine.
type Scripts interface {
	Run(context.Context, *jobscript.Run) (jobscript.Result, error)
}

// JobCredentials are temporary credentials of a role, for a session that is called so and lasts so long.
type JobCredentials func(ctx context.Context, account, role, session string, lasts time.Duration) (key, secret, token string, err error)

// The log groups of scripts of the kind pythonshell.
const (
	shellOutput = "/aws-glue/python-jobs/output"
	shellError  = "/aws-glue/python-jobs/error"
)

// A streaming script has no end, but its credentials have. As Glue does, it is started again once a week, and goes on from
// its checkpoint; its credentials last so long that this can wait for its turn.
const (
	longestStream = 7 * 24 * time.Hour
	streamSession = longestStream + 24*time.Hour
)

// errSessionEnds is why a streaming script is started again.
var errSessionEnds = errors.New("the credentials of the script end")

// script runs the job's script to its end.
func (r *jobRunning) script(ctx context.Context) error {
	cfg := &r.s.cfg
	if cfg.Scripts == nil || r.s.runs.objects == nil || cfg.Credentials == nil {
		return errors.New("this node runs visual jobs alone, no scripts")
	}
	result, err := r.attempt(ctx)
	for errors.Is(err, errSessionEnds) {
		r.logAt(logError, r.s.clock.Now(), "The script is started again with new credentials, and goes on from its checkpoint.")
		result, err = r.attempt(ctx)
	}
	if errors.Is(err, jobscript.ErrSetup) {
		return errors.New("Error Category: LAUNCH_ERROR; " + strings.TrimPrefix(err.Error(), jobscript.ErrSetup.Error()+": ")) //nolint:staticcheck // as Glue words it
	}
	if err != nil {
		return err
	}
	if result.Failed {
		return errors.New(scriptFailure(&result, r.scriptKind()))
	}
	return r.saveScriptBookmark(ctx, result.Bookmark)
}

// attempt runs the script once. errSessionEnds: a streaming script is to be started again.
func (r *jobRunning) attempt(ctx context.Context) (jobscript.Result, error) {
	run, err := r.scriptRun()
	if err != nil {
		return jobscript.Result{}, err
	}
	if aws.ToString(r.d.Settings.Command.Name) != commandStreaming {
		return r.s.cfg.Scripts.Run(ctx, run)
	}
	session, end := context.WithCancelCause(ctx)
	defer end(nil)
	week := make(chan clockwork.Timer, 1)
	prepare := run.Prepare
	run.Prepare = func(ctx context.Context, run *jobscript.Run) error { // which is when credentials are issued
		week <- r.s.clock.AfterFunc(longestStream, func() { end(errSessionEnds) })
		return prepare(ctx, run)
	}
	result, err := r.s.cfg.Scripts.Run(session, run)
	select {
	case t := <-week:
		t.Stop()
	default:
	}
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(session), errSessionEnds) {
		err = errSessionEnds
	}
	return result, err
}

func (r *jobRunning) scriptKind() jobscript.Kind {
	if aws.ToString(r.d.Settings.Command.Name) == commandShell {
		return jobscript.Shell
	}
	return jobscript.Spark
}

// scriptFailure words how a script failed, as Glue does.
func scriptFailure(x *jobscript.Result, kind jobscript.Kind) string {
	shell := kind == jobscript.Shell
	switch {
	case x.Memory && shell:
		return "Command Failed due to Out of Memory"
	case x.Memory:
		return "Error Category: OUT_OF_MEMORY_ERROR; The script and Spark have used more memory than a job may have on this node (jobs.memory_mib)."
	case x.Storage:
		return "Error Category: DISK_NO_SPACE_ERROR; The script has filled its disk beyond what a job may have on this node (jobs.storage_mib)."
	case x.Type == "SystemExit" && shell || x.Type == "" && x.Signal == "":
		return fmt.Sprintf("Command failed with exit code %d", x.Code)
	case x.Type == "":
		return "Command failed with error: signal: " + x.Signal
	}
	text := x.Type
	if x.Message != "" {
		text += ": " + x.Message
	}
	if shell {
		return text
	}
	if x.Line > 0 {
		text = fmt.Sprintf("Failed Line Number: %d; %s", x.Line, text)
	}
	return "Error Category: " + x.Category + "; " + text
}

// scriptRun gathers what a script needs.
func (r *jobRunning) scriptRun() (*jobscript.Run, error) {
	u := &r.d.Settings
	run := &jobscript.Run{
		Name: "job " + r.d.Job, Kind: r.scriptKind(), Python: aws.ToString(u.Command.PythonVersion), BookmarkOption: jobArgument(r.args, "job-bookmark-option"),
	}
	output, errs := logOutput, logError
	if run.Kind == jobscript.Shell {
		output, errs = shellOutput, shellError
		if aws.ToFloat64(u.MaxCapacity) < 1 {
			run.Memory = 1024 // what Glue gives a sixteenth of a DPU
		}
	}
	run.Output = func(l function.Line) { r.logAt(output, l.Time, l.Text) }
	run.Errors = func(l function.Line) { r.logAt(errs, l.Time, l.Text) }
	if l := strings.ToLower(jobArgument(r.args, "job-language")); l != "" && l != "python" {
		return nil, fmt.Errorf("scripts in %s are not supported: Python is", l)
	}
	for _, name := range []string{"datalake-formats", "enable-lakeformation-fine-grained-access"} {
		if v := jobArgument(r.args, name); v != "" && v != "false" {
			return nil, fmt.Errorf("the argument --%s (%s) is not supported", name, v)
		}
	}
	var wheels []string
	for _, m := range splitList(jobArgument(r.args, "additional-python-modules")) {
		if !strings.HasPrefix(m, "s3://") {
			run.Modules = append(run.Modules, m)
			continue
		}
		if !strings.HasSuffix(m, ".whl") && !strings.HasSuffix(m, ".zip") {
			return nil, fmt.Errorf("--additional-python-modules: %s is neither a wheel nor a zip file", m)
		}
		wheels = append(wheels, m)
	}
	if c := jobArgument(r.args, "conf"); c != "" {
		for _, setting := range strings.Split(" "+c, " --conf ") {
			if setting = strings.TrimSpace(setting); setting == "" {
				continue
			}
			if !strings.Contains(setting, "=") {
				return nil, fmt.Errorf("--conf: %q is not a setting as spark.name=value", setting)
			}
			run.Conf = append(run.Conf, setting)
		}
	}
	run.Arguments = r.scriptArguments()
	run.Prepare = func(ctx context.Context, run *jobscript.Run) error { return r.prepare(ctx, run, wheels) }
	return run, nil
}

// prepare fetches the files of a script that starts now, and its credentials.
func (r *jobRunning) prepare(ctx context.Context, run *jobscript.Run, wheels []string) error {
	location := aws.ToString(r.d.Settings.Command.ScriptLocation)
	text, err := r.fetch(ctx, location, jobscript.MaxScript)
	if err != nil {
		return fmt.Errorf("the script: %w", err)
	}
	run.Script = jobscript.File{Name: path.Base(location), Data: text}
	left := int64(jobscript.MaxFiles) // for all together, before they are in memory
	for _, list := range []struct {
		argument string
		to       *[]jobscript.File
	}{{"extra-py-files", &run.Libraries}, {"extra-files", &run.Files}, {"extra-jars", &run.Jars}} {
		for _, l := range splitList(jobArgument(r.args, list.argument)) {
			data, err := r.fetch(ctx, l, left)
			if err != nil {
				return fmt.Errorf("--%s: %w", list.argument, err)
			}
			left -= int64(len(data))
			*list.to = append(*list.to, jobscript.File{Name: path.Base(l), Data: data})
		}
	}
	for _, m := range wheels {
		data, err := r.fetch(ctx, m, left)
		if err != nil {
			return fmt.Errorf("--additional-python-modules: %w", err)
		}
		left -= int64(len(data))
		run.Libraries = append(run.Libraries, jobscript.File{Name: path.Base(m), Data: data})
	}
	if run.Bookmark, err = r.scriptBookmark(); err != nil {
		return err
	}
	run.Env, err = r.environment(ctx)
	return err
}

func splitList(s string) []string {
	return slices.DeleteFunc(strings.FieldsFunc(s, func(c rune) bool { return c == ',' || c == ' ' || c == '\n' }), func(s string) bool { return s == "" })
}

// fetch reads an object as the job's role.
func (r *jobRunning) fetch(ctx context.Context, location string, most int64) ([]byte, error) {
	bucket, key, err := splitLocation(location)
	if err != nil || key == "" {
		return nil, fmt.Errorf("%q is not the location of an object, s3://bucket/key", location)
	}
	out, err := r.s.runs.objects.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", location, err)
	}
	defer out.Body.Close()
	data, err := io.ReadAll(io.LimitReader(out.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", location, err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%s is larger than %d bytes", location, most)
	}
	return data, nil
}

// ownArguments are not passed on to scripts.
var ownArguments = []string{"extra-py-files", "extra-files", "extra-jars", "additional-python-modules", "python-modules-installer-option", "conf", "job-language", "class", "scriptLocation"}

// scriptArguments are those of the command line: Glue's own first.
func (r *jobRunning) scriptArguments() []string {
	list := []string{"--JOB_NAME", r.d.Job, "--JOB_ID", "j_" + r.d.Job, "--JOB_RUN_ID", r.d.ID}
	if r.d.Workflow != "" {
		list = append(list, "--WORKFLOW_NAME", r.d.Workflow, "--WORKFLOW_RUN_ID", r.d.Flow)
	}
	for _, k := range slices.Sorted(maps.Keys(r.args)) {
		name := strings.TrimPrefix(k, "--")
		if slices.Contains(ownArguments, name) || slices.Contains([]string{"JOB_NAME", "JOB_ID", "JOB_RUN_ID"}, name) {
			continue
		}
		list = append(list, "--"+name)
		if v := r.args[k]; v != "" {
			list = append(list, v)
		}
	}
	return list
}

// environment is that of the script: the standing of the job's role, at this node.
func (r *jobRunning) environment(ctx context.Context) ([]string, error) {
	lasts := streamSession
	if t := r.d.Settings.Timeout; t != nil && aws.ToString(r.d.Settings.Command.Name) != commandStreaming {
		lasts = time.Duration(*t)*time.Minute + time.Hour
	}
	key, secret, token, err := r.s.cfg.Credentials(ctx, r.sc.account, r.role, "GlueJobRunnerSession", lasts)
	if err != nil {
		return nil, fmt.Errorf("credentials of %s: %w", r.role, err)
	}
	return []string{
		"AWS_ACCESS_KEY_ID=" + key, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_SESSION_TOKEN=" + token,
		"AWS_REGION=" + r.sc.region, "AWS_DEFAULT_REGION=" + r.sc.region, "AWS_ENDPOINT_URL=" + r.s.cfg.Endpoint(),
		"AWS_EC2_METADATA_DISABLED=true", "GLUE_VERSION=" + aws.ToString(r.d.Settings.GlueVersion),
		"AWS_EXECUTION_ENV=AWS_Glue", "BROOKMERE_ACCOUNT=" + r.sc.account,
	}, nil
}

// scriptBookmark is how far earlier runs have read, as the script's library has it; nil: the run has no bookmark.
func (r *jobRunning) scriptBookmark() ([]byte, error) {
	if on, err := bookmarks(r.args); !on {
		return nil, err
	}
	d, err := r.s.bookmarks.Get(r.sc.account, r.sc.region, r.d.Job)
	if errors.Is(err, state.ErrNotFound) || err == nil && d.Script == nil {
		return []byte("{}"), nil
	}
	if err != nil {
		return nil, err
	}
	return d.Script, nil
}

// saveScriptBookmark keeps where the script's job.commit() has moved the bookmark.
func (r *jobRunning) saveScriptBookmark(ctx context.Context, b json.RawMessage) error {
	if b == nil {
		return nil
	}
	return r.moveBookmark(ctx, func(d *bookmarkDoc) { d.Script = b })
}

// logAt writes a line that was printed at a time.
func (r *jobRunning) logAt(group string, at time.Time, line string) {
	if sink := r.s.cfg.Logs; sink != nil && line != "" {
		sink.Log(LogPlace{r.sc.account, r.sc.region, group, r.d.ID, r.role, r.sc.arn("job/" + r.d.Job)}, []LogEvent{{at, line}})
	}
}
