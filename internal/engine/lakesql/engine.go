package lakesql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/hive"
	"github.com/brookmere/brookmere/internal/engine/lakesql/trino"
	"github.com/brookmere/brookmere/internal/engine/lakesql/udf"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
	"github.com/duckdb/duckdb-go/v2"
	"github.com/jonboulle/clockwork"
)

// Options of Open.
type Options struct {
	Dir           string // the only directory that SQL may read from, absolute; must exist
	TempDir       string // where sorts and joins spill and Write makes its files; empty: nowhere
	MemoryLimit   string // as DuckDB writes sizes, "2GB"; empty: 1GB
	Threads       int    // of all queries together; zero: one a processor
	MaxConcurrent int    // queries that run at once, the others wait; zero: 8
	Clock         clockwork.Clock
}

// Engine runs queries. It is safe for use by many goroutines.
type Engine struct {
	connector *duckdb.Connector
	dir       string
	scratch   string // for Write, empty if there is none
	clock     clockwork.Clock
	slots     chan struct{}
	idle      chan driver.Conn
	footers   hive.Footers
}

// Open starts DuckDB in memory, shut off from all files but those of Dir, from the network,
// from extensions and from its own settings.
func Open(o Options) (*Engine, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("lakesql: %w", err)
	}
	if o.MemoryLimit == "" {
		o.MemoryLimit = "1GB"
	}
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	if o.MaxConcurrent <= 0 {
		o.MaxConcurrent = 8
	}
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	allowed := duck.Quote(dir + "/")
	if o.TempDir != "" {
		if o.TempDir, err = filepath.Abs(o.TempDir); err != nil {
			return nil, fmt.Errorf("lakesql: %w", err)
		}
		allowed += ", " + duck.Quote(o.TempDir+"/")
	}
	settings := []string{
		"SET autoinstall_known_extensions=false",
		"SET autoload_known_extensions=false",
		"SET allow_community_extensions=false",
		"SET memory_limit=" + duck.Quote(o.MemoryLimit),
		fmt.Sprintf("SET threads=%d", o.Threads),
		"SET integer_division=true",
		"SET TimeZone='UTC'",
		"SET enable_progress_bar=false",
		"SET parquet_metadata_cache=true", // of files as they are now: DuckDB looks at their times
		"SET temp_directory=" + duck.Quote(o.TempDir),
		"SET allowed_directories=[" + allowed + "]",
		"SET enable_external_access=false",
		"SET lock_configuration=true",
	}
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("lakesql: start DuckDB: %w", err)
	}
	e := &Engine{connector: connector, dir: dir, scratch: o.TempDir, clock: o.Clock, slots: make(chan struct{}, o.MaxConcurrent), idle: make(chan driver.Conn, o.MaxConcurrent)}
	c, err := connector.Connect(context.Background())
	if err != nil {
		connector.Close()
		return nil, fmt.Errorf("lakesql: connect to DuckDB: %w", err)
	}
	if err := udf.Register(connector); err != nil {
		connector.Close()
		return nil, fmt.Errorf("lakesql: %w", err)
	}
	for _, s := range append(macros, settings...) {
		if _, err := c.(driver.ExecerContext).ExecContext(context.Background(), s, nil); err != nil {
			connector.Close()
			return nil, fmt.Errorf("lakesql: %s: %w", s, err)
		}
	}
	e.footers.Query = e.rows
	e.idle <- c
	return e, nil
}

// Close ends the engine; no query may be running.
func (e *Engine) Close() error {
	for {
		select {
		case c := <-e.idle:
			c.Close()
		default:
			return e.connector.Close()
		}
	}
}

func (e *Engine) connect(ctx context.Context) (driver.Conn, error) {
	select {
	case e.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case c := <-e.idle:
		return c, nil
	default:
	}
	c, err := e.connector.Connect(ctx)
	if err != nil {
		<-e.slots
		return nil, fmt.Errorf("lakesql: connect to DuckDB: %w", err)
	}
	return c, nil
}

func (e *Engine) release(c driver.Conn) {
	select {
	case e.idle <- c:
	default:
		c.Close()
	}
	<-e.slots
}

// macros are functions in DuckDB's own language.
var macros = []string{
	// What fails the query. TRY takes no such function, so within it, it is null.
	// The quotient of whole numbers, halves rounded away from zero.
	"CREATE MACRO __raise(message) AS error(message)",
	"CREATE MACRO __missing(message) AS NULL",
	"CREATE MACRO trino_quotient(n, d) AS CASE WHEN (n < 0) <> (d < 0) THEN -((2 * abs(n) + abs(d)) // (2 * abs(d))) ELSE (2 * abs(n) + abs(d)) // (2 * abs(d)) END",
}

