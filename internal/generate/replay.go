package generate

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// maxLine is the longest line of a file that is replayed, in bytes: what the largest record of a stream holds.
const maxLine = 10 << 20

// Replay reads the records of a file in its order and hands each out when its own time has come, counted from
// the time of the first: NDJSON and CSV (with a header, which is not sent) line by line as they are, Parquet row
// by row as JSON. A file that ends in .gz is decompressed. A record that is older than the one before it comes at
// once.
type Replay struct {
	file   io.Closer
	read   func() ([]byte, time.Time, error) // io.EOF at the end
	speed  float64
	start  time.Time
	held   []byte // read, and not due yet
	heldAt time.Time
	ended  bool
}

// OpenReplay opens a file. The field holds the time of a record: RFC 3339, a date and a time with a blank between
// (UTC), or a number of seconds, milli-, micro- or nanoseconds since 1970. Speed 2 is twice as fast as it was;
// 0 is as fast as the sink takes it, and then field may be empty.
func OpenReplay(path, field string, speed float64) (*Replay, error) {
	if speed < 0 || speed > 0 && field == "" {
		return nil, fmt.Errorf("replay %s: name the field that holds a record's time, or set the speed to 0", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := &Replay{file: f, speed: speed}
	if err := r.open(f, path, field); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("replay %s: %w", path, err)
	}
	return r, nil
}

func (r *Replay) open(f *os.File, path, field string) error {
	if strings.EqualFold(filepath.Ext(path), ".parquet") {
		return r.openParquet(f, field)
	}
	var in io.Reader = f
	if strings.EqualFold(filepath.Ext(path), ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return err
		}
		in, path = z, strings.TrimSuffix(path, filepath.Ext(path))
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	next := func() ([]byte, error) {
		for lines.Scan() {
			if line := bytes.TrimSpace(lines.Bytes()); len(line) > 0 {
				return line, nil
			}
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("a line of more than %d MiB, or one that cannot be read: %w", maxLine>>20, err)
		}
		return nil, io.EOF
	}
	when := jsonTime(field)
	if strings.EqualFold(filepath.Ext(path), ".csv") {
		header, err := next()
		if err != nil {
			return fmt.Errorf("read the header: %w", err)
		}
		if when, err = csvTime(header, field); err != nil {
			return err
		}
	}
	r.read = func() ([]byte, time.Time, error) {
		line, err := next()
		if err != nil || field == "" {
			return line, time.Time{}, err
		}
		t, err := when(line)
		return line, t, err
	}
	return nil
}

func jsonTime(field string) func([]byte) (time.Time, error) {
	return func(line []byte) (time.Time, error) {
		var o map[string]json.RawMessage
		if err := json.Unmarshal(line, &o); err != nil {
			return time.Time{}, fmt.Errorf("a line is not a JSON object: %w", err)
		}
		v, ok := o[field]
		if !ok {
			return time.Time{}, fmt.Errorf("a record has no field %q: %s", field, shorten(line))
		}
		var text string
		if json.Unmarshal(v, &text) != nil {
			text = string(v)
		}
		return parseTime(text)
	}
}

func csvTime(header []byte, field string) (func([]byte) (time.Time, error), error) {
	names, err := csvFields(header)
	if err != nil {
		return nil, err
	}
	i := slices.Index(names, field)
	if i < 0 && field != "" {
		return nil, fmt.Errorf("there is no column %q: the columns are %s", field, strings.Join(names, ", "))
	}
	return func(line []byte) (time.Time, error) {
		row, err := csvFields(line)
		if err != nil {
			return time.Time{}, err
		}
		if i >= len(row) {
			return time.Time{}, fmt.Errorf("a line has %d columns, %q is column %d: %s", len(row), field, i+1, shorten(line))
		}
		return parseTime(row[i])
	}, nil
}

func csvFields(line []byte) ([]string, error) {
	r := csv.NewReader(bytes.NewReader(line))
	r.FieldsPerRecord = -1
	return r.Read()
}

func (r *Replay) openParquet(f *os.File, field string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return err
	}
	rows := parquet.NewReader(file)
	times := map[string]time.Duration{} // the columns that are times, with their units; 0 is a day
	for _, c := range file.Schema().Fields() {
		if !c.Leaf() || c.Type().LogicalType() == nil {
			continue
		}
		switch t := c.Type().LogicalType().Value.(type) {
		case *format.TimestampType:
			if t.Unit.Value != nil {
				times[c.Name()] = t.Unit.Value.Duration()
			}
		case *format.DateType:
			times[c.Name()] = 0
		}
	}
	r.read = func() ([]byte, time.Time, error) {
		row := map[string]any{}
		if err := rows.Read(&row); err != nil {
			return nil, time.Time{}, err
		}
		for name, unit := range times {
			row[name] = parquetTime(row[name], unit)
		}
		line, err := json.Marshal(row)
		if err != nil || field == "" {
			return line, time.Time{}, err
		}
		if row[field] == nil {
			return nil, time.Time{}, fmt.Errorf("a record has no field %q: %s", field, shorten(line))
		}
		t, err := parseTime(fmt.Sprint(row[field]))
		return line, t, err
	}
	return nil
}

// parquetTime is a value of a time column as text in UTC.
func parquetTime(v any, unit time.Duration) any {
	switch n := v.(type) {
	case int64:
		return time.Unix(0, 0).UTC().Add(time.Duration(n) * unit).Format("2006-01-02 15:04:05.999999999")
	case int32:
		return time.Unix(int64(n)*86400, 0).UTC().Format(time.DateOnly)
	}
	return v
}

// next returns a record that is due after some time since the start. What it returns holds until the next call.
func (r *Replay) next(elapsed time.Duration) (line []byte, ok bool, err error) {
	if r.held == nil {
		line, at, err := r.read()
		if errors.Is(err, io.EOF) {
			r.ended = true
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		if r.start.IsZero() {
			r.start = at
		}
		if r.speed == 0 {
			return line, true, nil
		}
		r.held, r.heldAt = line, at
	}
	if float64(r.heldAt.Sub(r.start)) > float64(elapsed)*r.speed {
		return nil, false, nil
	}
	line, r.held = r.held, nil
	return line, true, nil
}

// Close closes the file.
func (r *Replay) Close() error { return r.file.Close() }

// parseTime reads a time, or a number since 1970 in the unit that its size suggests.
func parseTime(text string) (time.Time, error) {
	if n, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(n) < 1e20 {
		for math.Abs(n) >= 1e11 { // not of seconds, but of a unit a thousand times smaller
			n /= 1000
		}
		return time.UnixMicro(int64(n * 1e6)), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time: want RFC 3339, \"2006-01-02 15:04:05\", or a number since 1970", text)
}

func shorten(line []byte) string {
	if len(line) > 120 {
		return string(line[:120]) + "..."
	}
	return string(line)
}
