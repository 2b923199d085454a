package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/spf13/cobra"
)

func newTablesCommand() *cobra.Command {
	var c awsClient
	cmd := &cobra.Command{
		Use:   "tables",
		Short: "Inspect and fill the DynamoDB tables of a running node",
		Long: `Inspect the DynamoDB tables of a running node, or of anything else that speaks the
DynamoDB API at --endpoint. AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are the credentials
(any are accepted on loopback).`,
		Example: `  brookmere tables ls
  brookmere tables describe orders
  brookmere tables scan orders --where "status = 'open' AND amount > 10"
  brookmere tables put orders '{"customer_id": "u1", "order_id": "o1", "amount": 12.5}'
  brookmere tables export orders > orders.jsonl`,
	}
	c.register(cmd)
	cmd.AddCommand(newTablesListCommand(&c), newTablesDescribeCommand(&c), newTablesScanCommand(&c), newTablesPutCommand(&c), newTablesExportCommand(&c))
	completeArguments(cmd, c.complete(tableNames), "describe", "scan", "put", "export")
	return cmd
}

func newTablesListCommand(c *awsClient) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List tables",
		Example: `  brookmere tables ls
  brookmere tables ls --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.plain(listTables(cmd.Context(), dynamodb.NewFromConfig(c.config()), cmd.OutOrStdout(), asJSON))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// tableLine is a table in the list.
type tableLine struct {
	Name    string `json:"name"`
	Status  string `json:"status"`
	Key     string `json:"key"`
	Items   int64  `json:"items"`
	Bytes   int64  `json:"bytes"`
	Indexes int    `json:"indexes"`
	Stream  string `json:"stream,omitempty"`
}

func keyOf(t *types.TableDescription) string {
	var names []string
	for _, k := range t.KeySchema {
		names = append(names, aws.ToString(k.AttributeName))
	}
	return strings.Join(names, ", ")
}

func listTables(ctx context.Context, client *dynamodb.Client, out io.Writer, asJSON bool) error {
	lines := []tableLine{}
	pages := dynamodb.NewListTablesPaginator(client, &dynamodb.ListTablesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, name := range page.TableNames {
			d, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
			if err != nil {
				return err
			}
			t := d.Table
			l := tableLine{Name: name, Status: string(t.TableStatus), Key: keyOf(t), Items: aws.ToInt64(t.ItemCount), Bytes: aws.ToInt64(t.TableSizeBytes), Indexes: len(t.LocalSecondaryIndexes) + len(t.GlobalSecondaryIndexes)}
			if t.StreamSpecification != nil {
				l.Stream = string(t.StreamSpecification.StreamViewType)
			}
			lines = append(lines, l)
		}
	}
	if asJSON {
		return printJSON(out, lines)
	}
	if len(lines) == 0 {
		fmt.Fprintln(out, "There are no tables. Make one with: aws dynamodb create-table")
		return nil
	}
	rows := [][]string{{"TABLE", "STATUS", "KEY", "ITEMS", "BYTES", "INDEXES", "STREAM"}}
	for _, l := range lines {
		rows = append(rows, []string{l.Name, l.Status, l.Key, fmt.Sprint(l.Items), fmt.Sprint(l.Bytes), fmt.Sprint(l.Indexes), l.Stream})
	}
	printTable(out, rows)
	return nil
}

func newTablesDescribeCommand(c *awsClient) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "describe NAME",
		Short:   "Show a table with its keys, indexes and stream",
		Example: `  brookmere tables describe orders`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := dynamodb.NewFromConfig(c.config()).DescribeTable(cmd.Context(), &dynamodb.DescribeTableInput{TableName: &args[0]})
			if err != nil {
				return c.plain(err)
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), d.Table)
			}
			describeTable(cmd.OutOrStdout(), d.Table)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func describeTable(out io.Writer, t *types.TableDescription) {
	kinds := map[string]string{}
	for _, a := range t.AttributeDefinitions {
		kinds[aws.ToString(a.AttributeName)] = string(a.AttributeType)
	}
	key := func(schema []types.KeySchemaElement) string {
		var parts []string
		for _, k := range schema {
			parts = append(parts, fmt.Sprintf("%s (%s, %s)", aws.ToString(k.AttributeName), kinds[aws.ToString(k.AttributeName)], strings.ToLower(string(k.KeyType))))
		}
		return strings.Join(parts, ", ")
	}
	billing := fmt.Sprintf("provisioned, %d read and %d write units", aws.ToInt64(t.ProvisionedThroughput.ReadCapacityUnits), aws.ToInt64(t.ProvisionedThroughput.WriteCapacityUnits))
	if t.BillingModeSummary != nil && t.BillingModeSummary.BillingMode == types.BillingModePayPerRequest {
		billing = "on demand"
	}
	rows := [][]string{
		{"Table", aws.ToString(t.TableName)}, {"ARN", aws.ToString(t.TableArn)}, {"Status", string(t.TableStatus)}, {"Created", localTime(aws.ToTime(t.CreationDateTime))},
		{"Key", key(t.KeySchema)}, {"Items", fmt.Sprint(aws.ToInt64(t.ItemCount))}, {"Bytes", fmt.Sprint(aws.ToInt64(t.TableSizeBytes))}, {"Capacity", billing},
	}
	for _, x := range t.LocalSecondaryIndexes {
		rows = append(rows, []string{"Local index", aws.ToString(x.IndexName) + ": " + key(x.KeySchema) + ", " + string(x.Projection.ProjectionType)})
	}
	for _, x := range t.GlobalSecondaryIndexes {
		rows = append(rows, []string{"Global index", aws.ToString(x.IndexName) + ": " + key(x.KeySchema) + ", " + string(x.Projection.ProjectionType) + ", " + string(x.IndexStatus)})
	}
	if t.LatestStreamArn != nil {
		rows = append(rows, []string{"Stream", *t.LatestStreamArn})
	}
	printTable(out, rows)
}

func newTablesScanCommand(c *awsClient) *cobra.Command {
	var where string
	var limit int
	var typed bool
	cmd := &cobra.Command{
		Use:   "scan NAME",
		Short: "Print items as JSON, one per line",
		Example: `  brookmere tables scan orders --limit 10
  brookmere tables scan orders --where "status = 'open' AND amount > 10"`,
		Long: `Print items as JSON, one per line. --where is a condition of PartiQL; one with an equality
