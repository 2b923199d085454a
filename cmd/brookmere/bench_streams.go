package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// benchStreams measures a node's Kinesis streams as their clients see them.
type benchStreams struct {
	awsClient
	counts                      []int // of shards, each of a stream
	conns, singles, batch, size int
	length                      time.Duration
	data                        string
	json                        bool

	out, progress io.Writer
	terminal      bool
	client        *kinesis.Client
	node          *childNode // nil: somebody else's
	stream        string     // that is measured
	shards        int        // of it
}

// streamResult is one line of the table.
type streamResult struct {
	Name      string  `json:"name"`
	Requests  int     `json:"requests,omitempty"`
	Records   int     `json:"records"`
	Seconds   float64 `json:"seconds"`
	Rate      float64 `json:"records_per_second,omitempty"`
	Bytes     int64   `json:"bytes,omitempty"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	Shards    int     `json:"shards,omitempty"`
	Share     float64 `json:"share_of_bare_disk,omitempty"`
	OfFirst   float64 `json:"share_of_first_stream,omitempty"` // of the rate of the same line of the first stream
	NodeCPU   float64 `json:"node_cpu_seconds,omitempty"`
	ClientCPU float64 `json:"client_cpu_seconds,omitempty"`
	Note      string  `json:"note,omitempty"`
	took      []time.Duration
}

// done works out what the times come to.
func (r *streamResult) done() streamResult {
	slices.Sort(r.took)
	if n := len(r.took); n > 0 {
		r.P50 = milliseconds(r.took[n/2])
		r.P99 = milliseconds(r.took[min(n-1, n*99/100)])
	}
	r.took = nil
	return *r
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func newBenchStreamsCommand() *cobra.Command {
	b := new(benchStreams)
	cmd := &cobra.Command{
		Use:   "streams",
		Short: "Benchmark puts, reads and subscriptions of a stream",
		Long: `Start a temporary node, or use the one that --endpoint names, and benchmark a stream:
puts of batches and of single records over many connections, and the latency from a put
to GetRecords and to a subscriber (enhanced fan-out).

As a baseline, the same bytes are written to a file and synced, with one sync for all
that the connections have in flight. No durable stream on this disk can be faster.

With several numbers of shards, puts and reads are measured of a stream of each, one after
the other, and beside those of the others stands what part they are of the first one's rate.
Puts spread evenly over all shards.`,
		Example: `  brookmere bench streams
  brookmere bench streams --size 1000 --conns 16 --for 30s
  brookmere bench streams --shards 4,64,256,1000
  brookmere bench streams --endpoint http://127.0.0.1:4566 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(b.counts) == 0 || slices.Min(b.counts) < 1 || b.conns < 1 || b.singles < 1 || b.size < 1 || b.batch < 1 || b.batch > batchRecords {
				return fmt.Errorf("want at least one shard, connection and byte, and batches of 1 to %d", batchRecords)
			}
			if b.batch*b.size > 9<<20 {
				return fmt.Errorf("--batch %d of --size %d: a request takes 10 MiB at most", b.batch, b.size)
			}
			b.out, b.progress = cmd.OutOrStdout(), cmd.ErrOrStderr()
			f, ok := b.progress.(*os.File)
			b.terminal = ok && term.IsTerminal(int(f.Fd()))
			return b.plain(b.run(cmd.Context(), cmd.Flags().Changed("endpoint")))
		},
	}
	b.register(cmd)
	cmd.PersistentFlags().Lookup("endpoint").Usage = "`URL` of a running node (default: a temporary one)"
	f := cmd.Flags()
	f.IntSliceVar(&b.counts, "shards", []int{4}, "shards of the stream, or of several `n,...`")
	f.IntVar(&b.conns, "conns", 8, "connections putting batches")
	f.IntVar(&b.singles, "single-conns", 16, "connections putting single records")
	f.IntVar(&b.batch, "batch", batchRecords, "records per batch")
	f.IntVar(&b.size, "size", 200, "bytes per record")
	f.DurationVar(&b.length, "for", 5*time.Second, "duration of each measurement")
	f.StringVar(&b.data, "data", "", "`directory` for temporary data (default: the system's)")
	f.BoolVar(&b.json, "json", false, "print JSON")
	return cmd
}

func (b *benchStreams) run(ctx context.Context, running bool) (err error) {
	dir, err := os.MkdirTemp(b.data, "brookmere-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if !running {
		if b.node, err = startChildNode(ctx, filepath.Join(dir, "node")); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.node.stop()) }()
		b.lead(b.node.url)
	}
	b.client = kinesis.NewFromConfig(b.config())
	results, err := b.measure(ctx, dir)
	if err != nil {
		return err
	}
	if b.json {
		return printJSON(b.out, results)
	}
	b.print(results)
	return nil
}

// measure measures a stream of each number of shards, and how long records take.
func (b *benchStreams) measure(ctx context.Context, dir string) ([]streamResult, error) {
	var all, first []streamResult
	for i, n := range b.counts {
		b.shards = n
		b.stream = fmt.Sprintf("bench-%d", time.Now().UnixNano())
		results, err := b.measureStream(ctx, dir)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			first = results
		}
		for j := range results {
			r := &results[j]
			r.Shards = n
			if i > 0 && first[j].Rate > 0 {
				r.OfFirst = r.Rate / first[j].Rate
			}
		}
		all = append(all, results...)
	}
	b.stream = fmt.Sprintf("bench-%d", time.Now().UnixNano())
	latencies, err := b.latencies(ctx)
	if err != nil {
		return nil, fmt.Errorf("latencies: %w", err)
	}
	return append(all, latencies...), nil
}

