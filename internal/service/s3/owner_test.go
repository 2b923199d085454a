package s3

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// TestObjectOwner: where a bucket leaves objects to their writers, they are another account's, whose list says who may
// what; where it does not they are the bucket owner's.
func TestObjectOwner(t *testing.T) {
	n := newNode(t)
	owner, other := n.client(accountA, "us-east-1"), n.client(accountB, "us-east-1")
	b := aws.String("bkt")
	must(owner.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: b, ObjectOwnership: types.ObjectOwnershipObjectWriter}))(t)
	own := func(o types.ObjectOwnership) {
		t.Helper()
		must(owner.PutBucketOwnershipControls(t.Context(), &s3.PutBucketOwnershipControlsInput{Bucket: b, OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: o}}}}))(t)
	}
	putPolicy(t, owner, "bkt", allowOther("bkt/*", "", "s3:*"))
	write := func(key string, acl types.ObjectCannedACL) {
		t.Helper()
		must(other.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: &key, Body: strings.NewReader("x"), ACL: acl}))(t)
	}
	write("theirs", "")
	write("given", types.ObjectCannedACLBucketOwnerFullControl)
	write("shown", types.ObjectCannedACLBucketOwnerRead)
	put(t, owner, "bkt", "ours", "x")
	own(types.ObjectOwnershipBucketOwnerPreferred)
	write("preferred", types.ObjectCannedACLBucketOwnerFullControl)
	write("kept", "")

	reads := func(who string, c *s3.Client, codes map[string]string) {
		t.Helper()
		for key, code := range codes {
			_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: &key})
			want(t, who+" reads "+key, err, code)
			_, err = c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: b, Key: &key})
			if (err == nil) != (code == "") {
				t.Errorf("%s heads %s: %v", who, key, err)
			}
		}
	}
	reads("the bucket's owner", owner, map[string]string{"theirs": "AccessDenied", "given": "", "shown": "", "ours": "", "preferred": "", "kept": "AccessDenied"})
	reads("the writer", other, map[string]string{"theirs": "", "given": "", "shown": "", "ours": "", "preferred": "", "kept": ""})
	third := n.client("333333333333", "us-east-1")
	reads("a third account", third, map[string]string{"theirs": "AccessDenied", "given": "AccessDenied", "preferred": "AccessDenied"})

	owners := map[string]string{}
	for _, o := range must(owner.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: b, FetchOwner: aws.Bool(true)}))(t).Contents {
		owners[*o.Key] = *o.Owner.ID
	}
	for key, account := range map[string]string{"theirs": accountB, "given": accountB, "shown": accountB, "ours": accountA, "preferred": accountA, "kept": accountB} {
		if owners[key] != canonicalID(account) {
			t.Errorf("%s is of %s, want %s", key, owners[key], account)
		}
	}
	// Nor does the bucket's owner learn of them otherwise.
	for key, code := range map[string]string{"theirs": "AccessDenied", "given": "", "shown": "", "ours": "", "kept": "AccessDenied"} {
		_, err := owner.GetObjectAttributes(t.Context(), &s3.GetObjectAttributesInput{Bucket: b, Key: &key, ObjectAttributes: []types.ObjectAttributes{"ETag"}})
		want(t, "the bucket's owner asks for the attributes of "+key, err, code)
		_, err = other.GetObjectAttributes(t.Context(), &s3.GetObjectAttributesInput{Bucket: b, Key: &key, ObjectAttributes: []types.ObjectAttributes{"ETag"}})
		want(t, "the writer asks for the attributes of "+key, err, "")
	}
	// The list is the object owner's.
	_, err := owner.GetObjectAcl(t.Context(), &s3.GetObjectAclInput{Bucket: b, Key: aws.String("theirs")})
	want(t, "the bucket's owner reads a list", err, "AccessDenied")
	_, err = owner.PutObjectAcl(t.Context(), &s3.PutObjectAclInput{Bucket: b, Key: aws.String("shown"), ACL: types.ObjectCannedACLPrivate})
	want(t, "the bucket's owner writes a list", err, "AccessDenied")
	acl := must(other.GetObjectAcl(t.Context(), &s3.GetObjectAclInput{Bucket: b, Key: aws.String("given")}))(t)
	if *acl.Owner.ID != canonicalID(accountB) || len(acl.Grants) != 2 || *acl.Grants[1].Grantee.ID != canonicalID(accountA) || acl.Grants[1].Permission != "FULL_CONTROL" {
		t.Errorf("the list is of %s: %+v", *acl.Owner.ID, acl.Grants)
	}
	must(other.PutObjectAcl(t.Context(), &s3.PutObjectAclInput{Bucket: b, Key: aws.String("theirs"), ACL: types.ObjectCannedACLBucketOwnerRead}))(t)
	reads("the bucket's owner, granted,", owner, map[string]string{"theirs": ""})
	// A copy is the copier's, and a bucket's owner may always delete.
	must(other.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: b, Key: aws.String("copy"), CopySource: aws.String("bkt/theirs")}))(t)
	reads("the bucket's owner", owner, map[string]string{"copy": "AccessDenied"})
	must(owner.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: aws.String("copy")}))(t)
	// Of parts.
	up := must(other.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: b, Key: aws.String("parts")}))(t)
	for _, u := range must(owner.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: b}))(t).Uploads {
		if *u.Owner.ID != canonicalID(accountB) || *u.Initiator.ID != canonicalID(accountB) {
			t.Errorf("the upload is of %s, begun by %s", *u.Owner.ID, *u.Initiator.ID)
		}
	}
	if l := must(other.ListParts(t.Context(), &s3.ListPartsInput{Bucket: b, Key: aws.String("parts"), UploadId: up.UploadId}))(t); *l.Owner.ID != canonicalID(accountB) || *l.Initiator.ID != canonicalID(accountB) {
		t.Errorf("the parts are of %s, begun by %s", *l.Owner.ID, *l.Initiator.ID)
	}
	part := must(other.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: b, Key: aws.String("parts"), UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x")}))(t)
	must(other.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: b, Key: aws.String("parts"), UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1)}}}}))(t)
	reads("the bucket's owner", owner, map[string]string{"parts": "AccessDenied"})

	// A delete marker is of who deleted.
	must(owner.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}}))(t)
	for key, c := range map[string]*s3.Client{"gone": owner, "gone too": other} {
		must(c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: &key}))(t)
	}
	for _, m := range must(owner.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: b, Prefix: aws.String("gone")}))(t).DeleteMarkers {
		if *m.Owner.ID != canonicalID(map[string]string{"gone": accountA, "gone too": accountB}[*m.Key]) {
			t.Errorf("the marker %s is of %s", *m.Key, *m.Owner.ID)
		}
	}

	// By an access point, and by files, it is the same; who may write may write over it, with a list of its own.
	if status, text := n.byHost(t, accountA, "PUT", "", controlPath+"accesspoint/reports", "<CreateAccessPointRequest><Bucket>bkt</Bucket></CreateAccessPointRequest>", "X-Amz-Account-Id", accountA); status != 200 {
		t.Fatal(status, text)
	}
	for key, code := range map[string]int{"kept": 403, "ours": 200, "given": 200} {
		if status, text := n.byHost(t, accountA, "GET", "reports-"+accountA+".s3-accesspoint.us-east-1.amazonaws.com", "/"+key, ""); status != code {
			t.Errorf("by an access point %s: %d %s", key, status, text)
		}
		ctx := awswire.WithCaller(t.Context(), awswire.Caller{Account: accountA, Region: "us-east-1"})
		if err := n.Allow(ctx, "s3:GetObject", "bkt", key); (err == nil) != (code == 200) {
			t.Errorf("by its file %s: %v", key, err)
		}
	}
	must(owner.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("shown"), Body: strings.NewReader("x"), ACL: types.ObjectCannedACLPrivate}))(t)

	// Without lists all is the bucket owner's.
	own(types.ObjectOwnershipBucketOwnerEnforced)
	reads("the bucket's owner, without lists,", owner, map[string]string{"theirs": "", "given": "", "shown": "", "kept": "", "parts": ""})
	acl = must(owner.GetObjectAcl(t.Context(), &s3.GetObjectAclInput{Bucket: b, Key: aws.String("given")}))(t)
	if *acl.Owner.ID != canonicalID(accountA) || len(acl.Grants) != 1 {
		t.Errorf("the list without lists is of %s: %+v", *acl.Owner.ID, acl.Grants)
	}
}

