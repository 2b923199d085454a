package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// What clients get wrong, over the wire: each has AWS's error code and HTTP status, at
// once, and the node lives on.

// slow bounds an answer to a bad request, on a machine that is busy.
const slow = time.Minute

// api is a service of the JSON protocol, with an operation that needs a name.
type api struct {
	name, target, version, operation, member string
}

var apis = []api{
	{"kinesis", "Kinesis_20131202", "1.1", "CreateStream", "StreamName"},
	{"firehose", "Firehose_20150804", "1.1", "DescribeDeliveryStream", "DeliveryStreamName"},
	{"glue", "AWSGlue", "1.1", "GetDatabase", "Name"},
	{"athena", "AmazonAthena", "1.1", "GetWorkGroup", "WorkGroup"},
}

func (a api) validation() string {
	if a.name == "athena" {
		return "InvalidRequestException"
	}
	return "ValidationException"
}

// wire is a request as it goes out.
type wire struct {
	method, path string
	header       http.Header
	body         []byte
}

func (a api) call(operation, body string) wire {
	return wire{"POST", "/", http.Header{
		"X-Amz-Target":  {a.target + "." + operation},
		"Content-Type":  {"application/x-amz-json-" + a.version},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=test/20240101/us-east-1/" + a.name + "/aws4_request, SignedHeaders=host, Signature=0"},
	}, []byte(body)}
}

func (w wire) with(key, value string) wire {
	w.header = w.header.Clone()
	if w.header == nil {
		w.header = http.Header{}
	}
	w.header.Set(key, value)
	return w
}

var errorCode = regexp.MustCompile(`"__type"\s*:\s*"(?:[^"]*#)?([A-Za-z]+)"|<Code>([^<]+)</Code>`)

// send sends a request and returns the answer's status and error code.
func send(t *testing.T, n *Node, w wire) (int, string, string) {
	t.Helper()
	req, err := http.NewRequest(w.method, n.URL+w.path, bytes.NewReader(w.body))
	if err != nil {
		t.Fatal(err)
	}
	if w.header != nil {
		req.Header = w.header
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	client := &http.Client{Timeout: slow, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Errorf("no answer: %v", err)
		return 0, "", ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("half an answer: %v", err)
	}
	code := ""
	if m := errorCode.FindSubmatch(b); m != nil {
		code = string(m[1]) + string(m[2])
	}
	return resp.StatusCode, code, string(b)
}

// expect sends a request and compares "status code"; want may have several, parted by |.
func expect(t *testing.T, n *Node, w wire, want string) {
	t.Helper()
	status, code, body := send(t, n, w)
	got := strings.TrimSpace(fmt.Sprintf("%d %s", status, code))
	for alternative := range strings.SplitSeq(want, "|") {
		if got == alternative {
			return
		}
	}
	t.Errorf("got %s, want %s: %.300s", got, want, body)
}

func deep(open, middle, end string, n int) string {
	return strings.Repeat(open, n) + middle + strings.Repeat(end, n)
}

func zip(n int) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	block := bytes.Repeat([]byte(" "), 1<<20)
	for range n {
		w.Write(block)
	}
	w.Close()
	return b.Bytes()
}

