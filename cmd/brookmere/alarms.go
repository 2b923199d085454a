package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/spf13/cobra"
)

// alarms asks about the alarms of CloudWatch, of a node or of AWS.
type alarms struct {
	awsClient
	json bool
}

func newAlarmsCommand() *cobra.Command {
	a := new(alarms)
	cmd := &cobra.Command{
		Use:   "alarms",
		Short: "List the alarms of a running node",
		Long: `Alarms watch metrics: of the node's own resources, and of what clients and metric filters of
log groups put. They are created with any AWS client or Terraform, and act on SNS topics and
Lambda functions.`,
		Example: `  brookmere alarms ls
  brookmere alarms ls --state ALARM`,
	}
	a.register(cmd)
	cmd.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON")
	cmd.AddCommand(a.listCommand())
	return cmd
}

// alarmLine is an alarm as it is listed.
type alarmLine struct {
	Name   string    `json:"name"`
	State  string    `json:"state"`
	Since  time.Time `json:"since"`
	What   string    `json:"watches"`
	Reason string    `json:"reason"`
}

func (a *alarms) listCommand() *cobra.Command {
	state := ""
	cmd := &cobra.Command{
		Use: "ls", Short: "List alarms with their state, since when, what they watch and why", Args: cobra.NoArgs,
		Example: `  brookmere alarms ls
  brookmere alarms ls --state ALARM --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lines, err := a.list(cmd.Context(), state)
			if err != nil {
				return a.plain(err)
			}
			return a.print(cmd.OutOrStdout(), lines, state)
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "list those in this `state` only: OK, ALARM or INSUFFICIENT_DATA")
	return cmd
}

func (a *alarms) list(ctx context.Context, state string) (lines []alarmLine, err error) {
	p := cloudwatch.NewDescribeAlarmsPaginator(cloudwatch.NewFromConfig(a.config()), &cloudwatch.DescribeAlarmsInput{
		AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm}, StateValue: types.StateValue(state),
	})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range page.MetricAlarms {
			lines = append(lines, alarmLine{aws.ToString(m.AlarmName), string(m.StateValue), aws.ToTime(m.StateTransitionedTimestamp), watches(&m), aws.ToString(m.StateReason)})
		}
		for _, c := range page.CompositeAlarms {
			lines = append(lines, alarmLine{aws.ToString(c.AlarmName), string(c.StateValue), aws.ToTime(c.StateTransitionedTimestamp), aws.ToString(c.AlarmRule), aws.ToString(c.StateReason)})
		}
	}
	return lines, nil
}

// watches reports what a metric alarm looks at: the metric, or the expression of its result.
func watches(m *types.MetricAlarm) string {
	if m.MetricName != nil {
		return aws.ToString(m.Namespace) + " " + *m.MetricName
	}
	for _, q := range m.Metrics {
		if q.Expression != nil && (q.ReturnData == nil || *q.ReturnData) {
			return *q.Expression
		}
	}
	return ""
}

// print prints the alarms, of one state unless that is empty.
func (a *alarms) print(out io.Writer, lines []alarmLine, state string) error {
	if a.json {
		if lines == nil {
			lines = []alarmLine{}
		}
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(lines)
	}
	if len(lines) == 0 && state != "" {
		fmt.Fprintln(out, "No alarm is in the state "+state+".")
		return nil
	}
	if len(lines) == 0 {
		fmt.Fprintln(out, "There are no alarms. Make one with: aws cloudwatch put-metric-alarm")
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ALARM\tSTATE\tSINCE\tWATCHES\tREASON")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", l.Name, l.State, l.Since.Local().Format("2006-01-02 15:04:05"), l.What, l.Reason)
	}
	return w.Flush()
}
