package dynamodb

import (
	"cmp"
	"context"
	"errors"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
)

// This file: DescribeTable, ListTables, DescribeLimits and DescribeEndpoints.

func schema(hash, rng string) []types.KeySchemaElement {
	x := index{Hash: hash, Range: rng}
	return x.schema()
}

func (x *index) schema() (out []types.KeySchemaElement) {
	for _, name := range x.hashes() {
		out = append(out, types.KeySchemaElement{AttributeName: aws.String(name), KeyType: types.KeyTypeHash})
	}
	for _, name := range x.ranges() {
		out = append(out, types.KeySchemaElement{AttributeName: aws.String(name), KeyType: types.KeyTypeRange})
	}
	return out
}

func (t throughput) describe() *types.ProvisionedThroughputDescription {
	out := &types.ProvisionedThroughputDescription{
		ReadCapacityUnits: aws.Int64(t.Read), WriteCapacityUnits: aws.Int64(t.Write), NumberOfDecreasesToday: aws.Int64(t.LoweredToday),
	}
	if !t.Raised.IsZero() {
		out.LastIncreaseDateTime = aws.Time(t.Raised)
	}
	if !t.Lowered.IsZero() {
		out.LastDecreaseDateTime = aws.Time(t.Lowered)
	}
	return out
}

func (m *maxUnits) describe() *types.OnDemandThroughput {
	if m == nil {
		return nil
	}
	out := &types.OnDemandThroughput{}
	if m.Read != -1 {
		out.MaxReadRequestUnits = aws.Int64(m.Read)
	}
	if m.Write != -1 {
		out.MaxWriteRequestUnits = aws.Int64(m.Write)
	}
	return out
}

// warmUnits is the warm throughput of the table, or an index of it, that has the units of t and
// was given w.
func (d *table) warmUnits(t throughput, w *warm) (read, write int64) {
	read, write = 12000, 4000
	if !d.OnDemand {
		read, write = t.Read, t.Write
	}
	if w != nil {
		read, write = max(read, w.Read), max(write, w.Write)
	}
	return read, write
}

func (x *index) projection() *types.Projection {
	return &types.Projection{ProjectionType: types.ProjectionType(x.Projection), NonKeyAttributes: x.Include}
}

// describe is the table as the API shows it.
func (s *Service) describe(d *table) *types.TableDescription {
	out := &types.TableDescription{
		TableName: aws.String(d.Name), TableArn: aws.String(d.arn()), TableId: aws.String(d.ID), TableStatus: types.TableStatus(d.Status),
		CreationDateTime: aws.Time(d.Created), KeySchema: schema(d.Hash, d.Range), ProvisionedThroughput: d.Throughput.describe(),
		DeletionProtectionEnabled: aws.Bool(d.Protected), OnDemandThroughput: d.MaxUnits.describe(),
	}
	for _, a := range d.Attributes {
		out.AttributeDefinitions = append(out.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String(a.Name), AttributeType: types.ScalarAttributeType(a.Type)})
	}
	read, write := d.warmUnits(d.Throughput, d.Warm)
	out.WarmThroughput = &types.TableWarmThroughputDescription{ReadUnitsPerSecond: aws.Int64(read), WriteUnitsPerSecond: aws.Int64(write), Status: types.TableStatusActive}
	if d.OnDemand || !d.OnDemandAt.IsZero() {
		mode := types.BillingModeProvisioned
		if d.OnDemand {
			mode = types.BillingModePayPerRequest
		}
		out.BillingModeSummary = &types.BillingModeSummary{BillingMode: mode, LastUpdateToPayPerRequestDateTime: aws.Time(d.OnDemandAt)}
	}
	if d.Class != "" {
		out.TableClassSummary = &types.TableClassSummary{TableClass: types.TableClass(d.Class)}
		if d.ClassAt.After(d.Created) {
			out.TableClassSummary.LastUpdateDateTime = aws.Time(d.ClassAt)
		}
	}
	out.SSEDescription, out.StreamSpecification = d.sealed(), d.streams()
	if st := d.newest(); st != nil {
		out.LatestStreamArn, out.LatestStreamLabel = aws.String(d.streamARN(st)), aws.String(st.Label)
	}
	if d.Restored != nil {
		out.RestoreSummary = &types.RestoreSummary{RestoreDateTime: aws.Time(d.Restored.At), RestoreInProgress: aws.Bool(d.Status == string(types.TableStatusCreating))}
		if d.Restored.Backup != "" {
			out.RestoreSummary.SourceBackupArn = aws.String(d.Restored.Backup)
		}
		if d.Restored.Source != "" {
			out.RestoreSummary.SourceTableArn = aws.String(d.Restored.Source)
		}
	}
	s.describeIndexes(d, out)
	return out
}

// sealed is the encryption of a table as the API shows it, nil for that which all have.
func (d *table) sealed() *types.SSEDescription {
	if d.SSE == nil {
		return nil
	}
	return &types.SSEDescription{Status: types.SSEStatusEnabled, SSEType: types.SSEType(d.SSE.Type), KMSMasterKeyArn: aws.String(d.SSE.Key)}
}

// streams is the stream of a table as the API shows it, nil for none.
func (d *table) streams() *types.StreamSpecification {
	if !d.streaming() {
		return nil
	}
	return &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewType(d.newest().View)}
}

