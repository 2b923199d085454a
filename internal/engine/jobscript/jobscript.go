package jobscript

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/brookmere/brookmere/internal/engine/function"
)

//go:embed python/run.py all:python/awsglue all:python/awsglueml all:python/awsgluedq
var library embed.FS

// ErrSetup is wrapped by errors of what is not installed; they say what to do.
var ErrSetup = errors.New("jobs: not set up")

// Kind of a script.
type Kind int

// The kinds.
const (
	Shell Kind = iota // Python alone
	Spark
)

// Limits of a run's files.
const (
	MaxScript = 16 << 20  // bytes of a script
	MaxFiles  = 256 << 20 // bytes of all files of a run
)

// Tasks runs programs in a sandbox: *function.Engine.
type Tasks interface {
	RunTask(context.Context, *function.Task) (function.Exit, error)
	Python(version string) (function.Python, error)
}

// Options configure an engine. Dir and Tasks are required.
type Options struct {
	Dir     string // absolute
	Tasks   Tasks
	Memory  int // MiB of a run; 0: 3072
	Storage int // MiB of a run's disk; 0: 8192
}

// Engine runs scripts.
type Engine struct {
	o    Options
	java javaRuntime
}

// Open returns an engine on a folder, which it makes if need be.
func Open(o Options) (*Engine, error) {
	if !filepath.IsAbs(o.Dir) {
		return nil, fmt.Errorf("jobs: folder %q is not absolute", o.Dir)
	}
	for p, v := range map[*int]int{&o.Memory: 3072, &o.Storage: 8192} {
		if *p <= 0 {
			*p = v
		}
	}
	e := &Engine{o: o}
	if err := e.writeLibrary(); err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return e, nil
}

// writeLibrary puts the library where scripts find it. Files that are as they should be are left alone.
func (e *Engine) writeLibrary() error {
	root := filepath.Join(e.o.Dir, "awsglue")
	return fs.WalkDir(library, "python", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(root, filepath.FromSlash(strings.TrimPrefix(name, "python")))
		if d.IsDir() {
			if err := os.MkdirAll(to, 0o755); err != nil {
				return err
			}
			return os.Chmod(to, 0o755)
		}
		text, err := library.ReadFile(name)
		if err != nil {
			return err
		}
		if old, err := os.ReadFile(to); err == nil && bytes.Equal(old, text) {
			return nil
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			return err
		}
		return os.Chmod(to, 0o644)
	})
}

// File is one of a run's files, by the name that the script sees.
type File struct {
	Name string
	Data []byte
}

// Run is one run of a script.
type Run struct {
	Name      string // for messages
	Kind      Kind
	Python    string // version that is asked for, as "3.9"; another will do
	Script    File
	Arguments []string
	Env       []string // credentials, region, endpoint
	Memory    int      // MiB; 0: Options.Memory

	Libraries []File   // Python files and archives, for its imports
	Files     []File   // in its working directory
	Jars      []File   // of Java, for Spark
	Conf      []string // settings of Spark, "key=value"
	Modules   []string // Python modules that must be there, as pip names them

	Bookmark       []byte // JSON; nil: there is none
	BookmarkOption string

	// Prepare is called once the run has its place among those that run; nil: there is nothing to do. It may set
	// Script, Libraries, Files, Jars, Env and Bookmark, which runs that wait need not hold. Its error ends the run.
	Prepare func(ctx context.Context, r *Run) error

	Output, Errors func(function.Line) // what it prints
}

// Result is how a script ended by itself.
type Result struct {
	Failed   bool
	Code     int    // exit code
	Signal   string // that ended it
	Memory   bool   // it took more memory than it may
	Storage  bool   // its disk was full
	Peak     int64  // most memory, in bytes
	Bookmark []byte // where Job.commit has moved it; nil: it did not

	// Of an exception that ended it, if one did.
	Type, Message, Category string
	Line                    int // of the script; 0: none
}

// Where things are, as a script with a root of its own sees them.
const (
	libraryInside  = "/opt/brookmere/awsglue"
	packagesInside = "/opt/brookmere/python"
	modulesInside  = "/opt/brookmere/modules"
	sdkInside      = "/opt/brookmere/sdk"
	javaInside     = "/opt/brookmere/java"
)

// jobFile is what run.py is told.
type jobFile struct {
	Modules  []string `json:"modules"`
	Archives []string `json:"archives"`
}

