package recordplan

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// readings is a source of n IoT readings in frames of 500, made once and read again.
type readings struct {
	recs []shardlog.Record
	n    int
}

func newReadings(n, partitions int) *readings {
	s := &readings{n: n}
	for i := range 100_000 {
		s.recs = append(s.recs, shardlog.Record{Time: time.Now(), Data: fmt.Appendf(nil,
			`{"temperature": %d, "cpu": 0.%d, "ram": 0.%d, "hd": 0.%d, "timestamp": "2024-05-%02d 10:11:%02d.%06d", "timestamp_sent": "2024-05-01 %d", "id_device": %d}`,
			i%101, 10+i%90, 11+i*7%89, 12+i*13%80, 1+i%28, i%60, i, i%partitions, i%11)})
	}
	return s
}

func (s *readings) Read(ctx context.Context, from shardlog.Position, o shardlog.ReadOptions, dst []shardlog.Record) ([]shardlog.Record, shardlog.Position, error) {
	i := int(from.Frame)*500 + int(from.Index)
	n := min(i+o.MaxRecords, s.n)
	for size := 0; i < n && (o.MaxBytes == 0 || size < o.MaxBytes); i++ {
		r := s.recs[i%len(s.recs)]
		r.Position = shardlog.Position{Frame: uint64(i / 500), Index: uint32(i % 500)}
		size += len(r.Data)
		dst = append(dst, r)
	}
	return dst, shardlog.Position{Frame: uint64(i / 500), Index: uint32(i % 500)}, nil
}

func (s *readings) Wait(ctx context.Context, from shardlog.Position) error {
	if int(from.Frame)*500+int(from.Index) < s.n {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

type discard struct{ bytes atomic.Int64 }

func (d *discard) Put(ctx context.Context, o delivery.Object) error {
	n, err := io.Copy(io.Discard, o.Body)
	d.bytes.Add(n)
	return err
}
func (d *discard) Delete(ctx context.Context, bucket, key string) error { return nil }

// memory keeps the progress of one pipeline.
type memory struct{ doc delivery.Progress }

func (m *memory) Load(ctx context.Context) (*delivery.Progress, error) {
	d := m.doc
	return &d, nil
}

func (m *memory) Save(ctx context.Context, p *delivery.Progress) error {
	m.doc = *p
	return nil
}

type onePlan struct{ delivery.Plan }

func (p onePlan) Current(ctx context.Context) (delivery.Plan, error)          { return p.Plan, nil }
func (p onePlan) Pinned(ctx context.Context, v string) (delivery.Plan, error) { return p.Plan, nil }

var readingColumns = []Column{
	{"temperature", "int"}, {"cpu", "double"}, {"ram", "double"}, {"hd", "double"},
	{"timestamp", "string"}, {"timestamp_sent", "string"}, {"id_device", "int"},
}

// BenchmarkDrain delivers a backlog of IoT readings.
func BenchmarkDrain(b *testing.B) {
	parquet := &Conversion{Columns: readingColumns}
	for _, tt := range []struct {
		name       string
		spec       Spec
		partitions int
	}{
		{"parquet", Spec{Name: "s", Version: "1", Bucket: "b", Size: 64 << 20, Interval: time.Hour, Convert: parquet}, 1},
		{"parquet, 100 partitions", Spec{Name: "s", Version: "1", Bucket: "b", Size: 64 << 20, Interval: time.Hour, Convert: parquet,
			Prefix: "data/!{partitionKeyFromQuery:t}/", ErrorPrefix: "e/", Partition: "{t:.timestamp_sent}"}, 100},
		{"raw", Spec{Name: "s", Version: "1", Bucket: "b", Size: 5 << 20, Interval: time.Hour}, 1},
		{"gzip", Spec{Name: "s", Version: "1", Bucket: "b", Size: 5 << 20, Interval: time.Hour, Compression: Gzip}, 1},
	} {
		b.Run(tt.name, func(b *testing.B) {
			const n = 2_000_000
			src := newReadings(n, tt.partitions)
			b.ReportAllocs()
			var records, in int64
			for b.Loop() {
				plan, err := New("1", tt.spec, nil)
				if err != nil {
					b.Fatal(err)
				}
				progress := new(memory)
				p := delivery.New(delivery.Options{Source: src, Objects: new(discard), Progress: progress, Plans: onePlan{plan}, TempDir: b.TempDir()})
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				ended := make(chan error, 1)
				go func() { ended <- p.Run(ctx) }()
				if err := p.Flush(ctx); err != nil {
					b.Fatal(err)
				}
				cancel()
				<-ended
				if progress.doc.Rows != n || progress.doc.Rejected != 0 {
					b.Fatalf("progress %+v", progress.doc)
				}
				records += n
				in += progress.doc.Bytes
			}
			b.SetBytes(in / int64(b.N))
			b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
