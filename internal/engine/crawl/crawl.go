// Package crawl finds out what tables the objects below a prefix make up: it reads the
// beginnings (of Parquet files, the footers) of objects, tells their format, infers
// columns, and takes folder levels for partitions. It chooses names and types as the
// crawler of AWS Glue does, but knows nothing of AWS: objects come through a Source, and
// what is done with the tables is the caller's affair.
//
// The answer depends on nothing but the listing and the objects: the same objects give
// the same tables, in the order of their paths.
package crawl

import (
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// Object is one object of a listing.
type Object struct {
	Key  string
	Size int64
}

// Source is where the objects are. Open may be called concurrently.
type Source interface {
	// List yields the objects whose keys begin with prefix, in key order.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]
	// Open reads length bytes of an object from offset on; to its end where length < 0.
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
}

// Options steer a crawl. The zero value is a crawl of everything.
type Options struct {
	// Exclusions are glob patterns, relative to the target's prefix, of keys to pass over.
	Exclusions []string
	// SampleSize is how many objects of each leaf folder are read; zero means all.
	SampleSize int
	// Combine makes one table of all compatible schemas below the prefix, whatever the
	// folders.
	Combine bool
	// TableLevel is the depth at which tables begin, the bucket being level 1; zero
	// leaves it to the schemas.
	TableLevel int
	// Classifiers are asked, in this order, before the built-in ones.
	Classifiers []Classifier
	// Concurrency is how many objects are read at once; zero means 16.
	Concurrency int
	// Remark, if not nil, is told of what is in none of the tables, and why: objects that no
	// classifier takes, objects that cannot be read, folders that stand for a partition that
	// another folder is. It is called for one path at a time, in the order of the listing.
	Remark func(path, why string)
}

// ErrArchived is what a Source's Open returns, wrapped or not, for an object that is in an
// archive. A crawl passes it over.
var ErrArchived = errors.New("crawl: the object is archived")

// Table is what a crawl found: the objects below Path.
type Table struct {
	Name   string // from the last folder of Path, fit for a catalog
	Path   string // a prefix that ends in "/", the key of an object, or empty for the bucket
	Format Format
	Columns
	PartitionKeys []Column
	Partitions    []Partition
	Statistics
}

// Columns of a table or partition, without the partition keys.
type Columns []Column

// Column has a name in lower case.
type Column struct {
	Name string
	Type *hivetype.Type
}

// Partition is a folder that holds objects of a table.
type Partition struct {
	Values []string
	Path   string
	Format Format
	Columns
	Statistics
}

// Statistics count what is below a path. Records are counted in the objects that were
// read whole and estimated by size in the others.
type Statistics struct {
	Objects int64
	Bytes   int64
	Records int64
}

func (s *Statistics) add(o Statistics) {
	s.Objects += o.Objects
	s.Bytes += o.Bytes
	s.Records += o.Records
}

// Classification is a format's name as the catalog knows it.
type Classification string

const (
	Parquet Classification = "parquet"
	JSON    Classification = "json"
	CSV     Classification = "csv"
	Avro    Classification = "avro"
	ORC     Classification = "orc"
	XML     Classification = "xml"
	// Unknown is what none of the others is; a folder of such objects alone makes a table without
	// columns.
	Unknown Classification = "UNKNOWN"
)

// Format is how an object is to be read.
type Format struct {
	Classification Classification
	Compression    string // "none", "gzip", "bzip2", "zstd", "snappy": of the object, not within Parquet
	Delimiter      byte   // CSV
	Quoted         bool   // CSV: fields are in double quotes
	Quote          byte   // CSV: zero is the double quote
	Header         bool   // CSV: the first line has the names
	SerDe          string // CSV: the one that a classifier asks for

	Schema string // Avro: the file's own
	Path   string // JSON: where in an object its rows are
	RowTag string // XML: the element that is a row

	Grok, GrokCustom string // lines: the pattern, and the patterns that it refers to
}

func (f Format) same(o Format) bool {
	return f.Classification == o.Classification && f.Compression == o.Compression &&
		f.Delimiter == o.Delimiter && f.Header == o.Header && f.Path == o.Path && f.Grok == o.Grok && f.RowTag == o.RowTag
}

// Objects yields the objects that a crawl of prefix looks at: those that are not empty,
// not hidden and not excluded.
func Objects(ctx context.Context, src Source, prefix string, exclusions []string) (iter.Seq2[Object, error], error) {
	excluded, err := compileExclusions(exclusions)
	if err != nil {
		return nil, err
	}
	folder := folderOf(prefix)
	return func(yield func(Object, error) bool) {
		for obj, err := range src.List(ctx, prefix) {
			rel, ok := strings.CutPrefix(obj.Key, folder)
			if err == nil && obj.Key != prefix && (!ok || hidden(rel) || excluded(rel)) || err == nil && obj.Size == 0 {
				continue
			}
			if !yield(obj, err) || err != nil {
				return
			}
		}
	}, nil
}

// folderOf is a prefix as that of a folder's objects.
func folderOf(prefix string) string {
	if prefix == "" || strings.HasSuffix(prefix, "/") {
		return prefix
	}
	return prefix + "/"
}

// Run crawls what is below prefix. root names the table that the whole of a bucket
// makes up.
func Run(ctx context.Context, src Source, prefix, root string, o Options) ([]Table, error) {
	objects, err := Objects(ctx, src, prefix, o.Exclusions)
	if err != nil {
		return nil, err
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 16
	}
	top := &folder{path: folderOf(prefix)}
	top.depth = 1 + strings.Count(top.path, "/")
	var single *file
	for obj, err := range objects {
		if err != nil {
			return nil, err
		}
		if obj.Key == prefix {
			single = &file{Object: obj}
			continue
		}
		top.add(obj.Key[len(top.path):], obj)
	}
	if single != nil {
		top.files, top.folders = []*file{single}, nil
	}
	files := top.sample(o.SampleSize, nil)
	if err := readAll(ctx, src, files, o); err != nil {
		return nil, err
	}
	if o.Remark == nil {
		o.Remark = func(string, string) {}
	}
	for _, f := range files {
		if f.format.Classification == Unknown {
			o.Remark(f.Key, cmp.Or(f.why, "no classifier takes it"))
		}
	}
	g := &grouper{options: o, root: root, names: make(map[string]bool)}
	tables := g.tables(top)
	if single != nil && len(tables) == 1 {
		clear(g.names)
		tables[0].Path, tables[0].Name = single.Key, g.name(single.Key)
	}
	return tables, nil
}

// hidden says whether a path has a part that is not data: "_SUCCESS", ".tmp".
func hidden(rel string) bool {
	if strings.HasSuffix(rel, "_$folder$") {
		return true
	}
	for part := range strings.SplitSeq(rel, "/") {
		if strings.HasPrefix(part, "_") || strings.HasPrefix(part, ".") {
			return true
		}
	}
	return false
}
