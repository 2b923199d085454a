package s3

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
)

// Events of buckets for EventBridge: each event of a bucket whose notification configuration has an EventBridgeConfiguration
// goes to the default bus of the bucket's account and region. (What each has: recordings of AWS, and "EventBridge event
// message structure" in the user guide.)

// Buses takes events for the default bus of an account and region. The same id is the same event; the detail is a JSON
// object. What it returned without an error is on disk.
type Buses interface {
	PutServiceEvent(account, region, source, detailType, id string, at time.Time, resources []string, detail []byte) error
}

// busTarget is the kind of the target of all events, which has no ARN.
const busTarget = "bus"

// detailTypes are the types of events on a bus by the names that they have otherwise, or by the kinds of those.
var detailTypes = map[string]string{
	"ObjectCreated": "Object Created", "ObjectRemoved": "Object Deleted", "LifecycleExpiration": "Object Deleted", "ObjectRestore:Post": "Object Restore Initiated",
	"ObjectRestore:Completed": "Object Restore Completed", "ObjectRestore:Delete": "Object Restore Expired", "ObjectTagging:Put": "Object Tags Added",
	"ObjectTagging:Delete": "Object Tags Deleted", "ObjectAcl:Put": "Object ACL Updated", "LifecycleTransition": "Object Storage Class Changed",
	"IntelligentTiering": "Object Access Tier Changed",
}

// reasons are why an object is there or is not, as the API's operations are called.
var reasons = map[string]string{
	"ObjectCreated:Put": "PutObject", "ObjectCreated:Post": "POST Object", "ObjectCreated:Copy": "CopyObject", "ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
	"ObjectRemoved:Delete": "DeleteObject", "ObjectRemoved:DeleteMarkerCreated": "DeleteObject",
	"LifecycleExpiration:Delete": "Lifecycle Expiration", "LifecycleExpiration:DeleteMarkerCreated": "Lifecycle Expiration",
}

// detailType is the type of an event on a bus; empty: there is none.
func detailType(name string) string {
	if t := detailTypes[name]; t != "" {
		return t
	}
	kind, _, _ := strings.Cut(name, ":")
	return detailTypes[kind]
}

// detail is what a bus gets about an event.
func (e *Event) detail() ([]byte, error) {
	type object struct {
		Key       string `json:"key"`
		Size      *int64 `json:"size,omitempty"`
		ETag      string `json:"etag,omitempty"`
		VersionID string `json:"version-id,omitempty"`
		Sequencer string `json:"sequencer,omitempty"`
	}
	type bucketOf struct {
		Name string `json:"name"`
	}
	d := struct {
		Version      string   `json:"version"`
		Bucket       bucketOf `json:"bucket"`
		Object       object   `json:"object"`
		RequestID    string   `json:"request-id"`
		Requester    string   `json:"requester"`
		Address      string   `json:"source-ip-address,omitempty"`
		Reason       string   `json:"reason,omitempty"`
		DeletionType string   `json:"deletion-type,omitempty"`
		Restored     string   `json:"restore-expiry-time,omitempty"`
		From         string   `json:"source-storage-class,omitempty"`
		To           string   `json:"destination-storage-class,omitempty"`
		Tier         string   `json:"destination-access-tier,omitempty"`
	}{
		Version: "0", Bucket: bucketOf{e.Bucket}, Object: object{Key: e.Key, ETag: e.ETag, VersionID: e.VersionID}, RequestID: e.RequestID, Requester: e.Requester, Address: e.Address,
		Reason: reasons[e.Name],
	}
	if d.Requester == "" { // of an earlier version of this program
		d.Requester = e.Owner
	}
	if e.Address == itself {
		d.Requester, d.Address = itself, ""
	}
	kind, what, _ := strings.Cut(e.Name, ":")
	switch kind {
	case "ObjectCreated":
		d.Object.Size, d.Object.Sequencer = &e.Size, e.Sequencer
	case "ObjectRemoved", "LifecycleExpiration":
		d.Object.ETag, d.Object.Sequencer, d.DeletionType = "", e.Sequencer, "Permanently Deleted"
		if what == "DeleteMarkerCreated" {
			d.Object.ETag, d.DeletionType = emptyETag, "Delete Marker Created"
		}
	case "ObjectRestore":
		d.Object.Size, d.From = &e.Size, e.Class
		if !e.Until.IsZero() {
			d.Restored = e.Until.UTC().Format("2006-01-02T15:04:05Z")
		}
	case "LifecycleTransition":
		d.Object.Size, d.To = &e.Size, e.Class
	case "IntelligentTiering":
		d.Object.Size, d.Tier = &e.Size, e.Class
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(d)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// toBus puts an event on the default bus.
func (v *Events) toBus(e *Event) error {
	detail, err := e.detail()
	if err != nil {
		return err
	}
	return v.c.Buses.PutServiceEvent(e.Owner, e.Region, "aws.s3", detailType(e.Name), e.ID, e.Time, []string{e.arnOf()}, detail)
}
