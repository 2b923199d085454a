package metricstore

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// ErrCorrupt: a row cannot be read.
var ErrCorrupt = errors.New("metricstore: a row cannot be read")

// maxValues is how many distinct values a distribution keeps.
const maxValues = 512

// Value is a value and how many samples have it.
type Value struct{ V, N float64 }

// Summary is what is known of some samples. The zero Summary is that of none.
type Summary struct {
	Count, Sum, Min, Max float64

	// Values is the distribution, by growing V. It is empty if Opaque.
	Values []Value

	// Opaque: some samples came without their values.
	Opaque bool

	coarse uint // bits of the fraction that AddWithin drops
	last   int  // the value that it added to last
}

// Add adds n samples of a value; n is more than zero.
func (s *Summary) Add(v, n float64) {
	s.Merge(&Summary{Count: n, Sum: v * n, Min: v, Max: v, Values: []Value{{v, n}}})
}

// AddWithin is Add for a summary that keeps at most so many distinct values, at least two. It allocates nothing once there is room
// for them.
func (s *Summary) AddWithin(v, n float64, most int) {
	if s.Count == 0 {
		s.Min, s.Max = v, v
	}
	s.Count += n
	s.Sum += v * n
	s.Min, s.Max = min(s.Min, v), max(s.Max, v)
	if s.Opaque {
		return
	}
	if s.coarse > 0 {
		v = rounded(v, s.coarse)
	}
	if s.last < len(s.Values) && s.Values[s.last].V == v { // most measures are the same again and again
		s.Values[s.last].N += n
		return
	}
	i, found := slices.BinarySearchFunc(s.Values, v, func(a Value, b float64) int { return cmp.Compare(a.V, b) })
	if found {
		s.Values[i].N += n
		s.last = i
		return
	}
	s.Values = slices.Insert(s.Values, i, Value{v, n})
	for len(s.Values) > most && s.coarse < 52 {
		s.coarse = max(s.coarse+1, 52-5)
		out := s.Values[:0]
		for _, x := range s.Values {
			x.V = rounded(x.V, s.coarse)
			if k := len(out) - 1; k >= 0 && out[k].V == x.V {
				out[k].N += x.N
				continue
			}
			out = append(out, x)
		}
		s.Values = out
	}
	if len(s.Values) > most { // beyond one an octave
		s.Values = thinned(s.Values, most)
	}
}

// rounded is v without some bits of its fraction: with five left it is off by less than two percent.
func rounded(v float64, bits uint) float64 {
	half := uint64(1) << (bits - 1)
	return math.Float64frombits((math.Float64bits(v) + half) &^ (half<<1 - 1))
}

// Set is a summary whose values are not known, but where there can be only one.
func Set(count, sum, least, greatest float64) Summary {
	if least == greatest || count == 1 {
		return Summary{Count: count, Sum: sum, Min: least, Max: greatest, Values: []Value{{least, count}}}
	}
	return Summary{Count: count, Sum: sum, Min: least, Max: greatest, Opaque: true}
}

// Merge adds the samples of o, which is not changed.
func (s *Summary) Merge(o *Summary) {
	switch {
	case o.Count == 0:
		return
	case s.Count == 0:
		*s = *o
		s.Values = slices.Clone(o.Values)
		return
	}
	s.Count += o.Count
	s.Sum += o.Sum
	s.Min, s.Max = min(s.Min, o.Min), max(s.Max, o.Max)
	if s.Opaque = s.Opaque || o.Opaque; s.Opaque {
		s.Values = nil
		return
	}
	if len(o.Values) == 1 { // the usual sample
		v := o.Values[0]
		i, found := slices.BinarySearchFunc(s.Values, v.V, func(a Value, b float64) int { return cmp.Compare(a.V, b) })
		if found {
			s.Values[i].N += v.N
			return
		}
		s.Values = slices.Insert(s.Values, i, v)
	} else {
		s.Values = merged(s.Values, o.Values)
	}
	if len(s.Values) > maxValues {
		s.Values = thinned(s.Values, maxValues)
	}
}

