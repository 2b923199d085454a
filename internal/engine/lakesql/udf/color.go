package udf

import (
	"database/sql/driver"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/duckdb/duckdb-go/v2"
)

// Colors of terminals. A color is its text here: the name of one of the system's, or #rrggbb.

var systemColors = []string{"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"}

type rgb [3]uint8

func (c rgb) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// color reads the name of a color or #rgb, whose digits stand for two each.
func color(s string) (string, error) {
	if len(s) == 4 && s[0] == '#' {
		if n, err := strconv.ParseUint(s[1:], 16, 16); err == nil {
			return rgb{uint8(n >> 8 * 17), uint8(n >> 4 & 15 * 17), uint8(n & 15 * 17)}.String(), nil
		}
	}
	if name := strings.ToLower(s); slices.Contains(systemColors, name) {
		return name, nil
	}
	return "", argumentError("Invalid color: '%s'", s)
}

// parts is a color of #rrggbb; one of the system's has none.
func parts(color string) (rgb, bool) {
	if len(color) != 7 || color[0] != '#' {
		return rgb{}, false
	}
	n, err := strconv.ParseUint(color[1:], 16, 32)
	return rgb{uint8(n >> 16), uint8(n >> 8), uint8(n)}, err == nil
}

// hsb is hue, saturation and brightness, each from 0 to 1.
func (c rgb) hsb() (h, s, b float32) {
	most, least := max(c[0], c[1], c[2]), min(c[0], c[1], c[2])
	b = float32(most) / 255
	if most == least {
		return 0, 0, b
	}
	span := float32(most) - float32(least)
	s = span / float32(most)
	off := func(x uint8) float32 { return (float32(most) - float32(x)) / span }
	switch most {
	case c[0]:
		h = off(c[2]) - off(c[1])
	case c[1]:
		h = 2 + off(c[0]) - off(c[2])
	default:
		h = 4 + off(c[1]) - off(c[0])
	}
	if h /= 6; h < 0 {
		h++
	}
	return h, s, b
}

func ofHSB(h, s, b float32) rgb {
	of := func(x float32) uint8 { return uint8(int32(x*255 + 0.5)) }
	if s == 0 {
		return rgb{of(b), of(b), of(b)}
	}
	sector := (h - float32(math.Floor(float64(h)))) * 6
	f := sector - float32(math.Floor(float64(sector)))
	p, q, t := b*(1-s), b*(1-s*f), b*(1-s*(1-f))
	v := [...][3]float32{{b, t, p}, {q, b, p}, {p, b, t}, {p, q, b}, {t, p, b}, {b, p, q}}[int(sector)%6]
	return rgb{of(v[0]), of(v[1]), of(v[2])}
}

// between is the color at a fraction of the way from one to another, by hue, saturation and brightness.
// No fraction is black, as from Java.
func between(fraction float32, low, high rgb) rgb {
	if math.IsNaN(float64(fraction)) {
		return rgb{}
	}
	h0, s0, b0 := low.hsb()
	h1, s1, b1 := high.hsb()
	return ofHSB(fraction*(h1-h0)+h0, fraction*(s1-s0)+s0, fraction*(b1-b0)+b0)
}

// colored is the escape that makes a terminal write in a color.
func colored(color string) string {
	n := slices.Index(systemColors, color)
	if c, ok := parts(color); ok {
		n = 16 + int(c[0])*6/256*36 + int(c[1])*6/256*6 + int(c[2])*6/256
	}
	return "\x1b[38;5;" + strconv.Itoa(n) + "m"
}

const uncolored = "\x1b[0m"

// maxBar bounds the width of a bar, in characters.
const maxBar = 1 << 20

func bar(share float64, width int64, low, high rgb) (any, error) {
	if width > maxBar {
		return nil, argumentError("width must be at most %d", maxBar)
	}
	count := max(0, min(width, int64(int32(max(math.MinInt32, min(math.MaxInt32, share*float64(width)))))))
	if math.IsNaN(share) {
		count = 0
	}
	var b strings.Builder
	for i := range count {
		b.WriteString(colored(between(float32(float64(i)/float64(width-1)), low, high).String()) + "\u2588")
	}
	b.WriteString(uncolored)
	b.WriteString(strings.Repeat(" ", int(max(0, width-count))))
	return b.String(), nil
}

func init() {
	notRGB := argumentError("color is not a valid rgb value")
	udfs["color"] = scalar{in: []duckdb.Type{text}, out: text, f: string1(func(s string) (any, error) {
		c, err := color(s)
		return c, err
	})}
	udfs["color_between"] = scalar{in: []duckdb.Type{real8, text, text}, out: text, f: func(v []driver.Value) (any, error) {
		low, ok := parts(v[1].(string))
		if !ok {
			return nil, argumentError("lowColor not a valid RGB color")
		}
		high, ok := parts(v[2].(string))
		if !ok {
			return nil, argumentError("highColor not a valid RGB color")
		}
		return between(float32(max(0, min(1, v[0].(float64)))), low, high).String(), nil
	}}
	udfs["rgb"] = scalar{in: []duckdb.Type{whole, whole, whole}, out: text, f: func(v []driver.Value) (any, error) {
		var c rgb
		for i, name := range []string{"red", "green", "blue"} {
			n := v[i].(int64)
			if n < 0 || n > 255 {
				return nil, argumentError("%s must be between 0 and 255", name)
			}
			c[i] = uint8(n)
		}
		return c.String(), nil
	}}
	udfs["render"] = scalar{in: []duckdb.Type{text, text}, out: text, f: func(v []driver.Value) (any, error) {
		return colored(v[1].(string)) + v[0].(string) + uncolored, nil
	}}
	udfs["bar"] = scalar{in: []duckdb.Type{real8, whole, text, text}, out: text, f: func(v []driver.Value) (any, error) {
		low, ok := parts(v[2].(string))
		high, ok2 := parts(v[3].(string))
		if !ok || !ok2 {
			return nil, notRGB
		}
		return bar(v[0].(float64), v[1].(int64), low, high)
	}}
}