// Run runs a script to its end, or until ctx ends: then the error is that of ctx. Errors wrap ErrSetup where something
// is not installed.
func (e *Engine) Run(ctx context.Context, r *Run) (Result, error) {
	found, err := e.find(r)
	if err != nil {
		return Result{}, err
	}
	var result Result
	memory := r.Memory
	if memory <= 0 {
		memory = e.o.Memory
	}
	exit, err := e.o.Tasks.RunTask(ctx, &function.Task{
		Name: r.Name, Memory: memory, Storage: e.o.Storage, Private: r.Kind == Spark, Output: r.Output, Errors: r.Errors,
		Files: r.prepared,
		Launch: func(tmp string, show func(from, to string) string) function.Launch {
			return e.launch(r, found, memory, tmp, show)
		},
		After: func(tmp *os.Root) { result.read(tmp) },
	})
	if err != nil {
		return Result{}, err
	}
	result.Code, result.Signal, result.Memory, result.Storage, result.Peak = exit.Code, exit.Signal, exit.Memory, exit.Storage, exit.Peak
	result.Failed = exit.Code != 0 || exit.Memory || exit.Storage
	return result, nil
}

// prepared makes the run ready to start, and returns its files.
func (r *Run) prepared(ctx context.Context) (map[string][]byte, error) {
	if r.Prepare != nil {
		if err := r.Prepare(ctx, r); err != nil {
			return nil, err
		}
	}
	files, err := r.files()
	r.Script.Data, r.Bookmark = nil, nil
	for _, list := range [][]File{r.Libraries, r.Files, r.Jars} { // their names are wanted later
		for i := range list {
			list[i].Data = nil
		}
	}
	return files, err
}

// files are those of a run's scratch space.
func (r *Run) files() (map[string][]byte, error) {
	files, size := map[string][]byte{}, 0
	put := func(folder string, list []File) error {
		for _, f := range list {
			name := folder + f.Name
			if f.Name == "" || !filepath.IsLocal(f.Name) || strings.ContainsAny(f.Name, "/\\\x00") || folder == "" && f.Name == ".job" {
				return fmt.Errorf("jobs: %q is not a name of a file", f.Name)
			}
			if _, twice := files[name]; twice {
				return fmt.Errorf("jobs: two files have the name %s", f.Name)
			}
			if size += len(f.Data); size > MaxFiles {
				return fmt.Errorf("jobs: the files of a run are larger than %d MiB together", MaxFiles>>20)
			}
			files[name] = f.Data
		}
		return nil
	}
	for folder, list := range map[string][]File{"": append([]File{r.Script}, r.Files...), ".job/py/": r.Libraries, ".job/jars/": r.Jars} {
		if err := put(folder, list); err != nil {
			return nil, err
		}
	}
	job := jobFile{Modules: []string{}, Archives: []string{}}
	job.Modules = append(job.Modules, r.Modules...)
	for _, f := range r.Libraries {
		if path.Ext(f.Name) != ".py" {
			job.Archives = append(job.Archives, f.Name)
		}
	}
	text, err := json.Marshal(job)
	if err != nil {
		return nil, err
	}
	files[".job/job.json"] = text
	if r.Bookmark != nil {
		files[".job/bookmark.json"] = r.Bookmark
	}
	return files, nil
}

// maxLeft bounds what is read of the files that a script leaves.
const maxLeft = 1 << 20

// read takes what a script has left: how it failed, and its bookmark. It may have written anything there.
func (r *Result) read(tmp *os.Root) {
	read := func(name string) []byte {
		f, err := tmp.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would wait for its writer
		if err != nil {
			return nil
		}
		defer f.Close()
		if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
			return nil
		}
		b, err := io.ReadAll(io.LimitReader(f, maxLeft+1))
		if err != nil || len(b) > maxLeft || !json.Valid(b) {
			return nil
		}
		return b
	}
	var told struct {
		Type, Message, Category string
		Line                    int
	}
	if b := read(".job/error.json"); b != nil && json.Unmarshal(b, &told) == nil {
		r.Type, r.Message, r.Category, r.Line = told.Type, told.Message, told.Category, told.Line
	}
	r.Bookmark = read(".job/bookmark.done.json")
}

// found is what a run needs of this machine.
type found struct {
	python   function.Python
	packages string // with Spark; empty: it is the interpreter's own, or not needed
	modules  string
	java     string // its home
}

// find finds what a run needs.
func (e *Engine) find(r *Run) (f found, err error) {
	setup, have := readSetup(e.o.Dir)
	f.python, err = e.o.Tasks.Python(r.Python)
	if err == nil && !ownSDK(f.python) {
		// boto3 of another interpreter need not run on this one: rather that of the machine's python3.
		if p, perr := e.o.Tasks.Python("3"); perr == nil {
			f.python = p
		}
	}
	if have {
		if p, perr := pythonAt(setup.Python); perr == nil {
			f.python, err = p, nil
			f.packages = filepath.Join(e.o.Dir, packagesFolder)
		}
	}
	if err != nil {
		return f, fmt.Errorf("%w: %w", ErrSetup, err)
	}
	if isFolder(filepath.Join(e.o.Dir, modulesFolder)) {
		f.modules = filepath.Join(e.o.Dir, modulesFolder)
	}
	if r.Kind != Spark {
		return f, nil
	}
	if f.packages == "" || !isFolder(filepath.Join(f.packages, "pyspark")) {
		return f, fmt.Errorf("%w: Spark is not installed for this node. Run on its machine: brookmere jobs setup --data %s", ErrSetup, filepath.Dir(e.o.Dir))
	}
	f.java, err = e.java.home()
	return f, err
}

