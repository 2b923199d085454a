package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/spf13/cobra"
)

func newStreamsCommand() *cobra.Command {
	var c awsClient
	cmd := &cobra.Command{
		Use:   "streams",
		Short: "Inspect the Kinesis streams of a running node",
		Long: `Inspect the Kinesis streams of a running node, or of anything else that speaks the
Kinesis API at --endpoint. AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are the credentials
(any are accepted on loopback).`,
		Example: `  brookmere streams ls
  brookmere streams describe clicks
  brookmere streams tail clicks --from trim_horizon`,
	}
	c.register(cmd)
	cmd.AddCommand(newStreamsListCommand(&c), newStreamsDescribeCommand(&c), newStreamsTailCommand(&c))
	completeArguments(cmd, c.complete(streamNames), "describe", "tail")
	return cmd
}

func newStreamsListCommand(c *awsClient) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List streams",
		Example: `  brookmere streams ls
  brookmere streams ls --region eu-west-1 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.plain(listStreams(cmd.Context(), kinesis.NewFromConfig(c.config()), cmd.OutOrStdout(), asJSON))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// streamLine is a stream in the list.
type streamLine struct {
	Name           string    `json:"name"`
	ARN            string    `json:"arn"`
	Status         string    `json:"status"`
	Mode           string    `json:"mode"`
	OpenShards     int       `json:"open_shards"`
	Consumers      int       `json:"consumers"`
	RetentionHours int       `json:"retention_hours"`
	Created        time.Time `json:"created"`
}

func listStreams(ctx context.Context, client *kinesis.Client, out io.Writer, asJSON bool) error {
	lines := []streamLine{}
	pages := kinesis.NewListStreamsPaginator(client, &kinesis.ListStreamsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, name := range page.StreamNames {
			s, err := client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name})
			if err != nil {
				return err
			}
			lines = append(lines, summaryLine(s.StreamDescriptionSummary))
		}
	}
	if asJSON {
		return printJSON(out, lines)
	}
	if len(lines) == 0 {
		fmt.Fprintln(out, "There are no streams. Make one with: aws kinesis create-stream --stream-name NAME --shard-count 1")
		return nil
	}
	rows := [][]string{{"STREAM", "STATUS", "MODE", "SHARDS", "CONSUMERS", "RETENTION", "CREATED"}}
	for _, l := range lines {
		rows = append(rows, []string{l.Name, l.Status, l.Mode, fmt.Sprint(l.OpenShards), fmt.Sprint(l.Consumers), hours(l.RetentionHours), localTime(l.Created)})
	}
	printTable(out, rows)
	return nil
}

func summaryLine(s *types.StreamDescriptionSummary) streamLine {
	l := streamLine{
		Name: aws.ToString(s.StreamName), ARN: aws.ToString(s.StreamARN), Status: string(s.StreamStatus),
		OpenShards: int(aws.ToInt32(s.OpenShardCount)), Consumers: int(aws.ToInt32(s.ConsumerCount)),
		RetentionHours: int(aws.ToInt32(s.RetentionPeriodHours)), Created: aws.ToTime(s.StreamCreationTimestamp),
	}
	if s.StreamModeDetails != nil {
		l.Mode = string(s.StreamModeDetails.StreamMode)
	}
	return l
}

// hours is a retention for people: days where it is whole ones.
func hours(n int) string {
	if n%24 == 0 {
		return fmt.Sprintf("%dd", n/24)
	}
	return fmt.Sprintf("%dh", n)
}

func localTime(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

func newStreamsDescribeCommand(c *awsClient) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "describe NAME",
		Short: "Show a stream with its shards, consumers and tags",
		Example: `  brookmere streams describe clicks
  brookmere streams describe clicks --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := describeStream(cmd.Context(), kinesis.NewFromConfig(c.config()), args[0])
			if err != nil {
				return c.plain(err)
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), d)
			}
			d.print(cmd.OutOrStdout())
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// streamDetails is what describe shows.
type streamDetails struct {
	streamLine
	Encryption   string            `json:"encryption"`
	KeyID        string            `json:"key_id,omitempty"`
	MaxRecordKiB int               `json:"max_record_kib,omitempty"`
	Shards       []shardLine       `json:"shards"`
	ConsumerList []consumerLine    `json:"consumer_list"`
	Tags         map[string]string `json:"tags"`
}

type shardLine struct {
	ID      string   `json:"id"`
	Open    bool     `json:"open"`
	Parents []string `json:"parents,omitempty"`
	// Share of the hash keys, of 1.
	Share   float64 `json:"share"`
	HashKey string  `json:"starting_hash_key"`
}

type consumerLine struct {
	Name    string    `json:"name"`
	Status  string    `json:"status"`
	Created time.Time `json:"created"`
}

