package athena

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// CREATE TABLE AS, INSERT INTO and UNLOAD: the engine writes the rows into files, which
// become objects, and then the catalog learns of them. What fails half-way takes its
// objects away again. Parquet, ORC, Avro, JSON and text are written; Iceberg is refused.

// maxFile is the size at which the engine begins another file.
const maxFile = 1 << 30

// maxBuckets is how many buckets a table may have.
const maxBuckets = 100

// writer is one statement that writes.
type writer struct {
	s       *Service
	d       *ddl
	x       *execution
	wg      *workGroupDoc
	request lakesql.Request

	objects []objectRef // what is there already, of this statement
}

type objectRef struct{ bucket, key string }

func (o objectRef) uri() string { return "s3://" + o.bucket + "/" + o.key }

// properties of a WITH list, checked.
type writeProperties struct {
	format, compression, delimiter, location string
	partitionedBy, bucketedBy                []string
	buckets                                  int
}

func (p *writeProperties) read(st sql.Node, list []sql.Property, table bool) error {
	at := st.Pos()
	seen := make(map[string]bool)
	for _, e := range list {
		name := e.Name.Lower()
		bad := func(want string) error {
			return failf("INVALID_TABLE_PROPERTY: line %d:%d: Invalid value for catalog 'awsdatacatalog' table property '%s': Cannot convert [%s] to %s",
				e.Line, e.Column, name, sql.Print(e.Value), want)
		}
		if seen[name] {
			return failf("INVALID_TABLE_PROPERTY: line %d:%d: property '%s' is given twice", e.Line, e.Column, name)
		}
		seen[name] = true
		text, isText := e.Value.(*sql.String)
		value := ""
		if isText {
			value = text.Value
		}
		switch name {
		case "format":
			if !isText || value == "" {
				return bad("varchar")
			}
			p.format = strings.ToUpper(value)
		case "write_compression", "compression", "parquet_compression", "orc_compression":
			if !isText {
				return bad("varchar")
			}
			if p.compression != "" && !strings.EqualFold(p.compression, value) {
				return failf("INVALID_TABLE_PROPERTY: line %d:%d: two compressions are given, %s and %s", e.Line, e.Column, p.compression, value)
			}
			p.compression = strings.ToUpper(value)
		case "field_delimiter":
			if value == `\t` { // as Hive's DDL writes a tab
				value = "\t"
			}
			if !isText || len([]rune(value)) != 1 {
				return bad("a single character")
			}
			p.delimiter = value
		case "partitioned_by", "partitioning":
			names, ok := textList(e.Value)
			if !ok || name == "partitioning" {
				return bad("array(varchar)")
			}
			for _, n := range names {
				p.partitionedBy = append(p.partitionedBy, strings.ToLower(n))
			}
		case "external_location":
			if !table || !isText {
				return bad("varchar")
			}
			if _, _, err := splitLocation(value); err != nil {
				return failf("INVALID_TABLE_PROPERTY: line %d:%d: External location must be a valid file system URI: %s", e.Line, e.Column, value)
			}
			p.location = value
		case "bucketed_by":
			names, ok := textList(e.Value)
			if !ok || !table {
				return bad("array(varchar)")
			}
			for _, n := range names {
				p.bucketedBy = append(p.bucketedBy, strings.ToLower(n))
			}
		case "bucket_count":
			n, ok := e.Value.(*sql.Number)
			if !ok || !table {
				return bad("integer")
			}
			var err error
			if p.buckets, err = strconv.Atoi(n.Text); err != nil || p.buckets < 1 || p.buckets > maxBuckets {
				return failf("INVALID_TABLE_PROPERTY: line %d:%d: bucket_count must be greater than 0 and at most %d", e.Line, e.Column, maxBuckets)
			}
		case "table_type":
			if strings.EqualFold(value, "ICEBERG") {
				return icebergRefused(fmt.Sprintf("line %d:%d: CREATE TABLE AS", at.Line, at.Column))
			}
			if !strings.EqualFold(value, "HIVE") {
				return failf("NOT_SUPPORTED: line %d:%d: table_type %s is not supported", e.Line, e.Column, value)
			}
		case "is_external", "compression_level": // all tables are; how hard to compress is ours to choose
		default:
			return failf("INVALID_TABLE_PROPERTY: line %d:%d: Catalog 'awsdatacatalog' table property '%s' does not exist", e.Line, e.Column, name)
		}
	}
	if (p.buckets > 0) != (len(p.bucketedBy) > 0) {
		return failf("INVALID_TABLE_PROPERTY: line %d:%d: bucketed_by and bucket_count must be specified together", at.Line, at.Column)
	}
	if p.format == "" {
		if !table {
			return failf("INVALID_PROPERTY: line %d:%d: UNLOAD needs the property 'format'", at.Line, at.Column)
		}
		p.format = "PARQUET"
	}
	switch p.format {
	case "PARQUET", "ORC", "AVRO", "JSON", "TEXTFILE":
	default:
		return failf("INVALID_TABLE_PROPERTY: line %d:%d: Invalid value for catalog 'awsdatacatalog' table property 'format': Cannot convert [%s] to one of ORC, PARQUET, AVRO, JSON, TEXTFILE", at.Line, at.Column, p.format)
	}
	if p.compression == "UNCOMPRESSED" {
		p.compression = "NONE"
	}
	return nil
}

