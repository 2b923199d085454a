package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/brookmere/brookmere/internal/nodeapi"
)

// deliveries asks a running node about its delivery streams, over the node's own endpoints.
type deliveries struct {
	awsClient
	account string
	json    bool
}

func newDeliveriesCommand() *cobra.Command {
	d := new(deliveries)
	cmd := &cobra.Command{
		Use:   "deliveries",
		Short: "Inspect and control the delivery streams of a running node",
		Long: `Show the progress of the delivery streams (Firehose) of a running node: the lag between
puts and the destination in records, bytes and seconds, the last object, and the last
error. The node answers only callers on its own machine.

A delivery stream that delivers often writes many small objects. With the tag
brookmere:compaction, or delivery.compaction in the node's configuration, the objects of a
closed partition, which has received nothing for a while, are merged into files near a
target size, atomically for all readers:

  target=128MiB after=5m keep=5m    # the default of each; "on" means these, "off" none

keep is how long a client that has listed the small objects can still read them.
Parquet objects and lines of text, compressed or not, are compacted.`,
		Example: `  brookmere deliveries ls
  brookmere deliveries describe devices
  brookmere deliveries flush devices        # deliver what was put so far, now
  brookmere deliveries compact devices      # merge small objects, now
  aws firehose tag-delivery-stream --delivery-stream-name devices \
      --tags 'Key=brookmere:compaction,Value=target=64MiB after=10m'`,
	}
	d.register(cmd)
	f := cmd.PersistentFlags()
	f.Lookup("region").Usage += "; of ls, only those there, and all where this is left out"
	f.StringVar(&d.account, "account", "", "`account` of the delivery stream (default: the node's; for ls, all)")
	f.BoolVar(&d.json, "json", false, "print JSON")
	cmd.AddCommand(
		&cobra.Command{
			Use: "ls", Short: "List all delivery streams with their lag", Args: cobra.NoArgs,
			Example: `  brookmere deliveries ls
  brookmere deliveries ls --region eu-west-1 --json`,
			RunE: func(cmd *cobra.Command, _ []string) error { return d.list(cmd.Context(), cmd.OutOrStdout()) },
		},
		d.one("describe NAME", "Show one delivery stream", http.MethodGet, "", ""),
		d.one("flush NAME", "Deliver all records put so far, and wait until that is done", http.MethodPost, "/flush", "Flushed. "),
		d.one("hold NAME", "Pause delivery until release or a restart; puts are still accepted", http.MethodPost, "/hold", "On hold. "),
		d.one("release NAME", "Resume a held delivery", http.MethodPost, "/release", "Released. "),
		d.one("compact NAME", "Merge the existing small objects, and wait until that is done", http.MethodPost, "/compact", ""),
	)
	completeArguments(cmd, d.complete(deliveryNames), "describe", "flush", "hold", "release", "compact")
	return cmd
}

// one is a subcommand about one delivery stream. It prints what it did before the state
// after it.
func (d *deliveries) one(use, short, method, verb, did string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1), Example: "  brookmere deliveries " + strings.Replace(use, "NAME", "devices", 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var s nodeapi.Delivery
			if err := d.call(cmd.Context(), method, "/"+url.PathEscape(args[0])+verb, &s); err != nil {
				return err
			}
			switch {
			case d.json:
				return printJSON(cmd.OutOrStdout(), s)
			case did != "":
				fmt.Fprintf(cmd.OutOrStdout(), "%s%s\n", did, deliverySummary(s))
			default:
				describeDelivery(cmd.OutOrStdout(), s)
			}
			return nil
		},
	}
}

// deliverySummary is one sentence about what was delivered.
func deliverySummary(s nodeapi.Delivery) string {
	failed := ""
	if s.RecordsFailed > 0 {
		failed = fmt.Sprintf(", %d failed and are in the error prefix", s.RecordsFailed)
	}
	return fmt.Sprintf("%s: %d records delivered%s, %d objects, %d records not yet.", s.Name, s.RecordsDelivered, failed, s.Objects, s.LagRecords)
}

func (d *deliveries) list(ctx context.Context, out io.Writer) error {
	var all []nodeapi.Delivery
	if err := d.call(ctx, http.MethodGet, "", &all); err != nil {
		return err
	}
	rows := [][]string{{"NAME", "ACCOUNT", "REGION", "DELIVERED", "FAILED", "LAG", "LAG BYTES", "LAG TIME", "LAST DELIVERY", "STATE"}}
	kept := []nodeapi.Delivery{}
	for _, s := range all {
		if d.regionFlag && s.Region != d.region || d.account != "" && s.Account != d.account {
			continue
		}
		kept = append(kept, s)
		rows = append(rows, []string{s.Name, s.Account, s.Region, fmt.Sprint(s.RecordsDelivered), fmt.Sprint(s.RecordsFailed),
			fmt.Sprint(s.LagRecords), fmt.Sprint(s.LagBytes), lagTime(s), ago(s.LastDelivery), deliveryState(s)})
	}
	if d.json {
		return printJSON(out, kept)
	}
	if len(kept) == 0 && len(all) > 0 {
		fmt.Fprintln(out, "There are no delivery streams of that account and region, but of others: see brookmere deliveries ls")
		return nil
	}
	if len(kept) == 0 {
		fmt.Fprintln(out, "There are no delivery streams. Make one with: aws firehose create-delivery-stream")
		return nil
	}
	printTable(out, rows)
	return nil
}

func deliveryState(s nodeapi.Delivery) string {
	switch {
	case s.Held:
		return "held"
	case s.LastError != "":
		return "failing"
	case s.LagRecords > 0:
		return "behind"
	}
	return "up to date"
}

func lagTime(s nodeapi.Delivery) string { return fmt.Sprintf("%.1f s", s.LagSeconds) }

func ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return time.Since(t).Round(time.Second).String() + " ago"
}

func describeDelivery(out io.Writer, s nodeapi.Delivery) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(out, "%-16s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("name", "%s (account %s, %s)", s.Name, s.Account, s.Region)
	line("state", "%s", deliveryState(s))
	line("delivered", "%d records, %d objects", s.RecordsDelivered, s.Objects)
	line("failed", "%d records, in the error prefix", s.RecordsFailed)
	line("lag", "%d records, %d bytes, %s", s.LagRecords, s.LagBytes, lagTime(s))
	if s.LastObject != "" {
		line("last object", "s3://%s, %s", s.LastObject, ago(s.LastDelivery))
	}
	c := s.Compaction
	line("compaction", "%s", c.Setting)
	if c.Objects > 0 {
		line("compacted", "%d objects, %d bytes, into %d, %s", c.Objects, c.Bytes, c.Into, ago(c.Last))
	}
	if c.Setting != "off" && c.WaitingFolders > 0 {
		line("not compacted", "%d folders, not closed yet", c.WaitingFolders)
	}
	if c.LastError != "" {
		line("left alone", "%s (%s)", c.LastError, ago(c.LastErrorTime))
	}
	if s.LastError != "" {
		line("error", "%s (%s)", s.LastError, ago(s.LastErrorTime))
	}
}

// call asks the node and decodes its answer into v.
func (d *deliveries) call(ctx context.Context, method, path string, v any) error {
	query := url.Values{}
	if d.region != "" && (d.regionFlag || path != "") { // a listing is of all regions
		query.Set("region", d.region)
	}
	if d.account != "" {
		query.Set("account", d.account)
	}
	req, err := d.request(ctx, method, "deliveries"+path, query, nil)
	if err != nil {
		return err
	}
	resp, err := d.do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(v)
}

func printJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
