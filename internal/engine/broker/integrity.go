package broker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/brookmere/brookmere/internal/engine/broker/journal"
	"github.com/brookmere/brookmere/internal/engine/broker/storeindex"
)

// ErrDamaged is a directory whose files are not what was written. Start returns it with
// each Finding, and leaves the files as they are.
var ErrDamaged = errors.New("broker: the log is damaged")

// ErrForeign is a directory that another kind of server has made.
var ErrForeign = errors.New("broker: the directory is of another mode")

// Finding is something that is wrong with the files of a stopped server.
type Finding struct {
	File        string // its path below the directory
	What        string
	Consequence string // of a start without it: what nobody would get any more

	fix func() error
}

func (f Finding) String() string { return f.File + ": " + f.What + ": " + f.Consequence }

// manifest is what a server that was stopped leaves beside its files. It is removed at the
// next start, so one that is there tells the files as they have to be.
type manifest struct {
	Streams map[string]manifestStream `json:"streams"`

	// Appends are the CRC-32C of the files of the journal of appends by name.
	Appends map[string]uint32 `json:"appends,omitempty"`
}

type manifestStream struct {
	Meta   uint32            `json:"meta"`   // CRC-32C of the description
	Last   uint64            `json:"last"`   // sequence
	Blocks map[string]int64  `json:"blocks"` // sizes by name
	Sums   map[string]uint32 `json:"sums,omitempty"`
}

const manifestFile = "manifest"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sumOf(path string) (uint32, error) {
	data, err := os.ReadFile(path)
	return crc32.Checksum(data, castagnoli), err
}

func streamsDir(dir string) string { return filepath.Dir(streamDir(dir, "x")) }

// streamNames are the streams that have a folder. The server puts a point before the name of one that
// it has deleted, and then removes what is in it: a kill leaves some.
func streamNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(streamsDir(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// writeManifest is called when the server has stopped and all its files are synced.
func writeManifest(dir string) error {
	names, err := streamNames(dir)
	if err != nil {
		return err
	}
	m := manifest{Streams: make(map[string]manifestStream, len(names))}
	for _, name := range names {
		sd := streamDir(dir, name)
		in, err := storeindex.Inspect(sd, storeindex.Ends, false, 0, time.Now())
		if err != nil {
			return err
		}
		ms := manifestStream{Last: in.Last, Blocks: in.Blocks}
		if ms.Meta, err = sumOf(filepath.Join(sd, "meta.inf")); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		if !in.Plain {
			ms.Sums = map[string]uint32{}
			for b := range in.Blocks {
				if ms.Sums[b], err = sumOf(filepath.Join(sd, "msgs", b)); err != nil {
					return err
				}
			}
		}
		m.Streams[name] = ms
	}
	if m.Appends, err = appendsSums(dir); err != nil {
		return err
	}
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	data := append(fmt.Appendf(nil, "%08x\n", crc32.Checksum(body, castagnoli)), body...)
	file := filepath.Join(dir, manifestFile)
	f, err := os.OpenFile(file+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(file+".tmp", file)
	}
	return errors.Join(err, syncFile(dir))
}

// appendsSums are the checksums of the files of the journal of appends.
func appendsSums(dir string) (map[string]uint32, error) {
	files, err := filepath.Glob(filepath.Join(AppendsDir(dir), "*.wal"))
	if err != nil || len(files) == 0 {
		return nil, err
	}
	sums := make(map[string]uint32, len(files))
	for _, f := range files {
		if sums[filepath.Base(f)], err = sumOf(f); err != nil {
			return nil, err
		}
	}
	return sums, nil
}

// readManifest returns nil when there is none.
func readManifest(dir string) (*manifest, error) {
	data, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sum, body, ok := bytes.Cut(data, []byte("\n"))
	m := new(manifest)
	if !ok || string(sum) != fmt.Sprintf("%08x", crc32.Checksum(body, castagnoli)) || json.Unmarshal(body, m) != nil {
		return nil, errors.New("its checksum does not match")
	}
	return m, nil
}

// begin is called before anything of the directory changes.
func begin(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	if err := dropManifest(dir); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, runningFile), []byte(bootID()), 0o640)
}