// TestListsOfVersions: the list of one version lets nobody read another, by a copy or as a page of a website.
func TestListsOfVersions(t *testing.T) {
	n := newNode(t)
	owner, other := n.client(accountA, "us-east-1"), n.client(accountB, "us-east-1")
	b := aws.String("bkt")
	must(owner.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: b, ObjectOwnership: types.ObjectOwnershipObjectWriter}))(t)
	must(owner.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: b}))(t)
	must(owner.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}}))(t)
	must(owner.PutBucketWebsite(t.Context(), &s3.PutBucketWebsiteInput{Bucket: b, WebsiteConfiguration: &types.WebsiteConfiguration{IndexDocument: &types.IndexDocument{Suffix: aws.String("index.html")}}}))(t)
	makeBucket(t, other, "copies")
	write := func(key string, acl types.ObjectCannedACL) string {
		t.Helper()
		return *must(owner.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: &key, Body: strings.NewReader(string(acl)), ACL: acl}))(t).VersionId
	}
	was := map[string]string{"now": write("now", types.ObjectCannedACLPrivate), "before": write("before", types.ObjectCannedACLPublicRead)}
	write("now", types.ObjectCannedACLPublicRead)
	write("before", types.ObjectCannedACLPrivate)
	copied := func(source string) int {
		t.Helper()
		status, _ := n.byHost(t, accountB, "PUT", "", "/copies/k", "", "X-Amz-Copy-Source", source)
		return status
	}
	for _, tt := range []struct {
		source string
		want   int
	}{
		{"bkt/now", 200},
		{"bkt/now?versionId=" + was["now"], 403},
		{"bkt/before", 403},
		{"bkt/before?versionId=" + was["before"], 200},
	} {
		if got := copied(tt.source); got != tt.want {
			t.Errorf("a copy of %s: %d, want %d", tt.source, got, tt.want)
		}
	}
	for path, want := range map[string]int{"/now": 200, "/now?versionId=" + was["now"]: 200, "/before": 403, "/before?versionId=" + was["before"]: 403} {
		if got, text := n.byHost(t, accountB, "GET", "bkt.s3-website.us-east-1.amazonaws.com", path, ""); got != want {
			t.Errorf("the page %s: %d %s, want %d", path, got, text, want)
		}
	}
}

