package recordplan

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/engine/javatime"
)

// DefaultPrefix is where objects go if no prefix is given, and what is added to a prefix
// without expressions.
const DefaultPrefix = "!{timestamp:yyyy/MM/dd/HH}/"

// Error output types, the values of !{firehose:error-output-type}.
const (
	FormatConversionFailed = "format-conversion-failed"
	ProcessingFailed       = "processing-failed"
	UnpackingFailed        = "decompression-failed"
	PartitionsExceeded     = "activePartitionExceeded"
)

// A Prefix is a prefix expression of an object's key, parsed:
//
//	!{timestamp:PATTERN}              the time of the object's first record, as Java's
//	                                  DateTimeFormatter writes it
//	!{firehose:random-string}         11 letters and digits, others at every place
//	!{firehose:error-output-type}     in an error prefix
//	!{partitionKeyFromQuery:NAME}     a key that the metadata extraction query made
//	!{partitionKeyFromLambda:NAME}    a key that the transforming function returned
type Prefix struct {
	parts []prefixPart
}

type prefixPart struct {
	kind    prefixKind
	text    string // the literal, or the name of the key
	pattern *javatime.Pattern
}

type prefixKind uint8

const (
	literalPart prefixKind = iota
	timePart
	randomPart
	errorTypePart
	queryKeyPart
	lambdaKeyPart
)

// ParsePrefix parses an expression.
func ParsePrefix(s string) (*Prefix, error) {
	p := new(Prefix)
	for s != "" {
		i := strings.Index(s, "!{")
		if i < 0 {
			i = len(s)
		}
		if i > 0 {
			p.parts = append(p.parts, prefixPart{text: s[:i]})
			s = s[i:]
			continue
		}
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return nil, errExpression
		}
		namespace, value, ok := strings.Cut(s[2:end], ":")
		if !ok || value == "" {
			return nil, errExpression
		}
		part := prefixPart{text: value}
		switch namespace {
		case "timestamp":
			part.kind = timePart
			var err error
			if part.pattern, err = javatime.Compile(javatime.Java, value); err != nil {
				return nil, fmt.Errorf("%w: %w", errConversion, err)
			}
		case "firehose":
			switch value {
			case "random-string":
				part.kind = randomPart
			case "error-output-type":
				part.kind = errorTypePart
			default:
				return nil, errConversion
			}
		case "partitionKeyFromQuery":
			part.kind = queryKeyPart
		case "partitionKeyFromLambda":
			part.kind = lambdaKeyPart
		default:
			return nil, prefixError("Namespace to the left of colon (" + namespace + ") is an invalid keyword!")
		}
		p.parts = append(p.parts, part)
		s = s[end+1:]
	}
	return p, nil
}

func (p *Prefix) has(k prefixKind) bool {
	return slices.ContainsFunc(p.parts, func(q prefixPart) bool { return q.kind == k })
}

// Static reports whether there is no expression in the prefix.
func (p *Prefix) Static() bool {
	return !slices.ContainsFunc(p.parts, func(q prefixPart) bool { return q.kind != literalPart })
}

func (p *Prefix) keys(k prefixKind) (names []string) {
	for _, q := range p.parts {
		if q.kind == k && !slices.Contains(names, q.text) {
			names = append(names, q.text)
		}
	}
	return names
}

// QueryKeys are the names of the keys that the prefix takes from the query.
func (p *Prefix) QueryKeys() []string { return p.keys(queryKeyPart) }

// LambdaKeys are the names of the keys that the prefix takes from the function.
func (p *Prefix) LambdaKeys() []string { return p.keys(lambdaKeyPart) }

// PrefixValues are what a prefix is evaluated with.
type PrefixValues struct {
	Time      time.Time // in the time zone that the prefix is to have
	Seed      uint64    // of random strings: the same seed, the same strings
	ErrorType string
	Query     *KeyValues
	Lambda    *KeyValues
}

// Append appends the evaluated prefix to dst. The error is a *PartitionError: a key that
// the prefix needs is not there.
func (p *Prefix) Append(dst []byte, v *PrefixValues) ([]byte, error) {
	random := v.Seed
	for i := range p.parts {
		switch q := &p.parts[i]; q.kind {
		case literalPart:
			dst = append(dst, q.text...)
		case timePart:
			dst = q.pattern.Append(dst, v.Time)
		case randomPart:
			dst, random = appendRandom(dst, random)
		case errorTypePart:
			dst = append(dst, v.ErrorType...)
		default:
			from := v.Query
			if q.kind == lambdaKeyPart {
				from = v.Lambda
			}
			var key []byte
			if from != nil {
				key = from.Get(q.text)
			}
			if len(key) == 0 {
				return dst, errEmptyKey
			}
			dst = append(dst, key...)
		}
	}
	return dst, nil
}

const alphanumerics = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

const randomLetters = 11

