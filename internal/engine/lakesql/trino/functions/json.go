package functions

import "github.com/brookmere/brookmere/internal/engine/sql/signature"

var documents = topic("JSON", signature.List{
	{Name: "json_extract", Description: "What a path finds in a document, as JSON.", Forms: []Form{
		{Args: Types{"json", "json path"}, Returns: "json"},
		{Args: Types{"varchar(x)", "json path"}, Returns: "json"},
	}},
	{Name: "json_extract_scalar", Description: "The text of the number, text or boolean that a path finds.", Forms: []Form{
		{Args: Types{"json", "json path"}, Returns: "varchar"},
		{Args: Types{"varchar(x)", "json path"}, Returns: "varchar(x)"},
	}},
	{Name: "json_parse", Description: "The document that a text is.", Forms: []Form{{Args: Types{"varchar(x)"}, Returns: "json"}}},
	{Name: "json_format", Description: "The text of a document.", Forms: []Form{{Args: Types{"json"}, Returns: "varchar"}}},
	{Name: "json_array_length", Description: "How many elements an array has.", Forms: []Form{
		{Args: Types{"json"}, Returns: "bigint"},
		{Args: Types{"varchar(x)"}, Returns: "bigint"},
	}},
	{Name: "json_array_get", Description: "The element of an array at a place, from 0 or, if negative, from the end.", Forms: []Form{
		{Args: Types{"json", "bigint"}, Returns: "json"},
		{Args: Types{"varchar(x)", "bigint"}, Returns: "json"},
	}},
	{Name: "json_array_contains", Description: "Whether an array has a value.", Forms: []Form{
		{Args: Types{"json", "T"}, Returns: "boolean"},
		{Args: Types{"varchar(x)", "T"}, Returns: "boolean"},
	}},
	{Name: "json_size", Description: "How many elements or members there are in what a path finds.", Forms: []Form{
		{Args: Types{"json", "json path"}, Returns: "bigint"},
		{Args: Types{"varchar(x)", "json path"}, Returns: "bigint"},
	}},
	{Name: "is_json_scalar", Description: "Whether a document is a number, a text, a boolean or null.", Forms: []Form{
		{Args: Types{"json"}, Returns: "boolean"},
		{Args: Types{"varchar(x)"}, Returns: "boolean"},
	}},
	{Name: "json_exists", Kind: signature.Expression, Description: "Whether a path of SQL/JSON finds something.", Syntax: "JSON_EXISTS(json, path [ON ERROR])", Forms: []Form{{Args: Types{"varchar", "json path"}, Returns: "boolean"}}},
	{Name: "json_query", Kind: signature.Expression, Description: "What a path of SQL/JSON finds, as JSON.", Syntax: "JSON_QUERY(json, path [wrapper, quotes, ON EMPTY, ON ERROR])", Forms: []Form{{Args: Types{"varchar", "json path"}, Returns: "varchar"}}},
	{Name: "json_value", Kind: signature.Expression, Description: "The number, text or boolean that a path of SQL/JSON finds.", Syntax: "JSON_VALUE(json, path [RETURNING type] [ON EMPTY, ON ERROR])", Forms: []Form{{Args: Types{"varchar", "json path"}, Returns: "varchar"}}},
	{Name: "json_array", Kind: signature.Expression, Description: "An array of values.", Syntax: "JSON_ARRAY(x, ...)", Forms: []Form{{Args: Types{"T"}, Variadic: true, Returns: "varchar"}}},
	{Name: "json_object", Kind: signature.Expression, Description: "An object of keys and values.", Syntax: "JSON_OBJECT(key : value, ...)", Forms: []Form{{Args: Types{"varchar", "T"}, Variadic: true, Returns: "varchar"}}},
})
