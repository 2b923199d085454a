package streamsql

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/streamsql/dialect"
)

// Plan is a compiled application. It is immutable, and may be run by several Apps.
type Plan struct {
	statements []sql.Statement
	sources    []Source
	references []Reference
	readers    map[string]*reader
	streams    []Stream
	explain    string
	hash       string // of everything that state depends on
}

// StreamKind says where a stream's rows come from.
type StreamKind uint8

// The kinds of streams.
const (
	SourceStream StreamKind = iota // records
	PumpedStream                   // pumps
	ErrorsStream                   // error_stream
)

// Stream is an in-application stream. ROWTIME is not among its columns.
type Stream struct {
	Name    string
	Kind    StreamKind
	Columns []Column
}

// Compile parses and checks an application: every stream, pump and function of its text. The
// error is an *Error with the position of the first mistake. Names in double quotes are taken as
// they are, others in upper case, as SQLstream does.
func Compile(code string, sources []Source, references []Reference) (*Plan, error) {
	p := &Plan{sources: sources, references: references, readers: map[string]*reader{}}
	var err error
	for _, s := range sources {
		if p.readers[s.Name], err = newReader("Source '"+s.Name+"'", s.Schema, s.Arrival); err != nil {
			return nil, err
		}
	}
	for _, r := range references {
		if p.readers[r.Name], err = newReader("Reference '"+r.Name+"'", r.Schema, false); err != nil {
			return nil, err
		}
	}
	if p.statements, err = dialect.Parse(code); err != nil {
		var e *sql.Error
		if errors.As(err, &e) {
			return nil, &Error{e.Position, e.Message, syntaxHint(code, e)}
		}
		return nil, err
	}
	for _, r := range p.readers {
		r.own = arrivalColumns[:ownColumns(p.statements)]
	}
	b, err := build(p.statements, sources, references, &runtime{limit: 1 << 62})
	if err != nil {
		return nil, err
	}
	for _, s := range b.order {
		p.streams = append(p.streams, s.Stream)
	}
	p.explain = b.explain()
	h := sha256.New()
	fmt.Fprintf(h, "%d\n", snapshotVersion)
	for _, s := range p.statements {
		fmt.Fprintf(h, "%s;\n", sql.Print(s))
	}
	fmt.Fprintf(h, "%#v\n%#v\n", sources, references)
	p.hash = hex.EncodeToString(h.Sum(nil)[:16])
	return p, nil
}

// Streams are the application's streams: the sources, those it creates in their order, and
// error_stream.
func (p *Plan) Streams() []Stream { return p.streams }

// Explain describes the operators that every pump runs as, the last one first.
func (p *Plan) Explain() string { return p.explain }

func (b *builder) explain() string {
	var text strings.Builder
	var write func(p *pipe, depth int)
	write = func(p *pipe, depth int) {
		fmt.Fprintf(&text, "%s%s\n", strings.Repeat("  ", depth), p.text)
		for _, in := range p.inputs {
			write(in, depth+1)
		}
	}
	for _, p := range b.pumps {
		fmt.Fprintf(&text, "pump %s\n", p.name)
		if p.stopped {
			text.WriteString("  stopped\n")
			continue
		}
		write(p.root, 1)
	}
	return text.String()
}

// syntaxHint is what to do about common mistakes.
func syntaxHint(code string, e *sql.Error) string {
	rest := strings.ToUpper(code[min(e.Offset, len(code)):])
	switch {
	case strings.HasPrefix(rest, "INSERT"), strings.Contains(e.Message, "'INSERT'"):
		return `Write CREATE OR REPLACE PUMP "NAME" AS INSERT INTO "STREAM" SELECT STREAM ...`
	case strings.HasPrefix(rest, "TABLE") && strings.Contains(e.Message, "'STREAM'"):
		return "An application creates streams: CREATE OR REPLACE STREAM \"NAME\" (\"column\" VARCHAR(16), ...)."
	case strings.HasPrefix(rest, "`"):
		return "Put names into double quotes."
	case strings.Contains(e.Message, "Expecting: ';'"):
		return "Statements end with a semicolon; names that are words of the language stand in double quotes."
	}
	for _, w := range []string{"VALUE", "TIMESTAMP", "DATE", "TIME", "USER", "ORDER", "GROUP", "TABLE", "END"} {
		if strings.HasPrefix(rest, w) && strings.Contains(e.Message, "<identifier>") {
			return fmt.Sprintf(`%s is a word of the language: a column of that name stands in double quotes.`, w)
		}
	}
	return ""
}