// textList is ARRAY['a', 'b'].
func textList(e sql.Expr) ([]string, bool) {
	a, ok := e.(*sql.Array)
	if !ok {
		return nil, false
	}
	var list []string
	for _, item := range a.Items {
		s, ok := item.(*sql.String)
		if !ok {
			return nil, false
		}
		list = append(list, s.Value)
	}
	return list, true
}

// createTableAs makes a table of a query's rows.
func (w *writer) createTableAs(ctx context.Context, st *sql.CreateTableAs) error {
	database, name, err := w.d.name(st.Name)
	if err != nil {
		return err
	}
	var p writeProperties
	if err := p.read(st, st.Properties, true); err != nil {
		return err
	}
	if err := w.d.needDatabase(ctx, database); err != nil {
		return failf("SCHEMA_NOT_FOUND: line %d:%d: Schema %s does not exist", st.Line, st.Column, database)
	}
	_, err = w.s.glue.GetTable(ctx, &glue.GetTableInput{DatabaseName: aws.String(database), Name: aws.String(name)})
	switch {
	case err == nil && st.IfNotExists:
		return w.report(ctx, 0, lakesql.Stats{})
	case err == nil:
		return failf("TABLE_ALREADY_EXISTS: line %d:%d: Table 'awsdatacatalog.%s.%s' already exists", st.Line, st.Column, database, name)
	case !missing(err):
		return glueFailure(err)
	}
	location := p.location
	if location == "" {
		location = w.x.doc.Output // tables/<id>
	}
	location = strings.TrimSuffix(location, "/") + "/"
	if err := w.needEmpty(ctx, location, fmt.Sprintf("HIVE_PATH_ALREADY_EXISTS: Target directory for table '%s.%s' already exists: %s. You may need to manually clean the data at location '%s' before retrying. Athena will not delete data in your account.",
		database, name, location, w.tablesPrefix())); err != nil {
		return err
	}
	request := lakesql.WriteRequest{
		Request: w.request, Format: p.format, Compression: p.compression, Delimiter: p.delimiter,
		PartitionBy: p.partitionedBy, BucketBy: p.bucketedBy, Buckets: p.buckets, MaxFileBytes: maxFile,
	}
	query := st.Query
	if st.NoData {
		none := *query
		none.Limit = &sql.Number{Position: st.Position, Text: "0"}
		query = &none
	}
	if len(st.Columns) > 0 {
		query = renamed(query, st.Columns)
	} else if err := needNames(query); err != nil {
		return err
	}
	request.Statement = query
	written, err := w.s.engine.Write(ctx, request)
	if err != nil {
		return err
	}
	defer written.Close()
	in := tableAs(name, location, p, written.Columns, st.Comment, w.d.unix())
	t := &gluetypes.Table{Name: in.Name, PartitionKeys: in.PartitionKeys, StorageDescriptor: in.StorageDescriptor}
	partitions, err := w.put(ctx, t, written, nil)
	if err != nil {
		return w.undo(ctx, err)
	}
	_, err = w.s.glue.CreateTable(ctx, &glue.CreateTableInput{DatabaseName: aws.String(database), TableInput: in})
	if exists(err) {
		return w.undo(ctx, failf("TABLE_ALREADY_EXISTS: line %d:%d: Table 'awsdatacatalog.%s.%s' already exists", st.Line, st.Column, database, name))
	}
	if err != nil {
		return w.undo(ctx, glueFailure(err))
	}
	if err := w.d.createPartitions(ctx, database, t, partitions, true); err != nil {
		_, dropErr := w.s.glue.DeleteTable(context.WithoutCancel(ctx), &glue.DeleteTableInput{DatabaseName: aws.String(database), Name: aws.String(name)})
		return w.undo(ctx, errors.Join(err, dropErr))
	}
	return w.report(ctx, written.Rows, written.Stats)
}

