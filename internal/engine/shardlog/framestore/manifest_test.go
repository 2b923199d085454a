package framestore

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// closed is a store of three shards in some packs, after Close: each has frames 1 to 30.
func closed(t *testing.T) string {
	t.Helper()
	dir, r := t.TempDir(), random(20)
	s := open(t, dir, Options{PackBytes: 4000})
	for id := uint64(1); id <= 3; id++ {
		s.Attach(id, 1, 0)
	}
	for seq := uint64(1); seq <= 30; seq++ {
		for id := uint64(1); id <= 3; id++ {
			check(t, s.Append(id, seq, int64(seq), makeFrame(r, id, seq, 200)))
		}
		check(t, s.Sync())
	}
	check(t, s.Close())
	return dir
}

func packFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"+packName))
	check(t, err)
	return files
}

func inspectAll(t *testing.T, dir string) (all []Finding) {
	t.Helper()
	before := snapshot(t, dir)
	check(t, Inspect(dir, verifyFrame, func(f Finding) { all = append(all, f) }))
	if after := snapshot(t, dir); after != before {
		t.Errorf("Inspect has changed %s to %s", before, after)
	}
	return all
}

func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	entries, err := os.ReadDir(dir)
	check(t, err)
	for _, e := range entries {
		info, err := e.Info()
		check(t, err)
		all = append(all, fmt.Sprint(e.Name(), info.Size(), info.ModTime()))
	}
	return strings.Join(all, " ")
}

// What is not as Close has left it is told by name, and nothing is changed by that; Repair takes it, and the shards go on
// behind what they had.
func TestChangedPacks(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string, packs []string)
		file   func(packs []string) string
		aside  bool // Repair moves it
	}{
		"missing": {
			func(t *testing.T, _ string, packs []string) { check(t, os.Remove(packs[2])) },
			func(packs []string) string { return packs[2] }, false,
		},
		"the last is missing": {
			func(t *testing.T, _ string, packs []string) { check(t, os.Remove(packs[len(packs)-1])) },
			func(packs []string) string { return packs[len(packs)-1] }, false,
		},
		"cut off": {
			func(t *testing.T, _ string, packs []string) { check(t, os.Truncate(packs[2], 1000)) },
			func(packs []string) string { return packs[2] }, false,
		},
		"another": {
			func(t *testing.T, _ string, packs []string) {
				other := closed(t)
				data, err := os.ReadFile(filepath.Join(other, filepath.Base(packs[2])))
				check(t, err)
				check(t, os.WriteFile(packs[2], data, 0o600))
			},
			func(packs []string) string { return packs[2] }, true,
		},
		"of later": {
			func(t *testing.T, dir string, packs []string) {
				data, err := os.ReadFile(packs[0])
				check(t, err)
				check(t, os.WriteFile(filepath.Join(dir, "00000000000000ff.pack"), data, 0o600))
			},
			func(packs []string) string { return "00000000000000ff.pack" }, true,
		},
		"the manifest": {
			func(t *testing.T, dir string, _ []string) {
				check(t, os.WriteFile(filepath.Join(dir, manifestName), []byte("00000000\n{}"), 0o600))
			},
			func([]string) string { return manifestName }, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := closed(t)
			packs := packFiles(t, dir)
			if len(packs) < 5 {
				t.Fatal(packs)
			}
			c.change(t, dir, packs)
			file := filepath.Base(c.file(packs))
			before := snapshot(t, dir)
			if s, err := Open(dir, Options{Verify: verifyFrame, quiet: true}); !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), file) {
				t.Fatalf("%v, %v", s, err)
			}
			if snapshot(t, dir) != before {
				t.Error("a start that was refused has changed something")
			}
			refused := slices.DeleteFunc(inspectAll(t, dir), func(f Finding) bool { return !f.Refused })
			if len(refused) != 1 || refused[0].File != file {
				t.Errorf("%+v", refused)
			}
			saved := filepath.Join(t.TempDir(), "saved")
			check(t, Repair(dir, saved))
			if _, err := os.Stat(filepath.Join(saved, manifestName)); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(saved, file)); (err == nil) != (c.aside || file == manifestName) {
				t.Error("kept beside:", err)
			}
			for round := range 3 {
				s := open(t, dir, Options{PackBytes: 4000})
				for id := uint64(1); id <= 3; id++ {
					s.Attach(id, 1, 0)
				}
				s.Sweep()
				for id := uint64(1); id <= 3; id++ {
					last := uint64(30)
					if id == 1 {
						last += uint64(round)
					}
					if _, b := s.Bounds(id); b != last {
						t.Errorf("round %d: shard %d ends at %d, not %d", round, id, b, last)
					}
					have := all(t, s, id)
					n := uint64(len(have))
					for _, h := range s.Holes(id) {
						for seq := h.First; seq <= h.Last; seq++ {
							if have[seq] != nil {
								t.Errorf("shard %d: %d is there and in a hole", id, seq)
							}
							n++
						}
					}
					if n != last {
						t.Errorf("shard %d: %d frames are there or in holes, of %d", id, n, last)
					}
				}
				check(t, s.Append(1, uint64(31+round), 50, makeFrame(random(9), 1, uint64(31+round), 10)))
				check(t, s.Close())
				if refused := inspectAll(t, dir); len(refused) > 0 && name != "cut off" {
					t.Errorf("round %d: %+v", round, refused)
				}
			}
		})
	}
}

