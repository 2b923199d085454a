package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"

	"github.com/brookmere/brookmere/internal/console"
	"github.com/brookmere/brookmere/internal/generate"
	"github.com/brookmere/brookmere/internal/node"
)

func newDemoCommand() *cobra.Command {
	cmd := newDemoDevicesCommand("demo")
	cmd.AddCommand(newDemoDevicesCommand("devices"), newWildrydesCommand(), newDemoHealthCommand(), newDemoTradesCommand())
	return cmd
}

// newDemoDevicesCommand is the demo of devices, which is also the one without a name.
func newDemoDevicesCommand(use string) *cobra.Command {
	var (
		flags demoFlags
		o     demoOptions
		clean bool
	)
	cmd := &cobra.Command{
		Use:   use,
		Short: "Start a node and send device readings through the whole pipeline",
		Long: `Start a node and use it over HTTP as any AWS client would: create a bucket, a Glue
database and table, and a Firehose delivery stream that partitions JSON by hour and
writes it as Parquet; send readings of eleven devices at a steady rate; crawl the
delivered objects; and query the table with Athena.

Without --for it sends until Ctrl-C, so that you can look around. A second run finds
the data of the first. --clean removes all that it made, and ends.`,
		Example: `  brookmere demo
  brookmere demo --for 20s                  # ends by itself with a summary
  brookmere demo --rate 50000 --for 1m
  brookmere demo devices --clean`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.rate < 1 {
				return fmt.Errorf("--rate %d: send at least one record a second", o.rate)
			}
			return flags.on(cmd, func(c *demoClients) error {
				d := newDemo(c, o, cmd.OutOrStdout())
				if clean {
					return c.cleanDevices(cmd.Context(), d.step)
				}
				return d.run(cmd.Context())
			})
		},
	}
	flags.register(cmd)
	cmd.Flags().DurationVar(&o.length, "for", 0, "how long to send before the summary; 0 sends until Ctrl-C")
	cmd.Flags().IntVar(&o.rate, "rate", 2000, "records a second")
	cmd.Flags().BoolVar(&clean, "clean", false, "remove everything that the demo created, and exit")
	quiet(cmd)
	return cmd
}

// quiet keeps the node's own lines out of a demo, unless they matter: the demo's are what its user reads.
func quiet(cmd *cobra.Command) {
	_ = cmd.Flags().Set("log-level", "warn") // it is a level
	cmd.Flags().Lookup("log-level").DefValue = "warn"
}

// during starts a node as the flags say, calls f with its address and configuration, and closes it.
func (f *nodeFlags) during(cmd *cobra.Command, do func(url string, cfg node.Config) error) error {
	cfg := node.DefaultConfig()
	if err := f.override(&cfg); err != nil {
		return err
	}
	log, err := f.logger()
	if err != nil {
		return err
	}
	n, err := node.Start(cmd.Context(), cfg, log)
	if err != nil {
		return err
	}
	return errors.Join(do(n.URL(), cfg), closeNode(n))
}

// demoFlags are those of a demo that starts a node, or uses one that runs.
type demoFlags struct {
	nodeFlags
	endpoint, region, profile string
}

func (f *demoFlags) register(cmd *cobra.Command) {
	f.nodeFlags.register(cmd)
	fs := cmd.Flags()
	fs.StringVar(&f.endpoint, "endpoint", "", "`URL` of a running node (default: start one)")
	fs.StringVar(&f.region, "region", "", "AWS `region` (default that of --profile, or "+demoRegion+")")
	fs.StringVar(&f.profile, "profile", "", "`name` of a profile of the AWS configuration files, for its region, and its credentials with --endpoint")
	_ = cmd.RegisterFlagCompletionFunc("region", completeRegion) // there are such flags
	_ = cmd.RegisterFlagCompletionFunc("profile", completeProfile)
}

// clients are those of the node at url. A node that runs is asked with the user's credentials, one that was started here with any.
func (f *demoFlags) clients(ctx context.Context, url, account string) (*demoClients, error) {
	c := newDemoClients(strings.TrimSuffix(url, "/"), account)
	cfg := c.config
	if f.profile != "" || f.endpoint != "" {
		of := awsClient{endpoint: c.url, region: f.region, profile: f.profile}
		if err := of.resolve(ctx); err != nil {
			return nil, err
		}
		if f.endpoint != "" {
			cfg.Credentials = of.config().Credentials
		}
		if f.profile != "" {
			cfg.Region = of.region
		}
	}
	cfg.Region = cmp.Or(f.region, cfg.Region)
	c.use(cfg)
	if account != "" {
		return c, nil
	}
	who, err := sts.NewFromConfig(c.config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, fmt.Errorf("ask the node at %s whose account it is: %w", url, err)
	}
	c.account = aws.ToString(who.Account)
	return c, nil
}

// on calls do with clients of the node at the endpoint, or of one that is started and closed.
func (f *demoFlags) on(cmd *cobra.Command, do func(*demoClients) error) error {
	if f.endpoint == "" {
		return f.during(cmd, func(url string, cfg node.Config) error {
			c, err := f.clients(cmd.Context(), url, cfg.Account)
			if err != nil {
				return err
			}
			return do(c)
		})
	}
	c, err := f.clients(cmd.Context(), f.endpoint, "")
	if err != nil {
		return err
	}
	return do(c)
}

type demoOptions struct {
	length time.Duration
	rate   int
}

// firstLook is how long an open-ended demo sends before it crawls and queries.
const firstLook = 10 * time.Second

// demo is one run of the main job, as a client of a node.
type demo struct {
	demoOptions
	out     io.Writer
	clients *demoClients
	feed    *generate.Feed
	started time.Time
}

