package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/state"
)

const (
	maxGlobal  = 20
	maxLocal   = 5
	maxUnit    = 1_000_000_000_000
	maxInclude = 100
)

// keySchema reads a KeySchema whose elements' types the model has checked.
func keySchema(in []types.KeySchemaElement) (hash, rng string, err error) {
	if len(in) == 0 {
		return "", "", constraint("'[]' ", "keySchema", "Member must have length greater than or equal to 1")
	}
	if len(in) > 2 {
		parts := make([]string, len(in))
		for i, k := range in {
			parts[i] = fmt.Sprintf("KeySchemaElement(attributeName=%s, keyType=%s)", aws.ToString(k.AttributeName), k.KeyType)
		}
		return "", "", constraint("'["+commas(parts)+"]' ", "keySchema", "Member must have length less than or equal to 2")
	}
	if in[0].KeyType != types.KeyTypeHash {
		return "", "", invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	}
	hash = aws.ToString(in[0].AttributeName)
	if len(in) == 2 {
		if in[1].KeyType != types.KeyTypeRange {
			return "", "", invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
		}
		rng = aws.ToString(in[1].AttributeName)
		if rng == hash {
			return "", "", invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
		}
	}
	return hash, rng, nil
}

// maxKeyAttributes is how many attributes each key of a global index may be of.
const maxKeyAttributes = 4

// indexSchema reads the KeySchema of a global index, whose keys may be of several attributes:
// those of the partition key come first.
func indexSchema(in []types.KeySchemaElement) (x index, err error) {
	if len(in) <= 2 && (len(in) < 2 || in[1].KeyType != types.KeyTypeHash) {
		x.Hash, x.Range, err = keySchema(in)
		return x, err
	}
	if in[0].KeyType != types.KeyTypeHash {
		return x, invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	}
	var hashes, ranges []string
	for _, k := range in {
		name := aws.ToString(k.AttributeName)
		if slices.Contains(hashes, name) || slices.Contains(ranges, name) {
			return x, invalid("The KeySchema contains multiple key attributes with the same name")
		}
		switch {
		case k.KeyType == types.KeyTypeRange:
			ranges = append(ranges, name)
		case len(ranges) > 0:
			return x, invalidValue("All HASH key attributes must precede RANGE key attributes in the KeySchema")
		default:
			hashes = append(hashes, name)
		}
	}
	if len(hashes) > maxKeyAttributes {
		return x, invalidValue("The KeySchema exceeds the maximum allowed number of HASH key attributes")
	}
	if len(ranges) > maxKeyAttributes {
		return x, invalidValue("The KeySchema exceeds the maximum allowed number of RANGE key attributes")
	}
	x.Hash, x.MoreHash = hashes[0], hashes[1:]
	if len(ranges) > 0 {
		x.Range, x.MoreRange = ranges[0], ranges[1:]
	}
	return x, nil
}

func keyNames(in []types.KeySchemaElement) []string {
	out := make([]string, len(in))
	for i, k := range in {
		out[i] = aws.ToString(k.AttributeName)
	}
	return out
}

// definedKeys checks that key attributes are defined.
func definedKeys(in []types.KeySchemaElement, defs []types.AttributeDefinition) error {
	var names []string
	for _, a := range defs {
		names = append(names, aws.ToString(a.AttributeName))
	}
	for _, k := range keyNames(in) {
		if !slices.Contains(names, k) {
			return invalidValue("Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]", commas(hashOrder(keyNames(in))), commas(hashOrder(names)))
		}
	}
	return nil
}

// hashOrder puts names in the order in which AWS lists a set of them: that of a hash set
// made for as many.
func hashOrder(names []string) []string {
	want := len(names) + 1
	if len(names) > 2 {
		want = len(names)*4/3 + 1
	}
	buckets := 1
	for buckets < want {
		buckets *= 2
	}
	bucket := func(s string) int {
		h := uint32(0)
		for _, c := range utf16.Encode([]rune(s)) {
			h = 31*h + uint32(c)
		}
		return int((h ^ h>>16) & uint32(buckets-1))
	}
	out := slices.Clone(names)
	slices.SortStableFunc(out, func(a, b string) int { return bucket(a) - bucket(b) })
	return out
}

