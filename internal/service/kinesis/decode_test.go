package kinesis

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/fxamacker/cbor/v2"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/scan"
)

// generic decodes requests with the wire layer's codec, as the oracle of the decoders here.
type generic struct {
	handler *awswire.Handler
	input   any // of the last call
}

func newGeneric(t testing.TB) *generic {
	g := new(generic)
	refuse := errors.New("seen")
	h, err := awswire.NewHandler(awswire.API{Model: "kinesis", Operations: []awswire.Operation{
		awswire.Executes(func(_ context.Context, in *kinesis.PutRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
			g.input = in
			return nil, refuse
		}),
		awswire.Executes(func(_ context.Context, in *kinesis.PutRecordInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordOutput, error) {
			g.input = in
			return nil, refuse
		}),
		awswire.Executes(func(_ context.Context, in *kinesis.GetRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
			g.input = in
			return nil, refuse
		}),
	}}, awswire.HandlerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	g.handler = h
	return g
}

// decode returns the input that the generic codec makes of the body, nil if it refuses it.
func (g *generic) decode(operation string, proto awswire.Protocol, body []byte) any {
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("X-Amz-Target", "Kinesis_20131202."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	if proto == awswire.CBOR11 {
		r.Header.Set("Content-Type", "application/x-amz-cbor-1.1")
	}
	g.input = nil
	g.handler.ServeHTTP(httptest.NewRecorder(), r)
	return g.input
}

// check fails unless the put holds what the generic codec decodes.
func (g *generic) check(t *testing.T, proto awswire.Protocol, body []byte, batch bool) (taken bool) {
	t.Helper()
	p := newPut()
	defer p.free()
	p.single = !batch
	if !p.decode(proto, body, batch) {
		return false
	}
	type record struct{ data, key, explicit string }
	var got, want []record
	for _, e := range p.entries {
		data := e.data
		if p.base64 {
			data = make([]byte, scan.DecodedLen(len(e.data)))
			n, ok := decodeData(data, e.data)
			if !ok {
				return false
			}
			data = data[:n]
		}
		r := record{string(data), string(e.key), ""}
		if e.hasExplicit {
			r.explicit = e.explicit.String()
		}
		got = append(got, r)
	}
	var name, arn, ordering *string
	if batch {
		in, _ := g.decode("PutRecords", proto, body).(*kinesis.PutRecordsInput)
		if in == nil {
			t.Fatalf("taken, but the generic codec refuses %q", body)
		}
		name, arn = in.StreamName, in.StreamARN
		for _, r := range in.Records {
			want = append(want, record{string(r.Data), aws.ToString(r.PartitionKey), aws.ToString(r.ExplicitHashKey)})
		}
	} else {
		in, _ := g.decode("PutRecord", proto, body).(*kinesis.PutRecordInput)
		if in == nil {
			t.Fatalf("taken, but the generic codec refuses %q", body)
		}
		name, arn, ordering = in.StreamName, in.StreamARN, in.SequenceNumberForOrdering
		want = []record{{string(in.Data), aws.ToString(in.PartitionKey), aws.ToString(in.ExplicitHashKey)}}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%q\ndecodes to %q\nwant      %q", body, got, want)
	}
	for _, m := range []struct{ got, want *string }{{optional(p.name), name}, {optional(p.arn), arn}, {optional(p.ordering), ordering}} {
		if (m.got == nil) != (m.want == nil) || aws.ToString(m.got) != aws.ToString(m.want) {
			t.Fatalf("%q: a member is %q, want %q", body, aws.ToString(m.got), aws.ToString(m.want))
		}
	}
	return true
}

var jsonPuts = []string{
	`{"StreamName":"s","Records":[{"Data":"aGVsbG8=","PartitionKey":"k"}]}`,
	`{"Records": [ {"PartitionKey": "k", "Data": "aGVsbG8gd29ybGQgYW5kIG1vcmU=", "ExplicitHashKey": "12"}, {"Data":"","PartitionKey":"ü"} ], "StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/s"}`,
	`{"StreamName":"s","Records":[{"Data":"\/\/++","PartitionKey":"k"}]}`,
	"\n{ \"StreamName\" :\t\"a.b-c_D9\" , \"Records\" : [\r\n{ \"Data\" : \"AAAA\" , \"PartitionKey\" : \"k\" }\n] } \n",
}

var jsonPut = []string{
	`{"StreamName":"s","Data":"aGVsbG8=","PartitionKey":"k"}`,
	`{"Data":"aGVsbG8=","PartitionKey":"k","StreamName":"s","ExplicitHashKey":"0","SequenceNumberForOrdering":"49590338271490256608559692538361571095921575989136588898"}`,
}

// What the fast path leaves to the generic codec.
var jsonOdd = []string{
	``, `{}`, `{"StreamName":"s"}`, `{"StreamName":"s","Records":[]}`, `{"StreamName":"s","Records":[{}]}`,
	`{"StreamName":"s","Records":[{"Data":"aGVsbG8=","PartitionKey":"k\u0041"}]}`,
	`{"StreamName":"s","Records":[{"Data":"aGVs\nbG8=","PartitionKey":"k"}]}`,
	`{"StreamName":"s","Records":[{"Data":"aGVsbG8","PartitionKey":"k"}]}`,
	`{"StreamName":"s","Records":[{"Data":"aGVsbG9=","PartitionKey":"k"}]}`,
	`{"StreamName":"s","Records":[{"Data":"aGVsbG8=","PartitionKey":""}]}`,
	`{"StreamName":"s","Records":[{"Data":"aGVsbG8=","PartitionKey":null}]}`,
	`{"StreamName":"s","Records":[{"Data":"aGVsbG8=","PartitionKey":"k","PartitionKey":"l"}]}`,
	`{"StreamName":"s","Records":[{"Data":"aGVsbG8=","PartitionKey":"k"}]} x`,
	`{"StreamName":"s","Records":[{"Data":"aGVsbG8=","PartitionKey":"k"},]}`,
	`{"StreamName":"s","Records":[{"Data":"aGVsbG8=","PartitionKey":"k","ExplicitHashKey":"01"}]}`,
	`{"StreamName":"s!","Records":[{"Data":"aGVsbG8=","PartitionKey":"k"}]}`,
	`{"StreamName":"s","DryRun":true,"Records":[{"Data":"aGVsbG8=","PartitionKey":"k"}]}`,
}

func cborPut(indefinite bool, records ...entry) []byte {
	open := func(b []byte, major byte, n int) []byte {
		if indefinite {
			return append(b, major<<5|31)
		}
		return scan.AppendHead(b, major, uint64(n))
	}
	end := func(b []byte) []byte {
		if indefinite {
			return append(b, 0xff)
		}
		return b
	}
	b := scan.AppendText(scan.AppendText(open(nil, scan.Map, 2), "StreamName"), "s")
	b = open(scan.AppendText(b, "Records"), scan.Array, len(records))
	for _, r := range records {
		n := 2
		if r.hasExplicit {
			n++
		}
		b = scan.AppendText(open(b, scan.Map, n), "Data")
		b = append(scan.AppendHead(b, scan.Bytes, uint64(len(r.data))), r.data...)
		b = scan.AppendText(scan.AppendText(b, "PartitionKey"), r.key)
		if r.hasExplicit {
			b = scan.AppendText(scan.AppendText(b, "ExplicitHashKey"), r.explicit.String())
		}
		b = end(b)
	}
	return end(end(b))
}

func TestDecodePut(t *testing.T) {
	g := newGeneric(t)
	for _, body := range jsonPuts {
		if !g.check(t, awswire.JSON11, []byte(body), true) {
			t.Errorf("gives up on %s", body)
		}
	}
	for _, body := range jsonPut {
		if !g.check(t, awswire.JSON11, []byte(body), false) {
			t.Errorf("gives up on %s", body)
		}
	}
	for _, body := range jsonOdd {
		if g.check(t, awswire.JSON11, []byte(body), true) {
			t.Errorf("takes %s", body)
		}
	}
	for _, indefinite := range []bool{false, true} {
		body := cborPut(indefinite, entry{data: bytes.Repeat([]byte("x"), 300), key: []byte("k")}, entry{data: []byte{}, key: []byte("ü"), explicit: maxHashKey, hasExplicit: true})
		if !g.check(t, awswire.CBOR11, body, true) {
			t.Errorf("gives up on %x", body)
		}
		for cut := range body {
			if g.check(t, awswire.CBOR11, body[:cut], true) {
				t.Errorf("takes the first %d bytes", cut)
			}
		}
	}
}

func FuzzDecodePutRecordsJSON(f *testing.F) {
	g := newGeneric(f)
	for _, body := range append(jsonPuts, jsonOdd...) {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) { g.check(t, awswire.JSON11, body, true) })
}

func FuzzDecodePutRecordJSON(f *testing.F) {
	g := newGeneric(f)
	for _, body := range jsonPut {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) { g.check(t, awswire.JSON11, body, false) })
}

