package framestore

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

const (
	trailerMagic = "BMPEND1\n"
	trailerSize  = 48
	footRunSize  = 40
	refSize      = 16
)

// footer says where a sealed pack's runs and refs stand.
type footer struct {
	at         int64 // where the entries end, and the runs begin
	end        int64 // of the file
	runs, refs uint32
}

// ref returns where the ref of an index begins.
func (f footer) ref(i uint32) int64 {
	return f.at + int64(f.runs)*footRunSize + int64(i)*refSize
}

// footRun is a run as the footer has it.
type footRun struct {
	shard, first uint64
	ms           int64
	units        uint32
	count, ref   uint32
}

func (r footRun) put(b []byte) {
	le := binary.LittleEndian
	le.PutUint64(b, r.shard)
	le.PutUint64(b[8:], r.first)
	le.PutUint64(b[16:], uint64(r.ms))
	le.PutUint64(b[24:], uint64(r.units)*alignment)
	le.PutUint32(b[32:], r.count)
	le.PutUint32(b[36:], r.ref)
}

func parseRef(b []byte) ref {
	le := binary.LittleEndian
	return ref{le.Uint32(b), le.Uint32(b[4:]), int64(le.Uint64(b[8:]))}
}

// sealing is an open run as it was when the footer was written.
type sealing struct {
	*openRun
	shard, first uint64
	refs         []ref
	foot         footRun
}

// encodeFooter returns the footer of these runs, which it sorts, for a place in the pack.
func encodeFooter(list []sealing, id, number uint64, at int64) ([]byte, footer) {
	slices.SortFunc(list, func(a, b sealing) int {
		return cmp.Or(cmp.Compare(a.shard, b.shard), cmp.Compare(a.first, b.first))
	})
	f := footer{at: at, runs: uint32(len(list))}
	for i := range list {
		l := &list[i]
		l.foot = footRun{shard: l.shard, first: l.first, count: uint32(len(l.refs)), ref: f.refs}
		l.foot.ms, l.foot.units = summary(l.refs)
		f.refs += uint32(len(l.refs))
	}
	f.end = f.ref(f.refs) + trailerSize
	buf := make([]byte, f.end-at)
	for i, l := range list {
		l.foot.put(buf[i*footRunSize:])
	}
	b := buf[f.ref(0)-at:]
	le := binary.LittleEndian
	for _, l := range list {
		for _, r := range l.refs {
			le.PutUint32(b, r.at)
			le.PutUint32(b[4:], r.length)
			le.PutUint64(b[8:], uint64(r.ms))
			b = b[refSize:]
		}
	}
	copy(b, trailerMagic)
	le.PutUint64(b[8:], id)
	le.PutUint64(b[16:], number)
	le.PutUint64(b[24:], uint64(at))
	le.PutUint32(b[32:], f.runs)
	le.PutUint32(b[36:], f.refs)
	le.PutUint32(b[44:], crc32.Checksum(buf[:len(buf)-4], castagnoli))
	return buf, f
}

// parseTrailer returns what the last bytes of a file say, if the file can hold that.
func parseTrailer(b []byte, number uint64, size int64) (f footer, id uint64, ok bool) {
	le := binary.LittleEndian
	if len(b) != trailerSize || string(b[:8]) != trailerMagic || le.Uint64(b[16:]) != number {
		return f, 0, false
	}
	at := le.Uint64(b[24:])
	f = footer{at: int64(at), end: size, runs: le.Uint32(b[32:]), refs: le.Uint32(b[36:])}
	if at < packHeader || at > maxPack || at%alignment != 0 ||
		f.runs > f.refs || int64(f.refs) > (f.at-packHeader)/entryHeader || f.ref(f.refs)+trailerSize != size {
		return f, 0, false
	}
	return f, le.Uint64(b[8:]), true
}

