package functions

import "github.com/brookmere/brookmere/internal/engine/sql/signature"

func shape1(name, returns, description string) signature.Function {
	return signature.Function{Name: name, Description: description, Forms: []Form{{Args: Types{"geometry"}, Returns: signature.Type(returns)}}}
}

func shape2(name, returns, description string) signature.Function {
	return signature.Function{Name: name, Description: description, Forms: []Form{{Args: Types{"geometry", "geometry"}, Returns: signature.Type(returns)}}}
}

// Geometries are the geospatial functions.
var Geometries = topic("geometries", signature.List{
	{Name: "st_point", Description: "A point: x (the longitude), y (the latitude).", Forms: []Form{{Args: Types{"double", "double"}, Returns: "geometry"}}},
	{Name: "st_geometryfromtext", Description: "The geometry that well-known text stands for.", Forms: []Form{{Args: Types{"varchar"}, Returns: "geometry"}}},
	{Name: "st_polygon", Description: "The polygon that well-known text stands for.", Forms: []Form{{Args: Types{"varchar"}, Returns: "geometry"}}},
	{Name: "st_linefromtext", Description: "The line that well-known text stands for.", Forms: []Form{{Args: Types{"varchar"}, Returns: "geometry"}}},
	{Name: "st_geomfrombinary", Description: "The geometry that well-known binary stands for.", Forms: []Form{{Args: Types{"varbinary"}, Returns: "geometry"}}},
	shape1("st_astext", "varchar", "A geometry's well-known text."),
	shape1("st_asbinary", "varbinary", "A geometry's well-known binary."),
	shape1("st_geometrytype", "varchar", "The name of a geometry's type: ST_Point, ST_Polygon and so on."),
	shape1("st_x", "double", "The x of a point."),
	shape1("st_y", "double", "The y of a point."),
	shape1("st_xmin", "double", "The least x of a geometry."),
	shape1("st_ymin", "double", "The least y of a geometry."),
	shape1("st_xmax", "double", "The greatest x of a geometry."),
	shape1("st_ymax", "double", "The greatest y of a geometry."),
	shape1("st_area", "double", "The area of a geometry in the plane."),
	shape1("st_length", "double", "The length of lines in the plane."),
	shape1("st_isvalid", "boolean", "Whether a geometry is well formed."),
	shape1("st_isempty", "boolean", "Whether a geometry has no points."),
	shape1("st_issimple", "boolean", "Whether a geometry meets itself nowhere."),
	shape1("st_isclosed", "boolean", "Whether lines end where they begin."),
	shape1("st_isring", "boolean", "Whether a line is closed and simple."),
	shape1("st_dimension", "tinyint", "0 of points, 1 of lines, 2 of areas."),
	shape1("st_coorddim", "tinyint", "The number of coordinates of a point: 2."),
	shape1("st_numpoints", "bigint", "The number of points of a geometry."),
	shape1("st_numgeometries", "bigint", "The number of geometries that a geometry consists of."),
	shape1("st_numinteriorring", "bigint", "The number of holes of a polygon."),
	shape1("st_centroid", "geometry", "The centre of mass of a geometry."),
	shape1("st_boundary", "geometry", "The boundary of a geometry."),
	shape1("st_envelope", "geometry", "The rectangle around a geometry."),
	shape1("st_convexhull", "geometry", "The least convex geometry around a geometry."),
	shape1("st_exteriorring", "geometry", "The outer ring of a polygon."),
	shape1("st_startpoint", "geometry", "The first point of a line."),
	shape1("st_endpoint", "geometry", "The last point of a line."),
	{Name: "st_pointn", Description: "The n-th point of a line, from 1.", Forms: []Form{{Args: Types{"geometry", "integer"}, Returns: "geometry"}}},
	{Name: "st_geometryn", Description: "The n-th geometry that a geometry consists of, from 1.", Forms: []Form{{Args: Types{"geometry", "integer"}, Returns: "geometry"}}},
	shape2("st_contains", "boolean", "Whether the second geometry lies in the first, and not in its boundary alone."),
	shape2("st_within", "boolean", "Whether the first geometry lies in the second."),
	shape2("st_intersects", "boolean", "Whether two geometries have a point in common."),
	shape2("st_disjoint", "boolean", "Whether two geometries have no point in common."),
	shape2("st_equals", "boolean", "Whether two geometries have the same points."),
	shape2("st_touches", "boolean", "Whether two geometries meet in their boundaries alone."),
	shape2("st_crosses", "boolean", "Whether two geometries have some inner points in common, and not all."),
	shape2("st_overlaps", "boolean", "Whether two geometries of one dimension share a part of that dimension, and neither lies in the other."),
	{Name: "st_relate", Description: "Whether two geometries have a relation that is given as nine signs (DE-9IM).", Forms: []Form{{Args: Types{"geometry", "geometry", "varchar"}, Returns: "boolean"}}},
	shape2("st_distance", "double", "The least distance between two geometries in the plane."),
	shape2("st_intersection", "geometry", "The points that are in both geometries."),
	shape2("st_union", "geometry", "The points that are in one of two geometries."),
	shape2("st_difference", "geometry", "The points of the first geometry that are not in the second."),
	shape2("st_symdifference", "geometry", "The points that are in just one of two geometries."),
	{Name: "great_circle_distance", Description: "The kilometres between two places on the Earth: latitude and longitude of each.", Forms: []Form{{Args: Types{"double", "double", "double", "double"}, Returns: "double"}}},
	{Name: "bing_tile", Description: "A tile of Bing's map, by x, y and zoom level, or by its quadkey.", Forms: []Form{
		{Args: Types{"bigint", "bigint", "bigint"}, Returns: "bingtile"},
		{Args: Types{"varchar"}, Returns: "bingtile"},
	}},
	{Name: "bing_tile_at", Description: "The tile at a latitude and a longitude, of a zoom level.", Forms: []Form{{Args: Types{"double", "double", "integer"}, Returns: "bingtile"}}},
	{Name: "bing_tiles_around", Description: "The tile at a latitude and a longitude and those around it, or all that a circle of a radius in kilometres lies in.", Forms: []Form{
		{Args: Types{"double", "double", "integer"}, Returns: "array(bingtile)"},
		{Args: Types{"double", "double", "integer", "double"}, Returns: "array(bingtile)"},
	}},
	{Name: "geometry_to_bing_tiles", Description: "The tiles of a zoom level that a geometry lies in.", Forms: []Form{{Args: Types{"geometry", "integer"}, Returns: "array(bingtile)"}}},
	{Name: "geometry_union", Description: "The union of an array's geometries.", Forms: []Form{{Args: Types{"array(geometry)"}, Returns: "geometry"}}},
	{Name: "geometry_union_agg", Kind: signature.Aggregate, Description: "The union of the geometries.", Forms: []Form{{Args: Types{"geometry"}, Returns: "geometry"}}},
	{Name: "bing_tile_quadkey", Description: "The quadkey of a tile.", Forms: []Form{{Args: Types{"bingtile"}, Returns: "varchar"}}},
	{Name: "bing_tile_polygon", Description: "The area of a tile in degrees.", Forms: []Form{{Args: Types{"bingtile"}, Returns: "geometry"}}},
	{Name: "bing_tile_coordinates", Description: "The x and y of a tile.", Forms: []Form{{Args: Types{"bingtile"}, Returns: "row(x integer, y integer)"}}},
	{Name: "bing_tile_zoom_level", Description: "The zoom level of a tile.", Forms: []Form{{Args: Types{"bingtile"}, Returns: "tinyint"}}},
})
