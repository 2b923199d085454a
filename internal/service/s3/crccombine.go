package s3

import (
	"encoding/base64"
	"encoding/binary"
)

// The CRC of two pieces in a row is made of those of the pieces and the length of the second:
// that of the first is moved on by as many zero bytes, by multiplication in GF(2).

type crcKind struct {
	bits int
	poly uint64 // reflected
}

var crcKinds = map[string]crcKind{
	"CRC32":     {32, 0xEDB88320},
	"CRC32C":    {32, 0x82F63B78},
	"CRC64NVME": {64, 0x9A6C9329AC4BC9B5},
}

// combineCRC returns the CRC of a and b in a row, in base64 as they are; false if they are none.
func combineCRC(algorithm, a, b string, length int64) (string, bool) {
	k, ok := crcKinds[algorithm]
	if !ok {
		return "", false
	}
	x, xok := k.decode(a)
	y, yok := k.decode(b)
	if !xok || !yok {
		return "", false
	}
	return k.encode(k.shift(x, length) ^ y), true
}

func (k crcKind) decode(s string) (uint64, bool) {
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(raw)*8 != k.bits {
		return 0, false
	}
	if k.bits == 32 {
		return uint64(binary.BigEndian.Uint32(raw)), true
	}
	return binary.BigEndian.Uint64(raw), true
}

func (k crcKind) encode(v uint64) string {
	if k.bits == 32 {
		return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, uint32(v)))
	}
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, v))
}

// shift moves a CRC on by n zero bytes.
func (k crcKind) shift(crc uint64, n int64) uint64 {
	if n <= 0 {
		return crc
	}
	var odd, even [64]uint64
	odd[0] = k.poly // one zero bit
	row := uint64(1)
	for i := 1; i < k.bits; i++ {
		odd[i] = row
		row <<= 1
	}
	square := func(to, m *[64]uint64) {
		for i := range k.bits {
			to[i] = times(m, m[i])
		}
	}
	square(&even, &odd) // two bits
	square(&odd, &even) // four
	for {
		square(&even, &odd)
		if n&1 != 0 {
			crc = times(&even, crc)
		}
		if n >>= 1; n == 0 {
			return crc
		}
		square(&odd, &even)
		if n&1 != 0 {
			crc = times(&odd, crc)
		}
		if n >>= 1; n == 0 {
			return crc
		}
	}
}

func times(m *[64]uint64, v uint64) (sum uint64) {
	for i := 0; v != 0; i, v = i+1, v>>1 {
		if v&1 != 0 {
			sum ^= m[i]
		}
	}
	return sum
}
