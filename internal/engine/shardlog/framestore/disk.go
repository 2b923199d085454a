package framestore

import "os"

// disk is how the store writes, so that tests can have that fail.
type disk struct {
	write   func(f *os.File, offset int64, header, data []byte) error // one after the other
	sync    func(f *os.File) error
	syncDir func(dir string) error
}

func (d disk) orDefault() disk {
	if d.write == nil {
		d.write = writeAt
	}
	if d.sync == nil {
		d.sync = syncData
	}
	if d.syncDir == nil {
		d.syncDir = syncDir
	}
	return d
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
