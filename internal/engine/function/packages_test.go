package function

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type zipEntry struct {
	name, text string
	mode       os.FileMode
}

func zipOf(t testing.TB, entries ...zipEntry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		h.SetMode(e.mode)
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, e.text)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPackages(t *testing.T) {
	x := open(t)
	data := zipOf(t, zipEntry{"a/b.py", "1", 0o600}, zipEntry{"./run", "2", 0o755}, zipEntry{"d/", "", os.ModeDir | 0o700}, zipEntry{"l", "a/b.py", os.ModeSymlink | 0o777})
	p, err := x.PutPackage(data)
	if err != nil {
		t.Fatal(err)
	}
	if p.Unzipped != 2 {
		t.Errorf("%d bytes unzipped", p.Unzipped)
	}
	dir, err := x.packages.folder(p.Digest)
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"a/b.py": 0o644, "run": 0o755, "d": os.ModeDir | 0o755, "a": os.ModeDir | 0o755} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if to, err := os.Readlink(filepath.Join(dir, "l")); err != nil || to != "a/b.py" {
		t.Errorf("link to %q, %v", to, err)
	}
	if back, err := x.PackageZip(p.Digest); err != nil || !bytes.Equal(back, data) {
		t.Errorf("the zip file differs: %v", err)
	}
	os.RemoveAll(dir)
	if dir, err = x.packages.folder(p.Digest); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "run")); err != nil {
		t.Error(err)
	}
	if _, err := x.packages.folder(strings.Repeat("0", 64)); !errors.Is(err, ErrNoPackage) {
		t.Errorf("unknown: %v", err)
	}
	if _, err := x.PackageZip("../../etc/passwd"); !errors.Is(err, ErrNoPackage) {
		t.Errorf("a path: %v", err)
	}
	if n, err := x.RemovePackages(func(string) bool { return false }); n != 1 || err != nil {
		t.Errorf("removed %d, %v", n, err)
	}
	if _, err := x.PackageZip(p.Digest); !errors.Is(err, ErrNoPackage) {
		t.Errorf("removed: %v", err)
	}
}

// wide are files in folders of their own, which make many more folders than there are files.
func wide() (entries []zipEntry) {
	for n := range 1100 {
		entries = append(entries, zipEntry{fmt.Sprint(n, "/") + strings.Repeat("a/", 98) + "b", "", 0o644})
	}
	return entries
}

func TestBadPackages(t *testing.T) {
	x := open(t)
	link := os.ModeSymlink | 0o777
	for name, data := range map[string][]byte{
		"empty":        nil,
		"text":         []byte("hello"),
		"no files":     zipOf(t),
		"parent":       zipOf(t, zipEntry{"../x", "", 0o644}),
		"inner parent": zipOf(t, zipEntry{"a/../../x", "", 0o644}),
		"absolute":     zipOf(t, zipEntry{"/etc/x", "", 0o644}),
		"backslash":    zipOf(t, zipEntry{`..\x`, "", 0o644}),
		"nul":          zipOf(t, zipEntry{"a\x00b", "", 0o644}),
		"device":       zipOf(t, zipEntry{"d", "", os.ModeDevice | 0o644}),
		"pipe":         zipOf(t, zipEntry{"d", "", os.ModeNamedPipe | 0o644}),
		"file as dir":  zipOf(t, zipEntry{"a", "", 0o644}, zipEntry{"a/b", "", 0o644}),
		"through link": zipOf(t, zipEntry{"a", "/tmp", link}, zipEntry{"a/b", "", 0o644}),
		"deep":         zipOf(t, zipEntry{strings.Repeat("a/", 2000) + "b", "", 0o644}),
		"many folders": zipOf(t, wide()...),
		"truncated":    zipOf(t, zipEntry{"a", strings.Repeat("x", 1000), 0o644})[:60],
	} {
		if _, err := x.PutPackage(data); !errors.Is(err, ErrPackage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, _ := os.ReadDir(x.packages.dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	// A bomb is counted as it unfolds, whatever its directory says.
	bomb := zipOf(t, zipEntry{"zeros", strings.Repeat("\x00", 1<<20), 0o644})
	files, err := readZip(bomb)
	if err != nil {
		t.Fatal(err)
	}
	many := make([]*zip.File, 0, 300)
	for range 300 {
		many = append(many, files[0])
	}
	if _, err := unzip(many, t.TempDir()); !errors.Is(err, ErrPackage) || !strings.Contains(err.Error(), "Unzipped size must be smaller than 262144000 bytes") {
		t.Errorf("a bomb: %v", err)
	}
}

func FuzzPackage(f *testing.F) {
	f.Add(zipOf(f, zipEntry{"a/b", "x", 0o644}, zipEntry{"l", "a", os.ModeSymlink | 0o777}))
	f.Add(zipOf(f, zipEntry{"../x", "", 0o644}))
	f.Fuzz(func(t *testing.T, data []byte) {
		top := t.TempDir()
		dir := filepath.Join(top, "in")
		os.Mkdir(dir, 0o755)
		files, err := readZip(data)
		if err == nil {
			_, err = unzip(files, dir)
		}
		if err != nil && !errors.Is(err, ErrPackage) {
			t.Error(err)
		}
		if list, _ := os.ReadDir(top); len(list) != 1 {
			t.Errorf("written outside: %v", list)
		}
	})
}
