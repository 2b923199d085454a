// Package clientenv makes the environment in which programs that speak to AWS speak to a node, whether they
// can be told an endpoint or know AWS's names alone.
//
// Those that read AWS_ENDPOINT_URL reach the node directly. For the others the environment names the node's
// forward proxy and the certificate authority that it signs with, in each of the variables by which languages
// find them. Node.js before 24.5 reads no proxy from its environment: a small script that it preloads makes
// its connections to other hosts through the proxy. Java gets a trust store and properties by JAVA_TOOL_OPTIONS, PHP
// a file of settings by PHP_INI_SCAN_DIR, and a browser of the Chromium family arguments.
package clientenv

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Node is what an environment leads to.
type Node struct {
	URL                  string // "http://127.0.0.1:4566"
	Region               string
	AccessKey, SecretKey string
	SessionToken         string // empty: none
	// Authority is the PEM certificate of the node's authority; nil: the node is not a proxy, and only clients that
	// read AWS_ENDPOINT_URL reach it.
	Authority []byte
	// ProxyUser and ProxyPassword are for a proxy that asks for them.
	ProxyUser, ProxyPassword string
}

// Variable is one of an environment.
type Variable struct{ Name, Value string }

// Environment is what to change of an environment.
type Environment struct {
	Set   []Variable
	Unset []string
}

// Files that Make writes.
const (
	authorityFile = "ca.pem"
	bundleFile    = "ca-bundle.pem"
	preloadFile   = "proxy.cjs"
)

//go:embed proxy.cjs
var preload []byte

// unset are variables that would lead a client elsewhere, or make it another caller.
var unset = []string{
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_SESSION_NAME",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
	"AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_SECURITY_TOKEN",
	"ALL_PROXY", "all_proxy",
}

