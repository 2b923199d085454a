package s3

import (
	"crypto/md5"
	"encoding/base64"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/brookmere/brookmere/internal/engine/seal"
)

// TestChecksumOfPart: a part is read with its own checksum, which the SDK holds it against, or with none.
func TestChecksumOfPart(t *testing.T) {
	n := newNode(t)
	c := n.client(accountA, "us-east-1")
	makeBucket(t, c, "bkt")
	b, key := aws.String("bkt"), aws.String("parts")
	bodies := []string{strings.Repeat("a", minPart), "b"}
	for _, tt := range []struct {
		algorithm types.ChecksumAlgorithm
		kind      types.ChecksumType
	}{{"", ""}, {types.ChecksumAlgorithmCrc32, types.ChecksumTypeFullObject}, {types.ChecksumAlgorithmCrc32, types.ChecksumTypeComposite}} {
		up := must(c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: b, Key: key, ChecksumAlgorithm: tt.algorithm, ChecksumType: tt.kind}))(t)
		var parts []types.CompletedPart
		for i, body := range bodies {
			p := must(c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: b, Key: key, UploadId: up.UploadId, PartNumber: aws.Int32(int32(i + 1)), Body: strings.NewReader(body), ChecksumAlgorithm: tt.algorithm}))(t)
			parts = append(parts, types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: p.ETag, ChecksumCRC32: p.ChecksumCRC32})
			if tt.algorithm == "" {
				parts[i].ChecksumCRC32 = nil
			}
		}
		must(c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: b, Key: key, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}}))(t)
		for i := range bodies {
			head := must(c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: b, Key: key, PartNumber: aws.Int32(int32(i + 1)), ChecksumMode: types.ChecksumModeEnabled}))(t)
			if aws.ToString(head.ChecksumCRC32) != aws.ToString(parts[i].ChecksumCRC32) || head.ChecksumCRC64NVME != nil {
				t.Errorf("%q %q: part %d has %v and %v, want %v", tt.algorithm, tt.kind, i+1, head.ChecksumCRC32, head.ChecksumCRC64NVME, parts[i].ChecksumCRC32)
			}
		}
	}
	must(c.PutBucketWebsite(t.Context(), &s3.PutBucketWebsiteInput{Bucket: b, WebsiteConfiguration: &types.WebsiteConfiguration{IndexDocument: &types.IndexDocument{Suffix: aws.String("index.html")}}}))(t)
	for path, want := range map[string]int{"/parts?partNumber=0": 400, "/parts?partNumber=-1": 400, "/parts?partNumber=3": 416, "/parts?partNumber=1": 206} {
		if status, text := n.byHost(t, accountA, "GET", "bkt.s3-website.us-east-1.amazonaws.com", path, ""); status != want {
			t.Errorf("the page %s: %d %.200s, want %d", path, status, text, want)
		}
	}
	if status, text, _ := n.raw(t, "GET", "/bkt/parts?partNumber=0", "", "Range", "bytes=0-1"); status != 400 || !strings.Contains(text, "Cannot specify both") {
		t.Errorf("a part and a range: %d %s", status, text)
	}
	for _, number := range []string{"0", "10001", "x"} {
		if status, text, _ := n.raw(t, "GET", "/bkt/none?partNumber="+number, ""); status != 400 || !strings.Contains(text, "InvalidArgument") {
			t.Errorf("part %s of no object: %d %s", number, status, text)
		}
	}
}

// customerHeaders are the headers that say a key of the customer's.
func customerHeaders(key string) []string {
	const name = "X-Amz-Server-Side-Encryption-Customer-"
	sum := md5.Sum([]byte(key))
	return []string{name + "Algorithm", "AES256", name + "Key", base64.StdEncoding.EncodeToString([]byte(key)), name + "Key-Md5", base64.StdEncoding.EncodeToString(sum[:])}
}

// TestTamperedObject: of an object whose data was changed on disk nobody is told that it is there, as far as its first
// piece tells.
func TestTamperedObject(t *testing.T) {
	dir := t.TempDir()
	key, err := seal.File(filepath.Join(t.TempDir(), "KEY"))
	if err != nil {
		t.Fatal(err)
	}
	n := openConfig(t, Config{Dir: dir, Encrypt: true, Key: key})
	c := n.client(accountA, "us-east-1")
	makeBucket(t, c, "bkt")
	put(t, c, "bkt", "sealed", strings.Repeat("x", 100<<10))
	secret := "0123456789abcdef0123456789abcdef"
	if status, text, _ := n.raw(t, "PUT", "/bkt/theirs", strings.Repeat("x", 100<<10), customerHeaders(secret)...); status != 200 {
		t.Fatal(status, text)
	}
	for _, name := range []string{"sealed", "theirs"} {
		path := filepath.Join(dir, "bkt", name)
		data := readFile(t, path)
		data[100] ^= 1
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(data[:200], 0); err != nil {
			t.Fatal(err)
		}
		f.Close()
		var headers []string
		if name == "theirs" {
			headers = customerHeaders(secret)
		}
		if status, text, _ := n.raw(t, "GET", "/bkt/"+name, "", headers...); status != 500 || !strings.Contains(text, "InternalError") {
			t.Errorf("%s: %d %.100s", name, status, text)
		}
		if status, text, _ := n.raw(t, "GET", "/bkt/"+name, "", slices.Concat(headers, []string{"Range", "bytes=90000-90009"})...); status != 206 || text != "xxxxxxxxxx" {
			t.Errorf("a range of %s that was not changed: %d %.100s", name, status, text)
		}
	}
}

// TestFileNames: the name of a form's file is what is behind its folders, and nothing where it has none.
func TestFileNames(t *testing.T) {
	for header, want := range map[string]string{
		`form-data; name="file"`: "", `form-data; name="file"; filename=""`: "", `form-data; name="file"; filename="/"`: "",
		`form-data; name="file"; filename="a.txt"`: "a.txt", `form-data; name="file"; filename="C:\\dir\\a.txt"`: "a.txt", `form-data; name="file"; filename="dir/a.txt/"`: "a.txt",
	} {
		if got, _ := fileName(textproto.MIMEHeader{"Content-Disposition": {header}}); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
}
