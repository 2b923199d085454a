package apigateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestHostileModels holds bodies against models that are made to take for ever, and bodies that are.
func TestHostileModels(t *testing.T) {
	chain := `{"definitions": {`
	for i := range 60 {
		chain += fmt.Sprintf(`"d%d": {"allOf": [{"$ref": "#/definitions/d%d"}, {"$ref": "#/definitions/d%d"}]},`, i, i+1, i+1)
	}
	chain += `"d60": {"type": "number"}}, "oneOf": [{"$ref": "#/definitions/d0"}]}`
	const twice = `{"type": "object", "properties": {"a": {"anyOf": [{"$ref": "#"}, {"allOf": [{"$ref": "#"}]}]}}, "additionalProperties": false}`
	nested := func(n int) string { return strings.Repeat(`{"a":`, n) + "{}" + strings.Repeat("}", n) }
	tree := `{"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}}}`
	wide := `{"name": "r", "children": [` + strings.TrimSuffix(strings.Repeat(`{"name": "c", "children": []},`, 20000), ",") + `]}`
	integers := `{"type": "array", "items": {"type": "integer", "maximum": 9}}`
	for _, c := range []struct {
		name, schema, body, want string
	}{
		{"a chain", chain, `1`, errTooMuchWork.Error()},
		{"a member twice", twice, nested(60), errTooMuchWork.Error()},
		{"a member twice, not deep", twice, nested(10), ""},
		{"a tree", tree, wide, ""},
		{"a tree without a name", tree, `{"name": "r", "children": [{}]}`, "any"},
		{"a great exponent", integers, `[1e1000000000]`, errNumber.Error()},
		{"an exponent beyond doubles", integers, `[1e401]`, errNumber.Error()},
		{"a small exponent", integers, `[1e-99999999999999999999]`, errNumber.Error()},
		{"a long number", integers, `[` + strings.Repeat("9", 1<<20) + `]`, errNumber.Error()},
		{"numbers", integers, `[1, 1e0, 9.0, -0, 1E+0]`, ""},
		{"a number over the maximum", integers, `[1e1]`, "any"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ms, err := modelsOf(&apiDoc{ID: "a", Models: map[string]types.Model{"M": {Name: aws.String("M"), Schema: &c.schema}}})
			if err != nil {
				t.Fatal(err)
			}
			s, err := ms.compile("M")
			if err != nil {
				t.Fatal(err)
			}
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			switch err := validateBody(s, doc); {
			case c.want == "any" && err != nil, c.want == "" && err == nil:
			case err == nil || err.Error() != c.want:
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestPlainModels: what bounds a validation costs a body nothing where the model needs no bounds.
func TestPlainModels(t *testing.T) {
	schema := `{"type": "array", "items": {"type": "object", "properties": {"a": {"type": "number"}}}}`
	ms, err := modelsOf(&apiDoc{ID: "a", Models: map[string]types.Model{"M": {Name: aws.String("M"), Schema: &schema}}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := ms.compile("M")
	if err != nil {
		t.Fatal(err)
	}
	const members = 2000
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader("[" + strings.TrimSuffix(strings.Repeat(`{"a": 1},`, members), ",") + "]"))
	if err != nil {
		t.Fatal(err)
	}
	allocations := func(validate func() error) float64 {
		return testing.AllocsPerRun(5, func() {
			if err := validate(); err != nil {
				t.Fatal(err)
			}
		})
	}
	alone, bounded := allocations(func() error { return s.Validate(doc) }), allocations(func() error { return validateBody(s, doc) })
	if bounded > alone+members/2 {
		t.Errorf("%v allocations, %v of them of the validation itself", bounded, alone)
	}
}
