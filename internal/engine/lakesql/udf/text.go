package udf

import (
	"fmt"
	"math"
	"math/big"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The Go side of text functions.

func normalForm(s, form string) (any, error) {
	switch strings.ToUpper(form) {
	case "NFC":
		return norm.NFC.String(s), nil
	case "NFD":
		return norm.NFD.String(s), nil
	case "NFKC":
		return norm.NFKC.String(s), nil
	case "NFKD":
		return norm.NFKD.String(s), nil
	}
	return nil, argumentError("Normalization form must be one of [NFD, NFC, NFKD, NFKC]")
}

func translateRunes(s, from, to string) string {
	f, t := []rune(from), []rune(to)
	m := make(map[rune]rune, len(f))
	for i, r := range f {
		if _, ok := m[r]; ok {
			continue
		}
		m[r] = -1
		if i < len(t) {
			m[r] = t[i]
		}
	}
	return strings.Map(func(r rune) rune {
		if to, ok := m[r]; ok {
			return to
		}
		return r
	}, s)
}

func levenshtein(a, b []rune) int64 {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			above := row[j+1]
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(cost, above+1, row[j]+1)
			diagonal = above
		}
	}
	return int64(row[len(b)])
}

// nthPosition is the place of the n-th occurrence of a part, from the end if n is negative.
func nthPosition(s, part []rune, n int64) (any, error) {
	if n == 0 {
		return nil, argumentError("'instance' must be a positive or negative number.")
	}
	if len(part) == 0 {
		return int64(1), nil
	}
	at := func(i int) bool {
		for j, r := range part {
			if s[i+j] != r {
				return false
			}
		}
		return true
	}
	last := len(s) - len(part)
	if n > 0 {
		for i := 0; i <= last; i++ {
			if at(i) {
				if n--; n == 0 {
					return int64(i + 1), nil
				}
			}
		}
		return int64(0), nil
	}
	for i := last; i >= 0; i-- {
		if at(i) {
			if n++; n == 0 {
				return int64(i + 1), nil
			}
		}
	}
	return int64(0), nil
}

func soundex(s string) string {
	const codes = "01230120022455012623010202" // of A to Z
	var out []byte
	last := byte('0')
	for _, r := range strings.ToUpper(s) {
		if r < 'A' || r > 'Z' {
			continue
		}
		c := codes[r-'A']
		switch {
		case len(out) == 0:
			out = append(out, byte(r))
		case c != '0' && c != last:
			out = append(out, c)
		}
		if r != 'H' && r != 'W' {
			last = c
		}
		if len(out) == 4 {
			break
		}
	}
	if len(out) == 0 {
		return ""
	}
	for len(out) < 4 {
		out = append(out, '0')
	}
	return string(out)
}

func luhn(s string) (any, error) {
	if s == "" {
		return false, nil
	}
	sum := 0
	for i := range len(s) {
		c := s[len(s)-1-i]
		if c < '0' || c > '9' {
			return nil, argumentError("The input string must only contain digits")
		}
		d := int(c - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0, nil
}

// urlEncode is what forms do: letters, digits and .-*_ stay, a space is a plus.
func urlEncode(s string) string {
	return strings.NewReplacer("~", "%7E", "%2A", "*").Replace(url.QueryEscape(s))
}

func urlDecode(s string) (any, error) {
	out, err := url.QueryUnescape(s)
	if err != nil {
		return nil, argumentError("%v", err)
	}
	return out, nil
}

func checkRadix(radix int64) error {
	if radix < 2 || radix > 36 {
		return argumentError("Radix must be between 2 and 36")
	}
	return nil
}

func fromBase(s string, radix int64) (any, error) {
	if err := checkRadix(radix); err != nil {
		return nil, err
	}
	n, err := strconv.ParseInt(s, int(radix), 64)
	if err != nil || strings.Contains(s, "_") {
		return nil, argumentError("Not a valid base-%d number: %s", radix, s)
	}
	return n, nil
}

func toBase(n, radix int64) (any, error) {
	if err := checkRadix(radix); err != nil {
		return nil, err
	}
	return strconv.FormatInt(n, int(radix)), nil
}

// durationMillis reads "3.81 d": a number and a unit.
func durationMillis(s string) (any, error) {
	number := strings.TrimRightFunc(s, unicode.IsLetter)
	unit := s[len(number):]
	scale, ok := map[string]float64{"ns": 1e-6, "us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4, "h": 3.6e6, "d": 8.64e7}[unit]
	f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || f < 0 {
		return nil, argumentError("duration is not a valid data duration string: %s", s)
	}
	return int64(math.Round(f * scale)), nil
}

func humanSeconds(f float64) string {
	n := int64(math.Round(math.Abs(f)))
	var parts []string
	for _, u := range []struct {
		name    string
		seconds int64
	}{{"week", 604800}, {"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}} {
		k := n / u.seconds
		n %= u.seconds
		if k == 0 && (u.seconds > 1 || len(parts) > 0) {
			continue
		}
		name := u.name
		if k != 1 {
			name += "s"
		}
		parts = append(parts, fmt.Sprintf("%d %s", k, name))
	}
	return strings.Join(parts, ", ")
}

// formatNumber shortens a number to three digits and a unit.
func formatNumber(f float64) string {
	units := []string{"", "K", "M", "B", "T", "Q"}
	i, a := 0, math.Abs(f)
	for a >= 1000 && i < len(units)-1 {
		a /= 1000
		i++
	}
	digits := 2
	switch {
	case a >= 100:
		digits = 0
	case a >= 10:
		digits = 1
	}
	out := strconv.FormatFloat(a, 'f', digits, 64)
	if strings.Contains(out, ".") {
		out = strings.TrimRight(strings.TrimRight(out, "0"), ".")
	}
	if f < 0 {
		out = "-" + out
	}
	return out + units[i]
}

// dataSize reads "2.3MB" as a number of bytes.
func dataSize(s string) (any, error) {
	number := strings.TrimRightFunc(s, unicode.IsLetter)
	at := strings.Index(" B kB MB GB TB PB EB ZB YB ", " "+s[len(number):]+" ")
	r, ok := new(big.Rat).SetString(strings.TrimSpace(number))
	if at < 0 || !ok || len(number) > 50 || strings.ContainsAny(number, "/eE_-") {
		return nil, argumentError("Invalid data size: '%s'", s)
	}
	power := uint(0)
	if at > 0 {
		power = uint((at + 1) / 3)
	}
	r.Mul(r, new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), 10*power)))
	return new(big.Int).Quo(r.Num(), r.Denom()).String(), nil
}

// validText is b as text, with other for each byte that is not of a character.
func validText(b []byte, other string) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n <= 1 {
			out.WriteString(other)
		} else {
			out.Write(b[:n])
		}
		b = b[n:]
	}
	return out.String()
}
