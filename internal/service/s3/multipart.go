package s3

import (
	"cmp"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// minPart is S3's limit on the bytes of a part that is not the last.
const minPart = 5 << 20

// createUpload is CreateMultipartUpload.
func (c *call) createUpload() error {
	r := objectstore.Record{}
	if _, err := c.prepare(&r); err != nil {
		return err
	}
	algorithm, kind, err := checksumChoice(c.header("X-Amz-Checksum-Algorithm"), c.header("X-Amz-Checksum-Type"))
	if err != nil {
		return err
	}
	r.SetProp(propAlgorithm, algorithm)
	r.SetProp(propSumType, kind)
	for _, name := range saidHeaders {
		r.SetProp(propSaid+name, c.header("X-Amz-"+name))
	}
	if !c.caller.Anonymous {
		r.SetProp(propInitiator, cmp.Or(c.caller.Principal, c.caller.Of()))
	}
	u, err := c.s.store.CreateUpload(c.bucket, c.key, r)
	if err != nil {
		return err
	}
	c.sayEncryption(&r)
	c.say("x-amz-checksum-algorithm", algorithm)
	c.say("x-amz-checksum-type", kind)
	if date, rule := c.abortDate(u.Begun); rule != "" {
		c.say("x-amz-abort-date", date.Format(http.TimeFormat))
		c.say("x-amz-abort-rule-id", rule)
	}
	return c.writeXML(el("InitiateMultipartUploadResult", leaf("Bucket", c.bucket), leaf("Key", c.key), leaf("UploadId", u.ID)))
}

// upload is the upload that the request is about.
func (c *call) upload() (objectstore.Upload, error) {
	id := c.query.Get("uploadId")
	u, err := c.s.store.GetUpload(c.bucket, c.key, id)
	if errors.Is(err, objectstore.ErrNoUpload) {
		return u, noSuchUpload(id)
	}
	return u, err
}

func (c *call) partNumber() (int, error) {
	v := c.query.Get("partNumber")
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > objectstore.MaxParts {
		return 0, invalidArgument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", v)
	}
	return n, nil
}

// partKey is the key to encrypt a part with, as the upload was begun with.
func (c *call) partKey(u *objectstore.Upload) (*customerKey, error) {
	key, err := c.customerKey("X-Amz-Server-Side-Encryption-Customer-")
	if err != nil {
		return nil, err
	}
	have := u.Record.Prop(propKeyMD5)
	switch {
	case key != nil && blocksEncryption(c.b, "SSE-C"): // since the upload was begun
		return nil, errAccessDenied
	case have == "" && key != nil:
		return nil, invalidRequest("The multipart upload initiate requested no encryption. The provided encryption parameters are not applicable.")
	case have != "" && key == nil:
		return nil, invalidRequest("The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.")
	case have != "" && key.md5 != have:
		return nil, invalidRequest("The provided encryption parameters did not match the ones used originally.")
	}
	return key, nil
}

// uploadPart is UploadPart.
func (c *call) uploadPart() error {
	number, err := c.partNumber()
	if err != nil {
		return err
	}
	u, err := c.upload()
	if err != nil {
		return err
	}
	if err := c.refuseEncryption(); err != nil {
		return err
	}
	key, err := c.partKey(&u)
	if err != nil {
		return err
	}
	if err := c.lockedSum(&u.Record, "Put Part"); err != nil {
		return err
	}
	random := randomPart(key)
	d, err := c.receive(key, partSalt(u.Record.Prop(propSalt), number, random))
	if err != nil {
		return err
	}
	d.random = random
	d.opaque = u.Record.Prop(propSSE) != ""
	given := d.sum.want != "" || d.sum.trailing
	if want := u.Record.Prop(propAlgorithm); want != "" && given && d.sum.algorithm != want {
		return invalidRequest("Checksum Type mismatch occurred, expected checksum Type: " + strings.ToLower(want) + ", actual checksum Type: " + strings.ToLower(d.sum.algorithm))
	} else if want != "" && !given && u.Record.Prop(propSumType) == composite {
		return invalidRequest("Checksum Type mismatch occurred, expected checksum Type: " + strings.ToLower(want) + ", actual checksum Type: null")
	} else if want != "" && !given {
		d.sum.Hash, d.sum.algorithm = newHash(want), want
	} else if want == "" && !given {
		d.sum.Hash, d.sum.algorithm = newHash("CRC64NVME"), "CRC64NVME"
	} else if want == "" && d.sum.algorithm != "CRC64NVME" {
		d.whole = newHash("CRC64NVME") // the object will have this one
	}
	p, err := c.s.store.PutPart(c.ctx, c.bucket, u, number, d.body, d.length, d.finish)
	if errors.Is(err, objectstore.ErrNoUpload) {
		return noSuchUpload(u.ID)
	}
	if err != nil {
		return err
	}
	if c.log != nil {
		c.log.size, c.log.sized = partSize(&p), true
	}
	c.w.Header()["ETag"] = []string{quoted(p.ETag)}
	if given || u.Record.Prop(propAlgorithm) != "" {
		c.say(sumHeader(p.Prop(propAlgorithm)), p.Prop(propSum))
	}
	c.sayEncryption(&u.Record)
	c.w.Header().Set("Content-Length", "0")
	return nil
}

// uploadPartCopy is UploadPartCopy.
func (c *call) uploadPartCopy() error {
	number, err := c.partNumber()
	if err != nil {
		return err
	}
	u, err := c.upload()
	if err != nil {
		return err
	}
	key, err := c.partKey(&u)
	if err != nil {
		return err
	}
	src, f, err := c.copySource()
	if err != nil {
		return err
	}
	defer f.Close() // it is only read
	size := sizeOf(&src.info)
	begin, length := int64(0), size
	if r := c.header("X-Amz-Copy-Source-Range"); r != "" {
		bad := invalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy", "x-amz-copy-source-range", r)
		spec, ok := strings.CutPrefix(r, "bytes=")
		from, to, dash := strings.Cut(spec, "-")
		first, ferr := strconv.ParseInt(from, 10, 64)
		last, lerr := strconv.ParseInt(to, 10, 64)
		if !ok || !dash || ferr != nil || lerr != nil || first < 0 || last < first {
			return bad
		}
		if first >= size {
			return invalidRequest("The specified copy range is invalid for the source object size")
		}
		if last >= size {
			return invalidArgument(fmt.Sprintf("Range specified is not valid for source object of size: %d", size), "x-amz-copy-source-range", r)
		}
		begin, length = first, last-first+1
	}
	if length > maxPut {
		return invalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: " + strconv.FormatInt(maxPut, 10))
	}
	algorithm := u.Record.Prop(propAlgorithm)
	if algorithm == "" {
		algorithm = "CRC64NVME"
	}
	data, err := src.data(f, begin, length)
	if err != nil {
		return err
	}
	d := c.copying(algorithm, key)
	d.opaque, d.random = u.Record.Prop(propSSE) != "", randomPart(key)
	if err := d.read(data, partSalt(u.Record.Prop(propSalt), number, d.random)); err != nil {
		return err
	}
	p, err := c.s.store.PutPart(c.ctx, c.bucket, u, number, d.body, length, d.finish)
	if errors.Is(err, objectstore.ErrNoUpload) {
		return noSuchUpload(u.ID)
	}
	if err != nil {
		return err
	}
	c.saySource(src)
	c.sayEncryption(&u.Record)
	n := el("CopyPartResult", leaf("LastModified", listTime(p.ModTime)), leaf("ETag", quoted(p.ETag)))
	if u.Record.Prop(propAlgorithm) != "" {
		addSum(n, &p.Record, false)
	}
	return c.writeXML(n)
}

// abortUpload is AbortMultipartUpload.
func (c *call) abortUpload() error {
	id := c.query.Get("uploadId")
	if when := c.header("X-Amz-If-Match-Initiated-Time"); when != "" {
		u, err := c.upload()
		if err != nil {
			return err
		}
		if t, ok := parseDate(when); !ok || !t.Equal(u.Begun.Truncate(time.Second)) {
			return preconditionFailed("x-amz-if-match-initiated-time")
		}
	}
	err := c.s.store.AbortUpload(c.bucket, c.key, id)
	if errors.Is(err, objectstore.ErrNoUpload) {
		return noSuchUpload(id)
	}
	if err != nil {
		return err
	}
	return c.noContent()
}

// limit reads a number of a listing's query.
func (c *call) limit(name string) (int, error) {
	v := c.query.Get(name)
	if v == "" {
		return maxListed, nil
	}
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil {
		return 0, invalidArgument("Provided "+name+" not an integer or within integer range", name, v)
	}
	if n < 0 {
		return 0, invalidArgument("Argument "+map[string]string{"max-keys": "maxKeys", "max-uploads": "max-uploads", "max-parts": "max-parts"}[name]+" must be an integer between 0 and 2147483647", name, v)
	}
	return min(int(n), maxListed), nil
}

// listParts is ListParts.
func (c *call) listParts() error {
	most, err := c.limit("max-parts")
	if err != nil {
		return err
	}
	marker := 0
	if v := c.query.Get("part-number-marker"); v != "" {
		if marker, err = strconv.Atoi(v); err != nil {
			return invalidArgument("Provided part-number-marker not an integer or within integer range", "part-number-marker", v)
		}
		if marker < 0 {
			return invalidArgument("Argument part-number-marker must be an integer between 0 and 2147483647", "part-number-marker", v)
		}
	}
	u, err := c.upload()
	if err != nil {
		return err
	}
	parts, err := c.s.store.Parts(u)
	if err != nil {
		return err
	}
	n := el("ListPartsResult", leaf("Bucket", c.bucket), leaf("Key", c.key), leaf("UploadId", u.ID))
	n.Kids = append(n.Kids, initiator(c.b, &u.Record), owner(ownerOf(c.b, &u.Record)))
	n.add("StorageClass", classOr(u.Record.Prop(propClass))).add("PartNumberMarker", strconv.Itoa(marker))
	var listed []*node
	next, truncated := 0, false
	algorithm := u.Record.Prop(propAlgorithm)
	for _, p := range parts {
		if p.Number <= marker {
			continue
		}
		if len(listed) == most {
			truncated = true
			break
		}
		e := el("Part", leaf("PartNumber", strconv.Itoa(p.Number)), leaf("LastModified", listTime(p.ModTime)),
			leaf("ETag", quoted(p.ETag)), leaf("Size", strconv.FormatInt(partSize(&p), 10)))
		if algorithm != "" {
			addSum(e, &p.Record, false)
		}
		listed, next = append(listed, e), p.Number
	}
	n.add("NextPartNumberMarker", strconv.Itoa(next)).add("MaxParts", strconv.Itoa(most)).add("IsTruncated", strconv.FormatBool(truncated))
	if algorithm != "" {
		n.add("ChecksumAlgorithm", algorithm).add("ChecksumType", u.Record.Prop(propSumType))
	}
	n.Kids = append(n.Kids, listed...)
	return c.writeXML(n)
}

func classOr(class string) string {
	if class == "" {
		return "STANDARD"
	}
	return class
}

// propInitiator is who began an upload: the ARN of a user or a session, or an account.
const propInitiator = "initiator"

// initiator is who began an upload: a user or a session by its ARN and its name, an account by its canonical id. Where the
// record does not tell, it is the account that will own the object.
func initiator(b *bucket, r *objectstore.Record) *node {
	who := r.Prop(propInitiator)
	if _, name, ok := strings.Cut(who, "/"); ok {
		return el("Initiator", leaf("ID", who), leaf("DisplayName", name[strings.LastIndexByte(name, '/')+1:]))
	}
	return el("Initiator", leaf("ID", canonicalID(cmp.Or(who, ownerOf(b, r)))))
}

func partSize(p *objectstore.UploadedPart) int64 {
	if v := p.Prop(propSize); v != "" {
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return n
		}
	}
	return p.Size
}

