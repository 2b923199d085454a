package awswire

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/document"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/fxamacker/cbor/v2"

	"github.com/brookmere/brookmere/internal/awswire/model"
	"github.com/brookmere/brookmere/internal/awswire/scan"
)

// planFor is the plan of an operation's input or output.
func planFor(t testing.TB, service, shape string, v any, unions ...Union) (*planner, *plan) {
	t.Helper()
	m := model.MustLoad(service)
	b := newPlanner(m, API{Unions: unions, Documents: []Document{DocumentOf(document.NewLazyDocument)}})
	return b, b.plan(reflect.TypeOf(v).Elem(), m.Shapes[shape])
}

// AttributeValue is DynamoDB's union as its SDK writes it.
type AttributeValue interface{ isAttributeValue() }

type (
	AttributeValueMemberS    struct{ Value string }
	AttributeValueMemberN    struct{ Value string }
	AttributeValueMemberB    struct{ Value []byte }
	AttributeValueMemberBOOL struct{ Value bool }
	AttributeValueMemberNULL struct{ Value bool }
	AttributeValueMemberL    struct{ Value []AttributeValue }
	AttributeValueMemberM    struct{ Value map[string]AttributeValue }
	AttributeValueMemberSS   struct{ Value []string }
)

func (*AttributeValueMemberS) isAttributeValue()    {}
func (*AttributeValueMemberN) isAttributeValue()    {}
func (*AttributeValueMemberB) isAttributeValue()    {}
func (*AttributeValueMemberBOOL) isAttributeValue() {}
func (*AttributeValueMemberNULL) isAttributeValue() {}
func (*AttributeValueMemberL) isAttributeValue()    {}
func (*AttributeValueMemberM) isAttributeValue()    {}
func (*AttributeValueMemberSS) isAttributeValue()   {}

type PutItemInput struct {
	Item      map[string]AttributeValue
	TableName *string
}

var attributeValues = UnionOf[AttributeValue](
	&AttributeValueMemberS{}, &AttributeValueMemberN{}, &AttributeValueMemberB{}, &AttributeValueMemberBOOL{}, &AttributeValueMemberNULL{},
	&AttributeValueMemberL{}, &AttributeValueMemberM{}, &AttributeValueMemberSS{},
)

func TestUnions(t *testing.T) {
	b, p := planFor(t, "dynamodb", "PutItemInput", &PutItemInput{}, attributeValues)
	text := `{"Item":{"b":{"B":"AAE="},"l":{"L":[{"S":""},{"NULL":true},{"M":{}}]},"m":{"M":{"n":{"N":"1.50"},"t":{"BOOL":false}}},"ss":{"SS":["x","y"]}},"TableName":"tbl"}`
	var in PutItemInput
	if err := decodeJSON(b, p, []byte(text), reflect.ValueOf(&in).Elem()); err != nil {
		t.Fatal(err)
	}
	got, err := b.appendJSONStruct(nil, p, reflect.ValueOf(in))
	if err != nil || string(got) != text {
		t.Errorf("got  %s %v\nwant %s", got, err, text)
	}
	cb, err := b.appendCBORStruct(nil, p, reflect.ValueOf(in), true)
	if err != nil {
		t.Fatal(err)
	}
	var again PutItemInput
	if err := decodeCBOR(b, p, cb, reflect.ValueOf(&again).Elem(), true); err != nil || !reflect.DeepEqual(in, again) {
		t.Errorf("by CBOR: %+v %v", again, err)
	}
	if err := decodeJSON(b, p, []byte(`{"Item":{"a":{"S":"x","N":"1"}}}`), reflect.ValueOf(&again).Elem()); err == nil {
		t.Error("a union of two members was taken")
	}
	two := []byte("\xa1\x64Item\xa1\x61a\xa2\x61S\x61x\x61N\x611") // the same
	if err := decodeCBOR(b, p, two, reflect.ValueOf(&again).Elem(), true); err == nil || !strings.Contains(err.Error(), "more than one") {
		t.Errorf("a union of two members by CBOR: %v", err)
	}
	deep := strings.Repeat(`{"L":[`, scan.MaxDepth) + strings.Repeat(`]}`, scan.MaxDepth)
	if err := decodeJSON(b, p, []byte(`{"Item":{"a":`+deep+`}}`), reflect.ValueOf(&again).Elem()); err == nil {
		t.Error("nesting is not bounded")
	}
}

