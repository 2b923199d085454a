package itemstore

import (
	"encoding/binary"
	"math"

	"github.com/cespare/xxhash/v2"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// KeyAttribute is an attribute of a key: a string, number or binary. Without a name it is
// none.
type KeyAttribute struct {
	Name string    `json:"name,omitempty"`
	Type attr.Type `json:"type,omitempty"`
}

// in is the attribute's value in an item; ok is false if the item has none of the type.
func (k KeyAttribute) in(item attr.Item) (attr.Value, bool) {
	v, ok := item[k.Name]
	return v, ok && v.Type() == k.Type
}

const (
	kindRow     = 't'
	kindFeed    = 'f'
	kindTrimmed = 'm'
	kindCount   = 'c'
	kindToken   = 'i'
)

const expiryIndex = math.MaxUint16

func appendTable(dst []byte, kind byte, table uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, kind), table)
}

func appendIndex(dst []byte, table uint64, index uint16) []byte {
	return binary.BigEndian.AppendUint16(appendTable(dst, kindRow, table), index)
}

// hashOf spreads the codes of partition keys.
func hashOf(code []byte) uint32 { return uint32(xxhash.Sum64(code) >> 32) }

// appendPartition appends the beginning of all rows of one partition key, which is of one value or more.
func appendPartition(dst []byte, table uint64, index uint16, hash ...attr.Value) []byte {
	dst = appendIndex(dst, table, index)
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	for _, v := range hash {
		dst = attr.AppendKey(dst, v)
	}
	binary.BigEndian.PutUint32(dst[at:], hashOf(dst[at+4:]))
	return dst
}

// successor is the first key above all that begin with prefix; nil if there is none.
func successor(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// rowKey is the key of an item's row in the table; ok is false if the item has no such key.
func (d *Definition) rowKey(dst []byte, item attr.Item) (_ []byte, ok bool) {
	h, ok := d.Hash.in(item)
	if !ok {
		return dst, false
	}
	dst = appendPartition(dst, d.ID, 0, h)
	if d.Range.Name != "" {
		r, ok := d.Range.in(item)
		if !ok {
			return dst, false
		}
		dst = attr.AppendKey(dst, r)
	}
	return dst, true
}

// MaxHashKey and MaxRangeKey are how many bytes the values of a partition key and of a sort key
// may have together.
const (
	MaxHashKey  = 2048
	MaxRangeKey = 1024
)

// holds reports whether an index has a row for an item: all its keys, none of them empty or too
// large. Items that were there before the index may have others, and are not in it.
func (x *Index) holds(item attr.Item) bool {
	return fits(item, MaxHashKey, x.Hash, x.MoreHash) && (x.Range.Name == "" || fits(item, MaxRangeKey, x.Range, x.MoreRange))
}

func fits(item attr.Item, most int, first KeyAttribute, more []KeyAttribute) bool {
	size := 0
	for i := -1; i < len(more); i++ {
		k := first
		if i >= 0 {
			k = more[i]
		}
		v, ok := k.in(item)
		n := attr.ValueSize(v)
		if !ok || n == 0 {
			return false
		}
		size += n
	}
	return size <= most
}

// indexKey is the key of an item's row in an index; ok is false if the item lacks a part of it.
func (d *Definition) indexKey(dst []byte, x *Index, item attr.Item) (_ []byte, ok bool) {
	h, ok := x.Hash.in(item)
	if !ok {
		return dst, false
	}
	if len(x.MoreHash) == 0 {
		dst = appendPartition(dst, d.ID, x.ID, h)
	} else {
		all := []attr.Value{h}
		for _, k := range x.MoreHash {
			v, ok := k.in(item)
			if !ok {
				return dst, false
			}
			all = append(all, v)
		}
		dst = appendPartition(dst, d.ID, x.ID, all...)
	}
	if x.Range.Name != "" {
		r, ok := x.Range.in(item)
		if !ok {
			return dst, false
		}
		dst = attr.AppendKey(dst, r)
	}
	for _, k := range x.MoreRange {
		r, ok := k.in(item)
		if !ok {
			return dst, false
		}
		dst = attr.AppendKey(dst, r)
	}
	dst = attr.AppendKey(dst, item[d.Hash.Name])
	if d.Range.Name != "" {
		dst = attr.AppendKey(dst, item[d.Range.Name])
	}
	return dst, true
}

// expiryKey is the key by which an item that expires is found.
func (d *Definition) expiryKey(dst []byte, item attr.Item) (_ []byte, ok bool) {
	n, ok := item[d.Expiry].(attr.Number)
	if !ok || d.Expiry == "" {
		return dst, false
	}
	at, ok := seconds(n)
	if !ok {
		return dst, false
	}
	dst = binary.BigEndian.AppendUint64(appendIndex(dst, d.ID, expiryIndex), uint64(at))
	dst = attr.AppendKey(dst, item[d.Hash.Name])
	if d.Range.Name != "" {
		dst = attr.AppendKey(dst, item[d.Range.Name])
	}
	return dst, true
}

// seconds is the whole seconds of a time that a number tells; false below zero and beyond
// what any clock shows.
func seconds(n attr.Number) (int64, bool) {
	var at int64
	for i := range len(n) {
		switch c := n[i]; {
		case c == '.':
			return at, true
		case c < '0' || c > '9' || i > 14:
			return 0, false
		default:
			at = at*10 + int64(c-'0')
		}
	}
	return at, true
}
