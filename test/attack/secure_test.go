package attack

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/brookmere/brookmere/test/nodetest"
)

// Accounts of a secure node: the node's own, and another.
var (
	owner    = aws.Credentials{AccessKeyID: "AKIDOWNER", SecretAccessKey: "owner's secret"}
	stranger = aws.Credentials{AccessKeyID: "AKIDSTRANGER", SecretAccessKey: "stranger's secret"}
)

const secureConfig = `
account: "111111111111"
credentials:
  - {access_key_id: AKIDOWNER, secret_access_key: "owner's secret"}
  - {access_key_id: AKIDSTRANGER, secret_access_key: "stranger's secret", account: "222222222222"}
tls: {cert: %q, key: %q}
`

// trusting is a client that trusts the certificate of a secure node.
var trusting = &http.Client{
	Timeout:   time.Minute,
	Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
}

// startSecure starts a node with credentials of two accounts, and TLS.
func startSecure(t testing.TB) *nodetest.Node {
	t.Helper()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, cert, key)
	config := filepath.Join(dir, "node.yaml")
	text := bytes.Replace(bytes.Replace([]byte(secureConfig), []byte("%q"), []byte(cert), 1), []byte("%q"), []byte(key), 1)
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return nodetest.Start(t, nodetest.Options{Args: []string{"--config", config}})
}

func writeCertificate(t testing.TB, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// request makes a request of JSON 1.1.
func request(ctx context.Context, url, target, body string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte(body)))
	if err != nil {
		panic(err) // of a method and URL of the tests' own
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	return r
}

// sign signs a request for a service.
func sign(t testing.TB, r *http.Request, c aws.Credentials, service, body string) {
	t.Helper()
	sum := sha256.Sum256([]byte(body))
	signHash(t, r, c, service, hex.EncodeToString(sum[:]))
}

// signHash signs a request whose body is said to have the hash.
func signHash(t testing.TB, r *http.Request, c aws.Credentials, service, hash string) {
	t.Helper()
	if err := v4.NewSigner().SignHTTP(r.Context(), c, r, hash, service, "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
}
