package dynamodb

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// This file: exports to S3. A full export writes the table as it is, of a time now or past
// by undoing the changes since on a copy; an export done again after a crash writes the
// same objects again. Incremental exports are in export_incremental.go; the format ION is
// refused.

// job is the document of an export or an import, under the key (account, region, id).
type job struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"` // export, import
	Account  string    `json:"account"`
	Region   string    `json:"region"`
	Table    string    `json:"table"` // name
	TableID  string    `json:"tableId"`
	Store    uint64    `json:"store"`
	Token    string    `json:"token,omitempty"`
	Status   string    `json:"status"` // IN_PROGRESS, COMPLETED, FAILED
	Began    time.Time `json:"began"`
	Ended    time.Time `json:"ended,omitzero"`
	At       time.Time `json:"at,omitzero"` // a full export's time
	Bucket   string    `json:"bucket"`
	Prefix   string    `json:"prefix,omitempty"`
	Manifest string    `json:"manifest,omitempty"`
	Problem  string    `json:"problem,omitempty"`
	Code     string    `json:"code,omitempty"`
	SSE      string    `json:"sse,omitempty"`   // of an export: KMS; "" is AES256
	Key      string    `json:"key,omitempty"`   // of KMS
	Owner    string    `json:"owner,omitempty"` // expected, of the bucket

	Window *window       `json:"window,omitempty"` // of an incremental export
	Filter *exportFilter `json:"filter,omitempty"` // of a full export
	Type   string        `json:"type,omitempty"`   // of an export, as its request said

	Format      string   `json:"format,omitempty"` // of an import: DYNAMODB_JSON, CSV
	Compression string   `json:"compression,omitempty"`
	Delimiter   string   `json:"delimiter,omitempty"`
	Header      []string `json:"header,omitempty"`
	OwnerOf     string   `json:"ownerOf,omitempty"` // of an import that expects no owner of the bucket: the account

	Creates *types.TableCreationParameters `json:"parameters,omitempty"` // of an import

	Items, Bytes, Processed, Errors int64 `json:",omitempty"`

	// By is who began the job, without secrets: it reaches of S3 what they may when it does, after a restart too. Nil:
	// the account, of jobs that began before there was this.
	By *awswire.Caller `json:"by,omitempty"`
}

// begunBy notes whose job it is.
func (j *job) begunBy(ctx context.Context) {
	c := awswire.CallerFrom(ctx)
	c.AccessKey = ""
	if c.Session != nil {
		s := *c.Session
		s.Secret = ""
		c.Session = &s
	}
	if c.Via == "" {
		c.Via = "dynamodb.amazonaws.com"
	}
	j.By = &c
}

// reaching is the context of the job's calls of S3.
func (j *job) reaching(ctx context.Context) context.Context {
	if j.By == nil {
		return ctx
	}
	return awswire.WithCaller(ctx, *j.By)
}

func (j *job) tableARN() string { return arn.New("dynamodb", j.Region, j.Account, "table/"+j.Table) }
func (j *job) arn() string      { return j.tableARN() + "/" + j.Kind + "/" + j.ID }

const exportPart = 32 << 20 // bytes of an object of an export before compression

func (s *Service) newJob(ctx context.Context, kind string, d *table) *job {
	now := s.now()
	j := &job{ID: fmt.Sprintf("%014d-%s", now.UnixMilli(), uuid.NewString()[:8]), Kind: kind, Account: d.Account, Region: d.Region, Table: d.Name, TableID: d.ID, Store: d.Store, Status: "IN_PROGRESS", Began: now}
	j.begunBy(ctx)
	return j
}

// repeated returns the job that a token began, nil for none.
func (s *Service) repeated(ctx context.Context, kind string, token *string) (*job, error) {
	if token == nil {
		return nil, nil
	}
	caller := awswire.CallerFrom(ctx)
	all, err := s.jobs.All(caller.Account, caller.Region)
	if err != nil {
		return nil, err
	}
	for _, j := range all {
		if j.Kind == kind && j.Token == *token && s.now().Sub(j.Began) < 8*time.Hour {
			return j, nil
		}
	}
	return nil, nil
}

