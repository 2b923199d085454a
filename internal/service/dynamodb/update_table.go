package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// This file: UpdateTable and DeleteTable, and what they leave to be done.

// change is a setting that an UpdateTable changes.
type change int

// The changes that AWS holds apart.
const (
	changesUnits change = 1 << iota // of what is provisioned
	changesMode
	changesStream
	changesIndexes // makes or deletes one
	changesIndexUnits
	changesSSE
	changesClass
	changesProtection
	changesMost // on demand
	changesWarm
)

func changesOf(in *dynamodb.UpdateTableInput) (c change) {
	for of, is := range map[change]bool{
		changesUnits: in.ProvisionedThroughput != nil, changesMode: in.BillingMode != "", changesStream: in.StreamSpecification != nil,
		changesSSE: in.SSESpecification != nil, changesClass: in.TableClass != "", changesProtection: in.DeletionProtectionEnabled != nil,
		changesMost: in.OnDemandThroughput != nil, changesWarm: in.WarmThroughput != nil,
	} {
		if is {
			c |= of
		}
	}
	for _, u := range in.GlobalSecondaryIndexUpdates {
		if u.Update != nil {
			c |= changesIndexUnits
		} else {
			c |= changesIndexes
		}
	}
	return c
}

// together refuses changes that AWS makes in no one call.
func (c change) together(in *dynamodb.UpdateTableInput) error {
	has := func(of change) bool { return c&of != 0 }
	among := func(of, others change) bool { return has(of) && c&^(of|others) != 0 }
	creates := slices.ContainsFunc(in.GlobalSecondaryIndexUpdates, func(u types.GlobalSecondaryIndexUpdate) bool { return u.Create != nil })
	provisions := has(changesUnits) || in.BillingMode == types.BillingModeProvisioned
	switch {
	case among(changesSSE, 0):
		return invalidValue("Server-Side Encryption modification must be the only operation in the request")
	case among(changesClass, 0):
		return invalidValue("TableClass modification must be the only operation in the request")
	case among(changesProtection, 0):
		return invalidValue("DeletionProtection modification must be the only operation in the request")
	case has(changesWarm) && creates:
		return invalidValue("Create global secondary index cannot be specified when updating WarmThroughput")
	case among(changesWarm, changesIndexUnits):
		return invalidValue("WarmThroughput must be the only operation in the request")
	case among(changesMost, changesMode|changesIndexUnits):
		return invalidValue("OnDemandThroughput can only be combined with BillingMode in an UpdateTable request")
	case has(changesStream) && provisions:
		return invalidValue("You cannot modify stream status while updating table IOPS")
	case has(changesIndexes) && provisions:
		return invalidValue("You cannot create or delete index while updating table IOPS")
	case has(changesIndexes) && has(changesStream):
		return invalidValue("You cannot create or delete index while changing stream status")
	}
	return nil
}

// UpdateTable changes a table's settings, its stream or its global indexes.
func (s *Service) UpdateTable(ctx context.Context, in *dynamodb.UpdateTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateTableOutput, error) {
	if in.ReplicaUpdates != nil || in.GlobalTableWitnessUpdates != nil || in.MultiRegionConsistency != "" || in.GlobalTableSettingsReplicationMode != "" || in.DisassociationProtectionEnabled != nil {
		return nil, globalTables()
	}
	if in.VectorIndexUpdates != nil {
		return nil, vectorIndexes()
	}
	if in.GlobalSecondaryIndexUpdates != nil && len(in.GlobalSecondaryIndexUpdates) == 0 {
		return nil, invalidValue("List of GlobalSecondaryIndexUpdates is empty")
	}
	changes := changesOf(in)
	if changes == 0 {
		return nil, invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required")
	}
	if err := checkIndexUpdates(in.GlobalSecondaryIndexUpdates); err != nil {
		return nil, err
	}
	if err := changes.together(in); err != nil {
		return nil, err
	}
	d, err := s.tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	if d.Status != string(types.TableStatusActive) {
		return nil, inUse("Attempt to change a resource which is still in use: Table is being %s: %s", statusWord(d.Status), d.Name)
	}
	o, err := s.opened(d)
	if err != nil {
		return nil, err
	}
	key, err := s.encryption(ctx, d, in.SSESpecification)
	if err != nil {
		return nil, err
	}
	next, _ := o.items.FeedEnd()
	now := s.now()
	before := *d
	d, err = s.modify(ctx, d, func(d *table) error {
		if err := d.setCapacity(in, now); err != nil {
			return err
		}
		if err := d.setStream(in.StreamSpecification, now, next, false); err != nil {
			return err
		}
		if err := d.reencrypt(in.SSESpecification, key); err != nil {
			return err
		}
		if in.TableClass != "" && (d.Class != "" || in.TableClass != types.TableClassStandard) {
			d.Class, d.ClassAt = string(in.TableClass), now
		}
		if in.DeletionProtectionEnabled != nil {
			d.Protected = *in.DeletionProtectionEnabled
		}
		read, write := d.warmUnits(d.Throughput, d.Warm)
		if err := checkWarm(in.WarmThroughput, read, write, d.OnDemand, true, ""); err != nil {
			return err
		}
		d.Warm = warmOf(in.WarmThroughput, d.Warm)
		return d.updateIndexes(in, now)
	})
	if err != nil {
		return nil, err
	}
	return &dynamodb.UpdateTableOutput{TableDescription: s.updating(in, changes, &before, d)}, nil
}