// needNames fails where a column of a query has no name that a table could give it.
func needNames(q *sql.Query) error {
	body := q.Body
	for {
		switch b := body.(type) {
		case *sql.Query:
			body = b.Body
			continue
		case *sql.SetOperation:
			body = b.Left
			continue
		case *sql.Select:
			for i, item := range b.Items {
				if item.Alias != nil || item.Star || item.Expr == nil {
					continue
				}
				switch item.Expr.(type) {
				case *sql.Name, *sql.Dereference:
					continue
				}
				return failf("MISSING_COLUMN_NAME: line %d:%d: Column name not specified at position %d", item.Line, item.Column, i+1)
			}
		}
		return nil
	}
}

// renamed gives the columns of a query other names: CREATE TABLE t (a, b) AS.
func renamed(q *sql.Query, names []sql.Identifier) *sql.Query {
	return &sql.Query{Position: q.Position, Body: &sql.Select{
		Position: q.Position, Items: []sql.SelectItem{{Position: q.Position, Star: true}},
		From: []sql.Relation{&sql.AliasedRelation{
			Position: q.Position, Relation: &sql.SubqueryRelation{Position: q.Position, Query: q},
			Alias: sql.Identifier{Name: "q"}, Columns: names,
		}},
	}}
}

// tablesPrefix is where tables without a location of their own go.
func (w *writer) tablesPrefix() string { return path.Dir(w.x.doc.Output) }

// tableAs is the Glue table of a CREATE TABLE AS statement.
func tableAs(name, location string, p writeProperties, columns []lakesql.Column, comment *string, now string) *gluetypes.TableInput {
	f := storages[p.format]
	serde := map[string]string{}
	parameters := map[string]string{"EXTERNAL": "TRUE", "has_encrypted_data": "false", "transient_lastDdlTime": now}
	switch p.format {
	case "JSON":
		f = storages["JSONFILE"]
	case "TEXTFILE":
		delimiter := p.delimiter
		if delimiter == "" {
			delimiter = "\x01"
		}
		serde["field.delim"], serde["serialization.format"] = delimiter, delimiter
	}
	compression := p.compression
	if compression == "" {
		compression = cmp.Or(map[string]string{"ORC": "ZLIB", "AVRO": "DEFLATE"}[p.format], "GZIP")
	}
	switch p.format {
	case "PARQUET":
		parameters["parquet.compression"] = compression
	case "ORC":
		parameters["orc.compress"] = compression
	case "AVRO":
		parameters["avro.output.codec"] = compression
	default:
		parameters["write.compression"] = compression
	}
	if comment != nil {
		parameters["comment"] = *comment
	}
	var all []gluetypes.Column
	for _, c := range columns {
		all = append(all, gluetypes.Column{Name: aws.String(c.Name), Type: aws.String(c.Type.String())})
	}
	part := len(all) - len(p.partitionedBy)
	return &gluetypes.TableInput{
		Name: aws.String(name), Owner: aws.String("hadoop"), TableType: aws.String("EXTERNAL_TABLE"), Parameters: parameters,
		PartitionKeys: append([]gluetypes.Column{}, all[part:]...),
		StorageDescriptor: &gluetypes.StorageDescriptor{
			Columns: all[:part:part], Location: aws.String(location), InputFormat: aws.String(f.input), OutputFormat: aws.String(f.output),
			BucketColumns: append([]string{}, p.bucketedBy...), NumberOfBuckets: int32(p.buckets), SortColumns: []gluetypes.Order{}, Parameters: map[string]string{},
			SerdeInfo: &gluetypes.SerDeInfo{Name: aws.String(name), SerializationLibrary: aws.String(f.serde), Parameters: serde},
			SkewedInfo: &gluetypes.SkewedInfo{
				SkewedColumnNames: []string{}, SkewedColumnValues: []string{}, SkewedColumnValueLocationMaps: map[string]string{},
			},
		},
	}
}