func merged(a, b []Value) []Value {
	out := make([]Value, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].V < b[0].V:
			out, a = append(out, a[0]), a[1:]
		case a[0].V > b[0].V:
			out, b = append(out, b[0]), b[1:]
		default:
			out = append(out, Value{a[0].V, a[0].N + b[0].N})
			a, b = a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// thinned makes neighbours one until a quarter of the distribution's room is free.
func thinned(vs []Value, most int) []Value {
	for step := 0.02; len(vs) > most*3/4; step *= 2 {
		width := math.Log1p(step)
		bucket := func(v float64) float64 {
			switch {
			case v > 0:
				return math.Floor(math.Log(v) / width)
			case v < 0:
				return -math.Floor(math.Log(-v) / width)
			}
			return 0
		}
		out := vs[:1]
		for _, v := range vs[1:] {
			last := &out[len(out)-1]
			if (v.V > 0) == (last.V > 0) && (v.V < 0) == (last.V < 0) && bucket(v.V) == bucket(last.V) {
				n := last.N + v.N
				last.V += (v.V - last.V) * (v.N / n)
				last.N = n
				continue
			}
			out = append(out, v)
		}
		vs = out
	}
	return vs
}

// Stored form: a byte of flags, then count, sum, least and greatest, then of a distribution the number of values and
// each with its count. Of samples of one value there are that and the count alone.
const (
	formSummary = 0x10 // the form of the row, in the upper four bits
	flagOpaque  = 1
	flagOne     = 2
)

func (s *Summary) append(b []byte) []byte {
	float := func(v float64) { b = binary.BigEndian.AppendUint64(b, math.Float64bits(v)) }
	if !s.Opaque && len(s.Values) == 1 && s.Sum == s.Min*s.Count {
		b = append(b, formSummary|flagOne)
		float(s.Min)
		float(s.Count)
		return b
	}
	if s.Opaque {
		b = append(b, formSummary|flagOpaque)
	} else {
		b = append(b, formSummary)
	}
	for _, v := range [...]float64{s.Count, s.Sum, s.Min, s.Max} {
		float(v)
	}
	if s.Opaque {
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(s.Values)))
	for _, v := range s.Values {
		float(v.V)
		float(v.N)
	}
	return b
}

// decodeSummary reads the stored form; without values, of the distribution nothing.
func decodeSummary(b []byte, values bool) (s Summary, err error) {
	float := func() float64 {
		v := math.Float64frombits(binary.BigEndian.Uint64(b))
		b = b[8:]
		return v
	}
	if len(b) < 17 || b[0]&0xf0 != formSummary {
		return s, ErrCorrupt
	}
	flags := b[0] & 0xf
	b = b[1:]
	if flags == flagOne {
		if len(b) != 16 {
			return s, ErrCorrupt
		}
		v, n := float(), float()
		s = Summary{Count: n, Sum: v * n, Min: v, Max: v}
		if values {
			s.Values = []Value{{v, n}}
		}
		return s, nil
	}
	if len(b) < 32 || flags&^flagOpaque != 0 {
		return s, ErrCorrupt
	}
	s = Summary{Count: float(), Sum: float(), Min: float(), Max: float(), Opaque: flags == flagOpaque}
	if s.Opaque {
		if len(b) != 0 {
			return s, ErrCorrupt
		}
		return s, nil
	}
	n, w := binary.Uvarint(b)
	if w <= 0 || n > maxValues || uint64(len(b)-w) != 16*n {
		return s, ErrCorrupt
	}
	if !values {
		return s, nil
	}
	b = b[w:]
	s.Values = make([]Value, n)
	for i := range s.Values {
		s.Values[i] = Value{float(), float()}
	}
	return s, nil
}
