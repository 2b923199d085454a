// Package model holds the facts of the AWS service APIs that the wire layer needs:
// operations, shapes, member names, constraints and errors. The facts are extracted from
// botocore's service models by the program in gen, without documentation, into one
// compressed file a service, and are read when a service is first asked for.
//
//	go run ./internal/awswire/model/gen -data BOTOCORE/data -out internal/awswire/model/data
package model

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed data
var files embed.FS

// Type is the type of a shape.
type Type string

const (
	Structure Type = "structure"
	List      Type = "list"
	Map       Type = "map"
	String    Type = "string"
	Blob      Type = "blob"
	Boolean   Type = "boolean"
	Integer   Type = "integer"
	Long      Type = "long"
	Float     Type = "float"
	Double    Type = "double"
	Timestamp Type = "timestamp"
)

// Service is the API of one service.
type Service struct {
	Name            string   `json:"name"` // botocore's name, "cloudwatch"
	ID              string   `json:"id"`   // service id, "CloudWatch Logs"
	FullName        string   `json:"fullName,omitempty"`
	APIVersion      string   `json:"apiVersion"`
	EndpointPrefix  string   `json:"endpointPrefix"`
	SigningName     string   `json:"signingName"`
	Protocol        string   `json:"protocol"`  // json, query, rest-json, smithy-rpc-v2-cbor
	Protocols       []string `json:"protocols"` // all that the service answers
	JSONVersion     string   `json:"jsonVersion,omitempty"`
	TargetPrefix    string   `json:"targetPrefix,omitempty"`
	XMLNamespace    string   `json:"xmlNamespace,omitempty"`
	QueryCompatible bool     `json:"queryCompatible,omitempty"`

	Operations map[string]*Operation `json:"operations"`
	Shapes     map[string]*Shape     `json:"shapes"`
}

// Operation is one API operation.
type Operation struct {
	Name   string   `json:"-"`
	Input  *Shape   `json:"-"` // nil if the operation takes nothing
	Output *Shape   `json:"-"` // nil if it returns nothing
	Errors []*Shape `json:"-"`

	InputName  string   `json:"in,omitempty"`
	OutputName string   `json:"out,omitempty"`
	ErrorNames []string `json:"errs,omitempty"`
	Wrapper    string   `json:"wrap,omitempty"` // element around a query result
	Unsigned   bool     `json:"na,omitempty"`   // clients send it without a signature

	InputElement string `json:"ine,omitempty"` // element around an XML request, where it is not the shape's name
	Method       string `json:"m,omitempty"`   // HTTP binding; empty is POST
	URI          string `json:"uri,omitempty"` // empty is /
	Status       int    `json:"st,omitempty"`  // success status; zero is 200
}

// Shape is a type of the API.
type Shape struct {
	Name    string    `json:"-"`
	Type    Type      `json:"t"`
	Members []*Member `json:"mem,omitempty"` // of a structure, in the model's order

	Elem *Member `json:"el,omitempty"` // of a list
	Key  *Member `json:"k,omitempty"`  // of a map
	Val  *Member `json:"v,omitempty"`  // of a map

	Min     *float64 `json:"min,omitempty"` // length of strings, blobs, lists, maps; value of numbers
	Max     *float64 `json:"max,omitempty"`
	Pattern string   `json:"pat,omitempty"`     // as in the model: a Java regular expression
	RE      string   `json:"re,omitempty"`      // the same for Go's regexp; empty if it cannot be said there
	With    []string `json:"with,omitempty"`    // what else must match: look-aheads at the pattern's start
	Without []string `json:"without,omitempty"` // what must not match
	Enum    []string `json:"enum,omitempty"`

	Sensitive       bool   `json:"sen,omitempty"` // its values are not for messages
	Union           bool   `json:"un,omitempty"`
	Document        bool   `json:"doc,omitempty"`
	Flattened       bool   `json:"flat,omitempty"`
	TimestampFormat string `json:"tsf,omitempty"`
	Payload         string `json:"pay,omitempty"` // member that is the HTTP body (rest protocols)
	Streaming       bool   `json:"strm,omitempty"`
	EventStream     bool   `json:"evs,omitempty"`
	Event           bool   `json:"ev,omitempty"`

	Exception bool   `json:"exc,omitempty"`
	Fault     bool   `json:"fault,omitempty"` // the server's fault
	Status    int    `json:"st,omitempty"`    // HTTP status of an exception; zero is 400, or 500 for a fault
	Code      string `json:"code,omitempty"`  // error code where it is not the shape's name
}

