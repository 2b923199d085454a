// Package dashboardfile reads and writes the files in which people keep dashboards: the body of a CloudWatch
// dashboard, as YAML or as JSON.
//
// YAML holds what the body's JSON holds, no more: maps, lists, texts, numbers, true, false and null. Statements are
// texts over several lines, and comments may stand between. Anchors, aliases, tags and several documents in a file are
// refused, since a body has no place for them, and a small file of aliases can stand for a huge one.
package dashboardfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// MaxSize bounds a file, in bytes. CloudWatch bounds a body to half of it.
const MaxSize = 1 << 20

// What bounds how deep a file's values may be in each other. Bodies have about ten levels.
const (
	maxDepth = 64 // of brackets and braces, and of dashes in one line
	// maxMembers bounds the members of all maps, since the time to read them in YAML grows with their square.
	maxMembers = 10_000
	// maxMarks bounds the characters that may begin or end something in YAML, since to read each may take a kilobyte.
	maxMarks  = 100_000
	maxColumn = 200 // where a line's first word may begin: each level of a block is further right
)

// Body returns the body that a file holds, as PutDashboard takes it: JSON without needless blanks, its members in
// the file's order. Its errors say what is wrong, and in which line where that is known.
func Body(file []byte) (string, error) {
	if len(file) > MaxSize {
		return "", fmt.Errorf("the file has %d bytes, more than the %d that a dashboard's file may have", len(file), MaxSize)
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf")))
	if len(text) == 0 {
		return "", errors.New("the file is empty")
	}
	if text[0] == '{' && json.Valid(text) {
		var b bytes.Buffer
		if err := json.Compact(&b, text); err != nil {
			return "", err
		}
		return b.String(), nil
	}
	if marks(text) > maxMarks {
		return "", fmt.Errorf("more than %d lines, commas, quotes and brackets: keep a dashboard of this size as JSON", maxMarks)
	}
	if err := plain(string(text)); err != nil {
		return "", err
	}
	var v any
	if err := yaml.UnmarshalWithOptions(text, &v, yaml.UseOrderedMap(), yaml.AllowDuplicateMapKey()); err != nil { // writeJSON looks for duplicates, in less time
		return "", errors.New(strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	if _, ok := v.(yaml.MapSlice); !ok {
		return "", errors.New("the file is not a map with widgets")
	}
	var b bytes.Buffer
	if err := writeJSON(&b, v, ""); err != nil {
		return "", err
	}
	return b.String(), nil
}

// marks counts the characters that YAML may take for more than a part of a text.
func marks(text []byte) int {
	n := 0
	for i, c := range text {
		switch c {
		case '\n', '\r', ',', '[', ']', '{', '}', '\'', '"', '&', '*', '!', '#', '?', '|', '>', '%', '@', '`':
			n++
		case '-', ':':
			if i+1 == len(text) || text[i+1] <= ' ' {
				n++
			}
		}
	}
	return n
}

// plain refuses what a body has no place for, before anything is made of it.
func plain(text string) error {
	depth, line, dashes, members := 0, 0, 0, 0
	for _, t := range lexer.Tokenize(text) {
		if t.Position == nil {
			continue
		}
		if t.Position.Line != line {
			line, dashes = t.Position.Line, 0
			if depth == 0 && t.Position.Column > maxColumn && t.Type != token.CommentType {
				return fmt.Errorf("line %d begins in column %d: that is too deep", line, t.Position.Column)
			}
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return fmt.Errorf("line %d: anchors and aliases (& * <<) are not taken in a dashboard's file", line)
		case token.TagType, token.DirectiveType:
			return fmt.Errorf("line %d: tags and directives (! %%) are not taken in a dashboard's file", line)
		case token.DocumentHeaderType, token.DocumentEndType:
			if t.Prev != nil {
				return fmt.Errorf("line %d: a file holds one dashboard", line)
			}
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType:
			dashes++
		case token.MappingValueType:
			if members++; members > maxMembers {
				return fmt.Errorf("line %d: more than %d members: keep a dashboard of this size as JSON", line, maxMembers)
			}
		}
		if depth > maxDepth || dashes > maxDepth {
			return fmt.Errorf("line %d: more than %d levels", line, maxDepth)
		}
	}
	return nil
}

func writeJSON(b *bytes.Buffer, v any, at string) error {
	switch v := v.(type) {
	case yaml.MapSlice:
		b.WriteByte('{')
		seen := make(map[string]bool, len(v))
		for i, item := range v {
			key, ok := item.Key.(string)
			if !ok {
				key = fmt.Sprint(item.Key)
			}
			if seen[key] {
				return fmt.Errorf("%s is there twice", at+"/"+key)
			}
			seen[key] = true
			if i > 0 {
				b.WriteByte(',')
			}
			writeText(b, key)
			b.WriteByte(':')
			if err := writeJSON(b, item.Value, at+"/"+key); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, x := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeJSON(b, x, at+"/"+strconv.Itoa(i)); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case string:
		writeText(b, v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%s: JSON has no such number", at)
		}
		return json.NewEncoder(trimmed{b}).Encode(v)
	case nil, bool, int, int64, uint64:
		return json.NewEncoder(trimmed{b}).Encode(v)
	default:
		return fmt.Errorf("%s: a value of the type %T is not taken: write it in quotes", at, v)
	}
	return nil
}

func writeText(b *bytes.Buffer, s string) {
	e := json.NewEncoder(trimmed{b})
	e.SetEscapeHTML(false) // statements compare
	_ = e.Encode(s)        // a text and a buffer do not fail
}

// trimmed leaves out the line feed that ends what an encoder writes.
type trimmed struct{ b *bytes.Buffer }

func (t trimmed) Write(p []byte) (int, error) {
	t.b.Write(bytes.TrimSuffix(p, []byte("\n")))
	return len(p), nil
}

// YAML returns a body as a file for people: YAML, its members in the body's order, texts of several lines as such. Body
// makes the same body of it. A body that YAML would not bring back unchanged is written as JSON, which Body reads too; one
// that is deeper than a file may be, as it is: its indentation would be a multiple of it.
func YAML(body string) ([]byte, error) {
	// All of it is looked at first: this bounds how deep a document may be, which tokens do not.
	if err := json.Unmarshal([]byte(body), new(json.RawMessage)); err != nil {
		return nil, fmt.Errorf("the body is not JSON: %w", err)
	}
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	v, err := ordered(d, 0)
	if errors.Is(err, errDeep) {
		return []byte(body + "\n"), nil
	}
	if err != nil {
		return nil, fmt.Errorf("the body is not JSON: %w", err)
	}
	if m, ok := v.(yaml.MapSlice); ok && len(m) > 0 && strings.Count(body, ":") <= maxMembers && marks([]byte(body)) <= maxMarks/2 {
		text, err := yaml.MarshalWithOptions(v, yaml.Indent(2), yaml.IndentSequence(true), yaml.UseLiteralStyleIfMultiline(true))
		if err == nil && same(text, body) {
			return text, nil
		}
	}
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(body), "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// same reports whether a file is read as a body.
func same(file []byte, body string) bool {
	got, err := Body(file)
	if err != nil {
		return false
	}
	var a, b any
	return json.Unmarshal([]byte(got), &a) == nil && json.Unmarshal([]byte(body), &b) == nil && reflect.DeepEqual(a, b)
}

var errDeep = errors.New("too deep")

// ordered decodes a value, its members in their order.
func ordered(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		if depth == maxDepth {
			return nil, errDeep
		}
		if t == '[' {
			list := []any{}
			for d.More() {
				v, err := ordered(d, depth+1)
				if err != nil {
					return nil, err
				}
				list = append(list, v)
			}
			_, err = d.Token()
			return list, err
		}
		m := yaml.MapSlice{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := ordered(d, depth+1)
			if err != nil {
				return nil, err
			}
			m = append(m, yaml.MapItem{Key: key, Value: v})
		}
		_, err = d.Token()
		return m, err
	case json.Number:
		if n, err := strconv.ParseInt(t.String(), 10, 64); err == nil {
			return n, nil
		}
		return t.Float64()
	}
	return t, nil
}
