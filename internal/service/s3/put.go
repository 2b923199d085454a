package s3

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// maxPut is S3's limit on the bytes of an object, or a part, that is sent in one request.
const maxPut = 5 << 30

// storedHeaders are the headers of a request that are kept with the object.
var storedHeaders = []string{"content-type", "content-encoding", "content-disposition", "content-language", "cache-control", "expires"}

const redirectHeader = "website-redirect-location"

// defaultType is the content type of an object that is put without one.
const defaultType = "binary/octet-stream"

// maxUser is S3's limit on the bytes of all user metadata of an object, names and values.
const maxUser = 2 << 10

// described reads what a request that makes an object says of it: headers and metadata.
func (c *call) described(r *objectstore.Record) error {
	r.Headers = map[string]string{}
	for _, name := range storedHeaders {
		if v := strings.Join(c.r.Header.Values(name), ","); v != "" {
			r.Headers[name] = v
		}
	}
	if e := r.Headers["content-encoding"]; strings.Contains(e, "aws-chunked") {
		var kept []string
		for part := range strings.SplitSeq(e, ",") {
			if part = strings.TrimSpace(part); part != "" && part != "aws-chunked" {
				kept = append(kept, part)
			}
		}
		delete(r.Headers, "content-encoding")
		if len(kept) > 0 {
			r.Headers["content-encoding"] = strings.Join(kept, ",")
		}
	}
	if r.Headers["content-type"] == "" {
		r.Headers["content-type"] = defaultType
	}
	if err := c.redirect(r); err != nil {
		return err
	}
	r.User = map[string]string{}
	size := 0
	add := func(name string, values []string) {
		if user, ok := strings.CutPrefix(strings.ToLower(name), "x-amz-meta-"); ok {
			r.User[user] = decodeUser(strings.Join(values, ","))
			size += len(user) + len(r.User[user])
		}
	}
	for name, values := range c.r.Header {
		add(name, values)
	}
	for name, values := range c.query {
		add(name, values)
	}
	if size > maxUser {
		return fault(400, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size").
			with("Size", strconv.Itoa(size)).with("MaxSizeAllowed", strconv.Itoa(maxUser))
	}
	return nil
}

func (c *call) redirect(r *objectstore.Record) error {
	to := c.header("X-Amz-Website-Redirect-Location")
	if to == "" {
		return nil
	}
	if !strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "http://") && !strings.HasPrefix(to, "https://") {
		return fault(400, "InvalidRedirectLocation", "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.")
	}
	r.Headers[redirectHeader] = to
	return nil
}

// dataOf receives the data of an object or a part: its digests, and what the client says of them.
type dataOf struct {
	c      *call
	md5    md5Writer
	want   string // Content-MD5
	sum    *summer
	whole  hash.Hash // of a part: CRC64NVME beside the client's own checksum; may be nil
	crypt  *customerKey
	plain  int64
	opaque bool   // its ETag is not the MD5 of the data
	random string // of a part's salt
	body   io.Reader
	length int64
}

type md5Writer interface {
	io.Writer
	Sum([]byte) []byte
}

// receive prepares the body of an upload.
func (c *call) receive(crypt *customerKey, salt string) (*dataOf, error) {
	in, length, err := c.openBody()
	if err != nil {
		return nil, err
	}
	if length < 0 || length == 0 && c.unsized() {
		return nil, errLength
	}
	if length > maxPut {
		return nil, errEntityTooLarge.with("ProposedSize", strconv.FormatInt(length, 10)).with("MaxSizeAllowed", strconv.FormatInt(maxPut, 10))
	}
	d := &dataOf{c: c, md5: md5.New(), want: c.r.Header.Get("Content-Md5"), crypt: crypt, length: length}
	if len(c.r.Header["Content-Md5"]) > 0 {
		if err := checkMD5(d.want, nil, true); err != nil {
			if e, _ := errors.AsType[*Error](err); e.Code == "InvalidDigest" {
				return nil, err
			}
		}
	}
	if d.sum, err = c.wantedChecksum(); err != nil {
		return nil, err
	}
	return d, d.read(in, salt)
}

// read makes body of what comes in.
func (d *dataOf) read(in io.Reader, salt string) error {
	if d.sum == nil {
		d.sum = &summer{newHash("CRC64NVME"), "CRC64NVME", "", false}
	}
	d.body = &hashing{in, d}
	if d.crypt != nil {
		var err error
		if d.body, err = d.crypt.seal(d.body, salt); err != nil {
			return err
		}
	}
	return nil
}

// unsized reports whether a request has no length, where HTTP has that mean that it has no body: data has one.
func (c *call) unsized() bool {
	return c.r.ProtoMajor == 1 && c.r.Header["Content-Length"] == nil && len(c.r.TransferEncoding) == 0 && c.form == nil && c.r.Host != inProcessHost
}

type hashing struct {
	in io.Reader
	d  *dataOf
}