func dropManifest(dir string) error {
	err := os.Remove(filepath.Join(dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, syncFile(dir))
}

// Check looks at the files of a server that does not run, and changes none of them. It
// reads what tells most for little: descriptions, the ends of streams, that no block is
// missing, every byte of state. With deep it verifies every record of every stream. What it
// does not find without deep, a reader is told of when it comes to it.
func Check(dir string, deep bool) ([]Finding, error) {
	if err := checkMode(dir); err != nil {
		return nil, err
	}
	c := checker{dir: dir}
	m, err := readManifest(dir)
	if err != nil {
		c.add(manifestFile, "the list of the streams' files cannot be read: "+err.Error(), "a missing file may not be noticed", func() error { return dropManifest(dir) })
	}
	names, err := streamNames(dir)
	if err != nil {
		return nil, fmt.Errorf("broker: check %s: %w", dir, err)
	}
	lost := m == nil && powerLost(dir)
	suspects, err := readSuspects(dir)
	if err != nil {
		return nil, err
	}
	left, err := journal.Read(filepath.Join(dir, "journal"))
	if err != nil {
		return nil, fmt.Errorf("broker: check the journal: %w", err)
	}
	appends, err := readAppends(dir)
	if err != nil {
		return nil, err
	}
	from := firstLeft(dir, left, appends)
	depth := storeindex.Ends
	switch {
	case deep:
		depth = storeindex.All
	case m == nil:
		depth = storeindex.LastOnes
	}
	streams := make([]*storeindex.Inspection, len(names))
	var group errgroup.Group
	group.SetLimit(2 * runtime.GOMAXPROCS(0))
	for i, name := range names {
		group.Go(func() error {
			in, err := storeindex.Inspect(streamDir(dir, name), depth, lost || suspects.has(name), from[name], time.Now())
			if err != nil {
				return fmt.Errorf("broker: check stream %s: %w", name, err)
			}
			streams[i] = in
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, in := range streams {
		c.faults(in)
		lost := lost || suspects.has(in.Stream) // what the system could not write
		if m == nil && !lost {
			if err := c.description(in); err != nil {
				return nil, err
			}
		}
		c.journal(in, left, appends, lost)
		if m != nil {
			if want, ok := m.Streams[in.Stream]; ok {
				c.compare(in, want)
			}
		}
	}
	if m != nil {
		sums, err := appendsSums(dir)
		if err != nil {
			return nil, fmt.Errorf("broker: check the journal of appends: %w", err)
		}
		for name, want := range m.Appends {
			if sum, ok := sums[name]; !ok || sum != want {
				c.add(filepath.Join(AppendsDir(dir), name), "the journal is missing or was changed", "records that were acknowledged last may be lost",
					func() error { return nil }) // the start takes what it finds
			}
		}
		for name := range m.Streams {
			if !slices.Contains(names, name) {
				c.add(streamDir(dir, name), "the stream is missing", "all of its messages are lost", nil)
			}
		}
	}
	slices.SortStableFunc(c.found, func(a, b Finding) int { return strings.Compare(a.File, b.File) })
	return c.found, nil
}

// runningFile has the boot of the machine in which a server was started last. A server that
// was killed in the boot that still runs has lost nothing of what it wrote to its files.
const runningFile = "running"

// bootID tells one boot of the machine from every other; empty where the system has none.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

func powerLost(dir string) bool {
	id, err := os.ReadFile(filepath.Join(dir, runningFile))
	return err != nil || len(id) == 0 || string(id) != bootID()
}

// checkMode refuses what a clustered server has made: this one would empty it.
func checkMode(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "jetstream", "$SYS", "_js_")); err == nil {
		return fmt.Errorf("%w: %s was made by a server of a cluster; a node of its own would remove its streams", ErrForeign, dir)
	}
	return nil
}

type checker struct {
	dir   string
	found []Finding
}

func (c *checker) add(path, what, consequence string, fix func() error) {
	if rel, err := filepath.Rel(c.dir, path); err == nil && filepath.IsAbs(path) {
		path = rel
	}
	for i, f := range c.found { // one finding a file, which says most
		if f.File == path {
			c.found[i].What += "; " + what
			if f.fix == nil {
				c.found[i].fix = fix
			}
			return
		}
	}
	c.found = append(c.found, Finding{path, what, consequence, fix})
}

func consequence(stream string) string {
	if bucket, ok := strings.CutPrefix(stream, "KV_"); ok {
		return "documents of the bucket " + bucket + " are lost: streams, tables and whatever else they configure"
	}
	return "records of the stream " + stream + " are lost"
}

// faults takes what the stream's files say of each other.
func (c *checker) faults(in *storeindex.Inspection) {
	sd := streamDir(c.dir, in.Stream)
	for _, f := range in.Faults {
		fix := func() error { return storeindex.ForgetIndex(sd) }
		switch {
		case len(f.Bad) > 0:
			fix = func() error { return storeindex.Cut(f.File, f.Bad) }
		case filepath.Base(f.File) == "meta.inf":
			fix = func() error { return os.RemoveAll(sd) } // a copy is kept
		case f.Last > 0:
			fix = func() error { return storeindex.EndAt(sd, f.Last) }
		}
		c.add(f.File, f.What, consequence(in.Stream), fix)
	}
}

// description holds a stream's description against its checksum. A kill leaves none while
// the stream is being made or changed.
func (c *checker) description(in *storeindex.Inspection) error {
	sd := streamDir(c.dir, in.Stream)
	meta, err := os.ReadFile(filepath.Join(sd, "meta.inf"))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !json.Valid(meta) {
		return nil // faults tells, if it matters
	}
	var want string
	if err == nil {
		want, err = metaSum(in.Stream, meta)
	}
	if err != nil {
		return fmt.Errorf("broker: check stream %s: %w", in.Stream, err)
	}
	file := filepath.Join(sd, "meta.sum")
	if sum, err := os.ReadFile(file); err == nil && len(sum) > 0 && string(sum) != want {
		c.add(filepath.Join(sd, "meta.inf"), "the description of the stream does not match its checksum", "the stream may have another name or keep its messages for another time", func() error { return os.Remove(file) })
	}
	return nil
}

// Changing is called before the description of a stream is changed. Until that has a
// checksum again a kill leaves it without, rather than with one that says it is damaged.
func (b *Broker) Changing(stream string) error {
	if b.disk == nil {
		return nil
	}
	err := os.Remove(filepath.Join(streamDir(b.opts.Dir, stream), "meta.sum"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("broker: change stream %s: %w", stream, err)
	}
	return nil
}

// Trimming is called before the messages before the sequence are removed from a stream.
// The server removes files before it writes down that it does; a start after a kill in
// between knows by this that they are not missing.
func (b *Broker) Trimming(stream string, first uint64) error {
	if b.disk == nil {
		return nil
	}
	if err := storeindex.NoteTrim(streamDir(b.opts.Dir, stream), first); err != nil {
		return fmt.Errorf("broker: trim stream %s: %w", stream, err)
	}
	return nil
}

// journal holds the end of a stream against what the journals know of it.
func (c *checker) journal(in *storeindex.Inspection, left *journal.Left, appends map[string]uint64, powerLost bool) {
	sd := streamDir(c.dir, in.Stream)
	born, err := readBorn(sd)
	if err != nil {
		return
	}
	end, written := left.Held(journal.StreamID{Name: in.Stream, Born: born})
	if first := appends[in.Stream]; first > 0 {
		written = max(written, first-1)
	}
	if !powerLost {
		end = written
	} else if in.Last == 0 {
		return // all before has expired, and where the stream was went with it
	}
	if in.Last < end {
		c.add(filepath.Join(sd, "msgs"), fmt.Sprintf("the last message is %d, the journal has known %d: blocks are missing or cut off", in.Last, end),
			consequence(in.Stream), func() error { return storeindex.EndAt(sd, end) })
	}
}

// compare holds a stream against what it was when the server stopped.
func (c *checker) compare(in *storeindex.Inspection, want manifestStream) {
	sd := streamDir(c.dir, in.Stream)
	lost := consequence(in.Stream)
	meta := filepath.Join(sd, "meta.inf")
	if sum, err := sumOf(meta); err != nil || sum != want.Meta {
		c.add(meta, "the description of the stream is missing or was changed", lost, nil)
	}
	// What is missing at the end must not be given out again.
	fix := func() error { return storeindex.ForgetIndex(sd) }
	if in.Last < want.Last {
		fix = func() error { return storeindex.EndAt(sd, want.Last) }
	}
	for b, size := range want.Blocks {
		file := filepath.Join(sd, "msgs", b)
		have, ok := in.Blocks[b]
		switch {
		case !ok:
			c.add(file, "the file is missing", lost, fix)
		case have != size:
			c.add(file, fmt.Sprintf("the file has %d bytes, it had %d", have, size), lost, fix)
		case want.Sums != nil:
			if sum, err := sumOf(file); err != nil || sum != want.Sums[b] {
				c.add(file, "the file was changed", lost, fix)
			}
		}
	}
	for b := range in.Blocks {
		if _, ok := want.Blocks[b]; !ok {
			c.add(filepath.Join(sd, "msgs", b), "the file was not there", "what is in it would be taken for messages", nil)
		}
	}
}

// Repair gives up what the findings say is lost, so that the server can start with the
// rest. A copy of each stream that it changes goes to the folder saved first. It returns
// those that it can do nothing about: they need the files back, from a copy of the directory.
func Repair(dir, saved string, found []Finding) (left []Finding, err error) {
	copied := map[string]bool{}
	for _, f := range found {
		if f.fix == nil {
			left = append(left, f)
			continue
		}
		if rel, err := filepath.Rel(filepath.Join("jetstream", "$G", "streams"), f.File); err == nil && !strings.HasPrefix(rel, "..") {
			stream, _, _ := strings.Cut(rel, string(filepath.Separator))
			if !copied[stream] {
				if err := os.CopyFS(filepath.Join(saved, stream), os.DirFS(streamDir(dir, stream))); err != nil {
					return nil, fmt.Errorf("broker: keep a copy of stream %s: %w", stream, err)
				}
				copied[stream] = true
			}
		}
		if err := f.fix(); err != nil {
			return nil, fmt.Errorf("broker: repair %s: %w", f.File, err)
		}
	}
	if len(left) > 0 {
		return left, nil
	}
	return nil, dropManifest(dir)
}

// damaged checks the directory before a start and makes an error of what is found.
func (b *Broker) damaged() error {
	found, err := Check(b.opts.Dir, false)
	if err != nil || len(found) == 0 {
		return err
	}
	lines := make([]string, len(found))
	for i, f := range found {
		lines[i] = f.String()
		if b.opts.Logf != nil {
			b.opts.Logf("error", "damaged: "+lines[i])
		}
	}
	return fmt.Errorf("%w in %s:\n  %s", ErrDamaged, b.opts.Dir, strings.Join(lines, "\n  "))
}
