package shardlog

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/brookmere/brookmere/internal/engine/broker/journal"
	"github.com/brookmere/brookmere/internal/engine/broker/storeindex"
)

const (
	streamPrefix  = "shard-"
	subjectPrefix = "shardlog."
	nameKey       = "shard"         // of the stream's metadata: the shard's name
	floorKey      = "first"         // of the stream's metadata: frames before it are gone, 0 when missing
	makerKey      = journal.MadeKey // of the stream's metadata: tells this creation of the shard from every other
	maxName       = 512
	maxStreamName = 200 // the server takes 255 bytes, and makes it a directory's name
)

func checkName(name string) error {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		return fmt.Errorf("%w: %q", ErrName, name)
	}
	return nil
}

// streamName is the stream of a shard: lower-case letters, digits and '-' as they are,
// other bytes as '=' and two hexadecimal digits. So names that differ in case alone
// differ as directories everywhere. The end of a long one is replaced by a hash.
func streamName(shard string) string {
	var b strings.Builder
	b.WriteString(streamPrefix)
	for i := range len(shard) {
		c := shard[i]
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02x", c)
		}
	}
	s := b.String()
	if len(s) > maxStreamName {
		sum := sha256.Sum256([]byte(shard))
		s = s[:maxStreamName-66] + "==" + hex.EncodeToString(sum[:])
	}
	return s
}

// shardName is the shard of a stream, whose name streamName gave; ok is false where that does not tell it.
func shardName(stream string) (name string, ok bool) {
	text, ok := strings.CutPrefix(stream, streamPrefix)
	if !ok {
		return "", false
	}
	b := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '=' {
			if i+2 >= len(text) {
				return "", false
			}
			n, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
			if err != nil { // the hash of a long one
				return "", false
			}
			c = byte(n)
			i += 2
		}
		b = append(b, c)
	}
	return string(b), true
}

func (s *Shard) config(maxAge time.Duration, floor uint64) jetstream.StreamConfig {
	meta := map[string]string{nameKey: s.name}
	if s.maker != "" {
		meta[makerKey] = s.maker
	}
	if floor > 0 {
		meta[floorKey] = strconv.FormatUint(floor, 10)
	}
	return jetstream.StreamConfig{
		Name:        s.stream,
		Subjects:    []string{s.subject},
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardNew,
		MaxAge:      maxAge,
		Replicas:    s.log.broker.Replicas(),
		AllowDirect: true,
		// The server holds in memory what it has written to the file that it appends to. With a limit
		// of this kind, such a file has 4 MiB and not 8.
		MaxMsgsPerSubject: storeindex.NoLimit,
		// Frames have no message ids, and at its start the server reads all messages of this
		// window to find them. It is the shortest that there is.
		Duplicates: 100 * time.Millisecond,
		Metadata:   meta,
	}
}

func randomStamp() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}
