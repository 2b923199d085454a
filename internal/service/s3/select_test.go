package s3

import (
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestSelect(t *testing.T) {
	n := openNode(t, filepath.Join(t.TempDir(), "objects"))
	c := n.client(controlAccount, "us-east-1")
	makeBucket(t, c, "bkt")
	const object = "name,age\nAnn,34\nBob,7\n"
	put(t, c, "bkt", "a.csv", object)
	in := &s3.SelectObjectContentInput{
		Bucket: aws.String("bkt"), Key: aws.String("a.csv"), Expression: aws.String("SELECT s.name FROM S3Object s WHERE s.age > 10"), ExpressionType: "SQL",
		InputSerialization:  &types.InputSerialization{CSV: &types.CSVInput{FileHeaderInfo: "USE"}},
		OutputSerialization: &types.OutputSerialization{JSON: &types.JSONOutput{}}, RequestProgress: &types.RequestProgress{Enabled: aws.Bool(true)},
	}
	out, err := c.SelectObjectContent(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	var got string
	var last, stats any
	for e := range out.GetStream().Events() {
		switch e := e.(type) {
		case *types.SelectObjectContentEventStreamMemberRecords:
			got += string(e.Value.Payload)
		case *types.SelectObjectContentEventStreamMemberStats:
			stats = *e.Value.Details.BytesScanned
		}
		last = e
	}
	out.GetStream().Close()
	if _, ended := last.(*types.SelectObjectContentEventStreamMemberEnd); got != "{\"name\":\"Ann\"}\n" || !ended || stats != int64(len(object)) || out.GetStream().Err() != nil {
		t.Errorf("%q, ended with %T, %v bytes, %v", got, last, stats, out.GetStream().Err())
	}
	for want, change := range map[string]func(*s3.SelectObjectContentInput){
		"MissingHeaders":        func(i *s3.SelectObjectContentInput) { i.Expression = aws.String("SELECT none FROM S3Object") },
		"NoSuchKey":             func(i *s3.SelectObjectContentInput) { i.Key = aws.String("none") },
		"InvalidExpressionType": func(i *s3.SelectObjectContentInput) { i.ExpressionType = "PHP" },
		"InvalidFileHeaderInfo": func(i *s3.SelectObjectContentInput) {
			i.InputSerialization = &types.InputSerialization{CSV: &types.CSVInput{FileHeaderInfo: "X"}}
		},
		"InvalidScanRange":  func(i *s3.SelectObjectContentInput) { i.ScanRange = &types.ScanRange{Start: aws.Int64(1000)} },
		"InvalidDataSource": func(i *s3.SelectObjectContentInput) { i.InputSerialization = &types.InputSerialization{} },
		"ObjectSerializationConflict": func(i *s3.SelectObjectContentInput) {
			i.InputSerialization = &types.InputSerialization{CSV: &types.CSVInput{}, Parquet: &types.ParquetInput{}}
		},
		"InvalidJsonType": func(i *s3.SelectObjectContentInput) {
			i.InputSerialization = &types.InputSerialization{JSON: &types.JSONInput{Type: "X"}}
		},
		"InvalidCompressionFormat": func(i *s3.SelectObjectContentInput) {
			i.InputSerialization = &types.InputSerialization{CSV: &types.CSVInput{}, CompressionType: "ZIP"}
		},
	} {
		bad := *in
		change(&bad)
		if _, err := c.SelectObjectContent(t.Context(), &bad); codeOf(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
