package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A network of the program's own. The helper makes the listeners in it, and hands them to the
// caller: a socket stays in the network that it was made in, whoever has it.

// doorFile is the helper's end of the socket that listeners are handed over by.
const doorFile = 4

// openNetwork brings the loopback up, and hands a listener of each port to the caller.
func openNetwork(ports []uint16) error {
	defer unix.Close(doorFile)
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	var fds []int
	for _, port := range ports {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		defer unix.Close(fd)
		if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Port: int(port), Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 1024)); err != nil {
			return fmt.Errorf("listen on port %d: %w", port, err)
		}
		fds = append(fds, fd)
	}
	if err := unix.Sendmsg(doorFile, []byte{1}, unix.UnixRights(fds...), nil, 0); err != nil {
		return fmt.Errorf("hand over listeners: %w", err)
	}
	return nil
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request)
}

// receive takes the listeners that a helper hands over.
func receive(door *os.File, n int) ([]net.Listener, error) {
	c, err := net.FileConn(door)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	conn, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errors.New("it is not a local socket")
	}
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil, err
	}
	one, rights := make([]byte, 1), make([]byte, unix.CmsgSpace(4*n))
	_, got, _, _, err := conn.ReadMsgUnix(one, rights)
	if err != nil {
		return nil, err
	}
	messages, err := unix.ParseSocketControlMessage(rights[:got])
	if err != nil {
		return nil, err
	}
	var list []net.Listener
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			f := os.NewFile(uintptr(fd), "listener")
			l, lerr := net.FileListener(f)
			f.Close()
			if lerr != nil {
				err = lerr
				continue
			}
			list = append(list, l)
		}
		if err != nil {
			break
		}
	}
	if len(list) != n {
		for _, l := range list {
			l.Close()
		}
		return nil, errors.Join(errors.New("it could not be made"), err)
	}
	return list, nil
}

// ProbeNetwork tries whether programs can have a network of their own here.
func ProbeNetwork() bool {
	self, err := os.Executable()
	if err != nil {
		return false
	}
	cmd := exec.Command(self)
	cmd.Args = []string{probeName, "", "network"}
	cmd.Env = []string{"GOMAXPROCS=1"}
	cmd.SysProcAttr = attributes(Layers{Namespaces: true})
	cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWNET
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.AmbientCaps = append(cmd.SysProcAttr.AmbientCaps, unix.CAP_NET_ADMIN)
	}
	return cmd.Run() == nil
}