func TestBadInputJSON(t *testing.T) {
	n := Start(t)
	bomb := zip(200)
	for _, a := range apis {
		value := func(v string) wire { return a.call(a.operation, `{"`+a.member+`":`+v+`}`) }
		for _, test := range []struct {
			name string
			wire wire
			want string
		}{
			{"no operation of that name", a.call("NoSuchThing", "{}"), "400 UnknownOperationException"},
			{"no operation", a.call("", "{}"), "400 UnknownOperationException"},
			{"no target prefix", a.call(a.operation, "{}").with("X-Amz-Target", a.operation), "400 UnknownOperationException"},
			{"the target of no service", a.call(a.operation, "{}").with("X-Amz-Target", "Nothing_20200101."+a.operation), "400 UnknownOperationException"},
			{"a target of bytes", a.call(a.operation, "{}").with("X-Amz-Target", "\xff\xfe.\xfd"), "400 UnknownOperationException"},
			{"nothing", a.call(a.operation, ""), "400 " + a.validation()},
			{"an empty object", a.call(a.operation, "{}"), "400 " + a.validation()},
			{"half an object", a.call(a.operation, `{"`+a.member+`":"x"`), "400 SerializationException"},
			{"a brace", a.call(a.operation, "{"), "400 SerializationException"},
			{"no JSON", a.call(a.operation, "name=x"), "400 SerializationException"},
			{"a list", a.call(a.operation, "[]"), "400 SerializationException"},
			{"a string", a.call(a.operation, `"x"`), "400 SerializationException"},
			{"a number", a.call(a.operation, "1"), "400 SerializationException"},
			{"more than an object", a.call(a.operation, `{"`+a.member+`":"x"} x`), "400 SerializationException"},
			{"a comma too many", a.call(a.operation, `{"`+a.member+`":"x",}`), "400 SerializationException"},
			{"single quotes", a.call(a.operation, `{'`+a.member+`':'x'}`), "400 SerializationException"},
			{"a bad escape", value(`"\x"`), "400 SerializationException"},
			{"half a surrogate", value(`"\ud800"`), "400 SerializationException|400 " + a.validation() + "|400 EntityNotFoundException|400 ResourceNotFoundException"},
			{"bytes that are no UTF-8", value("\"a\xff\xfeb\""), "400 SerializationException|400 " + a.validation()},
			{"a NUL as it is", value("\"a\x00b\""), "400 SerializationException|400 " + a.validation()},
			{"a NUL escaped", value(`"a\u0000b"`), "400 SerializationException|400 " + a.validation()},
			{"a number for a string", value("5"), "400 SerializationException"},
			{"a list for a string", value(`["x"]`), "400 SerializationException"},
			{"an object for a string", value(`{"x":1}`), "400 SerializationException"},
			{"true for a string", value("true"), "400 SerializationException"},
			{"null for a string", value("null"), "400 " + a.validation()},
			{"an empty name", value(`""`), "400 " + a.validation()},
			{"a name of 100,000", value(`"` + strings.Repeat("a", 100_000) + `"`), "400 " + a.validation()},
			{"deep lists", a.call(a.operation, deep("[", "", "]", 200_000)), "400 SerializationException"},
			{"deep lists in an unknown member", a.call(a.operation, `{"X":`+deep("[", "", "]", 200_000)+`}`), "400 SerializationException|400 " + a.validation()},
			{"deep objects", a.call(a.operation, deep(`{"a":`, "1", "}", 200_000)), "400 SerializationException|400 " + a.validation()},
			{"lists that do not end", a.call(a.operation, strings.Repeat("[", 1<<20)), "400 SerializationException"},
			{"a number of 100,000 digits", a.call(a.operation, `{"X":`+strings.Repeat("9", 100_000)+`}`), "400 SerializationException|400 " + a.validation()},
			{"gzip that is none", a.call(a.operation, "{}").with("Content-Encoding", "gzip"), "400 SerializationException"},
			{"a gzip bomb", wire{"POST", "/", a.call(a.operation, "").with("Content-Encoding", "gzip").header, bomb}, "413 RequestEntityTooLargeException|413 RequestTooLargeException"},
			{"an encoding that is none", a.call(a.operation, "{}").with("Content-Encoding", "br"), "415 UnsupportedMediaTypeException"},
			{"30 MB", a.call(a.operation, `{"X":"`+strings.Repeat("a", 30<<20)+`"}`), "413 RequestEntityTooLargeException|413 RequestTooLargeException"},
			{"CBOR that is none", a.call(a.operation, "\xff\xff\xff").with("Content-Type", "application/x-amz-cbor-1.1"), "400|400 SerializationException"},
			{"CBOR of endless maps", wire{"POST", "/", a.call(a.operation, "").with("Content-Type", "application/x-amz-cbor-1.1").header, bytes.Repeat([]byte{0xbf, 0x61, 0x61}, 100_000)}, "400|400 SerializationException"},
			{"CBOR of a string as long as memory", a.call(a.operation, "\xa1\x7b\x7f\xff\xff\xff\xff\xff\xff\xff").with("Content-Type", "application/x-amz-cbor-1.1"), "400|400 SerializationException"},
		} {
			t.Run(a.name+"/"+test.name, func(t *testing.T) { expect(t, n, test.wire, test.want) })
		}
		for _, method := range []string{"GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "NONSENSE"} {
			w := a.call(a.operation, "{}")
			w.method = method
			t.Run(a.name+"/"+method, func(t *testing.T) {
				if status, _, body := send(t, n, w); status < 400 || status >= 500 {
					t.Errorf("%d: %s", status, body)
				}
			})
		}
		for _, mime := range []string{"text/plain", "application/json", "", ";;;", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"} {
			w := a.call(a.operation, `{"`+a.member+`":5}`).with("Content-Type", mime)
			t.Run(a.name+"/type "+mime, func(t *testing.T) {
				if status, _, body := send(t, n, w); status < 400 || status >= 500 {
					t.Errorf("%d: %s", status, body)
				}
			})
		}
	}
}