// Query plans the statement and runs it. The result must be closed. When the context ends,
// the query ends with its error. Where objects go away while it runs, it is tried again
// over those that are there then.
func (e *Engine) Query(ctx context.Context, r Request) (res *Result, err error) {
	release := r.Snapshot()
	defer func() {
		if res == nil { // after an error, or a panic
			release()
		}
	}()
	for again := true; ; again = false {
		p, err := e.plan(ctx, r)
		if err != nil {
			return nil, err
		}
		res, err := e.query(ctx, p)
		if err != nil {
			p.close()
			if again && p.vanished() {
				continue
			}
			return nil, p.shorten(err)
		}
		end := res.close
		res.close = func() { end(); p.close(); release() }
		return res, nil
	}
}

// plan is a translation with what it holds until the query ends.
type plan struct {
	*trino.Plan
	dir   string
	close func()
}

func (e *Engine) plan(ctx context.Context, r Request) (*plan, error) {
	reader := &hive.Reader{Footers: &e.footers, Scratch: e.scratch}
	p, err := trino.Translate(ctx, r, trino.Host{Now: e.clock.Now().UTC(), Dir: e.dir, Reader: reader, Query: e.rows})
	if err != nil {
		reader.Close()
		return nil, err
	}
	return &plan{p, e.dir, reader.Close}, nil
}

// rows runs a statement of DuckDB's own and hands its rows out.
func (e *Engine) rows(ctx context.Context, text string, n int, row func([]driver.Value)) error {
	c, err := e.connect(ctx)
	if err != nil {
		return err
	}
	defer e.release(c)
	rows, err := c.(driver.QueryerContext).QueryContext(ctx, text, nil)
	if err != nil {
		return queryError(ctx, err)
	}
	defer rows.Close()
	values := make([]driver.Value, n)
	for {
		switch err := rows.Next(values); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return queryError(ctx, err)
		}
		row(values)
	}
}

func (e *Engine) query(ctx context.Context, p *plan) (*Result, error) {
	c, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	res, err := e.run(ctx, c, p.Text)
	if err != nil {
		e.release(c)
		return nil, queryError(ctx, err)
	}
	res.Stats.Files, res.Stats.BytesScanned = len(p.Files), p.Bytes
	finish(res.Columns, p.Columns)
	for i, c := range res.Columns {
		if types.Is(c.typ, "timestamp with time zone") && c.typ.Zone != "" && !trino.Packed(c.typ) {
			if res.zones == nil {
				res.zones = make([]*time.Location, len(res.Columns))
			}
			res.zones[i], _ = udf.Location(c.typ.Zone)
		}
	}
	return res, nil
}

