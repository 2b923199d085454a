package delivery_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// wordPlan puts words into objects by their first letters, a word a line. What does not
// begin with one goes to the error partition "words".
type wordPlan struct{}

func (wordPlan) Version() string { return "1" }

func (wordPlan) Route(r *shardlog.Record, rows *delivery.Rows) {
	for word := range bytes.FieldsSeq(r.Data) {
		if word[0] < 'a' || word[0] > 'z' {
			rows.Reject(&delivery.Rejected{Partition: delivery.ErrorMark + "words", Data: word, Reason: "not a word"})
			continue
		}
		rows.Add(word[:1], word)
	}
}

func (wordPlan) Encoder(partition string, w io.Writer) (delivery.Encoder, error) {
	return lines{w}, nil
}

func (wordPlan) Buffering(partition string) delivery.Buffering {
	return delivery.Buffering{Size: 1 << 20, Interval: time.Hour}
}

func (wordPlan) Name(o delivery.ObjectInfo) (bucket, key string) {
	prefix := "letter=" + o.Partition
	if delivery.IsError(o.Partition) {
		prefix = "errors/" + o.Partition[len(delivery.ErrorMark):]
	}
	id := delivery.NewObjectID("words", "1", o.Partition, o.From.String(), o.Upto.String())
	return "bucket", prefix + "/" + id.String()
}

func (wordPlan) MaxPartitions() int { return 26 }

func (wordPlan) TooMany(partition string, row []byte, from *delivery.From) *delivery.Rejected {
	return &delivery.Rejected{Partition: delivery.ErrorMark + "words", Data: row, Reason: "one letter too many"}
}

// The plan never changes, so that there is nothing to keep of it.
func (p wordPlan) Current(context.Context) (delivery.Plan, error)        { return p, nil }
func (p wordPlan) Pinned(context.Context, string) (delivery.Plan, error) { return p, nil }

// lines writes rows as lines.
type lines struct{ w io.Writer }

func (l lines) Add(row *delivery.Row) error {
	_, err := fmt.Fprintf(l.w, "%s\n", row.Data)
	return err
}

func (lines) Buffered() int64 { return 0 }
func (lines) Spill() error    { return nil }
func (lines) Close() error    { return nil }
func (lines) Abort()          {}

// records are a shard that ends.
type records []string

func (s records) Read(ctx context.Context, from shardlog.Position, o shardlog.ReadOptions, dst []shardlog.Record) ([]shardlog.Record, shardlog.Position, error) {
	for ; int(from.Frame) < len(s) && (o.MaxRecords == 0 || len(dst) < o.MaxRecords); from.Frame++ {
		dst = append(dst, shardlog.Record{Position: from, Data: []byte(s[from.Frame])})
	}
	return dst, from, nil
}

func (s records) Wait(ctx context.Context, from shardlog.Position) error {
	<-ctx.Done()
	return ctx.Err()
}

// folder keeps objects, and progress the document, in memory.
type folder map[string]string

func (f folder) Put(ctx context.Context, o delivery.Object) error {
	b, err := io.ReadAll(o.Body)
	f[o.Key] = string(b)
	return err
}

func (f folder) Delete(ctx context.Context, bucket, key string) error {
	delete(f, key)
	return nil
}

type progress struct{ delivery.Progress }

func (p *progress) Load(context.Context) (*delivery.Progress, error) {
	loaded := p.Progress
	return &loaded, nil
}

func (p *progress) Save(ctx context.Context, saved *delivery.Progress) error {
	p.Progress = *saved
	return nil
}

// A producer with a plan of its own.
func ExampleNew() {
	objects, position := folder{}, &progress{}
	p := delivery.New(delivery.Options{
		Source:   records{"brook mere", "bay 7"},
		Objects:  objects,
		Progress: position,
		Plans:    wordPlan{},
		Puts:     1, // a map takes one at a time
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	if err := p.Flush(ctx); err != nil {
		fmt.Println(err)
	}
	cancel()
	<-ended
	for _, key := range slices.Sorted(maps.Keys(objects)) {
		fmt.Printf("%s: %q\n", key, objects[key])
	}
	fmt.Println(position.Rows, "rows,", position.Rejected, "rejected")
	// Output:
	// errors/words/b8eaa4f3-4864-4740-a80d-374b08a07a3c: "7\n"
	// letter=b/147ffd72-21a7-438a-82e4-f424b4e14b06: "brook\nbay\n"
	// letter=m/329ba564-87f1-429a-8768-fd558c1c6b4e: "mere\n"
	// 3 rows, 1 rejected
}