// once lets no other request of a token in until what it returns is called.
func (s *Service) once(token *string) (done func()) {
	if token == nil {
		return func() {}
	}
	s.tokens.Lock()
	return s.tokens.Unlock
}

// ExportTableToPointInTime begins an export.
func (s *Service) ExportTableToPointInTime(ctx context.Context, in *dynamodb.ExportTableToPointInTimeInput, _ ...func(*dynamodb.Options)) (*dynamodb.ExportTableToPointInTimeOutput, error) {
	if s.cfg.S3 == nil {
		return nil, unsupported("This node has no S3 for exports.")
	}
	if in.ExportFormat == types.ExportFormatIon {
		return nil, unsupported("Brookmere does not export in the format ION; use DYNAMODB_JSON.")
	}
	if err := checkExportType(in); err != nil {
		return nil, err
	}
	a, ok := arn.Parse(aws.ToString(in.TableArn))
	if !ok {
		return nil, invalidValue("tableArn is not a valid ARN")
	}
	if rest, of := a.After("table/"); !of || strings.Contains(rest, "/") {
		return nil, invalid("Invalid Request: Table ARN is invalid.")
	}
	if a.Account != awswire.CallerFrom(ctx).Account {
		return nil, awswire.Errorf("AccessDeniedException", "Access is denied")
	}
	if in.S3Prefix != nil && *in.S3Prefix == "" {
		return nil, constraint("'' ", "s3Prefix", "Member must have length greater than or equal to 1")
	}
	d, err := s.tableForBackups(ctx, in.TableArn)
	if err != nil {
		return nil, err
	}
	if d.Recovery.Since.IsZero() {
		return nil, &types.PointInTimeRecoveryUnavailableException{Message: aws.String("Point in time recovery is not enabled for table '" + d.Name + "'")}
	}
	defer s.once(in.ClientToken)()
	same, err := s.repeated(ctx, "export", in.ClientToken)
	if err != nil {
		return nil, err
	}
	j := s.newJob(ctx, "export", d)
	j.At, j.Bucket, j.Prefix, j.Token = j.Began, aws.ToString(in.S3Bucket), strings.TrimSuffix(aws.ToString(in.S3Prefix), "/"), aws.ToString(in.ClientToken)
	j.Owner, j.Type = aws.ToString(in.S3BucketOwner), string(in.ExportType)
	if in.S3SseAlgorithm == types.S3SseAlgorithmKms {
		j.SSE, j.Key = "KMS", aws.ToString(in.S3SseKmsKeyId)
	}
	earliest := s.continuousBackups(d).PointInTimeRecoveryDescription.EarliestRestorableDateTime.Truncate(time.Second)
	if in.ExportType == types.ExportTypeIncrementalExport {
		j.At = time.Time{}
		now := j.Began
		if same != nil && in.IncrementalExportSpecification.ExportToTime == nil {
			now = same.Began // when the first call had its window end
		}
		if j.Window, err = windowOf(in.IncrementalExportSpecification, earliest, now); err != nil {
			return nil, err
		}
	} else if in.ExportTime != nil {
		j.At = *in.ExportTime
		if j.At.Before(earliest) || j.At.After(j.Began) {
			return nil, exportTime("Export Time is invalid")
		}
	}
	if j.Filter, err = exportFilterOf(in.FilterSpecification, d); err != nil {
		return nil, err
	}
	if same != nil {
		if in.ExportTime == nil {
			j.At = same.At // which was the time of the first call
		}
		if j.asked() != same.asked() {
			return nil, &types.ExportConflictException{Message: aws.String("Export conflict: Duplicate request detected with conflicting parameters")}
		}
		return &dynamodb.ExportTableToPointInTimeOutput{ExportDescription: same.export()}, nil
	}
	j.Manifest = j.base() + "/manifest-summary.json"
	if err := s.jobs.Create(ctx, j, j.Account, j.Region, j.ID); err != nil {
		return nil, err
	}
	return &dynamodb.ExportTableToPointInTimeOutput{ExportDescription: j.export()}, nil
}