func (h *hashing) Read(p []byte) (int, error) {
	n, err := h.in.Read(p)
	if n > 0 {
		h.d.md5.Write(p[:n])
		h.d.sum.Write(p[:n])
		if h.d.whole != nil {
			h.d.whole.Write(p[:n])
		}
		h.d.plain += int64(n)
	}
	return n, err
}

// finish is objectstore.Put.Finish.
func (d *dataOf) finish(_ int64, r *objectstore.Record) error {
	digest := d.md5.Sum(nil)
	if d.want != "" {
		if err := checkMD5(d.want, digest, true); err != nil {
			return err
		}
	}
	sum, err := d.sum.check(d.c.trailer)
	if err != nil {
		return err
	}
	r.ETag = hex.EncodeToString(digest)
	if d.opaque || d.crypt != nil || r.Prop(propSSE) != "" { // of an upload, whose parts have no property of their own
		r.ETag = opaqueTag()
	}
	setSum(r, d.sum.algorithm, fullObject, sum)
	if d.whole != nil {
		r.SetProp(propWhole, base64.StdEncoding.EncodeToString(d.whole.Sum(nil)))
	}
	if d.crypt != nil {
		r.SetProp(propSize, strconv.FormatInt(d.plain, 10))
		r.SetProp(propPart, d.random)
	}
	return nil
}

// opaqueTag is an ETag of data with a key of KMS or of the customer's: it looks like an MD5, and tells nothing.
func opaqueTag() string {
	tag := make([]byte, md5.Size)
	_, _ = rand.Read(tag) // it never fails
	return hex.EncodeToString(tag)
}

// putObject is PutObject.
func (c *call) putObject() error {
	r := objectstore.Record{}
	crypt, err := c.prepare(&r)
	if err != nil {
		return err
	}
	conditions, err := c.writeConditions()
	if err != nil {
		return err
	}
	if off := c.r.Header.Get("X-Amz-Write-Offset-Bytes"); off != "" {
		return errNotImplemented.with("Header", "x-amz-write-offset-bytes")
	}
	if err := c.lockedSum(&r, "Put Object"); err != nil {
		return err
	}
	d, err := c.receive(crypt, r.Prop(propSalt))
	if err != nil {
		return err
	}
	c.replicated(c.key, &r)
	event := c.announce("ObjectCreated:Put", c.key)
	info, err := c.s.store.Put(c.ctx, c.bucket, c.key, objectstore.Put{
		Body: d.body, Size: d.length, Record: r, Finish: d.finish, Check: event.check(c.stillMay("s3:PutObject", c.key, conditions.check(c.key, nil))),
	})
	event.end(&info, err)
	if err != nil {
		return err
	}
	c.w.Header()["ETag"] = []string{quoted(info.ETag)}
	c.saySum(&info.Record)
	c.sayEncryption(&info.Record)
	c.sayWritten(&info)
	c.sayExpiration(&info)
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// prepare reads all that a request which makes an object says of it, and refuses what
// cannot be, before anything is changed. The result is the customer's key, if there is one.
func (c *call) prepare(r *objectstore.Record) (*customerKey, error) {
	if err := c.described(r); err != nil {
		return nil, err
	}
	return c.prepareRest(r)
}

func (c *call) prepareRest(r *objectstore.Record) (*customerKey, error) {
	if err := c.authorizeSaid(); err != nil {
		return nil, err
	}
	if err := c.placed(r); err != nil {
		return nil, err
	}
	crypt, err := c.customerKey("X-Amz-Server-Side-Encryption-Customer-")
	if err != nil {
		return nil, err
	}
	if crypt != nil {
		if r.Prop(propSSE) != "" && c.header("X-Amz-Server-Side-Encryption") != "" {
			return nil, invalidArgument("Server Side Encryption with Customer provided key is incompatible with the encryption method specified", "x-amz-server-side-encryption", r.Prop(propSSE))
		}
		if blocksEncryption(c.b, "SSE-C") {
			return nil, errAccessDenied
		}
		crypt.keep(r)
	}
	if err := c.locked(r); err != nil {
		return nil, err
	}
	if err := c.objectACL(r); err != nil {
		return nil, err
	}
	if tagging := c.header("X-Amz-Tagging"); tagging != "" {
		if r.Tags, err = parseTagging(tagging); err != nil {
			return nil, err
		}
	}
	return crypt, nil
}

func quoted(etag string) string { return `"` + etag + `"` }

// sayWritten is sayVersion for a version that has just been written: one without an id is not
// told of.
func (c *call) sayWritten(info *objectstore.Info) {
	c.sizes(info)
	if info.Version != "" {
		c.say("x-amz-version-id", info.Version)
	}
}

// sayVersion sets the header of a version's id where the bucket has, or has had, versions.
func (c *call) sayVersion(info *objectstore.Info) {
	if c.b.Versioning != "" {
		c.say("x-amz-version-id", info.VersionID())
	}
}
