package s3

import (
	"errors"
	"slices"
	"testing"
)

// TestBucketRegion: where a bucket goes, and what clients are told that ask for another place or signed for none.
func TestBucketRegion(t *testing.T) {
	for _, test := range []struct{ endpoint, constraint, region, code string }{
		{"us-east-1", "", "us-east-1", ""},
		{"us-east-1", "eu-west-2", "eu-west-2", ""},
		{"us-east-1", "EU", "eu-west-1", ""},
		{"us-east-1", "us-east-1", "", "InvalidLocationConstraint"},
		{"us-east-1", "nowhere", "", "InvalidLocationConstraint"},
		{"us-east-1", "eu-west-9", "", "InvalidLocationConstraint"},
		{"eu-west-9", "eu-west-9", "", "InvalidLocationConstraint"},
		{"us-east-1", "mx-central-1", "mx-central-1", ""},
		{"us-east-1", "us-isob-east-1", "us-isob-east-1", ""},
		{"us-east-1", "eu-isobx", "", "InvalidLocationConstraint"},
		{"eu-west-1", "eu-west-1", "eu-west-1", ""},
		{"eu-west-1", "", "", "IllegalLocationConstraintException"},
		{"eu-west-1", "eu-west-2", "", "IllegalLocationConstraintException"},
		{"US", "", "", "AuthorizationHeaderMalformed"},
		{"us_east_1", "eu-west-1", "", "AuthorizationHeaderMalformed"},
	} {
		region, err := bucketRegion(test.endpoint, test.constraint)
		var fault *Error
		if errors.As(err, &fault); region != test.region || (err == nil) != (test.code == "") || fault != nil && fault.Code != test.code {
			t.Errorf("%s %q: %q, %v; want %q %s", test.endpoint, test.constraint, region, err, test.region, test.code)
		}
		if test.code == "AuthorizationHeaderMalformed" && !slices.Contains(fault.Fields, field{"Region", "us-east-1"}) {
			t.Errorf("%s: no region to sign for in %+v", test.endpoint, fault)
		}
	}
}