// readFooter returns the footer of a file that has a valid one, and its runs.
func readFooter(r io.ReaderAt, size int64, number uint64) (f footer, id uint64, runs []footRun, ok bool, err error) {
	if size < packHeader+trailerSize {
		return f, 0, nil, false, nil
	}
	trailer := make([]byte, trailerSize)
	if _, err := r.ReadAt(trailer, size-trailerSize); err != nil {
		return f, 0, nil, false, err
	}
	f, id, ok = parseTrailer(trailer, number, size)
	if !ok {
		return f, 0, nil, false, nil
	}
	const chunk = 1 << 10 // how many runs or refs are read at a time
	buf := make([]byte, chunk*footRunSize)
	crc, next := uint32(0), uint32(0)
	runs = make([]footRun, 0, min(f.runs, 64*chunk))
	le := binary.LittleEndian
	for i := uint32(0); i < f.runs; {
		n := min(f.runs-i, chunk)
		b := buf[:n*footRunSize]
		if _, err := r.ReadAt(b, f.at+int64(i)*footRunSize); err != nil {
			return f, 0, nil, false, err
		}
		crc = crc32.Update(crc, castagnoli, b)
		for ; len(b) > 0; b = b[footRunSize:] {
			one := footRun{le.Uint64(b), le.Uint64(b[8:]), int64(le.Uint64(b[16:])), uint32(le.Uint64(b[24:]) / alignment),
				le.Uint32(b[32:]), le.Uint32(b[36:])}
			if one.ref != next || one.count == 0 || one.count > f.refs-next || le.Uint64(b[24:]) > uint64(f.at) ||
				one.first == 0 || one.first >= maxSequence {
				return f, 0, nil, false, nil
			}
			if k := len(runs); k > 0 {
				if l := runs[k-1]; l.shard > one.shard || l.shard == one.shard && l.first+uint64(l.count) > one.first {
					return f, 0, nil, false, nil
				}
			}
			runs = append(runs, one)
			next += one.count
		}
		i += n
	}
	if next != f.refs {
		return f, 0, nil, false, nil
	}
	for i := uint32(0); i < f.refs; {
		n := min(f.refs-i, chunk)
		b := buf[:n*refSize]
		if _, err := r.ReadAt(b, f.ref(i)); err != nil {
			return f, 0, nil, false, err
		}
		crc = crc32.Update(crc, castagnoli, b)
		for ; len(b) > 0; b = b[refSize:] {
			if !parseRef(b).fits(f.at) {
				return f, 0, nil, false, nil
			}
		}
		i += n
	}
	if crc32.Update(crc, castagnoli, trailer[:trailerSize-4]) != le.Uint32(trailer[trailerSize-4:]) {
		return f, 0, nil, false, nil
	}
	return f, id, runs, true, nil
}

// seal writes the footer of a pack that takes no more, all of which is durable except what the footer leaves
// out, and closes its file. Where nothing is left in it, it is removed instead. The caller holds syncing.
func (s *Store) seal(p *pack) error {
	s.mu.RLock()
	var list []sealing
	for _, o := range p.open {
		if !o.dead {
			list = append(list, sealing{openRun: o, shard: o.shard, first: o.first, refs: o.refs})
		}
	}
	s.mu.RUnlock()
	if len(list) == 0 {
		s.remove(p)
		return nil
	}
	_ = p.file.Truncate(p.end)
	// Where that failed, something that is no entry stands there, and stays.
	info, err := p.file.Stat()
	if err != nil {
		return fmt.Errorf("framestore: %w", err)
	}
	buf, f := encodeFooter(list, p.id, p.number, align(max(p.end, info.Size())))
	if err := s.disk.write(p.file, f.at, buf, nil); err != nil {
		return fmt.Errorf("framestore: %w", err)
	}
	path := p.path
	if p.renamed {
		path = s.path(p.number, packName)
		if err := s.rename(p.path, path); err != nil {
			return err
		}
	}
	s.mu.Lock()
	file := p.file
	p.path, p.file, p.footer, p.open, p.sealed, p.suspect, p.renamed = path, nil, f, nil, true, nil, false
	for _, l := range list {
		o := l.openRun
		if o.dead {
			continue
		}
		k := uint32(o.first - l.first) // forgotten meanwhile
		o.sealed, o.count, o.ms = true, l.foot.count-k, l.foot.ms
		o.ref = l.foot.ref + k
		_, o.units = summary(o.refs)
		o.refs = nil
		if o.pending {
			continue
		}
		sh := s.shards[o.shard]
		sh.runs[sh.at(o.first)].ref = o.ref
	}
	s.mu.Unlock()
	file.Close()
	return nil
}
