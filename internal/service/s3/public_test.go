package s3

import (
	"fmt"
	"testing"
)

// TestPublicPolicies has policies that let in everybody under a condition.
func TestPublicPolicies(t *testing.T) {
	for condition, public := range map[string]bool{
		`{"IpAddress":{"aws:SourceIp":"10.1.0.0/16"}}`:                 false,
		`{"IpAddress":{"aws:SourceIp":["10.1.0.0/16","192.0.2.1"]}}`:   false,
		`{"StringEquals":{"aws:SourceVpce":"vpce-1"}}`:                 false,
		`{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`:                   true,
		`{"IpAddress":{"aws:SourceIp":["0.0.0.0/0"]}}`:                 true,
		`{"IpAddress":{"aws:SourceIp":["10.1.0.0/16","128.0.0.0/1"]}}`: true,
		`{"IpAddress":{"aws:SourceIp":["::/0"]}}`:                      true,
		`{"NotIpAddress":{"aws:SourceIp":"10.1.0.0/16"}}`:              true,
		`{"StringEqualsIfExists":{"aws:SourceVpce":"vpce-1"}}`:         true,
		`{"ForAllValues:StringEquals":{"aws:SourceVpce":"vpce-1"}}`:    true,
		`{"Null":{"aws:SourceVpce":"true"}}`:                           true,
		`{"StringLike":{"aws:SourceVpce":["vpce-1","*"]}}`:             true,
		`{"StringEquals":{"aws:SourceAccount":123456789012}}`:          false,
		`{"StringEquals":{"aws:UserAgent":"a"}}`:                       true,
	} {
		text := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":%s}]}`, condition)
		if isPublicPolicy(text) != public {
			t.Errorf("%s: public %t", condition, !public)
		}
	}
	if !isPublicPolicy(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotPrincipal":{"AWS":"222222222222"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}`) {
		t.Error("all but some are not public")
	}
}
