package authority

import (
	"bytes"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func open(t *testing.T, dir string, now func() time.Time) *Authority {
	t.Helper()
	a, err := Open(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAuthorityIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	first := open(t, dir, time.Now)
	if again := open(t, dir, time.Now); !bytes.Equal(first.PEM(), again.PEM()) {
		t.Error("opened again, the authority is another one")
	}
	info, err := os.Stat(filepath.Join(dir, keyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v, %v; want 0600", info.Mode(), err)
	}
	later := func() time.Time { return time.Now().Add(lifetime + 24*time.Hour) }
	if other := open(t, dir, later); bytes.Equal(first.PEM(), other.PEM()) {
		t.Error("an expired authority was not replaced")
	}
}

func TestBadFilesAreRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, time.Now)
	if err := os.Chmod(filepath.Join(dir, keyFile), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, time.Now); err == nil {
		t.Error("a key that others can read was taken")
	}
	if err := os.WriteFile(filepath.Join(dir, keyFile), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	os.Chmod(filepath.Join(dir, keyFile), 0o600)
	if _, err := Open(dir, time.Now); err == nil {
		t.Error("a key that is none was taken")
	}
}

func TestCertificates(t *testing.T) {
	a := open(t, t.TempDir(), time.Now)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.PEM())
	for _, host := range []string{"kinesis.us-east-1.amazonaws.com", "a.b.s3.eu-west-1.amazonaws.com", "abc123.execute-api.us-east-1.amazonaws.com",
		"firehose.cn-north-1.amazonaws.com.cn", "lambda.us-east-1.api.aws", "localhost", "S3.amazonaws.com", "127.0.0.1"} {
		c, err := a.Certificate(host)
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		if _, err := c.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
		if again, _ := a.Certificate(host); again != c {
			t.Errorf("%s was signed twice", host)
		}
	}
	for _, host := range []string{"", "example.com", "amazonaws.com.example.com", "notamazonaws.com", "10.0.0.1", "*.amazonaws.com", "a..amazonaws.com", "a\x00.amazonaws.com", "com"} {
		if _, err := a.Certificate(host); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v, want ErrName", host, err)
		}
	}
	// Nor would a client take what a thief of the key signs.
	leaf, err := a.sign("example.com", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leaf.Leaf.Verify(x509.VerifyOptions{DNSName: "example.com", Roots: roots}); err == nil {
		t.Error("a certificate of another domain is good")
	}
}

func TestCertificatesAreBoundedAndRenewed(t *testing.T) {
	now := time.Now()
	a := open(t, t.TempDir(), func() time.Time { return now })
	first, err := a.Certificate("sts.amazonaws.com")
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(leafLifetime * 3 / 4)
	if next, _ := a.Certificate("sts.amazonaws.com"); next == first {
		t.Error("a certificate near its end was not renewed")
	}
	for i := range maxLeaves + 10 {
		a.leaves[string(rune('a'+i%26))+time.Duration(i).String()] = first
	}
	for range 20 {
		if _, err := a.Certificate("s3.amazonaws.com"); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzSigns(f *testing.F) {
	f.Add("kinesis.us-east-1.amazonaws.com")
	f.Add("127.0.0.1")
	f.Add("[::1]")
	a, err := Open(f.TempDir(), time.Now)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if _, err := a.Certificate(host); err != nil && Signs(host) {
			t.Errorf("%q: %v", host, err)
		}
	})
}
