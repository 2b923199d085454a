package objectstore

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Record is what is kept of an object beside its data.
type Record struct {
	ETag    string // without quotes
	Version string // empty: the null version
	Marker  bool   // it stands for a deletion
	Upload  string // id of the multipart upload that it was made by
	Headers map[string]string
	User    map[string]string // the client's own
	Tags    map[string]string
	Props   map[string]string // the service's
	Parts   []Part            // of an object that was uploaded in parts

	sealed []stretch // of its file; nil: the data is as it was put
}

// Part is a part of an object as it was uploaded.
type Part struct {
	Number   int
	Size     int64
	Checksum string // as the service has it; may be empty
}

// Prop returns a property, "" for none.
func (r *Record) Prop(name string) string { return r.Props[name] }

// SetProp sets a property, or removes it if value is empty. The map is copied: others may
// have it.
func (r *Record) SetProp(name, value string) {
	props := maps.Clone(r.Props)
	if props == nil {
		props = map[string]string{}
	}
	if value == "" {
		delete(props, name)
	} else {
		props[name] = value
	}
	r.Props = props
}

// A record is stored as lines of a letter and a value, or of a letter, a name, '=' and a
// value. Names and values are percent-encoded where they hold '%', '=', '\n' or NUL.
const recordAttribute = "brookmere"

// noKey stands for the key of a stretch that is not sealed.
const noKey = "-"

func (r *Record) encode() []byte {
	var b bytes.Buffer
	line := func(kind byte, value string) {
		b.WriteByte(kind)
		b.WriteString(escapeValue(value))
		b.WriteByte('\n')
	}
	named := func(kind byte, values map[string]string) {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			b.WriteByte(kind)
			b.WriteString(escapeValue(name) + "=" + escapeValue(values[name]))
			b.WriteByte('\n')
		}
	}
	line('e', r.ETag)
	if r.Version != "" {
		line('v', r.Version)
	}
	if r.Marker {
		line('m', "")
	}
	if r.Upload != "" {
		line('u', r.Upload)
	}
	named('p', r.Props)
	named('h', r.Headers)
	named('x', r.User)
	named('t', r.Tags)
	for _, p := range r.Parts {
		line('P', strconv.Itoa(p.Number)+" "+strconv.FormatInt(p.Size, 10)+" "+p.Checksum)
	}
	for i, t := range r.sealed {
		if i == 0 || t.key != r.sealed[i-1].key {
			if i > 0 {
				b.WriteByte('\n')
			}
			b.WriteString("S" + cmp.Or(t.key, noKey))
		}
		b.WriteString(" " + strconv.FormatInt(t.size, 10))
	}
	if r.sealed != nil {
		b.WriteByte('\n')
	}
	return b.Bytes()
}

const escaped = "%=\n\x00"

func escapeValue(s string) string {
	if !strings.ContainsAny(s, escaped) {
		return s
	}
	return strings.NewReplacer("%", "%25", "=", "%3D", "\n", "%0A", "\x00", "%00").Replace(s)
}

func unescapeValue(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

var errRecord = errors.New("objectstore: the record of an object cannot be read")

func decodeRecord(raw []byte) (Record, error) {
	var r Record
	text := string(raw)
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		if line == "" {
			return r, errRecord
		}
		kind, value := line[0], line[1:]
		switch kind {
		case 'e':
			r.ETag = unescapeValue(value)
		case 'v':
			r.Version = unescapeValue(value)
		case 'm':
			r.Marker = true
		case 'u':
			r.Upload = unescapeValue(value)
		case 'P':
			f := strings.SplitN(unescapeValue(value), " ", 3)
			if len(f) != 3 {
				return r, errRecord
			}
			n, err := strconv.Atoi(f[0])
			size, serr := strconv.ParseInt(f[1], 10, 64)
			if err != nil || serr != nil {
				return r, errRecord
			}
			r.Parts = append(r.Parts, Part{n, size, f[2]})
		case 'S':
			fields := strings.Split(value, " ")
			if fields[0] == noKey {
				fields[0] = ""
			}
			for _, f := range fields[1:] {
				size, err := strconv.ParseInt(f, 10, 64)
				if err != nil || size < 0 {
					return r, errRecord
				}
				r.sealed = append(r.sealed, stretch{fields[0], size})
			}
		case 'p', 'h', 'x', 't':
			name, v, ok := strings.Cut(value, "=")
			if !ok {
				return r, errRecord
			}
			m := map[byte]*map[string]string{'p': &r.Props, 'h': &r.Headers, 'x': &r.User, 't': &r.Tags}[kind]
			if *m == nil {
				*m = map[string]string{}
			}
			(*m)[unescapeValue(name)] = unescapeValue(v)
		default: // of a later version
		}
	}
	return r, nil
}

