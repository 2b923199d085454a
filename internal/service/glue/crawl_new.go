package glue

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/brookmere/brookmere/internal/engine/crawl"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// Runs of CRAWL_NEW_FOLDERS_ONLY after the first. Of each table that the crawler made,
// the folders that are not among its partitions are read, and become partitions where
// their format and columns go with the table's. What is in other folders, and what has
// changed or gone, is left alone: there are no new tables and no changed ones.

// newFolders are new partitions of a table, in the form of what a crawl finds.
type newFolders struct {
	table *tableDoc
	found crawl.Table
}

// madeBy are the tables below an S3 target that the crawler made.
func (s *Service) madeBy(sc scope, d *crawlerDoc, target crawlTarget) ([]*tableDoc, error) {
	if target.table != nil {
		return nil, nil
	}
	all, err := s.tables.All(sc.account, sc.region, target.database)
	if err != nil {
		return nil, err
	}
	var made []*tableDoc
	below := "s3://" + target.bucket + "/" + target.prefix
	for _, t := range all {
		if t.Parameters["UPDATED_BY_CRAWLER"] != d.Name || t.Descriptor == nil {
			continue
		}
		if l := aws.ToString(t.Descriptor.Location); sameLocation(l, below) || strings.HasPrefix(l, folderOf(below)) {
			made = append(made, t)
		}
	}
	return made, nil
}

// listed is a source with some of the objects of another.
type listed struct {
	crawl.Source
	objects []crawl.Object
}

func (l listed) List(context.Context, string) iter.Seq2[crawl.Object, error] {
	return func(yield func(crawl.Object, error) bool) {
		for _, o := range l.objects {
			if !yield(o, nil) {
				return
			}
		}
	}
}

// crawlNewFolders reads the folders of tables that are not partitions yet. The answer is
// not nil, whether there are any or not.
func (s *Service) crawlNewFolders(ctx context.Context, target crawlTarget, made []*tableDoc, classifiers []crawl.Classifier, remark func(path, why string)) ([]newFolders, error) {
	src := bucketSource{s.runs.objects, target.bucket}
	objects, err := crawl.Objects(ctx, src, target.prefix, target.exclusions)
	if err != nil {
		return nil, err
	}
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	type candidate struct {
		*tableDoc
		path  string
		known map[string]bool           // paths of partitions
		fresh map[string][]crawl.Object // objects by paths of folders
	}
	var tables []candidate
	for _, t := range made {
		_, path, err := splitLocation(aws.ToString(t.Descriptor.Location))
		if err != nil {
			return nil, err
		}
		c := candidate{t, folderOf(path), make(map[string]bool), make(map[string][]crawl.Object)}
		list, err := s.partitionsOf(sc, target.database, t.Name).list()
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			if _, path, err := splitLocation(aws.ToString(p.doc.Location)); err == nil {
				c.known[folderOf(path)] = true
			}
		}
		tables = append(tables, c)
	}
	// The table with the longest path has an object.
	slices.SortFunc(tables, func(a, b candidate) int { return len(b.path) - len(a.path) })
	for o, err := range objects {
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(tables, func(c candidate) bool { return strings.HasPrefix(o.Key, c.path) })
		if i < 0 {
			continue
		}
		t := tables[i]
		folder, ok := firstFolders(o.Key, len(t.path), len(t.PartitionKeys))
		if ok && !t.known[folder] {
			t.fresh[folder] = append(t.fresh[folder], o)
		}
	}
	out := []newFolders{}
	for _, t := range tables {
		n := newFolders{table: t.tableDoc}
		for _, k := range t.PartitionKeys {
			n.found.PartitionKeys = append(n.found.PartitionKeys, crawl.Column{Name: k.Name})
		}
		for _, folder := range sortedPaths(t.fresh) {
			found, err := crawl.Run(ctx, listed{src, t.fresh[folder]}, folder, "", crawl.Options{
				SampleSize: target.sample, Combine: true, Classifiers: classifiers, Remark: remark,
			})
			if err != nil {
				return nil, err
			}
			if len(found) != 1 || !goesWith(t.tableDoc, &found[0]) {
				remark(folder, "it does not go with the table "+t.Name)
				continue
			}
			f := &found[0]
			n.found.Partitions = append(n.found.Partitions, crawl.Partition{
				Values: valuesOf(folder[len(t.path):], t.PartitionKeys), Path: folder,
				Format: f.Format, Columns: f.Columns, Statistics: f.Statistics,
			})
		}
		if len(n.found.Partitions) > 0 {
			out = append(out, n)
		}
	}
	return out, nil
}

// firstFolders is the path of an object up to n folders behind its first bytes; false
// where it is in fewer, or for no folders.
func firstFolders(key string, from, n int) (string, bool) {
	end := from
	for range n {
		i := strings.IndexByte(key[end:], '/')
		if i < 0 {
			return "", false
		}
		end += i + 1
	}
	return key[:end], n > 0
}

func sortedPaths(m map[string][]crawl.Object) []string {
	paths := make([]string, 0, len(m))
	for p := range m {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return paths
}

// valuesOf are the partition values that the folders of a path stand for.
func valuesOf(path string, keys []columnDoc) []string {
	var values []string
	for i, segment := range strings.Split(strings.TrimSuffix(path, "/"), "/") {
		if k, v, ok := strings.Cut(segment, "="); ok && strings.EqualFold(k, keys[i].Name) {
			segment = v
			segment = hivetype.UnescapePath(v)
		}
		if segment == "" {
			segment = hiveDefaultPartition
		}
		values = append(values, segment)
	}
	return values
}

// goesWith says whether what was found could be part of a table.
func goesWith(t *tableDoc, found *crawl.Table) bool {
	if c := t.Parameters["classification"]; c != string(found.Format.Classification) {
		return false
	}
	var columns crawl.Columns
	for _, c := range t.Descriptor.Columns {
		typ, err := hivetype.Parse(aws.ToString(c.Type))
		if err != nil {
			typ = &hivetype.Type{Kind: hivetype.String}
		}
		columns = append(columns, crawl.Column{Name: c.Name, Type: typ})
	}
	return crawl.Similar(columns, found.Columns, found.Format.Classification)
}
