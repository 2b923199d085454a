package s3

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/objectstore"
	"github.com/brookmere/brookmere/internal/engine/policy"
)

// Who may do what with a bucket: its owner all, others what its policy or its lists grant.
// What the owner's own users may is decided around the call (Config.Decide).

// arnOf is the ARN of a bucket, or of an object of it.
func arnOf(b *bucket, key string) string {
	arn := "arn:" + partitionOf(b.Region) + ":s3:::" + b.Name
	if key != "" {
		arn += "/" + key
	}
	return arn
}

// Allow returns nil where the caller of ctx may do an action with an object ("s3:GetObject", "s3:PutObject",
// "s3:DeleteObject"), or list the keys of a bucket that begin with key ("s3:ListBucket"). It
// is asked for every request, and by whatever reaches objects by their files (Files, Walk,
// Replace), which do not ask themselves. Its errors are of S3's form: NoSuchBucket,
// AccessDenied.
func (s *Service) Allow(ctx context.Context, action, bucket, key string) error {
	b := s.buckets.get(bucket)
	if b == nil {
		return noSuchBucket(bucket)
	}
	caller := awswire.CallerFrom(ctx)
	on, keys := arnOf(b, key), func(name string) []string { return s.objectKey(name, action, b, key, "") }
	if action == "s3:ListBucket" {
		on, keys = arnOf(b, ""), func(name string) []string {
			if name == "s3:prefix" {
				return []string{key}
			}
			return s.objectKey(name, action, b, "", "")
		}
	}
	if decide := s.decider(b, caller, action, key, ""); decide != nil && caller.Principal != "" {
		if err := decide(ctx, action, on, keys); err != nil {
			return errAccessDenied
		}
	}
	allowed := false
	if s.ofAnother(b, action, key, "") {
		allowed = s.listed(b, caller, action, key, "")
	} else {
		allowed = s.allows(b, caller, action, key, "", keys)
	}
	if !allowed {
		return errAccessDenied
	}
	return nil
}

// IsAccessDenied reports whether err says that the caller may not do what it asked for.
func IsAccessDenied(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == "AccessDenied"
}

// ResourcePolicy returns the policy of the bucket, or the access point, that an ARN is of, or of an object in, and its
// owner.
func (s *Service) ResourcePolicy(_ context.Context, resource string) (text, owner string, err error) {
	if a, ok := arn.Parse(resource); ok && a.Region != "" { // not a bucket's, in whose keys there may be anything
		p, _, err := s.pointOfARN(resource)
		if err != nil {
			return "", "", nil // one that is not there has no policy
		}
		return p.Policy, p.Owner, nil
	}
	_, path, _ := strings.Cut(resource, ":s3:::")
	bucket, _, _ := strings.Cut(path, "/")
	text, owner, _ = s.BucketPolicy(bucket)
	return text, owner, nil
}

// BucketPolicy returns the policy of a bucket, "" if it has none, and the bucket's owner; false
// if there is no such bucket.
func (s *Service) BucketPolicy(bucket string) (text, owner string, ok bool) {
	b := s.buckets.get(bucket)
	if b == nil {
		return "", "", false
	}
	return b.Settings["policy"], b.Owner, true
}

// versionActions are the actions of policies for a version that a request names.
var versionActions = map[string]string{
	"s3:GetObject": "s3:GetObjectVersion", "s3:DeleteObject": "s3:DeleteObjectVersion",
	"s3:GetObjectAcl": "s3:GetObjectVersionAcl", "s3:PutObjectAcl": "s3:PutObjectVersionAcl",
	"s3:GetObjectTagging": "s3:GetObjectVersionTagging", "s3:PutObjectTagging": "s3:PutObjectVersionTagging",
	"s3:DeleteObjectTagging": "s3:DeleteObjectVersionTagging", "s3:GetObjectAttributes": "s3:GetObjectVersionAttributes",
}

// authorize is Allow for the caller of a request.
func (c *call) authorize(action string, b *bucket, key string) error {
	if action == "" {
		return nil // each object is asked for
	}
	version := ""
	if key == c.key && b == c.b {
		if version = c.version(); version != "" && versionActions[action] != "" {
			action = versionActions[action]
		}
	}
	return c.authorizeVersion(action, b, key, version)
}

// authorizeVersion is authorize for a version of an object, "" for the current one.
func (c *call) authorizeVersion(action string, b *bucket, key, version string) error {
	if c.point != nil && b == c.b {
		return c.authorizeAt(c.point, action, b, key, version)
	}
	return c.authorizeDirect(action, b, key, version)
}