// asked is what a request for the job says.
func (j *job) asked() string {
	x := job{Table: j.Table, Store: j.Store, At: j.At, Bucket: j.Bucket, Prefix: j.Prefix, SSE: j.SSE, Key: j.Key, Owner: j.Owner, Window: j.Window, Filter: j.Filter}
	b, _ := json.Marshal(x) // plain values
	return string(b)
}

// base is where the manifests of an export are.
func (j *job) base() string { return j.folder() + j.ID }

// data is where the items of an export are: incremental ones share a folder.
func (j *job) data() string {
	if j.Window != nil {
		return j.folder() + "data"
	}
	return j.base() + "/data"
}

func (j *job) folder() string {
	if j.Prefix != "" {
		return j.Prefix + "/AWSDynamoDB/"
	}
	return "AWSDynamoDB/"
}

func (j *job) export() *types.ExportDescription {
	out := &types.ExportDescription{
		ExportArn: aws.String(j.arn()), ExportStatus: types.ExportStatus(j.Status), ExportFormat: types.ExportFormatDynamodbJson, ExportType: types.ExportType(j.Type),
		StartTime: aws.Time(j.Began), TableArn: aws.String(j.tableARN()), TableId: aws.String(j.TableID), S3Bucket: aws.String(j.Bucket), S3SseAlgorithm: types.S3SseAlgorithmAes256,
	}
	if j.Window == nil {
		out.ExportTime = aws.Time(j.At)
	} else {
		out.ExportType, out.IncrementalExportSpecification = types.ExportTypeIncrementalExport, j.Window.output()
	}
	out.FilterSpecification = j.Filter.output()
	if j.Prefix != "" {
		out.S3Prefix = aws.String(j.Prefix)
	}
	if j.Owner != "" {
		out.S3BucketOwner = aws.String(j.Owner)
	}
	if j.SSE != "" {
		out.S3SseAlgorithm = types.S3SseAlgorithm(j.SSE)
	}
	if j.Key != "" {
		out.S3SseKmsKeyId = aws.String(j.Key)
	}
	if j.Token != "" {
		out.ClientToken = aws.String(j.Token)
	}
	if !j.Ended.IsZero() {
		out.EndTime = aws.Time(j.Ended)
	}
	if j.Status == "COMPLETED" {
		out.ItemCount, out.BilledSizeBytes, out.ExportManifest = aws.Int64(j.Items), aws.Int64(j.Bytes), aws.String(j.Manifest)
	}
	if j.Problem != "" {
		out.FailureCode, out.FailureMessage = aws.String(j.Code), aws.String(j.Problem)
	}
	return out
}

// findJob returns the job of an ARN; nil for none.
func (s *Service) findJob(ctx context.Context, kind, text string) (*job, error) {
	caller := awswire.CallerFrom(ctx)
	a, ok := arn.Parse(text)
	_, id, cut := strings.Cut(a.Resource, "/"+kind+"/")
	if !ok || !cut || !a.Within("dynamodb", caller.Region, caller.Account) {
		return nil, nil
	}
	j, err := s.jobs.Get(caller.Account, caller.Region, id)
	if errors.Is(err, state.ErrNotFound) {
		return nil, nil
	}
	return j, err
}

// ofKind reports whether a text has the form of the ARN of something of a table: a backup, an export, an import.
func ofKind(text, kind string) bool {
	a, ok := arn.Parse(text)
	rest, of := a.After("table/")
	name, _, cut := strings.Cut(rest, "/"+kind+"/")
	return ok && of && a.Service == "dynamodb" && cut && len(name) >= 3
}

// ofAnother refuses the ARN of a job of another account.
func ofAnother(ctx context.Context, text string) error {
	if a, ok := arn.Parse(text); ok && a.Account != awswire.CallerFrom(ctx).Account {
		return awswire.Errorf("AccessDeniedException", "Access is denied")
	}
	return nil
}

