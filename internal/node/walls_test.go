package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pure lists packages that know no other of ours but these.
var pure = map[string][]string{
	// Of what records mean, a plan knows.
	"internal/engine/delivery": {"internal/engine/shardlog", "internal/engine/work"},
	"internal/awswire/scan":    {},
	"internal/engine/javatime": {},
}

// below lists what each part of the tree may import of the others: so no import runs upward.
// What internal/node, the commands and the tests import is their own affair.
var below = map[string][]string{
	"internal/authorize":     {"internal/awskit", "internal/awswire", "internal/engine/policy"},
	"internal/awskit":        {"internal/awswire"},
	"internal/awswire":       nil,
	"internal/clientenv":     nil,
	"internal/console":       nil,
	"internal/dashboardfile": nil,
	"internal/dist":          nil,
	"internal/engine":        nil,
	"internal/generate":      nil,
	"internal/nodeapi":       nil,
	"internal/server":        {"internal/awswire"},
	"internal/service":       {"internal/awskit", "internal/awswire", "internal/engine", "internal/nodeapi"},
	"internal/servicetest":   {"internal/awswire", "internal/engine"},
	"internal/testclock":     nil,
	"internal/testdir":       nil,
}

// reflecting lists the packages of services that use reflection.
var reflecting = []string{
	"internal/service/apigatewayv2", // members of one name go from an input to a document and on to an answer
	"internal/service/cloudwatch",   // whether two settings of an alarm are the same
	"internal/service/glue",         // a node of a visual job is a struct of seventy pointers, one of which is set
}

// TestWalls holds the layout to its rules: no service imports another, an engine imports
// no service, nothing that speaks AWS and no logger, and only this package imports them all.
func TestWalls(t *testing.T) {
	const module = "github.com/brookmere/brookmere/"
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(pkg.ImportPath, module)
		at := part(name)
		mayHave, known := below[at]
		if !known && isIn(name, "internal") && at != "internal/node" {
			t.Errorf("%s: say in below what %s may import", name, at)
		}
		for _, imp := range pkg.Imports {
			to := strings.TrimPrefix(imp, module)
			ours := isIn(imp, strings.TrimSuffix(module, "/"))
			switch {
			case at == "internal/service" && isIn(to, "internal/service") && serviceOf(name) != serviceOf(to):
				t.Errorf("%s imports another service, %s: declare the methods it calls as an interface of its own", name, to)
			case isIn(name, "cmd") && isIn(to, "internal/service"):
				t.Errorf("%s imports a service, %s: what a node answers beside the AWS APIs is in internal/nodeapi", name, to)
			case at == "internal/service" && imp == "reflect" && !slices.Contains(reflecting, name):
				t.Errorf("%s imports reflect: what services share is in awswire and awskit", name)
			case at == "internal/engine" && strings.HasPrefix(imp, "github.com/aws/"):
				t.Errorf("%s imports %s: an engine knows no AWS", name, imp)
			case at == "internal/engine" && imp == "log/slog":
				t.Errorf("%s imports %s: an engine reports through an interface of events", name, imp)
			case ours && pure[name] != nil && !slices.Contains(pure[name], to):
				t.Errorf("%s imports %s: it knows %s alone", name, to, strings.Join(pure[name], ", "))
			case ours && known && part(to) != at && !slices.ContainsFunc(mayHave, func(dir string) bool { return isIn(to, dir) }):
				t.Errorf("%s imports %s: below it are %s alone", name, to, strings.Join(mayHave, ", "))
			case to == "internal/node" && !isIn(name, "cmd") && name != "brookmeretest":
				t.Errorf("%s imports %s: it is the top", name, to)
			}
		}
	}
}

// part is the part of the tree that a package is of, such as internal/engine.
func part(name string) string {
	return strings.Join(strings.SplitN(name, "/", 3)[:min(2, strings.Count(name, "/")+1)], "/")
}

// goroutines lists, by service, the files that start goroutines by themselves, each because
// what it starts ends before the call does that starts it.
var goroutines = map[string][]string{
	"athena":   {"result.go", "write.go"}, // objects that a statement puts at the same time
	"firehose": {"stream.go"},             // the lanes that a call flushes
	"kinesis":  {"lifecycle.go"},          // the shards that a change of a stream makes or removes
	"lambda":   {"lane.go"},               // the lanes of a batch
	"s3":       {"client.go"},             // a request in this process, whose answer flows
	"sns":      {"http.go"},               // requests of a batch
}

// TestWallsOfGoroutines: what runs by itself is a document that a runner runs; a service
// starts no goroutines.
func TestWallsOfGoroutines(t *testing.T) {
	files, err := filepath.Glob("../service/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || slices.Contains(goroutines[filepath.Base(filepath.Dir(file))], filepath.Base(file)) {
			continue
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if _, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s starts a goroutine: what runs by itself is work of a runner", fset.Position(n.Pos()))
			}
			if call, ok := n.(*ast.CallExpr); ok {
				if f, ok := call.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Go" && len(call.Args) == 1 { // with a name it is of a work.Group or work.Job
					t.Errorf("%s starts a goroutine: what runs by itself is work of a runner", fset.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

func isIn(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// serviceOf returns the service of a package below internal/service.
func serviceOf(path string) string {
	return strings.Split(strings.TrimPrefix(path, "internal/service/"), "/")[0]
}

// TestWallsOfPebble: a database is opened where it is seen to that the process outlives it.
func TestWallsOfPebble(t *testing.T) {
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || filepath.Dir(path) == "../engine/pebblestore" {
			return err
		}
		src, err := os.ReadFile(path)
		if bytes.Contains(src, []byte("pebble.Open(")) {
			t.Errorf("%s opens Pebble itself: internal/engine/pebblestore does", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
