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
		binaryFunctions(), timeFunctions(), arrayFunctions(), mapFunctions(), jsonFunctions()} {
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
		"bar", "render", "rgb", "color", "word_stem", "spooky_hash_v2_32", "spooky_hash_v2_64", "murmur3", "beta_cdf", "inverse_beta_cdf", "t_cdf", "t_pdf",
		"make_set_digest", "merge_set_digest", "intersection_cardinality", "jaccard_index", "hash_counts", "contains_ip", "ip_prefix",
		"from_iso8601_timestamp_nanos", "st_point", "st_geometryfromtext", "st_contains", "st_distance", "st_intersects", "st_area", "st_astext", "st_x", "st_y",
		"st_asbinary", "st_boundary", "st_buffer", "st_centroid", "st_convexhull", "st_coorddim", "st_crosses", "st_difference", "st_dimension", "st_disjoint",
		"st_endpoint", "st_envelope", "st_envelopeaspts", "st_equals", "st_exteriorring", "st_geometries", "st_geometryn", "st_geometrytype", "st_geomfrombinary",
		"st_interiorringn", "st_interiorrings", "st_intersection", "st_isclosed", "st_isempty", "st_isring", "st_issimple", "st_isvalid", "st_length",
		"st_linefromtext", "st_linestring", "st_multipoint", "st_numgeometries", "st_numinteriorring", "st_numpoints", "st_overlaps", "st_pointn", "st_points",
		"st_polygon", "st_geomaslegacybinary", "st_geomfromlegacybinary", "st_relate", "st_startpoint", "st_symdifference", "st_touches", "st_union", "st_within", "st_xmax", "st_xmin", "st_ymax", "st_ymin",
		"geometry_from_hadoop_shape", "geometry_invalid_reason", "geometry_nearest_points", "geometry_to_bing_tiles", "geometry_union", "from_geojson_geometry",
		"to_geojson_geometry", "to_geometry", "simplify_geometry", "line_interpolate_point", "line_interpolate_points", "line_locate_point",
		"bing_tile", "bing_tile_at", "bing_tile_coordinates", "bing_tile_polygon", "bing_tile_quadkey", "bing_tile_zoom_level", "bing_tiles_around",
		"great_circle_distance", "to_spherical_geography", "geometry_union_agg", "convex_hull_agg"} {
		unsupported[name] = true
	}
}
