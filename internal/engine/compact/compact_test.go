package compact

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/recordplan"
)

func compressed(t testing.TB, c recordplan.Compression, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := recordplan.NewCompressor(&b, c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestMergeText(t *testing.T) {
	for name, c := range map[string]struct {
		compression recordplan.Compression
		kind        format
		extension   string
	}{
		"plain": {recordplan.Uncompressed, text, ""}, "gzip": {recordplan.Gzip, gzipped, ".gz"}, "zip": {recordplan.Zip, zipped, ".zip"},
		"snappy": {recordplan.Snappy, snappyJava, ".snappy"}, "hadoop": {recordplan.HadoopSnappy, snappyHadoop, ".snappy"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			big := strings.Repeat("a line that is there often\n", 40_000)
			texts := []string{"one\ntwo\n", "", big, "three", "four\n"}
			var objects []Object
			for i, text := range texts {
				objects = append(objects, writeObject(t, filepath.Join(dir, fmt.Sprint(i)+c.extension), compressed(t, c.compression, text)))
			}
			if kind, err := sniff(objects[0]); err != nil || kind != c.kind {
				t.Fatalf("format %v, %v", kind, err)
			}
			f, n, err := merge(t.Context(), dir, objects)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			want := texts[0] + texts[1] + texts[2] + texts[3] // which does not end with a line
			if n != 4 {
				t.Fatalf("merged %d", n)
			}
			info, err := f.Stat()
			if err != nil {
				t.Fatal(err)
			}
			merged := filepath.Join(dir, "merged")
			data, err := io.ReadAll(io.NewSectionReader(f, 0, info.Size()))
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if _, err := copyText(&got, writeObject(t, merged, data), c.kind, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			if got.String() != want {
				t.Errorf("got %d bytes, want %d", got.Len(), len(want))
			}
			var se *sourceError
			if _, _, err := merge(t.Context(), dir, objects[3:]); !errors.As(err, &se) || !errors.Is(err, errNoLines) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func FuzzCopyText(f *testing.F) {
	for _, c := range []recordplan.Compression{recordplan.Gzip, recordplan.Zip, recordplan.Snappy, recordplan.HadoopSnappy} {
		f.Add(compressed(f, c, "a line\nand another\n"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o := writeObject(t, filepath.Join(t.TempDir(), "x"), data)
		for _, kind := range []format{text, gzipped, zipped, snappyJava, snappyHadoop} {
			_, _ = copyText(limit{}, o, kind, make([]byte, 4096)) // it returns
		}
	})
}

// limit ends a small input that is a large output.
type limit struct{}

func (limit) Write(p []byte) (int, error) { return len(p), nil }

func TestParseSettings(t *testing.T) {
	for in, want := range map[string]string{
		"off": "off", "on": "target=128MiB after=5m keep=5m", "target=1GiB": "target=1GiB after=5m keep=5m",
		"after=90s,keep=0s": "target=128MiB after=1m30s keep=0s", " target=65536  after=2h ": "target=64KiB after=2h keep=5m",
	} {
		s, err := ParseSettings(in)
		if err != nil || s.String() != want {
			t.Errorf("%q: got %q, %v; want %q", in, s, err, want)
			continue
		}
		if again, err := ParseSettings(s.String()); err != nil || again != s {
			t.Errorf("%q: read again it is %+v, %v", in, again, err)
		}
	}
	for _, bad := range []string{"", "yes", "on off", "target=", "target=1KiB", "target=2GiB", "target=-5", "target=99999999999GiB", "target=17179869185GiB" /* 1 GiB in 64 bits */, "after=5", "after=-5m", "after=1000h", "keep=1e", "size=1MiB"} {
		if s, err := ParseSettings(bad); err == nil {
			t.Errorf("%q: got %v", bad, s)
		}
	}
}

const stream = "s"

var owner = recordplan.NewOwner("secret", stream)

// keyOf is the key of the n-th object of a folder.
func keyOf(prefix string, n int) string {
	return owner.Key(stream, recordplan.ObjectKey{Prefix: prefix, Version: "1", Time: fmt.Sprintf("2026-01-02-03-04-%02d", n%60)}, delivery.NewObjectID(prefix, fmt.Sprint(n)))
}

func TestBins(t *testing.T) {
	sized := func(sizes ...int64) (out []Object) {
		for i, n := range sizes {
			out = append(out, Object{Key: keyOf("p/", i), Size: n})
		}
		return out
	}
	for name, c := range map[string]struct {
		objects []Object
		all     bool
		want    []int
	}{
		"one":                 {sized(1), false, nil},
		"few":                 {sized(1, 2, 3), false, []int{3}},
		"beyond the target":   {sized(60, 30, 20, 10, 70, 20, 5), false, []int{2, 3, 2}},
		"a large and a small": {sized(90, 1), false, nil},
		"all":                 {sized(90, 1), true, []int{2}},
		"a large and many":    {sized(60, 5, 5, 5, 5), false, []int{5}},
		"large and late":      {sized(90, 1, 2), false, []int{2}},
		"foreign":             {append(sized(1), Object{Key: "p/x", Size: 1}), false, nil},
	} {
		var got []int
		for _, b := range bins(c.objects, owner, 100, c.all) {
			got = append(got, len(b))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

// memLake is a Lake in a directory.
type memLake struct {
	dir   string
	clock clockwork.Clock

	mu       sync.Mutex
	objects  map[string]Object
	replaced int
	fail     error
}

func (l *memLake) put(t testing.TB, key, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := writeObject(t, filepath.Join(l.dir, strings.ReplaceAll(key, "/", "|")), []byte(text))
	o.Key, o.ModTime = key, l.clock.Now()
	l.objects[key] = o
}

func (l *memLake) Walk(_ context.Context, bucket, prefix string, visit func(Object)) error {
	if bucket != "b" {
		return ErrNoBucket
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, o := range l.objects {
		if strings.HasPrefix(k, prefix) {
			visit(o)
		}
	}
	return nil
}

func (l *memLake) Replace(_ context.Context, _ string, keys []string, _ time.Duration, merge func([]Object) (Merged, error)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	var sources []Object
	for _, k := range keys {
		sources = append(sources, l.objects[k])
	}
	m, err := merge(sources)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(m.Body)
	if err != nil {
		return err
	}
	path := filepath.Join(l.dir, fmt.Sprint("merged", l.replaced))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return err
	}
	for _, k := range keys[:m.Sources] {
		delete(l.objects, k)
	}
	l.objects[m.Key] = Object{Key: m.Key, Path: path, Size: m.Size, ModTime: l.clock.Now()}
	l.replaced++
	return nil
}

func (l *memLake) texts(t testing.TB, prefix string) (out []string) {
	t.Helper()
	err := l.Walk(t.Context(), "b", prefix, func(o Object) {
		b, err := os.ReadFile(o.Path)
		if err != nil {
			t.Error(err)
		}
		out = append(out, string(b))
	})
	if err != nil {
		t.Error(err)
	}
	slices.Sort(out)
	return out
}

func TestCompactor(t *testing.T) {
	clock := clockwork.NewFakeClock()
	lake := &memLake{dir: t.TempDir(), clock: clock, objects: make(map[string]Object)}
	var mu sync.Mutex
	open := make(map[string]bool)
	done := make(chan int, 10)
	failed := make(chan error, 10)
	c := New(Options{
		Lake: lake, Gate: NewGate(), Clock: clock, Owner: owner, Stream: stream, TempDir: t.TempDir(),
		Root: func() (string, string) { return "b", "" },
		Open: func() (map[string]bool, error) {
			mu.Lock()
			defer mu.Unlock()
			return map[string]bool{keyOf("new/", 1): open[keyOf("new/", 1)]}, nil
		},
		Events: Events{
			Compacted: func(_, _ string, n int, _ int64, _ time.Duration) { done <- n },
			Failed:    func(_, _ string, err error) { failed <- err },
		},
	})
	// What was there before.
	lake.put(t, keyOf("old/", 1), "a\n")
	lake.put(t, keyOf("old/", 2), "b\n")
	lake.put(t, "old/foreign", "c\n")
	clock.Advance(time.Minute)
	set := Settings{Target: 1 << 20, After: 5 * time.Minute, Keep: time.Minute}
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { c.Run(ctx, set) })
	step := func(d time.Duration) {
		t.Helper()
		if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		clock.Advance(d)
	}
	wrote := func(prefix string, n int, text string) {
		lake.put(t, keyOf(prefix, n), text)
		c.Wrote("b", keyOf(prefix, n))
	}
	step(3 * time.Minute)
	select {
	case <-done:
		t.Fatal("compacted before it was closed")
	default:
	}
	step(time.Minute)
	if n := <-done; n != 2 {
		t.Errorf("merged %d objects", n)
	}
	if got := lake.texts(t, "old/"); !slices.Equal(got, []string{"a\nb\n", "c\n"}) {
		t.Errorf("got %q", got)
	}

	// A folder that is written to is closed later, and an object that may be written again stays.
	mu.Lock()
	open[keyOf("new/", 1)] = true
	mu.Unlock()
	wrote("new/", 0, "0\n")
	step(4 * time.Minute)
	wrote("new/", 1, "1\n")
	wrote("new/", 2, "2\n")
	step(4 * time.Minute)
	select {
	case <-done:
		t.Fatal("compacted before it was closed")
	default:
	}
	step(time.Minute)
	if n := <-done; n != 2 {
		t.Errorf("merged %d objects", n)
	}
	mu.Lock()
	clear(open)
	mu.Unlock()
	step(5 * time.Minute)
	if n := <-done; n != 2 {
		t.Errorf("merged %d objects", n)
	}

	// A failure is told, and tried again.
	lake.mu.Lock()
	lake.fail = errors.New("no room")
	lake.mu.Unlock()
	wrote("bad/", 0, "0\n")
	wrote("bad/", 1, "1\n")
	step(5 * time.Minute)
	if err := <-failed; err.Error() != "no room" || c.Status().Err == nil {
		t.Errorf("told %v", err)
	}
	lake.mu.Lock()
	lake.fail = nil
	lake.mu.Unlock()
	step(5 * time.Minute)
	if n := <-done; n != 2 {
		t.Errorf("merged %d objects", n)
	}
	if s := c.Status(); s.Objects != 8 || s.Into != 4 || s.Bytes == 0 {
		t.Errorf("status %+v", s)
	}
	c.Wrote("gone", keyOf("x/", 1)) // whose bucket is no more
	step(5 * time.Minute)
	for c.Status().Folders > 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	run.Wait()

	// By hand, closed or not.
	lake.put(t, keyOf("hand/", 1), "1\n")
	lake.put(t, keyOf("hand/", 2), "2\n")
	if err := c.Compact(t.Context(), DefaultSettings); err != nil {
		t.Fatal(err)
	}
	if got := lake.texts(t, "hand/"); !slices.Equal(got, []string{"1\n2\n"}) {
		t.Errorf("got %q", got)
	}
}
