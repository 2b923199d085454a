package storeindex

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minio/highwayhash"
)

const (
	indexMagic   = 11
	indexVersion = 4
)

// current reports whether the index knows the last block as it is, which is all that the
// server asks of it. An index of another version is not ours to replace.
func (s *stream) current() (bool, error) {
	index, err := os.ReadFile(filepath.Join(s.dir, indexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("storeindex: %w", err)
	}
	if len(index) >= 2 && index[0] == indexMagic && index[1] != indexVersion {
		return true, nil
	}
	if len(index) < 2+2*checksumSize {
		return false, nil
	}
	f, err := os.Open(s.blocks[len(s.blocks)-1].file)
	if err != nil {
		return false, fmt.Errorf("storeindex: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("storeindex: %w", err)
	}
	var end [checksumSize]byte
	if info.Size() < checksumSize {
		return false, nil
	}
	if _, err := f.ReadAt(end[:], info.Size()-checksumSize); err != nil {
		return false, fmt.Errorf("storeindex: %w", err)
	}
	at := len(index) - 2*checksumSize
	return bytes.Equal(index[at:at+checksumSize], end[:]), nil
}

// write replaces the index. It is not synced: a broken one has no valid checksum.
func (s *stream) write() error {
	index, err := s.encode()
	if err != nil {
		return err
	}
	file := filepath.Join(s.dir, indexFile)
	err = os.WriteFile(file+".tmp", index, 0o600)
	if err == nil {
		err = os.Rename(file+".tmp", file)
	}
	if err != nil {
		os.Remove(file + ".tmp")
		return fmt.Errorf("storeindex: %w", err)
	}
	return nil
}

func (s *stream) encode() ([]byte, error) {
	first, last := s.blocks[0], s.blocks[len(s.blocks)-1]
	messages, size := last.last-first.first+1, uint64(0)
	for _, b := range s.blocks {
		size += b.bytes
	}
	full := last // the last block with messages
	if last.first > last.last {
		full = s.blocks[len(s.blocks)-2]
	}
	b := []byte{indexMagic, indexVersion}
	unsigned := func(values ...uint64) {
		for _, v := range values {
			b = binary.AppendUvarint(b, v)
		}
	}
	signed := func(v int64) { b = binary.AppendVarint(b, v) }

	unsigned(messages, size, first.first)
	signed(first.firstTime)
	unsigned(last.last)
	signed(last.lastTime)

	unsigned(1, uint64(len(s.subject)))
	b = append(b, s.subject...)
	unsigned(messages, uint64(first.number), uint64(full.number))

	unsigned(uint64(len(s.blocks)))
	for _, k := range s.blocks {
		unsigned(uint64(k.number), k.bytes, k.first)
		signed(k.firstTime - first.firstTime)
		unsigned(k.last)
		signed(k.lastTime - first.firstTime)
		unsigned(0, 0, 0)
	}
	unsigned(uint64(last.number))
	b = append(b, s.end[:]...)

	sum, err := indexSum(s.name, b)
	return append(b, sum...), err
}

// indexSum is the checksum of an index.
func indexSum(stream string, index []byte) ([]byte, error) {
	key := sha256.Sum256([]byte(stream))
	hash, err := highwayhash.New64(key[:])
	if err != nil {
		return nil, fmt.Errorf("storeindex: %w", err)
	}
	hash.Write(index)
	return hash.Sum(nil), nil
}