// insert adds a query's rows to a table as new objects.
func (w *writer) insert(ctx context.Context, st *sql.Insert) error {
	database, name, err := w.d.name(st.Table)
	if err != nil {
		return err
	}
	n := st.Table
	out, err := w.s.glue.GetTable(ctx, &glue.GetTableInput{DatabaseName: aws.String(database), Name: aws.String(name)})
	if missing(err) {
		return failf("TABLE_NOT_FOUND: line %d:%d: Table 'awsdatacatalog.%s.%s' does not exist", st.Line, st.Column, database, name)
	}
	if err != nil {
		return glueFailure(err)
	}
	t := out.Table
	if aws.ToString(t.TableType) == virtualView {
		return failf("NOT_SUPPORTED: line %d:%d: Inserting into views is not supported", st.Line, st.Column)
	}
	engine, err := engineTable(database, t)
	if err != nil {
		return err
	}
	if t.StorageDescriptor == nil || engine.Location == "" {
		return failf("NOT_SUPPORTED: line %d:%d: Table '%s.%s' cannot be inserted into", n.Line, n.Column, database, name)
	}
	if len(t.StorageDescriptor.BucketColumns) > 0 && t.StorageDescriptor.NumberOfBuckets > 0 {
		return failf("NOT_SUPPORTED: Inserting into bucketed tables is not supported: %s.%s", database, name)
	}
	for _, name := range []string{"skip.header.line.count", "skip.footer.line.count"} {
		if n := t.Parameters[name]; n != "" && n != "0" {
			return failf("NOT_SUPPORTED: Inserting into Hive table with %s property not supported", name)
		}
	}
	request := lakesql.WriteRequest{Request: w.request, MaxFileBytes: maxFile, Columns: slices.Concat(engine.Columns, engine.PartitionColumns)}
	request.Statement = st.Query
	if request.Format, err = insertFormat(engine.Format); err != nil {
		return err
	}
	request.Reader, request.Parameters = engine.Format, t.Parameters
	for _, key := range []string{"parquet.compression", "orc.compress", "avro.output.codec", "write.compression", "compression"} {
		if c := strings.ToUpper(t.Parameters[key]); c != "" && request.Compression == "" {
			switch request.Compression = c; c {
			case "UNCOMPRESSED", "NULL": // the latter is Avro's
				request.Compression = "NONE"
			case "ZSTANDARD":
				request.Compression = "ZSTD"
			}
		}
	}
	for _, c := range engine.PartitionColumns {
		request.PartitionBy = append(request.PartitionBy, c.Name)
	}
	for i, c := range st.Columns {
		column := c.Lower()
		if !slices.ContainsFunc(request.Columns, func(o lakesql.Column) bool { return o.Name == column }) {
			return failf("COLUMN_NOT_FOUND: line %d:%d: Insert column name does not exist in target table: %s", st.Line, st.Column, column)
		}
		if slices.Contains(request.Insert, column) {
			return failf("DUPLICATE_COLUMN_NAME: line %d:%d: Insert column name is specified more than once: %s", st.Columns[i].Line, st.Columns[i].Column, column)
		}
		request.Insert = append(request.Insert, column)
	}
	written, err := w.s.engine.Write(ctx, request)
	if err != nil {
		return err
	}
	defer written.Close()
	known := make(map[string]string)
	if len(written.Files) > 0 && len(t.PartitionKeys) > 0 {
		err := eachPartition(ctx, w.s.glue, database, name, "", false, func(p gluetypes.Partition) {
			if p.StorageDescriptor != nil {
				known[strings.Join(p.Values, "\x00")] = aws.ToString(p.StorageDescriptor.Location)
			}
		})
		if err != nil {
			return glueFailure(err)
		}
	}
	partitions, err := w.put(ctx, t, written, known)
	if err != nil {
		return w.undo(ctx, err)
	}
	if !strings.EqualFold(t.Parameters["projection.enabled"], "true") {
		if err := w.d.createPartitions(ctx, database, t, partitions, true); err != nil {
			return w.undo(ctx, err)
		}
	}
	return w.report(ctx, written.Rows, written.Stats)
}

