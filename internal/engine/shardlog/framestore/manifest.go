package framestore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// # The manifest
//
// A store that was closed leaves a list of its packs beside them, in the file manifest. The next Open removes it before it
// changes anything, so one that is there tells which packs there have to be. After a kill there is none: that a number
// between others is missing is usual then, its pack was compacted.
//
// Repair gives up the packs that are missing. Where the shards ended that the store had, which the manifest knows, it
// writes to the file ends, so that no sequence is given out again. That file goes when all shards are beyond.
//
// Both files are JSON behind a line with its CRC-32C in hexadecimal digits.

const (
	manifestName = "manifest"
	endsName     = "ends"
)

// ErrChanged is what Open returns, with each file, when the packs are not those that the store had when it was closed.
// It has changed nothing then. Repair gives up what is missing.
var ErrChanged = errors.New("framestore: packs are missing or were changed since the store was closed")

type manifest struct {
	Number uint64         `json:"number"` // no pack had a higher one
	Packs  []manifestPack `json:"packs"`
	Ends   ends           `json:"ends"`
}

type manifestPack struct {
	File string `json:"file"`
	ID   uint64 `json:"id"`
	Size int64  `json:"size"` // up to where it is durable, its entries at least
}

// ends are the last sequences of shards.
type ends map[uint64]uint64

// writeManifest is called when all packs are durable. Callers hold mu and syncing.
func (s *Store) writeManifest() error {
	m := manifest{Number: s.number, Ends: make(ends, len(s.shards))}
	for _, p := range s.packs {
		if p == nil {
			continue
		}
		size := p.synced // what is behind that in a pack that was suspect need not be on the disk
		if p.end == 0 {  // it was loaded with a footer
			size = p.footer.at
		}
		m.Packs = append(m.Packs, manifestPack{filepath.Base(p.path), p.id, size})
	}
	for id, sh := range s.shards {
		if sh.last > 0 {
			m.Ends[id] = sh.last
		}
	}
	return writeChecked(s.dir, manifestName, m, s.disk)
}

// writeChecked writes a file at once, and durably.
func writeChecked(dir, name string, v any, d disk) (err error) {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err = fmt.Fprintf(f, "%08x\n", crc32.Checksum(body, castagnoli)); err == nil {
		_, err = f.Write(body)
	}
	if err == nil {
		err = d.sync(f)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(path+".tmp", path)
	}
	if err != nil {
		os.Remove(path + ".tmp")
		return err
	}
	return d.syncDir(dir)
}

// errChecksum is of a file whose first line does not match the rest.
var errChecksum = errors.New("its checksum does not match")

// readChecked reports whether there is such a file.
func readChecked(dir, name string, v any) (bool, error) {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	sum, body, ok := bytes.Cut(data, []byte("\n"))
	if !ok || string(sum) != fmt.Sprintf("%08x", crc32.Checksum(body, castagnoli)) || json.Unmarshal(body, v) != nil {
		return false, errChecksum
	}
	return true, nil
}

