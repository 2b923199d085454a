package broker

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/minio/highwayhash"

	"github.com/brookmere/brookmere/internal/engine/broker/storeindex"
)

// repairMeta mends what a kill leaves of streams that were being made or changed, or that a
// write failed of. The server writes a stream's description, meta.inf, and then its checksum,
// meta.sum; one that does not have the other is left out at a start, with all its messages, and
// a stream recreated in its place does not write the checksum again. A description that can be
// read is whole (it replaces the old one at once), so it gets its checksum.
func repairMeta(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*", "meta.inf"))
	if err != nil {
		return err
	}
	for _, file := range files {
		stream := filepath.Dir(file)
		if err := storeindex.DropFailed(stream); err != nil {
			return fmt.Errorf("broker: %w", err)
		}
		meta, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !json.Valid(meta) {
			continue // empty is made again by the server; what else it is, the server says
		}
		if err != nil {
			return fmt.Errorf("broker: read the description of a stream: %w", err)
		}
		want, err := metaSum(filepath.Base(stream), meta)
		if err != nil {
			return err
		}
		sum := filepath.Join(stream, "meta.sum")
		if got, err := os.ReadFile(sum); err == nil && string(got) == want {
			continue
		}
		if err := os.WriteFile(sum+".tmp", []byte(want), 0o640); err != nil {
			return fmt.Errorf("broker: repair a stream: %w", err)
		}
		if err := os.Rename(sum+".tmp", sum); err != nil {
			return fmt.Errorf("broker: repair a stream: %w", err)
		}
	}
	return nil
}

// metaSum is the checksum of a stream's description.
func metaSum(stream string, meta []byte) (string, error) {
	key := sha256.Sum256([]byte(stream))
	h, err := highwayhash.New64(key[:])
	if err != nil {
		return "", fmt.Errorf("broker: %w", err)
	}
	h.Write(meta)
	return hex.EncodeToString(h.Sum(nil)), nil
}

// index brings the indexes of streams up to date that a kill has left behind, or else the
// server would read all of these streams. It relies on each block but the last being whole,
// as a kill leaves them; what else a loss of power may leave was mended before.
func (b *Broker) index() {
	streams, err := filepath.Glob(filepath.Join(b.opts.Dir, "jetstream", "*", "streams", "*"))
	now := time.Now()
	for _, dir := range streams {
		if _, err = storeindex.Update(dir, now); err != nil {
			break
		}
	}
	if err != nil && b.opts.Logf != nil { // the server manages without
		b.opts.Logf("warn", fmt.Sprintf("start will take longer: %v", err))
	}
}
