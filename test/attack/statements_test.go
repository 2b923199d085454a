package attack

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/test/nodetest"
)

// tablesOf is a client of DynamoDB as an identity.
func tablesOf(n *nodetest.Node, who aws.Credentials) *dynamodb.Client {
	return dynamodb.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: &n.URL, HTTPClient: nodetest.Client, Credentials: credentials.StaticCredentialsProvider{Value: who}, RetryMaxAttempts: 1})
}

func word(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// makeScores makes a table whose key is the attribute user, with items of ann and bob.
func makeScores(t *testing.T, all *dynamodb.Client) {
	t.Helper()
	ctx := t.Context()
	must(all.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("scores"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("user"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("user"), KeyType: types.KeyTypeHash}},
	}))
	for _, user := range []string{"bob", "ann"} {
		until(t, "the table", func() bool {
			_, err := all.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("scores"), Item: map[string]types.AttributeValue{"user": word(user), "secret": word("x")}})
			return err == nil
		})
	}
}

// grants replaces the only policy of a user by one that allows actions on resources.
func grants(t *testing.T, root clients, user string, condition string, resource string, actions ...string) {
	t.Helper()
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["` + strings.Join(actions, `","`) + `"],"Resource":[` + resource + `]` + condition + `}]}`
	must(root.iam.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: &user, PolicyName: aws.String("p"), PolicyDocument: &document}))
}

const onScores = `"arn:aws:dynamodb:us-east-1:111111111111:table/scores"`

// TestTransactionsAskForTheirItems: a transaction needs the permission of each of its items, by whatever name it is sent.
func TestTransactionsAskForTheirItems(t *testing.T) {
	n := startEnforcing(t)
	ctx := t.Context()
	root := clientsOf(n, owner, "us-east-1")
	makeScores(t, tablesOf(n, owner))
	ann := tablesOf(n, makeUser(t, root, "ann", nil))
	table := aws.String("scores")
	key := func(user string) map[string]types.AttributeValue {
		return map[string]types.AttributeValue{"user": word(user)}
	}
	write := func(items ...types.TransactWriteItem) error {
		_, err := ann.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
		return err
	}
	put := func(user string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{TableName: table, Item: key(user)}}
	}
	check := types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: table, Key: key("bob"), ConditionExpression: aws.String("attribute_exists(secret)")}}
	get := func(user string) error {
		_, err := ann.TransactGetItems(ctx, &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{{Get: &types.Get{TableName: table, Key: key(user)}}}})
		return err
	}
	calls := map[string]func() error{
		"PutItem": func() error { return write(put("ann")) },
		"UpdateItem": func() error {
			return write(types.TransactWriteItem{Update: &types.Update{TableName: table, Key: key("ann"), UpdateExpression: aws.String("REMOVE earlier")}})
		},
		"DeleteItem": func() error {
			return write(types.TransactWriteItem{Delete: &types.Delete{TableName: table, Key: key("ann")}})
		},
		"ConditionCheckItem": func() error { return write(check) },
		"GetItem":            func() error { return get("ann") },
	}
	grants(t, root, "ann", "", onScores, "dynamodb:TransactWriteItems", "dynamodb:TransactGetItems", "dynamodb:ExecuteTransaction")
	for action, call := range calls {
		denied(t, "without "+action, call(), "not authorized to perform: dynamodb:"+action+" ")
	}
	for action := range calls {
		grants(t, root, "ann", "", onScores, "dynamodb:"+action)
		for other, call := range calls {
			if err := call(); other != action {
				denied(t, other+" with "+action, err, "not authorized to perform: dynamodb:"+other+" ")
			} else if err != nil {
				t.Errorf("%s: %v", action, err)
			}
		}
	}
	grants(t, root, "ann", "", onScores, "dynamodb:PutItem")
	denied(t, "a put beside a check", write(put("ann"), check), "dynamodb:ConditionCheckItem")
	grants(t, root, "ann", `,"Condition":{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["ann"]}}`, onScores, "dynamodb:PutItem", "dynamodb:GetItem")
	if err := write(put("ann")); err != nil {
		t.Error(err)
	}
	denied(t, "a put of another among one's own", write(put("ann"), put("bob")), "dynamodb:PutItem")
	denied(t, "a read of another", get("bob"), "dynamodb:GetItem")
	grants(t, root, "ann", `,"Condition":{"StringEquals":{"dynamodb:EnclosingOperation":["TransactGetItems"]}}`, onScores, "dynamodb:PutItem", "dynamodb:GetItem")
	if err := get("ann"); err != nil {
		t.Error(err)
	}
	denied(t, "a write where reads are allowed in transactions", write(put("ann")), "dynamodb:PutItem")
	_, err := ann.GetItem(ctx, &dynamodb.GetItemInput{TableName: table, Key: key("ann")})
	denied(t, "a read outside of one", err, "dynamodb:GetItem")
}

// TestStatementsAskForTheirKind: a statement of PartiQL needs the permission of its kind on its table, in a call of one, in
// a batch and in a transaction, and its keys are those that it names.
func TestStatementsAskForTheirKind(t *testing.T) {
	n := startEnforcing(t)
	ctx := t.Context()
	root := clientsOf(n, owner, "us-east-1")
	all := tablesOf(n, owner)
	makeScores(t, all)
	ann := tablesOf(n, makeUser(t, root, "ann", nil))
	one := func(text string, parameters ...types.AttributeValue) error {
		_, err := ann.ExecuteStatement(ctx, &dynamodb.ExecuteStatementInput{Statement: &text, Parameters: parameters})
		return err
	}
	batch := func(text string) error {
		out, err := ann.BatchExecuteStatement(ctx, &dynamodb.BatchExecuteStatementInput{Statements: []types.BatchStatementRequest{{Statement: &text}}})
		if err == nil && out.Responses[0].Error != nil { // as it is told of each statement
			err = errors.New(string(out.Responses[0].Error.Code) + "Exception: " + *out.Responses[0].Error.Message)
		}
		return err
	}
	transaction := func(text string) error {
		_, err := ann.ExecuteTransaction(ctx, &dynamodb.ExecuteTransactionInput{TransactStatements: []types.ParameterizedStatement{{Statement: &text}}})
		return err
	}
	statements := map[string]string{
		"PartiQLSelect": `SELECT * FROM "scores" WHERE "user" = 'bob'`,
		"PartiQLInsert": `INSERT INTO "scores" VALUE {'user': 'new'}`,
		"PartiQLUpdate": `UPDATE "scores" SET secret = 'y' WHERE "user" = 'bob'`,
		"PartiQLDelete": `DELETE FROM "scores" WHERE "user" = 'new'`,
	}
	kinds := []string{"PartiQLSelect", "PartiQLInsert", "PartiQLUpdate", "PartiQLDelete"}
	calls := map[string]func(string) error{"one": func(text string) error { return one(text) }, "a batch": batch, "a transaction": transaction}
	grants(t, root, "ann", "", `"*"`, "dynamodb:ExecuteStatement", "dynamodb:BatchExecuteStatement", "dynamodb:ExecuteTransaction", "dynamodb:Scan", "dynamodb:GetItem", "dynamodb:PutItem")
	for _, kind := range kinds {
		for how, call := range calls {
			denied(t, kind+" in "+how, call(statements[kind]), "not authorized to perform: dynamodb:"+kind+" on resource: "+strings.Trim(onScores, `"`))
		}
	}
	denied(t, "EXISTS", transaction(`EXISTS(SELECT * FROM "scores" WHERE "user" = 'bob')`), "dynamodb:PartiQLSelect")
	denied(t, "an index", one(`SELECT * FROM "scores"."by-score"`), "table/scores/index/by-score")
	denied(t, "a table that is not there", one(`SELECT * FROM "nothing"`), "AccessDeniedException")
	denied(t, "what is no statement", one(`SELEKT * FROM "scores"`), "ValidationException")
	text := statements["PartiQLSelect"]
	// In a batch each statement is refused by itself.
	grants(t, root, "ann", `,"Condition":{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["ann"]}}`, onScores, "dynamodb:PartiQLSelect")
	wrong, mine := `SELEKT * FROM "scores"`, `SELECT * FROM "scores" WHERE "user" = 'ann'`
	out := must(ann.BatchExecuteStatement(ctx, &dynamodb.BatchExecuteStatementInput{Statements: []types.BatchStatementRequest{{Statement: &wrong}, {Statement: &text}, {Statement: &mine}}}))
	for i, want := range []types.BatchStatementErrorCodeEnum{types.BatchStatementErrorCodeEnumValidationError, types.BatchStatementErrorCodeEnumAccessDenied, ""} {
		r := out.Responses[i]
		if got := r.Error; got == nil && want != "" || got != nil && got.Code != want {
			t.Errorf("statement %d of a batch: %+v, want %q", i, got, want)
		}
		if shown := r.Item != nil; shown != (want == "") {
			t.Errorf("statement %d of a batch shows %v", i, r.Item)
		}
	}
	_, err := ann.ExecuteTransaction(ctx, &dynamodb.ExecuteTransactionInput{TransactStatements: []types.ParameterizedStatement{{Statement: &mine}, {Statement: &text}}})
	denied(t, "a statement of a transaction", err, "AccessDeniedException")
	for _, kind := range kinds {
		grants(t, root, "ann", "", onScores, "dynamodb:"+kind)
		if err := one(statements[kind]); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		for _, other := range kinds {
			if other != kind {
				denied(t, other+" with "+kind, one(statements[other]), "dynamodb:"+other+" ")
			}
		}
	}

	// Her own partition, and of it some attributes.
	grants(t, root, "ann", `,"Condition":{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["ann"],"dynamodb:Attributes":["user","score"]},
		"StringEqualsIfExists":{"dynamodb:Select":"SPECIFIC_ATTRIBUTES","dynamodb:ReturnValues":["NONE","UPDATED_NEW"]}}`, onScores, "dynamodb:PartiQL*")
	for _, text := range []string{
		`SELECT score FROM scores WHERE "user" = 'ann'`, `SELECT score FROM scores WHERE 'ann' = "user" AND score = '1'`, `SELECT score FROM scores WHERE "user" IN ['ann']`,
		`UPDATE scores SET score = '1' WHERE "user" = 'ann'`, `UPDATE scores SET score = '1' WHERE "user" = 'ann' RETURNING MODIFIED NEW *`,
		`DELETE FROM scores WHERE "user" = 'ann'`, `INSERT INTO scores VALUE {'user': 'ann', 'score': '1'}`,
	} {
		if err := one(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{
		`SELECT score FROM scores`, `SELECT score FROM scores WHERE "user" = 'bob'`, `SELECT score FROM scores WHERE "user" = 'ann' OR "user" = 'bob'`,
		`SELECT score FROM scores WHERE "user" IN ['ann', 'bob']`, `SELECT score FROM scores WHERE "user" > 'a'`, `SELECT score FROM scores WHERE NOT "user" = 'ann'`,
		`SELECT score FROM scores WHERE NOT "user" IN ['ann']`, `SELECT score FROM scores WHERE "user".x = 'ann'`, `SELECT score FROM scores WHERE score = 'ann'`,
		`SELECT * FROM scores WHERE "user" = 'ann'`, `SELECT secret FROM scores WHERE "user" = 'ann'`, `SELECT secret AS score FROM scores WHERE "user" = 'ann'`,
		`SELECT score FROM scores WHERE "user" = 'ann' AND begins_with(secret, 'a')`,
		`INSERT INTO scores VALUE {'user': 'carl'}`, `INSERT INTO scores VALUE {'user': 'ann', 'secret': '1'}`,
		`UPDATE scores SET score = '1' WHERE "user" = 'bob'`, `UPDATE scores SET score = secret WHERE "user" = 'ann'`, `UPDATE scores REMOVE secret WHERE "user" = 'ann'`,
		`UPDATE scores SET score = '1' WHERE "user" = 'ann' RETURNING ALL OLD *`, `DELETE FROM scores WHERE "user" = 'bob'`, `DELETE FROM scores WHERE "user" = 'ann' RETURNING ALL OLD *`,
	} {
		for how, call := range calls {
			denied(t, text+" in "+how, call(text), "AccessDeniedException")
		}
	}
	denied(t, "a parameter", one(`SELECT score FROM scores WHERE "user" = ?`, word("bob")), "AccessDeniedException")
	if err := one(`SELECT score FROM scores WHERE "user" = ?`, word("ann")); err != nil {
		t.Error(err)
	}

	grants(t, root, "ann", `,"Condition":{"Bool":{"dynamodb:FullTableScan":"false"}}`, onScores, "dynamodb:PartiQLSelect")
	if err := one(`SELECT * FROM scores WHERE "user" IN ['bob', 'ann']`); err != nil {
		t.Error(err)
	}
	denied(t, "a scan", one(`SELECT * FROM scores WHERE secret = 'y'`), "AccessDeniedException")
	grants(t, root, "ann", `,"Condition":{"StringEquals":{"dynamodb:EnclosingOperation":["ExecuteTransaction"]}}`, onScores, "dynamodb:PartiQLSelect")
	if err := transaction(text); err != nil {
		t.Error(err)
	}
	denied(t, "outside of a transaction", one(text), "AccessDeniedException")
}

// TestExportsAndImportsAreTheCallers: an export writes, and an import reads, what who began it may.
func TestExportsAndImportsAreTheCallers(t *testing.T) {
	n := startEnforcing(t)
	ctx := t.Context()
	root := clientsOf(n, owner, "us-east-1")
	all := tablesOf(n, owner)
	makeScores(t, all)
	must(all.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{TableName: aws.String("scores"), PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)}}))
	bucket := aws.String("vault")
	must(root.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}))
	for _, key := range []string{"in/a.json", "in/secret/b.json"} {
		must(root.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader(`{"Item":{"user":{"S":"` + key + `"}}}`)}))
	}
	ann := tablesOf(n, makeUser(t, root, "ann", nil))
	export := func() (code, message string) {
		t.Helper()
		out, err := ann.ExportTableToPointInTime(ctx, &dynamodb.ExportTableToPointInTimeInput{TableArn: aws.String(strings.Trim(onScores, `"`)), S3Bucket: bucket, S3Prefix: aws.String("out")})
		if err != nil {
			return "", err.Error()
		}
		until(t, "the export", func() bool {
			d := must(all.DescribeExport(ctx, &dynamodb.DescribeExportInput{ExportArn: out.ExportDescription.ExportArn})).ExportDescription
			code, message = aws.ToString(d.FailureCode), aws.ToString(d.FailureMessage)
			return d.ExportStatus != types.ExportStatusInProgress
		})
		return code, message
	}
	load := func(table, prefix string) (code, message string) {
		t.Helper()
		out, err := ann.ImportTable(ctx, &dynamodb.ImportTableInput{
			InputFormat: types.InputFormatDynamodbJson, S3BucketSource: &types.S3BucketSource{S3Bucket: bucket, S3KeyPrefix: &prefix},
			TableCreationParameters: &types.TableCreationParameters{
				TableName: &table, BillingMode: types.BillingModePayPerRequest,
				AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("user"), AttributeType: types.ScalarAttributeTypeS}},
				KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("user"), KeyType: types.KeyTypeHash}},
			},
		})
		if err != nil {
			return "", err.Error()
		}
		until(t, "the import", func() bool {
			d := must(all.DescribeImport(ctx, &dynamodb.DescribeImportInput{ImportArn: out.ImportTableDescription.ImportArn})).ImportTableDescription
			code, message = aws.ToString(d.FailureCode), aws.ToString(d.FailureMessage)
			return d.ImportStatus != types.ImportStatusInProgress
		})
		return code, message
	}
	wants := func(what, code, message, wantCode, part string) {
		t.Helper()
		if code != wantCode || !strings.Contains(message, part) {
			t.Errorf("%s: %q %q, want %q and %s", what, code, message, wantCode, part)
		}
	}
	keys := func(prefix string) int {
		return len(must(root.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: &prefix})).Contents)
	}

	code, message := export()
	wants("no permission", code, message, "", "dynamodb:ExportTableToPointInTime")
	may := []string{"dynamodb:ExportTableToPointInTime", "dynamodb:ImportTable"}
	grants(t, root, "ann", "", `"*"`, may...)
	code, message = export()
	wants("an export without s3:PutObject", code, message, "S3AccessDenied", "_started")
	grants(t, root, "ann", "", `"arn:aws:dynamodb:*:*:*","arn:aws:s3:::vault/other/*"`, append(may, "s3:PutObject")...)
	code, message = export()
	wants("an export to another prefix than allowed", code, message, "S3AccessDenied", "_started")
	if k := keys("out/"); k != 0 {
		t.Errorf("%d objects were written", k)
	}
	grants(t, root, "ann", "", `"arn:aws:dynamodb:*:*:*","arn:aws:s3:::vault/out/*"`, append(may, "s3:PutObject")...)
	if code, message = export(); code != "" || message != "" {
		t.Errorf("export: %s %s", code, message)
	}
	if k := keys("out/"); k < 4 {
		t.Errorf("%d objects were written", k)
	}

	code, message = load("table1", "in/")
	wants("an import without s3:ListBucket", code, message, "S3AccessDenied", "s3:ListBucket on resource")
	grants(t, root, "ann", "", `"*"`, append(may, "s3:ListBucket")...)
	code, message = load("table2", "in/")
	wants("an import without s3:GetObject", code, message, "S3AccessDenied", "arn:aws:s3:::vault/in/a.json")
	grants(t, root, "ann", "", `"arn:aws:dynamodb:*:*:*","arn:aws:s3:::vault","arn:aws:s3:::vault/in/a*"`, append(may, "s3:ListBucket", "s3:GetObject")...)
	code, message = load("table3", "in/")
	wants("an import of an object beyond those allowed", code, message, "S3AccessDenied", "arn:aws:s3:::vault/in/secret/b.json")
	if code, message = load("table4", "in/a"); code != "" || message != "" {
		t.Errorf("import: %s %s", code, message)
	}
	if c := must(all.Scan(ctx, &dynamodb.ScanInput{TableName: aws.String("table4")})).Count; c != 1 {
		t.Errorf("%d items were imported", c)
	}
}
