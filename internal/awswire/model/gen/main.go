// Command gen extracts the facts that package model holds from botocore's service
// models.
//
//	go run ./internal/awswire/model/gen -data BOTOCORE/data -out internal/awswire/model/data
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/awswire/model"
)

const services = "apigateway apigatewaymanagementapi apigatewayv2 athena cloudwatch cognito-identity dynamodb dynamodbstreams events " +
	"firehose glue iam kinesis kinesisanalytics kinesisanalyticsv2 kms lambda logs s3 s3control sns sqs sts"

func main() {
	log.SetFlags(0)
	data := flag.String("data", "", "botocore's data `folder`")
	out := flag.String("out", "internal/awswire/model/data", "`folder` to write to")
	names := flag.String("services", services, "services to extract")
	flag.Parse()
	if *data == "" {
		log.Fatal("gen: -data names botocore's data folder")
	}
	for _, name := range strings.Fields(*names) {
		if err := generate(*data, *out, name); err != nil {
			log.Fatalf("gen: %s: %v", name, err)
		}
	}
}

func generate(data, out, name string) error {
	paths, err := filepath.Glob(filepath.Join(data, name, "*", "service-2.json*"))
	if err != nil || len(paths) == 0 {
		return fmt.Errorf("no service-2.json under %s", filepath.Join(data, name))
	}
	slices.Sort(paths)
	b, err := os.ReadFile(paths[len(paths)-1]) // folders are dates: the newest API
	if err != nil {
		return err
	}
	if zr, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
		if b, err = io.ReadAll(zr); err != nil {
			return err
		}
	}
	s, untranslated, err := convert(name, b)
	if err != nil {
		return err
	}
	addQuery(s)
	js, err := json.Marshal(s)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	zw, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	zw.Write(js) // to a bytes.Buffer: cannot fail
	if err := zw.Close(); err != nil {
		return err
	}
	fmt.Printf("%-20s %3d operations %5d shapes %7d bytes\n", name, len(s.Operations), len(s.Shapes), buf.Len())
	for _, p := range untranslated {
		fmt.Printf("    pattern not checked: %s\n", p)
	}
	return os.WriteFile(filepath.Join(out, name+".json.gz"), buf.Bytes(), 0o644)
}

type source struct {
	Metadata struct {
		APIVersion, EndpointPrefix, SigningName, Protocol, JSONVersion, TargetPrefix, ServiceID, XMLNamespace, ServiceFullName string

		Protocols          []string
		AWSQueryCompatible *struct{}
	}
	Operations map[string]struct {
		HTTP struct {
			Method, RequestURI string
			ResponseCode       int
		}
		Input, Output *struct {
			Shape, ResultWrapper, LocationName string
			XMLNamespace                       namespace
		}
		Errors   []struct{ Shape string }
		AuthType string
	}
	Shapes map[string]sourceShape
}

type sourceShape struct {
	Type            string
	Required        []string
	Members         ordered
	Member          *sourceMember
	Key, Value      *sourceMember
	Min, Max        *float64
	Pattern         string
	Enum            []string
	Sensitive       bool
	Union           bool
	Document        bool
	Flattened       bool
	TimestampFormat string
	Payload         string
	Streaming       bool
	EventStream     bool
	Event           bool
	Exception       bool
	Fault           bool
	Error           struct {
		Code           string
		HTTPStatusCode int
	}
}

type sourceMember struct {
	Shape, LocationName, Location string
	Flattened, IdempotencyToken   bool
	TimestampFormat               string
	EventPayload, EventHeader     bool
	Streaming, JSONValue          bool
	XMLAttribute                  bool
	XMLNamespace                  namespace
}

// namespace is an XML namespace, which models write as a text or as an object.
type namespace struct{ URI, Prefix string }

func (n *namespace) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &n.URI)
	}
	type object namespace
	return json.Unmarshal(b, (*object)(n))
}

// ordered keeps a structure's members in the model's order.
type ordered []struct {
	name string
	sourceMember
}

func (o *ordered) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var m sourceMember
		if err := d.Decode(&m); err != nil {
			return err
		}
		*o = append(*o, struct {
			name string
			sourceMember
		}{key.(string), m})
	}
	return nil
}

