package sigv4

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"math/bits"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Streamed bodies ("aws-chunked"): chunks of
//
//	hex-size[;chunk-signature=hex] CRLF data CRLF
//
// ended by one of size zero, after which come the trailing headers, if the payload form
// says so, each on a line, with their signature on the last, and an empty line. The
// signature of each chunk covers that of the one before, the first that of the request.
// S3 takes no chunk of less than 8 KiB but the last with data, and tells of a body that is
// not of this form that it ended.

const (
	streamingSigned   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingUnsigned = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	trailerSuffix     = "-TRAILER"
)

func isStreaming(form string) bool {
	return form == streamingSigned || form == streamingSigned+trailerSuffix || form == streamingUnsigned
}

// Streaming reports whether the request's body is in the chunked form of S3 uploads.
func Streaming(r *http.Request) bool { return isStreaming(r.Header.Get(contentSHA256)) }

// Unwrap makes r.Body, a *Chunked, yield the decoded body of a streamed upload, as Verify
// does, but without regard to signatures; trailing checksums are still checked. The
// request then looks like one with a plain, unsigned body. Other requests are left alone.
func Unwrap(r *http.Request) error {
	if !Streaming(r) || r.Body == nil {
		return nil
	}
	return unwrap(r, nil, strings.HasSuffix(r.Header.Get(contentSHA256), trailerSuffix))
}

func unwrap(r *http.Request, s *chunkSigner, trailer bool) error {
	length, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil || length < 0 {
		return &Error{Code: "MissingContentLength", Message: "You must provide the Content-Length HTTP header.", Status: http.StatusLengthRequired}
	}
	c := &Chunked{body: r.Body, in: bufio.NewReaderSize(r.Body, 16<<10), signer: s, trailing: trailer, want: length}
	if trailer {
		for name := range strings.SplitSeq(r.Header.Get("X-Amz-Trailer"), ",") {
			if name = strings.ToLower(strings.TrimSpace(name)); name == "" {
				continue
			}
			c.declared = append(c.declared, name)
			if h := newChecksum(name); h != nil && len(c.sums) < 8 {
				c.sums = append(c.sums, checksum{name, h})
			}
		}
	}
	r.Body = c
	r.ContentLength = length
	r.Header.Set(contentSHA256, unsignedPayload) // what the body now is
	r.Header.Del("X-Amz-Decoded-Content-Length")
	var encodings []string
	for e := range strings.SplitSeq(strings.Join(r.Header.Values("Content-Encoding"), ","), ",") {
		if e = strings.TrimSpace(e); e != "" && !strings.EqualFold(e, "aws-chunked") {
			encodings = append(encodings, e)
		}
	}
	r.Header.Del("Content-Encoding")
	if len(encodings) > 0 {
		r.Header.Set("Content-Encoding", strings.Join(encodings, ", "))
	}
	return nil
}

// chunkSigner verifies the signatures of chunks.
type chunkSigner struct {
	key      []byte
	prefix   string // date and scope, each with its newline
	previous string
}

func (s *chunkSigner) next(kind, middle, sum string) string {
	s.previous = hex.EncodeToString(hmacSHA256(s.key, kind+"\n"+s.prefix+s.previous+"\n"+middle+sum))
	return s.previous
}

// Chunked is the decoded body of a streamed upload. A read returns io.EOF only after all
// signatures, lengths and checksums were found right.
type Chunked struct {
	body     io.Closer
	in       *bufio.Reader
	signer   *chunkSigner
	trailing bool
	declared []string // trailing headers that the request announced
	sums     []checksum
	trailers map[string]string
	want     int64 // decoded length
	got      int64
	left     int64  // of the current chunk
	size     int64  // of the current chunk; 0 before the first
	chunks   int    // that have begun
	expect   string // signature of the current chunk
	sum      hash.Hash
	err      error
}

// Trailer returns the trailing headers, by lower-case names, after the body was read to
// its end.
func (c *Chunked) Trailer() map[string]string { return c.trailers }

// Close closes the request's body.
func (c *Chunked) Close() error { return c.body.Close() }

