package hive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/columnar"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/jsontext"
	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
)

// readJSON reads newline-delimited objects. What the keys and values of a record mean is what
// package columnar says, which deliveries write by as well; DuckDB's reader has the files of
// whose values it makes the same (jsonplain.go).
func (s *scan) readJSON(pieces []Piece) []string {
	table := s.Table
	params := pieces[0].Format.SerDeParams
	if path := strings.TrimSpace(params["jsonPath"]); path != "" && path != "$" {
		// A crawler's classifier found rows there: the SerDe, which knows of none, would give others.
		fault.Fail(s.Position, "NOT_SUPPORTED", "The rows of table %s.%s are at the JSON path %s, which its SerDe does not read", table.Database, table.Name, path)
	}
	opts := jsonOptions(pieces[0].Format.SerDe, params)
	opts.ObjectText = pieces[0].Format.InputFormat == cloudTrailInput // which makes text of them
	columns := make(columnar.Schema, len(table.Columns))
	for i, c := range table.Columns {
		columns[i] = columnar.Column{Name: strings.ToLower(c.Name), Type: c.Type}
	}
	if len(columns) == 0 {
		columns = columnar.Schema{{Name: "_", Type: &hivetype.Type{Kind: hivetype.String}}}
	}
	if err := columns.Validate(); err != nil {
		fault.Fail(s.Position, "NOT_SUPPORTED", "Table %s.%s cannot be read: %s", table.Database, table.Name, strings.TrimPrefix(err.Error(), "columnar: "))
	}
	if w, err := columnar.NewWriter(io.Discard, columns, opts); err != nil {
		fault.Fail(s.Position, "HIVE_INVALID_METADATA", "Table %s.%s: %s", table.Database, table.Name, strings.TrimPrefix(err.Error(), "columnar: "))
	} else {
		w.Abort()
	}
	keys := newJSONKeys(columns, opts, sampleKeys(pieces))
	malformed := strings.EqualFold(params["ignore.malformed.json"], "true")
	skip := headerLines(table, params)
	content := fmt.Sprintf("json %s%#v %t", keys, opts, malformed)
	for _, c := range columns {
		content += fmt.Sprintf(" %q %s", c.Name, c.Type)
	}
	of := func(columns columnar.Schema) func(lines *lineReader, out io.Writer) error {
		return func(lines *lineReader, out io.Writer) error {
			return convertJSON(lines, out, columns, opts, keys, malformed)
		}
	}
	how := exactly{content: content, encoding: params["serialization.encoding"], charset: s.charsetOf(params), skip: skip, footer: footerLines(table, params), convert: of(columns)}
	if skip == 0 && len(opts.TimestampFormats) == 0 && !keys.alike() && !keys.renamed() {
		how.signature = "json " + keys.String() + fmt.Sprintf("%+v", opts)
		how.plain = func() func([]byte) bool { return (&plainJSON{keys: keys, hive: opts.SerDe == columnar.Hive}).plain }
	}
	plain, exact, err := s.splitted(pieces, how)
	asked := func(string) bool { return true }
	var bad *columnError
	if errors.As(err, &bad) && !s.asks(bad.column) {
		// What is wrong with a column that is not asked for is nothing to the query.
		var some columnar.Schema
		for _, c := range columns {
			if s.asks(c.Name) {
				some = append(some, c)
			}
		}
		if some == nil {
			some = columnar.Schema{{Name: "_", Type: &hivetype.Type{Kind: hivetype.String}}}
		}
		asked, how.convert = s.asks, of(some)
		for _, c := range some {
			how.content += fmt.Sprintf(" only %q", c.Name)
		}
		plain, exact, err = s.splitted(pieces, how)
	}
	if err != nil {
		if errors.As(err, &bad) {
			err = bad.err
		}
		panic(fault.Stop(err))
	}
	var out []string
	if plain != nil {
		var fields, items []string
		for i, c := range table.Columns {
			key, typ := keys.columns[i].key, TypeOf(c.Type)
			as, text := "VARCHAR", textValue(duck.Ident(key), typ, false)
			switch c.Type.Kind {
			case hivetype.Boolean, hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt, hivetype.Float, hivetype.Double:
				as, text = duck.Type(typ), duck.Ident(key) // all values were seen to be of the type
			case hivetype.Array, hivetype.Map, hivetype.Struct:
				as, text = keys.columns[i].duckType(), "CAST("+duck.Ident(key)+" AS "+duck.Type(typ)+")"
			}
			fields = append(fields, duck.Quote(key)+": "+duck.Quote(as))
			items = append(items, text+" AS "+duck.Ident(strings.ToLower(c.Name)))
		}
		if fields == nil {
			fields = []string{"'_': 'VARCHAR'"}
		}
		added, per := s.added(plain)
		out = append(out, "SELECT "+strings.Join(append(items, added...), ", ")+" FROM "+per.source("read_json("+fileList(plain)+", columns={"+strings.Join(fields, ", ")+
			"}, format='newline_delimited', hive_partitioning=false, maximum_object_size=2097152)"))
	}
	if exact != nil {
		var items []string
		for _, c := range table.Columns {
			name := duck.Ident(strings.ToLower(c.Name))
			value := "CAST(" + name + " AS " + duck.Type(TypeOf(c.Type)) + ")"
			if !asked(strings.ToLower(c.Name)) {
				value = strings.Replace(value, name, "NULL", 1)
			}
			items = append(items, coerce(value, charless(c.Type), c.Type, 0)+" AS "+name)
		}
		added, per := s.added(exact)
		out = append(out, "SELECT "+strings.Join(append(items, added...), ", ")+" FROM "+per.source("read_parquet("+fileList(exact)+", hive_partitioning=false)"))
	}
	return out
}

