package hive

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"

	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
)

// Every line of a text file is a row. DuckDB's readers are fast and right for most files, and
// drop or misread lines of others: bytes that are not UTF-8, long lines, quotes that stay open,
// keys in several letter cases. So each file is looked at once (the answer is remembered while
// the file stays as it is), and those whose bytes need it are read here, record by record, into
// a Parquet file of the query's own, which DuckDB then reads.

// maxLine bounds a line, as Athena does.
const maxLine = 100 << 20

// plainLine is the length up to which a line is DuckDB's to read.
const plainLine = 1 << 20

// exactly is how the files of one format are looked at and read here.
type exactly struct {
	signature string // of all that plain depends on besides the file
	content   string // of all that convert depends on besides that and the fields below
	encoding  string // the name of charset
	charset   encoding.Encoding
	skip      int // lines at the beginning of a file
	footer    int // lines at its end that are not records: such a file is read here

	// plain reports whether DuckDB reads blocks of whole lines right; nil: it never does.
	plain func() func(block []byte) bool
	// convert writes the lines to a Parquet file.
	convert func(lines *lineReader, out io.Writer) error
}

// verdictKey is a file and how it is read.
type verdictKey struct {
	fileKey
	signature string
}

// split divides the files into those that DuckDB reads and those that were read here.
func (s *scan) split(pieces []Piece, how exactly) (plain, exact []Piece) {
	plain, exact, err := s.splitted(pieces, how)
	if err != nil {
		panic(fault.Stop(err))
	}
	return plain, exact
}

// splitted is split with the error of a file that cannot be read.
func (s *scan) splitted(pieces []Piece, how exactly) (plain, exact []Piece, err error) {
	paths, err := s.eachOf(pieces, func(f catalog.File) (string, error) { return s.readExactly(f, how) })
	if err != nil {
		return nil, nil, err
	}
	n := 0
	for _, p := range pieces {
		left, right := p, p
		left.Files, right.Files = nil, nil
		for _, f := range p.Files {
			if paths[n] == "" {
				left.Files = append(left.Files, f)
			} else {
				f.Path = paths[n]
				right.Files = append(right.Files, f)
			}
			n++
		}
		if left.Files != nil {
			plain = append(plain, left)
		}
		if right.Files != nil {
			exact = append(exact, right)
		}
	}
	return plain, exact, nil
}

// each asks do what the files of pieces were turned into, several at a time. The first failure,
// by the order of the files, ends the query.
func (s *scan) each(pieces []Piece, do func(f catalog.File) (string, error)) []string {
	paths, err := s.eachOf(pieces, do)
	if err != nil {
		panic(fault.Stop(err))
	}
	return paths
}

func (s *scan) eachOf(pieces []Piece, do func(f catalog.File) (string, error)) ([]string, error) {
	var files []catalog.File
	for _, p := range pieces {
		files = append(files, p.Files...)
	}
	paths := make([]string, len(files))
	errs := make([]error, len(files))
	var wait sync.WaitGroup
	turns := make(chan struct{}, runtime.GOMAXPROCS(0))
	for n, f := range files {
		wait.Add(1)
		turns <- struct{}{}
		go func() {
			defer func() { <-turns; wait.Done() }()
			paths[n], errs[n] = contained(f, do)
		}()
	}
	wait.Wait()
	for n, err := range errs {
		if err != nil {
			return nil, s.unreadable(files[n], err)
		}
	}
	return paths, nil
}

// contained makes an error of a panic: a file from outside must not end the process.
func contained(f catalog.File, do func(f catalog.File) (string, error)) (path string, err error) {
	defer func() {
		if v := recover(); v != nil {
			path, err = "", fmt.Errorf("the file cannot be read: %v", v)
		}
	}()
	return do(f)
}

// unreadable is why a file cannot be read.
func (s *scan) unreadable(f catalog.File, err error) error {
	var known *fault.Error
	switch {
	case s.ctx.Err() != nil:
		return s.ctx.Err()
	case errors.Is(err, os.ErrNotExist), errors.As(err, &known):
	default:
		return &fault.Error{Name: "HIVE_CURSOR_ERROR", Message: fmt.Sprintf("Failed to read file at %s: %v", f.URI, err)}
	}
	return err
}

// readExactly gives the path of the Parquet file that a file became; empty if DuckDB reads it.
func (s *scan) readExactly(f catalog.File, how exactly) (path string, err error) {
	plain := false
	if how.charset == nil && how.plain != nil && how.footer == 0 {
		if plain, err = s.isPlain(f, how); err != nil || plain {
			return "", err
		}
	}
	return s.converted(f, fmt.Sprintf("lines %s %s %d %d %s", how.signature, how.content, how.skip, how.footer, how.encoding), func(out *os.File) error {
		in, lines, err := openLines(s.ctx, f, how.charset)
		if err != nil {
			return err
		}
		defer in.Close()
		for range how.skip {
			if _, err := lines.next(); err == io.EOF {
				break
			} else if err != nil {
				return err
			}
		}
		lines.footer = how.footer
		w := bufio.NewWriterSize(out, 64<<10)
		if err := how.convert(lines, w); err != nil {
			return err
		}
		return w.Flush()
	})
}