func FuzzDecodePutRecordsCBOR(f *testing.F) {
	g := newGeneric(f)
	f.Add(cborPut(false, entry{data: []byte("hello"), key: []byte("k")}))
	f.Add(cborPut(true, entry{data: []byte{}, key: []byte("k"), hasExplicit: true}))
	f.Fuzz(func(t *testing.T, body []byte) { g.check(t, awswire.CBOR11, body, true) })
}

func FuzzDecodeGetRecords(f *testing.F) {
	g := newGeneric(f)
	f.Add([]byte(`{"ShardIterator":"AAAA","Limit":10}`), false)
	f.Add([]byte(`{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s", "ShardIterator" : "AAAA"}`), false)
	f.Add(scan.AppendHead(scan.AppendText(scan.AppendText(scan.AppendText(scan.AppendHead(nil, scan.Map, 2), "ShardIterator"), "AAAA"), "Limit"), scan.Uint, 1000), true)
	f.Fuzz(func(t *testing.T, body []byte, cbor bool) {
		proto := awswire.JSON11
		if cbor {
			proto = awswire.CBOR11
		}
		q, ok := decodeGetRecords(proto, body)
		if !ok {
			return
		}
		in, _ := g.decode("GetRecords", proto, body).(*kinesis.GetRecordsInput)
		if in == nil || *in.ShardIterator != string(q.iterator) || pageSize(in.Limit, maxGetRecords) != q.limit ||
			(q.arn == nil) != (in.StreamARN == nil) || string(q.arn) != aws.ToString(in.StreamARN) {
			t.Errorf("%q decodes to %+v, want %+v", body, q, in)
		}
	})
}

