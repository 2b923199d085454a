package glue

import (
	"context"

	"github.com/brookmere/brookmere/internal/awswire"
)

// What crawlers and jobs do with the catalog they do as their roles, and need the permissions that a client needs for
// the same. Work on many partitions asks once for its table. The context is one of awswire.Acting.

// may decides whether the role of ctx may do an action on resources, which the functions beside the API's description
// name.
func (s *Service) may(ctx context.Context, action string, resources []string) error {
	if s.cfg.Allow == nil {
		return nil
	}
	for _, r := range resources {
		if err := s.cfg.Allow(ctx, "glue:"+action, r); err != nil {
			return err
		}
	}
	return nil
}

// mayOnTable is may for a table, its database and the catalog.
func (s *Service) mayOnTable(ctx context.Context, action, database, table string) error {
	return s.may(ctx, action, onTable(awswire.CallerFrom(ctx), &database, &table))
}

// mayOnDatabase is may for a database and the catalog.
func (s *Service) mayOnDatabase(ctx context.Context, action, database string) error {
	return s.may(ctx, action, on(awswire.CallerFrom(ctx), "catalog", "database/"+fold(&database)))
}