// jsonOptions reads the properties of the SerDes for JSON.
func jsonOptions(serde string, params map[string]string) columnar.Options {
	yes := func(name string) bool { return strings.EqualFold(params[name], "true") }
	o := columnar.Options{SerDe: columnar.Hive, Codec: columnar.Snappy, BlockSize: 32 << 20, Millis: true, RefuseDuplicates: true, KeepCase: true, NullInvalid: yes("use.null.for.invalid.data")}
	if strings.Contains(strings.ToLower(serde), "openx") || strings.HasSuffix(serde, "CloudTrailSerde") {
		o.SerDe = columnar.OpenX
		o.CaseSensitive, o.DotsInKeys = strings.EqualFold(params["case.insensitive"], "false"), yes("dots.in.keys")
		for name, key := range params {
			if column, ok := strings.CutPrefix(name, "mapping."); ok && key != "" {
				if o.Mappings == nil {
					o.Mappings = map[string]string{}
				}
				o.Mappings[column] = key
			}
		}
	}
	for _, f := range strings.Split(params["timestamp.formats"], ",") {
		if f = strings.TrimSpace(f); f != "" {
			o.TimestampFormats = append(o.TimestampFormats, f)
		}
	}
	return o
}

// convertJSON writes the records of lines.
func convertJSON(lines *lineReader, out io.Writer, columns columnar.Schema, opts columnar.Options, keys *jsonKeys, ignoreMalformed bool) (err error) {
	w, err := columnar.NewWriter(out, columns, opts)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			w.Abort()
		}
	}()
	var record jsontext.Record
	var text []byte
	twice := duplicates{fold: opts.SerDe == columnar.Hive || !opts.CaseSensitive}
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return w.Close()
		}
		if err != nil {
			return err
		}
		if jsontext.SkipSpace(line, 0) == len(line) {
			continue
		}
		_, err = record.Parse(line) // what follows the first value is not looked at
		if first := line[jsontext.SkipSpace(line, 0)]; err != nil && opts.SerDe == columnar.OpenX && (first == '{' || first == '[') {
			// Its reader takes much that is not JSON.
			if text, err = jsontext.Lenient(text[:0], line); err == nil {
				line = text
				_, err = record.Parse(line)
			}
		}
		if err == nil {
			if record.Kind == jsontext.Array && opts.SerDe == columnar.OpenX { // the columns in order
				if _, err = record.Parse(inOrder(line, keys)); err != nil {
					return err
				}
			}
			if key := twice.find(&record); key != "" {
				err = &columnar.RecordError{Code: columnar.ParseError, Reason: fmt.Sprintf("Duplicate key %q", key)}
			} else {
				err = w.WriteRecord(&record)
			}
		}
		if err == nil {
			continue
		}
		var refused *columnar.RecordError
		var broken *jsontext.SyntaxError
		switch {
		case errors.As(err, &refused) && refused.Code == columnar.MalformedData && refused.Column != "":
			return &columnError{refused.Column, &fault.Error{Name: "HIVE_BAD_DATA", Message: fmt.Sprintf("Error parsing field value for field %d: %s", keys.index(refused.Column), strings.TrimPrefix(refused.Reason, "Data does not match the schema. "))}}
		case ignoreMalformed:
			if err := w.WriteJSON([]byte("{}")); err != nil {
				return err
			}
		case errors.As(err, &refused):
			return notAnObject(lines, strings.TrimPrefix(refused.Reason, "Data does not match the schema. "))
		case errors.As(err, &broken):
			return notAnObject(lines, broken.Error())
		default:
			return notAnObject(lines, err.Error())
		}
	}
}

