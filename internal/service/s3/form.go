package s3

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/versity/versitygw/s3err"
)

// maxFormFields bounds what is in front of the file in an upload by form.
const maxFormFields = 64 << 10

// formField is a field of a form in front of its file.
type formField struct{ name, value string }

// signForm signs an upload by form anew, as forward does with other requests: versitygw
// checks what the form's policy allows, under a signature of its own. It returns the form
// with the new signature, and its length.
func (s *Service) signForm(r *http.Request, q s3Request, body io.Reader) (io.Reader, int64, error) {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return body, r.ContentLength, nil // versitygw has the words for that
	}
	boundary := params["boundary"]
	from := &countedReader{r: body}
	in := bufio.NewReader(io.MultiReader(io.LimitReader(from, maxFormFields), errReader{errFormTooLong}))
	fields, file, err := readFormFields(in, boundary)
	if err != nil {
		return nil, 0, err
	}
	for i, f := range fields {
		if strings.EqualFold(f.name, "key") {
			fields[i].value = strings.ReplaceAll(f.value, "${filename}", fileName(file))
		}
	}
	var b bytes.Buffer
	for _, f := range s.signedFields(fields, q) {
		b.WriteString("--" + boundary + "\r\nContent-Disposition: " +
			mime.FormatMediaType("form-data", map[string]string{"name": f.name}) + "\r\n\r\n" + f.value + "\r\n")
	}
	b.WriteString("--" + boundary + "\r\n")
	for name, values := range file {
		for _, v := range values {
			b.WriteString(name + ": " + v + "\r\n")
		}
	}
	b.WriteString("\r\n")
	ahead, err := in.Peek(in.Buffered())
	if err != nil {
		return nil, 0, err
	}
	length := r.ContentLength - from.n + int64(len(ahead)) + int64(b.Len())
	return io.MultiReader(&b, bytes.NewReader(ahead), body), length, nil
}

// fileName is what the client calls the file, without the folders that some put before it.
func fileName(header textproto.MIMEHeader) string {
	_, params, err := mime.ParseMediaType(header.Get("Content-Disposition"))
	if err != nil {
		return ""
	}
	name := params["filename"]
	return name[strings.LastIndexAny(name, `/\`)+1:]
}

var errFormTooLong = s3err.APIError{
	Code:           "MaxPostPreDataLengthExceeded",
	Description:    "Your POST request fields preceding the upload file were too large.",
	HTTPStatusCode: http.StatusBadRequest,
}

// countedReader counts what is read.
type countedReader struct {
	r io.Reader
	n int64
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

// readFormFields reads the fields in front of the file, and the file's headers.
func readFormFields(in *bufio.Reader, boundary string) (fields []formField, file textproto.MIMEHeader, err error) {
	malformed := s3err.GetAPIError(s3err.ErrMalformedPOSTRequest)
	delimiter := "--" + boundary
	lines := textproto.NewReader(in)
	line, err := lines.ReadLine()
	for err == nil && line == "" {
		line, err = lines.ReadLine()
	}
	if err != nil || line != delimiter {
		return nil, nil, formError(err, malformed)
	}
	for {
		header, err := lines.ReadMIMEHeader()
		if err != nil {
			return nil, nil, formError(err, malformed)
		}
		_, disposition, err := mime.ParseMediaType(header.Get("Content-Disposition"))
		if err != nil {
			return nil, nil, malformed
		}
		if strings.EqualFold(disposition["name"], "file") {
			return fields, header, nil
		}
		var value strings.Builder
		for {
			raw, err := in.ReadString('\n')
			if err != nil {
				return nil, nil, formError(err, malformed)
			}
			trimmed := strings.TrimRight(raw, "\r\n")
			if trimmed == delimiter {
				break
			}
			if trimmed == delimiter+"--" {
				return nil, nil, s3err.PostAuth.MissingField("file")
			}
			value.WriteString(raw)
		}
		fields = append(fields, formField{disposition["name"], strings.TrimSuffix(value.String(), "\r\n")})
	}
}

func formError(err, otherwise error) error {
	if errors.Is(err, errFormTooLong) {
		return errFormTooLong
	}
	if se, ok := asS3Error(err); ok && err != nil {
		return se
	}
	return otherwise
}

// signedFields are the fields of a form that has a policy with a signature that versitygw
// takes, of the kind that it knows.
func (s *Service) signedFields(fields []formField, q s3Request) []formField {
	var policy string
	var kept []formField
	for _, f := range fields {
		switch name := strings.ToLower(f.name); name {
		case "policy":
			policy = f.value
		case "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "x-amz-security-token",
			"awsaccesskeyid", "signature":
		default:
			kept = append(kept, f)
		}
	}
	if policy == "" {
		return fields
	}
	now := s.clock.Now().UTC().Format("20060102T150405Z")
	own := []formField{
		{"x-amz-algorithm", "AWS4-HMAC-SHA256"},
		{"x-amz-credential", q.caller.Account + "/" + now[:8] + "/" + gatewayRegion + "/s3/aws4_request"},
		{"x-amz-date", now},
	}
	policy = ownPolicy(policy, own)
	signature := hex.EncodeToString(hmacSHA256(s.signer.dayKey(now[:8]), policy))
	return append(kept, append(own, formField{"policy", policy}, formField{"x-amz-signature", signature})...)
}

// ownPolicy is a policy document with the conditions for these fields in the place of the
// client's. One that cannot be read stays, for versitygw to say so.
func ownPolicy(encoded string, own []formField) string {
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return encoded
	}
	var doc map[string]json.RawMessage
	var conditions []json.RawMessage
	if json.Unmarshal(raw, &doc) != nil || json.Unmarshal(doc["conditions"], &conditions) != nil {
		return encoded
	}
	var kept []any
	for _, c := range conditions {
		if !aboutSigning(c) {
			kept = append(kept, c)
		}
	}
	for _, f := range own {
		kept = append(kept, map[string]string{f.name: f.value})
	}
	if doc["conditions"], err = json.Marshal(kept); err != nil {
		return encoded
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return encoded
	}
	return base64.StdEncoding.EncodeToString(b)
}

// aboutSigning reports whether a condition is about who signed the form.
func aboutSigning(condition json.RawMessage) bool {
	var exact map[string]any
	var triple []any
	name := ""
	if json.Unmarshal(condition, &exact) == nil && len(exact) == 1 {
		for n := range exact {
			name = n
		}
	} else if json.Unmarshal(condition, &triple) == nil && len(triple) == 3 {
		n, _ := triple[1].(string)
		name = strings.TrimPrefix(n, "$")
	}
	switch strings.ToLower(name) {
	case "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-security-token":
		return true
	}
	return false
}
