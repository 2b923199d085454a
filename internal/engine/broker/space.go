//go:build linux || darwin

package broker

import (
	"fmt"
	"syscall"
)

// Free tells the bytes that the embedded server's disk has left for this process. With
// a server outside it cannot tell, and says that there is plenty.
func (b *Broker) Free() (uint64, error) {
	if b.opts.URL != "" {
		return 1 << 62, nil
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(b.opts.Dir, &st); err != nil {
		return 0, fmt.Errorf("broker: free space of %s: %w", b.opts.Dir, err)
	}
	return st.Bavail * uint64(st.Bsize), nil
}
