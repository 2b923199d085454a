package delivery

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// An ObjectID is what makes an object's name its own. It is derived from what the object
// holds, so that the same object made again has the same name.
type ObjectID [16]byte

// NewObjectID derives an id from the parts of a seed. The order and the bounds of the
// parts count.
func NewObjectID(seed ...string) (id ObjectID) {
	h := sha256.New()
	var n [8]byte
	for _, s := range seed {
		binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	copy(id[:], h.Sum(nil))
	id[6] = id[6]&0x0f | 0x40 // the form of a random UUID
	id[8] = id[8]&0x3f | 0x80
	return id
}

// Seed is a number derived from the id, for the random strings of the object's prefix.
func (id ObjectID) Seed() uint64 { return binary.LittleEndian.Uint64(id[:]) }

// Append appends the id in the form of a UUID.
func (id ObjectID) Append(dst []byte) []byte {
	for i, part := range [5][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}

func (id ObjectID) String() string { return string(id.Append(nil)) }
