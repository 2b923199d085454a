package s3

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// as answers a request of a caller, and returns the status and the body of the answer.
func (n *testNode) as(t testing.TB, caller awswire.Caller, method, path, body string, headers ...string) (int, string) {
	t.Helper()
	r := must(http.NewRequestWithContext(awswire.WithCaller(t.Context(), caller), method, "http://localhost"+path, strings.NewReader(body)))(t)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	w := httptest.NewRecorder()
	n.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// TestWriteGrant: who may write by a bucket's list alone writes what is not there yet and what is theirs, and neither
// replaces nor deletes what others have written.
func TestWriteGrant(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "objects")
	n := openNode(t, dir)
	owner := n.client(accountA, "us-east-1")
	b := aws.String("bkt")
	must(owner.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: b, ObjectOwnership: types.ObjectOwnershipObjectWriter}))(t)
	must(owner.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: b}))(t)
	must(owner.PutBucketAcl(t.Context(), &s3.PutBucketAclInput{Bucket: b, ACL: types.BucketCannedACLPublicReadWrite}))(t)
	must(owner.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("ours"), Body: strings.NewReader("x"), ACL: types.ObjectCannedACLPublicReadWrite}))(t)
	callers := map[string]awswire.Caller{
		"owner": {Account: accountA, Region: "us-east-1"}, "other": {Account: accountB, Region: "us-east-1"},
		"third": {Account: "333333333333", Region: "us-east-1"}, "nobody": {Anonymous: true},
	}
	for _, x := range []struct {
		who, method, path string
		status            int
	}{
		{"other", "PUT", "/bkt/ours", 403},
		{"nobody", "PUT", "/bkt/ours", 403},
		{"other", "DELETE", "/bkt/ours", 403},
		{"nobody", "DELETE", "/bkt/ours", 403},
		{"other", "POST", "/bkt/ours?uploads", 403},
		{"nobody", "DELETE", "/bkt/none", 204},
		{"other", "PUT", "/bkt/theirs", 200},
		{"other", "PUT", "/bkt/theirs", 200},
		{"nobody", "PUT", "/bkt/theirs", 403},
		{"third", "DELETE", "/bkt/theirs", 403},
		{"nobody", "PUT", "/bkt/nobodys", 200},
		{"nobody", "PUT", "/bkt/nobodys", 200},
		{"other", "PUT", "/bkt/nobodys", 403},
		{"nobody", "GET", "/bkt/nobodys", 200}, // they own it
		{"owner", "GET", "/bkt/nobodys", 403},  // whom its list does not name
		{"nobody", "GET", "/bkt/nobodys?acl", 200},
		{"other", "GET", "/bkt/nobodys?acl", 403},
		{"nobody", "GET", "/bkt/theirs", 403},
		{"other", "DELETE", "/bkt/theirs", 204},
		{"owner", "DELETE", "/bkt/nobodys", 204},
		{"owner", "PUT", "/bkt/ours", 200},
	} {
		if status, body := n.as(t, callers[x.who], x.method, x.path, ""); status != x.status {
			t.Errorf("%s %s %s: %d, want %d: %s", x.who, x.method, x.path, status, x.status, body)
		}
	}
	// One that cannot be looked at may be anybody's.
	loop := filepath.Join(dir, "bkt", "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	if status, body := n.as(t, callers["other"], "DELETE", "/bkt/loop/x", ""); status != 403 {
		t.Errorf("delete what cannot be read: %d %s", status, body)
	}
	if err := os.Remove(loop); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"nobodys-a", "nobodys-b"} {
		if status, body := n.as(t, callers["nobody"], "PUT", "/bkt/"+key, "x", "X-Amz-Acl", "public-read"); status != 200 {
			t.Errorf("put %s: %d %s", key, status, body)
		}
	}
	_, body := n.as(t, callers["nobody"], "POST", "/bkt?delete", `<Delete><Object><Key>ours</Key></Object><Object><Key>nobodys-a</Key></Object></Delete>`, "Content-MD5", "7qe6kyLoG4rnoPOF7JB9kQ==")
	if strings.Contains(body, "BadDigest") {
		t.Fatal(body)
	}
	if !strings.Contains(body, "<Deleted><Key>nobodys-a</Key></Deleted>") || !strings.Contains(body, "<Error><Key>ours</Key><Code>AccessDenied</Code>") {
		t.Error(body)
	}
	list := must(owner.ListObjects(t.Context(), &s3.ListObjectsInput{Bucket: b}))(t)
	owners := map[string]string{}
	for _, o := range list.Contents {
		owners[*o.Key] = *o.Owner.ID
	}
	if len(owners) != 2 || owners["nobodys-b"] != anonymousID || owners["ours"] != canonicalID(accountA) {
		t.Error(owners)
	}
	for _, query := range []string{"", "?list-type=2&fetch-owner=true"} {
		if status, body := n.as(t, callers["nobody"], "GET", "/bkt"+query, ""); status != 200 || strings.Contains(body, "Owner") || !strings.Contains(body, "<StorageClass>STANDARD</StorageClass></Contents>") {
			t.Errorf("listing of nobody: %d %s", status, body)
		}
	}
}

