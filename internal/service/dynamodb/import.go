package dynamodb

import (
	"bufio"
	"cmp"
	"compress/flate"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/klauspost/compress/zstd"

	"github.com/brookmere/brookmere/internal/awswire/scan"
	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// This file: imports from S3 into a new table, of DYNAMODB_JSON and CSV, plain or
// compressed. A row that is not an item of the table is counted and left out; one that cannot be
// read is counted and ends its object. An import with either ends as FAILED, and its table keeps
// what else there was. The format ION is refused.

// maxImportLine bounds a row of an import, in bytes: an item and what JSON adds to it.
const maxImportLine = 8 << 20

// ImportTable begins an import into a table that it makes.
func (s *Service) ImportTable(ctx context.Context, in *dynamodb.ImportTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.ImportTableOutput, error) {
	if s.cfg.S3 == nil {
		return nil, unsupported("This node has no S3 for imports.")
	}
	if in.InputFormat == types.InputFormatIon {
		return nil, unsupported("The format ION is not supported by Brookmere for imports; use DYNAMODB_JSON or CSV.")
	}
	if in.S3BucketSource == nil || in.TableCreationParameters == nil {
		return nil, constraint("null ", "tableCreationParameters", "Member must not be null")
	}
	if in.InputFormatOptions != nil && in.InputFormat != types.InputFormatCsv {
		return nil, invalid("Invalid Request: Unsupported InputFormatOptions for the given input format: %s.", in.InputFormat)
	}
	defer s.once(in.ClientToken)()
	if j, err := s.repeated(ctx, "import", in.ClientToken); err != nil || j != nil {
		if err != nil {
			return nil, err
		}
		// What else the request says is not compared.
		if aws.ToString(in.TableCreationParameters.TableName) != j.Table {
			return nil, &types.ImportConflictException{Message: aws.String("Import conflict: Duplicate request detected with conflicting parameters")}
		}
		if _, err := s.tables.Get(j.Account, j.Region, j.Table); err == nil && j.Status != "IN_PROGRESS" {
			return nil, inUse("Table already exists: %s", j.Table)
		}
		return &dynamodb.ImportTableOutput{ImportTableDescription: s.imported(j)}, nil
	}
	p := in.TableCreationParameters
	create := &dynamodb.CreateTableInput{
		TableName: p.TableName, AttributeDefinitions: p.AttributeDefinitions, KeySchema: p.KeySchema, BillingMode: p.BillingMode, ProvisionedThroughput: p.ProvisionedThroughput,
		GlobalSecondaryIndexes: p.GlobalSecondaryIndexes, OnDemandThroughput: p.OnDemandThroughput, SSESpecification: p.SSESpecification,
	}
	if err := createTableFirst(create); err != nil {
		return nil, err
	}
	d, err := newTable(create)
	if err != nil {
		return nil, err
	}
	s.place(ctx, d, aws.ToString(p.TableName))
	if d.SSE, err = s.encryption(ctx, d, p.SSESpecification); err != nil {
		return nil, err
	}
	d.Status, d.Importing = string(types.TableStatusCreating), true
	if err := s.create(ctx, d); err != nil {
		return nil, err
	}
	j := s.newJob(ctx, "import", d)
	j.Token = aws.ToString(in.ClientToken)
	j.reads(in)
	if err := s.jobs.Create(ctx, j, j.Account, j.Region, j.ID); err != nil {
		return nil, err
	}
	return &dynamodb.ImportTableOutput{ImportTableDescription: s.imported(j)}, nil
}

// reads notes what an import is asked to read, and how.
func (j *job) reads(in *dynamodb.ImportTableInput) {
	j.Bucket, j.Prefix, j.Owner = aws.ToString(in.S3BucketSource.S3Bucket), aws.ToString(in.S3BucketSource.S3KeyPrefix), aws.ToString(in.S3BucketSource.S3BucketOwner)
	j.Format, j.Compression = string(in.InputFormat), string(in.InputCompressionType)
	if j.Compression == "" {
		j.Compression = string(types.InputCompressionTypeNone)
	}
	if j.Owner == "" {
		j.OwnerOf = j.Account
	}
	j.Creates = in.TableCreationParameters
	if o := in.InputFormatOptions; o != nil && o.Csv != nil {
		j.Delimiter, j.Header = aws.ToString(o.Csv.Delimiter), o.Csv.HeaderList
	}
}

func (s *Service) imported(j *job) *types.ImportTableDescription {
	out := &types.ImportTableDescription{
		ImportArn: aws.String(j.arn()), ImportStatus: types.ImportStatus(j.Status), TableArn: aws.String(j.tableARN()), TableId: aws.String(j.TableID),
		InputFormat: types.InputFormat(j.Format), InputCompressionType: types.InputCompressionType(j.Compression), StartTime: aws.Time(j.Began),
		S3BucketSource:    j.source(),
		ImportedItemCount: j.Items, ProcessedItemCount: j.Processed, ErrorCount: j.Errors,
		TableCreationParameters: j.Creates,
	}
	if j.Bytes > 0 {
		out.ProcessedSizeBytes = aws.Int64(j.Bytes)
	}
	if !j.Ended.IsZero() {
		out.EndTime = aws.Time(j.Ended)
	}
	if j.Token != "" {
		out.ClientToken = aws.String(j.Token)
	}
	if j.Problem != "" {
		out.FailureCode, out.FailureMessage = aws.String(j.Code), aws.String(j.Problem)
	}
	if d, err := s.tables.Get(j.Account, j.Region, j.Table); err == nil && d.Store == j.Store && j.Creates == nil { // of an older job
		t := s.describe(d)
		p := &types.TableCreationParameters{TableName: t.TableName, AttributeDefinitions: t.AttributeDefinitions, KeySchema: t.KeySchema, BillingMode: types.BillingModeProvisioned, OnDemandThroughput: t.OnDemandThroughput}
		units := func(t throughput) *types.ProvisionedThroughput {
			if d.OnDemand {
				return nil
			}
			return &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(t.Read), WriteCapacityUnits: aws.Int64(t.Write)}
		}
		if d.OnDemand {
			p.BillingMode = types.BillingModePayPerRequest
		}
		p.ProvisionedThroughput = units(d.Throughput)
		for i := range d.Indexes {
			x := &d.Indexes[i]
			p.GlobalSecondaryIndexes = append(p.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{IndexName: aws.String(x.Name), KeySchema: x.schema(), Projection: x.projection(), ProvisionedThroughput: units(x.Throughput)})
		}
		out.TableCreationParameters = p
	}
	if j.Delimiter != "" || j.Header != nil {
		out.InputFormatOptions = &types.InputFormatOptions{Csv: &types.CsvOptions{Delimiter: given(j.Delimiter), HeaderList: j.Header}}
	}
	return out
}

