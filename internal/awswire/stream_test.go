package awswire

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// subscriber serves SubscribeToShard with the events of a test, which may block.
type subscriber struct {
	granted error
	events  func(context.Context) iter.Seq2[types.SubscribeToShardEventStream, error]
}

func (f *subscriber) SubscribeToShard(ctx context.Context, _ *kinesis.SubscribeToShardInput) (*kinesis.SubscribeToShardOutput, iter.Seq2[types.SubscribeToShardEventStream, error], error) {
	if f.granted != nil {
		return nil, nil, f.granted
	}
	return &kinesis.SubscribeToShardOutput{}, f.events(ctx), nil
}

func event(number string) types.SubscribeToShardEventStream {
	return &types.SubscribeToShardEventStreamMemberSubscribeToShardEvent{Value: types.SubscribeToShardEvent{
		ContinuationSequenceNumber: aws.String(number), MillisBehindLatest: aws.Int64(0),
		Records: []types.Record{{Data: []byte("d"), PartitionKey: aws.String("k"), SequenceNumber: aws.String(number)}},
	}}
}

// events yields what it is given, errors among events.
func events(items ...any) func(context.Context) iter.Seq2[types.SubscribeToShardEventStream, error] {
	return func(context.Context) iter.Seq2[types.SubscribeToShardEventStream, error] {
		return func(yield func(types.SubscribeToShardEventStream, error) bool) {
			for _, it := range items {
				switch it := it.(type) {
				case error:
					yield(nil, it)
					return
				case string:
					panic(it)
				case types.SubscribeToShardEventStream:
					if !yield(it, nil) {
						return
					}
				}
			}
		}
	}
}

