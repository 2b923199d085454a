package glue

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// TestCrawlDeletes runs a crawler after objects have gone: what it made of them stays, is marked, or
// goes, by its DeleteBehavior, and what others made stays.
func TestCrawlDeletes(t *testing.T) {
	for behavior, want := range map[types.DeleteBehavior]struct {
		table, marked bool
		partitions    int
	}{
		types.DeleteBehaviorLog:                 {table: true, partitions: 2},
		types.DeleteBehaviorDeprecateInDatabase: {table: true, marked: true, partitions: 2},
		types.DeleteBehaviorDeleteFromDatabase:  {partitions: 1},
	} {
		t.Run(string(behavior), func(t *testing.T) {
			objects := &memoryObjects{objects: map[string]string{
				"data/kept/d=1/a.json": `{"a":1}`, "data/kept/d=2/a.json": `{"a":2}`, "data/lost/a.json": `{"x":"y","z":1}`,
				"data/third/a.json": `{"m":true,"n":1,"o":2}`, // without a table beside it, all would be partitions of one
			}}
			s, _ := newService(t, objects)
			ctx := t.Context()
			if _, err := s.CreateCrawler(ctx, &glue.CreateCrawlerInput{
				Name: aws.String("c"), Role: aws.String("r"), DatabaseName: aws.String("lake"),
				Targets:            &types.CrawlerTargets{S3Targets: []types.S3Target{{Path: aws.String("s3://b/data/")}}},
				SchemaChangePolicy: &types.SchemaChangePolicy{DeleteBehavior: behavior},
			}); err != nil {
				t.Fatal(err)
			}
			if c := runCrawler(t, s, "c"); c.LastCrawl.Status != types.LastCrawlStatusSucceeded {
				t.Fatalf("%+v", c.LastCrawl)
			}
			for _, name := range []string{"other", "lost2"} { // one below the target, by somebody else
				if _, err := s.CreateTable(ctx, &glue.CreateTableInput{DatabaseName: aws.String("lake"), TableInput: &types.TableInput{
					Name: aws.String(name), StorageDescriptor: &types.StorageDescriptor{Location: aws.String("s3://b/data/" + name + "/")},
				}}); err != nil {
					t.Fatal(err)
				}
			}
			objects.mu.Lock()
			delete(objects.objects, "data/lost/a.json")
			delete(objects.objects, "data/kept/d=2/a.json")
			objects.mu.Unlock()
			for range 2 { // the second time there is nothing to do
				if c := runCrawler(t, s, "c"); c.LastCrawl.Status != types.LastCrawlStatusSucceeded {
					t.Fatalf("%+v", c.LastCrawl)
				}
				out, err := s.GetTable(ctx, &glue.GetTableInput{DatabaseName: aws.String("lake"), Name: aws.String("lost")})
				var missing *types.EntityNotFoundException
				switch {
				case want.table != (err == nil), err != nil && !errors.As(err, &missing):
					t.Errorf("the table whose objects are gone: %v", err)
				case err == nil && want.marked != (out.Table.Parameters["DEPRECATED_BY_CRAWLER"] != ""):
					t.Errorf("its parameters are %v", out.Table.Parameters)
				}
				parts, err := s.GetPartitions(ctx, &glue.GetPartitionsInput{DatabaseName: aws.String("lake"), TableName: aws.String("kept")})
				if err != nil {
					t.Fatal(err)
				}
				if len(parts.Partitions) != want.partitions {
					t.Errorf("%d partitions, want %d", len(parts.Partitions), want.partitions)
				}
				for _, name := range []string{"other", "lost2"} {
					if _, err := s.GetTable(ctx, &glue.GetTableInput{DatabaseName: aws.String("lake"), Name: aws.String(name)}); err != nil {
						t.Errorf("a table of somebody else: %v", err)
					}
				}
			}
		})
	}
}