// source is where an import reads.
func (j *job) source() *types.S3BucketSource {
	return &types.S3BucketSource{S3Bucket: aws.String(j.Bucket), S3KeyPrefix: aws.String(j.Prefix), S3BucketOwner: given(cmp.Or(j.Owner, j.OwnerOf))}
}

// importGrace is how long after a table was made its import has a document for sure.
const importGrace = time.Minute

// orphan makes a table ACTIVE whose import was never begun: a crash came between the two.
func (s *Service) orphan(ctx context.Context, d *table) error {
	if !d.Importing || s.now().Sub(d.Created) < importGrace {
		return nil
	}
	jobs, err := s.jobs.All(d.Account, d.Region)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if j.Kind == "import" && j.Store == d.Store {
			return nil
		}
	}
	_, err = s.modify(ctx, d, func(d *table) error { d.Status, d.Importing = string(types.TableStatusActive), false; return nil })
	return err
}

// DescribeImport describes an import.
func (s *Service) DescribeImport(ctx context.Context, in *dynamodb.DescribeImportInput, _ ...func(*dynamodb.Options)) (*dynamodb.DescribeImportOutput, error) {
	if !ofKind(aws.ToString(in.ImportArn), "import") {
		return nil, invalid("Invalid Import ARN")
	}
	if err := ofAnother(ctx, *in.ImportArn); err != nil {
		return nil, err
	}
	j, err := s.findJob(ctx, "import", aws.ToString(in.ImportArn))
	if err != nil {
		return nil, err
	}
	if j == nil {
		return nil, &types.ImportNotFoundException{Message: aws.String("Import not found: " + aws.ToString(in.ImportArn))}
	}
	return &dynamodb.DescribeImportOutput{ImportTableDescription: s.imported(j)}, nil
}

