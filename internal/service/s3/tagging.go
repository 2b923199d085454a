package s3

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// Tags of objects and buckets.

var taggingShape = parseShape("Tagging{TagSet?{Tag*{Key Value}}}")

const (
	maxObjectTags = 10
	maxBucketTags = 50
)

func tagNode(tags map[string]string) *node {
	set := el("TagSet")
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		set.Kids = append(set.Kids, el("Tag", leaf("Key", k), leaf("Value", tags[k])))
	}
	return el("Tagging", set)
}

// validTag reports whether text has the characters that tags may have.
func validTag(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	for _, c := range text {
		if !unicode.IsLetter(c) && !unicode.IsNumber(c) && !unicode.Is(unicode.Zs, c) && !strings.ContainsRune("+-=._:/@", c) && !unicode.Is(unicode.Mn, c) && !unicode.Is(unicode.Mc, c) {
			return false
		}
	}
	return true
}

func invalidTag(message string) *Error { return fault(400, "InvalidTag", message) }

const reservedTag = "Your TagKey cannot be prefixed with aws:"

func checkTag(key, value string, reserved string) error {
	switch {
	case strings.HasPrefix(key, "aws:"):
		return invalidTag(reserved).with("TagKey", key)
	case key == "" || utf8.RuneCountInString(key) > 128 || !validTag(key):
		return invalidTag("The TagKey you have provided is invalid").with("TagKey", key)
	case utf8.RuneCountInString(value) > 256 || !validTag(value):
		return invalidTag("The TagValue you have provided is invalid").with("TagKey", key).with("TagValue", value)
	}
	return nil
}

// tagsOf reads the tags of a document.
func tagsOf(set *node, most int) (map[string]string, error) {
	tags := map[string]string{}
	reserved := "System tags cannot be added/updated by requester"
	if most == maxObjectTags {
		reserved = reservedTag
	}
	for _, t := range set.all("Tag") {
		key, value := t.text("Key"), t.text("Value")
		if _, ok := tags[key]; ok {
			return nil, invalidTag("Cannot provide multiple Tags with the same key").with("TagKey", key)
		}
		if err := checkTag(key, value, reserved); err != nil {
			return nil, err
		}
		tags[key] = value
	}
	if len(tags) > most {
		if most == maxObjectTags {
			return nil, fault(400, "BadRequest", "Object tags cannot be greater than 10")
		}
		return nil, fault(400, "BadRequest", "Bucket tag count cannot be greater than 50")
	}
	return tags, nil
}

// parseTagging reads the header X-Amz-Tagging.
func parseTagging(header string) (map[string]string, error) {
	bad := invalidArgument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.", "x-amz-tagging", header)
	values, err := url.ParseQuery(header)
	if err != nil {
		return nil, bad
	}
	tags := map[string]string{}
	for key, vs := range values {
		if len(vs) != 1 {
			return nil, bad
		}
		if err := checkTag(key, vs[0], reservedTag); err != nil {
			if strings.HasPrefix(key, "aws:") {
				return nil, err
			}
			return nil, bad
		}
		tags[key] = vs[0]
	}
	if len(tags) > maxObjectTags {
		return nil, fault(400, "BadRequest", "Object tags cannot be greater than 10")
	}
	return tags, nil
}

// untagged is the error for a delete marker, the latest version or not, where tags are asked for.
func (c *call) untagged(info *objectstore.Info, id string, err error) error {
	if id == "" && errors.Is(err, objectstore.ErrMarker) {
		return markerMethod(c.r.Method).header("x-amz-delete-marker", "true").header("x-amz-version-id", info.VersionID()).header("Allow", "DELETE")
	}
	return c.missing(info, id, err)
}

func (c *call) getObjectTagging() error {
	id := c.version()
	info, err := c.s.store.Stat(c.bucket, c.key, id)
	err = c.untagged(&info, id, err)
	if errors.Is(err, objectstore.ErrNoKey) {
		return noSuchKey(c.bucket + "/" + c.key) // as S3 names it here, and only here
	}
	if err != nil {
		return err
	}
	c.sayVersion(&info)
	return c.writeXML(tagNode(info.Tags))
}

func (c *call) putObjectTagging() error {
	doc, err := c.document(taggingShape)
	if err != nil {
		return err
	}
	tags, err := tagsOf(doc.at("TagSet"), maxObjectTags)
	if err != nil {
		return err
	}
	return c.amendTags(tags, 200, "ObjectTagging:Put")
}

func (c *call) deleteObjectTagging() error { return c.amendTags(nil, 204, "ObjectTagging:Delete") }

func (c *call) amendTags(tags map[string]string, status int, event string) error {
	id := c.version()
	info, err := c.s.store.Amend(c.bucket, c.key, id, func(info *objectstore.Info) error {
		info.Tags = tags
		return nil
	})
	if err != nil {
		return c.untagged(&info, id, err)
	}
	c.sayVersion(&info)
	if status == 200 {
		c.w.Header().Set("Content-Length", "0")
	}
	c.w.WriteHeader(status)
	c.notify(event, &info)
	return nil
}
