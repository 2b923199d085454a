package attr

import "encoding/binary"

// AppendKey appends the key code of a string, number or binary. Other values have none,
// and dst is returned as it is.
func AppendKey(dst []byte, v Value) []byte {
	switch v := v.(type) {
	case String:
		return appendBytesKey(dst, string(v))
	case Binary:
		return appendBytesKey(dst, []byte(v))
	case Number:
		return appendNumberKey(dst, v)
	}
	return dst
}

func appendBytesKey[T string | []byte](dst []byte, s T) []byte {
	from := 0
	for i := range len(s) {
		if s[i] == 0 {
			dst = append(append(dst, s[from:i+1]...), 0xff)
			from = i + 1
		}
	}
	return append(append(dst, s[from:]...), 0, 1)
}

// AppendKeyPrefix appends what the codes of all strings, or binaries, that begin with v
// begin with.
func AppendKeyPrefix(dst []byte, v Value) []byte {
	dst = AppendKey(dst, v)
	return dst[:len(dst)-2]
}

func appendNumberKey(dst []byte, n Number) []byte {
	negative, digits, point := n.parts()
	if digits == "" {
		return append(dst, 0x80)
	}
	sign := byte(0xc0)
	if negative {
		sign = 0x40
	}
	dst = append(dst, sign)
	start := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, uint16(point+0x4000))
	for i := 0; i < len(digits); i += 2 {
		pair := (digits[i] - '0') * 10
		if i+1 < len(digits) {
			pair += digits[i+1] - '0'
		}
		dst = append(dst, pair+1)
	}
	dst = append(dst, 0)
	if negative {
		for i := start; i < len(dst); i++ {
			dst[i] = ^dst[i]
		}
	}
	return dst
}