// The file with the ends goes when all shards are beyond.
func TestEndsGo(t *testing.T) {
	dir := closed(t)
	packs := packFiles(t, dir)
	for _, p := range packs[len(packs)-2:] {
		check(t, os.Remove(p))
	}
	check(t, Repair(dir, filepath.Join(t.TempDir(), "saved")))
	attach := func() *Store {
		s := open(t, dir, Options{})
		s.Attach(1, 1, 0)
		s.Attach(2, 1, 0)
		s.Sweep() // the third is gone
		return s
	}
	there := func() bool {
		_, err := os.Stat(filepath.Join(dir, endsName))
		return err == nil
	}
	for id := uint64(1); id <= 2; id++ {
		s := attach()
		if !there() {
			t.Fatal("the ends are gone before shard", id)
		}
		if _, b := s.Bounds(id); b != 30 {
			t.Fatal(b)
		}
		check(t, s.Append(id, 31, 50, makeFrame(random(1), id, 31, 10)))
		check(t, s.Close())
	}
	s := attach()
	if there() {
		t.Error("the ends are still there")
	}
	if _, b := s.Bounds(2); b != 31 {
		t.Error(b)
	}
}

// A manifest is there from a Close that was whole to the next Open, and at no other time. What a loss of power takes behind
// that, footers, is no damage.
func TestManifestComesAndGoes(t *testing.T) {
	dir := closed(t)
	there := func() bool {
		_, err := os.Stat(filepath.Join(dir, manifestName))
		return err == nil
	}
	if !there() {
		t.Fatal("no manifest after Close")
	}
	for _, p := range packFiles(t, dir) {
		f, err := os.Open(p)
		check(t, err)
		info, err := f.Stat()
		check(t, err)
		foot, _, _, ok, err := readFooter(f, info.Size(), packNumber(filepath.Base(p)))
		f.Close()
		if err != nil || !ok {
			t.Fatal(p, err)
		}
		check(t, os.Truncate(p, foot.at))
	}
	if found := inspectAll(t, dir); len(found) > 0 {
		t.Errorf("%+v", found)
	}
	fail := false
	d := disk{sync: func(f *os.File) error {
		if fail {
			return errors.New("input/output error")
		}
		return syncData(f)
	}}
	s := open(t, dir, Options{disk: d})
	if there() {
		t.Error("a manifest while the store is open")
	}
	s.Attach(1, 1, 0)
	if got := all(t, s, 1); len(got) != 30 {
		t.Errorf("%d frames", len(got))
	}
	check(t, s.Append(1, 31, 50, makeFrame(random(1), 1, 31, 10)))
	fail = true
	if err := s.Close(); !errors.Is(err, ErrSuspect) {
		t.Error(err)
	}
	if there() {
		t.Error("a manifest after a Close that has failed")
	}
	s = open(t, dir, Options{NoSync: true})
	check(t, s.Close())
	if there() {
		t.Error("a manifest of a store that does not sync")
	}
}

// Every byte that is changed in a sealed pack is told with the frame that it is of, or with the file.
func TestInspectFlips(t *testing.T) {
	dir := closed(t)
	if found := inspectAll(t, dir); len(found) > 0 {
		t.Fatalf("whole: %+v", found)
	}
	path := packFiles(t, dir)[1]
	data, err := os.ReadFile(path)
	check(t, err)
	f, err := os.Open(path)
	check(t, err)
	foot, id, _, ok, err := readFooter(f, int64(len(data)), 2)
	f.Close()
	if err != nil || !ok {
		t.Fatal(err)
	}
	entries, err := scan(strings.NewReader(string(data)), int64(len(data)), id, verifyFrame)
	check(t, err)
	for at := 0; at < len(data); at += 13 {
		data[at] ^= 1
		check(t, os.WriteFile(path, data, 0o600))
		data[at] ^= 1
		found := inspectAll(t, dir)
		if int64(at) >= foot.at || at < packHeader { // whatever it tells, nothing is lost but what has no frames
			for _, f := range found {
				if f.First > 0 || f.Refused && at >= packHeader {
					t.Errorf("byte %d of the footer: %+v", at, f)
				}
			}
			continue
		}
		for _, e := range entries {
			if int64(at) < e.ref.offset() || int64(at) >= e.ref.offset()+entryHeader+int64(e.ref.length) {
				continue
			}
			if len(found) != 1 || found[0].Shard != e.shard || found[0].First != e.seq || found[0].Last != e.seq {
				t.Errorf("byte %d, of %d of shard %d: %+v", at, e.seq, e.shard, found)
			}
		}
	}
	check(t, os.WriteFile(path, data, 0o600))
}