// DescribeExport describes an export.
func (s *Service) DescribeExport(ctx context.Context, in *dynamodb.DescribeExportInput, _ ...func(*dynamodb.Options)) (*dynamodb.DescribeExportOutput, error) {
	if !ofKind(aws.ToString(in.ExportArn), "export") {
		return nil, invalid("Invalid Export ARN")
	}
	if err := ofAnother(ctx, *in.ExportArn); err != nil {
		return nil, err
	}
	if a, _ := arn.Parse(*in.ExportArn); a.Region != awswire.CallerFrom(ctx).Region {
		return nil, &types.ExportNotFoundException{Message: aws.String("Export not found: Invalid export arn")}
	}
	j, err := s.findJob(ctx, "export", aws.ToString(in.ExportArn))
	if err != nil {
		return nil, err
	}
	if j == nil {
		return nil, &types.ExportNotFoundException{Message: aws.String("Export not found: Export not found: " + aws.ToString(in.ExportArn))}
	}
	return &dynamodb.DescribeExportOutput{ExportDescription: j.export()}, nil
}

// tokenText is the token of the page after a job: hexadecimal and longer than 112 digits, without which SDKs do
// not take tokens of imports.
func (j *job) tokenText() string {
	return hex.EncodeToString(fmt.Appendf(nil, "%-64s", j.Kind+":"+j.ID))
}

// jobsOf lists jobs of a kind, of a table where one is named, newest first, a page of them. Exports are those of a
// table that is there, and not of one before it.
func (s *Service) jobsOf(ctx context.Context, kind string, tableARN, token *string, most *int32) (page []*job, next *string, err error) {
	caller := awswire.CallerFrom(ctx)
	after := ""
	if token != nil {
		text, err := hex.DecodeString(*token)
		id, of := strings.CutPrefix(strings.TrimRight(string(text), " "), kind+":")
		if err != nil || !of || len(text) != 64 {
			return nil, nil, invalid("Invalid Request: Provided nextToken is invalid: %s", echo(*token))
		}
		after = id
	}
	all, err := s.jobs.All(caller.Account, caller.Region)
	if err != nil {
		return nil, nil, err
	}
	limit := 10
	if most != nil {
		limit = int(*most)
	}
	for i := len(all) - 1; i >= 0; i-- {
		j := all[i]
		if j.Kind != kind || tableARN != nil && j.tableARN() != *tableARN || token != nil && j.ID >= after {
			continue
		}
		if tableARN != nil && kind == "export" {
			d, err := s.tables.Get(j.Account, j.Region, j.Table)
			if errors.Is(err, state.ErrNotFound) || err == nil && d.Store != j.Store {
				continue
			}
			if err != nil {
				return nil, nil, err
			}
		}
		if len(page) == limit {
			return page, aws.String(page[limit-1].tokenText()), nil
		}
		page = append(page, j)
	}
	return page, nil, nil
}

