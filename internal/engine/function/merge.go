package function

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Merged names the folder of several packages laid over one another, as their digests name those of one.
func Merged(digests []string) string {
	sum := sha256.Sum256([]byte(strings.Join(digests, "+")))
	return hex.EncodeToString(sum[:])
}

// merged is a folder with the files of several packages, later ones over earlier ones. It
// is made of hard links, once.
func (p *packages) merged(digests []string) (string, error) {
	var folders []string
	for _, d := range digests {
		f, err := p.folder(d)
		if err != nil {
			return "", err
		}
		folders = append(folders, f)
	}
	dir := filepath.Join(p.dir, Merged(digests))
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	part, err := os.MkdirTemp(p.dir, "part-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(part)
	for _, f := range folders {
		if err := overlay(f, part); err != nil {
			return "", err
		}
	}
	if err := os.Chmod(part, 0o755); err != nil {
		return "", err
	}
	return dir, os.Rename(part, dir)
}

// overlay links the files of from into to. Links below to are never followed: whatever is in
// the way is removed first.
func overlay(from, to string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == from {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		at := filepath.Join(to, rel)
		have, err := os.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case d.IsDir() && have.IsDir():
			return nil
		default:
			if err := os.RemoveAll(at); err != nil {
				return err
			}
		}
		switch {
		case d.IsDir():
			if err := os.Mkdir(at, 0o755); err != nil {
				return err
			}
			return os.Chmod(at, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(target, at)
		}
		return os.Link(name, at)
	})
}
