package lambda

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Loops of functions. A chain of requests is an invocation and what comes of it: the trace that an invocation has
// (_X_AMZN_TRACE_ID) goes with the requests that the function's AWS SDK makes, and Lambda, SQS, SNS and S3 pass it on
// with events, messages and notifications. The trace's Lineage counts the invocations of each function in the
// chain. One that has run maxLoop times is not run again, unless PutFunctionRecursionConfig allows it: a synchronous
// call gets a RecursiveInvocationException, an event goes where failed ones go, and a message of a queue stays there
// until the queue's redrive policy moves it. Streams begin a chain with each batch: their loops are not seen.

const (
	maxLoop    = 16 // invocations of a function in one chain of requests
	maxLineage = 16 // functions of a chain that are counted; of more, those that have run least are forgotten
)

var (
	traceRoot    = regexp.MustCompile(`^1-[0-9a-f]{8}-[0-9a-f]{24}$`)
	lineageEntry = regexp.MustCompile(`^(?:[0-9]{1,3}:)?([0-9a-f]{8}):([0-9]{1,5})$`)
)

// ancestor is how often a function was invoked in a chain before the invocation that the trace is of.
type ancestor struct {
	function string // its hash
	count    int
}

// nextTrace is the trace of an invocation which something caused that has a trace, or none; nth is how many
// invocations of the function the chain has before this one.
func nextTrace(trace, function string, now time.Time) (next string, nth int) {
	var root string
	sampled := "0"
	var lineage []ancestor
	for field := range strings.SplitSeq(trace, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Root":
			if traceRoot.MatchString(value) {
				root = value
			}
		case "Sampled":
			if value == "1" {
				sampled = value
			}
		case "Lineage":
			lineage = parseLineage(value)
		}
	}
	var id [20]byte
	rand.Read(id[:])
	if root == "" {
		root = fmt.Sprintf("1-%08x-%s", uint32(now.Unix()), hex.EncodeToString(id[8:]))
	}
	h := fnv.New32a()
	h.Write([]byte(function))
	self := fmt.Sprintf("%08x", h.Sum32())
	at := slices.IndexFunc(lineage, func(a ancestor) bool { return a.function == self })
	if at < 0 {
		if len(lineage) == maxLineage {
			least := slices.MinFunc(lineage, func(a, b ancestor) int { return cmp.Compare(a.count, b.count) })
			lineage = slices.DeleteFunc(lineage, func(a ancestor) bool { return a == least })
		}
		lineage = append(lineage, ancestor{self, 0})
	} else {
		lineage[at].count++
		nth = lineage[at].count
	}
	b := fmt.Appendf(nil, "Root=%s;Parent=%s;Sampled=%s;Lineage=", root, hex.EncodeToString(id[:8]), sampled)
	for i, a := range lineage {
		if i > 0 {
			b = append(b, '|')
		}
		b = append(append(append(b, a.function...), ':'), strconv.Itoa(a.count)...)
	}
	return string(b), nth
}

// parseLineage reads the counts of a trace; what is none of them is passed over, as is a function that is there again.
func parseLineage(text string) (all []ancestor) {
	for entry := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '|' || r == ',' }) {
		m := lineageEntry.FindStringSubmatch(entry)
		if m == nil || len(all) == maxLineage || slices.ContainsFunc(all, func(a ancestor) bool { return a.function == m[1] }) {
			continue
		}
		n, _ := strconv.Atoi(m[2]) // of five digits at most
		all = append(all, ancestor{m[1], n})
	}
	return all
}

// dropLoop notes that an invocation is not made because its function calls itself without end.
func (s *Service) dropLoop(d *functionDoc) {
	s.log.Warn("a function calls itself without end: an invocation is not made", "function", d.Name, "account", d.Account, "region", d.Region, "invocations", maxLoop)
	if s.cfg.Meter != nil {
		s.cfg.Meter.Resource(d.owner(), "AWS/Lambda", "FunctionName", d.Name).Add(loops.Of(1))
	}
}

// loopsBy is how many invocations of a function the chain of a message has.
func loopsBy(f *functionDoc, m *sqstypes.Message, now time.Time) int {
	trace := m.Attributes[string(sqstypes.MessageSystemAttributeNameAWSTraceHeader)]
	if trace == "" { // as most are that no function has sent
		return 0
	}
	_, nth := nextTrace(trace, f.group(), now)
	return nth
}

// withoutLoops drops the messages that a function has sent to itself too often; of a FIFO queue also those that come
// after one.
func (s *Service) withoutLoops(f *functionDoc, messages []sqstypes.Message, fifo bool) []sqstypes.Message {
	if f.Recursion == string(types.RecursiveLoopAllow) {
		return messages
	}
	now := s.clock.Now()
	dropped := false
	return slices.DeleteFunc(messages, func(m sqstypes.Message) bool {
		switch {
		case dropped && fifo:
		case loopsBy(f, &m, now) < maxLoop:
			return false
		default:
			s.dropLoop(f)
		}
		dropped = true
		return true
	})
}

// chainOf is the trace of a batch: that of the message whose chain has most invocations of the function.
func chainOf(f *functionDoc, messages []sqstypes.Message) string {
	most, trace := -1, ""
	for i := range messages {
		t := messages[i].Attributes[string(sqstypes.MessageSystemAttributeNameAWSTraceHeader)]
		if n := loopsBy(f, &messages[i], time.Time{}); n > most || trace == "" && t != "" {
			most, trace = max(n, most), t
		}
	}
	return trace
}
