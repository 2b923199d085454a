package s3

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

var eventNames = []string{
	"s3:ReducedRedundancyLostObject", "s3:ObjectCreated:*", "s3:ObjectCreated:Put", "s3:ObjectCreated:Post", "s3:ObjectCreated:Copy",
	"s3:ObjectCreated:CompleteMultipartUpload", "s3:ObjectRemoved:*", "s3:ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated",
	"s3:ObjectRestore:*", "s3:ObjectRestore:Post", "s3:ObjectRestore:Completed", "s3:ObjectRestore:Delete", "s3:Replication:*",
	"s3:Replication:OperationFailedReplication", "s3:Replication:OperationNotTracked", "s3:Replication:OperationMissedThreshold",
	"s3:Replication:OperationReplicatedAfterThreshold", "s3:LifecycleTransition", "s3:IntelligentTiering", "s3:ObjectAcl:Put",
	"s3:LifecycleExpiration:*", "s3:LifecycleExpiration:Delete", "s3:LifecycleExpiration:DeleteMarkerCreated", "s3:ObjectTagging:*",
	"s3:ObjectTagging:Put", "s3:ObjectTagging:Delete", "s3:TestEvent",
}

// destinations are the elements of a notification configuration.
var destinations = []struct{ element, arn, kind, service string }{
	{"TopicConfiguration", "Topic", "topic", "sns"},
	{"QueueConfiguration", "Queue", "queue", "sqs"},
	{"CloudFunctionConfiguration", "CloudFunction", "function", "lambda"},
}

// ownAccount is the form of accounts in ARNs.
var ownAccount = regexp.MustCompile(`^\d{12}$`)

func (c *call) checkNotification(doc *node) error {
	const invalid = "Unable to validate the following destination configurations"
	seen := map[string]bool{}
	var tests []Target
	for _, d := range destinations {
		for _, config := range doc.all(d.element) {
			arn := config.text(d.arn)
			parts := strings.SplitN(arn, ":", 6)
			if len(parts) != 6 || parts[0] != "arn" || parts[2] != d.service {
				return invalidArgument("The ARN could not be parsed", d.arn, arn)
			}
			if !ownAccount.MatchString(parts[4]) || strings.ContainsAny(parts[5], "/% ") {
				return invalidArgument("The ARN could not be parsed", d.arn, arn)
			}
			if parts[3] != c.b.Region {
				return invalidArgument("The notification destination service region is not valid for the bucket location constraint", d.arn, arn)
			}
			if strings.HasSuffix(arn, ".fifo") {
				return invalidArgument(invalid, arn, "FIFO queues and topics are not supported as destinations")
			}
			for _, e := range config.all("Event") {
				if !slices.Contains(eventNames, e.Text) {
					return invalidArgument("The event '"+e.Text+"' is not supported for notifications", "", "")
				}
			}
			had := map[string]bool{}
			for _, rule := range config.at("Filter", "S3Key").all("FilterRule") {
				name := rule.get("Name")
				if kind := strings.ToLower(name.Text); had[kind] {
					return invalidArgument("Cannot specify more than one "+kind+" rule in a filter.", "FilterRule", "filter")
				} else {
					had[kind] = true
				}
				switch strings.ToLower(name.Text) {
				case "prefix", "suffix":
				default:
					return invalidArgument("filter rule name must be either prefix or suffix", "FilterRule.Name", name.Text)
				}
				name.Text = strings.ToUpper(name.Text[:1]) + strings.ToLower(name.Text[1:])
			}
			if config.text("Id") == "" {
				config.Kids = slices.DeleteFunc(config.Kids, func(k *node) bool { return k.Name == "Id" })
				config.Kids = append([]*node{leaf("Id", uuid.NewString())}, config.Kids...)
			}
			id := config.text("Id")
			if seen[id] {
				return invalidArgument("Configuration IDs must be unique", "Id", id)
			}
			seen[id] = true
			if strings.EqualFold(c.header("X-Amz-Skip-Destination-Validation"), "true") {
				continue
			}
			tests = append(tests, Target{d.kind, arn, id})
		}
	}
	if err := checkOverlap(doc); err != nil {
		return err
	}
	notifier := c.s.notifier.Load()
	if notifier == nil {
		return nil
	}
	refused, n := invalidArgument(invalid, "", ""), 0
	for _, t := range tests {
		if err := (*notifier).Reaches(c.ctx, c.bucket, c.b.Owner, c.b.Region, t); err != nil {
			n++
			name := t.ARN
			if t.Kind == "function" {
				name += ", null" // as AWS says it
			}
			refused = refused.with("ArgumentName"+strconv.Itoa(n), name).with("ArgumentValue"+strconv.Itoa(n), err.Error())
		}
	}
	if n > 0 {
		return refused
	}
	return nil
}