func streamServer(t *testing.T, f *subscriber, http2 bool, o HandlerOptions) *httptest.Server {
	t.Helper()
	h, err := NewHandler(API{Model: "kinesis", Operations: []Operation{Streams(f.SubscribeToShard)}, ExtendedID: true}, o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	if s.EnableHTTP2 = http2; http2 {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func subscribe(t *testing.T, s *httptest.Server) (*kinesis.SubscribeToShardEventStream, error) {
	t.Helper()
	c := kinesis.New(kinesis.Options{
		Region: "us-east-1", BaseEndpoint: &s.URL, HTTPClient: s.Client(), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
	out, err := c.SubscribeToShard(t.Context(), &kinesis.SubscribeToShardInput{
		ConsumerARN: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/c:1"), ShardId: aws.String("shardId-0"),
		StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeLatest},
	})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { out.GetStream().Close() })
	return out.GetStream(), nil
}

func TestStreamToSDK(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for _, tt := range []struct {
			name   string
			f      subscriber
			events string // sequence numbers
			end    string // of the error
		}{
			{"three", subscriber{events: events(event("1"), event("2"), event("3"))}, "[1 2 3]", "<nil>"},
			{"none", subscriber{events: events()}, "[]", "<nil>"},
			{"refused", subscriber{granted: &types.ResourceInUseException{Message: aws.String("taken")}}, "[]", "ResourceInUseException: taken"},
			{"exception", subscriber{events: events(event("1"), &types.ResourceInUseException{Message: aws.String("taken")})}, "[1]", "ResourceInUseException: taken"},
			{"error that the union has not", subscriber{events: events(Errorf("Odd", "so"))}, "[]", "api error Odd: so"},
			{"failure", subscriber{events: events(event("1"), errors.New("secret"))}, "[1]", "api error InternalFailure"},
			{"panic", subscriber{events: events(event("1"), "secret")}, "[1]", "api error InternalFailure"},
		} {
			failed := 0
			s := streamServer(t, &tt.f, http2, HandlerOptions{OnInternalError: func(context.Context, string, error) { failed++ }})
			got := []string{}
			stream, err := subscribe(t, s)
			if err == nil {
				for e := range stream.Events() {
					ev := e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
					if string(ev.Records[0].Data) != "d" {
						t.Errorf("%s: data %q", tt.name, ev.Records[0].Data)
					}
					got = append(got, *ev.ContinuationSequenceNumber)
				}
				err = stream.Err()
			}
			if fmt.Sprint(got) != tt.events || !strings.Contains(fmt.Sprint(err), tt.end) || strings.Contains(fmt.Sprint(err), "secret") {
				t.Errorf("HTTP/2 %t, %s: %v, %v; want %s, %s", http2, tt.name, got, err, tt.events, tt.end)
			}
			if want := strings.Contains(tt.end, "Failure"); want != (failed == 1) {
				t.Errorf("%s: %d internal errors reported", tt.name, failed)
			}
		}
	}
}

// TestStreamCBOR reads what a client that speaks CBOR gets.
func TestStreamCBOR(t *testing.T) {
	s := streamServer(t, &subscriber{events: events(event("7"), &types.ResourceInUseException{Message: aws.String("m")})}, false, HandlerOptions{})
	text := func(s string) string { return string(appendCBORText(nil, s)) }
	body := "\xa3" + text("ShardId") + text("s") + text("ConsumerARN") + text("arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/c:1") +
		text("StartingPosition") + "\xa1" + text("Type") + text("LATEST")
	req, _ := http.NewRequest("POST", s.URL, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/x-amz-cbor-1.1")
	req.Header.Set("X-Amz-Target", "Kinesis_20131202.SubscribeToShard")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if ct := resp.Header.Get("Content-Type"); ct != "application/vnd.amazon.eventstream" || resp.StatusCode != 200 || resp.Header.Get("X-Amz-Id-2") == "" {
		b, _ := io.ReadAll(resp.Body)
		t.Fatalf("%d %s %s", resp.StatusCode, ct, b)
	}
	var got []string
	for d := eventstream.NewDecoder(); ; {
		m, err := d.Decode(resp.Body, nil)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name := m.Headers.Get(":event-type")
		if name == nil {
			name = m.Headers.Get(":exception-type")
		}
		got = append(got, fmt.Sprintf("%s %s %s %x", m.Headers.Get(":message-type"), name, m.Headers.Get(":content-type"), m.Payload[0]))
	}
	const ct = "application/x-amz-cbor-1.1"
	if want := []string{"event initial-response " + ct + " a0", "event SubscribeToShardEvent " + ct + " a3", "exception ResourceInUseException " + ct + " a2"}; !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// TestStreamSlowClient: nothing is queued for a client that does not read, and one that
// goes away ends the sequence.
func TestStreamSlowClient(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		big := event("1").(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent)
		big.Value.Records[0].Data = bytes.Repeat([]byte("x"), 1<<20)
		taken, ended := make(chan struct{}, 1000), make(chan struct{})
		f := &subscriber{events: func(context.Context) iter.Seq2[types.SubscribeToShardEventStream, error] {
			return func(yield func(types.SubscribeToShardEventStream, error) bool) {
				defer close(ended)
				for range cap(taken) {
					if !yield(big, nil) {
						return
					}
					taken <- struct{}{}
				}
			}
		}}
		s := streamServer(t, f, http2, HandlerOptions{})
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: http2}}
		ctx, hangUp := context.WithCancel(t.Context())
		body := `{"ConsumerARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/c:1","ShardId":"s","StartingPosition":{"Type":"LATEST"}}`
		req, _ := http.NewRequestWithContext(ctx, "POST", s.URL, strings.NewReader(body))
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
		req.Header.Set("X-Amz-Target", "Kinesis_20131202.SubscribeToShard")
		resp, err := client.Do(req)
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		if (resp.ProtoMajor == 2) != http2 {
			t.Errorf("%s", resp.Proto)
		}
		n := 0
		for stalled := false; !stalled; {
			select {
			case <-taken:
				n++
			case <-time.After(300 * time.Millisecond): // long enough for the socket's buffers
				stalled = true
			}
		}
		if n > 50 {
			t.Errorf("HTTP/2 %t: %d events of 1 MiB went to a client that does not read", http2, n)
		}
		hangUp()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatalf("HTTP/2 %t: the sequence goes on after the client has gone", http2)
		}
		resp.Body.Close()
	}
}

// TestStreamClosing: a node that closes does not wait for a client that does not read.
func TestStreamClosing(t *testing.T) {
	big := event("1").(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent)
	big.Value.Records[0].Data = bytes.Repeat([]byte("x"), 1<<20)
	ended := make(chan struct{})
	f := &subscriber{events: func(ctx context.Context) iter.Seq2[types.SubscribeToShardEventStream, error] {
		return func(yield func(types.SubscribeToShardEventStream, error) bool) {
			defer close(ended)
			for ctx.Err() == nil && yield(big, nil) {
			}
		}
	}}
	h, err := NewHandler(API{Model: "kinesis", Operations: []Operation{Streams(f.SubscribeToShard)}}, HandlerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	closing, closeNode := context.WithCancel(t.Context())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(closing))
	}))
	defer s.Close()
	stream, err := subscribe(t, s)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	closeNode()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("the sequence goes on")
	}
}
