package node

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/policy"
)

// A function is called by its URL only by who may call the URL, and the function, be it by the URL alone.
func TestMayCallURL(t *testing.T) {
	refused := errors.New("no")
	for _, c := range []struct {
		deny string
		want error
	}{{"", nil}, {"lambda:InvokeFunctionUrl", refused}, {"lambda:InvokeFunction", refused}} {
		var asked []string
		may := mayCallURL(func(_ context.Context, action, arn string, keys policy.Keys) error {
			asked = append(asked, action+" "+arn+" "+strings.Join(append(keys("lambda:functionurlauthtype"), keys("lambda:invokedviafunctionurl")...), ","))
			if action == c.deny {
				return refused
			}
			return nil
		})
		if err := may(context.Background(), "f", "NONE"); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("without %q: %v", c.deny, err)
		}
		if c.deny == "" && strings.Join(asked, "|") != "lambda:InvokeFunctionUrl f NONE|lambda:InvokeFunction f true" {
			t.Errorf("asked %q", asked)
		}
	}
}
