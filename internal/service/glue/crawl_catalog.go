package glue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/engine/crawl"
)

// What a run finds, and how it comes into the catalog.
//
// A table found is the catalog's table with the same location, whatever its name, else
// one that is made. The policies of the crawler say what happens to a table whose schema
// has changed, and to one that is no longer found. Partitions are added, and changed to
// agree with the table, in batches.

// bucketSource reads the objects of a bucket.
type bucketSource struct {
	objects Objects
	bucket  string
}

func (b bucketSource) List(ctx context.Context, prefix string) iter.Seq2[crawl.Object, error] {
	return func(yield func(crawl.Object, error) bool) {
		in := &s3.ListObjectsV2Input{Bucket: aws.String(b.bucket), Prefix: aws.String(prefix)}
		for {
			page, err := b.objects.ListObjectsV2(ctx, in)
			if err != nil {
				yield(crawl.Object{}, err)
				return
			}
			for _, o := range page.Contents {
				if !yield(crawl.Object{Key: aws.ToString(o.Key), Size: aws.ToInt64(o.Size)}, nil) {
					return
				}
			}
			if in.ContinuationToken = page.NextContinuationToken; aws.ToString(in.ContinuationToken) == "" {
				return
			}
		}
	}
}

func (b bucketSource) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	in := &s3.GetObjectInput{Bucket: aws.String(b.bucket), Key: aws.String(key)}
	switch {
	case length == 0:
		return io.NopCloser(strings.NewReader("")), nil
	case length > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
	case offset > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", offset))
	}
	out, err := b.objects.GetObject(ctx, in)
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "InvalidObjectState" {
		return nil, fmt.Errorf("%w: %w", crawl.ErrArchived, err)
	}
	if err != nil {
		return nil, err
	}
	return out.Body, nil
}

// crawlTarget is one place to crawl.
type crawlTarget struct {
	bucket, prefix string
	exclusions     []string
	sample         int
	table          *tableDoc // of a catalog target: the table to bring up to date
	database       string
}

func (s *Service) crawlTargets(ctx context.Context, sc scope, d *crawlerDoc) ([]crawlTarget, error) {
	var out []crawlTarget
	for _, t := range d.Targets.S3Targets {
		bucket, prefix, err := splitLocation(aws.ToString(t.Path))
		if err != nil {
			return nil, err
		}
		out = append(out, crawlTarget{
			bucket: bucket, prefix: prefix, exclusions: t.Exclusions,
			sample: int(aws.ToInt32(t.SampleSize)), database: strings.ToLower(d.Database),
		})
	}
	for _, c := range d.Targets.CatalogTargets {
		for _, name := range c.Tables {
			if err := s.mayOnTable(ctx, "GetTable", fold(c.DatabaseName), name); err != nil {
				return nil, err
			}
			t, err := s.table(sc, fold(c.DatabaseName), strings.ToLower(name))
			if err != nil {
				return nil, err
			}
			if t.Descriptor == nil || aws.ToString(t.Descriptor.Location) == "" {
				return nil, invalidInput("Table %s has no location to crawl.", name)
			}
			bucket, prefix, err := splitLocation(*t.Descriptor.Location)
			if err != nil {
				return nil, err
			}
			out = append(out, crawlTarget{bucket: bucket, prefix: prefix, table: t, database: fold(c.DatabaseName)})
		}
	}
	return out, nil
}

// maxRemarks bounds how many objects of a target a run's log names as being in no table.
const maxRemarks = 100

