package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesisanalytics"
	"github.com/aws/aws-sdk-go-v2/service/kinesisanalytics/types"
	"github.com/spf13/cobra"

	"github.com/brookmere/brookmere/internal/nodeapi"
)

// analytics asks a running node about its applications of continuous SQL, over the API of Kinesis
// Analytics and the node's own endpoints.
type analytics struct {
	awsClient
	json bool
}

func newAnalyticsCommand() *cobra.Command {
	a := new(analytics)
	cmd := &cobra.Command{
		Use:   "analytics",
		Short: "Inspect and control the SQL applications of a running node",
		Long: `Kinesis Data Analytics for SQL applications run continuous SQL over streams. They are created
with any AWS client or Terraform. These commands show their progress, the operators that
their code is compiled to, and the rows of any of their streams as they arrive.`,
		Example: `  brookmere analytics ls
  brookmere analytics explain unicorns
  brookmere analytics tail unicorns DESTINATION_SQL_STREAM
  brookmere analytics discover wildrydes --from trim_horizon
  brookmere analytics start unicorns --from now`,
	}
	a.register(cmd)
	cmd.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON")
	cmd.AddCommand(a.listCommand(), a.explainCommand(), a.tailCommand(), a.discoverCommand(), a.startCommand(), a.stopCommand())
	completeArguments(cmd, a.complete(applicationNames), "explain", "tail", "start", "stop")
	completeArguments(cmd, a.complete(streamNames), "discover")
	return cmd
}

func (a *analytics) client() *kinesisanalytics.Client {
	return kinesisanalytics.NewFromConfig(a.config())
}

// open asks an endpoint of the node about the applications of a region.
func (a *analytics) open(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	if query == nil {
		query = url.Values{}
	}
	query.Set("region", a.region)
	return a.get(ctx, "analytics"+path, query)
}

func (a *analytics) listCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ls", Short: "List applications with their status and lag", Args: cobra.NoArgs,
		Example: `  brookmere analytics ls
  brookmere analytics ls --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			resp, err := a.open(cmd.Context(), "", nil)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if a.json {
				_, err := io.Copy(cmd.OutOrStdout(), resp.Body)
				return err
			}
			var all []nodeapi.Application
			if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
				return fmt.Errorf("read the node's answer: %w", err)
			}
			if len(all) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "There are no applications. Make one with: aws kinesisanalytics create-application")
				return nil
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
			fmt.Fprintln(w, "APPLICATION\tSTATUS\tVERSION\tBEHIND\tSTATE\tROW ERRORS\tINPUT\tOUTPUTS")
			for _, s := range all {
				fmt.Fprintf(w, "%s\t%s\t%d\t%v\t%.1f MiB\t%d\t%s\t%s\n", s.Name, s.Status, s.Version, time.Duration(s.BehindMs)*time.Millisecond,
					float64(s.StateBytes)/(1<<20), s.RowErrors, lastParts(s.Inputs), lastParts(s.Outputs))
			}
			if err := w.Flush(); err != nil {
				return err
			}
			for _, s := range all { // below the table, whose columns they would widen
				if s.Error != "" {
					fmt.Fprintf(cmd.OutOrStdout(), "%s cannot go on: %s\n", s.Name, s.Error)
				}
				if e := s.LastRowError; e != nil {
					fmt.Fprintf(cmd.OutOrStdout(), "%s, last row error, %s: %s: %s (see: brookmere analytics tail %s error_stream)\n", s.Name, ago(e.Time), e.Name, e.Message, s.Name)
				}
			}
			return nil
		},
	}
}

// lastParts are the names in ARNs.
func lastParts(arns []string) string {
	names := make([]string, len(arns))
	for i, s := range arns {
		names[i] = s[strings.LastIndexAny(s, ":/")+1:]
	}
	return strings.Join(names, ",")
}

func (a *analytics) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "explain NAME", Short: "Show the operators that an application's code is compiled to", Args: cobra.ExactArgs(1),
		Example: `  brookmere analytics explain unicorns`,
		RunE: func(cmd *cobra.Command, args []string) error {
			resp, err := a.open(cmd.Context(), "/"+url.PathEscape(args[0])+"/explain", nil)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.Copy(cmd.OutOrStdout(), resp.Body)
			return err
		},
	}
}

func (a *analytics) tailCommand() *cobra.Command {
	count := 0
	cmd := &cobra.Command{
		Use: "tail NAME STREAM", Short: "Print the rows of an in-application stream as they arrive", Args: cobra.ExactArgs(2),
		Example: `  brookmere analytics tail unicorns DESTINATION_SQL_STREAM
  brookmere analytics tail unicorns SOURCE_SQL_STREAM_001 --count 10`,
		Long: `Print the rows of a stream of a running application, one per line: ROWTIME and the row as