// Read reads decoded bytes.
func (c *Chunked) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for c.err == nil && c.left == 0 {
		c.err = c.nextChunk()
	}
	if c.err != nil {
		return 0, c.err
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.in.Read(p)
	c.left -= int64(n)
	c.got += int64(n)
	if c.sum != nil {
		c.sum.Write(p[:n])
	}
	for _, s := range c.sums {
		s.Write(p[:n])
	}
	if err != nil {
		c.err = errIncomplete
		if !errors.Is(err, io.EOF) {
			c.err = err
		}
		return n, c.err
	}
	if c.left == 0 {
		if c.err = c.endChunk(); c.err == nil && c.got == c.want {
			// The last bytes are held back until all is verified, so that whoever counts
			// bytes instead of waiting for the end does not take a bad body for whole.
			c.err = c.nextChunk()
		}
		if c.err != nil && c.err != io.EOF {
			return 0, c.err
		}
	}
	return n, nil
}

var (
	errIncomplete = &Error{Code: "IncompleteBody", Message: "The request body terminated unexpectedly", Status: 400}
	errEnded      = errors.New("there is no more of the body")
	errTrailers   = &Error{Code: "MalformedTrailerError", Message: "The request contained trailing data that was not well-formed or did not conform to our published schema.", Status: 400}
)

// minChunk is the least size of a chunk that others follow.
const minChunk = 8192

// miscounted refuses a body of another length than was said.
func (c *Chunked) miscounted(provided int64) error {
	return &Error{Code: "IncompleteBody", Message: "You did not provide the number of bytes specified by the Content-Length HTTP header", Status: 400,
		Fields: [][2]string{{"NumberBytesExpected", strconv.FormatInt(c.want, 10)}, {"NumberBytesProvided", strconv.FormatInt(provided, 10)}}}
}

// maxLine bounds a line between the chunks.
const maxLine = 4096

// line reads a line, without its end; errEnded if there is nothing more. A loose one may have a newline before its end.
func (c *Chunked) line(loose bool) (string, error) {
	b, err := c.in.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF) && len(b) == 0:
		return "", errEnded
	case errors.Is(err, bufio.ErrBufferFull) || len(b) > maxLine || errors.Is(err, io.EOF):
		return "", errIncomplete
	case err != nil:
		return "", err
	}
	text, ok := strings.CutSuffix(string(b), "\r\n")
	if !ok {
		if end, err := c.in.Peek(2); !loose || err != nil || string(end) != "\r\n" {
			return "", errIncomplete
		}
		_, _ = c.in.Discard(2) // which are there
	}
	return strings.TrimSuffix(text, "\n"), nil
}

// whole is an error of line for who needs one.
func whole(err error) error {
	if errors.Is(err, errEnded) {
		return errIncomplete
	}
	return err
}

// nextChunk reads the head of a chunk; at the last, all that follows, and returns
// io.EOF if everything is right.
func (c *Chunked) nextChunk() error {
	line, err := c.line(false)
	if err != nil {
		return whole(err)
	}
	size, extension, _ := strings.Cut(line, ";")
	wide, err := strconv.ParseUint(strings.TrimSpace(size), 16, 63) // of digits alone
	n := int64(wide)
	if err != nil || n < 0 || c.got+n < 0 {
		return errIncomplete
	}
	if c.got+n > c.want {
		return c.miscounted(c.got + n)
	}
	c.chunks++
	if n > 0 && c.chunks > 1 && c.size < minChunk {
		return &Error{Code: "InvalidChunkSizeError", Message: "Only the last chunk is allowed to have a size less than 8192 bytes", Status: http.StatusForbidden,
			Fields: [][2]string{{"Chunk", strconv.Itoa(c.chunks)}, {"BadChunkSize", strconv.FormatInt(c.size, 10)}}}
	}
	c.size = n
	if c.signer != nil {
		name, sig, _ := strings.Cut(extension, "=")
		if strings.TrimSpace(name) != "chunk-signature" || sig == "" {
			return errIncomplete
		}
		c.expect = strings.TrimSpace(sig)
		if c.sum == nil {
			c.sum = sha256.New()
		} else {
			c.sum.Reset()
		}
	}
	if n > 0 {
		c.left = n
		return nil
	}
	if err := c.checkChunk(); err != nil {
		return err
	}
	if c.trailing {
		if err := c.readTrailers(); err != nil {
			return err
		}
	} else if line, err := c.line(false); err != nil || line != "" {
		return errIncomplete
	}
	if c.got != c.want {
		return c.miscounted(c.got)
	}
	return c.nothingMore()
}

// nothingMore reads the end of the body, io.EOF: whatever came behind the last chunk would be covered by no signature.
// Empty lines do no harm, nor does anything where there are no signatures; S3 does not look at it.
func (c *Chunked) nothingMore() error {
	for range maxLine {
		switch b, err := c.in.ReadByte(); {
		case err != nil:
			return err
		case b != '\r' && b != '\n' && c.signer != nil:
			return errIncomplete
		}
	}
	return errIncomplete
}

