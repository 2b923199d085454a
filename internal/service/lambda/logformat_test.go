package lambda

import (
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

type sunkLogs struct {
	mu     sync.Mutex
	groups map[string][]string
}

func (s *sunkLogs) Log(p LogPlace, events []LogEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		s.groups[p.Group] = append(s.groups[p.Group], e.Message)
	}
}

// TestJSONLogs: with LogFormat JSON the platform and the loggers of the runtimes log documents, of the levels
// that are wanted, into the group that is named.
func TestJSONLogs(t *testing.T) {
	x := newFixture(t)
	sink := &sunkLogs{groups: map[string][]string{}}
	x.cfg.Logs = sink
	logging := func(group string, application types.ApplicationLogLevel, system types.SystemLogLevel) func(*lambda.CreateFunctionInput) {
		return func(in *lambda.CreateFunctionInput) {
			in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatJson, LogGroup: &group, ApplicationLogLevel: application, SystemLogLevel: system}
		}
	}
	const source = `
import logging
def handler(e, c):
    log = logging.getLogger()
    log.debug('fine')
    log.warning('look %s', 'here', extra={'order': 7})
    print('plain')
    print('{"level": "debug", "message": "own"}')
    print('{"level": 5, "message": [}')
    if e.get('fail'):
        raise ValueError('no')
`
	x.python("f", source, logging("/mine/f", "", ""))
	x.python("quiet", source, logging("/mine/quiet", types.ApplicationLogLevelWarn, types.SystemLogLevelWarn))
	x.python("loud", source, logging("/mine/loud", types.ApplicationLogLevelDebug, types.SystemLogLevelDebug))
	x.invoke("f", "{}")
	x.invoke("quiet", "{}")
	x.invoke("loud", "{}")
	if out, err := x.Invoke(context.Background(), &lambda.InvokeInput{FunctionName: aws.String("quiet"), Payload: []byte(`{"fail": 1}`)}); err != nil || out.FunctionError == nil {
		t.Fatalf("a function that fails: %v, %+v", err, out)
	}
	groups := map[string]string{
		"/mine/f":     "platform.initStart platform.start look_here plain bad platform.report",
		"/mine/quiet": "look_here look_here ERROR platform.runtimeDone platform.report",
		"/mine/loud":  "platform.initStart platform.initRuntimeDone platform.initReport platform.start fine look_here plain own bad platform.runtimeDone platform.report",
	}
	if _, err := exec.LookPath("node"); err == nil {
		if _, err := x.CreateFunction(context.Background(), &lambda.CreateFunctionInput{
			FunctionName: aws.String("n"), Runtime: types.RuntimeNodejs20x, Handler: aws.String("app.handler"), Role: aws.String("arn:aws:iam::000000000000:role/f"), Timeout: aws.Int32(30),
			LoggingConfig: &types.LoggingConfig{LogFormat: types.LogFormatJson, LogGroup: aws.String("/mine/n")},
			Code: &types.FunctionCode{ZipFile: zipped(t, map[string]string{"app.js": `
exports.handler = async () => {
  const loop = {}; loop.loop = loop;
  console.debug('fine'); console.log('look', 'here'); console.warn(loop); console.error(undefined); console.error('it', new TypeError('bad'));
};`})},
		}); err != nil {
			t.Fatal(err)
		}
		x.invoke("n", "{}")
		groups["/mine/n"] = "platform.initStart platform.start look_here WARN undefined TypeError platform.report"
	}
	sink.mu.Lock()
	defer sink.mu.Unlock()
	for group, want := range groups {
		var got []string
		for _, line := range sink.groups[group] {
			var d struct {
				Type, Level, Message, RequestID string
				LogLevel                        string `json:"log_level"`
				ErrorType                       string
				Order                           int
				Record                          struct {
					RequestID string
					Metrics   struct{ DurationMs float64 }
				}
			}
			err := json.Unmarshal([]byte(line), &d)
			switch {
			case line == "plain":
				got = append(got, line)
			case err != nil && strings.Contains(line, `"level": 5`):
				got = append(got, "bad")
			case err != nil:
				t.Errorf("%s: not a document: %s", group, line)
			case d.Type != "":
				got = append(got, d.Type)
				if d.Type == "platform.report" && (d.Record.RequestID == "" || d.Record.Metrics.DurationMs <= 0) {
					t.Errorf("%s: %s", group, line)
				}
			case d.LogLevel != "":
				got = append(got, d.LogLevel)
			case d.ErrorType != "":
				got = append(got, d.ErrorType)
			case strings.Contains(d.Message, "ircular"):
				got = append(got, d.Level)
			default:
				got = append(got, strings.ReplaceAll(d.Message, " ", "_"))
				if d.Level == "WARNING" && (d.Order != 7 || d.RequestID == "") {
					t.Errorf("%s: %s", group, line)
				}
			}
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%s has\n%s\nwant\n%s\nof\n%s", group, g, want, strings.Join(sink.groups[group], "\n"))
		}
	}
}