// inOrder gives the elements of an array the keys of columns.
func inOrder(array []byte, keys *jsonKeys) []byte {
	out := []byte{'{'}
	array = array[jsontext.SkipSpace(array, 0):]
	it := jsontext.Over(array)
	for i, c := range keys.columns {
		lo, hi, _, _, ok := it.Element()
		if !ok {
			break
		}
		if i > 0 {
			out = append(out, ',')
		}
		key, _ := json.Marshal(c.key)
		out = append(append(append(out, key...), ':'), array[lo:hi]...)
	}
	return append(out, '}')
}

func notAnObject(lines *lineReader, reason string) error {
	return &fault.Error{Name: "HIVE_CURSOR_ERROR", Message: "Row is not a valid JSON Object - JSONException: " + reason + " in line " + strconv.Itoa(lines.n-lines.held.Len()) + " of " + lines.uri}
}

// columnError is what is wrong with a value of a column.
type columnError struct {
	column string
	err    *fault.Error
}

func (e *columnError) Error() string { return e.err.Error() }
func (e *columnError) Unwrap() error { return e.err }

// duplicates finds a key that a record has twice.
type duplicates struct {
	fold  bool
	names map[string]int32
	byKey []int32 // the number of a name, by the record's number of its key
	seen  []int64 // by the number of a name: the last row that had it
	row   int64
}

func (d *duplicates) find(r *jsontext.Record) string {
	d.row++
	for i := range r.Members {
		m := &r.Members[i]
		for m.Key >= 0 && len(d.byKey) <= int(m.Key) {
			d.byKey = append(d.byKey, -1)
		}
		n := int32(-1)
		if m.Key >= 0 {
			n = d.byKey[m.Key]
		}
		if n < 0 {
			if m.Key < 0 && len(d.names) > maxNames {
				continue
			}
			name := string(r.AppendKey(nil, m))
			if d.fold {
				name = strings.ToLower(name)
			}
			var ok bool
			if n, ok = d.names[name]; !ok {
				if d.names == nil {
					d.names = map[string]int32{}
				}
				n = int32(len(d.seen))
				d.names[name] = n
				d.seen = append(d.seen, 0)
			}
			if m.Key >= 0 {
				d.byKey[m.Key] = n
			}
		}
		if d.seen[n] == d.row {
			return strings.ToLower(string(r.AppendKey(nil, m)))
		}
		d.seen[n] = d.row
	}
	return ""
}

// maxNames bounds the names that duplicates are looked for among.
const maxNames = 1 << 16