JSON. Every stream can be watched: input streams, those that the code creates, and
error_stream. Watching does not slow the application down: rows that are not read in time
are skipped and counted. Ctrl-C stops it.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			resp, err := a.open(cmd.Context(), "/"+url.PathEscape(args[0])+"/tail", url.Values{"stream": {args[1]}})
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			return a.printRows(cmd.OutOrStdout(), resp.Body, count)
		},
	}
	cmd.Flags().IntVarP(&count, "count", "n", 0, "stop after this many rows; 0 means no limit")
	return cmd
}

func (a *analytics) printRows(out io.Writer, body io.Reader, count int) error {
	lines := bufio.NewReader(body)
	for n := 0; count == 0 || n < count; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
			return nil
		}
		if err != nil {
			return err
		}
		var row nodeapi.Row
		if err := json.Unmarshal(line, &row); err != nil {
			return fmt.Errorf("read the node's answer: %w", err)
		}
		if row.Row != nil {
			n++
		}
		switch {
		case a.json:
			_, err = out.Write(line)
		case row.Dropped > 0:
			_, err = fmt.Fprintf(out, "(%d rows left out)\n", row.Dropped)
		default:
			_, err = fmt.Fprintf(out, "%s  %s\n", row.Rowtime.UTC().Format("2006-01-02 15:04:05.000"), row.Row)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// position is a position of a flag in the API's words.
func position(s string) types.InputStartingPosition {
	return types.InputStartingPosition(strings.ToUpper(strings.ReplaceAll(s, "-", "_")))
}

func (a *analytics) discoverCommand() *cobra.Command {
	from := "trim_horizon"
	role := ""
	cmd := &cobra.Command{
		Use: "discover STREAM", Short: "Infer the schema of a stream from a sample of its records", Args: cobra.ExactArgs(1),
		Example: `  brookmere analytics discover wildrydes
  brookmere analytics discover wildrydes --json > schema.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			arn := args[0]
			if !strings.HasPrefix(arn, "arn:") {
				s, err := kinesis.NewFromConfig(a.config()).DescribeStreamSummary(cmd.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: &arn})
				if err != nil {
					return a.plain(err)
				}
				arn = aws.ToString(s.StreamDescriptionSummary.StreamARN)
			}
			out, err := a.client().DiscoverInputSchema(cmd.Context(), &kinesisanalytics.DiscoverInputSchemaInput{
				ResourceARN: &arn, RoleARN: &role,
				InputStartingPositionConfiguration: &types.InputStartingPositionConfiguration{InputStartingPosition: position(from)},
			})
			if err != nil {
				return a.plain(err)
			}
			if a.json {
				return printJSON(cmd.OutOrStdout(), out.InputSchema)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
			fmt.Fprintln(w, "COLUMN\tTYPE\tMAPPING")
			for _, c := range out.InputSchema.RecordColumns {
				fmt.Fprintf(w, "%s\t%s\t%s\n", aws.ToString(c.Name), aws.ToString(c.SqlType), aws.ToString(c.Mapping))
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringVar(&from, "from", from, "now or trim_horizon")
	cmd.Flags().StringVar(&role, "role", "arn:aws:iam::000000000000:role/analytics", "`ARN` of the role that reads the stream")
	return cmd
}

func (a *analytics) startCommand() *cobra.Command {
	from := "now"
	cmd := &cobra.Command{
		Use: "start NAME", Short: "Start an application", Args: cobra.ExactArgs(1),
		Example: `  brookmere analytics start unicorns
  brookmere analytics start unicorns --from last_stopped_point`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c := a.client()
			d, err := c.DescribeApplication(cmd.Context(), &kinesisanalytics.DescribeApplicationInput{ApplicationName: &args[0]})
			if err != nil {
				return a.plain(err)
			}
			in := &kinesisanalytics.StartApplicationInput{ApplicationName: &args[0], InputConfigurations: []types.InputConfiguration{}}
			for _, input := range d.ApplicationDetail.InputDescriptions {
				in.InputConfigurations = append(in.InputConfigurations, types.InputConfiguration{
					Id: input.InputId, InputStartingPositionConfiguration: &types.InputStartingPositionConfiguration{InputStartingPosition: position(from)},
				})
			}
			_, err = c.StartApplication(cmd.Context(), in)
			return a.plain(err)
		},
	}
	cmd.Flags().StringVar(&from, "from", from, "now, trim_horizon or last_stopped_point")
	return cmd
}

func (a *analytics) stopCommand() *cobra.Command {
	return &cobra.Command{
		Use: "stop NAME", Short: "Stop an application", Args: cobra.ExactArgs(1),
		Example: `  brookmere analytics stop unicorns`,
		RunE: func(cmd *cobra.Command, args []string) error {
			_, err := a.client().StopApplication(cmd.Context(), &kinesisanalytics.StopApplicationInput{ApplicationName: &args[0]})
			return a.plain(err)
		},
	}
}