// authorizeDirect is authorize for what names its bucket, and not an access point.
func (c *call) authorizeDirect(action string, b *bucket, key, version string) error {
	keys := c.keysFor(action, b, key, version)
	if err := c.decideBy(c.s.decider(b, c.caller, action, key, version), action, arnOf(b, key), keys); err != nil {
		return err
	}
	if c.ofAnother(b, action, key, version) {
		// Neither the bucket's owner nor its policy has a say.
		if !c.s.listed(b, c.caller, action, key, version) {
			return errAccessDenied
		}
		return nil
	}
	if b.Owner == c.caller.Account && !c.caller.Anonymous {
		return nil
	}
	if c.decided(b) {
		return nil
	}
	if !c.s.allows(b, c.caller, action, key, version, keys) {
		return errAccessDenied
	}
	return nil
}

// decided reports whether Decide has asked the bucket's policy too, and knew more of the caller than is known here: for requests
// of clients who are somebody, where denials count. A policy that is blocked for being public was asked for nothing.
func (c *call) decided(b *bucket) bool {
	return c.s.cfg.Decide != nil && c.s.cfg.Enforces != nil && c.s.cfg.Enforces() && !c.caller.Anonymous && c.r.Host != inProcessHost &&
		!(c.s.blocks(b, "RestrictPublicBuckets") && isPublicPolicy(b.Settings["policy"]))
}

// decider is who knows the policies: those of the caller's account alone need allow what a list grants.
func (s *Service) decider(b *bucket, caller awswire.Caller, action, key, version string) decider {
	if s.cfg.Decide != nil && s.cfg.Granted != nil && b.Owner != caller.Account && !caller.Anonymous && s.listed(b, caller, action, key, version) {
		return s.cfg.Granted
	}
	return s.cfg.Decide
}

type decider = func(ctx context.Context, action, arn string, keys policy.Keys) error

// decide asks the policies of the caller's account. What nobody may, the bucket alone says.
func (c *call) decide(action, arn string) error {
	return c.decideBy(c.s.cfg.Decide, action, arn, c.keysFor(action, c.b, c.key, ""))
}

// decideNew is decide for a bucket that is to be created, which may be another account's.
func (c *call) decideNew(action, arn string) error {
	by := c.s.cfg.Granted
	if by == nil {
		by = c.s.cfg.Decide
	}
	return c.decideBy(by, action, arn, c.keysFor(action, nil, "", ""))
}

func (c *call) decideBy(by decider, action, arn string, keys policy.Keys) error {
	if by == nil || c.caller.Anonymous {
		return nil
	}
	if c.r.Host == inProcessHost && c.caller.Principal == "" && c.caller.Session == nil {
		return nil // for the account's own work
	}
	return by(c.ctx, action, arn, keys)
}

// authorizeSaid asks for what a request that makes an object says of it besides: its list, tags and locks have
// permissions of their own. Who may write by the bucket's list may say them too.
func (c *call) authorizeSaid() error {
	var actions []string
	acl := c.header("X-Amz-Acl") != ""
	for name := range grantHeaders {
		acl = acl || c.header(name) != ""
	}
	if acl {
		actions = append(actions, "s3:PutObjectAcl")
	}
	if c.header("X-Amz-Tagging") != "" || c.form != nil && c.form.fields["tagging"] != "" {
		actions = append(actions, "s3:PutObjectTagging")
	}
	if c.header("X-Amz-Object-Lock-Mode") != "" || c.header("X-Amz-Object-Lock-Retain-Until-Date") != "" {
		actions = append(actions, "s3:PutObjectRetention")
	}
	if c.header("X-Amz-Object-Lock-Legal-Hold") != "" {
		actions = append(actions, "s3:PutObjectLegalHold")
	}
	if len(actions) == 0 || (c.caller.Anonymous || c.b.Owner != c.caller.Account) && c.s.listed(c.b, c.caller, "s3:PutObject", c.key, "") {
		return nil
	}
	for _, action := range actions {
		if err := c.authorize(action, c.b, c.key); err != nil {
			return err
		}
	}
	return nil
}

// authorizeBypass asks for the permission to pass over governance, where a request wants to.
func (c *call) authorizeBypass(key, version string) error {
	if !c.bypasses() {
		return nil
	}
	return c.authorizeVersion("s3:BypassGovernanceRetention", c.b, key, version)
}

