package streamsql

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// A snapshot is
//
//	magic "bmss" | version, varint | hash of the plan, text | owner's text | now, varint |
//	for every stream in order: rows that came in, varint | for every operator in order: its state |
//	CRC-32 of everything before, 4 bytes, little endian
//
// with texts behind their lengths and whole numbers as zigzag varints. The hash is one of the
// application's statements, sources and references, as they determine which operators there are.
const (
	snapshotMagic   = "bmss"
	snapshotVersion = 1
	maxSnapshot     = 4 << 30
)

// Snapshot writes the state, with a text of the owner's: where its inputs stand.
func (a *App) Snapshot(w io.Writer, positions []byte) error {
	if a.broken != nil {
		return a.broken
	}
	e := newEncoder(w)
	e.raw(snapshotMagic)
	e.int(snapshotVersion)
	e.str(a.plan.hash)
	e.str(string(positions))
	e.bool(a.started)
	e.int(a.rt.now)
	for _, s := range a.b.order {
		e.int(int64(s.count))
	}
	for _, o := range a.rt.operators {
		o.save(e)
	}
	return e.close()
}

// Restore gives a new App the state of a snapshot and returns the owner's text. After an error the
// App is not to be used: ErrSnapshot, ErrOtherPlan or ErrStateLimit.
func (a *App) Restore(r io.Reader) (positions []byte, err error) {
	if a.started {
		return nil, fmt.Errorf("%w: the App has run already", ErrSnapshot)
	}
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(r, maxSnapshot))
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(stateFull); !ok {
				panic(r)
			}
			err = fmt.Errorf("%w of %d bytes", ErrStateLimit, a.rt.limit)
		}
		if err != nil {
			a.broken = err
		}
	}()
	b := buf.Bytes()
	if n < int64(len(snapshotMagic))+4 || string(b[:len(snapshotMagic)]) != snapshotMagic {
		return nil, fmt.Errorf("%w: it does not begin as one", ErrSnapshot)
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.ChecksumIEEE(body) != sum {
		return nil, fmt.Errorf("%w: the checksum is another", ErrSnapshot)
	}
	d := &decoder{b: body[len(snapshotMagic):]}
	if v := d.int(); v != snapshotVersion || d.bad {
		return nil, fmt.Errorf("%w: version %d is not known", ErrSnapshot, v)
	}
	if d.str() != a.plan.hash {
		return nil, ErrOtherPlan
	}
	return a.load(d)
}

// load reads what follows the plan's hash.
func (a *App) load(d *decoder) ([]byte, error) {
	positions := []byte(d.str())
	a.started = d.bool()
	a.rt.now = d.int()
	for _, s := range a.b.order {
		s.count = uint64(d.int())
	}
	for _, o := range a.rt.operators {
		if o.load(d); d.bad {
			return nil, fmt.Errorf("%w: it ends early", ErrSnapshot)
		}
	}
	if d.bad || len(d.b) > 0 {
		return nil, fmt.Errorf("%w: its length is another", ErrSnapshot)
	}
	return positions, nil
}
