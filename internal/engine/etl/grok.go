package etl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/crawl"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// Records of text that a Grok pattern takes apart, a row a line.

// maxGrokLine bounds a line that a pattern is tried on.
const maxGrokLine = 1 << 20

type grokReader struct {
	expr   *regexp.Regexp
	groups []crawl.GrokGroup
	// numbers are columns whose values are numbers where they can be; others are text.
	numbers map[string]bool
}

func newGrokReader(pattern, custom string, columns []Column) (*grokReader, error) {
	if pattern == "" {
		return nil, fmt.Errorf("records of the classification grok need a pattern: a catalog table has it, as its grokPattern or as the input.format of its SerDe")
	}
	expr, groups, err := crawl.GrokExpression(pattern, custom)
	if err != nil {
		return nil, err
	}
	e, err := regexp.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("the Grok pattern cannot be compiled: %w", err)
	}
	g := &grokReader{expr: e, groups: groups, numbers: make(map[string]bool)}
	for _, c := range columns {
		switch c.Type.Kind {
		case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt, hivetype.Float, hivetype.Double:
			g.numbers[strings.ToLower(c.Name)] = true
		}
	}
	return g, nil
}

// text appends a line as a JSON object; false where the pattern does not match.
func (g *grokReader) text(dst, line []byte) ([]byte, bool) {
	if len(line) > maxGrokLine {
		return dst, false
	}
	m := g.expr.FindSubmatchIndex(line)
	if m == nil {
		return dst, false
	}
	dst = append(dst, '{')
	first := true
	for _, x := range g.groups {
		if !x.Named || x.Place*2+1 >= len(m) || m[x.Place*2] < 0 {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendString(dst, x.Name), ':')
		value := line[m[x.Place*2]:m[x.Place*2+1]]
		if g.numbers[strings.ToLower(x.Name)] && len(value) > 0 && value[0] != '"' && value[0] <= '9' && json.Valid(value) {
			dst = append(dst, value...)
			continue
		}
		dst = appendString(dst, string(bytes.ToValidUTF8(value, []byte("\uFFFD"))))
	}
	return append(dst, '}'), true
}
