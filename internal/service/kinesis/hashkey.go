package kinesis

import (
	"cmp"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"math/big"
	"math/bits"
)

// A hashKey is a place in a stream's space of hash keys, 0 to 2^128-1. In documents and
// on the wire it is a decimal number.
type hashKey struct{ hi, lo uint64 }

var maxHashKey = hashKey{^uint64(0), ^uint64(0)}

var errHashKey = errors.New("kinesis: hash key is not a decimal number below 2^128")

// hashOf is the hash key of a partition key: its MD5, read as a big-endian number.
func hashOf(partitionKey []byte) hashKey {
	sum := md5.Sum(partitionKey)
	return hashKey{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:])}
}

func (k hashKey) compare(l hashKey) int {
	if c := cmp.Compare(k.hi, l.hi); c != 0 {
		return c
	}
	return cmp.Compare(k.lo, l.lo)
}

// next is k+1; the successor of the last key is 0.
func (k hashKey) next() hashKey {
	lo, carry := bits.Add64(k.lo, 1, 0)
	return hashKey{k.hi + carry, lo}
}

func (k hashKey) prev() hashKey {
	lo, borrow := bits.Sub64(k.lo, 1, 0)
	return hashKey{k.hi - borrow, lo}
}

// distance is how far two keys lie apart.
func distance(k, l hashKey) hashKey {
	if k.compare(l) < 0 {
		k, l = l, k
	}
	lo, borrow := bits.Sub64(k.lo, l.lo, 0)
	return hashKey{k.hi - l.hi - borrow, lo}
}

func (k hashKey) String() string {
	n := new(big.Int).SetUint64(k.hi)
	return n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(k.lo)).String()
}

func (k hashKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

func (k *hashKey) UnmarshalText(b []byte) error {
	l, err := parseHashKey(b)
	*k = l
	return err
}

// parseHashKey reads a decimal number without sign or leading zeros.
func parseHashKey[T string | []byte](s T) (hashKey, error) {
	if len(s) == 0 || len(s) > 39 || (s[0] == '0' && len(s) > 1) {
		return hashKey{}, errHashKey
	}
	var k hashKey
	for i := range len(s) {
		d := uint64(s[i] - '0')
		if d > 9 {
			return hashKey{}, errHashKey
		}
		over, lo := bits.Mul64(k.lo, 10)
		top, hi := bits.Mul64(k.hi, 10)
		lo, c0 := bits.Add64(lo, d, 0)
		hi, c1 := bits.Add64(hi, over, c0)
		if top != 0 || c1 != 0 {
			return hashKey{}, errHashKey
		}
		k = hashKey{hi, lo}
	}
	return k, nil
}

// A hashRange is the part of the hash keys that a shard takes, both ends included.
type hashRange struct {
	Start hashKey `json:"start"`
	End   hashKey `json:"end"`
}

// evenRanges cuts the space of hash keys into n ranges of one size, as CreateStream and
// UpdateShardCount do; the last also takes what the division leaves.
func evenRanges(n int) []hashRange {
	step := new(big.Int).Lsh(big.NewInt(1), 128)
	step.Div(step, big.NewInt(int64(n)))
	ranges := make([]hashRange, n)
	at := new(big.Int)
	mask := new(big.Int).SetUint64(^uint64(0))
	for i := range ranges {
		ranges[i].Start = hashKey{new(big.Int).Rsh(at, 64).Uint64(), new(big.Int).And(at, mask).Uint64()}
		if i > 0 {
			ranges[i-1].End = ranges[i].Start.prev()
		}
		at.Add(at, step)
	}
	ranges[n-1].End = maxHashKey
	return ranges
}