func TestDocuments(t *testing.T) {
	b, p := planFor(t, "glue", "IcebergStructField", &gluetypes.IcebergStructField{})
	text := `{"Id":1,"Name":"x","Required":true,"Type":{"a":[1,"b",null]},"InitialDefault":"long"}`
	var f gluetypes.IcebergStructField
	if err := decodeJSON(b, p, []byte(text), reflect.ValueOf(&f).Elem()); err != nil {
		t.Fatal(err)
	}
	out, err := b.appendJSONStruct(nil, p, reflect.ValueOf(f))
	if err != nil || !strings.Contains(string(out), `"Type":{"a":[1,"b",null]}`) || !strings.Contains(string(out), `"InitialDefault":"long"`) {
		t.Errorf("got %s %v", out, err)
	}
}

// TestGoFieldsHaveMembers finds members of the model that no Go field was matched to.
func TestGoFieldsHaveMembers(t *testing.T) {
	for _, tt := range []struct {
		service string
		inputs  []any
	}{
		{"kinesis", []any{&kinesis.PutRecordsInput{}, &kinesis.CreateStreamInput{}, &kinesis.ListShardsInput{}, &kinesis.DescribeStreamOutput{}, &kinesis.GetShardIteratorInput{}}},
		{"firehose", []any{&firehose.CreateDeliveryStreamInput{}, &firehose.UpdateDestinationInput{}, &firehose.DescribeDeliveryStreamOutput{}}},
		{"glue", []any{&glue.CreateTableInput{}, &glue.GetTableOutput{}, &glue.CreateCrawlerInput{}, &glue.GetPartitionsOutput{}, &glue.BatchCreatePartitionInput{}}},
		{"sts", []any{&sts.AssumeRoleInput{}, &sts.AssumeRoleOutput{}}},
	} {
		m := model.MustLoad(tt.service)
		b := newPlanner(m, API{})
		for _, in := range tt.inputs {
			typ := reflect.TypeOf(in).Elem()
			op := m.Operations[strings.TrimSuffix(strings.TrimSuffix(typ.Name(), "Input"), "Output")]
			shape := op.Input
			if strings.HasSuffix(typ.Name(), "Output") {
				shape = op.Output
			}
			b.plan(typ, shape)
		}
		for key, p := range b.plans {
			if p.kind != kindStruct || p.shape == nil {
				continue
			}
			for _, mem := range p.shape.Members {
				if _, ok := p.index[mem.Name]; !ok {
					t.Errorf("%s: %s has no field for %s.%s", tt.service, key.typ, p.shape.Name, mem.Name)
				}
			}
		}
	}
}

// What the SDK for Java writes: indefinite containers, a long text in chunks, tags.
func TestCBORFromJava(t *testing.T) {
	b, p := planFor(t, "kinesis", "GetShardIteratorInput", &kinesis.GetShardIteratorInput{})
	body, err := hex.DecodeString("bf" +
		"6a53747265616d4e616d65" + "7f" + "6161" + "6162" + "ff" + // StreamName: "a" "b"
		"6954696d657374616d70" + "c1" + "1b0000018bcfe5687b" + // Timestamp: 1(1700000000123)
		"6753686172644964" + "f6" + // ShardId: null
		"65467574757265" + "a1" + "6161" + "9f01fb3ff8000000000000ff" + // Future: skipped
		"ff")
	if err != nil {
		t.Fatal(err)
	}
	body = bytes.Replace(body, []byte("\x65Future"), []byte("\x66Future"), 1)
	var in kinesis.GetShardIteratorInput
	if err := decodeCBOR(b, p, body, reflect.ValueOf(&in).Elem(), true); err != nil {
		t.Fatal(err)
	}
	if *in.StreamName != "ab" || !in.Timestamp.Equal(time.UnixMilli(1700000000123)) || in.ShardId != nil {
		t.Errorf("got %+v", in)
	}
	digits, _ := cbor.Marshal(map[string]string{"Timestamp": "1700000000123"})
	in = kinesis.GetShardIteratorInput{}
	if err := decodeCBOR(b, p, digits, reflect.ValueOf(&in).Elem(), true); err != nil || !in.Timestamp.Equal(time.UnixMilli(1700000000123)) {
		t.Errorf("from digits: %v, %v", in.Timestamp, err)
	}
	for cut := range body[:len(body)-1] {
		if cut == 0 {
			continue
		}
		if err := decodeCBOR(b, p, body[:cut], reflect.ValueOf(&in).Elem(), true); err == nil {
			t.Errorf("cut at %d: no error", cut)
		}
	}
}