// appendRandom appends 11 letters and digits, steps of a SplitMix64 from the seed.
func appendRandom(dst []byte, seed uint64) ([]byte, uint64) {
	for range randomLetters {
		seed += 0x9e3779b97f4a7c15
		z := (seed ^ seed>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
		dst = append(dst, alphanumerics[z%uint64(len(alphanumerics))])
	}
	return dst, seed
}

// PrefixConfig is what of a destination bears on its prefixes.
type PrefixConfig struct {
	Prefix, ErrorPrefix string
	TimeZone            string // "" is UTC

	Partitions bool      // dynamic partitioning is on
	Query      *KeyQuery // its metadata extraction query, if there is one
	Lambda     bool      // records are transformed by a function
}

// Prefixes are the prefixes of a destination, with what AWS adds to them.
type Prefixes struct {
	Data, Error *Prefix
	Zone        *time.Location
}

// A prefixError is a rule that prefixes break, in AWS's words where they are known.
type prefixError string

func (e prefixError) Error() string { return string(e) }

const (
	errExpression = prefixError("Invalid expression usage")
	errConversion = prefixError("Invalid conversion character used in the value of the expression")
)

// maxPrefix is the length of a prefix that is evaluated.
const maxPrefix = 512

// parsePrefixOf parses the prefix of a member of the configuration and tells, in its
// errors, of that.
func parsePrefixOf(member, s string) (*Prefix, error) {
	p, err := ParsePrefix(s)
	if errors.Is(err, errConversion) {
		return nil, prefixError(string(errConversion) + " in " + member)
	}
	if err != nil {
		return nil, err
	}
	if p.least() > maxPrefix {
		if member == "Prefix" {
			member = "prefix"
		}
		return nil, prefixError("Length of evaluated " + member + " cannot be greater than " + strconv.Itoa(maxPrefix))
	}
	return p, nil
}

// least is how many characters the prefix comes to at least.
func (p *Prefix) least() (n int) {
	for i := range p.parts {
		switch q := &p.parts[i]; q.kind {
		case literalPart:
			n += utf8.RuneCountInString(q.text)
		case randomPart:
			n += randomLetters
		default:
			n++
		}
	}
	return n
}

// ParsePrefixes parses the prefixes of a destination and checks them by AWS's rules.
func ParsePrefixes(c PrefixConfig) (*Prefixes, error) {
	out := &Prefixes{Zone: time.UTC}
	var err error
	if c.TimeZone != "" {
		// time.LoadLocation takes "Local" and paths of its own for names too.
		if out.Zone, err = time.LoadLocation(c.TimeZone); err != nil || c.TimeZone == "Local" {
			return nil, fmt.Errorf("CustomTimeZone %q is not a time zone", c.TimeZone)
		}
	}
	if out.Data, err = parsePrefixOf("Prefix", c.Prefix); err != nil {
		return nil, err
	}
	if out.Error, err = parsePrefixOf("ErrorOutputPrefix", c.ErrorPrefix); err != nil {
		return nil, err
	}
	data, errs := out.Data, out.Error
	keyed := data.has(queryKeyPart) || data.has(lambdaKeyPart)
	switch {
	case data.has(errorTypePart):
		return nil, prefixError("Prefix must not contain any occurrence of !{firehose:error-output-type}")
	case errs.has(queryKeyPart) || errs.has(lambdaKeyPart):
		return nil, prefixError("Dynamic Partitioning Namespaces can't be part of an error prefix expression")
	case keyed && !c.Partitions:
		return nil, prefixError("Dynamic Partitioning Namespaces can only be part of a prefix expression when Dynamic Partitioning is enabled.")
	case c.Partitions && !keyed:
		return nil, prefixError("S3 Prefix should contain Dynamic Partitioning namespaces when Dynamic Partitioning is enabled")
	case c.ErrorPrefix == "" && !data.Static():
		return nil, prefixError("ErrorOutputPrefix cannot be null or empty when Prefix contains expressions")
	case !errs.Static() && !errs.has(errorTypePart):
		return nil, prefixError("ErrorOutputPrefix must contain at least one occurrence of !{firehose:error-output-type}")
	case data.has(queryKeyPart) && c.Query == nil:
		return nil, prefixError("Prefix contains partitionKeyFromQuery, for which a MetadataExtraction processor is needed")
	case data.has(lambdaKeyPart) && !c.Lambda:
		return nil, prefixError("Prefix contains partitionKeyFromLambda, for which a Lambda processor is needed")
	}
	if c.Partitions && c.Query != nil && c.Query.Names() != nil {
		used := data.QueryKeys()
		for _, name := range c.Query.Names() {
			if !slices.Contains(used, name) {
				return nil, prefixError("MetaDataExtraction JQ Query can't contain keys that are not present in the S3 Prefix expression")
			}
		}
		for _, name := range used {
			if !slices.Contains(c.Query.Names(), name) {
				return nil, fmt.Errorf("Prefix contains partition key %q, which the MetadataExtractionQuery does not make", name)
			}
		}
	}
	suffix, err := ParsePrefix(DefaultPrefix)
	if err != nil {
		return nil, err
	}
	if data.Static() {
		if c.ErrorPrefix == "" {
			errs.parts = append(errs.parts, data.parts...)
		}
		data.parts = append(data.parts[:len(data.parts):len(data.parts)], suffix.parts...)
	}
	if errs.Static() {
		errs.parts = append(errs.parts, prefixPart{kind: errorTypePart}, prefixPart{text: "/"})
		errs.parts = append(errs.parts, suffix.parts...)
	}
	return out, nil
}