func newDemo(c *demoClients, o demoOptions, out io.Writer) *demo {
	clock := clockwork.NewRealClock()
	return &demo{demoOptions: o, out: out, clients: c, feed: &generate.Feed{
		Source: generate.NewIoT(uint64(time.Now().UnixNano())), Pattern: generate.Steady(float64(o.rate)), For: o.length, Clock: clock,
		Sink: &generate.DeliverySink{Client: c.firehose, Stream: demoStream, Clock: clock},
	}}
}

// run does the whole job. The end of ctx (Ctrl-C) ends it early and is not an error.
func (d *demo) run(ctx context.Context) error {
	err := d.steps(ctx)
	if ctx.Err() != nil {
		sent, acked, _ := d.feed.Counts()
		d.sayf("\nStopped. Sent %d, acknowledged %d.\nWhat is not in the lake yet is in the log, and is delivered when the node runs again.\n", sent, acked)
		return nil
	}
	return err
}

func (d *demo) steps(ctx context.Context) error {
	d.sayf("Brookmere is up: %s\nIts console:     %s%s\n\n", d.clients.url, d.clients.url, console.Path)
	if err := d.clients.setUp(ctx, d.step); err != nil {
		return err
	}
	if err := d.clients.dashboard(ctx, demoStream); err != nil {
		return err
	}
	d.step("dashboard", demoStream)
	d.started = time.Now().UTC()
	d.sayf("\nSending %d readings a second to the delivery stream %s.\n", d.rate, demoStream)
	sending, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- d.feed.Run(sending) }()
	var look <-chan time.Time // nil: watch until all is sent
	if d.length == 0 {
		look = time.After(firstLook)
	}
	if err := d.watch(ctx, look, done); err != nil {
		return err
	}
	if d.length > 0 {
		if err := d.drain(ctx); err != nil {
			return err
		}
	} else if err := d.firstObject(ctx); err != nil {
		return err
	}
	if err := d.crawlAndQuery(ctx); err != nil {
		return err
	}
	if d.length > 0 {
		return d.summary(ctx)
	}
	d.sayf("%s\nSending goes on. Ctrl-C ends it.\n", d.clients.tips())
	return d.watch(ctx, nil, done)
}

func (d *demo) sayf(format string, args ...any) { fmt.Fprintf(d.out, format, args...) }

// step reports one thing that was set up.
func (d *demo) step(what, name string) { d.sayf("  %-16s %s\n", what, name) }

// watch shows progress until end fires, the sender fails, or ctx ends.
func (d *demo) watch(ctx context.Context, end <-chan time.Time, sent <-chan error) error {
	p := newProgress(d.out, d.length)
	defer p.done()
	tick := time.NewTicker(p.every())
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end:
			d.show(ctx, p)
			return nil
		case err := <-sent:
			d.show(ctx, p)
			return err
		case <-tick.C:
			d.show(ctx, p)
		}
	}
}

func (d *demo) show(ctx context.Context, p *progress) {
	status, err := d.clients.delivery(ctx)
	if err != nil {
		return // the node is stopping; the counts of the next line would be stale
	}
	sent, acked, _ := d.feed.Counts()
	p.show(sent, acked, status)
}

// drain waits until all that was acknowledged is in the lake.
func (d *demo) drain(ctx context.Context) error {
	return poll(ctx, 100*time.Millisecond, func() (bool, error) {
		status, err := d.clients.delivery(ctx)
		return err == nil && status.LagRecords == 0, err
	})
}

func (d *demo) firstObject(ctx context.Context) error {
	return poll(ctx, 200*time.Millisecond, func() (bool, error) {
		status, err := d.clients.delivery(ctx)
		return err == nil && status.LastObject != "", err
	})
}

func (d *demo) crawlAndQuery(ctx context.Context) error {
	d.sayf("\nObjects in the lake:\n")
	if err := d.clients.printFolders(ctx, d.out); err != nil {
		return err
	}
	d.sayf("\nCrawling s3://%s/data/ ... ", demoBucket)
	if err := d.clients.crawl(ctx); err != nil {
		return err
	}
	d.sayf("table %s.%s\n\n", demoDatabase, demoTable)
	query := fmt.Sprintf(`SELECT id_device, count(*) AS readings, round(avg(temperature), 1) AS temperature,
       round(max(cpu), 3) AS max_cpu, max("timestamp") AS last_seen
FROM %s GROUP BY id_device ORDER BY id_device`, demoTable)
	d.sayf("%s\n\n", query)
	start := time.Now()
	rows, err := d.clients.query(ctx, query)
	if err != nil {
		return err
	}
	printTable(d.out, rows)
	d.sayf("%d rows in %v\n", len(rows)-1, time.Since(start).Round(time.Millisecond))
	return nil
}

// summary counts what this run brought into the lake and compares.
func (d *demo) summary(ctx context.Context) error {
	rows, err := d.clients.query(ctx, fmt.Sprintf(`SELECT count(*), count_if("timestamp" >= '%s') FROM %s`,
		d.started.Format(demoTimestampLayout), demoTable))
	if err != nil {
		return err
	}
	total, here := rows[1][0], rows[1][1]
	sent, acked, _ := d.feed.Counts()
	d.sayf("\nSummary\n  sent          %d\n  acknowledged  %d\n  in the lake   %s (by SQL; %s with earlier runs)\n", sent, acked, here, total)
	if fmt.Sprint(acked) != here || sent != acked {
		return fmt.Errorf("the counts do not agree: sent %d, acknowledged %d, in the lake %s", sent, acked, here)
	}
	d.sayf("The counts agree.\n")
	return nil
}

// poll calls f until it says done, fails, or ctx ends.
func poll(ctx context.Context, every time.Duration, f func() (bool, error)) error {
	for {
		done, err := f()
		if err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(every):
		}
	}
}
