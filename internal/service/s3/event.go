package s3

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// Event is something that happens to an object.
type Event struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"` // "ObjectCreated:Put"
	Time      time.Time `json:"time"`
	Region    string    `json:"region"`
	Bucket    string    `json:"bucket"`
	Owner     string    `json:"owner"` // account of the bucket
	Key       string    `json:"key"`
	Size      int64     `json:"size,omitempty"`
	ETag      string    `json:"etag,omitempty"`
	VersionID string    `json:"version,omitempty"`   // empty where the bucket has no versions
	Principal string    `json:"principal"`           // whose request it was
	Requester string    `json:"requester,omitempty"` // whose account, or which service, that is
	RequestID string    `json:"request,omitempty"`
	Address   string    `json:"address,omitempty"`
	Sequencer string    `json:"sequencer"`
	Trace     string    `json:"trace,omitempty"`   // the chain of requests that the change belongs to
	Removal   bool      `json:"removal,omitempty"` // there is no size and no etag
	Class     string    `json:"class,omitempty"`   // storage class that an object was moved to, or restored from
	Until     time.Time `json:"until,omitzero"`    // when the copy of a restored object goes

	// These tell, after a crash, whether there was the change. Before is what it found; nil: no object.
	// After is what it makes; nil: a delete marker, or nothing. Of is the id of the version that it makes or
	// deletes; empty in a bucket without versions. Made: it was made before the event was put on disk.
	Before *state `json:"before,omitempty"`
	After  *state `json:"after,omitempty"`
	Of     string `json:"of,omitempty"`
	Made   bool   `json:"made,omitempty"`
}

// state is what an object is, as far as two states of it differ.
type state struct {
	Version string    `json:"version,omitempty"`
	ETag    string    `json:"etag,omitempty"`
	Time    time.Time `json:"time"` // of its data
}

func stateOf(info *objectstore.Info) *state {
	if info == nil {
		return nil
	}
	return &state{info.Version, info.ETag, info.ModTime.UTC()}
}

// Target is where an event is to go.
type Target struct {
	Kind string `json:"kind"` // "queue", "topic", "function", "bus", or "bucket" of a replica
	ARN  string `json:"arn"`
	ID   string `json:"id"` // of the configuration
}

// Notifier takes events on their way.
type Notifier interface {
	// Reaches sends a target what tests it; the error says, to the client, why events do not get there.
	Reaches(ctx context.Context, bucket, owner, region string, t Target) error
	// Begin is called before a change, and returns when its event is on disk for all targets. Until the
	// notice is ended nothing is delivered; when the process dies before, what is on disk of the object decides.
	Begin(ctx context.Context, e Event, to []Target) (Notice, error)
	// Settle is called before a version is deleted for good, which is what tells after a crash that it was
	// made: events of it that wait are put down as those of changes that were made.
	Settle(bucket, key, version string) error
}

// Notice is an event whose change is under way. One of the methods is called, once.
type Notice interface {
	Done(e Event) // the change is on disk, and the event is what it has become
	Cancel()      // there was none
}

// arnOf is the ARN of the event's bucket.
func (e *Event) arnOf() string { return arn.Bucket(e.Region, e.Bucket) }

// fill takes what the change has made of the object.
func (e *Event) fill(b *bucket, info *objectstore.Info) {
	if !e.Removal {
		e.Size, e.ETag = sizeOf(info), info.ETag
	}
	if b.Versioning != "" && info.Version != "" {
		e.VersionID = info.Version
	}
}

// principalID names the caller as records do.
func principalID(c *awswire.Caller) string {
	switch {
	case c.Anonymous:
		return "Anonymous"
	case c.Session != nil && c.Session.ID != "":
		return "AWS:" + c.Session.ID
	case c.Session != nil && c.Session.Service != "" && c.Session.Source == "":
		return c.Session.Service
	case c.Principal != "":
		return "AWS:" + c.Principal[strings.LastIndexByte(c.Principal, '/')+1:]
	}
	return "AWS:" + c.Account
}

// requester is the account of the caller, or the service that it is.
func requester(c *awswire.Caller) string {
	if c.Session != nil && c.Session.Service != "" && c.Session.Source == "" {
		return c.Session.Service
	}
	return c.Of()
}

