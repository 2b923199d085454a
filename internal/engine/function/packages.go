package function

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// Limits of a package.
const (
	MaxUnzipped = 262144000 // bytes of all files; of a function with its layers too
	maxEntries  = 200_000
	maxPathName = 4096
	maxFolders  = 100_000
	maxDepth    = 100 // of folders in one another
)

// packages keeps zip files by their digest, and unpacked.
type packages struct {
	dir string
	mu  sync.Mutex // one is unpacked at a time
}

// Package is a zip file that was put.
type Package struct {
	Digest   string // SHA-256, hexadecimal
	Size     int64  // of the zip file
	Unzipped int64
}

var digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// PutPackage checks a zip file, unpacks it, and keeps both. What it holds is durable when it
// returns. Errors of the file wrap ErrPackage and are worded for its author.
func (e *Engine) PutPackage(data []byte) (Package, error) {
	e.Prepare()
	return e.packages.put(data)
}

// PackageZip returns the zip file of a package; ErrNoPackage.
func (e *Engine) PackageZip(digest string) ([]byte, error) {
	if !digestForm.MatchString(digest) {
		return nil, ErrNoPackage
	}
	b, err := os.ReadFile(filepath.Join(e.packages.dir, digest+".zip"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoPackage
	}
	return b, err
}

// RemovePackages removes the packages that keep does not want, and returns how many.
func (e *Engine) RemovePackages(keep func(digest string) bool) (int, error) {
	p := &e.packages
	p.mu.Lock()
	defer p.mu.Unlock()
	names, err := os.ReadDir(p.dir)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, entry := range names {
		digest, isZip := strings.CutSuffix(entry.Name(), ".zip")
		if digestForm.MatchString(digest) && keep(digest) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(p.dir, entry.Name())); err != nil {
			return n, err
		}
		if isZip {
			n++
		}
	}
	return n, nil
}

func (p *packages) put(data []byte) (Package, error) {
	sum := sha256.Sum256(data)
	pkg := Package{Digest: hex.EncodeToString(sum[:]), Size: int64(len(data))}
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	if pkg.Unzipped, err = p.unpack(data, pkg.Digest); err != nil {
		return pkg, err
	}
	file := filepath.Join(p.dir, pkg.Digest+".zip")
	if _, err := os.Stat(file); err == nil {
		return pkg, nil
	}
	return pkg, writeFile(file, data)
}

