package lakesql

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/hive"
	"github.com/brookmere/brookmere/internal/engine/lakesql/trino"
	"github.com/brookmere/brookmere/internal/engine/lakesql/udf"
	"github.com/brookmere/brookmere/internal/engine/lakesql/worker"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
	"github.com/jonboulle/clockwork"
)

// Options of Open.
type Options struct {
	Dir           string // the only directory that SQL may read from, absolute; must exist. Request.Dir narrows it
	TempDir       string // where sorts and joins spill and Write makes its files; empty: nowhere
	MemoryLimit   string // as DuckDB writes sizes, "2GB"; empty: 1GB
	Threads       int    // of all queries together; zero: one a processor
	MaxConcurrent int    // queries that run at once, the others wait; zero: 8
	Clock         clockwork.Clock
	// Converted bounds the bytes of files below TempDir that objects were converted into for
	// DuckDB and that are kept for later queries; zero: 1 GiB, negative: none.
	Converted int64
}

// Engine runs queries. It is safe for use by many goroutines.
type Engine struct {
	worker  *worker.Pool
	dir     string
	scratch string // for Write, empty if there is none
	clock   clockwork.Clock
	footers hive.Footers
	kept    hive.Conversions
}

// Open starts DuckDB in a process of its own, shut off from all files but those of Dir, from
// the network, from extensions and from its own settings.
func Open(o Options) (*Engine, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("lakesql: %w", err)
	}
	if o.MemoryLimit == "" {
		o.MemoryLimit = "1GB"
	}
	memory, err := parseSize(o.MemoryLimit)
	if err != nil {
		return nil, fmt.Errorf("lakesql: memory limit: %w", err)
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
	if o.TempDir != "" {
		if o.TempDir, err = filepath.Abs(o.TempDir); err != nil {
			return nil, fmt.Errorf("lakesql: %w", err)
		}
	}
	pool, err := worker.Start(worker.Settings{
		Dir: dir, TempDir: o.TempDir, Memory: memory, DataLimit: memory + memory/4 + overhead, Threads: o.Threads, Slots: o.MaxConcurrent,
	})
	if err != nil {
		return nil, fmt.Errorf("lakesql: %w", err)
	}
	if o.Converted == 0 {
		o.Converted = 1 << 30
	}
	e := &Engine{worker: pool, dir: dir, scratch: o.TempDir, clock: o.Clock, kept: hive.Conversions{Dir: o.TempDir, Limit: max(0, o.Converted)}}
	e.footers.Query = e.rows
	return e, nil
}

// overhead is what the process may have besides its memory limit and a quarter of that: the
// stacks of its threads, what Go keeps, what allocators have not given back yet.
const overhead = 768 << 20

// parseSize reads a size as DuckDB writes it: "2GB", "512MiB".
func parseSize(s string) (int64, error) {
	i := strings.IndexFunc(s, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if i < 0 {
		i = len(s)
	}
	n, err := strconv.ParseFloat(s[:i], 64)
	unit, ok := map[string]float64{"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}[strings.ToLower(strings.TrimSpace(s[i:]))]
	if err != nil || !ok || n <= 0 || n*unit > 1<<60 {
		return 0, fmt.Errorf("%q is not a size such as 2GB or 512MiB", s)
	}
	return int64(n * unit), nil
}

// Close ends the engine; no query may be running.
func (e *Engine) Close() error { return errors.Join(e.worker.Close(), e.kept.Close()) }

// WorkerPID is the id of the process that DuckDB runs in; zero where there is none.
func (e *Engine) WorkerPID() int { return e.worker.PID() }

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
			return nil, p.outward(err)
		}
		end := res.close
		res.close = func() { end(); p.close(); release() }
		return res, nil
	}
}

// plan is a translation with what it holds until the query ends.
type plan struct {
	*trino.Plan
	dir, scratch string
	reader       *hive.Reader
	close        func()
}

// plan translates a query, which reads files: where one went away since it was listed, again.
func (e *Engine) plan(ctx context.Context, r Request) (*plan, error) {
	p, err := e.planOnce(ctx, r)
	if errors.Is(err, fs.ErrNotExist) {
		p, err = e.planOnce(ctx, r)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{Name: "HIVE_CANNOT_OPEN_SPLIT", Message: "Error opening Hive split: an object of the table is no longer there"}
	}
	return p, err
}

func (e *Engine) planOnce(ctx context.Context, r Request) (*plan, error) {
	dir := e.dir
	if r.Dir != "" {
		if dir = filepath.Clean(r.Dir); e.scratch == "" || !strings.HasPrefix(dir, e.scratch+string(filepath.Separator)) {
			return nil, fmt.Errorf("lakesql: %s is not below the temporary directory", r.Dir)
		}
	}
	reader := &hive.Reader{Footers: &e.footers, Conversions: &e.kept}
	p, err := trino.Translate(ctx, r, trino.Host{Now: e.clock.Now().UTC(), Dir: dir, Reader: reader, Query: e.rows})
	if err != nil {
		reader.Close()
		return nil, (&plan{&trino.Plan{}, dir, e.scratch, reader, nil}).outward(err)
	}
	return &plan{p, dir, e.scratch, reader, reader.Close}, nil
}

// rows runs a statement of DuckDB's own and hands its rows out, nulls as empty texts.
func (e *Engine) rows(ctx context.Context, text string, row func([]string)) error {
	rows, err := e.worker.Run(ctx, worker.Call{Text: text})
	if err != nil {
		return queryError(ctx, err)
	}
	defer rows.Close()
	var values []string
	for rows.Next() {
		values = values[:0]
		for _, v := range rows.Row() {
			values = append(values, v.Text)
		}
		row(values)
	}
	if err := rows.Err(); err != nil {
		return queryError(ctx, err)
	}
	return nil
}