// eventKey is a key as records have it.
func eventKey(key string) string { return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/") }

// emptyETag is the ETag of no bytes, which records give to delete markers.
const emptyETag = "d41d8cd98f00b204e9800998ecf8427e"

// record is the document that a target gets. (What each event has: recordings of AWS, and "Configuring S3 Lifecycle event
// notifications" in the user guide.)
func (e *Event) record(configuration string) ([]byte, error) {
	object := map[string]any{"key": eventKey(e.Key), "sequencer": e.Sequencer}
	if !e.Removal {
		object["size"], object["eTag"] = e.Size, e.ETag
	}
	if strings.HasSuffix(e.Name, ":DeleteMarkerCreated") {
		object["eTag"] = emptyETag
	}
	version := "2.1"
	var restored, moved, tiered map[string]any
	switch kind, _, _ := strings.Cut(e.Name, ":"); kind {
	case "ObjectTagging", "ObjectAcl": // of the same data
		version = "2.3"
		delete(object, "size")
		delete(object, "sequencer")
	case "LifecycleExpiration":
		version = "2.3"
	case "ObjectRestore":
		if e.Name == "ObjectRestore:Delete" {
			version = "2.3"
		}
	case "IntelligentTiering":
		version = "2.3"
		delete(object, "sequencer")
		tiered = map[string]any{"destinationAccessTier": e.Class}
	case "LifecycleTransition":
		version = "2.3"
		moved = map[string]any{"transitionEventData": map[string]string{"destinationStorageClass": e.Class}}
	}
	if !e.Until.IsZero() {
		restored = map[string]any{"restoreEventData": map[string]string{"lifecycleRestorationExpiryTime": recordTime(e.Until), "lifecycleRestoreStorageClass": e.Class}}
	}
	if e.VersionID != "" {
		object["versionId"] = e.VersionID
	}
	type identity struct {
		PrincipalID string `json:"principalId"`
	}
	type bucketOf struct {
		Name  string   `json:"name"`
		Owner identity `json:"ownerIdentity"`
		ARN   string   `json:"arn"`
	}
	type about struct {
		Version       string         `json:"s3SchemaVersion"`
		Configuration string         `json:"configurationId"`
		Bucket        bucketOf       `json:"bucket"`
		Object        map[string]any `json:"object"`
	}
	type record struct {
		Version    string            `json:"eventVersion"`
		Source     string            `json:"eventSource"`
		Region     string            `json:"awsRegion"`
		Time       string            `json:"eventTime"`
		Name       string            `json:"eventName"`
		Identity   identity          `json:"userIdentity"`
		Parameters map[string]string `json:"requestParameters"`
		Response   map[string]string `json:"responseElements"`
		S3         about             `json:"s3"`
		Restored   map[string]any    `json:"glacierEventData,omitempty"`
		Moved      map[string]any    `json:"lifecycleEventData,omitempty"`
		Tiered     map[string]any    `json:"intelligentTieringEventData,omitempty"`
	}
	return json.Marshal(map[string][]record{"Records": {{
		Version: version, Source: "aws:s3", Region: e.Region, Time: recordTime(e.Time), Name: e.Name,
		Identity: identity{e.Principal}, Parameters: map[string]string{"sourceIPAddress": e.Address},
		Response: map[string]string{"x-amz-request-id": e.RequestID, "x-amz-id-2": hostID(e.RequestID)},
		S3:       about{"1.0", configuration, bucketOf{e.Bucket, identity{canonicalID(e.Owner)}, e.arnOf()}, object},
		Restored: restored, Moved: moved, Tiered: tiered,
	}}})
}

// recordTime is a time as records have it.
func recordTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// testEvent is what a queue and a topic get when they are configured.
func testEvent(bucket, request string, now time.Time) []byte {
	b, _ := json.Marshal(struct { // of texts alone
		Service, Event, Time, Bucket, RequestID, HostID string
	}{"Amazon S3", "s3:TestEvent", recordTime(now), bucket, request, hostID(request)})
	return []byte(strings.NewReplacer(`"RequestID"`, `"RequestId"`, `"HostID"`, `"HostId"`).Replace(string(b)))
}

// announcement is an event that is wanted, around the change that makes it. nil: nobody wants it.
type announcement struct {
	s      *Service
	b      *bucket
	ctx    context.Context
	e      Event
	to     []Target
	copied bool // the bucket is replicated, perhaps not this object
	notice Notice

	notifier Notifier // of when it was announced: a node that ends has none
}

// itself is S3 where no client asked for a change: the address, and the principal, of its record.
const itself = "s3.amazonaws.com"

// announce returns the announcement of a change that is about to be made. The address is the client's; empty: S3 makes
// the change itself.
func (s *Service) announce(ctx context.Context, b *bucket, caller awswire.Caller, address, name, key string) *announcement {
	notifier := s.notifier.Load()
	if notifier == nil {
		return nil
	}
	config := b.setting("notification")
	made := strings.HasPrefix(name, "ObjectCreated:") || name == "ObjectRemoved:DeleteMarkerCreated"
	copied := made && b.setting("replication") != nil
	if config == nil && !copied {
		return nil
	}
	var to []Target
	for _, d := range destinations {
		for _, c := range config.all(d.element) {
			if wantsEvent(c, name, key) {
				to = append(to, Target{d.kind, c.text(d.arn), c.text("Id")})
			}
		}
	}
	if config != nil && config.get("EventBridgeConfiguration") != nil && detailType(name) != "" {
		to = append(to, Target{Kind: busTarget})
	}
	if len(to) == 0 && !copied {
		return nil
	}
	if address == "" {
		address = itself
	}
	return &announcement{s: s, notifier: *notifier, b: b, ctx: ctx, to: to, copied: copied, e: Event{
		Name: name, Region: b.Region, Bucket: b.Name, Owner: b.Owner, Key: key, Principal: principalID(&caller), Requester: requester(&caller), RequestID: caller.RequestID, Address: address,
		Removal: strings.HasPrefix(name, "ObjectRemoved:") || strings.HasPrefix(name, "LifecycleExpiration:"),
	}}
}

// announce is Service.announce for the request.
func (c *call) announce(name, key string) *announcement {
	address := "127.0.0.1"
	if c.r != nil && c.r.RemoteAddr != "" {
		address = c.r.RemoteAddr
		if i := strings.LastIndexByte(address, ':'); i > 0 {
			address = strings.Trim(address[:i], "[]")
		}
	}
	return c.s.announce(c.ctx, c.b, c.caller, address, name, key)
}

func (s *state) is(now *state) bool {
	return s.Version == now.Version && s.ETag == now.ETag && s.Time.Equal(now.Time)
}

// begin puts the event on disk. current is what the change finds, nil: no object; next is what it makes, nil: nothing.
func (a *announcement) begin(current, next *objectstore.Info) error {
	if a == nil {
		return nil
	}
	if a.notice != nil { // the change begins again
		a.notice.Cancel()
		a.notice = nil
	}
	a.e.Before, a.e.After = stateOf(current), nil
	if next != nil {
		a.e.fill(a.b, next)
		if a.b.Versioning != "" {
			a.e.Of = next.VersionID()
		}
		if !next.Marker {
			a.e.After = stateOf(next)
		}
	}
	a.e.ID, a.e.Time, a.e.Sequencer = awswire.NewRequestID(), a.s.clock.Now().UTC(), a.s.sequencer()
	to := a.to
	if a.copied {
		to = append(slices.Clone(to), replicas(a.b, next)...)
	}
	if len(to) == 0 {
		return nil
	}
	notice, err := a.notifier.Begin(a.ctx, a.e, to)
	if err != nil {
		return fmt.Errorf("keep the event of a change: %w", err)
	}
	a.notice = notice
	return nil
}

// check is a check of the store that begins when allow, which may be nil, lets the change through.
func (a *announcement) check(allow func(*objectstore.Info) error) func(current, next *objectstore.Info) error {
	return func(current, next *objectstore.Info) error {
		if allow != nil {
			if err := allow(current); err != nil {
				return err
			}
		}
		return a.begin(current, next)
	}
}

// end reports what has become of the change.
func (a *announcement) end(info *objectstore.Info, err error) {
	switch {
	case a == nil || a.notice == nil:
	case err != nil || info == nil:
		a.notice.Cancel()
	default:
		a.e.fill(a.b, info)
		a.notice.Done(a.e)
	}
}

// sequencer grows from event to event.
func (s *Service) sequencer() string {
	for {
		was := s.lastEvent.Load()
		next := max(was+1, s.clock.Now().UnixNano())
		if s.lastEvent.CompareAndSwap(was, next) {
			return fmt.Sprintf("00%016X", next)
		}
	}
}

// Notify sets who takes events from now on; nil: nobody is told.
func (s *Service) Notify(n Notifier) {
	if n == nil {
		s.notifier.Store(nil)
		return
	}
	s.notifier.Store(&n)
}
