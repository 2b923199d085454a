package athena

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/servicetest"
)

// fakeGlue is a catalog in memory, as much of one as the statements of the tests need. It runs
// the files of the Glue service that say what a catalog is (TestFakes).
type fakeGlue struct {
	mu         sync.Mutex
	databases  map[string]*gluetypes.Database
	tables     map[string]*gluetypes.Table
	partitions map[string][]gluetypes.Partition
}

func newFakeGlue() *fakeGlue {
	return &fakeGlue{databases: map[string]*gluetypes.Database{}, tables: map[string]*gluetypes.Table{}, partitions: map[string][]gluetypes.Partition{}}
}

func missingEntity(format string, args ...any) error {
	return &gluetypes.EntityNotFoundException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func existingEntity(what string) error {
	return &gluetypes.AlreadyExistsException{Message: aws.String(what + " already exists.")}
}

func key(database, table *string) string { return *database + "." + *table }

// database is one of the databases; the caller has locked.
func (g *fakeGlue) database(name *string) (*gluetypes.Database, error) {
	if d := g.databases[*name]; d != nil {
		return d, nil
	}
	return nil, missingEntity("Database %s not found.", *name)
}

// table is one of the tables; the caller has locked.
func (g *fakeGlue) table(database, name *string) (*gluetypes.Table, error) {
	if _, err := g.database(database); err != nil {
		return nil, err
	}
	if t := g.tables[key(database, name)]; t != nil {
		return t, nil
	}
	return nil, missingEntity("Entity Not Found")
}

func (g *fakeGlue) GetDatabase(_ context.Context, in *glue.GetDatabaseInput, _ ...func(*glue.Options)) (*glue.GetDatabaseOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	d, err := g.database(in.Name)
	if err != nil {
		return nil, err
	}
	return &glue.GetDatabaseOutput{Database: d}, nil
}

func (g *fakeGlue) GetDatabases(context.Context, *glue.GetDatabasesInput, ...func(*glue.Options)) (*glue.GetDatabasesOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := &glue.GetDatabasesOutput{}
	for _, name := range sortedKeys(g.databases) {
		out.DatabaseList = append(out.DatabaseList, *g.databases[name])
	}
	return out, nil
}

func (g *fakeGlue) GetTable(_ context.Context, in *glue.GetTableInput, _ ...func(*glue.Options)) (*glue.GetTableOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t, err := g.table(in.DatabaseName, in.Name)
	if err != nil {
		return nil, err
	}
	return &glue.GetTableOutput{Table: t}, nil
}

func (g *fakeGlue) GetTables(_ context.Context, in *glue.GetTablesInput, _ ...func(*glue.Options)) (*glue.GetTablesOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, err := g.database(in.DatabaseName); err != nil {
		return nil, err
	}
	out := &glue.GetTablesOutput{}
	for _, k := range sortedKeys(g.tables) {
		if strings.HasPrefix(k, *in.DatabaseName+".") {
			out.TableList = append(out.TableList, *g.tables[k])
		}
	}
	return out, nil
}

func (g *fakeGlue) GetPartitions(_ context.Context, in *glue.GetPartitionsInput, _ ...func(*glue.Options)) (*glue.GetPartitionsOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, err := g.table(in.DatabaseName, in.TableName); err != nil {
		return nil, err
	}
	out := &glue.GetPartitionsOutput{}
	for _, p := range g.partitions[key(in.DatabaseName, in.TableName)] {
		match := true
		for part := range strings.SplitSeq(aws.ToString(in.Expression), " AND ") { // "k" = 'v', of the first key
			if part != "" && !strings.HasSuffix(part, "'"+p.Values[0]+"'") {
				match = false
			}
		}
		if !match {
			continue
		}
		if sd := stored(p.StorageDescriptor); sd != nil {
			switch {
			case aws.ToBool(in.ExcludeColumnSchema):
				sd.Columns = nil
			case sd.Columns == nil:
				sd.Columns = []gluetypes.Column{}
			}
			p.StorageDescriptor = sd
		}
		out.Partitions = append(out.Partitions, p)
	}
	return out, nil
}

func (g *fakeGlue) CreateDatabase(_ context.Context, in *glue.CreateDatabaseInput, _ ...func(*glue.Options)) (*glue.CreateDatabaseOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.databases[*in.DatabaseInput.Name] != nil {
		return nil, existingEntity("Database")
	}
	g.putDatabase(in.DatabaseInput)
	return &glue.CreateDatabaseOutput{}, nil
}

func (g *fakeGlue) putDatabase(i *gluetypes.DatabaseInput) {
	g.databases[*i.Name] = &gluetypes.Database{Name: i.Name, Description: i.Description, LocationUri: i.LocationUri, Parameters: i.Parameters}
}

func (g *fakeGlue) UpdateDatabase(_ context.Context, in *glue.UpdateDatabaseInput, _ ...func(*glue.Options)) (*glue.UpdateDatabaseOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, err := g.database(in.Name); err != nil {
		return nil, err
	}
	g.putDatabase(in.DatabaseInput)
	return &glue.UpdateDatabaseOutput{}, nil
}

func (g *fakeGlue) DeleteDatabase(_ context.Context, in *glue.DeleteDatabaseInput, _ ...func(*glue.Options)) (*glue.DeleteDatabaseOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, err := g.database(in.Name); err != nil {
		return nil, err
	}
	delete(g.databases, *in.Name)
	return &glue.DeleteDatabaseOutput{}, nil
}

// stored is a storage descriptor as it is given back.
func stored(sd *gluetypes.StorageDescriptor) *gluetypes.StorageDescriptor {
	if sd == nil {
		return nil
	}
	out := *sd
	if out.SortColumns == nil {
		out.SortColumns = []gluetypes.Order{}
	}
	return &out
}

func (g *fakeGlue) put(database *string, i *gluetypes.TableInput) {
	t := &gluetypes.Table{
		Name: i.Name, DatabaseName: database, Owner: i.Owner, TableType: i.TableType, Parameters: i.Parameters,
		PartitionKeys: i.PartitionKeys, StorageDescriptor: stored(i.StorageDescriptor),
		ViewOriginalText: i.ViewOriginalText, ViewExpandedText: i.ViewExpandedText,
	}
	if t.PartitionKeys == nil {
		t.PartitionKeys = []gluetypes.Column{}
	}
	g.tables[key(database, i.Name)] = t
}

func (g *fakeGlue) CreateTable(_ context.Context, in *glue.CreateTableInput, _ ...func(*glue.Options)) (*glue.CreateTableOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, err := g.database(in.DatabaseName); err != nil {
		return nil, err
	}
	if g.tables[key(in.DatabaseName, in.TableInput.Name)] != nil {
		return nil, existingEntity("Table")
	}
	g.put(in.DatabaseName, in.TableInput)
	return &glue.CreateTableOutput{}, nil
}

func (g *fakeGlue) UpdateTable(_ context.Context, in *glue.UpdateTableInput, _ ...func(*glue.Options)) (*glue.UpdateTableOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, err := g.table(in.DatabaseName, in.TableInput.Name); err != nil {
		return nil, err
	}
	g.put(in.DatabaseName, in.TableInput)
	return &glue.UpdateTableOutput{}, nil
}

func (g *fakeGlue) DeleteTable(_ context.Context, in *glue.DeleteTableInput, _ ...func(*glue.Options)) (*glue.DeleteTableOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, err := g.table(in.DatabaseName, in.Name); err != nil {
		return nil, err
	}
	k := key(in.DatabaseName, in.Name)
	delete(g.tables, k)
	delete(g.partitions, k)
	return &glue.DeleteTableOutput{}, nil
}

// putPartition adds a partition, in the order of the values.
func (g *fakeGlue) putPartition(database, table *string, i gluetypes.PartitionInput) {
	k := key(database, table)
	g.partitions[k] = append(g.partitions[k], gluetypes.Partition{DatabaseName: database, TableName: table, Values: i.Values, StorageDescriptor: stored(i.StorageDescriptor)})
	slices.SortFunc(g.partitions[k], func(a, b gluetypes.Partition) int { return slices.Compare(a.Values, b.Values) })
}

// deletePartition reports whether a partition was there.
func (g *fakeGlue) deletePartition(database, table *string, values []string) bool {
	k := key(database, table)
	before := len(g.partitions[k])
	g.partitions[k] = slices.DeleteFunc(g.partitions[k], func(o gluetypes.Partition) bool { return slices.Equal(o.Values, values) })
	return len(g.partitions[k]) < before
}

func (g *fakeGlue) BatchCreatePartition(_ context.Context, in *glue.BatchCreatePartitionInput, _ ...func(*glue.Options)) (*glue.BatchCreatePartitionOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, err := g.table(in.DatabaseName, in.TableName); err != nil {
		return nil, err
	}
	out := &glue.BatchCreatePartitionOutput{}
	k := key(in.DatabaseName, in.TableName)
	for _, p := range in.PartitionInputList {
		if slices.ContainsFunc(g.partitions[k], func(o gluetypes.Partition) bool { return slices.Equal(o.Values, p.Values) }) {
			out.Errors = append(out.Errors, gluetypes.PartitionError{PartitionValues: p.Values, ErrorDetail: &gluetypes.ErrorDetail{
				ErrorCode: aws.String("AlreadyExistsException"), ErrorMessage: aws.String("Partition already exists."),
			}})
			continue
		}
		g.putPartition(in.DatabaseName, in.TableName, p)
	}
	return out, nil
}

func (g *fakeGlue) BatchDeletePartition(_ context.Context, in *glue.BatchDeletePartitionInput, _ ...func(*glue.Options)) (*glue.BatchDeletePartitionOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, err := g.table(in.DatabaseName, in.TableName); err != nil {
		return nil, err
	}
	for _, v := range in.PartitionsToDelete {
		g.deletePartition(in.DatabaseName, in.TableName, v.Values)
	}
	return &glue.BatchDeletePartitionOutput{}, nil
}

func (g *fakeGlue) UpdatePartition(_ context.Context, in *glue.UpdatePartitionInput, _ ...func(*glue.Options)) (*glue.UpdatePartitionOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.deletePartition(in.DatabaseName, in.TableName, in.PartitionValueList) {
		return nil, missingEntity("Cannot find partition.")
	}
	g.putPartition(in.DatabaseName, in.TableName, *in.PartitionInput)
	return &glue.UpdatePartitionOutput{}, nil
}

// API serves the fake to the files of the Glue service.
func (g *fakeGlue) API() awswire.API {
	return awswire.API{Model: "glue", Operations: []awswire.Operation{
		awswire.Executes(g.CreateDatabase), awswire.Executes(g.GetDatabase), awswire.Executes(g.GetDatabases),
		awswire.Executes(g.UpdateDatabase), awswire.Executes(g.DeleteDatabase),
		awswire.Executes(g.CreateTable), awswire.Executes(g.GetTable), awswire.Executes(g.GetTables),
		awswire.Executes(g.UpdateTable), awswire.Executes(g.DeleteTable),
		awswire.Executes(g.BatchCreatePartition), awswire.Executes(g.GetPartitions),
		awswire.Executes(g.UpdatePartition), awswire.Executes(g.BatchDeletePartition),
	}}
}

// TestFakes: the fakes do what the services do that they stand for.
func TestFakes(t *testing.T) {
	leavesOut := []string{"CatalogId", "CreateTime", "UpdateTime", "CreationTime", "CreatedBy", "CreateTableDefaultPermissions", "IsRegisteredWithLakeFormation", "VersionId"}
	t.Run("glue", func(t *testing.T) {
		servicetest.RunFake(t, "../../glue/testdata/shared/*.txt", leavesOut, func(testing.TB, servicetest.Parts) servicetest.Service { return newFakeGlue() })
	})
	t.Run("s3", func(t *testing.T) {
		servicetest.RunFake(t, "../../s3/testdata/shared/*.txt", nil, func(t testing.TB, p servicetest.Parts) servicetest.Service {
			if err := os.MkdirAll(filepath.Join(p.Dir, "objects", "out"), 0o755); err != nil {
				t.Fatal(err)
			}
			return servicetest.ObjectService{Objects: dirObjects{filepath.Join(p.Dir, "objects")}}
		})
	})
}

// dirObjects is objects as files, bucket by bucket.
type dirObjects struct{ dir string }

func (d dirObjects) path(bucket, key *string) string { return filepath.Join(d.dir, *bucket, *key) }

// bucket fails where a bucket is not there.
func (d dirObjects) bucket(name *string) error {
	if _, err := os.Stat(filepath.Join(d.dir, *name)); err != nil {
		return &s3types.NoSuchBucket{Message: aws.String("The specified bucket does not exist")}
	}
	return nil
}

// read is the bytes of an object.
func (d dirObjects) read(path string, bucket *string) ([]byte, error) {
	if err := d.bucket(bucket); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, &s3types.NoSuchKey{Message: aws.String("The specified key does not exist.")}
	}
	return b, nil
}

