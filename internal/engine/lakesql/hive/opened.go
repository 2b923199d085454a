package hive

import (
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
)

// DuckDB and the readers here take files. An object whose file does not have its data as it is (because it is encrypted)
// is read once for a query, into a file of the scratch directory that goes when no query holds it.

// openedAs begins the signature of such a file, and the extension that it has goes on: readers tell by it what data is
// compressed with.
const openedAs = "opened "

// extension is that of a name, if it is one of letters and digits.
func extension(uri string) string {
	ext := path.Ext(uri)
	if strings.Trim(strings.ToLower(ext), ".abcdefghijklmnopqrstuvwxyz0123456789") != "" || len(ext) > 32 {
		return ""
	}
	return ext
}

// OpenFile opens the data of a file.
func OpenFile(f catalog.File) (io.ReadCloser, error) {
	if f.Open != nil && f.Opened == "" {
		return f.Open()
	}
	return os.Open(f.Path)
}

// opened gives the pieces with copies of their data in the place of files that do not have it as it is.
func (s *scan) opened(pieces []Piece) []Piece {
	var closed []catalog.File
	for _, p := range pieces {
		for _, f := range p.Files {
			if f.Open != nil {
				closed = append(closed, f)
			}
		}
	}
	if closed == nil {
		return pieces
	}
	paths := s.each([]Piece{{Files: closed}}, func(f catalog.File) (string, error) {
		return s.converted(f, openedAs+extension(f.URI), func(out *os.File) error { return s.copyTo(out, f) })
	})
	if s.copies == nil {
		s.copies = map[string]string{}
	}
	n := 0
	plain := make([]Piece, len(pieces))
	for i, p := range pieces {
		plain[i] = p
		plain[i].Files = slices.Clone(p.Files)
		for j := range plain[i].Files {
			if f := &plain[i].Files[j]; f.Open != nil {
				s.copies[paths[n]] = f.Path
				f.Path, f.Opened = paths[n], f.Path
				n++
			}
		}
	}
	return plain
}

func (s *scan) copyTo(out *os.File, f catalog.File) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close() // it is only read
	buf := make([]byte, 256<<10)
	for {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		n, rerr := in.Read(buf)
		if _, err := out.Write(buf[:n]); err != nil {
			return err
		}
		if rerr == io.EOF {
			return nil
		}
		if rerr != nil {
			return rerr
		}
	}
}
