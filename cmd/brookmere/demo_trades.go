package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/brookmere/brookmere/examples"
	"github.com/brookmere/brookmere/internal/console"
	"github.com/brookmere/brookmere/internal/generate"
	"github.com/brookmere/brookmere/internal/generate/template"
)

// What the demo of trades makes: a delivery stream and a bucket for each of its feeds.
const (
	tradesDatabase  = "trades"
	tradesReference = "reference-lake"
)

var tradesFeeds = []struct {
	name string // of the template, the folder, and what the others are named after
	rate float64
}{{"price", 1000}, {"transaction", 100}}

func tradesBucket(feed string) string { return feed + "-lake" }
func tradesHose(feed string) string   { return feed + "_hose" }

func newDemoTradesCommand() *cobra.Command {
	var (
		flags  demoFlags
		length time.Duration
		clean  bool
	)
	cmd := &cobra.Command{
		Use:   "trades",
		Short: "Start a node and query views over prices and trades as they arrive",
		Long: `Start a node, and play the pipeline of examples/trades on it, as any AWS client would: buckets,
reference data as CSV files, two delivery streams, prices at 1,000 and transactions at 100 a second
by templates of the Kinesis Data Generator, tables and views in Athena, and a join of them all
that is asked again as the trades come in.

Without --for it goes on until Ctrl-C. --clean removes all that it made, and ends.`,
		Example: `  brookmere demo trades
  brookmere demo trades --for 20s
  brookmere demo trades --clean`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return flags.on(cmd, func(c *demoClients) error {
				d := &tradesDemo{c, cmd.OutOrStdout()}
				if clean {
					return d.clean(cmd.Context())
				}
				return d.run(cmd.Context(), length)
			})
		},
	}
	flags.register(cmd)
	cmd.Flags().DurationVar(&length, "for", 0, "how long to send before the final result; 0 sends until Ctrl-C")
	cmd.Flags().BoolVar(&clean, "clean", false, "remove everything that the demo created, and exit")
	quiet(cmd)
	return cmd
}

type tradesDemo struct {
	*demoClients
	out io.Writer
}

func (d *tradesDemo) step(what, name string) { fmt.Fprintf(d.out, "  %-16s %s\n", what, name) }

func (d *tradesDemo) run(ctx context.Context, length time.Duration) error {
	fmt.Fprintf(d.out, "Brookmere is up: %s\nIts console:     %s%s\n\n", d.url, d.url, console.Path)
	if err := d.setUp(ctx); err != nil {
		return err
	}
	before, err := d.count(ctx)
	if err != nil {
		return err
	}
	feeds, err := d.feeds(length)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\nSending %.0f prices and %.0f transactions a second.\n", tradesFeeds[0].rate, tradesFeeds[1].rate)
	g, gctx := errgroup.WithContext(ctx)
	for _, f := range feeds {
		g.Go(func() error { return f.Run(gctx) })
	}
	sent := make(chan error, 1)
	go func() { sent <- g.Wait() }()
	for tick := time.NewTicker(5 * time.Second); ; {
		select {
		case <-tick.C:
			if err := d.ask(ctx); err != nil && ctx.Err() == nil {
				return err
			}
			continue
		case err = <-sent:
		}
		break
	}
	if err != nil || ctx.Err() != nil {
		fmt.Fprintf(d.out, "\nStopped. What is not in the lake yet is in the log, and is delivered when the node runs again.\n")
		return err
	}
	_, taken, _ := feeds[1].Counts()
	fmt.Fprintf(d.out, "\n%d transactions were taken. Waiting until they are in the lake.\n", taken)
	if err := poll(ctx, 200*time.Millisecond, func() (bool, error) {
		n, err := d.count(ctx)
		return n-before >= taken, err
	}); err != nil {
		return err
	}
	return d.ask(ctx)
}