// A frame that is damaged in one pack and whole in a later one is not lost, and what is torn at the end of the pack that was
// written to last was never durable.
func TestInspectAfterKill(t *testing.T) {
	dir, r := t.TempDir(), random(3)
	s := open(t, dir, Options{})
	s.Attach(7, 1, 0)
	for seq := uint64(1); seq <= 5; seq++ {
		check(t, s.Append(7, seq, 1, makeFrame(r, 7, seq, 100)))
	}
	path := s.path(1, packName)
	whole, err := os.ReadFile(path)
	check(t, err)
	size := int(align(entryHeader + 120))
	damage := func(data []byte, seqs ...int) []byte {
		data = slices.Clone(data)
		for _, seq := range seqs {
			data[packHeader+(seq-1)*size+entryHeader+50] ^= 1
		}
		return data
	}
	killed := t.TempDir()
	write := func(number int, b []byte) {
		check(t, os.WriteFile(filepath.Join(killed, fmt.Sprintf("%016x.pack", number)), b, 0o600))
	}
	write(1, whole[:len(whole)-10])
	if found := inspectAll(t, killed); len(found) > 0 {
		t.Errorf("torn: %+v", found)
	}
	write(1, damage(whole, 2, 3))
	if found := inspectAll(t, killed); len(found) != 1 || found[0].Shard != 7 || found[0].First != 2 || found[0].Last != 3 || found[0].Refused {
		t.Errorf("in the middle: %+v", found)
	}
	copied := damage(whole)
	putPackHeader(copied, s.packs[0].id, 2)
	write(2, copied)
	if found := inspectAll(t, killed); len(found) > 0 {
		t.Errorf("with copies: %+v", found)
	}
	clear(copied[packHeader+size : packHeader+size+entryHeader])
	write(2, copied)
	found := inspectAll(t, killed)
	if len(found) != 2 || found[0].First != 2 || found[0].Last != 2 || found[1].First != 0 || !strings.Contains(found[1].What, "not what was written") {
		t.Errorf("of the copies one is damaged: %+v", found)
	}
	check(t, os.WriteFile(filepath.Join(killed, "0000000000000003.damaged"), nil, 0o600))
	if found := inspectAll(t, killed); len(found) != 3 {
		t.Errorf("with a damaged file: %+v", found)
	}
}

// A shard that is not there is told from a disk that refuses.
func TestAppendWithoutShard(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	s.Attach(1, 1, 0)
	s.Drop(1)
	for id := uint64(1); id <= 2; id++ {
		if err := s.Append(id, 1, 1, makeFrame(random(1), id, 1, 1)); !errors.Is(err, ErrNoShard) {
			t.Error(err)
		}
	}
}

// A pack whose file cannot be read keeps no other one from being compacted, and is missing at the next start.
func TestUnreadablePack(t *testing.T) {
	dir := closed(t)
	s := open(t, dir, Options{PackBytes: 4000})
	s.Attach(1, 1, 0)
	s.Sweep() // two of three frames are gone
	_, before := s.Usage()
	lost := packFiles(t, dir)[0]
	check(t, os.Remove(lost))
	for range 2 {
		if err := s.Collect(); !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if _, packs := s.Usage(); packs > before/2+1 {
		t.Errorf("%d packs are left of %d", packs, before)
	}
	s.check(t)
	check(t, s.Close())
	if _, err := Open(dir, Options{Verify: verifyFrame, quiet: true}); !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), filepath.Base(lost)) {
		t.Error(err)
	}
}

// Whatever a manifest and the ends say under a checksum that is right, it is taken or refused.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"number":1,"packs":[{"file":"0000000000000001.pack","id":1,"size":100}],"ends":{"1":30}}`), []byte(`{"1":30,"2":5}`))
	f.Add([]byte(`{"number":-1}`), []byte(`{"1":4611686018427387904}`))
	f.Add([]byte(`{"packs":[{"file":"../../x","size":-1}]}`), []byte(`null`))
	f.Add([]byte(`[]`), []byte(`{"x":1}`))
	f.Fuzz(func(t *testing.T, m, e []byte) {
		dir := t.TempDir()
		put := func(name string, body []byte) {
			data := append(fmt.Appendf(nil, "%08x\n", crc32.Checksum(body, castagnoli)), body...)
			check(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
		}
		put(manifestName, m)
		put(endsName, e)
		check(t, Inspect(dir, verifyFrame, func(Finding) {}))
		if err := Repair(dir, filepath.Join(t.TempDir(), "saved")); err != nil {
			return
		}
		s, err := Open(dir, Options{Verify: verifyFrame, quiet: true})
		if err != nil {
			return
		}
		s.Attach(1, 1, 0)
		s.Sweep()
		_, last := s.Bounds(1)
		if err := s.Append(1, last+1, 1, makeFrame(random(1), 1, last+1, 1)); err != nil && last+1 < maxSequence {
			t.Error(err)
		}
		check(t, s.Close())
	})
}
