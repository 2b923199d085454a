package dynamodb

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
)

// maxBody is the limit of a request's body, before and after decompression, as AWS's: the largest
// that an operation takes, 25 items of 400 KB in base64, are within it.
const maxBody = 16 << 20

// compressFrom is the size of an answer from which on AWS compresses it, for those who accept that.
const compressFrom = 4096

// badEncoding is what AWS answers to a body that is not of its Content-Encoding.
var badEncoding = &types.InternalServerError{Message: aws.String("Internal server error")}

func errorType(code string, modeled bool) string {
	switch {
	case modeled:
		return "com.amazonaws.dynamodb.v20120810#" + code
	case code == "ValidationException":
		return "com.amazon.coral.validate#" + code
	}
	return "com.amazon.coral.service#" + code
}

// attributeValue tells the codec the members of the union that values are.
var attributeValue = awswire.UnionOf[types.AttributeValue](
	&types.AttributeValueMemberS{}, &types.AttributeValueMemberN{}, &types.AttributeValueMemberB{}, &types.AttributeValueMemberBOOL{},
	&types.AttributeValueMemberNULL{}, &types.AttributeValueMemberL{}, &types.AttributeValueMemberM{}, &types.AttributeValueMemberSS{},
	&types.AttributeValueMemberNS{}, &types.AttributeValueMemberBS{},
).Empty(&types.UnknownUnionMember{})

// memberOrder is the order of members in messages, where it is not the model's.
var memberOrder = map[string][]string{
	"ProvisionedThroughput":            {"WriteCapacityUnits", "ReadCapacityUnits"},
	"CreateGlobalSecondaryIndexAction": {"Projection", "IndexName"},
}

// API returns the service as the wire layer serves it.
func (s *Service) API() awswire.API {
	return awswire.API{
		Model: "dynamodb", MaxBody: maxBody, CRC32: true, Compress: compressFrom, Server: "Server", BadEncoding: badEncoding, ErrorType: errorType, Unions: []awswire.Union{attributeValue},
		Prompt: []string{
			"PutItem", "UpdateItem", "DeleteItem", "GetItem", "Query", "Scan", "BatchWriteItem", "BatchGetItem",
			"TransactWriteItems", "TransactGetItems", "ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction",
		},
		Open: []string{"AttributeName"}, NewerReader: true, MemberOrder: memberOrder,
		Operations: s.operations(),
	}
}

// API returns the streams as the wire layer serves them.
func (a *Streams) API() awswire.API {
	on := func(c awswire.Caller, name *string) []string {
		if name == nil {
			return nil
		}
		return []string{*name}
	}
	return awswire.API{
		Model: "dynamodbstreams", ActionPrefix: "dynamodb", CRC32: true, Compress: compressFrom, Server: "Server", BadEncoding: badEncoding, ErrorType: func(code string, modeled bool) string {
			if modeled {
				return "com.amazonaws.dynamodb.v20120810#" + code
			}
			return errorType(code, false)
		},
		Prompt: []string{"GetRecords", "GetShardIterator"},
		Operations: []awswire.Operation{
			awswire.Executes(a.DescribeStream, func(c awswire.Caller, in *dynamodbstreams.DescribeStreamInput) []string { return on(c, in.StreamArn) }),
			awswire.Executes(a.GetRecords, func(c awswire.Caller, in *dynamodbstreams.GetRecordsInput) []string {
				stream := a.IteratorStream(aws.ToString(in.ShardIterator))
				return on(c, &stream)
			}),
			awswire.Executes(a.GetShardIterator, func(c awswire.Caller, in *dynamodbstreams.GetShardIteratorInput) []string { return on(c, in.StreamArn) }),
			awswire.Executes(a.ListStreams),
		},
	}
}

// IteratorStream is the ARN of the stream that a shard iterator reads, empty for what is none.
func (a *Streams) IteratorStream(iterator string) string {
	it, _ := openIterator(iterator)
	return it.Stream
}

// resource is the ARN of the table that a request names, or of its index.
func resource(c awswire.Caller, name, index *string) []string {
	n := aws.ToString(name)
	if n == "" {
		return nil
	}
	if !strings.HasPrefix(n, "arn:") {
		n = arn.New("dynamodb", c.Region, c.Account, "table/"+n)
	}
	if index != nil {
		return []string{n + "/index/" + *index}
	}
	return []string{n}
}

func named[I any](name func(*I) *string) func(awswire.Caller, *I) []string {
	return func(c awswire.Caller, in *I) []string { return resource(c, name(in), nil) }
}

