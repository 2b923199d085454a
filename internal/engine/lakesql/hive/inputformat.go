package hive

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
)

// An input format says what the records of a file are, which a SerDe then reads. Those that are
// not known here are refused: their files would be read as something that they are not.

const (
	cloudTrailInput = "com.amazon.emr.cloudtrail.CloudTrailInputFormat"
	symlinkInput    = "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat"
)

// byLine are the input formats that leave a file's records to its SerDe.
var byLine = map[string]bool{
	"": true,
	"org.apache.hadoop.mapred.TextInputFormat":                      true,
	"org.apache.hadoop.mapreduce.lib.input.TextInputFormat":         true,
	"org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat": true,
	"parquet.hive.DeprecatedParquetInputFormat":                     true,
	"parquet.hive.MapredParquetInputFormat":                         true,
	"org.apache.hadoop.hive.ql.io.orc.OrcInputFormat":               true,
	"org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat":    true,
	"com.amazon.ion.hive.IonInputFormat":                            true, // its SerDe is refused
}

// Symlinks reports whether the files of a format are lists of the files that are meant.
func Symlinks(f catalog.Format) bool { return f.InputFormat == symlinkInput }

// maxSymlinks bounds the lines of a list.
const maxSymlinks = 1_000_000

// ReadSymlinks returns the locations that a list of files names, one a line.
func ReadSymlinks(r io.Reader) ([]string, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<10)
	var out []string
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" {
			if out = append(out, line); len(out) > maxSymlinks {
				return nil, fmt.Errorf("more than %d files are named", maxSymlinks)
			}
		}
	}
	return out, lines.Err()
}

// checkInput refuses input formats that are not known.
func (s *scan) checkInput(format catalog.Format) {
	if format.InputFormat == "" && format.SerDe == "" {
		// As of XML and of what a crawler did not know.
		fault.Fail(s.Position, "HIVE_UNSUPPORTED_FORMAT", "Unable to create input format: table %s.%s has neither an input format nor a SerDe", s.Table.Database, s.Table.Name)
	}
	f := format.InputFormat
	if f != cloudTrailInput && f != symlinkInput && !byLine[f] {
		fault.Fail(s.Position, "NOT_SUPPORTED", "Input format %s of table %s.%s is not supported", f, s.Table.Database, s.Table.Name)
	}
	if own := ownSerDe[f]; own != "" && format.SerDe != "" && !strings.Contains(strings.ToLower(format.SerDe), own) {
		fault.Fail(s.Position, "HIVE_UNSUPPORTED_FORMAT", "Unsupported input format: serde=%s, format=%s, table=%s.%s", format.SerDe, f, s.Table.Database, s.Table.Name)
	}
}

// ownSerDe are the input formats whose files one SerDe alone reads, by a word of its name.
var ownSerDe = map[string]string{
	"org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat": "parquet",
	"parquet.hive.DeprecatedParquetInputFormat":                     "parquet",
	"parquet.hive.MapredParquetInputFormat":                         "parquet",
	"org.apache.hadoop.hive.ql.io.orc.OrcInputFormat":               "orc",
	"org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat":    "avro",
}

// cloudTrail gives the pieces with files that have the records of CloudTrail's a line each.
func (s *scan) cloudTrail(pieces []Piece) []Piece {
	out := make([]Piece, len(pieces))
	for i, p := range pieces {
		out[i] = p
		out[i].Files = append([]catalog.File(nil), p.Files...)
		for j, f := range p.Files {
			path, err := s.unpack(f, "cloudtrail", func(r io.Reader) (io.Reader, error) {
				b := bufio.NewReader(r)
				if head, _ := b.Peek(2); string(head) == "\x1f\x8b" {
					z, err := gzip.NewReader(b)
					if err != nil {
						return nil, err
					}
					b = bufio.NewReader(z)
				}
				return newRecords(b), nil
			})
			if err != nil {
				panic(fault.Stop(s.unreadable(f, err)))
			}
			out[i].Files[j].Path = path
		}
	}
	return out
}

// records reads {"Records": [...]} as lines.
type records struct {
	d     *json.Decoder
	line  []byte
	depth int  // objects that are open
	in    bool // the array has begun
	err   error
}

func newRecords(r io.Reader) io.Reader { return &records{d: json.NewDecoder(r)} }

func (r *records) Read(p []byte) (int, error) {
	for len(r.line) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.line, r.err = r.next()
		if r.err == io.EOF && (r.in || r.depth > 0) {
			r.err = errCutRecords
		}
	}
	n := copy(p, r.line)
	r.line = r.line[n:]
	return n, nil
}

var (
	errRecords    = errors.New(`the file is not an object with an array "Records"`)
	errCutRecords = errors.New("the file ends within an object")
)

func (r *records) next() ([]byte, error) {
	for !r.in {
		t, err := r.d.Token()
		switch {
		case err == io.EOF:
			return nil, io.EOF
		case err != nil:
			return nil, err
		case t == json.Delim('{'):
			r.depth++
			continue
		case t == json.Delim('}'):
			r.depth--
			continue
		}
		key, ok := t.(string)
		if !ok {
			return nil, errRecords
		}
		if !strings.EqualFold(key, "Records") {
			var skipped json.RawMessage
			if err := r.d.Decode(&skipped); err != nil {
				return nil, err
			}
			continue
		}
		if t, err := r.d.Token(); err != nil || t != json.Delim('[') {
			return nil, errRecords
		}
		r.in = true
	}
	if !r.d.More() {
		if _, err := r.d.Token(); err != nil {
			return nil, err
		}
		r.in = false
		return r.next()
	}
	var record json.RawMessage
	if err := r.d.Decode(&record); err != nil {
		return nil, err
	}
	line := make([]byte, 0, len(record)+1)
	text := false // line breaks are white space, unless in a text, where there are none
	for i := 0; i < len(record); i++ {
		c := record[i]
		switch {
		case c == '\\' && text:
			line = append(line, c)
			i++
			c = record[i]
		case c == '"':
			text = !text
		case c == '\n' || c == '\r':
			c = ' '
		}
		line = append(line, c)
	}
	return append(line, '\n'), nil
}