// ListExports lists exports.
func (s *Service) ListExports(ctx context.Context, in *dynamodb.ListExportsInput, _ ...func(*dynamodb.Options)) (*dynamodb.ListExportsOutput, error) {
	page, next, err := s.jobsOf(ctx, "export", in.TableArn, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.ListExportsOutput{NextToken: next, ExportSummaries: []types.ExportSummary{}}
	for _, j := range page {
		out.ExportSummaries = append(out.ExportSummaries, types.ExportSummary{ExportArn: aws.String(j.arn()), ExportStatus: types.ExportStatus(j.Status), ExportType: cmp.Or(j.export().ExportType, types.ExportTypeFullExport)})
	}
	return out, nil
}

// runJob does an export or an import.
func (s *Service) runJob(ctx context.Context, w *work.Job[job]) error {
	j := w.Document()
	ctx = awswire.WithCaller(ctx, awswire.Caller{Account: j.Account, Region: j.Region})
	result := *j
	var err error
	if j.Kind == "export" {
		err = s.runExport(ctx, &result)
	} else {
		err = s.runImport(ctx, &result)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	result.Status, result.Ended = "COMPLETED", s.now()
	if err != nil {
		s.log.Warn("job failed", "job", j.arn(), "error", err)
		result.Status, result.Problem = "FAILED", problem(err)
		if result.Code == "" {
			result.Code = failureCode(err)
		}
		if d, err := s.tables.Get(j.Account, j.Region, j.Table); err == nil && d.Store == j.Store && d.Importing {
			// What was imported stays, as on AWS.
			if _, err := s.modify(ctx, d, func(d *table) error { d.Status, d.Importing = string(types.TableStatusActive), false; return nil }); err != nil {
				return err
			}
		}
	}
	_, err = s.jobs.Modify(ctx, func(d *job) error { *d = result; return nil }, j.Account, j.Region, j.ID)
	return err
}

// problem words what a job failed for, an error of S3 as AWS's services tell it.
func problem(err error) string {
	var api smithy.APIError
	var answer *awshttp.ResponseError
	if errors.Is(err, errNotAllItems) {
		return notAllItems
	}
	if !errors.As(err, &api) || !errors.As(err, &answer) {
		return err.Error()
	}
	return fmt.Sprintf("%s (Service: Amazon S3; Status Code: %d; Error Code: %s; Request ID: %s)", api.ErrorMessage(), answer.HTTPStatusCode(), api.ErrorCode(), answer.ServiceRequestID())
}

// failureCode is the code of a job that failed for an error of S3.
func failureCode(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		switch code := api.ErrorCode(); code {
		case "NoSuchBucket", "AccessDenied", "NoSuchKey":
			return "S3" + code
		}
	}
	return "S3Error"
}

// exporter writes the objects of an export.
type exporter struct {
	s     *Service
	j     *job
	buf   bytes.Buffer
	zip   *gzip.Writer
	raw   int
	items int
	files []string // lines of manifest-files.json
}

// scratchID is the ID of the table in the item store where an export gathers what it writes. It is
// the same in all runs, so that the next one removes what a crash has left.
func (j *job) scratchID() uint64 {
	sum := uuid.NewSHA1(uuid.NameSpaceOID, []byte(j.arn()))
	return binary.BigEndian.Uint64(sum[:])
}

// scratch is that table, empty.
func (s *Service) scratch(j *job, d *table) (*itemstore.Table, error) {
	if err := s.cfg.Items.Drop(j.scratchID()); err != nil {
		return nil, err
	}
	return s.cfg.Items.Table(&itemstore.Definition{ID: j.scratchID(), Hash: d.keyAttribute(d.Hash), Range: d.keyAttribute(d.Range)})
}

func (s *Service) runExport(ctx context.Context, j *job) error {
	defer func() {
		if err := s.cfg.Items.Drop(j.scratchID()); err != nil && ctx.Err() == nil {
			s.log.Warn("what an export gathered is left", "job", j.arn(), "error", err)
		}
	}()
	d, err := s.tables.Get(j.Account, j.Region, j.Table)
	if err != nil || d.Store != j.Store {
		j.Code = "TableNotFound"
		return errors.New("the table was deleted")
	}
	o, err := s.opened(d)
	if err != nil {
		return err
	}
	e := &exporter{s: s, j: j}
	// The first object says whether the bucket can be written, before the table is read.
	if _, err := e.put(ctx, j.base()+"/_started", nil); err != nil {
		return err
	}
	e.zip = gzip.NewWriter(&e.buf)
	j.Items, j.Bytes = 0, 0
	if j.Window != nil {
		if err := e.changes(ctx, d, o.items); err != nil {
			return err
		}
		return e.finish(ctx)
	}
	items := o.items
	if s.now().Sub(j.At) > time.Second {
		if items, err = s.scratch(j, d); err != nil {
			return err
		}
		if err := s.copyAsOf(ctx, items, o.items, j.At); err != nil {
			return err
		}
	}
	f, err := j.Filter.open(d)
	if err != nil {
		return err
	}
	err = items.Each(ctx, f.rows(items), func(b []byte) (bool, error) {
		b, err := f.apply(b)
		if b == nil || err != nil {
			return true, err
		}
		return true, e.add(ctx, b)
	})
	if err != nil {
		return err
	}
	return e.finish(ctx)
}

// copyAsOf fills a table with the items of another as of a time.
func (s *Service) copyAsOf(ctx context.Context, to, from *itemstore.Table, at time.Time) error {
	if err := to.RestoreFrom(ctx, from); err != nil {
		return err
	}
	l := to.Loader()
	err := from.Undo(ctx, at, func(i attr.Item) error { return l.Put(ctx, i) }, func(k attr.Item) error { return l.Remove(ctx, k) })
	if err != nil {
		return err
	}
	return l.Flush()
}

func (e *exporter) add(ctx context.Context, stored []byte) error {
	line, err := attr.AppendStoredJSON([]byte(`{"Item":`), stored)
	if err != nil {
		return err
	}
	size, err := attr.StoredSize(stored)
	if err != nil {
		return err
	}
	return e.line(ctx, append(line, "}\n"...), size)
}

// line adds a line, of an item of size bytes.
func (e *exporter) line(ctx context.Context, line []byte, size int) error {
	if _, err := e.zip.Write(line); err != nil {
		return err
	}
	e.j.Items++
	e.j.Bytes += int64(size)
	e.items++
	if e.raw += len(line); e.raw >= exportPart {
		return e.flush(ctx)
	}
	return nil
}

func (e *exporter) put(ctx context.Context, key string, body []byte) (etag string, err error) {
	in := &s3.PutObjectInput{Bucket: &e.j.Bucket, Key: &key, Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body)))}
	if e.j.SSE != "" {
		in.ServerSideEncryption, in.SSEKMSKeyId = "aws:kms", given(e.j.Key)
	}
	in.ExpectedBucketOwner = given(e.j.Owner)
	out, err := e.s.cfg.S3.PutObject(e.j.reaching(ctx), in)
	if err != nil {
		return "", fmt.Errorf("write s3://%s/%s: %w", e.j.Bucket, key, err)
	}
	return aws.ToString(out.ETag), nil
}

