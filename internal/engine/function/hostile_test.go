package function

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/brookmere/brookmere/internal/engine/function/sandbox"
)

// variants are the sandboxes that this machine can have.
func variants(t *testing.T, test func(t *testing.T, x *fixture)) {
	if runtime.GOOS != "linux" {
		t.Skip("functions run on Linux")
	}
	all := sandbox.Probe()
	t.Logf("layers here: %v", all)
	t.Run("all", func(t *testing.T) { test(t, open(t)) })
	if all.Namespaces && all.Landlock > 0 {
		bare := all
		bare.Namespaces, bare.User = false, false
		t.Run("landlock", func(t *testing.T) {
			test(t, open(t, func(o *Options) { o.Layers, o.NoControlGroups = &bare, true }))
		})
	}
}

func TestHangIsKilled(t *testing.T) {
	variants(t, func(t *testing.T, x *fixture) {
		f := x.python(t, `
import subprocess, os, time
def handler(e, c):
    if e == "pid": return os.getpid()
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    print("hangs", flush=True)
    while True: pass
`)
		x.invoke(t, f, `"pid"`)
		g := *f
		g.Key += "slow"
		var r *Result
		begun(t, &g, func() bool {
			r = x.invoke(t, &g, `"hang"`)
			return strings.Contains(string(r.Log), "hangs\n")
		})
		says := fmt.Sprintf("Task timed out after %.2f seconds", g.Timeout.Seconds())
		wantError(t, r, "Sandbox.Timedout", "Error: "+says)
		if !r.TimedOut || !strings.Contains(string(r.Log), says+"\nEND") || !strings.Contains(string(r.Log), "\tStatus: timeout") {
			t.Errorf("log %q", r.Log)
		}
		eventually(t, "the hung function's child is gone", func() bool {
			return !strings.Contains(commands(t), "sleep\x001000")
		})
		want(t, x.invoke(t, f, `"pid"`), string(x.invoke(t, f, `"pid"`).Payload))
	})
}

