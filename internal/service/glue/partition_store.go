package glue

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// The partitions of a table are kept in chunks: a batch that a call creates becomes one
// document, so that 100 partitions cost one sync. A chunk is rewritten when one of its
// partitions changes and deleted with its last. Within a chunk, storage descriptors that
// differ in nothing but location and parameters are kept once.
//
// Which chunk holds a partition is known from an index in memory, made from the
// documents at the table's first use. It is what makes a partition unique: all changes
// to a table's partitions go through it, in this process.

type chunkDoc struct {
	Descriptors []*descriptorDoc `json:"descriptors,omitempty"`
	Partitions  []partitionDoc   `json:"partitions"`
}

type partitionDoc struct {
	Values               []string          `json:"values"`
	Descriptor           int               `json:"descriptor"` // index into Descriptors, -1 for none
	Location             *string           `json:"location,omitempty"`
	DescriptorParameters map[string]string `json:"descriptorParameters,omitempty"`
	Parameters           map[string]string `json:"parameters,omitempty"`
	LastAccess           *time.Time        `json:"lastAccess,omitempty"`
	LastAnalyzed         *time.Time        `json:"lastAnalyzed,omitempty"`
	Created              time.Time         `json:"created"`
}

// add appends a partition; d is its descriptor with location and parameters.
func (c *chunkDoc) add(p partitionDoc, in *types.StorageDescriptor) {
	p.Descriptor = -1
	p.setDescriptor(c, in)
	c.Partitions = append(c.Partitions, p)
}

func (p *partitionDoc) setDescriptor(c *chunkDoc, in *types.StorageDescriptor) {
	p.Descriptor, p.Location, p.DescriptorParameters = -1, nil, nil
	if in == nil {
		return
	}
	d := newDescriptor(in)
	p.Location, p.DescriptorParameters = d.Location, d.Parameters
	d.Location, d.Parameters = nil, nil
	for i := len(c.Descriptors) - 1; i >= 0; i-- {
		if reflect.DeepEqual(c.Descriptors[i], d) {
			p.Descriptor = i
			return
		}
	}
	c.Descriptors = append(c.Descriptors, d)
	p.Descriptor = len(c.Descriptors) - 1
}

// compact drops descriptors that no partition uses any more.
func (c *chunkDoc) compact() {
	used := make(map[int]int)
	var kept []*descriptorDoc
	for i := range c.Partitions {
		d := c.Partitions[i].Descriptor
		if d < 0 {
			continue
		}
		n, ok := used[d]
		if !ok {
			n = len(kept)
			used[d] = n
			kept = append(kept, c.Descriptors[d])
		}
		c.Partitions[i].Descriptor = n
	}
	c.Descriptors = kept
}

// partition is an entry of the index. It is not changed once it is in.
type partition struct {
	key        string
	chunk      string
	doc        *partitionDoc
	descriptor *descriptorDoc
}

func (p *partition) output(sc scope, database, table string, columns bool) types.Partition {
	return types.Partition{
		CatalogId:         aws.String(sc.account),
		DatabaseName:      aws.String(database),
		TableName:         aws.String(table),
		Values:            p.doc.Values,
		CreationTime:      aws.Time(p.doc.Created),
		LastAccessTime:    p.doc.LastAccess,
		LastAnalyzedTime:  p.doc.LastAnalyzed,
		Parameters:        p.doc.Parameters,
		StorageDescriptor: p.descriptor.output(p.doc.Location, p.doc.DescriptorParameters, columns),
	}
}

func partitionKey(values []string) string { return strings.Join(values, "\x00") }

type tableID struct{ account, region, database, table string }

// partitionTables holds the index of every table in use.
type partitionTables struct {
	mu     sync.Mutex
	tables map[tableID]*tablePartitions
}

// tablePartitions is the index of one table.
type tablePartitions struct {
	s  *Service
	id tableID

	mu      sync.RWMutex
	loaded  bool
	entries map[string]*partition // a nil one is reserved by a create under way
	sorted  []*partition          // nil when entries changed since
	next    int                   // number of the next chunk
}

