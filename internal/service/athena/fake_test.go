package athena

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/brookmere/brookmere/internal/engine/lakesql"
)

// fakeGlue is a catalog in memory, as much of one as the statements of the tests need.
type fakeGlue struct {
	mu         sync.Mutex
	databases  map[string]*gluetypes.Database
	tables     map[string]*gluetypes.Table
	partitions map[string][]gluetypes.Partition
}

func newFakeGlue() *fakeGlue {
	return &fakeGlue{databases: map[string]*gluetypes.Database{}, tables: map[string]*gluetypes.Table{}, partitions: map[string][]gluetypes.Partition{}}
}

var (
	errMissing = &gluetypes.EntityNotFoundException{Message: aws.String("Entity Not Found")}
	errExists  = &gluetypes.AlreadyExistsException{Message: aws.String("Already exists.")}
)

func key(database, table *string) string { return *database + "." + *table }

func (g *fakeGlue) GetDatabase(_ context.Context, in *glue.GetDatabaseInput, _ ...func(*glue.Options)) (*glue.GetDatabaseOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if d := g.databases[*in.Name]; d != nil {
		return &glue.GetDatabaseOutput{Database: d}, nil
	}
	return nil, errMissing
}

func (g *fakeGlue) GetDatabases(context.Context, *glue.GetDatabasesInput, ...func(*glue.Options)) (*glue.GetDatabasesOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := &glue.GetDatabasesOutput{}
	for _, d := range g.databases {
		out.DatabaseList = append(out.DatabaseList, *d)
	}
	return out, nil
}

func (g *fakeGlue) GetTable(_ context.Context, in *glue.GetTableInput, _ ...func(*glue.Options)) (*glue.GetTableOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t := g.tables[key(in.DatabaseName, in.Name)]; t != nil {
		return &glue.GetTableOutput{Table: t}, nil
	}
	return nil, errMissing
}

func (g *fakeGlue) GetTables(_ context.Context, in *glue.GetTablesInput, _ ...func(*glue.Options)) (*glue.GetTablesOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.databases[*in.DatabaseName] == nil {
		return nil, errMissing
	}
	out := &glue.GetTablesOutput{}
	for k, t := range g.tables {
		if strings.HasPrefix(k, *in.DatabaseName+".") {
			out.TableList = append(out.TableList, *t)
		}
	}
	return out, nil
}

func (g *fakeGlue) GetPartitions(_ context.Context, in *glue.GetPartitionsInput, _ ...func(*glue.Options)) (*glue.GetPartitionsOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := &glue.GetPartitionsOutput{}
	for _, p := range g.partitions[key(in.DatabaseName, in.TableName)] {
		match := true
		for part := range strings.SplitSeq(aws.ToString(in.Expression), " AND ") { // "k" = 'v', of the first key
			if part != "" && !strings.HasSuffix(part, "'"+p.Values[0]+"'") {
				match = false
			}
		}
		if match {
			out.Partitions = append(out.Partitions, p)
		}
	}
	return out, nil
}

func (g *fakeGlue) CreateDatabase(_ context.Context, in *glue.CreateDatabaseInput, _ ...func(*glue.Options)) (*glue.CreateDatabaseOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := in.DatabaseInput
	if g.databases[*i.Name] != nil {
		return nil, errExists
	}
	g.databases[*i.Name] = &gluetypes.Database{Name: i.Name, Description: i.Description, LocationUri: i.LocationUri, Parameters: i.Parameters}
	return &glue.CreateDatabaseOutput{}, nil
}

func (g *fakeGlue) UpdateDatabase(_ context.Context, in *glue.UpdateDatabaseInput, _ ...func(*glue.Options)) (*glue.UpdateDatabaseOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.databases[*in.Name].Parameters = in.DatabaseInput.Parameters
	return &glue.UpdateDatabaseOutput{}, nil
}

func (g *fakeGlue) DeleteDatabase(_ context.Context, in *glue.DeleteDatabaseInput, _ ...func(*glue.Options)) (*glue.DeleteDatabaseOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.databases, *in.Name)
	return &glue.DeleteDatabaseOutput{}, nil
}

func (g *fakeGlue) put(database *string, i *gluetypes.TableInput) {
	g.tables[key(database, i.Name)] = &gluetypes.Table{
		Name: i.Name, DatabaseName: database, Owner: i.Owner, TableType: i.TableType, Parameters: i.Parameters,
		PartitionKeys: i.PartitionKeys, StorageDescriptor: i.StorageDescriptor,
		ViewOriginalText: i.ViewOriginalText, ViewExpandedText: i.ViewExpandedText,
	}
}

func (g *fakeGlue) CreateTable(_ context.Context, in *glue.CreateTableInput, _ ...func(*glue.Options)) (*glue.CreateTableOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.tables[key(in.DatabaseName, in.TableInput.Name)] != nil {
		return nil, errExists
	}
	g.put(in.DatabaseName, in.TableInput)
	return &glue.CreateTableOutput{}, nil
}

func (g *fakeGlue) UpdateTable(_ context.Context, in *glue.UpdateTableInput, _ ...func(*glue.Options)) (*glue.UpdateTableOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.put(in.DatabaseName, in.TableInput)
	return &glue.UpdateTableOutput{}, nil
}

