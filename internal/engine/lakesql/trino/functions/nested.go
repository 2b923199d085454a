package functions

import "github.com/brookmere/brookmere/internal/engine/sql/signature"

var arrays = topic("arrays", signature.List{
	{Name: "cardinality", Description: "How many elements or entries there are.", Forms: []Form{
		{Args: Types{"array(E)"}, Returns: "bigint"},
		{Args: Types{"map(K,V)"}, Returns: "bigint"},
		{Args: Types{"hyperloglog"}, Returns: "bigint"},
	}},
	{Name: "element_at", Description: "The element at a place, from 1 or, if negative, from the end, or the value of a key; null if there is none.", Forms: []Form{
		{Args: Types{"array(E)", "bigint"}, Returns: "E"},
		{Args: Types{"map(K,V)", "K"}, Returns: "V"},
	}},
	{Name: "contains", Description: "Whether an array has an element, or a network, as 10.0.0.0/8, an address.", Forms: []Form{{Args: Types{"array(T)", "T"}, Returns: "boolean"}, {Args: Types{"varchar", "ipaddress"}, Returns: "boolean"}}},
	{Name: "contains_sequence", Description: "Whether an array has the elements of another, one after the other.", Forms: []Form{{Args: Types{"array(T)", "array(T)"}, Returns: "boolean"}}},
	{Name: "array_position", Description: "Where an array has an element for the first time, from 1; 0 if it has not.", Forms: []Form{{Args: Types{"array(T)", "T"}, Returns: "bigint"}}},
	{Name: "array_distinct", Description: "The different elements.", Forms: []Form{{Args: Types{"array(E)"}, Returns: "array(E)"}}},
	{Name: "array_sort", Description: "The elements in order, nulls last, or in that of a lambda which compares two.", Forms: []Form{
		{Args: Types{"array(E)"}, Returns: "array(E)"},
		{Args: Types{"array(T)", "function(T,T,integer)"}, Returns: "array(T)"},
	}},
	{Name: "array_join", Description: "The elements as texts with a delimiter between them; nulls are left out, or replaced.", Forms: []Form{
		{Args: Types{"array(T)", "varchar"}, Returns: "varchar"},
		{Args: Types{"array(T)", "varchar", "varchar"}, Returns: "varchar"},
	}},
	{Name: "array_max", Description: "The greatest element.", Forms: []Form{{Args: Types{"array(T)"}, Returns: "T"}}},
	{Name: "array_min", Description: "The least element.", Forms: []Form{{Args: Types{"array(T)"}, Returns: "T"}}},
	{Name: "array_first", Description: "The first element, or null.", Forms: []Form{{Args: Types{"array(E)"}, Returns: "E"}}},
	{Name: "array_last", Description: "The last element, or null.", Forms: []Form{{Args: Types{"array(E)"}, Returns: "E"}}},
	{Name: "array_intersect", Description: "The different elements that both arrays have.", Forms: []Form{{Args: Types{"array(E)", "array(E)"}, Returns: "array(E)"}}},
	{Name: "array_except", Description: "The different elements of the first array that the second has not.", Forms: []Form{{Args: Types{"array(E)", "array(E)"}, Returns: "array(E)"}}},
	{Name: "array_union", Description: "The different elements that one of the arrays has.", Forms: []Form{{Args: Types{"array(E)", "array(E)"}, Returns: "array(E)"}}},
	{Name: "arrays_overlap", Description: "Whether both arrays have an element that is not null.", Forms: []Form{{Args: Types{"array(E)", "array(E)"}, Returns: "boolean"}}},
	{Name: "array_remove", Description: "The array without the elements that equal a value.", Forms: []Form{{Args: Types{"array(E)", "E"}, Returns: "array(E)"}}},
	{Name: "array_histogram", Description: "How often each element occurs.", Forms: []Form{{Args: Types{"array(T)"}, Returns: "map(T,bigint)"}}},
	{Name: "slice", Description: "A part of an array: where it begins, from 1 or, if negative, from the end, and its length.", Forms: []Form{{Args: Types{"array(E)", "bigint", "bigint"}, Returns: "array(E)"}}},
	{Name: "trim_array", Description: "The array without its last n elements.", Forms: []Form{{Args: Types{"array(E)", "bigint"}, Returns: "array(E)"}}},
	{Name: "shuffle", Nondeterministic: true, Description: "The elements in a random order.", Forms: []Form{{Args: Types{"array(E)"}, Returns: "array(E)"}}},
	{Name: "flatten", Description: "The elements of the arrays of an array.", Forms: []Form{{Args: Types{"array(array(E))"}, Returns: "array(E)"}}},
	{Name: "repeat", Description: "An array that has a value so many times.", Forms: []Form{{Args: Types{"T", "bigint"}, Returns: "array(T)"}}},
	{Name: "ngrams", Description: "All runs of n elements.", Forms: []Form{{Args: Types{"array(T)", "bigint"}, Returns: "array(array(T))"}}},
	{Name: "combinations", Description: "All choices of n elements, at most 5.", Forms: []Form{{Args: Types{"array(T)", "bigint"}, Returns: "array(array(T))"}}},
	{Name: "sequence", Description: "The values from one to another, by a step.", Forms: []Form{
		{Args: Types{"bigint", "bigint"}, Returns: "array(bigint)"},
		{Args: Types{"bigint", "bigint", "bigint"}, Returns: "array(bigint)"},
		{Args: Types{"date", "date"}, Returns: "array(date)"},
		{Args: Types{"date", "date", "interval day to second"}, Returns: "array(date)"},
		{Args: Types{"date", "date", "interval year to month"}, Returns: "array(date)"},
		{Args: Types{"timestamp(p)", "timestamp(p)", "interval day to second"}, Returns: "array(timestamp(p))"},
		{Args: Types{"timestamp(p)", "timestamp(p)", "interval year to month"}, Returns: "array(timestamp(p))"},
	}},
	{Name: "zip", Description: "Rows of the elements at the same places of arrays.", Forms: []Form{
		{Args: Types{"array(T)", "array(U)"}, Returns: "array(row(T,U))"},
		{Args: Types{"array(T)", "array(U)", "array(V)"}, Returns: "array(row(T,U,V))"},
		{Args: Types{"array(T)", "array(U)", "array(V)", "array(W)"}, Returns: "array(row(T,U,V,W))"},
		{Args: Types{"array(T)", "array(U)", "array(V)", "array(W)", "array(X)"}, Returns: "array(row(T,U,V,W,X))"},
	}},
	{Name: "transform", Description: "What a lambda makes of each element.", Forms: []Form{{Args: Types{"array(T)", "function(T,U)"}, Returns: "array(U)"}}},
	{Name: "filter", Description: "The elements for which a lambda is true.", Forms: []Form{{Args: Types{"array(T)", "function(T,boolean)"}, Returns: "array(T)"}}},
	{Name: "reduce", Description: "The elements folded into a state, from which the second lambda makes the result.", Forms: []Form{{Args: Types{"array(T)", "S", "function(S,T,S)", "function(S,R)"}, Returns: "R"}}},
	{Name: "any_match", Description: "Whether a lambda is true for one of the elements.", Forms: []Form{{Args: Types{"array(T)", "function(T,boolean)"}, Returns: "boolean"}}},
	{Name: "all_match", Description: "Whether a lambda is true for all elements.", Forms: []Form{{Args: Types{"array(T)", "function(T,boolean)"}, Returns: "boolean"}}},
	{Name: "none_match", Description: "Whether a lambda is true for none of the elements.", Forms: []Form{{Args: Types{"array(T)", "function(T,boolean)"}, Returns: "boolean"}}},
	{Name: "zip_with", Description: "What a lambda makes of the elements at the same places of two arrays.", Forms: []Form{{Args: Types{"array(T)", "array(U)", "function(T,U,R)"}, Returns: "array(R)"}}},
})