// isPlain reports, and remembers, whether DuckDB reads a file right.
func (s *scan) isPlain(f catalog.File, how exactly) (bool, error) {
	info, err := os.Stat(f.Path)
	if err != nil {
		return false, err
	}
	key := verdictKey{fileKey{f.Path, info.Size(), info.ModTime().UnixNano()}, how.signature}
	cache := s.Footers
	cache.mu.Lock()
	plain, known := cache.plain[key]
	cache.mu.Unlock()
	if known {
		return plain, nil
	}
	in, err := os.Open(f.Path)
	if err != nil {
		return false, err
	}
	defer in.Close()
	r, err := inflated(in, f)
	if err != nil {
		return false, err
	}
	if plain, err = blocksPlain(s.ctx, r, how.plain()); err != nil {
		return false, err
	}
	if w, ok := r.(whole); ok {
		if g, ok := w.Reader.(*gzipReader); ok && *g.trail {
			plain = false
		}
	}
	cache.mu.Lock()
	if cache.plain == nil || len(cache.plain) >= maxCachedSchemas {
		cache.plain = map[verdictKey]bool{}
	}
	cache.plain[key] = plain
	cache.mu.Unlock()
	return plain, nil
}

// blocksPlain hands blocks of whole lines to plain until it says no.
func blocksPlain(ctx context.Context, r io.Reader, plain func([]byte) bool) (bool, error) {
	buf := make([]byte, plainLine)
	held := 0
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n, err := io.ReadFull(r, buf[held:])
		held += n
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return held == 0 || plain(buf[:held]), nil
		}
		if err != nil {
			return false, err
		}
		end := held
		for end > 0 && buf[end-1] != '\n' {
			end--
		}
		if end == 0 || !plain(buf[:end]) {
			return false, nil
		}
		held = copy(buf, buf[end:held])
	}
}

// whole reads a file to its end: one that ends too early is not one that ends there.
type whole struct{ io.Reader }

var errTruncated = errors.New("the compressed file is cut off")

func (w whole) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err == io.ErrUnexpectedEOF {
		err = errTruncated
	}
	return n, err
}

// gzipReader reads members of gzip up to zeros that fill up a block, which Java passes over too. Anything
// else behind a member could be a damaged one, and fails.
type gzipReader struct {
	z     *gzip.Reader
	r     *bufio.Reader
	trail *bool // set where there are zeros behind the last member
}

func newGzipReader(r *bufio.Reader) (*gzipReader, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &gzipReader{z: z, r: r, trail: new(bool)}, nil
}

func (g *gzipReader) Read(p []byte) (int, error) {
	for {
		n, err := g.z.Read(p)
		if err != io.EOF || n > 0 {
			if err == io.EOF {
				err = nil
			}
			return n, err
		}
		for {
			if head, err := g.r.Peek(1); err != nil {
				return 0, err
			} else if head[0] != 0 {
				break
			}
			*g.trail = true
			_, _ = g.r.Discard(1)
		}
		if err := g.z.Reset(g.r); err != nil {
			return 0, err
		}
		g.z.Multistream(false)
	}
}

// inflated reads a file that is compressed as its name says, of those that DuckDB reads. Letter
// case counts in names, as to Hadoop.
func inflated(in io.Reader, f catalog.File) (io.Reader, error) {
	switch filepath.Ext(f.Path) {
	case ".gz":
		z, err := newGzipReader(bufio.NewReaderSize(in, 64<<10))
		return whole{z}, err
	case ".zst":
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			return nil, err
		}
		return whole{z.IOReadCloser()}, nil
	}
	return in, nil
}

// openLines opens a file for its lines, decoded to UTF-8: what is not valid becomes U+FFFD.
func openLines(ctx context.Context, f catalog.File, charset encoding.Encoding) (io.Closer, *lineReader, error) {
	in, err := os.Open(f.Path)
	if err != nil {
		return nil, nil, err
	}
	r, err := inflated(in, f)
	if err != nil {
		in.Close()
		return nil, nil, err
	}
	if charset != nil {
		r = transform.NewReader(r, charset.NewDecoder())
	}
	b := bufio.NewReaderSize(r, 256<<10)
	if head, _ := b.Peek(3); string(head) == "\xef\xbb\xbf" {
		_, _ = b.Discard(3)
	}
	return in, &lineReader{ctx: ctx, r: b, uri: f.URI, valid: charset != nil}, nil
}

// lineReader reads lines, which \n, \r or both end, as Hadoop's does.
type lineReader struct {
	ctx   context.Context
	r     *bufio.Reader
	uri   string
	line  []byte
	n     int  // lines so far
	valid bool // what is read is valid UTF-8

	footer int // lines at the end that next does not give
	held   list.List
	holds  int // bytes of held lines
}

