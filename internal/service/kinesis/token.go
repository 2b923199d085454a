package kinesis

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Iterators and page tokens are sealed with a key of the node (AES-GCM): a client cannot
// read, change or make one. Both are good for five minutes.
const tokenLife = 5 * time.Minute

// Sealed texts begin as those of Kinesis do, with a version number of eight bytes.
const sealVersion = "\x00\x00\x00\x00\x00\x00\x00\x01"

type sealKey struct {
	Key []byte `json:"key"`
}

// openSeal returns the node's seal; the first node on a store makes its key.
func openSeal(ctx context.Context, keys *state.Collection[sealKey]) (cipher.AEAD, error) {
	k, err := keys.Get("iterator")
	if errors.Is(err, state.ErrNotFound) {
		fresh := &sealKey{Key: make([]byte, 16)}
		rand.Read(fresh.Key)
		if err := keys.Create(ctx, fresh, "iterator"); err != nil && !errors.Is(err, state.ErrExists) {
			return nil, fmt.Errorf("kinesis: storing the key of iterators: %w", err)
		}
		k, err = keys.Get("iterator")
	}
	if err != nil {
		return nil, fmt.Errorf("kinesis: reading the key of iterators: %w", err)
	}
	block, err := aes.NewCipher(k.Key)
	if err != nil {
		return nil, fmt.Errorf("kinesis: the stored key of iterators: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// appendSealed appends the text's sealed form, in base64.
func (s *Service) appendSealed(dst, text []byte) []byte {
	var buf [512]byte
	b := s.seal.Seal(append(buf[:0], sealVersion...), nil, text, []byte(sealVersion))
	return base64.StdEncoding.AppendEncode(dst, b)
}

var errSeal = errors.New("kinesis: not sealed by this node")

func (s *Service) unseal(sealed []byte) ([]byte, error) {
	b, err := base64.StdEncoding.AppendDecode(nil, sealed)
	if err != nil || len(b) < len(sealVersion) || string(b[:len(sealVersion)]) != sealVersion {
		return nil, errSeal
	}
	return s.seal.Open(nil, nil, b[len(sealVersion):], []byte(sealVersion))
}

// iterator is a place in a shard, as a client holds it.
type iterator struct {
	made                          time.Time
	at                            shardlog.Position
	shard                         int
	account, region, name, stream string // stream is the ID
}

const iteratorKind = 'i'

func (s *Service) appendIterator(dst []byte, it iterator) []byte {
	var buf [256]byte
	b := append(buf[:0], iteratorKind)
	b = binary.BigEndian.AppendUint64(b, uint64(it.made.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, it.at.Frame)
	b = binary.BigEndian.AppendUint32(b, it.at.Index)
	b = binary.BigEndian.AppendUint32(b, uint32(it.shard))
	for _, f := range [...]string{it.account, it.region, it.stream, it.name} {
		b = append(append(b, byte(len(f))), f...)
	}
	return s.appendSealed(dst, b)
}

func (s *Service) openIterator(sealed []byte) (iterator, error) {
	// Kinesis takes one in quotes too, as jq prints it.
	b, err := s.unseal(bytes.Trim(sealed, `"`))
	if err != nil {
		return iterator{}, invalid("Invalid ShardIterator.")
	}
	// Past this the node sealed it, so its form is right.
	if len(b) < 25 || b[0] != iteratorKind {
		return iterator{}, invalid("Invalid ShardIterator.")
	}
	it := iterator{
		made:  time.UnixMilli(int64(binary.BigEndian.Uint64(b[1:]))).UTC(),
		at:    shardlog.Position{Frame: binary.BigEndian.Uint64(b[9:]), Index: binary.BigEndian.Uint32(b[17:])},
		shard: int(binary.BigEndian.Uint32(b[21:])),
	}
	b = b[25:]
	for _, f := range []*string{&it.account, &it.region, &it.stream, &it.name} {
		if len(b) == 0 || len(b) < 1+int(b[0]) {
			return iterator{}, invalid("Invalid ShardIterator.")
		}
		*f = string(b[1 : 1+b[0]])
		b = b[1+b[0]:]
	}
	if now := s.now(); now.Sub(it.made) > tokenLife {
		const form = "Mon Jan 02 15:04:05 UTC 2006"
		return iterator{}, &types.ExpiredIteratorException{Message: aws.String(fmt.Sprintf(
			"Iterator expired. The iterator was created at time %s while right now it is %s which is further in the future than the tolerated delay of %d milliseconds.",
			it.made.Format(form), now.Format(form), tokenLife.Milliseconds()))}
	}
	return it, nil
}

// pageToken returns a NextToken of the operation that goes on after the item.
func (s *Service) pageToken(operation, after string) *string {
	b := binary.BigEndian.AppendUint64([]byte{'p'}, uint64(s.now().UnixMilli()))
	b = append(append(b, byte(len(operation))), operation...)
	return aws.String(string(s.appendSealed(nil, append(b, after...))))
}

func (s *Service) openPageToken(operation, token string) (after string, err error) {
	b, err := s.unseal([]byte(token))
	if err != nil || len(b) < 10 || b[0] != 'p' || len(b) < 10+int(b[9]) || string(b[10:10+int(b[9])]) != operation {
		return "", invalid("Invalid NextToken.")
	}
	if s.now().Sub(time.UnixMilli(int64(binary.BigEndian.Uint64(b[1:])))) > tokenLife {
		return "", &types.ExpiredNextTokenException{Message: aws.String("NextToken has expired. It is good for 300 seconds.")}
	}
	return string(b[10+int(b[9]):]), nil
}