func projectionOf(p *types.Projection) (string, []string, error) {
	if p == nil || p.ProjectionType == "" {
		return "", nil, invalidValue("Unknown ProjectionType: null")
	}
	if p.NonKeyAttributes != nil && p.ProjectionType != types.ProjectionTypeInclude {
		return "", nil, invalidValue("ProjectionType is %s, but NonKeyAttributes is specified", p.ProjectionType)
	}
	if p.ProjectionType == types.ProjectionTypeInclude && len(p.NonKeyAttributes) == 0 {
		return "", nil, invalidValue("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
	}
	for i, name := range p.NonKeyAttributes {
		if slices.Contains(p.NonKeyAttributes[:i], name) {
			return "", nil, invalidValue("Duplicate element in NonKeyAttributes: %s", name)
		}
	}
	return string(p.ProjectionType), p.NonKeyAttributes, nil
}

// newTable reads the parts of a table that CreateTable, a restore and an import share.
func newTable(in *dynamodb.CreateTableInput) (*table, error) {
	d := &table{Status: string(types.TableStatusActive)}
	onDemand := in.BillingMode == types.BillingModePayPerRequest
	if len(in.KeySchema) > len(in.AttributeDefinitions) && len(in.KeySchema) <= 2 {
		return nil, invalid("Invalid KeySchema: Some index key attribute have no definition")
	}
	if len(in.KeySchema) > 2 || len(in.KeySchema) == 0 {
		_, _, err := keySchema(in.KeySchema)
		return nil, err
	}
	if err := checkThroughput(in.ProvisionedThroughput, onDemand, ""); err != nil {
		return nil, err
	}
	if err := definedKeys(in.KeySchema, in.AttributeDefinitions); err != nil {
		return nil, err
	}
	var err error
	if d.Hash, d.Range, err = keySchema(in.KeySchema); err != nil {
		return nil, err
	}
	for _, a := range in.AttributeDefinitions {
		name := aws.ToString(a.AttributeName)
		if d.typeOf(name) != "" {
			return nil, invalid("Attribute Name is duplicated: %s", name)
		}
		d.Attributes = append(d.Attributes, attribute{name, attr.Type(a.AttributeType)})
	}
	used := map[string]bool{d.Hash: true, d.Range: true}
	names := map[string]bool{}
	if err := d.addLocal(in, used, names); err != nil {
		return nil, err
	}
	if err := d.addGlobal(in, onDemand, used, names); err != nil {
		return nil, err
	}
	delete(used, "")
	if len(used) != len(d.Attributes) {
		if len(d.Indexes) > 0 {
			var defined []string
			for _, a := range d.Attributes {
				defined = append(defined, a.Name)
			}
			return nil, invalidValue("Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]", commas(hashOrder(defined)), commas(hashOrder(slices.Sorted(maps.Keys(used)))))
		}
		return nil, invalidValue("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	d.OnDemand = onDemand
	d.Throughput = throughputOf(in.ProvisionedThroughput)
	if err := checkMaxUnits(in.OnDemandThroughput, onDemand, false, ""); err != nil {
		return nil, err
	}
	d.MaxUnits = maxUnitsOf(in.OnDemandThroughput, nil)
	read, write := d.warmUnits(d.Throughput, nil)
	if err := checkWarm(in.WarmThroughput, read, write, onDemand, false, ""); err != nil {
		return nil, err
	}
	for _, g := range in.GlobalSecondaryIndexes {
		read, write := d.warmUnits(throughputOf(g.ProvisionedThroughput), nil)
		if err := checkWarm(g.WarmThroughput, read, write, onDemand, false, *g.IndexName); err != nil {
			return nil, err
		}
	}
	d.Warm = warmOf(in.WarmThroughput, nil)
	d.Class = string(in.TableClass)
	d.Protected = isTrue(in.DeletionProtectionEnabled)
	return d, nil
}

func (d *table) addLocal(in *dynamodb.CreateTableInput, used, names map[string]bool) error {
	if in.LocalSecondaryIndexes == nil {
		return nil
	}
	if len(in.LocalSecondaryIndexes) == 0 {
		return invalidValue("List of LocalSecondaryIndexes is empty")
	}
	if d.Range == "" {
		return invalidValue("Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
	}
	for _, x := range in.LocalSecondaryIndexes {
		name := aws.ToString(x.IndexName)
		if err := checkNewName(name, "localSecondaryIndexes.1.member.indexName"); err != nil {
			return err
		}
		if err := definedKeys(x.KeySchema, in.AttributeDefinitions); err != nil {
			return err
		}
		hash, rng, err := keySchema(x.KeySchema)
		if err != nil {
			return err
		}
		if rng == "" {
			return invalidValue("Index KeySchema does not have a range key for index: %s", name)
		}
		if hash != d.Hash {
			return invalidValue("Index KeySchema does not have the same leading hash key as table KeySchema for index: %s. index hash key: %s, table hash key: %s", name, hash, d.Hash)
		}
		projection, include, err := projectionOf(x.Projection)
		if err != nil {
			return err
		}
		if names[name] {
			return invalidValue("Duplicate index name: %s", name)
		}
		names[name], used[hash], used[rng] = true, true, true
		d.NextIndex++
		d.Indexes = append(d.Indexes, index{
			ID: d.NextIndex, Name: name, Local: true, Hash: hash, Range: rng, Projection: projection, Include: include, Status: string(types.IndexStatusActive),
		})
	}
	if len(in.LocalSecondaryIndexes) > maxLocal {
		return invalidValue("Number of LocalSecondaryIndexes exceeds per-table limit of %d", maxLocal)
	}
	return nil
}

func (d *table) addGlobal(in *dynamodb.CreateTableInput, onDemand bool, used, names map[string]bool) error {
	if in.GlobalSecondaryIndexes == nil {
		return nil
	}
	if len(in.GlobalSecondaryIndexes) == 0 {
		return invalidValue("List of GlobalSecondaryIndexes is empty")
	}
	included := 0
	for _, g := range in.GlobalSecondaryIndexes {
		name := aws.ToString(g.IndexName)
		if err := checkNewName(name, "globalSecondaryIndexes.1.member.indexName"); err != nil {
			return err
		}
		if err := definedKeys(g.KeySchema, in.AttributeDefinitions); err != nil {
			return err
		}
		x, err := indexSchema(g.KeySchema)
		if err != nil {
			return err
		}
		projection, include, err := projectionOf(g.Projection)
		if err != nil {
			return err
		}
		if g.ProvisionedThroughput == nil && !onDemand {
			return invalidValue("ProvisionedThroughput is not specified for index: %s", name)
		}
		if err := checkThroughput(g.ProvisionedThroughput, onDemand, name); err != nil {
			return err
		}
		if err := checkMaxUnits(g.OnDemandThroughput, onDemand, true, name); err != nil {
			return err
		}
		if names[name] {
			return invalidValue("Duplicate index name: %s", name)
		}
		names[name] = true
		for _, key := range x.keys() {
			used[key] = true
		}
		included += len(include)
		d.NextIndex++
		x.ID, x.Name, x.Projection, x.Include, x.Status = d.NextIndex, name, projection, include, string(types.IndexStatusActive)
		x.Throughput, x.MaxUnits, x.Warm = throughputOf(g.ProvisionedThroughput), maxUnitsOf(g.OnDemandThroughput, nil), warmOf(g.WarmThroughput, nil)
		d.Indexes = append(d.Indexes, x)
	}
	if len(in.GlobalSecondaryIndexes) > maxGlobal {
		return invalidValue("GlobalSecondaryIndex count exceeds the per-table limit of %d", maxGlobal)
	}
	if included > maxInclude {
		return invalidValue("The number of projected attributes (%d) exceeds the limit of %d", included, maxInclude)
	}
	return nil
}

// CreateTable makes a table. It is usable when the call returns.
func (s *Service) CreateTable(ctx context.Context, in *dynamodb.CreateTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error) {
	if in.VectorIndexes != nil {
		return nil, vectorIndexes()
	}
	if in.GlobalTableSourceArn != nil || in.GlobalTableSettingsReplicationMode != "" {
		return nil, globalTables()
	}
	if in.TableName == nil {
		return nil, invalid("The parameter 'TableName' is required but was not present in the request")
	}
	name := *in.TableName
	if strings.HasPrefix(name, "arn:") {
		a, ok := arn.Parse(name)
		if t, of := a.After("table/"); ok && of {
			if c := awswire.CallerFrom(ctx); !a.Within("dynamodb", c.Region, c.Account) {
				return nil, tableUnknown()
			}
			name = t
		}
	}
	if name == "" {
		return nil, constraint("'' ", "tableName", "Member must have length greater than or equal to 3")
	}
	if err := checkNewName(name, "tableName"); err != nil {
		return nil, err
	}
	if in.KeySchema == nil || in.AttributeDefinitions == nil {
		missing := "attributeDefinitions"
		if in.KeySchema == nil {
			missing = "keySchema"
		}
		return nil, constraint("null ", missing, "Member must not be null")
	}
	d, err := newTable(in)
	if err != nil {
		return nil, err
	}
	s.place(ctx, d, name)
	if d.SSE, err = s.encryption(ctx, d, in.SSESpecification); err != nil {
		return nil, err
	}
	if err := d.setStream(in.StreamSpecification, s.now(), 1, true); err != nil {
		return nil, err
	}
	if d.Tags, err = checkTags(in.Tags, nil); err != nil {
		return nil, err
	}
	if in.ResourcePolicy != nil {
		if err := checkPolicy(*in.ResourcePolicy); err != nil {
			return nil, err
		}
		d.Policy, d.PolicyRev = *in.ResourcePolicy, newRevision(s.now())
	}
	if err := s.create(ctx, d); err != nil {
		return nil, err
	}
	out := s.describe(d)
	out.TableStatus = types.TableStatusCreating
	out.ItemCount, out.TableSizeBytes = aws.Int64(0), aws.Int64(0)
	for i := range out.GlobalSecondaryIndexes {
		out.GlobalSecondaryIndexes[i].IndexStatus = types.IndexStatusCreating
	}
	return &dynamodb.CreateTableOutput{TableDescription: out}, nil
}

// place gives a new table its name, its owner and its IDs.
func (s *Service) place(ctx context.Context, d *table, name string) {
	caller := awswire.CallerFrom(ctx)
	d.Name, d.Account, d.Region = name, caller.Account, caller.Region
	d.ID, d.Store, d.Created = uuid.NewString(), newStoreID(), s.now()
	if d.OnDemand {
		d.OnDemandAt = d.Created
	}
	if d.Class != "" {
		d.ClassAt = d.Created
	}
}

// create stores the document of a new table.
func (s *Service) create(ctx context.Context, d *table) error {
	err := s.tables.Create(ctx, d, d.key()...)
	if errors.Is(err, state.ErrExists) {
		return inUse("Table already exists: %s", d.Name)
	}
	if err != nil {
		return err
	}
	_, err = s.opened(d)
	return err
}