// Make returns the environment of clients of the node, and writes the files that it names to dir, which it makes.
// current is the environment that is changed ("NAME=value").
func Make(n Node, dir string, current []string) (Environment, error) {
	var e Environment
	set := func(value string, names ...string) {
		for _, name := range names {
			e.Set = append(e.Set, Variable{name, value})
		}
	}
	u, err := url.Parse(n.URL)
	if err != nil || u.Host == "" {
		return e, fmt.Errorf("%q is not the URL of a node", n.URL)
	}
	e.Unset = slices.Clone(unset)
	for _, kv := range current {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_ENDPOINT_URL_") {
			e.Unset = append(e.Unset, name) // of one service
		}
	}
	set(n.URL, "AWS_ENDPOINT_URL")
	set(n.AccessKey, "AWS_ACCESS_KEY_ID")
	set(n.SecretKey, "AWS_SECRET_ACCESS_KEY")
	if n.SessionToken != "" {
		set(n.SessionToken, "AWS_SESSION_TOKEN")
	} else {
		e.Unset = append(e.Unset, "AWS_SESSION_TOKEN")
	}
	set(n.Region, "AWS_REGION", "AWS_DEFAULT_REGION")
	set("true", "AWS_EC2_METADATA_DISABLED")
	if n.Authority == nil {
		return e, nil
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return e, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return e, err
	}
	old := variables(current)
	extra := n.Authority
	if own, err := os.ReadFile(old["NODE_EXTRA_CA_CERTS"]); err == nil && old["NODE_EXTRA_CA_CERTS"] != filepath.Join(dir, authorityFile) {
		extra = slices.Concat(n.Authority, []byte("\n"), own)
	}
	trusted := bundle(n.Authority, old["SSL_CERT_FILE"], filepath.Join(dir, bundleFile))
	for name, text := range map[string][]byte{authorityFile: extra, bundleFile: trusted, preloadFile: preload} {
		if err := writeFile(filepath.Join(dir, name), text); err != nil {
			return e, err
		}
	}
	set(filepath.Join(dir, bundleFile), "AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
	set(filepath.Join(dir, authorityFile), "NODE_EXTRA_CA_CERTS")
	proxy := url.URL{Scheme: u.Scheme, Host: u.Host}
	if n.ProxyUser != "" {
		proxy.User = url.UserPassword(n.ProxyUser, n.ProxyPassword)
	}
	set(proxy.String(), "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
	set(noProxy(u.Hostname()), "NO_PROXY", "no_proxy")
	// Its clients put the account before the host, which below an address or localhost is a name that does not resolve.
	set("https://s3-control."+n.Region+".amazonaws.com", "AWS_ENDPOINT_URL_S3_CONTROL")
	require := "--require=" + quoteOption(filepath.Join(dir, preloadFile))
	options := old["NODE_OPTIONS"]
	if !strings.Contains(options, require) {
		options = strings.TrimSpace(options + " " + require)
	}
	set(options, "NODE_OPTIONS")
	java, err := javaOptions(dir, trusted, proxy, old["JAVA_TOOL_OPTIONS"])
	if err != nil {
		return e, err
	}
	set(java, "JAVA_TOOL_OPTIONS")
	php, err := phpSettings(dir, filepath.Join(dir, bundleFile), old["PHP_INI_SCAN_DIR"])
	if err != nil {
		return e, err
	}
	if php != "" {
		set(php, "PHP_INI_SCAN_DIR")
	}
	return e, nil
}

// quoteOption quotes a path for NODE_OPTIONS, which takes double quotes and backslashes.
func quoteOption(path string) string {
	if !strings.ContainsAny(path, " \"\\") {
		return path
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(path) + `"`
}

func noProxy(host string) string {
	names := []string{"localhost", "127.0.0.1", "::1", ".localhost"}
	if !slices.Contains(names, host) {
		names = append(names, host)
	}
	return strings.Join(names, ",")
}

func variables(environ []string) map[string]string {
	all := make(map[string]string, len(environ))
	for _, kv := range environ {
		if name, value, ok := strings.Cut(kv, "="); ok {
			all[name] = value
		}
	}
	return all
}

// rootFiles are where systems keep the authorities that they trust.
var rootFiles = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"}

// bundle is the node's authority and those that the system trusts, for hosts that are passed through.
func bundle(authority []byte, configured, self string) []byte {
	text := bytes.Clone(authority)
	for _, file := range append([]string{configured}, rootFiles...) {
		if file == "" || file == self {
			continue
		}
		if roots, err := os.ReadFile(file); err == nil {
			return slices.Concat(text, []byte("\n"), roots)
		}
	}
	return text
}

// writeFile writes a file in one step, if it is not so already: another command may be using it.
func writeFile(name string, text []byte) error {
	if was, err := os.ReadFile(name); err == nil && bytes.Equal(was, text) {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// Apply returns environ with the changes made.
func (e Environment) Apply(environ []string) []string {
	gone := make(map[string]bool)
	for _, name := range e.Unset {
		gone[name] = true
	}
	for _, v := range e.Set {
		gone[v.Name] = true
	}
	var out []string
	for _, kv := range environ {
		if name, _, _ := strings.Cut(kv, "="); !gone[name] {
			out = append(out, kv)
		}
	}
	for _, v := range e.Set {
		out = append(out, v.Name+"="+v.Value)
	}
	return out
}

// Shell returns the changes as a script: of sh, of "fish", or of "github", the file of variables of GitHub Actions, which
// sets them for the next steps of a job and can unset none.
func (e Environment) Shell(shell string) string {
	var b strings.Builder
	if shell == "github" {
		for _, v := range e.Set {
			fmt.Fprintf(&b, "%s=%s\n", v.Name, v.Value)
		}
		return b.String()
	}
	for _, name := range e.Unset {
		if shell == "fish" {
			fmt.Fprintf(&b, "set -e %s\n", name)
		} else {
			fmt.Fprintf(&b, "unset %s\n", name)
		}
	}
	for _, v := range e.Set {
		value := strings.ReplaceAll(v.Value, "'", `'\''`)
		if shell == "fish" {
			value = strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(v.Value)
			fmt.Fprintf(&b, "set -gx %s '%s'\n", v.Name, value)
		} else {
			fmt.Fprintf(&b, "export %s='%s'\n", v.Name, value)
		}
	}
	return b.String()
}

// Dir is where the files of a node's clients are kept below a cache directory, by the node's address.
func Dir(cache, nodeURL string) (string, error) {
	u, err := url.Parse(nodeURL)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("%q is not the URL of a node", nodeURL)
	}
	host, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		host, port = u.Host, u.Scheme
	}
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, strings.ToLower(host)+"-"+port)
	return filepath.Join(cache, "brookmere", "clients", name), nil
}
