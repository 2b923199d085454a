package kinesis

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// big is the layout of sequence again, field by field, to check the word arithmetic.
func (q sequence) big() *big.Int {
	n := big.NewInt(2)
	put := func(v uint64, bits uint) { n.Lsh(n, bits).Or(n, new(big.Int).SetUint64(v)) }
	put(q.created, 36)
	put(uint64(q.shard&0xf), 4)
	put(q.frame, 48)
	put(uint64(q.index), 24)
	put(q.time, 36)
	put(uint64(q.shard), 32)
	put(2, 4)
	return n
}

func randomSequence() sequence {
	return sequence{
		created: 1.5e9 + rand.Uint64N(1e9), shard: rand.Uint32(), frame: rand.Uint64N(lastFrame + 1),
		index: rand.Uint32N(lastIndex + 1), time: rand.Uint64N(1 << 36),
	}
}

func TestSequenceLayout(t *testing.T) {
	for range 10000 {
		q := randomSequence()
		s := q.String()
		if want := q.big().String(); s != want {
			t.Fatalf("%+v is %s, want %s", q, s, want)
		}
		if len(s) != 56 || !strings.HasPrefix(s, "49") {
			t.Fatalf("%s is not of the form of a sequence number", s)
		}
		if r, err := parseSequence(s); err != nil || r != q {
			t.Fatalf("parseSequence(%s) = %+v, %v; want %+v", s, r, err, q)
		}
	}
}

// Sequence numbers that Kinesis itself gave out, as public bug reports quote them, are of
// this layout: they name their shard.
func TestSequenceOfKinesis(t *testing.T) {
	for _, s := range []string{
		"49629634598228923384296766558693603250810567226740965378",
		"49601535465886712437480547637348452192188447404540821506",
	} {
		if q, err := parseSequence(s); err != nil || q.shard != 0 {
			t.Errorf("parseSequence(%s) = %+v, %v; want shard 0", s, q, err)
		}
	}
	const old = "49543463076548007577105092703039560359975228518395012686" // version 14 of no layout
	if q, err := parseSequence(old); err == nil {
		t.Errorf("parseSequence(%s) = %+v, want an error", old, q)
	}
}

func TestSequenceRefusesOthers(t *testing.T) {
	good := randomSequence().String()
	for _, s := range []string{
		"", "0", "1", good[:55], good + "0", "x" + good[1:], strings.Repeat("9", 56), strings.Repeat("0", 56),
		"-" + good[1:], good[:55] + " ",
	} {
		if q, err := parseSequence(s); err == nil {
			t.Errorf("parseSequence(%q) = %+v, want an error", s, q)
		}
	}
}

func FuzzParseSequence(f *testing.F) {
	f.Add(sequence{created: 1.7e9, shard: 3, frame: 7, index: 300, time: 1.7e9}.String())
	f.Add("49590338271490256608559692538361571095921575989136588898")
	f.Fuzz(func(t *testing.T, s string) {
		if q, err := parseSequence(s); err == nil && q.String() != s {
			t.Errorf("%q parses as %q", s, q)
		}
	})
}

func TestHashKey(t *testing.T) {
	for _, s := range []string{
		"0", "1", "18446744073709551615", "18446744073709551616", "340282366920938463463374607431768211455",
	} {
		k, err := parseHashKey(s)
		if err != nil || k.String() != s {
			t.Errorf("parseHashKey(%s) = %s, %v", s, k, err)
		}
		if k.next().prev() != k {
			t.Errorf("%s: next and prev differ", s)
		}
	}
	for _, s := range []string{
		"", "-1", "01", "00", "1 ", "a", "340282366920938463463374607431768211456", strings.Repeat("9", 39), strings.Repeat("1", 40),
	} {
		if k, err := parseHashKey(s); err == nil {
			t.Errorf("parseHashKey(%q) = %s, want an error", s, k)
		}
	}
}

func TestEvenRanges(t *testing.T) {
	// What CreateStream of Kinesis gives a stream of three shards.
	want := []string{
		"0", "113427455640312821154458202477256070484",
		"113427455640312821154458202477256070485", "226854911280625642308916404954512140969",
		"226854911280625642308916404954512140970", "340282366920938463463374607431768211455",
	}
	for i, r := range evenRanges(3) {
		if r.Start.String() != want[2*i] || r.End.String() != want[2*i+1] {
			t.Errorf("range %d is %s to %s, want %s to %s", i, r.Start, r.End, want[2*i], want[2*i+1])
		}
	}
	if r := evenRanges(1); r[0] != (hashRange{End: maxHashKey}) {
		t.Errorf("one range is %v", r)
	}
}

func BenchmarkSequenceAppend(b *testing.B) {
	q := sequence{created: 1.7e9, shard: 3, frame: 7, index: 300, time: 1.7e9}
	buf := make([]byte, 0, 64)
	for b.Loop() {
		buf = q.append(buf[:0])
	}
}

func TestDecimalNext(t *testing.T) {
	for _, first := range []sequence{
		{created: 1700000000, shard: 3, frame: 1, time: 1700000001},
		{created: 1<<36 - 1, shard: math.MaxInt32, frame: lastFrame - 1, time: 1<<36 - 1},
		{created: 1795334984, shard: 17, frame: 999999, index: 1 << 23, time: 1795335000},
	} {
		d := first.decimal()
		for i := range uint32(100000) {
			q := first
			q.index += i
			if got, exp := d.append(nil), q.append(nil); i%97 == 0 && !bytes.Equal(got, exp) {
				t.Fatalf("record %d behind %+v: %s, want %s", i, first, got, exp)
			}
			d.next()
		}
	}
}

func TestEightDigits(t *testing.T) {
	for v := uint64(0); v < 1e8; v += 1 + rand.Uint64N(100) {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], eightDigits(v))
		if want := fmt.Sprintf("%08d", v); string(b[:]) != want {
			t.Fatalf("%d: %s, want %s", v, b, want)
		}
	}
}

// The numbers of an answer are those of its records one by one, over frames, gaps, seconds
// and carries.
func TestNumbering(t *testing.T) {
	shard := sequence{created: 1700000000, shard: 5}
	n := numbering{shard: shard}
	at, arrived := shardlog.Position{Frame: 1}, time.Unix(1700000000, 0)
	for range 100000 {
		switch rand.IntN(20) {
		case 0:
			at = shardlog.Position{Frame: at.Frame + 1 + rand.Uint64N(3), Index: rand.Uint32N(300)}
		case 1:
			arrived = arrived.Add(400 * time.Millisecond)
		case 2:
			at.Index += 2
		default:
			at.Index++
		}
		q := shard
		q.frame, q.index, q.time = at.Frame, at.Index, seconds(arrived)
		if got := string(n.append(nil, at, arrived)); got != q.String() {
			t.Fatalf("%v at %v: %s, want %s", at, arrived, got, q)
		}
	}
}
