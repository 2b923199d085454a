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
		binaryFunctions(), timeFunctions(), arrayFunctions(), mapFunctions(), jsonFunctions(), geometryFunctions()} {
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
	for _, name := range []string{"qdigest_agg", "tdigest_agg", "value_at_quantile",
		"values_at_quantiles", "quantile_at_value", "checksum", "entropy", "evaluate_classifier_predictions", "learn_classifier",
		"char2hexint", "bar", "render", "rgb", "color", "word_stem", "spooky_hash_v2_32", "spooky_hash_v2_64", "murmur3", "beta_cdf", "inverse_beta_cdf", "t_cdf", "t_pdf",
		"make_set_digest", "merge_set_digest", "intersection_cardinality", "jaccard_index", "hash_counts", "contains_ip", "ip_prefix",
		"from_iso8601_timestamp_nanos", "st_buffer",
		"st_geomaslegacybinary", "st_geomfromlegacybinary", "geometry_from_hadoop_shape", "geometry_invalid_reason", "geometry_nearest_points",
		"simplify_geometry",
	} {
		unsupported[name] = true
	}
}
