package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// This file: on-demand backups, point-in-time recovery and restores. A backup is a
// checkpoint of the item store, restricted to the table. A restore to a point in time
// takes the table as it is and undoes the changes since, by the table's feed, which is
// kept for as long as the recovery reaches back.

// backup is the document of a backup, under the key (account, region, id).
type backup struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Items   int64     `json:"items"`
	Bytes   int64     `json:"bytes"`
	Dir     string    `json:"dir"` // below BackupDir
	Table   table     `json:"table"`
}

func (b *backup) arn() string { return b.Table.arn() + "/backup/" + b.ID }

func (b *backup) summary() *types.BackupDetails {
	return &types.BackupDetails{
		BackupArn: aws.String(b.arn()), BackupName: aws.String(b.Name), BackupCreationDateTime: aws.Time(b.Created),
		BackupSizeBytes: aws.Int64(b.Bytes), BackupStatus: types.BackupStatusAvailable, BackupType: types.BackupTypeUser,
	}
}

func noBackup(text string) error {
	return &types.BackupNotFoundException{Message: aws.String("Backup not found: " + text)}
}

// CreateBackup backs a table up.
func (s *Service) CreateBackup(ctx context.Context, in *dynamodb.CreateBackupInput, _ ...func(*dynamodb.Options)) (*dynamodb.CreateBackupOutput, error) {
	name, err := nameOf(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	d, err := s.find(ctx, name)
	var none *types.ResourceNotFoundException
	if errors.As(err, &none) {
		return nil, &types.TableNotFoundException{Message: aws.String("Table not found: " + name)}
	}
	if err != nil {
		return nil, err
	}
	if d.Status == string(types.TableStatusCreating) || d.Status == string(types.TableStatusDeleting) {
		return nil, &types.TableInUseException{Message: aws.String("Table is being " + statusWord(d.Status) + ": " + d.Name)}
	}
	if s.cfg.BackupDir == "" {
		return nil, unsupported("This node has no place for backups.")
	}
	o, err := s.opened(d)
	if err != nil {
		return nil, err
	}
	now := s.now()
	b := &backup{ID: fmt.Sprintf("%014d-%s", now.UnixMilli(), uuid.NewString()[:8]), Name: aws.ToString(in.BackupName), Created: now, Table: *d}
	b.Dir = d.storeKey() + "-" + b.ID
	b.Items, b.Bytes = o.items.Count(0)
	if err := os.MkdirAll(s.cfg.BackupDir, 0o755); err != nil {
		return nil, err
	}
	if err := o.items.Backup(filepath.Join(s.cfg.BackupDir, b.Dir)); err != nil {
		return nil, err
	}
	if err := s.backups.Create(ctx, b, d.Account, d.Region, b.ID); err != nil {
		return nil, err
	}
	out := b.summary()
	out.BackupStatus = types.BackupStatusCreating
	return &dynamodb.CreateBackupOutput{BackupDetails: out}, nil
}

func (s *Service) findBackup(ctx context.Context, text string) (*backup, error) {
	if !ofKind(text, "backup") {
		return nil, invalid("Invalid Backup ARN")
	}
	caller := awswire.CallerFrom(ctx)
	a, ok := arn.Parse(text)
	rest, of := a.After("table/")
	_, id, cut := strings.Cut(rest, "/backup/")
	if !ok || !of || !cut || !a.Within("dynamodb", caller.Region, caller.Account) {
		return nil, noBackup(text)
	}
	b, err := s.backups.Get(caller.Account, caller.Region, id)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noBackup(text)
	}
	return b, err
}

