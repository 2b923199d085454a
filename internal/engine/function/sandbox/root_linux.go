package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// newRoot puts the root together that the program sees, and makes it this process's.
func newRoot(s *Spec) error {
	root := s.Root
	if err := unix.Mount("brookmere", root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=1m,nr_inodes=4096,mode=755"); err != nil {
		return fmt.Errorf("mount a root: %w", err)
	}
	for _, f := range systemFolders {
		if err := show(root, f, f); err != nil {
			return err
		}
	}
	for _, f := range systemFiles {
		if err := show(root, f, f); err != nil {
			return err
		}
	}
	for _, b := range s.Binds {
		if err := show(root, b.From, b.To); err != nil {
			return err
		}
	}
	for _, d := range devices {
		// Devices are no use on a mount without them, so this is not a read-only bind.
		if err := bind(root, d, d, 0); err != nil {
			return err
		}
	}
	for name, to := range map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"} {
		if err := os.Symlink(to, filepath.Join(root, "dev", name)); err != nil {
			return err
		}
	}
	user, group := insideUser, insideGroup
	if s.Layers.User && s.User != 0 {
		user, group = s.User, s.User
	}
	for name, text := range map[string]string{
		"etc/passwd": fmt.Sprintf("sbx_user1051:x:%d:%d::/tmp:/sbin/nologin\n", user, group),
		"etc/group":  fmt.Sprintf("sbx_user1051:x:%d:\n", group),
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if err := bind(root, s.Scratch, "/tmp", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV); err != nil {
		return err
	}
	proc := filepath.Join(root, "proc")
	if err := os.MkdirAll(proc, 0o755); err != nil {
		return err
	}
	// Where the machine hides parts of /proc, as containers do, there is none.
	_ = unix.Mount("proc", proc, "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the old root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	return unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "")
}

// show makes a folder or file visible below root, read-only; a symbolic link as one.
func show(root, from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return nil // not on this machine
	}
	if info.Mode()&os.ModeSymlink != 0 && from == to && strings.Count(from, "/") == 1 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, filepath.Join(root, to))
	}
	return bind(root, from, to, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
}

// bind mounts from at to below root.
func bind(root, from, to string, attributes uint64) error {
	info, err := os.Stat(from)
	if err != nil {
		return nil // not on this machine
	}
	at := filepath.Join(root, to)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return fmt.Errorf("show %s: %w", to, err)
	}
	if info.IsDir() {
		err = os.MkdirAll(at, 0o755)
	} else {
		var f *os.File
		if f, err = os.OpenFile(at, os.O_CREATE|os.O_WRONLY, 0o644); err == nil {
			f.Close()
		}
	}
	if err != nil {
		return fmt.Errorf("show %s: %w", to, err)
	}
	if err := unix.Mount(from, at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("show %s: %w", from, err)
	}
	if attributes == 0 {
		return nil
	}
	err = unix.MountSetattr(unix.AT_FDCWD, at, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: attributes})
	if err == nil {
		return nil
	}
	// Kernels before 5.12: one mount at a time, with the flags that it has.
	var st unix.Statfs_t
	if err := unix.Statfs(at, &st); err != nil {
		return fmt.Errorf("show %s: %w", from, err)
	}
	flags := uintptr(st.Flags) & (unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_NODIRATIME | unix.MS_RELATIME)
	flags |= unix.MS_NOSUID | unix.MS_NODEV | unix.MS_REMOUNT | unix.MS_BIND
	if attributes&unix.MOUNT_ATTR_RDONLY != 0 {
		flags |= unix.MS_RDONLY
	}
	if err := unix.Mount("", at, "", flags, ""); err != nil {
		return fmt.Errorf("show %s read-only: %w", from, err)
	}
	return nil
}
