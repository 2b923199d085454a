package s3

import (
	"bufio"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
	"github.com/brookmere/brookmere/internal/engine/parquetrows"
)

// The files of an inventory: CSV without a header, all values in quotes, keys percent-encoded, compressed by gzip; or
// Parquet or ORC, with the names and types of columns that AWS's have. (Source: "Amazon S3 Inventory list" in the user guide.)

// inventoryColumn is a column: its names in CSV and in the others, the kind of its values, and its value, nil for none.
type inventoryColumn struct {
	name, column string
	kind         parquetrows.Kind
	value        func(*inventory, *objectstore.Info) any
}

// versionColumns come with all versions.
var versionColumns = []string{"VersionId", "IsLatest", "IsDeleteMarker"}

// allColumns are the columns in AWS's order.
var allColumns = []inventoryColumn{
	{"Bucket", "bucket", parquetrows.String, func(inv *inventory, _ *objectstore.Info) any { return inv.b.Name }},
	{"Key", "key", parquetrows.String, func(_ *inventory, o *objectstore.Info) any { return o.Key }},
	{"VersionId", "version_id", parquetrows.String, func(_ *inventory, o *objectstore.Info) any { return orNone(o.Version) }},
	{"IsLatest", "is_latest", parquetrows.Bool, func(_ *inventory, o *objectstore.Info) any { return o.Latest }},
	{"IsDeleteMarker", "is_delete_marker", parquetrows.Bool, func(_ *inventory, o *objectstore.Info) any { return o.Marker }},
	{"Size", "size", parquetrows.Int64, ofObjects(func(_ *inventory, o *objectstore.Info) any { return sizeOf(o) })},
	{"LastModifiedDate", "last_modified_date", parquetrows.Timestamp, func(_ *inventory, o *objectstore.Info) any { return o.ModTime.Truncate(time.Second) }},
	{"ETag", "e_tag", parquetrows.String, ofObjects(func(_ *inventory, o *objectstore.Info) any { return o.ETag })},
	{"StorageClass", "storage_class", parquetrows.String, ofObjects(func(_ *inventory, o *objectstore.Info) any { return classOr(o.Prop(propClass)) })},
	{"IsMultipartUploaded", "is_multipart_uploaded", parquetrows.Bool, ofObjects(func(_ *inventory, o *objectstore.Info) any { return strings.Contains(o.ETag, "-") })},
	{"ReplicationStatus", "replication_status", parquetrows.String, func(_ *inventory, o *objectstore.Info) any { return orNone(o.Prop(propReplication)) }},
	{"EncryptionStatus", "encryption_status", parquetrows.String, ofObjects(func(_ *inventory, o *objectstore.Info) any {
		switch {
		case o.Prop(propKeyMD5) != "":
			return "SSE-C"
		case o.Prop(propSSE) == "aws:kms":
			return "SSE-KMS"
		case o.Prop(propSSE) == "aws:kms:dsse":
			return "DSSE-KMS"
		}
		return "SSE-S3"
	})},
	{"ObjectLockRetainUntilDate", "object_lock_retain_until_date", parquetrows.Timestamp, func(_ *inventory, o *objectstore.Info) any {
		if t, err := time.Parse(time.RFC3339Nano, o.Prop(propLockUntil)); err == nil {
			return t
		}
		return nil
	}},
	{"ObjectLockMode", "object_lock_mode", parquetrows.String, func(_ *inventory, o *objectstore.Info) any { return orNone(o.Prop(propLockMode)) }},
	{"ObjectLockLegalHoldStatus", "object_lock_legal_hold_status", parquetrows.String, func(inv *inventory, o *objectstore.Info) any {
		switch {
		case !inv.b.Lock || o.Marker:
			return nil
		case o.Prop(propHold) == "ON":
			return "On"
		}
		return "Off"
	}},
	{"IntelligentTieringAccessTier", "intelligent_tiering_access_tier", parquetrows.String, func(_ *inventory, o *objectstore.Info) any {
		if o.Prop(propClass) == "INTELLIGENT_TIERING" {
			if tier := o.Prop(propTier); tier != "" {
				return strings.TrimSuffix(tier, "_ACCESS")
			}
			return "FREQUENT"
		}
		return nil
	}},
	{"BucketKeyStatus", "bucket_key_status", parquetrows.String, ofObjects(func(_ *inventory, o *objectstore.Info) any {
		if o.Prop(propBucketKey) != "" {
			return "ENABLED"
		}
		return "DISABLED"
	})},
	{"ChecksumAlgorithm", "checksum_algorithm", parquetrows.String, func(_ *inventory, o *objectstore.Info) any { return orNone(o.Prop(propAlgorithm)) }},
	{"ObjectAccessControlList", "object_access_control_list", parquetrows.String, ofObjects((*inventory).grants)},
	{"ObjectOwner", "object_owner", parquetrows.String, func(inv *inventory, info *objectstore.Info) any { return canonicalID(ownerOf(inv.b, &info.Record)) }},
	{"LifecycleExpirationDate", "lifecycle_expiration_date", parquetrows.Timestamp, ofObjects(func(inv *inventory, o *objectstore.Info) any {
		if at, _ := expiration(inv.b, o); o.Latest && !at.IsZero() {
			return at
		}
		return nil
	})},
}

