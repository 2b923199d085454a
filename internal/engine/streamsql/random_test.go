package streamsql

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"
	"time"
)

// reading is a row of the random tests' stream.
type reading struct {
	at int64 // ROWTIME
	k  string
	n  int64
	d  float64
	no bool // n is null
}

// randomInput are steps of readings, and the readings.
func randomInput(r *rand.Rand) ([]Step, []reading) {
	var steps []Step
	var all []reading
	at := time.Date(2024, 5, 1, 10, 0, 0, 0, time.UTC)
	for range 5 + r.IntN(40) {
		at = at.Add(time.Duration(r.IntN(30000)) * time.Millisecond)
		s := Step{Time: at}
		var records []Record
		for range r.IntN(6) {
			x := reading{at.UnixMilli(), string(rune('a' + r.IntN(3))), int64(r.IntN(10) - 3), float64(r.IntN(1000)) / 8, r.IntN(8) == 0}
			n := fmt.Sprint(x.n)
			if x.no {
				n = "null"
			}
			records = append(records, Record{Data: fmt.Appendf(nil, `{"k":"%s","n":%s,"d":%g}`, x.k, n, x.d)})
			all = append(all, x)
		}
		if records != nil {
			s.Batches = []Batch{{"S", records}}
		}
		steps = append(steps, s)
	}
	return append(steps, Step{Time: at.Add(time.Hour)}), all
}