// listUploads is ListMultipartUploads.
func (c *call) listUploads() error {
	p, err := c.listParams("max-uploads")
	if err != nil {
		return err
	}
	keyMarker, idMarker := c.query.Get("key-marker"), c.query.Get("upload-id-marker")
	if idMarker != "" && keyMarker != "" && !objectstore.IsUploadID(idMarker) {
		return invalidArgument("Invalid uploadId marker", "upload-id-marker", idMarker)
	}
	if keyMarker == "" {
		idMarker = "" // as S3 does
	}
	uploads, err := c.s.store.Uploads(c.bucket, p.prefix)
	if err != nil {
		return err
	}
	for _, u := range uploads {
		if idMarker != "" && u.ID == idMarker && u.Key != keyMarker {
			return invalidArgument("Invalid uploadId marker", "upload-id-marker", idMarker)
		}
	}
	var listed, prefixes []*node
	var nextKey, nextID, common string
	truncated, passed := false, idMarker == ""
	gone := !slices.ContainsFunc(uploads, func(u objectstore.Upload) bool { return u.Key == keyMarker && u.ID == idMarker })
	for _, u := range uploads {
		switch {
		case u.Key < keyMarker, u.Key == keyMarker && keyMarker != "" && idMarker == "":
			continue
		case u.Key == keyMarker && !passed && gone: // since a page ended with it
			if !objectstore.BegunAfter(u.ID, idMarker) {
				continue
			}
		case u.Key == keyMarker && !passed:
			passed = u.ID == idMarker
			continue
		}
		prefix := ""
		if i := strings.Index(u.Key[len(p.prefix):], p.delimiter); p.delimiter != "" && i >= 0 {
			prefix = u.Key[:len(p.prefix)+i+len(p.delimiter)]
			if prefix == common || keyMarker != "" && strings.HasPrefix(keyMarker, prefix) {
				continue
			}
		}
		if len(listed)+len(prefixes) == p.max {
			truncated = p.max > 0
			break
		}
		if prefix != "" {
			common = prefix
			prefixes = append(prefixes, el("CommonPrefixes", leaf("Prefix", p.encode(prefix))))
			nextKey, nextID = prefix, ""
			continue
		}
		nextKey, nextID = u.Key, u.ID
		e := el("Upload", leaf("Key", p.encode(u.Key)), leaf("UploadId", u.ID), initiator(c.b, &u.Record), owner(ownerOf(c.b, &u.Record)))
		e.add("StorageClass", classOr(u.Record.Prop(propClass))).add("Initiated", listTime(u.Begun))
		if a := u.Record.Prop(propAlgorithm); a != "" {
			e.add("ChecksumAlgorithm", a).add("ChecksumType", u.Record.Prop(propSumType))
		}
		listed = append(listed, e)
	}
	if len(listed) == 0 {
		nextKey = "" // as S3 has it, though a page of common prefixes alone is then the last one
	}
	n := el("ListMultipartUploadsResult", leaf("Bucket", c.bucket), leaf("KeyMarker", p.encode(keyMarker)), leaf("UploadIdMarker", idMarker))
	n.add("NextKeyMarker", p.encode(nextKey)).add("NextUploadIdMarker", nextID)
	if p.delimiter != "" {
		n.add("Delimiter", p.encode(p.delimiter))
	}
	if p.prefix != "" {
		n.add("Prefix", p.encode(p.prefix))
	}
	if p.encoding != "" {
		n.add("EncodingType", p.encoding)
	}
	n.add("MaxUploads", strconv.Itoa(p.max)).add("IsTruncated", strconv.FormatBool(truncated))
	n.Kids = append(append(n.Kids, listed...), prefixes...)
	return c.writeXML(n)
}

