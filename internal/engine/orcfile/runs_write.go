package orcfile

import "encoding/binary"

// What runs.go reads, written: the first version of each encoding.

// The lengths of runs and of what is no run.
const (
	minRun     = 3
	maxRun     = 130
	maxLiteral = 128
)

// appendBytes appends bytes in runs.
func appendBytes(out, b []byte) []byte {
	run := func(at int) int {
		n := 1
		for n < maxRun && at+n < len(b) && b[at+n] == b[at] {
			n++
		}
		return n
	}
	for at := 0; at < len(b); {
		if n := run(at); n >= minRun {
			out = append(out, byte(n-minRun), b[at])
			at += n
			continue
		}
		end := at + 1
		for end < len(b) && end-at < maxLiteral && run(end) < minRun {
			end++
		}
		out = append(out, byte(256-(end-at)))
		out = append(out, b[at:end]...)
		at = end
	}
	return out
}

// appendBits is a bit for each of some booleans, set where it is as said, in runs of bytes.
func appendBits(v []bool, set bool) []byte {
	b := make([]byte, (len(v)+7)/8)
	for i, x := range v {
		if x == set {
			b[i/8] |= 0x80 >> (i % 8)
		}
	}
	return appendBytes(nil, b)
}

// appendNumbers appends whole numbers in runs with a step.
func appendNumbers(out []byte, v []int64, signed bool) []byte {
	run := func(at int) (n int, step int64) {
		if at+1 >= len(v) {
			return 1, 0
		}
		step = v[at+1] - v[at]
		if step < -128 || step > 127 || (v[at+1] > v[at]) != (step > 0) { // or it overflowed
			return 1, 0
		}
		for n = 2; n < maxRun && at+n < len(v) && v[at+n]-v[at+n-1] == step; n++ {
		}
		return n, step
	}
	number := func(x int64) {
		if u := uint64(x); signed {
			out = binary.AppendUvarint(out, u<<1^uint64(x>>63))
		} else {
			out = binary.AppendUvarint(out, u)
		}
	}
	for at := 0; at < len(v); {
		if n, step := run(at); n >= minRun {
			out = append(out, byte(n-minRun), byte(int8(step)))
			number(v[at])
			at += n
			continue
		}
		end := at + 1
		for end < len(v) && end-at < maxLiteral {
			if n, _ := run(end); n >= minRun {
				break
			}
			end++
		}
		out = append(out, byte(256-(end-at)))
		for _, x := range v[at:end] {
			number(x)
		}
		at = end
	}
	return out
}
