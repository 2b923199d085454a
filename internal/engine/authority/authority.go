// Package authority is a certificate authority of one node's own, for clients that reach AWS's names through
// the node's proxy.
//
// An authority is made at its first use and kept in two files: its certificate, which clients are told to
// trust, and its key, which only its owner may read (mode 0600). What it can sign is limited by name
// constraints in the certificate itself: names of AWS and of this machine, and addresses of loopback. So
// whoever steals the key cannot pass for a bank with it.
//
// A certificate of a host is made when the host is first asked for, for that name alone, and is kept in memory
// until a third of its time is left. At most maxLeaves are kept.
package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	certificateFile = "ca.pem"
	keyFile         = "ca-key.pem"

	lifetime     = 10 * 365 * 24 * time.Hour
	leafLifetime = 90 * 24 * time.Hour
	clockSkew    = time.Hour // certificates are good since so long before they were made
	maxLeaves    = 1024
)

// Domains are the domains whose names an authority can sign.
var Domains = []string{"amazonaws.com", "amazonaws.com.cn", "api.aws", "on.aws", "localhost", "localhost.localstack.cloud", "host.docker.internal"}

// ErrName is the error for a host that an authority cannot sign.
var ErrName = errors.New("the authority of this node does not sign this name")

// Authority signs certificates of hosts.
type Authority struct {
	pem     []byte
	root    *x509.Certificate
	key     *ecdsa.PrivateKey
	leafKey *ecdsa.PrivateKey // of all leaves of this process
	now     func() time.Time

	mu     sync.Mutex
	leaves map[string]*tls.Certificate
}

// Open returns the authority that dir holds; it makes the directory and the authority if there is none.
// One that has expired is replaced by a new one; one that cannot be read is an error. now tells the time.
func Open(dir string, now func() time.Time) (*Authority, error) {
	a := &Authority{now: now, leaves: make(map[string]*tls.Certificate)}
	err := a.load(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && now().After(a.root.NotAfter) {
		err = a.create(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	if a.leafKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	return a, nil
}

// PEM is the certificate of the authority, for clients to trust.
func (a *Authority) PEM() []byte { return slices.Clone(a.pem) }

func (a *Authority) load(dir string) error {
	keyPEM, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil {
		return err
	}
	if info, err := os.Stat(filepath.Join(dir, keyFile)); err == nil && info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s can be read by others: chmod 600 it, or remove it to have another made", filepath.Join(dir, keyFile))
	}
	if a.pem, err = os.ReadFile(filepath.Join(dir, certificateFile)); err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(a.pem, keyPEM)
	if err != nil {
		return fmt.Errorf("%s and %s: %w (remove both to have others made)", filepath.Join(dir, certificateFile), keyFile, err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return fmt.Errorf("%s is not a certificate authority that this program made: remove it and %s to have others made", filepath.Join(dir, certificateFile), keyFile)
	}
	a.root, a.key = pair.Leaf, key
	return nil
}

// create makes an authority. The key is written first: a certificate that is there has its key.
func (a *Authority) create(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := a.now().UTC()
	serial, err := serialNumber()
	if err != nil {
		return err
	}
	host, _ := os.Hostname() // only to tell authorities apart
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: strings.TrimSpace("Brookmere local authority " + host), Organization: []string{"Brookmere (this machine only)"}},
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.Add(lifetime),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: Domains,
		PermittedIPRanges: []*net.IPNet{
			{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
			{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
		},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	if a.root, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	a.key, a.pem = key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, keyFile), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}), 0o600); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, certificateFile), a.pem, 0o644)
}

// writeFile writes a file in one step, synced.
func writeFile(name string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(name+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(name+".part", name)
}

func serialNumber() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
}

// Signs reports whether the authority signs certificates of a host, a name or an address without a port.
func Signs(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	if len(host) == 0 || len(host) > 253 || !validName(host) {
		return false
	}
	host = strings.ToLower(host)
	return slices.ContainsFunc(Domains, func(d string) bool { return host == d || strings.HasSuffix(host, "."+d) })
}

// validName reports whether a name has labels of letters, digits, hyphens and underscores.
func validName(host string) bool {
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

// Certificate returns a certificate of a host, ErrName for one that the authority does not sign.
func (a *Authority) Certificate(host string) (*tls.Certificate, error) {
	if !Signs(host) {
		return nil, fmt.Errorf("%w: %q", ErrName, host)
	}
	host = strings.ToLower(host)
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if c := a.leaves[host]; c != nil && now.Before(c.Leaf.NotAfter.Add(-leafLifetime/3)) {
		return c, nil
	}
	c, err := a.sign(host, now.UTC())
	if err != nil {
		return nil, fmt.Errorf("sign a certificate of %s: %w", host, err)
	}
	if len(a.leaves) >= maxLeaves {
		for name := range a.leaves { // any: to sign one again is cheap
			delete(a.leaves, name)
			break
		}
	}
	a.leaves[host] = c
	return c, nil
}

func (a *Authority) sign(host string, now time.Time) (*tls.Certificate, error) {
	der, err := a.issue(host, now, &a.leafKey.PublicKey)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.root.Raw}, PrivateKey: a.leafKey, Leaf: leaf}, nil
}

// Certify returns a certificate of a host for a key of the caller's, with the authority's own behind it, in PEM;
// ErrName for a host that the authority does not sign. It is for signatures that the caller makes.
func (a *Authority) Certify(host string, public crypto.PublicKey) ([]byte, error) {
	if !Signs(host) {
		return nil, fmt.Errorf("%w: %q", ErrName, host)
	}
	der, err := a.issue(strings.ToLower(host), a.now().UTC(), public)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate of %s: %w", host, err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), a.pem...), nil
}

func (a *Authority) issue(host string, now time.Time, public crypto.PublicKey) ([]byte, error) {
	serial, err := serialNumber()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{Organization: []string{"Brookmere"}},
		NotBefore:    now.Add(-clockSkew), NotAfter: now.Add(leafLifetime),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	if len(host) <= 64 { // what a common name may have
		template.Subject.CommonName = host
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	if template.NotAfter.After(a.root.NotAfter) {
		template.NotAfter = a.root.NotAfter
	}
	return x509.CreateCertificate(rand.Reader, template, a.root, public, a.key)
}
