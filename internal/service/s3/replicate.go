package s3

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/objectstore"
)

// Replication to other buckets of the node. What a rule is for is put down with the change itself, as its events are
// (events.go), so that it is not lost in a crash, and done behind it. A replica has the id of the version that it is a
// copy of: doing it again does nothing, and replicas that come in another order are in the right one.
//
// Left out: changes of tags, lists and locks of an object that is there, objects that were there before the rule,
// metrics, and limits of time. Deletions of versions are not replicated, as on AWS.

const (
	propReplication = "replication"
	replicaTarget   = "bucket" // Target.Kind

	replicationPending = "PENDING"
	replicationDone    = "COMPLETED"
	replicationFailed  = "FAILED"
	replicaStatus      = "REPLICA"
)

// replicationRules returns the rules that an object is replicated by, one a destination: that of the highest priority.
func replicationRules(b *bucket, info *objectstore.Info) []*node {
	if b.Versioning != "Enabled" || info.Prop(propReplication) == replicaStatus {
		return nil
	}
	best := map[string]*node{}
	priority := func(rule *node) int { n, _ := rule.number("Priority"); return n }
	for _, rule := range b.setting("replication").all("Rule") {
		to := rule.text("Destination", "Bucket")
		if rule.text("Status") != "Enabled" || to == arnOf(b, "") || !ruleApplies(rule, info) {
			continue
		}
		if info.Marker && (rule.text("DeleteMarkerReplication", "Status") == "Disabled" || rule.get("Filter") != nil && rule.text("DeleteMarkerReplication", "Status") != "Enabled") {
			continue
		}
		if strings.HasPrefix(info.Prop(propSSE), "aws:kms") && rule.text("SourceSelectionCriteria", "SseKmsEncryptedObjects", "Status") != "Enabled" {
			continue
		}
		if was := best[to]; was == nil || priority(rule) > priority(was) {
			best[to] = rule
		}
	}
	var rules []*node
	for _, rule := range b.setting("replication").all("Rule") {
		if best[rule.text("Destination", "Bucket")] == rule {
			rules = append(rules, rule)
		}
	}
	return rules
}

// replicated notes in the record of an object that is made whether it is to be replicated.
func (c *call) replicated(key string, r *objectstore.Record) {
	r.SetProp(propReplication, "")
	if len(replicationRules(c.b, &objectstore.Info{Key: key, Record: *r})) > 0 {
		r.SetProp(propReplication, replicationPending)
	}
}

// replicas are the targets of a change that makes a version.
func replicas(b *bucket, next *objectstore.Info) (to []Target) {
	if next == nil || !next.Marker && next.Prop(propReplication) != replicationPending {
		return nil
	}
	for _, rule := range replicationRules(b, next) {
		to = append(to, Target{Kind: replicaTarget, ARN: rule.text("Destination", "Bucket"), ID: rule.text("ID")})
	}
	return to
}

// errNoReplica is final: the replica cannot be made.
func errNoReplica(message string) error {
	return &smithy.GenericAPIError{Code: "ReplicationFailed", Message: message, Fault: smithy.FaultClient}
}

// replicate makes a replica of the version that an event is of. An error of a client's fault is final.
func (s *Service) replicate(ctx context.Context, e *Event, t Target) error {
	b := s.buckets.get(e.Bucket)
	if b == nil {
		return nil
	}
	rule := ruleOfID(b, t)
	if rule == nil {
		return nil // it is no longer wanted
	}
	info, f, err := s.store.Open(e.Bucket, e.Key, e.Of)
	switch {
	case errors.Is(err, objectstore.ErrMarker), err == nil:
	case errors.Is(err, objectstore.ErrNoVersion), errors.Is(err, objectstore.ErrNoKey):
		return nil // deleted since
	default:
		return err
	}
	if f != nil {
		defer f.Close() // it is only read
	}
	err = s.copyReplica(ctx, b, rule, &info, f)
	status := replicationDone
	var final *smithy.GenericAPIError
	if err != nil {
		if !errors.As(err, &final) {
			return err
		}
		status = replicationFailed
	}
	if info.Marker {
		return err
	}
	_, aerr := s.store.Amend(e.Bucket, e.Key, e.Of, func(now *objectstore.Info) error {
		if was := now.Prop(propReplication); was == replicationFailed || was == "" {
			return errMoved // one of its destinations has failed
		}
		now.SetProp(propReplication, status)
		return nil
	})
	switch {
	case aerr != nil && !errors.Is(aerr, errMoved) && !errors.Is(aerr, objectstore.ErrNoVersion) && !errors.Is(aerr, objectstore.ErrNoKey):
		return aerr
	case final != nil:
		s.notify(b, "Replication:OperationFailedReplication", &info)
		return final
	}
	return nil
}

