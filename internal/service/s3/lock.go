package s3

import (
	"errors"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// Object lock: retention in both modes, legal holds, and the default of a bucket.

const (
	propLockMode  = "lock-mode"
	propLockUntil = "lock-until"
	propHold      = "lock-hold"
	governance    = "GOVERNANCE"
	compliance    = "COMPLIANCE"
)

var (
	errNoLock       = invalidRequest("Bucket is missing Object Lock Configuration")
	retentionShape  = parseShape("Retention{Mode? RetainUntilDate?}")
	legalHoldShape  = parseShape("LegalHold{Status?}")
	errLockProtects = fault(403, "AccessDenied", "Access Denied because object protected by object lock.")
	errNoRetention  = fault(404, "NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration")
)

// locked reads what a request that makes an object says of its lock, or the bucket does.
func (c *call) locked(r *objectstore.Record) error {
	mode, until := c.header("X-Amz-Object-Lock-Mode"), c.header("X-Amz-Object-Lock-Retain-Until-Date")
	hold := c.header("X-Amz-Object-Lock-Legal-Hold")
	if mode == "" && until == "" && hold == "" && !c.b.Lock {
		return nil
	}
	if (mode == "") != (until == "") {
		return invalidArgument("x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
			map[bool]string{true: "x-amz-object-lock-mode", false: "x-amz-object-lock-retain-until-date"}[mode == ""], "")
	}
	switch hold {
	case "", "ON", "OFF":
	default:
		return invalidArgument("Legal Hold must be either of 'ON' or 'OFF'", "x-amz-object-lock-legal-hold", hold)
	}
	if mode != "" {
		if mode != governance && mode != compliance {
			return invalidArgument("Unknown wormMode directive.", "x-amz-object-lock-mode", mode)
		}
		t, ok := parseDate(until)
		if !ok {
			return invalidArgument("The retain until date must be provided in ISO 8601 format", "x-amz-object-lock-retain-until-date", until)
		}
		if !t.After(c.s.clock.Now()) {
			return invalidArgument("The retain until date must be in the future!", "x-amz-object-lock-retain-until-date", until)
		}
		r.SetProp(propLockMode, mode)
		r.SetProp(propLockUntil, t.UTC().Format(time.RFC3339Nano))
	}
	if !c.b.Lock { // which S3 looks at after what is said
		return invalidRequest("Bucket is missing ObjectLockConfiguration")
	}
	if (mode != "" || hold != "") && (c.caller.Anonymous || c.signedV2()) {
		return invalidArgument("Put Object requests with Object Lock parameters require AWS Signature Version 4", "Authorization", "")
	}
	if def := c.b.setting("object-lock").at("Rule", "DefaultRetention"); mode == "" && def != nil {
		t := c.s.clock.Now().UTC()
		if days, ok := def.number("Days"); ok {
			t = t.AddDate(0, 0, days)
		} else if years, ok := def.number("Years"); ok {
			t = t.AddDate(years, 0, 0)
		}
		r.SetProp(propLockMode, def.text("Mode"))
		r.SetProp(propLockUntil, t.Format(time.RFC3339Nano))
	}
	r.SetProp(propHold, hold)
	return nil
}

// lockedSum refuses data of an object with a lock that comes without a checksum. What the node itself writes needs none.
func (c *call) lockedSum(r *objectstore.Record, what string) error {
	if r.Prop(propLockMode) == "" && r.Prop(propHold) == "" || c.summed() || c.form != nil || c.r.Host == inProcessHost {
		return nil
	}
	return invalidRequest("Content-MD5 OR x-amz-checksum- HTTP header is required for " + what + " requests with Object Lock parameters")
}

// sayLock sets the headers that tell of an object's locks.
func (c *call) sayLock(r *objectstore.Record) {
	if mode := r.Prop(propLockMode); mode != "" {
		c.say("x-amz-object-lock-mode", mode)
		if t, err := time.Parse(time.RFC3339Nano, r.Prop(propLockUntil)); err == nil {
			c.say("x-amz-object-lock-retain-until-date", isoTime(t))
		}
	}
	c.say("x-amz-object-lock-legal-hold", r.Prop(propHold))
}

// bypasses reports whether the request may pass over governance.
func (c *call) bypasses() bool {
	return strings.EqualFold(c.header("X-Amz-Bypass-Governance-Retention"), "true")
}

// protected returns an error if a version may not be deleted.
func (c *call) protected(info *objectstore.Info) error {
	if info == nil || info.Marker {
		return nil
	}
	if info.Prop(propHold) == "ON" {
		return errLockProtects
	}
	mode := info.Prop(propLockMode)
	until, err := time.Parse(time.RFC3339Nano, info.Prop(propLockUntil))
	if mode == "" || err != nil || !c.s.clock.Now().Before(until) {
		return nil
	}
	if mode == governance && c.bypasses() {
		return nil
	}
	return errLockProtects
}

func (c *call) getRetention() error {
	info, _, err := c.lockedObject()
	if err != nil {
		return err
	}
	mode := info.Prop(propLockMode)
	if mode == "" {
		return errNoRetention
	}
	n := el("Retention", leaf("Mode", mode))
	if t, err := time.Parse(time.RFC3339Nano, info.Prop(propLockUntil)); err == nil {
		n.add("RetainUntilDate", isoTime(t))
	}
	return c.writeXML(n)
}

// lockedObject is the object that the request is about, in a bucket with object lock.
func (c *call) lockedObject() (objectstore.Info, bool, error) {
	if !c.b.Lock {
		return objectstore.Info{}, false, errNoLock
	}
	info, _, err := c.found(false)
	return info, true, err
}

// lockDocument is document, to which S3 says of no body here what it says of a body that is malformed.
func (c *call) lockDocument(s *shape) (*node, error) {
	doc, err := c.document(s)
	if errors.Is(err, errMissingBody) {
		err = errMalformedXML
	}
	return doc, err
}

func (c *call) putRetention() error {
	doc, err := c.lockDocument(retentionShape)
	if err != nil {
		return err
	}
	if !c.b.Lock {
		return errNoLock
	}
	if err := c.authorizeBypass(c.key, c.version()); err != nil {
		return err
	}
	mode, date := doc.text("Mode"), doc.text("RetainUntilDate")
	if (mode == "") != (date == "") || mode != "" && mode != governance && mode != compliance {
		return errMalformedXML
	}
	var until time.Time
	if date != "" {
		var ok bool
		if until, ok = parseDate(date); !ok {
			return errMalformedXML
		}
		if !until.After(c.s.clock.Now()) {
			return invalidArgument("The retain until date must be in the future!", "RetainUntilDate", pacific(until))
		}
	}
	id := c.version()
	info, err := c.s.store.Amend(c.bucket, c.key, id, func(info *objectstore.Info) error {
		old := info.Prop(propLockMode)
		end, perr := time.Parse(time.RFC3339Nano, info.Prop(propLockUntil))
		if old != "" && perr == nil && c.s.clock.Now().Before(end) {
			weaker := mode == "" || until.Before(end.Truncate(time.Second)) || mode != old
			if weaker && (old == compliance || !c.bypasses()) {
				return errLockProtects
			}
		}
		info.SetProp(propLockMode, mode)
		info.SetProp(propLockUntil, "")
		if mode != "" {
			info.SetProp(propLockUntil, until.UTC().Format(time.RFC3339Nano))
		}
		return nil
	})
	if err != nil {
		return c.missing(&info, id, err)
	}
	c.sayVersion(&info)
	c.w.Header().Set("Content-Length", "0")
	return nil
}

// pacific is a time as S3 writes one in this error, wherever the bucket is.
func pacific(t time.Time) string {
	at, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		at = time.FixedZone("PST", -8*60*60)
	}
	return t.In(at).Format("Mon Jan 02 15:04:05 MST 2006")
}

func (c *call) getLegalHold() error {
	info, _, err := c.lockedObject()
	if err != nil {
		return err
	}
	hold := info.Prop(propHold)
	if hold == "" {
		return errNoRetention
	}
	return c.writeXML(el("LegalHold", leaf("Status", hold)))
}

func (c *call) putLegalHold() error {
	doc, err := c.lockDocument(legalHoldShape)
	if err != nil {
		return err
	}
	status := doc.text("Status")
	if status != "ON" && status != "OFF" {
		return errMalformedXML
	}
	if !c.b.Lock {
		return errNoLock
	}
	id := c.version()
	info, err := c.s.store.Amend(c.bucket, c.key, id, func(info *objectstore.Info) error {
		info.SetProp(propHold, status)
		return nil
	})
	if err != nil {
		return c.missing(&info, id, err)
	}
	c.sayVersion(&info)
	c.w.Header().Set("Content-Length", "0")
	return nil
}
