package kinesisanalytics

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/schemaguess"
)

// Discovery of a schema: a sample of a stream, a delivery stream that reads one, or an object.
const (
	sampleRecords = 100
	sampleBytes   = 1 << 20
	sampleWait    = 20 * time.Second // for the first record of a stream
	sampleMore    = 2 * time.Second  // for more after it
	sampleObject  = 1 << 20          // bytes of an object that are looked at
)

// question is what is to be sampled.
type question struct {
	resource  *resourceDoc
	position  string
	bucket    string // ARN; "": no object
	key       string
	role      string // of the object
	processor *resourceDoc
}

// sample is what was found.
type sample struct {
	schema    schemaDoc
	raw       []string
	processed []string
	parsed    [][]string
}

// errUndetected says that the sample is of no known form. The two versions of the API word it.
var errUndetected = errors.New("no schema was detected")

// undetected says why.
func undetected(found *sample) string {
	if len(found.raw) == 0 {
		return "No records were found in the source. Put records, and try again, or begin at TRIM_HORIZON."
	}
	return "The sample is neither JSON objects nor lines of delimited fields."
}

// discover samples and infers. With errUndetected the sample holds what was looked at.
func (s *Service) discover(ctx context.Context, q question) (*sample, error) {
	var records []kinesistypes.Record
	var err error
	table := false
	stream := ""
	switch {
	case q.resource != nil && q.bucket != "", q.resource == nil && q.bucket == "":
		return nil, invalid("Either a ResourceARN or an S3Configuration is required.")
	case q.bucket != "":
		table = true
		records, err = s.sampleObject(ctx, q)
	default:
		stream, records, err = s.sampleStream(ctx, q)
	}
	if err != nil {
		return nil, err
	}
	out := &sample{}
	var data [][]byte
	for i := range records {
		out.raw = append(out.raw, string(records[i].Data))
		data = append(data, deaggregated(records[i].Data)...)
	}
	if q.processor != nil && len(records) > 0 {
		answer, err := s.invoke(s.acting(ctx, q.processor.Role), q.processor.ARN, newInputEvent("", stream, "", records))
		if err != nil {
			return nil, invalid("The function %s could not process the sample: %s", q.processor.ARN, err)
		}
		data = nil
		processed, _ := answer.byRecord(len(records))
		for _, d := range processed {
			data = append(data, d...)
		}
	}
	for _, d := range data {
		out.processed = append(out.processed, string(d))
	}
	found, err := schemaguess.Guess(data, table)
	if err != nil {
		return out, errUndetected
	}
	out.parsed = found.Rows
	out.schema = schemaDoc{Format: "JSON", RowPath: &found.RowPath, Encoding: aws.String("UTF-8")}
	if found.CSV {
		out.schema = schemaDoc{Format: "CSV", RowDelimiter: &found.RowDelimiter, ColumnDelimiter: &found.ColumnDelimiter, Encoding: aws.String("UTF-8")}
	}
	for _, c := range found.Columns {
		d := columnDoc{Name: c.Name, Type: c.Type}
		if c.Mapping != "" {
			d.Mapping = &c.Mapping
		}
		out.schema.Columns = append(out.schema.Columns, d)
	}
	return out, nil
}

// acting is a context for what is done as a role that a caller has given, for no application.
func (s *Service) acting(ctx context.Context, role string) context.Context {
	sc := scope.Of(ctx)
	return awswire.Acting(ctx, sc.Account, sc.Region, servicePrincipal, role, sc.ARN("kinesisanalytics", "application/"))
}

// sampleObject reads the beginning of an object as a record, up to its last whole line.
func (s *Service) sampleObject(ctx context.Context, q question) ([]kinesistypes.Record, error) {
	if a, ok := arn.Parse(q.bucket); !ok || a.Service != "s3" {
		return nil, invalid("%s is not the ARN of a bucket.", q.bucket)
	}
	data, whole, err := s.beginning(s.acting(ctx, q.role), q.bucket, q.key, sampleObject)
	if err != nil {
		return nil, invalid("The object %s of %s cannot be read: %s", q.key, q.bucket, err)
	}
	if i := bytes.LastIndexByte(data, '\n'); !whole && i >= 0 {
		data = data[:i+1]
	}
	return []kinesistypes.Record{{Data: data}}, nil
}

// sampleStream reads some records of a stream.
func (s *Service) sampleStream(ctx context.Context, q question) (stream string, records []kinesistypes.Record, err error) {
	if a, ok := arn.Parse(q.resource.ARN); !ok || a.Service != "kinesis" && a.Service != "firehose" {
		return "", nil, invalid("%s is not the ARN of a stream or a delivery stream.", q.resource.ARN)
	}
	ctx = s.acting(ctx, q.resource.Role)
	src, err := s.sourceOf(ctx, q.resource.ARN)
	switch {
	case errors.Is(err, errNoKinesis):
		return "", nil, err
	case err != nil:
		return "", nil, invalid("The delivery stream %s cannot be read: %s", q.resource.ARN, err)
	}
	stream = src.stream
	from := shardreader.Start{Kind: shardreader.Latest}
	if q.position == startHorizon {
		from.Kind = shardreader.TrimHorizon
	}
	var failure error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := shardreader.New(shardreader.Kinesis(src.api, stream), nil, shardreader.Options{Clock: s.clock, Start: from, Events: shardreader.Events{
		Failed: func(_ string, err error, _ int, _ time.Duration) { failure = err; cancel() },
	}})
	defer r.Close()
	timer := s.clock.AfterFunc(sampleWait, cancel)
	defer timer.Stop()
	size, more := 0, false
	for len(records) < sampleRecords && size < sampleBytes {
		b, err := r.Next(ctx)
		if err != nil {
			break
		}
		for i := range b.Records {
			if len(records) == sampleRecords || size >= sampleBytes {
				break
			}
			size += len(b.Records[i].Data)
			records = append(records, b.Records[i])
		}
		if !more {
			more = true
			timer.Reset(sampleMore)
		}
	}
	if failure != nil && len(records) == 0 {
		return "", nil, invalid("The stream %s cannot be read: %s", stream, failure)
	}
	return stream, records, nil
}
