package s3

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// Encryption with a key of the customer's (SSE-C): the data is encrypted with AES-256-GCM
// under a key that is derived from the customer's and a random salt; the customer's is not
// kept. The file is a sequence of pieces of sealedPiece bytes and their tags, numbered from 0
// in the nonce. An object that was uploaded in parts has the parts one after the other, each
// under a key of its own.

const (
	propKeyMD5  = "ssec-md5"
	propSalt    = "ssec-salt"
	propPart    = "ssec-part"  // what is random of a part's salt
	propParts   = "ssec-parts" // these of all parts, in order
	sealedPiece = 64 << 10
	sealedTag   = 16
)

// customerKey is the key that came with a request.
type customerKey struct {
	key  []byte
	md5  string
	salt string
}

// customerKey reads the headers of a key, nil if there are none.
func (c *call) customerKey(prefix string) (*customerKey, error) {
	algorithm, key, sum := c.header(prefix+"Algorithm"), c.header(prefix+"Key"), c.header(prefix+"Key-Md5")
	if algorithm == "" && key == "" && sum == "" {
		return nil, nil
	}
	const needs = "Requests specifying Server Side Encryption with Customer provided keys must provide "
	switch {
	case algorithm == "":
		return nil, invalidArgument(needs+"a valid encryption algorithm.", "x-amz-server-side-encryption", "null")
	case algorithm != "AES256":
		return nil, fault(400, "InvalidEncryptionAlgorithmError", "The Encryption request you specified is not valid. Supported value: AES256.")
	case key == "":
		return nil, invalidArgument(needs+"an appropriate secret key.", "x-amz-server-side-encryption", "null")
	case sum == "":
		return nil, invalidArgument(needs+"the client calculated MD5 of the secret key.", "x-amz-server-side-encryption", "null")
	}
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(raw) != 32 {
		return nil, invalidArgument("The secret key was invalid for the specified algorithm.", "x-amz-server-side-encryption", "null")
	}
	digest := md5.Sum(raw)
	if base64.StdEncoding.EncodeToString(digest[:]) != sum {
		return nil, invalidArgument("The calculated MD5 hash of the key did not match the hash that was provided.", "x-amz-server-side-encryption", "null")
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // it never fails
	return &customerKey{raw, sum, hex.EncodeToString(salt)}, nil
}

// keep notes with an object which key it has. The digest of the key tells nothing of it: it
// is random.
func (k *customerKey) keep(r *objectstore.Record) {
	r.SetProp(propKeyMD5, k.md5)
	r.SetProp(propSalt, k.salt)
	r.SetProp(propSSE, "")
	r.SetProp(propKMSKey, "")
	r.SetProp(propBucketKey, "")
}

// readKey is the key to read an object with; nil for one that is not encrypted by one.
func (c *call) readKey(info *objectstore.Info, prefix string) (*customerKey, error) {
	key, err := c.customerKey(prefix)
	if err != nil {
		return nil, err
	}
	return key, checkKey(&info.Record, key)
}

func checkKey(r *objectstore.Record, key *customerKey) error {
	have := r.Prop(propKeyMD5)
	switch {
	case have == "" && key == nil:
		return nil
	case have == "":
		return invalidRequest("The encryption parameters are not applicable to this object.")
	case key == nil:
		return invalidRequest("The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.")
	case subtle.ConstantTimeCompare([]byte(have), []byte(key.md5)) != 1:
		return errAccessDenied
	}
	key.salt = r.Prop(propSalt)
	return nil
}

func (k *customerKey) aead(salt string) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, k.key, []byte(salt), "brookmere object", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func pieceNonce(n uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 4), n) }

// seal encrypts what is read.
func (k *customerKey) seal(in io.Reader, salt string) (io.Reader, error) {
	aead, err := k.aead(salt)
	if err != nil {
		return nil, err
	}
	return &sealer{in: in, aead: aead, plain: make([]byte, sealedPiece)}, nil
}

type sealer struct {
	in    io.Reader
	aead  cipher.AEAD
	plain []byte
	out   bytes.Buffer
	n     uint64
	err   error
}

