package glue

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/etl"
)

// The options of the nodes of visual jobs that more than one field of package etl comes from.
//
// Stored, and without an effect here, as they change how fast, in what order or in how many parts Spark reads, and not
// what a job writes: GroupFiles, GroupSize, MaxBand, MaxFilesInBand, OptimizePerformance and Multiline (records that go over
// several lines are always read as one), CompressionType (the content of an object says how it is compressed), WriteHeader of
// a source; the pace of reading of StreamingOptions (MaxFetch..., MaxRecordPerRead, IdleTime..., AddIdleTime...,
// DescribeShardInterval, NumRetries, ...RetryIntervalMs, AvoidEmptyBatches) and EndpointUrl, as streams are this node's. What is
// for Glue Studio alone is stored, too: OutputSchemas, SamplePath, DataPreviewOptions.

// csvOptions are how a CSV source reads.
func csvOptions(v *types.S3CsvSource) (etl.ReadOptions, error) {
	o := etl.ReadOptions{Format: "csv", Header: aws.ToBool(v.WithHeader), SkipFirst: aws.ToBool(v.SkipFirst)}
	switch v.Separator {
	case "", types.SeparatorComma:
	case types.SeparatorCtrla:
		o.Delimiter = '\x01'
	case types.SeparatorPipe:
		o.Delimiter = '|'
	case types.SeparatorSemicolon:
		o.Delimiter = ';'
	case types.SeparatorTab:
		o.Delimiter = '\t'
	default:
		return o, fmt.Errorf("the separator %q does not exist", v.Separator)
	}
	switch v.QuoteChar {
	case "", types.QuoteCharQuote:
	case types.QuoteCharSingleQuote:
		o.Quote = '\''
	case types.QuoteCharDisabled:
		o.Quote = -1
	default:
		return o, fmt.Errorf("the quote character %q is not supported", v.QuoteChar)
	}
	if e := []rune(aws.ToString(v.Escaper)); len(e) == 1 {
		o.Escape = e[0]
	} else if len(e) > 1 {
		return o, errors.New("the Escaper has more than one character")
	}
	return o, o.Check()
}

// bound takes the limits of a run with bookmarks.
func (f *fileSource) bound(o *types.S3DirectSourceAdditionalOptions) error {
	if o == nil {
		return nil
	}
	return f.bounds(o.BoundedFiles, o.BoundedSize)
}

func (f *fileSource) bounds(files, bytes *int64) error {
	f.boundedFiles, f.boundedBytes = aws.ToInt64(files), aws.ToInt64(bytes)
	if f.boundedFiles < 0 || f.boundedBytes < 0 {
		return errors.New("BoundedFiles and BoundedSize are not negative")
	}
	return nil
}

// jsonPath takes the path of the records of a JSON source.
func (f *fileSource) jsonPath(path string) (err error) {
	f.read.Path, err = etl.ParseRecordPath(path)
	return err
}

func parquetSourceCodec(c types.ParquetCompressionType) error {
	if c == types.ParquetCompressionTypeLzo {
		return errors.New("the compression lzo cannot be read")
	}
	return nil
}

// maxTargetParts bounds NumberTargetPartitions.
const maxTargetParts = 10000

// targetParts is NumberTargetPartitions; 0: it says nothing.
func targetParts(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 || n > maxTargetParts {
		return 0, fmt.Errorf("NumberTargetPartitions must be a number between 0 and %d, not %q", maxTargetParts, s)
	}
	return n, nil
}

// jsonPathOf is a path that a node writes as one text.
func jsonPathOf(s *string) []string {
	text := strings.TrimPrefix(strings.TrimPrefix(aws.ToString(s), "$"), ".")
	if text == "" {
		return nil
	}
	return strings.Split(text, ".")
}

func dropNulls(v *types.DropNullFields) etl.DropNullFields {
	var t etl.DropNullFields
	if b := v.NullCheckBoxList; b != nil {
		t.Empty, t.NullText, t.MinusOne = aws.ToBool(b.IsEmpty), aws.ToBool(b.IsNullString), aws.ToBool(b.IsNegOne)
	}
	for _, n := range v.NullTextList {
		x := etl.NullValue{Text: aws.ToString(n.Value), Type: "string"}
		if n.Datatype != nil {
			x.Type = aws.ToString(n.Datatype.Id)
		}
		t.Values = append(t.Values, x)
	}
	return t
}

// joinOf tells the sides of a join by the input that each of its columns comes from.
func joinOf(v *types.Join) (etl.Join, error) {
	t := etl.Join{Type: string(v.JoinType)}
	if len(v.Inputs) != 2 || len(v.Columns) != 2 {
		return t, errors.New("a join has two inputs, and Columns for each of them")
	}
	for i, c := range v.Columns {
		side := i // of two columns of one input, in their order
		if v.Inputs[0] != v.Inputs[1] {
			if side = slices.Index(v.Inputs, aws.ToString(c.From)); side < 0 {
				return t, fmt.Errorf("a column is of %q, which is not an input of the node", aws.ToString(c.From))
			}
		}
		keys := &t.Left
		if side == 1 {
			keys = &t.Right
		}
		if *keys != nil {
			return t, fmt.Errorf("the input %q is twice in Columns", aws.ToString(c.From))
		}
		*keys = c.Keys
	}
	return t, nil
}
