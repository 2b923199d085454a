package functions

import "github.com/brookmere/brookmere/internal/engine/sql/signature"

var conditions = topic("conditions", signature.List{
	{Name: "if", Kind: signature.Expression, Description: "The second argument if the condition is true, else the third, or null.", Forms: []Form{
		{Args: Types{"boolean", "T"}, Returns: "T"},
		{Args: Types{"boolean", "T", "T"}, Returns: "T"},
	}},
	{Name: "coalesce", Kind: signature.Expression, Description: "The first of its arguments that is not null.", Forms: []Form{{Args: Types{"T", "T"}, Variadic: true, Returns: "T"}}},
	{Name: "nullif", Kind: signature.Expression, Description: "Null if both arguments are equal, else the first.", Forms: []Form{{Args: Types{"T", "T"}, Returns: "T"}}},
	{Name: "try", Kind: signature.Expression, Description: "The value of an expression, or null where evaluating it fails.", Forms: []Form{{Args: Types{"T"}, Returns: "T"}}},
	{Name: "greatest", Description: "The greatest of its arguments, or null if one of them is null.", Forms: []Form{{Args: Types{"T"}, Variadic: true, Returns: "T"}}},
	{Name: "least", Description: "The least of its arguments, or null if one of them is null.", Forms: []Form{{Args: Types{"T"}, Variadic: true, Returns: "T"}}},
	{Name: "typeof", Description: "The name of an expression's type.", Forms: []Form{{Args: Types{"T"}, Returns: "varchar"}}},
	{Name: "cast", Kind: signature.Expression, Description: "The value as another type; it fails where that cannot be.", Syntax: "CAST(x AS type)", Forms: []Form{{Args: Types{"T"}, Returns: "type"}}},
	{Name: "try_cast", Kind: signature.Expression, Description: "The value as another type, or null where that cannot be.", Syntax: "TRY_CAST(x AS type)", Forms: []Form{{Args: Types{"T"}, Returns: "type"}}},
})

var session = topic("session", signature.List{
	{Name: "current_user", Kind: signature.Expression, Description: "The name of the user.", Syntax: "CURRENT_USER", Forms: []Form{{Returns: "varchar"}}},
	{Name: "current_catalog", Kind: signature.Expression, Description: "The name of the catalog.", Syntax: "CURRENT_CATALOG", Forms: []Form{{Returns: "varchar"}}},
	{Name: "current_schema", Kind: signature.Expression, Description: "The name of the database.", Syntax: "CURRENT_SCHEMA", Forms: []Form{{Returns: "varchar"}}},
	{Name: "version", Description: "The name of the engine.", Forms: []Form{{Returns: "varchar"}}},
})