// TestOwnerOfReplicas: replicas in another account's bucket that leaves objects to their writers are of the owner of their
// source, unless the rule leaves them to the destination.
func TestOwnerOfReplicas(t *testing.T) {
	n := newNode(t)
	to, from := n.client(accountA, "us-east-1"), n.client(accountB, "us-east-1")
	must(to.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("target"), ObjectOwnership: types.ObjectOwnershipObjectWriter}))(t)
	putPolicy(t, to, "target", allowOther("target/*", "", "s3:ReplicateObject"))
	makeBucket(t, from, "source")
	for bucket, c := range map[string]*s3.Client{"source": from, "target": to} {
		must(c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}}))(t)
	}
	for key, destination := range map[string]*types.Destination{
		"kept":  {Bucket: aws.String("arn:aws:s3:::target")},
		"given": {Bucket: aws.String("arn:aws:s3:::target"), Account: aws.String(accountA), AccessControlTranslation: &types.AccessControlTranslation{Owner: "Destination"}},
	} {
		must(from.PutBucketReplication(t.Context(), &s3.PutBucketReplicationInput{Bucket: aws.String("source"), ReplicationConfiguration: &types.ReplicationConfiguration{
			Role: aws.String("arn:aws:iam::" + accountB + ":role/r"), Rules: []types.ReplicationRule{{Status: "Enabled", Prefix: aws.String(""), Destination: destination}},
		}}))(t)
		put(t, from, "source", key, "x")
		info, f, err := n.store.Open("source", key, "")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		b := n.buckets.get("source")
		if err := n.copyReplica(t.Context(), b, b.setting("replication").all("Rule")[0], &info, f); err != nil {
			t.Fatal(err)
		}
	}
	for key, want := range map[string]string{"kept": accountB, "given": accountA} {
		list := must(to.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("target"), Prefix: &key, FetchOwner: aws.Bool(true)}))(t).Contents
		if len(list) != 1 || *list[0].Owner.ID != canonicalID(want) {
			t.Errorf("the replica %s is %+v, want it of %s", key, list, want)
		}
		_, err := to.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("target"), Key: &key})
		if denied := codeOf(err) == "AccessDenied"; denied != (want == accountB) {
			t.Errorf("the owner of the bucket reads %s: %v", key, err)
		}
	}
}
