package clientenv

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"software.sslmate.com/src/go-pkcs12"
)

var node = Node{URL: "http://127.0.0.1:4566", Region: "eu-west-1", AccessKey: "key", SecretKey: "it's", Authority: newAuthority()}

func newAuthority() []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "node"}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestMake(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "clients")
	current := []string{"PATH=/bin", "AWS_PROFILE=production", "AWS_ENDPOINT_URL_S3=https://s3.amazonaws.com", "AWS_SESSION_TOKEN=old", "NO_PROXY=.amazonaws.com", "NODE_OPTIONS=--max-old-space-size=100", "ALL_PROXY=socks5://x"}
	e, err := Make(node, dir, current)
	if err != nil {
		t.Fatal(err)
	}
	got := variables(e.Apply(current))
	for name, want := range map[string]string{
		"PATH": "/bin", "AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_ENDPOINT_URL_S3_CONTROL": "https://s3-control.eu-west-1.amazonaws.com", "AWS_ACCESS_KEY_ID": "key", "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1",
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
	if !strings.HasSuffix(got["PHP_INI_SCAN_DIR"], filepath.Join(dir, phpDir)) {
		t.Errorf("PHP_INI_SCAN_DIR=%s", got["PHP_INI_SCAN_DIR"])
	}
	options := got["JAVA_TOOL_OPTIONS"]
	for _, want := range []string{"-Dhttps.proxyHost=127.0.0.1", "-Dhttps.proxyPort=4566", "-Dhttp.proxyHost=127.0.0.1"} {
		if !slices.Contains(strings.Fields(options), want) {
			t.Errorf("JAVA_TOOL_OPTIONS=%s, without %s", options, want)
		}
	}
	store, _, _ := strings.Cut(strings.TrimPrefix(options, "-Djavax.net.ssl.trustStore="), " ")
	text, err := os.ReadFile(store)
	if err != nil {
		t.Fatal(err)
	}
	if trusted, err := pkcs12.DecodeTrustStore(text, trustPassword); err != nil || trusted[0].Subject.CommonName != "node" {
		t.Errorf("trust store for Java: %v", err)
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

// TestNoPasswordForJava: a virtual machine prints its options.
func TestNoPasswordForJava(t *testing.T) {
	n := node
	n.ProxyUser, n.ProxyPassword = "key", "hidden"
	e, err := Make(n, filepath.Join(t.TempDir(), "with space"), []string{"JAVA_TOOL_OPTIONS=-Xmx1g"})
	if err != nil {
		t.Fatal(err)
	}
	got := variables(e.Apply(nil))
	if options := got["JAVA_TOOL_OPTIONS"]; strings.Contains(options, "hidden") || strings.Contains(options, "proxyHost") || !strings.HasPrefix(options, `-Xmx1g -Djavax.net.ssl.trustStore="/`) {
		t.Errorf("JAVA_TOOL_OPTIONS=%s", options)
	}
}

func TestCommand(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string // of the arguments; "": none is added
	}{
		{[]string{"python", "a.py"}, ""},
		{[]string{"/opt/chromium/readme"}, ""},
		{[]string{"chromium", "--headless", "page.html"}, "--user-data-dir"},
		{[]string{"/usr/bin/google-chrome-stable", "page.html"}, "--user-data-dir"},
		{[]string{"chromium", "--user-data-dir=/mine", "page.html"}, "--ignore-certificate-errors-spki-list"},
	} {
		got, err := Command(node, t.TempDir(), tt.args)
		if err != nil {
			t.Fatal(err)
		}
		if tt.want == "" {
			if !slices.Equal(got, tt.args) {
				t.Errorf("%q became %q", tt.args, got)
			}
			continue
		}
		has := func(flag string) bool {
			return slices.ContainsFunc(got, func(a string) bool { return strings.HasPrefix(a, flag+"=") })
		}
		if !has(tt.want) || !has("--proxy-server") || got[0] != tt.args[0] || got[len(got)-1] != tt.args[len(tt.args)-1] {
			t.Errorf("%q became %q", tt.args, got)
		}
		profiles := 0
		for _, a := range got {
			if strings.HasPrefix(a, "--user-data-dir=") {
				profiles++
			}
		}
		if profiles != 1 {
			t.Errorf("%d profiles in %q", profiles, got)
		}
	}
}
