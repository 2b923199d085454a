package policy

import "testing"

// TestPartitionsAreOne: neither a Deny is passed, nor an Allow lost, by the name of another partition.
func TestPartitionsAreOne(t *testing.T) {
	const account = "111122223333"
	user := func(partition string) Principal {
		return Principal{Kind: User, Account: account, ARN: "arn:" + partition + ":iam::" + account + ":user/eve"}
	}
	for _, tt := range []struct {
		what, statement string
		kind            Kind
		key, format     string // of a condition key: its value behind "arn:" + partition
	}{
		{"a resource", `"Action":"*","Resource":"arn:aws:s3:::lake/*"`, Identity, "", ""},
		{"a resource of China", `"Action":"*","Resource":"arn:aws-cn:s3:::lake/*"`, Identity, "", ""},
		{"other resources", `"Action":"*","NotResource":"arn:aws:s3:::other/*"`, Identity, "", ""},
		{"a user", `"Principal":{"AWS":"arn:aws:iam::111122223333:user/eve"},"Action":"*","Resource":"*"`, Resource, "", ""},
		{"an account", `"Principal":{"AWS":"arn:aws-us-gov:iam::111122223333:root"},"Action":"*","Resource":"*"`, Resource, "", ""},
		{"all but another", `"NotPrincipal":{"AWS":["arn:aws:iam::111122223333:user/ann","111122223333"]},"Action":"*","Resource":"*"`, Resource, "", ""},
		{"ArnEquals", `"Action":"*","Resource":"*","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:*:*:t"}}`, Identity, "aws:sourcearn", ":sns:eu-west-1:111122223333:t"},
		{"StringEquals", `"Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/eve"}}`, Identity, "aws:principalarn", ":iam::111122223333:user/eve"},
		{"StringEqualsIgnoreCase", `"Action":"*","Resource":"*","Condition":{"StringEqualsIgnoreCase":{"aws:PrincipalArn":"ARN:aws-cn:iam::111122223333:user/EVE"}}`, Identity, "aws:principalarn", ":iam::111122223333:user/eve"},
		{"StringLike", `"Action":"*","Resource":"*","Condition":{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/eve"}}`, Identity, "aws:principalarn", ":iam::111122223333:user/eve"},
		{"a pattern over the parts", `"Action":"*","Resource":"*","Condition":{"StringLike":{"iam:PolicyARN":"arn:aws:*/AdministratorAccess"}}`, Identity, "iam:policyarn", ":iam::aws:policy/AdministratorAccess"},
		{"StringNotLike", `"Action":"*","Resource":"*","Condition":{"StringNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/ann"}}`, Identity, "aws:principalarn", ":iam::111122223333:user/eve"},
		{"a boundary", `"Action":"*","Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"arn:aws:iam::111122223333:policy/b"}}`, Identity, "iam:permissionsboundary", ":iam::111122223333:policy/b"},
	} {
		for _, effect := range []string{"Allow", "Deny"} {
			if effect == "Allow" && tt.what == "all but another" {
				continue // whose account is named, too
			}
			d, err := Parse(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"`+map[Kind]string{Identity: "", Resource: `,"Principal":"*"`}[tt.kind]+
				`},{"Effect":"`+effect+`",`+tt.statement+`}]}`, tt.kind)
			if err != nil {
				t.Fatalf("%s: %v", tt.what, err)
			}
			if effect == "Allow" {
				d.Statements = d.Statements[1:]
			}
			for _, partition := range append(partitions, "aws-nowhere") {
				r := Request{Principal: user(partition), Action: "s3:GetObject", Resource: "arn:" + partition + ":s3:::lake/k", Account: account, Keys: func(key string) []string {
					if key == tt.key {
						return []string{"arn:" + partition + tt.format}
					}
					return nil
				}}
				p := Policies{Identity: []Named{{"p", d}}}
				if tt.kind == Resource {
					p = Policies{Resource: &Named{"p", d}}
					if tt.what == "an account" { // it delegates
						p.Identity = []Named{{"p", mustParse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)}}
					}
				}
				if got := Evaluate(&r, &p).Allowed; got != (effect == "Allow") {
					t.Errorf("%s by %s, %s: allowed is %v", effect, tt.what, partition, got)
				}
			}
		}
	}
}

// TestTextsKeepTheirPartition: what is no ARN by its key is a text.
func TestTextsKeepTheirPartition(t *testing.T) {
	for _, key := range []string{"dynamodb:LeadingKeys", "aws:RequestTag/arn", "kms:EncryptionContext:aws:s3:arn", "idp.example.com:arn"} {
		d := mustParse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"`+key+`":"arn:aws:s3:::b"}}}]}`)
		r := Request{Principal: Principal{Kind: User}, Action: "a:b", Resource: "*", Keys: func(string) []string { return []string{"arn:aws-cn:s3:::b"} }}
		if Evaluate(&r, &Policies{Identity: []Named{{"p", d}}}).Allowed {
			t.Errorf("%s: the partition does not count", key)
		}
	}
}

func mustParse(t testing.TB, text string) *Document {
	t.Helper()
	d, err := Parse(text, Identity)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// BenchmarkDenyOfOthers is a Deny by the text of an ARN that is another's: every name of it is compared.
func BenchmarkDenyOfOthers(b *testing.B) {
	d := mustParse(b, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/eve"}}}]}`)
	r := Request{Principal: Principal{Kind: User}, Action: "s3:GetObject", Resource: "arn:aws:s3:::lake/k", Keys: func(string) []string { return []string{"arn:aws:iam::111122223333:user/ann"} }}
	p := Policies{Identity: []Named{{"p", d}}}
	b.ReportAllocs()
	for b.Loop() {
		if !Evaluate(&r, &p).Allowed {
			b.Fatal("denied")
		}
	}
}
