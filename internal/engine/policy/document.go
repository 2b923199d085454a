package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
)

// Kind is what a document is for; it decides which elements a statement has, and what is valid.
type Kind uint8

const (
	// Identity: policies of users, groups and roles, permissions boundaries, session policies. No
	// principals.
	Identity Kind = iota
	// Resource: policies of buckets, streams, functions. Principals and resources.
	Resource
	// Trust: policies of roles that say who may assume them. Principals, and no resources.
	Trust
	// StoredTrust: the same as they have been stored, of which statements may have actions that assume no role: nothing follows
	// from these.
	StoredTrust

	kinds = iota
)

// MaxText bounds a document in bytes; the limits of services are lower.
const MaxText = 256 << 10

// maxDepth bounds the nesting of a document: a condition's list of values is at depth five.
const maxDepth = 8

// A Document is a compiled policy.
type Document struct {
	// Text is the document as it was given, to the byte.
	Text       string
	Version    string // "2008-10-17" where the document has none
	ID         string
	Statements []*Statement
	// Legacy: IAM does not take the document from a client any more, for the form of a resource: see ErrLegacy.
	Legacy bool
}

// A Statement is one of a Document's.
type Statement struct {
	Sid   string
	Index int // in the document, from zero
	Allow bool

	principals    principals
	hasPrincipal  bool
	notPrincipal  bool
	actions       []glob
	notAction     bool
	resources     []arnPattern
	hasResources  bool
	notResource   bool
	conditions    []condition
	keys          []string // that it asks for, as written
	ActionNames   []string // as written, of Action or NotAction
	ResourceNames []string // as written, of Resource or NotResource
}

// SyntaxError says what is wrong with a document, in the words of IAM.
type SyntaxError struct{ Message string }

func (e *SyntaxError) Error() string { return e.Message }

// Parse compiles a document. Errors are *SyntaxError.
func Parse(text string, kind Kind) (*Document, error) {
	if len(text) > MaxText {
		return nil, &SyntaxError{"Syntax errors in policy."}
	}
	stored := kind == StoredTrust
	if stored {
		kind = Trust
	}
	tree, err := decode(text)
	if err != nil {
		if kind == Trust {
			return nil, &SyntaxError{"This policy contains invalid Json"}
		}
		return nil, &SyntaxError{"Syntax errors in policy."}
	}
	p := parser{kind: kind, stored: stored, doc: &Document{Text: text, Version: "2008-10-17"}}
	if err := p.document(tree); err != nil {
		return nil, err
	}
	return p.doc, nil
}

// member is a member of a JSON object, whose order is kept.
type member struct {
	name  string
	value any // string, bool, json.Number, nil, []any, []member
}

var errSyntax = errors.New("malformed JSON")

// decode reads JSON into strings, lists and members. Unlike encoding/json it refuses an object that has
// a name twice, of which readers would see one or the other.
func decode(text string) (any, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	v, err := decodeValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errSyntax
	}
	return v, nil
}

func decodeValue(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth >= maxDepth {
		return nil, errSyntax
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			v, err := decodeValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	members := []member{}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := token.(string)
		if !ok || seen[name] {
			return nil, errSyntax
		}
		seen[name] = true
		v, err := decodeValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		members = append(members, member{name, v})
	}
	_, err = d.Token()
	return members, err
}

// texts returns a text, or a list of them. With scalars it takes numbers and booleans for texts, as
// conditions do.
func texts(v any, scalars bool) ([]string, bool) {
	switch v := v.(type) {
	case string:
		return []string{v}, true
	case bool:
		return []string{strconv.FormatBool(v)}, scalars
	case json.Number:
		return []string{v.String()}, scalars
	case []any:
		list := make([]string, 0, len(v))
		for _, e := range v {
			one, ok := texts(e, scalars)
			if _, nested := e.([]any); !ok || nested {
				return nil, false
			}
			list = append(list, one...)
		}
		return list, true
	}
	return nil, false
}
