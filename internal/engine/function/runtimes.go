package function

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/brookmere/brookmere/internal/engine/function/sandbox"
)

//go:embed bootstrap/bootstrap.py
var bootstrapPython []byte

//go:embed bootstrap/bootstrap.js
var bootstrapNode []byte

// Where things are, as a function with a root of its own sees them.
const (
	taskInside    = "/var/task"
	layersInside  = "/opt"
	runtimeInside = "/var/runtime"
	sdkInside     = "/var/lang/sdk"
)

// kind is how functions of a runtime are started.
type kind int

const (
	kindPython kind = iota
	kindNode
	kindProvided
	kindGo // an executable named by the handler
)

var (
	pythonForm = regexp.MustCompile(`^python(2\.7|3\.(\d+))$`)
	nodeForm   = regexp.MustCompile(`^nodejs(|(\d+)\.(x|\d+))$`)
)

// kindOf tells the kind of a runtime by its name.
func kindOf(runtime string) (kind, error) {
	switch {
	case pythonForm.MatchString(runtime) && runtime != "python2.7":
		return kindPython, nil
	case nodeForm.MatchString(runtime):
		return kindNode, nil
	case runtime == "provided" || strings.HasPrefix(runtime, "provided."):
		return kindProvided, nil
	case runtime == "go1.x":
		return kindGo, nil
	}
	return 0, fmt.Errorf("%w: %s functions do not run here; python3.x, nodejs, provided and go1.x do", ErrRuntime, runtime)
}

// CheckRuntime reports whether functions of the runtime can run: an error that wraps
// ErrRuntime names what is not known, or what to install.
func (e *Engine) CheckRuntime(runtime string) error {
	k, err := kindOf(runtime)
	if err != nil || k == kindProvided || k == kindGo {
		return err
	}
	_, err = e.runtimes.interpreter(runtime)
	return err
}

// interpreter is a program that was found on this machine.
type interpreter struct {
	Version    []int    `json:"version"`
	Executable string   `json:"executable"`
	Prefixes   []string `json:"prefixes"`
	SDK        string   `json:"sdk"` // folder where boto3 is; empty: none
	note       string   // it is not the version that the runtime names
}

type runtimes struct {
	dir  string // of the bootstraps
	sdk  string // of what was installed beside: sdk/python, sdk/nodejs
	mu   sync.Mutex
	have map[string]*interpreter
}

func (r *runtimes) open(dir string) error {
	r.dir, r.sdk, r.have = filepath.Join(dir, "runtime"), filepath.Join(dir, "sdk"), map[string]*interpreter{}
	for name, text := range map[string][]byte{"bootstrap.py": bootstrapPython, "bootstrap.js": bootstrapNode} {
		file := filepath.Join(r.dir, name)
		if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, text) {
			continue
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return fmt.Errorf("function: %w", err)
		}
	}
	return os.Chmod(r.dir, 0o755)
}

// SDKFolder is where the SDKs of a language ("python", "nodejs") are installed that AWS's
// runtimes bring along.
func (e *Engine) SDKFolder(language string) string { return filepath.Join(e.runtimes.sdk, language) }

const (
	describePython = `import importlib.util, json, os, sys; print(json.dumps({"version": list(sys.version_info[:3]), "executable": sys.executable, "prefixes": [sys.prefix, sys.base_prefix, sys.exec_prefix], "sdk": (lambda s: s and s.origin and os.path.dirname(os.path.dirname(s.origin)) or "")(importlib.util.find_spec("boto3"))}))`
	describeNode   = `console.log(JSON.stringify({version: process.versions.node.split('.').map(Number), executable: process.execPath, prefixes: [require('path').dirname(require('path').dirname(process.execPath))]}))`
)

