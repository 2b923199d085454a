package function

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// The report of an invocation that fails behind the beginning of its answer says so.
func TestReportsOfStreams(t *testing.T) {
	x := open(t)
	f := x.node(t, `
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write('one');
  await new Promise((r) => setTimeout(r, 50));
  if (event.how === 'throw') throw new TypeError('half way');
  if (event.how === 'exit') process.exit(3);
  if (event.how === 'hang') await new Promise((r) => setTimeout(r, 60000));
  stream.end();
});`)
	f.JSON = new(JSONLog)
	for _, c := range [][2]string{
		{"end", `"status":"success"`},
		{"throw", `"status":"error","errorType":"TypeError"`},
		{"hang", `"status":"timeout","errorType":"Sandbox.Timedout"`},
		{"exit", `"status":"error","errorType":"Runtime.`}, // ExitError or TruncatedResponse, as is seen first
	} {
		how, want := c[0], c[1]
		var r *Result
		invoke := func() bool {
			var err error
			r, err = x.Invoke(context.Background(), f, &Request{ID: uuid.NewString(), Payload: []byte(`{"how":"` + how + `"}`), Stream: true})
			if err != nil || r.Body == nil && !r.TimedOut {
				t.Fatalf("%s: %+v, %v", how, r, err)
			}
			return r.Body != nil
		}
		if how == "hang" {
			begun(t, f, invoke)
		} else if f.Timeout = time.Minute; !invoke() {
			t.Fatalf("%s: no answer within a minute", how)
		}
		io.Copy(io.Discard, r.Body)
		select {
		case end := <-r.Ending:
			lines := strings.Split(strings.TrimSpace(string(end.Log)), "\n")
			if last := lines[len(lines)-1]; !strings.Contains(last, `"type":"platform.report"`) || !strings.Contains(last, want) {
				t.Errorf("%s: the log ends with %s, want %s", how, last, want)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s: no log", how)
		}
	}
}

// What AWS says is always in a report is there, also where it is zero.
func TestReportHasAllMetrics(t *testing.T) {
	lines := new(JSONLog).reportEvents(time.Unix(0, 0), metrics{Duration: 0.5}, reportRecord{ID: "i", Status: "success"})
	const want = `{"time":"1970-01-01T00:00:00.000Z","type":"platform.report","record":{"requestId":"i","metrics":{"durationMs":0.5,"billedDurationMs":0,"memorySizeMB":0,"maxMemoryUsedMB":0},"status":"success"}}`
	if len(lines) != 1 || lines[0].Text != want {
		t.Errorf("%v", lines)
	}
}