// removeDurably removes a file that may be there.
func removeDurably(dir, name string, d disk) error {
	err := os.Remove(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.syncDir(dir)
}

// begin holds the packs against the manifest, if there is one, and removes it.
func (s *Store) begin() error {
	changed, err := compare(s.dir)
	if err != nil {
		return fmt.Errorf("framestore: %w", err)
	}
	var all error
	for _, c := range changed {
		all = errors.Join(all, fmt.Errorf("%s: %s", filepath.Join(s.dir, c.file), c.what))
	}
	if all != nil {
		return fmt.Errorf("%w:\n%w", ErrChanged, all)
	}
	if err := removeDurably(s.dir, manifestName, s.disk); err != nil {
		return fmt.Errorf("framestore: %w", err)
	}
	return nil
}

// change is a file that is not what the manifest says.
type change struct {
	file, what string
	aside      bool // it is none of the store's packs, and has to go
}

// compare holds the files of a directory against its manifest, and changes nothing.
func compare(dir string) (changed []change, err error) {
	var m manifest
	there, err := readChecked(dir, manifestName, &m)
	if errors.Is(err, errChecksum) {
		return []change{{manifestName, "the list of packs cannot be read: " + err.Error(), false}}, nil
	}
	if err != nil || !there {
		return nil, err
	}
	for _, p := range m.Packs {
		what, other, err := p.compare(dir)
		if err != nil {
			return nil, err
		}
		if what != "" {
			changed = append(changed, change{p.File, what, other})
		}
	}
	files, err := list(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.number > m.Number && f.suffix != damagedName {
			changed = append(changed, change{filepath.Base(f.path), "the file was not there", true})
		}
	}
	return changed, nil
}

// compare tells what is wrong with a pack, and whether the file is another one.
func (p manifestPack) compare(dir string) (what string, other bool, err error) {
	f, err := os.Open(filepath.Join(dir, filepath.Base(p.File)))
	if errors.Is(err, fs.ErrNotExist) {
		return "the file is missing", false, nil
	}
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", false, err
	}
	header := make([]byte, packHeader)
	if _, err := f.ReadAt(header, 0); err != nil && !errors.Is(err, io.EOF) {
		return "", false, err
	}
	// What has no header is known by its footer, if it is.
	if id, ok := parsePackHeader(header, packNumber(p.File)); ok && id != p.ID {
		return "it is another file", true, nil
	}
	// The footer need not be durable, nor what fills up the last entry.
	if align(info.Size()) < p.Size {
		return fmt.Sprintf("the file has %d bytes, it had at least %d", info.Size(), p.Size), false, nil
	}
	return "", false, nil
}

// loadEnds has the shards go on behind where they ended before a repair.
func (s *Store) loadEnds() error {
	var e ends
	if _, err := readChecked(s.dir, endsName, &e); err != nil {
		return fmt.Errorf("framestore: read %s: %w", filepath.Join(s.dir, endsName), err)
	}
	for id, last := range e {
		if last >= maxSequence {
			return fmt.Errorf("framestore: read %s: sequence %d is out of range", filepath.Join(s.dir, endsName), last)
		}
		sh := s.shards[id]
		if sh == nil {
			sh = &shard{}
			s.shards[id] = sh
		}
		if sh.last < last {
			sh.last = last
			s.short = append(s.short, id)
		}
	}
	s.ends = e != nil
	return nil
}

// dropEnds removes the file, when no shard needs it. Callers hold mu.
func (s *Store) dropEnds() {
	for _, id := range s.short {
		if s.shards[id] != nil {
			return
		}
	}
	if s.ends {
		if err := removeDurably(s.dir, endsName, s.disk); err != nil {
			s.report(fmt.Errorf("framestore: %w", err))
		}
	}
	s.ends, s.short = false, nil
}

// Repair accepts that packs are missing or were changed, so that Open takes the rest. The manifest, and the files that
// are other ones, are kept in the folder saved. Where a shard has lost its end, it goes on behind that. No Store
// may have the directory.
func Repair(dir, saved string) error {
	changed, err := compare(dir)
	if err != nil || len(changed) == 0 {
		return err
	}
	if err := os.MkdirAll(saved, 0o700); err != nil {
		return err
	}
	if err := keepCopy(saved, filepath.Join(dir, manifestName)); err != nil {
		return err
	}
	d := disk{}.orDefault()
	var m manifest
	if there, err := readChecked(dir, manifestName, &m); err != nil && !errors.Is(err, errChecksum) {
		return err
	} else if there {
		before := ends{}
		if _, err := readChecked(dir, endsName, &before); err != nil {
			return err
		}
		for id, last := range m.Ends {
			before[id] = max(before[id], last)
		}
		if err := writeChecked(dir, endsName, before, d); err != nil {
			return err
		}
	}
	for _, c := range changed {
		if !c.aside {
			continue
		}
		path := filepath.Join(dir, filepath.Base(c.file))
		if err := keepCopy(saved, path); err != nil {
			return err
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return removeDurably(dir, manifestName, d)
}

// keepCopy copies a file to a folder, durably.
func keepCopy(folder, path string) error {
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(filepath.Join(folder, filepath.Base(path)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err == nil {
		err = to.Sync()
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return err
	}
	return syncDir(folder)
}