func (s *Service) describeBackup(b *backup) *types.BackupDescription {
	d := &b.Table
	src := &types.SourceTableDetails{
		TableName: aws.String(d.Name), TableArn: aws.String(d.arn()), TableId: aws.String(d.ID), TableCreationDateTime: aws.Time(d.Created), KeySchema: schema(d.Hash, d.Range),
		ItemCount: aws.Int64(b.Items), TableSizeBytes: aws.Int64(b.Bytes), BillingMode: types.BillingModeProvisioned,
		ProvisionedThroughput: &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(d.Throughput.Read), WriteCapacityUnits: aws.Int64(d.Throughput.Write)},
	}
	if d.OnDemand {
		src.BillingMode = types.BillingModePayPerRequest
	}
	src.OnDemandThroughput = d.MaxUnits.describe()
	features := &types.SourceTableFeatureDetails{SSEDescription: d.sealed(), StreamDescription: d.streams()}
	if d.Expiry.Enabled {
		features.TimeToLiveDescription = d.Expiry.describe()
	}
	for i := range d.Indexes {
		x := &d.Indexes[i]
		if x.Local {
			features.LocalSecondaryIndexes = append(features.LocalSecondaryIndexes, types.LocalSecondaryIndexInfo{IndexName: aws.String(x.Name), KeySchema: x.schema(), Projection: x.projection()})
			continue
		}
		features.GlobalSecondaryIndexes = append(features.GlobalSecondaryIndexes, types.GlobalSecondaryIndexInfo{IndexName: aws.String(x.Name), KeySchema: x.schema(), Projection: x.projection()})
	}
	return &types.BackupDescription{BackupDetails: b.summary(), SourceTableDetails: src, SourceTableFeatureDetails: features}
}

// DescribeBackup describes a backup.
func (s *Service) DescribeBackup(ctx context.Context, in *dynamodb.DescribeBackupInput, _ ...func(*dynamodb.Options)) (*dynamodb.DescribeBackupOutput, error) {
	b, err := s.findBackup(ctx, aws.ToString(in.BackupArn))
	if err != nil {
		return nil, err
	}
	return &dynamodb.DescribeBackupOutput{BackupDescription: s.describeBackup(b)}, nil
}

// DeleteBackup deletes a backup.
func (s *Service) DeleteBackup(ctx context.Context, in *dynamodb.DeleteBackupInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteBackupOutput, error) {
	b, err := s.findBackup(ctx, aws.ToString(in.BackupArn))
	if err != nil {
		return nil, err
	}
	if err := s.backups.Delete(ctx, b.Table.Account, b.Table.Region, b.ID); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(filepath.Join(s.cfg.BackupDir, b.Dir)); err != nil {
		s.log.Error("removing a backup", "backup", b.arn(), "error", err)
	}
	out := s.describeBackup(b)
	out.BackupDetails.BackupStatus = types.BackupStatusDeleted
	return &dynamodb.DeleteBackupOutput{BackupDescription: out}, nil
}

// ListBackups lists backups, oldest first.
func (s *Service) ListBackups(ctx context.Context, in *dynamodb.ListBackupsInput, _ ...func(*dynamodb.Options)) (*dynamodb.ListBackupsOutput, error) {
	caller := awswire.CallerFrom(ctx)
	limit := 100
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	if low, high := in.TimeRangeLowerBound, in.TimeRangeUpperBound; low != nil && high != nil && low.After(*high) {
		return nil, invalidValue("Time range lower bound must be less than or equal to upper bound")
	}
	all, err := s.backups.All(caller.Account, caller.Region)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b *backup) int { return a.Created.Compare(b.Created) })
	out := &dynamodb.ListBackupsOutput{BackupSummaries: []types.BackupSummary{}}
	past := in.ExclusiveStartBackupArn == nil
	for _, b := range all {
		if !past {
			past = b.arn() == *in.ExclusiveStartBackupArn
			continue
		}
		if in.TableName != nil && *in.TableName != b.Table.Name && *in.TableName != b.Table.arn() ||
			in.TimeRangeLowerBound != nil && b.Created.Before(*in.TimeRangeLowerBound) ||
			in.TimeRangeUpperBound != nil && !b.Created.Before(*in.TimeRangeUpperBound) ||
			in.BackupType != "" && in.BackupType != types.BackupTypeFilterUser && in.BackupType != types.BackupTypeFilterAll {
			continue
		}
		if len(out.BackupSummaries) == limit {
			out.LastEvaluatedBackupArn = out.BackupSummaries[limit-1].BackupArn
			break
		}
		out.BackupSummaries = append(out.BackupSummaries, types.BackupSummary{
			BackupArn: aws.String(b.arn()), BackupName: aws.String(b.Name), BackupCreationDateTime: aws.Time(b.Created), BackupSizeBytes: aws.Int64(b.Bytes),
			BackupStatus: types.BackupStatusAvailable, BackupType: types.BackupTypeUser,
			TableName: aws.String(b.Table.Name), TableArn: aws.String(b.Table.arn()), TableId: aws.String(b.Table.ID),
		})
	}
	return out, nil
}

