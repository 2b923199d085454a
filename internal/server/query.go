package server

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/brookmere/brookmere/internal/awswire"
)

// maxUnsignedForm bounds how much of an unsigned form is read to route it; the
// operations that may come unsigned (AssumeRoleWithWebIdentity) are far smaller.
const maxUnsignedForm = 128 << 10

func isForm(r *http.Request) bool {
	if r.Method != http.MethodPost || r.URL.Path != "/" {
		return false
	}
	const form = "application/x-www-form-urlencoded"
	contentType := awswire.Field(r.Header, "Content-Type")
	if base, _, _ := strings.Cut(contentType, ";"); !strings.EqualFold(strings.TrimSpace(base), form) {
		return false // most are not: it is asked of every request several times
	}
	mt, _, err := mime.ParseMediaType(contentType)
	return err == nil && mt == form
}

// formOf returns the parameters of a form and leaves the body as it was.
func formOf(r *http.Request) url.Values {
	head, err := io.ReadAll(io.LimitReader(r.Body, maxUnsignedForm))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}
	if err != nil {
		return nil
	}
	form, err := url.ParseQuery(string(head))
	if err != nil {
		return nil
	}
	return form
}

// takesUnsigned says whether an unsigned request is for an operation that clients call so.
func (s *Service) takesUnsigned(r *http.Request) bool {
	if s.Claims != nil {
		return true
	}
	if s.TakesUnsigned == nil {
		return false
	}
	action := ""
	if s.QueryVersion != "" && isForm(r) {
		action = formOf(r).Get("Action")
	}
	return s.TakesUnsigned(r, action)
}
