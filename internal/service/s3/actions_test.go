package s3

import (
	"strings"
	"testing"
)

// TestPoliciesOfBuckets: statements as the user guide of S3, and what sets up buckets by machine, have them are taken,
// and those refused in which an action has no resource.
func TestPoliciesOfBuckets(t *testing.T) {
	b := &bucket{Name: "b"}
	const all, folder, itself = "arn:aws:s3:::b/*", "arn:aws:s3:::b/in/*", "arn:aws:s3:::b"
	for _, v := range []struct{ actions, resources, rest, refused string }{
		{"s3:GetObject", all, "", ""},
		{"s3:GetObject s3:GetObjectVersion", all, "", ""},
		{"s3:GetObject s3:ListBucket", itself + " " + all, "", ""},
		{"s3:ListBucket s3:GetBucketLocation s3:ListBucketVersions s3:ListBucketMultipartUploads", itself, "", ""},
		{"s3:PutObject s3:PutObjectAcl", all, `"Condition":{"StringEquals":{"s3:x-amz-acl":["public-read"]}}`, ""},
		{"s3:PutObject", "arn:aws:s3:::b/AWSLogs/111122223333/*", `"Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}`, ""},
		{"s3:GetBucketAcl", itself, "", ""},
		{"s3:*", itself + " " + all, `"Condition":{"Bool":{"aws:SecureTransport":"false"}}`, ""},
		{"s3:*", itself, "", ""},
		{"s3:*", all, "", ""},
		{"*", all, "", ""},
		{"*", itself, "", ""},
		{"s3:*", "*", "", ""},
		{"s3:GetObject s3:ListBucket", "*", "", ""},
		{"s3:Get* s3:List*", itself + " " + all, "", ""},
		{"s3:Get* s3:List* s3:Put*", itself, "", ""},
		{"s3:Get* s3:List*", all, "", ""}, // s3:ListMultipartUploadParts is of objects
		{"s3:*Object", all, "", ""},
		{"s3:GetObject* s3:AbortMultipartUpload s3:ListMultipartUploadParts s3:RestoreObject", folder, "", ""},
		{"s3:GetObject", "arn:aws:s3:::b*", "", ""},
		{"s3:ListBucket s3:GetObject", "arn:aws:s3:::*", "", ""},
		{"s3:ListBucket s3:GetObject", "arn:aws:s3:::?", "", ""},
		{"S3:getobject", all, "", ""},
		{"s3:GetObject", "arn:aws:s3:::b/${aws:username}", "", ""},
		{"s3:GetObject s3:PutObject", "arn:aws:s3:::b/home/${aws:PrincipalTag/team}/*", "", ""},
		{"s3:GetObject", "arn:aws:s3:::b/logs:2026:11", "", ""},
		{"s3:GetObject", "arn:aws:s3:::b/a:::c", "", ""},
		{"s3:GetObject", "arn:aws-cn:s3:::b/in/*", "", ""},
		{"s3:ReplicateObject s3:ReplicateDelete s3:ReplicateTags s3:ObjectOwnerOverrideToBucketOwner", all, "", ""},
		{"s3:GetBucketVersioning s3:PutBucketVersioning s3:GetReplicationConfiguration", itself, "", ""},
		{"s3:BypassGovernanceRetention s3:PutObjectRetention s3:PutObjectLegalHold s3:GetObjectAttributes", all, "", ""},
		{"s3:DeleteBucket s3:DeleteBucketPolicy s3:PutBucketPolicy s3:PutEncryptionConfiguration s3:PutLifecycleConfiguration", itself, "", ""},
		{"s3:PutInventoryConfiguration s3:PutMetricsConfiguration s3:PutAnalyticsConfiguration s3:PutBucketPublicAccessBlock", itself, "", ""},
		{"s3-object-lambda:GetObject", all, "", ""},

		{"s3:GetObject", itself, "", "Action does not apply"},
		{"s3:GetObject s3:ListBucket", all, "", "Action does not apply"},
		{"s3:GetObject s3:ListBucket", itself, "", "Action does not apply"},
		{"s3:GetBucketAcl s3:PutObject", all, "", "Action does not apply"},
		{"s3:ListBucket", "arn:aws:s3:::b/${aws:username}", "", "Action does not apply"},
		{"s3:ListObjects", itself, "", "invalid action"},
		{"s3:GetObject kms:Decrypt", all, "", "invalid action"},
		{"s3:GetObject", "arn:aws:s3:::c/x:::b", "", "invalid resource"},
	} {
		list := func(s string) string { return `["` + strings.Join(strings.Fields(s), `","`) + `"]` }
		rest := v.rest
		if rest != "" {
			rest = "," + rest
		}
		err := checkPolicy(b, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":`+list(v.actions)+`,"Resource":`+list(v.resources)+rest+`}]}`)
		if v.refused == "" && err != nil || v.refused != "" && (err == nil || !strings.Contains(err.Error(), v.refused)) {
			t.Errorf("%s on %s: %v", v.actions, v.resources, err)
		}
	}
	for principal, ok := range map[string]bool{
		"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity EH1HDMB1FH2TC": true,
		"arn:aws:iam::cloudfront:user/somebody":                                        false,
		"arn:aws:iam::111122223333:root":                                               true,
	} {
		text := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}`
		if err := checkPolicy(b, text); (err == nil) != ok {
			t.Errorf("%s: %v", principal, err)
		}
	}
	for _, text := range []string{
		`"NotAction":"s3:GetObject","Resource":"arn:aws:s3:::b"`,
		`"NotAction":["s3:ListBucket","s3:GetObject"],"Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]`,
		`"Action":"s3:PutObject","NotResource":"arn:aws:s3:::b"`,
		`"Action":"s3:ListBucket","NotResource":["arn:aws:s3:::b/*"]`,
	} {
		if err := checkPolicy(b, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*",`+text+`}}`); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
