package main

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/brookmere/brookmere/internal/generate"
)

// generateOptions are the flags of generate.
type generateOptions struct {
	client    awsClient
	to        string
	rate      string
	feeds     []string
	length    time.Duration
	count     int64
	seed      uint64
	template  string
	replay    string
	timeField string
	speed     float64
	noNewline bool
	gzip      bool
	wrap      string
	names     []string
}

func newGenerateCommand() *cobra.Command {
	var o generateOptions
	cmd := &cobra.Command{
		Use:   "generate [SOURCE]",
		Short: "Generate records and send them to a stream, a delivery stream or a URL",
		Long: `Generate records and send them at a given rate to a Kinesis stream, a delivery stream, an
HTTP address or standard output. Streams are those of a node or of AWS itself, as
--endpoint or AWS_ENDPOINT_URL says.

SOURCE is one of the built-in sources:

` + builtinHelp() + `
or --template FILE, an unchanged template of the Amazon Kinesis Data Generator
({{random.number(50)}}, {{date.now}}, {{random.weightedArrayElement({...})}}, ...),
or --replay FILE, the records of an NDJSON, CSV or Parquet file, timed by one of their
fields.

--rate is a number of records a second, or a pattern: ramp:FROM:TO:TIME,
bursts:BASE:PEAK:LENGTH:PERIOD, sine:MEAN:AMPLITUDE:PERIOD, walk:LEAST:MOST:STEP. For several feeds
at once repeat --feed SOURCE=TARGET@RATE, where SOURCE may be a template's file.`,
		Example: `  brookmere generate unicorns --to kinesis:wildrydes --rate 3
  brookmere generate --template trade.tpl --to firehose:transaction_hose --rate 100 --for 1m
  brookmere generate --feed prices=firehose:price_hose@1000 --feed trades=firehose:transaction_hose@100
  brookmere generate orders --count 1000 --to https://ID.execute-api.us-east-1.localhost:4566/apiv1/orders --wrap ingestion-dev
  brookmere generate --replay clicks.ndjson --time-field ts --speed 10 --to kinesis:clicks
  brookmere generate patients --count 3 --to -`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			feeds, err := o.build(args, cmd.OutOrStdout())
			if err != nil {
				return err
			}
			return runFeeds(cmd.Context(), feeds, cmd.ErrOrStderr(), o.length)
		},
	}
	o.client.register(cmd)
	f := cmd.Flags()
	f.StringVar(&o.to, "to", "-", "target: kinesis:`STREAM`, firehose:STREAM, an http(s) URL, or - for standard output")
	f.StringVar(&o.rate, "rate", "", "records a second, or a pattern (default: 10; unlimited to standard output)")
	f.StringArrayVar(&o.feeds, "feed", nil, "`SOURCE=TARGET@RATE`: one of several feeds")
	f.DurationVar(&o.length, "for", 0, "how long to send; 0 sends until Ctrl-C or --count")
	f.Int64Var(&o.count, "count", 0, "records per feed; 0 means no limit")
	f.Uint64Var(&o.seed, "seed", 0, "`seed` for reproducible records; 0 is a random one")
	f.StringVar(&o.template, "template", "", "a `file` with a template of the Kinesis Data Generator")
	f.StringVar(&o.replay, "replay", "", "a `file` of records: NDJSON, CSV or Parquet, .gz too")
	f.StringVar(&o.timeField, "time-field", "", "the `field` with a replayed record's timestamp")
	f.Float64Var(&o.speed, "speed", 1, "replay speed as a factor; 0 is unlimited")
	f.BoolVar(&o.noNewline, "no-newline", false, "do not end records with a line feed")
	f.BoolVar(&o.gzip, "gzip", false, "compress each record")
	f.StringVar(&o.wrap, "wrap", "", "post {StreamName, PartitionKey, Data} for this `stream`, Data in base64, as REST APIs before Kinesis take it")
	f.StringSliceVar(&o.names, "names", nil, "`names` of the unicorns")
	cmd.ValidArgsFunction = completeBuiltin
	_ = cmd.RegisterFlagCompletionFunc("to", o.client.completeTarget) // there is such a flag
	return cmd
}

func builtinHelp() string {
	var b strings.Builder
	for _, name := range generate.Builtins() {
		fmt.Fprintf(&b, "  %-9s %s\n", name, generate.About(name))
	}
	return b.String()
}

// namedFeed is a feed with what its progress is told by.
type namedFeed struct {
	*generate.Feed
	name string
}

