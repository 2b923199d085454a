package athena

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// Partitions: ALTER TABLE ADD, DROP and RENAME PARTITION, MSCK REPAIR TABLE.

// partitionValues orders the values of a full PARTITION clause as the keys are.
func partitionValues(t *gluetypes.Table, spec sql.PartitionSpec) ([]string, error) {
	values := make([]string, len(t.PartitionKeys))
	if len(spec) != len(values) {
		return nil, failf("FAILED: SemanticException partition spec does not name all %d partition columns of %s", len(values), aws.ToString(t.Name))
	}
	for _, v := range spec {
		i := slices.IndexFunc(t.PartitionKeys, func(k gluetypes.Column) bool { return strings.EqualFold(aws.ToString(k.Name), v.Column.Name) })
		if i < 0 {
			return nil, failf("FAILED: SemanticException [Error 10098]: %s is not a partition column", v.Column.Lower())
		}
		if v.Op != "=" {
			return nil, failf("FAILED: SemanticException partition spec must give a value for %s", v.Column.Lower())
		}
		if v.Value == "" {
			return nil, failf("FAILED: SemanticException partition spec has an empty value for %s", v.Column.Lower())
		}
		values[i] = v.Value
	}
	return values, nil
}

// partitionFolder is Hive's path of a partition: "year=2024/day=01".
func partitionFolder(t *gluetypes.Table, values []string) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = strings.ToLower(aws.ToString(t.PartitionKeys[i].Name)) + "=" + hivetype.EscapePath(v)
	}
	return strings.Join(parts, "/")
}

func newPartition(t *gluetypes.Table, values []string, location string) gluetypes.PartitionInput {
	sd := gluetypes.StorageDescriptor{}
	if t.StorageDescriptor != nil {
		sd = *t.StorageDescriptor
	}
	sd.Location = aws.String(location)
	return gluetypes.PartitionInput{Values: values, StorageDescriptor: &sd}
}

func (d *ddl) addPartitions(ctx context.Context, database string, t *gluetypes.Table, a *sql.AddPartitions) error {
	var parts []gluetypes.PartitionInput
	for _, n := range a.Partitions {
		values, err := partitionValues(t, n.Spec)
		if err != nil {
			return err
		}
		location := n.Location
		if location == "" {
			base := ""
			if t.StorageDescriptor != nil {
				base = aws.ToString(t.StorageDescriptor.Location)
			}
			location = strings.TrimSuffix(base, "/") + "/" + partitionFolder(t, values)
		}
		if _, _, err := splitLocation(location); err != nil {
			return failf(ddlTask+"%s is not a valid S3 location", location)
		}
		parts = append(parts, newPartition(t, values, location))
	}
	return d.createPartitions(ctx, database, t, parts, a.IfNotExists)
}

func (d *ddl) createPartitions(ctx context.Context, database string, t *gluetypes.Table, parts []gluetypes.PartitionInput, skip bool) error {
	for batch := range slices.Chunk(parts, 100) {
		out, err := d.s.glue.BatchCreatePartition(ctx, &glue.BatchCreatePartitionInput{
			DatabaseName: aws.String(database), TableName: t.Name, PartitionInputList: batch,
		})
		if err != nil {
			return glueFailure(err)
		}
		for _, e := range out.Errors {
			code := aws.ToString(e.ErrorDetail.ErrorCode)
			if code == "AlreadyExistsException" {
				if skip {
					continue
				}
				return failf(ddlTask+"AlreadyExistsException(message:Partition already exists: Partition(values:[%s], ...))", strings.Join(e.PartitionValues, ", "))
			}
			return failf(ddlTask+"%s: %s", code, aws.ToString(e.ErrorDetail.ErrorMessage))
		}
	}
	return nil
}

// expression is a PARTITION clause as an expression of GetPartitions.
func expression(t *gluetypes.Table, spec sql.PartitionSpec) (string, error) {
	var parts []string
	for _, v := range spec {
		if !slices.ContainsFunc(t.PartitionKeys, func(k gluetypes.Column) bool { return strings.EqualFold(aws.ToString(k.Name), v.Column.Name) }) {
			return "", failf("FAILED: SemanticException [Error 10098]: %s is not a partition column", v.Column.Lower())
		}
		if v.Op == "" {
			continue
		}
		parts = append(parts, `"`+v.Column.Lower()+`" `+v.Op+" '"+strings.ReplaceAll(v.Value, "'", "''")+"'")
	}
	return strings.Join(parts, " AND "), nil
}

// partition is the partition of the values; nil if there is none. The values of others, which may
// not be of their columns' types, do not matter.
func (d *ddl) partition(ctx context.Context, database string, t *gluetypes.Table, values []string) (*gluetypes.Partition, error) {
	var found *gluetypes.Partition
	err := eachPartition(ctx, d.s.glue, database, aws.ToString(t.Name), "", true, func(p gluetypes.Partition) {
		if slices.Equal(p.Values, values) {
			found = &p
		}
	})
	return found, glueFailure(err)
}

func (d *ddl) dropPartitions(ctx context.Context, database string, t *gluetypes.Table, a *sql.DropPartitions) error {
	var drop []gluetypes.PartitionValueList
	for _, spec := range a.Partitions {
		expr, err := expression(t, spec)
		if err != nil {
			return err
		}
		if values, err := partitionValues(t, spec); err == nil {
			p, err := d.partition(ctx, database, t, values)
			if err != nil {
				return err
			}
			if p != nil {
				drop = append(drop, gluetypes.PartitionValueList{Values: p.Values})
				continue
			}
		}
		found := false
		err = eachPartition(ctx, d.s.glue, database, aws.ToString(t.Name), expr, false, func(p gluetypes.Partition) {
			found = true
			drop = append(drop, gluetypes.PartitionValueList{Values: p.Values})
		})
		if err != nil {
			return glueFailure(err)
		}
		if !found && !a.IfExists {
			return failf("FAILED: SemanticException [Error 10006]: Partition not found (%s)", expr)
		}
	}
	for batch := range slices.Chunk(drop, 25) {
		if _, err := d.s.glue.BatchDeletePartition(ctx, &glue.BatchDeletePartitionInput{
			DatabaseName: aws.String(database), TableName: t.Name, PartitionsToDelete: batch,
		}); err != nil {
			return glueFailure(err)
		}
	}
	return nil
}