// crawl reads the targets and writes what it found to the catalog.
func (s *Service) crawl(ctx context.Context, sc scope, d *crawlerDoc) (crawlSummary, error) {
	var summary crawlSummary
	if s.runs.objects == nil {
		return summary, errors.New("no object store is configured")
	}
	conf, err := parseConfiguration(aws.ToString(d.Configuration))
	if err != nil {
		return summary, err
	}
	classifiers, err := s.classifiersOf(sc, d.Classifiers)
	if err != nil {
		return summary, err
	}
	targets, err := s.crawlTargets(ctx, sc, d)
	if err != nil {
		return summary, err
	}
	type result struct {
		crawlTarget
		tables  []crawl.Table
		folders []newFolders
	}
	var results []result
	for _, t := range targets {
		remarks := 0
		remark := func(path, why string) {
			if remarks++; remarks <= maxRemarks {
				s.logCrawl(sc, d, "WARN : Skipped s3://%s/%s: %s", t.bucket, path, why)
			}
		}
		more := func() {
			if remarks > maxRemarks {
				s.logCrawl(sc, d, "WARN : %d more below s3://%s/%s", remarks-maxRemarks, t.bucket, t.prefix)
			}
		}
		made, err := s.madeBy(sc, d, t)
		if err != nil {
			return crawlSummary{}, err
		}
		if len(made) > 0 && d.Recrawl.RecrawlBehavior == types.RecrawlBehaviorCrawlNewFoldersOnly {
			folders, err := s.crawlNewFolders(ctx, t, made, classifiers, remark)
			if err != nil {
				return summary, objectError(err)
			}
			more()
			results = append(results, result{crawlTarget: t, folders: folders})
			continue
		}
		o := crawl.Options{
			Exclusions: t.exclusions, SampleSize: t.sample, TableLevel: conf.Grouping.TableLevelConfiguration,
			Combine:     conf.Grouping.TableGroupingPolicy == "CombineCompatibleSchemas" || t.table != nil,
			Classifiers: classifiers, Remark: remark,
		}
		tables, err := crawl.Run(ctx, bucketSource{s.runs.objects, t.bucket}, t.prefix, t.bucket, o)
		if err != nil {
			return summary, objectError(err)
		}
		more()
		results = append(results, result{crawlTarget: t, tables: tables})
	}
	if err := ctx.Err(); err != nil {
		return summary, err
	}
	_, err = s.crawlers.Modify(ctx, func(d *crawlerDoc) error {
		d.State = types.CrawlerStateStopping
		return nil
	}, sc.account, sc.region, d.Name)
	if err != nil {
		return summary, err
	}
	w := &catalogWriter{s: s, sc: sc, d: d, conf: conf, summary: &summary, found: make(map[string]bool)}
	n := 0
	for _, r := range results {
		n += len(r.tables)
	}
	if limit := conf.CrawlerOutput.Tables.TableThreshold; limit > 0 && n > limit {
		return summary, fmt.Errorf("the number of tables found, %d, is above the threshold %d", n, limit)
	}
	for _, r := range results {
		for _, f := range r.folders {
			if err := w.partitions(ctx, r.crawlTarget, f.table.Name, inputOf(f.table), &f.found); err != nil {
				return summary, err
			}
		}
		if r.folders != nil {
			continue
		}
		if r.database == "" {
			return summary, invalidInput("The crawler has no database to write to.")
		}
		if err := w.database(ctx, r.database); err != nil {
			return summary, err
		}
		if r.table != nil {
			// One table was asked after: nothing is made besides it.
			r.tables = slices.DeleteFunc(r.tables, func(t crawl.Table) bool { return t.Path != folderOf(r.prefix) })
		}
		for i := range r.tables {
			if err := w.table(ctx, r.crawlTarget, &r.tables[i]); err != nil {
				return summary, err
			}
		}
	}
	for _, r := range results {
		if r.folders != nil {
			continue
		}
		if err := w.gone(ctx, r.crawlTarget); err != nil {
			return summary, err
		}
	}
	return summary, nil
}

// objectError words what S3 said as Glue's runs do.
func objectError(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	status := 0
	var response interface{ HTTPStatusCode() int }
	if errors.As(err, &response) {
		status = response.HTTPStatusCode()
	} else if api.ErrorCode() == "NoSuchBucket" {
		status = http.StatusNotFound
	}
	message := strings.TrimSuffix(api.ErrorMessage(), ".")
	return fmt.Errorf("%s (Service: Amazon S3; Status Code: %d; Error Code: %s)", message, status, api.ErrorCode())
}

func folderOf(prefix string) string {
	if prefix == "" || strings.HasSuffix(prefix, "/") {
		return prefix
	}
	return prefix + "/"
}

// catalogWriter brings the catalog up to what was found.
type catalogWriter struct {
	s       *Service
	sc      scope
	d       *crawlerDoc
	conf    configuration
	summary *crawlSummary
	found   map[string]bool // database and table
}

func (w *catalogWriter) log(format string, args ...any) {
	w.s.logCrawl(w.sc, w.d, "INFO : "+format, args...)
}

// database makes the crawler's database if it is not there.
func (w *catalogWriter) database(ctx context.Context, name string) error {
	if _, err := w.s.database(w.sc, name); err == nil {
		return w.s.mayOnDatabase(ctx, "GetDatabase", name)
	}
	if err := w.s.mayOnDatabase(ctx, "CreateDatabase", name); err != nil {
		return err
	}
	_, err := w.s.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: aws.String(name)}})
	var exists *types.AlreadyExistsException
	if errors.As(err, &exists) {
		return nil
	}
	return err
}

func sameLocation(a, b string) bool {
	return strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/")
}

// existing is the table of that location that this crawler made, or another one by that name, and whether another has the name.
// What people made by DDL is theirs: only a target that names a table of the catalog changes it.
func (w *catalogWriter) existing(database, name, location string) (at *tableDoc, taken bool, err error) {
	all, err := w.s.tables.All(w.sc.account, w.sc.region, database)
	if err != nil {
		return nil, false, err
	}
	for _, t := range all {
		if t.Name == name {
			taken = true
		}
		by := t.Parameters["UPDATED_BY_CRAWLER"]
		if (by == w.d.Name || by != "" && t.Name == name) && t.Descriptor != nil && sameLocation(aws.ToString(t.Descriptor.Location), location) && aws.ToString(t.Type) != "VIRTUAL_VIEW" {
			if at == nil || t.Name == name {
				at = t
			}
		}
	}
	return at, taken, nil
}

