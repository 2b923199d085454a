package streamsql

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	goruntime "runtime"
	"syscall"
	"testing"
	"time"
)

const summary = `CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("Name" VARCHAR(16), "StatusTime" TIMESTAMP, "Distance" DOUBLE,
  "MinMagicPoints" SMALLINT, "MaxMagicPoints" SMALLINT, "MinHealthPoints" SMALLINT, "MaxHealthPoints" SMALLINT);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
  SELECT STREAM "Name", "ROWTIME", SUM("Distance"), MIN("MagicPoints"), MAX("MagicPoints"), MIN("HealthPoints"), MAX("HealthPoints")
  FROM "SOURCE_SQL_STREAM_001" GROUP BY FLOOR("SOURCE_SQL_STREAM_001"."ROWTIME" TO MINUTE), "Name";`

func unicorns() []Source {
	s := Schema{}
	for _, c := range []Column{{"Distance", Type{Kind: Double}}, {"HealthPoints", Type{Kind: Integer}}, {"Latitude", Type{Kind: Double}}, {"Longitude", Type{Kind: Double}},
		{"MagicPoints", Type{Kind: Integer}}, {"Name", Type{Kind: Varchar, Length: 16}}, {"StatusTime", Type{Kind: Timestamp}}} {
		s.Columns = append(s.Columns, SourceColumn{Name: c.Name, Type: c.Type})
	}
	return []Source{{Name: "SOURCE_SQL_STREAM_001", Schema: s, Arrival: true}}
}

func readings(n, names int) []Record {
	r := rand.New(rand.NewPCG(1, 2))
	list := make([]Record, n)
	at := time.Date(2026, 11, 28, 14, 0, 0, 0, time.UTC)
	for i := range list {
		list[i] = Record{Data: fmt.Appendf(nil, `{"Distance":%.4f,"HealthPoints":%d,"Latitude":%.6f,"Longitude":%.6f,"MagicPoints":%d,"Name":"Unicorn%d","StatusTime":"2026-11-28 14:05:38.155"}`+"\n",
			20+r.Float64()*20, 140+r.IntN(20), 40+r.Float64(), -74+r.Float64(), 140+r.IntN(20), r.IntN(names)), Arrival: at}
	}
	return list
}

// cpu is the processor time that the process has used: what a busy machine does not change.
func cpu() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkTumblingGroups is from the JSON of records to the JSON of closed windows.
func BenchmarkTumblingGroups(b *testing.B) {
	plan, err := Compile(summary, unicorns(), nil)
	if err != nil {
		b.Fatal(err)
	}
	app, err := New(plan, Options{Outputs: []string{"DESTINATION_SQL_STREAM"}})
	if err != nil {
		b.Fatal(err)
	}
	const n = 10000
	records := readings(n, 1000)
	b.SetBytes(int64(n * len(records[0].Data)))
	now := time.Date(2026, 11, 28, 14, 0, 0, 0, time.UTC)
	var out []byte
	rows := 0
	before := cpu()
	for b.Loop() {
		now = now.Add(time.Second)
		r, err := app.Apply(Step{now, []Batch{{"SOURCE_SQL_STREAM_001", records}}})
		if err != nil {
			b.Fatal(err)
		}
		for _, o := range r.Outputs {
			for i := range o.Rows.Len() {
				out = o.Rows.AppendJSON(out[:0], i)
				rows++
			}
		}
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(b.N)*n/(cpu()-before).Seconds(), "records/cpu-s")
	if b.N > 70 && rows == 0 {
		b.Fatal("no rows")
	}
}

// BenchmarkSlidingWindow is an average of a minute by name, for every record.
func BenchmarkSlidingWindow(b *testing.B) {
	plan, err := Compile(`CREATE STREAM D ("Name" VARCHAR(16), d DOUBLE, hi INTEGER); CREATE PUMP P AS INSERT INTO D
		SELECT STREAM "Name", AVG("Distance") OVER w, MAX("HealthPoints") OVER w FROM SOURCE_SQL_STREAM_001 WINDOW w AS (PARTITION BY "Name" RANGE INTERVAL '10' SECOND PRECEDING);`, unicorns(), nil)
	if err != nil {
		b.Fatal(err)
	}
	app, _ := New(plan, Options{Outputs: []string{"D"}})
	const n = 10000
	records := readings(n, 1000)
	now := time.Date(2026, 11, 28, 14, 0, 0, 0, time.UTC)
	before := cpu()
	for b.Loop() {
		now = now.Add(time.Second)
		if _, err := app.Apply(Step{now, []Batch{{"SOURCE_SQL_STREAM_001", records}}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(b.N)*n/(cpu()-before).Seconds(), "records/cpu-s")
}

// BenchmarkMillionGroups opens a million groups in a window: the memory of each.
func BenchmarkMillionGroups(b *testing.B) {
	plan, err := Compile(summary, unicorns(), nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		app, _ := New(plan, Options{})
		now := time.Date(2026, 11, 28, 14, 0, 0, 0, time.UTC)
		heap := func() uint64 {
			goruntime.GC()
			var m goruntime.MemStats
			goruntime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		before := heap()
		for i := range 100 {
			records := make([]Record, 10000)
			for j := range records {
				records[j].Data = fmt.Appendf(nil, `{"Distance":1.5,"HealthPoints":1,"MagicPoints":2,"Name":"Unicorn%d"}`, i*10000+j)
			}
			if _, err := app.Apply(Step{now, []Batch{{"SOURCE_SQL_STREAM_001", records}}}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heap()-before)/1e6, "MB")
		b.ReportMetric(float64(app.StateBytes())/1e6, "counted-MB")
		// And what a snapshot of them takes, in processor time and bytes.
		start := cpu()
		var snapshot bytes.Buffer
		if err := app.Snapshot(&snapshot, nil); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric((cpu() - start).Seconds(), "snapshot-cpu-s")
		b.ReportMetric(float64(snapshot.Len())/1e6, "snapshot-MB")
		start = cpu()
		again, _ := New(plan, Options{})
		if _, err := again.Restore(&snapshot); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric((cpu() - start).Seconds(), "restore-cpu-s")
		goruntime.KeepAlive(app)
	}
}