func ruleOfID(b *bucket, t Target) *node {
	rules := b.setting("replication").all("Rule")
	i := slices.IndexFunc(rules, func(rule *node) bool {
		return rule.text("ID") == t.ID && rule.text("Destination", "Bucket") == t.ARN && rule.text("Status") == "Enabled"
	})
	if i < 0 {
		return nil
	}
	return rules[i]
}

// copyReplica puts the replica into its bucket.
func (s *Service) copyReplica(ctx context.Context, b *bucket, rule *node, info *objectstore.Info, f objectstore.Data) error {
	a, _ := arn.Parse(rule.text("Destination", "Bucket"))
	to := s.buckets.get(a.Resource)
	switch {
	case to == nil:
		return errNoReplica("The destination bucket does not exist.")
	case to.Versioning != "Enabled":
		return errNoReplica("The destination bucket does not keep versions.")
	case info.Prop(propKeyMD5) != "" && blocksEncryption(to, "SSE-C"):
		return errNoReplica("The destination bucket takes no objects with keys of customers.")
	}
	role := b.setting("replication").text("Role")
	ctx = awswire.Acting(ctx, b.Owner, b.Region, itself, role, arnOf(b, ""))
	read, write := "s3:GetObjectVersionForReplication", "s3:ReplicateObject"
	if info.Marker {
		write = "s3:ReplicateDelete"
	}
	for _, ask := range []struct {
		action string
		b      *bucket
	}{{read, b}, {write, to}} {
		if err := s.Allow(ctx, ask.action, ask.b.Name, info.Key); IsAccessDenied(err) {
			return errNoReplica("The role of the replication may not " + ask.action + ".")
		} else if err != nil {
			return err
		}
	}
	r := info.Record
	r.Upload = ""
	if !r.Marker {
		r.SetProp(propReplication, replicaStatus)
		r.SetProp(propRestored, "")
		r.SetProp(propTier, "")
		r.SetProp(propUsed, "")
		if class := rule.text("Destination", "StorageClass"); class != "" {
			if class == "STANDARD" {
				class = ""
			}
			r.SetProp(propClass, class)
		}
		if key := rule.text("Destination", "EncryptionConfiguration", "ReplicaKmsKeyID"); key != "" && r.Prop(propSSE) != "" {
			r.SetProp(propKMSKey, key)
		}
		// A replica is of who owns its source, unless the rule leaves it to the destination.
		account := ownerOf(b, &r)
		if rule.text("Destination", "AccessControlTranslation", "Owner") != "" {
			r.SetProp(propACL, "")
			account = to.Owner
		}
		if account == to.Owner {
			account = "" // as any object of the bucket
		}
		r.SetProp(propOwner, account)
		if !to.Lock {
			for _, name := range []string{propLockMode, propLockUntil, propHold} {
				r.SetProp(name, "")
			}
		}
	}
	var body io.Reader
	if f != nil {
		body = f
	}
	name := "ObjectCreated:Put"
	if r.Marker {
		name = "ObjectRemoved:DeleteMarkerCreated"
	}
	event := s.announce(ctx, to, awswire.CallerFrom(ctx), "", name, info.Key)
	made, err := s.store.Put(ctx, to.Name, info.Key, objectstore.Put{Body: body, Size: info.Size, Record: r, Replica: info.Version, Check: event.check(nil)})
	event.end(&made, err)
	switch {
	case errors.Is(err, objectstore.ErrUnversioned):
		return errNoReplica("The destination bucket does not keep versions.")
	case errors.Is(err, objectstore.ErrNoBucket):
		return errNoReplica("The destination bucket does not exist.")
	}
	return err
}
