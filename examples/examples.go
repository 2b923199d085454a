// Package examples holds whole pipelines that a user copies. What demos play of them is embedded here.
package examples

import "embed"

// Trades are the templates and the reference data of the trades pipeline.
//
//go:embed trades/templates trades/data
var Trades embed.FS