func (d dirObjects) write(path string, bucket *string, b []byte) error {
	if err := d.bucket(bucket); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o644)
}

func (d dirObjects) GetBucketLocation(_ context.Context, in *s3.GetBucketLocationInput, _ ...func(*s3.Options)) (*s3.GetBucketLocationOutput, error) {
	if _, err := os.Stat(filepath.Join(d.dir, *in.Bucket)); err != nil {
		return nil, &s3types.NotFound{}
	}
	return &s3.GetBucketLocationOutput{}, nil
}

func (d dirObjects) HeadBucket(ctx context.Context, in *s3.HeadBucketInput, _ ...func(*s3.Options)) (*s3.HeadBucketOutput, error) {
	_, err := d.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: in.Bucket})
	return &s3.HeadBucketOutput{}, err
}

func (d dirObjects) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	b, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	return &s3.PutObjectOutput{}, d.write(d.path(in.Bucket, in.Key), in.Bucket, b)
}

func (d dirObjects) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	b, err := d.read(d.path(in.Bucket, in.Key), in.Bucket)
	if err != nil {
		return nil, err
	}
	if in.Range != nil {
		var from int
		if _, err := fmt.Sscanf(*in.Range, "bytes=%d-", &from); err != nil {
			return nil, err
		}
		if from >= len(b) {
			return nil, &smithy.GenericAPIError{Code: "InvalidRange", Message: "The requested range is not satisfiable"}
		}
		b = b[from:]
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(b))}, nil
}

