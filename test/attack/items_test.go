package attack

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestItemsOfOneOwner: a user whose policy names the partition key that is theirs and the attributes that they may see
// reaches nothing else, by whatever call.
func TestItemsOfOneOwner(t *testing.T) {
	n := startEnforcing(t)
	ctx := t.Context()
	root := clientsOf(n, owner, "us-east-1")
	client := func(c aws.Credentials) *dynamodb.Client {
		return dynamodb.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: &n.URL, HTTPClient: nodetest.Client, Credentials: credentials.StaticCredentialsProvider{Value: c}, RetryMaxAttempts: 1})
	}
	all := client(owner)
	table := aws.String("scores")
	must(all.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: table, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("user"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("user"), KeyType: types.KeyTypeHash}},
	}))
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	key := func(user string) map[string]types.AttributeValue {
		return map[string]types.AttributeValue{"user": text(user)}
	}
	until(t, "the table", func() bool {
		_, err := all.PutItem(ctx, &dynamodb.PutItemInput{TableName: table, Item: map[string]types.AttributeValue{"user": text("bob"), "secret": text("x")}})
		return err == nil
	})
	ann := client(makeUser(t, root, "ann", aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
		"Action":["dynamodb:GetItem","dynamodb:BatchGetItem","dynamodb:Query","dynamodb:PutItem","dynamodb:UpdateItem","dynamodb:DeleteItem","dynamodb:BatchWriteItem","dynamodb:PartiQLSelect","dynamodb:ConditionCheckItem"],
		"Resource":"arn:aws:dynamodb:us-east-1:111111111111:table/scores",
		"Condition":{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["${aws:username}"],"dynamodb:Attributes":["user","score"]},
			"StringEqualsIfExists":{"dynamodb:Select":"SPECIFIC_ATTRIBUTES","dynamodb:ReturnValues":["NONE","UPDATED_NEW"]}}}]}`)))
	score := aws.String("score")
	get := func(user string, projection *string) error {
		_, err := ann.GetItem(ctx, &dynamodb.GetItemInput{TableName: table, Key: key(user), ProjectionExpression: projection})
		return err
	}
	query := func(user string, projection *string) error {
		_, err := ann.Query(ctx, &dynamodb.QueryInput{TableName: table, KeyConditionExpression: aws.String("#u = :u"), ProjectionExpression: projection,
			ExpressionAttributeNames: map[string]string{"#u": "user"}, ExpressionAttributeValues: map[string]types.AttributeValue{":u": text(user)}})
		return err
	}
	put := func(user, attribute string) error {
		_, err := ann.PutItem(ctx, &dynamodb.PutItemInput{TableName: table, Item: map[string]types.AttributeValue{"user": text(user), attribute: text("1")}})
		return err
	}
	update := func(expression string, returns types.ReturnValue) error {
		_, err := ann.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: table, Key: key("ann"), UpdateExpression: &expression, ReturnValues: returns,
			ExpressionAttributeValues: map[string]types.AttributeValue{":v": text("2")}})
		return err
	}
	for what, err := range map[string]error{
		"put": put("ann", "score"), "get": get("ann", score), "query": query("ann", score), "update": update("SET score = :v", types.ReturnValueUpdatedNew),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, batch := ann.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"scores": {Keys: []map[string]types.AttributeValue{key("ann"), key("bob")}, ProjectionExpression: score}}})
	_, write := ann.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"scores": {{DeleteRequest: &types.DeleteRequest{Key: key("bob")}}}}})
	_, transactGet := ann.TransactGetItems(ctx, &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{{Get: &types.Get{TableName: table, Key: key("bob"), ProjectionExpression: score}}}})
	_, transact := ann.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Delete: &types.Delete{TableName: table, Key: key("bob")}}}})
	_, remove := ann.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: table, Key: key("ann"), ReturnValues: types.ReturnValueAllOld})
	_, scan := ann.Scan(ctx, &dynamodb.ScanInput{TableName: table})
	_, statement := ann.ExecuteStatement(ctx, &dynamodb.ExecuteStatementInput{Statement: aws.String(`SELECT * FROM "scores"`)})
	for what, err := range map[string]error{
		"get of another": get("bob", score), "get of all attributes": get("ann", nil), "get of another attribute": get("ann", aws.String("secret")),
		"query of another": query("bob", score), "query of all attributes": query("ann", nil), "query of another attribute": query("ann", aws.String("score, secret")),
		"put of another": put("bob", "score"), "put of another attribute": put("ann", "secret"),
		"update of another attribute": update("SET secret = :v", types.ReturnValueNone), "an update that returns all": update("SET score = :v", types.ReturnValueAllNew),
		"copy of another attribute": update("SET score = if_not_exists(secret, :v)", types.ReturnValueNone),
		"batch get":                 batch, "batch write": write, "transaction of reads": transactGet, "transaction of writes": transact, "a deletion that returns all": remove, "scan": scan, "statement": statement,
	} {
		denied(t, what, err, "AccessDeniedException")
	}
}