func (o *generateOptions) build(args []string, stdout io.Writer) ([]namedFeed, error) {
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano())
	}
	if len(o.feeds) > 0 {
		if len(args) > 0 || o.template != "" || o.replay != "" {
			return nil, errors.New("--feed names sources and targets: leave out SOURCE, --template and --replay")
		}
		var feeds []namedFeed
		for i, text := range o.feeds {
			source, rest, ok := strings.Cut(text, "=")
			at := strings.LastIndexByte(rest, '@')
			if !ok || at < 0 {
				return nil, fmt.Errorf("--feed %q: want SOURCE=TARGET@RATE, as prices=firehose:price_hose@1000", text)
			}
			f, err := o.feed(source, rest[:at], rest[at+1:], o.seed+uint64(i), stdout)
			if err != nil {
				return nil, fmt.Errorf("--feed %s: %w", text, err)
			}
			feeds = append(feeds, f)
		}
		return feeds, nil
	}
	source := cmp.Or(strings.Join(args, ""), o.template)
	switch given := len(args) + btoi(o.template != "") + btoi(o.replay != ""); {
	case given > 1:
		return nil, errors.New("choose one of SOURCE, --template and --replay")
	case given == 0:
		return nil, fmt.Errorf("name a source (%s), or --template FILE, or --replay FILE", strings.Join(generate.Builtins(), ", "))
	}
	f, err := o.feed(source, o.to, o.rate, o.seed, stdout)
	return []namedFeed{f}, err
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (o *generateOptions) feed(source, to, rate string, seed uint64, stdout io.Writer) (namedFeed, error) {
	target, err := generate.ParseTarget(to)
	if err != nil {
		return namedFeed{}, err
	}
	f := &generate.Feed{Clock: clockwork.NewRealClock(), Count: o.count, For: o.length, Newline: !o.noNewline, Gzip: o.gzip, Seed: seed}
	if o.replay != "" {
		if f.Replay, err = generate.OpenReplay(o.replay, o.timeField, o.speed); err != nil {
			return namedFeed{}, err
		}
	} else if f.Source, err = generate.Builtin(source, generate.Options{Seed: seed, Names: o.names}); err != nil || o.template != "" {
		if _, serr := os.Stat(source); serr != nil {
			if o.template != "" {
				return namedFeed{}, fmt.Errorf("--template: %w", serr)
			}
			return namedFeed{}, fmt.Errorf("%w; a file of that name, which would be a template, is not here either", err)
		}
		if f.Source, err = generate.FromTemplate(source, seed); err != nil {
			return namedFeed{}, err
		}
	}
	if f.Replay == nil || rate != "" {
		if f.Pattern, err = generate.ParsePattern(cmp.Or(rate, "10")); err != nil {
			return namedFeed{}, err
		}
	}
	if target.Kind == "stdout" && rate == "" {
		f.Pattern = nil
		if f.Replay == nil {
			if o.count == 0 && o.length == 0 {
				return namedFeed{}, errors.New("to standard output without --rate is as fast as it goes: say --count or --for, or a --rate")
			}
			f.Pattern = func(time.Duration) float64 { return math.MaxInt64 >> 2 }
			if o.count == 0 {
				f.Pattern = generate.Steady(10)
			}
		}
	}
	f.Sink = o.sink(target, f.Clock, stdout)
	return namedFeed{f, cmp.Or(source, o.replay) + " -> " + to}, nil
}

func (o *generateOptions) sink(t generate.Target, clock clockwork.Clock, stdout io.Writer) generate.Sink {
	switch t.Kind {
	case "kinesis":
		return &generate.StreamSink{Client: kinesis.NewFromConfig(o.client.config()), Stream: t.Name, Clock: clock}
	case "firehose":
		return &generate.DeliverySink{Client: firehose.NewFromConfig(o.client.config()), Stream: t.Name, Clock: clock}
	case "http":
		s := &generate.HTTPSink{Client: &http.Client{Timeout: time.Minute}, URL: t.Name, Clock: clock}
		if o.wrap != "" {
			s.Wrap = func(r generate.Record) []byte {
				body, _ := json.Marshal(map[string]string{"StreamName": o.wrap, "PartitionKey": r.Key, "Data": base64.StdEncoding.EncodeToString(r.Data)})
				return body
			}
		}
		return s
	}
	return generate.NewWriterSink(stdout)
}

// runFeeds runs feeds side by side and shows how far they are.
func runFeeds(ctx context.Context, feeds []namedFeed, out io.Writer, length time.Duration) error {
	g, gctx := errgroup.WithContext(ctx)
	for _, f := range feeds {
		g.Go(func() error {
			if err := f.Run(gctx); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			return nil
		})
	}
	done := make(chan error, 1)
	go func() { done <- g.Wait() }()
	p := newProgress(out, length)
	tick := time.NewTicker(p.every())
	defer tick.Stop()
	start := time.Now()
	for {
		select {
		case err := <-done:
			p.done()
			for _, f := range feeds {
				made, taken, size := f.Counts()
				seconds := time.Since(start).Seconds()
				fmt.Fprintf(out, "%s: %d records made, %d taken, %.1f MB, %.0f records/s%s\n", f.name, made, taken, float64(size)/1e6, float64(taken)/seconds, refused(f.Sink))
			}
			return err
		case <-tick.C:
			line := ""
			for _, f := range feeds {
				made, taken, _ := f.Counts()
				line += fmt.Sprintf("%s: made %d, taken %d   ", f.name, made, taken)
			}
			p.line(strings.TrimSpace(line))
		}
	}
}

func refused(s generate.Sink) string {
	if h, ok := s.(*generate.HTTPSink); ok && h.Refused() > 0 {
		return fmt.Sprintf(", %d of them refused as invalid", h.Refused())
	}
	return ""
}
