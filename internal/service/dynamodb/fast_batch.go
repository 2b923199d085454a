package dynamodb

import (
	"context"

	"github.com/brookmere/brookmere/internal/awswire/scan"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// fastBatchWrite is BatchWriteItem's fast path.
type fastBatchWrite struct {
	onTableItself
	names  []string // table of each write
	writes []batchWrite
	first  string
	tables map[string]bool
}

func (s *Service) fastBatchWrite() reader { return &fastBatchWrite{tables: map[string]bool{}} }

// table is empty, which gives the request up, where there are several: their ARNs are
// then the generic codec's to tell.
func (r *fastBatchWrite) table() string {
	if len(r.tables) != 1 {
		return ""
	}
	return r.first
}

func (r *fastBatchWrite) member(d *scanner, name []byte) bool {
	if string(name) != "RequestItems" || r.first != "" {
		return false
	}
	return d.object(func(b []byte) bool {
		table := d.keep(b)
		if r.tables[table] || table == "" {
			return false
		}
		r.first, r.tables[table] = table, true
		return d.array(func() bool {
			var w batchWrite
			n := 0
			ok := d.object(func(b []byte) bool {
				n++
				kind := d.keep(b)
				return d.object(func(member []byte) (ok bool) {
					switch {
					case kind == "PutRequest" && string(member) == "Item" && w.item == nil:
						w.item, ok = d.item()
						w.key = w.item
					case kind == "DeleteRequest" && string(member) == "Key" && w.key == nil:
						w.key, ok = d.item()
					}
					return ok
				})
			})
			r.names, r.writes = append(r.names, table), append(r.writes, w)
			return ok && n == 1 && w.key != nil
		})
	})
}

func (r *fastBatchWrite) serve(ctx context.Context, s *Service, dst []byte) ([]byte, bool, error) {
	if s.cfg.EnforceLimits { // some writes may be left undone
		return dst, false, nil
	}
	if len(r.writes) == 0 || len(r.writes) > maxBatchWrites {
		return dst, false, nil
	}
	seen := make(map[string]bool, len(r.writes))
	for i := range r.writes {
		w := &r.writes[i]
		name, err := nameOf(ctx, &r.names[i])
		if err != nil {
			return dst, false, nil
		}
		if w.t, err = s.usable(ctx, name); err != nil {
			return dst, true, err
		}
		if w.item != nil {
			if itemTooLarge(w.item) != nil || checkBatchItem(w.t.table, w.item) != nil {
				return dst, false, nil
			}
		} else if checkKey(w.t.table, w.key) != nil {
			return dst, false, nil
		}
		id := identity(w.t.table, w.key)
		if seen[id] {
			return dst, false, nil
		}
		seen[id] = true
	}
	if _, err := s.writeBatch(r.writes, s.cfg.EnforceLimits); err != nil {
		return dst, true, err
	}
	return append(dst, `{"UnprocessedItems":{}}`...), true, nil
}

// fastBatchGet is BatchGetItem's fast path, of one table.
type fastBatchGet struct {
	onTableItself
	name       string
	keys       []attr.Item
	consistent *bool
	more       bool
}

func (s *Service) fastBatchGet() reader { return &fastBatchGet{} }

func (r *fastBatchGet) table() string {
	if r.more {
		return ""
	}
	return r.name
}

func (r *fastBatchGet) member(d *scanner, name []byte) bool {
	if string(name) != "RequestItems" || r.name != "" {
		return false
	}
	return d.object(func(b []byte) bool {
		table := d.keep(b)
		if r.name != "" || table == "" {
			return false
		}
		r.name = table
		return d.object(func(member []byte) bool {
			switch string(member) {
			case "Keys":
				return r.keys == nil && d.array(func() bool {
					key, ok := d.item()
					r.keys = append(r.keys, key)
					return ok
				})
			case "ConsistentRead":
				return d.boolean(&r.consistent)
			}
			return false
		})
	})
}

func (r *fastBatchGet) serve(ctx context.Context, s *Service, dst []byte) ([]byte, bool, error) {
	if len(r.keys) == 0 || len(r.keys) > maxBatchGets || s.cfg.EnforceLimits {
		return dst, false, nil
	}
	name, err := nameOf(ctx, &r.name)
	if err != nil {
		return dst, false, nil
	}
	t, err := s.usable(ctx, name)
	if err != nil {
		return dst, true, err
	}
	seen := make(map[string]bool, len(r.keys))
	for _, key := range r.keys {
		if checkKey(t.table, key) != nil {
			return dst, false, nil
		}
		id := identity(t.table, key)
		if seen[id] {
			return dst, false, nil
		}
		seen[id] = true
	}
	start := len(dst)
	dst = append(dst, `{"Responses":{`...)
	dst = scan.AppendQuoted(dst, []byte(r.name))
	dst = append(dst, ":["...)
	u := &usage{}
	total, n := 0, 0
	for _, key := range r.keys {
		stored, found, err := t.items.Get(key)
		if err != nil {
			return dst[:start], true, storeError(err)
		}
		size := 0
		if found {
			if size, err = attr.StoredSize(stored); err != nil {
				return dst[:start], true, err
			}
			if total += size; total > maxBatchAnswer {
				return dst[:start], false, nil
			}
			if n++; n > 1 {
				dst = append(dst, ',')
			}
			if dst, err = attr.AppendStoredJSON(dst, stored); err != nil {
				return dst[:start], true, err
			}
		}
		u.add("", readUnits(size, isTrue(r.consistent)))
	}
	s.spend(t.table, u)
	return append(dst, `]},"UnprocessedKeys":{}}`...), true, nil
}
