// Package compact merges the small objects of a delivery into large ones.
//
// A Compactor looks after the objects of one delivery stream, which it knows by their keys
// (recordplan.Owner). Objects of the same key prefix are a folder. When nothing has been
// delivered into a folder for a while it is closed, and its objects are merged: in the
// order of their delivery, those of the same configuration version, format and schema into one,
// up to the target size.
//
//	folder -> bins of about the target size -> merge -> Lake.Replace
//
// What is merged:
//
//   - Parquet, column by column into large row groups, with the first file's compression,
//     page version and use of dictionaries; statistics are recreated.
//   - Lines of text, plain or in GZIP, ZIP or either framing of Snappy, taken out of their
//     compression and compressed as a whole. An object that does not end with a newline is
//     the last of the one that it is merged into.
//
// ORC and what cannot be read are left alone; the reason is told. Objects that may still be
// written again, as those of a delivery's open intents, are left for later.
//
// Lake.Replace is what makes all of it safe: it does nothing if an object has changed in
// between, and no reader sees old and new together.
package compact

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/recordplan"
)

// Object is a file of a Lake.
type Object struct {
	Key     string
	Path    string
	Size    int64 // of its data
	ModTime time.Time
	// Opener opens its data, where the file does not have it as it is; nil: the file is the data.
	Opener func() (Data, error)
}

// Data is the data of an object. It is to be closed.
type Data interface {
	io.Reader
	io.ReaderAt
	io.Seeker
	io.Closer
}

// open opens an object's data.
func (o Object) open() (Data, error) {
	if o.Opener != nil {
		return o.Opener()
	}
	return os.Open(o.Path)
}

// Merged is an object that stands for the first so many objects it was made of.
type Merged struct {
	Key     string
	Body    io.ReadSeeker
	Size    int64
	Sources int
}

// Lake is where objects are. Walk visits those of a prefix, one after the other in no order; a
// bucket that does not exist is ErrNoBucket. Replace puts what merge makes of the objects in the place of so many of
// them as it says, in one step for all readers; their old data can be read for a while,
// keep, by those who know their keys. It is ErrChanged if one of them is changed meanwhile.
type Lake interface {
	Walk(ctx context.Context, bucket, prefix string, visit func(Object)) error
	Replace(ctx context.Context, bucket string, keys []string, keep time.Duration, merge func([]Object) (Merged, error)) error
}

var (
	ErrNoBucket = errors.New("compact: the bucket does not exist")
	ErrChanged  = errors.New("compact: objects have changed meanwhile")
)

// A Gate lets one merge work at a time, of all compactors that share it.
type Gate chan struct{}

// NewGate returns an open gate.
func NewGate() Gate { return make(Gate, 1) }

// sourceError is about one of the objects that are merged, by its index.
type sourceError struct {
	index int
	err   error
}

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// errNothing ends a Replace that has nothing to do.
var errNothing = errors.New("compact: nothing to merge")

// Why objects are left as they are.
var (
	errORC     = errors.New("ORC files cannot be merged")
	errNoLines = errors.New("the objects do not end with a newline: what they hold would run together (see AppendDelimiterToRecord)")
)

// merge makes one file of as many of the objects as are alike, from the first on. The file
// has no name and goes when it is closed.
func merge(ctx context.Context, dir string, objects []Object) (f *os.File, n int, err error) {
	for tries := 0; ; tries++ {
		f, n, err = mergeAll(ctx, dir, objects)
		var bad *sourceError
		if !errors.As(err, &bad) {
			return f, n, err
		}
		if bad.index < 2 || tries > 0 {
			return nil, 0, err
		}
		objects = objects[:bad.index] // those before the one that cannot be read
	}
}

func mergeAll(ctx context.Context, dir string, objects []Object) (_ *os.File, n int, err error) {
	kind, err := sniff(objects[0])
	if err != nil {
		return nil, 0, &sourceError{0, err}
	}
	if kind == orcFile {
		return nil, 0, &sourceError{0, errORC}
	}
	f, err := os.CreateTemp(dir, "compact-*")
	if err != nil {
		return nil, 0, fmt.Errorf("compact: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close() // nothing is kept of it
		}
	}()
	if err := os.Remove(f.Name()); err != nil {
		return nil, 0, fmt.Errorf("compact: %w", err)
	}
	out := sink{ctx, f}
	if kind == parquetFile {
		n, err = mergeParquet(out, objects)
	} else {
		n, err = mergeText(out, kind, objects)
	}
	return f, n, err
}

// sink writes to a file, which it does not close, until a context ends.
type sink struct {
	ctx context.Context
	f   *os.File
}

func (s sink) Write(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.f.Write(p)
}

// bins divides the objects of a folder into what is to be merged: alike by their names, in
// the order of their delivery, up to the target together. Unless all is set, an object
// stays as it is that outweighs the others of its bin by far, so that a large one is not
// written again for every small one that comes late.
func bins(objects []Object, owner *recordplan.Owner, target int64, all bool) [][]Object {
	type timed struct {
		Object
		time string
	}
	alike := make(map[recordplan.ObjectKey][]timed)
	var kinds []recordplan.ObjectKey
	for _, o := range objects {
		k, ok := owner.Parse(o.Key)
		if !ok {
			continue
		}
		t := k.Time
		k.Time = ""
		if alike[k] == nil {
			kinds = append(kinds, k)
		}
		alike[k] = append(alike[k], timed{o, t})
	}
	var out [][]Object
	for _, k := range kinds {
		list := alike[k]
		slices.SortFunc(list, func(a, b timed) int {
			return cmp.Or(strings.Compare(a.time, b.time), a.ModTime.Compare(b.ModTime), strings.Compare(a.Key, b.Key))
		})
		var bin []Object
		var size int64
		end := func() {
			if !all {
				bin = light(bin, size)
			}
			if len(bin) > 1 {
				out = append(out, bin)
			}
			bin, size = nil, 0
		}
		for _, o := range list {
			if size+o.Size > target {
				end()
			}
			bin, size = append(bin, o.Object), size+o.Size
		}
		end()
	}
	return out
}

// outweighs is how many times as large as all others together an object has to be to stay.
const outweighs = 4

// light leaves out of a bin of the size what outweighs the rest.
func light(bin []Object, size int64) []Object {
	for len(bin) > 1 {
		big := 0
		for i, o := range bin {
			if o.Size > bin[big].Size {
				big = i
			}
		}
		rest := size - bin[big].Size
		if bin[big].Size <= outweighs*rest {
			break
		}
		bin = slices.Delete(slices.Clone(bin), big, big+1)
		size = rest
	}
	return bin
}