// unlisted is the error for an object that is not there, for a caller who may not list the bucket: whether an object is
// there is not for them to know. It is nil for others.
func (c *call) unlisted(b *bucket) error {
	if b == c.b {
		return c.authorize("s3:ListBucket", b, "")
	}
	return c.authorizeDirect("s3:ListBucket", b, "", "")
}

// allows decides for a caller who is not the owner.
func (s *Service) allows(b *bucket, caller awswire.Caller, action, key, version string, keys policy.Keys) bool {
	if b.Owner == caller.Account && !caller.Anonymous {
		return true
	}
	on := arnOf(b, key)
	if action == "s3:ListBucket" {
		on = arnOf(b, "")
	}
	if text := b.Settings["policy"]; text != "" && !(s.blocks(b, "RestrictPublicBuckets") && isPublicPolicy(text)) {
		allowed, denied := evaluate(text, b.Name, b.Owner, principalOf(b, caller), action, on, withCaller(caller, principalOf(b, caller), keys))
		if allowed || denied {
			return allowed
		}
	}
	return s.listed(b, caller, action, key, version)
}

// byItself reports whether a session is that of a service without a role.
func byItself(s *awswire.Session) bool { return s != nil && s.Service != "" && s.Source == "" }

// principalOf is who a caller is, for the policies of a bucket.
func principalOf(b *bucket, caller awswire.Caller) policy.Principal {
	if caller.Anonymous {
		return policy.Principal{Kind: policy.Anonymous}
	}
	if byItself(caller.Session) {
		return policy.Principal{Kind: policy.Service, Name: caller.Session.Service, ARN: caller.Session.Service}
	}
	who := policy.Principal{Kind: policy.Root, Account: caller.Account, ARN: "arn:" + partitionOf(b.Region) + ":iam::" + caller.Account + ":root"}
	if caller.Principal != "" {
		who.Kind, who.ARN = policy.User, caller.Principal
		if strings.Contains(caller.Principal, ":assumed-role/") {
			who.Kind = policy.Role
			if caller.Session != nil {
				who.Role = caller.Session.Source
			}
		}
	}
	return who
}

// evaluate asks a policy about a caller who is not of the owner's account; both are false where it says nothing.
func evaluate(text, name, owner string, who policy.Principal, action, on string, keys policy.Keys) (allowed, denied bool) {
	doc, err := policy.Parse(text, policy.Resource)
	if err != nil {
		return false, false
	}
	d := policy.Evaluate(&policy.Request{Principal: who, Action: action, Resource: on, Account: owner, Keys: keys},
		&policy.Policies{Resource: &policy.Named{Name: name, Document: doc},
			// What the caller's own account says is decided around the call.
			Identity: []policy.Named{{Name: "own", Document: allowAll}}})
	return d.Allowed, d.Explicit
}

var allowAll = func() *policy.Document {
	doc, err := policy.Parse(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, policy.Identity)
	if err != nil {
		panic(err) // it is a constant
	}
	return doc
}()

// byList are the actions that an object's list grants.
var byList = map[string]bool{"s3:GetObject": true, "s3:GetObjectVersion": true, "s3:GetObjectAcl": true, "s3:GetObjectVersionAcl": true,
	"s3:PutObjectAcl": true, "s3:PutObjectVersionAcl": true, "s3:GetObjectAttributes": true, "s3:GetObjectVersionAttributes": true}

// ofAnother reports whether an action, of those that lists grant, is about an object that another account than the
// bucket's owns.
func (s *Service) ofAnother(b *bucket, action, key, version string) bool {
	if !byList[action] || ownershipOf(b) == "BucketOwnerEnforced" {
		return false
	}
	info, err := s.store.Stat(b.Name, key, version)
	return err == nil && ownerOf(b, &info.Record) != b.Owner
}

// ofAnother is the service's for a request. One that makes an object asks for the list that it gives it: that of the
// object which was there before says nothing of it.
func (c *call) ofAnother(b *bucket, action, key, version string) bool {
	if action == "s3:PutObjectAcl" && c.op != nil && c.op.sub != "acl" {
		return false
	}
	return c.s.ofAnother(b, action, key, version)
}

