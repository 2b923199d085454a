package lakesql

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/hive"
)

// Buckets by Hive's hash, of its first bucketing version.

// bucketKinds has a letter for the types that may be hashed.
var bucketKinds = map[string]byte{"boolean": 'o', "tinyint": 'i', "smallint": 'i', "integer": 'i', "bigint": 'l', "real": 'f', "double": 'd', "varchar": 's', "date": 't'}

// bucket is the expression of a row's bucket.
func (r *WriteRequest) bucket(columns []Column, items []string) (string, error) {
	kinds := make([]byte, 0, len(r.BucketBy))
	var args []string
	for _, name := range r.BucketBy {
		at := -1
		for i, c := range columns[:len(columns)-len(r.PartitionBy)] {
			if strings.EqualFold(c.Name, name) {
				at = i
			}
		}
		if at < 0 {
			return "", &Error{Name: "INVALID_TABLE_PROPERTY", Message: fmt.Sprintf("Bucketing columns [%s] not present in schema", name)}
		}
		typ := hive.TypeOf(columns[at].Type)
		kind, ok := bucketKinds[typ.Name]
		if !ok {
			return "", &Error{Name: "NOT_SUPPORTED", Message: fmt.Sprintf("Cannot create a table bucketed on a column of type %s", typ)}
		}
		text := "CAST(" + items[at] + " AS VARCHAR)"
		if kind == 't' {
			text = "CAST(date_diff('day', DATE '1970-01-01', " + items[at] + ") AS VARCHAR)"
		}
		kinds, args = append(kinds, kind), append(args, text)
	}
	return "trino_hive_bucket('" + strconv.Itoa(r.Buckets) + "', '" + string(kinds) + "', " + strings.Join(args, ", ") + ")", nil
}