func (b *benchStreams) measureStream(ctx context.Context, dir string) (results []streamResult, err error) {
	_, err = b.client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &b.stream, ShardCount: aws.Int32(int32(b.shards))})
	if err != nil {
		return nil, err
	}
	defer func() {
		// Also after Ctrl-C: somebody else's node is left as it was.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		_, derr := b.client.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: &b.stream, EnforceConsumerDeletion: aws.Bool(true)})
		err = errors.Join(err, derr)
	}()
	err = kinesis.NewStreamExistsWaiter(b.client, func(o *kinesis.StreamExistsWaiterOptions) { o.MinDelay = 10 * time.Millisecond }).
		Wait(ctx, &kinesis.DescribeStreamInput{StreamName: &b.stream}, time.Minute)
	if err != nil {
		return nil, err
	}
	for _, step := range []struct {
		name string
		run  func(context.Context) (streamResult, error)
		bare int // index of the line to compare with, -1 for none
	}{
		{"write + fsync, batches", func(ctx context.Context) (streamResult, error) { return b.bare(ctx, dir, b.conns*b.batch) }, -1},
		{"put batches", func(ctx context.Context) (streamResult, error) { return b.put(ctx, b.conns, b.batch) }, 0},
		{"write + fsync, single", func(ctx context.Context) (streamResult, error) { return b.bare(ctx, dir, b.singles) }, -1},
		{"put single records", func(ctx context.Context) (streamResult, error) { return b.put(ctx, b.singles, 1) }, 2},
		{"read back", b.read, -1},
	} {
		r, err := b.step(ctx, step.name, step.run)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
		if step.bare >= 0 && results[step.bare].Rate > 0 {
			r.Share = r.Rate / results[step.bare].Rate
		}
		results = append(results, r)
	}
	return results, nil
}

// step measures one line, with the processor time that it takes.
func (b *benchStreams) step(ctx context.Context, name string, run func(context.Context) (streamResult, error)) (streamResult, error) {
	done := b.show(name, b.length)
	defer done()
	own, nodes := ownCPU(), 0.0
	if b.node != nil {
		nodes = b.node.cpu()
	}
	r, err := run(ctx)
	r.Name = name
	r.ClientCPU = ownCPU() - own
	if b.node != nil {
		r.NodeCPU = b.node.cpu() - nodes
	}
	return r, err
}

// show says what is measured, on a terminal with a bar that fills in the length, until the
// function it returns is called.
func (b *benchStreams) show(name string, length time.Duration) (done func()) {
	if !b.terminal {
		fmt.Fprintf(b.progress, "%s ...\n", name)
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	start := time.Now()
	go func() {
		defer close(stopped)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			fmt.Fprintf(b.progress, "\r%s  %s\x1b[K", bar(min(1, float64(time.Since(start))/float64(length)), 20), name)
			select {
			case <-stop:
				fmt.Fprint(b.progress, "\r\x1b[K")
				return
			case <-tick.C:
			}
		}
	}()
	return func() { close(stop); <-stopped }
}

func (b *benchStreams) print(results []streamResult) {
	counts := make([]string, len(b.counts))
	for i, n := range b.counts {
		counts[i] = strconv.Itoa(n)
	}
	fmt.Fprintf(b.out, "%s shards, %d-byte records, batches of %d over %d connections, single records over %d\n\n",
		strings.Join(counts, ", "), b.size, b.batch, b.conns, b.singles)
	rows := [][]string{{"", "RECORDS/S", "MB/S", "P50 MS", "P99 MS", "OF BARE DISK", "CPU S NODE", "CPU S CLIENT"}}
	if len(counts) > 1 {
		rows[0] = append(rows[0], "SHARDS", "OF "+counts[0]+" SHARDS")
	}
	for _, r := range results {
		row := make([]string, len(rows[0]))
		row[0], row[1] = r.Name, r.Note
		if r.Note == "" {
			row[3], row[4] = fmt.Sprintf("%.2f", r.P50), fmt.Sprintf("%.2f", r.P99)
		}
		if r.Rate > 0 {
			row[1], row[2] = fmt.Sprintf("%.0f", r.Rate), fmt.Sprintf("%.1f", float64(r.Bytes)/r.Seconds/1e6)
		}
		if r.Share > 0 {
			row[5] = fmt.Sprintf("%.2f", r.Share)
		}
		if r.NodeCPU > 0 {
			row[6] = fmt.Sprintf("%.2f", r.NodeCPU)
		}
		if r.ClientCPU > 0 {
			row[7] = fmt.Sprintf("%.2f", r.ClientCPU)
		}
		if len(counts) > 1 && r.Shards > 0 {
			row[8] = strconv.Itoa(r.Shards)
			if r.OfFirst > 0 {
				row[9] = fmt.Sprintf("%.2f", r.OfFirst)
			}
		}
		rows = append(rows, row)
	}
	printTable(b.out, rows)
}
