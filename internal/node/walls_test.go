package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
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
		for _, imp := range pkg.Imports {
			to := strings.TrimPrefix(imp, module)
			switch {
			case isIn(name, "internal/service") && isIn(to, "internal/service") && serviceOf(name) != serviceOf(to):
				t.Errorf("%s imports another service, %s: declare the methods it calls as an interface of its own", name, to)
			case isIn(name, "internal/engine") && (isIn(to, "internal/service") || isIn(to, "internal/awswire") || isIn(to, "internal/node") || isIn(to, "internal/server")):
				t.Errorf("%s imports %s: an engine knows no AWS", name, to)
			case isIn(name, "internal/engine") && strings.HasPrefix(imp, "github.com/aws/"):
				t.Errorf("%s imports %s: an engine knows no AWS", name, imp)
			case isIn(name, "internal/engine") && imp == "log/slog":
				t.Errorf("%s imports %s: an engine reports through an interface of events", name, imp)
			case isIn(imp, strings.TrimSuffix(module, "/")) && pure[name] != nil && !slices.Contains(pure[name], to):
				t.Errorf("%s imports %s: it knows %s alone", name, to, strings.Join(pure[name], ", "))
			case isIn(name, "internal/awskit") && (isIn(to, "internal/service") || isIn(to, "internal/node")):
				t.Errorf("%s imports %s: what services share knows none of them", name, to)
			case isIn(name, "internal/awswire") && (isIn(to, "internal/service") || isIn(to, "internal/engine")):
				t.Errorf("%s imports %s: the wire layer is below", name, to)
			case to == "internal/node" && !isIn(name, "cmd") && name != "brookmeretest":
				t.Errorf("%s imports %s: it is the top", name, to)
			}
		}
	}
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
