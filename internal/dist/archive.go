package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"runtime/debug"
	"time"
)

// file is a file of an archive.
type file struct {
	text []byte
	mode fs.FileMode
}

// archiveTime is that of all files: the same files are the same archive.
var archiveTime = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// writeArchive writes files into a compressed tar archive, below a folder.
func writeArchive(path, folder string, files map[string]file) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := tar.NewWriter(z)
	for _, name := range sortedNames(files) {
		header := &tar.Header{Name: folder + "/" + name, Mode: int64(files[name].mode), Size: int64(len(files[name].text)), ModTime: archiveTime, Format: tar.FormatPAX}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		if _, err := w.Write(files[name].text); err != nil {
			return err
		}
	}
	return errors.Join(w.Close(), z.Close())
}

// withRevision is a version with the revision that the program is built of, where the build knows it.
func withRevision(version string, info *debug.BuildInfo) string {
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			version += "+" + s.Value[:min(12, len(s.Value))]
		}
	}
	return version
}