// ruleOf is the value of a filter rule.
func ruleOf(config *node, name string) string {
	for _, rule := range config.at("Filter", "S3Key").all("FilterRule") {
		if strings.EqualFold(rule.text("Name"), name) {
			v := rule.text("Value")
			if plain, err := url.QueryUnescape(v); err == nil {
				return plain
			}
			return v
		}
	}
	return ""
}

// checkOverlap refuses two configurations that the same event of the same key would match.
func checkOverlap(doc *node) error {
	var all []*node
	for _, d := range destinations {
		all = append(all, doc.all(d.element)...)
	}
	for i, a := range all {
		for _, b := range all[:i] {
			p, q := ruleOf(a, "prefix"), ruleOf(b, "prefix")
			s, t := ruleOf(a, "suffix"), ruleOf(b, "suffix")
			if (strings.HasPrefix(p, q) || strings.HasPrefix(q, p)) && (strings.HasSuffix(s, t) || strings.HasSuffix(t, s)) && shareEvent(a, b) {
				return invalidArgument("Configurations overlap. Configurations on the same bucket cannot share a common event type.", "", "")
			}
		}
	}
	return nil
}

func shareEvent(a, b *node) bool {
	for _, x := range a.all("Event") {
		for _, y := range b.all("Event") {
			p, all := strings.CutSuffix(x.Text, "*")
			q, any := strings.CutSuffix(y.Text, "*")
			if x.Text == y.Text || all && strings.HasPrefix(y.Text, p) || any && strings.HasPrefix(x.Text, q) {
				return true
			}
		}
	}
	return false
}

// awsOwner is the caller that a bucket's own rules act for.
func awsOwner(b *bucket) awswire.Caller {
	return awswire.Caller{Account: b.Owner, Region: b.Region, RequestID: awswire.NewRequestID(), Session: &awswire.Session{Service: itself}}
}

// notify tells of a change that is on disk already, before the client hears of it.
func (c *call) notify(name string, info *objectstore.Info) {
	c.s.tell(c.announce(name, info.Key), info)
}

func (s *Service) notify(b *bucket, name string, info *objectstore.Info) {
	s.tell(s.announce(context.Background(), b, awsOwner(b), "", name, info.Key), info)
}

// notifyMoved tells that a rule has moved an object to a storage class.
func (s *Service) notifyMoved(b *bucket, class string, info *objectstore.Info) {
	a := s.announce(context.Background(), b, awsOwner(b), "", "LifecycleTransition", info.Key)
	if a != nil {
		a.e.Class = class
	}
	s.tell(a, info)
}

// notifyRestored tells that an archived object can be read until then.
func (c *call) notifyRestored(info *objectstore.Info, until time.Time) {
	a := c.announce("ObjectRestore:Completed", info.Key)
	if a != nil {
		a.e.Principal, a.e.Address = "AmazonCustomer:"+canonicalID(c.b.Owner), itself
		a.e.Class, a.e.Until = info.Prop(propClass), until
	}
	c.s.tell(a, info)
}

// notifyRestoring tells that an archived object is about to be restored.
func (c *call) notifyRestoring(info *objectstore.Info) {
	a := c.announce("ObjectRestore:Post", info.Key)
	if a != nil {
		a.e.Class = info.Prop(propClass)
	}
	c.s.tell(a, info)
}

func (s *Service) tell(a *announcement, info *objectstore.Info) {
	if a == nil {
		return
	}
	a.e.fill(a.b, info)
	a.e.Made = true
	if err := a.begin(nil, nil); err != nil {
		s.log.Error("s3: an event is lost", "bucket", a.e.Bucket, "key", a.e.Key, "event", a.e.Name, "error", err)
		return
	}
	a.end(info, nil)
}

func wantsEvent(config *node, name, key string) bool {
	if !slices.ContainsFunc(config.all("Event"), func(e *node) bool {
		want := strings.TrimPrefix(e.Text, "s3:")
		prefix, all := strings.CutSuffix(want, "*")
		return want == name || all && strings.HasPrefix(name, prefix)
	}) {
		return false
	}
	for _, rule := range config.at("Filter", "S3Key").all("FilterRule") {
		v := rule.text("Value")
		if plain, err := url.QueryUnescape(v); err == nil {
			v = plain
		}
		if rule.text("Name") == "Prefix" && !strings.HasPrefix(key, v) || rule.text("Name") == "Suffix" && !strings.HasSuffix(key, v) {
			return false
		}
	}
	return true
}