// TestGrantErrors: a grant to what cannot have one is refused with the name that it has in the header or in the body.
func TestGrantErrors(t *testing.T) {
	n := newNode(t)
	c := n.client(accountA, "us-east-1")
	must(c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("bkt"), ObjectOwnership: types.ObjectOwnershipObjectWriter}))(t)
	put(t, c, "bkt", "k", "x")
	policy := func(grantee string) string {
		return `<AccessControlPolicy xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Owner><ID>` + canonicalID(accountA) + `</ID></Owner><AccessControlList><Grant>` + grantee + `<Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>`
	}
	for _, path := range []string{"/bkt?acl", "/bkt/k?acl"} {
		for _, x := range []struct{ header, body, want string }{
			{`id="wrong-id"`, "", "<Message>Invalid id</Message><ArgumentName>id</ArgumentName><ArgumentValue>wrong-id</ArgumentValue>"},
			{`uri="http://acs.amazonaws.com/groups/s3/FakeGroup"`, "", "<Message>Invalid group uri</Message><ArgumentName>uri</ArgumentName>"},
			{"", policy(`<Grantee xsi:type="CanonicalUser"><ID>wrong-id</ID></Grantee>`), "<ArgumentName>CanonicalUser/ID</ArgumentName><ArgumentValue>wrong-id</ArgumentValue>"},
			{"", policy(`<Grantee xsi:type="Group"><URI>http://acs.amazonaws.com/groups/s3/FakeGroup</URI></Grantee>`), "<ArgumentName>Group/URI</ArgumentName>"},
			{"", policy(`<Grantee xsi:type="Other"><ID>wrong-id</ID></Grantee>`), "<Code>MalformedACLError</Code>"},
		} {
			var headers []string
			if x.header != "" {
				headers = []string{"X-Amz-Grant-Read", x.header}
			}
			if status, body, _ := n.raw(t, "PUT", path, x.body, headers...); status != 400 || !strings.Contains(body, x.want) {
				t.Errorf("%s %s%s: %d %s", path, x.header, x.body, status, body)
			}
		}
	}
	must(c.PutObjectAcl(t.Context(), &s3.PutObjectAclInput{Bucket: aws.String("bkt"), Key: aws.String("k"), ACL: types.ObjectCannedACLAwsExecRead}))(t)
	acl := must(c.GetObjectAcl(t.Context(), &s3.GetObjectAclInput{Bucket: aws.String("bkt"), Key: aws.String("k")}))(t)
	if len(acl.Grants) != 2 || acl.Grants[1].Permission != types.PermissionRead || acl.Grants[1].Grantee.Type != types.TypeCanonicalUser {
		t.Errorf("aws-exec-read: %+v", acl.Grants)
	}
}

