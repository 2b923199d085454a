package hive

import (
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
var HiddenColumns = []string{"$path", "$file_size", "$file_modified_time", "$partition"}

// HiddenType is the type of a hidden column.
func HiddenType(name string) *sql.Type {
	switch name {
	case "$file_size":
		return types.Bigint
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
	return out
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
	case "$partition":
		parts := make([]string, len(p.Values))
		for i, v := range p.Values {
			parts[i] = strings.ToLower(s.Table.PartitionColumns[i].Name) + "=" + hivetype.EscapePath(v)
		}
		return strings.Join(parts, "/")
	}
	return f.URI
}
