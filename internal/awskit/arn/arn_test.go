package arn

import "testing"

func TestPartition(t *testing.T) {
	for region, want := range map[string]string{
		"us-east-1": "aws", "eu-central-1": "aws", "": "aws", "us-gov-west-1": "aws-us-gov", "cn-north-1": "aws-cn",
		"us-iso-east-1": "aws-iso", "us-isob-east-1": "aws-iso-b", "us-isof-south-1": "aws-iso-f", "eu-isoe-west-1": "aws-iso-e",
		"eusc-de-east-1": "aws-eusc",
	} {
		if got := Partition(region); got != want {
			t.Errorf("Partition(%q) = %q, want %q", region, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, s := range []string{
		"arn:aws:kinesis:us-east-1:123456789012:stream/clicks",
		"arn:aws-cn:lambda:cn-north-1:123456789012:function:f:$LATEST",
		"arn:aws:s3:::bucket/a:b/c",
		"arn:aws:iam::123456789012:role/service-role/r",
	} {
		a, ok := Parse(s)
		if !ok {
			t.Errorf("Parse(%q) refuses a name", s)
		} else if a.String() != s {
			t.Errorf("Parse(%q).String() = %q", s, a.String())
		}
	}
	for _, s := range []string{"", "arn", "arn:aws:s3:::", "arn:aws::us-east-1:1:x", "arn:gcp:s3:::b", "arn::s3:::b", "urn:aws:s3:::b", "arn:aws:s3::b", "arn:awsome:s3:::b"} {
		if a, ok := Parse(s); ok {
			t.Errorf("Parse(%q) = %+v, want a refusal", s, a)
		}
	}
}

func TestParts(t *testing.T) {
	a, _ := Parse(New("lambda", "us-gov-west-1", "123456789012", "function:f"))
	if a.Partition != "aws-us-gov" || !a.Within("lambda", "us-gov-west-1", "123456789012") {
		t.Errorf("%+v is not within its own scope", a)
	}
	if a.Within("lambda", "us-gov-west-1", "210987654321") || a.Within("lambda", "us-east-1", "123456789012") {
		t.Errorf("%+v is within another scope", a)
	}
	if name, ok := a.After("function:"); name != "f" || !ok {
		t.Errorf("After = %q, %v", name, ok)
	}
	if _, ok := a.After("layer:"); ok {
		t.Error("a function is taken for a layer")
	}
	if got, want := Bucket("cn-north-1", "b/k"), "arn:aws-cn:s3:::b/k"; got != want {
		t.Errorf("Bucket = %q, want %q", got, want)
	}
	if got, want := Global("iam", "us-east-1", "123456789012", "role/r"), "arn:aws:iam::123456789012:role/r"; got != want {
		t.Errorf("Global = %q, want %q", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("arn:aws:kinesis:us-east-1:123456789012:stream/clicks")
	f.Fuzz(func(t *testing.T, s string) {
		if a, ok := Parse(s); ok && a.String() != s {
			t.Errorf("Parse(%q).String() = %q", s, a.String())
		}
	})
}
