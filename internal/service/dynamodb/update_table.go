package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// This file: UpdateTable and DeleteTable, and what they leave to be done.

// UpdateTable changes a table's settings, its stream or its global indexes.
func (s *Service) UpdateTable(ctx context.Context, in *dynamodb.UpdateTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateTableOutput, error) {
	if in.ReplicaUpdates != nil || in.GlobalTableWitnessUpdates != nil || in.MultiRegionConsistency != "" {
		return nil, unsupported("Brookmere does not support global tables: this node serves the items of one region.")
	}
	if in.ProvisionedThroughput == nil && in.StreamSpecification == nil && len(in.GlobalSecondaryIndexUpdates) == 0 && in.SSESpecification == nil &&
		in.BillingMode == "" && in.TableClass == "" && in.DeletionProtectionEnabled == nil && in.OnDemandThroughput == nil && in.WarmThroughput == nil {
		return nil, invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
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
	next, _ := o.items.FeedEnd()
	now := s.now()
	d, err = s.modify(ctx, d, func(d *table) error {
		if err := d.setCapacity(in, now); err != nil {
			return err
		}
		if err := d.setStream(in.StreamSpecification, now, next, false); err != nil {
			return err
		}
		if err := d.setSSE(in.SSESpecification); err != nil {
			return err
		}
		if in.TableClass != "" {
			d.Class, d.ClassAt = string(in.TableClass), now
		}
		if in.DeletionProtectionEnabled != nil {
			d.Protected = *in.DeletionProtectionEnabled
		}
		if in.WarmThroughput != nil {
			d.Warm = warmOf(in.WarmThroughput)
		}
		return d.updateIndexes(in, now)
	})
	if err != nil {
		return nil, err
	}
	out := s.describe(d)
	out.TableStatus = types.TableStatusUpdating
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
	return &dynamodb.UpdateTableOutput{TableDescription: out}, nil
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
		}
	} else if in.ProvisionedThroughput != nil {
		if d.OnDemand {
			return invalidValue("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		if err := checkThroughput(in.ProvisionedThroughput, false, ""); err != nil {
			return err
		}
		p := in.ProvisionedThroughput
		if *p.ReadCapacityUnits == d.Throughput.Read && *p.WriteCapacityUnits == d.Throughput.Write && in.GlobalSecondaryIndexUpdates == nil {
			return invalid("The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: %d. Requested ReadCapacityUnits: %d. Current WriteCapacityUnits provisioned for the table: %d. Requested WriteCapacityUnits: %d. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
				d.Throughput.Read, *p.ReadCapacityUnits, d.Throughput.Write, *p.WriteCapacityUnits)
		}
	}
	if p := in.ProvisionedThroughput; p != nil {
		d.Throughput = d.Throughput.to(p, now)
	}
	if in.OnDemandThroughput != nil {
		if err := checkMaxUnits(in.OnDemandThroughput, d.OnDemand, true); err != nil {
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

// updateIndexes changes the global indexes. Those that are made and removed have a status
// that the runner sees.
func (d *table) updateIndexes(in *dynamodb.UpdateTableInput, now time.Time) error {
	seen := map[string]bool{}
	once := func(name string) error {
		if seen[name] {
			return invalidValue("Only one global secondary index update per index is allowed simultaneously. Index: %s", name)
		}
		seen[name] = true
		return nil
	}
	changes := 0
	for _, u := range in.GlobalSecondaryIndexUpdates {
		switch {
		case u.Create != nil:
			if changes++; changes > 1 {
				return &types.LimitExceededException{Message: aws.String("Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")}
			}
			if err := once(aws.ToString(u.Create.IndexName)); err != nil {
				return err
			}
			if err := d.createIndex(in, u.Create); err != nil {
				return err
			}
		case u.Delete != nil:
			if changes++; changes > 1 {
				return &types.LimitExceededException{Message: aws.String("Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")}
			}
			name := aws.ToString(u.Delete.IndexName)
			if err := once(name); err != nil {
				return err
			}
			x := d.index(name)
			if x == nil || x.Local {
				return &types.ResourceNotFoundException{Message: aws.String("Requested resource not found")}
			}
			if x.Status != string(types.IndexStatusActive) && x.Status != string(types.IndexStatusCreating) {
				return inUse("Attempt to change a resource which is still in use: Index is being deleted. Table: %s Index: %s", d.Name, name)
			}
			x.Status = string(types.IndexStatusDeleting)
		case u.Update != nil:
			name := aws.ToString(u.Update.IndexName)
			if err := once(name); err != nil {
				return err
			}
			x := d.index(name)
			if x == nil || x.Local {
				return &types.ResourceNotFoundException{Message: aws.String("Requested resource not found")}
			}
			if p := u.Update.ProvisionedThroughput; p != nil {
				if d.OnDemand {
					return invalid("This operation cannot be performed with given input values. Please contact DynamoDB service team for more info: Action Blocked: IndexUpdate")
				}
				if err := checkThroughput(p, false, name); err != nil {
					return err
				}
				x.Throughput = x.Throughput.to(p, now)
			}
			if u.Update.OnDemandThroughput != nil {
				x.MaxUnits = maxUnitsOf(u.Update.OnDemandThroughput, x.MaxUnits)
			}
			if u.Update.WarmThroughput != nil {
				x.Warm = warmOf(u.Update.WarmThroughput)
			}
		default:
			return invalidValue("One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null")
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

func (d *table) createIndex(in *dynamodb.UpdateTableInput, c *types.CreateGlobalSecondaryIndexAction) error {
	name := aws.ToString(c.IndexName)
	if err := checkNewName(name, "globalSecondaryIndexUpdates.1.member.create.indexName"); err != nil {
		return err
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
	if err := checkThroughput(c.ProvisionedThroughput, d.OnDemand, name); err != nil {
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
		return &types.LimitExceededException{Message: aws.String(fmt.Sprintf("GlobalSecondaryIndex count exceeds the per-table limit of %d", maxGlobal))}
	}
	for _, a := range in.AttributeDefinitions {
		if n := aws.ToString(a.AttributeName); d.typeOf(n) == "" && slices.Contains(x.keys(), n) {
			d.Attributes = append(d.Attributes, attribute{n, attr.Type(a.AttributeType)})
		}
	}
	d.NextIndex++
	x.ID, x.Name, x.Projection, x.Include, x.Status = d.NextIndex, name, projection, include, string(types.IndexStatusCreating)
	x.Throughput, x.MaxUnits, x.Warm = throughputOf(c.ProvisionedThroughput), maxUnitsOf(c.OnDemandThroughput, nil), warmOf(c.WarmThroughput)
	d.Indexes = append(d.Indexes, x)
	return nil
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
	s.mu.Lock()
	delete(s.open, d.storeKey())
	s.mu.Unlock()
	if err := s.cfg.Items.Drop(d.Store); err != nil {
		return fmt.Errorf("dynamodb: removing the items of %s: %w", d.arn(), err)
	}
	if err := s.tables.Delete(ctx, d.key()...); err != nil && !errors.Is(err, state.ErrNotFound) {
		return err
	}
	return nil
}