func (s *Service) partitionsOf(sc scope, database, table string) *tablePartitions {
	id := tableID{sc.account, sc.region, database, table}
	s.partitions.mu.Lock()
	defer s.partitions.mu.Unlock()
	t, ok := s.partitions.tables[id]
	if !ok {
		if s.partitions.tables == nil {
			s.partitions.tables = make(map[tableID]*tablePartitions)
		}
		t = &tablePartitions{s: s, id: id}
		s.partitions.tables[id] = t
	}
	return t
}

func (t *tablePartitions) chunkKey(chunk string) []string {
	return []string{t.id.account, t.id.region, t.id.database, t.id.table, chunk}
}

// load reads the chunks once; t.mu is held for writing.
func (t *tablePartitions) load() error {
	if t.loaded {
		return nil
	}
	t.entries, t.next = make(map[string]*partition), 0
	for it, err := range t.s.chunks.List(t.id.account, t.id.region, t.id.database, t.id.table) {
		if err != nil {
			return fmt.Errorf("glue: read the partitions of table %s.%s: %w", t.id.database, t.id.table, err)
		}
		chunk := it.Key[len(it.Key)-1]
		var n int
		if _, err := fmt.Sscanf(chunk, "%x", &n); err == nil && n >= t.next {
			t.next = n + 1
		}
		t.index(chunk, it.Value)
	}
	t.loaded = true
	return nil
}

// index enters the partitions of a chunk; t.mu is held for writing.
func (t *tablePartitions) index(chunk string, c *chunkDoc) {
	for i := range c.Partitions {
		p := &partition{key: partitionKey(c.Partitions[i].Values), chunk: chunk, doc: &c.Partitions[i]}
		if d := p.doc.Descriptor; d >= 0 && d < len(c.Descriptors) {
			p.descriptor = c.Descriptors[d]
		}
		t.entries[p.key] = p
	}
	t.sorted = nil
}

// get returns a partition or nil.
func (t *tablePartitions) get(values []string) (*partition, error) {
	t.mu.RLock()
	if t.loaded {
		defer t.mu.RUnlock()
		return t.entries[partitionKey(values)], nil
	}
	t.mu.RUnlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.load(); err != nil {
		return nil, err
	}
	return t.entries[partitionKey(values)], nil
}

// list returns all partitions sorted by their values. The slice is shared.
func (t *tablePartitions) list() ([]*partition, error) {
	t.mu.RLock()
	if sorted := t.sorted; t.loaded && sorted != nil {
		t.mu.RUnlock()
		return sorted, nil
	}
	t.mu.RUnlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.load(); err != nil {
		return nil, err
	}
	if t.sorted == nil {
		sorted := make([]*partition, 0, len(t.entries))
		for _, p := range t.entries {
			if p != nil {
				sorted = append(sorted, p)
			}
		}
		sortBy(sorted, func(p *partition) string { return p.key })
		t.sorted = sorted
	}
	return t.sorted, nil
}

func partitionExists() error { return alreadyExists("Partition already exists.") }

func partitionNotFound() error { return notFound("Cannot find partition.") }

// create makes the partitions that do not exist yet, in one document, and returns an
// error for each of the others by its index. The document is written without the lock,
// so that concurrent creates share the store's syncs.
func (t *tablePartitions) create(ctx context.Context, in []types.PartitionInput) (map[int]error, error) {
	failed := make(map[int]error)
	c := new(chunkDoc)
	var keys []string
	now := t.s.clock.Now().UTC()

	t.mu.Lock()
	if err := t.load(); err != nil {
		t.mu.Unlock()
		return nil, err
	}
	for i, p := range in {
		key := partitionKey(p.Values)
		if _, ok := t.entries[key]; ok {
			failed[i] = partitionExists()
			continue
		}
		t.entries[key] = nil
		keys = append(keys, key)
		c.add(partitionDoc{
			Values: p.Values, Parameters: p.Parameters,
			LastAccess: p.LastAccessTime, LastAnalyzed: p.LastAnalyzedTime, Created: now,
		}, p.StorageDescriptor)
	}
	if len(keys) == 0 {
		t.mu.Unlock()
		return failed, nil
	}
	chunk := fmt.Sprintf("%08x", t.next)
	t.next++
	t.mu.Unlock()

	err := t.s.chunks.Create(ctx, c, t.chunkKey(chunk)...)

	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		// Whether it was written is not known (the caller may have gone): ask the documents.
		for _, k := range keys {
			delete(t.entries, k)
		}
		if stored, gerr := t.s.chunks.Get(t.chunkKey(chunk)...); gerr == nil {
			t.index(chunk, stored)
		}
		return nil, err
	}
	t.index(chunk, c)
	return failed, nil
}

