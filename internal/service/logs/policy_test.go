package logs

import (
	"strconv"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/policy"
	"github.com/brookmere/brookmere/internal/engine/state"
)

const policyOfGroup = "arn:aws:logs:us-east-1:111111111111:log-group:/app:*"

func withPolicies(tb testing.TB, documents ...string) *Service {
	tb.Helper()
	b, err := broker.Start(broker.Options{Dir: tb.TempDir()})
	if err != nil {
		tb.Fatal(err)
	}
	st, err := state.Open(tb.Context(), b, state.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { st.Close(); b.Close() })
	s := &Service{policies: state.NewCollection[policyDoc](st, "logs.policy")}
	for i, d := range documents {
		if err := s.policies.Put(tb.Context(), &policyDoc{Name: strconv.Itoa(i), Document: d}, "111111111111", "us-east-1", strconv.Itoa(i)); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

// TestPoliciesOfBefore: what an earlier version took for a policy decides nothing, alone or beside others.
func TestPoliciesOfBefore(t *testing.T) {
	const old = `{"Version":"2012-10-17","Statement":[{"Effect":"Perhaps"}]}`
	const valid = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"logs:*","Resource":"*"}}`
	for _, c := range []struct {
		documents  []string
		statements int
	}{{nil, 0}, {[]string{old}, 0}, {[]string{old, valid}, 1}} {
		text, owner, err := withPolicies(t, c.documents...).ResourcePolicy(t.Context(), policyOfGroup)
		if err != nil || owner != "111111111111" {
			t.Fatalf("%q: %q %v", c.documents, owner, err)
		}
		if c.statements == 0 {
			if text != "" {
				t.Errorf("%q: %s", c.documents, text)
			}
			continue
		}
		if d, err := policy.Parse(text, policy.Resource); err != nil || len(d.Statements) != c.statements {
			t.Errorf("%q: %s: %v", c.documents, text, err)
		}
	}
}

// TestPoliciesTogether: what policies say together follows each change of them.
func TestPoliciesTogether(t *testing.T) {
	s := withPolicies(t)
	want := func(statements int) {
		t.Helper()
		text, _, err := s.ResourcePolicy(t.Context(), policyOfGroup)
		if err != nil || strings.Count(text, `"Effect"`) != statements {
			t.Errorf("%s %v, want %d statements", text, err, statements)
		}
	}
	put := func(name, statements string) {
		t.Helper()
		d := &policyDoc{Name: name, Document: `{"Version":"2012-10-17","Statement":[` + statements + `]}`}
		if err := s.policies.Put(t.Context(), d, "111111111111", "us-east-1", name); err != nil {
			t.Fatal(err)
		}
	}
	const statement = `{"Sid":"s","Effect":"Allow","Principal":"*","Action":"logs:*","Resource":"*"}`
	want(0)
	put("a", statement)
	want(1)
	want(1)
	put("b", statement)
	want(2)
	put("b", statement+","+strings.Replace(statement, `"s"`, `"t"`, 1)) // at the same time as before
	want(3)
	for _, name := range []string{"a", "b"} {
		if err := s.policies.Delete(t.Context(), "111111111111", "us-east-1", name); err != nil {
			t.Fatal(err)
		}
	}
	want(0)
}

func BenchmarkResourcePolicy(b *testing.B) {
	one := `{"Version":"2012-10-17","Statement":[{"Sid":"s","Effect":"Allow","Principal":{"Service":"delivery.logs.amazonaws.com"},"Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:us-east-1:111111111111:log-group:/app:*","Condition":{"StringEquals":{"aws:SourceAccount":"111111111111"}}}]}`
	for _, n := range []int{0, 1, 10} {
		var all []string
		for range n {
			all = append(all, one)
		}
		s := withPolicies(b, all...)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				if _, _, err := s.ResourcePolicy(b.Context(), policyOfGroup); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
