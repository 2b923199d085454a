package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

func lockThread() { runtime.LockOSThread() }

// init takes the process over if it was started as a helper, and then does not return: so
// every program that has this package, tests too, is its own helper, and is it before most
// of it is initialized.
func init() {
	if len(os.Args) == 0 {
		return
	}
	switch os.Args[0] {
	case helperName:
		runtime.LockOSThread() // what follows holds for this thread, which becomes the program
		err := become()
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(125)
	case probeName:
		runtime.LockOSThread()
		if len(os.Args) > 2 {
			if err := loopbackUp(); err != nil {
				os.Exit(probeNone)
			}
			os.Exit(0)
		}
		if err := try(os.Args[1]); err != nil {
			os.Exit(probeNone)
		}
		if os.Geteuid() == 0 && (syscall.Setgroups(nil) != nil || syscall.Setresgid(FirstUser, FirstUser, FirstUser) != nil || syscall.Setresuid(FirstUser, FirstUser, FirstUser) != nil) {
			os.Exit(probeSameUser)
		}
		os.Exit(0)
	}
}

// What a probe answers: no namespaces; namespaces, but no other user.
const (
	probeNone     = 1
	probeSameUser = 2
)

// try does what putting a root together needs.
func try(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	return newRoot(&Spec{Root: dir, Scratch: dir})
}

// become reads what to start, gives up the rest, and starts it in its own place.
func become() error {
	f := os.NewFile(3, "configuration")
	config, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	f.Close()
	if len(config) == 0 {
		return errors.New("nothing to start")
	}
	var s Spec
	if err := json.Unmarshal(config, &s); err != nil {
		return err
	}
	if len(s.Ports) > 0 {
		if err := openNetwork(s.Ports); err != nil {
			return err
		}
	}
	if s.Layers.Namespaces {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return fmt.Errorf("private mounts: %w", err)
		}
		if err := newRoot(&s); err != nil {
			return err
		}
		// Filters of containers forbid the call, in a namespace of one's own too; then the program sees
		// the container's name, as everybody in it does.
		if err := unix.Sethostname([]byte("localhost")); err != nil && !errors.Is(err, unix.EPERM) {
			return fmt.Errorf("host name: %w", err)
		}
	}
	if err := os.Chdir(s.Dir); err != nil {
		return err
	}
	if err := limit(&s); err != nil {
		return err
	}
	if err := giveUp(&s); err != nil {
		return err
	}
	if err := restrict(&s); err != nil {
		return err
	}
	if s.Layers.Seccomp {
		if err := filter(s.Outgoing || len(s.Ports) > 0); err != nil {
			return fmt.Errorf("seccomp: %w", err)
		}
	}
	if err := closeOnExec(); err != nil {
		return fmt.Errorf("open files: %w", err)
	}
	return fmt.Errorf("%s: %w", s.Program, syscall.Exec(s.Program, s.Args, s.Env))
}

// closeOnExec lets the program have its input and output alone: whoever started the node may have
// left files open in it, and so in all that it starts.
func closeOnExec() error {
	const first = 3
	if unix.CloseRange(first, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return nil
	}
	// Kernels before 5.11, and filters of containers that do not know the call.
	var most unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &most); err != nil {
		return err
	}
	for fd := first; fd < int(min(max(most.Cur, most.Max), maxOpen)); fd++ {
		unix.CloseOnExec(fd)
	}
	return nil
}

// maxOpen is how far files are looked for where the kernel does not do it. The limit that holds here is
// the program's; one of the node's may have been higher.
const maxOpen = 1 << 16

func limit(s *Spec) error {
	for _, l := range []struct {
		what int
		n    uint64
	}{
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_NOFILE, uint64(s.Files)},
		{unix.RLIMIT_NPROC, uint64(s.Processes)},
		{unix.RLIMIT_FSIZE, uint64(s.FileSize)},
		{unix.RLIMIT_MSGQUEUE, 0},
		{unix.RLIMIT_MEMLOCK, 64 << 10},
	} {
		var have unix.Rlimit
		if err := unix.Getrlimit(l.what, &have); err != nil {
			return fmt.Errorf("limit %d: %w", l.what, err)
		}
		n := min(l.n, have.Max)
		if err := unix.Prlimit(0, l.what, &unix.Rlimit{Cur: n, Max: n}, nil); err != nil {
			return fmt.Errorf("limit %d: %w", l.what, err)
		}
	}
	unix.Umask(0o022)
	return nil
}

// giveUp drops the caller's standing: its user, its groups, its capabilities.
func giveUp(s *Spec) error {
	if s.Layers.User && s.User != 0 {
		if err := syscall.Setgroups(nil); err != nil {
			return fmt.Errorf("groups: %w", err)
		}
		if err := syscall.Setresgid(s.User, s.User, s.User); err != nil {
			return fmt.Errorf("group: %w", err)
		}
		if err := syscall.Setresuid(s.User, s.User, s.User); err != nil {
			return fmt.Errorf("user: %w", err)
		}
	}
	// What is left of privileges is in no set that survives.
	unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) // kernels before 4.3 have none
	if os.Geteuid() == 0 {
		for c := range uintptr(64) {
			unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0) // an error says that there is no such
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	// A change of user has cleared the first of these; the others keep strays in reach and
	// the program's memory unreadable until it starts.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("death signal: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("subreaper: %w", err)
	}
	return nil
}

func landlockVersion() int {
	v, err := ll.LandlockGetABIVersion()
	if err != nil {
		return 0
	}
	return v
}

// systemFolders are what a program needs of the machine to run at all.
var systemFolders = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"}

// systemFiles are those of /etc that libraries read, none with a secret.
var systemFiles = []string{
	"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/timezone", "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls/certs", "/etc/pki/ca-trust", "/etc/ca-certificates",
	"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/alternatives", "/etc/mime.types", "/etc/services", "/etc/protocols", "/etc/os-release", "/etc/gai.conf", "/etc/host.conf",
}

var devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}

// restrict puts Landlock on this thread, and so on what it becomes.
func restrict(s *Spec) error {
	if s.Layers.Landlock == 0 {
		return nil
	}
	c := landlock.V7.BestEffort()
	var rules []landlock.Rule
	read := func(path string) {
		info, err := os.Stat(path)
		switch {
		case err != nil:
		case info.IsDir():
			rules = append(rules, landlock.RODirs(path))
		default:
			rules = append(rules, landlock.ROFiles(path))
		}
	}
	if s.Layers.Namespaces {
		read("/") // nothing is there that was not given
		rules = append(rules, landlock.RWDirs("/tmp"))
	} else {
		for _, list := range [][]string{systemFolders, systemFiles, {"/proc/self", "/etc/passwd", "/etc/group"}} {
			for _, p := range list {
				read(p)
			}
		}
		for _, b := range s.Binds {
			read(b.From)
		}
		rules = append(rules, landlock.RWDirs(s.Scratch))
	}
	for _, d := range devices {
		if _, err := os.Stat(d); err == nil {
			rules = append(rules, landlock.RWFiles(d))
		}
	}
	for _, p := range s.Connect {
		rules = append(rules, landlock.ConnectTCP(p))
	}
	if s.Outgoing || len(s.Ports) > 0 { // in its own network it may connect to whatever is there
		c.HandledAccessNet = 0
		rules = rules[:len(rules)-len(s.Connect)]
	}
	fd, flags, err := c.NewRulesetFD(rules...)
	if err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	if fd < 0 {
		return errors.New("landlock: nothing was restricted")
	}
	defer unix.Close(fd)
	if err := ll.LandlockRestrictSelf(fd, flags); err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	return nil
}
