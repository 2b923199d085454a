package dynamodb

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// memoryS3 keeps objects by key, whatever the bucket.
type memoryS3 struct {
	mu      sync.Mutex
	objects map[string][]byte
}

func (m *memoryS3) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	b, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects == nil {
		m.objects = map[string][]byte{}
	}
	m.objects[*in.Key] = b
	return &s3.PutObjectOutput{ETag: aws.String(`"etag"`)}, nil
}

func (m *memoryS3) GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	return nil, fmt.Errorf("not asked for")
}

func (m *memoryS3) ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	return nil, fmt.Errorf("not asked for")
}

// lines are the lines of the data files that a manifest names, in order.
func (m *memoryS3) lines(t *testing.T, manifest string) []string {
	t.Helper()
	var out []string
	for _, line := range strings.Split(strings.TrimSpace(string(m.objects[manifest])), "\n") {
		var file struct{ DataFileS3Key string }
		if err := json.Unmarshal([]byte(line), &file); err != nil {
			t.Fatalf("%s: %q: %v", manifest, line, err)
		}
		r, err := gzip.NewReader(bytes.NewReader(m.objects[file.DataFileS3Key]))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range strings.Split(strings.TrimSpace(string(b)), "\n") {
			if l != "" {
				out = append(out, l)
			}
		}
	}
	slices.Sort(out)
	return out
}