// call is a request to the service of that name.
func call(t *testing.T, service, operation, body string) wire {
	t.Helper()
	for _, a := range apis {
		if a.name == service {
			return a.call(operation, body)
		}
	}
	t.Fatalf("no service %s", service)
	return wire{}
}

func TestBadInputValues(t *testing.T) {
	n := Start(t)
	expect(t, n, call(t, "kinesis", "CreateStream", `{"StreamName":"s","ShardCount":1}`), "200")
	expect(t, n, call(t, "glue", "CreateDatabase", `{"DatabaseInput":{"Name":"d"}}`), "200")
	big := strings.Repeat("QUFB", (11<<20)/3)
	for _, test := range []struct {
		service, operation, body, want string
	}{
		{"kinesis", "PutRecord", `{"StreamName":"s","PartitionKey":"k","Data":"***"}`, "400 SerializationException"},
		{"kinesis", "PutRecord", `{"StreamName":"s","PartitionKey":"k","Data":"QQ"}`, "400 SerializationException|200"},
		{"kinesis", "PutRecord", `{"StreamName":"s","PartitionKey":"k","Data":7}`, "400 SerializationException"},
		{"kinesis", "PutRecord", `{"StreamName":"s","PartitionKey":"","Data":"QQ=="}`, "400 ValidationException"},
		{"kinesis", "PutRecord", `{"StreamName":"s","PartitionKey":"` + strings.Repeat("k", 257) + `","Data":"QQ=="}`, "400 ValidationException"},
		{"kinesis", "PutRecord", `{"StreamName":"s","PartitionKey":"k","Data":"` + big + `"}`, "400 ValidationException|400 InvalidArgumentException"},
		{"kinesis", "PutRecord", `{"StreamName":"none","PartitionKey":"k","Data":"QQ=="}`, "400 ResourceNotFoundException"},
		{"kinesis", "PutRecord", `{"StreamName":"s","PartitionKey":"k","Data":"QQ==","ExplicitHashKey":"-1"}`, "400 ValidationException|400 InvalidArgumentException"},
		{"kinesis", "PutRecords", `{"StreamName":"s","Records":[]}`, "400 ValidationException"},
		{"kinesis", "PutRecords", `{"StreamName":"s","Records":[` + strings.Repeat(`{"PartitionKey":"k","Data":"QQ=="},`, 500) + `{"PartitionKey":"k","Data":"QQ=="}]}`, "400 ValidationException"},
		{"kinesis", "PutRecords", `{"StreamName":"s","Records":[{"PartitionKey":"k","Data":"?"}]}`, "400 SerializationException"},
		{"kinesis", "PutRecords", `{"StreamName":"s","Records":[null]}`, "400 ValidationException|400 SerializationException"},
		{"kinesis", "PutRecords", `{"StreamName":"s","Records":{"a":1}}`, "400 SerializationException"},
		{"kinesis", "GetRecords", `{"ShardIterator":"nonsense"}`, "400 InvalidArgumentException"},
		{"kinesis", "GetRecords", `{"ShardIterator":"nonsense","Limit":10001}`, "400 ValidationException"},
		{"kinesis", "GetRecords", `{"ShardIterator":"nonsense","Limit":1.5}`, "400 SerializationException|400 InvalidArgumentException"},
		{"kinesis", "GetRecords", `{"ShardIterator":"nonsense","Limit":1e400}`, "400 SerializationException|400 ValidationException"},
		{"kinesis", "GetShardIterator", `{"StreamName":"s","ShardId":"x","ShardIteratorType":"SOMETIMES"}`, "400 ValidationException"},
		{"kinesis", "CreateStream", `{"StreamName":"s","ShardCount":1}`, "400 ResourceInUseException"},
		{"kinesis", "CreateStream", `{"StreamName":"t","ShardCount":0}`, "400 ValidationException"},
		{"kinesis", "CreateStream", `{"StreamName":"t","ShardCount":"1"}`, "400 SerializationException"},
		{"kinesis", "CreateStream", `{"StreamName":"t","ShardCount":99999999999999999999}`, "400 SerializationException|400 ValidationException"},
		{"kinesis", "CreateStream", `{"StreamName":"../../etc","ShardCount":1}`, "400 ValidationException"},
		{"kinesis", "DescribeStream", `{"StreamName":"a/b"}`, "400 ValidationException"},
		{"kinesis", "DescribeStream", `{"StreamARN":"nonsense"}`, "400 ValidationException|400 InvalidArgumentException"},

		{"firehose", "PutRecord", `{"DeliveryStreamName":"none","Record":{"Data":"QQ=="}}`, "400 ResourceNotFoundException"},
		{"firehose", "PutRecord", `{"DeliveryStreamName":"none","Record":{"Data":"*"}}`, "400 SerializationException"},
		{"firehose", "PutRecord", `{"DeliveryStreamName":"none","Record":"QQ=="}`, "400 SerializationException"},
		{"firehose", "PutRecord", `{"DeliveryStreamName":"none"}`, "400 ValidationException"},
		{"firehose", "PutRecordBatch", `{"DeliveryStreamName":"none","Records":[]}`, "400 ValidationException"},
		{"firehose", "PutRecordBatch", `{"DeliveryStreamName":"none","Records":[` + strings.Repeat(`{"Data":"QQ=="},`, 500) + `{"Data":"QQ=="}]}`, "400 ValidationException"},
		{"firehose", "CreateDeliveryStream", `{"DeliveryStreamName":"x","ExtendedS3DestinationConfiguration":{"RoleARN":"r","BucketARN":"b"}}`, "400 ValidationException|400 InvalidArgumentException"},
		{"firehose", "CreateDeliveryStream", `{"DeliveryStreamName":"x"}`, "400 InvalidArgumentException"},
		{"firehose", "CreateDeliveryStream", `{"DeliveryStreamName":"x/../y"}`, "400 ValidationException"},
		{"firehose", "DeleteDeliveryStream", `{"DeliveryStreamName":"none"}`, "400 ResourceNotFoundException"},
		{"firehose", "ListDeliveryStreams", `{"Limit":0}`, "400 ValidationException"},

		{"glue", "GetTable", `{"DatabaseName":"none","Name":"t"}`, "400 EntityNotFoundException"},
		{"glue", "GetTable", `{"DatabaseName":"d","Name":"t"}`, "400 EntityNotFoundException"},
		{"glue", "CreateTable", `{"DatabaseName":"d","TableInput":{"Name":"a\u0000b"}}`, "400 ValidationException"},
		{"glue", "CreateTable", `{"DatabaseName":"d","TableInput":{"Name":"t","StorageDescriptor":{"Columns":[{"Name":"a"},{"Name":"A"}]}}}`, "400 InvalidInputException"},
		{"glue", "CreateTable", `{"DatabaseName":"d","TableInput":{"Name":"t","Parameters":{"a":5}}}`, "400 SerializationException"},
		{"glue", "CreateTable", `{"DatabaseName":"d","TableInput":{"Name":"t","Parameters":[]}}`, "400 SerializationException"},
		{"glue", "CreateTable", `{"DatabaseName":"d","TableInput":{"Name":"t","Retention":-1}}`, "400 ValidationException"},
		{"glue", "GetTables", `{"DatabaseName":"d","MaxResults":101}`, "400 ValidationException"},
		{"glue", "GetTables", `{"DatabaseName":"d","NextToken":"*"}`, "400 InvalidInputException"},
		{"glue", "GetTables", `{"DatabaseName":"d","Expression":"("}`, "400 InvalidInputException"},
		{"glue", "GetDatabase", `{"Name":"d","CatalogId":"111122223333"}`, "400 EntityNotFoundException"},
		{"glue", "GetPartitions", `{"DatabaseName":"d","TableName":"t","Expression":"` + strings.Repeat("(", 2000) + `"}`, "400 EntityNotFoundException|400 InvalidInputException"},
		{"glue", "CreateCrawler", `{"Name":"c","Role":"r","DatabaseName":"d","Targets":{"S3Targets":[{"Path":"file:///etc"}]}}`, "400 InvalidInputException"},
		{"glue", "CreateJob", `{"Name":"c","Role":"r","Command":{}}`, "400 InvalidInputException"},
		{"glue", "CreateMLTransform", `{"Name":"c","Role":"r","InputRecordTables":[{"DatabaseName":"d","TableName":"t"}],"Parameters":{"TransformType":"FIND_MATCHES"}}`, "400 UnsupportedOperationException"},

		{"athena", "StartQueryExecution", `{"QueryString":""}`, "400 InvalidRequestException"},
		{"athena", "StartQueryExecution", `{"QueryString":5}`, "400 SerializationException"},
		{"athena", "StartQueryExecution", `{"QueryString":"` + strings.Repeat("a", 262145) + `"}`, "400 InvalidRequestException"},
		{"athena", "StartQueryExecution", `{"QueryString":"SELECT 1","WorkGroup":"none"}`, "400 InvalidRequestException"},
		{"athena", "StartQueryExecution", `{"QueryString":"SELECT 1","ResultConfiguration":{"OutputLocation":"file:///etc"}}`, "400 InvalidRequestException"},
		{"athena", "StartQueryExecution", `{"QueryString":"SELECT 1","ClientRequestToken":"short"}`, "400 InvalidRequestException"},
		{"athena", "GetQueryExecution", `{"QueryExecutionId":"../../x"}`, "400 InvalidRequestException"},
		{"athena", "GetQueryResults", `{"QueryExecutionId":"00000000-0000-0000-0000-000000000000"}`, "400 InvalidRequestException"},
		{"athena", "GetQueryResults", `{"QueryExecutionId":"00000000-0000-0000-0000-000000000000","MaxResults":5000}`, "400 InvalidRequestException"},
	} {
		name := test.service + "/" + test.operation + "/" + fmt.Sprintf("%.60q", test.body)
		t.Run(name, func(t *testing.T) { expect(t, n, call(t, test.service, test.operation, test.body), test.want) })
	}
	// A key that is there twice is taken, from either place, or refused: not both.
	if status, code, body := send(t, n, call(t, "kinesis", "DescribeStreamSummary", `{"StreamName":"s","StreamName":"none"}`)); status >= 500 || status == 0 {
		t.Errorf("a key twice: %d %s %s", status, code, body)
	}
}