func (d *ddl) changePartition(ctx context.Context, database string, t *gluetypes.Table, spec sql.PartitionSpec, change func(*gluetypes.PartitionInput) error) error {
	values, err := partitionValues(t, spec)
	if err != nil {
		return err
	}
	old, err := d.partition(ctx, database, t, values)
	if err != nil {
		return err
	}
	if old == nil {
		expr, _ := expression(t, spec)
		return failf("FAILED: SemanticException [Error 10006]: Partition not found (%s)", expr)
	}
	p := &gluetypes.PartitionInput{Values: old.Values, Parameters: old.Parameters, StorageDescriptor: old.StorageDescriptor}
	if p.StorageDescriptor == nil {
		p.StorageDescriptor = &gluetypes.StorageDescriptor{}
	}
	if err := change(p); err != nil {
		return err
	}
	_, err = d.s.glue.UpdatePartition(ctx, &glue.UpdatePartitionInput{
		DatabaseName: aws.String(database), TableName: t.Name, PartitionValueList: old.Values, PartitionInput: p,
	})
	return glueFailure(err)
}

// repairTable adds the partitions whose folders, in Hive's form, are below the table's
// location and not in the catalog.
func (d *ddl) repairTable(ctx context.Context, st *sql.RepairTable) error {
	database, t, err := d.table(ctx, st.Name)
	if err != nil {
		return err
	}
	if len(t.PartitionKeys) == 0 || t.StorageDescriptor == nil {
		return nil
	}
	location := strings.TrimSuffix(aws.ToString(t.StorageDescriptor.Location), "/") + "/"
	bucket, prefix, err := splitLocation(location)
	if err != nil {
		return failf(ddlTask+"%s is not a valid S3 location", location)
	}
	known := make(map[string]string) // the folder below the table's location that has a partition's files
	err = eachPartition(ctx, d.s.glue, database, aws.ToString(t.Name), "", false, func(p gluetypes.Partition) {
		at := ""
		if p.StorageDescriptor != nil {
			at, _ = strings.CutPrefix(strings.TrimSuffix(aws.ToString(p.StorageDescriptor.Location), "/"), location)
		}
		known[strings.Join(p.Values, "\x00")] = at
	})
	if err != nil {
		return glueFailure(err)
	}
	var parts []gluetypes.PartitionInput
	var folders, passed []string
	err = d.folders(ctx, bucket, prefix, len(t.PartitionKeys), func(folder string) {
		var values []string
		for i, segment := range strings.Split(strings.Trim(folder[len(prefix):], "/"), "/") {
			k, v, ok := strings.Cut(segment, "=")
			if !ok || k != strings.ToLower(aws.ToString(t.PartitionKeys[i].Name)) { // in lower case alone, as Athena's
				return
			}
			v = hivetype.UnescapePath(v)
			if v == "" {
				return
			}
			values = append(values, v)
		}
		key := strings.Join(values, "\x00")
		if len(values) != len(t.PartitionKeys) {
			return
		}
		name := strings.TrimSuffix(folder[len(prefix):], "/")
		if at, ok := known[key]; ok {
			if at != name && strings.Count(at, "/") == len(values)-1 && strings.Contains(at, "=") { // two folders of one partition
				passed = append(passed, fmt.Sprintf("%s: the partition has its files in %s", name, at))
			}
			return
		}
		known[key] = name
		parts = append(parts, newPartition(t, values, "s3://"+bucket+"/"+strings.TrimSuffix(folder, "/")))
		folders = append(folders, strings.TrimSuffix(folder[len(prefix):], "/"))
	})
	if err != nil {
		return err
	}
	if err := d.createPartitions(ctx, database, t, parts, true); err != nil {
		return err
	}
	if len(folders) > 0 {
		names := make([]string, len(folders))
		for i, f := range folders {
			names[i] = aws.ToString(t.Name) + ":" + f
		}
		d.out.line("Partitions not in metastore:", strings.Join(names, "\t"))
		for _, n := range names {
			d.out.line("Repair: Added partition to metastore " + n)
		}
	}
	for _, p := range passed {
		d.out.line("Repair: Cannot add partition " + aws.ToString(t.Name) + ":" + p)
	}
	return nil
}

// folders calls f for every folder depth levels below prefix, asking S3 for folders
// only, level by level.
func (d *ddl) folders(ctx context.Context, bucket, prefix string, depth int, f func(folder string)) error {
	in := &s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: aws.String(prefix), Delimiter: aws.String("/")}
	for {
		page, err := d.s.objects.ListObjectsV2(ctx, in)
		if err != nil {
			return glueFailure(err)
		}
		for _, p := range page.CommonPrefixes {
			folder := aws.ToString(p.Prefix)
			if !strings.HasPrefix(folder, prefix) {
				continue
			}
			if name := folder[len(prefix):]; strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") {
				continue
			}
			if depth == 1 {
				f(folder)
			} else if err := d.folders(ctx, bucket, folder, depth-1, f); err != nil {
				return err
			}
		}
		if in.ContinuationToken = page.NextContinuationToken; aws.ToString(in.ContinuationToken) == "" {
			return nil
		}
	}
}
