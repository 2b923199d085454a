package apigateway

import (
	"context"
	"encoding/json"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/openapi"
)

// ImportDocumentationParts takes the parts under x-amazon-apigateway-documentation of a description in OpenAPI. All
// are checked before one is kept; an import that a crash interrupts is done by importing again. What a description says
// elsewhere (summaries, descriptions) is not taken.

const documentationExtension = "x-amazon-apigateway-documentation"

// describedParts reads the parts of a description, without ids; nil where it says nothing of any.
func describedParts(body []byte) (parts []*partDoc, warnings []string, err error) {
	doc, err := openapi.Parse(body)
	if err != nil {
		return nil, nil, badRequest("Unable to build importer with provided input.")
	}
	described, ok := doc.Root[documentationExtension].(map[string]any)
	if !ok && doc.Root[documentationExtension] != nil {
		return nil, nil, badRequest("Errors found during import:\n\t%s is not an object", documentationExtension)
	}
	list, ok := described["documentationParts"].([]any)
	if !ok && described["documentationParts"] != nil {
		return nil, nil, badRequest("Errors found during import:\n\tThe documentationParts of %s are not a list", documentationExtension)
	}
	if !ok {
		doc.Warn("There are no documentationParts in %s", documentationExtension)
		return nil, doc.Warnings(), nil
	}
	parts = []*partDoc{}
	if len(list) > maxParts {
		return nil, nil, tooManyParts()
	}
	seen := map[string]bool{}
	for i, v := range list {
		invalid := func(why string) error {
			return badRequest("Errors found during import:\n\tDocumentation part %d: %s", i, why)
		}
		var p struct {
			Location   types.DocumentationPartLocation `json:"location"`
			Properties json.RawMessage                 `json:"properties"`
		}
		part, ok := v.(map[string]any)
		if !ok {
			return nil, nil, invalid("it is not an object")
		}
		if err := doc.Decode(part, &p); err != nil {
			return nil, nil, invalid(err.Error())
		}
		text := string(p.Properties)
		if len(text) > 0 && text[0] == '"' { // as API Gateway's own operations have it
			if err := json.Unmarshal(p.Properties, &text); err != nil {
				return nil, nil, invalid(err.Error())
			}
		}
		for _, err := range []error{checkLocation(p.Location), checkProperties(text)} {
			if err != nil {
				return nil, nil, invalid(strings.TrimPrefix(err.Error(), "BadRequestException: "))
			}
		}
		key := locationKey(p.Location)
		if seen[key] {
			return nil, nil, invalid("its location is that of another one")
		}
		seen[key] = true
		parts = append(parts, &partDoc{Location: p.Location, Properties: text})
	}
	return parts, doc.Warnings(), nil
}

func tooManyParts() error {
	return &types.LimitExceededException{Message: aws.String("Maximum number of documentation parts of an API is 2000")}
}

// ImportDocumentationParts adds the parts of a description to an API's, or puts them in the place of all.
func (s *Service) ImportDocumentationParts(ctx context.Context, in *apigateway.ImportDocumentationPartsInput, _ ...func(*apigateway.Options)) (*apigateway.ImportDocumentationPartsOutput, error) {
	a, err := s.api(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	parts, warnings, err := describedParts(in.Body)
	if err != nil {
		return nil, err
	}
	if in.FailOnWarnings && len(warnings) > 0 {
		return nil, badRequest("Warnings found during import:\n\t%s", strings.Join(warnings, "\n\t"))
	}
	if parts == nil { // what is there is not for it to overwrite
		return &apigateway.ImportDocumentationPartsOutput{Ids: []string{}, Warnings: warnings}, nil
	}
	at := func(d *partDoc) []string { return scope.Of(ctx).Key(a.ID, locationKey(d.Location)) }
	all, err := s.parts.All(scope.Of(ctx).Key(a.ID)...)
	if err != nil {
		return nil, err
	}
	others := map[string]*partDoc{}
	for _, d := range all {
		others[locationKey(d.Location)] = d
	}
	for _, d := range parts {
		delete(others, locationKey(d.Location))
	}
	if in.Mode != types.PutModeOverwrite && len(others)+len(parts) > maxParts {
		return nil, tooManyParts()
	}
	out := &apigateway.ImportDocumentationPartsOutput{Ids: []string{}, Warnings: warnings}
	for _, d := range parts {
		d.ID = newID(6)
		err := s.parts.Create(ctx, d, at(d)...)
		if isExists(err) {
			d, err = s.parts.Modify(ctx, func(old *partDoc) (err error) {
				text := d.Properties
				if in.Mode != types.PutModeOverwrite {
					text, err = mergedProperties(old.Properties, text)
				}
				old.Properties = text
				return err
			}, at(d)...)
		}
		if err != nil {
			return nil, err
		}
		out.Ids = append(out.Ids, d.ID)
	}
	if in.Mode == types.PutModeOverwrite {
		for _, d := range others {
			if err := s.parts.Delete(ctx, at(d)...); err != nil && !isNotFound(err) {
				return nil, err
			}
		}
	}
	return out, nil
}

// mergedProperties are the properties of a part with those that are imported, which count where both say something.
func mergedProperties(old, imported string) (string, error) {
	var all, more map[string]json.RawMessage
	if err := json.Unmarshal([]byte(old), &all); err != nil {
		return "", err
	}
	if err := json.Unmarshal([]byte(imported), &more); err != nil {
		return "", err
	}
	maps.Copy(all, more)
	b, err := json.Marshal(all)
	return string(b), err
}