// maxFooter bounds the bytes of lines that are held back, as they may be the last.
const maxFooter = 256 << 20

// next is the next line, good until the one after it; io.EOF behind the last that is not a footer.
func (l *lineReader) next() ([]byte, error) {
	if l.footer == 0 {
		return l.read()
	}
	for {
		line, err := l.read()
		if err != nil {
			return nil, err
		}
		l.held.PushBack(bytes.Clone(line))
		if l.holds += len(line) + 64; l.holds > maxFooter {
			return nil, &fault.Error{Name: "HIVE_CURSOR_ERROR", Message: fmt.Sprintf("The last %d lines are longer than %d bytes in text file: %s", l.footer, maxFooter, l.uri)}
		}
		if l.held.Len() > l.footer {
			oldest := l.held.Remove(l.held.Front()).([]byte)
			l.holds -= len(oldest) + 64
			return oldest, nil
		}
	}
}

// read is the next line, whether or not it is of the footer.
func (l *lineReader) read() ([]byte, error) {
	if l.n%1024 == 0 {
		if err := l.ctx.Err(); err != nil {
			return nil, err
		}
	}
	l.line = l.line[:0]
	some := false
	for {
		b, err := l.r.Peek(1)
		if err != nil {
			if err == io.EOF && some {
				break
			}
			return nil, err
		}
		if n := l.r.Buffered(); n > len(b) {
			b, _ = l.r.Peek(n)
		}
		some = true
		end := lineEnd(b)
		if len(l.line)+end > maxLine {
			return nil, &fault.Error{Name: "HIVE_CURSOR_ERROR", Message: "Line too long in text file: " + l.uri}
		}
		l.line = append(l.line, b[:end]...)
		if end == len(b) {
			_, _ = l.r.Discard(end)
			continue
		}
		cr := b[end] == '\r'
		_, _ = l.r.Discard(end + 1)
		if cr {
			if b, err := l.r.Peek(1); err == nil && b[0] == '\n' {
				_, _ = l.r.Discard(1)
			}
		}
		break
	}
	l.n++
	if !l.valid && !utf8.Valid(l.line) {
		text, err := unicode.UTF8.NewDecoder().Bytes(l.line)
		if err != nil {
			return nil, err
		}
		l.line = append(l.line[:0], text...)
	}
	return l.line, nil
}

// charsetOf is the encoding that a table's files have; nil: UTF-8.
func (s *scan) charsetOf(params map[string]string) encoding.Encoding {
	name := params["serialization.encoding"]
	switch strings.ToLower(name) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return nil
	}
	lower := strings.ToLower(name)
	if e := wideCharsets[strings.ReplaceAll(lower, "_", "-")]; e != nil {
		return e
	}
	if java := javaCharsets[lower]; java != "" {
		name = java
	} else if page, ok := strings.CutPrefix(lower, "cp125"); ok {
		name = "windows-125" + page
	} else if page, ok := strings.CutPrefix(strings.ReplaceAll(lower, "_", "-"), "iso8859-"); ok {
		name = "ISO-8859-" + page
	}
	if e, err := ianaindex.IANA.Encoding(name); err == nil && e != nil {
		return e
	}
	if e, err := htmlindex.Get(name); err == nil {
		return e
	}
	fault.Fail(s.Position, "HIVE_INVALID_METADATA", "serialization.encoding of table %s.%s: encoding %s is not supported", s.Table.Database, s.Table.Name, params["serialization.encoding"])
	return nil
}

// javaCharsets are names of Java's for encodings that others name otherwise.
var javaCharsets = map[string]string{
	"8859_1": "ISO-8859-1", "latin1": "ISO-8859-1", "sjis": "Shift_JIS", "ms932": "Shift_JIS", "windows-31j": "Shift_JIS",
	"utf16": "UTF-16", "utf-16": "UTF-16", "cp437": "IBM437", "cp850": "IBM850", "cp852": "IBM852", "cp866": "IBM866", "euc_jp": "EUC-JP", "euc_kr": "EUC-KR", "ms936": "GBK", "euc_cn": "GBK",
	"ms949": "EUC-KR", "x-windows-949": "EUC-KR", "windows-949": "EUC-KR", "ksc5601": "EUC-KR", "ms950": "Big5", "ms874": "windows-874", "x-windows-874": "windows-874",
	"x-macroman": "macintosh", "macroman": "macintosh", "x-maccyrillic": "x-mac-cyrillic", "maccyrillic": "x-mac-cyrillic",
}

// wideCharsets are those of four bytes a character; without a mark of their order they begin with the largest.
var wideCharsets = map[string]encoding.Encoding{
	"utf-32": utf32.UTF32(utf32.BigEndian, utf32.UseBOM), "utf32": utf32.UTF32(utf32.BigEndian, utf32.UseBOM),
	"utf-32be": utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), "utf-32le": utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM),
}