func (s *Service) continuousBackups(d *table) *types.ContinuousBackupsDescription {
	p := &types.PointInTimeRecoveryDescription{PointInTimeRecoveryStatus: types.PointInTimeRecoveryStatusDisabled}
	if !d.Recovery.Since.IsZero() {
		now := s.now().Truncate(time.Second)
		earliest := d.Recovery.Since
		if cut := now.Add(-time.Duration(d.Recovery.Days) * 24 * time.Hour); cut.After(earliest) {
			earliest = cut
		}
		p.PointInTimeRecoveryStatus, p.EarliestRestorableDateTime, p.LatestRestorableDateTime, p.RecoveryPeriodInDays = types.PointInTimeRecoveryStatusEnabled, aws.Time(earliest), aws.Time(now), aws.Int32(d.Recovery.Days)
	}
	return &types.ContinuousBackupsDescription{ContinuousBackupsStatus: types.ContinuousBackupsStatusEnabled, PointInTimeRecoveryDescription: p}
}

func (s *Service) tableForBackups(ctx context.Context, name *string) (*table, error) {
	d, err := s.tableNamed(ctx, name)
	var none *types.ResourceNotFoundException
	if errors.As(err, &none) {
		return nil, &types.TableNotFoundException{Message: aws.String("Table not found: " + aws.ToString(name))}
	}
	return d, err
}