// An independent CBOR library reads what we write.
func TestCBOROut(t *testing.T) {
	f := &fakeKinesis{}
	h, err := NewHandler(API{Model: "kinesis", Operations: f.operations()}, HandlerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	call := func(op string, in any) (int, map[string]any) {
		body, _ := cbor.Marshal(in)
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/x-amz-cbor-1.1")
		r.Header.Set("X-Amz-Target", "Kinesis_20131202."+op)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		out := map[string]any{}
		if w.Body.Len() > 0 {
			if err := cbor.Unmarshal(w.Body.Bytes(), &out); err != nil {
				t.Fatalf("%s: %v", op, err)
			}
		}
		if got := w.Header().Get("Content-Type"); got != "application/x-amz-cbor-1.1" {
			t.Errorf("%s: content type %q", op, got)
		}
		return w.Code, out
	}
	status, out := call("GetRecords", map[string]any{"ShardIterator": "x"})
	rec := out["Records"].([]any)[0].(map[any]any)
	if status != 200 || string(rec["Data"].([]byte)) != "a\x00b" || rec["ApproximateArrivalTimestamp"].(time.Time).Unix() != 1700000000123 { // milliseconds, which the library takes for seconds
		t.Errorf("GetRecords: %d %v", status, out)
	}
	status, out = call("PutRecords", map[string]any{"StreamName": "s", "Records": []any{map[string]any{"Data": []byte{1, 2}, "PartitionKey": "k"}}})
	if status != 200 || !bytes.Equal(f.put.Records[0].Data, []byte{1, 2}) || fmt.Sprint(out["FailedRecordCount"]) != "0" {
		t.Errorf("PutRecords: %d %v", status, out)
	}
	status, out = call("CreateStream", map[string]any{"StreamName": "taken"})
	if status != 400 || out["__type"] != "ResourceInUseException" || out["message"] != "Stream taken exists" {
		t.Errorf("CreateStream: %d %v", status, out)
	}
	status, out = call("CreateStream", map[string]any{"StreamName": 1})
	if status != 400 || out["__type"] != "SerializationException" {
		t.Errorf("wrong type: %d %v", status, out)
	}
}

func TestQueryDecode(t *testing.T) {
	b, p := planFor(t, "sts", "AssumeRoleRequest", &sts.AssumeRoleInput{})
	r := httptest.NewRequest("POST", "/", nil)
	form, err := parseQuery(r, []byte("Action=AssumeRole&RoleArn=arn%3Aaws&DurationSeconds=900&Tags.member.2.Key=b&Tags.member.1.Key=a+%26&Tags.member.1.Value=1&TransitiveTagKeys.member.1=x&PolicyArns="))
	if err != nil {
		t.Fatal(err)
	}
	var in sts.AssumeRoleInput
	if err := decodeQuery(b, p, form, reflect.ValueOf(&in).Elem()); err != nil {
		t.Fatal(err)
	}
	if *in.RoleArn != "arn:aws" || *in.DurationSeconds != 900 || len(in.Tags) != 2 || *in.Tags[0].Key != "a &" || *in.Tags[1].Key != "b" || in.TransitiveTagKeys[0] != "x" || len(in.PolicyArns) != 0 {
		t.Errorf("got %+v", in)
	}
	signed := httptest.NewRequest("POST", "/?Action=GetCallerIdentity&X-Amz-Signature=00", nil)
	if form, err := parseQuery(signed, nil); err != nil || form.get("Action") != "GetCallerIdentity" || form.get("X-Amz-Signature") != "" {
		t.Errorf("a presigned request: %q, %v", form.get("Action"), err)
	}
	if form, _ := parseQuery(signed, []byte("Action=GetSessionToken")); form.get("Action") != "GetSessionToken" {
		t.Errorf("a form with a query: %q", form.get("Action"))
	}
	form, _ = parseQuery(r, []byte("DurationSeconds=x"))
	if err := decodeQuery(b, p, form, reflect.ValueOf(&in).Elem()); err == nil {
		t.Error("a number of letters was taken")
	}
}

func TestTimes(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"1700000000", "2023-11-14T22:13:20Z"},
		{"1700000000.123", "2023-11-14T22:13:20.123Z"},
		{"1.700000000123E9", "2023-11-14T22:13:20.123Z"},
		{"1700000000.123456789", "2023-11-14T22:13:20.123456789Z"},
		{"-1.5", "1969-12-31T23:59:58.5Z"},
		{"0", "1970-01-01T00:00:00Z"},
	} {
		got, ok := epochSeconds([]byte(tt.in))
		if !ok || got.Format(time.RFC3339Nano) != tt.want {
			t.Errorf("%s: got %s, want %s", tt.in, got.Format(time.RFC3339Nano), tt.want)
		}
	}
	for _, s := range []string{"1e300", "999999999999999999999"} {
		if got, ok := epochSeconds([]byte(s)); ok {
			t.Errorf("%s: taken as %s", s, got)
		}
	}
}