func (e *Engine) query(ctx context.Context, p *plan) (*Result, error) {
	zones := make([]string, len(p.Columns))
	some := false
	for i, c := range p.Columns {
		if types.Is(c.Type, "timestamp with time zone") && !trino.Packed(c.Type) && !strings.HasPrefix(c.Type.Zone, trino.DynamicZone) {
			zones[i] = c.Type.Zone
			some = some || zones[i] != ""
		}
	}
	if !some {
		zones = nil
	}
	res, err := e.run(ctx, worker.Call{Text: p.Text, Zones: zones})
	if err != nil {
		return nil, err
	}
	res.outward = p.outward
	res.Stats.Files, res.Stats.BytesScanned = len(p.Files), p.Bytes
	finish(res.Columns, p.Columns)
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

// outward puts URIs for the paths of files in an error's text: those of objects, and of what
// was unpacked of them.
func (p *plan) outward(err error) error {
	var q *Error
	if !errors.As(err, &q) {
		return err
	}
	if len(p.Files) == 1 {
		for _, uri := range p.Files {
			_ = hive.NameParquet(q, uri) // it is changed in place
		}
	}
	for _, uris := range []map[string]string{p.reader.Unpacked, p.Files} {
		for path, uri := range uris {
			q.Message = strings.ReplaceAll(q.Message, path, uri)
		}
	}
	q.Message = strings.ReplaceAll(q.Message, p.dir+"/", "s3://")
	if p.scratch != "" {
		q.Message = strings.ReplaceAll(q.Message, p.scratch, "the temporary directory")
	}
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
	rows, err := e.worker.Run(ctx, worker.Call{Text: p.Text, Describe: true})
	if err != nil {
		return nil, p.outward(queryError(ctx, err))
	}
	defer rows.Close()
	columns := resultColumns(rows.Columns)
	finish(columns, p.Columns)
	return columns, nil
}

func (e *Engine) run(ctx context.Context, call worker.Call) (*Result, error) {
	rows, err := e.worker.Run(ctx, call)
	if err != nil {
		return nil, queryError(ctx, err)
	}
	return &Result{Columns: resultColumns(rows.Columns), ctx: ctx, rows: rows, close: rows.Close}, nil
}

// memoryMessage is how Athena words that a query needs more memory than it may have.
const memoryMessage = "Query exceeded per-node memory limit"

// castInside finds what package trino says of a value within an array, a map or a row that it cannot cast,
// which it has DuckDB fail to cast.
var castInside = regexp.MustCompile(`(?s)["']((?:Cannot cast|Value cannot be cast to) .*)["'](?: to |, expected )`)

// queryError puts DuckDB's errors into Athena's words as far as they have one.
func queryError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var d *worker.Error
	switch {
	case errors.Is(err, worker.ErrMemory):
		return &Error{Name: "EXCEEDED_LOCAL_MEMORY_LIMIT", Message: memoryMessage}
	case !errors.As(err, &d):
		return err
	}
	if _, what, ok := strings.Cut(d.Message, udf.Panicked); ok { // not the statement's mistake
		return errors.New("lakesql: " + udf.Panicked + what)
	}
	msg, _, _ := strings.Cut(d.Message, "\n\nLINE ")
	msg, _, _ = strings.Cut(msg, "\n\nStack Trace:")
	kind, text, ok := strings.Cut(msg, " Error: ")
	if !ok {
		return &Error{Name: "GENERIC_INTERNAL_ERROR", Message: msg}
	}
	text, _, _ = strings.Cut(text, "\nCandidate bindings")
	text, _, _ = strings.Cut(text, "\nLINE ")
	text = strings.TrimSpace(text)
	name := "GENERIC_USER_ERROR"
	if strings.HasPrefix(text, "BYTE_STREAM_SPLIT ") {
		name, text = "HIVE_CURSOR_ERROR", hive.UnreadableParquet+text
	}
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
		if strings.HasPrefix(text, "Could not convert Timestamp(") { // of a file, to the unit that values have
			name, text = "HIVE_BAD_DATA", "A timestamp is out of range"
		}
		if m := outOfRange.FindStringSubmatch(text); m != nil {
			name, text = "NUMERIC_VALUE_OUT_OF_RANGE", "Out of range for "+integerNames[m[2]]+": "+m[1]
		}
		if m := castInside.FindStringSubmatch(text); m != nil {
			text = m[1]
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
		name, text = "EXCEEDED_LOCAL_MEMORY_LIMIT", memoryMessage
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
		if strings.Contains(text, "arquet") || strings.Contains(text, "magic bytes") || strings.HasPrefix(text, "Failed to read file ") {
			name = "HIVE_BAD_DATA"
		}
	case "Invalid": // of the libraries that read and unpack pages of Parquet
		name = "HIVE_BAD_DATA"
		if strings.HasPrefix(text, "TProtocolException") {
			text = hive.MalformedParquet + text
		} else if !strings.HasPrefix(text, hive.UnreadableParquet) {
			text = hive.UnreadableParquet + strings.TrimSuffix(strings.ToValidUTF8(text, "\uFFFD"), ": ")
		}
	case "Parser", "Internal", "Fatal", "INTERNAL", "FATAL":
		name = "GENERIC_INTERNAL_ERROR"
	}
	if strings.HasPrefix(text, "Max expression depth limit") || strings.HasPrefix(text, "memory exhausted at or near") {
		name, text = "STACK_OVERFLOW", "statement is too large (stack overflow during analysis)"
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
