package s3

import (
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// responseHeaders are what a read may ask to be told instead of what is kept.
var responseHeaders = map[string]string{
	"response-content-type": "Content-Type", "response-content-language": "Content-Language", "response-expires": "Expires",
	"response-cache-control": "Cache-Control", "response-content-disposition": "Content-Disposition",
	"response-content-encoding": "Content-Encoding",
}

// found opens the object that the request is about, and words what is wrong.
func (c *call) found(open bool) (info objectstore.Info, f objectstore.Data, err error) {
	id := c.version()
	if open {
		info, f, err = c.s.store.Open(c.bucket, c.key, id)
	} else {
		info, err = c.s.store.Stat(c.bucket, c.key, id)
	}
	return info, f, c.missing(&info, id, err)
}

// missing is the error that a client gets for one of the store's.
func (c *call) missing(info *objectstore.Info, id string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, objectstore.ErrNoVersion):
		return noSuchVersion(c.key, id)
	}
	read := c.r.Method == http.MethodGet || c.r.Method == http.MethodHead
	if read && id == "" && !c.website && (errors.Is(err, objectstore.ErrNoKey) || errors.Is(err, objectstore.ErrMarker)) {
		if err := c.unlisted(c.b); err != nil {
			return err
		}
	}
	switch {
	case errors.Is(err, objectstore.ErrMarker) && id == "" && read:
		e := noSuchKey(c.key).header("x-amz-delete-marker", "true")
		return e.header("x-amz-version-id", info.VersionID())
	case errors.Is(err, objectstore.ErrMarker):
		return markerMethod(c.r.Method).header("x-amz-delete-marker", "true").header("x-amz-version-id", info.VersionID()).
			header("Allow", "DELETE").header("Last-Modified", info.ModTime.UTC().Format(http.TimeFormat))
	}
	return err
}

// sizeOf is the size of an object's data as clients have it.
func sizeOf(info *objectstore.Info) int64 {
	if v := info.Prop(propSize); v != "" {
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return n
		}
	}
	return info.Size
}

// getObject is GetObject and HeadObject.
func (c *call) getObject() error {
	if c.query.Get("partNumber") != "" {
		if c.r.Header.Get("Range") != "" {
			return invalidRequest("Cannot specify both Range header and partNumber query parameter")
		}
		if _, err := c.partNumber(); err != nil {
			return err
		}
	}
	if err := c.checkOverrides(); err != nil {
		return err
	}
	info, f, err := c.found(c.r.Method == http.MethodGet)
	if f != nil {
		defer f.Close() // it is only read
	}
	if err != nil {
		return err
	}
	if err := c.refuseEncryption(); err != nil {
		return err
	}
	if err := c.readConditions("", info.ETag, info.ModTime); err != nil {
		return err
	}
	key, err := c.readKey(&info, "X-Amz-Server-Side-Encryption-Customer-")
	if err != nil {
		return err
	}
	if c.r.Method == http.MethodGet {
		if err := c.readable(&info); err != nil {
			return err
		}
		if err := c.keyReads(c.b, c.key, &info); err != nil {
			return err
		}
	}
	return c.sendObject(&info, f, key)
}

// checkOverrides refuses a header of the answer that a read cannot ask for.
func (c *call) checkOverrides() error {
	for _, name := range slices.Sorted(maps.Keys(c.query)) {
		if strings.HasPrefix(name, "response-") && responseHeaders[name] == "" && !c.website {
			return invalidArgument(name+" is not in the set of overridable response headers.", name, c.query.Get(name))
		}
	}
	return nil
}

// refuseEncryption refuses the header that says how new objects are encrypted where there is none.
func (c *call) refuseEncryption() error {
	const name = "x-amz-server-side-encryption"
	if v := c.header(name); v != "" {
		return invalidArgument(name+" header is not supported for this operation.", name, v)
	}
	return nil
}

