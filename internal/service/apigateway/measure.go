package apigateway

import "github.com/brookmere/brookmere/internal/engine/metering"

// What CloudWatch is told of APIs, and of their stages.
var (
	requestCount  = &metering.Measure{Name: "Count", Unit: "Count"}
	clientErrors  = &metering.Measure{Name: "4XXError", Unit: "Count"}
	serverErrors  = &metering.Measure{Name: "5XXError", Unit: "Count"}
	answerLatency = &metering.Measure{Name: "Latency", Unit: "Milliseconds"}

	integrationLatency = &metering.Measure{Name: "IntegrationLatency", Unit: "Milliseconds"} // of requests that came to it
)

// measure tells of the request, which has been answered.
func (x *exchange) measure() {
	if x.s.cfg.Meter == nil {
		return
	}
	api, err := x.s.apis.Get(x.scope.Key(x.address.api)...)
	if err != nil {
		return // it has gone meanwhile
	}
	is := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	samples := []metering.Sample{
		requestCount.Of(1), clientErrors.Of(is(x.status >= 400 && x.status < 500)), serverErrors.Of(is(x.status >= 500)),
		answerLatency.Of(float64(x.s.cfg.Clock.Since(x.received).Microseconds()) / 1000),
	}
	if x.integrated {
		samples = append(samples, integrationLatency.Of(float64(x.latency.Microseconds())/1000))
	}
	scope := x.scope.Account + "/" + x.scope.Region
	x.s.cfg.Meter.Resource(scope, "AWS/ApiGateway", "ApiName", api.Name).Add(samples...)
	x.s.cfg.Meter.Resource(scope, "AWS/ApiGateway", "ApiName", api.Name, "Stage", x.address.stage).Add(samples...)
}
