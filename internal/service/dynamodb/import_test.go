package dynamodb

import (
	"bytes"
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
	for _, want := range []string{`"ImportStatus":"COMPLETED"`, `"ImportedItemCount":2`, `"ErrorCount":1`, `"S3BucketOwner":"111122223333"`, `"Delimiter":";"`, `"BillingMode":"PAY_PER_REQUEST"`, `"IndexName":"byg"`} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %s in %s", want, answer)
		}
	}
	if code, body := h.call("Query", `{"TableName":"into","IndexName":"byg","KeyConditionExpression":"g = :g","ExpressionAttributeValues":{":g":{"S":"1"}}}`); code != 200 || !strings.Contains(string(body), `"Count":2`) {
		t.Errorf("%d %s", code, body)
	}
	for _, c := range []struct{ body, want string }{
		{`{"ClientToken":"once","S3BucketSource":{"S3Bucket":"bkt"},` + strings.Replace(importInto, `"into"`, `"first"`, 1) + `}`, `"ImportArn"`},
		{`{"ClientToken":"once","S3BucketSource":{"S3Bucket":"bkt"},` + strings.Replace(importInto, `"into"`, `"second"`, 1) + `}`, "ImportConflictException"},
		{`{"ClientToken":"once","S3BucketSource":{"S3Bucket":"bkt","S3KeyPrefix":"other"},` + strings.Replace(importInto, `"into"`, `"first"`, 1) + `}`, "ImportConflictException"},
		{`{"ClientToken":"once","S3BucketSource":{"S3Bucket":"bkt"},` + strings.Replace(strings.Replace(importInto, `"into"`, `"first"`, 1), `";"`, `","`, 1) + `}`, "ImportConflictException"},
		{`{"ClientToken":"once","S3BucketSource":{"S3Bucket":"bkt"},` + strings.Replace(strings.Replace(importInto, `"into"`, `"first"`, 1), `"byg"`, `"byh"`, 1) + `}`, "ImportConflictException"},
		{`{"ClientToken":"once","S3BucketSource":{"S3Bucket":"bkt"},` + strings.Replace(importInto, `"into"`, `"first"`, 1) + `}`, `"ImportArn"`},
		{`{"S3BucketSource":{"S3Bucket":"bkt"},` + strings.Replace(importInto, `"CSV"`, `"DYNAMODB_JSON"`, 1) + `}`, "Unsupported InputFormatOptions for the given input format: DYNAMODB_JSON."},
	} {
		if _, answer := h.call("ImportTable", c.body); !strings.Contains(string(answer), c.want) {
			t.Errorf("%s: %s, want %s", c.body, answer, c.want)
		}
	}
	if code, body := h.call("DeleteTable", `{"TableName":"into"}`); code != 200 {
		t.Fatalf("%s", body)
	}
	if answer := string(h.importing(`{"S3Bucket":"bkt","S3BucketOwner":"444455556666"}`)); !strings.Contains(answer, `"ImportStatus":"FAILED"`) {
		t.Errorf("from the bucket of another owner: %s", answer)
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