func randomApp(t *testing.T, code string) *App {
	s := Schema{Columns: []SourceColumn{{"k", Type{Kind: Varchar, Length: 4}, ""}, {"n", Type{Kind: Integer}, ""}, {"d", Type{Kind: Double}, ""}}}
	plan, err := Compile(code, []Source{{Name: "S", Schema: s}}, nil)
	if err != nil {
		t.Fatalf("%s\n%v", code, err)
	}
	app, err := New(plan, Options{Outputs: []string{"D", ErrorStream}, Parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	return app
}

// aggregated are the aggregates of the random tests, over rows as they come.
func aggregated(rows []reading) string {
	var count, some, sum, lo, hi int64
	var d, mean float64
	different := map[int64]bool{}
	for _, x := range rows {
		count++
		d += x.d
		if x.no {
			continue
		}
		if some == 0 || x.n < lo {
			lo = x.n
		}
		if some == 0 || x.n > hi {
			hi = x.n
		}
		some++
		sum += x.n
		different[x.n] = true
	}
	mean = d / float64(count)
	variance := 0.0
	for _, x := range rows {
		variance += (x.d - mean) * (x.d - mean)
	}
	s := fmt.Sprintf(`"c":%d,"cn":%d,`, count, some)
	if some == 0 {
		s += `"s":null,"lo":null,"hi":null,"a":null,`
	} else {
		s += fmt.Sprintf(`"s":%d,"lo":%d,"hi":%d,"a":%d,`, sum, lo, hi, sum/some)
	}
	return s + fmt.Sprintf(`"cd":%d,"m":%d,"v":%d`, len(different), int64(math.Round(mean*1000)), int64(math.Round(variance/float64(count)*9.7311)))
}

const randomColumns = `"c" BIGINT, "cn" BIGINT, "s" BIGINT, "lo" INTEGER, "hi" INTEGER, "a" INTEGER, "cd" BIGINT, "m" BIGINT, "v" BIGINT`

func randomAggregates(over string) string {
	list := `COUNT(*)#, COUNT("n")#, SUM("n")#, MIN("n")#, MAX("n")#, AVG("n")#, COUNT(DISTINCT "n")#, AVG("d")# * 1000, VAR_POP("d")# * 9.7311`
	return strings.ReplaceAll(list, "#", over)
}

// TestRandomWindows compares windows with what a look at all rows gives, restoring from snapshots at
// random.
func TestRandomWindows(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 30
	}
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		steps, all := randomInput(r)
		size := int64(1+r.IntN(90)) * 1000
		byKey := r.IntN(2) == 0
		rows := r.IntN(5)
		var code string
		var want []string
		of := func(x reading) string {
			if byKey {
				return x.k
			}
			return ""
		}
		key, group, partition := `'all'`, "", ""
		if byKey {
			key, group, partition = `"k"`, `, "k"`, `PARTITION BY "k" `
		}
		name := func(k string) string {
			if byKey {
				return k
			}
			return "all"
		}
		having := r.IntN(2) == 0
		kind := r.IntN(4)
		switch kind {
		case 0: // tumbling
			code = fmt.Sprintf(`CREATE STREAM D ("k" VARCHAR(4), "t" TIMESTAMP, %s); CREATE PUMP P AS INSERT INTO D SELECT STREAM %s, STEP(S.ROWTIME BY INTERVAL '%d' SECOND), %s FROM S GROUP BY STEP(S.ROWTIME BY INTERVAL '%d' SECOND)%s`,
				randomColumns, key, size/1000, randomAggregates(""), size/1000, group)
			if having {
				code += ` HAVING COUNT(*) > 1`
			}
			type window struct {
				start int64
				k     string
			}
			groups := map[window][]reading{}
			var order []window
			for _, x := range all {
				w := window{floorTo(x.at, size), of(x)}
				if groups[w] == nil {
					order = append(order, w)
				}
				groups[w] = append(groups[w], x)
			}
			sort.SliceStable(order, func(i, j int) bool { return order[i].start < order[j].start })
			for _, w := range order {
				if !having || len(groups[w]) > 1 {
					want = append(want, fmt.Sprintf(`{"k":"%s","t":"%s",%s}`, name(w.k), appendTimestamp(nil, w.start), aggregated(groups[w])))
				}
			}
		case 1, 2: // sliding, by time and by rows
			frame := fmt.Sprintf("RANGE INTERVAL '%d' SECOND PRECEDING", size/1000)
			if kind == 2 {
				frame = fmt.Sprintf("ROWS %d PRECEDING", rows)
			}
			code = fmt.Sprintf(`CREATE STREAM D ("k" VARCHAR(4), %s); CREATE PUMP P AS INSERT INTO D SELECT STREAM %s, %s FROM S WINDOW w AS (%s%s)`,
				randomColumns, key, randomAggregates(" OVER w"), partition, frame)
			for i, x := range all {
				var in []reading
				for j := i; j >= 0; j-- {
					y := all[j]
					if of(y) != of(x) {
						continue
					}
					if kind == 1 && y.at <= x.at-size || kind == 2 && len(in) > rows {
						break
					}
					in = append([]reading{y}, in...)
				}
				want = append(want, fmt.Sprintf(`{"k":"%s",%s}`, name(of(x)), aggregated(in)))
			}
		case 3: // a join of the stream with itself
			code = fmt.Sprintf(`CREATE STREAM A ("k" VARCHAR(4), "n" INTEGER); CREATE STREAM B ("k" VARCHAR(4), "n" INTEGER);
				CREATE PUMP PA AS INSERT INTO A SELECT STREAM "k", "n" FROM S WHERE "n" > 2; CREATE PUMP PB AS INSERT INTO B SELECT STREAM "k", "n" FROM S WHERE "n" <= 2;
				CREATE STREAM D ("k" VARCHAR(4), "x" INTEGER, "y" INTEGER);
				CREATE PUMP P AS INSERT INTO D SELECT STREAM A."k", A."n", B."n" FROM A OVER (RANGE INTERVAL '%d' SECOND PRECEDING) JOIN B OVER (RANGE INTERVAL '%d' SECOND PRECEDING) ON A."k" = B."k" AND A."n" + B."n" < 8`, size/1000, 2*size/1000)
			for i, x := range all {
				for j, y := range all {
					if x.no || y.no || x.n <= 2 || y.n > 2 || x.k != y.k || x.n+y.n >= 8 {
						continue
					}
					// The later row finds the earlier one within its side's window.
					if j > i && x.at > y.at-size || j < i && y.at > x.at-2*size {
						want = append(want, fmt.Sprintf(`{"k":"%s","x":%d,"y":%d}`, x.k, x.n, y.n))
					}
				}
			}
		}
		app := randomApp(t, code)
		var got []string
		for _, s := range steps {
			if r.IntN(4) == 0 {
				var b bytes.Buffer
				if err := app.Snapshot(&b, nil); err != nil {
					t.Fatal(err)
				}
				app = randomApp(t, code)
				if _, err := app.Restore(&b); err != nil {
					t.Fatal(err)
				}
			}
			result, err := app.Apply(s)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range result.Outputs {
				for i := range o.Rows.Len() {
					got = append(got, string(o.Rows.AppendJSON(nil, i)))
				}
			}
		}
		if kind != 2 && app.StateBytes() != 0 { // windows by rows keep theirs
			t.Fatalf("seed %d: %s\n%d bytes of state are left when all windows are over", seed, code, app.StateBytes())
		}
		if kind == 3 { // pairs come as the later row does
			sort.Strings(got)
			sort.Strings(want)
		}
		if len(got) != len(want) {
			t.Fatalf("seed %d: %s\n%d rows, want %d", seed, code, len(got), len(want))
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("seed %d: %s\nrow %d is\n%s\nwant\n%s", seed, code, i, got[i], want[i])
			}
		}
	}
}
