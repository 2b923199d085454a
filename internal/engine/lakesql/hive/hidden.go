package hive

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// HiddenColumns are the columns that tables have of the file that a row is in, which SELECT *
// leaves out.
var HiddenColumns = []string{"$path", "$file_size", "$file_modified_time", "$partition", "$bucket"}

// HiddenType is the type of a hidden column.
func HiddenType(name string) *sql.Type {
	switch name {
	case "$file_size":
		return types.Bigint
	case "$bucket":
		return types.Integer
	case "$file_modified_time":
		return types.Zoned("UTC")
	}
	return types.Varchar
}

// hidden is the hidden columns that are asked for of those that the table has.
func (s *scan) hidden() []string {
	out := slices.Clone(s.Hidden)
	if len(s.Table.PartitionColumns) == 0 {
		out = slices.DeleteFunc(out, func(name string) bool { return name == "$partition" })
	}
	if s.Table.Buckets == 0 {
		out = slices.DeleteFunc(out, func(name string) bool { return name == "$bucket" })
	}
	return out
}

// The names of files that tell their bucket: those of Hive (000003_0), and of Athena and Trino.
var bucketNames = []*regexp.Regexp{regexp.MustCompile(`^(\d+)_\d+`), regexp.MustCompile(`_bucket-(\d+)(?:[-_.]|$)`)}

// bucketOf is the bucket of a file: by its name, or else by its place among the partition's files in
// their order, if there are as many as buckets; empty if it cannot be told.
func bucketOf(f catalog.File, files []catalog.File, buckets int) string {
	name := path.Base(f.URI)
	for _, re := range bucketNames {
		if m := re.FindStringSubmatch(name); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil && n < buckets {
				return strconv.Itoa(n)
			}
		}
	}
	if len(files) != buckets {
		return ""
	}
	before := 0
	for _, o := range files {
		if path.Base(o.URI) < name {
			before++
		}
	}
	return strconv.Itoa(before)
}

// hiddenValue is the value of a hidden column for a file; empty for null.
func (s *scan) hiddenValue(name string, p Piece, f catalog.File) string {
	switch name {
	case "$file_size":
		return strconv.FormatInt(f.Size, 10)
	case "$file_modified_time":
		if f.Modified.IsZero() {
			return ""
		}
		return f.Modified.UTC().Format("2006-01-02 15:04:05.000+00")
	case "$bucket":
		return bucketOf(f, p.Files, s.Table.Buckets)
	case "$partition":
		parts := make([]string, len(p.Values))
		for i, v := range p.Values {
			parts[i] = strings.ToLower(s.Table.PartitionColumns[i].Name) + "=" + hivetype.EscapePath(v)
		}
		return strings.Join(parts, "/")
	}
	return f.URI
}