// flush writes the object that is being filled. Its name follows from its place, so that
// an export done again writes it again.
func (e *exporter) flush(ctx context.Context) error {
	if err := e.zip.Close(); err != nil {
		return err
	}
	key := fmt.Sprintf("%s/%s.json.gz", e.j.data(), strings.ReplaceAll(uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "%s/%d", e.j.ID, len(e.files))).String(), "-", "")[:26])
	sum := md5.Sum(e.buf.Bytes())
	etag, err := e.put(ctx, key, e.buf.Bytes())
	if err != nil {
		return err
	}
	line, err := json.Marshal(map[string]any{"itemCount": e.items, "md5Checksum": base64.StdEncoding.EncodeToString(sum[:]), "etag": strings.Trim(etag, `"`), "dataFileS3Key": key})
	e.files = append(e.files, string(line))
	e.buf.Reset()
	e.zip.Reset(&e.buf)
	e.raw, e.items = 0, 0
	return err
}

// given is nil for what a request did not give.
func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// finish writes the manifests.
func (e *exporter) finish(ctx context.Context) error {
	if e.items > 0 || len(e.files) == 0 {
		if err := e.flush(ctx); err != nil {
			return err
		}
	}
	j := e.j
	files := j.base() + "/manifest-files.json"
	members := map[string]any{
		"version": "2020-06-30", "exportArn": j.arn(), "startTime": j.Began, "endTime": e.s.now(), "tableArn": j.tableARN(), "tableId": j.TableID,
		"s3Bucket": j.Bucket, "s3Prefix": given(j.Prefix), "s3SseAlgorithm": cmp.Or(j.SSE, "AES256"), "s3SseKmsKeyId": given(j.Key), "manifestFilesS3Key": files, "billedSizeBytes": j.Bytes, "itemCount": j.Items,
		"outputFormat": "DYNAMODB_JSON", "exportType": "FULL_EXPORT",
	}
	if j.Window != nil {
		j.Window.summarize(members)
	} else {
		members["exportTime"] = j.At
	}
	summary, err := json.Marshal(members)
	if err != nil {
		return err
	}
	for _, o := range []struct{ key, body string }{
		{files, strings.Join(e.files, "\n") + "\n"}, {j.Manifest, string(summary)},
	} {
		sum := md5.Sum([]byte(o.body))
		if _, err := e.put(ctx, o.key, []byte(o.body)); err != nil {
			return err
		}
		if strings.HasSuffix(o.key, ".json") {
			if _, err := e.put(ctx, strings.TrimSuffix(o.key, ".json")+".md5", []byte(base64.StdEncoding.EncodeToString(sum[:]))); err != nil {
				return err
			}
		}
	}
	return nil
}