// stillMay has what lets a change of the request's key through, which may be nil, ask again whether the caller may make it,
// with the object that is there under the key's lock: the one that was looked at when the request was let in may have been
// another's, or none. Of a bucket's own account, and where lists do not count, nobody's object makes a difference.
func (c *call) stillMay(action, key string, allow func(*objectstore.Info) error) func(*objectstore.Info) error {
	if !c.caller.Anonymous && c.caller.Account == c.b.Owner || ownershipOf(c.b) == "BucketOwnerEnforced" {
		return allow
	}
	return func(current *objectstore.Info) error {
		if current != nil && ownerOf(c.b, &current.Record) != accountOf(c.caller) {
			if err := c.authorizeVersion(action, c.b, key, ""); err != nil {
				return err
			}
		}
		if allow == nil {
			return nil
		}
		return allow(current)
	}
}

// mayBeNew reports whether an error of looking at an object says that there is none.
func mayBeNew(err error) bool {
	return errors.Is(err, objectstore.ErrNoKey) || errors.Is(err, objectstore.ErrMarker) || errors.Is(err, objectstore.ErrNoBucket)
}

// listed decides by access control lists: that of the bucket, or of the version of the object that the action is about, ""
// for the current one.
func (s *Service) listed(b *bucket, caller awswire.Caller, action, key, version string) bool {
	if ownershipOf(b) == "BucketOwnerEnforced" {
		return false
	}
	var acl *node
	need := ""
	switch action {
	case "s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads":
		acl, need = b.setting("acl"), "READ"
	case "s3:PutObject", "s3:DeleteObject":
		// It lets one write what is not there yet, and what one owns.
		switch info, err := s.store.Stat(b.Name, key, ""); {
		case err == nil && ownerOf(b, &info.Record) != accountOf(caller):
			return false
		case err != nil && !mayBeNew(err): // whose it is nobody can tell
			return false
		}
		acl, need = b.setting("acl"), "WRITE"
	case "s3:GetBucketAcl":
		acl, need = b.setting("acl"), "READ_ACP"
	case "s3:PutBucketAcl":
		acl, need = b.setting("acl"), "WRITE_ACP"
	case "s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectAcl", "s3:GetObjectVersionAcl", "s3:PutObjectAcl", "s3:PutObjectVersionAcl",
		"s3:GetObjectAttributes", "s3:GetObjectVersionAttributes":
		switch need = "READ"; {
		case strings.HasPrefix(action, "s3:Put"):
			need = "WRITE_ACP"
		case strings.HasSuffix(action, "Acl"):
			need = "READ_ACP"
		}
		info, err := s.store.Stat(b.Name, key, version)
		if account := ownerOf(b, &info.Record); strings.HasSuffix(action, "Attributes") && account == b.Owner {
			return false // of the bucket's own objects lists grant no such thing
		}
		if err != nil {
			// Who may list the bucket may know that there is no such object.
			return need == "READ" && action == "s3:GetObject" && s.listed(b, caller, "s3:ListBucket", "", "")
		}
		if text := info.Prop(propACL); text != "" {
			acl, _ = parseXML([]byte(text))
		} else if account := ownerOf(b, &info.Record); account != b.Owner {
			acl = cannedACL("private", account)
		}
	}
	for _, g := range acl.at("AccessControlList").all("Grant") {
		permission := g.text("Permission")
		if permission != need && permission != "FULL_CONTROL" {
			continue
		}
		switch uri := strings.TrimPrefix(g.text("Grantee", "URI"), groupPrefix); {
		case uri == "global/AllUsers" && !s.blocks(b, "IgnorePublicAcls"),
			uri == "global/AuthenticatedUsers" && !caller.Anonymous && !s.blocks(b, "IgnorePublicAcls"),
			g.text("Grantee", "ID") == canonicalID(accountOf(caller)):
			return true
		}
	}
	return false
}

// policyDocument is as much of a policy as is looked at here.
type policyDocument struct {
	Statement statements
}

type statements []struct {
	Effect    string
	Principal any
	// NotPrincipal lets in all but those that it names.
	NotPrincipal any
	Resource     oneOrMany
	Action       oneOrMany
	Condition    map[string]map[string]any
}

func (s *statements) UnmarshalJSON(b []byte) error {
	type plain statements
	if json.Unmarshal(b, (*plain)(s)) == nil {
		return nil
	}
	*s = make(statements, 1)
	return json.Unmarshal(b, &(*s)[0])
}

type oneOrMany []string

func (o *oneOrMany) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*o = make(oneOrMany, 1)
		return json.Unmarshal(b, &(*o)[0])
	}
	return json.Unmarshal(b, (*[]string)(o))
}