// DescribeContinuousBackups reports whether a table can be restored to a point in time.
func (s *Service) DescribeContinuousBackups(ctx context.Context, in *dynamodb.DescribeContinuousBackupsInput, _ ...func(*dynamodb.Options)) (*dynamodb.DescribeContinuousBackupsOutput, error) {
	d, err := s.tableForBackups(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	return &dynamodb.DescribeContinuousBackupsOutput{ContinuousBackupsDescription: s.continuousBackups(d)}, nil
}

// UpdateContinuousBackups turns point-in-time recovery on or off.
func (s *Service) UpdateContinuousBackups(ctx context.Context, in *dynamodb.UpdateContinuousBackupsInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateContinuousBackupsOutput, error) {
	d, err := s.tableForBackups(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	spec := in.PointInTimeRecoverySpecification
	if spec == nil || spec.PointInTimeRecoveryEnabled == nil {
		return nil, constraint("null ", "pointInTimeRecoverySpecification", "Member must not be null")
	}
	if !*spec.PointInTimeRecoveryEnabled && spec.RecoveryPeriodInDays != nil {
		return nil, invalid("Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.")
	}
	days := int32(35)
	if spec.RecoveryPeriodInDays != nil {
		days = *spec.RecoveryPeriodInDays
	}
	d, err = s.modify(ctx, d, func(d *table) error {
		if !*spec.PointInTimeRecoveryEnabled {
			d.Recovery = recovery{}
			return nil
		}
		if d.Recovery.Since.IsZero() {
			d.Recovery.Since = s.now()
		}
		d.Recovery.Days = days
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &dynamodb.UpdateContinuousBackupsOutput{ContinuousBackupsDescription: s.continuousBackups(d)}, nil
}

// overrides are what a restored table has in another way than its source. Nil and empty: as there.
type overrides struct {
	globals     []types.GlobalSecondaryIndex
	locals      []types.LocalSecondaryIndex
	vectors     []types.VectorIndex
	mode        types.BillingMode
	provisioned *types.ProvisionedThroughput
	most        *types.OnDemandThroughput
}

// units checks what a restore gives for the capacity of a table of a mode.
func (o *overrides) units(onDemand bool) error {
	switch {
	case o.mode == types.BillingModePayPerRequest && o.provisioned != nil:
		return invalid("Invalid Request: Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST")
	case onDemand && o.provisioned != nil:
		return invalid("Invalid Request: Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED")
	case o.mode == types.BillingModeProvisioned && o.provisioned == nil:
		return invalid("Invalid Request: Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED")
	case o.most == nil:
		return nil
	}
	for _, m := range []struct {
		name string
		n    *int64
	}{{"MaxReadRequestUnits", o.most.MaxReadRequestUnits}, {"MaxWriteRequestUnits", o.most.MaxWriteRequestUnits}} {
		switch {
		case m.n == nil:
		case !onDemand:
			return invalid("Invalid Request: Cannot override %s for OnDemandThroughput unless BillingModeOverride is PAY_PER_REQUEST", m.name)
		case *m.n < 1 && *m.n != -1:
			return invalid("Invalid Request: Requested %s for OnDemandThroughput is outside of valid range", m.name)
		}
	}
	return nil
}

// restoredTable makes the document of a table restored from another's.
func (s *Service) restoredTable(ctx context.Context, from *table, name string, o overrides) (*table, error) {
	if err := checkNewName(name, "targetTableName"); err != nil {
		return nil, err
	}
	if o.vectors != nil {
		return nil, vectorIndexes()
	}
	d := &table{
		Status: string(types.TableStatusCreating), Attributes: slices.Clone(from.Attributes), Hash: from.Hash, Range: from.Range, NextIndex: from.NextIndex,
		Throughput: throughput{Read: from.Throughput.Read, Write: from.Throughput.Write}, OnDemand: from.OnDemand, SSE: from.SSE, Class: from.Class, MaxUnits: from.MaxUnits,
	}
	if o.mode != "" {
		d.OnDemand = o.mode == types.BillingModePayPerRequest
	}
	if d.OnDemand {
		d.Throughput = throughput{}
	} else {
		d.MaxUnits = nil
	}
	if err := o.units(d.OnDemand); err != nil {
		return nil, err
	}
	if o.provisioned != nil {
		d.Throughput = throughputOf(o.provisioned)
	}
	if o.most != nil {
		d.MaxUnits = maxUnitsOf(o.most, nil)
	}
	var err error
	if d.Indexes, err = o.indexes(from, d); err != nil {
		return nil, err
	}
	d.dropUnused()
	s.place(ctx, d, name)
	return d, nil
}

// restore stores the document of a table that is to be restored; the runner loads its items.
func (s *Service) restore(ctx context.Context, d *table) error {
	err := s.create(ctx, d)
	var used *types.ResourceInUseException
	if errors.As(err, &used) {
		return &types.TableAlreadyExistsException{Message: aws.String("Table already exists: " + d.Name)}
	}
	return err
}

// fill loads the items of a restored table and makes it ACTIVE. It may be done again.
func (s *Service) fill(ctx context.Context, d *table) error {
	o, err := s.defined(d)
	if err == nil && d.Restored.Backup != "" {
		err = s.fillFromBackup(ctx, o)
	} else if err == nil {
		err = s.fillFromTable(ctx, o)
	}
	if err != nil {
		return fmt.Errorf("dynamodb: restoring %s: %w", d.arn(), err)
	}
	_, err = s.modify(ctx, d, func(d *table) error { d.Status = string(types.TableStatusActive); return nil })
	return err
}

func (s *Service) fillFromBackup(ctx context.Context, o *openTable) error {
	_, id, _ := strings.Cut(o.Restored.Backup, "/backup/")
	b, err := s.backups.Get(o.Account, o.Region, id)
	if err != nil {
		return err
	}
	return o.items.RestoreBackup(ctx, filepath.Join(s.cfg.BackupDir, b.Dir), b.Table.Store)
}

// fillFromTable copies the source as it is, then undoes its changes after the time of the
// restore; those that come during the copy are undone with the others.
func (s *Service) fillFromTable(ctx context.Context, o *openTable) error {
	a, _ := arn.Parse(o.Restored.Source)
	name, _ := a.After("table/")
	from, err := s.tables.Get(o.Account, o.Region, name)
	if err != nil {
		return err
	}
	src, err := s.opened(from)
	if err != nil {
		return err
	}
	return s.copyAsOf(ctx, o.items, src.items, o.Restored.At)
}

// RestoreTableFromBackup makes a table of a backup.
func (s *Service) RestoreTableFromBackup(ctx context.Context, in *dynamodb.RestoreTableFromBackupInput, _ ...func(*dynamodb.Options)) (*dynamodb.RestoreTableFromBackupOutput, error) {
	b, err := s.findBackup(ctx, aws.ToString(in.BackupArn))
	if err != nil {
		return nil, err
	}
	d, err := s.restoredTable(ctx, &b.Table, aws.ToString(in.TargetTableName), overrides{
		globals: in.GlobalSecondaryIndexOverride, locals: in.LocalSecondaryIndexOverride, vectors: in.VectorIndexOverride,
		mode: in.BillingModeOverride, provisioned: in.ProvisionedThroughputOverride, most: in.OnDemandThroughputOverride,
	})
	if err != nil {
		return nil, err
	}
	d.Restored = &restored{Backup: b.arn(), Source: b.Table.arn(), At: b.Created}
	if in.SSESpecificationOverride != nil {
		if d.SSE, err = s.encryption(ctx, d, in.SSESpecificationOverride); err != nil {
			return nil, err
		}
	}
	if err := s.restore(ctx, d); err != nil {
		return nil, err
	}
	return &dynamodb.RestoreTableFromBackupOutput{TableDescription: s.describe(d)}, nil
}

// RestoreTableToPointInTime makes a table of another as it was.
func (s *Service) RestoreTableToPointInTime(ctx context.Context, in *dynamodb.RestoreTableToPointInTimeInput, _ ...func(*dynamodb.Options)) (*dynamodb.RestoreTableToPointInTimeOutput, error) {
	if (in.SourceTableName == nil) == (in.SourceTableArn == nil) {
		return nil, invalid("Must provide exactly one of: sourceTableArn, sourceTableName")
	}
	if isTrue(in.UseLatestRestorableTime) == (in.RestoreDateTime != nil) {
		return nil, invalid("Invalid Request: Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both")
	}
	name := in.SourceTableName
	if name == nil {
		name = in.SourceTableArn
	}
	from, err := s.tableForBackups(ctx, name)
	if err != nil {
		return nil, err
	}
	if from.Recovery.Since.IsZero() {
		return nil, &types.PointInTimeRecoveryUnavailableException{Message: aws.String("Point in time recovery is not enabled for table '" + from.Name + "'")}
	}
	at := s.now()
	if !isTrue(in.UseLatestRestorableTime) {
		at = *in.RestoreDateTime
		p := s.continuousBackups(from).PointInTimeRecoveryDescription
		if at.Before(p.EarliestRestorableDateTime.Truncate(time.Second)) || at.After(s.now()) {
			return nil, &types.InvalidRestoreTimeException{Message: aws.String("The restore time is outside of the window in which the table can be restored")}
		}
	}
	d, err := s.restoredTable(ctx, from, aws.ToString(in.TargetTableName), overrides{
		globals: in.GlobalSecondaryIndexOverride, locals: in.LocalSecondaryIndexOverride, vectors: in.VectorIndexOverride,
		mode: in.BillingModeOverride, provisioned: in.ProvisionedThroughputOverride, most: in.OnDemandThroughputOverride,
	})
	if err != nil {
		return nil, err
	}
	d.Restored = &restored{Source: from.arn(), At: at}
	if in.SSESpecificationOverride != nil {
		if d.SSE, err = s.encryption(ctx, d, in.SSESpecificationOverride); err != nil {
			return nil, err
		}
	}
	if err := s.restore(ctx, d); err != nil {
		return nil, err
	}
	return &dynamodb.RestoreTableToPointInTimeOutput{TableDescription: s.describe(d)}, nil
}
