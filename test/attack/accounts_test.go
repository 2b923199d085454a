package attack

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/brookmere/brookmere/test/nodetest"
)

// party is an identity's clients of the services whose resources other accounts can be let into.
type party struct {
	tables  *dynamodb.Client
	changes *dynamodbstreams.Client
	streams *kinesis.Client
	catalog *glue.Client
	queues  *sqs.Client
	topics  *sns.Client
	keys    *kms.Client
}

func partyOf(n *nodetest.Node, c aws.Credentials) party {
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &n.URL, HTTPClient: nodetest.Client, Credentials: credentials.StaticCredentialsProvider{Value: c}, RetryMaxAttempts: 1}
	return party{
		dynamodb.NewFromConfig(cfg), dynamodbstreams.NewFromConfig(cfg), kinesis.NewFromConfig(cfg), glue.NewFromConfig(cfg), sqs.NewFromConfig(cfg), sns.NewFromConfig(cfg),
		kms.NewFromConfig(cfg),
	}
}

// lent is what the owner lends to the account 222222222222, and what it keeps.
type lent struct{ table, kept, changes, stream, mine string }

func lend(t *testing.T, p party, account string) lent {
	t.Helper()
	ctx := t.Context()
	var l lent
	for name, to := range map[string]*string{"lent": &l.table, "kept": &l.kept} {
		made := must(p.tables.CreateTable(ctx, &dynamodb.CreateTableInput{
			TableName: &name, BillingMode: types.BillingModePayPerRequest, StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage},
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("k"), AttributeType: types.ScalarAttributeTypeS}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("k"), KeyType: types.KeyTypeHash}},
		})).TableDescription
		*to = *made.TableArn
		if name == "lent" {
			l.changes = *made.LatestStreamArn
		}
		until(t, "the table "+name, func() bool {
			_, err := p.tables.PutItem(ctx, &dynamodb.PutItemInput{TableName: &name, Item: item("a")})
			return err == nil
		})
	}
	may := func(resource string, actions string) *string {
		return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":[` + actions + `],"Resource":"` + resource + `"}]}`)
	}
	must(p.tables.PutResourcePolicy(ctx, &dynamodb.PutResourcePolicyInput{ResourceArn: &l.table, Policy: may(l.table, `"dynamodb:GetItem","dynamodb:BatchGetItem","dynamodb:DescribeTable"`)}))
	must(p.tables.PutResourcePolicy(ctx, &dynamodb.PutResourcePolicyInput{ResourceArn: &l.changes, Policy: may(l.changes, `"dynamodb:DescribeStream"`)}))
	for name, to := range map[string]*string{"lent": &l.stream, "kept": &l.mine} {
		must(p.streams.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)}))
		until(t, "the stream "+name, func() bool {
			d, err := p.streams.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name})
			if err == nil {
				*to = *d.StreamDescriptionSummary.StreamARN
			}
			return err == nil && d.StreamDescriptionSummary.StreamStatus == kinesistypes.StreamStatusActive
		})
	}
	must(p.streams.PutResourcePolicy(ctx, &kinesis.PutResourcePolicyInput{ResourceARN: &l.stream, Policy: may(l.stream, `"kinesis:PutRecord","kinesis:ListShards","kinesis:GetShardIterator","kinesis:GetRecords"`)}))
	must(p.catalog.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &gluetypes.DatabaseInput{Name: aws.String("lent")}}))
	must(p.catalog.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &gluetypes.DatabaseInput{Name: aws.String("kept")}}))
	of := "arn:aws:glue:us-east-1:" + account + ":"
	must(p.catalog.PutResourcePolicy(ctx, &glue.PutResourcePolicyInput{PolicyInJson: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"222222222222"},
		"Action":["glue:GetDatabase","glue:CreateTable","glue:GetTable"],"Resource":["` + of + `catalog","` + of + `database/lent","` + of + `table/lent/*"]}]}`)}))
	return l
}

func item(k string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"k": &types.AttributeValueMemberS{Value: k}}
}

// borrow checks what the other account reaches, by what names it.
func borrow(t *testing.T, own, other party, l lent, account string) {
	ctx := t.Context()
	ok := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	no := func(what string, err error) {
		t.Helper()
		if err == nil {
			t.Errorf("%s is allowed", what)
		}
	}
	got, err := other.tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: &l.table, Key: item("a")})
	ok("GetItem", err)
	if err == nil && len(got.Item) == 0 {
		t.Error("GetItem finds nothing")
	}
	batch, err := other.tables.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{l.table: {Keys: []map[string]types.AttributeValue{item("a")}}}})
	ok("BatchGetItem", err)
	if err == nil && len(batch.Responses[l.table]) != 1 {
		t.Errorf("BatchGetItem finds %v", batch.Responses)
	}
	d, err := other.tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &l.table})
	ok("DescribeTable", err)
	if err == nil && *d.Table.TableArn != l.table {
		t.Errorf("the table is %s", *d.Table.TableArn)
	}
	_, err = other.tables.PutItem(ctx, &dynamodb.PutItemInput{TableName: &l.table, Item: item("b")})
	no("PutItem", err)
	_, err = other.tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: &l.kept, Key: item("a")})
	no("GetItem of a table that is not lent", err)
	_, err = other.tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("lent"), Key: item("a")})
	no("GetItem by name", err)
	_, err = other.tables.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		l.table: {Keys: []map[string]types.AttributeValue{item("a")}}, l.kept: {Keys: []map[string]types.AttributeValue{item("a")}}}})
	no("BatchGetItem with a table that is not lent", err)
	_, err = other.changes.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &l.changes})
	ok("DescribeStream of the table", err)

	_, err = other.streams.PutRecord(ctx, &kinesis.PutRecordInput{StreamARN: &l.stream, PartitionKey: aws.String("k"), Data: []byte("of the other account")})
	ok("PutRecord", err)
	_, err = other.streams.PutRecords(ctx, &kinesis.PutRecordsInput{StreamARN: &l.stream, Records: []kinesistypes.PutRecordsRequestEntry{{PartitionKey: aws.String("k"), Data: []byte("x")}}})
	no("PutRecords", err)
	_, err = other.streams.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: aws.String("lent"), PartitionKey: aws.String("k"), Data: []byte("x")})
	no("PutRecord by name", err)
	_, err = other.streams.PutRecord(ctx, &kinesis.PutRecordInput{StreamARN: &l.mine, PartitionKey: aws.String("k"), Data: []byte("x")})
	no("PutRecord to a stream that is not lent", err)
	it, err := other.streams.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{StreamARN: &l.stream, ShardId: aws.String("shardId-000000000000"), ShardIteratorType: kinesistypes.ShardIteratorTypeTrimHorizon})
	ok("GetShardIterator", err)
	if err == nil {
		out, err := other.streams.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: it.ShardIterator, StreamARN: &l.stream})
		ok("GetRecords", err)
		if err == nil && (len(out.Records) != 1 || string(out.Records[0].Data) != "of the other account") {
			t.Errorf("GetRecords reads %d records", len(out.Records))
		}
	}
	kept, err := own.streams.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{StreamARN: &l.mine, ShardId: aws.String("shardId-000000000000"), ShardIteratorType: kinesistypes.ShardIteratorTypeTrimHorizon})
	ok("the owner's GetShardIterator", err)
	_, err = other.streams.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: kept.ShardIterator})
	no("GetRecords with an iterator of the owner's", err)

	_, err = other.catalog.GetDatabase(ctx, &glue.GetDatabaseInput{CatalogId: &account, Name: aws.String("lent")})
	ok("GetDatabase", err)
	_, err = other.catalog.CreateTable(ctx, &glue.CreateTableInput{CatalogId: &account, DatabaseName: aws.String("lent"), TableInput: &gluetypes.TableInput{Name: aws.String("made")}})
	ok("CreateTable", err)
	_, err = own.catalog.GetTable(ctx, &glue.GetTableInput{DatabaseName: aws.String("lent"), Name: aws.String("made")})
	ok("the owner's GetTable of it", err)
	_, err = other.catalog.DeleteTable(ctx, &glue.DeleteTableInput{CatalogId: &account, DatabaseName: aws.String("lent"), Name: aws.String("made")})
	no("DeleteTable", err)
	_, err = other.catalog.GetDatabase(ctx, &glue.GetDatabaseInput{CatalogId: &account, Name: aws.String("kept")})
	no("GetDatabase of what is not lent", err)
	_, err = other.catalog.GetDatabase(ctx, &glue.GetDatabaseInput{Name: aws.String("lent")})
	no("GetDatabase without the catalog", err)
}

// TestAccountsReachWhatTheyAreLent: a caller of another account reaches the tables, streams and catalogs that their policies
// lend it, where its own policies allow it too, and nothing else.
func TestAccountsReachWhatTheyAreLent(t *testing.T) {
	n := startEnforcing(t)
	own, other := partyOf(n, owner), partyOf(n, stranger)
	l := lend(t, own, "111111111111")
	borrow(t, own, other, l, "111111111111")

	// Both sides decide: a user of the other account needs a policy of its own.
	theirs := clientsOf(n, stranger, "us-east-1")
	without, with := partyOf(n, makeUser(t, theirs, "without", nil)), partyOf(n, makeUser(t, theirs, "with", allow("dynamodb:GetItem", l.table)))
	ctx := t.Context()
	if _, err := with.tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: &l.table, Key: item("a")}); err != nil {
		t.Errorf("a user whose policy allows it: %v", err)
	}
	_, err := without.tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: &l.table, Key: item("a")})
	denied(t, "a user without a policy", err, "AccessDeniedException")
	_, err = without.streams.PutRecord(ctx, &kinesis.PutRecordInput{StreamARN: &l.stream, PartitionKey: aws.String("k"), Data: []byte("x")})
	denied(t, "a user without a policy", err, "AccessDeniedException")
}

// TestAccountsOfAnOpenNode: where policies do not count, an account is kept from what another one has not lent it all the same.
func TestAccountsOfAnOpenNode(t *testing.T) {
	n := nodetest.Start(t, nodetest.Options{})
	key := func(account string) aws.Credentials {
		return aws.Credentials{AccessKeyID: account, SecretAccessKey: "any"}
	}
	own, other := partyOf(n, key("111111111111")), partyOf(n, key("222222222222"))
	l := lend(t, own, "111111111111")
	borrow(t, own, other, l, "111111111111")
	third := partyOf(n, key("333333333333"))
	ctx := t.Context()
	if _, err := third.tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: &l.table, Key: item("a")}); err == nil {
		t.Error("a third account reads the table")
	}
	if _, err := third.streams.PutRecord(ctx, &kinesis.PutRecordInput{StreamARN: &l.stream, PartitionKey: aws.String("k"), Data: []byte("x")}); err == nil {
		t.Error("a third account writes to the stream")
	}
}

// TestAccountsKeepSettings: who is let into a table and a stream for everything uses them; their settings, their policies and what is
// made of them stay with their own account.
func TestAccountsKeepSettings(t *testing.T) {
	key := func(account string) aws.Credentials {
		return aws.Credentials{AccessKeyID: account, SecretAccessKey: "any"}
	}
	for name, start := range map[string]func() (own, other party){
		"enforcing": func() (party, party) { n := startEnforcing(t); return partyOf(n, owner), partyOf(n, stranger) },
		"open": func() (party, party) {
			n := nodetest.Start(t, nodetest.Options{})
			return partyOf(n, key("111111111111")), partyOf(n, key("222222222222"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			own, other := start()
			l := lend(t, own, "111111111111")
			ctx := t.Context()
			all := func(action string) *string {
				return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"` + action + `","Resource":"*"}]}`)
			}
			must(own.tables.PutResourcePolicy(ctx, &dynamodb.PutResourcePolicyInput{ResourceArn: &l.table, Policy: all("dynamodb:*")}))
			must(own.streams.PutResourcePolicy(ctx, &kinesis.PutResourcePolicyInput{ResourceARN: &l.stream, Policy: all("kinesis:*")}))
			must(other.tables.PutItem(ctx, &dynamodb.PutItemInput{TableName: &l.table, Item: item("b")}))
			must(other.tables.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{TableName: &l.table, Item: item("c")}}}}))
			must(other.streams.PutRecord(ctx, &kinesis.PutRecordInput{StreamARN: &l.stream, PartitionKey: aws.String("k"), Data: []byte("x")}))
			for what, call := range map[string]func() error{
				"UpdateTimeToLive": func() error {
					_, err := other.tables.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: &l.table, TimeToLiveSpecification: &types.TimeToLiveSpecification{Enabled: aws.Bool(true), AttributeName: aws.String("x")}})
					return err
				},
				"CreateBackup": func() error {
					_, err := other.tables.CreateBackup(ctx, &dynamodb.CreateBackupInput{TableName: &l.table, BackupName: aws.String("theirs")})
					return err
				},
				"UpdateContinuousBackups": func() error {
					_, err := other.tables.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{TableName: &l.table, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)}})
					return err
				},
				"EnableKinesisStreamingDestination": func() error {
					_, err := other.tables.EnableKinesisStreamingDestination(ctx, &dynamodb.EnableKinesisStreamingDestinationInput{TableName: &l.table, StreamArn: &l.mine})
					return err
				},
				"ExecuteStatement": func() error {
					_, err := other.tables.ExecuteStatement(ctx, &dynamodb.ExecuteStatementInput{Statement: aws.String(`SELECT * FROM "` + l.table + `"`)})
					return err
				},
				"PutResourcePolicy of the table": func() error {
					_, err := other.tables.PutResourcePolicy(ctx, &dynamodb.PutResourcePolicyInput{ResourceArn: &l.table, Policy: all("dynamodb:*")})
					return err
				},
				"DeleteResourcePolicy of the table": func() error {
					_, err := other.tables.DeleteResourcePolicy(ctx, &dynamodb.DeleteResourcePolicyInput{ResourceArn: &l.table})
					return err
				},
				"PutResourcePolicy of the stream": func() error {
					_, err := other.streams.PutResourcePolicy(ctx, &kinesis.PutResourcePolicyInput{ResourceARN: &l.stream, Policy: all("kinesis:*")})
					return err
				},
				"StartStreamEncryption": func() error {
					_, err := other.streams.StartStreamEncryption(ctx, &kinesis.StartStreamEncryptionInput{StreamARN: &l.stream, EncryptionType: kinesistypes.EncryptionTypeKms, KeyId: aws.String("alias/aws/kinesis")})
					return err
				},
				"DeleteStream": func() error {
					_, err := other.streams.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamARN: &l.stream})
					return err
				},
				"a transaction over tables of two accounts": func() error {
					_, err := other.tables.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
						{Put: &types.Put{TableName: &l.table, Item: item("d")}}, {Put: &types.Put{TableName: aws.String("lent"), Item: item("d")}}}})
					return err
				},
			} {
				if call() == nil {
					t.Errorf("%s is allowed", what)
				}
			}
			if got := must(own.tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: &l.table, Key: item("d")})); len(got.Item) != 0 {
				t.Error("half of a transaction is done")
			}
		})
	}
}

