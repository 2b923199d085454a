package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/objectstore"
	"github.com/brookmere/brookmere/internal/engine/policy"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// Server access logs: a record of each request to a bucket with logging, written into the bucket that it names, once in
// logEvery by the node's clock. As on AWS they are kept as well as can be: what was not yet written goes with a process
// that is killed. S3 writes them as logging.s3.amazonaws.com, which the policy of the target, or its list, must let put
// objects where policies count.

const (
	logEvery = time.Minute
	// maxLogged bounds the bytes of records that wait for a bucket; they are written when there are as many.
	maxLogged = 1 << 20
	// maxAllLogged bounds the bytes of all records that wait. Those beyond it are dropped, and the node's log tells of it.
	maxAllLogged = 64 << 20

	loggingService = "logging.s3.amazonaws.com"
)

// accessLogs are records that wait to be written.
type accessLogs struct {
	mu      sync.Mutex
	waiting map[logOf]*bytes.Buffer
	bytes   int
	dropped int

	writing sync.Mutex // one round at a time
}

// logOf is a bucket and a day of its records: an object has those of one. Another account may make a bucket of the name
// before they are written, who is not to have them.
type logOf struct {
	bucket, owner string
	day           time.Time
}

func (s *Service) startAccessLogs() {
	s.group.Go("write access logs", func(ctx context.Context) error {
		s.writeAccessLogs(ctx)
		return work.RunAfter(logEvery)
	})
}

// logging is how a bucket logs; nil: it does not.
func logging(b *bucket) *node {
	if b == nil || b.Settings["logging"] == "" {
		return nil
	}
	return b.setting("logging").get("LoggingEnabled")
}

// logged is what the record of a request is made of, and its http.ResponseWriter.
type logged struct {
	http.ResponseWriter
	at       time.Time // by the node's clock
	begun    time.Time
	first    time.Time // when the answer began
	status   int
	sent     int64
	size     int64 // of the object
	sized    bool
	code     string
	source   *source  // of a copy
	deleted  []string // keys of a batch
	statuses []int    // of these
	codes    []string //
}

func (l *logged) WriteHeader(status int) {
	if l.status == 0 && status >= 200 {
		l.status, l.first = status, time.Now()
	}
	l.ResponseWriter.WriteHeader(status)
}

func (l *logged) Write(p []byte) (int, error) {
	if l.status == 0 {
		l.WriteHeader(http.StatusOK)
	}
	n, err := l.ResponseWriter.Write(p)
	l.sent += int64(n)
	return n, err
}

// ReadFrom implements io.ReaderFrom, by which files go out without a copy.
func (l *logged) ReadFrom(r io.Reader) (n int64, err error) {
	if l.status == 0 {
		l.WriteHeader(http.StatusOK)
	}
	if to, ok := l.ResponseWriter.(io.ReaderFrom); ok {
		n, err = to.ReadFrom(r)
	} else {
		n, err = io.Copy(onlyWriter{l.ResponseWriter}, r)
	}
	l.sent += n
	return n, err
}

// Unwrap is for http.ResponseController.
func (l *logged) Unwrap() http.ResponseWriter { return l.ResponseWriter }

// logs begins the record of a request, if its bucket logs.
func (c *call) logs(begun time.Time) {
	if logging(c.s.buckets.get(c.bucket)) != nil || c.r.Header["X-Amz-Copy-Source"] != nil {
		c.log = &logged{ResponseWriter: c.w, at: c.s.clock.Now().UTC(), begun: begun}
		c.w = c.log
	}
}

// sizes notes the size of the object that a request is about.
func (c *call) sizes(info *objectstore.Info) {
	if c.log != nil {
		c.log.size, c.log.sized = sizeOf(info), true
	}
}

// logDeleted notes what has come of a key of a batch of deletions.
func (c *call) logDeleted(key string, err error) {
	l := c.log
	if l == nil {
		return
	}
	status, code := http.StatusNoContent, ""
	if err != nil {
		e, _ := errorOf(err, c.bucket, key)
		status, code = e.Status, e.Code
	}
	l.deleted, l.statuses, l.codes = append(l.deleted, key), append(l.statuses, status), append(l.codes, code)
}