// writeFile writes a file whole and durable.
func writeFile(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "part-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // it is gone if all went well
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (p *packages) folder(digest string) (string, error) {
	if !digestForm.MatchString(digest) {
		return "", ErrNoPackage
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	dir := filepath.Join(p.dir, digest)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	data, err := os.ReadFile(dir + ".zip")
	if errors.Is(err, fs.ErrNotExist) {
		return "", ErrNoPackage
	}
	if err != nil {
		return "", err
	}
	_, err = p.unpack(data, digest)
	return dir, err
}

// unpack makes the package's folder if it is not there. Callers hold mu.
func (p *packages) unpack(data []byte, digest string) (int64, error) {
	files, err := readZip(data)
	if err != nil {
		return 0, err
	}
	dir := filepath.Join(p.dir, digest)
	if _, err := os.Stat(dir); err == nil {
		return sizeOf(files), nil // it was checked when it was made
	}
	part, err := os.MkdirTemp(p.dir, "part-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(part)
	size, err := unzip(files, part)
	if err != nil {
		return 0, err
	}
	// Whatever the process's mask is, another user reads it.
	err = filepath.WalkDir(part, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(name, 0o755)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	if err := syncFilesystem(part); err != nil {
		return 0, err
	}
	return size, os.Rename(part, dir)
}

func packageError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrPackage, fmt.Sprintf(format, args...))
}

func readZip(data []byte) ([]*zip.File, error) {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, packageError("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	if len(r.File) == 0 {
		return nil, packageError("Uploaded file must be a non-empty zip")
	}
	if len(r.File) > maxEntries {
		return nil, packageError("The package has more than %d files", maxEntries)
	}
	return r.File, checkFolders(r.File)
}

// checkFolders bounds the folders that the names of files call for: a name of 4 KB stands for two thousand of
// them, so that a small package could use up the disk's.
func checkFolders(files []*zip.File) error {
	seen := map[string]bool{".": true, "/": true}
	for _, f := range files {
		name := path.Clean(f.Name)
		if strings.Count(name, "/") > maxDepth {
			return packageError("The package has a file at %.200q, which is in more than %d folders", f.Name, maxDepth)
		}
		for dir := path.Dir(name); !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			if len(seen) > maxFolders {
				return packageError("The package has more than %d folders", maxFolders)
			}
		}
	}
	return nil
}

func sizeOf(files []*zip.File) int64 {
	var n uint64
	for _, f := range files {
		n += f.UncompressedSize64
	}
	return int64(min(n, 1<<62))
}

// unzip writes files below dir, and nowhere else: every path is opened below the folder's
// handle. Sizes are counted as bytes come, whatever the directory says. Symbolic links come
// last, so that no file is written through one; where they point to is for the sandbox.
func unzip(files []*zip.File, dir string) (int64, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	left := int64(MaxUnzipped)
	type link struct{ name, to string }
	var links []link
	for _, f := range files {
		name := path.Clean(strings.TrimPrefix(f.Name, "./"))
		if name == "." {
			continue
		}
		if len(f.Name) > maxPathName || !filepath.IsLocal(name) || strings.ContainsAny(name, "\x00\\") {
			return 0, packageError("The package has a file at %.200q, which is not a path below its root", f.Name)
		}
		mode := f.Mode()
		if mode.IsDir() || strings.HasSuffix(f.Name, "/") {
			if err := root.MkdirAll(name, 0o755); err != nil {
				return 0, packageError("The package has a folder that cannot be made: %v", err)
			}
			continue
		}
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return 0, packageError("The package has a file that cannot be made: %v", err)
		}
		if mode&os.ModeSymlink != 0 {
			r, err := f.Open()
			if err != nil {
				return 0, packageError("Could not unzip uploaded file. Please check your file, then try to upload again.")
			}
			to, err := io.ReadAll(io.LimitReader(r, maxPathName+1))
			r.Close()
			if err != nil || len(to) == 0 || len(to) > maxPathName || bytes.IndexByte(to, 0) >= 0 {
				return 0, packageError("The package has a symbolic link at %.200q that cannot be read", f.Name)
			}
			links = append(links, link{name, string(to)})
			continue
		}
		if !mode.IsRegular() {
			return 0, packageError("The package has a file at %.200q that is neither a file, a folder nor a symbolic link", f.Name)
		}
		n, err := unzipFile(root, name, f, left)
		if err != nil {
			return 0, err
		}
		left -= n
	}
	for _, l := range links {
		if err := root.Symlink(l.to, l.name); err != nil {
			return 0, packageError("The package has a symbolic link that cannot be made: %v", err)
		}
	}
	return MaxUnzipped - left, nil
}

func unzipFile(root *os.Root, name string, f *zip.File, left int64) (int64, error) {
	r, err := f.Open()
	if err != nil {
		return 0, packageError("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	defer r.Close()
	perm := os.FileMode(0o644)
	if f.Mode()&0o111 != 0 {
		perm = 0o755
	}
	w, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, perm)
	if err != nil {
		return 0, packageError("The package has a file that cannot be made: %v", err)
	}
	n, err := io.Copy(w, io.LimitReader(r, left+1))
	if n > left {
		w.Close()
		return 0, packageError("Unzipped size must be smaller than %d bytes", MaxUnzipped)
	}
	if errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrFormat) || errors.Is(err, io.ErrUnexpectedEOF) || err != nil && strings.Contains(err.Error(), "flate") {
		w.Close()
		return 0, packageError("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return 0, err
	}
	return n, root.Chmod(name, perm) // whatever the process's mask is
}
