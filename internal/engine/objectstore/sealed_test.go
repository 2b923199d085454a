package objectstore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/brookmere/brookmere/internal/engine/seal"
)

// sealedStore opens a store over dir, which encrypts if key is not nil and on is set.
func sealedStore(t *testing.T, dir string, key *seal.Key, on bool) *Store {
	t.Helper()
	o := Options{Dir: filepath.Join(dir, "o"), StateDir: filepath.Join(dir, "s"), Encrypt: on}
	if key != nil {
		o.Key = key
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n)})
	_, _ = r.Read(b) // it never fails
	return b
}

func putBytes(t *testing.T, s *Store, key string, data []byte) Info {
	t.Helper()
	info, err := s.Put(t.Context(), "b", key, Put{Body: bytes.NewReader(data), Size: int64(len(data)), Finish: func(n int64, _ *Record) error {
		if n != int64(len(data)) {
			t.Errorf("%s: told of %d bytes of %d", key, n, len(data))
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// reads compares what is read of an object in every way with what was put.
func reads(t *testing.T, s *Store, key string, want []byte) {
	t.Helper()
	info, f, err := s.Open("b", key, "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info.Size != int64(len(want)) {
		t.Errorf("%s has %d bytes, not %d", key, info.Size, len(want))
	}
	if len(want) == 0 {
		if got, err := io.ReadAll(f); err != nil || len(got) != 0 {
			t.Errorf("%s: %q, %v", key, got, err)
		}
		return
	}
	if len(want) <= 100 { // or it takes long
		if err := iotest.TestReader(f, want); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	} else if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes, %v", key, len(got), err)
	}
	for range 20 {
		from := rand.IntN(len(want))
		n := rand.IntN(len(want)-from) + 1
		got := make([]byte, n)
		if m, err := f.ReadAt(got, int64(from)); err != nil || m != n || !bytes.Equal(got, want[from:from+n]) {
			t.Fatalf("%s: bytes %d to %d differ: %d, %v", key, from, from+n, m, err)
		}
	}
}

func TestSealed(t *testing.T) {
	dir, key := t.TempDir(), seal.Random()
	s := sealedStore(t, dir, key, true)
	if err := s.CreateBucket("b"); err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, n := range []int{0, 1, 15, sealedPiece - 1, sealedPiece, sealedPiece + 1, 2*sealedPiece - 16, 2 * sealedPiece, 3*sealedPiece + 5, 1 << 20} {
		k := "n/" + string(rune('a'+len(all)))
		all[k] = noise(n)
		if info := putBytes(t, s, k, all[k]); info.Size != int64(n) {
			t.Errorf("a put of %d bytes has made %d", n, info.Size)
		}
	}
	// Of parts, one empty, one uploaded twice.
	u, err := s.CreateUpload("b", "parts", Record{})
	if err != nil {
		t.Fatal(err)
	}
	keep := func(int64, *Record) error { return nil }
	var whole []byte
	for i, n := range []int{100, 0, sealedPiece, 5 << 20, 7} {
		data := noise(n + i)
		if i == 1 {
			data = nil
		}
		for range 2 {
			p, err := s.PutPart(t.Context(), "b", u, i+1, bytes.NewReader(data), int64(len(data)), keep)
			if err != nil || p.Size != int64(len(data)) {
				t.Fatal(p, err)
			}
		}
		whole = append(whole, data...)
	}
	parts, err := s.Parts(u)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CompleteUpload(t.Context(), "b", u, parts, Record{}, nil); err != nil {
		t.Fatal(err)
	}
	all["parts"] = whole
	// An object that is merged of others, and one that was there before the store encrypted.
	if err := s.Replace(t.Context(), "b", []string{"n/c", "n/e"}, 0, func(files []File) (Merged, error) {
		var data []byte
		for _, f := range files {
			in, err := s.OpenFile(f.Path)
			if err != nil {
				return Merged{}, err
			}
			defer in.Close()
			got, err := io.ReadAll(in)
			if err != nil || int64(len(got)) != f.Size || !f.Sealed {
				t.Errorf("%s: %d bytes of %d, sealed %v, %v", f.Key, len(got), f.Size, f.Sealed, err)
			}
			data = append(data, got...)
		}
		return Merged{Key: "n/merged", Body: bytes.NewReader(data), Size: int64(len(data)), Sources: 2}, nil
	}); err != nil {
		t.Fatal(err)
	}
	all["n/merged"] = append(bytes.Clone(all["n/c"]), all["n/e"]...)
	delete(all, "n/c")
	delete(all, "n/e")

	check := func(s *Store) {
		t.Helper()
		for k, want := range all {
			reads(t, s, k, want)
		}
		page, err := s.List(t.Context(), "b", List{Max: 1000})
		if err != nil || len(page.Entries) != len(all) {
			t.Fatalf("%d objects are listed, %v", len(page.Entries), err)
		}
		for _, e := range page.Entries {
			if e.Size != int64(len(all[e.Key])) {
				t.Errorf("%s is listed with %d bytes, not %d", e.Key, e.Size, len(all[e.Key]))
			}
		}
		files, err := s.Files(t.Context(), "b", "")
		if err != nil || len(files) != len(all) {
			t.Fatalf("%d files, %v", len(files), err)
		}
		for _, f := range files {
			if f.Size != int64(len(all[f.Key])) {
				t.Errorf("the file of %s has %d bytes, not %d", f.Key, f.Size, len(all[f.Key]))
			}
			if one, ok := s.LocalFile("b", f.Key); !ok || one != f {
				t.Errorf("%+v, %+v", one, f)
			}
		}
	}
	check(s)
	for k, want := range all {
		if len(want) < 16 {
			continue
		}
		f, _ := s.LocalFile("b", k)
		raw, err := os.ReadFile(f.Path)
		if err != nil || bytes.Contains(raw, want[:16]) || bytes.Contains(raw, want[len(want)-16:]) {
			t.Errorf("%s is in its file as it was put (%v)", k, err)
		}
	}
	s.Close()

	// A store that no longer encrypts reads on, and writes plainly.
	s = sealedStore(t, dir, key, false)
	all["plain"] = noise(sealedPiece + 9)
	putBytes(t, s, "plain", all["plain"])
	check(s)
	if raw, err := os.ReadFile(filepath.Join(dir, "o/b/plain")); err != nil || !bytes.Equal(raw, all["plain"]) {
		t.Errorf("encrypted still (%v)", err)
	}
	s.Close()
	s = sealedStore(t, dir, key, true)
	check(s)
	if entries, err := os.ReadDir(filepath.Join(dir, "s/keys")); err != nil || len(entries) != 1 {
		t.Errorf("%d keys, %v", len(entries), err)
	}
	s.Close()
	for _, other := range []Sealer{nil, seal.Random()} {
		if _, err := Open(Options{Dir: filepath.Join(dir, "o"), StateDir: filepath.Join(dir, "s"), Key: other}); err == nil || !strings.Contains(err.Error(), "key") {
			t.Errorf("opened with another key: %v", err)
		}
	}
}

// TestSealedMixed: an upload whose parts came before and after the store began to encrypt.
func TestSealedMixed(t *testing.T) {
	dir, key := t.TempDir(), seal.Random()
	s := sealedStore(t, dir, key, false)
	if err := s.CreateBucket("b"); err != nil {
		t.Fatal(err)
	}
	u, err := s.CreateUpload("b", "k", Record{})
	if err != nil {
		t.Fatal(err)
	}
	var whole []byte
	for i := range 6 {
		if i%2 == 0 {
			s.Close()
			s = sealedStore(t, dir, key, i%4 == 2)
		}
		data := noise(sealedPiece/2 + i*40000)
		if _, err := s.PutPart(t.Context(), "b", u, i+1, bytes.NewReader(data), int64(len(data)), func(int64, *Record) error { return nil }); err != nil {
			t.Fatal(err)
		}
		whole = append(whole, data...)
	}
	if u, err = s.GetUpload("b", "k", u.ID); err != nil {
		t.Fatal(err)
	}
	parts, err := s.Parts(u)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CompleteUpload(t.Context(), "b", u, parts, Record{}, nil); err != nil {
		t.Fatal(err)
	}
	reads(t, s, "k", whole)
	// The record goes on when something of it changes.
	if _, err := s.Amend("b", "k", "", func(i *Info) error { i.Tags = map[string]string{"a": "b"}; return nil }); err != nil {
		t.Fatal(err)
	}
	reads(t, s, "k", whole)
}

// TestSealedChanged: what somebody has changed in a file is not read as data.
func TestSealedChanged(t *testing.T) {
	dir := t.TempDir()
	s := sealedStore(t, dir, seal.Random(), true)
	if err := s.CreateBucket("b"); err != nil {
		t.Fatal(err)
	}
	data := noise(3*sealedPiece + 100)
	for name, change := range map[string]func(raw []byte) []byte{
		"a bit":    func(raw []byte) []byte { raw[sealedPiece+500] ^= 1; return raw },
		"the salt": func(raw []byte) []byte { raw[len(sealedMagic)] ^= 1; return raw },
		"the mark": func(raw []byte) []byte { raw[0] ^= 1; return raw },
		"cut off":  func(raw []byte) []byte { return raw[:len(raw)-50] },
		"moved": func(raw []byte) []byte {
			first, second := raw[sealedHeader:sealedHeader+sealedBlock], raw[sealedHeader+sealedBlock:sealedHeader+2*sealedBlock]
			swapped := append(append(bytes.Clone(raw[:sealedHeader]), second...), first...)
			return append(swapped, raw[sealedHeader+2*sealedBlock:]...)
		},
		"emptied": func([]byte) []byte { return nil },
	} {
		putBytes(t, s, "k", data)
		path := filepath.Join(dir, "o/b/k")
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, change(raw), 0o644); err != nil { // the record stays
			t.Fatal(err)
		}
		_, f, err := s.Open("b", "k", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(f); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
		f.Close()
	}
}

// TestSealedCutOff: a body that breaks off makes no object, whatever its error is.
func TestSealedCutOff(t *testing.T) {
	dir := t.TempDir()
	s := sealedStore(t, dir, seal.Random(), true)
	if err := s.CreateBucket("b"); err != nil {
		t.Fatal(err)
	}
	for _, broken := range []error{io.ErrUnexpectedEOF, context.Canceled, errors.New("gone")} {
		for _, n := range []int{0, 10, sealedPiece, 2*sealedPiece + 1} {
			body := io.MultiReader(bytes.NewReader(noise(n)), iotest.ErrReader(broken))
			if _, err := s.Put(t.Context(), "b", "k", Put{Body: body}); !errors.Is(err, broken) {
				t.Errorf("%d bytes, then %v: %v", n, broken, err)
			}
			if _, err := s.Stat("b", "k", ""); !errors.Is(err, ErrNoKey) {
				t.Errorf("there is an object: %v", err)
			}
		}
	}
	left, err := os.ReadDir(filepath.Join(dir, "o/b", reservedName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func BenchmarkSealedRead(b *testing.B) {
	for name, on := range map[string]bool{"plain": false, "sealed": true} {
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			s, err := Open(Options{Dir: filepath.Join(dir, "o"), StateDir: filepath.Join(dir, "s"), Encrypt: on, Key: seal.Random()})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			if err := s.CreateBucket("b"); err != nil {
				b.Fatal(err)
			}
			data := noise(1 << 20)
			if _, err := s.Put(b.Context(), "b", "k", Put{Body: bytes.NewReader(data)}); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(1 << 20)
			buf := make([]byte, 256<<10)
			for b.Loop() {
				_, f, err := s.Open("b", "k", "")
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, f, buf); err != nil {
					b.Fatal(err)
				}
				f.Close()
			}
		})
	}
}

// TestSealedManyParts: an object of as many parts as there can be has a stretch for each, and is read from any place.
func TestSealedManyParts(t *testing.T) {
	s := sealedStore(t, t.TempDir(), seal.Random(), true)
	if err := s.CreateBucket("b"); err != nil {
		t.Fatal(err)
	}
	u, err := s.CreateUpload("b", "k", Record{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.PutPart(t.Context(), "b", u, 1, strings.NewReader("part."), 5, func(int64, *Record) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	parts := make([]UploadedPart, MaxParts)
	r := Record{}
	for i := range parts {
		parts[i] = p
		parts[i].Number, parts[i].stored = i+1, stretch{p.sealed[0].key, 5}.sealedSize()
		r.Parts = append(r.Parts, Part{Number: i + 1, Size: 5})
	}
	info, err := s.CompleteUpload(t.Context(), "b", u, parts, r, nil)
	if err != nil || info.Size != 5*MaxParts {
		t.Fatal(info.Size, err)
	}
	reads(t, s, "k", []byte(strings.Repeat("part.", MaxParts)))
}