// feeds are the templates on their way to their delivery streams.
func (d *tradesDemo) feeds(length time.Duration) ([]*generate.Feed, error) {
	var feeds []*generate.Feed
	for i, f := range tradesFeeds {
		text, err := examples.Trades.ReadFile("trades/templates/" + f.name + ".tpl")
		if err != nil {
			return nil, err
		}
		t, err := template.Parse(string(text))
		if err != nil {
			return nil, err
		}
		seed := uint64(time.Now().UnixNano()) + uint64(i)
		feeds = append(feeds, &generate.Feed{
			Source: t.Source(seed), Pattern: generate.Steady(f.rate), Clock: clockwork.NewRealClock(), For: length, Newline: true, Seed: seed,
			Sink: &generate.DeliverySink{Client: d.firehose, Stream: tradesHose(f.name), Clock: clockwork.NewRealClock()},
		})
	}
	return feeds, nil
}

// setUp makes what the pipeline needs and leaves what an earlier run made.
func (d *tradesDemo) setUp(ctx context.Context) error {
	for _, bucket := range []string{tradesBucket("price"), tradesBucket("transaction"), tradesReference} {
		err := d.createBucket(ctx, bucket)
		if err := unless(err, "BucketAlreadyOwnedByYou"); err != nil {
			return fmt.Errorf("create bucket %s: %w", bucket, err)
		}
		d.step("bucket", bucket)
	}
	files, err := fs.Glob(examples.Trades, "trades/data/*.csv")
	if err != nil {
		return err
	}
	for _, file := range files {
		content, err := examples.Trades.ReadFile(file)
		if err != nil {
			return err
		}
		if _, err := d.s3.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(tradesReference), Key: aws.String("reference/" + path.Base(file)), Body: bytes.NewReader(content), ContentType: aws.String("text/csv"),
		}); err != nil {
			return fmt.Errorf("put %s: %w", file, err)
		}
		d.step("object", "s3://"+tradesReference+"/reference/"+path.Base(file))
	}
	for _, f := range tradesFeeds {
		_, err := d.firehose.CreateDeliveryStream(ctx, &firehose.CreateDeliveryStreamInput{
			DeliveryStreamName: aws.String(tradesHose(f.name)),
			ExtendedS3DestinationConfiguration: &firehosetypes.ExtendedS3DestinationConfiguration{
				RoleARN: d.role(), BucketARN: aws.String("arn:aws:s3:::" + tradesBucket(f.name)), Prefix: aws.String(f.name + "/"),
				BufferingHints: &firehosetypes.BufferingHints{SizeInMBs: aws.Int32(5), IntervalInSeconds: aws.Int32(2)},
			},
		})
		if err := unless(err, "ResourceInUseException"); err != nil {
			return fmt.Errorf("create delivery stream %s: %w", tradesHose(f.name), err)
		}
		d.step("delivery stream", tradesHose(f.name))
	}
	for _, s := range tradesStatements {
		if _, err := d.queryIn(ctx, "default", s.sql); err != nil {
			return fmt.Errorf("create %s %s: %w", s.what, s.name, err)
		}
		d.step(s.what, s.name)
	}
	if err := d.dashboard(ctx, tradesDatabase); err != nil {
		return err
	}
	d.step("dashboard", tradesDatabase)
	return nil
}

// unless is the error, or nil where it has one of the codes.
func unless(err error, codes ...string) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		for _, code := range codes {
			if api.ErrorCode() == code {
				return nil
			}
		}
	}
	return err
}

func openXTable(name, columns, bucket, folder string) string {
	return `CREATE EXTERNAL TABLE IF NOT EXISTS ` + name + ` (` + columns + `)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' LOCATION 's3://` + bucket + `/` + folder + `/'`
}

