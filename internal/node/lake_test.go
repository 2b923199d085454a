package node

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	athenatypes "github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestHidden(t *testing.T) {
	for below, want := range map[string]bool{
		"a.csv": false, "d=1/a_b.csv": false, "": false, "_a": true, ".a": true, "_temporary/0/a": true, "a/.hive-staging_1/b": true, "a/_delta_log/00.json": true, "a/b_": false,
	} {
		if got := hidden(below); got != want {
			t.Errorf("hidden(%q) = %v", below, got)
		}
	}
}

// TestEncryptedObjects: what a node encrypts on disk is read by its queries as by its clients, and not without its key.
func TestEncryptedObjects(t *testing.T) {
	keepWorkingDirectory(t)
	data, key := t.TempDir(), filepath.Join(t.TempDir(), "key")
	encrypted := func(c *Config) { c.Objects = Objects{Encryption: "on", KeyFile: key} }
	n := startNode(t, data, encrypted)
	cfg := clientConfig(n, "us-east-1", "test", "test")
	objects, queries := s3Client(cfg), athena.NewFromConfig(cfg)
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("lake")}); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{"t/a.csv": "1,first secret\n", "t/b.csv": "2,second secret\n"} {
		if _, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("lake"), Key: aws.String(name), Body: strings.NewReader(body)}); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(text string) *athenatypes.QueryExecution {
		t.Helper()
		q, err := queries.StartQueryExecution(t.Context(), &athena.StartQueryExecutionInput{QueryString: aws.String(text),
			ResultConfiguration: &athenatypes.ResultConfiguration{OutputLocation: aws.String("s3://lake/out/")}})
		if err != nil {
			t.Fatal(err)
		}
		for {
			got, err := queries.GetQueryExecution(t.Context(), &athena.GetQueryExecutionInput{QueryExecutionId: q.QueryExecutionId})
			if err != nil {
				t.Fatal(err)
			}
			switch s := got.QueryExecution.Status; s.State {
			case athenatypes.QueryExecutionStateSucceeded:
				return got.QueryExecution
			case athenatypes.QueryExecutionStateFailed, athenatypes.QueryExecutionStateCancelled:
				t.Fatalf("%s: %s", text, aws.ToString(s.StateChangeReason))
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	ask("CREATE DATABASE db")
	ask("CREATE EXTERNAL TABLE db.t (id int, word string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://lake/t/'")
	q := ask("SELECT word FROM db.t ORDER BY id")
	rows, err := queries.GetQueryResults(t.Context(), &athena.GetQueryResultsInput{QueryExecutionId: q.QueryExecutionId})
	if err != nil {
		t.Fatal(err)
	}
	if got := rows.ResultSet.Rows; len(got) != 3 || aws.ToString(got[2].Data[0].VarCharValue) != "second secret" || aws.ToInt64(q.Statistics.DataScannedInBytes) != 31 {
		t.Errorf("got %d rows of %d bytes", len(got), aws.ToInt64(q.Statistics.DataScannedInBytes))
	}
	stopNode(t, n)
	seen := 0
	for _, below := range []string{"objects", "s3", "tmp"} {
		err := filepath.WalkDir(filepath.Join(data, below), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			seen++
			raw, err := os.ReadFile(path)
			if bytes.Contains(raw, []byte("secret")) {
				t.Errorf("%s is not encrypted", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen < 4 {
		t.Errorf("%d files", seen)
	}
	// Another key, or none.
	if err := startFails(t, data); !strings.Contains(err.Error(), "was sealed with another key") {
		t.Error(err)
	}
	n = startNode(t, data, func(c *Config) { c.Objects.KeyFile = key })
	defer stopNode(t, n)
	got, err := s3Client(clientConfig(n, "us-east-1", "test", "test")).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("lake"), Key: aws.String("t/a.csv"), Range: aws.String("bytes=2-6")})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(got.Body); err != nil || string(b) != "first" {
		t.Errorf("got %q, %v", b, err)
	}
}
