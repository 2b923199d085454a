package dynamodb

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// oneObject is a bucket of an owner with one object.
type oneObject struct {
	memoryS3
	owner, key, text string
}

func (o *oneObject) mine(owner *string) error {
	if owner != nil && *owner != o.owner {
		return &s3types.NoSuchBucket{Message: aws.String("of another owner")}
	}
	return nil
}

func (o *oneObject) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	return &s3.ListObjectsV2Output{Contents: []s3types.Object{{Key: &o.key, Size: aws.Int64(int64(len(o.text)))}}}, o.mine(in.ExpectedBucketOwner)
}

func (o *oneObject) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader([]byte(o.text)))}, o.mine(in.ExpectedBucketOwner)
}

const importInto = `"InputFormat":"CSV","InputFormatOptions":{"Csv":{"Delimiter":";"}},"TableCreationParameters":{"TableName":"into","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],
	"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"g","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST",
	"GlobalSecondaryIndexes":[{"IndexName":"byg","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]}`

// importing runs an import to its end, and returns how that is described.
func (h *harness) importing(source string) []byte {
	h.t.Helper()
	code, answer := h.call("ImportTable", `{"S3BucketSource":`+source+`,`+importInto+`}`)
	if code != 200 {
		h.t.Fatalf("%d %s", code, answer)
	}
	ask := `{"ImportArn":"` + lookup(answer, ".ImportTableDescription.ImportArn") + `"}`
	for range 6000 {
		if _, answer = h.call("DescribeImport", ask); lookup(answer, ".ImportTableDescription.ImportStatus") != "IN_PROGRESS" {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	return answer
}

func TestImport(t *testing.T) {
	h := newHarness(t, Config{S3: &oneObject{owner: "111122223333", key: "a.csv", text: "pk;g;v\na;1;x\nb;1;y\n;1;no key\n"}})
	answer := string(h.importing(`{"S3Bucket":"bkt","S3BucketOwner":"111122223333"}`))
	for _, want := range []string{`"ImportStatus":"FAILED"`, `"FailureCode":"ItemValidationError"`, `"FailureMessage":"Some of the items failed validation checks and were not imported.`, `"ImportedItemCount":2`, `"ProcessedItemCount":3`, `"ErrorCount":1`,
		`"ProcessedSizeBytes":29`, `"InputCompressionType":"NONE"`, `"S3BucketOwner":"111122223333"`, `"Delimiter":";"`, `"BillingMode":"PAY_PER_REQUEST"`, `"IndexName":"byg"`} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %s in %s", want, answer)
		}
	}
	if code, body := h.call("Query", `{"TableName":"into","IndexName":"byg","KeyConditionExpression":"g = :g","ExpressionAttributeValues":{":g":{"S":"1"}}}`); code != 200 || !strings.Contains(string(body), `"Count":2`) {
		t.Errorf("%d %s", code, body)
	}
	if _, body := h.call("ImportTable", `{"S3BucketSource":{"S3Bucket":"bkt"},`+strings.Replace(importInto, `"CSV"`, `"DYNAMODB_JSON"`, 1)+`}`); !strings.Contains(string(body), "Unsupported InputFormatOptions for the given input format: DYNAMODB_JSON.") {
		t.Errorf("%s", body)
	}
	if code, body := h.call("DeleteTable", `{"TableName":"into"}`); code != 200 {
		t.Fatalf("%s", body)
	}
	if answer := string(h.importing(`{"S3Bucket":"bkt","S3BucketOwner":"444455556666"}`)); !strings.Contains(answer, `"ImportStatus":"FAILED"`) || !strings.Contains(answer, `"FailureCode":"S3NoSuchBucket"`) || !strings.Contains(answer, `"TableId"`) {
		t.Errorf("from the bucket of another owner: %s", answer)
	}
	if h.settle(); h.exists("into") {
		t.Error("an import that could not read its bucket leaves a table")
	}
}

