package trino

import (
	"maps"

	"github.com/brookmere/brookmere/internal/engine/lakesql/trino/functions"
)

// translations is how each function is said in DuckDB. Names that have none are refused, so
// the table is also the list of what a statement may reach.
var translations map[string]function

func init() { // not a literal: the functions refer to the table through the translator
	translations = map[string]function{}
	for _, table := range []map[string]function{aggregateFunctions(), conditionals(), mathFunctions(), stringFunctions(), regexpFunctions(),
		binaryFunctions(), timeFunctions(), arrayFunctions(), mapFunctions(), jsonFunctions(), geometryFunctions(), digestFunctions(), colorFunctions()} {
		maps.Copy(translations, table)
	}
	for name, f := range translations {
		f.Function, _ = functions.All.Lookup(name)
		translations[name] = f
	}
}

// unsupported are Trino's functions that this engine does not have, which is another
// thing than a name that is not a function.
var unsupported = map[string]bool{}

func init() {
	for _, name := range []string{"learn_classifier", "learn_regressor", "learn_libsvm_classifier", "learn_libsvm_regressor", "classify", "features", "regress",
		"spooky_hash_v2_32", "spooky_hash_v2_64",
		"make_set_digest", "merge_set_digest", "intersection_cardinality", "jaccard_index", "hash_counts", "contains_ip", "ip_prefix",
		"from_iso8601_timestamp_nanos",
		"st_geomaslegacybinary", "st_geomfromlegacybinary", "geometry_from_hadoop_shape",
	} {
		unsupported[name] = true
	}
}
