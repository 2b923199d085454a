package generate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// A Pattern says how many records are due in all after some time. It never falls.
type Pattern func(elapsed time.Duration) float64

// Steady is so many records a second.
func Steady(rate float64) Pattern {
	return func(d time.Duration) float64 { return rate * d.Seconds() }
}

// Ramp goes from one rate to another in the time, and stays there.
func Ramp(from, to float64, over time.Duration) Pattern {
	return func(d time.Duration) float64 {
		in := min(d, over).Seconds()
		due := from*in + (to-from)/over.Seconds()*in*in/2
		return due + to*max(0, d-over).Seconds()
	}
}

// Bursts are of the peak rate for the length, at the beginning of every period; between them it is the base rate.
func Bursts(base, peak float64, length, period time.Duration) Pattern {
	return func(d time.Duration) float64 {
		full, rest := d/period, d%period
		burst := time.Duration(full)*length + min(rest, length)
		return peak*burst.Seconds() + base*(d-burst).Seconds()
	}
}

// Sine swings around the mean by the amplitude, once a period, rising first. The amplitude is at most the mean.
func Sine(mean, amplitude float64, period time.Duration) Pattern {
	omega := 2 * math.Pi / period.Seconds()
	return func(d time.Duration) float64 {
		return mean*d.Seconds() + amplitude/omega*(1-math.Cos(omega*d.Seconds()))
	}
}

// Walk is a rate that wanders between the least and the most: in each step of time it goes to a random rate that is at
// most a quarter of the range away. Equal bounds and steps make equal walks. It keeps 16 bytes a step, and is not to be
// called by several goroutines at once.
func Walk(least, most float64, step time.Duration) Pattern {
	random := rand.New(rand.NewPCG(math.Float64bits(least)^uint64(step), math.Float64bits(most)))
	rates, due := []float64{(least + most) / 2}, []float64{0} // at the beginning of each step
	return func(d time.Duration) float64 {
		n := int(d / step)
		for len(rates) < n+2 {
			rate := rates[len(rates)-1]
			next := min(max(rate+(random.Float64()-0.5)*(most-least)/2, least), most)
			rates = append(rates, next)
			due = append(due, due[len(due)-1]+(rate+next)/2*step.Seconds())
		}
		in := (d % step).Seconds()
		return due[n] + rates[n]*in + (rates[n+1]-rates[n])/step.Seconds()*in*in/2
	}
}

// ParsePattern reads a pattern: "1000" or "steady:1000", "ramp:100:5000:1m", "bursts:100:5000:5s:30s"
// (base, peak, length, period), "sine:1000:500:10m" (mean, amplitude, period), "walk:100:5000:5s" (least, most, step).
func ParsePattern(text string) (Pattern, error) {
	kind, rest, ok := strings.Cut(text, ":")
	if !ok {
		kind, rest = "steady", text
	}
	args := strings.Split(rest, ":")
	form, n, times := "", 0, 0
	switch kind {
	case "steady":
		form, n = "steady:RATE", 1
	case "ramp":
		form, n, times = "ramp:FROM:TO:TIME", 2, 1
	case "bursts":
		form, n, times = "bursts:BASE:PEAK:LENGTH:PERIOD", 2, 2
	case "sine":
		form, n, times = "sine:MEAN:AMPLITUDE:PERIOD", 2, 1
	case "walk":
		form, n, times = "walk:LEAST:MOST:STEP", 2, 1
	default:
		return nil, fmt.Errorf("pattern %q: want a number or steady, ramp, bursts, sine or walk with their numbers", text)
	}
	if len(args) != n+times {
		return nil, fmt.Errorf("pattern %q: want %s", text, form)
	}
	rates := make([]float64, n)
	for i := range rates {
		r, err := strconv.ParseFloat(args[i], 64)
		if err != nil || r < 0 || r > 1e9 || math.IsNaN(r) {
			return nil, fmt.Errorf("pattern %q: %q is not a rate: want 0 to 1e9 records a second", text, args[i])
		}
		rates[i] = r
	}
	spans := make([]time.Duration, times)
	for i := range spans {
		d, err := time.ParseDuration(args[n+i])
		if err != nil || d <= 0 {
			return nil, fmt.Errorf("pattern %q: %q is not a time: want one as 30s or 5m", text, args[n+i])
		}
		spans[i] = d
	}
	switch kind {
	case "ramp":
		return Ramp(rates[0], rates[1], spans[0]), nil
	case "bursts":
		if spans[0] > spans[1] {
			return nil, fmt.Errorf("pattern %q: a burst is longer than its period", text)
		}
		return Bursts(rates[0], rates[1], spans[0], spans[1]), nil
	case "walk":
		if rates[0] > rates[1] {
			return nil, fmt.Errorf("pattern %q: the least rate is more than the most", text)
		}
		if spans[0] < time.Second {
			return nil, fmt.Errorf("pattern %q: a step takes at least 1s", text)
		}
		return Walk(rates[0], rates[1], spans[0]), nil
	case "sine":
		if rates[1] > rates[0] {
			return nil, fmt.Errorf("pattern %q: the amplitude is more than the mean, so the rate would be below 0", text)
		}
		return Sine(rates[0], rates[1], spans[0]), nil
	}
	return Steady(rates[0]), nil
}
