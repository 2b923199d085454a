package athena

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/internal/engine/lakesql"
)

// Result objects, and GetQueryResults, which reads them back page by page.
//
// <id>.csv has a header line and a line a row; every value is in double quotes, those in
// it doubled, and a NULL is empty without quotes. <id>.txt has the rows with line
// breaks between them, and of a statement that failed, why. Beside it
// <id>.csv.metadata describes the columns, see metadata.go.

// spoolLimit is how much of a result is gathered in memory; the rest goes to a file.
const spoolLimit = 4 << 20

// pageRows and pageBytes bound a page of GetQueryResults.
const (
	pageRows  = 1000
	pageBytes = 8 << 20
)

// csvWriter gathers rows as CSV, in a temporary file where there are many.
type csvWriter struct {
	dir  string
	buf  []byte
	file *os.File
	size int64
}

func newCSVWriter(dir string) *csvWriter { return &csvWriter{dir: dir} }

func (w *csvWriter) row(values []lakesql.Value) error {
	for i, v := range values {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		if v.Null {
			continue
		}
		w.buf = append(w.buf, '"')
		if strings.IndexByte(v.Text, '"') < 0 {
			w.buf = append(w.buf, v.Text...)
		} else {
			w.buf = append(w.buf, strings.ReplaceAll(v.Text, `"`, `""`)...)
		}
		w.buf = append(w.buf, '"')
	}
	w.buf = append(w.buf, '\n')
	if len(w.buf) < spoolLimit {
		return nil
	}
	return w.spill()
}

func (w *csvWriter) spill() error {
	if w.file == nil {
		f, err := os.CreateTemp(w.dir, "athena-result-*.csv")
		if err != nil {
			return fmt.Errorf("gather result: %w", err)
		}
		os.Remove(f.Name()) // it goes with its handle
		w.file = f
	}
	n, err := w.file.Write(w.buf)
	w.size += int64(n)
	w.buf = w.buf[:0]
	if err != nil {
		return fmt.Errorf("gather result: %w", err)
	}
	return nil
}

// body is what was gathered, from the start.
func (w *csvWriter) body() (io.ReadSeeker, int64, error) {
	if w.file == nil {
		return bytes.NewReader(w.buf), int64(len(w.buf)), nil
	}
	if err := w.spill(); err != nil {
		return nil, 0, err
	}
	if _, err := w.file.Seek(0, io.SeekStart); err != nil {
		return nil, 0, fmt.Errorf("gather result: %w", err)
	}
	return w.file, w.size, nil
}

func (w *csvWriter) close() {
	if w.file != nil {
		w.file.Close()
	}
}

func (s *Service) writeResult(ctx context.Context, x *execution, w *csvWriter, columns []types.ColumnInfo) error {
	body, size, err := w.body()
	if err != nil {
		return err
	}
	return s.putResult(ctx, x, body, size, columns)
}

func (s *Service) writeReport(ctx context.Context, x *execution, r *report) error {
	text := strings.Join(r.lines, "\n")
	return s.putResult(ctx, x, strings.NewReader(text), int64(len(text)), r.columns)
}

// contentType is that of the objects of a result: what was planned has another one than
// what the catalog alone answers.
func (d *executionDoc) contentType() *string {
	switch {
	case d.Type == "DML", d.Subtype == "DESCRIBE_TABLE", d.Subtype == "SHOW_CREATE_TABLE", d.Subtype == "CREATE_TABLE_AS_SELECT", d.Subtype == "MSCK_REPAIR":
		return aws.String("application/octet-stream")
	}
	return aws.String("binary/octet-stream")
}

// putFailure leaves why a statement failed in its result object, where that is text.
func (s *Service) putFailure(ctx context.Context, d *executionDoc, reason string) {
	if !strings.HasSuffix(d.Output, ".txt") || d.Type == "DML" {
		return
	}
	if !strings.HasPrefix(reason, "FAILED: ") {
		reason = "FAILED: " + reason
	}
	bucket, key, err := splitLocation(d.Output)
	if err == nil {
		_, err = s.objects.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(bucket), Key: aws.String(key), Body: strings.NewReader(reason),
			ContentLength: aws.Int64(int64(len(reason))), ContentType: aws.String("application/octet-stream"),
		})
	}
	if err != nil {
		s.logger.Warn("the reason of a failed statement could not be written", "query", d.ID, "object", d.Output, "error", err)
	}
}

