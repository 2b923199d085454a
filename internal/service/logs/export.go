package logs

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"
	"github.com/klauspost/compress/gzip"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/logstore"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// exportDoc is an export of a group's events to S3.
type exportDoc struct {
	ID        string `json:"id"`
	Account   string `json:"account"`
	Region    string `json:"region"`
	Name      string `json:"name,omitempty"`
	Group     string `json:"group"`
	GroupID   string `json:"group_id"`
	Streams   string `json:"streams,omitempty"` // prefix of their names
	From      int64  `json:"from"`
	To        int64  `json:"to"`
	Bucket    string `json:"bucket"`
	Prefix    string `json:"prefix"`
	Code      string `json:"code"`
	Message   string `json:"message,omitempty"`
	Created   int64  `json:"created"`
	Completed int64  `json:"completed,omitempty"`
}

func (d *exportDoc) open() bool {
	switch types.ExportTaskStatusCode(d.Code) {
	case types.ExportTaskStatusCodePending, types.ExportTaskStatusCodeRunning, types.ExportTaskStatusCodePendingCancel:
		return true
	}
	return false
}

// CreateExportTask begins to write the events of a group, of a time, to a bucket: an object a stream and part, gzip,
// below the prefix and the task's id. An account has one task at a time.
func (s *Service) CreateExportTask(ctx context.Context, in *logs.CreateExportTaskInput, _ ...func(*logs.Options)) (*logs.CreateExportTaskOutput, error) {
	d, err := s.group(ctx, aws.ToString(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	if s.cfg.Objects == nil {
		return nil, unsupported("Exporting")
	}
	if aws.ToInt64(in.From) >= aws.ToInt64(in.To) {
		return nil, invalid("The start time must be earlier than the end time.")
	}
	for it, err := range s.exports.List(scope.Of(ctx).Key()...) {
		if err == nil && it.Value.open() {
			return nil, limitExceeded("Resource limit exceeded.")
		}
	}
	x := &exportDoc{
		ID: uuid.NewString(), Account: d.Account, Region: d.Region, Name: aws.ToString(in.TaskName), Group: d.Name, GroupID: d.ID, Streams: aws.ToString(in.LogStreamNamePrefix),
		From: *in.From, To: *in.To, Bucket: aws.ToString(in.Destination), Prefix: strings.TrimSuffix(aws.ToString(in.DestinationPrefix), "/"),
		Code: string(types.ExportTaskStatusCodePending), Created: s.nowMillis(),
	}
	x.Prefix = cmp.Or(x.Prefix, "exportedlogs")
	// The bucket is tried as AWS does, by an object that stays.
	if err := s.putObject(exporting(ctx, d), x.Bucket, x.Prefix+"/aws-logs-write-test", []byte("Permission Check Successful")); err != nil {
		var none smithy.APIError
		if errors.As(err, &none) && none.ErrorCode() == "NoSuchBucket" {
			return nil, invalid("The given bucket does not exist. Please make sure the bucket is valid.")
		}
		return nil, invalid("PutObject call on the given bucket failed. Please check if CloudWatch Logs has been granted permission to perform this operation. (%v)", err)
	}
	if err := s.exports.Create(ctx, x, d.scope().Key(x.ID)...); err != nil {
		return nil, err
	}
	return &logs.CreateExportTaskOutput{TaskId: &x.ID}, nil
}

// exporting is the context of an export of a group: the bucket's policy lets the service of the region in, or nobody
// does.
func exporting(ctx context.Context, g *groupDoc) context.Context {
	return awswire.AsService(ctx, g.Account, g.Region, "logs."+g.Region+".amazonaws.com", g.arn()+":*")
}

func (s *Service) putObject(ctx context.Context, bucket, key string, body []byte) error {
	// With the acl that AWS sends: policies of buckets ask for it.
	_, err := s.cfg.Objects.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body), ACL: s3types.ObjectCannedACLBucketOwnerFullControl})
	return err
}

// CancelExportTask stops a task that has not ended.
func (s *Service) CancelExportTask(ctx context.Context, in *logs.CancelExportTaskInput, _ ...func(*logs.Options)) (*logs.CancelExportTaskOutput, error) {
	_, err := s.exports.Modify(ctx, func(d *exportDoc) error {
		if !d.open() {
			return &types.InvalidOperationException{Message: aws.String("The specified export task has already finished.")}
		}
		d.Code, d.Message, d.Completed = string(types.ExportTaskStatusCodeCancelled), "Cancelled by user", s.nowMillis()
		return nil
	}, scope.Of(ctx).Key(aws.ToString(in.TaskId))...)
	return &logs.CancelExportTaskOutput{}, err
}