// A partitionChange is one partition to replace, or to delete where input is nil.
type partitionChange struct {
	values []string
	input  *types.PartitionInput
}

// change applies changes, one document write for each chunk touched, and returns an
// error for each that could not be made by its index.
func (t *tablePartitions) change(ctx context.Context, changes []partitionChange) (map[int]error, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.load(); err != nil {
		return nil, err
	}
	failed := make(map[int]error)
	byChunk := make(map[string]map[string]*types.PartitionInput)
	var order []string
	taken := make(map[string]bool)
	for i, ch := range changes {
		key := partitionKey(ch.values)
		p := t.entries[key]
		if p == nil {
			failed[i] = partitionNotFound()
			continue
		}
		if ch.input != nil {
			to := partitionKey(ch.input.Values)
			if _, exists := t.entries[to]; to != key && (exists || taken[to]) {
				failed[i] = partitionExists()
				continue
			}
			taken[to] = true
		}
		m, ok := byChunk[p.chunk]
		if !ok {
			m = make(map[string]*types.PartitionInput)
			byChunk[p.chunk] = m
			order = append(order, p.chunk)
		}
		if _, twice := m[key]; twice {
			failed[i] = partitionNotFound()
			continue
		}
		m[key] = ch.input
	}
	for _, chunk := range order {
		if err := t.changeChunk(ctx, chunk, byChunk[chunk]); err != nil {
			return failed, err
		}
	}
	for i, ch := range changes {
		if failed[i] == nil && ch.input == nil {
			t.s.forgetPartitionStatistics(ctx, t.id, ch.values)
		}
	}
	return failed, nil
}

// changeChunk rewrites one chunk; t.mu is held for writing.
func (t *tablePartitions) changeChunk(ctx context.Context, chunk string, changes map[string]*types.PartitionInput) error {
	key := t.chunkKey(chunk)
	c, err := t.s.chunks.Get(key...)
	if err != nil {
		return err
	}
	left := 0
	for i := range c.Partitions {
		if in, ok := changes[partitionKey(c.Partitions[i].Values)]; !ok || in != nil {
			left++
		}
	}
	if left == 0 {
		if err := t.s.chunks.Delete(ctx, key...); err != nil {
			return err
		}
		c = new(chunkDoc)
	} else {
		c, err = t.s.chunks.Modify(ctx, func(c *chunkDoc) error {
			c.Partitions = slices.DeleteFunc(c.Partitions, func(p partitionDoc) bool {
				in, ok := changes[partitionKey(p.Values)]
				return ok && in == nil
			})
			for i := range c.Partitions {
				p := &c.Partitions[i]
				if in := changes[partitionKey(p.Values)]; in != nil {
					p.Values, p.Parameters = in.Values, in.Parameters
					p.LastAccess, p.LastAnalyzed = in.LastAccessTime, in.LastAnalyzedTime
					p.setDescriptor(c, in.StorageDescriptor)
				}
			}
			c.compact()
			return nil
		}, key...)
		if err != nil {
			return err
		}
	}
	maps.DeleteFunc(t.entries, func(_ string, p *partition) bool { return p != nil && p.chunk == chunk })
	t.index(chunk, c)
	return nil
}

// dropPartitions deletes all partitions of a table; s.structure is held for writing.
func (s *Service) dropPartitions(ctx context.Context, sc scope, database, table string) error {
	s.partitions.mu.Lock()
	delete(s.partitions.tables, tableID{sc.account, sc.region, database, table})
	s.partitions.mu.Unlock()
	return s.chunks.DeleteAll(ctx, sc.account, sc.region, database, table)
}
