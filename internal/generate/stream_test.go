package generate

import (
	"bufio"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// streamed asks a server of streams, and returns the status and the records.
func streamed(t *testing.T, server *httptest.Server, query url.Values) (int, []Made) {
	t.Helper()
	resp, err := http.Get(server.URL + "?" + query.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, nil
	}
	var out []Made
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		var b Batch
		if err := json.Unmarshal(lines.Bytes(), &b); err != nil {
			t.Fatalf("line %q: %v", lines.Text(), err)
		}
		out = append(out, b.Records...)
	}
	return resp.StatusCode, out
}

func TestStreams(t *testing.T) {
	server := httptest.NewServer(new(Streams))
	defer server.Close()
	status, got := streamed(t, server, url.Values{"template": {`{"a": {{random.number({"min":1,"max":9})}}, "b": "<x>"}`}, "rate": {"50000"}, "count": {"700"}, "seed": {"7"}})
	if status != http.StatusOK || len(got) != 700 {
		t.Fatalf("status %d, %d records", status, len(got))
	}
	for _, r := range got {
		if !strings.HasPrefix(r.Data, `{"a": `) || !strings.HasSuffix(r.Data, `"b": "<x>"}`) || r.Key == "" {
			t.Fatalf("record %+v", r)
		}
	}
	// Keys are those of the source where it has some, and JSON over several lines stays whole.
	if _, got := streamed(t, server, url.Values{"source": {"unicorns"}, "rate": {"5000"}, "count": {"3"}}); len(got) != 3 || !strings.Contains(got[0].Data, `"Name":"`+got[0].Key+`"`) {
		t.Errorf("unicorns: %+v", got)
	}
	if _, got := streamed(t, server, url.Values{"source": {"patients"}, "rate": {"5000"}, "count": {"2"}}); len(got) != 2 || !json.Valid([]byte(got[0].Data)) {
		t.Errorf("patients: %+v", got)
	}
}

func TestStreamsRefuse(t *testing.T) {
	s := new(Streams)
	server := httptest.NewServer(s)
	defer server.Close()
	for _, q := range []url.Values{
		{}, {"source": {"nothing"}}, {"source": {"orders"}, "template": {"x"}}, {"template": {"{{no.such}}"}}, {"template": {strings.Repeat("x", MaxTemplate+1)}},
		{"source": {"orders"}, "rate": {"lots"}}, {"source": {"orders"}, "rate": {"60000"}}, {"source": {"orders"}, "rate": {"-1"}}, {"source": {"orders"}, "rate": {"NaN"}},
		{"source": {"orders"}, "count": {"-1"}}, {"source": {"orders"}, "seed": {"x"}},
		{"template": {strings.Repeat("{{lorem.slug(10000)}}", 1500)}, "count": {"1"}}, // 100 MB
	} {
		if status, _ := streamed(t, server, q); status != http.StatusBadRequest {
			t.Errorf("%.60s: status %d", q.Encode(), status)
		}
	}
	for range MaxStreams {
		s.enter()
	}
	if status, _ := streamed(t, server, url.Values{"source": {"orders"}, "count": {"1"}}); status != http.StatusTooManyRequests {
		t.Errorf("too many: status %d", status)
	}
}

// TestTooLongRecord: a record that is too long goes nowhere.
func TestTooLongRecord(t *testing.T) {
	w := httptest.NewRecorder()
	sink := &lineSink{w: w, rc: http.NewResponseController(w)}
	if n, err := sink.Put(t.Context(), []Record{{Data: []byte("x")}, {Data: make([]byte, MaxStreamed+1)}}); n != 0 || !errors.Is(err, errTooLong) || w.Body.Len() > 0 {
		t.Errorf("%d records and %d bytes are sent, %v", n, w.Body.Len(), err)
	}
}
