package objectstore

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pkg/xattr"
)

// TestOldAttributes: objects that the first version of the store has written are read as they
// are, and get a record with their next change.
func TestOldAttributes(t *testing.T) {
	base := t.TempDir()
	s, err := Open(Options{Dir: filepath.Join(base, "objects"), StateDir: filepath.Join(base, "state")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !s.attrs.follow() {
		t.Skip("the file system has no extended attributes")
	}
	if err := s.CreateBucket("bkt"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(base, "objects", "bkt", "k")
	if err := os.WriteFile(file, []byte("data"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"etag": `"8d777f385d3dfec8815d20f7496026dc"`, "content-type": "text/x", "metadata": `{"a":"b"}`, "X-Amz-Tagging": `{"t":"1"}`,
		"checksums": `{"Algorithm":"CRC32","Type":"FULL_OBJECT","CRC32":"rfPzYw==","SHA1":null}`, "storage-class": "STANDARD_IA",
		"mp-metadata": `{"uploadId":"u","parts":[3,4]}`, "object-retention": `{"Mode":"GOVERNANCE","RetainUntilDate":"2030-01-01T00:00:00Z"}`,
		"object-legal-hold": "\x01", "encryption": `{"algorithm":"aws:kms","kmsKey":"x"}`,
	} {
		if err := xattr.Set(file, "user."+name, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	check := func(info Info) {
		t.Helper()
		if info.ETag != "8d777f385d3dfec8815d20f7496026dc" || info.Headers["content-type"] != "text/x" || info.User["a"] != "b" || info.Tags["t"] != "1" ||
			info.Prop("sum") != "rfPzYw==" || info.Prop("sum-type") != "FULL_OBJECT" || info.Prop("class") != "STANDARD_IA" || info.Upload != "u" ||
			len(info.Parts) != 2 || info.Parts[1].Size != 1 || info.Prop("lock-mode") != "GOVERNANCE" || info.Prop("lock-hold") != "ON" || info.Prop("sse") != "aws:kms" {
			t.Errorf("read %+v", info)
		}
	}
	info, err := s.Stat("bkt", "k", "")
	if err != nil {
		t.Fatal(err)
	}
	check(info)
	if _, err := s.Amend("bkt", "k", "", func(i *Info) error { i.SetProp("new", "1"); return nil }); err != nil {
		t.Fatal(err)
	}
	if info, err = s.Stat("bkt", "k", ""); err != nil || info.Prop("new") != "1" {
		t.Errorf("%+v, %v", info, err)
	}
	check(info)
	names, err := xattr.List(file)
	if err != nil || len(names) != 1 {
		t.Errorf("the attributes are %q, %v", names, err)
	}
}