// ListImports lists imports.
func (s *Service) ListImports(ctx context.Context, in *dynamodb.ListImportsInput, _ ...func(*dynamodb.Options)) (*dynamodb.ListImportsOutput, error) {
	page, next, err := s.jobsOf(ctx, "import", in.TableArn, in.NextToken, in.PageSize)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.ListImportsOutput{NextToken: next, ImportSummaryList: []types.ImportSummary{}}
	for _, j := range page {
		x := types.ImportSummary{ImportArn: aws.String(j.arn()), ImportStatus: types.ImportStatus(j.Status), TableArn: aws.String(j.tableARN()), StartTime: aws.Time(j.Began), InputFormat: types.InputFormat(j.Format), S3BucketSource: j.source()}
		if !j.Ended.IsZero() {
			x.EndTime = aws.Time(j.Ended)
		}
		out.ImportSummaryList = append(out.ImportSummaryList, x)
	}
	return out, nil
}

// runImport reads all objects again from the first: a row that is there already is put
// again.
func (s *Service) runImport(ctx context.Context, j *job) error {
	d, err := s.tables.Get(j.Account, j.Region, j.Table)
	if err != nil || d.Store != j.Store {
		j.Code = "TableNotFound"
		return errors.New("the table was deleted")
	}
	o, err := s.opened(d)
	if err != nil {
		return err
	}
	j.Items, j.Processed, j.Bytes, j.Errors = 0, 0, 0, 0
	l := o.items.Loader()
	var token *string
	for {
		page, err := s.cfg.S3.ListObjectsV2(j.reaching(ctx), &s3.ListObjectsV2Input{Bucket: &j.Bucket, Prefix: &j.Prefix, ContinuationToken: token, ExpectedBucketOwner: given(j.Owner)})
		if err != nil {
			if token == nil {
				// Nothing was imported: there is no table, as on AWS.
				if _, err := s.modify(ctx, d, func(d *table) error { d.Status, d.Importing = string(types.TableStatusDeleting), false; return nil }); err != nil {
					return err
				}
			}
			return fmt.Errorf("list s3://%s/%s: %w", j.Bucket, j.Prefix, err)
		}
		for _, obj := range page.Contents {
			key := aws.ToString(obj.Key)
			if strings.HasSuffix(key, "/") || aws.ToInt64(obj.Size) == 0 {
				continue
			}
			if err := s.importObject(ctx, j, o, l, key); err != nil {
				return fmt.Errorf("read s3://%s/%s: %w", j.Bucket, key, err)
			}
		}
		if token = page.NextContinuationToken; token == nil {
			break
		}
	}
	if err := l.Flush(); err != nil {
		return err
	}
	if _, err = s.modify(ctx, d, func(d *table) error { d.Status, d.Importing = string(types.TableStatusActive), false; return nil }); err != nil {
		return err
	}
	if j.Errors > 0 {
		j.Code = "ItemValidationError"
		return errNotAllItems
	}
	return nil
}

// errNotAllItems ends an import that left rows out; notAllItems is what AWS tells of it.
var errNotAllItems = errors.New("some items were left out")

const notAllItems = "Some of the items failed validation checks and were not imported. Please check CloudWatch error logs for more details."

// countReader counts what is read, in bytes.
type countReader struct {
	r io.Reader
	n *int64
}

func (c countReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	*c.n += int64(n)
	return n, err
}