// insertFormat is how rows are written so that the table's SerDe reads them.
func insertFormat(f lakesql.Format) (format string, err error) {
	switch serde := strings.ToLower(f.SerDe); {
	case strings.Contains(serde, "parquet"):
		return "PARQUET", nil
	case strings.HasSuffix(serde, "orcserde"):
		return "ORC", nil
	case strings.HasSuffix(serde, "avroserde"):
		if f.SerDeParams["avro.schema.literal"] != "" || f.SerDeParams["avro.schema.url"] != "" {
			return "", failf("NOT_SUPPORTED: Inserting into Avro tables with a schema of their own (avro.schema.literal, avro.schema.url) is not supported")
		}
		return "AVRO", nil
	case strings.HasSuffix(serde, "jsonserde"):
		return "JSON", nil
	case strings.HasSuffix(serde, "lazysimpleserde"):
		return "TEXTFILE", nil
	}
	return "", failf("NOT_SUPPORTED: Inserting into tables with SerDe %s is not supported", f.SerDe)
}

// unload writes a query's rows below a location.
func (w *writer) unload(ctx context.Context, st *sql.Unload) error {
	var p writeProperties
	if err := p.read(st, st.Properties, false); err != nil {
		return err
	}
	if _, _, err := splitLocation(st.To); err != nil {
		return failf("INVALID_LOCATION: line %d:%d: %s is not a valid S3 location", st.Line, st.Column, st.To)
	}
	location := strings.TrimSuffix(st.To, "/") + "/"
	if err := w.needEmpty(ctx, location, "HIVE_PATH_ALREADY_EXISTS: Target directory for UNLOAD already exists and is not empty: "+location); err != nil {
		return err
	}
	request := lakesql.WriteRequest{
		Request: w.request, Format: p.format, Compression: p.compression, Delimiter: p.delimiter,
		PartitionBy: p.partitionedBy, MaxFileBytes: maxFile,
	}
	request.Statement = st.Query
	written, err := w.s.engine.Write(ctx, request)
	if err != nil {
		return err
	}
	defer written.Close()
	t := &gluetypes.Table{StorageDescriptor: &gluetypes.StorageDescriptor{Location: aws.String(location)}}
	for _, c := range p.partitionedBy {
		t.PartitionKeys = append(t.PartitionKeys, gluetypes.Column{Name: aws.String(c)})
	}
	if _, err := w.put(ctx, t, written, nil); err != nil {
		return w.undo(ctx, err)
	}
	return w.report(ctx, written.Rows, written.Stats)
}

// needEmpty fails with text where there is an object below a location.
func (w *writer) needEmpty(ctx context.Context, location, text string) error {
	bucket, prefix, err := splitLocation(location)
	if err != nil {
		return err
	}
	out, err := w.s.objects.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: aws.String(prefix), MaxKeys: aws.Int32(1)})
	if err != nil {
		return err
	}
	if len(out.Contents) > 0 {
		return failf("%s", text)
	}
	return nil
}

// queryName names the objects of one statement, in the form of Trino's query ids.
func (w *writer) queryName() string {
	var b [5]byte
	_, _ = rand.Read(b[:])
	suffix := strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
	return w.x.doc.Submitted.Format("20060102_150405") + fmt.Sprintf("_%05d_%s", w.s.sequence.Add(1)%100000, suffix[:5])
}

