package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
)

const (
	maxPut    = 1 << 20 // bytes of the entries of a call
	maxNested = 1000    // levels of a detail
)

// event is one on its way.
type event struct {
	ID         string
	Account    string // of who put it
	Region     string
	Source     string
	DetailType string
	Time       time.Time
	Resources  []string
	Detail     []byte // a JSON object
	replay     string // name of the replay that it comes of; empty: none
	trace      string
	ingested   time.Time
	hops       int // buses that it has come through by rules
}

const timeForm = "2006-01-02T15:04:05Z"

// encode is the event as targets get it.
func (e *event) encode() ([]byte, error) {
	resources := e.Resources
	if resources == nil {
		resources = []string{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(struct {
		Version    string          `json:"version"`
		ID         string          `json:"id"`
		DetailType string          `json:"detail-type"`
		Source     string          `json:"source"`
		Account    string          `json:"account"`
		Time       string          `json:"time"`
		Region     string          `json:"region"`
		Replay     string          `json:"replay-name,omitempty"`
		Resources  []string        `json:"resources"`
		Detail     json.RawMessage `json:"detail"`
	}{"0", e.ID, e.DetailType, e.Source, e.Account, e.Time.UTC().Format(timeForm), e.Region, e.replay, resources, e.Detail})
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func sizeOf(e *types.PutEventsRequestEntry) int {
	n := len(aws.ToString(e.Source)) + len(aws.ToString(e.DetailType)) + len(aws.ToString(e.Detail))
	if e.Time != nil {
		n += 14
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

// failed is the answer for an entry that was not taken.
func failed(code, format string, args ...any) types.PutEventsResultEntry {
	return types.PutEventsResultEntry{ErrorCode: &code, ErrorMessage: sprintf(format, args...)}
}

// PutEvents takes up to ten events of 1 MiB together. Each that has an id in the answer is on disk for all targets that want
// it; one for a bus of the caller's that is not there has one too, as on AWS, and goes nowhere.
func (s *Service) PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	if in.EndpointId != nil {
		return nil, refused("global endpoints", "Put the events on a bus.")
	}
	total := 0
	for i := range in.Entries {
		total += sizeOf(&in.Entries[i])
	}
	if total > maxPut {
		return nil, invalid("Total size of the entries in the request is over the limit.")
	}
	out := &eventbridge.PutEventsOutput{Entries: make([]types.PutEventsResultEntry, len(in.Entries))}
	p := &posting{s: s}
	var err error
	for i := range in.Entries {
		var failure error
		out.Entries[i], failure = s.putEntry(ctx, p, i, &in.Entries[i])
		err = errors.Join(err, failure)
	}
	if err = errors.Join(err, p.flush()); err != nil {
		s.log.Error("events could not be kept for their targets", "account", awswire.CallerFrom(ctx).Account, "error", err)
	}
	for i := range out.Entries {
		if err != nil && out.Entries[i].ErrorCode == nil { // which of them are on disk nobody knows
			out.Entries[i] = failed("InternalFailure", "The event could not be kept: try again.")
		}
		if out.Entries[i].ErrorCode != nil {
			out.FailedEntryCount++
		}
	}
	return out, nil
}

// putEntry checks an entry and adds its event to what is put. An error is that of keeping it.
func (s *Service) putEntry(ctx context.Context, to *posting, i int, in *types.PutEventsRequestEntry) (types.PutEventsResultEntry, error) {
	for _, p := range []struct {
		name  string
		value *string
	}{{"Source", in.Source}, {"DetailType", in.DetailType}, {"Detail", in.Detail}} {
		if aws.ToString(p.value) == "" {
			return failed("InvalidArgument", "Parameter %s is not valid. Reason: %s is a required argument.", p.name, p.name), nil
		}
	}
	if strings.HasPrefix(*in.Source, "aws.") {
		return failed("NotAuthorizedForSourceException", "Not authorized for the source."), nil
	}
	detail, ok := readDetail(*in.Detail)
	if !ok {
		return failed("MalformedDetail", "Detail is malformed."), nil
	}
	caller := awswire.CallerFrom(ctx)
	sc := scope.Of(ctx)
	of, name, err := busOf(sc, in.EventBusName)
	if err != nil {
		return failed("InvalidArgument", "Parameter EventBusName is not valid. Reason: Provided Arn is not in correct format."), nil
	}
	if of.Region != sc.Region {
		return failed("InvalidArgument", "Parameter EventBusName is not valid. Reason: the event bus is of the region %s.", of.Region), nil
	}
	if of.Account != sc.Account {
		if err := s.maySend(ctx, i, of.ARN("events", "event-bus/"+name), keysOfEvent(*in.Source, *in.DetailType, false)); err != nil {
			return failed("AccessDeniedException", "%s", messageOf(err)), nil
		}
	}
	now := s.now()
	e := &event{
		ID: awswire.NewRequestID(), Account: caller.Of(), Region: sc.Region, Source: *in.Source, DetailType: *in.DetailType, Time: now, Resources: in.Resources, Detail: detail,
		trace: aws.ToString(in.TraceHeader), ingested: now,
	}
	if in.Time != nil {
		e.Time = *in.Time
	}
	if e.trace == "" {
		e.trace = caller.Trace
	}
	return types.PutEventsResultEntry{EventId: &e.ID}, s.routeTo(to, of, name, e, nil)
}

func messageOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return err.Error()
}

// maySend decides whether the caller may put an event on a bus of another account.
func (s *Service) maySend(ctx context.Context, i int, bus string, keys map[string][]string) error {
	if err := awswire.DenialOf(ctx, i+1); err != nil {
		return err
	}
	to, err := s.cfg.Allow(ctx, "events:PutEvents", bus, keys)
	if err != nil {
		return err
	}
	if a, _ := arn.Parse(bus); awswire.CallerFrom(to).Account != a.Account {
		return errors.New("the policy of " + bus + " does not let this account put events")
	}
	return nil
}

// readDetail is a detail without white space between its tokens; false for what is not a JSON object.
func readDetail(text string) ([]byte, bool) {
	var b bytes.Buffer
	if json.Compact(&b, []byte(text)) != nil || b.Len() == 0 || b.Bytes()[0] != '{' {
		return nil, false
	}
	depth, quoted := 0, false
	for i := 0; i < b.Len(); i++ {
		switch c := b.Bytes()[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxNested {
				return nil, false
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return b.Bytes(), true
}

// PutServiceEvent puts an event of one of the node's own services on the default bus of an account and region. id makes the
// event's: the same id is the same event. It is on disk for all targets that want it when the call returns.
func (s *Service) PutServiceEvent(account, region, source, detailType, id string, at time.Time, resources []string, detail []byte) error {
	return s.route(scope.Scope{Account: account, Region: region}, defaultBus, &event{
		ID: uuid.NewSHA1(uuid.NameSpaceURL, []byte(source+"\x00"+id)).String(), Account: account, Region: region, Source: source, DetailType: detailType, Time: at,
		Resources: resources, Detail: detail, ingested: s.now(),
	})
}
