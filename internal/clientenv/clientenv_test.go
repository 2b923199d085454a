package clientenv

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var node = Node{URL: "http://127.0.0.1:4566", Region: "eu-west-1", AccessKey: "key", SecretKey: "it's", Authority: []byte("-----BEGIN CERTIFICATE-----\n")}

func TestMake(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "clients")
	current := []string{"PATH=/bin", "AWS_PROFILE=production", "AWS_ENDPOINT_URL_S3=https://s3.amazonaws.com", "AWS_SESSION_TOKEN=old", "NO_PROXY=.amazonaws.com", "NODE_OPTIONS=--max-old-space-size=100", "ALL_PROXY=socks5://x"}
	e, err := Make(node, dir, current)
	if err != nil {
		t.Fatal(err)
	}
	got := variables(e.Apply(current))
	for name, want := range map[string]string{
		"PATH": "/bin", "AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_ACCESS_KEY_ID": "key", "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1",
		"AWS_EC2_METADATA_DISABLED": "true", "HTTPS_PROXY": "http://127.0.0.1:4566", "http_proxy": "http://127.0.0.1:4566", "NO_PROXY": "localhost,127.0.0.1,::1,.localhost",
		"NODE_OPTIONS": "--max-old-space-size=100 --require=" + filepath.Join(dir, preloadFile),
	} {
		if got[name] != want {
			t.Errorf("%s=%s, want %s", name, got[name], want)
		}
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN", "ALL_PROXY"} {
		if value, ok := got[name]; ok {
			t.Errorf("%s is still %s", name, value)
		}
	}
	for _, name := range []string{"AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"} {
		if text, err := os.ReadFile(got[name]); err != nil || !strings.HasPrefix(string(text), string(node.Authority)) {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	again, err := Make(node, dir, e.Apply(current))
	if err != nil || !slices.Equal(again.Set, e.Set) {
		t.Errorf("made of itself the environment is another: %v, %v", again.Set, err)
	}
	if script := e.Shell("sh"); !strings.Contains(script, `export AWS_SECRET_ACCESS_KEY='it'\''s'`) || !strings.Contains(script, "unset AWS_PROFILE\n") {
		t.Error(script)
	}
	if script := e.Shell("fish"); !strings.Contains(script, `set -gx AWS_SECRET_ACCESS_KEY 'it\'s'`) {
		t.Error(script)
	}
}

func TestMakeWithoutProxy(t *testing.T) {
	n := node
	n.Authority = nil
	e, err := Make(n, filepath.Join(t.TempDir(), "none"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := variables(e.Apply(nil)); got["HTTPS_PROXY"] != "" || got["AWS_ENDPOINT_URL"] == "" {
		t.Error(got)
	}
}

func TestWriteProfile(t *testing.T) {
	file := filepath.Join(t.TempDir(), ".aws", "config")
	for _, tt := range []struct{ before, after string }{
		{"", "[profile local]\nBODY"},
		{"[default]\nregion = x", "[default]\nregion = x\n\n[profile local]\nBODY"},
		{"[profile local]\nregion = x\n\n[profile b]\n# mine\na = b\n", "[profile local]\nBODY\n[profile b]\n# mine\na = b\n"},
		{"[profile a]\nq = 1\n[ profile  local]\nx = y\n", "[profile a]\nq = 1\n[ profile  local]\nx = y\n\n[profile local]\nBODY"},
		{"[profile a]\nq = 1\n[profile  local]\nx = y\n", "[profile a]\nq = 1\n[profile local]\nBODY"},
	} {
		os.MkdirAll(filepath.Dir(file), 0o700)
		os.WriteFile(file, []byte(tt.before), 0o600)
		if err := WriteProfile(file, "local", node, ""); err != nil {
			t.Fatal(err)
		}
		want := strings.Replace(tt.after, "BODY", "endpoint_url = http://127.0.0.1:4566\nregion = eu-west-1\naws_access_key_id = key\naws_secret_access_key = it's\n", 1)
		if got, _ := os.ReadFile(file); string(got) != want {
			t.Errorf("%q became\n%s\nwant\n%s", tt.before, got, want)
		}
	}
	for _, name := range []string{"", "a]", "a\nb", " a"} {
		if WriteProfile(file, name, node, "") == nil {
			t.Errorf("%q was taken as a name", name)
		}
	}
}

func TestDir(t *testing.T) {
	for u, want := range map[string]string{"http://127.0.0.1:4566": "127.0.0.1-4566", "http://[::1]:80/": "__1-80", "https://node.example.com": "node.example.com-https", "http://..:1": "..-1"} {
		if got, err := Dir("/c", u); err != nil || got != "/c/brookmere/clients/"+want {
			t.Errorf("%s: %s, %v", u, got, err)
		}
	}
	if _, err := Dir("/c", "nothing"); err == nil {
		t.Error("no URL was taken")
	}
}