func TestErrorMembers(t *testing.T) {
	h, err := NewHandler(API{Model: "firehose"}, HandlerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := string(h.appendJSONFault(nil, h.faultOf(fmt.Errorf("wrapped: %w", &types.ResourceNotFoundException{Message: aws.String("gone")})), true))
	if want := `{"__type":"ResourceNotFoundException","message":"gone"}`; got != want {
		t.Errorf("got %s", got)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	b, p := planFor(t, "glue", "BatchCreatePartitionRequest", &glue.BatchCreatePartitionInput{})
	body := []byte(`{"PartitionInputList":[` + strings.Repeat("{},", 2<<20) + `{}]}`)
	var in glue.BatchCreatePartitionInput
	if err := decodeJSON(b, p, body, reflect.ValueOf(&in).Elem()); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("got %v", err)
	}
}

func FuzzJSON(f *testing.F) {
	b, p := planFor(f, "dynamodb", "PutItemInput", &PutItemInput{}, attributeValues)
	g, q := planFor(f, "glue", "CreateTableRequest", &glue.CreateTableInput{})
	f.Add([]byte(`{"Item":{"b":{"B":"AAE="},"l":{"L":[{"S":"\u00e9\ud83d\ude00"}]}},"TableName":"tbl"}`))
	f.Add([]byte(`{"DatabaseName":"d","TableInput":{"Name":"t","LastAccessTime":1.5e9,"Retention":-0,"StorageDescriptor":{"Compressed":true,"Columns":[{"Name":"a"},null]}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var in PutItemInput
		if decodeJSON(b, p, data, reflect.ValueOf(&in).Elem()) == nil {
			out, err := b.appendJSONStruct(nil, p, reflect.ValueOf(in))
			if err != nil {
				t.Fatal(err)
			}
			var again PutItemInput
			if err := decodeJSON(b, p, out, reflect.ValueOf(&again).Elem()); err != nil {
				t.Fatalf("own output %s: %v", out, err)
			}
		}
		var table glue.CreateTableInput
		if decodeJSON(g, q, data, reflect.ValueOf(&table).Elem()) == nil {
			g.validate(q, reflect.ValueOf(table))
		}
	})
}

// FuzzNewerReader checks that the newer reader takes every body that the other takes, to the same value,
// but for base64 whose padding leaves bits over.
func FuzzNewerReader(f *testing.F) {
	values := UnionOf[ddbtypes.AttributeValue](
		&ddbtypes.AttributeValueMemberS{}, &ddbtypes.AttributeValueMemberN{}, &ddbtypes.AttributeValueMemberB{}, &ddbtypes.AttributeValueMemberBOOL{},
		&ddbtypes.AttributeValueMemberNULL{}, &ddbtypes.AttributeValueMemberL{}, &ddbtypes.AttributeValueMemberM{},
		&ddbtypes.AttributeValueMemberSS{}, &ddbtypes.AttributeValueMemberNS{}, &ddbtypes.AttributeValueMemberBS{},
	)
	b, p := planFor(f, "dynamodb", "ScanInput", &dynamodb.ScanInput{}, values)
	newer, q := planFor(f, "dynamodb", "ScanInput", &dynamodb.ScanInput{}, values)
	newer.newer = true
	f.Add([]byte(`{"TableName":"t","Limit":1.5,"ConsistentRead":"true","ExclusiveStartKey":{"b":{"B":"AAE="},"l":{"L":[{"BOOL":true},{"NS":["1"]}]}}}`))
	f.Add([]byte(`{"TableName":"t","Limit":1e99,"Segment":-9223372036854775809,"AttributesToGet":["a",null],"ExclusiveStartKey":{"b":{"BS":["AAF=","A"]}}}`))
	f.Add([]byte(`{"TableName":7,"Limit":"1","ExclusiveStartKey":[{"M":{"a":{"NULL":"false"}}}],"ExpressionAttributeNames":{"#a":{}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var in, again dynamodb.ScanInput
		err := decodeJSON(b, p, data, reflect.ValueOf(&in).Elem())
		nerr := decodeJSON(newer, q, data, reflect.ValueOf(&again).Elem())
		switch {
		case nerr == nil && err == nil && !reflect.DeepEqual(in, again):
			t.Fatalf("%s: %+v, and by the newer reader %+v", data, in, again)
		case nerr != nil && err == nil && !strings.Contains(nerr.Error(), "Invalid last non-pad"):
			t.Fatalf("%s: the newer reader refuses it: %v", data, nerr)
		}
		if nerr == nil {
			if _, err := newer.appendJSONStruct(nil, q, reflect.ValueOf(again)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzCBOR(f *testing.F) {
	b, p := planFor(f, "dynamodb", "PutItemInput", &PutItemInput{}, attributeValues)
	k, q := planFor(f, "kinesis", "PutRecordsInput", &kinesis.PutRecordsInput{})
	seed, _ := cbor.Marshal(map[string]any{"StreamName": "s", "Records": []any{map[string]any{"Data": []byte{1}, "PartitionKey": "k"}}})
	f.Add(seed)
	f.Add([]byte("\xbf\x64Item\xa1\x61a\xa1\x61L\x9f\xf6\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var in PutItemInput
		if decodeCBOR(b, p, data, reflect.ValueOf(&in).Elem(), true) == nil {
			if _, err := b.appendCBORStruct(nil, p, reflect.ValueOf(in), true); err != nil {
				t.Fatal(err)
			}
		}
		var put kinesis.PutRecordsInput
		if decodeCBOR(k, q, data, reflect.ValueOf(&put).Elem(), false) == nil {
			k.validate(q, reflect.ValueOf(put))
		}
	})
}

func FuzzQuery(f *testing.F) {
	b, p := planFor(f, "sts", "AssumeRoleRequest", &sts.AssumeRoleInput{})
	f.Add("Action=AssumeRole&Tags.member.2.Key=b&DurationSeconds=900")
	f.Fuzz(func(t *testing.T, body string) {
		form, err := parseQuery(httptest.NewRequest("POST", "/", nil), []byte(body))
		if err != nil {
			return
		}
		var in sts.AssumeRoleInput
		if decodeQuery(b, p, form, reflect.ValueOf(&in).Elem()) == nil {
			b.validate(p, reflect.ValueOf(in))
		}
	})
}

func putRecords(n, size int) *kinesis.PutRecordsInput {
	in := &kinesis.PutRecordsInput{StreamName: aws.String("stream")}
	for i := range n {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: bytes.Repeat([]byte{'x'}, size), PartitionKey: aws.String(fmt.Sprint("key-", i))})
	}
	return in
}

func BenchmarkDecodePutRecordsJSON(b *testing.B) {
	pl, p := planFor(b, "kinesis", "PutRecordsInput", &kinesis.PutRecordsInput{})
	body, _ := pl.appendJSONStruct(nil, p, reflect.ValueOf(*putRecords(500, 200)))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var in kinesis.PutRecordsInput
		if err := decodeJSON(pl, p, body, reflect.ValueOf(&in).Elem()); err != nil {
			b.Fatal(err)
		}
		if pl.validate(p, reflect.ValueOf(&in).Elem()) != "" {
			b.Fatal("invalid")
		}
	}
}

func BenchmarkDecodePutRecordsCBOR(b *testing.B) {
	pl, p := planFor(b, "kinesis", "PutRecordsInput", &kinesis.PutRecordsInput{})
	body, _ := pl.appendCBORStruct(nil, p, reflect.ValueOf(*putRecords(500, 200)), true)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var in kinesis.PutRecordsInput
		if err := decodeCBOR(pl, p, body, reflect.ValueOf(&in).Elem(), true); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodePutRecordsJSON(b *testing.B) {
	pl, p := planFor(b, "kinesis", "PutRecordsInput", &kinesis.PutRecordsInput{})
	in := reflect.ValueOf(*putRecords(500, 200))
	buf, _ := pl.appendJSONStruct(nil, p, in)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = pl.appendJSONStruct(buf[:0], p, in)
	}
}