// record writes the records of a request that has been answered.
func (c *call) record() {
	l := c.log
	if l == nil {
		return
	}
	now := time.Now()
	b := c.s.buckets.get(c.bucket)
	line := logLine{
		operation: logOperation(c), key: c.key, status: l.status, code: l.code, sent: l.sent, total: now.Sub(l.begun), request: true,
		size: l.size, sized: l.sized, version: c.said("x-amz-version-id"),
	}
	if line.status == 0 {
		line.status = http.StatusOK
	}
	if !l.first.IsZero() {
		line.turn, line.turned = l.first.Sub(l.begun), true
	}
	if logging(b) != nil {
		c.s.keepLog(b, c.log.at, c.logLine(b, line))
		for i, key := range l.deleted {
			c.s.keepLog(b, c.log.at, c.logLine(b, logLine{operation: "BATCH.DELETE.OBJECT", key: key, status: l.statuses[i], code: l.codes[i]}))
		}
	}
	if src := l.source; src != nil && logging(src.b) != nil {
		operation := "REST.COPY.OBJECT_GET"
		if c.query.Has("uploadId") {
			operation = "REST.COPY.PART_GET"
		}
		c.s.keepLog(src.b, c.log.at, c.logLine(src.b, logLine{operation: operation, key: src.key, status: line.status, code: line.code,
			size: sizeOf(&src.info), sized: true, version: src.info.Version}))
	}
}

// logLine is what differs between the records of a request.
type logLine struct {
	operation, key, code, version string
	status                        int
	sent, size                    int64
	sized                         bool
	total, turn                   time.Duration
	turned                        bool
	request                       bool // it is of the request itself, and says how that came
}

// logLine is a record, in the form that AWS documents.
func (c *call) logLine(b *bucket, l logLine) string {
	fields := make([]string, 0, 27)
	add := func(v string) {
		if v == "" {
			v = "-"
		}
		fields = append(fields, v)
	}
	quote := func(v string) {
		if v == "" {
			v = "-"
		}
		fields = append(fields, `"`+strings.NewReplacer(`"`, "%22", "\n", "%0A", "\r", "%0D").Replace(v)+`"`)
	}
	number := func(n int64, known bool) {
		if !known {
			add("")
			return
		}
		add(strconv.FormatInt(n, 10))
	}
	r := c.r
	add(canonicalID(b.Owner))
	add(b.Name)
	add(c.log.at.Format("[02/Jan/2006:15:04:05 -0700]"))
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = r.RemoteAddr
	}
	add(ip)
	switch {
	case c.caller.Anonymous:
		add("")
	case c.caller.Principal != "":
		add(c.caller.Principal)
	default:
		add(canonicalID(c.caller.Of()))
	}
	add(c.caller.RequestID)
	add(l.operation)
	add(encodeListed(l.key))
	if l.request {
		uri := r.RequestURI
		if uri == "" {
			uri = r.URL.RequestURI()
		}
		quote(r.Method + " " + uri + " " + r.Proto)
	} else {
		add("")
	}
	add(strconv.Itoa(l.status))
	add(l.code)
	number(l.sent, l.sent > 0)
	number(l.size, l.sized)
	number(l.total.Milliseconds(), l.request)
	number(l.turn.Milliseconds(), l.turned)
	if l.request {
		quote(r.Referer())
		quote(r.UserAgent())
	} else {
		add("")
		add("")
	}
	add(l.version)
	add(hostID(c.caller.RequestID))
	signature, authentication := c.signed()
	add(signature)
	cipher, version := "", ""
	if r.TLS != nil {
		cipher, version = tls.CipherSuiteName(r.TLS.CipherSuite), strings.Replace(tls.VersionName(r.TLS.Version), "TLS ", "TLSv", 1)
	}
	add(cipher)
	add(authentication)
	add(r.Host)
	add(version)
	if p := c.point; p != nil {
		add(arn.New("s3", p.Region, p.Owner, "accesspoint/"+p.Name))
	} else {
		add("")
	}
	add("") // whether a list was needed
	add("") // region of the request
	return strings.Join(fields, " ") + "\n"
}