func (s *Service) importObject(ctx context.Context, j *job, o *openTable, l *itemstore.Loader, key string) error {
	obj, err := s.cfg.S3.GetObject(j.reaching(ctx), &s3.GetObjectInput{Bucket: &j.Bucket, Key: &key, ExpectedBucketOwner: given(j.Owner)})
	if err != nil {
		return err
	}
	defer obj.Body.Close()
	var r io.Reader = obj.Body
	// An object that is not in its form counts as one row that is no item.
	broken := func() error { j.Processed, j.Errors = j.Processed+1, j.Errors+1; return nil }
	switch types.InputCompressionType(j.Compression) {
	case types.InputCompressionTypeGzip:
		z, err := gzip.NewReader(r)
		if malformed(err) {
			return broken()
		}
		if err != nil {
			return err
		}
		r = z
	case types.InputCompressionTypeZstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			return err
		}
		defer z.Close()
		r = z
	}
	r = countReader{r, &j.Bytes}
	add := func(item attr.Item, ok bool) error {
		j.Processed++
		if !ok || itemTooLarge(item) != nil || checkItem(o.table, item) != nil {
			j.Errors++
			return nil
		}
		j.Items++
		return l.Put(ctx, item)
	}
	if types.InputFormat(j.Format) == types.InputFormatCsv {
		return importCSV(r, j, o.table, add)
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxImportLine)
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		item, ok := importLine(lines.Bytes())
		if err := add(item, ok); err != nil || !ok {
			return err // the rest of the object is left out, as on AWS
		}
	}
	if malformed(lines.Err()) {
		return broken()
	}
	return lines.Err()
}

// malformed reports whether an error of reading an object is one of what it has, and not of
// reaching it.
func malformed(err error) bool {
	for _, e := range []error{io.ErrUnexpectedEOF, bufio.ErrTooLong, gzip.ErrHeader, gzip.ErrChecksum, zstd.ErrMagicMismatch, zstd.ErrReservedBlockType, zstd.ErrCompressedSizeTooBig,
		zstd.ErrBlockTooSmall, zstd.ErrUnexpectedBlockSize, zstd.ErrWindowSizeExceeded, zstd.ErrWindowSizeTooSmall, zstd.ErrDecoderSizeExceeded, zstd.ErrFrameSizeExceeded,
		zstd.ErrFrameSizeMismatch, zstd.ErrUnknownDictionary, zstd.ErrCRCMismatch, errLongRow} {
		if errors.Is(err, e) {
			return true
		}
	}
	var corrupt flate.CorruptInputError
	var row *csv.ParseError
	return errors.As(err, &corrupt) || errors.As(err, &row)
}

// importLine reads {"Item":{...}}.
func importLine(line []byte) (item attr.Item, ok bool) {
	d := &scanner{JSON: scan.JSON{Data: line}}
	ok = d.object(func(name []byte) (ok bool) {
		if string(name) != "Item" || item != nil {
			return false
		}
		item, ok = d.item()
		return ok
	})
	return item, ok && d.End() && item != nil
}

// rowReader ends with an error where one row does not: a row is in memory as a whole.
type rowReader struct {
	r    io.Reader
	left int
}

var errLongRow = errors.New("a row is too long")

func (r *rowReader) Read(b []byte) (int, error) {
	if r.left <= 0 {
		return 0, errLongRow
	}
	n, err := r.r.Read(b)
	r.left -= n
	return n, err
}

// importCSV reads rows of texts; keys have their attributes' types, all else are strings.
func importCSV(r io.Reader, j *job, d *table, add func(attr.Item, bool) error) error {
	bound := &rowReader{r: r}
	in := csv.NewReader(bound)
	in.FieldsPerRecord = -1
	in.LazyQuotes = true
	if j.Delimiter != "" {
		in.Comma = []rune(j.Delimiter)[0]
	}
	header := j.Header
	for {
		bound.left = maxImportLine
		row, err := in.Read()
		if err == io.EOF {
			return nil
		}
		if malformed(err) {
			return add(nil, false)
		}
		if err != nil {
			return err
		}
		if header == nil {
			header = row
			continue
		}
		item, ok := attr.Item{}, len(row) <= len(header)
		for i, text := range row {
			if !ok || text == "" {
				continue
			}
			var v attr.Value = attr.String(text)
			switch d.typeOf(header[i]) {
			case attr.TypeNumber:
				n, err := attr.ParseNumber(text)
				v, ok = n, err == nil
			case attr.TypeBinary:
				v = attr.Binary(text)
			}
			item[header[i]] = v
		}
		if err := add(item, ok); err != nil {
			return err
		}
	}
}