var maps = topic("maps", signature.List{
	{Name: "map", Description: "A map of an array of keys and one of values.", Forms: []Form{
		{Returns: "map(unknown,unknown)"},
		{Args: Types{"array(K)", "array(V)"}, Returns: "map(K,V)"},
	}},
	{Name: "map_keys", Description: "The keys of a map.", Forms: []Form{{Args: Types{"map(K,V)"}, Returns: "array(K)"}}},
	{Name: "map_values", Description: "The values of a map.", Forms: []Form{{Args: Types{"map(K,V)"}, Returns: "array(V)"}}},
	{Name: "map_entries", Description: "The entries of a map as rows.", Forms: []Form{{Args: Types{"map(K,V)"}, Returns: "array(row(K,V))"}}},
	{Name: "map_from_entries", Description: "A map of rows of two fields.", Forms: []Form{{Args: Types{"array(row(K,V))"}, Returns: "map(K,V)"}}},
	{Name: "multimap_from_entries", Description: "A map of each key among rows of two fields to all its values.", Forms: []Form{{Args: Types{"array(row(K,V))"}, Returns: "map(K,array(V))"}}},
	{Name: "map_concat", Description: "One map of the entries of all; of equal keys the last value is taken.", Forms: []Form{{Args: Types{"map(K,V)", "map(K,V)"}, Variadic: true, Returns: "map(K,V)"}}},
	{Name: "map_filter", Description: "The entries for which a lambda is true.", Forms: []Form{{Args: Types{"map(K,V)", "function(K,V,boolean)"}, Returns: "map(K,V)"}}},
	{Name: "map_zip_with", Description: "What a lambda makes of the values that two maps have for each key.", Forms: []Form{{Args: Types{"map(K,V)", "map(K,W)", "function(K,V,W,R)"}, Returns: "map(K,R)"}}},
	{Name: "transform_values", Description: "The map with what a lambda makes of each value.", Forms: []Form{{Args: Types{"map(K,V)", "function(K,V,R)"}, Returns: "map(K,R)"}}},
	{Name: "transform_keys", Description: "The map with what a lambda makes of each key.", Forms: []Form{{Args: Types{"map(K,V)", "function(K,V,R)"}, Returns: "map(R,V)"}}},
})
