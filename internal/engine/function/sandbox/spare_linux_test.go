package sandbox

import (
	"syscall"
	"testing"
)

// The process id of a spare that has ended may be somebody else's by now: nothing is done with it.
func TestSpareThatHasEnded(t *testing.T) {
	s, err := NewSpare(Layers{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Output.Close()
	if err := syscall.Kill(s.h.p.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.h.p.Done
	p, err := s.Start(Spec{Program: "/bin/true"}, func(pid int) error {
		t.Errorf("the process %d was to be put into a control group", pid)
		return nil
	})
	if err == nil {
		p.Kill()
		t.Error("it has become a program")
	}
	s.Stop() // once more does no harm
}
