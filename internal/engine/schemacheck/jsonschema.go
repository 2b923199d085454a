package schemacheck

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// noLoader keeps schemas from reading files or fetching URLs.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s: references to other documents are not followed", url)
}

// schemaURL is what a definition is called in errors, and what its references are relative to.
const schemaURL = "urn:schema"

// parseJSON checks a JSON Schema: an object or a boolean that its draft allows.
func parseJSON(text string) (any, error) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("the schema is not JSON: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	c.UseLoader(noLoader{})
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, err
	}
	if _, err := c.Compile(schemaURL); err != nil {
		return nil, err
	}
	return doc, nil
}

// composed are the keywords that are not taken apart.
var composed = []string{"$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "patternProperties", "pattern", "format", "const", "dependencies"}

// jsonReads says why what one schema describes is not all described by another.
func jsonReads(reader, writer any, path string, depth int) error {
	if depth > maxNesting {
		return errors.New("the schemas nest too deep")
	}
	if b, ok := reader.(bool); ok {
		if !b && writer != false {
			return fmt.Errorf("%s: nothing is allowed any more", at(path))
		}
		return nil
	}
	r, ok := reader.(map[string]any)
	if !ok || len(r) == 0 || writer == false {
		return nil
	}
	w, ok := writer.(map[string]any)
	if !ok {
		w = map[string]any{}
	}
	for _, k := range composed {
		if rv, there := r[k]; there && !reflect.DeepEqual(rv, w[k]) {
			return fmt.Errorf("%s: %s has changed", at(path), k)
		}
	}
	if rt := typesOf(r); rt != nil {
		wt := typesOf(w)
		if wt == nil {
			return fmt.Errorf("%s: the type was open and is %s", at(path), strings.Join(rt, " or "))
		}
		for _, t := range wt {
			if !slices.Contains(rt, t) && !(t == "integer" && slices.Contains(rt, "number")) {
				return fmt.Errorf("%s: the type %s is not allowed any more", at(path), t)
			}
		}
	}
	if re, ok := r["enum"].([]any); ok {
		we, ok := w["enum"].([]any)
		if !ok {
			return fmt.Errorf("%s: the values were open and are enumerated", at(path))
		}
		for _, v := range we {
			if !slices.ContainsFunc(re, func(x any) bool { return reflect.DeepEqual(x, v) }) {
				return fmt.Errorf("%s: the value %v is not allowed any more", at(path), v)
			}
		}
	}
	if err := boundsRead(r, w, path); err != nil {
		return err
	}
	for _, name := range texts(r["required"]) {
		if !slices.Contains(texts(w["required"]), name) {
			return fmt.Errorf("%s: %s is required and was not", at(path), name)
		}
	}
	rp, _ := r["properties"].(map[string]any)
	wp, _ := w["properties"].(map[string]any)
	for name, sub := range wp {
		to, there := rp[name]
		if !there {
			to = r["additionalProperties"]
		}
		if to == nil {
			continue
		}
		if err := jsonReads(to, sub, path+"/"+name, depth+1); err != nil {
			return err
		}
	}
	if ra := r["additionalProperties"]; ra != nil && ra != true {
		wa, there := w["additionalProperties"]
		if !there {
			wa = true
		}
		if err := jsonReads(ra, wa, path+"/*", depth+1); err != nil {
			return err
		}
	}
	if ri, ok := r["items"]; ok {
		wi, there := w["items"]
		if !there {
			wi = true
		}
		if reflect.TypeOf(ri) != reflect.TypeOf(wi) && reflect.TypeOf(ri) == reflect.TypeFor[[]any]() {
			return fmt.Errorf("%s: the items have changed", at(path))
		}
		if _, tuple := ri.([]any); tuple {
			if !reflect.DeepEqual(ri, wi) {
				return fmt.Errorf("%s: the items have changed", at(path))
			}
			return nil
		}
		return jsonReads(ri, wi, path+"/[]", depth+1)
	}
	return nil
}

func typesOf(m map[string]any) []string {
	if s, ok := m["type"].(string); ok {
		return []string{s}
	}
	return texts(m["type"])
}

// boundsRead compares limits: what the reader bounds the writer bounds at least as much.
func boundsRead(r, w map[string]any, path string) error {
	number := func(v any) (float64, bool) {
		n, ok := v.(json.Number)
		if !ok {
			return 0, false
		}
		f, err := n.Float64()
		return f, err == nil
	}
	for key, lower := range map[string]bool{
		"minimum": true, "exclusiveMinimum": true, "minLength": true, "minItems": true, "minProperties": true,
		"maximum": false, "exclusiveMaximum": false, "maxLength": false, "maxItems": false, "maxProperties": false,
	} {
		limit, ok := number(r[key])
		if !ok {
			continue
		}
		was, ok := number(w[key])
		if !ok || lower && was < limit || !lower && was > limit {
			return fmt.Errorf("%s: %s is stricter than it was", at(path), key)
		}
	}
	return nil
}
