package apigatewayv2

import (
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/brookmere/brookmere/internal/engine/metering"
)

// What CloudWatch is told of HTTP APIs, and of their stages. Their names differ from those of REST APIs.
var (
	requestCount       = &metering.Measure{Name: "Count", Unit: "Count"}
	clientErrors       = &metering.Measure{Name: "4xx", Unit: "Count"}
	serverErrors       = &metering.Measure{Name: "5xx", Unit: "Count"}
	answerLatency      = &metering.Measure{Name: "Latency", Unit: "Milliseconds"}
	integrationLatency = &metering.Measure{Name: "IntegrationLatency", Unit: "Milliseconds"}
	dataProcessed      = &metering.Measure{Name: "DataProcessed", Unit: "Bytes"}
)

// measure tells of the request, which has been answered.
func (x *exchange) measure() {
	if x.s.cfg.Meter == nil {
		return
	}
	is := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	samples := []metering.Sample{
		requestCount.Of(1), clientErrors.Of(is(x.status >= 400 && x.status < 500)), serverErrors.Of(is(x.status >= 500)),
		answerLatency.Of(float64(x.s.cfg.Clock.Since(x.received).Microseconds()) / 1000), dataProcessed.Of(float64(len(x.body) + x.sent)),
	}
	if x.integrated {
		samples = append(samples, integrationLatency.Of(float64(x.latency.Microseconds())/1000))
	}
	scope, id := x.scope.Account+"/"+x.scope.Region, aws.ToString(x.api.API.ApiId)
	x.s.cfg.Meter.Resource(scope, "AWS/ApiGateway", "ApiId", id).Add(samples...)
	x.s.cfg.Meter.Resource(scope, "AWS/ApiGateway", "ApiId", id, "Stage", aws.ToString(x.stage.Stage.StageName)).Add(samples...)
}
