package attack

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestPoliciesOfTablesAndCatalogs: the policy of a table, of its stream and of the catalog lets in whom it names, keeps out
// whom it denies, and lets in nobody of another account by itself.
func TestPoliciesOfTablesAndCatalogs(t *testing.T) {
	n := startEnforcing(t)
	ctx := t.Context()
	root := clientsOf(n, owner, "us-east-1")
	config := func(c aws.Credentials) aws.Config {
		return aws.Config{Region: "us-east-1", BaseEndpoint: &n.URL, HTTPClient: nodetest.Client, Credentials: credentials.StaticCredentialsProvider{Value: c}, RetryMaxAttempts: 1}
	}
	guest := config(makeUser(t, root, "guest", nil))
	all := config(makeUser(t, root, "all", allow("*", "*")))
	other := config(stranger)
	own := dynamodb.NewFromConfig(config(owner))
	created := must(own.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("shared"), BillingMode: types.BillingModePayPerRequest, StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("k"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("k"), KeyType: types.KeyTypeHash}},
		ResourcePolicy: aws.String(`{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111111111111:user/guest","222222222222"]},"Action":"dynamodb:GetItem","Resource":"*"},
			{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111111111111:user/all"},"Action":"dynamodb:Scan","Resource":"*"}]}`),
	})).TableDescription
	key := map[string]types.AttributeValue{"k": &types.AttributeValueMemberS{Value: "a"}}
	until(t, "the table", func() bool {
		_, err := own.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("shared"), Item: key})
		return err == nil
	})
	must(own.PutResourcePolicy(ctx, &dynamodb.PutResourcePolicyInput{ResourceArn: created.LatestStreamArn, Policy: aws.String(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/guest"},"Action":"dynamodb:DescribeStream","Resource":"*"},
		{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111111111111:user/all"},"Action":"dynamodb:GetShardIterator","Resource":"*"}]}`)}))
	get := func(c aws.Config, table string) error {
		_, err := dynamodb.NewFromConfig(c).GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: key})
		return err
	}
	describe := func(c aws.Config) (*dynamodbstreams.DescribeStreamOutput, error) {
		return dynamodbstreams.NewFromConfig(c).DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: created.LatestStreamArn})
	}
	if err := get(guest, "shared"); err != nil {
		t.Errorf("whom the table's policy names: %v", err)
	}
	_, err := dynamodb.NewFromConfig(guest).PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("shared"), Item: key})
	denied(t, "what the table's policy does not allow", err, "AccessDeniedException")
	_, err = dynamodb.NewFromConfig(all).Scan(ctx, &dynamodb.ScanInput{TableName: aws.String("shared")})
	denied(t, "what the table's policy denies", err, "explicit deny in a resource-based policy")
	shards, err := describe(guest)
	if err != nil {
		t.Fatalf("whom the stream's policy names: %v", err)
	}
	_, err = dynamodbstreams.NewFromConfig(all).GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{
		StreamArn: created.LatestStreamArn, ShardId: shards.StreamDescription.Shards[0].ShardId, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon})
	denied(t, "what the stream's policy denies", err, "explicit deny in a resource-based policy")
	if err := get(other, "shared"); err == nil {
		t.Error("the name of a table is that of another account's")
	}
	if _, err := describe(other); err == nil {
		t.Error("another account reads the stream")
	}
	_, err = dynamodb.NewFromConfig(other).Scan(ctx, &dynamodb.ScanInput{TableName: created.TableArn})
	denied(t, "another account, by what the policy does not allow", err, "AccessDeniedException")

	catalog := glue.NewFromConfig(config(owner))
	for _, name := range []string{"open", "shut"} {
		must(catalog.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &gluetypes.DatabaseInput{Name: &name}}))
	}
	must(catalog.PutResourcePolicy(ctx, &glue.PutResourcePolicyInput{PolicyInJson: aws.String(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/guest"},"Action":"glue:GetDatabase","Resource":["arn:aws:glue:us-east-1:111111111111:catalog","arn:aws:glue:us-east-1:111111111111:database/open"]},
		{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111111111111:user/all"},"Action":"glue:*","Resource":"arn:aws:glue:us-east-1:111111111111:database/shut"}]}`)}))
	database := func(c aws.Config, name string, id *string) error {
		_, err := glue.NewFromConfig(c).GetDatabase(ctx, &glue.GetDatabaseInput{Name: &name, CatalogId: id})
		return err
	}
	for what, err := range map[string]error{"whom the catalog's policy names": database(guest, "open", nil), "whom it does not deny": database(all, "open", nil)} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	denied(t, "what the catalog's policy does not allow", database(guest, "shut", nil), "AccessDeniedException")
	denied(t, "what the catalog's policy denies", database(all, "shut", nil), "explicit deny in a resource-based policy")
	if err := database(other, "open", aws.String("111111111111")); err == nil {
		t.Error("another account reads the catalog")
	}
}