func orNone(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// ofObjects has no value for delete markers.
func ofObjects(value func(*inventory, *objectstore.Info) any) func(*inventory, *objectstore.Info) any {
	return func(inv *inventory, o *objectstore.Info) any {
		if o.Marker {
			return nil
		}
		return value(inv, o)
	}
}

// grants is an object's access control list as inventories have it.
func (inv *inventory) grants(o *objectstore.Info) any {
	type grant struct {
		ID         string `json:"canonicalId,omitempty"`
		URI        string `json:"uri,omitempty"`
		Type       string `json:"type"`
		Permission string `json:"permission"`
	}
	list := []grant{}
	acl := cannedACL("private", inv.b.Owner)
	if text := o.Prop(propACL); text != "" {
		acl, _ = parseXML([]byte(text))
	}
	for _, g := range acl.at("AccessControlList").all("Grant") {
		if uri := g.text("Grantee", "URI"); uri != "" {
			list = append(list, grant{URI: uri, Type: "Group", Permission: g.text("Permission")})
		} else {
			list = append(list, grant{ID: g.text("Grantee", "ID"), Type: "CanonicalUser", Permission: g.text("Permission")})
		}
	}
	text, err := json.Marshal(map[string]any{"version": "2022-11-10", "status": "AVAILABLE", "grants": list})
	if err != nil {
		return nil
	}
	return base64.StdEncoding.EncodeToString(text)
}

// inventoryColumns are the columns that a configuration asks for.
func inventoryColumns(config *node) []inventoryColumn {
	var out []inventoryColumn
	fields := config.get("OptionalFields").all("Field")
	all := config.text("IncludedObjectVersions") == "All"
	for _, c := range allColumns {
		asked := slices.ContainsFunc(fields, func(f *node) bool { return f.Text == c.name })
		if c.name == "Bucket" || c.name == "Key" || all && slices.Contains(versionColumns, c.name) || asked {
			out = append(out, c)
		}
	}
	return out
}

// inventorySchema is the schema as manifests have it.
func inventorySchema(format string, columns []inventoryColumn) string {
	if format == "Parquet" {
		return inventoryTypes.Replace(parquetrows.Schema(inventoryName, parquetColumns(columns)))
	}
	if format == "ORC" {
		return orcSchema(columns)
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

// inventoryTypes writes a schema in one line, with the older names of types, as AWS's manifests have it.
var inventoryTypes = strings.NewReplacer("\n\t", "  ", "\n", "", "STRING", "UTF8", " (INT(64,true))", "", "TIMESTAMP(isAdjustedToUTC=true,unit=MILLIS)", "TIMESTAMP_MILLIS")

// inventoryName is the name of the schema of AWS's files.
const inventoryName = "s3.inventory"

func parquetColumns(columns []inventoryColumn) []parquetrows.Column {
	out := make([]parquetrows.Column, len(columns))
	for i, c := range columns {
		out[i] = parquetrows.Column{Name: c.column, Kind: c.kind, Required: c.name == "Bucket" || c.name == "Key"}
	}
	return out
}

// inventoryWriter writes one file.
type inventoryWriter struct {
	columns []inventoryColumn
	file    *os.File
	buffer  *bufio.Writer
	rows    int

	zip   *gzip.Writer // CSV
	table tableWriter  // or nil
}

// tableWriter writes rows in a format with columns.
type tableWriter interface {
	Write(row []any) error
	Close() error
}

func newInventoryWriter(format string, columns []inventoryColumn) (*inventoryWriter, error) {
	f, err := scratch()
	if err != nil {
		return nil, err
	}
	w := &inventoryWriter{columns: columns, file: f, buffer: bufio.NewWriterSize(f, 256<<10)}
	switch format {
	case "Parquet":
		w.table = parquetrows.NewWriter(w.buffer, inventoryName, parquetColumns(columns))
	case "ORC":
		if w.table, err = newORCWriter(w.buffer, columns); err != nil {
			w.close()
			return nil, err
		}
	default:
		w.zip = gzip.NewWriter(w.buffer)
	}
	return w, nil
}

func (w *inventoryWriter) contentType() string {
	if w.table != nil {
		return defaultType
	}
	return "application/x-gzip"
}

// add writes a row.
func (w *inventoryWriter) add(inv *inventory, info *objectstore.Info) error {
	w.rows++
	if w.table != nil {
		return w.addRow(inv, info)
	}
	var line strings.Builder
	for i, c := range w.columns {
		if i > 0 {
			line.WriteByte(',')
		}
		text := ""
		switch v := c.value(inv, info).(type) {
		case string:
			if text = v; c.name == "Key" {
				text = encodeListed(v)
			}
		case bool:
			text = strconv.FormatBool(v)
		case int64:
			text = strconv.FormatInt(v, 10)
		case time.Time:
			text = isoTime(v)
		}
		line.WriteString(`"` + strings.ReplaceAll(text, `"`, `""`) + `"`)
	}
	line.WriteByte('\n')
	_, err := io.WriteString(w.zip, line.String())
	return err
}

func (w *inventoryWriter) addRow(inv *inventory, info *objectstore.Info) error {
	values := make([]any, len(w.columns))
	for i, c := range w.columns {
		values[i] = c.value(inv, info)
	}
	return w.table.Write(values)
}

// finish ends the file, and returns it from its beginning.
func (w *inventoryWriter) finish() (io.Reader, error) {
	var err error
	if w.table != nil {
		err = w.table.Close()
	} else {
		err = w.zip.Close()
	}
	if err == nil {
		err = w.buffer.Flush()
	}
	if err == nil {
		_, err = w.file.Seek(0, io.SeekStart)
	}
	return w.file, err
}

func (w *inventoryWriter) close() { w.file.Close() } // what was written has been read