// kloadBody is a PutRecords request of random records.
func kloadBody(proto awswire.Protocol, records, size int) []byte {
	if proto == awswire.CBOR11 {
		var es []entry
		for range records {
			es = append(es, entry{data: randomBytes(size), key: fmt.Append(nil, "key-", rand.IntN(10000))})
		}
		return cborPut(false, es...)
	}
	type record struct {
		Data         []byte
		PartitionKey string
	}
	in := struct {
		Records    []record
		StreamName string
	}{StreamName: "s"}
	for range records {
		in.Records = append(in.Records, record{randomBytes(size), fmt.Sprint("key-", rand.IntN(10000))})
	}
	b, _ := json.Marshal(in)
	return b
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

func BenchmarkDecodePutRecords(b *testing.B) {
	for name, proto := range map[string]awswire.Protocol{"json": awswire.JSON11, "cbor": awswire.CBOR11} {
		b.Run(name, func(b *testing.B) {
			body := kloadBody(proto, 500, 200)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				p := newPut()
				if !p.decode(proto, body, true) {
					b.Fatal("gives up")
				}
				p.free()
			}
		})
	}
}

// serveFast does a call by its fast path.
func serveFast(path awswire.FastPath, proto awswire.Protocol, body, dst []byte) ([]byte, bool, error) {
	call, ok := path(proto, body)
	if !ok {
		return nil, false, nil
	}
	defer call.Free()
	return call.Serve(context.Background(), dst)
}

// BenchmarkPutRecords puts 500 records of 200 bytes to 4 shards of a real log, from the
// request's text to the answer's, in eight goroutines.
func BenchmarkPutRecords(b *testing.B) {
	for name, proto := range map[string]awswire.Protocol{"json": awswire.JSON11, "cbor": awswire.CBOR11} {
		b.Run(name, func(b *testing.B) {
			n := newNode(b, Config{})
			n.create("s", 4)
			body := kloadBody(proto, 500, 200)
			b.SetBytes(int64(500 * 200))
			b.ReportAllocs()
			b.SetParallelism(4)
			b.RunParallel(func(pb *testing.PB) {
				var dst []byte
				for pb.Next() {
					out, handled, err := serveFast(n.putRecordsFast, proto, body, dst[:0])
					if !handled || err != nil {
						b.Error(handled, err)
						return
					}
					dst = out
				}
			})
			b.ReportMetric(float64(b.N)*500/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkGetRecords reads 200-byte records, 10,000 an answer, over and over.
func BenchmarkGetRecords(b *testing.B) {
	for name, proto := range map[string]awswire.Protocol{"json": awswire.JSON11, "cbor": awswire.CBOR11} {
		b.Run(name, func(b *testing.B) {
			n := newNode(b, Config{})
			n.create("s", 1)
			for range 20 {
				if _, _, err := serveFast(n.putRecordsFast, awswire.JSON11, kloadBody(awswire.JSON11, 500, 200), nil); err != nil {
					b.Fatal(err)
				}
			}
			it := n.iterator("s", "shardId-000000000000", "TRIM_HORIZON", nil)
			body := []byte(`{"ShardIterator":"` + it + `"}`)
			if proto == awswire.CBOR11 {
				body = scan.AppendText(scan.AppendText(scan.AppendHead(nil, scan.Map, 1), "ShardIterator"), it)
			}
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				out, handled, err := serveFast(n.getRecordsFast, proto, body, dst[:0])
				if !handled || err != nil {
					b.Fatal(handled, err)
				}
				dst = out
			}
			b.ReportMetric(float64(b.N)*10000/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func BenchmarkDecodeGetRecords(b *testing.B) {
	it := strings.Repeat("A", 226)
	for name, proto := range map[string]awswire.Protocol{"json": awswire.JSON11, "cbor": awswire.CBOR11} {
		b.Run(name, func(b *testing.B) {
			body := []byte(`{"ShardIterator":"` + it + `","Limit":1000}`)
			if proto == awswire.CBOR11 {
				body, _ = cbor.Marshal(map[string]any{"ShardIterator": it, "Limit": 1000})
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := decodeGetRecords(proto, body); !ok {
					b.Fatal("gives up")
				}
			}
		})
	}
}
