package columnar

import (
	"math/bits"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// addDecimal rounds a number half up to the scale of the type. It is refused if more
// digits are left of the point than the type has.
func (l *leaf) addDecimal(t *hivetype.Type, s []byte) string {
	hi, lo, ok := scaled(s, t.Precision, t.Scale)
	if !ok {
		if _, number := javaDouble(s); number {
			return outOfRange(s, t)
		}
		return forInput(s)
	}
	var be [16]byte
	for i := range 8 {
		be[7-i] = byte(hi >> (8 * i))
		be[15-i] = byte(lo >> (8 * i))
	}
	l.bytes = append(l.bytes, be[16-l.length:]...)
	return ""
}

// scaled reads a number and returns it times ten to the scale, in two's complement.
func scaled(s []byte, precision, scale int) (hi, lo uint64, ok bool) {
	i, neg := 0, false
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		neg = s[i] == '-'
		i++
	}
	start, point, end := i, -1, len(s)
	exp := 0
	digits := 0
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c-'0' <= 9:
			digits++
			continue
		case c == '.' && point < 0:
			point = i
			continue
		case c|0x20 == 'e':
			var fine bool
			if exp, fine = exponent(s[i+1:]); !fine {
				return 0, 0, false
			}
			end = i
		default:
			return 0, 0, false
		}
		break
	}
	if digits == 0 {
		return 0, 0, false
	}
	// place is the power of ten of the digit at hand, counted from the last that is kept.
	place := scale + exp - 1
	if point < 0 {
		place += end - start
	} else {
		place += point - start
	}
	kept := 0
	for i = start; i < end; i++ {
		c := s[i]
		if c == '.' {
			continue
		}
		if place < 0 {
			if place == -1 && c >= '5' {
				if lo++; lo == 0 {
					hi++
				}
			}
			break
		}
		if kept > 0 || c != '0' {
			if kept++; kept > precision {
				return 0, 0, false
			}
			hi, lo = times10(hi, lo, uint64(c-'0'))
		}
		place--
	}
	if hi|lo != 0 && kept > 0 {
		for ; place >= 0; place-- {
			if kept++; kept > precision {
				return 0, 0, false
			}
			hi, lo = times10(hi, lo, 0)
		}
	}
	if maxHi, maxLo := power10(precision); hi > maxHi || hi == maxHi && lo >= maxLo {
		return 0, 0, false // rounded up to one digit more
	}
	if neg {
		lo = -lo
		hi = ^hi
		if lo == 0 {
			hi++
		}
	}
	return hi, lo, true
}

func exponent(s []byte) (int, bool) {
	i, neg := 0, false
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		neg = s[i] == '-'
		i++
	}
	if i == len(s) {
		return 0, false
	}
	n := 0
	for ; i < len(s); i++ {
		if s[i]-'0' > 9 {
			return 0, false
		}
		if n < 1<<30 { // far beyond what any scale reaches
			n = n*10 + int(s[i]-'0')
		}
	}
	if neg {
		n = -n
	}
	return n, true
}

func times10(hi, lo, add uint64) (uint64, uint64) {
	carry, low := bits.Mul64(lo, 10)
	low, c := bits.Add64(low, add, 0)
	return hi*10 + carry + c, low
}

func power10(n int) (hi, lo uint64) {
	lo = 1
	for range n {
		hi, lo = times10(hi, lo, 0)
	}
	return hi, lo
}

// bitsDiv divides by 10^9, which hi is less than.
func bitsDiv(hi, lo uint64) (quo, rem uint64) { return bits.Div64(hi, lo, 1e9) }
