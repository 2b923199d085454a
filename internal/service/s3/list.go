package s3

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// maxListed is how many keys and common prefixes one answer has at most.
const maxListed = 1000

// listParams are the parameters that all listings have.
type listParams struct {
	prefix, delimiter string
	max               int
	encoding          string
}

func (p listParams) encode(s string) string {
	if p.encoding == "" {
		return s
	}
	return encodeListed(s)
}

func (c *call) listParams(maxName string) (listParams, error) {
	p := listParams{prefix: c.query.Get("prefix"), delimiter: c.query.Get("delimiter"), encoding: c.query.Get("encoding-type")}
	if c.has("encoding-type") && p.encoding != "url" {
		return p, invalidArgument("Invalid Encoding Method specified in Request", "encoding-type", "").with("ArgumentValue", p.encoding) // said even where it is empty
	}
	var err error
	p.max, err = c.limit(maxName)
	return p, err
}

var listEncoder = strings.NewReplacer("%2F", "/", "%2A", "*", "~", "%7E")

// encodeListed is how keys are in a listing with encoding-type=url.
func encodeListed(s string) string {
	plain := true
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '/' || c == '-' || c == '_' || c == '.' || c == '*') {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	return listEncoder.Replace(url.QueryEscape(s))
}

// entry is what listings say of an object.
func (c *call) entry(info *objectstore.Info, p listParams, withOwner bool) *node {
	n := &node{Name: "Contents", Kids: make([]*node, 0, 8)}
	n.add("Key", p.encode(info.Key)).add("LastModified", listTime(info.ModTime)).add("ETag", quoted(info.ETag))
	if a := info.Prop(propAlgorithm); a != "" && info.Prop(propSum) != "" {
		n.add("ChecksumAlgorithm", a).add("ChecksumType", info.Prop(propSumType))
	}
	n.add("Size", strconv.FormatInt(sizeOf(info), 10))
	if withOwner {
		n.Kids = append(n.Kids, owner(ownerOf(c.b, &info.Record)))
	}
	n.add("StorageClass", classOr(info.Prop(propClass)))
	return n
}

func (c *call) restoreStatus(n *node, info *objectstore.Info) {
	if strings.Contains(c.header("X-Amz-Optional-Object-Attributes"), "RestoreStatus") && c.s.restored(info) {
		n.Kids = append(n.Kids, el("RestoreStatus", leaf("IsRestoreInProgress", "false"), leaf("RestoreExpiryDate", info.Prop(propRestored))))
	}
}

func (c *call) addEntries(n *node, page *objectstore.Page, p listParams, withOwner bool) {
	for i := range page.Entries {
		e := c.entry(&page.Entries[i], p, withOwner)
		c.restoreStatus(e, &page.Entries[i])
		n.Kids = append(n.Kids, e)
	}
	for _, prefix := range page.Prefixes {
		n.Kids = append(n.Kids, el("CommonPrefixes", leaf("Prefix", p.encode(prefix))))
	}
}

// listObjects is ListObjects.
func (c *call) listObjects() error {
	p, err := c.listParams("max-keys")
	if err != nil {
		return err
	}
	if c.query.Has("start-after") {
		return invalidArgument("startAfter only supported in REST.GET.BUCKET with list-type=2", "start-after", c.query.Get("start-after"))
	}
	marker := c.query.Get("marker")
	page, err := c.s.store.List(c.ctx, c.bucket, objectstore.List{Prefix: p.prefix, Delimiter: p.delimiter, After: marker, Max: p.max})
	if err != nil {
		return err
	}
	n := el("ListBucketResult", leaf("Name", c.bucket), leaf("Prefix", p.encode(p.prefix)), leaf("Marker", p.encode(marker)))
	if page.Truncated && p.delimiter != "" {
		n.add("NextMarker", p.encode(page.Last))
	}
	n.add("MaxKeys", strconv.Itoa(p.max))
	if p.delimiter != "" {
		n.add("Delimiter", p.encode(p.delimiter))
	}
	if p.encoding != "" {
		n.add("EncodingType", p.encoding)
	}
	n.add("IsTruncated", strconv.FormatBool(page.Truncated))
	c.addEntries(n, &page, p, !c.caller.Anonymous) // who own objects is not told to everybody
	return c.writeXML(n)
}