func (s *sealer) Read(p []byte) (int, error) {
	for s.out.Len() == 0 && s.err == nil {
		n, err := readFull(s.in, s.plain)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err // the body is cut off
		}
		if n > 0 {
			s.out.Write(s.aead.Seal(nil, pieceNonce(s.n), s.plain[:n], nil))
			s.n++
		}
		s.err = err
	}
	if s.out.Len() > 0 {
		return s.out.Read(p)
	}
	return 0, s.err
}

// readFull reads until there is no more room, and returns the error that ends the data before that as it is.
func readFull(in io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = in.Read(p[n:])
		n += m
	}
	return n, err
}

// partSalt is the salt of a part of an upload. The last is random, so that a part which is sent again has another key: the
// nonces are the same. It is empty for parts of earlier versions of the program.
func partSalt(salt string, number int, random string) string {
	if random != "" {
		random = "/" + random
	}
	return salt + "/" + strconv.Itoa(number) + random
}

// randomPart is what is random of the salt of a new part; empty for one without a key.
func randomPart(k *customerKey) string {
	if k == nil {
		return ""
	}
	raw := make([]byte, 8)
	_, _ = rand.Read(raw) // it never fails
	return hex.EncodeToString(raw)
}

// sealedLength is how long data is when it is encrypted.
func sealedLength(plain int64) int64 {
	return plain + (plain+sealedPiece-1)/sealedPiece*sealedTag
}

// open reads a range of an encrypted object.
func (k *customerKey) open(f io.ReaderAt, info *objectstore.Info, begin, length int64) (io.Reader, error) {
	type stretch struct {
		salt string
		size int64
	}
	stretches := []stretch{{k.salt, sizeOf(info)}}
	if len(info.Parts) > 0 {
		stretches = nil
		random := strings.Split(info.Prop(propParts), ",")
		if len(random) != len(info.Parts) {
			random = make([]string, len(info.Parts)) // as earlier versions of the program have written it
		}
		for i, p := range info.Parts {
			stretches = append(stretches, stretch{partSalt(k.salt, p.Number, random[i]), p.Size})
		}
	}
	var readers []io.Reader
	var at, file int64
	for _, s := range stretches {
		from, to := max(begin-at, 0), min(begin+length-at, s.size)
		if from < to {
			aead, err := k.aead(s.salt)
			if err != nil {
				return nil, err
			}
			piece := from / sealedPiece
			readers = append(readers, &opener{
				f: f, aead: aead, n: uint64(piece), skip: from - piece*sealedPiece, left: to - from,
				at: file + piece*(sealedPiece+sealedTag), end: file + sealedLength(s.size),
			})
		}
		at += s.size
		file += sealedLength(s.size)
	}
	if len(readers) > 0 {
		if err := readers[0].(*opener).load(); err != nil { // before anybody is told that there is data
			return nil, err
		}
	}
	return io.MultiReader(readers...), nil
}

type opener struct {
	f       io.ReaderAt
	aead    cipher.AEAD
	n       uint64
	at, end int64
	skip    int64
	left    int64
	plain   []byte
	buf     []byte
}

func (o *opener) Read(p []byte) (int, error) {
	if o.left <= 0 {
		return 0, io.EOF
	}
	if len(o.plain) == 0 {
		if err := o.load(); err != nil {
			return 0, err
		}
	}
	n := copy(p, o.plain[:min(int64(len(o.plain)), o.left)])
	o.plain = o.plain[n:]
	o.left -= int64(n)
	return n, nil
}

// load decrypts the next piece.
func (o *opener) load() error {
	if o.buf == nil {
		o.buf = make([]byte, sealedPiece+sealedTag)
	}
	n := min(int64(len(o.buf)), o.end-o.at)
	if n <= sealedTag {
		return io.ErrUnexpectedEOF
	}
	if _, err := o.f.ReadAt(o.buf[:n], o.at); err != nil {
		return err
	}
	plain, err := o.aead.Open(o.buf[:0], pieceNonce(o.n), o.buf[:n], nil)
	if err != nil {
		return fmt.Errorf("decrypt piece %d: %w", o.n, err)
	}
	o.n, o.at = o.n+1, o.at+n
	o.plain, o.skip = plain[o.skip:], 0
	return nil
}
