package hive

import (
	"errors"
	"os"
	"slices"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"

	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
)

// readAs reads files of a format that becomes Parquet with the columns that a file has.
// signature is of all that convert depends on besides the file.
func (s *scan) readAs(format string, pieces []Piece, signature string, convert func(f catalog.File, out *os.File) error) []string {
	paths := s.each(pieces, func(f catalog.File) (string, error) {
		return s.converted(f, signature, func(out *os.File) error { return convert(f, out) })
	})
	n := 0
	plain := make([]Piece, len(pieces))
	for i, p := range pieces {
		plain[i] = p
		plain[i].Files = slices.Clone(p.Files)
		for j := range plain[i].Files {
			plain[i].Files[j].Path = paths[n]
			n++
		}
	}
	s.format = format
	return s.readParquet(plain)
}

// opening words the failure of reading the head of a file.
func opening(f catalog.File, err error) error {
	var known *fault.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, os.ErrNotExist) {
		return err
	}
	return &fault.Error{Name: "HIVE_CANNOT_OPEN_SPLIT", Message: "Error opening Hive split " + f.URI + ": " + err.Error()}
}

// validUTF8 is b as text, with U+FFFD for what is not UTF-8.
func validUTF8(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	text, err := unicode.UTF8.NewDecoder().Bytes(b)
	if err != nil {
		return nil
	}
	return text
}
