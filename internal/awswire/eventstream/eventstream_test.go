package eventstream

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

func payload(b []byte) func([]byte) ([]byte, error) {
	return func(dst []byte) ([]byte, error) { return append(dst, b...), nil }
}

// check reads messages with the SDK's decoder, which verifies both checksums.
func check(t *testing.T, stream []byte, headers []Header, body []byte, times int) {
	t.Helper()
	r, d := bytes.NewReader(stream), sdk.NewDecoder()
	for range times {
		m, err := d.Decode(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Headers) != len(headers) || !bytes.Equal(m.Payload, body) {
			t.Fatalf("%d headers, payload %q", len(m.Headers), m.Payload)
		}
		for i, h := range headers {
			if got := m.Headers[i]; got.Name != h.Name || got.Value.String() != h.Value {
				t.Errorf("header %d: %s=%s; want %v", i, got.Name, got.Value, h)
			}
		}
	}
	if _, err := d.Decode(r, nil); err != io.EOF {
		t.Errorf("after the last message: %v", err)
	}
}

func TestAppend(t *testing.T) {
	headers := []Header{{MessageType, "event"}, {EventType, "SubscribeToShardEvent"}, {TypeOfContent, ""}}
	var stream []byte
	for range 3 {
		var err error
		if stream, err = Append(stream, headers, payload([]byte(`{"a":1}`))); err != nil {
			t.Fatal(err)
		}
	}
	check(t, stream, headers, []byte(`{"a":1}`), 3)
	empty, err := Append(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	check(t, empty, nil, []byte{}, 1)
}

func TestAppendRefuses(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name    string
		header  Header
		payload func([]byte) ([]byte, error)
		want    error
	}{
		{"payload", Header{"a", "b"}, payload(make([]byte, MaxPayload+1)), ErrTooLarge},
		{"name", Header{strings.Repeat("n", 256), "b"}, nil, ErrTooLarge},
		{"no name", Header{"", "b"}, nil, ErrTooLarge},
		{"value", Header{"a", strings.Repeat("v", maxHeader+1)}, nil, ErrTooLarge},
		{"failing", Header{"a", "b"}, func([]byte) ([]byte, error) { return nil, broken }, broken},
	} {
		if got, err := Append([]byte("before"), []Header{tt.header}, tt.payload); err != tt.want || string(got) != "before" {
			t.Errorf("%s: %.20q, %v", tt.name, got, err)
		}
	}
}

// FuzzAppend reads back with the SDK's decoder what was written.
func FuzzAppend(f *testing.F) {
	f.Add(":event-type", "SubscribeToShardEvent", []byte("{}"))
	f.Add("x", "", []byte(nil))
	f.Fuzz(func(t *testing.T, name, value string, body []byte) {
		headers := []Header{{name, value}}
		stream, err := Append(nil, headers, payload(body))
		if err != nil {
			return // a name or value too long for the form: nothing was written
		}
		check(t, stream, headers, body, 1)
	})
}

func BenchmarkAppend(b *testing.B) {
	headers := []Header{{MessageType, "event"}, {EventType, "SubscribeToShardEvent"}, {TypeOfContent, "application/json"}}
	body := payload(make([]byte, 100<<10))
	b.SetBytes(100 << 10)
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		buf, _ = Append(buf[:0], headers, body)
	}
}
