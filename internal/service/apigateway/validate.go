package apigateway

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// validate checks parameters and body as the method's validator says.
func (x *exchange) validate() error {
	v := x.route.validator
	if v.ValidateRequestParameters {
		var missing []string
		for name, required := range x.route.method.RequestParameters {
			if !required {
				continue
			}
			if s, ok := x.expression(name, nil); !ok || s == "" {
				missing = append(missing, name[strings.LastIndexByte(name[:strings.LastIndexByte(name, '.')+1], '.')+1:])
			}
		}
		if len(missing) > 0 {
			slices.Sort(missing)
			return &failure{kind: types.GatewayResponseTypeBadRequestParameters, code: "BadRequestException", message: "Missing required request parameters: [" + strings.Join(missing, ", ") + "]"}
		}
	}
	if !v.ValidateRequestBody || len(x.route.models) == 0 {
		return nil
	}
	schema := x.route.models[mediaType(x.r.Header.Get("Content-Type"))]
	if schema == nil {
		schema = x.route.models["$default"]
	}
	if schema == nil {
		return nil // no model for the content type: nothing to hold it against
	}
	// What a validation finds wrong takes a hundred times the body's bytes, so few large ones go on at once.
	weight := int64(min(len(x.body), maxPayload))
	if err := x.s.validating.Acquire(x.ctx, weight); err != nil {
		return err
	}
	defer x.s.validating.Release(weight)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(x.body))
	if err == nil {
		err = validateBody(schema, doc)
	}
	if err != nil {
		f := &failure{kind: types.GatewayResponseTypeBadRequestBody, code: "BadRequestException", message: "Invalid request body", detail: validationDetail(err, doc)}
		if errors.Is(err, errTooMuchWork) {
			f.cause = err // nothing that the client can mend
		}
		return f
	}
	return nil
}
