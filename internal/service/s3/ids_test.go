package s3

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// hostileIDs are what a client may send back for an id that it was given.
func hostileIDs(victim string) []string {
	ids := []string{
		".", "..", "/", "", "null", "%", "*", "\x00", "a\x00b", "\xff\xfe", strings.Repeat("a", 5000),
		victim, "../" + victim, "00000000-0000-0000-0000-000000000000/../../../../victim",
		"00000000-0000-0000-0000-00000000000G", "{00000000-0000-0000-0000-000000000000}",
		"01ARZ3NDEKTSV4RRFFQ69G5FAV/..", "01arz3ndektsv4rrffq69g5fav",
	}
	for depth := 1; depth < 8; depth++ {
		ids = append(ids, strings.Repeat("../", depth)+"victim", strings.Repeat("../", depth)+"etc")
	}
	return ids
}

// TestHostileIDs sends ids that are paths with each operation that takes one: nothing outside
// of the store changes, no answer is a server's error, and none lists what it should not.
func TestHostileIDs(t *testing.T) {
	base := t.TempDir()
	n := openNode(t, filepath.Join(base, "objects"))
	c, other := n.client("111111111111", "us-east-1"), n.client("222222222222", "us-east-1")
	for c, name := range map[*s3.Client]string{c: "attacker", other: "victim"} {
		if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
			t.Fatal(err)
		}
		put(t, c, name, "etc/key", "theirs")
	}
	outside := filepath.Join(base, "victim")
	if err := os.MkdirAll(filepath.Join(outside, "deep"), 0o755); err != nil {
		t.Fatal(err)
	}
	before := tree(t, base)
	credential := url.Values{"X-Amz-Credential": {"111111111111/20260101/us-east-1/s3/aws4_request"}}
	for _, id := range hostileIDs(outside) {
		for _, a := range []struct{ method, name, extra, body string }{
			{http.MethodDelete, "uploadId", "", ""},
			{http.MethodGet, "uploadId", "", ""},
			{http.MethodPut, "uploadId", "partNumber=1", "data"},
			{http.MethodPost, "uploadId", "", "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>"},
			{http.MethodGet, "versionId", "", ""},
			{http.MethodHead, "versionId", "", ""},
			{http.MethodDelete, "versionId", "", ""},
			{http.MethodGet, "versionId", "tagging", ""},
			{http.MethodPut, "versionId", "tagging", "<Tagging><TagSet></TagSet></Tagging>"},
			{http.MethodDelete, "versionId", "tagging", ""},
			{http.MethodGet, "versionId", "acl", ""},
			{http.MethodGet, "versionId", "attributes", ""},
			{http.MethodGet, "versionId", "retention", ""},
			{http.MethodPut, "versionId", "legal-hold", "<LegalHold><Status>ON</Status></LegalHold>"},
		} {
			u := n.url + "/attacker/etc/key?" + credential.Encode() + "&" + a.name + "=" + url.QueryEscape(id)
			if a.extra != "" {
				u += "&" + a.extra
			}
			attack(t, a.method, u, a.body, nil)
		}
		for _, name := range []string{"continuation-token", "marker", "key-marker", "upload-id-marker", "version-id-marker", "start-after"} {
			for _, list := range []string{"list-type=2", "versions", "uploads", ""} {
				attack(t, http.MethodGet, n.url+"/attacker?"+credential.Encode()+"&"+list+"&"+name+"="+url.QueryEscape(id), "", nil)
			}
		}
		attack(t, http.MethodPut, n.url+"/attacker/copy?"+credential.Encode(), "",
			http.Header{"X-Amz-Copy-Source": {"attacker/etc/key?versionId=" + url.QueryEscape(id)}})
		if strings.Contains(id, "\x00") || !utf8.ValidString(id) {
			continue
		}
		_, _ = c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String("attacker"), Delete: &types.Delete{
			Objects: []types.ObjectIdentifier{{Key: aws.String("no"), VersionId: &id}}}})
	}
	after := tree(t, base)
	for path := range before { // "null" is the attacker's own version
		if !after[path] && !strings.HasPrefix(path, "objects/attacker") {
			t.Errorf("%s went away", path)
		}
	}
	for path := range after {
		if !before[path] && !strings.HasPrefix(path, "objects/attacker") && !strings.HasPrefix(path, "objects.state/versions/attacker") {
			t.Errorf("%s came", path)
		}
	}
}

func attack(t *testing.T, method, url, body string, header http.Header) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %.200s: %v", method, url, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented {
		t.Errorf("%s %.200s: %s", method, url, resp.Status)
	}
}

// tree is all paths below a directory.
func tree(t *testing.T, root string) map[string]bool {
	t.Helper()
	paths := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		paths[rel] = true
		return err
	})
	if err != nil {
		t.Fatal(fmt.Errorf("walk %s: %w", root, err))
	}
	return paths
}