// putResult writes the result and its metadata at the same time.
func (s *Service) putResult(ctx context.Context, x *execution, body io.ReadSeeker, size int64, columns []types.ColumnInfo) error {
	bucket, key, err := splitLocation(x.doc.Output)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	var metaErr error
	wg.Go(func() {
		if len(columns) == 0 && size == 0 {
			return // there is nothing to describe
		}
		meta := encodeMetadata(x.doc.ID, columns)
		_, metaErr = s.objects.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(bucket), Key: aws.String(key + ".metadata"), Body: bytes.NewReader(meta),
			ContentLength: aws.Int64(int64(len(meta))), ContentType: x.doc.contentType(),
		})
	})
	_, err = s.objects.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(key), Body: body,
		ContentLength: aws.Int64(size), ContentType: x.doc.contentType(),
	})
	wg.Wait()
	if err := errors.Join(err, metaErr); err != nil {
		return fmt.Errorf("write result to %s: %w", x.doc.Output, err)
	}
	return nil
}

// GetQueryResults reads a page of a result from its object: up to 1,000 rows, of a query
// the first of all being the column names. The token is where in the object to go on.
func (s *Service) GetQueryResults(ctx context.Context, in *athena.GetQueryResultsInput, _ ...func(*athena.Options)) (*athena.GetQueryResultsOutput, error) {
	d, err := s.executions.get(scopeOf(ctx), aws.ToString(in.QueryExecutionId))
	if err != nil {
		return nil, err
	}
	switch {
	case !finished(d.State):
		return nil, invalidRequest("INVALID_QUERY_EXECUTION_STATE", "Query has not yet finished. Current state: %s", d.State)
	case d.State == types.QueryExecutionStateCancelled:
		return nil, invalidRequest("RESULT_NOT_FOUND", "Could not find results")
	case d.State != types.QueryExecutionStateSucceeded:
		return nil, invalidRequest("INVALID_QUERY_EXECUTION_STATE", "Query did not finish successfully. Final query state: %s", d.State)
	}
	if in.QueryResultType == types.QueryResultTypeDataManifest {
		return nil, invalidRequest("INVALID_INPUT", "Data manifests are not supported.")
	}
	limit := pageRows
	if n := int(aws.ToInt32(in.MaxResults)); n > 0 && n < limit {
		limit = n
	}
	offset, err := decodeOffset(in.NextToken)
	if err != nil {
		return nil, err
	}
	if d.Manifest != "" { // the rows are in the objects that it lists
		return &athena.GetQueryResultsOutput{
			ResultSet: &types.ResultSet{
				ResultSetMetadata: &types.ResultSetMetadata{ColumnInfo: []types.ColumnInfo{columnInfo("rows", "bigint", 19, 0, false)}},
				Rows:              []types.Row{},
			},
			UpdateCount: aws.Int64(d.Updated),
		}, nil
	}
	bucket, key, err := splitLocation(d.Output)
	if err != nil {
		return nil, err
	}
	out := &athena.GetQueryResultsOutput{ResultSet: &types.ResultSet{
		ResultSetMetadata: &types.ResultSetMetadata{ColumnInfo: []types.ColumnInfo{}}, Rows: []types.Row{},
	}}
	if d.counts() {
		out.UpdateCount = aws.Int64(d.Updated)
	}
	meta, err := s.objects.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key + ".metadata")})
	if err != nil {
		if d.Type == "DDL" && notThere(err) {
			return out, nil
		}
		return nil, resultGone(ctx, err)
	}
	encoded, err := io.ReadAll(io.LimitReader(meta.Body, 16<<20))
	meta.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("read metadata of result %s: %w", d.ID, err)
	}
	columns, err := decodeMetadata(encoded)
	if err != nil {
		return nil, resultGone(ctx, err)
	}
	if columns != nil {
		out.ResultSet.ResultSetMetadata.ColumnInfo = columns
	}
	object := &objectReader{ctx: ctx, objects: s.objects, bucket: bucket, key: key, offset: offset}
	defer object.Close()
	r := &rowReader{r: bufio.NewReaderSize(object, 64<<10), plain: !strings.HasSuffix(key, ".csv"), fields: d.Subtype == "SHOW_FUNCTIONS"}
	for {
		if len(out.ResultSet.Rows) == limit || r.consumed > pageBytes {
			if _, err := r.r.Peek(1); err == nil {
				out.NextToken = encodeOffset(offset + r.consumed)
			}
			return out, nil
		}
		row, err := r.next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, resultGone(ctx, fmt.Errorf("read result %s: %w", d.ID, err))
		}
		out.ResultSet.Rows = append(out.ResultSet.Rows, types.Row{Data: row})
	}
}

