package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// fetchTime is how long Maven may take to bring the libraries, which it does once.
const fetchTime = 5 * time.Minute

// classes compiles the programs of test/e2e/java, once a test process.
var classes = sync.OnceValues(func() (classpath string, err error) {
	source := filepath.Join(sourceDir(), "java")
	dir, err := os.MkdirTemp("", "brookmere-java-")
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), fetchTime)
	defer cancel()
	lib := filepath.Join(dir, "lib")
	mvn := exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", filepath.Join(source, "pom.xml"),
		"dependency:copy-dependencies", "-DoutputDirectory="+lib, "-DincludeScope=runtime")
	if out, err := mvn.CombinedOutput(); err != nil {
		return "", &javaError{out, err, false}
	}
	var files []string
	for _, pattern := range []string{filepath.Join(source, "src/main/java/*.java"), filepath.Join(junitDir(), "src/main/java/com/brookmere/junit/*.java"), filepath.Join(junitDir(), "src/test/java/*.java")} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		files = append(files, found...)
	}
	out := filepath.Join(dir, "classes")
	javac := exec.CommandContext(ctx, "javac", append([]string{"-encoding", "UTF-8", "-cp", filepath.Join(lib, "*"), "-d", out}, files...)...)
	if text, err := javac.CombinedOutput(); err != nil {
		return "", &javaError{text, err, ctx.Err() == nil}
	}
	return out + string(filepath.ListSeparator) + filepath.Join(lib, "*"), nil
})

type javaError struct {
	output []byte
	err    error
	ours   bool // the libraries are there, and our programs are not compiled
}

func (e *javaError) Error() string { return e.err.Error() + ": " + string(e.output) }

// Java runs a class of test/e2e/java and returns what it says. It skips the test where
// there is no Java, or no way to its libraries.
func (n *Node) Java(t *testing.T, args ...string) string {
	t.Helper()
	return n.Run(t, "", "java", append([]string{"-cp", javaClasses(t)}, args...)...)
}

// junitDir is where the extension for JUnit lies.
func junitDir() string { return filepath.Join(sourceDir(), "../../clients/java") }

func javaClasses(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"java", "javac", "mvn"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("there is no %s", name)
		}
	}
	classpath, err := classes()
	var said *javaError
	if errors.As(err, &said) && said.ours {
		t.Fatal(err)
	}
	if err != nil {
		t.Skipf("the libraries cannot be had: %v", err)
	}
	return classpath
}
