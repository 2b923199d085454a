package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestHealthPipeline runs examples/health as a user does: a FastAPI service that validates, two streams, two
// visual jobs, and every reading once in the table where it belongs.
func TestHealthPipeline(t *testing.T) {
	t.Parallel()
	python := Python(t, "boto3", "fastapi", "uvicorn", "dotenv", "requests")
	aws := CLI(t)
	n := Start(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(sourceDir(), "..", "..", "examples", "health"))); err != nil {
		t.Fatal(err)
	}
	env := []string{"AWS_REGION=eu-central-1", "AWS_DEFAULT_REGION=eu-central-1", "PATH=" + filepath.Dir(aws) + ":" + os.Getenv("PATH")}
	run := func(args ...string) string {
		t.Helper()
		return n.Run(t, dir, "env", append(env, args...)...)
	}
	role := strings.TrimSpace(lastLine(run("sh", "setup.sh")))
	run(python, "jobs.py", "--role", role, "--window", "1")

	url := startService(t, n, filepath.Join(dir, "service"), python, env)
	out := run(python, "generator.py", "--url", url, "--count", "80", "--every", "0", "--seed", "3")
	m := regexp.MustCompile(`(\d+) readings sent, (\d+) of them refused`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("the generator says %s", out)
	}
	sent, _ := strconv.Atoi(m[1])
	refused, _ := strconv.Atoi(m[2])
	if refused == 0 {
		t.Fatal("nothing was refused")
	}
	count := func(table string) string {
		out, err := n.try(t, dir, "env", append(env, nodetest.Binary(t), "sql", "--endpoint", n.URL, "--region", "eu-central-1", "--database", "health", "--output", "csv",
			"SELECT count(*), count(DISTINCT ingest_hour) > 0 FROM "+table)...)
		if err != nil {
			return err.Error() + out
		}
		return strings.TrimSpace(lastLine(strings.TrimSpace(out)))
	}
	for table, want := range map[string]string{"patient_stats": fmt.Sprintf("%d,true", sent-refused), "error_message": fmt.Sprintf("%d,true", refused)} {
		var got string
		for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
			if got = count(table); got == want {
				break
			}
		}
		if got != want {
			t.Errorf("%s has %s, want %s\n%s", table, got, want, run("aws", "glue", "get-job-runs", "--job-name", table+"_to_lake"))
		}
	}
	objects := run("aws", "s3", "ls", "--recursive", "s3://health-lake/patient_stats/")
	if !regexp.MustCompile(`patient_stats/ingest_year=\d{4}/ingest_month=\d\d/ingest_day=\d\d/ingest_hour=\d\d/run-\d+-part-block-0-r-\d{5}-snappy\.parquet`).MatchString(objects) {
		t.Errorf("objects:\n%s", objects)
	}
	run("sh", "clean.sh")
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// listening is what uvicorn says when it listens.
var listening = regexp.MustCompile(`running on (http://127\.0\.0\.1:\d+)`)

// startService starts the FastAPI service, on a port that it chooses, and returns its address.
func startService(t *testing.T, n *Node, dir, python string, env []string) string {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.CommandContext(t.Context(), python, "-m", "uvicorn", "--app-dir", dir, "main:app", "--port", "0", "--no-use-colors")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(n.Env(), env...), out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		if m := listening.FindSubmatch(text); m != nil {
			return string(m[1])
		}
		if time.Now().After(deadline) {
			t.Fatalf("the service does not listen: %s", text)
		}
	}
}
