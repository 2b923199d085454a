package glue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/engine/etl"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// What a visual job writes: objects, then the table and its partitions.

// output is one object.
type output struct {
	target  *jobTarget
	key     string
	body    []byte
	rows    int64
	columns []etl.Column // of the file
	keys    []string     // partition keys, and
	values  []string     // their values
	folder  string       // of the partition
}

// ingestKeys are the partition keys that a streaming target has by itself.
var ingestKeys = []string{"ingest_year", "ingest_month", "ingest_day", "ingest_hour"}

func ingestValues(at time.Time) []string {
	return []string{at.Format("2006"), at.Format("01"), at.Format("02"), at.Format("15")}
}

// makeOutputs encodes the frames of targets. What it makes depends on the frames, the time and
// the columns of the tables alone.
func (r *jobRunning) makeOutputs(ctx context.Context, g *jobGraph, frames map[string]*etl.Frame, at time.Time, streaming bool, tables *tableWriter) ([]output, error) {
	var all []output
	index := 0
	for i := range g.targets {
		t := g.targets[i]
		f := frames[t.id]
		if t.quality && f != nil {
			r.quality(&t, f)
		}
		if f == nil || f.Len() == 0 || len(f.Columns) == 0 {
			continue
		}
		known, err := tables.columns(ctx, &t)
		if err != nil {
			return nil, fmt.Errorf("target %s: %w", t.name, err)
		}
		if t.table != "" && (t.update == types.UpdateCatalogBehaviorUpdateInDatabase || t.create && len(known) == 0) {
			if err := columnNames(f.Columns); err != nil {
				return nil, fmt.Errorf("target %s: table %s.%s: %w", t.name, t.database, t.table, err)
			}
		}
		keys, ingest := t.keys, []string(nil)
		if streaming {
			ingest = ingestKeys
		}
		if t.catalog {
			keys, ingest = splitIngest(tables.keys(&t), streaming)
		}
		parts, err := etl.Partition(f, keys)
		if err != nil {
			return nil, fmt.Errorf("target %s: %w", t.name, err)
		}
		for _, p := range parts {
			columns := p.Frame.Columns
			if t.format.Name == "parquet" {
				columns = etl.Widened(columns, known)
			}
			rows := partRows
			if t.parts > 0 {
				rows = max(1, min(partRows, (f.Len()+t.parts-1)/t.parts))
			}
			bodies, err := etl.EncodeParts(p.Frame, columns, t.format, rows)
			if err != nil {
				return nil, fmt.Errorf("target %s: %w", t.name, err)
			}
			o := output{target: &t, columns: columns, keys: slices.Concat(ingest, keys)}
			if len(ingest) > 0 {
				o.values = ingestValues(at)
			}
			o.values = append(o.values, p.Values...)
			o.folder = t.prefix + etl.Folder(o.keys, o.values)
			left := int64(p.Frame.Len())
			for _, body := range bodies {
				o.body, o.rows = body, min(left, int64(rows))
				left -= o.rows
				o.key = o.folder + t.format.FileName(at.UnixMilli(), index)
				index++
				all = append(all, o)
			}
		}
	}
	return all, nil
}

// columnNames refuses names that a table of the catalog does not take, before anything is written.
func columnNames(columns []etl.Column) error {
	for _, c := range columns {
		switch n := utf8.RuneCountInString(c.Name); {
		case n == 0:
			return errors.New("a column of the data has an empty name, which the catalog does not take: rename it by ApplyMapping or leave it out by DropFields")
		case n > maxColumnName:
			return fmt.Errorf("the column %s... has a name of %d characters, and the catalog takes %d: rename it by ApplyMapping or leave it out by DropFields", string([]rune(c.Name)[:32]), n, maxColumnName)
		}
		if i := strings.IndexFunc(c.Name, func(r rune) bool { return r < ' ' && r != '\t' }); i >= 0 {
			return fmt.Errorf("the column %q has a character in its name that the catalog does not take: rename it by ApplyMapping or leave it out by DropFields", c.Name)
		}
	}
	return nil
}

