package policy

import (
	"slices"
	"strings"
	"testing"
)

func TestSpans(t *testing.T) {
	for _, tt := range []struct {
		text string
		want [][4]int // lines and columns of beginnings and ends
	}{
		{`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}`, [][4]int{{1, 38, 1, 167}}},
		{`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a:b", "Resource": "*"}, {"Effect": "Deny", "Action": "a:c", "Resource": "*"}]}`, [][4]int{{1, 41, 1, 94}, {1, 94, 1, 148}}},
		{"{\n    \"Version\": \"2012-10-17\",\n    \"Statement\": [\n        {\n            \"Effect\": \"Allow\",\n            \"Action\": \"a:b\",\n            \"Resource\": \"*\"\n\n        }\n    ]\n}", [][4]int{{3, 19, 9, 10}}},
		{`{"Id":"é","Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a:b","Resource":"*"}]}`, [][4]int{{1, 47, 1, 95}}},
	} {
		d, err := Parse(tt.text, Identity)
		if err != nil {
			t.Fatal(err)
		}
		var got [][4]int
		for _, s := range d.Spans() {
			got = append(got, [4]int{s.Begin.Line, s.Begin.Column, s.End.Line, s.End.Column})
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.text, got, tt.want)
		}
	}
}

func TestMatching(t *testing.T) {
	named := func(name, statements string) Named {
		d, err := Parse(`{"Version":"2012-10-17","Statement":[`+statements+`]}`, Identity)
		if err != nil {
			t.Fatal(err)
		}
		return Named{name, d}
	}
	p := Policies{Identity: []Named{
		named("one", `{"Effect":"Allow","Action":"s3:Get*","Resource":"*"},{"Effect":"Deny","Action":"s3:GetBucketAcl","Resource":"*"}`),
		named("two", `{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"s3:*Acl","Resource":"*"}`),
	}}
	for action, want := range map[string]string{"s3:GetObject": "one/0 two/0", "s3:PutObject": "two/0", "s3:GetBucketAcl": "one/1 two/1", "iam:GetUser": ""} {
		_, all := Matching(&Request{Principal: Principal{Kind: User}, Action: action, Resource: "*"}, &p)
		var got []string
		for _, m := range all {
			got = append(got, m.Policy+"/"+string(rune('0'+m.Index)))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", action, got, want)
		}
	}
}

func TestContextKeys(t *testing.T) {
	d := mustParse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":["arn:aws:s3:::b/${aws:username}/${aws:PrincipalTag/team, 'x'}/${*}"],
		"Condition":{"StringEquals":{"aws:UserName":"x","s3:prefix":"${aws:userid}"},"Null":{"aws:TokenIssueTime":"true"}}}]}`)
	got := d.ContextKeys()
	slices.Sort(got)
	if want := "aws:PrincipalTag/team aws:TokenIssueTime aws:UserName aws:userid s3:prefix"; strings.Join(got, " ") != want {
		t.Errorf("keys %v, want %s", got, want)
	}
}
