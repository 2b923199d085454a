package s3

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// deleteConditions are those of a deletion.
type deleteConditions struct{ match, modified, size string }

func (d deleteConditions) check(key, version string, info *objectstore.Info) error {
	if d == (deleteConditions{}) {
		return nil
	}
	if info == nil {
		if version == "" && d.match != "*" {
			return noSuchKey(key)
		}
		return preconditionFailed("If-Match")
	}
	if d.match != "" && !matches(d.match, info.ETag) {
		return preconditionFailed("If-Match")
	}
	if d.modified != "" {
		if t, ok := parseDate(d.modified); !ok || !t.Equal(info.ModTime.Truncate(time.Second)) {
			return preconditionFailed("x-amz-if-match-last-modified-time")
		}
	}
	if d.size != "" && d.size != strconv.FormatInt(sizeOf(info), 10) {
		return preconditionFailed("x-amz-if-match-size")
	}
	return nil
}

// deletion is what is asked of the store.
func (c *call) deletion(key, version string, d deleteConditions) objectstore.Delete {
	return objectstore.Delete{Version: version, Check: func(info, _ *objectstore.Info) error {
		if err := d.check(key, version, info); err != nil {
			return err
		}
		if version == "" {
			return nil // it stays as a version
		}
		return c.protected(info)
	}}
}

// deleteObject is DeleteObject.
func (c *call) deleteObject() error {
	version := c.version()
	if c.header("X-Amz-Bypass-Governance-Retention") != "" && !c.b.Lock {
		return invalidArgument("x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.", "x-amz-bypass-governance-retention", "")
	}
	if err := c.authorizeBypass(c.key, version); err != nil {
		return err
	}
	for _, h := range []string{"X-Amz-If-Match-Last-Modified-Time", "X-Amz-If-Match-Size"} {
		if c.header(h) != "" {
			return errNotImplemented.with("Header", strings.ToLower(h)).with("additionalMessage", "This header is only supported for directory buckets")
		}
	}
	d := deleteConditions{c.header("If-Match"), c.header("X-Amz-If-Match-Last-Modified-Time"), c.header("X-Amz-If-Match-Size")}
	out, err := c.delete(c.key, version, c.deletion(c.key, version, d))
	if err != nil {
		return err
	}
	if c.b.Versioning != "" || version != "" {
		c.say("x-amz-version-id", out.VersionID)
		if out.Marker {
			c.say("x-amz-delete-marker", "true")
		}
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// delete deletes, and tells of it.
func (c *call) delete(key, version string, d objectstore.Delete) (objectstore.Deleted, error) {
	name := "ObjectRemoved:Delete"
	if version == "" && c.b.Versioning != "" {
		name = "ObjectRemoved:DeleteMarkerCreated"
	}
	event := c.announce(name, key)
	if version != "" {
		if err := c.s.settle(c.b, key, version); err != nil {
			return objectstore.Deleted{}, err
		}
		event.deletes(version)
	}
	allow, may := d.Check, func(*objectstore.Info) error { return nil }
	if version == "" {
		may = c.stillMay("s3:DeleteObject", key, may)
	}
	d.Check = func(current, marker *objectstore.Info) error {
		if err := may(current); err != nil {
			return err
		}
		if allow != nil {
			if err := allow(current, marker); err != nil {
				return err
			}
		}
		if current == nil && name == "ObjectRemoved:Delete" {
			return nil // there is nothing to tell of
		}
		if writer := c.writer(); marker != nil && writer != c.b.Owner {
			marker.SetProp(propOwner, writer)
		}
		return event.begin(current, marker)
	}
	out, err := c.s.store.Delete(c.ctx, c.bucket, key, d)
	info := &objectstore.Info{Key: key}
	if out.VersionID != objectstore.NullVersion {
		info.Version = out.VersionID
	}
	if !out.Existed && !(version == "" && out.Marker) {
		info = nil // nothing has gone
	}
	event.end(info, err)
	return out, err
}

var deleteShape = parseShape("Delete{Quiet?:bool Object+{Key VersionId? ETag? LastModifiedTime? Size?}}")

// maxDeletions is how many objects a request may delete.
const maxDeletions = 1000

// deleteObjects is DeleteObjects.
func (c *call) deleteObjects() error {
	if !c.summed() {
		return invalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	doc, err := c.document(deleteShape)
	if err != nil {
		return err
	}
	objects := doc.all("Object")
	if len(objects) > maxDeletions {
		return errMalformedXML
	}
	if c.header("X-Amz-Bypass-Governance-Retention") != "" && !c.b.Lock {
		return invalidArgument("x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.", "x-amz-bypass-governance-retention", "")
	}
	quiet := strings.EqualFold(doc.text("Quiet"), "true")
	result := el("DeleteResult")
	var done []objectstore.Deleted
	for _, o := range objects {
		key, version := o.text("Key"), o.text("VersionId")
		out, err := c.deleteOne(key, version, deleteConditions{o.text("ETag"), o.text("LastModifiedTime"), o.text("Size")})
		c.logDeleted(key, err)
		if err != nil {
			e, known := errorOf(err, c.bucket, key)
			if !known {
				c.s.log.Error("s3: delete objects", "bucket", c.bucket, "key", key, "error", err)
			}
			n := el("Error", leaf("Key", key))
			if version != "" {
				n.add("VersionId", version)
			}
			result.Kids = append(result.Kids, n.add("Code", e.Code).add("Message", e.Message))
			continue
		}
		done = append(done, out)
		if quiet {
			continue
		}
		n := el("Deleted", leaf("Key", key))
		if version != "" {
			n.add("VersionId", version)
		}
		if out.Marker {
			n.add("DeleteMarker", "true").add("DeleteMarkerVersionId", out.VersionID)
		}
		result.Kids = append(result.Kids, n)
	}
	if err := c.s.store.SyncDeleted(c.bucket, done); err != nil {
		return err
	}
	return c.writeXML(result)
}

func (c *call) deleteOne(key, version string, d deleteConditions) (objectstore.Deleted, error) {
	action := "s3:DeleteObject"
	if version != "" {
		action = "s3:DeleteObjectVersion"
		if !objectstore.IsVersionID(version) {
			return objectstore.Deleted{}, noSuchVersion(key, version)
		}
	}
	if err := c.authorizeVersion(action, c.b, key, version); err != nil {
		return objectstore.Deleted{}, err
	}
	if err := c.authorizeBypass(key, version); err != nil {
		return objectstore.Deleted{}, err
	}
	del := c.deletion(key, version, d)
	del.Unsynced = true
	return c.delete(key, version, del)
}