// Member is a member of a structure, or the element, key or value of a container.
type Member struct {
	Name     string `json:"n,omitempty"`
	Shape    *Shape `json:"-"`
	Required bool   `json:"r,omitempty"`

	ShapeName       string `json:"s"`
	Wire            string `json:"ln,omitempty"`  // locationName: name on the wire where it differs
	Location        string `json:"loc,omitempty"` // uri, querystring, header, headers, statusCode
	Flattened       bool   `json:"flat,omitempty"`
	TimestampFormat string `json:"tsf,omitempty"`
	Token           bool   `json:"tok,omitempty"` // idempotency token
	EventPayload    bool   `json:"evp,omitempty"`
	EventHeader     bool   `json:"evh,omitempty"`
	Streaming       bool   `json:"strm,omitempty"`
	JSONValue       bool   `json:"jv,omitempty"` // a header's text is base64 of JSON
	XMLAttribute    bool   `json:"xa,omitempty"`
	XMLPrefix       string `json:"xp,omitempty"`
	XMLNamespace    string `json:"xn,omitempty"`
}

// WireName is the member's name on the wire in the protocols that use locationName
// (query, rest); the RPC protocols use Name.
func (m *Member) WireName() string {
	if m.Wire != "" {
		return m.Wire
	}
	return m.Name
}

// ErrorCode is the code by which clients know an exception.
func (s *Shape) ErrorCode() string {
	if s.Code != "" {
		return s.Code
	}
	return s.Name
}

// HTTPStatus is the status of an exception.
func (s *Shape) HTTPStatus() int {
	switch {
	case s.Status != 0:
		return s.Status
	case s.Fault:
		return 500
	}
	return 400
}

// Exception returns the exception with that error code, nil if the service has none.
func (s *Service) Exception(code string) *Shape {
	if sh := s.Shapes[code]; sh != nil && sh.Exception && sh.ErrorCode() == code {
		return sh
	}
	for _, sh := range s.Shapes {
		if sh.Exception && sh.ErrorCode() == code {
			return sh
		}
	}
	return nil
}

// Answers reports whether the service answers the protocol, by botocore's name of it.
func (s *Service) Answers(protocol string) bool { return slices.Contains(s.Protocols, protocol) }

var (
	mu     sync.Mutex
	loaded = map[string]*Service{}
)

// Names lists the services, by botocore's names, in order.
func Names() []string {
	entries, err := files.ReadDir("data")
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if n, ok := strings.CutSuffix(e.Name(), ".json.gz"); ok {
			names = append(names, n)
		}
	}
	return names
}

// Load returns the model of a service, by botocore's name of it. The result is shared:
// do not change it.
func Load(name string) (*Service, error) {
	mu.Lock()
	defer mu.Unlock()
	if s := loaded[name]; s != nil {
		return s, nil
	}
	b, err := files.ReadFile("data/" + name + ".json.gz")
	if err != nil {
		return nil, fmt.Errorf("model: no service %q", name)
	}
	s, err := read(b)
	if err != nil {
		return nil, fmt.Errorf("model: reading %s: %w", name, err)
	}
	loaded[name] = s
	return s, nil
}

// MustLoad is Load for the services known to be there.
func MustLoad(name string) *Service {
	s, err := Load(name)
	if err != nil {
		panic(err)
	}
	return s
}

func read(b []byte) (*Service, error) {
	zr, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	s := new(Service)
	if err := json.NewDecoder(zr).Decode(s); err != nil {
		return nil, err
	}
	return s, s.link()
}

// link turns the names of shapes into pointers.
func (s *Service) link() error {
	var missing string
	shape := func(name string) *Shape {
		sh := s.Shapes[name]
		if sh == nil {
			missing = name
		}
		return sh
	}
	for name, sh := range s.Shapes {
		sh.Name = name
		for _, m := range sh.Members {
			m.Shape = shape(m.ShapeName)
		}
		for _, m := range []*Member{sh.Elem, sh.Key, sh.Val} {
			if m != nil {
				m.Shape = shape(m.ShapeName)
			}
		}
	}
	for name, op := range s.Operations {
		op.Name = name
		if op.InputName != "" {
			op.Input = shape(op.InputName)
		}
		if op.OutputName != "" {
			op.Output = shape(op.OutputName)
		}
		for _, e := range op.ErrorNames {
			op.Errors = append(op.Errors, shape(e))
		}
	}
	if missing != "" {
		return fmt.Errorf("shape %q is missing", missing)
	}
	return nil
}
