package functions

import "github.com/brookmere/brookmere/internal/engine/sql/signature"

var colors = topic("colors", signature.List{
	{Name: "color", Description: "A color by its name or as #rgb, or that of a value between two others.", Forms: []Form{
		{Args: Types{"varchar(x)"}, Returns: "color"},
		{Args: Types{"double", "color", "color"}, Returns: "color"},
		{Args: Types{"double", "double", "double", "color", "color"}, Returns: "color"},
	}},
	{Name: "rgb", Description: "A color of red, green and blue, each from 0 to 255.", Forms: []Form{{Args: Types{"bigint", "bigint", "bigint"}, Returns: "color"}}},
	{Name: "render", Description: "A value in a color, or a mark for a truth value, by escapes of terminals.", Forms: []Form{
		{Args: Types{"varchar(x)", "color"}, Returns: "varchar"},
		{Args: Types{"bigint", "color"}, Returns: "varchar"},
		{Args: Types{"double", "color"}, Returns: "varchar"},
		{Args: Types{"boolean"}, Returns: "varchar"},
	}},
	{Name: "bar", Description: "A bar of a width whose share is filled, from red to green or from one color to another, by escapes of terminals.", Forms: []Form{
		{Args: Types{"double", "bigint"}, Returns: "varchar"},
		{Args: Types{"double", "bigint", "color", "color"}, Returns: "varchar"},
	}},
})