// updating is how a table is told by the UpdateTable that changes it.
func (s *Service) updating(in *dynamodb.UpdateTableInput, changes change, before, d *table) *types.TableDescription {
	out := s.describe(d)
	if changes&^(changesSSE|changesProtection|changesMost|changesWarm|changesIndexUnits) != 0 {
		out.TableStatus = types.TableStatusUpdating
	}
	if o := in.OnDemandThroughput; o != nil { // a limit that is lifted is told once
		if out.OnDemandThroughput == nil {
			out.OnDemandThroughput = &types.OnDemandThroughput{}
		}
		if aws.ToInt64(o.MaxReadRequestUnits) == -1 {
			out.OnDemandThroughput.MaxReadRequestUnits = o.MaxReadRequestUnits
		}
		if aws.ToInt64(o.MaxWriteRequestUnits) == -1 {
			out.OnDemandThroughput.MaxWriteRequestUnits = o.MaxWriteRequestUnits
		}
	}
	if changes&changesSSE != 0 { // the key that was
		out.SSEDescription = &types.SSEDescription{Status: types.SSEStatusUpdating}
		if before.SSE != nil {
			out.SSEDescription.SSEType, out.SSEDescription.KMSMasterKeyArn = types.SSEType(before.SSE.Type), aws.String(before.SSE.Key)
		}
	}
	if changes&changesWarm != 0 {
		read, write := before.warmUnits(before.Throughput, before.Warm)
		out.WarmThroughput = &types.TableWarmThroughputDescription{ReadUnitsPerSecond: &read, WriteUnitsPerSecond: &write, Status: types.TableStatusUpdating}
	}
	for i := range out.GlobalSecondaryIndexes {
		if g := &out.GlobalSecondaryIndexes[i]; g.Backfilling != nil && before.index(*g.IndexName) == nil {
			g.Backfilling = aws.Bool(false)
		}
	}
	return out
}

func statusWord(status string) string {
	switch types.TableStatus(status) {
	case types.TableStatusCreating:
		return "created"
	case types.TableStatusDeleting:
		return "deleted"
	}
	return "updated"
}

