package server

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// maxUnsignedForm bounds how much of an unsigned form is read to route it; the
// operations that may come unsigned (AssumeRoleWithWebIdentity) are far smaller.
const maxUnsignedForm = 128 << 10

func isForm(r *http.Request) bool {
	if r.Method != http.MethodPost || r.URL.Path != "/" {
		return false
	}
	mt, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && mt == "application/x-www-form-urlencoded"
}

// formVersion returns the Version parameter of a form and leaves the body as it was.
func formVersion(r *http.Request) string {
	head, err := io.ReadAll(io.LimitReader(r.Body, maxUnsignedForm))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}
	if err != nil {
		return ""
	}
	form, err := url.ParseQuery(string(head))
	if err != nil {
		return ""
	}
	return form.Get("Version")
}
