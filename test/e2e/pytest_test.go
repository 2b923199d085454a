package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestPytestPlugin runs the tests of clients/python, which start nodes by its fixtures.
func TestPytestPlugin(t *testing.T) {
	python := Python(t, "pytest", "boto3")
	plugin, err := filepath.Abs(filepath.Join(sourceDir(), "..", "..", "clients", "python"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
	cmd.Dir = plugin
	cmd.Env = append(os.Environ(), "BROOKMERE_BIN="+nodetest.Binary(t), "PYTHONPATH="+plugin, "PYTEST_PLUGINS=pytest_brookmere", "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), " passed") {
		t.Errorf("%v:\n%s", err, out)
	}
}

// TestGitHubAction runs the script of action.yml as a job does, and uses what it exports in the next step.
func TestGitHubAction(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("there is no bash")
	}
	dir := t.TempDir()
	variables, outputs := filepath.Join(dir, "env"), filepath.Join(dir, "output")
	step := func(args, data string) (string, error) {
		cmd := exec.Command("bash", filepath.Join(sourceDir(), "..", "..", "deploy", "github-action.sh"))
		cmd.Env = append(os.Environ(), "GITHUB_ENV="+variables, "GITHUB_OUTPUT="+outputs, "RUNNER_TEMP="+dir,
			"BROOKMERE="+nodetest.Binary(t), "INPUT_ARGS="+args, "INPUT_DATA="+data, "INPUT_LISTEN=127.0.0.1:0")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := step("--no-such-flag", ":memory:"); err == nil || !strings.Contains(out, "unknown flag: --no-such-flag") {
		t.Errorf("a node that does not start: %v\n%s", err, out)
	}
	out, err := step("--account 123456789012", ":memory:")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(outputs)
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		given[name] = value
	}
	t.Cleanup(func() {
		if out, err := exec.Command("kill", given["pid"]).CombinedOutput(); err != nil {
			t.Errorf("end the node: %v %s", err, out)
		}
	})
	if !strings.HasPrefix(given["url"], "http://127.0.0.1:") {
		t.Fatalf("outputs: %s", text)
	}
	exported, err := os.ReadFile(variables)
	if err != nil {
		t.Fatal(err)
	}
	next := exec.Command(Python(t, "boto3"), "-c", "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])")
	next.Env = append(os.Environ(), strings.Split(strings.TrimSpace(string(exported)), "\n")...)
	if out, err := next.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "123456789012" {
		t.Errorf("the next step: %v %s", err, out)
	}
}
