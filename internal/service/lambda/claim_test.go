package lambda

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// Of mappings of one source and function that are made at once, one is made; so it is of those that come to have the
// function.
func TestOneMappingOfAPair(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	x.python("f", "def handler(e, c): return 1")
	x.python("g", "def handler(e, c): return 1")
	source := aws.String("arn:aws:sqs:us-east-1:000000000000:q")
	create := func(function string) (string, error) {
		out, err := x.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{FunctionName: &function, EventSourceArn: source, Enabled: aws.Bool(false)})
		if err != nil {
			return "", err
		}
		return *out.UUID, nil
	}
	list := func() int {
		docs, err := x.mappings.All("000000000000", "us-east-1")
		if err != nil {
			t.Fatal(err)
		}
		return len(docs)
	}
	for round := range 20 {
		var made atomic.Int32
		var id atomic.Value
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				one, err := create("f")
				var taken *types.ResourceConflictException
				switch {
				case err == nil:
					made.Add(1)
					id.Store(one)
				case !errors.As(err, &taken):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := made.Load(); n > 1 || list() != int(n) {
			t.Fatalf("round %d: %d were made, %d are there", round, n, list())
		}
		if made.Load() == 0 {
			if one, err := create("f"); err != nil {
				t.Fatal(err)
			} else {
				id.Store(one)
			}
		}
		if _, err := create("f"); err == nil {
			t.Fatal("a second mapping was made")
		}
		if _, err := x.DeleteEventSourceMapping(ctx, &lambda.DeleteEventSourceMappingInput{UUID: aws.String(id.Load().(string))}); err != nil {
			t.Fatal(err)
		}
	}

	// A claim that a crash, or requests that gave way to one another, have left holds nothing up.
	left := &mappingDoc{Account: "000000000000", Region: "us-east-1", ID: newID(), Name: "f", Source: *source}
	if err := x.claims.Put(ctx, &claimDoc{left.ID}, left.claimKey()...); err != nil {
		t.Fatal(err)
	}
	first, err := create("f")
	if err != nil {
		t.Fatal(err)
	}
	second, err := create("g")
	if err != nil {
		t.Fatal(err)
	}
	_, err = x.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: &second, FunctionName: aws.String("f")})
	wantCode(t, err, "ResourceConflictException", first)
	if _, err := x.DeleteEventSourceMapping(ctx, &lambda.DeleteEventSourceMappingInput{UUID: &first}); err != nil {
		t.Fatal(err)
	}
	if _, err := x.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: &second, FunctionName: aws.String("f")}); err != nil {
		t.Fatal(err)
	}
	if _, err := create("g"); err != nil {
		t.Errorf("the function that a mapping has left: %v", err)
	}
	if _, err := create("f"); err == nil {
		t.Error("a mapping that was given another function has lost it")
	}
	// What modify refuses takes nothing.
	_, err = x.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: &second, FunctionName: aws.String("f"), BatchSize: aws.Int32(0)})
	if err == nil {
		t.Error("a batch of nothing")
	}
	if c, err := x.claims.Get((&mappingDoc{Account: "000000000000", Region: "us-east-1", Name: "f", Source: *source}).claimKey()...); err != nil || c.ID != second {
		t.Errorf("claim %+v, %v", c, err)
	}
	if _, err := x.claims.Get("nobody"); !errors.Is(err, state.ErrNotFound) {
		t.Error(err)
	}
}
