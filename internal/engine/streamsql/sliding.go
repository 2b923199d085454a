package streamsql

import "math"

// slider is the state of an aggregate over one sliding window. Values come and go in the same
// order; null ones are not shown to it.
type slider interface {
	add(v value)
	remove(v value)
	result() (value, *rowError)
	// floats are what depends on the order of what came and went, so that a snapshot holds it.
	floats() []*float64
}

// slidingSum is COUNT, SUM and AVG. Sums of floats carry what addition lost (Neumaier).
type slidingSum struct {
	t       Type // Null: it counts
	average bool
	n, sum  int64
	f, lost float64
}

func (s *slidingSum) plus(x float64) {
	t := s.f + x
	if math.Abs(s.f) >= math.Abs(x) {
		s.lost += (s.f - t) + x
	} else {
		s.lost += (x - t) + s.f
	}
	s.f = t
}

func (s *slidingSum) add(v value) {
	s.n++
	switch {
	case s.t.Kind == Null:
	case s.t.isApprox():
		s.plus(v.float())
	default:
		s.sum += v.i // wraps, and wraps back
		s.f += float64(v.i)
	}
}

func (s *slidingSum) remove(v value) {
	s.n--
	switch {
	case s.t.Kind == Null:
	case s.t.isApprox():
		s.plus(-v.float())
		if s.n == 0 {
			s.f, s.lost = 0, 0
		}
	default:
		s.sum -= v.i
		if s.f -= float64(v.i); s.n == 0 {
			s.f = 0
		}
	}
}

func (s *slidingSum) result() (value, *rowError) {
	switch {
	case s.t.Kind == Null:
		return whole(s.n), nil
	case s.n == 0:
		return null, nil
	case s.t.isApprox():
		f := s.f + s.lost
		if s.average {
			f /= float64(s.n)
			if s.t.Kind == Real {
				f = float64(float32(f))
			}
		}
		if math.IsInf(f, 0) || math.IsNaN(f) {
			return null, errOverflow
		}
		return float(f), nil
	case math.Abs(s.f) > 9.2e18:
		return null, errOverflow
	case s.average:
		return whole(s.sum / s.n), nil
	case s.t.Kind == Decimal && magnitude(s.sum) >= uint64(powers[18]):
		return null, errOverflow
	}
	return whole(s.sum), nil
}

func (s *slidingSum) floats() []*float64 { return []*float64{&s.f, &s.lost} }

// slidingExtreme is MIN and MAX: the candidates, of which none is beaten by a later one.
type slidingExtreme struct {
	t       Type
	sign    int
	queue   []numbered
	in, out int64
}

type numbered struct {
	v value
	n int64
}

func (s *slidingExtreme) add(v value) {
	for k := len(s.queue); k > 0 && compare(s.t, s.queue[k-1].v, v)*s.sign <= 0; k-- {
		s.queue = s.queue[:k-1]
	}
	s.queue = append(s.queue, numbered{v, s.in})
	s.in++
}

func (s *slidingExtreme) remove(value) {
	if len(s.queue) > 0 && s.queue[0].n == s.out {
		s.queue = s.queue[1:]
	}
	s.out++
}

func (s *slidingExtreme) result() (value, *rowError) {
	if len(s.queue) == 0 {
		return null, nil
	}
	return s.queue[0].v, nil
}

func (*slidingExtreme) floats() []*float64 { return nil }

// slidingMoment is the variance and its root.
type slidingMoment struct {
	sample, root bool
	n            int64
	mean, m2     float64
}

func slidingMoments(sample, root bool) func(Type) slider {
	return func(Type) slider { return &slidingMoment{sample: sample, root: root} }
}

func (s *slidingMoment) add(v value) {
	x := v.float()
	s.n++
	d := x - s.mean
	s.mean += d / float64(s.n)
	s.m2 += d * (x - s.mean)
}

func (s *slidingMoment) remove(v value) {
	x := v.float()
	s.n--
	if s.n == 0 {
		s.mean, s.m2 = 0, 0
		return
	}
	d := x - s.mean
	s.mean -= d / float64(s.n)
	s.m2 -= d * (x - s.mean)
}

func (s *slidingMoment) result() (value, *rowError) {
	return deviation(s.n, s.m2, s.sample, s.root), nil
}

func (s *slidingMoment) floats() []*float64 { return []*float64{&s.mean, &s.m2} }

// slidingDistinct shows a value to another slider while the window has it. Values leave the inner
// one in another order than they came, so it must be one of counts and sums.
type slidingDistinct struct {
	slider
	t   Type
	n   map[string]int
	key []byte
}

func (s *slidingDistinct) add(v value) {
	s.key = appendKey(s.key[:0], s.t, v)
	if s.n[string(s.key)]++; s.n[string(s.key)] == 1 {
		s.slider.add(v)
	}
}

func (s *slidingDistinct) remove(v value) {
	s.key = appendKey(s.key[:0], s.t, v)
	if s.n[string(s.key)]--; s.n[string(s.key)] == 0 {
		delete(s.n, string(s.key))
		s.slider.remove(v)
	}
}