// narrowing are condition keys by which a statement for everyone is not public.
var narrowing = map[string]bool{
	"aws:sourceip": true, "aws:sourcevpc": true, "aws:sourcevpce": true, "aws:sourceaccount": true, "aws:sourcearn": true,
	"aws:principalorgid": true, "aws:principalaccount": true, "aws:principalarn": true, "aws:userid": true, "s3:dataaccesspointarn": true,
	"aws:sourceowner": true, "s3:x-amz-server-side-encryption-aws-kms-key-id": true, "s3:dataaccesspointaccount": true,
}

// isPublicPolicy reports whether a policy allows something to everyone.
func isPublicPolicy(text string) bool {
	var doc policyDocument
	if json.Unmarshal([]byte(text), &doc) != nil {
		return false
	}
	for _, s := range doc.Statement {
		if s.Effect != "Allow" || s.NotPrincipal == nil && !everyone(s.Principal) {
			continue
		}
		narrow := false
		for operator, conditions := range s.Condition {
			for key, v := range conditions {
				narrow = narrow || narrowing[strings.ToLower(key)] && narrows(operator, v)
			}
		}
		if !narrow {
			return true
		}
	}
	return false
}

// narrows reports whether a condition holds for some requests alone: not one that also holds without its key, or
// that one of its values makes hold for everybody.
func narrows(operator string, values any) bool {
	op := strings.ToLower(operator)
	if strings.Contains(op, "not") || strings.HasSuffix(op, "ifexists") || strings.HasPrefix(op, "forallvalues:") || op == "null" {
		return false
	}
	list, ok := values.([]any)
	if !ok {
		list = []any{values}
	}
	for _, v := range list {
		text, ok := v.(string)
		if !ok {
			continue // a number
		}
		if strings.Trim(text, "*?") == "" {
			return false
		}
		// (Source: "The meaning of public", blocking public access: ranges broader than /8, or /32 of IPv6, are.)
		if p, err := netip.ParsePrefix(text); err == nil && (p.Addr().Is4() && p.Bits() < 8 || p.Addr().Is6() && p.Bits() < 32) {
			return false
		}
	}
	return len(list) > 0
}

func everyone(principal any) bool {
	switch p := principal.(type) {
	case string:
		return p == "*"
	case []any:
		for _, v := range p {
			if everyone(v) {
				return true
			}
		}
	case map[string]any:
		return everyone(p["AWS"])
	}
	return false
}

func malformedPolicy(message string) *Error { return fault(400, "MalformedPolicy", message) }

func (c *call) getPolicy() error {
	text := c.b.Settings["policy"]
	if text == "" {
		return missing("NoSuchBucketPolicy", "The bucket policy does not exist").with("BucketName", c.bucket)
	}
	c.writeDocument([]byte(text), "application/json")
	return nil
}

func (c *call) putPolicy() error {
	body, err := c.readBody()
	if err != nil {
		return err
	}
	text := string(body)
	switch {
	case len(body) > 20<<10:
		return invalidArgument("Policy exceeds the maximum allowed document size.", "policy", "")
	case !strings.HasPrefix(text, "{"):
		return malformedPolicy("Policies must be valid JSON and the first byte must be '{'")
	case !json.Valid(body):
		return malformedPolicy("This policy contains invalid Json")
	}
	if err := checkPolicy(c.b, text); err != nil {
		return err
	}
	if isPublicPolicy(text) && c.s.blocks(c.b, "BlockPublicPolicy") {
		return errAccessDenied
	}
	if err := c.s.buckets.update(c.bucket, func(b *bucket) error {
		b.Settings["policy"] = text
		return nil
	}); err != nil {
		return err
	}
	return c.noContent()
}

// withoutCanonical has users that are named by their canonical ids, which S3 alone knows, be
// named in a way that every policy has.
func withoutCanonical(text string) string {
	return strings.ReplaceAll(text, `"CanonicalUser"`, `"AWS"`)
}

// wildcardMatch matches text with a pattern of "*" and "?", in a time of their product at most.
func wildcardMatch(pattern, text string) bool {
	star, from := -1, 0 // the last star, and where what it stands for ends
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func (c *call) getPolicyStatus() error {
	text := c.b.Settings["policy"]
	if text == "" {
		return missing("NoSuchBucketPolicy", "The bucket policy does not exist").with("BucketName", c.bucket)
	}
	public := "false"
	if isPublicPolicy(text) {
		public = "true"
	}
	return c.writeXML(el("PolicyStatus", leaf("IsPublic", public)))
}