func (g *fakeGlue) DeleteTable(_ context.Context, in *glue.DeleteTableInput, _ ...func(*glue.Options)) (*glue.DeleteTableOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	k := key(in.DatabaseName, in.Name)
	if g.tables[k] == nil {
		return nil, errMissing
	}
	delete(g.tables, k)
	delete(g.partitions, k)
	return &glue.DeleteTableOutput{}, nil
}

func (g *fakeGlue) BatchCreatePartition(_ context.Context, in *glue.BatchCreatePartitionInput, _ ...func(*glue.Options)) (*glue.BatchCreatePartitionOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := &glue.BatchCreatePartitionOutput{}
	k := key(in.DatabaseName, in.TableName)
	for _, p := range in.PartitionInputList {
		if slices.ContainsFunc(g.partitions[k], func(o gluetypes.Partition) bool { return slices.Equal(o.Values, p.Values) }) {
			out.Errors = append(out.Errors, gluetypes.PartitionError{PartitionValues: p.Values, ErrorDetail: &gluetypes.ErrorDetail{ErrorCode: aws.String("AlreadyExistsException")}})
			continue
		}
		g.partitions[k] = append(g.partitions[k], gluetypes.Partition{Values: p.Values, StorageDescriptor: p.StorageDescriptor})
	}
	return out, nil
}

func (g *fakeGlue) BatchDeletePartition(_ context.Context, in *glue.BatchDeletePartitionInput, _ ...func(*glue.Options)) (*glue.BatchDeletePartitionOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	k := key(in.DatabaseName, in.TableName)
	for _, v := range in.PartitionsToDelete {
		g.partitions[k] = slices.DeleteFunc(g.partitions[k], func(o gluetypes.Partition) bool { return slices.Equal(o.Values, v.Values) })
	}
	return &glue.BatchDeletePartitionOutput{}, nil
}

func (g *fakeGlue) UpdatePartition(_ context.Context, in *glue.UpdatePartitionInput, _ ...func(*glue.Options)) (*glue.UpdatePartitionOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, p := range g.partitions[key(in.DatabaseName, in.TableName)] {
		if slices.Equal(p.Values, in.PartitionValueList) {
			g.partitions[key(in.DatabaseName, in.TableName)][i] = gluetypes.Partition{Values: in.PartitionInput.Values, StorageDescriptor: in.PartitionInput.StorageDescriptor}
		}
	}
	return &glue.UpdatePartitionOutput{}, nil
}

// dirObjects is objects as files, bucket by bucket.
type dirObjects struct{ dir string }

func (d dirObjects) path(bucket, key *string) string { return filepath.Join(d.dir, *bucket, *key) }

func (d dirObjects) HeadBucket(_ context.Context, in *s3.HeadBucketInput, _ ...func(*s3.Options)) (*s3.HeadBucketOutput, error) {
	if _, err := os.Stat(filepath.Join(d.dir, *in.Bucket)); err != nil {
		return nil, &s3types.NotFound{}
	}
	return &s3.HeadBucketOutput{}, nil
}

func (d dirObjects) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	b, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	p := d.path(in.Bucket, in.Key)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		return nil, err
	}
	return &s3.PutObjectOutput{}, os.WriteFile(p, b, 0o644)
}

func (d dirObjects) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	b, err := os.ReadFile(d.path(in.Bucket, in.Key))
	if err != nil {
		return nil, &s3types.NoSuchKey{}
	}
	if in.Range != nil {
		var from int
		if _, err := fmt.Sscanf(*in.Range, "bytes=%d-", &from); err != nil {
			return nil, err
		}
		b = b[from:]
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(b))}, nil
}

func (d dirObjects) CopyObject(_ context.Context, in *s3.CopyObjectInput, _ ...func(*s3.Options)) (*s3.CopyObjectOutput, error) {
	b, err := os.ReadFile(filepath.Join(d.dir, *in.CopySource))
	if err != nil {
		return nil, &s3types.NoSuchKey{}
	}
	return &s3.CopyObjectOutput{}, os.WriteFile(d.path(in.Bucket, in.Key), b, 0o644)
}

func (d dirObjects) DeleteObject(_ context.Context, in *s3.DeleteObjectInput, _ ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	return &s3.DeleteObjectOutput{}, os.Remove(d.path(in.Bucket, in.Key))
}

func (d dirObjects) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	out := &s3.ListObjectsV2Output{}
	entries, err := os.ReadDir(d.path(in.Bucket, in.Prefix))
	if err != nil {
		return out, nil
	}
	for _, e := range entries {
		if e.IsDir() {
			out.CommonPrefixes = append(out.CommonPrefixes, s3types.CommonPrefix{Prefix: aws.String(*in.Prefix + e.Name() + "/")})
		}
	}
	return out, nil
}

// Files lists for the query engine.
func (d dirObjects) Files(_ context.Context, location string) ([]lakesql.File, error) {
	bucket, prefix, err := splitLocation(location)
	if err != nil {
		return nil, err
	}
	var files []lakesql.File
	root := filepath.Join(d.dir, bucket)
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		k := filepath.ToSlash(path[len(root)+1:])
		if !strings.HasPrefix(k, strings.TrimSuffix(prefix, "/")) {
			return nil
		}
		info, err := e.Info()
		files = append(files, lakesql.File{URI: "s3://" + bucket + "/" + k, Path: path, Size: info.Size()})
		return err
	})
	return files, err
}