// readable refuses an object whose storage class must be restored first.
func (c *call) readable(info *objectstore.Info) error {
	if !c.s.isReadable(info) {
		e := fault(403, "InvalidObjectState", "The operation is not valid for the object's storage class").with("StorageClass", info.Prop(propClass))
		if tier := info.Prop(propTier); tier != "" {
			e = e.with("AccessTier", tier)
		}
		return e
	}
	c.s.use(c.b, info)
	return nil
}

// sendObject answers with an object, or a range of it.
func (c *call) sendObject(info *objectstore.Info, f objectstore.Data, key *customerKey) error {
	size := sizeOf(info)
	begin, length, status := int64(0), size, http.StatusOK
	parts := 0
	if n := c.query.Get("partNumber"); n != "" {
		var err error
		if begin, length, parts, err = partOf(info, size, n); err != nil {
			return err
		}
		status = http.StatusPartialContent
	} else if r := c.header("Range"); r != "" {
		from, n, ok, err := parseRange(r, size)
		if err != nil {
			return err
		}
		if ok {
			begin, length, status = from, n, http.StatusPartialContent
		}
	}
	c.sayObject(info)
	if c.query.Get("partNumber") != "" && parts > 0 {
		c.say("x-amz-mp-parts-count", strconv.Itoa(parts))
	}
	h := c.w.Header()
	if strings.EqualFold(c.header("X-Amz-Checksum-Mode"), "ENABLED") {
		switch {
		case parts > 0:
			c.sayPartSum(&info.Record, c.query.Get("partNumber"))
		case length == size:
			c.saySum(&info.Record)
		}
	}
	if status == http.StatusPartialContent {
		h.Set("Content-Range", "bytes "+strconv.FormatInt(begin, 10)+"-"+strconv.FormatInt(begin+length-1, 10)+"/"+strconv.FormatInt(size, 10))
		if length == 0 {
			h.Del("Content-Range")
		}
	}
	for name, header := range responseHeaders {
		if v := c.query.Get(name); v != "" {
			if c.caller.Anonymous {
				return invalidRequest("Request specific response headers cannot be used for anonymous GET requests.")
			}
			h[header] = []string{v}
		}
	}
	h.Set("Content-Length", strconv.FormatInt(length, 10))
	if c.r.Method == http.MethodHead {
		c.w.WriteHeader(status)
		return nil
	}
	var data io.Reader
	var err error
	if key != nil {
		if data, err = key.open(f, info, begin, length); err != nil {
			return err
		}
	} else {
		if begin > 0 {
			if _, err := f.Seek(begin, io.SeekStart); err != nil {
				return err
			}
		}
		if err := objectstore.Ready(f, length); err != nil {
			return err
		}
		data = &io.LimitedReader{R: f, N: length}
	}
	c.w.WriteHeader(status)
	c.send(data, length)
	return nil
}

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

// onlyWriter hides a writer's ReadFrom, which would go around the buffer.
type onlyWriter struct{ io.Writer }

// send sends data, whose status has gone out.
func (c *call) send(data io.Reader, length int64) {
	var n int64
	var err error
	if to, ok := c.w.(io.ReaderFrom); ok && length >= 64<<10 {
		n, err = to.ReadFrom(data)
	} else {
		buf := copyBuffers.Get().(*[]byte)
		n, err = io.CopyBuffer(onlyWriter{c.w}, data, *buf)
		copyBuffers.Put(buf)
	}
	c.s.metrics.read.Add(float64(n))
	if err != nil || n != length {
		// All that is left is to cut the answer short, so that the client does not take it
		// for whole.
		panic(http.ErrAbortHandler)
	}
}

