package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/brookmere/brookmere/test/nodetest"
)

const crashedTable = "under-fire"

type ddbItem = map[string]types.AttributeValue

func ddbS(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
func ddbN(v int) types.AttributeValue    { return &types.AttributeValueMemberN{Value: strconv.Itoa(v)} }

func number(m ddbItem, name string) int {
	n, ok := m[name].(*types.AttributeValueMemberN)
	if !ok {
		return -1
	}
	v, _ := strconv.Atoi(n.Value)
	return v
}

// TestDynamoDBKeepsWhatItAcknowledged writes by every kind of call while nodes are killed:
// puts, counters, batches, and transactions that move units between accounts, and reads them.
// Every counter must be at least at what was acknowledged or read and at most one lost answer
// ahead, the accounts must hold what they held, in every transaction of reads too, each index
// row must be its item's, and the stream must have the changes of each item in their order, up
// to the item as it is.
func TestDynamoDBKeepsWhatItAcknowledged(t *testing.T) {
	const writers, accounts, units = 4, 6, 100
	client := func(n *nodetest.Node) *dynamodb.Client {
		return dynamodb.NewFromConfig(n.AWS(), func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
	}
	var mu sync.Mutex
	sent, acked := map[string]int{}, map[string]int{} // calls by counter
	puts := map[string]int{}                          // acknowledged version of each put item
	seen := map[string]int{}                          // what was read of a counter or a put item
	round := 0
	n := underFire(t, func(n *nodetest.Node) {
		c := client(n)
		_, err := c.CreateTable(t.Context(), &dynamodb.CreateTableInput{
			TableName: aws.String(crashedTable), BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: "S"}, {AttributeName: aws.String("group"), AttributeType: "S"}, {AttributeName: aws.String("v"), AttributeType: "N"}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: "HASH"}},
			GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{IndexName: aws.String("by_group"), Projection: &types.Projection{ProjectionType: "ALL"},
				KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("group"), KeyType: "HASH"}, {AttributeName: aws.String("v"), KeyType: "RANGE"}}}},
			StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage},
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range accounts {
			if _, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(crashedTable), Item: ddbItem{"id": ddbS(fmt.Sprint("account", i)), "v": ddbN(units), "group": ddbS("account")}}); err != nil {
				t.Fatal(err)
			}
		}
	}, func(ctx context.Context, n *nodetest.Node) {
		c := client(n)
		round++
		first := round * 1_000_000
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() { // reads of one item
				for i := 0; ctx.Err() == nil; i++ {
					id := []string{fmt.Sprint("counter", i%2), fmt.Sprintf("put%d-%d", w, i%5)}[rand.IntN(2)]
					mu.Lock()
					least := max(acked[id], puts[id], seen[id])
					mu.Unlock()
					in := &dynamodb.GetItemInput{TableName: aws.String(crashedTable), Key: ddbItem{"id": ddbS(id)}, ConsistentRead: aws.Bool(true)}
					if i%3 > 0 {
						in.ProjectionExpression, in.ReturnConsumedCapacity = aws.String("v"), types.ReturnConsumedCapacityTotal
					}
					out, err := c.GetItem(ctx, in)
					if err != nil {
						return
					}
					v := max(0, number(out.Item, "v"))
					if v < least {
						t.Errorf("%s is read at %d after %d", id, v, least)
					}
					mu.Lock()
					seen[id] = max(seen[id], v)
					mu.Unlock()
				}
			})
			wg.Go(func() { // reads of all accounts
				var gets []types.TransactGetItem
				for i := range accounts {
					gets = append(gets, types.TransactGetItem{Get: &types.Get{TableName: aws.String(crashedTable), Key: ddbItem{"id": ddbS(fmt.Sprint("account", i))}}})
				}
				for ctx.Err() == nil {
					out, err := c.TransactGetItems(ctx, &dynamodb.TransactGetItemsInput{TransactItems: gets})
					if err != nil {
						continue
					}
					sum := 0
					for _, r := range out.Responses {
						sum += number(r.Item, "v")
					}
					if sum != accounts*units {
						t.Errorf("a transaction reads %d in the accounts, want %d", sum, accounts*units)
					}
				}
			})
			wg.Go(func() { // counters
				id := fmt.Sprint("counter", w%2)
				for ctx.Err() == nil {
					mu.Lock()
					sent[id]++
					mu.Unlock()
					_, err := c.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: aws.String(crashedTable), Key: ddbItem{"id": ddbS(id)},
						UpdateExpression: aws.String("SET #g = :g ADD v :one"), ExpressionAttributeNames: map[string]string{"#g": "group"}, ExpressionAttributeValues: ddbItem{":one": ddbN(1), ":g": ddbS("counter")}})
					if err != nil {
						return
					}
					mu.Lock()
					acked[id]++
					mu.Unlock()
				}
			})
			wg.Go(func() { // puts and batches
				for v := first; ctx.Err() == nil; v++ {
					var err error
					ids := []string{fmt.Sprintf("put%d-%d", w, v%5)}
					if v%3 == 0 {
						var requests []types.WriteRequest
						ids = nil
						for i := range 5 {
							ids = append(ids, fmt.Sprintf("put%d-%d", w, i))
							requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: ddbItem{"id": ddbS(ids[i]), "v": ddbN(v), "group": ddbS(fmt.Sprint("g", v%3))}}})
						}
						_, err = c.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{crashedTable: requests}})
					} else {
						_, err = c.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(crashedTable), Item: ddbItem{"id": ddbS(ids[0]), "v": ddbN(v), "group": ddbS(fmt.Sprint("g", v%3))}})
					}
					if err != nil {
						return
					}
					mu.Lock()
					for _, id := range ids {
						puts[id] = v
					}
					mu.Unlock()
				}
			})
			wg.Go(func() { // transfers
				for ctx.Err() == nil {
					from, to := rand.IntN(accounts), rand.IntN(accounts)
					if from == to {
						continue
					}
					move := func(i int, by int, cond *string) types.TransactWriteItem {
						values := ddbItem{":by": ddbN(by)}
						if cond != nil {
							values[":least"] = ddbN(-by)
						}
						return types.TransactWriteItem{Update: &types.Update{TableName: aws.String(crashedTable), Key: ddbItem{"id": ddbS(fmt.Sprint("account", i))},
							UpdateExpression: aws.String("ADD v :by"), ConditionExpression: cond, ExpressionAttributeValues: values}}
					}
					amount := 1 + rand.IntN(20)
					if _, err := c.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
						move(from, -amount, aws.String("v >= :least")), move(to, amount, nil),
					}}); err != nil && ctx.Err() != nil {
						return
					}
				}
			})
		}
		wg.Wait()
	})
	c := dynamodb.NewFromConfig(n.AWS())
	items := map[string]ddbItem{}
	total := 0
	scan := dynamodb.NewScanPaginator(c, &dynamodb.ScanInput{TableName: aws.String(crashedTable), ConsistentRead: aws.Bool(true)})
	for scan.HasMorePages() {
		page, err := scan.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Items {
			id := it["id"].(*types.AttributeValueMemberS).Value
			items[id] = it
			if len(id) > 7 && id[:7] == "account" {
				total += number(it, "v")
			}
		}
	}
	if total != accounts*units {
		t.Errorf("the accounts hold %d, want %d", total, accounts*units)
	}
	for id, least := range acked {
		if v := number(items[id], "v"); v < least || v > sent[id] {
			t.Errorf("%s is %d, acknowledged were %d, sent %d", id, v, least, sent[id])
		}
	}
	for id, least := range puts {
		if v := number(items[id], "v"); v < least {
			t.Errorf("%s is at version %d, %d was acknowledged", id, v, least)
		}
	}
	for id, least := range seen {
		if v := number(items[id], "v"); v < least {
			t.Errorf("%s is at %d, %d was read", id, v, least)
		}
	}
	rows := 0
	index := dynamodb.NewScanPaginator(c, &dynamodb.ScanInput{TableName: aws.String(crashedTable), IndexName: aws.String("by_group")})
	for index.HasMorePages() {
		page, err := index.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Items {
			rows++
			id := it["id"].(*types.AttributeValueMemberS).Value
			if number(it, "v") != number(items[id], "v") {
				t.Errorf("index row of %s is at %d, the item at %d", id, number(it, "v"), number(items[id], "v"))
			}
		}
	}
	if rows != len(items) {
		t.Errorf("%d items, %d index rows", len(items), rows)
	}
	changes := checkStream(t, n, c, items)
	t.Logf("%d kills: %d items, %d changes, counters %v, read %d", *rounds, len(items), changes, acked, len(seen))
}

