package awswire

import "net/http"

// Field is h.Get(name) for a name that is in its canonical form: every request is asked for a dozen of fields, and most of what
// Get costs is to see that.
func Field(h http.Header, name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}
