package server

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// acknowledger sends the acknowledgements that the kernel puts off. The zero value does nothing.
type acknowledger struct{ raw syscall.RawConn }

// acknowledgerOf is that of a TCP connection; of any other connection it does nothing.
func acknowledgerOf(c net.Conn) acknowledger {
	s, ok := c.(syscall.Conn)
	if !ok {
		return acknowledger{}
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return acknowledger{}
	}
	return acknowledger{raw}
}

// now acknowledges what has been received and not been acknowledged yet.
func (a acknowledger) now() {
	if a.raw == nil {
		return
	}
	_ = a.raw.Control(func(fd uintptr) { // where it fails, the kernel acknowledges in its own time
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
	})
}