func convert(name string, b []byte) (*model.Service, []string, error) {
	var src source
	if err := json.Unmarshal(b, &src); err != nil {
		return nil, nil, err
	}
	md := src.Metadata
	s := &model.Service{
		Name: name, ID: md.ServiceID, FullName: md.ServiceFullName, APIVersion: md.APIVersion, EndpointPrefix: md.EndpointPrefix,
		SigningName: md.SigningName, Protocol: md.Protocol, Protocols: md.Protocols, JSONVersion: md.JSONVersion,
		TargetPrefix: md.TargetPrefix, XMLNamespace: md.XMLNamespace, QueryCompatible: md.AWSQueryCompatible != nil,
		Operations: map[string]*model.Operation{}, Shapes: map[string]*model.Shape{},
	}
	if s.SigningName == "" {
		s.SigningName = s.EndpointPrefix
	}
	for n, op := range src.Operations {
		o := &model.Operation{Status: op.HTTP.ResponseCode, Unsigned: op.AuthType == "none"}
		if op.HTTP.Method != "POST" {
			o.Method = op.HTTP.Method
		}
		if op.HTTP.RequestURI != "/" {
			o.URI = op.HTTP.RequestURI
		}
		if op.Input != nil {
			o.InputName, o.InputElement = op.Input.Shape, op.Input.LocationName
		}
		if op.Output != nil {
			o.OutputName, o.Wrapper = op.Output.Shape, op.Output.ResultWrapper
		}
		for _, e := range op.Errors {
			o.ErrorNames = append(o.ErrorNames, e.Shape)
		}
		s.Operations[n] = o
	}
	untranslated := map[string]bool{}
	for n, from := range src.Shapes {
		typ := from.Type
		if typ == "character" {
			typ = "string"
		}
		sh := &model.Shape{
			Type: model.Type(typ), Min: from.Min, Max: from.Max, Pattern: from.Pattern, Enum: from.Enum,
			Sensitive: from.Sensitive, Union: from.Union, Document: from.Document, Flattened: from.Flattened, TimestampFormat: from.TimestampFormat,
			Payload: from.Payload, Streaming: from.Streaming, EventStream: from.EventStream, Event: from.Event,
			Exception: from.Exception, Fault: from.Fault, Status: from.Error.HTTPStatusCode,
		}
		if from.Error.Code != n {
			sh.Code = from.Error.Code
		}
		if from.Pattern != "" {
			if err := translate(sh); err != nil {
				untranslated[fmt.Sprintf("%s (%v)", from.Pattern, err)] = true
			}
		}
		for _, m := range from.Members {
			sh.Members = append(sh.Members, member(m.name, &m.sourceMember, slices.Contains(from.Required, m.name)))
		}
		sh.Elem = member("", from.Member, false)
		sh.Key = member("", from.Key, false)
		sh.Val = member("", from.Value, false)
		s.Shapes[n] = sh
	}
	var list []string
	for p := range untranslated {
		list = append(list, p)
	}
	slices.Sort(list)
	return s, list, nil
}

func member(name string, m *sourceMember, required bool) *model.Member {
	if m == nil {
		return nil
	}
	wire := m.LocationName
	if wire == name {
		wire = ""
	}
	return &model.Member{
		Name: name, Required: required, ShapeName: m.Shape, Wire: wire, Location: m.Location, Flattened: m.Flattened,
		TimestampFormat: m.TimestampFormat, Token: m.IdempotencyToken, EventPayload: m.EventPayload, EventHeader: m.EventHeader,
		Streaming: m.Streaming, JSONValue: m.JSONValue, XMLAttribute: m.XMLAttribute, XMLPrefix: m.XMLNamespace.Prefix, XMLNamespace: m.XMLNamespace.URI,
	}
}

var (
	unicodeEscape = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)
	// Java tells UTF-16 surrogates; in Go's view of the text, the pair of ranges stands
	// for everything outside the basic plane.
	surrogates = regexp.MustCompile(`(?i)\\uD800\\uDC00-\\uDBFF\\uDFFF`)
	wide       = regexp.MustCompile(`\\u10000-\\u10FFFF`)
)

// translate sets sh.RE, With and Without from its pattern, a Java regular expression.
// RE matches the whole text. Go's regexp has no look-around; look-aheads at the start of
// a pattern, where most are, become expressions of their own that match from the start.
func translate(sh *model.Shape) error {
	rest := strings.TrimPrefix(sh.Pattern, "^")
	var with, without []string
	for strings.HasPrefix(rest, "(?!") || strings.HasPrefix(rest, "(?=") {
		end := closing(rest)
		if end < 0 {
			break
		}
		re, err := goSyntax(rest[3:end])
		if err != nil {
			return err
		}
		if rest[2] == '!' {
			without = append(without, `\A(?:`+re+`)`)
		} else {
			with = append(with, `\A(?:`+re+`)`)
		}
		rest = rest[end+1:]
	}
	if with == nil && without == nil {
		rest = sh.Pattern
	}
	re, err := goSyntax(rest)
	if err != nil {
		return err
	}
	sh.RE, sh.With, sh.Without = `\A(?:`+re+`)\z`, with, without
	return nil
}

// closing finds the parenthesis that closes the one at the start of re, -1 if none does.
func closing(re string) int {
	depth, class := 0, false
	for i := 0; i < len(re); i++ {
		switch c := re[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func goSyntax(java string) (string, error) {
	re := wide.ReplaceAllString(java, `\x{10000}-\x{10FFFF}`)
	re = surrogates.ReplaceAllString(re, `\x{10000}-\x{10FFFF}`)
	re = unicodeEscape.ReplaceAllString(re, `\x{$1}`)
	re = strings.ReplaceAll(re, `\p{Print}`, `[[:print:]]`)
	re = strings.ReplaceAll(re, `\d{1}+`, `\d`) // possessive quantifiers
	re = strings.ReplaceAll(re, `\d{12}+`, `\d{12}`)
	re = strings.ReplaceAll(re, `\_`, `_`)
	if _, err := regexp.Compile(re); err != nil {
		_, why, _ := strings.Cut(err.Error(), ": ")
		return "", errors.New(why)
	}
	return re, nil
}
