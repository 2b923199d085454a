package kpl

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

type item struct{ key, data string }

func (i item) String() string { return i.key + "=" + i.data }

// aggregate packs items as the producer library does, a tag and a hash key with each.
func aggregate(items ...item) []byte {
	var message []byte
	for _, it := range items {
		message = protowire.AppendTag(message, fieldKey, protowire.BytesType)
		message = protowire.AppendString(message, it.key)
	}
	message = protowire.AppendTag(message, 2, protowire.BytesType)
	message = protowire.AppendString(message, "12345")
	for i, it := range items {
		var r []byte
		r = protowire.AppendTag(r, fieldKeyIndex, protowire.VarintType)
		r = protowire.AppendVarint(r, uint64(i))
		r = protowire.AppendTag(r, 2, protowire.VarintType)
		r = protowire.AppendVarint(r, 0)
		r = protowire.AppendTag(r, fieldData, protowire.BytesType)
		r = protowire.AppendString(r, it.data)
		r = protowire.AppendTag(r, 4, protowire.BytesType)
		r = protowire.AppendBytes(r, []byte{0x0a, 1, 't'})
		message = protowire.AppendTag(message, fieldRecord, protowire.BytesType)
		message = protowire.AppendBytes(message, r)
	}
	return wrap(message)
}

func wrap(message []byte) []byte {
	sum := md5.Sum(message)
	return slices.Concat(magic, message, sum[:])
}

func all(data []byte) (items []item, ok bool) {
	ok = Deaggregate(data, func(key string, data []byte) {
		items = append(items, item{key, string(data)})
	})
	return items, ok
}

func TestDeaggregate(t *testing.T) {
	whole := aggregate(item{"a", "one"}, item{"b", ""}, item{"ü", "three"})
	record := func(b ...byte) []byte {
		m := protowire.AppendTag(nil, fieldRecord, protowire.BytesType)
		return protowire.AppendBytes(m, b)
	}
	key := protowire.AppendString(protowire.AppendTag(nil, fieldKey, protowire.BytesType), "k")
	flipped := bytes.Clone(whole)
	flipped[10] ^= 1
	for _, tt := range []struct {
		name string
		data []byte
		want string
		ok   bool
	}{
		{"three records", whole, "[a=one b= ü=three]", true},
		{"no records", wrap(nil), "[]", true},
		{"the table after the records", wrap(slices.Concat(record(8, 0, 26, 1, 'x'), key)), "[k=x]", true},
		{"a field not known", wrap(slices.Concat(key, []byte{0x50, 7}, record(8, 0, 26, 1, 'x'))), "[k=x]", true},
		{"empty", nil, "[]", false},
		{"the first bytes alone", magic, "[]", false},
		{"plain", []byte("hello, world; hello, world"), "[]", false},
		{"a flipped bit", flipped, "[]", false},
		{"cut", whole[:len(whole)-1], "[]", false},
		{"a key that is not in the table", wrap(slices.Concat(key, record(8, 1, 26, 1, 'x'))), "[]", false},
		{"a record without data", wrap(slices.Concat(key, record(8, 0))), "[]", false},
		{"a record without a key", wrap(slices.Concat(key, record(26, 1, 'x'))), "[]", false},
		{"data of another type", wrap(slices.Concat(key, record(8, 0, 24, 1))), "[]", false},
		{"records of another type", wrap([]byte{24, 1}), "[]", false},
		{"no protocol buffers", wrap([]byte("hello")), "[]", false},
		{"a good record before a bad one", wrap(slices.Concat(key, record(8, 0, 26, 1, 'x'), record(8))), "[]", false},
	} {
		got, ok := all(tt.data)
		if fmt.Sprint(got) != tt.want || ok != tt.ok {
			t.Errorf("%s: %v, %t; want %s, %t", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}

func FuzzDeaggregate(f *testing.F) {
	f.Add(aggregate(item{"a", "one"}, item{"b", ""}))
	f.Add(aggregate())
	f.Add([]byte("plain"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all(data)
		// The checksum keeps a fuzzer away from the message.
		all(wrap(data))
	})
}

func BenchmarkDeaggregate(b *testing.B) {
	items := make([]item, 500)
	for i := range items {
		items[i] = item{fmt.Sprint("key-", i), string(bytes.Repeat([]byte{'x'}, 100))}
	}
	data := aggregate(items...)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		Deaggregate(data, func(string, []byte) {})
	}
}
