package sparksql

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/etl"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// Lake runs queries: a *lakesql.Engine.
type Lake interface {
	Query(context.Context, lakesql.Request) (*lakesql.Result, error)
	Schema(context.Context, lakesql.Request) ([]lakesql.ResultColumn, error)
}

// Engine runs queries in Spark's dialect. It is safe for use by many goroutines.
type Engine struct {
	Lake Lake
	Dir  string // below the temporary directory of Lake, where inputs are while a query runs; made if need be
}

const database = "spark"

// Check implements etl.SQLEngine: it refuses a query that cannot run whatever its inputs are.
func (e *Engine) Check(text string, names []string) error {
	_, err := parse(text, names, nil)
	return err
}

// Run implements etl.SQLEngine.
func (e *Engine) Run(ctx context.Context, text string, tables []etl.SQLTable, limit int64) (*etl.Frame, error) {
	in := &inputs{tables: map[string]*lakesql.Table{}, files: map[string]lakesql.File{}, columns: map[string]*hivetype.Type{}, spelled: map[string]string{}}
	var names []string
	empty := true
	for _, t := range tables {
		names = append(names, t.Name)
		empty = empty && len(t.Frame.Columns) == 0
	}
	for _, t := range tables {
		if err := in.describe(t); err != nil {
			return nil, err
		}
	}
	q, err := parse(text, names, in.columns)
	if err != nil {
		return nil, err
	}
	for _, name := range q.fields {
		in.spell(name)
	}
	if empty { // sources without an object: there are no columns to ask for
		return &etl.Frame{}, nil
	}
	if q.indexed && in.keyed {
		return nil, errors.New("elements are taken by a number where an input has maps: use element_at(array, index from 1)")
	}
	dir, err := filepath.Abs(e.Dir)
	if err != nil {
		return nil, fmt.Errorf("sparksql: %w", err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("sparksql: %w", err)
	}
	dir, err = os.MkdirTemp(dir, "inputs-")
	if err != nil {
		return nil, fmt.Errorf("sparksql: %w", err)
	}
	defer os.RemoveAll(dir)
	for i, t := range tables {
		if err := in.write(t, filepath.Join(dir, fmt.Sprintf("%d.parquet", i))); err != nil {
			return nil, err
		}
	}
	request := lakesql.Request{Statement: q.statement, Database: database, Catalog: in, Files: in, Dir: dir}
	for try := 1; ; try++ {
		f, err := e.run(ctx, request, q, in, limit)
		if !errors.Is(err, lakesql.ErrRestarted) || try == 3 || ctx.Err() != nil {
			return f, plain(err)
		}
	}
}

// plain is an error without the name of its kind, which is Athena's.
func plain(err error) error {
	var e *lakesql.Error
	switch {
	case !errors.As(err, &e):
		return err
	case e.Line > 0:
		return failLine(e.Line, "%s", e.Message)
	}
	return errors.New(e.Message)
}

func (e *Engine) run(ctx context.Context, request lakesql.Request, q *query, in *inputs, limit int64) (*etl.Frame, error) {
	schema, err := e.Lake.Schema(ctx, request)
	if err != nil {
		return nil, err
	}
	columns, outer, err := result(schema, q)
	if err != nil {
		return nil, err
	}
	request.Statement = outer
	res, err := e.Lake.Query(ctx, request)
	if err != nil {
		return nil, err
	}
	defer res.Close()
	var text []byte
	for res.Next(ctx) {
		text = append(text, '{')
		first := true
		for i, v := range res.Row() {
			if v.Null {
				continue
			}
			if !first {
				text = append(text, ',')
			}
			first = false
			text = append(appendString(text, columns[i].Name), ':')
			if nested(columns[i].Type) {
				text = append(text, v.Text...)
			} else {
				text = appendString(text, v.Text)
			}
		}
		if text = append(text, "}\n"...); int64(len(text)) > limit {
			return nil, etl.ErrTooLarge
		}
	}
	if err := res.Err(); err != nil {
		return nil, err
	}
	reader := etl.NewReader(etl.ReadOptions{Format: "json", Columns: columns})
	if err := reader.Add("result", bytes.NewReader(text), nil); err != nil {
		return nil, err
	}
	f, err := reader.Frame()
	if err != nil {
		return nil, err
	}
	return in.respell(f, q), nil
}

func appendString(b []byte, s string) []byte {
	quoted, _ := json.Marshal(s)
	return append(b, quoted...)
}

func nested(t *hivetype.Type) bool {
	return t.Kind == hivetype.Array || t.Kind == hivetype.Map || t.Kind == hivetype.Struct
}

// result is the columns of a query, and the query of them as text: what is nested as JSON.
func result(schema []lakesql.ResultColumn, q *query) ([]etl.Column, *sql.Query, error) {
	columns := make([]etl.Column, len(schema))
	list := make([]string, len(schema))
	items := make([]string, len(schema))
	seen := make(map[string]bool)
	for i, c := range schema {
		name := strings.ToLower(c.Name)
		switch {
		case seen[name]:
			return nil, nil, fmt.Errorf("the column %q is there twice: write AS name behind one", c.Name)
		case c.FullType == "unknown":
			return nil, nil, fmt.Errorf("the column %q has no type: CAST(NULL AS type) has one", c.Name)
		case c.Hive == nil:
			return nil, nil, fmt.Errorf("the column %q is of the type %s, which cannot be written", c.Name, c.FullType)
		}
		seen[name] = true
		columns[i] = etl.Column{Name: name, Type: plainStrings(c.Hive)}
		list[i] = fmt.Sprintf("q%d", i)
		switch items[i] = list[i]; {
		case nested(c.Hive):
			items[i] = "json_format(CAST(" + list[i] + " AS json))"
		case c.Hive.Kind == hivetype.Binary:
			items[i] = "to_base64(" + list[i] + ")"
		}
	}
	st, err := sql.Parse("SELECT " + strings.Join(items, ", ") + " FROM (SELECT 1) AS q(" + strings.Join(list, ", ") + ")")
	if err != nil {
		return nil, nil, err
	}
	outer := st.(*sql.Query)
	outer.Body.(*sql.Select).From[0].(*sql.AliasedRelation).Relation.(*sql.SubqueryRelation).Query = q.statement
	if len(q.statement.OrderBy) > 0 && q.statement.Limit == nil { // else the order of what is selected from is nobody's
		all, err := sql.ParseExpr("9223372036854775807")
		if err != nil {
			return nil, nil, err
		}
		ordered := *q.statement
		ordered.Limit = all
		outer.Body.(*sql.Select).From[0].(*sql.AliasedRelation).Relation.(*sql.SubqueryRelation).Query = &ordered
	}
	return columns, outer, nil
}

// plainStrings is a type with string for varchar(n) and char(n), of which Spark's functions have none.
func plainStrings(t *hivetype.Type) *hivetype.Type {
	switch t.Kind {
	case hivetype.Char, hivetype.Varchar:
		return &hivetype.Type{Kind: hivetype.String}
	case hivetype.Array:
		return &hivetype.Type{Kind: t.Kind, Elem: plainStrings(t.Elem)}
	case hivetype.Map:
		return &hivetype.Type{Kind: t.Kind, Key: plainStrings(t.Key), Elem: plainStrings(t.Elem)}
	case hivetype.Struct:
		out := &hivetype.Type{Kind: t.Kind}
		for _, f := range t.Fields {
			out.Fields = append(out.Fields, hivetype.Field{Name: f.Name, Type: plainStrings(f.Type)})
		}
		return out
	}
	return t
}

// inputs are the tables of a query: its catalog and its files.
type inputs struct {
	tables  map[string]*lakesql.Table
	files   map[string]lakesql.File   // by location
	columns map[string]*hivetype.Type // of all tables, in lower case; nothing is known of the type of one that differs
	spelled map[string]string         // names in lower case, as the inputs write them; "": they do so in several ways
	keyed   bool                      // there are maps whose keys are no strings
}

func (in *inputs) spell(name string) {
	lower := strings.ToLower(name)
	if was, ok := in.spelled[lower]; ok && was != name {
		name = ""
	}
	in.spelled[lower] = name
}

// lowered is a type with the names of fields in lower case.
func (in *inputs) lowered(t *hivetype.Type) *hivetype.Type {
	out := *t
	if t.Elem != nil {
		out.Elem = in.lowered(t.Elem)
	}
	if t.Key != nil {
		in.keyed = in.keyed || t.Key.Kind != hivetype.String
		out.Key = in.lowered(t.Key)
	}
	out.Fields = nil
	for _, f := range t.Fields {
		in.spell(f.Name)
		out.Fields = append(out.Fields, hivetype.Field{Name: strings.ToLower(f.Name), Type: in.lowered(f.Type)})
	}
	return &out
}

func location(name string) string { return "s3://inputs/" + strings.ToLower(name) + "/" }

func (in *inputs) describe(t etl.SQLTable) error {
	d := &lakesql.Table{Database: database, Name: strings.ToLower(t.Name), Location: location(t.Name), Format: lakesql.Format{
		InputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat", SerDe: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
	}}
	seen := make(map[string]bool)
	for _, c := range t.Frame.Columns {
		name := strings.ToLower(c.Name)
		if seen[name] {
			return fmt.Errorf("the input %s has the column %q twice, in different letter case: rename one", t.Name, name)
		}
		seen[name] = true
		if was := in.columns[name]; was == nil {
			in.columns[name] = c.Type
		} else if !was.Equal(c.Type) {
			in.columns[name] = new(hivetype.Type)
		}
		in.spell(c.Name)
		d.Columns = append(d.Columns, lakesql.Column{Name: name, Type: in.lowered(c.Type)})
	}
	in.tables[d.Name] = d
	return nil
}

func (in *inputs) write(t etl.SQLTable, path string) error {
	if t.Frame.Len() == 0 || len(t.Frame.Columns) == 0 {
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("sparksql: %w", err)
	}
	_, err = etl.Encode(f, t.Frame, t.Frame.Columns, etl.Format{Name: "parquet", Compression: "snappy"})
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("input %s: %w", t.Name, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("sparksql: %w", err)
	}
	at := location(t.Name)
	in.files[at] = lakesql.File{URI: at + "rows", Path: path, Size: info.Size(), Modified: info.ModTime()}
	return nil
}

// respell gives columns and fields the case that the query or the inputs write.
func (in *inputs) respell(f *etl.Frame, q *query) *etl.Frame {
	columns := make([]etl.Column, len(f.Columns))
	changed := false
	for i, c := range f.Columns {
		columns[i] = etl.Column{Name: c.Name, Type: in.fields(c.Type, &changed)}
		if s := q.names[c.Name]; s != "" {
			columns[i].Name = s
		} else if s := in.spelled[c.Name]; s != "" {
			columns[i].Name = s
		}
	}
	rows := f.Rows()
	if changed {
		for _, row := range rows {
			for i, v := range row {
				row[i] = in.values(v, f.Columns[i].Type)
			}
		}
	}
	return etl.NewFrame(columns, rows)
}

func (in *inputs) fields(t *hivetype.Type, changed *bool) *hivetype.Type {
	out := *t
	if t.Elem != nil {
		out.Elem = in.fields(t.Elem, changed)
	}
	out.Fields = nil
	for _, f := range t.Fields {
		name := f.Name
		if s := in.spelled[name]; s != "" && s != name {
			name, *changed = s, true
		}
		out.Fields = append(out.Fields, hivetype.Field{Name: name, Type: in.fields(f.Type, changed)})
	}
	return &out
}

func (in *inputs) values(v any, t *hivetype.Type) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = in.values(v[i], t.Elem)
		}
	case etl.Object:
		for i := range v {
			if t.Kind == hivetype.Map {
				v[i].Value = in.values(v[i].Value, t.Elem)
				continue
			}
			for _, f := range t.Fields {
				if strings.EqualFold(f.Name, v[i].Name) {
					v[i].Value = in.values(v[i].Value, f.Type)
					if s := in.spelled[f.Name]; s != "" {
						v[i].Name = s
					}
					break
				}
			}
		}
	}
	return v
}

// Table implements lakesql.Catalog.
func (in *inputs) Table(_ context.Context, db, name string) (*lakesql.Table, error) {
	if db != database {
		return nil, lakesql.ErrNoDatabase
	}
	if t := in.tables[name]; t != nil {
		return t, nil
	}
	return nil, lakesql.ErrNoTable
}

// Partitions implements lakesql.Catalog.
func (in *inputs) Partitions(context.Context, *lakesql.Table) ([]lakesql.Partition, error) {
	return nil, nil
}

// Databases implements lakesql.Catalog.
func (in *inputs) Databases(context.Context) ([]string, error) { return []string{database}, nil }

// Tables implements lakesql.Catalog.
func (in *inputs) Tables(context.Context, string) ([]string, error) { return nil, nil }

// Files implements lakesql.Files: the file of an input, and no other.
func (in *inputs) Files(_ context.Context, at string) ([]lakesql.File, error) {
	if f, ok := in.files[at]; ok {
		return []lakesql.File{f}, nil
	}
	return nil, nil
}
