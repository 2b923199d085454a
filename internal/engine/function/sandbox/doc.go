// Package sandbox starts a program that is not trusted as a process of this machine: no
// container engine, no root needed.
//
// The process is started by way of this program itself, as a helper: it takes
// everything away that the program is not given, and becomes the program. The layers, each
// used where the machine allows it (Probe):
//
//   - Namespaces of mounts, processes, IPC and host name, by root's right or a user
//     namespace. The program sees a root of its own: the system's programs and libraries
//     and what Spec.Binds names, all read-only, and a /tmp of its own. Processes that it
//     starts end with it, whatever they do.
//   - A network of its own, where Spec.Ports asks for it: a loopback that nothing else is on, with
//     the ports that the caller serves. For programs whose own processes talk over any port.
//   - A user of its own, where the caller is root: its processes are counted apart.
//   - Landlock: reading what was given alone, writing to /tmp alone, TCP to Spec.Connect
//     alone, no signals and no abstract sockets of other processes.
//   - seccomp: no tracing, mounting, namespaces, kernel keys, io_uring or raw sockets; UDP
//     and other transports only where Spec.Outgoing says so.
//   - no_new_privs and resource limits, on every machine.
//
// A layer that Probe found and that then fails is an error: the program does not start with
// less than what the caller was told.
package sandbox

import (
	"fmt"
	"strings"
)

// Spec says what is started, and what it is given.
type Spec struct {
	Program string   `json:"program"` // absolute
	Args    []string `json:"args"`    // the first is the program's name
	Env     []string `json:"env"`
	Dir     string   `json:"dir"` // working directory, as the program sees it

	Binds   []Bind `json:"binds"`   // besides the system's own folders
	Scratch string `json:"scratch"` // its /tmp; the only place that it may write to
	Root    string `json:"root"`    // an empty folder, where its root is put together
	User    int    `json:"user"`    // id that it runs as where the caller is root; 0: the caller's

	Connect  []uint16 `json:"connect"`  // TCP ports that it may connect to
	Outgoing bool     `json:"outgoing"` // it may connect to any, and use UDP

	// Ports of 127.0.0.1 that the caller serves in a network that is the program's own: nothing else
	// is there but itself, and Connect and Outgoing do not count. Empty: the machine's network. It
	// needs namespaces, and what ProbeNetwork tells.
	Ports []uint16 `json:"ports"`

	Processes int   `json:"processes"` // at once, threads included
	Files     int   `json:"files"`     // open at once, a process
	FileSize  int64 `json:"fileSize"`  // of one file, in bytes

	Layers Layers `json:"layers"` // what Probe found, or less
}

// Bind makes a folder or file of the machine visible, read-only. One that does not exist is
// passed over. Without namespaces it is visible where it is.
type Bind struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Layers of protection that this machine allows.
type Layers struct {
	Namespaces bool `json:"namespaces"` // root, processes and IPC of its own
	User       bool `json:"user"`       // another user than the caller
	Landlock   int  `json:"landlock"`   // version of its interface; 0: there is none
	Seccomp    bool `json:"seccomp"`
}

// Network reports whether outgoing connections can be held to the ports that were given.
func (l Layers) Network() bool { return l.Landlock >= 4 && l.Seccomp }

// String lists the layers for a log.
func (l Layers) String() string {
	var on []string
	if l.Namespaces {
		on = append(on, "namespaces")
	}
	if l.User {
		on = append(on, "user")
	}
	if l.Landlock > 0 {
		on = append(on, fmt.Sprintf("landlock %d", l.Landlock))
	}
	if l.Seccomp {
		on = append(on, "seccomp")
	}
	return strings.Join(append(on, "rlimits"), ", ")
}

// Missing says what a program could do because a layer does not hold here; empty when all do.
func (l Layers) Missing() []string {
	var off []string
	if !l.Namespaces {
		off = append(off, "namespaces: /tmp is elsewhere (TMPDIR names it), and processes that a function leaves behind are looked for, not ended by the kernel")
	}
	if !l.Namespaces && l.Landlock == 0 {
		off = append(off, "files: a function can read what the node's user can read")
	}
	if !l.Network() {
		off = append(off, "network: a function can connect to any address")
	}
	return off
}

// FirstUser is the first of the ids that programs run as where the caller is root and
// Layers.User holds; far from those of people and services.
const FirstUser = 1_870_000_000