func TestBadInputQuery(t *testing.T) {
	n := Start(t)
	form := func(body string) wire {
		return wire{"POST", "/", http.Header{
			"Content-Type":  {"application/x-www-form-urlencoded; charset=utf-8"},
			"Authorization": {"AWS4-HMAC-SHA256 Credential=test/20240101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0"},
		}, []byte(body)}
	}
	for _, test := range []struct{ name, body, want string }{
		{"the operation", "Action=GetCallerIdentity&Version=2011-06-15", "200"},
		{"no operation of that name", "Action=Nope&Version=2011-06-15", "400 InvalidAction"},
		{"nothing", "", "400 MissingAction"},
		{"no form", "%zz=%", "400 MissingAction|400 MalformedInput"},
		{"no action", "Version=2011-06-15", "400 MissingAction"},
		{"bytes", "Action=\xff\xfe&Version=2011-06-15", "400 InvalidAction"},
		{"30 MB", "Action=GetCallerIdentity&X=" + strings.Repeat("a", 30<<20), "413 RequestEntityTooLargeException"},
		{"many parameters", "Action=GetCallerIdentity&Version=2011-06-15" + strings.Repeat("&a.b.member.1=x", 50_000), "200|400 MalformedInput"},
	} {
		t.Run(test.name, func(t *testing.T) { expect(t, n, form(test.body), test.want) })
	}
}

