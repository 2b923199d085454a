package glue

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/smithy-go"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/state"
)

var epoch = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

// newStore opens a state store in dir.
func newStore(t testing.TB, dir string) (*state.Store, func()) {
	t.Helper()
	b, err := broker.Start(broker.Options{Dir: filepath.Join(dir, "nats")})
	if err != nil {
		t.Fatal(err)
	}
	st, err := state.Open(context.Background(), b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return st, func() { st.Close(); b.Close() }
}

func newService(t testing.TB, objects Objects) (*Service, *clockwork.FakeClock) {
	t.Helper()
	st, stop := newStore(t, t.TempDir())
	clock := clockwork.NewFakeClockAt(epoch)
	s, err := New(Config{State: st, Clock: clock, Objects: objects})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
		stop()
	})
	return s, clock
}

// code is the AWS error code of err.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func mustDatabase(t testing.TB, s *Service, name string) {
	t.Helper()
	_, err := s.CreateDatabase(t.Context(), &glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: aws.String(name)}})
	if err != nil {
		t.Fatal(err)
	}
}

func column(name, typ string) types.Column {
	return types.Column{Name: aws.String(name), Type: aws.String(typ)}
}

func mustTable(t testing.TB, s *Service, database string, in *types.TableInput) {
	t.Helper()
	_, err := s.CreateTable(t.Context(), &glue.CreateTableInput{DatabaseName: aws.String(database), TableInput: in})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDatabase(t *testing.T) {
	s, _ := newService(t, nil)
	ctx := t.Context()
	mustDatabase(t, s, "Lake")
	_, err := s.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: aws.String("LAKE")}})
	if code(err) != "AlreadyExistsException" {
		t.Errorf("second create: %v", err)
	}
	out, err := s.GetDatabase(ctx, &glue.GetDatabaseInput{Name: aws.String("lakE")})
	if err != nil {
		t.Fatal(err)
	}
	d := out.Database
	if *d.Name != "lake" || !d.CreateTime.Equal(epoch) || *d.CatalogId != awswire.DefaultAccount || len(d.CreateTableDefaultPermissions) != 1 {
		t.Errorf("database: %+v", d)
	}
	elsewhere := awswire.WithCaller(ctx, awswire.Caller{Account: "111122223333"})
	if _, err := s.GetDatabase(elsewhere, &glue.GetDatabaseInput{Name: aws.String("lake")}); code(err) != "EntityNotFoundException" {
		t.Errorf("another account: %v", err)
	}
	if _, err := s.UpdateDatabase(ctx, &glue.UpdateDatabaseInput{Name: aws.String("lake"), DatabaseInput: &types.DatabaseInput{
		Name: aws.String("lake"), Description: aws.String("deep"),
	}}); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		mustDatabase(t, s, fmt.Sprintf("d%d", i))
	}
	var names []string
	in := &glue.GetDatabasesInput{MaxResults: aws.Int32(2)}
	for {
		page, err := s.GetDatabases(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.DatabaseList {
			names = append(names, *d.Name)
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			break
		}
	}
	if want := []string{"d0", "d1", "d2", "d3", "d4", "lake"}; !slices.Equal(names, want) {
		t.Errorf("databases %v, want %v", names, want)
	}
	arn := aws.String("arn:aws:glue:us-east-1:000000000000:database/lake")
	if _, err := s.TagResource(ctx, &glue.TagResourceInput{ResourceArn: arn, TagsToAdd: map[string]string{"a": "b"}}); err != nil {
		t.Fatal(err)
	}
	tags, err := s.GetTags(ctx, &glue.GetTagsInput{ResourceArn: arn})
	if err != nil || tags.Tags["a"] != "b" {
		t.Errorf("tags: %v %v", tags, err)
	}
	mustTable(t, s, "lake", &types.TableInput{Name: aws.String("t")})
	if _, err := s.DeleteDatabase(ctx, &glue.DeleteDatabaseInput{Name: aws.String("lake")}); err != nil {
		t.Fatal(err)
	}
	mustDatabase(t, s, "lake")
	if _, err := s.GetTable(ctx, &glue.GetTableInput{DatabaseName: aws.String("lake"), Name: aws.String("t")}); code(err) != "EntityNotFoundException" {
		t.Errorf("table of a deleted database: %v", err)
	}
}

