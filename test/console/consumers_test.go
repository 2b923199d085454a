package console_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestLeases keeps positions in a table as the Kinesis Client Library does: its worker is a consumer of the stream that
// the positions are of, which the table does not name, and of no other.
func TestLeases(t *testing.T) {
	needsConsole(t)
	n := nodetest.Start(t, nodetest.Options{Data: ":memory:"})
	a := account{t, n.AWS()}
	a.streams("orders", "prices")
	a.put("prices", `{"price": 1}`)
	a.put("orders", `{"order": "o0"}`) // numbers of streams that were made at once may be the same
	put, err := kinesis.NewFromConfig(a.cfg).PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: aws.String("orders"), PartitionKey: aws.String("k"), Data: []byte(`{"order": "o1"}`)})
	a.must("put a record", err)
	leases := dynamodb.NewFromConfig(a.cfg)
	_, err = leases.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("billing-worker"), BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("leaseKey"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("leaseKey"), AttributeType: types.ScalarAttributeTypeS}},
	})
	a.must("create the table", err)
	_, err = leases.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("billing-worker"), Item: map[string]types.AttributeValue{
		"leaseKey":   &types.AttributeValueMemberS{Value: *put.ShardId},
		"checkpoint": &types.AttributeValueMemberS{Value: *put.SequenceNumber},
	}})
	a.must("put the lease", err)

	b := openBrowser(t, n.URL)
	b.open(t, "streams/orders", "o1", "KCL", "billing-worker", "behind: none")
	a.put("orders", `{"order": "o2"}`)
	var behind bool
	b.do(t, until(`(t => t.includes("behind:") && !t.includes("behind: none"))(document.querySelector("main").innerText)`, &behind))
	b.clean(t)
	b.open(t, "streams/prices", "price", "Nobody reads it yet")
	b.clean(t)
}
