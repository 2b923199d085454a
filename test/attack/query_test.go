package attack

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/test/nodetest"
)

// queryAs runs a statement as an identity, and returns its id and why it failed, empty if it did not.
func queryAs(t *testing.T, n *nodetest.Node, who aws.Credentials, sql, output string) (id, reason string) {
	t.Helper()
	ctx := t.Context()
	c := athena.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: &n.URL, HTTPClient: nodetest.Client, Credentials: credentials.StaticCredentialsProvider{Value: who}, RetryMaxAttempts: 1})
	start, err := c.StartQueryExecution(ctx, &athena.StartQueryExecutionInput{QueryString: &sql, ResultConfiguration: &types.ResultConfiguration{OutputLocation: &output}})
	if err != nil {
		return "", err.Error()
	}
	until(t, sql, func() bool {
		out, err := c.GetQueryExecution(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: start.QueryExecutionId})
		if err != nil {
			t.Fatal(err)
		}
		s := out.QueryExecution.Status
		if s.State == types.QueryExecutionStateFailed || s.State == types.QueryExecutionStateCancelled {
			reason = aws.ToString(s.StateChangeReason)
			return true
		}
		return s.State == types.QueryExecutionStateSucceeded
	})
	return *start.QueryExecutionId, reason
}

// TestQueryIsTheCallers: a statement reaches of the catalog and of the objects what its sender may reach, in AWS's words
// where that is not enough.
func TestQueryIsTheCallers(t *testing.T) {
	n := startEnforcing(t)
	ctx := t.Context()
	root := clientsOf(n, owner, "us-east-1")
	for _, bucket := range []string{"lake", "answers"} {
		must(root.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket}))
	}
	for _, key := range []string{"orders/a.json", "secret/a.json"} {
		must(root.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("lake"), Key: &key, Body: strings.NewReader(`{"n":1}`)}))
	}
	for _, sql := range []string{
		"CREATE DATABASE shop",
		"CREATE EXTERNAL TABLE shop.orders (n int) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' LOCATION 's3://lake/orders/'",
		"CREATE EXTERNAL TABLE shop.secret (n int) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' LOCATION 's3://lake/secret/'",
	} {
		if _, reason := queryAs(t, n, owner, sql, "s3://answers/"); reason != "" {
			t.Fatalf("%s: %s", sql, reason)
		}
	}
	document := func(statements ...string) *string {
		return aws.String(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`)
	}
	const (
		queries = `{"Effect":"Allow","Action":"athena:*","Resource":"*"}`
		results = `{"Effect":"Allow","Action":["s3:GetBucketLocation","s3:PutObject","s3:GetObject"],"Resource":["arn:aws:s3:::answers","arn:aws:s3:::answers/*"]}`
		catalog = `{"Effect":"Allow","Action":["glue:GetTable","glue:GetPartitions","glue:GetDatabase"],"Resource":["arn:aws:glue:us-east-1:111111111111:catalog",` +
			`"arn:aws:glue:us-east-1:111111111111:database/shop","arn:aws:glue:us-east-1:111111111111:table/shop/*"],"Condition":{"ForAnyValue:StringEquals":{"aws:CalledVia":"athena.amazonaws.com"}}}`
		data = `{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::lake","Condition":{"StringLike":{"s3:prefix":"orders/*"}}},` +
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::lake/orders/*"}`
	)
	ann := makeUser(t, root, "ann", document(queries))
	grant := func(statements ...string) {
		must(root.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("p"), PolicyDocument: document(statements...)}))
	}
	const orders = "SELECT n FROM shop.orders"
	for _, step := range []struct {
		what   string
		grants []string
		sql    string
		want   string // part of the reason; empty: it succeeds
	}{
		{"no results", []string{queries}, orders, "Unable to verify/create output bucket answers"},
		{"no catalog", []string{queries, results}, orders, "User: arn:aws:iam::111111111111:user/ann is not authorized to perform: glue:GetTable on resource: arn:aws:glue:us-east-1:111111111111:catalog because no identity-based policy allows the glue:GetTable action (Service: AmazonDataCatalog; Status Code: 400; Error Code: AccessDeniedException; Request ID: "},
		{"no data", []string{queries, results, catalog}, orders, "Permission denied on S3 path: s3://lake/orders"},
		{"all", []string{queries, results, catalog, data}, orders, ""},
		{"another prefix", []string{queries, results, catalog, data}, "SELECT n FROM shop.secret", "Permission denied on S3 path: s3://lake/secret"},
		{"one object", []string{queries, results, catalog, data, `{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::lake/orders/a.json"}`}, orders, "Permission denied on S3 path: s3://lake/orders"},
		{"a table of the root's objects", []string{queries, results, catalog, data}, "CREATE EXTERNAL TABLE shop.mine (n int) LOCATION 's3://lake/secret/'", "DDLTask. MetaException(message:User: arn:aws:iam::111111111111:user/ann is not authorized to perform: glue:"},
		{"dropping", []string{queries, results, catalog, data}, "DROP TABLE shop.orders", "is not authorized to perform: glue:DeleteTable"},
		{"names of tables", []string{queries, results}, "SELECT table_name FROM information_schema.tables", "glue:GetDatabases"},
		{"results elsewhere", []string{queries, catalog, data, `{"Effect":"Allow","Action":"s3:GetBucketLocation","Resource":"*"}`}, orders, "Access denied when writing output to url: s3://answers/"},
	} {
		grant(step.grants...)
		_, reason := queryAs(t, n, ann, step.sql, "s3://answers/")
		if step.want == "" && reason != "" || !strings.Contains(reason, step.want) {
			t.Errorf("%s: %q, want %q", step.what, reason, step.want)
		}
	}

	// A result is an object, whoever made it.
	grant(queries, results, catalog, data)
	id, reason := queryAs(t, n, owner, orders, "s3://lake/results/")
	if reason != "" {
		t.Fatal(reason)
	}
	c := athena.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: &n.URL, HTTPClient: nodetest.Client, Credentials: credentials.StaticCredentialsProvider{Value: ann}, RetryMaxAttempts: 1})
	_, err := c.GetQueryResults(ctx, &athena.GetQueryResultsInput{QueryExecutionId: &id})
	denied(t, "the result of another", err, "You do not seem to have access to the S3 location of your query results")
}