// TestCopySources: a source is named by its path or its URL, and the ids of null versions are told of copies alone.
func TestCopySources(t *testing.T) {
	n := newNode(t)
	c := n.client(accountA, "us-east-1")
	makeBucket(t, c, "bkt")
	put(t, c, "bkt", "dir/k", "x")
	for source, want := range map[string]string{
		"bkt/dir/k": "<CopyObjectResult", "/bkt/dir/k": "<CopyObjectResult", "bkt%2Fdir%2Fk": "<CopyObjectResult",
		"http://127.0.0.1:4566/bkt/dir/k": "<CopyObjectResult", "https://s3.us-east-1.amazonaws.com/bkt/dir/k": "<CopyObjectResult",
		"https://bkt.s3.amazonaws.com/dir/k": "<CopyObjectResult", "http://bkt.localhost:4566/dir/k?versionId=null": "<CopyObjectResult",
		"wrongformat":            "<Message>Invalid copy source object key</Message><ArgumentName>x-amz-copy-source</ArgumentName><ArgumentValue>x-amz-copy-source</ArgumentValue>",
		"bkt/":                   "<Message>Invalid copy source object key</Message>",
		"http://127.0.0.1:4566/": "<Message>Invalid copy source object key</Message>",
		"http://127.0.0.1:4566":  "<Code>InvalidArgument</Code>",
		"s3://bkt/dir/k":         "<Message>Invalid copy source bucket name</Message>",
	} {
		if _, body, _ := n.raw(t, "PUT", "/bkt/copy", "", "X-Amz-Copy-Source", source); !strings.Contains(body, want) {
			t.Errorf("%s: %s", source, body)
		}
	}
	b, key := aws.String("bkt"), aws.String("k")
	source := aws.String("bkt/dir/k")
	copied := func(what, version, ofSource string) {
		t.Helper()
		out := must(c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: b, Key: key, CopySource: source}))(t)
		got := aws.ToString(out.VersionId)
		if got != "" && got != "null" {
			got = "id"
		}
		from := aws.ToString(out.CopySourceVersionId)
		if from != "" && from != "null" {
			from = "id"
		}
		if got != version || from != ofSource {
			t.Errorf("%s: version %q of source %q, want %q of %q", what, got, from, version, ofSource)
		}
	}
	copied("without versions", "", "")
	versions := func(status types.BucketVersioningStatus) {
		t.Helper()
		must(c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: status}}))(t)
	}
	versions(types.BucketVersioningStatusEnabled)
	copied("of a null version", "id", "")
	put(t, c, "bkt", "dir/k", "y")
	copied("of a version", "id", "id")
	versions(types.BucketVersioningStatusSuspended)
	copied("in a suspended bucket", "null", "id")
	put(t, c, "bkt", "dir/k", "z")
	copied("of a null version, in a suspended bucket", "null", "")
	up := must(c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: b, Key: key}))(t)
	part := must(c.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{Bucket: b, Key: key, UploadId: up.UploadId, PartNumber: aws.Int32(1), CopySource: source}))(t)
	if part.CopySourceVersionId != nil {
		t.Errorf("a part has a source of version %q", *part.CopySourceVersionId)
	}
}

// TestSecondVersionSignatures: requests that are signed in the second version are taken in the regions that have it, at
// the hosts that it signs, and without keys of KMS.
func TestSecondVersionSignatures(t *testing.T) {
	n := newNode(t)
	for region, bucket := range map[string]string{"us-east-1": "old", "eu-central-1": "young"} {
		c := n.client(accountA, region)
		in := &s3.CreateBucketInput{Bucket: &bucket}
		if region != "us-east-1" {
			in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
		}
		must(c.CreateBucket(t.Context(), in))(t)
		put(t, c, bucket, "k", "x")
	}
	c := n.client(accountA, "us-east-1")
	must(c.PutBucketWebsite(t.Context(), &s3.PutBucketWebsiteInput{Bucket: aws.String("old"), WebsiteConfiguration: &types.WebsiteConfiguration{IndexDocument: &types.IndexDocument{Suffix: aws.String("k")}}}))(t)
	const unsupported = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
	for _, x := range []struct {
		method, host, path, sse string
		status                  int
		want                    string
	}{
		{"GET", "localhost", "/old/k", "", 200, "x"},
		{"GET", "old.s3.localhost", "/k", "", 200, "x"},
		{"GET", "localhost", "/young/k", "", 400, unsupported},
		{"GET", "young.s3.localhost", "/k", "", 400, unsupported},
		{"GET", "localhost", "/young", "", 400, unsupported},
		{"GET", "old.s3-website.us-east-1.amazonaws.com", "/k", "", 400, unsupported},
		{"GET", "localhost", "/v20180820/accesspoint", "", 400, unsupported},
		{"GET", "localhost", "/none/k", "", 404, "NoSuchBucket"},
		{"PUT", "localhost", "/old/new", "", 200, ""},
		{"PUT", "localhost", "/old/new", "aws:kms", 400, "managed keys require AWS Signature Version 4."},
	} {
		for _, way := range []string{"header", "query"} {
			path, headers := x.path, []string{}
			if way == "header" {
				headers = append(headers, "Authorization", "AWS 000000000000:eA==")
			} else {
				path += "?AWSAccessKeyId=000000000000&Expires=4000000000&Signature=eA%3D%3D"
			}
			if x.sse != "" {
				headers = append(headers, "X-Amz-Server-Side-Encryption", x.sse)
			}
			r := must(http.NewRequestWithContext(awswire.WithCaller(t.Context(), awswire.Caller{Account: accountA}), x.method, "http://"+x.host+path, strings.NewReader("x")))(t)
			for i := 0; i < len(headers); i += 2 {
				r.Header.Set(headers[i], headers[i+1])
			}
			if strings.HasPrefix(x.path, controlPath) {
				r.Header.Set("X-Amz-Account-Id", accountA)
			}
			w := httptest.NewRecorder()
			n.ServeHTTP(w, r)
			if w.Code != x.status || !strings.Contains(w.Body.String(), x.want) {
				t.Errorf("%s %s%s by the %s: %d %s", x.method, x.host, x.path, way, w.Code, w.Body)
			}
		}
	}
}

