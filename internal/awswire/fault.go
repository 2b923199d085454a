package awswire

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire/model"
	"github.com/brookmere/brookmere/internal/awswire/scan"
)

// fault is an error as it goes to the client.
type fault struct {
	code    string
	message string
	status  int
	shape   *model.Shape  // nil if the model does not name the code
	value   reflect.Value // the SDK's error struct, if it was one
	server  bool
}

// faultOf turns what a service's method returned into what the client is told. Errors
// that are not AWS's become the internal failure, whose cause is for the operator only.
func (h *Handler) faultOf(err error) fault {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return fault{code: internalFailure, status: http.StatusInternalServerError, server: true}
	}
	f := fault{code: api.ErrorCode(), message: api.ErrorMessage(), server: api.ErrorFault() == smithy.FaultServer}
	f.shape = h.model.Exception(f.code)
	if f.shape == nil {
		f.shape = h.model.Exception(reflect.Indirect(reflect.ValueOf(api)).Type().Name())
		if f.shape != nil {
			f.code = f.shape.ErrorCode()
		}
	}
	if sh := h.model.Shapes[f.code]; f.shape == nil && sh != nil && sh.Exception {
		f.shape, f.code = sh, sh.ErrorCode() // the query protocol knows it by another name
	}
	switch {
	case f.shape != nil:
		f.status = f.shape.HTTPStatus()
	case commonStatus[f.code] != 0:
		f.status = commonStatus[f.code]
	case f.server:
		f.status = http.StatusInternalServerError
	default:
		f.status = http.StatusBadRequest
	}
	var status interface{ HTTPStatusCode() int }
	if errors.As(err, &status) && status.HTTPStatusCode() >= 400 && status.HTTPStatusCode() < 600 {
		f.status = status.HTTPStatusCode()
	}
	f.server = f.status >= 500
	if v := reflect.ValueOf(api); v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct && strings.HasSuffix(v.Elem().Type().PkgPath(), "/types") {
		f.value = v.Elem()
	}
	return f
}

// codeOf is the code by which the client of any service knows err.
func codeOf(ctx context.Context, err error) string {
	var api smithy.APIError
	switch {
	case errors.As(err, &api):
		return api.ErrorCode()
	case ctx.Err() != nil:
		return interrupted.code
	}
	return internalFailure
}

// codeOf is the code by which the client knows err.
func (h *Handler) codeOf(ctx context.Context, err error) string {
	if f := h.faultOf(err); f.code != internalFailure {
		return f.code
	}
	return codeOf(ctx, err)
}

// internalFailure is the code of what went wrong inside.
const internalFailure = "InternalFailure"

// commonStatus is the status of codes that any service may use and few models describe.
var commonStatus = map[string]int{
	"AccessDenied":                http.StatusForbidden,
	"ServiceUnavailable":          http.StatusServiceUnavailable,
	"ServiceUnavailableException": http.StatusServiceUnavailable,
}

// messageMember is how the service spells "message" in errors that the model does not
// describe: as it does in most that it describes.
func messageMember(m *model.Service) string {
	upper, lower := 0, 0
	for _, s := range m.Shapes {
		if !s.Exception {
			continue
		}
		for _, mem := range s.Members {
			switch mem.Name {
			case "Message":
				upper++
			case "message":
				lower++
			}
		}
	}
	if upper > lower {
		return "Message"
	}
	return "message"
}

// appendJSONFault appends the body of an error in the JSON protocols, with its type for
// those that have it there.
func (h *Handler) appendJSONFault(dst []byte, f fault, typed bool) []byte {
	dst = append(dst, '{')
	if typed {
		dst = append(dst, `"__type":`...)
		dst = scan.AppendQuoted(dst, []byte(h.api.ErrorType(f.code, f.shape != nil)))
	}
	comma := func(dst []byte) []byte {
		if dst[len(dst)-1] == '{' {
			return dst
		}
		return append(dst, ',')
	}
	name := h.messageMember
	if f.value.IsValid() {
		p := h.planner.plan(f.value.Type(), f.shape)
		for i := range p.fields {
			fl := &p.fields[i]
			fv := f.value.Field(fl.index)
			if strings.EqualFold(fl.name, "message") {
				name = fl.name
				continue
			}
			if fl.name == "Code" && absent(fl.plan, fv) || !fl.present(fv) {
				continue
			}
			start := len(dst)
			dst = append(comma(dst), fl.quoted...)
			out, err := h.planner.appendJSON(dst, fl.plan, fv, fl.time)
			if err != nil {
				dst = dst[:start]
				continue
			}
			dst = out
		}
	} else if f.shape != nil {
		for _, m := range f.shape.Members {
			if strings.EqualFold(m.Name, "message") {
				name = m.Name
			}
		}
	} else if f.code == "SerializationException" {
		name = "Message"
	}
	if f.message != "" {
		dst = append(comma(dst), '"')
		dst = append(dst, name...)
		dst = append(dst, `":`...)
		dst = scan.AppendQuoted(dst, []byte(f.message))
	}
	return append(dst, '}')
}
