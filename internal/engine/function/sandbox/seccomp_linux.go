package sandbox

import (
	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// forbidden are the system calls that no function needs and that reach the kernel's own
// workings, or other processes. They fail with EPERM.
var forbidden = []string{
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
	"mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
	"unshare", "setns",
	"bpf", "perf_event_open", "userfaultfd", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module",
	"add_key", "request_key", "keyctl", "open_by_handle_at", "name_to_handle_at", "fanotify_init", "fanotify_mark",
	"swapon", "swapoff", "reboot", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "quotactl", "acct", "syslog", "vhangup",
	"iopl", "ioperm", "lookup_dcookie", "nfsservctl", "sethostname", "setdomainname", "personality",
	"io_uring_setup", "io_uring_enter", "io_uring_register",
}

// filter puts seccomp on this thread.
func filter(outgoing bool) error {
	info, err := arch.GetInfo("")
	if err != nil {
		return err
	}
	var names []string
	for _, n := range forbidden {
		if _, ok := info.SyscallNames[n]; ok {
			names = append(names, n)
		}
	}
	when := func(name string, conditions ...seccomp.Condition) seccomp.NameWithConditions {
		return seccomp.NameWithConditions{Name: name, Conditions: conditions}
	}
	is := func(argument uint32, v uint64) seccomp.Condition {
		return seccomp.Condition{Argument: argument, Operation: seccomp.Equal, Value: v}
	}
	not := func(argument uint32, v uint64) seccomp.Condition {
		// All 64 bits are compared, and the kernel takes 32 of them: what has others set is
		// unequal to everything, so that rules which forbid must ask for inequality first.
		return seccomp.Condition{Argument: argument, Operation: seccomp.NotEqual, Value: v}
	}
	has := func(argument uint32, bits uint64) seccomp.Condition {
		return seccomp.Condition{Argument: argument, Operation: seccomp.BitsSet, Value: bits}
	}
	var conditional []seccomp.NameWithConditions
	for _, flag := range []uint64{unix.CLONE_NEWUSER, unix.CLONE_NEWNS, unix.CLONE_NEWNET, unix.CLONE_NEWPID, unix.CLONE_NEWIPC, unix.CLONE_NEWUTS, unix.CLONE_NEWCGROUP} {
		conditional = append(conditional, when("clone", has(0, flag)))
	}
	// Sockets: of this machine, TCP, and the routing table that name resolution asks for.
	conditional = append(conditional, when("socket", not(0, unix.AF_UNIX), not(0, unix.AF_INET), not(0, unix.AF_INET6), not(0, unix.AF_NETLINK)))
	for _, family := range []uint64{unix.AF_INET, unix.AF_INET6} {
		if outgoing {
			conditional = append(conditional, when("socket", is(0, family), has(1, 1), has(1, 2))) // raw
			continue
		}
		conditional = append(conditional,
			when("socket", is(0, family), has(1, 2)), // datagrams, raw, DCCP
			when("socket", is(0, family), has(1, 4)), // packets in sequence
			// Transports that Landlock's rules of TCP do not hold for.
			when("socket", is(0, family), not(2, 0), not(2, unix.IPPROTO_TCP)))
	}
	return seccomp.LoadFilter(seccomp.Filter{Policy: seccomp.Policy{
		DefaultAction: seccomp.ActionAllow,
		Syscalls: []seccomp.SyscallGroup{
			{Action: seccomp.ActionErrno | seccomp.Action(unix.EPERM), Names: names, NamesWithCondtions: conditional},
			// Its flags lie in memory, where a filter cannot look; libraries fall back to clone.
			{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: []string{"clone3"}},
		},
	}})
}