func (c *Chunked) endChunk() error {
	line, err := c.line(false)
	if err != nil {
		return whole(err)
	}
	if line != "" {
		return errIncomplete
	}
	return c.checkChunk()
}

func (c *Chunked) checkChunk() error {
	if c.signer == nil {
		return nil
	}
	want := c.signer.next(algorithm+"-PAYLOAD", emptySHA256+"\n", hex.EncodeToString(c.sum.Sum(nil)))
	if !hmac.Equal([]byte(want), []byte(c.expect)) {
		return s3Family.mismatch()
	}
	return nil
}

// maxTrailers bounds the trailing headers.
const maxTrailers = 16

func (c *Chunked) readTrailers() error {
	c.trailers = map[string]string{}
	var signed strings.Builder
	signature := ""
	for range maxTrailers {
		line, err := c.line(true) // MinIO's clients have a newline behind each trailer
		if errors.Is(err, errEnded) && (c.signer == nil || signature != "") {
			line, err = "", nil // S3 does without the last empty line
		}
		if err != nil {
			return whole(err)
		}
		if line == "" {
			return c.checkTrailers(signed.String(), signature)
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return errTrailers
		}
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if name == "x-amz-trailer-signature" {
			signature = value
			continue
		}
		if !slices.Contains(c.declared, name) {
			return errTrailers
		}
		c.trailers[name] = value
		signed.WriteString(name + ":" + value + "\n")
	}
	return errTrailers
}

func (c *Chunked) checkTrailers(signed, signature string) error {
	if c.signer != nil {
		want := c.signer.next(algorithm+"-TRAILER", "", hexSHA256([]byte(signed)))
		if !hmac.Equal([]byte(want), []byte(signature)) {
			return s3Family.mismatch()
		}
	}
	for _, s := range c.sums {
		given, ok := c.trailers[s.name]
		if !ok {
			return errTrailers
		}
		want, err := base64.StdEncoding.Strict().DecodeString(given)
		if err != nil || len(want) != s.Size() {
			return &Error{Code: "InvalidRequest", Message: "Value for " + s.name + " trailing header is invalid.", Status: 400}
		}
		if !bytes.Equal(want, s.Sum(nil)) {
			name := strings.ToUpper(strings.TrimPrefix(s.name, "x-amz-checksum-"))
			return &Error{Code: "BadDigest", Message: "The " + name + " you specified did not match the calculated checksum.", Status: 400}
		}
	}
	return nil
}

type checksum struct {
	name string
	hash.Hash
}

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvme       = crc64.MakeTable(bits.Reverse64(0xad93d23594c93659)) // the polynomial of CRC-64/NVME
)

// newChecksum returns the hash of a checksum header, nil for one that is not known,
// which is passed on unchecked.
func newChecksum(name string) hash.Hash {
	switch name {
	case "x-amz-checksum-crc32":
		return crc32.NewIEEE()
	case "x-amz-checksum-crc32c":
		return crc32.New(castagnoli)
	case "x-amz-checksum-crc64nvme":
		return crc64.New(nvme)
	case "x-amz-checksum-sha1":
		return sha1.New()
	case "x-amz-checksum-sha256":
		return sha256.New()
	}
	return nil
}

// Hashed reports whether the body of a request is held against its declared hash as it is read.
func Hashed(r *http.Request) bool {
	_, ok := r.Body.(*hashedBody)
	return ok
}

// hashedBody checks the declared hash of a body as it is read, before the last bytes are
// given out if the length is known.
type hashedBody struct {
	body io.ReadCloser
	hash hash.Hash
	said string // the declared hash
	want []byte
	left int64 // negative if the length is not known
}

func (b *hashedBody) Close() error { return b.body.Close() }

func (b *hashedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	b.hash.Write(p[:n])
	if b.left >= 0 {
		b.left -= int64(n)
	}
	if err == io.EOF || b.left == 0 {
		if got := b.hash.Sum(nil); !bytes.Equal(got, b.want) {
			return 0, &Error{Code: "XAmzContentSHA256Mismatch", Message: "The provided 'x-amz-content-sha256' header does not match what was computed.", Status: 400,
				Fields: [][2]string{{"ClientComputedContentSHA256", b.said}, {"S3ComputedContentSHA256", hex.EncodeToString(got)}}}
		}
	}
	return n, err
}
