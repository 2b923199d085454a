package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	v2types "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
)

func TestListAPIs(t *testing.T) {
	url, cfg := sharedNode(t)
	cfg.Region = "sa-east-1"
	rest, http := apigateway.NewFromConfig(cfg), apigatewayv2.NewFromConfig(cfg)
	var out bytes.Buffer
	if err := listAPIs(t.Context(), cfg, url, &out, false); err != nil || !strings.HasPrefix(out.String(), "There are no APIs.") {
		t.Errorf("%s %v", out.String(), err)
	}
	old, err := rest.ImportRestApi(t.Context(), &apigateway.ImportRestApiInput{Body: []byte(`{"swagger":"2.0","info":{"title":"rest-orders"},"paths":{"/a":{"get":{"x-amazon-apigateway-integration":{"type":"mock"}}}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rest.CreateDeployment(t.Context(), &apigateway.CreateDeploymentInput{RestApiId: old.Id, StageName: aws.String("v1")}); err != nil {
		t.Fatal(err)
	}
	api, err := http.CreateApi(t.Context(), &apigatewayv2.CreateApiInput{Name: aws.String("http-orders"), ProtocolType: v2types.ProtocolTypeHttp, Target: aws.String("https://example.com")})
	if err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := listAPIs(t.Context(), cfg, url, &out, false); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 || strings.Join(strings.Fields(lines[2]), " ") != "rest-orders REST "+*old.Id+" v1 "+url+"/_aws/execute-api/"+*old.Id+"/v1" ||
		strings.Join(strings.Fields(lines[3]), " ") != "http-orders HTTP "+*api.ApiId+" $default "+url+"/_aws/execute-api/"+*api.ApiId+"/" {
		t.Errorf("%s", out.String())
	}
	if got := stageURL("", "eu-west-1", "abc", "v1"); got != "https://abc.execute-api.eu-west-1.amazonaws.com/v1" {
		t.Error(got)
	}
}
