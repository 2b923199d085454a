package authorize

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/brookmere/brookmere/internal/engine/policy"
)

// Bounds of what is noted: decisions of the newest calls, and pairs of what principals did.
const (
	maxDecisions = 8192
	maxUses      = 16384
)

// Decision is one decision about a request.
type Decision struct {
	Time      time.Time `json:"time"`
	Request   string    `json:"request"`
	Who       string    `json:"who"`
	Action    string    `json:"action"`
	Resource  string    `json:"resource"`
	Allowed   bool      `json:"allowed"`
	Explicit  bool      `json:"explicit_deny,omitempty"`
	Source    string    `json:"source"`              // kind of the policy that decided, or that lacks an Allow
	Policy    string    `json:"policy,omitempty"`    // its name
	Statement int       `json:"statement,omitempty"` // of the policy, from one
	Sid       string    `json:"sid,omitempty"`
}

// notes are the decisions that were made. The zero value works.
type notes struct {
	mu   sync.Mutex
	ring []Decision
	next int
	uses map[use]time.Time // when a principal last did something
}

// use is what a principal did; resource is as LeastPolicy names it.
type use struct{ who, action, resource string }

// pattern is the resource of a policy that allows what was done to a resource, again and in the next run. What a resource
// has of wildcards and variables in its name stands for itself. Objects and log streams are named by each run: keys end
// in * from their first part on that has a digit or an equals sign, and all streams of a log group are one.
func pattern(resource string) string {
	if resource == "*" {
		return resource
	}
	end := ""
	parts := strings.SplitN(resource, ":", 6)
	if len(parts) == 6 {
		switch parts[2] {
		case "logs":
			if group, stream, ok := strings.Cut(resource, ":log-stream:"); ok && stream != "" {
				resource, end = group+":log-stream:", "*"
			}
		case "s3":
			start := len(resource) - len(parts[5])
			if i := strings.IndexByte(parts[5], '/'); i >= 0 {
				start += i + 1
				if j := strings.IndexAny(resource[start:], "0123456789="); j >= 0 {
					resource, end = resource[:start+strings.LastIndexByte(resource[start:start+j], '/')+1], "*"
				}
			}
		}
	}
	return policy.Literal(resource) + end
}

func (n *notes) add(now time.Time, q *question, who *policy.Principal, d policy.Decision) {
	note := Decision{
		Time: now, Request: q.caller.RequestID, Who: who.ARN, Action: q.action, Resource: q.resource, Allowed: d.Allowed, Explicit: d.Explicit,
		Source: d.Source.String(), Policy: d.Policy,
	}
	if who.ARN == "" {
		note.Who = who.Name
	}
	if d.Statement != nil {
		note.Statement, note.Sid = d.Statement.Index+1, d.Statement.Sid
	}
	by := note.Who
	if who.Kind == policy.Role {
		by = who.Role
	}
	u := use{by, q.action, pattern(q.resource)}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.ring) < maxDecisions {
		n.ring = append(n.ring, note)
	} else {
		n.ring[n.next] = note
		n.next = (n.next + 1) % maxDecisions
	}
	if n.uses == nil {
		n.uses = map[use]time.Time{}
	}
	if _, ok := n.uses[u]; !ok && len(n.uses) >= maxUses {
		n.forget()
	}
	n.uses[u] = now
}

// forget drops the older half of what principals did.
func (n *notes) forget() {
	times := slices.SortedFunc(maps.Values(n.uses), time.Time.Compare)
	newest := times[len(times)/2]
	maps.DeleteFunc(n.uses, func(_ use, at time.Time) bool { return at.Before(newest) })
	if len(n.uses) >= maxUses { // all at once
		clear(n.uses)
	}
}

// Explain returns the decisions about a request, in their order; those of 8,192 calls are kept.
func (a *Authorizer) Explain(request string) []Decision {
	n := &a.notes
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []Decision
	for i := range n.ring {
		if d := n.ring[(n.next+i)%len(n.ring)]; d.Request == request {
			list = append(list, d)
		}
	}
	return list
}

// LeastPolicy returns the smallest document that would allow what a principal (the ARN of a user or role)
// has asked for since a time, allowed or not: a statement for each set of resources. Of objects and log streams, which are named
// anew in each run, it names what their names begin with.
func (a *Authorizer) LeastPolicy(principal string, since time.Time) (document string, actions int) {
	byAction := map[string][]string{}
	a.notes.mu.Lock()
	for u, at := range a.notes.uses {
		if u.who == principal && !at.Before(since) {
			byAction[u.action] = append(byAction[u.action], u.resource)
		}
	}
	a.notes.mu.Unlock()
	type statement struct {
		Effect   string
		Action   []string
		Resource []string
	}
	byResources := map[string]*statement{}
	for action, resources := range byAction {
		slices.Sort(resources)
		service, _, _ := strings.Cut(action, ":")
		key := service + " " + strings.Join(resources, " ")
		s := byResources[key]
		if s == nil {
			s = &statement{Effect: "Allow", Resource: resources}
			byResources[key] = s
		}
		s.Action = append(s.Action, action)
	}
	list := make([]*statement, 0, len(byResources))
	for _, s := range byResources {
		slices.Sort(s.Action)
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *statement) int {
		return strings.Compare(a.Action[0]+a.Resource[0], b.Action[0]+b.Resource[0])
	})
	b, _ := json.MarshalIndent(struct {
		Version   string
		Statement []*statement
	}{"2012-10-17", list}, "", "  ")
	return string(b), len(byAction)
}