// enumerated words an enum that is not of the set as the first thing wrong with a request.
func enumerated[E ~string](v E, path string, set ...E) error {
	if v == "" || slices.Contains(set, v) {
		return nil
	}
	names := make([]string, len(set))
	for i, e := range set {
		names[i] = string(e)
	}
	return constraint("'"+string(v)+"' ", path, "Member must satisfy enum value set: ["+strings.Join(names, ", ")+"]")
}

func (s *Service) operations() []awswire.Operation {
	return slices.Concat(s.itemOperations(), s.tableOperations(), s.otherOperations())
}

func (s *Service) itemOperations() []awswire.Operation {
	return []awswire.Operation{
		awswire.WithKeys(awswire.Checked(awswire.Executes(s.BatchGetItem, func(c awswire.Caller, in *dynamodb.BatchGetItemInput) (out []string) {
			for _, n := range sortedKeys(in.RequestItems) {
				out = append(out, resource(c, &n, nil)...)
			}
			return out
		}), batchGetFirst), s.keysOfBatchGet).Fast(s.fast(s.fastBatchGet)),
		awswire.WithKeys(awswire.Checked(awswire.Executes(s.BatchWriteItem, func(c awswire.Caller, in *dynamodb.BatchWriteItemInput) (out []string) {
			for _, n := range sortedKeys(in.RequestItems) {
				out = append(out, resource(c, &n, nil)...)
			}
			return out
		}), batchWriteFirst), s.keysOfBatchWrite).Fast(s.fast(s.fastBatchWrite)),
		awswire.WithKeys(awswire.Checked(awswire.Executes(s.DeleteItem, named(func(in *dynamodb.DeleteItemInput) *string { return in.TableName })),
			deleteFirst), s.keysOfDelete),
		awswire.WithKeys(awswire.Checked(awswire.Executes(s.GetItem, named(func(in *dynamodb.GetItemInput) *string { return in.TableName })),
			getFirst), s.keysOfGet).Fast(s.fast(s.fastGet)),
		awswire.WithKeys(awswire.Checked(awswire.Executes(s.PutItem, named(func(in *dynamodb.PutItemInput) *string { return in.TableName })),
			putFirst), s.keysOfPut).Fast(s.fast(s.fastPut)),
		awswire.WithKeys(awswire.Checked(awswire.Executes(s.Query, func(c awswire.Caller, in *dynamodb.QueryInput) []string {
			return resource(c, in.TableName, in.IndexName)
		}),
			queryFirst), s.keysOfQuery).Fast(s.fast(s.fastQuery)),
		awswire.WithKeys(awswire.Checked(awswire.Executes(s.Scan, func(c awswire.Caller, in *dynamodb.ScanInput) []string {
			return resource(c, in.TableName, in.IndexName)
		}),
			scanFirst), s.keysOfScan).Fast(s.fast(s.fastScan)),
		awswire.Needing(awswire.Checked(awswire.Executes(s.TransactGetItems, func(c awswire.Caller, in *dynamodb.TransactGetItemsInput) (out []string) {
			for _, t := range in.TransactItems {
				if t.Get != nil {
					out = append(out, resource(c, t.Get.TableName, nil)...)
				}
			}
			return out
		}), transactGetFirst), s.needsOfTransactGet),
		awswire.Needing(awswire.Checked(awswire.Executes(s.TransactWriteItems, func(c awswire.Caller, in *dynamodb.TransactWriteItemsInput) (out []string) {
			for _, t := range in.TransactItems {
				switch {
				case t.Put != nil:
					out = append(out, resource(c, t.Put.TableName, nil)...)
				case t.Update != nil:
					out = append(out, resource(c, t.Update.TableName, nil)...)
				case t.Delete != nil:
					out = append(out, resource(c, t.Delete.TableName, nil)...)
				case t.ConditionCheck != nil:
					out = append(out, resource(c, t.ConditionCheck.TableName, nil)...)
				}
			}
			return out
		}), transactWriteFirst), s.needsOfTransactWrite),
		awswire.WithKeys(awswire.Checked(awswire.Executes(s.UpdateItem, named(func(in *dynamodb.UpdateItemInput) *string { return in.TableName })),
			updateFirst), s.keysOfUpdate).Fast(s.fast(s.fastUpdate)),
	}
}

