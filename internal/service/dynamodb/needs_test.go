package dynamodb

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// TestFullTableScan asks what policies are told of SELECTs: one reads partitions alone where it names all of
// their key, which in an index may be of several attributes.
func TestFullTableScan(t *testing.T) {
	h := newHarness(t, Config{})
	if code, body := h.call("CreateTable", `{"TableName":"tab","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
		"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"},{"AttributeName":"a","AttributeType":"S"},{"AttributeName":"b","AttributeType":"N"}],
		"BillingMode":"PAY_PER_REQUEST","GlobalSecondaryIndexes":[{"IndexName":"byab","Projection":{"ProjectionType":"ALL"},
		"KeySchema":[{"AttributeName":"a","KeyType":"HASH"},{"AttributeName":"b","KeyType":"HASH"}]}]}`); code != 200 {
		t.Fatalf("%s", body)
	}
	h.settle()
	caller := awswire.Caller{Account: "000000000000", Region: "us-east-1"}
	for text, want := range map[string]string{
		"SELECT * FROM tab":                                         "true",
		"SELECT * FROM tab WHERE a = 'x'":                           "true",
		"SELECT * FROM tab WHERE id = 'x'":                          "false",
		"SELECT * FROM tab WHERE id IN ['x', 'y']":                  "false",
		"SELECT * FROM tab.byab":                                    "true",
		"SELECT * FROM tab.byab WHERE a = 'x'":                      "true",
		"SELECT * FROM tab.byab WHERE b = 1":                        "true",
		"SELECT * FROM tab.byab WHERE a = 'x' AND b > 1":            "true",
		"SELECT * FROM tab.byab WHERE a = 'x' AND b = 1":            "false",
		"SELECT * FROM tab.byab WHERE b = 1 AND a IN ['x', 'y']":    "false",
		"SELECT * FROM tab.byab WHERE a = 'x' AND (b = 1 OR b = 2)": "true",
		"SELECT * FROM tab.none WHERE a = 'x' AND id = 'y'":         "true",
		"SELECT * FROM none WHERE id = 'x'":                         "true",
		"SELECT * FROM tab.byab WHERE a = 'x' AND b = 1 ORDER BY a": "false",
	} {
		needs := h.s.needsOfExecuteStatement(caller, &dynamodb.ExecuteStatementInput{Statement: aws.String(text)})
		if len(needs) != 1 {
			t.Errorf("%s: %d needs", text, len(needs))
			continue
		}
		if got := needs[0].Keys()["dynamodb:FullTableScan"]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s: a scan is %v, want %s", text, got, want)
		}
	}
}

// TestFromFirstNeeds: an update that names its item first needs what any update needs.
func TestFromFirstNeeds(t *testing.T) {
	h := newHarness(t, Config{})
	h.call("CreateTable", `{"TableName":"tab","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}`)
	h.settle()
	caller := awswire.Caller{Account: "000000000000", Region: "us-east-1"}
	for _, text := range []string{"FROM tab WHERE id = 'x' SET a = 1", "FROM tab WHERE id = 'x' REMOVE a"} {
		needs := h.s.needsOfExecuteStatement(caller, &dynamodb.ExecuteStatementInput{Statement: &text})
		if len(needs) != 1 || needs[0].Action != "dynamodb:PartiQLUpdate" {
			t.Errorf("%s: %+v", text, needs)
			continue
		}
		if got := needs[0].Keys()["dynamodb:LeadingKeys"]; !slices.Equal(got, []string{"x"}) {
			t.Errorf("%s: keys %v", text, got)
		}
	}
}

// TestCreateTableNeeds asks what a caller needs to create a table, without a policy and with one.
func TestCreateTableNeeds(t *testing.T) {
	caller := awswire.Caller{Account: "111111111111", Region: "eu-west-1"}
	for _, policy := range []*string{nil, aws.String("{}")} {
		var got []string
		for _, n := range needsOfCreateTable(caller, &dynamodb.CreateTableInput{TableName: aws.String("tab"), ResourcePolicy: policy}) {
			if n.Resource != "arn:aws:dynamodb:eu-west-1:111111111111:table/tab" {
				t.Errorf("%s is needed on %s", n.Action, n.Resource)
			}
			got = append(got, n.Action)
		}
		want := []string{"dynamodb:CreateTable", "dynamodb:PutResourcePolicy"}
		if policy == nil {
			want = want[:1]
		}
		if !slices.Equal(got, want) {
			t.Errorf("needs %v, want %v", got, want)
		}
	}
}