// counts says whether a result has a number of rows that were written, zero included.
func (d *executionDoc) counts() bool {
	switch d.Subtype {
	case "EXPLAIN", "DESCRIBE_TABLE", "SHOW_CREATE_TABLE":
		return false
	}
	return d.Type != "DDL"
}

// notThere says whether an object or its bucket does not exist.
func notThere(err error) bool {
	var api interface{ ErrorCode() string }
	return errors.As(err, &api) && (api.ErrorCode() == "NoSuchKey" || api.ErrorCode() == "NoSuchBucket")
}

// resultGone words the loss of a result object, which belongs to the client.
func resultGone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var api interface{ ErrorCode() string }
	if notThere(err) || errors.As(err, &api) && api.ErrorCode() == "InvalidRange" {
		return invalidRequest("RESULT_NOT_FOUND", "Could not find results")
	}
	if errors.As(err, &api) && api.ErrorCode() == "AccessDenied" {
		return invalidRequest("", "You do not seem to have access to the S3 location of your query results. Please confirm your account has access to the S3 location where your query results are saved and try again. If specifying an expected bucket owner, confirm the bucket is owned by the expected account.")
	}
	var bad *metadataError
	if errors.As(err, &bad) {
		return invalidRequest("RESULT_NOT_FOUND", "Could not read results: %s", bad)
	}
	return err
}

func encodeOffset(n int64) *string {
	return aws.String(base64.RawURLEncoding.EncodeToString(strconv.AppendInt(nil, n, 10)))
}

func decodeOffset(token *string) (int64, error) {
	if aws.ToString(token) == "" {
		return 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(*token)
	if err == nil {
		n, err := strconv.ParseInt(string(b), 10, 64)
		if err == nil && n > 0 {
			return n, nil
		}
	}
	return 0, invalidRequest("INVALID_INPUT", "Malformed nextPageToken %s", *token)
}

// maxRow bounds the bytes of one row that is read back.
const maxRow = 64 << 20

var errRow = errors.New("malformed row")

// rowReader reads the rows of a result object and counts their bytes.
type rowReader struct {
	r        *bufio.Reader
	plain    bool // a line is a value
	fields   bool // a line is values with tabs between them
	ended    bool // the line without a break behind it was read
	consumed int64
}

func (r *rowReader) byte() (byte, error) {
	c, err := r.r.ReadByte()
	if err == nil {
		r.consumed++
	}
	return c, err
}

func (r *rowReader) next() ([]types.Datum, error) {
	if r.plain {
		line, err := r.r.ReadString('\n')
		if r.ended || err == io.EOF && line == "" && r.consumed == 0 {
			return nil, io.EOF
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
		r.consumed += int64(len(line))
		r.ended = err == io.EOF
		line = strings.TrimSuffix(line, "\n")
		if !r.fields {
			return []types.Datum{{VarCharValue: aws.String(line)}}, nil
		}
		var row []types.Datum
		for value := range strings.SplitSeq(line, "\t") {
			row = append(row, types.Datum{VarCharValue: aws.String(value)})
		}
		return row, nil
	}
	var row []types.Datum
	var value []byte
	quoted := false
	end := func() {
		if quoted || len(value) > 0 {
			row = append(row, types.Datum{VarCharValue: aws.String(string(value))})
		} else {
			row = append(row, types.Datum{})
		}
		value, quoted = value[:0], false
	}
	start := r.consumed
	for {
		c, err := r.byte()
		if err == io.EOF {
			if r.consumed == start {
				return nil, io.EOF
			}
			end()
			return row, nil
		}
		if err != nil {
			return nil, err
		}
		if r.consumed-start > maxRow {
			return nil, errRow
		}
		switch c {
		case '"':
			quoted = true
			for {
				c, err := r.byte()
				if err == io.EOF {
					return nil, errRow
				}
				if err != nil {
					return nil, err
				}
				if r.consumed-start > maxRow {
					return nil, errRow
				}
				if c == '"' {
					if p, err := r.r.Peek(1); err != nil || p[0] != '"' {
						break
					}
					if _, err := r.byte(); err != nil {
						return nil, err
					}
				}
				value = append(value, c)
			}
		case ',':
			end()
		case '\n':
			end()
			return row, nil
		default:
			value = append(value, c)
		}
	}
}