func (w *catalogWriter) table(ctx context.Context, target crawlTarget, t *crawl.Table) error {
	location := "s3://" + target.bucket + "/" + t.Path
	name := strings.ToLower(aws.ToString(w.d.TablePrefix)) + t.Name
	old, taken, err := w.existing(target.database, name, location)
	if err != nil {
		return err
	}
	if target.table != nil {
		old = target.table
	}
	if old != nil && t.Format.Classification == crawl.Unknown {
		w.found[target.database+"/"+old.Name] = true
		return nil // nothing is known of its files that could change it
	}
	in := w.input(name, location, t)
	switch {
	case old == nil:
		if taken {
			in.Name = aws.String(name + "_" + hash(location))
		}
		create := &glue.CreateTableInput{DatabaseName: aws.String(target.database), TableInput: in}
		if w.conf.CreatePartitionIndex && len(in.PartitionKeys) > 0 {
			create.PartitionIndexes = []types.PartitionIndex{{IndexName: aws.String("crawler_partition_index"), Keys: names(in.PartitionKeys)}}
		}
		err := w.s.mayOnTable(ctx, "CreateTable", target.database, *in.Name)
		if err == nil {
			_, err = w.s.CreateTable(ctx, create)
		}
		if err != nil {
			return err
		}
		w.summary.TablesCreated++
		w.log("Created table %s in database %s as %s of %d objects at %s", *in.Name, target.database, t.Format.Classification, t.Objects, location)
	default:
		in.Name = aws.String(old.Name)
		update := w.d.Change.UpdateBehavior == types.UpdateBehaviorUpdateInDatabase
		changed := w.keep(in, old)
		if len(in.PartitionKeys) != len(old.PartitionKeys) && !update {
			w.found[target.database+"/"+old.Name] = true
			w.log("Table %s in database %s has %d partition keys, and %d folder levels were found: it is left as it is", old.Name, target.database, len(old.PartitionKeys), len(in.PartitionKeys))
			return nil
		}
		if update {
			if err := w.s.mayOnTable(ctx, "UpdateTable", target.database, old.Name); err != nil {
				return err
			}
			_, err := w.s.UpdateTable(ctx, &glue.UpdateTableInput{
				DatabaseName: aws.String(target.database), TableInput: in, SkipArchive: aws.Bool(!changed),
			})
			if err != nil {
				return err
			}
			if changed {
				w.summary.TablesUpdated++
				w.log("Updated table %s in database %s", old.Name, target.database)
			}
			if len(in.PartitionKeys) != len(old.PartitionKeys) {
				if err := w.dropAll(ctx, target.database, old.Name); err != nil {
					return err
				}
			}
		} else {
			if changed {
				w.log("Table %s in database %s has changed and is not updated, as the SchemaChangePolicy says", old.Name, target.database)
			}
			in = inputOf(old) // what the partitions have to agree with
		}
	}
	w.found[target.database+"/"+*in.Name] = true
	return w.partitions(ctx, target, *in.Name, in, t)
}

func names(columns []types.Column) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = aws.ToString(c.Name)
	}
	return out
}

func inputOf(t *tableDoc) *types.TableInput {
	return &types.TableInput{
		Name: aws.String(t.Name), PartitionKeys: outputColumns(t.PartitionKeys), Parameters: t.Parameters,
		StorageDescriptor: t.Descriptor.output(nil, nil, true),
	}
}

// input is a new table as the crawler makes it.
func (w *catalogWriter) input(name, location string, t *crawl.Table) *types.TableInput {
	params := formatParameters(t.Format, t.Statistics)
	params["UPDATED_BY_CRAWLER"] = w.d.Name
	params["CrawlerSchemaSerializerVersion"] = "1.0"
	params["CrawlerSchemaDeserializerVersion"] = "1.0"
	return &types.TableInput{
		Name: aws.String(name), Owner: aws.String("owner"), TableType: aws.String("EXTERNAL_TABLE"),
		Parameters: params, PartitionKeys: glueColumns(t.PartitionKeys),
		StorageDescriptor: descriptor(location, t.Format, t.Columns, maps.Clone(params)),
	}
}