func describeStream(ctx context.Context, client *kinesis.Client, name string) (*streamDetails, error) {
	s, err := client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name})
	if err != nil {
		return nil, err
	}
	sum := s.StreamDescriptionSummary
	d := &streamDetails{
		streamLine: summaryLine(sum), Encryption: cmp.Or(string(sum.EncryptionType), "NONE"), KeyID: aws.ToString(sum.KeyId),
		MaxRecordKiB: int(aws.ToInt32(sum.MaxRecordSizeInKiB)), Shards: []shardLine{}, ConsumerList: []consumerLine{}, Tags: map[string]string{},
	}
	if d.Status == string(types.StreamStatusCreating) || d.Status == string(types.StreamStatusDeleting) {
		return d, nil // its shards are not to be seen
	}
	shards, err := listShards(ctx, client, &kinesis.ListShardsInput{StreamName: &name})
	if err != nil {
		return nil, err
	}
	for _, sh := range shards {
		d.Shards = append(d.Shards, describeShard(sh))
	}
	consumers := kinesis.NewListStreamConsumersPaginator(client, &kinesis.ListStreamConsumersInput{StreamARN: &d.ARN})
	for consumers.HasMorePages() {
		page, err := consumers.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, c := range page.Consumers {
			d.ConsumerList = append(d.ConsumerList, consumerLine{aws.ToString(c.ConsumerName), string(c.ConsumerStatus), aws.ToTime(c.ConsumerCreationTimestamp)})
		}
	}
	tags, err := client.ListTagsForStream(ctx, &kinesis.ListTagsForStreamInput{StreamName: &name})
	if err != nil {
		return nil, err
	}
	for _, t := range tags.Tags {
		d.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return d, nil
}

// listShards returns all pages.
func listShards(ctx context.Context, client *kinesis.Client, in *kinesis.ListShardsInput) ([]types.Shard, error) {
	var shards []types.Shard
	for {
		page, err := client.ListShards(ctx, in)
		if err != nil {
			return nil, err
		}
		shards = append(shards, page.Shards...)
		if page.NextToken == nil {
			return shards, nil
		}
		in = &kinesis.ListShardsInput{NextToken: page.NextToken}
	}
}

func describeShard(sh types.Shard) shardLine {
	l := shardLine{ID: aws.ToString(sh.ShardId), Parents: parents(sh)}
	if r := sh.SequenceNumberRange; r != nil {
		l.Open = r.EndingSequenceNumber == nil
	}
	if r := sh.HashKeyRange; r != nil {
		l.HashKey = aws.ToString(r.StartingHashKey)
		from, ok1 := new(big.Float).SetString(l.HashKey)
		to, ok2 := new(big.Float).SetString(aws.ToString(r.EndingHashKey))
		if ok1 && ok2 {
			all := new(big.Float).SetMantExp(big.NewFloat(1), 128)
			l.Share, _ = to.Quo(to.Sub(to, from), all).Float64()
		}
	}
	return l
}

func parents(sh types.Shard) []string {
	var ids []string
	for _, id := range []*string{sh.ParentShardId, sh.AdjacentParentShardId} {
		if id != nil {
			ids = append(ids, *id)
		}
	}
	return ids
}

func (d *streamDetails) print(out io.Writer) {
	line := func(what, value string) { fmt.Fprintf(out, "%-12s %s\n", what, value) }
	line("Stream", d.Name)
	line("ARN", d.ARN)
	line("Status", d.Status)
	line("Mode", d.Mode)
	line("Retention", hours(d.RetentionHours))
	if d.MaxRecordKiB > 0 {
		line("Records", fmt.Sprintf("up to %d KiB", d.MaxRecordKiB))
	}
	line("Encryption", strings.TrimSpace(d.Encryption+" "+d.KeyID))
	line("Created", localTime(d.Created))
	if len(d.Tags) > 0 {
		var tags []string
		for k, v := range d.Tags {
			tags = append(tags, k+"="+v)
		}
		slices.Sort(tags)
		line("Tags", strings.Join(tags, ", "))
	}
	if len(d.Shards) > 0 {
		fmt.Fprintln(out)
		rows := [][]string{{"SHARD", "STATE", "OF THE KEYS", "PARENTS", "STARTING HASH KEY"}}
		for _, s := range d.Shards {
			state := "closed"
			if s.Open {
				state = "open"
			}
			var from []string
			for _, p := range s.Parents {
				from = append(from, shortShard(p))
			}
			rows = append(rows, []string{s.ID, state, fmt.Sprintf("%.1f%%", s.Share*100), strings.Join(from, "+"), s.HashKey})
		}
		printTable(out, rows)
	}
	if len(d.ConsumerList) > 0 {
		fmt.Fprintln(out)
		rows := [][]string{{"CONSUMER", "STATUS", "CREATED"}}
		for _, c := range d.ConsumerList {
			rows = append(rows, []string{c.Name, c.Status, localTime(c.Created)})
		}
		printTable(out, rows)
	}
}

// shortShard is a shard's number, without the words before it.
func shortShard(id string) string {
	n := strings.TrimLeft(strings.TrimPrefix(id, "shardId-"), "0")
	return cmp.Or(n, "0")
}