// signed is how a request was signed.
func (c *call) signed() (version, kind string) {
	switch q := c.r.URL.Query(); {
	case strings.HasPrefix(c.r.Header.Get("Authorization"), "AWS4-"):
		return "SigV4", "AuthHeader"
	case strings.HasPrefix(c.r.Header.Get("Authorization"), "AWS "):
		return "SigV2", "AuthHeader"
	case q.Has("X-Amz-Signature"):
		return "SigV4", "QueryString"
	case q.Has("AWSAccessKeyId"):
		return "SigV2", "QueryString"
	}
	return "", ""
}

func firstOf(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// logResources are what records call sub-resources, by the names that queries have.
var logResources = map[string]string{
	"accelerate": "ACCELERATE", "acl": "ACL", "analytics": "ANALYTICS", "attributes": "OBJECT_ATTRIBUTES", "cors": "CORS", "delete": "MULTI_OBJECT_DELETE",
	"encryption": "ENCRYPTION", "intelligent-tiering": "INTELLIGENT_TIERING", "inventory": "INVENTORY", "legal-hold": "OBJECT_LOCK_LEGALHOLD",
	"lifecycle": "LIFECYCLE", "location": "LOCATION", "logging": "LOGGING_STATUS", "metrics": "METRICS", "notification": "NOTIFICATION",
	"object-lock": "OBJECT_LOCK_CONFIGURATION", "ownershipControls": "OWNERSHIP_CONTROLS", "policy": "BUCKETPOLICY", "policyStatus": "POLICY_STATUS",
	"publicAccessBlock": "PUBLIC_ACCESS_BLOCK", "replication": "REPLICATION", "requestPayment": "REQUEST_PAYMENT", "restore": "RESTORE",
	"retention": "OBJECT_LOCK_RETENTION", "select": "SELECT", "tagging": "TAGGING", "uploads": "UPLOADS", "versioning": "VERSIONING",
	"versions": "BUCKETVERSIONS", "website": "WEBSITE",
}

// logOperation is what records call the operation of a request.
func logOperation(c *call) string {
	method := strings.ToUpper(c.r.Method)
	what := "BUCKET"
	if c.key != "" {
		what = "OBJECT"
	}
	switch {
	case c.website:
		return "WEBSITE." + method + ".OBJECT"
	case method == http.MethodOptions:
		return "REST.OPTIONS.PREFLIGHT"
	case c.op == nil:
		return "REST." + method + "." + what
	}
	switch c.op.name {
	case "CopyObject":
		return "REST.COPY.OBJECT"
	case "UploadPartCopy":
		return "REST.COPY.PART"
	case "UploadPart":
		return "REST.PUT.PART"
	case "PostObject":
		return "REST.POST.OBJECT"
	case "CompleteMultipartUpload", "AbortMultipartUpload", "ListParts":
		return "REST." + method + ".UPLOAD"
	case "ListObjectsV2":
		return "REST.GET.BUCKET"
	}
	if name := logResources[c.op.sub]; name != "" {
		if what = name; name == "TAGGING" && c.key != "" {
			what = "OBJECT_TAGGING"
		}
	}
	return "REST." + method + "." + what
}

// keepLog keeps a record until it is written.
func (s *Service) keepLog(b *bucket, at time.Time, line string) {
	l := &s.accessLogs
	of := logOf{b.Name, b.Owner, at.UTC().Truncate(24 * time.Hour)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bytes+len(line) > maxAllLogged {
		l.dropped++
		return
	}
	if l.waiting == nil {
		l.waiting = map[logOf]*bytes.Buffer{}
	}
	buf := l.waiting[of]
	if buf == nil {
		buf = new(bytes.Buffer)
		l.waiting[of] = buf
	}
	full := buf.Len() >= maxLogged
	buf.WriteString(line)
	l.bytes += len(line)
	if !full && buf.Len() >= maxLogged {
		s.group.Go("write access logs", func(ctx context.Context) error { s.writeAccessLogs(ctx); return nil })
	}
}

// writeAccessLogs writes what waits.
func (s *Service) writeAccessLogs(ctx context.Context) {
	l := &s.accessLogs
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	waiting, dropped := l.waiting, l.dropped
	l.waiting, l.bytes, l.dropped = nil, 0, 0
	l.mu.Unlock()
	if dropped > 0 {
		s.log.Warn("s3: records of access logs were dropped: more came than could be written", "records", dropped)
	}
	for of, buf := range waiting {
		if err := s.writeAccessLog(ctx, of, buf.Bytes()); err != nil {
			s.log.Warn("s3: an access log could not be written", "bucket", of.bucket, "error", err)
		}
	}
}

func (s *Service) writeAccessLog(ctx context.Context, of logOf, records []byte) error {
	b := s.buckets.get(of.bucket)
	on := logging(b)
	if on == nil || b.Owner != of.owner {
		return nil // it no longer logs, or is no longer there
	}
	to := s.buckets.get(on.text("TargetBucket"))
	if to == nil || to.Owner != b.Owner {
		return fmt.Errorf("there is no bucket %s of its account", on.text("TargetBucket"))
	}
	ctx = awswire.AsService(ctx, b.Owner, b.Region, loggingService, arnOf(b, ""))
	unique := make([]byte, 8)
	_, _ = rand.Read(unique) // it never fails
	now := s.clock.Now().UTC()
	key := on.text("TargetPrefix")
	if p := on.get("TargetObjectKeyFormat").get("PartitionedPrefix"); p != nil {
		at := now
		if p.text("PartitionDateSource") == "EventTime" {
			at = of.day
			now = of.day
		}
		key += strings.Join([]string{b.Owner, b.Region, b.Name, at.Format("2006/01/02")}, "/") + "/"
	}
	key += now.Format("2006-01-02-15-04-05-") + strings.ToUpper(hex.EncodeToString(unique))
	if err := s.mayLog(ctx, to, key); err != nil {
		return err
	}
	r := objectstore.Record{Headers: map[string]string{"content-type": "text/plain"}, User: map[string]string{}}
	digest := md5.Sum(records)
	r.ETag = hex.EncodeToString(digest[:])
	sum := newHash("CRC64NVME")
	sum.Write(records)
	setSum(&r, "CRC64NVME", fullObject, base64.StdEncoding.EncodeToString(sum.Sum(nil)))
	if grants := on.get("TargetGrants").all("Grant"); len(grants) > 0 && ownershipOf(to) != "BucketOwnerEnforced" {
		acl := cannedACL("private", to.Owner)
		list := acl.get("AccessControlList")
		list.Kids = append(list.Kids, grants...)
		r.SetProp(propACL, acl.String())
	}
	event := s.announce(ctx, to, awswire.CallerFrom(ctx), "", "ObjectCreated:Put", key)
	info, err := s.store.Put(ctx, to.Name, key, objectstore.Put{Body: bytes.NewReader(records), Size: int64(len(records)), Record: r, Check: event.check(nil)})
	event.end(&info, err)
	return err
}

// mayLog asks the target whether logs may be put into it: by its policy, or by its list, which grants the log delivery
// group to write; a Deny of the policy counts for who is on the list too.
func (s *Service) mayLog(ctx context.Context, to *bucket, key string) error {
	decide := s.cfg.Decide
	if ownershipOf(to) != "BucketOwnerEnforced" {
		for _, g := range to.setting("acl").at("AccessControlList").all("Grant") {
			if p := g.text("Permission"); g.text("Grantee", "URI") == groupPrefix+"s3/LogDelivery" && (p == "WRITE" || p == "FULL_CONTROL") {
				decide = s.cfg.Granted
			}
		}
	}
	var keys policy.Keys = func(string) []string { return nil }
	if decide != nil {
		if err := decide(ctx, "s3:PutObject", arnOf(to, key), keys); err != nil {
			return errors.Join(errors.New("its target does not let "+loggingService+" put objects"), err)
		}
	}
	return nil
}