// export runs an export to its end, and returns its description.
func (h *harness) export(body string) (d struct{ ExportDescription map[string]any }) {
	h.t.Helper()
	code, answer := h.call("ExportTableToPointInTime", body)
	if code != 200 {
		h.t.Fatalf("%d %s", code, answer)
	}
	ask := `{"ExportArn":"` + lookup(answer, ".ExportDescription.ExportArn") + `"}`
	for range 6000 {
		if _, answer = h.call("DescribeExport", ask); lookup(answer, ".ExportDescription.ExportStatus") != "IN_PROGRESS" {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := json.Unmarshal(answer, &d); err != nil {
		h.t.Fatal(err)
	}
	if d.ExportDescription["ExportStatus"] != "COMPLETED" {
		h.t.Fatalf("%s", answer)
	}
	return d
}

func TestIncrementalExport(t *testing.T) {
	store := &memoryS3{}
	h := newHarness(t, Config{S3: store})
	do := func(op, body string) {
		t.Helper()
		if code, answer := h.call(op, body); code != 200 {
			t.Fatalf("%s %s: %d %s", op, body, code, answer)
		}
	}
	put := func(before, v string) {
		do("PutItem", `{"TableName":"orders","Item":{"before":{"S":"`+before+`"},"v":{"N":"`+v+`"}}}`)
	}
	remove := func(before string) { do("DeleteItem", `{"TableName":"orders","Key":{"before":{"S":"`+before+`"}}}`) }

	do("CreateTable", `{"TableName":"orders","KeySchema":[{"AttributeName":"before","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"before","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}`)
	h.settle()
	do("UpdateContinuousBackups", `{"TableName":"orders","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}}`)
	h.clock.Advance(time.Minute)
	put("changed", "1")
	put("deleted", "1")
	put("kept", "1")
	h.clock.Advance(time.Minute)
	from := h.clock.Now()
	put("changed", "2")
	put("changed", "3")
	remove("deleted")
	put("new", "1")
	put("passing", "1")
	remove("passing")
	h.clock.Advance(20 * time.Minute)
	to := h.clock.Now()
	put("changed", "4")
	h.clock.Advance(time.Minute)

	arn := `"TableArn":"arn:aws:dynamodb:us-east-1:000000000000:table/orders"`
	if code, answer := h.call("DescribeTable", `{"TableName":"orders"}`); code == 200 {
		arn = `"TableArn":"` + lookup(answer, ".Table.TableArn") + `"`
	}
	request := func(from, to time.Time, view string) string {
		return fmt.Sprintf(`{%s,"S3Bucket":"bkt","S3Prefix":"p","ExportType":"INCREMENTAL_EXPORT","IncrementalExportSpecification":{"ExportFromTime":%d,"ExportToTime":%d%s}}`, arn, from.Unix(), to.Unix(), view)
	}
	at := fmt.Sprintf(`{"Metadata":{"WriteTimestampMicros":{"N":"%d"}},"Keys":{"before":{"S":"`, from.UnixMicro())
	for _, c := range []struct {
		view string
		want []string
	}{
		{"", []string{
			at + `changed"}},"OldImage":{"before":{"S":"changed"},"v":{"N":"1"}},"NewImage":{"before":{"S":"changed"},"v":{"N":"3"}}}`,
			at + `deleted"}},"OldImage":{"before":{"S":"deleted"},"v":{"N":"1"}}}`,
			at + `new"}},"NewImage":{"before":{"S":"new"},"v":{"N":"1"}}}`,
		}},
		{`,"ExportViewType":"NEW_IMAGE"`, []string{
			at + `changed"}},"NewImage":{"before":{"S":"changed"},"v":{"N":"3"}}}`,
			at + `deleted"}}}`,
			at + `new"}},"NewImage":{"before":{"S":"new"},"v":{"N":"1"}}}`,
		}},
	} {
		d := h.export(request(from, to, c.view)).ExportDescription
		if d["ExportType"] != "INCREMENTAL_EXPORT" || d["ExportTime"] != nil || d["ItemCount"] != 3.0 {
			t.Errorf("described as %v", d)
		}
		var summary map[string]any
		if err := json.Unmarshal(store.objects[d["ExportManifest"].(string)], &summary); err != nil {
			t.Fatal(err)
		}
		if summary["exportType"] != "INCREMENTAL_EXPORT" || summary["outputView"] == nil || summary["exportTime"] != nil {
			t.Errorf("summary %v", summary)
		}
		got := store.lines(t, summary["manifestFilesS3Key"].(string))
		if !slices.Equal(got, c.want) {
			t.Errorf("exported\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
	for key := range store.objects {
		if strings.HasSuffix(key, ".json.gz") && !strings.HasPrefix(key, "p/AWSDynamoDB/data/") {
			t.Errorf("%s is not in the folder of incremental exports", key)
		}
	}
	full := h.export(`{` + arn + `,"S3Bucket":"bkt"}`).ExportDescription
	if full["ExportType"] != nil || full["ItemCount"] != 3.0 {
		t.Errorf("full export %v", full)
	}

	once := `{` + arn + `,"S3Bucket":"bkt","ClientToken":"once"`
	first := h.export(once + `}`).ExportDescription["ExportArn"]
	h.clock.Advance(time.Second)
	if again := h.export(once + `}`).ExportDescription["ExportArn"]; again != first {
		t.Errorf("the same token began %v and %v", first, again)
	}

	windows := func(from, to time.Time, token string) string {
		end := ""
		if !to.IsZero() {
			end = fmt.Sprintf(`,"ExportToTime":%d`, to.Unix())
		}
		return fmt.Sprintf(`{%s,"S3Bucket":"bkt","ClientToken":%q,"ExportType":"INCREMENTAL_EXPORT","IncrementalExportSpecification":{"ExportFromTime":%d%s}}`, arn, token, from.Unix(), end)
	}
	open := windows(from, time.Time{}, "open")
	first = h.export(open).ExportDescription["ExportArn"]
	h.clock.Advance(time.Minute)
	if again := h.export(open).ExportDescription["ExportArn"]; again != first {
		t.Errorf("the same token began %v and %v", first, again)
	}
	h.export(windows(from, to, "closed"))

	for _, c := range []struct{ body, want string }{
		{windows(from, to.Add(-time.Minute), "closed"), "ExportConflictException"},
		{windows(from, to, "open"), "ExportConflictException"},
		{once + `,"S3Prefix":"other"}`, "ExportConflictException"},
		{`{"TableArn":"orders","S3Bucket":"bkt"}`, "tableArn is not a valid ARN"},
		{strings.Replace(once, "table/orders", "table/orders/index/i", 1) + `}`, "Table ARN is invalid."},
		{`{` + arn + `,"S3Bucket":"bkt","S3SseKmsKeyId":"alias/mine"}`, "KMS Key Id is not supported"},
		{`{` + arn + `,"S3Bucket":"bkt","ExportType":"INCREMENTAL_EXPORT","IncrementalExportSpecification":{}}`, "ExportFromTime must be provided"},
		{request(from, from.Add(14*time.Minute), ""), "less than 15 minutes"},
		{request(from.Add(-time.Hour), to, ""), "InvalidExportTimeException"},
		{request(from, to.Add(time.Hour), ""), "InvalidExportTimeException"},
		{request(to, from, ""), "InvalidExportTimeException"},
		{`{` + arn + `,"S3Bucket":"bkt","ExportType":"INCREMENTAL_EXPORT"}`, "ValidationException"},
		{`{` + arn + `,"S3Bucket":"bkt","IncrementalExportSpecification":{"ExportFromTime":1}}`, "ValidationException"},
	} {
		if code, answer := h.call("ExportTableToPointInTime", c.body); code != 400 || !strings.Contains(string(answer), c.want) {
			t.Errorf("%s: %d %s, want %s", c.body, code, answer, c.want)
		}
	}
}

// TestExportFilter exports the items, and what of them, that a filter leaves.
func TestExportFilter(t *testing.T) {
	store := &memoryS3{}
	h := newHarness(t, Config{S3: store})
	do := func(op, body string) []byte {
		t.Helper()
		code, answer := h.call(op, body)
		if code != 200 {
			t.Fatalf("%s %s: %d %s", op, body, code, answer)
		}
		return answer
	}
	do("CreateTable", `{"TableName":"orders","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}],"BillingMode":"PAY_PER_REQUEST"}`)
	h.settle()
	do("UpdateContinuousBackups", `{"TableName":"orders","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}}`)
	for _, pk := range []string{"a", "b"} {
		for i := range 4 {
			do("PutItem", fmt.Sprintf(`{"TableName":"orders","Item":{"pk":{"S":%q},"sk":{"N":"%d"},"v":{"N":"%d"},"name":{"S":"n"}}}`, pk, i, i%2))
		}
	}
	arn := `"TableArn":"` + lookup(do("DescribeTable", `{"TableName":"orders"}`), ".Table.TableArn") + `","S3Bucket":"bkt"`
	export := func(filter string) []string {
		t.Helper()
		d := h.export(`{` + arn + `,"FilterSpecification":` + filter + `}`).ExportDescription
		if d["FilterSpecification"] == nil {
			t.Errorf("described as %v", d)
		}
		lines := store.lines(t, strings.Replace(d["ExportManifest"].(string), "summary", "files", 1))
		if int(d["ItemCount"].(float64)) != len(lines) {
			t.Errorf("%v items in %d lines", d["ItemCount"], len(lines))
		}
		return lines
	}
	for _, c := range []struct {
		filter string
		want   []string
	}{
		{`{"KeyConditionExpression":"pk = :p AND sk > :s","ExpressionAttributeValues":{":p":{"S":"b"},":s":{"N":"2"}}}`,
			[]string{`{"Item":{"name":{"S":"n"},"pk":{"S":"b"},"sk":{"N":"3"},"v":{"N":"1"}}}`}},
		{`{"FilterExpression":"v = :one AND sk < :two","ProjectionExpression":"pk, #n","ExpressionAttributeNames":{"#n":"name"},"ExpressionAttributeValues":{":one":{"N":"1"},":two":{"N":"2"}}}`,
			[]string{`{"Item":{"name":{"S":"n"},"pk":{"S":"a"}}}`, `{"Item":{"name":{"S":"n"},"pk":{"S":"b"}}}`}},
	} {
		if got := export(c.filter); !slices.Equal(got, c.want) {
			t.Errorf("%s exported\n%s", c.filter, strings.Join(got, "\n"))
		}
	}
	for _, c := range []struct{ filter, want string }{
		{`{"FilterExpression":"v = :one"}`, "value used in expression is not defined"},
		{`{"KeyConditionExpression":"sk = :s","ExpressionAttributeValues":{":s":{"N":"2"}}}`, "missed key schema element: pk"},
		{`{"KeyConditionExpression":"pk = :p","FilterExpression":"sk = :s","ExpressionAttributeValues":{":s":{"N":"2"},":p":{"S":"a"}}}`, "Primary key attribute: sk"},
		{`{"FilterExpression":"v = :v","ExpressionAttributeValues":{":v":{"N":"2"},":p":{"S":"a"}}}`, "unused in expressions"},
		{`{"ProjectionExpression":"pk.a"}`, "Key attributes must be scalars"},
		{`{"FilterExpression":"v = :v","ExpressionAttributeValues":{":v":{"S":"` + strings.Repeat("x", 2<<20) + `"}}}`, "exceed 2097152 bytes"},
	} {
		if code, answer := h.call("ExportTableToPointInTime", `{`+arn+`,"FilterSpecification":`+c.filter+`}`); code != 400 || !strings.Contains(string(answer), c.want) {
			t.Errorf("%.200s: %d %.200s", c.filter, code, answer)
		}
	}
}

// TestExportsOfOneToken begins an export of a token many times at once: there is one.
func TestExportsOfOneToken(t *testing.T) {
	h := newHarness(t, Config{S3: &memoryS3{}})
	h.call("CreateTable", `{"TableName":"orders","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}`)
	h.settle()
	h.call("UpdateContinuousBackups", `{"TableName":"orders","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}}`)
	_, table := h.call("DescribeTable", `{"TableName":"orders"}`)
	body := `{"TableArn":"` + lookup(table, ".Table.TableArn") + `","S3Bucket":"bkt","ClientToken":"once"}`
	var calls sync.WaitGroup
	arns := make([]string, 16)
	for i := range arns {
		calls.Go(func() {
			if code, answer := h.call("ExportTableToPointInTime", body); code == 200 {
				arns[i] = lookup(answer, ".ExportDescription.ExportArn")
			} else {
				t.Errorf("%d %s", code, answer)
			}
		})
	}
	calls.Wait()
	if slices.Sort(arns); len(slices.Compact(arns)) != 1 {
		t.Errorf("the token began %v", arns)
	}
}

// TestExportAfterCrash has a run of an export find what one has left that a crash ended, and leave nothing itself.
func TestExportAfterCrash(t *testing.T) {
	store := &memoryS3{}
	h := newHarness(t, Config{S3: store})
	for _, c := range [][2]string{
		{"CreateTable", `{"TableName":"orders","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}`},
		{"UpdateContinuousBackups", `{"TableName":"orders","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}}`},
		{"PutItem", `{"TableName":"orders","Item":{"pk":{"S":"there"}}}`},
	} {
		if code, answer := h.call(c[0], c[1]); code != 200 {
			t.Fatalf("%s: %s", c[0], answer)
		}
		h.settle()
	}
	at := h.clock.Now()
	h.clock.Advance(20 * time.Minute)
	tables, err := h.s.tables.All()
	if err != nil || len(tables) != 1 {
		t.Fatal(tables, err)
	}
	for name, w := range map[string]*window{"full": nil, "incremental": {From: at, To: at.Add(15 * time.Minute), View: "NEW_IMAGE"}} {
		j := h.s.newJob(t.Context(), "export", tables[0])
		j.At, j.Window = at, w
		def := &itemstore.Definition{ID: j.scratchID(), Hash: tables[0].keyAttribute("pk")}
		left, err := h.s.cfg.Items.Table(def)
		if err != nil {
			t.Fatal(err)
		}
		l := left.Loader()
		if err := l.Put(t.Context(), attr.Item{"pk": attr.String("left"), "at": attr.Number("1"), "after": attr.Map{}}); err != nil {
			t.Fatal(err)
		}
		if err := l.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := h.s.runExport(t.Context(), j); err != nil {
			t.Fatal(err)
		}
		if lines := store.lines(t, j.base()+"/manifest-files.json"); len(lines) != 1 || !strings.Contains(lines[0], `"there"`) {
			t.Errorf("%s: exported %v", name, lines)
		}
		if left, err = h.s.cfg.Items.Table(def); err != nil {
			t.Fatal(err)
		}
		err = left.Each(t.Context(), left.Scan(0, 0, 1), func([]byte) (bool, error) { return false, fmt.Errorf("there is a row") })
		if err != nil {
			t.Errorf("%s: after the export: %v", name, err)
		}
	}
}