// TestAccountsReachQueuesTopicsAndKeys: the same of what names its account in each request.
func TestAccountsReachQueuesTopicsAndKeys(t *testing.T) {
	n := startEnforcing(t)
	ctx := t.Context()
	own, other := partyOf(n, owner), partyOf(n, stranger)
	may := func(resource, action string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"` + action + `","Resource":"` + resource + `"}]}`
	}
	q := must(own.queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{"Policy": may("arn:aws:sqs:us-east-1:111111111111:q", "sqs:SendMessage")}})).QueueUrl
	if _, err := other.queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: q, MessageBody: aws.String("x")}); err != nil {
		t.Errorf("SendMessage: %v", err)
	}
	if _, err := other.queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: q}); err == nil {
		t.Error("ReceiveMessage is allowed")
	}
	topic := must(own.topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("t"), Attributes: map[string]string{"Policy": may("arn:aws:sns:us-east-1:111111111111:t", "sns:Publish")}})).TopicArn
	if _, err := other.topics.Publish(ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("x")}); err != nil {
		t.Errorf("Publish: %v", err)
	}
	if _, err := other.topics.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: topic}); err == nil {
		t.Error("DeleteTopic is allowed")
	}
	k := must(own.keys.CreateKey(ctx, &kms.CreateKeyInput{Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":["kms:Encrypt","kms:DisableKey"],"Resource":"*"}]}`)})).KeyMetadata.Arn
	sealed, err := other.keys.Encrypt(ctx, &kms.EncryptInput{KeyId: k, Plaintext: []byte("x")})
	if err != nil {
		t.Fatalf("Encrypt: %v", err)
	}
	if _, err := other.keys.Decrypt(ctx, &kms.DecryptInput{KeyId: k, CiphertextBlob: sealed.CiphertextBlob}); err == nil {
		t.Error("Decrypt is allowed")
	}
	_, err = other.keys.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	denied(t, "Decrypt without a key", err, "AccessDeniedException")
	if err != nil && strings.Contains(err.Error(), *k) {
		t.Errorf("Decrypt tells whose the key is: %v", err)
	}
	readable := must(own.keys.CreateKey(ctx, &kms.CreateKeyInput{Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"kms:Decrypt","Resource":"*"}]}`)})).KeyMetadata.Arn
	lent := must(own.keys.Encrypt(ctx, &kms.EncryptInput{KeyId: readable, Plaintext: []byte("for both")})).CiphertextBlob
	if out, err := other.keys.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: lent}); err != nil || string(out.Plaintext) != "for both" {
		t.Errorf("Decrypt of what the other account may read: %v", err)
	}
	if _, err := other.keys.DisableKey(ctx, &kms.DisableKeyInput{KeyId: k}); err == nil {
		t.Error("DisableKey is allowed")
	}
	without := partyOf(n, makeUser(t, clientsOf(n, stranger, "us-east-1"), "without", nil))
	if _, err := without.keys.Encrypt(ctx, &kms.EncryptInput{KeyId: k, Plaintext: []byte("x")}); err == nil {
		t.Error("Encrypt is allowed to a user without a policy")
	}
}

// TestAccountsReEncrypt: each of the two keys of ReEncrypt may be of another account, and the policy of each decides.
func TestAccountsReEncrypt(t *testing.T) {
	key := func(account string) aws.Credentials {
		return aws.Credentials{AccessKeyID: account, SecretAccessKey: "any"}
	}
	for name, start := range map[string]func() (own, other party){
		"enforcing": func() (party, party) { n := startEnforcing(t); return partyOf(n, owner), partyOf(n, stranger) },
		"open": func() (party, party) {
			n := nodetest.Start(t, nodetest.Options{})
			return partyOf(n, key("111111111111")), partyOf(n, key("222222222222"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			own, other := start()
			lend := func(actions string) *string {
				return must(own.keys.CreateKey(ctx, &kms.CreateKeyInput{Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"},
					{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":[` + actions + `],"Resource":"*"}]}`)})).KeyMetadata.Arn
			}
			kept, from, to := lend(`"kms:DescribeKey"`), lend(`"kms:ReEncryptFrom"`), lend(`"kms:ReEncryptTo"`)
			differing := must(own.keys.CreateKey(ctx, &kms.CreateKeyInput{Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"},
				{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"kms:ReEncrypt*","Resource":"*","Condition":{"Bool":{"kms:ReEncryptOnSameKey":"false"}}}]}`)})).KeyMetadata.Arn
			theirs := must(other.keys.CreateKey(ctx, &kms.CreateKeyInput{})).KeyMetadata.Arn
			sealed := map[*string][]byte{}
			for _, k := range []*string{kept, from, to, differing} {
				sealed[k] = must(own.keys.Encrypt(ctx, &kms.EncryptInput{KeyId: k, Plaintext: []byte("plain")})).CiphertextBlob
			}
			sealed[theirs] = must(other.keys.Encrypt(ctx, &kms.EncryptInput{KeyId: theirs, Plaintext: []byte("plain")})).CiphertextBlob
			for _, tt := range []struct {
				what     string
				from, to *string
				name     bool // the source too
				ok       bool
			}{
				{"from a lent key to the caller's", from, theirs, false, true},
				{"from a lent key that is named", from, theirs, true, true},
				{"from the caller's to a lent key", theirs, to, false, true},
				{"from a lent key to a lent key", from, to, true, true},
				{"between keys that differ", from, differing, true, true},
				{"on the same key, where they must differ", differing, differing, true, false},
				{"from a key that is lent for the other way", to, theirs, false, false},
				{"to a key that is lent for the other way", theirs, from, false, false},
				{"from a key that is kept", kept, theirs, false, false},
				{"from a key that is kept and named", kept, theirs, true, false},
				{"to a key that is kept", theirs, kept, false, false},
				{"from a lent key to one that is kept", from, kept, true, false},
			} {
				in := &kms.ReEncryptInput{CiphertextBlob: sealed[tt.from], DestinationKeyId: tt.to}
				if tt.name {
					in.SourceKeyId = tt.from
				}
				out, err := other.keys.ReEncrypt(ctx, in)
				if (err == nil) != tt.ok {
					t.Errorf("%s: %v", tt.what, err)
				}
				if err != nil {
					if !tt.name && strings.Contains(err.Error(), *tt.from) && tt.from != theirs {
						t.Errorf("%s tells whose the key is: %v", tt.what, err)
					}
					continue
				}
				if *out.KeyId != *tt.to || *out.SourceKeyId != *tt.from {
					t.Errorf("%s: from %s to %s", tt.what, *out.SourceKeyId, *out.KeyId)
				}
				reader := own
				if tt.to == theirs {
					reader = other
				}
				if got, err := reader.keys.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob}); err != nil || string(got.Plaintext) != "plain" {
					t.Errorf("%s: Decrypt: %v", tt.what, err)
				}
			}
		})
	}
}

// TestAccountsInvoke: a function whose policy lets another account in is invoked by it, by its ARN, and by nobody else.
func TestAccountsInvoke(t *testing.T) {
	n := nodetest.Start(t, nodetest.Options{})
	ctx := t.Context()
	of := func(account string) *lambda.Client {
		return lambda.New(lambda.Options{Region: "us-east-1", BaseEndpoint: &n.URL, HTTPClient: nodetest.Client, RetryMaxAttempts: 1,
			Credentials: credentials.StaticCredentialsProvider{Value: aws.Credentials{AccessKeyID: account, SecretAccessKey: "any"}}})
	}
	own, other := of("111111111111"), of("222222222222")
	var code bytes.Buffer
	z := zip.NewWriter(&code)
	_, _ = must(z.Create("f.py")).Write([]byte("def h(event, context): return 1"))
	_ = z.Close()
	arns := map[string]*string{}
	for _, name := range []string{"lent", "kept"} {
		arns[name] = must(own.CreateFunction(ctx, &lambda.CreateFunctionInput{FunctionName: &name, Runtime: lambdatypes.RuntimePython312, Handler: aws.String("f.h"),
			Role: aws.String("arn:aws:iam::111111111111:role/r"), Code: &lambdatypes.FunctionCode{ZipFile: code.Bytes()}})).FunctionArn
	}
	must(own.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: arns["lent"], StatementId: aws.String("s"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("222222222222")}))
	invoke := func(c *lambda.Client, name *string) error {
		_, err := c.Invoke(ctx, &lambda.InvokeInput{FunctionName: name, InvocationType: lambdatypes.InvocationTypeDryRun})
		return err
	}
	until(t, "the function", func() bool { return invoke(own, arns["lent"]) == nil })
	for _, name := range []*string{arns["lent"], aws.String("111111111111:function:lent")} {
		if err := invoke(other, name); err != nil {
			t.Errorf("Invoke %s: %v", *name, err)
		}
	}
	for _, name := range []*string{arns["kept"], aws.String("lent"), aws.String(strings.Replace(*arns["lent"], "us-east-1", "eu-west-1", 1)), aws.String(*arns["lent"] + ":1")} {
		if invoke(other, name) == nil {
			t.Errorf("Invoke %s is allowed", *name)
		}
	}
	// A mapping of the other account reads a stream when the stream's policy lets that account in.
	streams := partyOf(n, aws.Credentials{AccessKeyID: "333333333333", SecretAccessKey: "any"}).streams
	must(streams.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(1)}))
	stream := aws.String("arn:aws:kinesis:us-east-1:333333333333:stream/s")
	until(t, "the stream", func() bool {
		d, err := streams.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamARN: stream})
		return err == nil && d.StreamDescriptionSummary.StreamStatus == kinesistypes.StreamStatusActive
	})
	mapping := &lambda.CreateEventSourceMappingInput{EventSourceArn: stream, FunctionName: arns["kept"], StartingPosition: lambdatypes.EventSourcePositionTrimHorizon}
	if _, err := own.CreateEventSourceMapping(ctx, mapping); err == nil {
		t.Error("a mapping reads the stream of another account")
	}
	must(streams.PutResourcePolicy(ctx, &kinesis.PutResourcePolicyInput{ResourceARN: stream, Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},
		"Action":["kinesis:DescribeStream","kinesis:ListShards","kinesis:GetShardIterator","kinesis:GetRecords"],"Resource":"arn:aws:kinesis:us-east-1:333333333333:stream/s"}]}`)}))
	id := must(own.CreateEventSourceMapping(ctx, mapping)).UUID
	must(streams.PutRecord(ctx, &kinesis.PutRecordInput{StreamARN: stream, PartitionKey: aws.String("k"), Data: []byte("x")}))
	until(t, "a batch", func() bool {
		m, err := own.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: id})
		return err == nil && aws.ToString(m.LastProcessingResult) == "OK"
	})

	if invoke(of("333333333333"), arns["lent"]) == nil {
		t.Error("a third account invokes the function")
	}
	if _, err := other.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: arns["lent"]}); err == nil {
		t.Error("GetFunction is allowed")
	}
	if _, err := other.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: arns["lent"]}); err == nil {
		t.Error("DeleteFunction is allowed")
	}
}