// DescribeExportTasks lists tasks, the newest first.
func (s *Service) DescribeExportTasks(ctx context.Context, in *logs.DescribeExportTasksInput, _ ...func(*logs.Options)) (*logs.DescribeExportTasksOutput, error) {
	all, err := s.exports.All(scope.Of(ctx).Key()...)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(d *exportDoc) bool {
		return in.TaskId != nil && d.ID != *in.TaskId || in.StatusCode != "" && d.Code != string(in.StatusCode)
	})
	key := func(d *exportDoc) string { return fmt.Sprintf("%020d%s", 1<<62-d.Created, d.ID) }
	slices.SortFunc(all, func(a, b *exportDoc) int { return strings.Compare(key(a), key(b)) })
	all, next, err := page.Of(all, key, page.Request{Token: in.NextToken, Max: in.Limit, Limit: 50})
	if err != nil {
		return nil, badToken()
	}
	out := &logs.DescribeExportTasksOutput{ExportTasks: []types.ExportTask{}, NextToken: next}
	for _, d := range all {
		t := types.ExportTask{
			TaskId: &d.ID, TaskName: text(d.Name), LogGroupName: &d.Group, From: &d.From, To: &d.To, Destination: &d.Bucket, DestinationPrefix: &d.Prefix,
			Status:        &types.ExportTaskStatus{Code: types.ExportTaskStatusCode(d.Code), Message: text(d.Message)},
			ExecutionInfo: &types.ExportTaskExecutionInfo{CreationTime: &d.Created},
		}
		if d.Completed > 0 {
			t.ExecutionInfo.CompletionTime = &d.Completed
		}
		out.ExportTasks = append(out.ExportTasks, t)
	}
	return out, nil
}

func (s *Service) newExportRunner() *work.Runner[exportDoc] {
	return work.New(work.Documents[exportDoc](s.cfg.State, "logs.export"), work.Hooks[exportDoc]{
		Runs: (*exportDoc).open,
		Same: func(was, is *exportDoc) bool { return was.open() && is.open() },
		Run:  s.runExport,
	}, work.Options{Name: "logs.export", Clock: s.clock, Owner: s.cfg.Owner, Limit: 1, Events: work.Events{Failed: s.workFailed}})
}

// partBytes is how much text one object of an export has.
const partBytes = 32 << 20

// runExport writes a task's objects, whose names tell what they hold: done again after a crash, it writes the same.
func (s *Service) runExport(ctx context.Context, j *work.Job[exportDoc]) error {
	d := j.Document()
	sc := scope.Scope{Account: d.Account, Region: d.Region}
	ctx = sc.Context(ctx)
	code := types.ExportTaskStatusCodeRunning
	set := func(message string) error {
		_, err := s.exports.Modify(ctx, func(x *exportDoc) error {
			if !x.open() {
				return work.ErrPaused
			}
			x.Code, x.Message = string(code), message
			if !x.open() {
				x.Completed = s.nowMillis()
			}
			return nil
		}, sc.Key(d.ID)...)
		if errors.Is(err, work.ErrPaused) {
			return nil
		}
		return err
	}
	if err := set("Started successfully"); err != nil {
		return err
	}
	err := s.export(ctx, d)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		code = types.ExportTaskStatusCodeFailed
		return set(err.Error())
	}
	code = types.ExportTaskStatusCodeCompleted
	return set("Completed successfully")
}

func (s *Service) export(ctx context.Context, d *exportDoc) error {
	g := &groupDoc{Account: d.Account, Region: d.Region, ID: d.GroupID, Name: d.Group}
	_, names, err := s.numbers(g, func(name string) bool { return strings.HasPrefix(name, d.Streams) })
	if err != nil {
		return err
	}
	for number, name := range names {
		q := logstore.Query{Streams: map[uint64]bool{number: true}, From: d.From, To: d.To, Limit: maxPageEvents, MaxBytes: 4 << 20}
		var body bytes.Buffer
		w := gzip.NewWriter(&body)
		part, size := 0, 0
		write := func() error {
			if size == 0 {
				return nil
			}
			if err := w.Close(); err != nil {
				return err
			}
			key := fmt.Sprintf("%s/%s/%s/%06d.gz", d.Prefix, d.ID, strings.ReplaceAll(name, "/", "-"), part)
			if err := s.putObject(exporting(ctx, g), d.Bucket, key, body.Bytes()); err != nil {
				return err
			}
			body.Reset()
			w.Reset(&body)
			part, size = part+1, 0
			return nil
		}
		for {
			r, err := s.store.Search(ctx, g.in(), q)
			if err != nil {
				return err
			}
			for _, e := range r.Events {
				n, err := fmt.Fprintf(w, "%s %s\n", time.UnixMilli(e.Time).UTC().Format("2006-01-02T15:04:05.000Z"), e.Text)
				if err != nil {
					return err
				}
				size += n
			}
			if size >= partBytes {
				if err := write(); err != nil {
					return err
				}
			}
			if r.Next == nil {
				break
			}
			q.After = r.Next
		}
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}
