package s3

import (
	"net/http"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// writeConditions are those of the destination of a write.
type writeConditions struct {
	match, noneMatch string
}

func (c *call) writeConditions() (writeConditions, error) {
	w := writeConditions{c.header("If-Match"), c.header("If-None-Match")}
	refuse := func(header, more string) error {
		return errNotImplemented.with("Header", header).with("additionalMessage", more)
	}
	switch {
	case w.match != "" && w.noneMatch != "":
		return w, refuse("If-Match,If-None-Match", "Multiple conditional request headers present in the request")
	case w.noneMatch != "" && w.noneMatch != "*":
		return w, refuse("If-None-Match", "We don't accept the provided value of If-None-Match header for this API")
	case w.match == "*":
		return w, refuse("If-Match", "We don't accept the provided value of If-Match header for this API")
	}
	return w, nil
}

// check is objectstore.Put.Check; nil where there is nothing to check. For an upload in parts
// it says what came between its beginning and its completion.
func (w writeConditions) check(key string, upload *uploadConditions) func(*objectstore.Info) error {
	switch {
	case w.noneMatch != "":
		return func(current *objectstore.Info) error {
			if current != nil {
				return preconditionFailed("If-None-Match")
			}
			if upload != nil && upload.deleted() {
				return conflict("If-None-Match", key)
			}
			return nil
		}
	case w.match != "":
		return func(current *objectstore.Info) error {
			switch {
			case current == nil:
				return noSuchKey(key)
			case strings.Trim(w.match, `"`) != current.ETag:
				return preconditionFailed("If-Match")
			case upload != nil && current.ModTime.After(upload.begun):
				return conflict("If-Match", key)
			}
			return nil
		}
	}
	return nil
}

type uploadConditions struct {
	begun   time.Time
	deleted func() bool
}

// matches reports whether a list of entity tags, as in If-Match, has this one.
func matches(list, etag string) bool {
	for tag := range strings.SplitSeq(list, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == "*" || strings.Trim(tag, `"`) == etag {
			return true
		}
	}
	return false
}

// readConditions evaluates the conditions of a read, or, with a prefix of the headers' names,
// of the source of a copy.
func (c *call) readConditions(prefix, etag string, modified time.Time) error {
	get := func(name string) string {
		if prefix != "" {
			return c.header(prefix + name)
		}
		return c.r.Header.Get(name)
	}
	if prefix == "" {
		// A presigned URL may have them in its query.
		get = func(name string) string {
			if v := c.r.Header.Get(name); v != "" {
				return v
			}
			return queryFold(c, name)
		}
	}
	name := func(n string) string {
		if prefix == "" {
			return n
		}
		return "x-amz-copy-source-" + n
	}
	modified = modified.Truncate(time.Second)
	if match := get("If-Match"); match != "" {
		if !matches(match, etag) {
			return preconditionFailed(name("If-Match"))
		}
	} else if since, ok := parseDate(get("If-Unmodified-Since")); ok && modified.After(since) {
		return preconditionFailed(name("If-Unmodified-Since"))
	}
	var failed string
	if none := get("If-None-Match"); none != "" {
		if matches(none, etag) {
			failed = "If-None-Match"
		}
	} else if since, ok := parseDate(get("If-Modified-Since")); ok && !modified.After(since) && !since.After(c.s.clock.Now()) {
		failed = "If-Modified-Since"
	}
	switch {
	case failed == "":
		return nil
	case prefix != "":
		return preconditionFailed(name(failed))
	}
	return fault(http.StatusNotModified, "NotModified", "Not Modified").header("ETag", quoted(etag)).
		header("Last-Modified", modified.UTC().Format(http.TimeFormat))
}

// queryFold is a parameter of the query whatever the case of its name.
func queryFold(c *call, name string) string {
	for n, v := range c.query {
		if strings.EqualFold(n, name) && len(v) > 0 {
			return v[0]
		}
	}
	return ""
}