func (s *Service) tableOperations() []awswire.Operation {
	return []awswire.Operation{
		awswire.Needing(awswire.Checked(awswire.Executes(s.CreateTable, named(func(in *dynamodb.CreateTableInput) *string { return in.TableName })), createTableFirst), needsOfCreateTable),
		awswire.Checked(awswire.Executes(s.DeleteTable, named(func(in *dynamodb.DeleteTableInput) *string { return in.TableName })), func(in *dynamodb.DeleteTableInput) error { return onTable(in.TableName) }),
		awswire.Executes(s.DescribeContinuousBackups, named(func(in *dynamodb.DescribeContinuousBackupsInput) *string { return in.TableName })),
		awswire.Executes(s.DescribeEndpoints),
		awswire.Executes(s.DescribeLimits),
		awswire.Checked(awswire.Executes(s.DescribeTable, named(func(in *dynamodb.DescribeTableInput) *string { return in.TableName })), func(in *dynamodb.DescribeTableInput) error { return onTable(in.TableName) }),
		awswire.Checked(awswire.Executes(s.DescribeTimeToLive, named(func(in *dynamodb.DescribeTimeToLiveInput) *string { return in.TableName })), func(in *dynamodb.DescribeTimeToLiveInput) error { return onTable(in.TableName) }),
		awswire.Executes(s.ListTables),
		awswire.Checked(awswire.Executes(s.ListTagsOfResource, named(func(in *dynamodb.ListTagsOfResourceInput) *string { return in.ResourceArn })), func(in *dynamodb.ListTagsOfResourceInput) error { return onResource(in.ResourceArn) }),
		awswire.Checked(awswire.Executes(s.TagResource, named(func(in *dynamodb.TagResourceInput) *string { return in.ResourceArn })), func(in *dynamodb.TagResourceInput) error {
			return cmp.Or(onResource(in.ResourceArn), tagsFirst(in.Tags))
		}),
		awswire.Checked(awswire.Executes(s.UntagResource, named(func(in *dynamodb.UntagResourceInput) *string { return in.ResourceArn })), func(in *dynamodb.UntagResourceInput) error {
			if err := onResource(in.ResourceArn); err != nil {
				return err
			}
			for _, k := range in.TagKeys {
				if err := tagKey(&k); err != nil {
					return err
				}
			}
			return nil
		}),
		awswire.Executes(s.UpdateContinuousBackups, named(func(in *dynamodb.UpdateContinuousBackupsInput) *string { return in.TableName })),
		awswire.Checked(awswire.Executes(s.UpdateTable, named(func(in *dynamodb.UpdateTableInput) *string { return in.TableName })), updateTableFirst),
		awswire.Checked(awswire.Executes(s.UpdateTimeToLive, named(func(in *dynamodb.UpdateTimeToLiveInput) *string { return in.TableName })), func(in *dynamodb.UpdateTimeToLiveInput) error { return onTable(in.TableName) }),
	}
}

