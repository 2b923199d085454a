package s3

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/versity/versitygw/s3api/utils"
	"github.com/versity/versitygw/s3err"
)

// Limits of the aws-chunked framing. Clients send chunks of 64 KB to 1 MB and a trailer
// of one checksum and its signature; a line beyond maxChunkLine is an attack or an error.
const (
	maxChunkLine    = 4 << 10
	maxTrailerLines = 16
)

// A chunkedReader decodes a body in aws-chunked encoding, signed or not: it yields the
// payload, and at its end has the trailing headers. Signatures of chunks are not
// verified here; whoever authenticates the request does that before this reader sees
// the bytes, or the connection is trusted.
//
//	<hex size>[;chunk-signature=<sig>]\r\n <size bytes> \r\n ... 0[;...]\r\n
//	[<trailer name>:<value>\r\n]... \r\n
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and
// .../sigv4-streaming-trailers.html
type chunkedReader struct {
	r       *bufio.Reader
	left    int64 // payload bytes of the current chunk not yet returned
	inChunk bool  // the current chunk's closing CRLF is still to come
	trailer http.Header
	err     error
}

func newChunkedReader(r io.Reader) *chunkedReader {
	return &chunkedReader{r: bufio.NewReaderSize(r, 32<<10)}
}

func (c *chunkedReader) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	for c.left == 0 {
		if c.err = c.nextChunk(); c.err != nil {
			return 0, c.err
		}
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err != nil {
		c.err = incomplete(err)
		return n, c.err
	}
	return n, nil
}

// nextChunk reads up to the next payload byte. It returns io.EOF after the last chunk
// and its trailers.
func (c *chunkedReader) nextChunk() error {
	if c.inChunk {
		line, err := c.line()
		if err != nil {
			return err
		}
		if line != "" {
			return s3err.GetAPIError(s3err.ErrIncompleteBody)
		}
		c.inChunk = false
	}
	line, err := c.line()
	if err != nil {
		return err
	}
	size, _, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(size), 16, 63)
	if err != nil {
		return s3err.GetAPIError(s3err.ErrIncompleteBody)
	}
	if n > 0 {
		c.left, c.inChunk = int64(n), true
		return nil
	}
	return c.readTrailer()
}

// readTrailer reads the lines after the last chunk, up to an empty one or the end of
// the body: clients differ in whether they send the empty line.
func (c *chunkedReader) readTrailer() error {
	c.trailer = http.Header{}
	for range maxTrailerLines {
		line, err := c.line()
		if errors.Is(err, s3err.GetAPIError(s3err.ErrIncompleteBody)) && line == "" {
			return io.EOF
		}
		if err != nil {
			return err
		}
		if line == "" {
			return io.EOF
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return s3err.GetAPIError(s3err.ErrIncompleteBody)
		}
		c.trailer.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return s3err.GetAPIError(s3err.ErrIncompleteBody)
}

// line reads to the next LF and returns what is before it, without a CR. Some clients end
// a trailer with a lone LF.
func (c *chunkedReader) line() (string, error) {
	var b []byte
	for {
		frag, err := c.r.ReadSlice('\n')
		b = append(b, frag...)
		if len(b) > maxChunkLine {
			return "", s3err.GetAPIError(s3err.ErrIncompleteBody)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		line := strings.TrimRight(string(b), "\r\n")
		if err != nil {
			return line, incomplete(err)
		}
		return line, nil
	}
}

// incomplete turns the end of a body in the middle of it into S3's error for that. It
// must not pass on as io.ErrUnexpectedEOF: versitygw takes that for the body's end and
// would store half an object.
func incomplete(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return s3err.GetAPIError(s3err.ErrIncompleteBody)
	}
	return err
}

// A trailerSummer checks a payload against the checksum in the trailer that follows it,
// and gives both to versitygw, which stores it with the object: it is a
// middlewares.ChecksumReader.
type trailerSummer struct {
	chunks    *chunkedReader
	sum       *utils.HashReader
	algorithm string // as in x-amz-checksum-<algorithm>
}

// newTrailerSummer returns a reader of payload, which reads from c, whose trailer is to
// hold header, x-amz-checksum-<algorithm>.
func newTrailerSummer(c *chunkedReader, payload io.Reader, header string) (*trailerSummer, error) {
	algorithm, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(header)), "x-amz-checksum-")
	if !ok || algorithm == "" || strings.HasPrefix(algorithm, "content-") || algorithm == "none" || algorithm == "sha256-hex" {
		return nil, s3err.GetAPIError(s3err.ErrTrailerHeaderNotSupported)
	}
	sum, err := utils.NewHashReader(payload, "", utils.HashType(algorithm))
	if err != nil {
		return nil, s3err.GetAPIError(s3err.ErrTrailerHeaderNotSupported)
	}
	return &trailerSummer{chunks: c, sum: sum, algorithm: algorithm}, nil
}

func (t *trailerSummer) Read(p []byte) (int, error) {
	n, err := t.sum.Read(p)
	if errors.Is(err, io.EOF) {
		got := t.chunks.trailer.Get("X-Amz-Checksum-" + t.algorithm)
		if got == "" {
			return n, s3err.GetAPIError(s3err.ErrMalformedTrailer)
		}
		if got != t.sum.Sum() {
			return n, s3err.GetChecksumBadDigestErr(checksumAlgorithm(t.algorithm))
		}
	}
	return n, err
}

// Algorithm is part of middlewares.ChecksumReader.
func (t *trailerSummer) Algorithm() string { return t.algorithm }

// Checksum is part of middlewares.ChecksumReader.
func (t *trailerSummer) Checksum() string { return t.sum.Sum() }