// interpreter finds the program for a runtime, once.
func (r *runtimes) interpreter(runtime string) (*interpreter, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := r.have[runtime]; i != nil {
		return i, nil
	}
	k, err := kindOf(runtime)
	if err != nil {
		return nil, err
	}
	var candidates []string
	want := 0 // the number that tells versions apart
	if k == kindPython {
		m := pythonForm.FindStringSubmatch(runtime)
		want, _ = strconv.Atoi(m[2])
		candidates = append(candidates, "python3."+m[2])
		if home, err := os.UserHomeDir(); err == nil {
			found, _ := filepath.Glob(filepath.Join(home, ".pyenv", "versions", "3."+m[2]+".*", "bin", "python3"))
			candidates = append(candidates, found...)
		}
		candidates = append(candidates, "python3", "/usr/bin/python3", "/usr/local/bin/python3")
	} else {
		m := nodeForm.FindStringSubmatch(runtime)
		want, _ = strconv.Atoi(m[2])
		if home, err := os.UserHomeDir(); err == nil && m[2] != "" {
			found, _ := filepath.Glob(filepath.Join(home, ".nvm", "versions", "node", "v"+m[2]+".*", "bin", "node"))
			candidates = append(candidates, found...)
		}
		candidates = append(candidates, "node", "nodejs", "/usr/bin/node", "/usr/local/bin/node")
	}
	var best *interpreter
	for _, c := range candidates {
		i := describe(c, k)
		if i == nil {
			continue
		}
		number := i.Version[0]
		if k == kindPython {
			number = i.Version[1]
		}
		if number == want {
			best = i
			break
		}
		if best == nil {
			best = i
			best.note = fmt.Sprintf("%s functions run on %s %s, which is here (%s)", runtime, map[kind]string{kindPython: "Python", kindNode: "Node"}[k], version(i.Version), i.Executable)
		}
	}
	if best == nil {
		if k == kindPython {
			return nil, fmt.Errorf("%w: %s functions need Python 3: install python3 (apt install python3) and put it into the node's PATH", ErrRuntime, runtime)
		}
		return nil, fmt.Errorf("%w: %s functions need Node: install node (apt install nodejs) and put it into the node's PATH", ErrRuntime, runtime)
	}
	if k == kindPython && best.SDK == "" {
		// It is written in Python alone: that of another interpreter will do.
		for _, c := range candidates {
			if i := describe(c, k); i != nil && i.SDK != "" {
				best.SDK = i.SDK
				break
			}
		}
	}
	r.have[runtime] = best
	return best, nil
}

func version(v []int) string {
	var parts []string
	for _, n := range v {
		parts = append(parts, strconv.Itoa(n))
	}
	return strings.Join(parts, ".")
}

// describe asks a program what it is; nil if it is not what it should be.
func describe(program string, k kind) *interpreter {
	file, err := exec.LookPath(program)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args := []string{"-c", describePython}
	if k == kindNode {
		args = []string{"-e", describeNode}
	}
	out, err := exec.CommandContext(ctx, file, args...).Output()
	if err != nil {
		return nil
	}
	i := new(interpreter)
	if json.Unmarshal(out, i) != nil || len(i.Version) != 3 || !filepath.IsAbs(i.Executable) {
		return nil
	}
	if k == kindPython && (i.Version[0] != 3 || i.Version[1] < 6) || k == kindNode && i.Version[0] < 14 {
		return nil
	}
	return i
}

// launch is how an instance's process is started.
type launch struct {
	program string
	args    []string
	env     []string
	binds   []sandbox.Bind
	dir     string // with the code
}

