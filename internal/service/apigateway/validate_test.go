package apigateway

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/sync/semaphore"
)

// TestLargeBodiesTakeTurns has bodies under validation that are as much as may be: another one waits, and leaves with
// its client.
func TestLargeBodiesTakeTurns(t *testing.T) {
	s := &Service{validating: semaphore.NewWeighted(maxPayload)}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("model.json", map[string]any{"type": "array"}); err != nil {
		t.Fatal(err)
	}
	model, err := c.Compile("model.json")
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	x := &exchange{s: s, ctx: ctx, r: httptest.NewRequest("POST", "/", nil), body: []byte("[1]"), route: &route{
		validator: types.RequestValidator{ValidateRequestBody: true}, models: map[string]*jsonschema.Schema{"$default": model},
	}}
	if err := x.validate(); err != nil {
		t.Fatal(err)
	}
	if err := s.validating.Acquire(t.Context(), maxPayload); err != nil { // all is given back
		t.Fatal(err)
	}
	leave()
	if err := x.validate(); !errors.Is(err, context.Canceled) {
		t.Errorf("beside as much as may be: %v", err)
	}
}
