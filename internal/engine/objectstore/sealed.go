package objectstore

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
)

// Where Options.Encrypt is set, the data of an object is sealed in its file. A sealed stretch is
//
//	magic (8 bytes)  salt (24 bytes)  pieces of sealedPiece bytes of data, each followed by a tag of 16 bytes
//
// sealed with AES-256-GCM. The key of a stretch is derived from the store's and the salt, which is random, so that no two
// stretches have the same; the nonce of a piece is whether it is the last, and its number, so that pieces can neither be
// moved nor cut off. An object that was put at once is a stretch, one that was uploaded in parts a stretch for each
// part. Its record has the key and the sizes. Data of no bytes has no stretch.
//
// The store's key is random and lies, sealed by Options.Key, in StateDir/keys/<id>. Objects that were there before the
// store encrypts stay as they are, and sealed ones can be read when it no longer does.

const (
	sealedMagic  = "brkmere1"
	sealedSalt   = 24
	sealedHeader = len(sealedMagic) + sealedSalt
	sealedPiece  = 64 << 10
	sealedTag    = 16
	sealedBlock  = sealedPiece + sealedTag
	keyIDLength  = 16
)

// ErrSealed is returned for data that was changed since it was sealed, or cut off.
var ErrSealed = errors.New("objectstore: the data of the object is not as it was sealed")

// A Sealer seals small secrets. What says what is sealed, and has to be the same to open it.
type Sealer interface {
	Seal(plain []byte, what string) []byte
	Open(sealed []byte, what string) ([]byte, error)
}

// Data is the data of an object as it was put, to be read at any place and by ReadAt by several goroutines at once. It is
// to be closed.
type Data interface {
	io.Reader
	io.ReaderAt
	io.Seeker
	io.Closer
}

// stretch is a part of a file; without a key it is as it was put.
type stretch struct {
	key  string
	size int64 // of the data
}

// sealedSize is how long a stretch is in its file.
func (t stretch) sealedSize() int64 {
	if t.key == "" || t.size == 0 {
		return t.size
	}
	return int64(sealedHeader) + t.size + (t.size+sealedPiece-1)/sealedPiece*sealedTag
}

// dataSize is the size of an object's data, whose file has that size.
func (r *Record) dataSize(file int64) int64 {
	if r.sealed == nil {
		return file
	}
	var n int64
	for _, t := range r.sealed {
		n += t.size
	}
	return n
}

// sealingKeys are the store's keys.
type sealingKeys struct {
	byID    map[string][]byte
	current string // that new data is sealed with; empty: none is
}

func keyPurpose(id string) string { return "key of objects " + id }

// openKeys reads the keys of the store, and makes one if it is to encrypt and has none.
func openKeys(o Options) (k sealingKeys, err error) {
	dir := filepath.Join(o.StateDir, "keys")
	entries, err := readDir(dir)
	if err != nil {
		return k, err
	}
	k.byID = map[string][]byte{}
	for _, e := range entries {
		id := e.Name()
		if strings.HasPrefix(id, tempPrefix) { // what a crash has cut off
			continue
		}
		sealed, err := os.ReadFile(filepath.Join(dir, id))
		if err != nil {
			return k, err
		}
		if o.Key == nil {
			return k, fmt.Errorf("the objects are encrypted, and there is no key to open %s with", filepath.Join(dir, id))
		}
		plain, err := o.Key.Open(sealed, keyPurpose(id))
		if err != nil || len(plain) != sha256.Size {
			return k, fmt.Errorf("the key of encrypted objects, %s, was sealed with another key than that which is configured: give the node the key that it had", filepath.Join(dir, id))
		}
		k.byID[id] = plain
		k.current = max(k.current, id)
	}
	if !o.Encrypt {
		k.current = ""
		return k, nil
	}
	if o.Key == nil {
		return k, errors.New("there is no key to encrypt objects with")
	}
	if k.current == "" {
		raw := make([]byte, keyIDLength/2+sha256.Size)
		_, _ = rand.Read(raw) // it never fails
		id := hex.EncodeToString(raw[:keyIDLength/2])
		plain := raw[keyIDLength/2:]
		if err := os.MkdirAll(o.StateDir, 0o755); err != nil {
			return k, err
		}
		if err := writeFileDurably(dir, id, o.Key.Seal(plain, keyPurpose(id))); err != nil {
			return k, err
		}
		k.byID[id], k.current = plain, id
	}
	return k, nil
}