// listObjectsV2 is ListObjectsV2.
func (c *call) listObjectsV2() error {
	p, err := c.listParams("max-keys")
	if err != nil {
		return err
	}
	q := objectstore.List{Prefix: p.prefix, Delimiter: p.delimiter, After: c.query.Get("start-after"), Within: true, Max: p.max, Token: c.query.Get("continuation-token")}
	if c.has("continuation-token") {
		if q.Token == "" {
			return invalidArgument("The continuation token provided is incorrect", "continuation-token", "")
		}
		if _, _, ok := objectstore.ParseToken(q.Token); !ok {
			return invalidArgument("The continuation token provided is incorrect", "continuation-token", q.Token)
		}
	}
	page, err := c.s.store.List(c.ctx, c.bucket, q)
	if err != nil {
		return err
	}
	n := el("ListBucketResult", leaf("Name", c.bucket), leaf("Prefix", p.encode(p.prefix)))
	if q.Token != "" {
		n.add("ContinuationToken", q.Token)
	}
	if page.Truncated {
		n.add("NextContinuationToken", page.Token)
	}
	if q.After != "" {
		n.add("StartAfter", p.encode(q.After))
	}
	n.add("KeyCount", strconv.Itoa(len(page.Entries)+len(page.Prefixes))).add("MaxKeys", strconv.Itoa(p.max))
	if p.delimiter != "" {
		n.add("Delimiter", p.encode(p.delimiter))
	}
	if p.encoding != "" {
		n.add("EncodingType", p.encoding)
	}
	n.add("IsTruncated", strconv.FormatBool(page.Truncated))
	c.addEntries(n, &page, p, c.query.Get("fetch-owner") == "true" && !c.caller.Anonymous)
	return c.writeXML(n)
}

// listVersions is ListObjectVersions.
func (c *call) listVersions() error {
	p, err := c.listParams("max-keys")
	if err != nil {
		return err
	}
	marker, from := c.query.Get("key-marker"), c.query.Get("version-id-marker")
	switch {
	case c.has("version-id-marker") && from == "":
		return invalidArgument("A version-id marker cannot be empty.", "version-id-marker", "")
	case from != "" && marker == "":
		return invalidArgument("A version-id marker cannot be specified without a key marker.", "version-id-marker", from)
	case from != "" && !objectstore.IsVersionID(from):
		return invalidArgument("Invalid version id specified", "version-id-marker", from)
	}
	page, err := c.s.store.ListVersions(c.ctx, c.bucket, objectstore.List{Prefix: p.prefix, Delimiter: p.delimiter, After: marker, Version: from, Max: p.max})
	if err != nil {
		return err
	}
	n := el("ListVersionsResult", leaf("Name", c.bucket), leaf("Prefix", p.encode(p.prefix)), leaf("KeyMarker", p.encode(marker)), leaf("VersionIdMarker", from))
	if page.Truncated {
		n.add("NextKeyMarker", p.encode(page.Last))
		if page.Version != "" {
			n.add("NextVersionIdMarker", page.Version)
		}
	}
	n.add("MaxKeys", strconv.Itoa(p.max))
	if p.delimiter != "" {
		n.add("Delimiter", p.encode(p.delimiter))
	}
	if p.encoding != "" {
		n.add("EncodingType", p.encoding)
	}
	n.add("IsTruncated", strconv.FormatBool(page.Truncated))
	for i := range page.Entries {
		v := &page.Entries[i]
		var e *node
		if v.Marker {
			e = el("DeleteMarker", leaf("Key", p.encode(v.Key)), leaf("LastModified", listTime(v.ModTime)), owner(ownerOf(c.b, &v.Record)))
		} else {
			e = c.entry(v, p, true)
			e.Name = "Version"
		}
		e.add("VersionId", v.VersionID()).add("IsLatest", strconv.FormatBool(v.Latest))
		n.Kids = append(n.Kids, e)
	}
	for _, prefix := range page.Prefixes {
		n.Kids = append(n.Kids, el("CommonPrefixes", leaf("Prefix", p.encode(prefix))))
	}
	return c.writeXML(n)
}