// midway calls f before it gives the data.
type midway struct {
	io.Reader
	f func()
}

func (m *midway) Read(p []byte) (int, error) {
	if m.f != nil {
		m.f()
		m.f = nil
	}
	return m.Reader.Read(p)
}

// TestWriteGrantRace: of two who write a new key at the same time by a bucket's list, the second does not replace what the
// first has written while it sent its own data.
func TestWriteGrantRace(t *testing.T) {
	n := newNode(t)
	owner := n.client(accountA, "us-east-1")
	b := aws.String("bkt")
	must(owner.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: b, ObjectOwnership: types.ObjectOwnershipObjectWriter}))(t)
	must(owner.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: b}))(t)
	must(owner.PutBucketAcl(t.Context(), &s3.PutBucketAclInput{Bucket: b, ACL: types.BucketCannedACLPublicReadWrite}))(t)
	other, third := awswire.Caller{Account: accountB, Region: "us-east-1"}, awswire.Caller{Account: "333333333333", Region: "us-east-1"}
	send := func(as awswire.Caller, method, path, contentType, body string, meanwhile func()) (int, string) {
		t.Helper()
		r := must(http.NewRequestWithContext(awswire.WithCaller(t.Context(), as), method, "http://localhost"+path, &midway{strings.NewReader(body), meanwhile}))(t)
		r.ContentLength = int64(len(body))
		r.Header.Set("Content-Length", strconv.Itoa(len(body)))
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		w := httptest.NewRecorder()
		n.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	put := func(as awswire.Caller, key string, status int) func() {
		return func() {
			if got, body := n.as(t, as, "PUT", "/bkt/"+key, "theirs"); got != status {
				t.Errorf("%s meanwhile: %d %s", key, got, body)
			}
		}
	}
	form := "--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nform\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nours\r\n--x--\r\n"
	for _, x := range []struct {
		who                          awswire.Caller
		method, path, key, typ, body string
		meanwhile                    func()
		status                       int
		want                         string
	}{
		{other, "PUT", "/bkt/put", "put", "", "ours", put(third, "put", 200), 403, "theirs"},
		{other, "PUT", "/bkt/own", "own", "", "ours", put(other, "own", 200), 200, "ours"},
		{awswire.Caller{Anonymous: true}, "POST", "/bkt", "form", "multipart/form-data; boundary=x", form, put(third, "form", 200), 403, "theirs"},
		{awswire.Caller{Account: accountA, Region: "us-east-1"}, "PUT", "/bkt/owner", "owner", "", "ours", put(third, "owner", 200), 200, "ours"},
	} {
		if status, body := send(x.who, x.method, x.path, x.typ, x.body, x.meanwhile); status != x.status {
			t.Errorf("%s: %d, want %d: %s", x.key, status, x.status, body)
		}
		_, f, err := n.store.Open("bkt", x.key, "")
		if err != nil {
			t.Fatal(err)
		}
		got := must(io.ReadAll(io.NewSectionReader(f, 0, 100)))(t)
		f.Close()
		if string(got) != x.want {
			t.Errorf("%s: %q, want %q", x.key, got, x.want)
		}
	}
}
