package apigateway

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/engine/metering"
)

func TestRESTAPIsAreMeasured(t *testing.T) {
	x := newBench(t)
	meter := metering.New()
	x.s.cfg.Meter = meter
	x.world.serve = func(string, string, *http.Request, string) (int, http.Header, string) {
		x.clock.Advance(30 * time.Millisecond)
		return 200, nil, `{}`
	}
	x.method("POST", "/orders", apigateway.PutMethodInput{}, apigateway.PutIntegrationInput{
		Type: types.IntegrationTypeAws, Uri: aws.String("arn:aws:apigateway:eu-west-1:kinesis:action/PutRecord"), Credentials: aws.String("arn:aws:iam::111111111111:role/api"),
	}, apigateway.PutIntegrationResponseInput{StatusCode: aws.String("200")})
	x.deploy()
	x.want("POST", "/orders", `{}`, 200, `{}`)
	x.want("POST", "/nothing", "", 403, `{"message":"Missing Authentication Token"}`)
	got := map[string]map[string]float64{}
	samples := 0.0
	for _, p := range meter.Take() {
		name := p.Resource.Scope + " " + p.Resource.Namespace
		for _, d := range p.Resource.Dimensions {
			name += " " + d.Name + "=" + d.Value
		}
		if got[name] == nil {
			got[name] = map[string]float64{}
		}
		got[name][p.Measure.Name+" "+p.Measure.Unit] = p.Sum
		if p.Measure == integrationLatency {
			samples += p.Count
		}
	}
	want := map[string]float64{"Count Count": 2, "4XXError Count": 1, "5XXError Count": 0, "Latency Milliseconds": 30, "IntegrationLatency Milliseconds": 30}
	const of = "111111111111/eu-west-1 AWS/ApiGateway ApiName=test"
	if len(got) != 2 || !maps.Equal(got[of], want) || !maps.Equal(got[of+" Stage=v1"], want) || samples != 2 {
		t.Errorf("measured: %v (%v samples), not %v", got, samples, want)
	}
}