var attributeNames = []string{"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}

// getAttributes is GetObjectAttributes.
func (c *call) getAttributes() error {
	want := map[string]bool{}
	for _, v := range c.r.Header.Values("X-Amz-Object-Attributes") {
		for name := range strings.SplitSeq(v, ",") {
			name = strings.TrimSpace(name)
			ok := false
			for _, a := range attributeNames {
				ok = ok || a == name
			}
			if !ok {
				return invalidArgument("Invalid attribute name specified.", "x-amz-object-attributes", name)
			}
			want[name] = true
		}
	}
	if len(want) == 0 {
		return invalidArgument("The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty", "x-amz-object-attributes", "null")
	}
	// To know of an object so, one must be able to read it.
	if err := c.authorize("s3:GetObject", c.b, c.key); err != nil {
		return err
	}
	info, _, err := c.found(false)
	if err != nil {
		return err
	}
	if _, err := c.readKey(&info, "X-Amz-Server-Side-Encryption-Customer-"); err != nil {
		return err
	}
	n := el("GetObjectAttributesResponse")
	if want["ETag"] {
		n.add("ETag", info.ETag)
	}
	if sum := info.Prop(propSum); want["Checksum"] && sum != "" {
		e := el("Checksum")
		whole, _, _ := strings.Cut(sum, "-")
		e.add("Checksum"+info.Prop(propAlgorithm), whole).add("ChecksumType", info.Prop(propSumType))
		n.Kids = append(n.Kids, e)
	}
	if want["ObjectParts"] && len(info.Parts) > 0 {
		parts, err := c.attributeParts(&info)
		if err != nil {
			return err
		}
		n.Kids = append(n.Kids, parts)
	}
	if want["StorageClass"] {
		n.add("StorageClass", classOr(info.Prop(propClass)))
	}
	if want["ObjectSize"] {
		n.add("ObjectSize", strconv.FormatInt(sizeOf(&info), 10))
	}
	c.w.Header().Set("Last-Modified", info.ModTime.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
	c.sayVersion(&info)
	return c.writeXML(n)
}

func (c *call) attributeParts(info *objectstore.Info) (*node, error) {
	most, marker := maxListed, 0
	if v := c.header("X-Amz-Max-Parts"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return nil, invalidArgument("Provided max-parts not an integer or within integer range", "max-parts", v)
		}
		most = min(n, maxListed)
	}
	if v := c.header("X-Amz-Part-Number-Marker"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return nil, invalidArgument("Provided part-number-marker not an integer or within integer range", "part-number-marker", v)
		}
		marker = n
	}
	e := el("ObjectParts")
	detailed := info.Parts[0].Checksum != "" // an upload that was begun with an algorithm
	var listed []*node
	truncated, next := false, 0
	if detailed {
		for _, p := range info.Parts {
			if p.Number <= marker {
				continue
			}
			if len(listed) == most {
				truncated = true
				break
			}
			part := el("Part")
			if p.Checksum != "" {
				part.add("Checksum"+info.Prop(propAlgorithm), p.Checksum)
			}
			listed = append(listed, part.add("PartNumber", strconv.Itoa(p.Number)).add("Size", strconv.FormatInt(p.Size, 10)))
			next = p.Number
		}
		e.add("IsTruncated", strconv.FormatBool(truncated)).add("MaxParts", strconv.Itoa(most))
		e.add("NextPartNumberMarker", strconv.Itoa(next)).add("PartNumberMarker", strconv.Itoa(marker))
	}
	e.Kids = append(e.Kids, listed...)
	e.add("PartsCount", strconv.Itoa(len(info.Parts)))
	return e, nil
}