// ownSDK reports whether an interpreter has boto3 itself.
func ownSDK(p function.Python) bool {
	return slices.ContainsFunc(p.Prefixes, func(prefix string) bool { return strings.HasPrefix(p.SDK, prefix+"/") })
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// threads that Spark uses.
func threads() int { return min(max(runtime.NumCPU(), 2), 8) }

// launch says how a script is started.
func (e *Engine) launch(r *Run, f found, memory int, tmp string, show func(from, to string) string) function.Launch {
	lib := show(filepath.Join(e.o.Dir, "awsglue"), libraryInside)
	paths := []string{lib}
	if f.packages != "" {
		paths = append(paths, show(f.packages, packagesInside))
	}
	if f.modules != "" {
		paths = append(paths, show(f.modules, modulesInside))
	}
	if f.python.SDK != "" {
		sdk := f.python.SDK
		if !strings.HasPrefix(sdk, "/usr/") {
			sdk = show(sdk, sdkInside)
		}
		paths = append(paths, sdk)
	}
	for _, p := range f.python.Prefixes {
		if p != "/usr" && p != "/" && !strings.HasPrefix(p, "/usr/") {
			show(p, p)
		}
	}
	if bin := filepath.Dir(f.python.Executable); !strings.HasPrefix(bin, "/usr/") {
		show(bin, bin)
	}
	env := []string{
		"PATH=" + filepath.Dir(f.python.Executable) + ":/usr/local/bin:/usr/bin:/bin",
		"PYTHONPATH=" + strings.Join(paths, ":"), "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1",
		"BROOKMERE_JOB_FOLDER=" + tmp + "/.job", "BROOKMERE_BOOKMARK_OPTION=" + r.BookmarkOption,
	}
	if r.Kind == Spark {
		java := f.java
		if !strings.HasPrefix(java, "/usr/") {
			java = show(java, javaInside)
		}
		settings, _ := filepath.Glob("/etc/java*") // what a distribution keeps of it there; the pattern is good
		for _, s := range settings {
			show(s, s)
		}
		env = append(env, "JAVA_HOME="+java, "SPARK_LOCAL_IP=127.0.0.1", "SPARK_LOCAL_DIRS="+tmp, "HADOOP_USER_NAME=glue",
			"PYSPARK_PYTHON="+f.python.Executable, "PYSPARK_DRIVER_PYTHON="+f.python.Executable,
			"PYSPARK_SUBMIT_ARGS="+submitArguments(r, memory, tmp))
	}
	script := tmp + "/" + r.Script.Name
	return function.Launch{
		Program: f.python.Executable, Dir: tmp, Env: append(env, r.Env...),
		Args: append([]string{f.python.Executable, "-B", lib + "/run.py", script}, r.Arguments...),
	}
}

// submitArguments are those that Spark's launcher is given, quoted as a shell's.
func submitArguments(r *Run, memory int, tmp string) string {
	var b strings.Builder
	add := func(words ...string) {
		for _, w := range words {
			b.WriteString("'" + strings.ReplaceAll(w, "'", `'"'"'`) + "' ")
		}
	}
	add("--master", fmt.Sprintf("local[%d]", threads()), "--driver-memory", fmt.Sprintf("%dm", max(memory*5/8, 512)))
	conf := []string{
		"spark.ui.enabled=false", "spark.ui.showConsoleProgress=false", "spark.log.level=WARN",
		"spark.driver.host=127.0.0.1", "spark.driver.bindAddress=127.0.0.1",
		fmt.Sprintf("spark.sql.shuffle.partitions=%d", threads()), "spark.sql.session.timeZone=UTC",
		"spark.sql.ansi.enabled=false", // as in Glue: a value that cannot be cast is null
		"spark.sql.sources.partitionColumnTypeInference.enabled=false", "spark.sql.streaming.pythonDataSource.enabled=true",
		"spark.driver.extraJavaOptions=-XX:-UsePerfData -XX:+UseSerialGC -XX:TieredStopAtLevel=4 -Djava.io.tmpdir=" + tmp,
		"spark.sql.warehouse.dir=" + tmp + "/.job/warehouse",
	}
	for _, c := range append(conf, r.Conf...) {
		add("--conf", c)
	}
	if len(r.Jars) > 0 {
		var names []string
		for _, j := range r.Jars {
			names = append(names, tmp+"/.job/jars/"+j.Name)
		}
		add("--jars", strings.Join(names, ","))
	}
	b.WriteString("pyspark-shell")
	return b.String()
}