// maxColumnName is how many characters the name of a column has, as in Glue.
const maxColumnName = 255

// quality evaluates the rules that Glue has where a node asks for the quality of its data and names none: there is a column.
func (r *jobRunning) quality(t *jobTarget, f *etl.Frame) {
	outcome := "Passed"
	if len(f.Columns) == 0 {
		outcome = "Failed"
	}
	r.log(logOutput, fmt.Sprintf("Data quality of %s: ColumnCount > 0: %s (%d columns).", t.name, outcome, len(f.Columns)))
}

// splitIngest takes the partition keys that a streaming job fills by itself from those of a table.
func splitIngest(keys []string, streaming bool) (rest, ingest []string) {
	if streaming && len(keys) >= len(ingestKeys) && slices.Equal(keys[:len(ingestKeys)], ingestKeys) {
		return keys[len(ingestKeys):], ingestKeys
	}
	return keys, nil
}

// putOutputs puts objects, then brings their tables up to date.
func (r *jobRunning) putOutputs(ctx context.Context, all []output, tables *tableWriter) (rows int64, err error) {
	for i := range all {
		o := &all[i]
		err := r.retried(ctx, func() error {
			_, err := r.s.runs.objects.PutObject(ctx, &s3.PutObjectInput{
				Bucket: aws.String(o.target.bucket), Key: aws.String(o.key), Body: bytes.NewReader(o.body), ContentLength: aws.Int64(int64(len(o.body))),
			})
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("write s3://%s/%s: %w", o.target.bucket, o.key, err)
		}
		rows += o.rows
	}
	for i := range all {
		if err := tables.register(ctx, &all[i]); err != nil {
			return 0, fmt.Errorf("target %s: table %s.%s: %w", all[i].target.name, all[i].target.database, all[i].target.table, err)
		}
	}
	return rows, nil
}

func (r *jobRunning) deleteObjects(ctx context.Context, refs []objectRef) error {
	for _, ref := range refs {
		err := r.retried(ctx, func() error {
			_, err := r.s.runs.objects.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(ref.Bucket), Key: aws.String(ref.Key)})
			return err
		})
		if err != nil {
			return fmt.Errorf("delete s3://%s/%s: %w", ref.Bucket, ref.Key, err)
		}
	}
	return nil
}

// retried does something again that fails for a reason that may pass: for about a minute.
func (r *jobRunning) retried(ctx context.Context, do func() error) error {
	wait := 200 * time.Millisecond
	for attempt := 0; ; attempt++ {
		err := do()
		if err == nil || attempt == 8 || ctx.Err() != nil || !passing(err) {
			return err
		}
		r.log(logError, fmt.Sprintf("It is tried again: %v", err))
		timer := r.s.clock.NewTimer(wait)
		select {
		case <-timer.Chan():
		case <-ctx.Done():
			timer.Stop()
			return err
		}
		wait *= 2
	}
}

// passing reports whether an error may go by itself: what the service, not the caller, is to blame for.
func passing(err error) bool {
	var e smithy.APIError
	if !errors.As(err, &e) {
		return true
	}
	switch e.ErrorCode() {
	case "SlowDown", "ServiceUnavailable", "InternalError", "InternalFailure", "RequestTimeout", "ThrottlingException":
		return true
	}
	return e.ErrorFault() == smithy.FaultServer
}

// etlColumns are the columns of a table as package etl has them.
func etlColumns(columns []columnDoc) ([]etl.Column, error) {
	var out []etl.Column
	for _, c := range columns {
		name := aws.ToString(c.Type)
		t, err := hivetype.Parse(name)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
		out = append(out, etl.Column{Name: c.Name, Type: t})
	}
	return out, nil
}

// tableWriter brings tables of targets up to date. It remembers what it has registered.
type tableWriter struct {
	s    *Service
	sc   scope
	log  func(line string)
	done map[string]bool // partitions
}

