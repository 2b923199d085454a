//go:build !linux

package sandbox

import (
	"errors"
	"net"
	"os"
)

// Process is a started program.
type Process struct {
	Done      chan struct{}
	Listeners []net.Listener
}

// ErrSystem is returned on systems without a sandbox.
var ErrSystem = errors.New("sandbox: functions run on Linux")

// Start is refused on this system.
func Start(Spec, *os.File, *os.File, func(pid int) error) (*Process, error) { return nil, ErrSystem }

// Spare is a helper that waits for what it is to become.
type Spare struct{ Output *os.File }

// NewSpare is refused on this system.
func NewSpare(Layers) (*Spare, error) { return nil, ErrSystem }

// Start is refused on this system.
func (s *Spare) Start(Spec, func(pid int) error) (*Process, error) { return nil, ErrSystem }

// Stop does nothing.
func (s *Spare) Stop() {}

// Pid is 0.
func (p *Process) Pid() int { return 0 }

// State is nil.
func (p *Process) State() *os.ProcessState { return nil }

// Kill does nothing.
func (p *Process) Kill() {}

// Freeze does nothing.
func (p *Process) Freeze() {}

// Thaw does nothing.
func (p *Process) Thaw() {}

// Probe finds nothing.
func Probe() Layers { return Layers{} }

// ProbeNetwork finds nothing.
func ProbeNetwork() bool { return false }

// Descendants lists nothing.
func Descendants(int) []int { return nil }

// Trees lists nothing.
func Trees([]int) map[int][]int { return nil }