// TestResourcePolicyOfParts: a table's policy is that of its indexes; a stream has its own.
func TestResourcePolicyOfParts(t *testing.T) {
	d := &table{Name: "t", Policy: "of the table", Streams: []stream{{Label: "1", Policy: "of the stream"}, {Label: "2"}}}
	for rest, want := range map[string]string{"t": "of the table", "t/stream/1": "of the stream", "t/stream/2": "", "t/stream/3": "none", "other": "none", "t/stream/": "none"} {
		text, _, ok := d.policyOf(rest)
		got := "none"
		if ok {
			got = *text
		}
		if got != want {
			t.Errorf("policy of %s: %q, want %q", rest, got, want)
		}
	}
}

// TestPartitionKeyValues asks what policies are told of the partitions that calls are about: of an index whose partition
// key has several attributes, the values of each.
func TestPartitionKeyValues(t *testing.T) {
	h := newHarness(t, Config{})
	if code, body := h.call("CreateTable", `{"TableName":"tab","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
		"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"},{"AttributeName":"a","AttributeType":"S"},{"AttributeName":"b","AttributeType":"N"},{"AttributeName":"c","AttributeType":"B"}],
		"BillingMode":"PAY_PER_REQUEST","GlobalSecondaryIndexes":[{"IndexName":"byabc","Projection":{"ProjectionType":"ALL"},
		"KeySchema":[{"AttributeName":"a","KeyType":"HASH"},{"AttributeName":"b","KeyType":"HASH"},{"AttributeName":"c","KeyType":"HASH"}]}]}`); code != 200 {
		t.Fatalf("%s", body)
	}
	h.settle()
	caller := awswire.Caller{Account: "000000000000", Region: "us-east-1"}
	check := func(what string, keys map[string][]string, want ...[]string) {
		t.Helper()
		for i, key := range []string{"First", "Second", "Third", "Fourth"} {
			var values []string
			if i < len(want) {
				values = want[i]
			}
			if got := keys["dynamodb:"+key+"PartitionKeyValues"]; !slices.Equal(got, values) {
				t.Errorf("%s: %s are %q, want %q", what, key, got, values)
			}
		}
		if got := keys["dynamodb:LeadingKeys"]; !slices.Equal(got, keys["dynamodb:FirstPartitionKeyValues"]) {
			t.Errorf("%s: leading keys are %q", what, got)
		}
	}
	s := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	check("a get", h.s.keysOfGet(caller, &dynamodb.GetItemInput{TableName: aws.String("tab"), Key: map[string]types.AttributeValue{"id": s("x")}}), []string{"x"})
	check("a put", h.s.keysOfPut(caller, &dynamodb.PutItemInput{TableName: aws.String("tab"), Item: map[string]types.AttributeValue{"id": s("x"), "a": s("y")}}), []string{"x"})
	query := &dynamodb.QueryInput{TableName: aws.String("tab"), IndexName: aws.String("byabc"), KeyConditionExpression: aws.String("b = :b AND a = :a AND c = :c"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":a": s("x"), ":b": &types.AttributeValueMemberN{Value: "1.0"}, ":c": &types.AttributeValueMemberB{Value: []byte("hi")}}}
	check("a query", h.s.keysOfQuery(caller, query), []string{"x"}, []string{"1"}, []string{"aGk="})
	query.IndexName = aws.String("none")
	check("a query of no index", h.s.keysOfQuery(caller, query))
	check("a scan", h.s.keysOfScan(caller, &dynamodb.ScanInput{TableName: aws.String("tab"), IndexName: aws.String("byabc")}))
	for text, want := range map[string][][]string{
		"SELECT * FROM tab WHERE id = 'x'": {{"x"}},
		"SELECT * FROM tab":                {{""}},
		"SELECT * FROM tab.byabc":          {{""}, {""}, {""}},
		"SELECT * FROM tab.byabc WHERE a IN ['x', 'y'] AND b = 2 AND c > 3": {{"x", "y"}, {"2"}, {""}},
		"SELECT * FROM none WHERE id = 'x'":                                 {{""}},
		"INSERT INTO tab VALUE {'id': 'x', 'a': 'y'}":                       {{"x"}},
	} {
		needs := h.s.needsOfExecuteStatement(caller, &dynamodb.ExecuteStatementInput{Statement: aws.String(text)})
		if len(needs) != 1 {
			t.Errorf("%s: %d needs", text, len(needs))
			continue
		}
		check(text, needs[0].Keys(), want...)
	}
}
