package apigateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// $context.error.validationErrorString: what is wrong with a body, in the words of the validator that API Gateway
// uses, "[object has missing required properties ([\"id\"])]".

// maxDetail bounds the text, in bytes, and maxDetails the errors that it names.
const (
	maxDetail  = 4 << 10
	maxDetails = 20
)

// unreadable is said of a body that is not JSON.
const unreadable = "[Unknown error parsing request body]"

// validationDetail is the text for the error of a validation of a document.
func validationDetail(err error, doc any) string {
	var v *jsonschema.ValidationError
	if !errors.As(err, &v) {
		return unreadable
	}
	var all []string
	size := 0
	var walk func(v *jsonschema.ValidationError)
	walk = func(v *jsonschema.ValidationError) {
		if len(all) >= maxDetails || size > maxDetail {
			return
		}
		text := detail(v.ErrorKind, len(v.Causes), valueAt(doc, v.InstanceLocation))
		if text == "" { // it only leads on
			for _, c := range v.Causes {
				walk(c)
			}
			return
		}
		size += len(text)
		all = append(all, text)
	}
	walk(v)
	slices.Sort(all) // members of objects come in no order
	out := "[" + strings.Join(all, ", ") + "]"
	if len(out) > maxDetail {
		out = strings.ToValidUTF8(out[:maxDetail], "") + "...]"
	}
	return out
}

// valueAt is what lies at a place of a document, nil for nothing.
func valueAt(doc any, path []string) any {
	for _, part := range path {
		switch v := doc.(type) {
		case map[string]any:
			doc = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			doc = v[i]
		default:
			return nil
		}
	}
	return doc
}

// detail is the text for one kind of error of a value, of so many causes; empty where its causes say it.
func detail(k jsonschema.ErrorKind, causes int, value any) string {
	switch k := k.(type) {
	case *kind.Type:
		got, want := k.Got, slices.Clone(k.Want)
		if n, ok := value.(json.Number); ok && !strings.ContainsAny(n.String(), ".eE") {
			got = "integer"
		}
		if slices.Contains(want, "number") && !slices.Contains(want, "integer") {
			want = append(want, "integer")
		}
		return "instance type (" + got + ") does not match any allowed primitive type (allowed: " + sortedJSON(want) + ")"
	case *kind.Required:
		return "object has missing required properties (" + sortedJSON(k.Missing) + ")"
	case *kind.AdditionalProperties:
		return "object instance has properties which are not allowed by the schema: " + sortedJSON(k.Properties)
	case *kind.Enum:
		return "instance value (" + clipText(jsonOf(k.Got)) + ") not found in enum (possible values: " + jsonOf(k.Want) + ")"
	case *kind.Minimum:
		return "numeric instance is lower than the required minimum (minimum: " + decimal(k.Want) + ", found: " + decimal(k.Got) + ")"
	case *kind.Maximum:
		return "numeric instance is greater than the required maximum (maximum: " + decimal(k.Want) + ", found: " + decimal(k.Got) + ")"
	case *kind.ExclusiveMinimum:
		return "numeric instance is not strictly greater than the required minimum " + decimal(k.Want)
	case *kind.ExclusiveMaximum:
		return "numeric instance is not strictly lower than the required maximum " + decimal(k.Want)
	case *kind.MultipleOf:
		return "remainder of division is not zero (" + decimal(k.Got) + " / " + decimal(k.Want) + ")"
	case *kind.MinLength:
		return fmt.Sprintf(`string "%s" is too short (length: %d, required minimum: %d)`, clipText(value), k.Got, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf(`string "%s" is too long (length: %d, maximum allowed: %d)`, clipText(value), k.Got, k.Want)
	case *kind.Pattern:
		return `ECMA 262 regex "` + k.Want + `" does not match input string "` + clipText(k.Got) + `"`
	case *kind.MinItems:
		return fmt.Sprintf("array is too short: must have at least %d elements but instance has %d elements", k.Want, k.Got)
	case *kind.MaxItems:
		return fmt.Sprintf("array is too long: must have at most %d elements but instance has %d elements", k.Want, k.Got)
	case *kind.UniqueItems:
		return "array must not contain duplicate elements"
	case *kind.MinProperties:
		return fmt.Sprintf("object has too few properties (found %d but schema requires at least %d)", k.Got, k.Want)
	case *kind.MaxProperties:
		return fmt.Sprintf("object has too many properties (found %d but schema requires at most %d)", k.Got, k.Want)
	case *kind.Dependency:
		return `property "` + k.Prop + `" of object has missing property dependencies (schema requires ` + sortedJSON(k.Missing) + "; missing: " + sortedJSON(k.Missing) + ")"
	case *kind.AnyOf:
		return "instance failed to match at least one required schema among " + strconv.Itoa(causes)
	case *kind.OneOf:
		if len(k.Subschemas) > 0 {
			return "instance failed to match exactly one schema (matched more than one)"
		}
		return fmt.Sprintf("instance failed to match exactly one schema (matched 0 out of %d)", causes)
	case *kind.Not:
		return "instance matched a schema which it should not have"
	case *kind.Format:
		return fmt.Sprintf("string %s is invalid against requested format %s", jsonOf(k.Got), k.Want)
	}
	return ""
}

// clipText bounds a text of a body.
func clipText(v any) string {
	s, _ := v.(string)
	if len(s) > maxDetail/4 {
		return strings.ToValidUTF8(s[:maxDetail/4], "") + "..."
	}
	return s
}

func sortedJSON(list []string) string { return jsonOf(slices.Sorted(slices.Values(list))) }

// jsonOf is a value as compact JSON, of what a body or a model held.
func jsonOf(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "null"
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// decimal is a number in decimal digits, as far as it has an end.
func decimal(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	if n, exact := r.FloatPrec(); exact && n < 400 {
		return r.FloatString(n)
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}
