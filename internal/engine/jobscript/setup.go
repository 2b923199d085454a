package jobscript

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/brookmere/brookmere/internal/engine/function"
)

// Folders of what is installed.
const (
	packagesFolder = "python"
	modulesFolder  = "modules"
	setupFile      = "setup.json"
)

// packages that Spark scripts need: Spark hands records of Python data sources over as Arrow's.
var packages = []string{"pyspark>=4.1,<5", "pyarrow>=15", "pandas>=2.2,<3", "numpy", "boto3"}

// setupDoc says what Setup has installed, and for which interpreter: compiled modules are good for its version alone.
type setupDoc struct {
	Python   string   `json:"python"`
	Version  string   `json:"version"`
	Packages []string `json:"packages"`
}

func readSetup(dir string) (d setupDoc, ok bool) {
	b, err := os.ReadFile(filepath.Join(dir, packagesFolder, setupFile))
	if err != nil || json.Unmarshal(b, &d) != nil {
		return d, false
	}
	return d, filepath.IsAbs(d.Python)
}

// describe asks an interpreter what it is.
const describe = `import json, sys; print(json.dumps({"Executable": sys.executable, "Version": "%d.%d.%d" % sys.version_info[:3], "Prefixes": [sys.prefix, sys.base_prefix, sys.exec_prefix]}))`

func pythonAt(executable string) (p function.Python, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, executable, "-c", describe).Output()
	if err != nil {
		return p, fmt.Errorf("run %s: %w", executable, err)
	}
	if err := json.Unmarshal(out, &p); err != nil || !filepath.IsAbs(p.Executable) {
		return p, fmt.Errorf("%s is not Python 3", executable)
	}
	return p, nil
}

// Setup installs Spark and what goes with it into an engine's folder, or, where modules are named, those beside it, with
// pip. It says on out what it does. What was installed before stays until the new is complete.
func Setup(ctx context.Context, dir, python string, modules []string, out io.Writer) error {
	if python == "" {
		python = "python3"
	}
	file, err := exec.LookPath(python)
	if err != nil {
		return fmt.Errorf("%s is not on this machine: install Python 3 first (apt install python3 python3-pip)", python)
	}
	p, err := pythonAt(file)
	if err != nil {
		return err
	}
	if len(modules) > 0 {
		if d, ok := readSetup(dir); ok {
			file = d.Python
		}
		if err := pip(ctx, file, filepath.Join(dir, modulesFolder), append([]string{"--upgrade"}, modules...), out); err != nil {
			return err
		}
		fmt.Fprintf(out, "Installed %s. Runs that start from now on have it.\n", strings.Join(modules, ", "))
		return nil
	}
	to := filepath.Join(dir, packagesFolder)
	part := to + ".part"
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	if err := pip(ctx, file, part, packages, out); err != nil {
		return err
	}
	text, err := json.Marshal(setupDoc{Python: p.Executable, Version: p.Version, Packages: packages})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(part, setupFile), text, 0o644); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(to), os.Rename(part, to)); err != nil {
		return err
	}
	fmt.Fprintf(out, "Installed into %s. Nothing needs to be restarted.\n", to)
	if home, err := new(javaRuntime).home(); err != nil {
		fmt.Fprintf(out, "Still missing: %v\n", err)
	} else {
		fmt.Fprintf(out, "Java is at %s.\n", home)
	}
	return nil
}

func pip(ctx context.Context, python, target string, what []string, out io.Writer) error {
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, python, append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", target}, what...)...)
	fmt.Fprintf(out, "%s -m pip install %s (this takes a while)\n", python, strings.Join(what, " "))
	cmd.Env = append(os.Environ(), "PIP_ROOT_USER_ACTION=ignore")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("pip: %w", err)
	}
	return nil
}

// javaRuntime finds Java, once.
type javaRuntime struct {
	mu   sync.Mutex
	have string
}

// minJava is what Spark needs.
const minJava = 17

var (
	javaHome    = regexp.MustCompile(`(?m)^\s*java\.home = (.+)$`)
	javaVersion = regexp.MustCompile(`(?m)^\s*java\.specification\.version = (\d+)`)
)

// home is the folder of the Java of this machine: that of JAVA_HOME, or of the program java.
func (j *javaRuntime) home() (string, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.have != "" && isFolder(j.have) {
		return j.have, nil
	}
	var wrong string
	candidates := []string{"java", "/usr/bin/java"}
	if h := os.Getenv("JAVA_HOME"); h != "" {
		candidates = append([]string{filepath.Join(h, "bin", "java")}, candidates...)
	}
	for _, c := range candidates {
		file, err := exec.LookPath(c)
		if err != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		out, err := exec.CommandContext(ctx, file, "-XshowSettings:properties", "-version").CombinedOutput()
		cancel()
		home, version := javaHome.FindSubmatch(out), javaVersion.FindSubmatch(out)
		if err != nil || home == nil || version == nil {
			continue
		}
		if n, _ := strconv.Atoi(string(version[1])); n < minJava {
			wrong = fmt.Sprintf(" (%s is Java %s)", file, version[1])
			continue
		}
		j.have = strings.TrimSpace(string(home[1]))
		return j.have, nil
	}
	return "", fmt.Errorf("%w: Spark needs Java %d or later%s: install it (apt install openjdk-17-jre-headless), and put it into the node's PATH or name it by JAVA_HOME", ErrSetup, minJava, wrong)
}