// readRecord reads the record of a file, which is open, or named by its absolute path.
func (s *Store) readRecord(f *os.File, path string) (Record, error) {
	raw, err := s.attrs.read(f, path, recordAttribute)
	if err == nil {
		return decodeRecord(raw)
	}
	if !errors.Is(err, errNoAttribute) {
		return Record{}, err
	}
	return s.readOldRecord(f, path)
}

// Props returns the properties of the object whose file is at path, as Files gave it, if it has
// the one that is named; nil otherwise. Objects without it cost no more than reading an attribute.
func (s *Store) Props(path, name string) map[string]string {
	raw, err := s.attrs.read(nil, path, recordAttribute)
	if err != nil || !bytes.Contains(raw, []byte(name)) {
		return nil
	}
	r, err := decodeRecord(raw)
	if err != nil || r.Prop(name) == "" {
		return nil
	}
	return r.Props
}

// writeRecord gives a file, which is open and not yet at path, or is at path, its record.
func (s *Store) writeRecord(f *os.File, path string, r *Record) error {
	return s.attrs.write(f, path, recordAttribute, r.encode())
}

// readOldRecord reads what stores of the first version have: attributes of their own.
func (s *Store) readOldRecord(f *os.File, path string) (Record, error) {
	r := Record{Headers: map[string]string{}, Props: map[string]string{}}
	get := func(name string) (string, bool) {
		b, err := s.attrs.read(f, path, name)
		return string(b), err == nil
	}
	names, err := s.attrs.list(f, path)
	if err != nil {
		return r, err
	}
	for _, name := range names {
		value, ok := get(name)
		if !ok {
			continue
		}
		switch name {
		case "etag":
			r.ETag = strings.Trim(value, `"`)
		case "version-id":
			r.Version = value
		case "delete-marker":
			r.Marker = true
		case "metadata":
			_ = json.Unmarshal([]byte(value), &r.User) // as the first version wrote it
		case "X-Amz-Tagging":
			_ = json.Unmarshal([]byte(value), &r.Tags)
		case "content-type", "content-encoding", "content-disposition", "content-language", "cache-control", "expires",
			"website-redirect-location":
			r.Headers[name] = value
		case "storage-class":
			r.Props["class"] = value
		case "object-acl":
			r.Props["acl"] = value
		case "encryption":
			var e struct {
				Algorithm string `json:"algorithm"`
				KMSKey    string `json:"kmsKey"`
				BucketKey bool   `json:"bucketKey"`
			}
			if json.Unmarshal([]byte(value), &e) == nil && e.Algorithm != "" {
				r.Props["sse"], r.Props["sse-key"] = e.Algorithm, e.KMSKey
				if e.BucketKey {
					r.Props["sse-bucket-key"] = "true"
				}
			}
		case "checksums":
			oldChecksums(value, &r)
		case "object-retention":
			var ret struct{ Mode, RetainUntilDate string }
			if json.Unmarshal([]byte(value), &ret) == nil && ret.Mode != "" {
				r.Props["lock-mode"], r.Props["lock-until"] = ret.Mode, ret.RetainUntilDate
			}
		case "object-legal-hold":
			r.Props["lock-hold"] = "OFF"
			if value == "\x01" {
				r.Props["lock-hold"] = "ON"
			}
		case "mp-metadata":
			oldParts([]byte(value), &r)
		}
	}
	return r, nil
}

func oldChecksums(value string, r *Record) {
	var sums map[string]any
	if json.Unmarshal([]byte(value), &sums) != nil {
		return
	}
	algorithm, _ := sums["Algorithm"].(string)
	kind, _ := sums["Type"].(string)
	sum, _ := sums[algorithm].(string)
	if algorithm != "" {
		r.Props["sum-algorithm"], r.Props["sum-type"] = algorithm, kind
		if sum != "" {
			r.Props["sum"] = sum
		}
	}
}

func oldParts(value []byte, r *Record) {
	if z, err := gzip.NewReader(bytes.NewReader(value)); err == nil {
		if plain, err := io.ReadAll(io.LimitReader(z, 1<<20)); err == nil {
			value = plain
		}
	}
	var m struct {
		UploadID string
		Parts    []int64 // where each ends
	}
	if json.Unmarshal(value, &m) != nil {
		return
	}
	r.Upload = m.UploadID
	var begin int64
	for i, end := range m.Parts {
		r.Parts = append(r.Parts, Part{Number: i + 1, Size: end - begin})
		begin = end
	}
}

// forgetOld removes the attributes of the first version from a file that has a record.
func (s *Store) forgetOld(path string) {
	names, err := s.attrs.list(nil, path)
	if err != nil {
		return
	}
	for _, name := range names {
		if name != recordAttribute {
			_ = s.attrs.remove(path, name) // the record counts in any case
		}
	}
}

func (s *Store) file(bucket, path string) string { return filepath.Join(s.dir, bucket, path) }
