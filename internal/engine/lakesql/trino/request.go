package trino

import (
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// Request is a query to run.
type Request struct {
	Statement sql.Statement // a *sql.Query, or an *sql.Explain or *sql.Execute-free statement that holds one
	// Parameters take the places of the question marks.
	Parameters  []sql.Expr
	Database    string // of names without one
	CatalogName string // what the catalog is called; empty: awsdatacatalog
	Catalog     catalog.Catalog
	Files       catalog.Files

	// Dir is the only directory whose files the query reads, below the engine's temporary directory:
	// of a query over files that are no objects. It then reads no object. Empty: that of the objects.
	Dir string
}

// Snapshot has r list its files as they are now.
func (r *Request) Snapshot() (release func()) {
	s, ok := r.Files.(catalog.Snapshots)
	if !ok {
		return func() {}
	}
	r.Files, release = s.Snapshot()
	return release
}
