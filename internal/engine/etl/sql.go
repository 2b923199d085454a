package etl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// SQLEngine runs queries over frames.
type SQLEngine interface {
	// Check refuses a query over tables of these names that cannot run, whatever is in them.
	Check(query string, names []string) error
	// Run runs it. It is ErrTooLarge where the rows of the result take more than limit bytes as text.
	Run(ctx context.Context, query string, tables []SQLTable, limit int64) (*Frame, error)
}

// SQLTable is a frame by the name that a query gives it.
type SQLTable struct {
	Name  string
	Frame *Frame
}

// SQL makes a frame by a query over its inputs.
type SQL struct {
	Query   string
	Aliases []string // a name an input; "": the query does not name it
	Engine  SQLEngine
}

// sqlBytes bounds the text of a result, of which its values take several times as much.
const sqlBytes = 256 << 20

// Check implements Transform.
func (t SQL) Check(n int) error {
	if n == 0 || n != len(t.Aliases) {
		return fmt.Errorf("it takes an alias for each input: there are %d inputs and %d aliases", n, len(t.Aliases))
	}
	if t.Engine == nil {
		return errors.New("this node has no engine to run SQL with")
	}
	names := slices.DeleteFunc(slices.Clone(t.Aliases), func(s string) bool { return s == "" })
	seen := make(map[string]bool)
	for _, a := range names {
		if seen[strings.ToLower(a)] {
			return fmt.Errorf("the alias %q is there twice", a)
		}
		seen[strings.ToLower(a)] = true
	}
	return t.Engine.Check(t.Query, names)
}

// Apply implements Transform.
func (t SQL) Apply(ctx context.Context, in []*Frame) ([]*Frame, error) {
	var tables []SQLTable
	for i, f := range in {
		if t.Aliases[i] != "" {
			tables = append(tables, SQLTable{t.Aliases[i], f})
		}
	}
	f, err := t.Engine.Run(ctx, t.Query, tables, sqlBytes)
	if err != nil {
		return nil, err
	}
	return []*Frame{f}, nil
}
