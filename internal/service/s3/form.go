package s3

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// Uploads by a browser's form (PostObject): the fields before the file say what the object is
// to be, and a signed policy says what the fields may be.

// maxFormFields bounds what is in front of the file in an upload by form.
const maxFormFields = 64 << 10

var errFormTooLong = fault(400, "MaxPostPreDataLengthExceeded", "Your POST request fields preceding the upload file were too large.")

var errMalformedPOST = fault(400, "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.")

// form is what is before the file.
type form struct {
	fields map[string]string // by lower-case name
	names  []string          // in order
	file   string            // what the client calls it
	named  bool              // whether the client calls it anything
	typ    string            // and its content type
	data   io.Reader
}

// limitedFields ends in an error after so many bytes, until it is told that they are passed.
type limitedFields struct {
	r    io.Reader
	left int64
	open bool
}

func (l *limitedFields) Read(p []byte) (int, error) {
	if l.open {
		return l.r.Read(p)
	}
	if l.left <= 0 {
		return 0, errFormTooLong
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	return n, err
}

func readForm(r io.Reader, contentType string) (*form, error) {
	typ, params, err := mime.ParseMediaType(contentType)
	if err != nil || typ != "multipart/form-data" {
		return nil, fault(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold").
			with("Condition", "Bucket POST must be of the enclosure-type multipart/form-data")
	}
	if params["boundary"] == "" {
		return nil, errMalformedPOST
	}
	in := &limitedFields{r: r, left: maxFormFields}
	m := multipart.NewReader(in, params["boundary"])
	f := &form{fields: map[string]string{}}
	for {
		part, err := m.NextRawPart()
		if err != nil {
			if e, ok := errors.AsType[*Error](err); ok {
				return nil, e
			}
			if errors.Is(err, io.EOF) && len(f.names) > 0 {
				return nil, invalidArgument("POST requires exactly one file upload per request.", "file", "0")
			}
			return nil, errMalformedPOST
		}
		name := part.FormName()
		if strings.EqualFold(name, "file") {
			in.open = true
			f.data, f.typ = part, part.Header.Get("Content-Type")
			f.file, f.named = fileName(part.Header)
			return f, nil
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(part); err != nil {
			if e, ok := errors.AsType[*Error](err); ok {
				return nil, e
			}
			return nil, errMalformedPOST
		}
		lower := strings.ToLower(name)
		f.fields[lower] = b.String()
		f.names = append(f.names, lower)
	}
}

// fileName is what the client calls the file, without the folders that some put before it, and whether it says so.
func fileName(header textproto.MIMEHeader) (name string, said bool) {
	_, params, err := mime.ParseMediaType(header.Get("Content-Disposition"))
	if err != nil {
		return "", false
	}
	name, said = params["filename"]
	name = strings.TrimRight(strings.ReplaceAll(name, `\`, "/"), "/")
	if name == "" {
		return "", said // and no dot
	}
	return path.Base(name), said
}

// postObject is PostObject.
func (c *call) postObject() error {
	if len(c.query) > 0 && c.hasSub() {
		return errMethodNotAllowed.with("Method", "POST").with("ResourceType", "BUCKET")
	}
	in, _, err := c.openBody()
	if err != nil {
		return err
	}
	f, err := readForm(bufio.NewReaderSize(in, 64<<10), c.r.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	key, ok := f.fields["key"]
	if !ok {
		return invalidArgument("Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.", "key", "")
	}
	c.form = f
	if f.named {
		key = strings.ReplaceAll(key, "${filename}", f.file)
	}
	if c.key = key; c.key == "" {
		return invalidArgument("User key must have a length greater than 0.", "key", "")
	}
	if err := c.checkKey(); err != nil {
		return err
	}
	low, high, err := c.authorizeForm(f)
	if err != nil {
		return err
	}
	r, crypt, err := c.formRecord(f)
	if err != nil {
		return err
	}
	d := &dataOf{c: c, md5: newHash("MD5"), crypt: crypt, want: f.fields["content-md5"]}
	if d.sum, err = formChecksum(f); err != nil {
		return err
	}
	if err := d.read(&boundedFile{r: f.data, high: high}, r.Prop(propSalt)); err != nil {
		return err
	}
	c.replicated(c.key, r)
	event := c.announce("ObjectCreated:Post", c.key)
	info, err := c.s.store.Put(c.ctx, c.bucket, c.key, objectstore.Put{Body: d.body, Record: *r, Check: event.check(c.stillMay("s3:PutObject", c.key, nil)), Finish: func(n int64, r *objectstore.Record) error {
		if d.plain < low {
			return fault(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size").
				with("ProposedSize", strconv.FormatInt(d.plain, 10)).with("MinSizeAllowed", strconv.FormatInt(low, 10))
		}
		return d.finish(n, r)
	}})
	event.end(&info, err)
	if err != nil {
		return err
	}
	return c.answerForm(f, &info)
}

// hasSub reports whether the query says anything but how it is signed.
func (c *call) hasSub() bool {
	for name := range c.query {
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, "x-amz-") && lower != "x-id" {
			return true
		}
	}
	return false
}

func formChecksum(f *form) (*summer, error) {
	var found *summer
	for _, name := range f.names {
		kind, is := strings.CutPrefix(name, "x-amz-checksum-")
		if !is || kind == "algorithm" || kind == "type" || f.fields[name] == "" {
			continue
		}
		i := slices.IndexFunc(algorithms, func(a string) bool { return sumHeader(a) == name })
		switch {
		case i < 0:
			return nil, invalidRequest("The algorithm type you specified in x-amz-checksum- header is invalid.")
		case found != nil:
			return nil, invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		case !isSum(algorithms[i], f.fields[name]):
			return nil, invalidRequest("Value for " + name + " header is invalid.")
		}
		found = &summer{newHash(algorithms[i]), algorithms[i], f.fields[name], false}
	}
	return found, nil
}

// boundedFile reads the file of a form, which may have so many bytes.
type boundedFile struct {
	r    io.Reader
	n    int64
	high int64
}

func (b *boundedFile) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	if b.n > b.high {
		return 0, errEntityTooLarge.with("ProposedSize", strconv.FormatInt(b.n, 10)).with("MaxSizeAllowed", strconv.FormatInt(b.high, 10))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		if e, ok := errors.AsType[*Error](err); ok {
			return n, e
		}
		return n, errMalformedPOST
	}
	return n, err
}

// formRecord is what the fields say of the object: they are what headers are to PutObject.
func (c *call) formRecord(f *form) (*objectstore.Record, *customerKey, error) {
	header := http.Header{}
	for name, v := range f.fields {
		switch {
		case strings.HasPrefix(name, "x-amz-meta-"), strings.HasPrefix(name, "x-amz-server-side-encryption"),
			strings.HasPrefix(name, "x-amz-object-lock-"), name == "x-amz-storage-class", name == "x-amz-website-redirect-location":
			header.Set(name, v)
		case name == "acl":
			header.Set("X-Amz-Acl", v)
		}
	}
	for _, name := range storedHeaders {
		if v := f.fields[name]; v != "" {
			header.Set(name, v)
		}
	}
	inner := *c
	req := *c.r
	req.Header = header
	inner.r, inner.query = &req, url.Values{}
	r := &objectstore.Record{}
	crypt, err := inner.prepare(r)
	if err != nil {
		return nil, nil, err
	}
	if v := f.fields["tagging"]; v != "" {
		doc, ok := parseXML([]byte(v))
		if !ok || doc.Name == "Tagging" && !taggingShape.check(doc) {
			return nil, nil, errMalformedXML
		}
		// Another document has no tags, which S3 does not mind.
		if r.Tags, err = tagsOf(doc.get("TagSet"), maxObjectTags); err != nil {
			return nil, nil, err
		}
	}
	return r, crypt, nil
}

// answerForm answers as the form wants it.
func (c *call) answerForm(f *form, info *objectstore.Info) error {
	c.w.Header()["ETag"] = []string{quoted(info.ETag)}
	c.saySum(&info.Record)
	c.sayWritten(info)
	c.sayEncryption(&info.Record)
	location := c.location(c.key)
	to := f.fields["success_action_redirect"]
	if to == "" {
		to = f.fields["redirect"]
	}
	if u, err := url.Parse(to); to != "" && err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
		appendResult(u, c.bucket, c.key, quoted(info.ETag))
		c.w.Header().Set("Location", u.String())
		c.w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	c.w.Header().Set("Location", location)
	switch f.fields["success_action_status"] {
	case "201":
		n := el("PostResponse", leaf("Location", location), leaf("Bucket", c.bucket), leaf("Key", c.key), leaf("ETag", quoted(info.ETag)))
		var b strings.Builder
		b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
		n.write(&b, false)
		c.w.Header().Set("Content-Type", "application/xml")
		c.w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
		c.w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(c.w, b.String()) // the client has gone if this fails
	case "200":
		c.w.Header().Set("Content-Length", "0")
		c.w.WriteHeader(http.StatusOK)
	default:
		return c.noContent()
	}
	return nil
}

// authorizeForm holds a form against its policy, and the policy against its signature. It
// returns how long the file may be.
func (c *call) authorizeForm(f *form) (low, high int64, err error) {
	encoded := f.fields["policy"]
	if encoded == "" {
		// Without a policy it is a request of nobody's, or of whoever signed it in the header.
		if f.fields["x-amz-signature"] != "" || f.fields["signature"] != "" || f.fields["awsaccesskeyid"] != "" {
			return 0, 0, invalidArgument("Bucket POST must contain a field named 'policy'.  If it is specified, please check the order of the fields.", "policy", "")
		}
		return 0, maxPut, c.authorize("s3:PutObject", c.b, c.key)
	}
	if err := c.formSigner(f, encoded); err != nil {
		return 0, 0, err
	}
	raw, derr := base64.StdEncoding.DecodeString(encoded)
	if derr != nil {
		return 0, 0, fault(400, "InvalidPolicyDocument", "Invalid Policy: Invalid Base64 encoding.")
	}
	if err := c.authorize("s3:PutObject", c.b, c.key); err != nil {
		return 0, 0, err
	}
	return c.checkForm(f, raw)
}

// formSigner verifies the signature of a form's policy. The call is then that of who signed it.
func (c *call) formSigner(f *form, encoded string) error {
	mismatch := func(key, signature string) error {
		e := fault(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.").
			with("AWSAccessKeyId", key).with("StringToSign", encoded).with("SignatureProvided", signature)
		if len(encoded) <= 16<<10 {
			e = e.with("StringToSignBytes", fmt.Sprintf("% x", encoded))
		}
		return e
	}
	lacks := func(name string) error {
		return invalidArgument("Bucket POST must contain a field named '"+name+"'.  If it is specified, please check the order of the fields.", name, "").with("ArgumentValue", "")
	}
	second := f.fields["awsaccesskeyid"] != "" || f.fields["signature"] != ""
	fourth := false
	for _, name := range []string{"x-amz-signature", "x-amz-algorithm", "x-amz-credential", "x-amz-date"} {
		fourth = fourth || f.fields[name] != ""
	}
	if !second && !fourth {
		return errAccessDenied
	}
	if !fourth {
		key, signature := f.fields["awsaccesskeyid"], f.fields["signature"]
		if key == "" || signature == "" {
			name := map[bool]string{true: "AWSAccessKeyId", false: "Signature"}[key == ""]
			return lacks(name)
		}
		if err := c.checkV2(); err != nil {
			return err
		}
		secret, err := c.actAsHolder(key, f.fields["x-amz-security-token"])
		if err != nil || secret == "" {
			return err
		}
		h := hmac.New(sha1.New, []byte(secret))
		h.Write([]byte(encoded))
		if !hmac.Equal([]byte(base64.StdEncoding.EncodeToString(h.Sum(nil))), []byte(signature)) {
			return mismatch(key, signature)
		}
		return nil
	}
	for _, name := range []string{"X-Amz-Signature", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date"} {
		if f.fields[strings.ToLower(name)] == "" {
			return lacks(name)
		}
	}
	credential := f.fields["x-amz-credential"]
	parts := strings.Split(credential, "/")
	n := len(parts)
	if f.fields["x-amz-algorithm"] != "AWS4-HMAC-SHA256" {
		return invalidArgument("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"", "x-amz-algorithm", f.fields["x-amz-algorithm"])
	}
	if n < 5 || parts[n-1] != "aws4_request" || parts[n-2] != "s3" || !strings.HasPrefix(f.fields["x-amz-date"], parts[n-4]) {
		return invalidArgument("Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".", "x-amz-credential", credential)
	}
	secret, err := c.actAsHolder(strings.Join(parts[:n-4], "/"), f.fields["x-amz-security-token"])
	if err != nil || secret == "" {
		return err
	}
	signing := []byte("AWS4" + secret)
	for _, part := range parts[n-4:] {
		h := hmac.New(sha256.New, signing)
		h.Write([]byte(part))
		signing = h.Sum(nil)
	}
	h := hmac.New(sha256.New, signing)
	h.Write([]byte(encoded))
	if !hmac.Equal([]byte(hex.EncodeToString(h.Sum(nil))), []byte(strings.ToLower(f.fields["x-amz-signature"]))) {
		return mismatch(strings.Join(parts[:n-4], "/"), f.fields["x-amz-signature"])
	}
	return nil
}

// actAsHolder makes the call that of who has an access key, and returns the secret that its signature is verified by;
// none: any is taken.
func (c *call) actAsHolder(key, token string) (secret string, err error) {
	if c.s.cfg.Holder == nil {
		return "", nil
	}
	secret, as, ok := c.s.cfg.Holder(c.ctx, key, token)
	if !ok {
		return "", errUnknownKey(key)
	}
	c.caller.Account, c.caller.Principal, c.caller.Session, c.caller.AccessKey, c.caller.Anonymous = as.Account, as.Principal, as.Session, as.AccessKey, false
	c.ctx = awswire.WithCaller(c.ctx, c.caller)
	return secret, nil
}

func errUnknownKey(key string) *Error {
	return fault(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.").with("AWSAccessKeyId", key)
}

func policyFailed(why string) *Error {
	return fault(403, "AccessDenied", "Invalid according to Policy: "+why)
}

// checkForm holds the fields against the conditions of the policy.
func (c *call) checkForm(f *form, raw []byte) (low, high int64, err error) {
	bad := func(why string) *Error {
		return fault(400, "InvalidPolicyDocument", "Invalid Policy: "+why)
	}
	var doc struct {
		Expiration *string            `json:"expiration"`
		Conditions *[]json.RawMessage `json:"conditions"`
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return 0, 0, bad("Invalid JSON.")
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !strings.EqualFold(name, "expiration") && !strings.EqualFold(name, "conditions") {
			return 0, 0, bad(fmt.Sprintf("Unexpected: %q", name))
		}
	}
	if c := members["conditions"]; len(c) > 0 && c[0] != '[' && string(c) != "null" {
		return 0, 0, bad("Invalid 'conditions' value: must be a List.")
	}
	if json.Unmarshal(raw, &doc) != nil {
		return 0, 0, bad("Invalid JSON.")
	}
	if doc.Expiration == nil {
		return 0, 0, bad("Policy missing expiration.")
	}
	if doc.Conditions == nil {
		return 0, 0, bad("Policy missing conditions.")
	}
	until, err := time.Parse(time.RFC3339, *doc.Expiration)
	if err != nil {
		return 0, 0, bad("Invalid 'expiration' value: '" + *doc.Expiration + "'")
	}
	if !c.s.clock.Now().Before(until) {
		return 0, 0, fault(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
	}
	value := func(name string) string {
		switch name = strings.ToLower(name); name {
		case "bucket":
			return c.bucket
		case "key":
			return c.key
		}
		return f.fields[name]
	}
	low, high = 0, maxPut
	covered := map[string]bool{}
	for _, condition := range *doc.Conditions {
		var exact map[string]string
		if json.Unmarshal(condition, &exact) == nil {
			if len(exact) != 1 {
				return 0, 0, bad("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
			}
			for name, want := range exact {
				covered[strings.ToLower(name)] = true
				if value(name) != want {
					return 0, 0, policyFailed(fmt.Sprintf(`Policy Condition failed: ["eq", "$%s", "%s"]`, name, want))
				}
			}
			continue
		}
		if condition[0] == '{' {
			return 0, 0, bad("Invalid Simple-Condition: value must be a string.")
		}
		var triple []any
		if json.Unmarshal(condition, &triple) != nil {
			return 0, 0, bad("Invalid condition test: must be a List or Object.")
		}
		if len(triple) == 0 {
			return 0, 0, bad("Invalid Condition: missing operation identifier.")
		}
		operator, _ := triple[0].(string)
		switch strings.ToLower(operator) {
		case "eq", "starts-with", "content-length-range":
		default:
			return 0, 0, bad("Invalid Condition: unknown operation '" + operator + "'.")
		}
		if len(triple) != 3 {
			return 0, 0, bad("Invalid " + operator + ": wrong number of arguments.")
		}
		if strings.EqualFold(operator, "content-length-range") {
			from, fok := formNumber(triple[1])
			to, tok := formNumber(triple[2])
			if !fok || !tok {
				return 0, 0, policyFailed(fmt.Sprintf(`Policy Condition failed: ["%s", "%s", "%s"]`, operator, formText(triple[1]), formText(triple[2])))
			}
			if from > to {
				return 0, 0, bad("Invalid Content-Length-Range")
			}
			low, high = max(low, from), min(high, to)
			continue
		}
		name, _ := triple[1].(string)
		want, _ := triple[2].(string)
		failed := policyFailed(fmt.Sprintf(`Policy Condition failed: ["%s", "%s", "%s"]`, operator, name, want))
		name, dollar := strings.CutPrefix(name, "$")
		covered[strings.ToLower(name)] = true
		ok := false
		switch strings.ToLower(operator) {
		case "eq":
			ok = value(name) == want
		case "starts-with":
			ok = strings.HasPrefix(value(name), want)
			if strings.EqualFold(name, "content-type") && !ok {
				ok = true
				for one := range strings.SplitSeq(value(name), ",") {
					ok = ok && strings.HasPrefix(strings.TrimSpace(one), want)
				}
			}
		}
		if !ok || !dollar { // without one it is no field's name
			return 0, 0, failed
		}
	}
	if !covered["bucket"] {
		return 0, 0, policyFailed("Extra input fields: bucket")
	}
	for _, name := range f.names {
		switch name {
		case "policy", "signature", "awsaccesskeyid", "x-amz-signature", "file", "submit", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-security-token":
			continue
		}
		if strings.HasPrefix(name, "x-ignore-") || strings.HasPrefix(name, "x-amz-checksum-") || covered[name] {
			continue
		}
		return 0, 0, policyFailed("Extra input fields: " + name)
	}
	return low, high, nil
}

// formText is a value of a condition as errors tell it.
func formText(v any) string {
	if n, ok := v.(float64); ok {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func formNumber(v any) (int64, bool) {
	switch n := v.(type) {
	case float64:
		return int64(n), n >= 0
	case string:
		i, err := strconv.ParseInt(n, 10, 64)
		return i, err == nil && i >= 0
	}
	return 0, false
}

// appendResult adds what was made to the address that a form sends the browser to, in S3's order.
func appendResult(u *url.URL, bucket, key, etag string) {
	for _, p := range [][2]string{{"bucket", bucket}, {"key", key}, {"etag", etag}} {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += p[0] + "=" + strings.ReplaceAll(url.QueryEscape(p[1]), "+", "%20")
	}
}
