package apigateway

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

func TestImportDocumentation(t *testing.T) {
	x := newBench(t)
	put := func(mode types.PutMode, strict bool, text string) ([]string, error) {
		out, err := x.s.ImportDocumentationParts(x.ctx, &apigateway.ImportDocumentationPartsInput{RestApiId: &x.api, Body: []byte(text), Mode: mode, FailOnWarnings: strict})
		if err != nil {
			return nil, err
		}
		return out.Ids, nil
	}
	parts := func() map[string]string {
		out, err := x.s.GetDocumentationParts(x.ctx, &apigateway.GetDocumentationPartsInput{RestApiId: &x.api, Limit: aws.Int32(500)})
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		for _, p := range out.Items {
			all[string(p.Location.Type)+" "+aws.ToString(p.Location.Path)] = *p.Properties
		}
		return all
	}
	document := func(list string) string {
		return `{"swagger":"2.0","info":{"title":"t","version":"1"},"paths":{},"x-amazon-apigateway-documentation":{"version":"1","documentationParts":` + list + `}}`
	}
	first, err := put("", true, document(`[{"location":{"type":"API"},"properties":{"description":"d","info":{"a":1}}},{"location":{"type":"METHOD","path":"/a","method":"GET"},"properties":"{\"summary\":\"s\"}"}]`))
	if err != nil || len(first) != 2 {
		t.Fatal(first, err)
	}
	if got := parts(); got["API "] != `{"description":"d","info":{"a":1}}` || got["METHOD /a"] != `{"summary":"s"}` {
		t.Errorf("%v", got)
	}
	again, err := put(types.PutModeMerge, false, "openapi: 3.0.1\ninfo: {title: t, version: '1'}\npaths: {}\nx-amazon-apigateway-documentation:\n  documentationParts:\n  - location: {type: API}\n    properties: {description: new}\n")
	if err != nil || len(again) != 1 || again[0] != first[0] {
		t.Fatal(again, err)
	}
	if got := parts(); got["API "] != `{"description":"new","info":{"a":1}}` || len(got) != 2 {
		t.Errorf("%v", got)
	}
	before := parts()
	for _, bad := range []string{
		`[1]`, `{}`, `[{"location":{"type":"API"},"properties":{}},{"location":{"type":"NOTHING"},"properties":{}}]`, `[{"location":{"type":"API"}}]`, `[{"location":{"type":"API","path":"/x"},"properties":{}}]`,
		`[{"location":{"type":"API"},"properties":[1]}]`, `[{"location":5,"properties":{}}]`, `[{"location":{"type":"API"},"properties":{}},{"location":{"type":"API"},"properties":{}}]`,
		`[` + strings.Repeat(`{},`, maxParts) + `{}]`,
	} {
		if ids, err := put(types.PutModeOverwrite, false, document(bad)); err == nil {
			t.Errorf("%.80s is taken: %v", bad, ids)
		}
	}
	if _, err := put("", true, `{"swagger":"2.0","info":{"title":"t","version":"1"},"paths":{}}`); err == nil {
		t.Error("a description without documentation is no warning")
	}
	for _, none := range []string{`{"swagger":"2.0","info":{"title":"t","version":"1"},"paths":{}}`, `{"swagger":"2.0","x-amazon-apigateway-documentation":{"version":"1"}}`} {
		if _, err := put(types.PutModeOverwrite, false, none); err != nil {
			t.Errorf("%s: %v", none, err)
		}
	}
	if _, err := put(types.PutModeOverwrite, false, `{"swagger":"2.0","x-amazon-apigateway-documentation":7}`); err == nil {
		t.Error("documentation that is a number is taken")
	}
	if got := parts(); len(got) != len(before) || got["API "] != before["API "] {
		t.Errorf("what was refused has changed %v to %v", before, got)
	}
	if _, err := put(types.PutModeOverwrite, false, document(`[]`)); err != nil || len(parts()) != 0 {
		t.Errorf("an empty list leaves %v, %v", parts(), err)
	}
	if _, err := put(types.PutModeOverwrite, false, document(`[{"location":{"type":"API"},"properties":{"x":1}}]`)); err != nil {
		t.Fatal(err)
	}
	if got := parts(); got["API "] != `{"x":1}` || len(got) != 1 {
		t.Errorf("%v", got)
	}
}

func FuzzDescribedParts(f *testing.F) {
	f.Add([]byte(`{"swagger":"2.0","info":{"title":"t","version":"1"},"paths":{},"x-amazon-apigateway-documentation":{"documentationParts":[{"location":{"type":"API"},"properties":{"description":"d"}}]}}`))
	f.Add([]byte("openapi: 3.0.1\ninfo: {title: t, version: '1'}\npaths: {}\nx-amazon-apigateway-documentation:\n  documentationParts:\n  - location: {type: API}\n    properties: '{}'\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		parts, _, err := describedParts(body)
		if err != nil {
			return
		}
		for _, p := range parts {
			if checkLocation(p.Location) != nil || checkProperties(p.Properties) != nil {
				t.Errorf("%+v is taken", p)
			}
		}
	})
}
