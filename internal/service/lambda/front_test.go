package lambda

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// TestURLAsksPolicies: where policies count, a URL lets in whom they allow to call the function by it.
func TestURLAsksPolicies(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	f := aws.String("f")
	x.python("f", "def handler(e, c): return e['requestContext']['accountId']")
	u, err := x.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{FunctionName: f, AuthType: types.FunctionUrlAuthTypeAwsIam})
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	x.cfg.MayCallURL = func(ctx context.Context, function, authType string) error {
		who := "anonymous"
		if c := awswire.CallerFrom(ctx); !c.Anonymous {
			who = c.Principal
		}
		asked = append(asked, who+" "+authType+" "+function)
		if strings.HasSuffix(who, "user/eve") {
			return awswire.Errorf("AccessDeniedException", "no")
		}
		return nil
	}
	call := func(principal string) int {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, *u.FunctionUrl, nil)
		if principal != "" {
			r = r.WithContext(awswire.WithCaller(r.Context(), awswire.Caller{Account: "000000000000", Region: "us-east-1", AccessKey: "AKIAX", Principal: "arn:aws:iam::000000000000:user/" + principal}))
		}
		w := httptest.NewRecorder()
		x.serveURL(w, r)
		return w.Code
	}
	if got := [3]int{call("eve"), call("ann"), call("")}; got != [3]int{403, 200, 403} {
		t.Errorf("by IAM: %v", got)
	}
	if _, err := x.UpdateFunctionUrlConfig(ctx, &lambda.UpdateFunctionUrlConfigInput{FunctionName: f, AuthType: types.FunctionUrlAuthTypeNone}); err != nil {
		t.Fatal(err)
	}
	if got := [2]int{call(""), call("eve")}; got != [2]int{200, 200} {
		t.Errorf("open: %v", got)
	}
	const arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
	want := "arn:aws:iam::000000000000:user/eve AWS_IAM " + arn + "|arn:aws:iam::000000000000:user/ann AWS_IAM " + arn + "|anonymous NONE " + arn + "|anonymous NONE " + arn
	if got := strings.Join(asked, "|"); got != want {
		t.Errorf("asked\n%s, want\n%s", got, want)
	}
}

// TestURLHeaders: an event says where its request came from, and an answer says nothing of the connection.
func TestURLHeaders(t *testing.T) {
	x := newFixture(t)
	x.python("f", `
def handler(e, c):
    h = e['headers']
    return {'statusCode': 200, 'body': '|'.join(h['x-forwarded-' + n] for n in ('for', 'port', 'proto')),
            'headers': {'connection': 'close, x-hop', 'X-Hop': '1', 'Transfer-Encoding': 'chunked', 'Keep-Alive': '9', 'Content-Length': '1', 'x-end': '2'}}
`)
	u, err := x.CreateFunctionUrlConfig(context.Background(), &lambda.CreateFunctionUrlConfigInput{FunctionName: aws.String("f"), AuthType: types.FunctionUrlAuthTypeNone})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, *u.FunctionUrl, nil)
	r.RemoteAddr = "192.0.2.7:1234"
	r.Header.Set("X-Forwarded-For", "10.0.0.1")
	r.Header.Set("X-Forwarded-Proto", "gopher")
	w := httptest.NewRecorder()
	x.serveURL(w, r)
	if got, want := w.Body.String(), "10.0.0.1, 192.0.2.7|4566|http"; w.Code != 200 || got != want {
		t.Errorf("answered %d %q, want %q", w.Code, got, want)
	}
	for _, name := range []string{"Connection", "X-Hop", "Transfer-Encoding", "Keep-Alive"} {
		if got := w.Header().Get(name); got != "" {
			t.Errorf("%s: %s has come through", name, got)
		}
	}
	if end, length := w.Header().Get("X-End"), w.Header().Get("Content-Length"); end != "2" || length != "29" {
		t.Errorf("X-End %q, Content-Length %q", end, length)
	}
}

// TestURLStatus: what is not the status of a response is an error of the function.
func TestURLStatus(t *testing.T) {
	for _, status := range []string{"99", "100", "101", "199", "600", "-1"} {
		w := httptest.NewRecorder()
		answerURL(w, []byte(`{"statusCode": `+status+`, "body": "x"}`))
		if w.Code != http.StatusBadGateway {
			t.Errorf("the status %s is answered as %d", status, w.Code)
		}
	}
}
