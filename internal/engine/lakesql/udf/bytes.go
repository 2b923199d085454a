package udf

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// The Go side of binary functions.

func newHash(name string) func() hash.Hash {
	return map[string]func() hash.Hash{"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}[name]
}

func digest(name string, b []byte) (any, error) {
	if name == "xxhash64" {
		return binary.BigEndian.AppendUint64(nil, xxhash.Sum64(b)), nil
	}
	h := newHash(name)()
	h.Write(b)
	return h.Sum(nil), nil
}

func mac(name string, b, key []byte) (any, error) {
	h := hmac.New(newHash(name), key)
	h.Write(b)
	return h.Sum(nil), nil
}

func crc(b []byte) any { return int64(crc32.ChecksumIEEE(b)) }

func substrBytes(b []byte, start, length int64) []byte {
	n := int64(len(b))
	if start < 0 {
		start = n + start + 1
	}
	if start < 1 || start > n || length <= 0 {
		return []byte{}
	}
	return b[start-1 : min(n, start-1+min(length, n))]
}

func decodeText(encoding, s string) (any, error) {
	var b []byte
	var err error
	switch encoding {
	case "hex":
		b, err = hex.DecodeString(s)
	case "base32":
		b, err = base32.StdEncoding.DecodeString(s)
	case "base64url":
		if b, err = base64.URLEncoding.DecodeString(s); err != nil {
			b, err = base64.RawURLEncoding.DecodeString(s)
		}
	default:
		if b, err = base64.StdEncoding.DecodeString(s); err != nil {
			b, err = base64.RawStdEncoding.DecodeString(s)
		}
	}
	if err != nil {
		return nil, argumentError("%v", err)
	}
	return b, nil
}

func encodeBytes(encoding string, b []byte) (any, error) {
	switch encoding {
	case "base32":
		return base32.StdEncoding.EncodeToString(b), nil
	case "base64url":
		return base64.URLEncoding.EncodeToString(b), nil
	}
	return base64.StdEncoding.EncodeToString(b), nil
}

func pack(form string, n int64) (any, error) {
	if form == "32" {
		return binary.BigEndian.AppendUint32(nil, uint32(n)), nil
	}
	return binary.BigEndian.AppendUint64(nil, uint64(n)), nil
}

func packFloat(form string, f float64) (any, error) {
	if form == "32" {
		return binary.BigEndian.AppendUint32(nil, math.Float32bits(float32(f))), nil
	}
	return binary.BigEndian.AppendUint64(nil, math.Float64bits(f)), nil
}

func unpack(form string, b []byte) (any, error) {
	if form == "32" {
		if len(b) != 4 {
			return nil, argumentError("expected 4-byte input, but got instead: %d", len(b))
		}
		return int64(int32(binary.BigEndian.Uint32(b))), nil
	}
	if len(b) != 8 {
		return nil, argumentError("expected 8-byte input, but got instead: %d", len(b))
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}

func unpackFloat(form string, b []byte) (any, error) {
	if form == "32" {
		if len(b) != 4 {
			return nil, argumentError("Input floating-point value must be exactly 4 bytes long")
		}
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b))), nil
	}
	if len(b) != 8 {
		return nil, argumentError("Input floating-point value must be exactly 8 bytes long")
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
}

// scientific writes a number as Trino's cast to varchar does: 1.5E0.
func scientific(f float64, size int) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 0):
		return map[bool]string{true: "Infinity", false: "-Infinity"}[f > 0]
	case f == 0:
		return map[bool]string{true: "-0E0", false: "0E0"}[math.Signbit(f)]
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, size), "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, _ := strconv.Atoi(exponent)
	return mantissa + "E" + strconv.Itoa(n)
}

// shift moves the bits of a number of a size.
func shift(kind string, v, n, size int64) (any, error) {
	if n < 0 {
		return nil, argumentError("Shift must not be negative")
	}
	mask := uint64(math.MaxUint64) >> (64 - size)
	switch kind {
	case ">>":
		return v >> min(n, 63), nil
	case ">>>":
		if n >= size {
			return int64(0), nil
		}
		return signed((uint64(v)&mask)>>n, size), nil
	}
	if n >= size {
		return int64(0), nil
	}
	return signed(uint64(v)<<n&mask, size), nil
}

// signed reads the lowest bits as a number with a sign.
func signed(u uint64, size int64) int64 { return int64(u<<(64-size)) >> (64 - size) }

func bitCount(v, size int64) (any, error) {
	if size < 2 || size > 64 {
		return nil, argumentError("Bits specified in bit_count must be between 2 and 64, got %d", size)
	}
	if signed(uint64(v), size) != v {
		return nil, argumentError("Number must be representable with the bits specified. %d cannot be represented with %d bits", v, size)
	}
	return int64(bits.OnesCount64(uint64(v) & (math.MaxUint64 >> (64 - size)))), nil
}

// padBytes is lpad and rpad of bytes.
func padBytes(side string, b []byte, length int, with []byte) (any, error) {
	if len(with) == 0 {
		return nil, argumentError("Padding bytes must not be empty")
	}
	if length <= len(b) {
		return b[:length:length], nil
	}
	pad := bytes.Repeat(with, (length-len(b))/len(with)+1)[:length-len(b)]
	if side == "lpad" {
		return append(pad, b...), nil
	}
	return append(b[:len(b):len(b)], pad...), nil
}