// createTableFirst checks what CreateTable words in its own way.
func createTableFirst(in *dynamodb.CreateTableInput) error {
	if in.TableName == nil {
		return invalid("The parameter 'TableName' is required but was not present in the request")
	}
	n := *in.TableName
	if n == "" {
		return broken{}.with(n, "tableName", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+", "Member must have length greater than or equal to 3").err()
	}
	if !strings.HasPrefix(n, "arn:") {
		if err := checkNewName(n, "tableName"); err != nil {
			return err
		}
	}
	var missing broken
	if in.KeySchema == nil {
		missing.null("keySchema")
	}
	if in.AttributeDefinitions == nil {
		missing.null("attributeDefinitions")
	}
	if err := missing.err(); err != nil {
		return err
	}
	if len(in.KeySchema) > 2 {
		_, _, err := keySchema(in.KeySchema)
		return err
	}
	for i, k := range in.KeySchema {
		if err := enumerated(k.KeyType, "keySchema."+itoa(i+1)+".member.keyType", "HASH", "RANGE"); err != nil {
			return err
		}
	}
	for i, a := range in.AttributeDefinitions {
		if err := enumerated(a.AttributeType, "attributeDefinitions."+itoa(i+1)+".member.attributeType", "B", "N", "S"); err != nil {
			return err
		}
	}
	for i, x := range in.GlobalSecondaryIndexes {
		if x.Projection != nil {
			if err := enumerated(x.Projection.ProjectionType, "globalSecondaryIndexes."+itoa(i+1)+".member.projection.projectionType", "ALL", "INCLUDE", "KEYS_ONLY"); err != nil {
				return err
			}
		}
	}
	if p := in.ProvisionedThroughput; p != nil {
		var b broken
		least := func(n *int64, name string) {
			if n != nil && *n < 1 {
				b.add(fmt.Sprintf("'%d' ", *n), "provisionedThroughput."+name, "Member must have value greater than or equal to 1")
			}
		}
		least(p.WriteCapacityUnits, "writeCapacityUnits")
		least(p.ReadCapacityUnits, "readCapacityUnits")
		if err := b.err(); err != nil {
			return err
		}
	}
	if err := enumerated(in.BillingMode, "billingMode", "PROVISIONED", "PAY_PER_REQUEST"); err != nil {
		return err
	}
	return cmp.Or(tableClass(in.TableClass), tagsFirst(in.Tags))
}

// updateTableFirst checks what UpdateTable words in its own way.
func updateTableFirst(in *dynamodb.UpdateTableInput) error {
	return cmp.Or(onTable(in.TableName), tableClass(in.TableClass))
}

func tableClass(c types.TableClass) error {
	if c == "" || slices.Contains(c.Values(), c) {
		return nil
	}
	return invalid("Invalid table-class parameter provided. Please try again with a valid table-class value: [STANDARD, STANDARD_INFREQUENT_ACCESS].")
}

func (s *Service) otherOperations() []awswire.Operation {
	return []awswire.Operation{
		awswire.Needing(awswire.WithRequestJSON(awswire.Executes(s.BatchExecuteStatement)), s.needsOfBatchExecuteStatement),
		awswire.Executes(s.DescribeExport, named(func(in *dynamodb.DescribeExportInput) *string { return in.ExportArn })),
		awswire.Executes(s.DescribeImport, named(func(in *dynamodb.DescribeImportInput) *string { return in.ImportArn })),
		awswire.Executes(s.ExportTableToPointInTime, named(func(in *dynamodb.ExportTableToPointInTimeInput) *string { return in.TableArn })),
		awswire.Executes(s.ImportTable, func(c awswire.Caller, in *dynamodb.ImportTableInput) []string {
			if in.TableCreationParameters == nil {
				return nil
			}
			return resource(c, in.TableCreationParameters.TableName, nil)
		}),
		awswire.Executes(s.DescribeGlobalTable),
		awswire.Executes(s.DescribeGlobalTableSettings),
		awswire.Executes(s.ListGlobalTables),
		awswire.Executes(s.ListExports),
		awswire.Executes(s.ListImports),
		awswire.Needing(awswire.WithRequestJSON(awswire.Executes(s.ExecuteStatement)), s.needsOfExecuteStatement),
		awswire.Needing(awswire.WithRequestJSON(awswire.Executes(s.ExecuteTransaction)), s.needsOfExecuteTransaction),
		awswire.Executes(s.CreateBackup, named(func(in *dynamodb.CreateBackupInput) *string { return in.TableName })),
		awswire.Executes(s.DeleteBackup, named(func(in *dynamodb.DeleteBackupInput) *string { return in.BackupArn })),
		awswire.Executes(s.DescribeBackup, named(func(in *dynamodb.DescribeBackupInput) *string { return in.BackupArn })),
		awswire.Executes(s.ListBackups),
		awswire.Executes(s.RestoreTableFromBackup, named(func(in *dynamodb.RestoreTableFromBackupInput) *string { return in.BackupArn })),
		awswire.Executes(s.RestoreTableToPointInTime, named(func(in *dynamodb.RestoreTableToPointInTimeInput) *string { return in.SourceTableName })),
		awswire.Executes(s.DeleteResourcePolicy, named(func(in *dynamodb.DeleteResourcePolicyInput) *string { return in.ResourceArn })),
		awswire.Executes(s.GetResourcePolicy, named(func(in *dynamodb.GetResourcePolicyInput) *string { return in.ResourceArn })),
		awswire.Executes(s.PutResourcePolicy, named(func(in *dynamodb.PutResourcePolicyInput) *string { return in.ResourceArn })),
		awswire.Stores(s.DescribeContributorInsights, named(func(in *dynamodb.DescribeContributorInsightsInput) *string { return in.TableName })),
		awswire.Stores(s.ListContributorInsights),
		awswire.Stores(s.UpdateContributorInsights, named(func(in *dynamodb.UpdateContributorInsightsInput) *string { return in.TableName })),
		awswire.Executes(s.DescribeKinesisStreamingDestination, named(func(in *dynamodb.DescribeKinesisStreamingDestinationInput) *string { return in.TableName })),
		awswire.Executes(s.DisableKinesisStreamingDestination, named(func(in *dynamodb.DisableKinesisStreamingDestinationInput) *string { return in.TableName })),
		awswire.Executes(s.EnableKinesisStreamingDestination, named(func(in *dynamodb.EnableKinesisStreamingDestinationInput) *string { return in.TableName })),
		awswire.Executes(s.UpdateKinesisStreamingDestination, named(func(in *dynamodb.UpdateKinesisStreamingDestinationInput) *string { return in.TableName })),
	}
}
