package framestore

import (
	"bytes"
	"cmp"
	"io"
	"slices"
)

const scanWindow = 1 << 20

// scanned is an entry that counts.
type scanned struct {
	shard, seq uint64
	ref        ref
}

// scan finds the entries of a file that are whole. Behind anything else it goes on at the next valid header.
func scan(r io.ReaderAt, size int64, id uint64, verify func(uint64, []byte) error) ([]scanned, error) {
	size = min(size, maxPack)
	var (
		all  []scanned
		buf  []byte
		base int64 // where buf begins, aligned
	)
	fill := func(offset, need int64) error {
		if offset >= base && offset+need <= base+int64(len(buf)) {
			return nil
		}
		n := min(max(need, scanWindow), size-offset)
		if int64(cap(buf)) < n {
			buf = make([]byte, n)
		}
		base, buf = offset, buf[:n]
		_, err := r.ReadAt(buf, offset)
		return err
	}
	for at := int64(packHeader); at+entryHeader <= size; {
		if err := fill(at, entryHeader); err != nil {
			return nil, err
		}
		if e, ok := parseEntry(buf[at-base:], id, at); ok && int64(e.length) <= size-at-entryHeader {
			need := entryHeader + int64(e.length)
			if err := fill(at, need); err != nil {
				return nil, err
			}
			b := buf[at-base:]
			if verify(e.seq, b[entryHeader:need:need]) == nil {
				all = append(all, scanned{e.shard, e.seq, ref{uint32(at / alignment), e.length, e.ms}})
				at += align(need)
				continue
			}
		}
		at, _ = nextMagic(buf, base, at+alignment)
	}
	return all, nil
}

// nextMagic returns the next aligned offset, from at on, where the magic of an entry stands in buf, which begins at base.
// If there is none, it returns where to go on.
func nextMagic(buf []byte, base, at int64) (next int64, found bool) {
	for at-base < int64(len(buf)) {
		i := bytes.Index(buf[at-base:], []byte(entryMagic))
		if i < 0 {
			break
		}
		at += int64(i)
		if at%alignment == 0 {
			return at, true
		}
		at = align(at)
	}
	return max(at, base+int64(len(buf))&^(alignment-1)), false
}

// openRuns makes runs of entries. Of two with the same shard and sequence the later one counts.
func openRuns(all []scanned) []*openRun {
	slices.SortFunc(all, func(a, b scanned) int {
		return cmp.Or(cmp.Compare(a.shard, b.shard), cmp.Compare(a.seq, b.seq), cmp.Compare(a.ref.at, b.ref.at))
	})
	var list []*openRun
	var last *openRun
	for i, e := range all {
		if i+1 < len(all) && all[i+1].shard == e.shard && all[i+1].seq == e.seq {
			continue
		}
		if last == nil || last.shard != e.shard || last.first+uint64(len(last.refs)) != e.seq {
			last = &openRun{shard: e.shard, first: e.seq}
			list = append(list, last)
		}
		last.refs = append(last.refs, e.ref)
	}
	return list
}

// hasMagic reports whether something that may have been an entry stands in a file whose pack's id is not known.
func hasMagic(r io.ReaderAt, size int64) (bool, error) {
	buf := make([]byte, min(scanWindow, max(size, 1)))
	for base := int64(0); base < size; base += int64(len(buf)) {
		buf = buf[:min(int64(len(buf)), size-base)]
		if _, err := r.ReadAt(buf, base); err != nil {
			return false, err
		}
		if _, found := nextMagic(buf, base, base); found {
			return true, nil
		}
	}
	return false, nil
}
