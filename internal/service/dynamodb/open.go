package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// openTable is a table's document with its items.
type openTable struct {
	*table
	items *itemstore.Table
}

// nameOf reads the TableName of a request, which may be an ARN.
func nameOf(ctx context.Context, name *string) (string, error) {
	n := aws.ToString(name)
	if err := checkTableName(n); err != nil {
		return "", err
	}
	if !strings.HasPrefix(n, "arn:") {
		return n, nil
	}
	if a, ok := arn.Parse(n); ok {
		caller := awswire.CallerFrom(ctx)
		t, ok := a.After("table/")
		if !ok || a.Service != "dynamodb" {
			return "", invalid("Invalid TableArn: %s", n)
		}
		if !a.Within("dynamodb", caller.Region, caller.Account) {
			return "", tableUnknown()
		}
		return t, nil
	}
	return n, nil
}

// find returns the document of the table that a request names, in any status.
func (s *Service) find(ctx context.Context, name string) (*table, error) {
	caller := awswire.CallerFrom(ctx)
	d, err := s.tables.Get(caller.Account, caller.Region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noTable(name)
	}
	if err != nil {
		return nil, fmt.Errorf("dynamodb: table %s: %w", name, err)
	}
	return d, nil
}

// usable returns the table of a request on items.
func (s *Service) usable(ctx context.Context, name string) (*openTable, error) {
	d, err := s.find(ctx, name)
	var none *types.ResourceNotFoundException
	if errors.As(err, &none) || err == nil && d.Status != string(types.TableStatusActive) {
		return nil, tableUnknown()
	}
	if err != nil {
		return nil, err
	}
	return s.opened(d)
}

// opened returns the items of a document's table, with its definition as the document says.
func (s *Service) opened(d *table) (*openTable, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.open[d.Store]
	if o != nil && o.table == d {
		return o, nil
	}
	if err := s.stillThere(d); err != nil {
		return nil, err
	}
	if o == nil {
		items, err := s.cfg.Items.Table(d.definition())
		if err != nil {
			return nil, err
		}
		o = &openTable{d, items}
	} else {
		o = &openTable{d, o.items}
	}
	s.open[d.Store] = o
	return o, nil
}

// stillThere keeps a call that found the table before it was deleted from opening it anew: what
// it wrote would be acknowledged, and nobody would remove it.
func (s *Service) stillThere(d *table) error {
	if d.Status != string(types.TableStatusActive) {
		return nil
	}
	now, err := s.tables.Get(d.key()...)
	if errors.Is(err, state.ErrNotFound) || err == nil && (now.Store != d.Store || now.Status == string(types.TableStatusDeleting)) {
		return tableUnknown()
	}
	return err
}

// redefine gives the item store the definition of a document that has changed.
func (s *Service) redefine(d *table) error {
	o, err := s.opened(d)
	if err != nil {
		return err
	}
	o.items.Redefine(d.definition())
	return nil
}

// modify changes a table's document and what the item store knows of the table.
func (s *Service) modify(ctx context.Context, d *table, f func(*table) error) (*table, error) {
	s.changes.Lock()
	defer s.changes.Unlock()
	out, err := s.tables.Modify(ctx, func(now *table) error {
		if now.Store != d.Store {
			return state.ErrNotFound
		}
		return f(now)
	}, d.key()...)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noTable(d.Name)
	}
	if err != nil {
		return nil, err
	}
	return out, s.redefine(out)
}

// defined returns the items of a document's table, with the definition of the document as
// it is now: a runner may see a change before the call that made it has told the item store.
func (s *Service) defined(d *table) (*openTable, error) {
	s.changes.Lock()
	defer s.changes.Unlock()
	now, err := s.tables.Get(d.key()...)
	if err != nil {
		return nil, err
	}
	if now.Store != d.Store {
		return nil, noTable(d.Name)
	}
	if err := s.redefine(now); err != nil {
		return nil, err
	}
	return s.opened(now)
}