func (k *sealingKeys) aead(id string, salt []byte) (cipher.AEAD, error) {
	key := k.byID[id]
	if key == nil {
		return nil, fmt.Errorf("objectstore: there is no key %s, which an object was sealed with", id)
	}
	derived, err := hkdf.Key(sha256.New, key, salt, "brookmere object data", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func sealedNonce(n int64, last bool) []byte {
	var nonce [12]byte
	if last {
		nonce[0] = 1
	}
	binary.BigEndian.PutUint64(nonce[4:], uint64(n))
	return nonce[:]
}

var sealedBuffers = sync.Pool{New: func() any { return new([sealedBlock]byte) }}

// seal seals what is read, with the current key. The result is to be released when it has been read.
func (k *sealingKeys) seal(in io.Reader) (*sealer, error) {
	s := &sealer{in: in, key: k.current}
	header := make([]byte, sealedHeader)
	copy(header, sealedMagic)
	_, _ = rand.Read(header[len(sealedMagic):]) // it never fails
	var err error
	if s.aead, err = k.aead(k.current, header[len(sealedMagic):]); err != nil {
		return nil, err
	}
	s.header = header
	for i := range s.bufs {
		s.bufs[i] = sealedBuffers.Get().(*[sealedBlock]byte)
	}
	return s, nil
}

// sealer reads a piece ahead: only then it knows whether one is the last.
type sealer struct {
	in     io.Reader
	key    string
	aead   cipher.AEAD
	header []byte
	bufs   [2]*[sealedBlock]byte
	at     int // the buffer with data that is not yet sealed
	held   int // of it
	n      int64
	size   int64 // of what was sealed
	out    []byte
	begun  bool
	err    error // of in, io.EOF too
}

func (s *sealer) release() {
	for i, b := range s.bufs {
		if b != nil {
			sealedBuffers.Put(b)
		}
		s.bufs[i] = nil
	}
	s.out, s.err = nil, io.ErrClosedPipe
}

// stretches is what the record has of what was sealed.
func (s *sealer) stretches() []stretch {
	if s.size == 0 {
		return nil
	}
	return []stretch{{s.key, s.size}}
}

func (s *sealer) Read(p []byte) (int, error) {
	for len(s.out) == 0 {
		if s.err != nil && (s.held == 0 || !errors.Is(s.err, io.EOF)) {
			return 0, s.err
		}
		s.fill()
	}
	n := copy(p, s.out)
	s.out = s.out[n:]
	return n, nil
}

func (s *sealer) fill() {
	if !s.begun {
		s.begun = true
		if s.held = s.receive(s.bufs[0]); s.held > 0 {
			s.out = s.header
		}
		return
	}
	buf, n := s.bufs[s.at], s.held
	s.at = 1 - s.at
	if s.held = 0; s.err == nil {
		s.held = s.receive(s.bufs[s.at])
	}
	if s.err != nil && !errors.Is(s.err, io.EOF) {
		return
	}
	s.out = s.aead.Seal(buf[:0], sealedNonce(s.n, s.held == 0), buf[:n], nil)
	s.n++
	s.size += int64(n)
}

// receive fills a buffer, as far as there is data. The error that ends it is kept as it is: a body that is cut off
// is not one that ends.
func (s *sealer) receive(buf *[sealedBlock]byte) (n int) {
	for n < sealedPiece && s.err == nil {
		var m int
		m, s.err = s.in.Read(buf[n:sealedPiece])
		n += m
	}
	return n
}

// sealedData reads an object that is sealed.
type sealedData struct {
	f     *os.File
	keys  *sealingKeys
	parts []*sealedPart
	size  int64
	pos   int64
	piece *[sealedBlock]byte // that Read is in
	plain []byte             // of it
	from  int64              // where plain begins
}

// sealedPart is a stretch in its place.
type sealedPart struct {
	stretch
	begin int64 // of the data
	file  int64 // in the file

	once sync.Once
	aead cipher.AEAD
	err  error
}

// unseal reads the data of a file, which has that record, by its pieces.
func (k *sealingKeys) unseal(f *os.File, r *Record) Data {
	if r.sealed == nil {
		return f
	}
	d := &sealedData{f: f, keys: k}
	var file int64
	for _, t := range r.sealed {
		if t.size > 0 {
			d.parts = append(d.parts, &sealedPart{stretch: t, begin: d.size, file: file})
		}
		d.size += t.size
		file += t.sealedSize()
	}
	return d
}

// part is the stretch that a place is in.
func (d *sealedData) part(at int64) *sealedPart {
	i := sort.Search(len(d.parts), func(i int) bool { return d.parts[i].begin > at })
	return d.parts[i-1]
}

// open reads the header of a part.
func (d *sealedData) open(p *sealedPart) error {
	p.once.Do(func() {
		header := make([]byte, sealedHeader)
		if _, p.err = d.f.ReadAt(header, p.file); p.err != nil {
			p.err = cutOff(p.err)
			return
		}
		if !bytes.HasPrefix(header, []byte(sealedMagic)) {
			p.err = ErrSealed
			return
		}
		p.aead, p.err = d.keys.aead(p.key, header[len(sealedMagic):])
	})
	return p.err
}

func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return ErrSealed
	}
	return err
}

