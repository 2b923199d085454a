package awswire

import (
	"fmt"
	"strconv"

	"github.com/brookmere/brookmere/internal/awswire/model"
)

// API is one service as the wire layer serves it: what it is called, what it does, and in
// what its protocol differs from that of its neighbours. A service returns it from a
// method API, which must also work on the service's zero value: the table of operations
// is written from it.
type API struct {
	// Model is botocore's name of the service, by which package model has its API.
	Model string

	// Operations that the service has; what the model has besides is refused by name.
	Operations []Operation

	// MaxBody bounds a request body, before and after decompression, in bytes. Zero is
	// DefaultMaxBody.
	MaxBody int64

	// ActionPrefix is the service's part of IAM actions; empty: the signing name, as in
	// "kinesis:PutRecord".
	ActionPrefix string

	// Unions and Documents describe the types of these kinds in the service's inputs.
	Unions    []Union
	Documents []Document

	// Invalid makes the error of an input that breaks the constraints of the model, of
	// which message tells. Nil: ValidationException.
	Invalid func(message string) error

	// Throttled makes the error of a call beyond its Limit; resource is the ARN whose limit
	// it is, empty for an account's. Nil: ThrottlingException.
	Throttled func(c *Call, resource string) error

	// ErrorType is what __type says of an error's code, which modeled says the service's
	// model describes. Nil: the code itself.
	ErrorType func(code string, modeled bool) string

	// Open are the model's shapes, by name, whose values and lengths the service checks by itself: the
	// model names some, and the service has others, or another error.
	Open []string

	// InputPaths: messages name a member of a body below the operation's input,
	// "createStageInput.stageName", but one of a path or query by itself.
	InputPaths bool

	// NoValues: messages do not repeat the values that break a constraint.
	NoValues bool

	// Half is what half a surrogate pair in a JSON text becomes, of a service that tells which characters it takes and would
	// take U+FFFD; 0: U+FFFD.
	Half rune

	// NewerReader: bodies in JSON are read as by the newer of AWS's readers. It takes the texts true
	// and false for booleans, the nearest integer for a number beyond the range, no base64 whose
	// padding leaves bits over, and has its own words for values of the wrong kind.
	NewerReader bool

	// MemberOrder is the order in which messages tell what is wrong with the members of a structure,
	// by the name of its shape. Members that it leaves out follow in the model's order.
	MemberOrder map[string][]string

	// EnumOrder is the order in which messages list the values of an enumeration, by the name of its shape. Values that it
	// leaves out follow in the model's order, as do those of other shapes.
	EnumOrder map[string][]string

	// MessagePattern is how messages write a regular expression of the model. Nil: as it is.
	MessagePattern func(string) string

	// Owner is the account whose resources an input names other than by their ARNs; empty: the caller's. Nil: no input does.
	Owner func(input any) string

	// Prompt are the operations that answer at once and in one piece, as a put does: they wait for the disk alone, and do
	// not mind whether their client is still there.
	Prompt []string

	// ExtendedID: answers have an x-amz-id-2.
	ExtendedID bool

	// CRC32: answers have the checksum x-amz-crc32.
	CRC32 bool

	// Compress is the size from which on answers are compressed where the client accepts it, in
	// bytes. Zero: none is.
	Compress int

	// Server is the header of that name in answers; empty: none.
	Server string

	// BadEncoding is the error for a body that is not of its Content-Encoding, or of one that is
	// not known. Nil: errors that say which.
	BadEncoding error

	// PathParameter is a parameter of the query protocol that the URL is the value of, where the
	// form has none and the path names something; empty: none is.
	PathParameter string

	// XMLNamespace of answers in XML, where the model names none.
	XMLNamespace string
}

// DefaultMaxBody is the limit for services that set none.
const DefaultMaxBody = 6 << 20

// load returns the model, and the API with its defaults.
func (a API) load() (*model.Service, API, error) {
	m, err := model.Load(a.Model)
	if err != nil {
		return nil, a, err
	}
	if a.MaxBody == 0 {
		a.MaxBody = DefaultMaxBody
	}
	if a.ActionPrefix == "" {
		a.ActionPrefix = m.SigningName
	}
	if a.Invalid == nil {
		a.Invalid = func(message string) error { return Validationf("%s", message) }
	}
	if a.Throttled == nil {
		a.Throttled = func(*Call, string) error { return Errorf("ThrottlingException", "Rate exceeded") }
	}
	if a.ErrorType == nil {
		a.ErrorType = func(code string, _ bool) string { return code }
	}
	return m, a, nil
}

// caller is whose resources an input names without saying so.
func (a *API) caller(c Caller, input any) Caller {
	if a.Owner != nil {
		if owner := a.Owner(input); owner != "" && owner != c.Account {
			c.Account = owner
		}
	}
	return c
}

// bind checks the operations and adds what they have by default.
func (a *API) bind(m *model.Service) (map[string]*boundOperation, error) {
	bound := make(map[string]*boundOperation, len(a.Operations))
	for _, op := range a.Operations {
		if op.call == nil && op.stream == nil {
			return nil, fmt.Errorf("awswire: %s operation %q has no method", m.Name, op.Name)
		}
		if bound[op.Name] != nil {
			return nil, fmt.Errorf("awswire: %s operation %q is bound twice", m.Name, op.Name)
		}
		if len(op.actions) == 0 {
			op.actions = []string{a.ActionPrefix + ":" + op.Name}
		}
		bound[op.Name] = &boundOperation{Operation: op, model: m.Operations[op.Name]}
	}
	return bound, nil
}

// String tells the limit as the operations of a service list it.
func (l Limit) String() string {
	switch {
	case l.Calls == 0:
		return "none"
	case l.Per == PerResource:
		return strconv.Itoa(l.Calls) + " a second for a resource"
	}
	return strconv.Itoa(l.Calls) + " a second for an account"
}