func (s *Service) describeIndexes(d *table, out *types.TableDescription) {
	count := func(uint16) (int64, int64) { return 0, 0 }
	if o, err := s.opened(d); err == nil {
		count = o.items.Count
	}
	items, bytes := count(0)
	out.ItemCount, out.TableSizeBytes = aws.Int64(items), aws.Int64(bytes)
	for i := range d.Indexes {
		x := &d.Indexes[i]
		items, bytes := int64(0), int64(0)
		if x.Status == string(types.IndexStatusActive) {
			items, bytes = count(x.ID)
		}
		name := aws.String(d.arn() + "/index/" + x.Name)
		if x.Local {
			out.LocalSecondaryIndexes = append(out.LocalSecondaryIndexes, types.LocalSecondaryIndexDescription{
				IndexName: aws.String(x.Name), IndexArn: name, KeySchema: x.schema(), Projection: x.projection(),
				ItemCount: aws.Int64(items), IndexSizeBytes: aws.Int64(bytes),
			})
			continue
		}
		read, write := d.warmUnits(x.Throughput, x.Warm)
		g := types.GlobalSecondaryIndexDescription{
			IndexName: aws.String(x.Name), IndexArn: name, KeySchema: x.schema(), Projection: x.projection(),
			ItemCount: aws.Int64(items), IndexSizeBytes: aws.Int64(bytes), IndexStatus: types.IndexStatus(x.Status),
			ProvisionedThroughput: x.Throughput.describe(), OnDemandThroughput: x.MaxUnits.describe(),
			WarmThroughput: &types.GlobalSecondaryIndexWarmThroughputDescription{
				ReadUnitsPerSecond: aws.Int64(read), WriteUnitsPerSecond: aws.Int64(write), Status: types.IndexStatusActive,
			},
		}
		if g.IndexStatus == types.IndexStatusCreating {
			g.Backfilling = aws.Bool(true) // UpdateTable, which has begun nothing yet, says false
		}
		out.GlobalSecondaryIndexes = append(out.GlobalSecondaryIndexes, g)
	}
}

// tableNamed finds the table that a request on tables names, in any status.
func (s *Service) tableNamed(ctx context.Context, name *string) (*table, error) {
	n, err := nameOf(ctx, name)
	var none *types.ResourceNotFoundException
	if errors.As(err, &none) {
		return nil, noTable(aws.ToString(name))
	}
	if err != nil {
		return nil, err
	}
	return s.find(ctx, n)
}

// DescribeTable describes a table.
func (s *Service) DescribeTable(ctx context.Context, in *dynamodb.DescribeTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error) {
	d, err := s.tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	return &dynamodb.DescribeTableOutput{Table: s.describe(d)}, nil
}

// ListTables lists the names of tables.
func (s *Service) ListTables(ctx context.Context, in *dynamodb.ListTablesInput, _ ...func(*dynamodb.Options)) (*dynamodb.ListTablesOutput, error) {
	caller := awswire.CallerFrom(ctx)
	limit := 100
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	var names []string
	for key := range s.tables.Keys(caller.Account, caller.Region) {
		names = append(names, key[len(key)-1])
	}
	sort.Strings(names)
	if start := aws.ToString(in.ExclusiveStartTableName); start != "" {
		names = names[sort.Search(len(names), func(i int) bool { return names[i] > start }):]
	}
	out := &dynamodb.ListTablesOutput{TableNames: []string{}}
	if len(names) > limit {
		names = names[:limit]
		out.LastEvaluatedTableName = aws.String(names[limit-1])
	}
	out.TableNames = append(out.TableNames, names...)
	return out, nil
}

// DescribeEndpoints tells where the node is.
func (s *Service) DescribeEndpoints(context.Context, *dynamodb.DescribeEndpointsInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeEndpointsOutput, error) {
	address := "localhost"
	if s.cfg.Endpoint != nil {
		_, address, _ = strings.Cut(s.cfg.Endpoint(), "://")
	}
	return &dynamodb.DescribeEndpointsOutput{Endpoints: []types.Endpoint{{Address: aws.String(address), CachePeriodInMinutes: 1440}}}, nil
}

// DescribeLimits tells the account's limits, which are AWS's defaults.
func (s *Service) DescribeLimits(context.Context, *dynamodb.DescribeLimitsInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeLimitsOutput, error) {
	return &dynamodb.DescribeLimitsOutput{
		AccountMaxReadCapacityUnits: aws.Int64(80000), AccountMaxWriteCapacityUnits: aws.Int64(80000),
		TableMaxReadCapacityUnits: aws.Int64(40000), TableMaxWriteCapacityUnits: aws.Int64(40000),
	}, nil
}

// arnOwner finds the table of an ARN, or of a stream of it.
func (s *Service) arnOwner(ctx context.Context, action string, resource *string) (*table, error) {
	text := aws.ToString(resource)
	if !strings.HasPrefix(text, "arn:") {
		return nil, invalidValue("ARNs must start with 'arn:': %s", text)
	}
	a, ok := arn.Parse(text)
	if !ok || a.Service != "dynamodb" {
		return nil, invalidValue("Provided Arn is not a DynamoDB resource arn: %s", text)
	}
	caller := awswire.CallerFrom(ctx)
	name, ok := a.After("table/")
	name, of, within := strings.Cut(name, "/")
	if !ok || within && !strings.HasPrefix(of, "stream/") {
		return nil, invalidValue("Invalid resource arn provided, only table or stream is accepted. Provided resource arn: %s", text)
	}
	if !a.Within("dynamodb", caller.Region, caller.Account) {
		return nil, awswire.Errorf("AccessDeniedException", "User: %s is not authorized to perform: dynamodb:%s on resource: %s", cmp.Or(caller.Principal, arn.Global("iam", caller.Region, caller.Of(), "root")), action, text)
	}
	d, err := s.find(ctx, name)
	var none *types.ResourceNotFoundException
	if errors.As(err, &none) {
		return nil, &types.ResourceNotFoundException{Message: aws.String("Requested resource not found: ResourcArn: " + text + " not found")}
	}
	return d, err
}
