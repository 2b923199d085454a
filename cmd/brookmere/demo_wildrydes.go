package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/spf13/cobra"

	"github.com/brookmere/brookmere/examples/wildrydes"
	"github.com/brookmere/brookmere/internal/console"
	"github.com/brookmere/brookmere/internal/generate"
)

// wildrydesDemo is one run of the fleet.
type wildrydesDemo struct {
	endpoint string // of the node
	options  string // that lead other commands to what the fleet has
	page     string // address
	names    []string
	clean    bool
	length   time.Duration

	mu  sync.Mutex // of out: the flight's parts all write to it
	out io.Writer
}

func newWildrydesCommand() *cobra.Command {
	var (
		flags demoFlags
		d     wildrydesDemo
	)
	cmd := &cobra.Command{
		Use:   "wildrydes",
		Short: "Fly a fleet of unicorns: a stream, SQL, a table, a bucket and a live map",
		Long: `Start a node (or use the one at --endpoint) and create, as any AWS client would, the
resources of examples/wildrydes: two streams, an SQL application that aggregates the
readings by the minute, a function that writes the aggregates into a table, a delivery
stream that writes the readings into a bucket, an Athena table over the bucket, and an
identity pool for a page. Then fly the unicorns and serve the page, which reads the
stream from the browser with credentials of the pool.

The function runs on the Node of the node's machine, and needs no SDK. Where there is no Node, the
table stays empty, the demo says so, and all else works. Ctrl-C lands the unicorns and keeps all
resources; --clean removes them.`,
		Example: `  brookmere demo wildrydes
  brookmere demo wildrydes --name Shadowfax --name Rocinante
  brookmere demo wildrydes --clean`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.out = cmd.OutOrStdout()
			return flags.on(cmd, func(c *demoClients) error {
				d.endpoint, d.options = c.url, "--endpoint "+c.url
				if c.config.Region != demoRegion {
					d.options += " --region " + c.config.Region
				}
				return d.run(cmd.Context(), c)
			})
		},
	}
	flags.register(cmd)
	f := cmd.Flags()
	f.StringVar(&d.page, "page", "127.0.0.1:8080", "`address` of the page")
	f.StringArrayVar(&d.names, "name", generate.UnicornNames, "`name` of a unicorn; may be repeated")
	f.DurationVar(&d.length, "for", 0, "how long to fly; 0 flies until Ctrl-C")
	f.BoolVar(&d.clean, "clean", false, "remove everything that the demo created, and exit")
	quiet(cmd)
	return cmd
}

func (d *wildrydesDemo) sayf(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.out, format, args...)
}

// run sets up or cleans. The end of ctx (Ctrl-C) is not an error.
func (d *wildrydesDemo) run(ctx context.Context, shown *demoClients) error {
	p := wildrydes.New(shown.config, shown.account)
	p.Say = func(what, name string) { d.sayf("  %-16s %s\n", what, name) }
	var err error
	if d.clean {
		d.sayf("Removing the fleet from %s\n\n", d.endpoint)
		err = errors.Join(shown.removeDashboard(ctx, wildrydes.Stream), p.Clean(ctx))
	} else {
		d.sayf("Brookmere is up: %s\nIts console:     %s%s\n\n", d.endpoint, strings.TrimSuffix(d.endpoint, "/"), console.Path)
		if err = shown.dashboard(ctx, wildrydes.Stream); err == nil {
			p.Say("dashboard", wildrydes.Stream)
			err = d.fly(ctx, p)
		}
	}
	if ctx.Err() != nil {
		d.sayf("\nThe unicorns have landed. Everything is still there: --clean removes it.\n")
		return nil
	}
	return err
}

