package authorize

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/policy"
)

// TestLeastPolicyOfTheNextRun: the policy allows what the next run of a pipeline does, whose objects and log streams have other
// names, and what names have of wildcards allows nothing more.
func TestLeastPolicyOfTheNextRun(t *testing.T) {
	const logs = "arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/f"
	for _, tt := range []struct{ action, did, next, never string }{
		{"s3:PutObject", "arn:aws:s3:::lake/orders/2026/11/30/07/d-1-2026-11-30-07-00-00-a1b2", "arn:aws:s3:::lake/orders/2027/01/01/00/d-2", "arn:aws:s3:::lake/scripts/job.py"},
		{"s3:PutObject", "arn:aws:s3:::lake/orders/country=DE/part", "arn:aws:s3:::lake/orders/country=FR/part", "arn:aws:s3:::lake/other"},
		{"s3:PutObject", "arn:aws:s3:::lake2/2026/a", "arn:aws:s3:::lake2/2027/a", "arn:aws:s3:::lake/2026/a"},
		{"s3:GetObject", "arn:aws:s3:::lake/scripts/job.py", "arn:aws:s3:::lake/scripts/job.py", "arn:aws:s3:::lake/scripts/job.pyc"},
		{"s3:GetObject", "arn:aws:s3:::lake/all/*", "arn:aws:s3:::lake/all/*", "arn:aws:s3:::lake/all/secrets"},
		{"s3:GetObject", "arn:aws:s3:::lake/a?c/${aws:username}", "arn:aws:s3:::lake/a?c/${aws:username}", "arn:aws:s3:::lake/abc/ann"},
		{"s3:GetObject", "arn:aws:s3:::lake/*/1", "arn:aws:s3:::lake/*/2", "arn:aws:s3:::lake/secrets/1"},
		{"s3:ListBucket", "arn:aws:s3:::lake2", "arn:aws:s3:::lake2", "arn:aws:s3:::lake22"},
		{"logs:PutLogEvents", logs + ":log-stream:2026/11/30/[$LATEST]aa", logs + ":log-stream:2026/12/01/[$LATEST]bb", logs + "2:log-stream:x"},
		{"logs:CreateLogGroup", logs + ":log-stream:", logs + ":log-stream:", logs + ":log-stream:x"},
		{"kinesis:PutRecord", "arn:aws:kinesis:us-east-1:111122223333:stream/s-1", "arn:aws:kinesis:us-east-1:111122223333:stream/s-1", "arn:aws:kinesis:us-east-1:111122223333:stream/s-2"},
	} {
		a := New(Config{Mode: Log})
		ask := func(resource string) {
			a.notes.add(time.Now(), &question{action: tt.action, resource: resource}, &policy.Principal{Kind: policy.User, ARN: ann}, policy.Decision{})
		}
		ask(tt.did)
		text, _ := a.LeastPolicy(ann, time.Time{})
		d, err := policy.Parse(text, policy.Identity)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for resource, want := range map[string]bool{tt.did: true, tt.next: true, tt.never: false} {
			r := policy.Request{Principal: policy.Principal{Kind: policy.User, Account: "111122223333", ARN: ann}, Action: tt.action, Resource: resource, Account: "111122223333",
				Keys: username}
			if got := policy.Evaluate(&r, &policy.Policies{Identity: []policy.Named{{Name: "least", Document: d}}}).Allowed; got != want {
				t.Errorf("after %s: %s %v, want %v: %s", tt.did, resource, got, want, text)
			}
		}
	}
}

func username(key string) []string {
	if key == "aws:username" {
		return []string{"ann"}
	}
	return nil
}

// TestLeastPolicyRemembersTheNewest: whatever a principal names, what is noted is bounded, and the newest is kept.
func TestLeastPolicyRemembersTheNewest(t *testing.T) {
	a, now := New(Config{Mode: Log}), time.Unix(1_700_000_000, 0)
	ask := func(i int) {
		a.notes.add(now.Add(time.Duration(i)*time.Second), &question{action: "s3:GetObject", resource: "arn:aws:s3:::lake/" + strings.Repeat("k", i%7) + strings.NewReplacer(
			"0", "a", "1", "b", "2", "c", "3", "d", "4", "e", "5", "f", "6", "g", "7", "h", "8", "i", "9", "j").Replace(fmt.Sprint(i))}, &policy.Principal{Kind: policy.User, ARN: ann}, policy.Decision{})
	}
	for i := range maxUses + 1 {
		ask(i)
	}
	if n := len(a.notes.uses); n > maxUses || n < maxUses/2 {
		t.Errorf("%d are kept", n)
	}
	for u, at := range a.notes.uses {
		if at.Before(now.Add(maxUses / 2 * time.Second)) {
			t.Fatalf("%s of %s is kept", u.resource, at)
		}
	}
}
