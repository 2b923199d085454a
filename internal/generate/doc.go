// Package generate makes records and sends them somewhere at a chosen rate: for demos, tests, benchmarks and
// people who have no source of their own yet.
//
// A [Source] makes one record after the other: a built-in one ([Builtin]), or a template of the Kinesis Data
// Generator ([FromTemplate], package template). A [Replay] reads the records of a file, with their own times. A
// [Pattern] says how many are due when. A [Sink] takes batches: a stream, a delivery stream, an HTTP address or
// a writer. A [Feed] is one source with its pattern and its sink; several run side by side.
//
// The same seed makes the same records, times apart. A feed keeps its rate on average: what it was held up by
// is made up for, since the pattern counts from the start. At most [InFlight] batches wait or are on their way,
// so a sink that is slow slows the feed, and memory does not grow.
package generate

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/generate/template"
)

// A Source makes records. It is for one goroutine.
type Source interface {
	// Append appends one record, made at t, to dst: without a line feed at its end.
	Append(dst []byte, t time.Time) []byte
}

// A Keyed source says which partition key its last record has. The records of others get random ones.
type Keyed interface {
	Source
	Key() string
}

// Options of built-in sources.
type Options struct {
	Seed  uint64
	Names []string // of the unicorns; nil: [UnicornNames]
}

// builtins are the built-in sources, with what they are.
var builtins = map[string]struct {
	about string
	make  func(Options) Source
}{
	"clicks":   {"page views of a shop: user, session, page, referrer, milliseconds", func(o Options) Source { return newClicks(o.Seed) }},
	"devices":  {"readings of eleven devices: temperature, cpu, ram, hd, and the hour to partition by", func(o Options) Source { return NewIoT(o.Seed) }},
	"orders":   {"orders of a shop, nested: address, payment, two products", func(o Options) Source { return newOrders(o.Seed) }},
	"patients": {"vital signs, JSON over several lines; every tenth breaks a rule, as a blood pressure the wrong way round", func(o Options) Source { return newPatients(o.Seed) }},
	"prices":   {"prices of five tickers that wander", func(o Options) Source { return newPrices(o.Seed) }},
	"trades":   {"trades in five tickers by trading area", func(o Options) Source { return newTrades(o.Seed) }},
	"unicorns": {"a position, a distance and the vitals of each unicorn in turn, keyed by its name", func(o Options) Source { return newUnicorns(o) }},
}

// Builtin returns a built-in source by its name.
func Builtin(name string, o Options) (Source, error) {
	b, ok := builtins[name]
	if !ok {
		return nil, fmt.Errorf("there is no source %q: the built-in ones are %s", name, strings.Join(Builtins(), ", "))
	}
	return b.make(o), nil
}

// Builtins lists the built-in sources, in order.
func Builtins() []string { return slices.Sorted(maps.Keys(builtins)) }

// About says in a line what a built-in source makes.
func About(name string) string { return builtins[name].about }

// FromTemplate returns a source of the template in a file.
func FromTemplate(path string, seed uint64) (Source, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := template.Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t.Source(cmp.Or(seed, 1)), nil
}

func newRand(seed uint64, what uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, what)) }

// appendDecimal appends ,"name":n with so many decimals.
func appendDecimal(dst []byte, name string, n float64, decimals int) []byte {
	dst = append(append(append(dst, `,"`...), name...), `":`...)
	return strconv.AppendFloat(dst, n, 'f', decimals, 64)
}

// appendInt appends ,"name":n.
func appendInt(dst []byte, name string, n int64) []byte {
	dst = append(append(append(dst, `,"`...), name...), `":`...)
	return strconv.AppendInt(dst, n, 10)
}

// appendText appends ,"name":"text" of a text that needs no escape.
func appendText(dst []byte, name, text string) []byte {
	dst = append(append(append(dst, `,"`...), name...), `":"`...)
	return append(append(dst, text...), '"')
}
