package clientenv

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// browsers are the programs of the Chromium family, by their names without a suffix such as -stable.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "chrome", "chrome-headless-shell", "microsoft-edge", "msedge", "brave-browser", "brave", "vivaldi", "opera"}

// Command returns the arguments with which a program is started: those of a browser of the Chromium family are
// preceded by what leads it to the node, since it reads no variables. It trusts the node's authority for
// this run alone, in a profile of its own below dir (unless the arguments name one), and reaches AWS's names
// through the proxy. A proxy that wants a password asks its user. Other programs get what they got.
func Command(n Node, dir string, args []string) ([]string, error) {
	if len(args) == 0 || n.Authority == nil || !isBrowser(args[0]) {
		return args, nil
	}
	block, _ := pem.Decode(n.Authority)
	if block == nil {
		return nil, errors.New("the node's authority is not a PEM certificate")
	}
	authority, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(n.URL)
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256(authority.RawSubjectPublicKeyInfo)
	flags := []string{"--proxy-server=" + u.Scheme + "://" + u.Host, "--ignore-certificate-errors-spki-list=" + base64.StdEncoding.EncodeToString(key[:])}
	if !slices.ContainsFunc(args[1:], func(a string) bool { return strings.HasPrefix(a, "--user-data-dir") }) {
		if dir, err = filepath.Abs(dir); err != nil {
			return nil, err
		}
		flags = append(flags, "--user-data-dir="+filepath.Join(dir, "browser"), "--no-first-run")
	}
	return slices.Concat(args[:1], flags, args[1:]), nil
}

func isBrowser(program string) bool {
	name := strings.ToLower(strings.TrimSuffix(filepath.Base(program), ".exe"))
	for _, suffix := range []string{"-stable", "-beta", "-dev", "-unstable", "-canary"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return slices.Contains(browsers, name)
}