var tradesStatements = []struct{ what, name, sql string }{
	{"database", tradesDatabase, "CREATE DATABASE IF NOT EXISTS trades"},
	{"table", "trades.prices", openXTable("trades.prices", "ticker string, price double, time string", tradesBucket("price"), "price")},
	{"table", "trades.transactions", openXTable("trades.transactions", "id string, ticker string, trader int, qty int, price double, side string, time timestamp", tradesBucket("transaction"), "transaction")},
	{"table", "trades.reference", `CREATE EXTERNAL TABLE IF NOT EXISTS trades.reference (type string, id string, name string, place string)
ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://` + tradesReference + `/reference/'`},
	{"view", "trades.areas", "CREATE OR REPLACE VIEW trades.areas AS SELECT id ticker, name trading_area, place FROM trades.reference WHERE type = 'area'"},
	{"view", "trades.companies", "CREATE OR REPLACE VIEW trades.companies AS SELECT id ticker, name company FROM trades.reference WHERE type = 'company'"},
}

const tradesQuestion = `SELECT a.trading_area, count(*) AS trades, sum(t.qty * t.price) AS trade_value,
       round(avg(t.price), 2) AS price, array_join(array_agg(DISTINCT c.company), ', ') AS companies
FROM transactions t JOIN areas a ON t.ticker = a.ticker JOIN companies c ON t.ticker = c.ticker
GROUP BY a.trading_area ORDER BY trade_value DESC`

// queryIn is query in a database.
func (d *tradesDemo) queryIn(ctx context.Context, database, statement string) ([][]string, error) {
	return d.queryAt(ctx, database, "s3://"+tradesReference+"/results/", statement)
}

// ask prints the question and its answer.
func (d *tradesDemo) ask(ctx context.Context) error {
	start := time.Now()
	rows, err := d.queryIn(ctx, tradesDatabase, tradesQuestion)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\n%s\n\n", tradesQuestion)
	printTable(d.out, rows)
	fmt.Fprintf(d.out, "%d rows in %v\n", len(rows)-1, time.Since(start).Round(time.Millisecond))
	return nil
}

func (d *tradesDemo) count(ctx context.Context) (int64, error) {
	rows, err := d.queryIn(ctx, tradesDatabase, "SELECT count(*) FROM transactions")
	if err != nil || len(rows) < 2 {
		return 0, cmp.Or(err, errors.New("a count without a row"))
	}
	return strconv.ParseInt(strings.Join(rows[1], ""), 10, 64)
}

// clean removes what the demo made: what reads first, what is read last.
func (d *tradesDemo) clean(ctx context.Context) error {
	if err := d.removeDashboard(ctx, tradesDatabase); err != nil {
		return err
	}
	d.step("removed", "dashboard "+tradesDatabase)
	_, err := d.glue.DeleteDatabase(ctx, &glue.DeleteDatabaseInput{Name: aws.String(tradesDatabase)})
	if err := unless(err, "EntityNotFoundException"); err != nil {
		return err
	}
	d.step("removed", "database "+tradesDatabase)
	for _, f := range tradesFeeds {
		if err := d.removeDelivery(ctx, tradesHose(f.name)); err != nil {
			return err
		}
		d.step("removed", "delivery stream "+tradesHose(f.name))
	}
	for _, bucket := range []string{tradesBucket("price"), tradesBucket("transaction"), tradesReference} {
		if err := d.removeBucket(ctx, bucket); err != nil {
			return err
		}
		d.step("removed", "bucket "+bucket)
	}
	return nil
}

// removeBucket removes a bucket with all that is in it; one that is not there is no error.
func (c *demoClients) removeBucket(ctx context.Context, bucket string) error {
	pages := s3.NewListObjectsV2Paginator(c.s3, &s3.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unless(err, "NoSuchBucket")
		}
		var ids []s3types.ObjectIdentifier
		for _, o := range page.Contents {
			ids = append(ids, s3types.ObjectIdentifier{Key: o.Key})
		}
		if len(ids) == 0 {
			continue
		}
		if _, err := c.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &s3types.Delete{Objects: ids}}); err != nil {
			return err
		}
	}
	_, err := c.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &bucket})
	return unless(err, "NoSuchBucket")
}