func (d dirObjects) CopyObject(_ context.Context, in *s3.CopyObjectInput, _ ...func(*s3.Options)) (*s3.CopyObjectOutput, error) {
	bucket, _, _ := strings.Cut(*in.CopySource, "/")
	b, err := d.read(filepath.Join(d.dir, *in.CopySource), &bucket)
	if err != nil {
		return nil, err
	}
	return &s3.CopyObjectOutput{}, d.write(d.path(in.Bucket, in.Key), in.Bucket, b)
}

func (d dirObjects) DeleteObject(_ context.Context, in *s3.DeleteObjectInput, _ ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	if err := os.Remove(d.path(in.Bucket, in.Key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return &s3.DeleteObjectOutput{}, nil
}

func (d dirObjects) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	root := filepath.Join(d.dir, *in.Bucket)
	if err := d.bucket(in.Bucket); err != nil {
		return nil, err
	}
	prefix, delimiter := aws.ToString(in.Prefix), aws.ToString(in.Delimiter)
	out := &s3.ListObjectsV2Output{Name: in.Bucket, Prefix: in.Prefix, Delimiter: in.Delimiter, MaxKeys: in.MaxKeys, IsTruncated: aws.Bool(false)}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		key := filepath.ToSlash(path[len(root)+1:])
		if !strings.HasPrefix(key, prefix) {
			return nil
		}
		if folder, _, ok := strings.Cut(key[len(prefix):], delimiter); ok && delimiter != "" {
			folder = prefix + folder + delimiter
			if n := len(out.CommonPrefixes); n == 0 || *out.CommonPrefixes[n-1].Prefix != folder {
				out.CommonPrefixes = append(out.CommonPrefixes, s3types.CommonPrefix{Prefix: aws.String(folder)})
			}
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		out.Contents = append(out.Contents, s3types.Object{Key: aws.String(key), Size: aws.Int64(info.Size())})
		return nil
	})
	slices.SortFunc(out.Contents, func(a, b s3types.Object) int { return strings.Compare(*a.Key, *b.Key) })
	if n := int(aws.ToInt32(in.MaxKeys)); n > 0 && len(out.Contents) > n {
		out.Contents, out.IsTruncated = out.Contents[:n], aws.Bool(true)
	}
	out.KeyCount = aws.Int32(int32(len(out.Contents) + len(out.CommonPrefixes)))
	return out, err
}

// Files lists for the query engine.
func (d dirObjects) Files(_ context.Context, location string) ([]lakesql.File, error) {
	bucket, prefix, err := splitLocation(location)
	if err != nil {
		return nil, err
	}
	var files []lakesql.File
	root := filepath.Join(d.dir, bucket)
	if _, err := os.Stat(root); err != nil {
		return nil, lakesql.ErrNoBucket
	}
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		k := filepath.ToSlash(path[len(root)+1:])
		if !strings.HasPrefix(k, strings.TrimSuffix(prefix, "/")+"/") {
			return nil
		}
		info, err := e.Info()
		files = append(files, lakesql.File{URI: "s3://" + bucket + "/" + k, Path: path, Size: info.Size()})
		return err
	})
	return files, err
}
