package apigatewayv2

import (
	"maps"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"

	"github.com/brookmere/brookmere/internal/engine/metering"
)

func TestHTTPAPIsAreMeasured(t *testing.T) {
	x := newBench(t)
	meter := metering.New()
	x.s.cfg.Meter = meter
	x.route("POST /a", apigatewayv2.CreateIntegrationInput{})
	x.world.function = func(string) string { x.clock.Advance(30 * time.Millisecond); return `"five5"` }
	x.want("POST", "/a", "four", 200, "five5")
	x.want("GET", "/none", "", 404, `{"message":"Not Found"}`)
	x.world.function = func(string) string { return `{"statusCode":"x"}` }
	x.want("POST", "/a", "", 500, `{"message":"Internal Server Error"}`)
	got := map[string]map[string]float64{}
	for _, p := range meter.Take() {
		name := p.Resource.Scope + " " + p.Resource.Namespace
		for _, d := range p.Resource.Dimensions {
			name += " " + d.Name + "=" + d.Value
		}
		if got[name] == nil {
			got[name] = map[string]float64{}
		}
		got[name][p.Measure.Name+" "+p.Measure.Unit] = p.Sum
	}
	want := map[string]float64{"Count Count": 3, "4xx Count": 1, "5xx Count": 1, "Latency Milliseconds": 30, "IntegrationLatency Milliseconds": 30,
		"DataProcessed Bytes": float64(len("four") + len("five5") + len(`{"message":"Not Found"}`) + len(`{"message":"Internal Server Error"}`))}
	of := "111111111111/eu-west-1 AWS/ApiGateway ApiId=" + x.api
	if len(got) != 2 || !maps.Equal(got[of], want) || !maps.Equal(got[of+" Stage=$default"], want) {
		t.Errorf("measured: %v, not %v", got, want)
	}
}
