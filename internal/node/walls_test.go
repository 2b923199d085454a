package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// TestWalls holds the layout to its rules: no service imports another, an engine imports
// no service and nothing that speaks AWS, and only this package imports them all.
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
			case isIn(name, "internal/service") && isIn(to, "internal/service") && service(name) != service(to):
				t.Errorf("%s imports another service, %s: declare the methods it calls as an interface of its own", name, to)
			case isIn(name, "internal/engine") && (isIn(to, "internal/service") || isIn(to, "internal/awswire") || isIn(to, "internal/node") || isIn(to, "internal/server")):
				t.Errorf("%s imports %s: an engine knows no AWS", name, to)
			case isIn(name, "internal/engine") && strings.HasPrefix(imp, "github.com/aws/"):
				t.Errorf("%s imports %s: an engine knows no AWS", name, imp)
			case isIn(name, "internal/awswire") && (isIn(to, "internal/service") || isIn(to, "internal/engine")):
				t.Errorf("%s imports %s: the wire layer is below", name, to)
			case to == "internal/node" && !isIn(name, "cmd"):
				t.Errorf("%s imports %s: it is the top", name, to)
			}
		}
	}
}

func isIn(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// service returns the service of a package below internal/service.
func service(path string) string {
	return strings.Split(strings.TrimPrefix(path, "internal/service/"), "/")[0]
}