// raw sends bytes as they are, closes its half of the connection, and returns the first
// line of the answer, empty if the node closed without one.
func raw(t *testing.T, n *Node, parts ...string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(n.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(slow))
	for _, p := range parts {
		if _, err := io.WriteString(conn, p); err != nil {
			break // the node has heard enough
		}
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	b, err := io.ReadAll(io.LimitReader(conn, 64<<10))
	if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Errorf("no answer and no end: %q", b)
	}
	line, _, _ := strings.Cut(string(b), "\r\n")
	return line
}

func TestBadInputHTTP(t *testing.T) {
	n := Start(t)
	head := "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Kinesis_20131202.CreateStream\r\nContent-Type: application/x-amz-json-1.1\r\n"
	for _, test := range []struct {
		name string
		sent []string
		want []string // beginnings of the answer
	}{
		{"a body that ends early", []string{head + "Content-Length: 100\r\n\r\n{\"StreamName\""}, []string{"HTTP/1.1 400", ""}},
		{"a chunk that ends early", []string{head + "Transfer-Encoding: chunked\r\n\r\nff\r\n{"}, []string{"HTTP/1.1 400", ""}},
		{"a chunk size that is none", []string{head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}"}, []string{"HTTP/1.1 400"}},
		{"a length that is none", []string{head + "Content-Length: many\r\n\r\n{}"}, []string{"HTTP/1.1 400"}},
		{"two lengths", []string{head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"}, []string{"HTTP/1.1 400"}},
		{"a length and chunks", []string{head + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"}, []string{"HTTP/1.1 400"}},
		{"half a header", []string{"POST / HTTP/1.1\r\nHost"}, []string{"HTTP/1.1 400", ""}},
		{"no HTTP", []string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"}, []string{"HTTP/1.1 400", "HTTP/1.0 400"}},
		{"no host", []string{"POST / HTTP/1.1\r\n\r\n"}, []string{"HTTP/1.1 400"}},
		{"a header of 2 MB", []string{"GET /b/k HTTP/1.1\r\nHost: x\r\nX-Amz-Meta-A: ", strings.Repeat("a", 2<<20), "\r\n\r\n"}, []string{"HTTP/1.1 431", ""}},
		{"a path of 2 MB", []string{"GET /", strings.Repeat("a", 2<<20), " HTTP/1.1\r\nHost: x\r\n\r\n"}, []string{"HTTP/1.1 431", "HTTP/1.1 414", ""}},
		{"50,000 headers", []string{"GET /b/k HTTP/1.1\r\nHost: x\r\n", strings.Repeat("X-Amz-Meta-A: b\r\n", 50_000), "\r\n"}, []string{"HTTP/1.1 431", ""}},
		{"a NUL in a header", []string{"GET /b/k HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n"}, []string{"HTTP/1.1 400"}},
		{"a path that is no escape", []string{"GET /b/%zz HTTP/1.1\r\nHost: x\r\n\r\n"}, []string{"HTTP/1.1 400"}},
		{"a path that leads out", []string{"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n"}, []string{"HTTP/1.1 400", "HTTP/1.1 403", "HTTP/1.1 404", "HTTP/1.1 301", "HTTP/1.1 307"}},
		{"an escaped path that leads out", []string{"GET /b/%2e%2e/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n"}, []string{"HTTP/1.1 400", "HTTP/1.1 403", "HTTP/1.1 404"}},
		{"a NUL in a key", []string{"GET /b/a%00b HTTP/1.1\r\nHost: x\r\n\r\n"}, []string{"HTTP/1.1 400", "HTTP/1.1 404"}},
		{"a version that is none", []string{"GET / HTTP/9.9\r\nHost: x\r\n\r\n"}, []string{"HTTP/1.1 505", "HTTP/1.1 400"}},
		{"half an HTTP/2 preface", []string{"PRI * HTTP/2.0\r\n\r\nSM"}, []string{"", "HTTP/1.1 400", "HTTP/1.1 505"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := raw(t, n, test.sent...)
			for _, want := range test.want {
				if got == want || want != "" && strings.HasPrefix(got, want) {
					return
				}
			}
			t.Errorf("got %q, want one of %q", got, test.want)
		})
	}
}

// TestBadInputAtOnce makes and deletes the same things from many sides.
func TestBadInputAtOnce(t *testing.T) {
	n := Start(t)
	pairs := [][2]wire{
		{call(t, "kinesis", "CreateStream", `{"StreamName":"s","ShardCount":1}`), call(t, "kinesis", "DeleteStream", `{"StreamName":"s"}`)},
		{call(t, "glue", "CreateDatabase", `{"DatabaseInput":{"Name":"d"}}`), call(t, "glue", "DeleteDatabase", `{"Name":"d"}`)},
		{call(t, "glue", "CreateTable", `{"DatabaseName":"d","TableInput":{"Name":"t","PartitionKeys":[{"Name":"p","Type":"string"}]}}`), call(t, "glue", "DeleteTable", `{"DatabaseName":"d","Name":"t"}`)},
		{call(t, "glue", "CreatePartition", `{"DatabaseName":"d","TableName":"t","PartitionInput":{"Values":["1"]}}`), call(t, "glue", "DeletePartition", `{"DatabaseName":"d","TableName":"t","PartitionValues":["1"]}`)},
		{call(t, "glue", "CreateCrawler", `{"Name":"c","Role":"r","DatabaseName":"d","Targets":{"S3Targets":[{"Path":"s3://none/"}]}}`), call(t, "glue", "DeleteCrawler", `{"Name":"c"}`)},
		{call(t, "glue", "StartCrawler", `{"Name":"c"}`), call(t, "glue", "StopCrawler", `{"Name":"c"}`)},
		{call(t, "firehose", "CreateDeliveryStream", `{"DeliveryStreamName":"f","ExtendedS3DestinationConfiguration":{"RoleARN":"arn:aws:iam::000000000000:role/r","BucketARN":"arn:aws:s3:::b"}}`), call(t, "firehose", "DeleteDeliveryStream", `{"DeliveryStreamName":"f"}`)},
		{call(t, "firehose", "PutRecord", `{"DeliveryStreamName":"f","Record":{"Data":"QQ=="}}`), call(t, "kinesis", "PutRecord", `{"StreamName":"s","PartitionKey":"k","Data":"QQ=="}`)},
		{call(t, "athena", "CreateWorkGroup", `{"Name":"w"}`), call(t, "athena", "DeleteWorkGroup", `{"WorkGroup":"w","RecursiveDeleteOption":true}`)},
		{{"PUT", "/bucket", nil, nil}, {"DELETE", "/bucket", nil, nil}},
		{{"PUT", "/bucket/key", nil, []byte("x")}, {"DELETE", "/bucket/key", nil, nil}},
	}
	var wg sync.WaitGroup
	for _, pair := range pairs {
		for side := range 4 {
			wg.Go(func() {
				for i := range 8 {
					w := pair[(side+i)%2]
					if status, code, body := send(t, n, w); status == 0 || status >= 500 && status != 503 {
						t.Errorf("%s %s: %d %s %.200s", w.header.Get("X-Amz-Target"), w.path, status, code, body)
					}
				}
			})
		}
	}
	wg.Wait()
	n.waitHealthy(t)
}