// TestImportThatDidNotBegin has a table whose import a crash kept from beginning: it becomes
// ACTIVE, and can be deleted.
func TestImportThatDidNotBegin(t *testing.T) {
	h := newHarness(t, Config{S3: &memoryS3{}})
	h.call("CreateTable", `{"TableName":"left","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}`)
	h.settle()
	all, err := h.s.tables.All()
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	if _, err := h.s.modify(t.Context(), all[0], func(d *table) error {
		d.Status, d.Importing = string(types.TableStatusCreating), true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	remove := func() (int, []byte) { return h.call("DeleteTable", `{"TableName":"left"}`) }
	h.run("advance 30s")
	if code, body := remove(); code != 400 {
		t.Errorf("while its import may yet begin: %s", body)
	}
	h.run("advance 1m")
	if code, body := remove(); code != 200 {
		t.Errorf("%s", body)
	}
}

// TestOldImports: an import is told of for 90 days after its end.
func TestOldImports(t *testing.T) {
	h := newHarness(t, Config{S3: &oneObject{key: "a.csv", text: "pk;g\na;1\n"}})
	h.importing(`{"S3Bucket":"bkt"}`)
	listed := func() int {
		_, answer := h.call("ListImports", `{}`)
		return strings.Count(string(answer), `"ImportArn"`)
	}
	if h.run("advance 2159h"); listed() != 1 {
		t.Error("an import is forgotten after less than 90 days")
	}
	if h.run("advance 2h"); listed() != 0 {
		t.Error("an import is not forgotten after 90 days")
	}
	if code, body := h.call("DescribeTable", `{"TableName":"into"}`); code != 200 {
		t.Errorf("its table: %s", body)
	}
}

func (h *harness) exists(table string) bool {
	code, _ := h.call("DescribeTable", `{"TableName":"`+table+`"}`)
	return code == 200
}

// heldObject is a bucket that is read when it is let go.
type heldObject struct {
	oneObject
	hold chan struct{}
}

func (o *heldObject) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, with ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	select {
	case <-o.hold:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return o.oneObject.ListObjectsV2(ctx, in, with...)
}

// TestImportToken: while an import runs, its token stands for it whatever else a request says but
// another table; after its end its table is in use.
func TestImportToken(t *testing.T) {
	held := &heldObject{oneObject: oneObject{key: "a.csv", text: "pk;g\na;1\n"}, hold: make(chan struct{})}
	h := newHarness(t, Config{S3: held})
	body := `{"ClientToken":"once","S3BucketSource":{"S3Bucket":"bkt"},` + importInto + `}`
	_, first := h.call("ImportTable", body)
	id := lookup(first, ".ImportTableDescription.ImportArn")
	if id == "" {
		t.Fatalf("%s", first)
	}
	for _, change := range [][2]string{{"", ""}, {`"bkt"`, `"other"`}, {`"bkt"`, `"bkt","S3KeyPrefix":"other/"`}, {`"CSV"`, `"CSV","InputCompressionType":"GZIP"`}, {`";"`, `","`}, {`"byg"`, `"byh"`}} {
		if _, answer := h.call("ImportTable", strings.Replace(body, change[0], change[1], 1)); string(answer) != string(first) {
			t.Errorf("%s for %s: %s, want %s", change[1], change[0], answer, first)
		}
	}
	if _, answer := h.call("ImportTable", strings.Replace(body, `"into"`, `"elsewhere"`, 1)); !strings.Contains(string(answer), "ImportConflictException") || !strings.Contains(string(answer), "Import conflict: Duplicate request detected with conflicting parameters") {
		t.Errorf("another table: %s", answer)
	}
	close(held.hold)
	for range 6000 {
		if _, answer := h.call("DescribeImport", `{"ImportArn":"`+id+`"}`); lookup(answer, ".ImportTableDescription.ImportStatus") != "IN_PROGRESS" {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if _, answer := h.call("ImportTable", body); !strings.Contains(string(answer), "ResourceInUseException") || !strings.Contains(string(answer), "Table already exists: into") {
		t.Errorf("after the end: %s", answer)
	}
	if code, answer := h.call("DeleteTable", `{"TableName":"into"}`); code != 200 {
		t.Fatalf("%s", answer)
	}
	h.settle()
	if _, answer := h.call("ImportTable", body); lookup(answer, ".ImportTableDescription.ImportArn") != id || lookup(answer, ".ImportTableDescription.ImportStatus") != "COMPLETED" || h.exists("into") {
		t.Errorf("after its table: %s", answer)
	}
}

// TestImportBrokenRows: a line that cannot be read ends its object, one that is not an item of the
// table does not.
func TestImportBrokenRows(t *testing.T) {
	line := func(pk string) string { return `{"Item":{"pk":{"S":"` + pk + `"}}}` + "\n" }
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, line("a")+line("b"))
	z.Close()
	for name, c := range map[string]struct {
		text, how                      string
		processed, imported, wrong, of int
	}{
		"sound":       {line("a") + "\n  \n" + line("b"), "NONE", 2, 2, 0, 2*len(line("a")) + 4},
		"compressed":  {zipped.String(), "GZIP", 2, 2, 0, 2 * len(line("a"))},
		"no key":      {line("a") + `{"Item":{"g":{"S":"x"}}}` + "\n" + line("b"), "NONE", 3, 2, 1, 0},
		"other type":  {line("a") + `{"Item":{"pk":{"N":"1"}}}` + "\n" + line("b"), "NONE", 3, 2, 1, 0},
		"garbage":     {line("a") + "garbage\n" + line("b"), "NONE", 2, 1, 1, 0},
		"no item":     {line("a") + `{"NotAnItem":{}}` + "\n" + line("b"), "NONE", 2, 1, 1, 0},
		"not gzip":    {line("a"), "GZIP", 1, 0, 1, 0},
		"not zstd":    {line("a"), "ZSTD", 1, 0, 1, 0},
		"cut off":     {zipped.String()[:zipped.Len()-6], "GZIP", 3, 2, 1, 0},
		"no object":   {"", "NONE", 0, 0, 0, 0},
		"not a table": {"a;b\n", "NONE", 1, 0, 1, 0},
	} {
		h := newHarness(t, Config{S3: &oneObject{key: "a.json", text: c.text}})
		_, answer := h.call("ImportTable", `{"S3BucketSource":{"S3Bucket":"bkt"},"InputFormat":"DYNAMODB_JSON","InputCompressionType":"`+c.how+`","TableCreationParameters":{"TableName":"into","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}}`)
		ask := `{"ImportArn":"` + lookup(answer, ".ImportTableDescription.ImportArn") + `"}`
		for range 6000 {
			if _, answer = h.call("DescribeImport", ask); lookup(answer, ".ImportTableDescription.ImportStatus") != "IN_PROGRESS" {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		status := `"ImportStatus":"COMPLETED"`
		if c.wrong > 0 {
			status = `"ImportStatus":"FAILED"`
		}
		for _, want := range []string{status, `"ProcessedItemCount":` + itoa(c.processed), `"ImportedItemCount":` + itoa(c.imported), `"ErrorCount":` + itoa(c.wrong)} {
			if !strings.Contains(string(answer), want) {
				t.Errorf("%s: no %s in %s", name, want, answer)
			}
		}
		if c.of > 0 && !strings.Contains(string(answer), `"ProcessedSizeBytes":`+itoa(c.of)) {
			t.Errorf("%s: not of %d bytes: %s", name, c.of, answer)
		}
		if _, body := h.call("Scan", `{"TableName":"into"}`); !strings.Contains(string(body), `"Count":`+itoa(c.imported)+`,`) {
			t.Errorf("%s: %s", name, body)
		}
	}
}

// TestListJobs pages jobs with tokens that SDKs take, and refuses jobs of other accounts and regions.
func TestListJobs(t *testing.T) {
	h := newHarness(t, Config{S3: &memoryS3{}})
	h.call("CreateTable", `{"TableName":"from","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}`)
	h.settle()
	h.call("UpdateContinuousBackups", `{"TableName":"from","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}}`)
	const table = `"TableArn":"arn:aws:dynamodb:us-east-1:000000000000:table/from"`
	var last string
	for range 3 {
		h.clock.Advance(time.Second)
		last = h.export(`{` + table + `,"S3Bucket":"bkt"}`).ExportDescription["ExportArn"].(string)
	}
	_, first := h.call("ListExports", `{`+table+`,"MaxResults":2}`)
	token := lookup(first, ".NextToken")
	if len(token) < 112 || strings.Trim(token, "0123456789abcdef") != "" {
		t.Errorf("token %q", token)
	}
	if _, rest := h.call("ListExports", `{`+table+`,"MaxResults":2,"NextToken":"`+token+`"}`); strings.Count(string(first)+string(rest), `"ExportArn"`) != 3 || lookup(rest, ".NextToken") != "" {
		t.Errorf("%s then %s", first, rest)
	}
	for _, c := range []struct{ op, body, want string }{
		{"ListImports", `{"NextToken":"` + token + `"}`, "Invalid Request: Provided nextToken is invalid: "},
		{"DescribeExport", `{"ExportArn":"` + strings.Replace(last, "000000000000", "111122223333", 1) + `"}`, "Access is denied"},
		{"DescribeExport", `{"ExportArn":"` + strings.Replace(last, "us-east-1", "eu-west-1", 1) + `"}`, "Export not found: Invalid export arn"},
		{"DescribeImport", `{"ImportArn":"arn:aws:dynamodb:us-east-1:111122223333:table/from/import/01767323045000-00000000"}`, "Access is denied"},
		{"ExportTableToPointInTime", `{"S3Bucket":"bkt",` + strings.Replace(table, "000000000000", "111122223333", 1) + `}`, "Access is denied"},
	} {
		if code, answer := h.call(c.op, c.body); code != 400 || !strings.Contains(string(answer), c.want) {
			t.Errorf("%s %s: %d %s", c.op, c.body, code, answer)
		}
	}
	h.call("DeleteTable", `{"TableName":"from"}`)
	h.settle()
	if _, answer := h.call("ListExports", `{`+table+`}`); strings.Contains(string(answer), "ExportArn") {
		t.Errorf("of a table that is gone: %s", answer)
	}
	if code, answer := h.call("DescribeExport", `{"ExportArn":"`+last+`"}`); code != 200 {
		t.Errorf("%s", answer)
	}
}