// launch says how to start a function. Where it sees a root of its own, paths are those of
// AWS; elsewhere those of this machine.
func (e *Engine) launch(f *Function, layers string) (*launch, error) {
	k, err := kindOf(f.Runtime)
	if err != nil {
		return nil, err
	}
	code, err := e.packages.folder(f.Code)
	if err != nil {
		return nil, fmt.Errorf("function: the code of %s: %w", f.Name, err)
	}
	l := new(launch)
	show := func(from, to string) string {
		l.binds = append(l.binds, sandbox.Bind{From: from, To: to})
		if e.layers.Namespaces {
			return to
		}
		return from
	}
	task := show(code, taskInside)
	opt := layersInside
	if layers != "" {
		opt = show(layers, layersInside)
	}
	runtime := show(e.runtimes.dir, runtimeInside)
	l.dir = task
	path := []string{"/usr/local/bin", "/usr/bin", "/bin", opt + "/bin"}
	libraries := []string{task, task + "/lib", opt + "/lib"}
	switch k {
	case kindPython, kindNode:
		i, err := e.runtimes.interpreter(f.Runtime)
		if err != nil {
			return nil, err
		}
		if i.note != "" {
			e.note(i.note)
		}
		l.program = i.Executable
		for _, p := range i.Prefixes {
			if p != "/usr" && p != "/" && !strings.HasPrefix(p, "/usr/") && !slices.Contains(l.binds, sandbox.Bind{From: p, To: p}) {
				show(p, p)
			}
		}
		if bin := filepath.Dir(i.Executable); bin != "/usr/bin" {
			if !slices.ContainsFunc(l.binds, func(b sandbox.Bind) bool { return strings.HasPrefix(bin, b.From+"/") }) && !strings.HasPrefix(bin, "/usr/") {
				show(bin, bin)
			}
			path = append([]string{bin}, path...)
		}
		if k == kindPython {
			sdk := show(filepath.Join(e.runtimes.sdk, "python"), sdkInside+"/python")
			number := fmt.Sprintf("python3.%d", i.Version[1])
			l.args = []string{"python3", "-B", runtime + "/bootstrap.py"}
			if _, err := os.Stat(filepath.Join(e.runtimes.sdk, "python")); err != nil {
				if i.SDK == "" {
					e.note("Python functions have no boto3 on this machine: brookmere functions setup installs it")
				} else if !strings.HasPrefix(i.SDK, "/usr/") {
					l.env = append(l.env, "BROOKMERE_SDK="+show(i.SDK, i.SDK))
				} else {
					l.env = append(l.env, "BROOKMERE_SDK="+i.SDK)
				}
			}
			l.env = append(l.env, "PYTHONPATH="+strings.Join([]string{opt + "/python", opt + "/python/lib/" + number + "/site-packages", sdk}, ":"), "PYTHONDONTWRITEBYTECODE=1")
		} else {
			sdk := show(filepath.Join(e.runtimes.sdk, "nodejs"), sdkInside+"/nodejs")
			m := nodeForm.FindStringSubmatch(f.Runtime)
			if _, err := os.Stat(filepath.Join(e.runtimes.sdk, "nodejs")); err != nil {
				e.note("Node functions have the AWS SDK only if it is in their package, or installed for all on this machine: brookmere functions setup installs it")
			}
			l.args = []string{"node", "--max-http-header-size=81920"}
			if f.Memory >= 128 {
				l.args = append(l.args, fmt.Sprintf("--max-old-space-size=%d", max(64, f.Memory*9/10)))
			}
			l.args = append(l.args, runtime+"/bootstrap.js")
			l.env = append(l.env, "NODE_PATH="+strings.Join([]string{opt + "/nodejs/node" + m[2] + "/node_modules", opt + "/nodejs/node_modules", sdk + "/node_modules", "/usr/local/lib/node_modules", "/usr/lib/node_modules", "/usr/share/nodejs"}, ":"))
		}
	case kindProvided, kindGo:
		name := "bootstrap"
		if k == kindGo {
			name = f.Handler
		}
		l.program = filepath.Join(task, name)
		if _, err := os.Stat(filepath.Join(code, name)); err != nil && layers != "" && k == kindProvided {
			l.program = opt + "/bootstrap"
		}
		l.args = []string{l.program}
	}
	l.env = append(l.env,
		"PATH="+strings.Join(path, ":"), "LD_LIBRARY_PATH="+strings.Join(libraries, ":"), "LANG=C.UTF-8", "TZ=:UTC",
		"LAMBDA_TASK_ROOT="+task, "LAMBDA_RUNTIME_DIR="+runtime, "_HANDLER="+f.Handler)
	return l, nil
}