on the partition key reads that partition alone.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.plain(scanTable(cmd.Context(), dynamodb.NewFromConfig(c.config()), args[0], where, limit, typed, cmd.OutOrStdout()))
		},
	}
	cmd.Flags().StringVar(&where, "where", "", "`condition` that items satisfy, as in \"n > 5 AND begins_with(name, 'a')\"")
	cmd.Flags().IntVar(&limit, "limit", 0, "print at most this many `items`")
	cmd.Flags().BoolVar(&typed, "typed", false, `print DynamoDB JSON, with types`)
	return cmd
}

func scanTable(ctx context.Context, client *dynamodb.Client, name, where string, limit int, typed bool, to io.Writer) error {
	statement := `SELECT * FROM "` + strings.ReplaceAll(name, `"`, `""`) + `"`
	if where != "" {
		statement += " WHERE " + where
	}
	out := bufio.NewWriter(to)
	in := &dynamodb.ExecuteStatementInput{Statement: &statement}
	for n := 0; ; {
		page, err := client.ExecuteStatement(ctx, in)
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			if err := writeItem(out, item, typed); err != nil {
				return err
			}
			if n++; n == limit {
				return out.Flush()
			}
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return out.Flush()
		}
	}
}

func writeItem(out io.Writer, item map[string]types.AttributeValue, typed bool) error {
	var line []byte
	if typed {
		line = appendTyped([]byte(`{"Item":`), &types.AttributeValueMemberM{Value: item}, true)
		line = append(line, '}')
	} else {
		line = appendPlain(nil, &types.AttributeValueMemberM{Value: item})
	}
	_, err := out.Write(append(line, '\n'))
	return err
}

func newTablesPutCommand(c *awsClient) *cobra.Command {
	return &cobra.Command{
		Use:   "put NAME [ITEM]",
		Short: "Put items given as plain JSON or DynamoDB JSON",
		Example: `  brookmere tables put orders '{"customer_id": "u1", "order_id": "o1", "amount": 12.5}'
  brookmere tables put orders < orders.jsonl`,
		Long: `Put an item, or items from the standard input, a line each. An item is plain JSON
({"id": "a", "n": 5}) or what scan --typed and export print ({"Item": {"id": {"S": "a"}}}).`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := cmd.InOrStdin()
			if len(args) == 2 {
				in = strings.NewReader(args[1])
			}
			n, err := putItems(cmd.Context(), dynamodb.NewFromConfig(c.config()), args[0], in)
			if err != nil {
				return c.plain(fmt.Errorf("after %d items: %w", n, err))
			}
			fmt.Fprintf(cmd.OutOrStdout(), "put %d\n", n)
			return nil
		},
	}
}

func putItems(ctx context.Context, client *dynamodb.Client, name string, in io.Reader) (n int, err error) {
	dec := json.NewDecoder(in)
	dec.UseNumber()
	var batch []types.WriteRequest
	flush := func() error {
		for len(batch) > 0 {
			out, err := client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{name: batch}})
			if err != nil {
				return err
			}
			rest := out.UnprocessedItems[name]
			n += len(batch) - len(rest)
			batch = rest
		}
		return nil
	}
	for {
		var v map[string]any
		if err := dec.Decode(&v); err == io.EOF {
			return n, flush()
		} else if err != nil {
			return n, err
		}
		item, err := itemOf(v)
		if err != nil {
			return n, err
		}
		batch = append(batch, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
		if len(batch) == 25 {
			if err := flush(); err != nil {
				return n, err
			}
		}
	}
}

func newTablesExportCommand(c *awsClient) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "export NAME",
		Short: "Export all items in the format of table imports",
		Example: `  brookmere tables export orders > orders.jsonl
  brookmere tables export orders --output orders.jsonl`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			if file == "" {
				return c.plain(scanTable(cmd.Context(), dynamodb.NewFromConfig(c.config()), args[0], "", 0, true, out))
			}
			f, err := os.Create(file)
			if err != nil {
				return err
			}
			err = scanTable(cmd.Context(), dynamodb.NewFromConfig(c.config()), args[0], "", 0, true, f)
			if cerr := f.Close(); err == nil {
				err = cerr
			}
			return c.plain(err)
		},
	}
	cmd.Flags().StringVarP(&file, "output", "o", "", "`file` to write (default: the standard output)")
	return cmd
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

func quote(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string
	return bytes.TrimSpace(b.Bytes())
}
