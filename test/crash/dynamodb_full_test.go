//go:build linux

package crash

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestDynamoDBFullDisk fills the disk below a node with items, which an index and a stream have
// too. Writes are refused, soon and with errors that clients try again; reads go on. With
// space again the node takes writes without a restart, and has what it acknowledged and no more, in
// the table as in the index, also after a kill.
func TestDynamoDBFullDisk(t *testing.T) {
	disk := newSmallDisk(t, 640, 200)
	data := filepath.Join(disk.dir, "data")
	n := nodetest.Start(t, nodetest.Options{Data: data})
	client := func() *dynamodb.Client {
		return dynamodb.NewFromConfig(n.AWS(), func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
	}
	c, table := client(), aws.String("full")
	create := func(name string) error {
		_, err := c.CreateTable(t.Context(), &dynamodb.CreateTableInput{
			TableName: &name, BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: "S"}, {AttributeName: aws.String("v"), AttributeType: "N"}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: "HASH"}},
			GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{IndexName: aws.String("by_v"), Projection: &types.Projection{ProjectionType: "KEYS_ONLY"},
				KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("v"), KeyType: "HASH"}}}},
			StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage},
		})
		return err
	}
	if err := create(*table); err != nil {
		t.Fatal(err)
	}
	refused := func(what string, err error) {
		t.Helper()
		var api smithy.APIError
		var answer interface{ HTTPStatusCode() int }
		if !errors.As(err, &api) || !errors.As(err, &answer) || answer.HTTPStatusCode() != 500 {
			t.Fatalf("%s: %v, want an error with status 500", what, err)
		}
	}
	acked := map[string]bool{}
	body := &types.AttributeValueMemberB{Value: make([]byte, 300<<10)}
	put := func() error {
		id := fmt.Sprint("item-", len(acked))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: table, Item: ddbItem{"id": ddbS(id), "v": ddbN(len(acked)), "body": body}})
		if err == nil {
			acked[id] = true
		}
		return err
	}
	var err error
	for err == nil {
		if err = put(); len(acked) > 10_000 {
			t.Fatal("the disk is never full")
		}
	}
	refused("a put", err)
	if len(acked) < 50 {
		t.Errorf("%d items before the disk was full", len(acked))
	}
	// To the last byte, so that nothing but what is in memory works.
	began := time.Now()
	full := func(what string, change func(try int) error) {
		t.Helper()
		refused(what, disk.isRefused(t, what, change))
	}
	full("a put", func(int) error { return put() })
	seen := func(id string, try int) (ddbItem, *string, ddbItem) { // a change that nothing asks for, in case it is taken
		return ddbItem{"id": ddbS(id)}, aws.String("SET seen = :try"), ddbItem{":try": ddbN(try)}
	}
	full("an update", func(try int) error {
		key, expression, values := seen("item-0", try)
		_, err := c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: table, Key: key, UpdateExpression: expression, ExpressionAttributeValues: values})
		return err
	})
	full("a transaction", func(try int) error {
		var in dynamodb.TransactWriteItemsInput
		for _, id := range []string{"item-0", "item-1"} {
			key, expression, values := seen(id, try)
			in.TransactItems = append(in.TransactItems, types.TransactWriteItem{Update: &types.Update{TableName: table, Key: key, UpdateExpression: expression, ExpressionAttributeValues: values}})
		}
		_, err := c.TransactWriteItems(t.Context(), &in)
		return err
	})
	full("a table", func(try int) error { return create(fmt.Sprint("another", try)) })
	if took := time.Since(began); took > time.Minute {
		t.Errorf("refusals took %v", took)
	}
	check := func() {
		t.Helper()
		for _, index := range []*string{nil, aws.String("by_v")} {
			got := map[string]int{}
			pages := dynamodb.NewScanPaginator(c, &dynamodb.ScanInput{TableName: table, IndexName: index, ProjectionExpression: aws.String("id, v")})
			for pages.HasMorePages() {
				page, err := pages.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, item := range page.Items {
					got[item["id"].(*types.AttributeValueMemberS).Value] = number(item, "v")
				}
			}
			for id := range acked {
				if v, ok := got[id]; !ok || id != fmt.Sprint("item-", v) {
					t.Fatalf("index %s: %s is %d, %v", aws.ToString(index), id, v, ok)
				}
			}
			if len(got) != len(acked) {
				t.Fatalf("index %s: %d items of %d", aws.ToString(index), len(got), len(acked))
			}
		}
	}
	check()
	disk.free(t)
	for deadline := time.Now().Add(time.Minute); put() != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("there is space again, and puts are refused still")
		}
	}
	for range 20 {
		if err := put(); err != nil {
			t.Error("a put with space again: ", err)
		}
	}
	if err := create("another"); err != nil {
		t.Error(err)
	}
	check()
	n.Kill()
	n = nodetest.Start(t, nodetest.Options{Data: data})
	c = client()
	check()
}
