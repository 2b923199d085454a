package policy

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzParse(f *testing.F) {
	for _, c := range cases(f, "documents.txt", 3) {
		f.Add(c[2], "s3:GetObject", "arn:aws:s3:::b/k")
	}
	f.Fuzz(func(t *testing.T, text, action, resource string) {
		for _, kind := range []Kind{Identity, Resource, Trust} {
			d, err := Parse(text, kind)
			if err != nil {
				continue
			}
			if d.Text != text || len(d.Statements) == 0 {
				t.Errorf("%d statements of %q", len(d.Statements), text)
			}
			r := Request{Principal: Principal{Kind: User, Account: here, ARN: "arn:aws:iam::" + here + ":user/ann"}, Action: action, Resource: resource, Keys: caseKeys}
			n := Named{"p", d}
			Evaluate(&r, &Policies{Identity: []Named{n}, Resource: &n})
		}
	})
}

// FuzzGlob holds the matcher against regular expressions.
func FuzzGlob(f *testing.F) {
	f.Add("a*b?c${aws:username}", "axxbycann")
	f.Add("***a**?", "aaaaaaaaaaaaaaaaaa")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if strings.ContainsFunc(pattern+s, func(r rune) bool { return r >= utf8.RuneSelf }) {
			return // it may be invalid UTF-8, which the two read differently
		}
		g := newGlob(pattern, true, true, false)
		if got, want := g.matches(s, caseKeys, false), naiveMatch(pattern, s, true, caseKeys); got != want {
			t.Errorf("%q matches %q: %v", pattern, s, got)
		}
	})
}

func BenchmarkEvaluate(b *testing.B) {
	d, err := Parse(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kinesis:Describe*","kinesis:List*","kinesis:PutRecord","kinesis:PutRecords"],"Resource":["arn:aws:kinesis:*:111122223333:stream/a","arn:aws:kinesis:*:111122223333:stream/orders-*"]},{"Effect":"Deny","Action":"iam:*","Resource":"*"}]}`, Identity)
	if err != nil {
		b.Fatal(err)
	}
	r := Request{Principal: who(b, "role"), Action: "kinesis:PutRecords", Resource: "arn:aws:kinesis:us-east-1:111122223333:stream/orders-dev", Account: here}
	p := Policies{Identity: []Named{{"p", d}}}
	b.ReportAllocs()
	for b.Loop() {
		if !Evaluate(&r, &p).Allowed {
			b.Fatal("denied")
		}
	}
}
