package dynamodb

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/expr"
)

// maxPage is the bytes of items that a page of a query or scan looks at, at the most.
const maxPage = 1 << 20

// page is a Query or Scan of a page, once its request has been read.
type page struct {
	t          *openTable
	index      *index // nil: the table
	items      itemstore.Range
	filter     *expr.Condition
	projection *expr.Projection
	limit      int // items to look at; 0: no limit
	consistent bool
	count      bool // only count
	fetch      bool // attributes that a local index does not hold are wanted

	// each is given the stored form of every item that passes, before its projection.
	each func(stored []byte, item attr.Item) error

	// out
	found, scanned int
	size           int
	last           attr.Item // where the next page begins; nil: there is none
	used           usage
}

// run reads the page.
func (p *page) run(ctx context.Context) error {
	fetched := 0.0
	var stop []byte
	err := p.t.items.Each(ctx, p.items, func(b []byte) (bool, error) {
		n, err := attr.StoredSize(b)
		if err != nil {
			return false, err
		}
		if p.scanned > 0 && p.size+n > maxPage {
			return false, nil
		}
		p.scanned++
		p.size += n
		stop = append(stop[:0], b...)
		var item attr.Item
		if p.fetch {
			key, err := attr.ParseItem(b)
			if err != nil {
				return false, err
			}
			whole, ok, err := p.t.items.Get(p.t.items.Definition().Key(key))
			if err != nil || !ok {
				return err == nil, err
			}
			size, err := attr.StoredSize(whole)
			if err != nil {
				return false, err
			}
			fetched += readUnits(size, p.consistent)
			b = whole
		}
		if p.filter != nil || p.projection != nil {
			if item, err = attr.ParseItem(b); err != nil {
				return false, err
			}
		}
		if p.filter.Eval(item) {
			p.found++
			if !p.count {
				if err := p.each(b, item); err != nil {
					return false, err
				}
			}
		}
		return p.limit == 0 || p.scanned < p.limit, nil
	})
	if err != nil {
		return storeError(err)
	}
	if p.scanned > 0 {
		item, err := attr.ParseItem(stop)
		if err != nil {
			return err
		}
		more := p.limit > 0 && p.scanned == p.limit
		if !more {
			if more, err = p.more(ctx, item); err != nil {
				return storeError(err)
			}
		}
		if more {
			p.last = p.position(item)
		}
	}
	name := ""
	if p.index != nil {
		name = p.index.Name
	}
	units := math.Max(1, math.Ceil(float64(p.size)/4096))
	if !p.consistent {
		units /= 2
	}
	p.used.add(name, units)
	if fetched > 0 {
		p.used.add("", fetched)
	}
	return nil
}

// more reports whether the range has items after the last that was looked at.
func (p *page) more(ctx context.Context, item attr.Item) (more bool, err error) {
	err = p.t.items.Each(ctx, p.t.items.After(p.items, item), func([]byte) (bool, error) { more = true; return false, nil })
	return more, err
}

// position is the keys of an item by which a page is continued after it.
func (p *page) position(item attr.Item) attr.Item {
	key := p.t.items.Definition().Key(item)
	if p.index != nil {
		for _, name := range p.index.keys() {
			key[name] = item[name]
		}
	}
	return key
}

// from continues the page after a position that a request names.
func (p *page) from(start map[string]types.AttributeValue, parameter string) error {
	if start == nil {
		return nil
	}
	key, err := itemFromSDK(start)
	if err != nil {
		return err
	}
	return p.fromItem(key)
}

const badStart = "The provided starting key is invalid"

func (p *page) fromItem(key attr.Item) error {
	names := []string{p.t.Hash, p.t.Range}
	if p.index != nil {
		names = append(names, p.index.keys()...)
	}
	want := 0
	seen := map[string]bool{}
	for _, name := range names {
		if name == "" || seen[name] {
			continue
		}
		seen[name] = true
		want++
		v, ok := key[name]
		if !ok || v.Type() != p.t.typeOf(name) {
			return invalid(badStart)
		}
		if kind := emptyKeyValue(v); kind != "" {
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kind, name)
		}
	}
	if len(key) != want {
		return invalid(badStart)
	}
	p.items = p.t.items.After(p.items, key)
	return nil
}

