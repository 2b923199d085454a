package apigatewayv2

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/brookmere/brookmere/internal/awswire/inflight"
)

// TestDoors holds status, body and headers of whatever goes wrong against what HTTP APIs answer.
func TestDoors(t *testing.T) {
	x := newBench(t)
	x.world.function = func(payload string) string {
		switch {
		case strings.Contains(payload, `"body":"wait"`):
			return "wait"
		case strings.Contains(payload, `"body":"fail"`):
			return "!boom"
		case strings.Contains(payload, `"body":"odd"`):
			return `{"statusCode":"x"}`
		}
		return `{"statusCode":200,"body":"ok"}`
	}
	x.route("POST /a", apigatewayv2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeAwsProxy, PayloadFormatVersion: aws.String("2.0")})
	x.route("POST /wait", apigatewayv2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeAwsProxy, PayloadFormatVersion: aws.String("2.0"), TimeoutInMillis: aws.Int32(50)})
	x.route("POST /one", apigatewayv2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeAwsProxy, PayloadFormatVersion: aws.String("1.0")})
	x.route("GET /iam", apigatewayv2.CreateIntegrationInput{}, func(in *apigatewayv2.CreateRouteInput) { in.AuthorizationType = types.AuthorizationTypeAwsIam })
	x.route("GET /slow", apigatewayv2.CreateIntegrationInput{})
	if _, err := x.s.UpdateStage(x.ctx, &apigatewayv2.UpdateStageInput{ApiId: &x.api, StageName: aws.String("$default"), RouteSettings: map[string]types.RouteSettings{
		"GET /slow": {ThrottlingRateLimit: aws.Float64(1), ThrottlingBurstLimit: aws.Int32(1)},
	}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		verb, path, body string
		status           int
		answer           string
	}{
		{"GET", "/none", "", 404, `{"message":"Not Found"}`},
		{"GET", "/a", "", 404, `{"message":"Not Found"}`},
		{"POST", "/a", strings.Repeat("x", maxPayload+1), 413, `{"message":"Request Entity Too Large"}`},
		{"POST", "/a", "fail", 500, `{"message":"Internal Server Error"}`},
		{"POST", "/a", "odd", 500, `{"message":"Internal Server Error"}`},
		{"POST", "/one", "odd", 500, `{"message":"Internal Server Error"}`},
		{"POST", "/wait", "wait", 503, `{"message":"Service Unavailable"}`},
		{"GET", "/iam", "", 403, `{"message":"Forbidden"}`},
		{"GET", "/slow", "", 200, `ok`},
		{"GET", "/slow", "", 429, `{"message":"Too Many Requests"}`},
		{"OPTIONS", "/a", "", 404, `{"message":"Not Found"}`},
	} {
		code, h, got := x.do(c.verb, c.path, c.body)
		if code != c.status || got != c.answer {
			t.Errorf("%s %s %.10q: %d %s, want %d %s", c.verb, c.path, c.body, code, got, c.status, c.answer)
		}
		if h.Get("Apigw-Requestid") == "" || h.Get("X-Amzn-Errortype") != "" || code != 200 && h.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %v", c.verb, c.path, h)
		}
	}
	if code, _, got := (&bench{t: t, s: x.s, api: "none"}).do("GET", "/a", ""); code != 404 || got != `{"message":"Not Found"}` {
		t.Errorf("an API that is not there: %d %s", code, got)
	}
}

// TestNoRoom has clients send again what there is no room for.
func TestNoRoom(t *testing.T) {
	x := newBench(t)
	x.route("POST /a", apigatewayv2.CreateIntegrationInput{})
	w := httptest.NewRecorder()
	x.s.ServeHTTP(w, httptest.NewRequest("POST", "http://"+x.api+".execute-api.eu-west-1.amazonaws.com/a", iotest.ErrReader(inflight.ErrSlowDown)))
	if w.Code != 503 || w.Body.String() != `{"message":"Service Unavailable"}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