var completeShape = parseShape("CompleteMultipartUpload{Part*{PartNumber:int ETag ChecksumCRC32? ChecksumCRC32C? ChecksumCRC64NVME? ChecksumSHA1? ChecksumSHA256? ChecksumSHA512? ChecksumMD5? ChecksumXXHASH64? ChecksumXXHASH3? ChecksumXXHASH128?}}")

// completeUpload is CompleteMultipartUpload.
func (c *call) completeUpload() error {
	conditions, err := c.writeConditions()
	if err != nil {
		return err
	}
	// The checksums in the headers are of the object, not of this body.
	doc, err := c.completion()
	if err != nil {
		return err
	}
	id := c.query.Get("uploadId")
	u, err := c.upload()
	if err != nil {
		// Completing again what has been completed is not an error.
		if info, serr := c.s.store.Stat(c.bucket, c.key, ""); serr == nil && info.Upload == id && sameParts(doc, &info) {
			return c.completed(&info)
		}
		return err
	}
	all, err := c.s.store.Parts(u)
	if err != nil {
		return err
	}
	r := u.Record
	for _, name := range saidHeaders {
		r.SetProp(propSaid+name, "")
	}
	r.SetProp(propInitiator, "")
	parts, err := c.chosen(doc, u, all, &r)
	if err != nil {
		return err
	}
	c.replicated(c.key, &r)
	event := c.announce("ObjectCreated:CompleteMultipartUpload", c.key)
	info, err := c.s.store.CompleteUpload(c.ctx, c.bucket, u, parts, r, event.check(c.stillMay("s3:PutObject", c.key,
		conditions.check(c.key, &uploadConditions{u.Begun, func() bool { return c.s.store.DeletedSince(u) }}))))
	event.end(&info, err)
	if errors.Is(err, objectstore.ErrNoUpload) {
		if info, serr := c.s.store.Stat(c.bucket, c.key, ""); serr == nil && info.Upload == id {
			return c.completed(&info) // by another request at the same time
		}
		return noSuchUpload(id)
	}
	if err != nil {
		return err
	}
	return c.completed(&info)
}

