package function

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// printed keeps lines that a task prints.
type printed struct {
	mu    sync.Mutex
	lines []string
}

func (p *printed) add(l Line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, l.Text)
}

func (p *printed) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// script is a task that runs a program of Python's.
func (x *fixture) script(t *testing.T, text string) (*Task, *printed, *printed) {
	t.Helper()
	p, err := x.Python("3")
	if err != nil {
		t.Skip(err)
	}
	out, errs := new(printed), new(printed)
	return &Task{
		Name: "t", Memory: 256, Storage: 8, Files: func(context.Context) (map[string][]byte, error) {
			return map[string][]byte{"s.py": []byte(text), "in/data.txt": []byte("some data")}, nil
		}, Output: out.add, Errors: errs.add,
		Launch: func(tmp string, show func(from, to string) string) Launch {
			for _, f := range p.Prefixes {
				show(f, f)
			}
			return Launch{Program: p.Executable, Args: []string{p.Executable, tmp + "/s.py"}, Dir: tmp, Env: []string{"A=b"}}
		},
	}, out, errs
}

func TestTask(t *testing.T) {
	variants(t, func(t *testing.T, x *fixture) {
		task, out, errs := x.script(t, `
import os, sys
print("out", open("in/data.txt").read(), os.environ["A"], flush=True)
print("err", file=sys.stderr)
open("left.txt", "w").write("left")
os.symlink("/etc/hostname", "link.txt")
sys.exit(3)
`)
		var left string
		var linked error
		task.After = func(tmp *os.Root) {
			b, err := tmp.ReadFile("left.txt")
			left = fmt.Sprint(string(b), err)
			_, linked = tmp.ReadFile("link.txt")
		}
		exit, err := x.RunTask(t.Context(), task)
		if err != nil || exit.Code != 3 || exit.Signal != "" || exit.Memory || exit.Storage {
			t.Errorf("exit %+v, %v", exit, err)
		}
		if out.text() != "out some data b" || errs.text() != "err" || left != "left<nil>" || linked == nil {
			t.Errorf("printed %q, %q, left %q, a link out of it: %v", out.text(), errs.text(), left, linked)
		}
	})
}

func TestTaskLimits(t *testing.T) {
	variants(t, func(t *testing.T, x *fixture) {
		task, _, _ := x.script(t, "b = b'x' * (1 << 30)\nimport time; time.sleep(60)")
		exit, err := x.RunTask(t.Context(), task)
		if err != nil || !exit.Memory {
			t.Errorf("memory: %+v, %v", exit, err)
		}
		task, _, _ = x.script(t, "for i in range(10):\n  open('f%d' % i, 'wb').write(b'x' * (4 << 20))\nimport time; time.sleep(60)")
		exit, err = x.RunTask(t.Context(), task)
		if err != nil || !exit.Storage {
			t.Errorf("storage: %+v, %v", exit, err)
		}
	})
}

func TestTaskStops(t *testing.T) {
	variants(t, func(t *testing.T, x *fixture) {
		task, out, _ := x.script(t, `
import subprocess, time
subprocess.Popen(["sleep", "1017"], start_new_session=True)
print("runs", flush=True)
time.sleep(60)
`)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := x.RunTask(ctx, task)
			done <- err
		}()
		eventually(t, "the task runs", func() bool { return out.text() == "runs" })
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("stopped: %v", err)
		}
		eventually(t, "the task's child is gone", func() bool { return !strings.Contains(commands(t), "sleep\x001017") })
		entries, err := os.ReadDir(x.runDir())
		if err != nil || len(entries) != 0 {
			t.Errorf("left behind: %v, %v", entries, err)
		}
	})
}

// TestTaskNetwork: in a network of its own, a task's processes talk over any port, and reach the node and nothing else.
func TestTaskNetwork(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the node") }), ReadHeaderTimeout: time.Second}
	defer served.Close()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	port := func(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }
	x := open(t, func(o *Options) { o.Connect, o.Serve = []uint16{uint16(port(l))}, served.Serve })
	if !x.private() {
		t.Skip("this machine has no networks of programs' own")
	}
	task, out, errs := x.script(t, fmt.Sprintf(`
import socket, urllib.request
print(urllib.request.urlopen("http://127.0.0.1:%d/").read().decode())
s = socket.create_server(("127.0.0.1", 0))
socket.create_connection(s.getsockname(), 2)
print("itself")
for where in (("127.0.0.1", %d), ("192.0.2.1", 80)):
    try:
        socket.create_connection(where, 2)
        print("reached", where)
    except OSError:
        print("not")
`, port(l), port(other)))
	task.Private = true
	exit, err := x.RunTask(t.Context(), task)
	if err != nil || exit.Code != 0 || out.text() != "the node\nitself\nnot\nnot" {
		t.Errorf("%+v, %v: %s\n%s", exit, err, out.text(), errs.text())
	}
}

// TestTaskThatWaitsHoldsNoFiles has as many tasks run as may: another is not asked for its files.
func TestTaskThatWaitsHoldsNoFiles(t *testing.T) {
	variants(t, func(t *testing.T, x *fixture) {
		for range cap(x.tasks) {
			x.tasks <- struct{}{}
		}
		task, _, _ := x.script(t, "")
		asked := make(chan struct{}, 1)
		no := errors.New("no files")
		task.Files = func(context.Context) (map[string][]byte, error) { asked <- struct{}{}; return nil, no }
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := x.RunTask(ctx, task); !errors.Is(err, context.DeadlineExceeded) || len(asked) > 0 {
			t.Errorf("no place: %v, asked for files %d times", err, len(asked))
		}
		for range cap(x.tasks) {
			<-x.tasks
		}
		if _, err := x.RunTask(t.Context(), task); !errors.Is(err, no) || len(asked) != 1 {
			t.Errorf("a place: %v, asked for files %d times", err, len(asked))
		}
	})
}