// put makes objects of the files, and returns the partitions that they are in. known
// has the locations of partitions by their values.
func (w *writer) put(ctx context.Context, t *gluetypes.Table, written *lakesql.Written, known map[string]string) ([]gluetypes.PartitionInput, error) {
	if cutoff := w.wg.Configuration.BytesScannedCutoffPerQuery; cutoff != nil && written.Stats.BytesScanned > *cutoff {
		return nil, errCutoff
	}
	query := w.queryName()
	var partitions []gluetypes.PartitionInput
	seen := make(map[string]bool)
	type object struct {
		ref  objectRef
		file lakesql.WrittenFile
	}
	var list []object
	parts := make(map[string]int) // files of a bucket
	for _, f := range written.Files {
		location := aws.ToString(t.StorageDescriptor.Location)
		if len(t.PartitionKeys) > 0 {
			key := strings.Join(f.PartitionValues, "\x00")
			there, ok := known[key]
			switch {
			case ok:
				location = there
			case t.Parameters["storage.location.template"] != "":
				location = t.Parameters["storage.location.template"]
				for i, k := range t.PartitionKeys {
					location = strings.ReplaceAll(location, "${"+aws.ToString(k.Name)+"}", f.PartitionValues[i])
				}
			default:
				location = strings.TrimSuffix(location, "/") + "/" + partitionFolder(t, f.PartitionValues)
			}
			if !ok && !seen[key] {
				seen[key] = true
				partitions = append(partitions, newPartition(t, f.PartitionValues, location))
			}
		}
		bucket, prefix, err := splitLocation(strings.TrimSuffix(location, "/") + "/")
		if err != nil {
			return nil, failf("%s is not a valid S3 location", location)
		}
		name := query + "_" + uuid.NewString()
		if t.StorageDescriptor.NumberOfBuckets > 0 { // the name says which bucket it is
			name = fmt.Sprintf("%s_bucket-%05d", query, f.Bucket)
			key := strings.Join(f.PartitionValues, "\x00") + "\x00" + name
			if n := parts[key]; n > 0 {
				name += fmt.Sprintf("_%d", n)
			}
			parts[key]++
		}
		switch ext := path.Ext(f.Path); ext { // how readers know what text is compressed with
		case ".gz", ".zst", ".snappy", ".bz2":
			name += ext
		}
		list = append(list, object{objectRef{bucket, prefix + name}, f})
	}
	for _, o := range list {
		w.objects = append(w.objects, o.ref)
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, o := range list {
		g.Go(func() error {
			f, err := os.Open(o.file.Path)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = w.s.objects.PutObject(gctx, &s3.PutObjectInput{
				Bucket: aws.String(o.ref.bucket), Key: aws.String(o.ref.key), Body: f, ContentLength: aws.Int64(o.file.Bytes),
			})
			return err
		})
	}
	return partitions, g.Wait()
}

// undo takes away the objects of a statement that failed, and returns why it did.
func (w *writer) undo(ctx context.Context, cause error) error {
	ctx = w.x.sc.lookup(context.WithoutCancel(ctx)) // the statement's own objects go, whoever sent it
	for _, o := range w.objects {
		if _, err := w.s.objects.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(o.bucket), Key: aws.String(o.key)}); err != nil {
			w.s.logger.Warn("an object of a failed statement stays", "query", w.x.doc.ID, "object", o.uri(), "error", err)
		}
	}
	return cause
}

// report writes the manifest, which lists the objects, and the metadata.
func (w *writer) report(ctx context.Context, rows int64, stats lakesql.Stats) error {
	x := w.x
	base := strings.TrimSuffix(x.doc.Output, path.Ext(x.doc.Output))
	manifest := base + "-manifest.csv"
	var b strings.Builder
	for _, o := range w.objects {
		b.WriteString(o.uri())
		b.WriteByte('\n')
	}
	columns := []types.ColumnInfo{columnInfo("rows", "bigint", 19, 0, false)}
	put := func(uri string, body string) error {
		bucket, key, err := splitLocation(uri)
		if err != nil {
			return err
		}
		_, err = w.s.objects.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(bucket), Key: aws.String(key), Body: io.ReadSeeker(strings.NewReader(body)), ContentLength: aws.Int64(int64(len(body))),
		})
		return err
	}
	if err := errors.Join(put(manifest, b.String()), put(base+".metadata", string(encodeMetadata(x.doc.ID, columns)))); err != nil {
		return fmt.Errorf("write manifest %s: %w", manifest, err)
	}
	x.change(func(d *executionDoc) {
		d.Manifest = manifest
		d.Rows, d.Updated, d.Scanned = rows, rows, stats.BytesScanned
	})
	return nil
}
