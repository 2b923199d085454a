package objectstore

import (
	"io/fs"
	"syscall"
	"time"
)

// changed is when a folder was last changed, in its entries or otherwise; false if it is not known. Nobody sets this time.
func changed(info fs.FileInfo, err error) (at time.Time, ok bool) {
	if err != nil || !info.IsDir() {
		return time.Time{}, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}, false
	}
	return time.Unix(int64(st.Ctim.Sec), int64(st.Ctim.Nsec)), true
}
