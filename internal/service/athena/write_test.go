package athena

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
)

// ok runs a statement that succeeds.
func (e *env) ok(t testing.TB, query string) *types.QueryExecution {
	t.Helper()
	x := e.wait(t, e.start(t, query))
	if x.Status.State != types.QueryExecutionStateSucceeded {
		t.Fatalf("%s: %s", query, aws.ToString(x.Status.StateChangeReason))
	}
	return x
}

func TestWrites(t *testing.T) {
	e := newEnv(t)
	e.ok(t, "CREATE DATABASE lake")
	x := e.ok(t, "CREATE TABLE t WITH (format = 'JSON', partitioned_by = ARRAY['k']) AS SELECT 1 n, 'a' k UNION ALL SELECT 2, 'b/c'")
	id := *x.QueryExecutionId
	if got := *x.ResultConfiguration.OutputLocation; got != "s3://out/res/tables/"+id {
		t.Errorf("output location %s", got)
	}
	if got := aws.ToString(x.Statistics.DataManifestLocation); got != "s3://out/res/tables/"+id+"-manifest.csv" {
		t.Errorf("manifest %s", got)
	}
	manifest, err := os.ReadFile(filepath.Join(e.dir, "out/res/tables", id+"-manifest.csv"))
	if err != nil || strings.Count(string(manifest), "\n") != 2 || !strings.Contains(string(manifest), "/k=b%2Fc/") {
		t.Errorf("manifest %q, %v", manifest, err)
	}
	out, err := e.GetQueryResults(t.Context(), &athena.GetQueryResultsInput{QueryExecutionId: x.QueryExecutionId})
	if err != nil || aws.ToInt64(out.UpdateCount) != 2 || len(out.ResultSet.Rows) != 0 {
		t.Errorf("results %+v, %v", out, err)
	}
	e.ok(t, "INSERT INTO t (k, n) VALUES ('a', 10), ('z', 20)")
	if got := e.rows(t, *e.ok(t, "SELECT k, sum(n) s FROM t GROUP BY 1 ORDER BY 1").QueryExecutionId, 100); !slices.Equal(got[1:], []string{"a|11", "b/c|2", "z|20"}) {
		t.Errorf("rows %q", got)
	}
	e.ok(t, "UNLOAD (SELECT n FROM t) TO 's3://out/unloaded/' WITH (format = 'PARQUET')")
	if files, _ := filepath.Glob(filepath.Join(e.dir, "out/unloaded/*")); len(files) != 1 {
		t.Errorf("unloaded %v", files)
	}
	for query, want := range map[string]string{
		"CREATE TABLE u AS SELECT 1":                                                     "MISSING_COLUMN_NAME: line 1:26: Column name not specified at position 1",
		"CREATE TABLE u AS SELECT nope FROM t":                                           "COLUMN_NOT_FOUND",
		"CREATE TABLE u WITH (format = 'ORC', write_compression = 'GZIP') AS SELECT 1 a": "NOT_SUPPORTED: Compression GZIP",
		"CREATE TABLE u WITH (format = 'AVRO') AS SELECT MAP(ARRAY[1], ARRAY[2]) a":      "NOT_SUPPORTED: Avro has no map",
		"CREATE TABLE u WITH (format = 'AVRO') AS SELECT 1 \"a b\"":                      "NOT_SUPPORTED: Avro has no field",
		"CREATE TABLE u WITH (table_type = 'ICEBERG') AS SELECT 1 a":                     "NOT_SUPPORTED: line 1:1: CREATE TABLE AS: Iceberg tables are not supported. Leave out",
		"CREATE TABLE u WITH (x = 1) AS SELECT 1 a":                                      "INVALID_TABLE_PROPERTY",
		"CREATE TABLE u WITH (bucketed_by = ARRAY['a']) AS SELECT 1 a":                   "INVALID_TABLE_PROPERTY",
		"INSERT INTO u VALUES (1)":                                                       "TABLE_NOT_FOUND",
		"INSERT INTO t (nope) VALUES (1)":                                                "COLUMN_NOT_FOUND",
		"UNLOAD (SELECT 1 a) TO 's3://out/u/'":                                           "INVALID_PROPERTY",
	} {
		x := e.wait(t, e.start(t, query))
		if got := aws.ToString(x.Status.StateChangeReason); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	if e.glue.tables["lake.u"] != nil {
		t.Error("a statement that failed left a table")
	}
}

func TestReuse(t *testing.T) {
	e := newEnv(t)
	run := func(minutes int32) *types.QueryExecution {
		t.Helper()
		out, err := e.StartQueryExecution(t.Context(), &athena.StartQueryExecutionInput{
			QueryString: aws.String("SELECT 1 a"), ResultConfiguration: &types.ResultConfiguration{OutputLocation: aws.String("s3://out/res/")},
			ResultReuseConfiguration: &types.ResultReuseConfiguration{ResultReuseByAgeConfiguration: &types.ResultReuseByAgeConfiguration{Enabled: minutes > 0, MaxAgeInMinutes: &minutes}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return e.wait(t, *out.QueryExecutionId)
	}
	run(0)
	for _, minutes := range []int32{60, 0} {
		x := run(minutes)
		if got := x.Statistics.ResultReuseInformation.ReusedPreviousResult; got != (minutes > 0) {
			t.Errorf("%d minutes: reused %v", minutes, got)
		}
		if got := e.rows(t, *x.QueryExecutionId, 10); !slices.Equal(got, []string{"a", "1"}) {
			t.Errorf("%d minutes: rows %q", minutes, got)
		}
	}
}

func TestFootprintsMeet(t *testing.T) {
	e := newEnv(t)
	of := func(text string) footprint {
		t.Helper()
		st, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return e.footprint(t.Context(), scope{"a", "r"}, "primary", "lake", st)
	}
	for _, c := range []struct {
		earlier, later string
		waits          bool
	}{
		{"CREATE TABLE a AS SELECT 1 x", "SELECT * FROM a", true},
		{"CREATE TABLE a AS SELECT 1 x", "SELECT * FROM b", false},
		{"CREATE TABLE a AS SELECT 1 x", "SELECT * FROM other.a", false},
		{"CREATE TABLE a AS SELECT 1 x", "SELECT (SELECT max(x) FROM lake.a)", true},
		{"CREATE TABLE a AS SELECT 1 x", "SHOW TABLES", true},
		{"CREATE TABLE a AS SELECT 1 x", "SHOW DATABASES", false},
		{"CREATE DATABASE lake", "SHOW DATABASES", true},
		{"CREATE DATABASE lake", "CREATE TABLE a AS SELECT 1 x", true},
		{"SELECT * FROM a", "DROP TABLE a", true},
		{"SELECT * FROM a", "SELECT * FROM a", false},
		{"SELECT * FROM a", "DROP TABLE b", false},
		{"UNLOAD (SELECT 1 x) TO 's3://o/u' WITH (format = 'JSON')", "CREATE EXTERNAL TABLE u (x int) LOCATION 's3://o/u/'", true},
		{"UNLOAD (SELECT 1 x) TO 's3://o/u' WITH (format = 'JSON')", "CREATE EXTERNAL TABLE u (x int) LOCATION 's3://o/u2/'", false},
		{"PREPARE p1 FROM SELECT 1", "EXECUTE p1", true},
		{"PREPARE p1 FROM SELECT 1", "DEALLOCATE PREPARE p2", false},
		{"CREATE TABLE a AS SELECT 1 x", "SELECT * FROM information_schema.tables", true},
	} {
		earlier, later := of(c.earlier), of(c.later)
		if got := later.conflicts(&earlier); got != c.waits {
			t.Errorf("%q after %q waits: %v, want %v", c.later, c.earlier, got, c.waits)
		}
	}
}