// sayObject sets the headers that tell of an object.
func (c *call) sayObject(info *objectstore.Info) {
	c.sizes(info)
	h := c.w.Header()
	h["ETag"] = []string{quoted(info.ETag)}
	h.Set("Last-Modified", info.ModTime.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	h["Content-Type"] = []string{defaultType}
	for name, v := range info.Headers {
		if name == redirectHeader {
			c.say("x-amz-website-redirect-location", v)
			continue
		}
		h.Set(name, v)
	}
	for name, v := range info.User {
		c.w.Header()["x-amz-meta-"+name] = []string{encodeUser(v)}
	}
	c.sayVersion(info)
	c.sayEncryption(&info.Record)
	if class := info.Prop(propClass); class != "" {
		c.say("x-amz-storage-class", class)
	}
	if len(info.Tags) > 0 {
		c.say("x-amz-tagging-count", strconv.Itoa(len(info.Tags)))
	}
	c.sayLock(&info.Record)
	c.sayRestore(info)
	c.say("x-amz-archive-status", info.Prop(propTier))
	if c.version() == "" {
		c.sayExpiration(info)
	}
	c.say("x-amz-replication-status", info.Prop(propReplication))
}

// partOf is the place of a part in an object.
func partOf(info *objectstore.Info, size int64, number string) (begin, length int64, parts int, err error) {
	n, perr := strconv.Atoi(number)
	if perr != nil || n < 1 || n > objectstore.MaxParts {
		return 0, 0, 0, invalidArgument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", number)
	}
	bad := fault(416, "InvalidPartNumber", "The requested partnumber is not satisfiable").
		with("PartNumberRequested", number).with("ActualPartCount", strconv.Itoa(max(1, len(info.Parts))))
	if len(info.Parts) == 0 {
		if n != 1 {
			return 0, 0, 0, bad
		}
		return 0, size, 0, nil
	}
	if n > len(info.Parts) {
		return 0, 0, 0, bad
	}
	for _, p := range info.Parts[:n-1] {
		begin += p.Size
	}
	return begin, info.Parts[n-1].Size, len(info.Parts), nil
}

// parseRange reads a Range header; ok is false for one that is not a range of bytes, or of
// several, which S3 does not heed.
func parseRange(header string, size int64) (begin, length int64, ok bool, err error) {
	spec, found := strings.CutPrefix(strings.TrimSpace(header), "bytes=")
	if !found || strings.Contains(spec, ",") {
		return 0, 0, false, nil
	}
	from, to, found := strings.Cut(spec, "-")
	if !found {
		return 0, 0, false, nil
	}
	bad := fault(416, "InvalidRange", "The requested range is not satisfiable").
		with("RangeRequested", header).with("ActualObjectSize", strconv.FormatInt(size, 10)).header("Content-Range", "bytes */"+strconv.FormatInt(size, 10))
	number := func(s string) (int64, bool) {
		if strings.HasPrefix(s, "+") {
			return 0, false
		}
		n, err := strconv.ParseInt(s, 10, 64)
		return n, err == nil && n >= 0
	}
	if from == "" {
		n, good := number(to)
		switch {
		case !good:
			return 0, 0, false, nil
		case n == 0 || size == 0:
			return 0, 0, false, bad
		}
		n = min(n, size)
		return size - n, n, true, nil
	}
	begin, good := number(from)
	if !good {
		return 0, 0, false, nil
	}
	end := size - 1
	if to != "" {
		if end, good = number(to); !good || end < begin {
			return 0, 0, false, nil
		}
		end = min(end, size-1)
	}
	if begin >= size {
		return 0, 0, false, bad
	}
	return begin, end - begin + 1, true, nil
}

// encodeUser is a value of user metadata as a header has it: in RFC 2047's form if it has
// more than ASCII.
func encodeUser(v string) string {
	for i := range len(v) {
		if v[i] >= 0x80 || v[i] < 0x20 && v[i] != '\t' {
			return mime.BEncoding.Encode("UTF-8", v)
		}
	}
	return v
}

func decodeUser(v string) string {
	if !strings.Contains(v, "=?") {
		return v
	}
	if d, err := new(mime.WordDecoder).DecodeHeader(v); err == nil {
		return d
	}
	return v
}