// checkStream reads the table's stream and holds it against the items.
func checkStream(t *testing.T, n *nodetest.Node, c *dynamodb.Client, items map[string]ddbItem) (changes int) {
	d, err := c.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(crashedTable)})
	if err != nil {
		t.Fatal(err)
	}
	s := dynamodbstreams.NewFromConfig(n.AWS())
	arn := d.Table.LatestStreamArn
	st, err := s.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]int{}
	sequence := ""
	for _, sh := range st.StreamDescription.Shards {
		it, err := s.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: arn, ShardId: sh.ShardId, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon})
		if err != nil {
			t.Fatal(err)
		}
		for next := it.ShardIterator; next != nil; {
			out, err := s.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: next})
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Records) == 0 {
				break
			}
			for _, r := range out.Records {
				changes++
				if *r.Dynamodb.SequenceNumber <= sequence {
					t.Fatalf("sequence number %s after %s", *r.Dynamodb.SequenceNumber, sequence)
				}
				sequence = *r.Dynamodb.SequenceNumber
				id := r.Dynamodb.Keys["id"].(*streamtypes.AttributeValueMemberS).Value
				v, _ := strconv.Atoi(r.Dynamodb.NewImage["v"].(*streamtypes.AttributeValueMemberN).Value)
				if id[0] != 'a' && v <= last[id] {
					t.Errorf("the stream has %s at %d after %d", id, v, last[id])
				}
				last[id] = v
			}
			next = out.NextShardIterator
		}
	}
	for id, it := range items {
		if last[id] != number(it, "v") {
			t.Errorf("%s is at %d, its last change at %d", id, number(it, "v"), last[id])
		}
	}
	return changes
}