// begun gives a function a short timeout, and a longer one until what is to come before it does: a busy machine may
// need all of a short one to begin.
func begun(t *testing.T, f *Function, invoke func() bool) {
	t.Helper()
	for f.Timeout = 3 * time.Second; !invoke(); f.Timeout *= 4 {
		if f.Timeout > time.Minute {
			t.Fatalf("nothing comes within %v", f.Timeout)
		}
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// commands are the command lines of this process's descendants.
func commands(t *testing.T) string {
	t.Helper()
	var all []string
	for _, pid := range sandbox.Descendants(os.Getpid()) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil {
			all = append(all, string(b))
		}
	}
	return strings.Join(all, "\n")
}

func TestForkBomb(t *testing.T) {
	x := open(t)
	if !x.layers.Namespaces {
		t.Skip("a fork bomb is held by namespaces, which are not allowed here")
	}
	f := x.python(t, `
import os
def handler(e, c):
    while True:
        try: os.fork()
        except OSError: pass
`)
	f.Timeout = 2 * time.Second
	g := x.python(t, `def handler(e, c): return 1`)
	done := make(chan *Result)
	go func() { done <- x.invoke(t, f, "{}") }()
	want(t, x.invoke(t, g, "{}"), "1") // others go on
	select {
	case r := <-done:
		if !r.Failed {
			t.Errorf("answered %s", r.Payload)
		}
	case <-time.After(60 * time.Second):
		t.Fatal("still running")
	}
	eventually(t, "its processes are gone", func() bool { return len(x.Running(f.Group)) == 0 && strings.Count(commands(t), "bootstrap.py") <= 1 })
}

func TestOutputFlood(t *testing.T) {
	x := open(t)
	f := x.python(t, `
import sys
def handler(e, c):
    for n in range(20000): sys.stdout.write("x" * 1000 + "\n")
    sys.stdout.write("y" * 3000000)
    return "done"
`)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r := x.invoke(t, f, "{}")
	want(t, r, `"done"`)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if len(r.Log) > maxTail {
		t.Errorf("%d bytes of log", len(r.Log))
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 32<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
}

func TestDiskIsBounded(t *testing.T) {
	variants(t, func(t *testing.T, x *fixture) {
		f := x.python(t, `
import os, tempfile
def handler(e, c):
    n = 0
    while True:
        with open(tempfile.gettempdir() + "/f%d" % n, "wb") as f: f.write(b"x" * 4000000); os.fsync(f.fileno())
        n += 1
`)
		f.Storage = 16
		r := x.invoke(t, f, "{}")
		wantError(t, r, "Runtime.ExitError", "signal: killed")
		eventually(t, "its files are gone", func() bool {
			left, _ := filepath.Glob(filepath.Join(x.runDir(), "*", "tmp", "*"))
			return len(left) == 0
		})
	})
}

func TestMemoryIsBounded(t *testing.T) {
	variants(t, func(t *testing.T, x *fixture) {
		f := x.python(t, `
import subprocess, sys
def handler(e, c):
    if e == "child":
        p = subprocess.run([sys.executable, "-c", "import time\nb = []\nwhile True: b.append(b'x' * 5000000); time.sleep(0.005)"])
        return p.returncode
    import time
    b = []
    while True:
        b.append(b"x" * 5000000)
        time.sleep(0.002)
`)
		f.Memory = 128
		r := x.invoke(t, f, "{}")
		wantError(t, r, "Runtime.ExitError", "signal: killed")
		if !strings.Contains(string(r.Log), "Status: error\tError Type: Runtime.OutOfMemory") {
			t.Errorf("log %q", r.Log)
		}
		if r := x.invoke(t, f, `"child"`); string(r.Payload) != "-9" && !strings.Contains(string(r.Payload), "killed") {
			t.Errorf("answered %s", r.Payload)
		}
	})
}

// TestReach lets a function try what is none of its business.
func TestReach(t *testing.T) {
	variants(t, func(t *testing.T, x *fixture) {
		secret := filepath.Join(filepath.Dir(x.o.Dir), "secret")
		if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
			t.Fatal(err)
		}
		other := x.python(t, `
import os, time
def handler(e, c):
    open(os.environ.get("TMPDIR", "/tmp") + "/mine", "w").write("secret")
    return os.getpid()
`)
		x.invoke(t, other, "{}")
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		// As a shell leaves files open in what it starts.
		const inherited = 900
		if err := unix.Dup2(int(os.Stdin.Fd()), inherited); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(inherited)
		marker := "MARK" + uuid.NewString()
		sleeper := exec.Command("sleep", "100")
		sleeper.Env = []string{"SECRET=" + marker}
		if err := sleeper.Start(); err != nil {
			t.Fatal(err)
		}
		defer sleeper.Wait()
		defer sleeper.Process.Kill()
		f := x.python(t, `
import os, socket, glob, ctypes, signal, subprocess
def tried(f):
    try: return str(f())
    except Exception as e: return "refused"
def handler(e, c):
    libc = ctypes.CDLL(None, use_errno=True)
    def call(*a):
        if libc.syscall(*a) < 0: raise OSError(ctypes.get_errno())
        return "done"
    def environ():
        for p in glob.glob("/proc/[0-9]*/environ"):
            try:
                if e["marker"].encode() in open(p, "rb").read(): return "found"
            except OSError: pass
        raise OSError()
    def walk():
        for top, _, files in os.walk(e["data"]):
            for name in files:
                p = os.path.join(top, name)
                if os.environ["LAMBDA_TASK_ROOT"] in p or "/runtime/" in p or os.environ.get("TMPDIR", "/nowhere") in p: continue
                try: open(p).read(); return p
                except OSError: pass
        raise OSError()
    return {
        "secret": tried(lambda: open(e["secret"]).read()),
        "others": tried(walk),
        "shadow": tried(lambda: open("/etc/shadow").read()),
        "write code": tried(lambda: open(os.environ["LAMBDA_TASK_ROOT"] + "/x", "w")),
        "write usr": tried(lambda: open("/usr/x", "w")),
        "environ": tried(environ),
        "kill": tried(lambda: os.kill(e["pid"], 0)),
        "connect": tried(lambda: socket.create_connection(("127.0.0.1", e["port"]), 1)),
        "udp": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
        "mptcp": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)),
        "raw": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)),
        "packet": tried(lambda: socket.socket(17, socket.SOCK_RAW, 0)),
        "vsock": tried(lambda: socket.socket(40, socket.SOCK_STREAM, 0)),
        "high bits": tried(lambda: call(41, ctypes.c_ulong(0x100000000 | 17), ctypes.c_ulong(3), ctypes.c_ulong(0))),
        "ptrace": tried(lambda: call(101, 16, e["pid"], 0, 0)),
        "unshare": tried(lambda: call(272, 0x10000000)),
        "mount": tried(lambda: call(165, b"x", b"/tmp", b"tmpfs", 0, 0)),
        "bpf": tried(lambda: call(321, 0, 0, 0)),
        "io_uring": tried(lambda: call(425, 1, 0)),
        "keys": tried(lambda: call(250, 0, -3, 0)),
        "setuid": tried(lambda: os.setuid(0)) if os.getuid() != 0 else "refused",
        "chown": tried(lambda: os.chown(os.environ["LAMBDA_TASK_ROOT"], 1, 1)),
    }
`)
		payload, _ := json.Marshal(map[string]any{
			"secret": secret, "data": x.o.Dir, "marker": marker, "pid": sleeper.Process.Pid, "port": listener.Addr().(*net.TCPAddr).Port,
		})
		r := x.invoke(t, f, string(payload))
		var got map[string]string
		if err := json.Unmarshal(r.Payload, &got); err != nil || r.Failed {
			t.Fatalf("answered %s\n%s", r.Payload, r.Log)
		}
		if runtime.GOARCH != "amd64" {
			for _, name := range []string{"high bits", "ptrace", "unshare", "mount", "bpf", "io_uring", "keys"} {
				delete(got, name) // the numbers are amd64's
			}
		}
		for what, result := range got {
			if result != "refused" {
				t.Errorf("%s: %.200s", what, result)
			}
		}
	})
}

// TestRuntimeAPIIsSecret: a process that knows the port alone gets nothing.
func TestRuntimeAPIIsSecret(t *testing.T) {
	x := open(t, func(o *Options) { o.Outgoing = true })
	f := x.python(t, `
import urllib.request, os
def handler(e, c):
    if e == "address": return os.environ["AWS_LAMBDA_RUNTIME_API"]
    try: return urllib.request.urlopen("http://" + e + "/2018-06-01/runtime/invocation/next", timeout=5).status
    except urllib.error.HTTPError as error: return error.code
`)
	var address string
	json.Unmarshal(x.invoke(t, f, `"address"`).Payload, &address)
	host, _, _ := strings.Cut(address, "/")
	want(t, x.invoke(t, f, strconv.Quote(host)), "403")
	want(t, x.invoke(t, f, strconv.Quote(host+"/0123456789abcdef0123456789abcdef")), "403")
}

// TestOutgoing: a function may connect where the configuration says so, and to the node.
func TestOutgoing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	source := `
import socket
def handler(e, c):
    try: socket.create_connection(("127.0.0.1", e), 5)
    except OSError: return "refused"
    return "connected"
`
	for name, c := range map[string]struct {
		options func(*Options)
		want    string
	}{
		"closed": {func(*Options) {}, `"refused"`},
		"node":   {func(o *Options) { o.Connect = []uint16{uint16(port)} }, `"connected"`},
		"open":   {func(o *Options) { o.Outgoing = true }, `"connected"`},
	} {
		t.Run(name, func(t *testing.T) {
			x := open(t, c.options)
			if !x.layers.Network() && name == "closed" {
				t.Skip("the network cannot be closed here")
			}
			want(t, x.invoke(t, x.python(t, source), strconv.Itoa(port)), c.want)
		})
	}
}

// TestWithoutRoot runs the tests of the sandbox again as a user without any right.
func TestWithoutRoot(t *testing.T) {
	if os.Geteuid() != 0 || os.Getenv("BROOKMERE_TEST_USER") == "" {
		t.Skip("BROOKMERE_TEST_USER and root are needed")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	os.Chmod(dir, 0o777)
	for d := dir; d != "/"; d = filepath.Dir(d) {
		os.Chmod(d, 0o777)
	}
	copied := filepath.Join(dir, "tests")
	b, _ := os.ReadFile(self)
	if err := os.WriteFile(copied, b, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", copied, "-test.v", "-test.run", "Hang|ForkBomb|Disk|Memory|Reach|TestPython$|Outgoing")
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "TMPDIR=" + dir, "HOME=" + dir}
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