// load opens the piece that a place is in, and returns its data and where that begins.
func (d *sealedData) load(at int64, buf *[sealedBlock]byte) (plain []byte, from int64, err error) {
	p := d.part(at)
	n := (at - p.begin) / sealedPiece
	from = p.begin + n*sealedPiece
	length := min(sealedPiece, p.begin+p.size-from)
	if p.key == "" {
		if _, err := d.f.ReadAt(buf[:length], p.file+from-p.begin); err != nil {
			return nil, 0, cutOff(err)
		}
		return buf[:length], from, nil
	}
	if err := d.open(p); err != nil {
		return nil, 0, err
	}
	sealed := buf[:length+sealedTag]
	if _, err := d.f.ReadAt(sealed, p.file+int64(sealedHeader)+n*sealedBlock); err != nil {
		return nil, 0, cutOff(err)
	}
	plain, err = p.aead.Open(sealed[:0], sealedNonce(n, from+length == p.begin+p.size), sealed, nil)
	if err != nil {
		return nil, 0, ErrSealed
	}
	return plain, from, nil
}

func (d *sealedData) Read(p []byte) (int, error) {
	if d.pos >= d.size {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if err := d.ready(); err != nil {
		return 0, err
	}
	n := copy(p, d.plain[d.pos-d.from:])
	d.pos += int64(n)
	return n, nil
}

// ready opens the piece that Read is in.
func (d *sealedData) ready() error {
	if d.pos >= d.from && d.pos < d.from+int64(len(d.plain)) {
		return nil
	}
	if d.piece == nil {
		d.piece = sealedBuffers.Get().(*[sealedBlock]byte)
	}
	d.plain = nil
	plain, from, err := d.load(d.pos, d.piece)
	if err != nil {
		return err
	}
	d.plain, d.from = plain, from
	return nil
}

// Ready reports whether the next length bytes of data can be begun with: it opens the piece of sealed data that Read will
// return next, and keeps it. ErrSealed if that is not as it was sealed; what comes behind it is not looked at.
func Ready(d Data, length int64) error {
	if s, ok := d.(*sealedData); ok && length > 0 && s.pos < s.size {
		return s.ready()
	}
	return nil
}

// ReadAt implements io.ReaderAt.
func (d *sealedData) ReadAt(p []byte, at int64) (n int, err error) {
	if at < 0 {
		return 0, errors.New("objectstore: a place before the beginning of the data")
	}
	buf := sealedBuffers.Get().(*[sealedBlock]byte)
	defer sealedBuffers.Put(buf)
	for n < len(p) && at < d.size {
		plain, from, err := d.load(at, buf)
		if err != nil {
			return n, err
		}
		m := copy(p[n:], plain[at-from:])
		n, at = n+m, at+int64(m)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Seek implements io.Seeker.
func (d *sealedData) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += d.pos
	case io.SeekEnd:
		offset += d.size
	}
	if offset < 0 {
		return d.pos, errors.New("objectstore: a place before the beginning of the data")
	}
	d.pos = offset
	return offset, nil
}

// Close implements io.Closer.
func (d *sealedData) Close() error {
	if d.piece != nil {
		sealedBuffers.Put(d.piece)
		d.piece, d.plain = nil, nil
	}
	return d.f.Close()
}

// sealedBy is the stretches of parts that follow one another; nil if none is sealed.
func sealedBy(parts []UploadedPart) []stretch {
	if !slices.ContainsFunc(parts, func(p UploadedPart) bool { return p.sealed != nil }) {
		return nil
	}
	var all []stretch
	for _, p := range parts {
		if p.sealed == nil {
			all = append(all, stretch{"", p.Size})
		}
		all = append(all, p.sealed...)
	}
	return all
}

// OpenFile opens the data of the object whose file is at path, as Files gave it.
func (s *Store) OpenFile(path string) (Data, error) {
	_, data, err := s.openFile("", path, true)
	return data, err
}