func (d *table) setCapacity(in *dynamodb.UpdateTableInput, now time.Time) error {
	wasOnDemand := d.OnDemand
	if in.BillingMode != "" {
		onDemand := in.BillingMode == types.BillingModePayPerRequest
		if in.ProvisionedThroughput == nil && !onDemand {
			return invalidValue("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
		}
		if err := checkThroughput(in.ProvisionedThroughput, onDemand, ""); err != nil {
			return err
		}
		if onDemand && !d.OnDemand {
			d.OnDemandAt = now
			d.Throughput = throughput{}
			for i := range d.Indexes {
				d.Indexes[i].Throughput = throughput{}
			}
		}
		d.OnDemand = onDemand
		if !onDemand {
			d.MaxUnits = nil
			for i := range d.Indexes {
				d.Indexes[i].MaxUnits = nil
			}
		}
	} else if in.ProvisionedThroughput != nil {
		if d.OnDemand {
			return invalidValue("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		if err := checkThroughput(in.ProvisionedThroughput, false, ""); err != nil {
			return err
		}
	}
	if p := in.ProvisionedThroughput; p != nil && !wasOnDemand && in.GlobalSecondaryIndexUpdates == nil {
		if err := d.Throughput.unchanged(p, "table", "table"); err != nil {
			return err
		}
	}
	if p := in.ProvisionedThroughput; p != nil {
		d.Throughput = d.Throughput.to(p, now)
	}
	if in.OnDemandThroughput != nil {
		if err := checkMaxUnits(in.OnDemandThroughput, d.OnDemand, true, ""); err != nil {
			return err
		}
		d.MaxUnits = maxUnitsOf(in.OnDemandThroughput, d.MaxUnits)
	}
	return nil
}

// to is the throughput changed to what a request says.
func (t throughput) to(p *types.ProvisionedThroughput, now time.Time) throughput {
	next := throughputOf(p)
	next.Raised, next.Lowered, next.LoweredToday = t.Raised, t.Lowered, t.LoweredToday
	if next.Read > t.Read || next.Write > t.Write {
		next.Raised = now
	}
	if next.Read < t.Read || next.Write < t.Write {
		if t.Lowered.YearDay() != now.YearDay() {
			next.LoweredToday = 0
		}
		next.Lowered = now
		next.LoweredToday++
	}
	return next
}

// checkIndexUpdates checks the changes of indexes among themselves.
func checkIndexUpdates(all []types.GlobalSecondaryIndexUpdate) error {
	seen := map[string]bool{}
	built := 0
	for _, u := range all {
		var name *string
		actions := 0
		if u.Create != nil {
			name = u.Create.IndexName
			actions++
		}
		if u.Delete != nil {
			name = u.Delete.IndexName
			actions++
		}
		if u.Update != nil {
			name = u.Update.IndexName
			actions++
			if w := u.Update.WarmThroughput; w != nil && w.ReadUnitsPerSecond == nil && w.WriteUnitsPerSecond == nil {
				return invalidValue("WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond specified for index: %s", aws.ToString(name))
			}
		} else {
			built++
		}
		switch n := aws.ToString(name); {
		case actions == 0:
			return invalidValue("One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null")
		case actions > 1:
			return invalidValue("Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object")
		case seen[n]:
			return invalidValue("Only one global secondary index update per index is allowed simultaneously. Index: %s", n)
		default:
			seen[n] = true
		}
	}
	if built > 1 {
		return tooManyBuilt()
	}
	return nil
}

func tooManyBuilt() error {
	return &types.LimitExceededException{Message: aws.String("Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")}
}

// builds reports whether an index is being created or deleted, other than the one to be deleted.
func (d *table) builds(deleted *types.DeleteGlobalSecondaryIndexAction) bool {
	return slices.ContainsFunc(d.Indexes, func(x index) bool {
		building := x.Status == string(types.IndexStatusCreating) || x.Status == string(types.IndexStatusDeleting)
		return building && (deleted == nil || aws.ToString(deleted.IndexName) != x.Name)
	})
}

// updateIndexes changes the global indexes. Those that are made and removed have a status
// that the runner sees.
func (d *table) updateIndexes(in *dynamodb.UpdateTableInput, now time.Time) error {
	for _, u := range in.GlobalSecondaryIndexUpdates {
		switch {
		case u.Update == nil && d.builds(u.Delete):
			return tooManyBuilt()
		case u.Create != nil:
			if err := d.createIndex(in, u.Create); err != nil {
				return err
			}
		case u.Delete != nil:
			name := aws.ToString(u.Delete.IndexName)
			x := d.index(name)
			if x == nil {
				return &types.ResourceNotFoundException{Message: aws.String("Requested resource not found")}
			}
			if x.Local {
				return invalid("Cannot delete an index that is not a GlobalSecondaryIndex: %s", name)
			}
			if x.Status != string(types.IndexStatusActive) && x.Status != string(types.IndexStatusCreating) {
				return inUse("Attempt to change a resource which is still in use: Index is being deleted. Table: %s Index: %s", d.Name, name)
			}
			x.Status = string(types.IndexStatusDeleting)
		default:
			if err := d.updateIndex(u.Update, now); err != nil {
				return err
			}
		}
	}
	if d.OnDemand && in.BillingMode == "" || len(in.GlobalSecondaryIndexUpdates) > 0 || in.BillingMode == "" {
		return nil
	}
	for i := range d.Indexes {
		if x := &d.Indexes[i]; !x.Local && !d.OnDemand && x.Throughput.Read == 0 {
			return invalidValue("ProvisionedThroughput must be specified for index: %s", x.Name)
		}
	}
	return nil
}

// updateIndex changes the units of an index.
func (d *table) updateIndex(u *types.UpdateGlobalSecondaryIndexAction, now time.Time) error {
	name := aws.ToString(u.IndexName)
	x := d.index(name)
	if x == nil {
		return &types.ResourceNotFoundException{Message: aws.String("Requested resource not found: Index " + name + " for table " + d.Name)}
	}
	if x.Local {
		return invalid("Cannot update an index that is not a GlobalSecondaryIndex: %s", name)
	}
	p, most := u.ProvisionedThroughput, u.OnDemandThroughput
	noMost := most == nil || most.MaxReadRequestUnits == nil && most.MaxWriteRequestUnits == nil
	switch {
	case d.OnDemand && (p != nil || noMost && u.WarmThroughput == nil):
		return invalidValue("The only Updates for index: %s when TableThroughputMode is PAY_PER_REQUEST can be to OnDemandThroughput, WarmThroughput", name)
	case p == nil && noMost && u.WarmThroughput == nil:
		return invalidValue("Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: %s", name)
	}
	if p != nil {
		if err := checkThroughput(p, false, name); err != nil {
			return err
		}
		if err := x.Throughput.unchanged(p, "index "+name, "index"); err != nil {
			return err
		}
		x.Throughput = x.Throughput.to(p, now)
	}
	if most != nil {
		if err := checkMaxUnits(most, d.OnDemand, true, name); err != nil {
			return err
		}
		x.MaxUnits = maxUnitsOf(most, x.MaxUnits)
	}
	read, write := d.warmUnits(x.Throughput, x.Warm)
	if err := checkWarm(u.WarmThroughput, read, write, d.OnDemand, true, name); err != nil {
		return err
	}
	x.Warm = warmOf(u.WarmThroughput, x.Warm)
	return nil
}

func (d *table) createIndex(in *dynamodb.UpdateTableInput, c *types.CreateGlobalSecondaryIndexAction) error {
	name := aws.ToString(c.IndexName)
	if err := checkNewName(name, "globalSecondaryIndexUpdates.1.member.create.indexName"); err != nil {
		return err
	}
	if len(in.AttributeDefinitions) == 0 {
		return invalidValue("AttributeDefinitions is not specified for index: %s", name)
	}
	if len(in.AttributeDefinitions) < len(c.KeySchema) {
		return invalid("Invalid KeySchema: Some index key attribute have no definition")
	}
	if err := definedKeys(c.KeySchema, in.AttributeDefinitions); err != nil {
		return err
	}
	x, err := indexSchema(c.KeySchema)
	if err != nil {
		return err
	}
	projection, include, err := projectionOf(c.Projection)
	if err != nil {
		return err
	}
	if d.OnDemand && c.ProvisionedThroughput != nil {
		return invalidValue("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: %s when BillingMode is PAY_PER_REQUEST", name)
	}
	if err := checkThroughput(c.ProvisionedThroughput, d.OnDemand, name); err != nil {
		return err
	}
	if err := checkMaxUnits(c.OnDemandThroughput, d.OnDemand, true, name); err != nil {
		return err
	}
	read, write := d.warmUnits(throughputOf(c.ProvisionedThroughput), nil)
	if err := checkWarm(c.WarmThroughput, read, write, d.OnDemand, false, name); err != nil {
		return err
	}
	if d.index(name) != nil {
		return invalid("Attempting to create an index which already exists")
	}
	global := 0
	for _, other := range d.Indexes {
		if !other.Local {
			global++
		}
	}
	if global >= maxGlobal {
		return &types.LimitExceededException{Message: aws.String(fmt.Sprintf("Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit of %d", maxGlobal))}
	}
	var added []attribute
	for _, a := range in.AttributeDefinitions {
		n, t := aws.ToString(a.AttributeName), attr.Type(a.AttributeType)
		switch had := d.typeOf(n); {
		case !slices.Contains(x.keys(), n):
		case had == "":
			added = append(added, attribute{n, t})
		case had != t:
			return invalidValue("Attributes cannot be redefined. Please check that your attribute has the same type as previously defined. Existing schema: %s New schema: %s",
				schemaText(d.keyedBy(n), d.typeOf), schemaText(x.schema(), typesIn(in.AttributeDefinitions)))
		}
	}
	d.Attributes = append(d.Attributes, added...)
	d.NextIndex++
	x.ID, x.Name, x.Projection, x.Include, x.Status = d.NextIndex, name, projection, include, string(types.IndexStatusCreating)
	x.Throughput, x.MaxUnits, x.Warm = throughputOf(c.ProvisionedThroughput), maxUnitsOf(c.OnDemandThroughput, nil), warmOf(c.WarmThroughput, nil)
	d.Indexes = append(d.Indexes, x)
	return nil
}

// keyedBy is the schema of the table, or of an index, that an attribute is a key of.
func (d *table) keyedBy(name string) []types.KeySchemaElement {
	for i := range d.Indexes {
		if slices.Contains(d.Indexes[i].keys(), name) {
			return d.Indexes[i].schema()
		}
	}
	return schema(d.Hash, d.Range)
}

func typesIn(defs []types.AttributeDefinition) func(string) attr.Type {
	return func(name string) attr.Type {
		for _, a := range defs {
			if aws.ToString(a.AttributeName) == name {
				return attr.Type(a.AttributeType)
			}
		}
		return ""
	}
}

// schemaText is a schema as messages have it.
func schemaText(keys []types.KeySchemaElement, typeOf func(string) attr.Type) string {
	var b strings.Builder
	for i, k := range keys {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "key{%s:%s:%s}", *k.AttributeName, typeOf(*k.AttributeName), k.KeyType)
	}
	return "Schema:[SchemaElement: " + b.String() + "]"
}

// dropUnused removes the definitions of attributes that are not part of a key any more.
func (d *table) dropUnused() {
	used := map[string]bool{d.Hash: true, d.Range: true}
	for _, x := range d.Indexes {
		for _, name := range x.keys() {
			used[name] = true
		}
	}
	d.Attributes = slices.DeleteFunc(d.Attributes, func(a attribute) bool { return !used[a.Name] })
}

// build fills an index and makes it ACTIVE.
func (s *Service) build(ctx context.Context, d *table, id uint16) error {
	o, err := s.defined(d)
	if err != nil {
		return err
	}
	if err := o.items.Backfill(ctx, id); err != nil {
		return fmt.Errorf("dynamodb: index %d of %s: %w", id, d.arn(), err)
	}
	_, err = s.modify(ctx, d, func(d *table) error {
		if x := d.indexByID(id); x != nil && x.Status == string(types.IndexStatusCreating) {
			x.Status = string(types.IndexStatusActive)
		}
		return nil
	})
	return err
}

// dropIndex removes an index that is DELETING.
func (s *Service) dropIndex(ctx context.Context, d *table, id uint16) error {
	o, err := s.defined(d)
	if err != nil {
		return err
	}
	if err := o.items.DropIndex(id); err != nil {
		return fmt.Errorf("dynamodb: index %d of %s: %w", id, d.arn(), err)
	}
	_, err = s.modify(ctx, d, func(d *table) error {
		d.Indexes = slices.DeleteFunc(d.Indexes, func(x index) bool { return x.ID == id })
		d.dropUnused()
		return nil
	})
	return err
}

// DeleteTable deletes a table with its items.
func (s *Service) DeleteTable(ctx context.Context, in *dynamodb.DeleteTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteTableOutput, error) {
	d, err := s.tableNamed(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	if d.Protected {
		return nil, invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	if d.Status != string(types.TableStatusActive) {
		return nil, inUse("Attempt to change a resource which is still in use: Table is being %s: %s", statusWord(d.Status), d.Name)
	}
	out := s.describe(d)
	out.TableStatus = types.TableStatusDeleting
	out.AttributeDefinitions, out.KeySchema, out.CreationDateTime = nil, nil, nil
	out.LocalSecondaryIndexes, out.GlobalSecondaryIndexes = nil, nil
	if d, err = s.modify(ctx, d, func(d *table) error {
		d.Status = string(types.TableStatusDeleting)
		return nil
	}); err != nil {
		return nil, err
	}
	if err := s.steps.Await(ctx, d.key()...); err != nil {
		return nil, err
	}
	return &dynamodb.DeleteTableOutput{TableDescription: out}, nil
}

// remove removes a table that is DELETING.
func (s *Service) remove(ctx context.Context, d *table) error {
	s.forget(d)
	if len(d.Streams) > 0 {
		if err := s.leave(ctx, d); err != nil {
			return err
		}
	} else if err := s.cfg.Items.Drop(d.Store); err != nil {
		return fmt.Errorf("dynamodb: removing the items of %s: %w", d.arn(), err)
	}
	if err := s.tables.Delete(ctx, d.key()...); err != nil && !errors.Is(err, state.ErrNotFound) {
		return err
	}
	return nil
}
