package e2e

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// KCLEnv runs TestKCL3, which takes a minute and brings 70 MB of libraries.
const KCLEnv = "BROOKMERE_KCL"

// kcl3Classes compiles the program of test/e2e/java/kcl.
func kcl3Classes(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"java", "javac", "mvn"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("there is no %s", name)
		}
	}
	source, dir := filepath.Join(sourceDir(), "java", "kcl"), t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), fetchTime)
	defer cancel()
	lib := filepath.Join(dir, "lib")
	if out, err := exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", filepath.Join(source, "pom.xml"),
		"dependency:copy-dependencies", "-DoutputDirectory="+lib, "-DincludeScope=runtime").CombinedOutput(); err != nil {
		t.Skipf("the libraries cannot be had: %v\n%s", err, out)
	}
	out := filepath.Join(dir, "classes")
	if text, err := exec.CommandContext(ctx, "javac", "-encoding", "UTF-8", "-cp", filepath.Join(lib, "*"), "-d", out, filepath.Join(source, "Consume.java")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out + string(filepath.ListSeparator) + filepath.Join(lib, "*")
}

// kcl3Worker is a process of the library.
type kcl3Worker struct {
	out   string
	cmd   *exec.Cmd
	input io.WriteCloser
}

func (w *kcl3Worker) lines() []string {
	b, _ := os.ReadFile(w.out)
	return strings.Split(string(b), "\n")
}

// saw reports whether the worker had an event of a lease.
func (w *kcl3Worker) saw(event string) bool {
	return slices.ContainsFunc(w.lines(), func(l string) bool { return strings.HasSuffix(l, " EVENT "+event) })
}

// TestKCL3 reads a stream with workers of the Kinesis Client Library 3, whose leases are in tables of the node: a second
// worker is handed a lease by the first, the stream is resharded, the second worker is killed and a third begins, and the
// rest shut down in order. Every record is read, those of a key in their order, and the library's metrics arrive.
func TestKCL3(t *testing.T) {
	if os.Getenv(KCLEnv) == "" {
		t.Skipf("%s is not set", KCLEnv)
	}
	classes := kcl3Classes(t)
	for _, retrieval := range []string{"fanout", "polling"} {
		t.Run(retrieval, func(t *testing.T) { readByKCL3(t, classes, retrieval) })
	}
}

func readByKCL3(t *testing.T, classes, retrieval string) {
	n := Start(t)
	ctx, c, stream, dir := t.Context(), kinesisClient(n), aws.String("kcl"), t.TempDir()
	if _, err := c.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: stream, ShardCount: aws.Int32(2)}); err != nil {
		t.Fatal(err)
	}
	var workers []*kcl3Worker
	start := func(name string) *kcl3Worker {
		t.Helper()
		w := &kcl3Worker{out: filepath.Join(dir, name+".out")}
		w.cmd = exec.Command("java", "-XX:TieredStopAtLevel=1", "-cp", classes, "Consume", *stream, "application", name, w.out, retrieval)
		w.cmd.Env = n.Env("AWS_EC2_METADATA_DISABLED=true")
		var err error
		if w.input, err = w.cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if err := w.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.cmd.Process.Kill(); w.cmd.Wait() })
		workers = append(workers, w)
		return w
	}
	const keys = 20
	rounds := 0
	put := func(more int) {
		t.Helper()
		for range more {
			in := &kinesis.PutRecordsInput{StreamName: stream}
			for key := range keys {
				in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String(fmt.Sprint("key-", key)), Data: fmt.Appendf(nil, "%06d", rounds)})
			}
			out, err := c.PutRecords(ctx, in)
			if err != nil || *out.FailedRecordCount > 0 {
				t.Fatal(err, "records failed")
			}
			rounds++
		}
	}
	wait := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(2 * time.Minute); !done(); time.Sleep(100 * time.Millisecond) {
			if time.Now().After(deadline) {
				for _, w := range workers {
					t.Logf("%s:\n%s", w.out, strings.Join(w.lines(), "\n"))
				}
				t.Fatal("not within two minutes: " + what)
			}
		}
	}
	// A record may be read twice, but never before one that precedes it.
	allRead := func() bool {
		var lines []string
		for _, w := range workers {
			lines = append(lines, w.lines()...)
		}
		slices.Sort(lines)
		next, seen := map[string]int{}, map[string]bool{}
		for _, l := range lines {
			f := strings.Fields(l)
			if len(f) != 4 || f[2] == "EVENT" || seen[f[2]+" "+f[3]] {
				continue
			}
			seen[f[2]+" "+f[3]] = true
			if f[3] != fmt.Sprintf("%06d", next[f[2]]) {
				t.Fatalf("%s: record %s comes where %d is due", f[2], f[3], next[f[2]])
			}
			next[f[2]]++
		}
		return len(seen) == keys*rounds
	}

	first := start("first")
	put(5)
	wait("the first records are read", allRead)
	second := start("second")
	// The library balances what leases carry: of those without records none is handed over.
	wait("a lease is handed over", func() bool {
		put(1)
		return first.saw("requested") && second.saw("initialize")
	})
	put(5)
	if _, err := c.UpdateShardCount(ctx, &kinesis.UpdateShardCountInput{StreamName: stream, TargetShardCount: aws.Int32(4), ScalingType: types.ScalingTypeUniformScaling}); err != nil {
		t.Fatal(err)
	}
	put(5)
	wait("the records after the reshard are read", allRead)
	second.cmd.Process.Kill() // the first one leads, and finds out
	start("third")
	put(5)
	wait("the records after a worker's death are read", allRead)

	for _, w := range []*kcl3Worker{first, workers[2]} {
		io.WriteString(w.input, "\n")
	}
	for _, w := range []*kcl3Worker{first, workers[2]} {
		w.cmd.Wait()
		if !w.saw("shutdown") {
			t.Errorf("%s did not shut down in order: %v", w.out, w.lines())
		}
	}
	cfg := n.AWS()
	tables, err := dynamodb.NewFromConfig(cfg).ListTables(ctx, &dynamodb.ListTablesInput{})
	if err != nil || !slices.Equal(tables.TableNames, []string{"application", "application-CoordinatorState", "application-WorkerMetricStats"}) {
		t.Errorf("the library has the tables %v, %v", tables.TableNames, err)
	}
	metrics, err := cloudwatch.NewFromConfig(cfg).ListMetrics(ctx, &cloudwatch.ListMetricsInput{Namespace: aws.String("application"), MetricName: aws.String("RecordsProcessed")})
	if err != nil || len(metrics.Metrics) == 0 {
		t.Errorf("no metric of records that were processed: %v", err)
	}
}
