package s3

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// Event is something that has happened to an object.
type Event struct {
	Name      string // "ObjectCreated:Put"
	Time      time.Time
	Region    string
	Bucket    string
	Owner     string // account of the bucket
	Key       string
	Size      int64
	ETag      string
	VersionID string // empty where the bucket has no versions
	Caller    awswire.Caller
	Removal   bool // there is no size and no etag
}

// Target is where an event is to go.
type Target struct {
	Kind string // "queue", "function", "eventbridge"
	ARN  string // empty for EventBridge
	ID   string // of the configuration
}

// Notifier takes events on their way. It is called when the change is on disk, and must not
// wait; ctx is that of the request, and may end before the event has arrived.
type Notifier interface {
	// Reaches returns nil if there can be events to a target; the error is the client's.
	Reaches(ctx context.Context, t Target) error
	Notify(ctx context.Context, e Event, t Target)
}

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

func (c *call) checkNotification(doc *node) error {
	const invalid = "Unable to validate the following destination configurations"
	seen := map[string]bool{}
	for _, d := range destinations {
		for _, config := range doc.all(d.element) {
			arn := config.text(d.arn)
			parts := strings.SplitN(arn, ":", 6)
			if len(parts) != 6 || parts[0] != "arn" || parts[2] != d.service {
				return invalidArgument("The ARN could not be parsed", d.arn, arn)
			}
			for _, e := range config.all("Event") {
				if !slices.Contains(eventNames, e.Text) {
					return invalidArgument("The event '"+e.Text+"' is not supported for notifications", "", "")
				}
			}
			for _, rule := range config.at("Filter", "S3Key").all("FilterRule") {
				name := rule.get("Name")
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
			if d.kind == "topic" {
				return fault(501, "NotImplemented", "Notifications to SNS topics are not supported: there is no SNS. Use a queue or a function.")
			}
			if to := c.s.cfg.Notify; to != nil {
				if err := to.Reaches(c.ctx, Target{d.kind, arn, id}); err != nil {
					return invalidArgument(invalid, arn, err.Error())
				}
			}
		}
	}
	return nil
}

// awsOwner is the caller that a bucket's own rules act for.
func awsOwner(b *bucket) awswire.Caller { return awswire.Caller{Account: b.Owner, Region: b.Region} }

// notify tells of an event, after its change is on disk.
func (c *call) notify(name string, info *objectstore.Info) {
	c.s.notify(c.b, c.caller, name, info)
}

func (s *Service) notify(b *bucket, caller awswire.Caller, name string, info *objectstore.Info) {
	if s.cfg.Notify == nil {
		return
	}
	config := b.setting("notification")
	if config == nil {
		return
	}
	e := Event{
		Name: name, Time: s.clock.Now().UTC(), Region: b.Region, Bucket: b.Name, Owner: b.Owner, Key: info.Key, Caller: caller,
		Removal: strings.HasPrefix(name, "ObjectRemoved:") || strings.HasPrefix(name, "LifecycleExpiration:"),
	}
	if !e.Removal {
		e.Size, e.ETag = sizeOf(info), info.ETag
	}
	if b.Versioning != "" && info.Version != "" {
		e.VersionID = info.Version
	}
	ctx := awswire.WithCaller(context.Background(), awsOwner(b))
	for _, d := range destinations {
		for _, config := range config.all(d.element) {
			if wantsEvent(config, name, info.Key) {
				s.cfg.Notify.Notify(ctx, e, Target{d.kind, config.text(d.arn), config.text("Id")})
			}
		}
	}
	if config.get("EventBridgeConfiguration") != nil {
		s.cfg.Notify.Notify(ctx, e, Target{Kind: "eventbridge"})
	}
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
