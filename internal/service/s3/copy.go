package s3

import (
	"errors"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// source is what a copy is made of.
type source struct {
	bucket, key, version string
	info                 objectstore.Info
	b                    *bucket
	crypt                *customerKey
}

// copySource opens the object that X-Amz-Copy-Source names: [/]bucket/key[?versionId=...],
// percent-encoded, or the object's URL. It evaluates the conditions of the source. A plus sign is a blank, as in a form: clients that mean
// the sign write %2B. For those that do not, it is itself where there is no key with a blank.
func (c *call) copySource() (*source, objectstore.Data, error) {
	header := c.header("X-Amz-Copy-Source")
	src, f, err := c.copySourceOf(header, url.QueryUnescape)
	if e, ok := errors.AsType[*Error](err); ok && (e.Code == "NoSuchKey" || e.Code == "NoSuchVersion") && strings.Contains(header, "+") {
		if src, f, perr := c.copySourceOf(header, url.PathUnescape); perr == nil {
			return src, f, nil
		}
	}
	return src, f, err
}

func (c *call) copySourceOf(header string, unescape func(string) (string, error)) (*source, objectstore.Data, error) {
	bad := invalidArgument("Invalid copy source object key", "x-amz-copy-source", "x-amz-copy-source")
	path, query, _ := strings.Cut(header, "?")
	src := &source{}
	if query != "" {
		v, ok := strings.CutPrefix(query, "versionId=")
		if !ok {
			return nil, nil, invalidArgument("Unsupported copy source parameter.", "x-amz-copy-source", header)
		}
		if src.version = v; v == "" || !objectstore.IsVersionID(v) {
			return nil, nil, invalidArgument("Invalid version id specified", "x-amz-copy-source", v)
		}
	}
	path, err := unescape(pathOfSource(path))
	if err != nil {
		return nil, nil, bad
	}
	path = strings.TrimPrefix(path, "/")
	var ok bool
	var point *port
	if i := strings.Index(path, ":accesspoint/"); strings.HasPrefix(path, "arn:") && i > 0 {
		p, rest, err := c.s.pointOfARN(path)
		if err != nil {
			return nil, nil, err
		}
		key, isObject := strings.CutPrefix(rest, "object/")
		if !isObject {
			return nil, nil, bad
		}
		point, path = p, p.Bucket+"/"+key
	}
	if src.bucket, src.key, ok = strings.Cut(path, "/"); !ok || src.bucket == "" || src.key == "" {
		return nil, nil, bad
	}
	if p := c.s.accounts.pointOf(src.bucket); p != nil {
		point, src.bucket = p, p.Bucket
	}
	if !validBucketName(src.bucket) {
		return nil, nil, invalidArgument("Invalid copy source bucket name", "x-amz-copy-source", header)
	}
	if src.b = c.s.buckets.get(src.bucket); src.b == nil {
		return nil, nil, noSuchBucket(src.bucket)
	}
	if err := c.expectOwner("X-Amz-Source-Expected-Bucket-Owner", src.b); err != nil {
		return nil, nil, err
	}
	action := "s3:GetObject"
	if src.version != "" {
		action = "s3:GetObjectVersion"
	}
	err = nil
	if point != nil {
		err = c.authorizeAt(point, action, src.b, src.key, src.version)
	} else {
		err = c.authorizeDirect(action, src.b, src.key, src.version)
	}
	if err != nil {
		return nil, nil, err
	}
	info, f, err := c.s.store.Open(src.bucket, src.key, src.version)
	if err == nil {
		src.info = info
		err = c.usable(src)
	}
	switch {
	case errors.Is(err, objectstore.ErrNoVersion):
		err = noSuchVersion(src.key, src.version)
	case errors.Is(err, objectstore.ErrMarker) && src.version != "":
		err = invalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.")
	case errors.Is(err, objectstore.ErrMarker), errors.Is(err, objectstore.ErrNoKey):
		if err = c.unlisted(src.b); err == nil {
			err = noSuchKey(src.key)
		}
	}
	if err != nil {
		if f != nil {
			f.Close() // it was only opened
		}
		return nil, nil, err
	}
	if c.log != nil {
		c.log.source = src
	}
	return src, f, nil
}

// pathOfSource is bucket/key of a source that is a URL of S3's, in either style; of others it is what they are.
func pathOfSource(source string) string {
	_, rest, ok := strings.Cut(source, "://")
	if !ok || !strings.HasPrefix(source, "http://") && !strings.HasPrefix(source, "https://") {
		return source
	}
	host, path, ok := strings.Cut(rest, "/")
	if !ok {
		return source
	}
	if bucket, named := ParseBucketHost(host); named {
		return bucket + "/" + path
	}
	return path
}

// saySource sets the header of the version that a copy was made of. The null version has no id to tell.
func (c *call) saySource(src *source) {
	if src.b.Versioning != "" {
		c.say("x-amz-copy-source-version-id", src.info.Version)
	}
}

// usable evaluates what must be so of a source that is there.
func (c *call) usable(src *source) error {
	if err := c.readConditions("X-Amz-Copy-Source-", src.info.ETag, src.info.ModTime); err != nil {
		return err
	}
	if !c.s.isReadable(&src.info) {
		return fault(403, "ObjectNotInActiveTierError", "The source object of the COPY operation is not in the active tier and is only stored in Amazon Glacier.")
	}
	if err := c.keyReads(src.b, src.key, &src.info); err != nil {
		return err
	}
	c.s.use(src.b, &src.info)
	var err error
	src.crypt, err = c.readKey(&src.info, "X-Amz-Copy-Source-Server-Side-Encryption-Customer-")
	return err
}

func (c *call) directive(header string) (replace bool, err error) {
	switch v := c.header(header); v {
	case "", "COPY":
		return false, nil
	case "REPLACE":
		return true, nil
	default:
		kind := "metadata"
		if strings.Contains(header, "Tagging") {
			kind = "tagging"
		}
		return false, invalidArgument("Unknown "+kind+" directive.", strings.ToLower(header), v)
	}
}

// data reads a range of the source.
func (s *source) data(f objectstore.Data, begin, length int64) (io.Reader, error) {
	if s.crypt != nil {
		return s.crypt.open(f, &s.info, begin, length)
	}
	return io.NewSectionReader(f, begin, length), nil
}

// copyObject is CopyObject: a put of what is read of another object, or of the object itself
// with other metadata. So a copy is there at once and whole, and is a version of its own.
func (c *call) copyObject() error {
	replace, err := c.directive("X-Amz-Metadata-Directive")
	if err != nil {
		return err
	}
	retag, err := c.directive("X-Amz-Tagging-Directive")
	if err != nil {
		return err
	}
	conditions, err := c.writeConditions()
	if err != nil {
		return err
	}
	src, f, err := c.copySource()
	if err != nil {
		return err
	}
	defer f.Close() // it is only read
	r := objectstore.Record{}
	if err := c.described(&r); err != nil {
		return err
	}
	if !replace {
		redirect := r.Headers[redirectHeader]
		r.Headers, r.User = map[string]string{}, src.info.User
		for name, v := range src.info.Headers {
			if name != redirectHeader {
				r.Headers[name] = v
			}
		}
		if redirect != "" {
			r.Headers[redirectHeader] = redirect
		}
	}
	crypt, err := c.prepareRest(&r)
	if err != nil {
		return err
	}
	if !retag {
		r.Tags = src.info.Tags
	}
	itself := src.bucket == c.bucket && src.key == c.key && (src.version == "" || src.info.Latest)
	if itself && !replace && c.changesNothing(crypt) && src.version == "" && src.info.Prop(propSSE) == r.Prop(propSSE) {
		return invalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	size := sizeOf(&src.info)
	if size > maxPut {
		return invalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: " + strconv.FormatInt(maxPut, 10))
	}
	algorithm := strings.ToUpper(c.header("X-Amz-Checksum-Algorithm"))
	if algorithm == "" {
		if algorithm = src.info.Prop(propAlgorithm); algorithm == "" || src.info.Prop(propSum) == "" {
			algorithm = "CRC64NVME"
		}
	} else if newHash(algorithm) == nil {
		return invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
	}
	data, err := src.data(f, 0, size)
	if err != nil {
		return err
	}
	d := c.copying(algorithm, crypt)
	if err := d.read(data, r.Prop(propSalt)); err != nil {
		return err
	}
	c.replicated(c.key, &r)
	event := c.announce("ObjectCreated:Copy", c.key)
	info, err := c.s.store.Put(c.ctx, c.bucket, c.key, objectstore.Put{
		Body: d.body, Size: size, Record: r, Finish: d.finish, Check: event.check(c.stillMay("s3:PutObject", c.key, conditions.check(c.key, nil))),
	})
	event.end(&info, err)
	if err != nil {
		return err
	}
	c.saySource(src)
	c.sayWritten(&info)
	c.sayVersion(&info) // that of a copy is told where it is null, too
	c.sayEncryption(&info.Record)
	c.sayExpiration(&info)
	n := el("CopyObjectResult", leaf("LastModified", listTime(info.ModTime)), leaf("ETag", quoted(info.ETag)))
	addSum(n, &info.Record, false)
	return c.writeXML(n)
}

// changesNothing reports whether a copy onto itself asks for nothing new.
func (c *call) changesNothing(crypt *customerKey) bool {
	for _, h := range []string{"X-Amz-Storage-Class", "X-Amz-Server-Side-Encryption", "X-Amz-Website-Redirect-Location", "X-Amz-Checksum-Algorithm"} {
		if c.header(h) != "" {
			return false
		}
	}
	return crypt == nil && c.b.setting("encryption") == nil
}

// copying is what takes in data that comes from another object.
func (c *call) copying(algorithm string, crypt *customerKey) *dataOf {
	d := &dataOf{c: c, md5: newHash("MD5"), crypt: crypt}
	d.sum = &summer{newHash(algorithm), algorithm, "", false}
	return d
}