// vanished reports whether a file of the plan is no longer there.
func (p *plan) vanished() bool {
	for path := range p.Files {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

// shorten puts URIs for the paths in an error's text.
func (p *plan) shorten(err error) error {
	var q *Error
	if !errors.As(err, &q) || !strings.Contains(q.Message, p.dir) {
		return err
	}
	for path, uri := range p.Files {
		q.Message = strings.ReplaceAll(q.Message, path, uri)
	}
	q.Message = strings.ReplaceAll(q.Message, p.dir+"/", "")
	return q
}

// Translate gives the DuckDB text of a query: for EXPLAIN and tests.
func (e *Engine) Translate(ctx context.Context, r Request) (string, error) {
	p, err := e.plan(ctx, r)
	if err != nil {
		return "", err
	}
	p.close()
	return p.Text, nil
}

// Schema is the columns that a query has, without running it: for CREATE VIEW.
func (e *Engine) Schema(ctx context.Context, r Request) ([]ResultColumn, error) {
	defer r.Snapshot()()
	p, err := e.plan(ctx, r)
	if err != nil {
		return nil, err
	}
	defer p.close()
	return e.schema(ctx, p)
}

func (e *Engine) schema(ctx context.Context, p *plan) ([]ResultColumn, error) {
	c, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer e.release(c)
	s, err := c.(driver.ConnPrepareContext).PrepareContext(ctx, p.Text)
	if err != nil {
		return nil, queryError(ctx, err)
	}
	defer s.Close()
	columns, _, err := describe(s.(*duckdb.Stmt))
	finish(columns, p.Columns)
	return columns, err
}

func (e *Engine) run(ctx context.Context, c driver.Conn, text string) (*Result, error) {
	prepared, err := c.(driver.ConnPrepareContext).PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	stmt := prepared.(*duckdb.Stmt)
	columns, infos, err := describe(stmt)
	if err != nil {
		stmt.Close()
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, nil)
	if err != nil {
		stmt.Close()
		return nil, err
	}
	return &Result{Columns: columns, infos: infos, rows: rows, values: make([]driver.Value, len(columns)), close: func() {
		rows.Close()
		stmt.Close()
		e.release(c)
	}}, nil
}

// queryError puts DuckDB's errors into Athena's words as far as they have one.
func queryError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var d *duckdb.Error
	if !errors.As(err, &d) {
		return err
	}
	msg, _, _ := strings.Cut(d.Msg, "\n\nLINE ")
	kind, text, ok := strings.Cut(msg, " Error: ")
	if !ok {
		return &Error{Name: "GENERIC_INTERNAL_ERROR", Message: msg}
	}
	text, _, _ = strings.Cut(text, "\nCandidate bindings")
	text, _, _ = strings.Cut(text, "\nLINE ")
	text = strings.TrimSpace(text)
	name := "GENERIC_USER_ERROR"
	switch kind {
	case "Binder":
		name = "SYNTAX_ERROR"
		if column, ok := between(text, "column \"", "\" must appear in the GROUP BY clause"); ok {
			name, text = "EXPRESSION_NOT_AGGREGATE", "'"+column+"' must be an aggregate expression or appear in GROUP BY clause"
		}
		if column, ok := between(text, "Referenced column \"", "\" not found"); ok {
			name, text = "COLUMN_NOT_FOUND", "Column '"+column+"' cannot be resolved"
		}
	case "Conversion":
		name = "INVALID_CAST_ARGUMENT"
		if m := outOfRange.FindStringSubmatch(text); m != nil {
			name, text = "NUMERIC_VALUE_OUT_OF_RANGE", "Out of range for "+integerNames[m[2]]+": "+m[1]
		}
		if m := badDate.FindStringSubmatch(text); m != nil {
			text = "Value cannot be cast to date: " + m[1]
		}
	case "Out of Range":
		name = "NUMERIC_VALUE_OUT_OF_RANGE"
		if strings.HasPrefix(text, "Invalid ") && (strings.HasSuffix(text, " PRECEDING value") || strings.HasSuffix(text, " FOLLOWING value")) {
			name, text = "INVALID_WINDOW_FRAME", "Window frame offset value must not be negative or null"
		}
		if m := overflow.FindStringSubmatch(text); m != nil {
			text = integerNames[m[2]] + " " + m[1] + " overflow: " + m[3]
		}
	case "Out of Memory":
		name = "EXCEEDED_LOCAL_MEMORY_LIMIT"
	case "IO", "Permission":
		name = "HIVE_CANNOT_OPEN_SPLIT"
	case "Invalid Input":
		if strings.HasPrefix(text, "Malformed JSON") || strings.Contains(text, "JSON") && strings.Contains(text, "in file") {
			return &Error{Name: "HIVE_CURSOR_ERROR", Message: "Row is not a valid JSON Object - " + text}
		}
		name = "INVALID_FUNCTION_ARGUMENT"
		switch {
		case strings.HasPrefix(text, "Map keys must be unique"):
			text = "Duplicate map keys are not allowed"
		case strings.HasPrefix(text, "Map keys can not be NULL"):
			text = "map key cannot be null"
		case strings.HasPrefix(text, "The map key list does not align"):
			text = "Key and value arrays must be the same length"
		}
		if strings.HasPrefix(text, "More than one row returned by a subquery") {
			name, text = "SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows"
		}
		for _, raised := range []string{"DIVISION_BY_ZERO", "INVALID_FUNCTION_ARGUMENT", "INVALID_CAST_ARGUMENT", "HIVE_CURSOR_ERROR", "HIVE_BAD_DATA", "NOT_SUPPORTED", "NUMERIC_VALUE_OUT_OF_RANGE", "SUBQUERY_MULTIPLE_ROWS", "PATH_EVALUATION_ERROR", "JSON_INPUT_CONVERSION_ERROR", "EXCEEDED_LOCAL_MEMORY_LIMIT"} {
			if _, rest, ok := strings.Cut(text, raised+": "); ok {
				return &Error{Name: raised, Message: rest}
			}
		}
		if strings.Contains(text, "arquet") || strings.Contains(text, "magic bytes") {
			name = "HIVE_BAD_DATA"
		}
	case "Parser", "Internal", "Fatal":
		name = "GENERIC_INTERNAL_ERROR"
	}
	return &Error{Name: name, Message: text}
}

// DuckDB's words for what Trino words by type.
var (
	overflow     = regexp.MustCompile(`^Overflow in (addition|subtraction|multiplication) of (INT\d+) \((.*)\)!`)
	outOfRange   = regexp.MustCompile(`^Type \S+ with value (\S+) can't be cast because the value is out of range for the destination type (INT\d+)`)
	badDate      = regexp.MustCompile(`^date field value out of range: "([^"]*)"`)
	integerNames = map[string]string{"INT8": "tinyint", "INT16": "smallint", "INT32": "integer", "INT64": "bigint"}
)

func between(s, before, after string) (string, bool) {
	_, s, ok := strings.Cut(s, before)
	if !ok {
		return "", false
	}
	s, _, ok = strings.Cut(s, after)
	return s, ok
}