// fly sets up, serves the page, and flies.
func (d *wildrydesDemo) fly(ctx context.Context, p *wildrydes.Pipeline) error {
	if err := p.SetUp(ctx); err != nil {
		return err
	}
	if d.length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.length)
		defer cancel()
	}
	l, err := net.Listen("tcp", d.page)
	if err != nil {
		return fmt.Errorf("serve the page: %w (--page names another address)", err)
	}
	page := &http.Server{
		Handler:           wildrydes.Page(wildrydes.PageSettings{Endpoint: d.endpoint, Region: p.Region, PoolID: p.Pool, Stream: wildrydes.Stream}),
		ReadHeaderTimeout: 10 * time.Second,
	}
	defer page.Close()
	go func() { _ = page.Serve(l) }() // until Close
	d.sayf("%s", d.tips(p, l.Addr().String()))
	flight, land := context.WithCancel(ctx)
	defer land()
	errs := make(chan error, 3)
	for _, part := range []func() error{
		func() error { return d.mind(flight, p) },
		func() error {
			return wildrydes.Watch(flight, p.Kinesis(), wildrydes.Summary, func(data []byte) { d.sayf("%s\n", data) })
		},
		func() error { return wildrydes.Fly(flight, p.Kinesis(), wildrydes.Stream, d.names, nil) },
	} {
		go func() {
			defer land() // none goes on without the others
			errs <- part()
		}()
	}
	if err := errors.Join(<-errs, <-errs, <-errs); err != nil {
		return err
	}
	if d.length > 0 && ctx.Err() != nil {
		return d.look(context.WithoutCancel(ctx), p)
	}
	return nil
}

// mind says why the table gets no summaries, at once and when that changes, until ctx ends.
func (d *wildrydesDemo) mind(ctx context.Context, p *wildrydes.Pipeline) error {
	tick := time.NewTicker(15 * time.Second)
	defer tick.Stop()
	said := ""
	for {
		trouble, err := p.Trouble(ctx)
		if err == nil && trouble != said {
			d.sayTrouble(trouble)
			said = trouble
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// sayTrouble says why the table gets no summaries, or that it gets them again.
func (d *wildrydesDemo) sayTrouble(trouble string) {
	if trouble == "" {
		d.sayf("The function writes into the table %s again.\n", wildrydes.Table)
		return
	}
	d.sayf("The table %s gets no summaries: %s\nIts function's log: brookmere functions logs %s %s\n", wildrydes.Table, trouble, wildrydes.Function, d.options)
}

// look says what has come of a flight.
func (d *wildrydesDemo) look(ctx context.Context, p *wildrydes.Pipeline) error {
	out, err := p.DynamoDB().Scan(ctx, &dynamodb.ScanInput{TableName: aws.String(wildrydes.Table)})
	if err != nil {
		return err
	}
	rows, err := p.Query(ctx, "SELECT name, count(*) AS readings, max(statustime) AS last FROM "+wildrydes.AthenaTable+" GROUP BY name ORDER BY name")
	if err != nil {
		return err
	}
	if trouble, err := p.Trouble(ctx); err == nil && trouble != "" {
		d.sayTrouble(trouble)
	}
	d.sayf("\n%d summaries in the table %s. Readings in the bucket:\n\n", len(out.Items), wildrydes.Table)
	printTable(d.out, rows)
	return nil
}

func (d *wildrydesDemo) tips(p *wildrydes.Pipeline, page string) string {
	return strings.NewReplacer(
		"DESTINATION_SQL_STREAM", "DESTINATION_SQL_STREAM", "PAGE", page, "OPTIONS", d.options, "STREAM", wildrydes.Stream, "APPLICATION", wildrydes.Application, "SUMMARY", wildrydes.Summary,
		"TABLE", wildrydes.Table, "BUCKET", p.Bucket(), "ATHENA", wildrydes.AthenaTable, "COUNT", strconv.Itoa(len(d.names)),
	).Replace(`
The fleet flies: COUNT unicorns.

  the map        http://PAGE/
  the readings   brookmere streams tail STREAM OPTIONS
  the sums       brookmere analytics tail APPLICATION DESTINATION_SQL_STREAM OPTIONS
  the table      brookmere tables scan TABLE OPTIONS
  the bucket     s3://BUCKET/ (after a minute)
  SQL            brookmere sql OPTIONS "SELECT name, count(*) FROM ATHENA GROUP BY name"

The sums of each minute, as they come into the stream SUMMARY:

`)
}