// reading is the parameters that Query and Scan share.
type reading struct {
	index          *string
	sel            types.Select
	consistent     *bool
	limit          *int32
	filterPaths    []expr.Path
	projectedPaths []expr.Path
}

// choose finds the index that a request names, and checks that it has what is asked of it.
func (p *page) choose(r reading, verb string) error {
	p.consistent = isTrue(r.consistent)
	if r.index != nil {
		if p.index = p.t.table.index(*r.index); p.index == nil {
			return invalid("The table does not have the specified index: %s", *r.index)
		}
		if err := p.index.filled(); err != nil {
			return err
		}
		if p.consistent && !p.index.Local {
			return invalid("Consistent reads are not supported on global secondary indexes")
		}
	}
	if r.limit != nil {
		p.limit = int(*r.limit)
	}
	p.count = r.sel == types.SelectCount
	if p.index == nil || p.index.Projection == string(types.ProjectionTypeAll) {
		return nil
	}
	held := p.t.projected(p.index)
	if !p.index.Local {
		if r.sel == types.SelectAllAttributes {
			return invalidValue("Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", p.index.Name)
		}
		if missing := notHeld(r.projectedPaths, held); len(missing) > 0 {
			return invalidValue("Global secondary index %s does not project [%s]", p.index.Name, commas(missing))
		}
		if missing := notHeld(r.filterPaths, held); len(missing) > 0 && verb == "Query" {
			return invalidValue("Secondary index %s does not project one or more filter attributes: [%s]", p.index.Name, commas(missing))
		}
		return nil
	}
	p.fetch = r.sel == types.SelectAllAttributes || len(notHeld(r.projectedPaths, held)) > 0
	if missing := notHeld(r.filterPaths, held); len(missing) > 0 && !p.fetch && verb == "Query" {
		return invalidValue("Secondary index %s does not project one or more filter attributes: [%s]", p.index.Name, commas(missing))
	}
	return nil
}

// filled refuses reads of an index that has not all items yet.
func (x *index) filled() error {
	if x.Status == string(types.IndexStatusCreating) {
		return invalid("Cannot read from backfilling global secondary index: %s", x.Name)
	}
	return nil
}

// projected is the attributes that an index holds.
func (d *table) projected(x *index) map[string]bool {
	out := map[string]bool{d.Hash: true, d.Range: true}
	for _, n := range x.keys() {
		out[n] = true
	}
	for _, n := range x.Include {
		out[n] = true
	}
	return out
}

func notHeld(paths []expr.Path, held map[string]bool) []string {
	missing := map[string]bool{}
	for _, p := range paths {
		if !held[p.Attribute()] {
			missing[p.Attribute()] = true
		}
	}
	return slices.Sorted(maps.Keys(missing))
}

// checkSelect checks Select against the other parameters.
func checkSelect(sel types.Select, index, projection *string, attributes []string) error {
	what := ""
	if projection != nil {
		what = "ProjectionExpression"
	} else if attributes != nil {
		what = "AttributesToGet"
	}
	switch {
	case sel == types.SelectSpecificAttributes && what == "":
		return invalid(envelope + "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case sel == types.SelectSpecificAttributes:
		return nil
	case sel == types.SelectCount && what != "":
		return invalid("%sCannot specify the %s when choosing to get only the Count", envelope, what)
	case sel != "" && what != "":
		return invalid("%sCannot specify the %s when choosing to get %s", envelope, what, sel)
	case sel == types.SelectAllProjectedAttributes && index == nil:
		return invalid(envelope + "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
	}
	return nil
}

func pathsOf(c *expr.Condition) []expr.Path {
	if c == nil {
		return nil
	}
	return c.Paths()
}

func pathsIn(p *expr.Projection) []expr.Path {
	if p == nil {
		return nil
	}
	return p.Paths
}

// collect makes the page's items those of the SDK.
func (p *page) collect(to *[]map[string]types.AttributeValue) {
	*to = []map[string]types.AttributeValue{}
	p.each = func(stored []byte, item attr.Item) error {
		if item == nil {
			var err error
			if item, err = attr.ParseItem(stored); err != nil {
				return err
			}
		}
		*to = append(*to, itemToSDK(p.projection.Of(item)))
		return nil
	}
}