// keep carries over what the crawler does not decide from a table that exists, and says
// whether its definition changes by more than counts.
func (w *catalogWriter) keep(in *types.TableInput, old *tableDoc) bool {
	in.Description, in.Retention = old.Description, old.Retention
	if old.Owner != nil {
		in.Owner = old.Owner
	}
	in.StorageDescriptor.Location = old.Descriptor.Location
	for k, v := range old.Parameters {
		if _, ours := in.Parameters[k]; !ours && k != "DEPRECATED_BY_CRAWLER" {
			in.Parameters[k] = v
		}
	}
	// Keys that are as many keep their names and types.
	if len(in.PartitionKeys) == len(old.PartitionKeys) {
		in.PartitionKeys = outputColumns(old.PartitionKeys)
	}
	comments := make(map[string]*string)
	for _, c := range old.Descriptor.Columns {
		comments[strings.ToLower(c.Name)] = c.Comment
	}
	columns := in.StorageDescriptor.Columns
	for i := range columns {
		columns[i].Comment = comments[*columns[i].Name]
	}
	if w.conf.CrawlerOutput.Tables.AddOrUpdateBehavior == "MergeNewColumns" {
		merged := outputColumns(old.Descriptor.Columns)
		for _, c := range columns {
			if _, have := comments[*c.Name]; !have {
				merged = append(merged, c)
			}
		}
		in.StorageDescriptor.Columns = merged
	} else if sameSet(columns, old.Descriptor.Columns) {
		in.StorageDescriptor.Columns = outputColumns(old.Descriptor.Columns) // in the order they had
	}
	if _, deprecated := old.Parameters["DEPRECATED_BY_CRAWLER"]; deprecated {
		return true
	}
	equal := func(a, b types.Column) bool {
		return aws.ToString(a.Name) == aws.ToString(b.Name) && aws.ToString(a.Type) == aws.ToString(b.Type)
	}
	same := slices.EqualFunc(in.StorageDescriptor.Columns, outputColumns(old.Descriptor.Columns), equal) &&
		slices.EqualFunc(in.PartitionKeys, outputColumns(old.PartitionKeys), equal) &&
		old.Descriptor.SerDe != nil && aws.ToString(old.Descriptor.SerDe.Library) == aws.ToString(in.StorageDescriptor.SerdeInfo.SerializationLibrary)
	return !same
}

// sameSet says whether both have the same columns in whatever order.
func sameSet(a []types.Column, b []columnDoc) bool {
	if len(a) != len(b) {
		return false
	}
	have := make(map[string]string, len(b))
	for _, c := range b {
		have[strings.ToLower(c.Name)] = aws.ToString(c.Type)
	}
	for _, c := range a {
		if t, ok := have[*c.Name]; !ok || t != *c.Type {
			return false
		}
	}
	return true
}

// gone treats the tables that this crawler made below a target and did not find now.
func (w *catalogWriter) gone(ctx context.Context, target crawlTarget) error {
	if target.table != nil || w.d.Change.DeleteBehavior == types.DeleteBehaviorLog {
		return nil
	}
	below := "s3://" + target.bucket + "/" + target.prefix
	var gone []*tableDoc
	all, err := w.s.tables.All(w.sc.account, w.sc.region, target.database)
	if err != nil {
		return err
	}
	for _, t := range all {
		if w.found[target.database+"/"+t.Name] || t.Parameters["UPDATED_BY_CRAWLER"] != w.d.Name || t.Descriptor == nil {
			continue
		}
		l := aws.ToString(t.Descriptor.Location)
		if sameLocation(l, below) || strings.HasPrefix(l, strings.TrimSuffix(below, "/")+"/") {
			gone = append(gone, t)
		}
	}
	for _, t := range gone {
		if w.d.Change.DeleteBehavior == types.DeleteBehaviorDeleteFromDatabase {
			if err := w.s.mayOnTable(ctx, "DeleteTable", target.database, t.Name); err != nil {
				return err
			}
			_, err := w.s.DeleteTable(ctx, &glue.DeleteTableInput{DatabaseName: aws.String(target.database), Name: aws.String(t.Name)})
			if err != nil {
				return err
			}
			w.summary.TablesDeleted++
			w.log("Deleted table %s from database %s", t.Name, target.database)
			continue
		}
		if _, done := t.Parameters["DEPRECATED_BY_CRAWLER"]; done {
			continue
		}
		if err := w.s.mayOnTable(ctx, "UpdateTable", target.database, t.Name); err != nil {
			return err
		}
		_, err := w.s.tables.Modify(ctx, func(t *tableDoc) error {
			t.Parameters["DEPRECATED_BY_CRAWLER"] = strconv.FormatInt(w.s.clock.Now().UnixMilli(), 10)
			t.Updated = w.s.clock.Now().UTC()
			return nil
		}, w.sc.account, w.sc.region, target.database, t.Name)
		if err != nil {
			return err
		}
		w.summary.TablesUpdated++
		w.log("Deprecated table %s in database %s", t.Name, target.database)
	}
	return nil
}
