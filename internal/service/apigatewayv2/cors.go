package apigatewayv2

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// CORS. Where an API is configured for it, the gateway answers preflights by itself, after the authorization of the
// route that they fall on, and its headers replace those of integrations.

// isPreflight reports whether the request is a preflight that the gateway answers.
func (x *exchange) isPreflight() bool {
	return x.compiled.api.API.CorsConfiguration != nil && x.r.Method == http.MethodOptions &&
		x.r.Header.Get("Origin") != "" && x.r.Header.Get("Access-Control-Request-Method") != ""
}

// allowedOrigin is what the answer says of an origin, empty for nothing.
func allowedOrigin(allowed []string, origin string) string {
	for _, a := range allowed {
		scheme, isAny := strings.CutSuffix(a, "*")
		switch {
		case a == "*":
			return "*"
		case strings.EqualFold(a, origin):
			return origin
		case isAny && strings.HasSuffix(scheme, "://") && len(origin) > len(scheme) && strings.EqualFold(origin[:len(scheme)], scheme):
			return origin // "https://*"
		}
	}
	return ""
}

// cors sets the headers of CORS of an answer.
func (x *exchange) cors(h http.Header) {
	if x.compiled == nil || x.compiled.api.API.CorsConfiguration == nil {
		return
	}
	c := x.compiled.api.API.CorsConfiguration
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			h.Del(name)
		}
	}
	origin := x.r.Header.Get("Origin")
	if origin == "" {
		return
	}
	allowed := allowedOrigin(c.AllowOrigins, origin)
	if allowed == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", allowed)
	if allowed != "*" && !slices.Contains(h.Values("Vary"), "Origin") {
		h.Add("Vary", "Origin")
	}
	if aws.ToBool(c.AllowCredentials) {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if len(c.ExposeHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(c.ExposeHeaders, ","))
	}
	if !x.isPreflight() {
		return
	}
	if len(c.AllowMethods) > 0 {
		h.Set("Access-Control-Allow-Methods", strings.Join(c.AllowMethods, ","))
	}
	if len(c.AllowHeaders) > 0 {
		h.Set("Access-Control-Allow-Headers", strings.Join(c.AllowHeaders, ","))
	}
	if c.MaxAge != nil {
		h.Set("Access-Control-Max-Age", strconv.Itoa(int(*c.MaxAge)))
	}
}
