package trino

import (
	"testing"

	"github.com/brookmere/brookmere/internal/engine/lakesql/trino/functions"
	"github.com/brookmere/brookmere/internal/engine/sql/signature"
)

// TestEveryFunctionIsDescribed: what can be called is described, and what is described can be
// called, but for what has a grammar of its own.
func TestEveryFunctionIsDescribed(t *testing.T) {
	for name, f := range translations {
		if f.Name != name {
			t.Errorf("%s is not described", name)
		}
		if unsupported[name] {
			t.Errorf("%s is supported and is not", name)
		}
		if grouped := f.Kind == signature.Aggregate || f.Kind == signature.Window; grouped != (f.aggregate != "") && name != "grouping" {
			t.Errorf("%s is described as a function of kind %s", name, f.Kind)
		}
	}
	for _, f := range functions.All {
		if _, ok := translations[f.Name]; !ok && f.Kind != signature.Expression {
			t.Errorf("%s is described and cannot be called", f.Name)
		}
	}
}