// TestTopicsStayWithTheirAccountWherePoliciesAreOff publishes to and subscribes to a topic of another account on a node that
// evaluates no policies: what the topic's own policy does not share is not the other account's.
func TestTopicsStayWithTheirAccountWherePoliciesAreOff(t *testing.T) {
	config := filepath.Join(t.TempDir(), "node.yaml")
	if err := os.WriteFile(config, []byte(strings.Replace(enforcing, "iam: enforce", "iam: off", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	n := nodetest.Start(t, nodetest.Options{Args: []string{"--config", config}})
	ctx := t.Context()
	own, other := partyOf(n, owner), partyOf(n, stranger)
	kept := must(own.topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("kept")})).TopicArn
	shared := must(own.topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("shared"), Attributes: map[string]string{
		"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":["sns:Subscribe"],"Resource":"*"}]}`}})).TopicArn
	queue := "arn:aws:sqs:us-east-1:222222222222:q"
	must(other.queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q")}))
	subscribe := func(topic *string) (*sns.SubscribeOutput, error) {
		return other.topics.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: aws.String("sqs"), Endpoint: &queue, ReturnSubscriptionArn: true})
	}
	for what, call := range map[string]func() error{
		"Subscribe": func() error { _, err := subscribe(kept); return err },
		"Publish": func() error {
			_, err := other.topics.Publish(ctx, &sns.PublishInput{TopicArn: kept, Message: aws.String("x")})
			return err
		},
		"GetTopicAttributes": func() error {
			_, err := other.topics.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: kept})
			return err
		},
		"ListSubscriptionsByTopic": func() error {
			_, err := other.topics.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: kept})
			return err
		},
		"Publish to one that lets subscribe": func() error {
			_, err := other.topics.Publish(ctx, &sns.PublishInput{TopicArn: shared, Message: aws.String("x")})
			return err
		},
	} {
		var denied *snstypes.AuthorizationErrorException
		if err := call(); !errors.As(err, &denied) {
			t.Errorf("%s: %v", what, err)
		}
	}
	sub, err := subscribe(shared)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.topics.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: sub.SubscriptionArn}); err != nil {
		t.Error(err)
	}
	must(own.topics.Publish(ctx, &sns.PublishInput{TopicArn: kept, Message: aws.String("x")}))
}