// columns are those that the target's table has; it also completes a target that the catalog
// describes.
func (w *tableWriter) columns(ctx context.Context, t *jobTarget) ([]etl.Column, error) {
	if t.table == "" {
		return nil, nil
	}
	if err := w.s.mayOnTable(ctx, "GetTable", t.database, t.table); err != nil {
		return nil, err
	}
	d, err := w.s.table(w.sc, t.database, t.table)
	if isNotFound(err) && !t.catalog {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if d.Descriptor == nil {
		return nil, fmt.Errorf("the table %s has no location", t.table)
	}
	if t.catalog {
		if t.bucket, t.prefix, err = splitLocation(aws.ToString(d.Descriptor.Location)); err != nil {
			return nil, err
		}
		t.prefix = folder(t.prefix)
		if t.format, err = formatOf(d); err != nil {
			return nil, err
		}
	}
	return etlColumns(d.Descriptor.Columns)
}

// keys are the partition keys of the target's table.
func (w *tableWriter) keys(t *jobTarget) []string {
	d, err := w.s.table(w.sc, t.database, t.table)
	if err != nil {
		return t.keys
	}
	var keys []string
	for _, k := range d.PartitionKeys {
		keys = append(keys, k.Name)
	}
	return keys
}

// formatOf is how the files of a table are written.
func formatOf(d *tableDoc) (etl.Format, error) {
	serde := ""
	if d.Descriptor.SerDe != nil {
		serde = strings.ToLower(aws.ToString(d.Descriptor.SerDe.Library))
	}
	class := d.Parameters["classification"]
	switch {
	case strings.Contains(serde, "parquet") || class == "parquet" || class == "glueparquet":
		return etl.Format{Name: "parquet", Compression: "snappy"}, nil
	case strings.Contains(serde, "json") || class == "json":
		return etl.Format{Name: "json"}, nil
	case class == "csv" || strings.Contains(serde, "csv"):
		return etl.Format{Name: "csv"}, nil
	}
	return etl.Format{}, fmt.Errorf("the table %s is neither Parquet nor JSON nor CSV", d.Name)
}

// outputDescriptor is that of a table of the format of a target.
func outputDescriptor(o *output, location string, columns []types.Column) *types.StorageDescriptor {
	d := &types.StorageDescriptor{
		Columns: columns, Location: aws.String(location), SerdeInfo: &types.SerDeInfo{Parameters: map[string]string{"serialization.format": "1"}},
		NumberOfBuckets: -1, BucketColumns: []string{}, SortColumns: []types.Order{},
	}
	text := func(serde string) {
		d.InputFormat = aws.String("org.apache.hadoop.mapred.TextInputFormat")
		d.OutputFormat = aws.String("org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat")
		d.SerdeInfo.SerializationLibrary = aws.String(serde)
	}
	switch o.target.format.Name {
	case "json":
		text("org.openx.data.jsonserde.JsonSerDe")
	case "csv":
		text("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe")
		d.SerdeInfo.Parameters = map[string]string{"field.delim": ",", "skip.header.line.count": "1"}
	default:
		d.InputFormat = aws.String("org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat")
		d.OutputFormat = aws.String("org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat")
		d.SerdeInfo.SerializationLibrary = aws.String("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe")
	}
	return d
}

func catalogColumns(columns []etl.Column) []types.Column {
	var out []types.Column
	for _, c := range columns {
		out = append(out, types.Column{Name: aws.String(strings.ToLower(c.Name)), Type: aws.String(strings.ToLower(c.Type.String()))})
	}
	return out
}

// register makes the table of an object know it.
func (w *tableWriter) register(ctx context.Context, o *output) error {
	t := o.target
	if t.table == "" {
		return nil
	}
	if t.create || t.update == types.UpdateCatalogBehaviorUpdateInDatabase {
		if err := w.schema(ctx, o); err != nil {
			return err
		}
	}
	if len(o.keys) == 0 || t.update == "" && !t.catalog {
		return nil
	}
	location := "s3://" + t.bucket + "/" + o.folder
	id := t.database + "\x00" + t.table + "\x00" + location
	if w.done[id] {
		return nil
	}
	d, err := w.s.table(w.sc, t.database, t.table)
	if isNotFound(err) && t.update == types.UpdateCatalogBehaviorLog {
		w.log(fmt.Sprintf("The table %s.%s does not exist, and its update behavior is LOG.", t.database, t.table))
		return nil
	}
	if err != nil {
		return err
	}
	if len(d.PartitionKeys) != len(o.keys) {
		return fmt.Errorf("it has %d partition keys, and the job writes %d: %s", len(d.PartitionKeys), len(o.keys), strings.Join(o.keys, ", "))
	}
	if err := w.s.mayOnTable(ctx, "BatchCreatePartition", t.database, t.table); err != nil {
		return err
	}
	sd := d.Descriptor.output(&location, nil, true)
	_, err = w.s.CreatePartition(ctx, &glue.CreatePartitionInput{
		DatabaseName: aws.String(t.database), TableName: aws.String(t.table),
		PartitionInput: &types.PartitionInput{Values: o.values, StorageDescriptor: sd, Parameters: map[string]string{}},
	})
	var exists *types.AlreadyExistsException
	if err != nil && !errors.As(err, &exists) {
		return err
	}
	if w.done == nil || len(w.done) > 10000 {
		w.done = make(map[string]bool)
	}
	w.done[id] = true
	return nil
}

// schema creates the table, or adds to it what the object has more: not where the update behavior is LOG, which keeps the
// schema of a table that is there.
func (w *tableWriter) schema(ctx context.Context, o *output) error {
	t := o.target
	for attempt := 0; ; attempt++ {
		d, err := w.s.table(w.sc, t.database, t.table)
		if isNotFound(err) && t.create {
			if _, err := w.s.database(w.sc, t.database); err != nil {
				return err
			}
			if err := w.s.mayOnTable(ctx, "CreateTable", t.database, t.table); err != nil {
				return err
			}
			in := &types.TableInput{
				Name: aws.String(t.table), TableType: aws.String("EXTERNAL_TABLE"), Owner: aws.String("owner"),
				Parameters:        map[string]string{"classification": t.format.Name, "compressionType": "none", "typeOfData": "file", "EXTERNAL": "TRUE"},
				StorageDescriptor: outputDescriptor(o, "s3://"+t.bucket+"/"+t.prefix, catalogColumns(o.columns)),
			}
			if t.format.Name == "parquet" {
				in.Parameters["useGlueParquetWriter"] = "true"
			}
			if t.format.Name == "csv" {
				in.Parameters["skip.header.line.count"] = "1"
			}
			for _, k := range o.keys {
				in.PartitionKeys = append(in.PartitionKeys, types.Column{Name: aws.String(strings.ToLower(k)), Type: aws.String("string")})
			}
			_, err := w.s.CreateTable(ctx, &glue.CreateTableInput{DatabaseName: aws.String(t.database), TableInput: in})
			var exists *types.AlreadyExistsException
			if errors.As(err, &exists) && attempt < 10 {
				continue
			}
			return err
		}
		if err != nil || t.update == types.UpdateCatalogBehaviorLog {
			return err
		}
		in, changed, err := grown(d, o.columns)
		if err != nil || !changed {
			return err
		}
		if err := w.s.mayOnTable(ctx, "UpdateTable", t.database, t.table); err != nil {
			return err
		}
		if err := w.retype(ctx, t, in.StorageDescriptor.Columns); err != nil {
			return err
		}
		_, err = w.s.UpdateTable(ctx, &glue.UpdateTableInput{DatabaseName: aws.String(t.database), TableInput: in, VersionId: aws.String(d.version())})
		var conflict *types.ConcurrentModificationException
		if errors.As(err, &conflict) && attempt < 10 {
			continue
		}
		if err == nil {
			w.log(fmt.Sprintf("The schema of %s.%s was updated.", t.database, t.table))
		}
		return err
	}
}

// retype gives the partitions of a table, whose files are read by the types that each keeps, the
// columns that the table is about to have: those that have another type for one of them.
func (w *tableWriter) retype(ctx context.Context, t *jobTarget, columns []types.Column) error {
	kind := make(map[string]string, len(columns))
	for _, c := range columns {
		kind[strings.ToLower(aws.ToString(c.Name))] = aws.ToString(c.Type)
	}
	index := w.s.partitionsOf(w.sc, t.database, t.table)
	list, err := index.list()
	if err != nil {
		return err
	}
	var change []partitionChange
	for _, p := range list {
		out := p.output(w.sc, t.database, t.table, true)
		if out.StorageDescriptor == nil || !slices.ContainsFunc(out.StorageDescriptor.Columns, func(c types.Column) bool {
			k, ok := kind[strings.ToLower(aws.ToString(c.Name))]
			return ok && !strings.EqualFold(k, aws.ToString(c.Type))
		}) {
			continue
		}
		out.StorageDescriptor.Columns = columns
		change = append(change, partitionChange{out.Values, &types.PartitionInput{
			Values: out.Values, Parameters: out.Parameters, StorageDescriptor: out.StorageDescriptor, LastAccessTime: out.LastAccessTime, LastAnalyzedTime: out.LastAnalyzedTime,
		}})
	}
	if len(change) == 0 {
		return nil
	}
	if err := w.s.mayOnTable(ctx, "UpdatePartition", t.database, t.table); err != nil {
		return err
	}
	w.s.structure.RLock()
	defer w.s.structure.RUnlock()
	if _, err := w.s.table(w.sc, t.database, t.table); err != nil {
		return err
	}
	for batch := range slices.Chunk(change, 1000) {
		if _, err := index.change(ctx, batch); err != nil { // one that was deleted meanwhile needs no types
			return err
		}
	}
	return nil
}

// grown is a table with the columns of a file, too.
func grown(d *tableDoc, columns []etl.Column) (*types.TableInput, bool, error) {
	have, err := etlColumns(d.Descriptor.Columns)
	if err != nil {
		return nil, false, err
	}
	out := d.output(scope{}, "")
	in := &types.TableInput{
		Name: out.Name, Description: out.Description, Owner: out.Owner, TableType: out.TableType, Retention: out.Retention, Parameters: out.Parameters,
		StorageDescriptor: out.StorageDescriptor, PartitionKeys: out.PartitionKeys, ViewOriginalText: out.ViewOriginalText,
		ViewExpandedText: out.ViewExpandedText, TargetTable: out.TargetTable, LastAccessTime: out.LastAccessTime, LastAnalyzedTime: out.LastAnalyzedTime,
	}
	changed := false
	for _, c := range columns {
		i := slices.IndexFunc(have, func(h etl.Column) bool { return strings.EqualFold(h.Name, c.Name) })
		if i < 0 {
			in.StorageDescriptor.Columns = append(in.StorageDescriptor.Columns, catalogColumns([]etl.Column{c})...)
			changed = true
			continue
		}
		wide := etl.Widest(have[i].Type, c.Type)
		if text := strings.ToLower(wide.String()); text != strings.ToLower(have[i].Type.String()) {
			in.StorageDescriptor.Columns[i].Type = aws.String(text)
			changed = true
		}
	}
	return in, changed, nil
}

// overStream reports whether a table is over a Kinesis stream.
func (t *tableDoc) overStream() bool {
	return strings.EqualFold(t.streamParameters()["typeOfData"], "kinesis")
}

// streamParameters are what a table says of its stream, in one place or the other.
func (t *tableDoc) streamParameters() map[string]string {
	all := make(map[string]string)
	for k, v := range t.Parameters {
		all[k] = v
	}
	if d := t.Descriptor; d != nil {
		if d.SerDe != nil {
			for k, v := range d.SerDe.Parameters {
				all[k] = v
			}
		}
		for k, v := range d.Parameters {
			all[k] = v
		}
	}
	return all
}
