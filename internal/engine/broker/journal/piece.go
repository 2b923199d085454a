package journal

import "strconv"

// An entry of a journal of appends is a piece of a message: what was appended to a stream and
// is to become part of the message of a sequence, with others before and after it. Its
// sequence is that of the message, times 2^20, plus the index of its first record in it.

// PieceBits are the bits of the index.
const PieceBits = 20

// MadeKey is where the metadata of a stream says by which number it is told from others of
// its name in a journal of appends.
const MadeKey = "made"

// PieceSeq is the sequence of the entry of a piece.
func PieceSeq(message uint64, index uint32) uint64 { return message<<PieceBits | uint64(index) }

// Piece is the message and the index that the sequence of an entry names.
func Piece(seq uint64) (message uint64, index uint32) {
	return seq >> PieceBits, uint32(seq & (1<<PieceBits - 1))
}

// Made is the number of the metadata: 0 without one.
func Made(value string) int64 {
	n, _ := strconv.ParseUint(value, 36, 64)
	return int64(n)
}
