//go:build !linux

package objectstore

import (
	"io/fs"
	"time"
)

// changed is when a folder was last changed, which is not known here.
func changed(fs.FileInfo, error) (at time.Time, ok bool) { return time.Time{}, false }