func sameParts(doc *node, info *objectstore.Info) bool {
	parts := doc.all("Part")
	return len(info.Parts) == 0 || len(parts) == len(info.Parts)
}

func (c *call) completion() (*node, error) {
	given := map[string][]string{}
	for name := range c.r.Header {
		if strings.HasPrefix(name, "X-Amz-Checksum-") || name == "X-Amz-Sdk-Checksum-Algorithm" {
			given[name] = c.r.Header[name]
			delete(c.r.Header, name)
		}
	}
	doc, err := c.readBody()
	for name, v := range given {
		c.r.Header[name] = v
	}
	if err != nil {
		return nil, err
	}
	if len(doc) == 0 {
		return nil, invalidRequest("You must specify at least one part")
	}
	n, ok := parseXML(doc)
	if !ok || !completeShape.check(n) || len(n.all("Part")) == 0 {
		return nil, errMalformedXML
	}
	return n, nil
}

// chosen returns the parts that a completion names, and fills in the record of their object.
func (c *call) chosen(doc *node, u objectstore.Upload, all []objectstore.UploadedPart, r *objectstore.Record) ([]objectstore.UploadedPart, error) {
	have := make(map[int]objectstore.UploadedPart, len(all))
	for _, p := range all {
		have[p.Number] = p
	}
	algorithm, kind := u.Record.Prop(propAlgorithm), u.Record.Prop(propSumType)
	if want := c.header("X-Amz-Checksum-Type"); want != "" && kind != "" && !strings.EqualFold(want, kind) {
		return nil, invalidRequest("The upload was created using the " + kind + " checksum mode. The complete request must use the same checksum mode.")
	}
	final, err := c.finalSum(kind)
	if err != nil {
		return nil, err
	}
	for a := range final { // S3 does not look at those that it had before 2026
		if algorithm == "" && !slices.Contains([]string{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"}, a) {
			return nil, invalidRequest("Checksum Type mismatch occurred, expected checksum Type: null, actual checksum Type: " + strings.ToLower(a))
		}
	}
	digests, sums := md5.New(), []byte(nil)
	var parts []objectstore.UploadedPart
	var total int64
	whole, wholeOK := "", true
	named := doc.all("Part")
	for i := 1; i < len(named); i++ {
		before, _ := named[i-1].number("PartNumber")
		if number, _ := named[i].number("PartNumber"); number <= before {
			return nil, fault(400, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.").with("UploadId", u.ID)
		}
	}
	for _, n := range named {
		if err := checkPartSums(n); err != nil {
			return nil, err
		}
	}
	r.Parts = nil
	for i, n := range named {
		number, _ := n.number("PartNumber")
		if number < 1 || number > objectstore.MaxParts {
			return nil, invalidArgument("PartNumber must be >= 1", "PartNumber", strconv.Itoa(number))
		}
		etag := strings.Trim(n.text("ETag"), `"`)
		p, ok := have[number]
		bad := fault(400, "InvalidPart", "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.").
			with("UploadId", u.ID).with("PartNumber", strconv.Itoa(number)).with("ETag", etag)
		if !ok || p.ETag != etag {
			return nil, bad
		}
		if a, _ := partSum(n); a != "" && algorithm == "" && a != p.Prop(propAlgorithm) {
			return nil, bad
		} else if a != "" && algorithm != "" && a != algorithm {
			return nil, fault(400, "BadDigest", "The "+strings.ToLower(a)+" you specified for part "+strconv.Itoa(number)+" did not match what we received.")
		}
		if given := n.text("Checksum" + p.Prop(propAlgorithm)); given != "" && given != p.Prop(propSum) {
			return nil, bad
		} else if given == "" && algorithm != "" && kind == composite {
			return nil, invalidRequest("The upload was created using a " + strings.ToLower(algorithm) + " checksum. The complete request must include the checksum for each part. It was missing for part " + strconv.Itoa(number) + " in the request.")
		}
		size := partSize(&p)
		if size < minPart && i < len(named)-1 {
			return nil, fault(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size").
				with("ProposedSize", strconv.FormatInt(size, 10)).with("MinSizeAllowed", strconv.Itoa(minPart)).
				with("PartNumber", strconv.Itoa(number)).with("ETag", etag)
		}
		raw, err := hex.DecodeString(p.ETag)
		if err != nil {
			return nil, bad
		}
		digests.Write(raw)
		if sum, err := base64.StdEncoding.DecodeString(p.Prop(propSum)); err == nil {
			sums = append(sums, sum...)
		}
		sumAlgorithm, sum := algorithm, p.Prop(propSum)
		if p.Prop(propAlgorithm) != algorithm {
			sum = ""
		}
		if algorithm == "" {
			sumAlgorithm, sum = "CRC64NVME", wholeSum(&p)
		}
		switch {
		case sum == "":
			wholeOK = false
		case i == 0:
			whole = sum
		case wholeOK:
			whole, wholeOK = combineCRC(sumAlgorithm, whole, sum, size)
		}
		total += size
		parts = append(parts, p)
		kept := objectstore.Part{Number: number, Size: size}
		if algorithm != "" && p.Prop(propAlgorithm) == algorithm {
			kept.Checksum = p.Prop(propSum)
		}
		r.Parts = append(r.Parts, kept)
	}
	if v := c.header("X-Amz-Mp-Object-Size"); v != "" {
		if n, err := strconv.ParseInt(v, 10, 64); err != nil {
			return nil, invalidRequest("Value for x-amz-mp-object-size header is invalid.")
		} else if n < 0 {
			return nil, invalidRequest("Value for x-amz-mp-object-size header is less than zero: '" + v + "'")
		} else if n != total {
			return nil, invalidRequest(fmt.Sprintf("The provided 'x-amz-mp-object-size' header value %d does not match what was computed: %d", n, total))
		}
	}
	r.ETag = hex.EncodeToString(digests.Sum(nil)) + "-" + strconv.Itoa(len(parts))
	switch {
	case kind == composite:
		h := newHash(algorithm)
		h.Write(sums)
		setSum(r, algorithm, composite, base64.StdEncoding.EncodeToString(h.Sum(nil))+"-"+strconv.Itoa(len(parts)))
	case wholeOK && algorithm != "":
		setSum(r, algorithm, fullObject, whole)
	case wholeOK:
		setSum(r, "CRC64NVME", fullObject, whole)
	default:
		setSum(r, "", "", "")
	}
	if a := r.Prop(propAlgorithm); a != "" && algorithm != "" { // S3 does not look at those of other uploads
		if want := final[a]; want != "" && want != r.Prop(propSum) && want != strings.TrimSuffix(r.Prop(propSum), "-"+strconv.Itoa(len(parts))) {
			return nil, fault(400, "BadDigest", "The "+strings.ToLower(a)+" you specified did not match the calculated checksum.")
		}
	}
	if r.Prop(propKeyMD5) != "" {
		r.SetProp(propSize, strconv.FormatInt(total, 10))
		random := make([]string, len(parts))
		for i := range parts {
			random[i] = parts[i].Prop(propPart)
		}
		r.SetProp(propParts, strings.Join(random, ","))
	}
	return parts, nil
}

// wholeSum is the CRC64NVME of a part; empty where it is not known.
func wholeSum(p *objectstore.UploadedPart) string {
	if p.Prop(propAlgorithm) == "CRC64NVME" {
		return p.Prop(propSum)
	}
	return p.Prop(propWhole)
}

// completed answers CompleteMultipartUpload.
func (c *call) completed(info *objectstore.Info) error {
	c.sayWritten(info)
	c.sayEncryption(&info.Record)
	c.sayExpiration(info)
	n := el("CompleteMultipartUploadResult", leaf("Location", c.location(c.key)), leaf("Bucket", c.bucket), leaf("Key", c.key), leaf("ETag", quoted(info.ETag)))
	addSum(n, &info.Record, true)
	return c.writeXML(n)
}

// location is the address of an object as the client has it.
func (c *call) location(key string) string {
	base := "http://" + c.r.Host
	if c.r.TLS != nil {
		base = "https://" + c.r.Host
	}
	if _, ok := ParseBucketHost(c.r.Host); !ok {
		base += "/" + c.bucket
	}
	return base + "/" + encodeListed(key)
}
