package vtl_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/vtl"
	"github.com/brookmere/brookmere/internal/engine/vtl/jsonpath"
)

// What TestRandomAsReference tries: how many templates, and as many paths (400 without it), drawn from which seed (1).
const (
	casesEnv = "BROOKMERE_VTL_CASES"
	seedEnv  = "BROOKMERE_VTL_SEED"
)

// The bounds of the programs that the test runs. A machine that is slower skips it.
const (
	fetchTime  = time.Minute
	renderTime = 2 * time.Minute
)

// referenceCase is what testdata/velocity/Render.java takes: a template, or a path.
type referenceCase struct {
	Template  string          `json:"template,omitempty"`
	Variables json.RawMessage `json:"variables,omitempty"`
	Path      string          `json:"path,omitempty"`
	Document  string          `json:"document,omitempty"`
}

// TestRandomAsReference draws templates and paths and compares what comes out with Velocity 1.7 and Jayway's JsonPath
// 2.9.0, byte for byte. It runs where Java is, and its libraries: those of Maven's local repository, or else fetched by Maven.
func TestRandomAsReference(t *testing.T) {
	t.Parallel()
	classpath := referenceClasspath(t)
	n, seed := envNumber(t, casesEnv, 400), envNumber(t, seedEnv, 1)
	g := &generator{Rand: rand.New(rand.NewPCG(uint64(seed), 0))}
	var cases []referenceCase
	for range n {
		g.macro = false
		cases = append(cases,
			referenceCase{Template: "." + g.template(0), Variables: json.RawMessage(drawVariables)},
			referenceCase{Path: g.path(0), Document: drawDocument})
	}
	failed := 0
	for i, want := range reference(t, classpath, cases) {
		c := cases[i]
		source := c.Template + c.Path
		got, err := ours(t, c)
		switch {
		case want.Error != "" && err == nil:
			t.Errorf("seed %d: %q\n got %q\nwant an error (%s)", seed, source, got, want.Error)
		case want.Error == "" && err != nil:
			t.Errorf("seed %d: %q\n got error %v\nwant %q", seed, source, err, want.Output)
		case want.Error == "" && got != want.Output:
			t.Errorf("seed %d: %q\n got %q\nwant %q", seed, source, got, want.Output)
		default:
			continue
		}
		if failed++; failed == 20 {
			t.Fatal("and maybe more")
		}
	}
}

func envNumber(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s=%q is not a number", name, text)
	}
	return n
}

// ours is what the packages make of a case.
func ours(t *testing.T, c referenceCase) (string, error) {
	t.Helper()
	if c.Path != "" {
		root, err := vtl.FromJSON(c.Document)
		if err != nil {
			t.Fatal(err)
		}
		path, err := jsonpath.Parse(c.Path)
		if err != nil {
			return "", err
		}
		found, err := path.Get(root)
		if err != nil {
			return "", err
		}
		return vtl.JSON(found, 1<<20)
	}
	variables, err := vtl.FromJSON(string(c.Variables))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	for _, k := range variables.(*vtl.Map).Keys() {
		values[k], _ = variables.(*vtl.Map).Get(k)
	}
	template, err := vtl.Parse(c.Template)
	if err != nil {
		return "", err
	}
	return template.Run(context.Background(), values, vtl.Options{})
}

type referenceAnswer struct {
	Output string `json:"output"`
	Error  string `json:"error"` // the class of the exception
}

// reference is what Velocity and Jayway's JsonPath make of the cases.
func reference(t *testing.T, classpath string, cases []referenceCase) []referenceAnswer {
	t.Helper()
	var in bytes.Buffer
	for _, c := range cases {
		line, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	ctx, cancel := context.WithTimeout(t.Context(), renderTime)
	defer cancel()
	java := exec.CommandContext(ctx, "java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-cp", classpath,
		filepath.Join("testdata", "velocity", "Render.java"))
	java.WaitDelay = 5 * time.Second
	java.Stdin = &in
	var report bytes.Buffer
	java.Stderr = &report
	out, err := java.Output()
	if ctx.Err() != nil {
		skip(t, "Java took more than "+renderTime.String())
	}
	if err != nil && len(out) == 0 && strings.Contains(report.String(), "Could not find or load main class") {
		skip(t, "Java is older than 11, which runs a source file")
	}
	if err != nil {
		t.Fatalf("%v: %s", err, report.Bytes())
	}
	var answers []referenceAnswer
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var a referenceAnswer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatalf("%v in %q", err, lines.Bytes())
		}
		answers = append(answers, a)
	}
	if err := lines.Err(); err != nil || len(answers) != len(cases) {
		t.Fatalf("%d answers to %d cases, %v: %s", len(answers), len(cases), err, report.Bytes())
	}
	return answers
}

// skip skips the test, and says so on the console where the output of tests is not shown.
func skip(t *testing.T, why string) {
	t.Helper()
	_, _ = os.Stderr.WriteString("skipped " + t.Name() + ": " + why + "\n")
	t.Skip(why)
}

// libraries are what testdata/velocity/pom.xml asks for, below Maven's local repository.
var libraries = []string{
	"org/apache/velocity/velocity/1.7/velocity-1.7.jar",
	"commons-collections/commons-collections/3.2.1/commons-collections-3.2.1.jar",
	"commons-lang/commons-lang/2.4/commons-lang-2.4.jar",
	"com/jayway/jsonpath/json-path/2.9.0/json-path-2.9.0.jar",
	"net/minidev/json-smart/2.5.0/json-smart-2.5.0.jar",
	"net/minidev/accessors-smart/2.5.0/accessors-smart-2.5.0.jar",
	"org/ow2/asm/asm/9.3/asm-9.3.jar",
	"org/slf4j/slf4j-api/2.0.11/slf4j-api-2.0.11.jar",
	"org/slf4j/slf4j-nop/2.0.11/slf4j-nop-2.0.11.jar",
}

// referenceClasspath has the libraries of the real Velocity and JsonPath. It skips the test where they cannot be had.
func referenceClasspath(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"java", "javac"} { // a source file is run by the compiler
		if _, err := exec.LookPath(name); err != nil {
			skip(t, "there is no "+name)
		}
	}
	if home, err := os.UserHomeDir(); err == nil {
		var found []string
		for _, library := range libraries {
			name := filepath.Join(home, ".m2", "repository", filepath.FromSlash(library))
			if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
				found = append(found, name)
			}
		}
		if len(found) == len(libraries) {
			return strings.Join(found, string(filepath.ListSeparator))
		}
	}
	if _, err := exec.LookPath("mvn"); err != nil {
		skip(t, "there is no mvn")
	}
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), fetchTime)
	defer cancel()
	mvn := exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", filepath.Join("testdata", "velocity", "pom.xml"),
		"dependency:copy-dependencies", "-DoutputDirectory="+dir, "-DincludeScope=runtime")
	mvn.WaitDelay = 5 * time.Second
	if out, err := mvn.CombinedOutput(); err != nil {
		skip(t, "the libraries of Java cannot be had: "+errors.Join(err, ctx.Err()).Error()+": "+string(out[:min(len(out), 500)]))
	}
	return filepath.Join(dir, "*")
}