func TestTable(t *testing.T) {
	s, clock := newService(t, nil)
	ctx := t.Context()
	mustDatabase(t, s, "lake")
	in := &types.TableInput{
		Name:              aws.String("Readings"),
		Parameters:        map[string]string{"classification": "parquet"},
		StorageDescriptor: &types.StorageDescriptor{Columns: []types.Column{column("a", "int")}},
	}
	mustTable(t, s, "Lake", in)
	_, err := s.CreateTable(ctx, &glue.CreateTableInput{DatabaseName: aws.String("lake"), TableInput: in})
	if code(err) != "AlreadyExistsException" {
		t.Errorf("second create: %v", err)
	}
	_, err = s.CreateTable(ctx, &glue.CreateTableInput{DatabaseName: aws.String("nowhere"), TableInput: in})
	if code(err) != "EntityNotFoundException" {
		t.Errorf("create in no database: %v", err)
	}
	get := func() *types.Table {
		t.Helper()
		out, err := s.GetTable(ctx, &glue.GetTableInput{DatabaseName: aws.String("lake"), Name: aws.String("READINGS")})
		if err != nil {
			t.Fatal(err)
		}
		return out.Table
	}
	tb := get()
	if *tb.Name != "readings" || *tb.VersionId != "0" || len(tb.PartitionKeys) != 0 || *tb.StorageDescriptor.Columns[0].Type != "int" {
		t.Errorf("table: %+v", tb)
	}
	clock.Advance(time.Minute)
	for i := range 3 {
		in.Description = aws.String(fmt.Sprint(i))
		if _, err := s.UpdateTable(ctx, &glue.UpdateTableInput{DatabaseName: aws.String("lake"), TableInput: in, SkipArchive: aws.Bool(i == 1)}); err != nil {
			t.Fatal(err)
		}
	}
	if tb = get(); *tb.VersionId != "3" || *tb.Description != "2" || !tb.UpdateTime.After(*tb.CreateTime) {
		t.Errorf("updated table: %+v", tb)
	}
	_, err = s.UpdateTable(ctx, &glue.UpdateTableInput{DatabaseName: aws.String("lake"), TableInput: in, VersionId: aws.String("1")})
	if code(err) != "ConcurrentModificationException" {
		t.Errorf("update of an old version: %v", err)
	}
	versions, err := s.GetTableVersions(ctx, &glue.GetTableVersionsInput{DatabaseName: aws.String("lake"), TableName: aws.String("readings")})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, v := range versions.TableVersions {
		ids = append(ids, *v.VersionId)
	}
	if want := []string{"3", "2", "0"}; !slices.Equal(ids, want) {
		t.Errorf("versions %v, want %v", ids, want)
	}
	if _, err := s.DeleteTableVersion(ctx, &glue.DeleteTableVersionInput{DatabaseName: aws.String("lake"), TableName: aws.String("readings"), VersionId: aws.String("2")}); err != nil {
		t.Error(err)
	}
	if _, err := s.GetTableVersion(ctx, &glue.GetTableVersionInput{DatabaseName: aws.String("lake"), TableName: aws.String("readings"), VersionId: aws.String("2")}); code(err) != "EntityNotFoundException" {
		t.Errorf("deleted version: %v", err)
	}
	for _, n := range []string{"alpha", "alpine", "beta"} {
		mustTable(t, s, "lake", &types.TableInput{Name: aws.String(n)})
	}
	for expr, want := range map[string][]string{
		"":           {"alpha", "alpine", "beta", "readings"},
		"alp.*":      {"alpha", "alpine"},
		"alp*":       {"alpha", "alpine"},
		"*a":         {"alpha", "beta"},
		"alp":        nil,
		"ALPHA|beta": {"alpha", "beta"},
		"[ab]\\w*":   {"alpha", "alpine", "beta"},
	} {
		out, err := s.GetTables(ctx, &glue.GetTablesInput{DatabaseName: aws.String("lake"), Expression: aws.String(expr)})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, tb := range out.TableList {
			got = append(got, *tb.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("tables of %q: %v, want %v", expr, got, want)
		}
	}
	out, err := s.BatchDeleteTable(ctx, &glue.BatchDeleteTableInput{DatabaseName: aws.String("lake"), TablesToDelete: []string{"alpha", "nothing", "beta"}})
	if err != nil || len(out.Errors) != 1 || *out.Errors[0].TableName != "nothing" || *out.Errors[0].ErrorDetail.ErrorCode != "EntityNotFoundException" {
		t.Errorf("batch delete: %+v %v", out, err)
	}
}

func TestPartitions(t *testing.T) {
	dir := t.TempDir()
	st, stop := newStore(t, dir)
	s, err := New(Config{State: st})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	mustDatabase(t, s, "lake")
	mustTable(t, s, "lake", &types.TableInput{Name: aws.String("t"), PartitionKeys: []types.Column{column("y", "int"), column("d", "string")}})
	sd := func(loc string) *types.StorageDescriptor {
		return &types.StorageDescriptor{
			Columns: []types.Column{column("a", "int")}, Location: aws.String(loc),
			SerdeInfo: &types.SerDeInfo{SerializationLibrary: aws.String("x")},
		}
	}
	var batch []types.PartitionInput
	for y := 2020; y < 2025; y++ {
		for _, d := range []string{"x", "y"} {
			batch = append(batch, types.PartitionInput{Values: []string{fmt.Sprint(y), d}, StorageDescriptor: sd(fmt.Sprintf("s3://b/%d/%s/", y, d))})
		}
	}
	out, err := s.BatchCreatePartition(ctx, &glue.BatchCreatePartitionInput{DatabaseName: aws.String("lake"), TableName: aws.String("t"), PartitionInputList: batch})
	if err != nil || len(out.Errors) != 0 {
		t.Fatal(out, err)
	}
	out, err = s.BatchCreatePartition(ctx, &glue.BatchCreatePartitionInput{DatabaseName: aws.String("lake"), TableName: aws.String("t"), PartitionInputList: append(batch[:1:1], types.PartitionInput{Values: []string{"2030", "z"}})})
	if err != nil || len(out.Errors) != 1 || *out.Errors[0].ErrorDetail.ErrorCode != "AlreadyExistsException" {
		t.Fatal(out, err)
	}
	_, err = s.CreatePartition(ctx, &glue.CreatePartitionInput{DatabaseName: aws.String("lake"), TableName: aws.String("t"), PartitionInput: &types.PartitionInput{Values: []string{"1"}}})
	if code(err) != "InvalidInputException" {
		t.Errorf("too few values: %v", err)
	}

	list := func(expr string) []string {
		t.Helper()
		var got []string
		in := &glue.GetPartitionsInput{DatabaseName: aws.String("lake"), TableName: aws.String("t"), Expression: aws.String(expr), MaxResults: aws.Int32(3)}
		for {
			out, err := s.GetPartitions(ctx, in)
			if err != nil {
				t.Fatalf("%s: %v", expr, err)
			}
			for _, p := range out.Partitions {
				got = append(got, p.Values[0]+p.Values[1])
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return got
			}
		}
	}
	if got := list("y > 2022"); !slices.Equal(got, []string{"2023x", "2023y", "2024x", "2024y", "2030z"}) {
		t.Errorf("y > 2022: %v", got)
	}
	p, err := s.GetPartition(ctx, &glue.GetPartitionInput{DatabaseName: aws.String("lake"), TableName: aws.String("t"), PartitionValues: []string{"2021", "y"}})
	if err != nil || *p.Partition.StorageDescriptor.Location != "s3://b/2021/y/" || len(p.Partition.StorageDescriptor.Columns) != 1 {
		t.Fatalf("%+v %v", p, err)
	}
	if _, err := s.UpdatePartition(ctx, &glue.UpdatePartitionInput{DatabaseName: aws.String("lake"), TableName: aws.String("t"), PartitionValueList: []string{"2021", "y"},
		PartitionInput: &types.PartitionInput{Values: []string{"2031", "y"}, StorageDescriptor: sd("s3://c/")}}); err != nil {
		t.Fatal(err)
	}
	del, err := s.BatchDeletePartition(ctx, &glue.BatchDeletePartitionInput{DatabaseName: aws.String("lake"), TableName: aws.String("t"),
		PartitionsToDelete: []types.PartitionValueList{{Values: []string{"2020", "x"}}, {Values: []string{"2021", "y"}}, {Values: []string{"2030", "z"}}}})
	if err != nil || len(del.Errors) != 1 {
		t.Fatal(del, err)
	}
	want := []string{"2020y", "2021x", "2022x", "2022y", "2023x", "2023y", "2024x", "2024y", "2031y"}
	if got := list(""); !slices.Equal(got, want) {
		t.Errorf("partitions %v, want %v", got, want)
	}
	var segments []string
	for i := range int32(3) {
		out, err := s.GetPartitions(ctx, &glue.GetPartitionsInput{DatabaseName: aws.String("lake"), TableName: aws.String("t"), Segment: &types.Segment{SegmentNumber: i, TotalSegments: aws.Int32(3)}})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range out.Partitions {
			segments = append(segments, p.Values[0]+p.Values[1])
		}
	}
	slices.Sort(segments)
	if !slices.Equal(segments, want) {
		t.Errorf("segments %v, want %v", segments, want)
	}

	// What is on disk says the same.
	stop()
	st, stop = newStore(t, dir)
	defer stop()
	if s, err = New(Config{State: st}); err != nil {
		t.Fatal(err)
	}
	if got := list(""); !slices.Equal(got, want) {
		t.Errorf("partitions after restart %v, want %v", got, want)
	}
	if _, err := s.DeleteTable(ctx, &glue.DeleteTableInput{DatabaseName: aws.String("lake"), Name: aws.String("t")}); err != nil {
		t.Fatal(err)
	}
	mustTable(t, s, "lake", &types.TableInput{Name: aws.String("t"), PartitionKeys: []types.Column{column("y", "int"), column("d", "string")}})
	if got := list(""); len(got) != 0 {
		t.Errorf("partitions of a new table: %v", got)
	}
}

// TestManyPartitions makes 10,000 in batches of 100, 4 at a time, and lists them.
func TestManyPartitions(t *testing.T) {
	s, _ := newService(t, nil)
	ctx := t.Context()
	mustDatabase(t, s, "lake")
	mustTable(t, s, "lake", &types.TableInput{Name: aws.String("t"), PartitionKeys: []types.Column{column("d", "string")}})
	var columns []types.Column
	for i := range 20 {
		columns = append(columns, column(fmt.Sprint("c", i), "string"))
	}
	begin := time.Now()
	errs := make(chan error)
	for w := range 4 {
		go func() {
			for b := w; b < 100; b += 4 {
				in := &glue.BatchCreatePartitionInput{DatabaseName: aws.String("lake"), TableName: aws.String("t")}
				for i := range 100 {
					v := fmt.Sprintf("%05d", b*100+i)
					in.PartitionInputList = append(in.PartitionInputList, types.PartitionInput{Values: []string{v},
						StorageDescriptor: &types.StorageDescriptor{Columns: columns, Location: aws.String("s3://b/" + v)}})
				}
				out, err := s.BatchCreatePartition(ctx, in)
				if err == nil && len(out.Errors) > 0 {
					err = errors.New(*out.Errors[0].ErrorDetail.ErrorMessage)
				}
				if err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	created := time.Since(begin)
	begin = time.Now()
	n := 0
	in := &glue.GetPartitionsInput{DatabaseName: aws.String("lake"), TableName: aws.String("t")}
	for {
		out, err := s.GetPartitions(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		n += len(out.Partitions)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if n != 10000 {
		t.Errorf("%d partitions", n)
	}
	t.Logf("10,000 partitions created in %v, listed in %v", created, time.Since(begin))
}
