package clientenv

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// trustPassword is that of Java's own trust store. It protects nothing: certificates are public.
const trustPassword = "changeit"

// javaOptions returns JAVA_TOOL_OPTIONS by which every virtual machine trusts the certificates of a bundle, and
// reaches the hosts of AWS through a proxy. Java reads neither SSL_CERT_FILE nor HTTPS_PROXY. It prints the variable
// when it starts, so that a proxy's password is left out of it: through a proxy that wants one, only those Java
// clients reach the node that read AWS_ENDPOINT_URL.
func javaOptions(dir string, bundle []byte, proxy url.URL, old string) (string, error) {
	store, err := trustStore(dir, bundle)
	if err != nil {
		return "", err
	}
	options := []string{
		"-Djavax.net.ssl.trustStore=" + quoteJava(store), "-Djavax.net.ssl.trustStoreType=PKCS12", "-Djavax.net.ssl.trustStorePassword=" + trustPassword,
	}
	if proxy.User == nil {
		for _, scheme := range []string{"https", "http"} {
			options = append(options, "-D"+scheme+".proxyHost="+proxy.Hostname(), "-D"+scheme+".proxyPort="+proxy.Port())
		}
		options = append(options, "-Dhttp.nonProxyHosts=localhost|127.*|[::1]|*.localhost|"+proxy.Hostname())
	}
	ours := strings.Join(options, " ")
	if strings.HasSuffix(old, ours) {
		return old, nil
	}
	return strings.TrimSpace(old + " " + ours), nil // of two the virtual machine takes the later
}

// trustStore writes the certificates as a file that Java reads (PKCS #12, every version from 8 on), and returns its
// path. Its name says what it holds: an encoding of the same is never twice the same.
func trustStore(dir string, bundle []byte) (string, error) {
	sum := sha256.Sum256(bundle)
	path := filepath.Join(dir, "truststore-"+hex.EncodeToString(sum[:8])+".p12")
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	var certificates []*x509.Certificate
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil && len(certificates) > 0 {
			continue // one of the system's that Go cannot read
		} else if err != nil {
			return "", fmt.Errorf("the node's certificate: %w", err)
		}
		certificates = append(certificates, c)
	}
	text, err := pkcs12.LegacyDES.EncodeTrustStore(certificates, trustPassword)
	if err != nil {
		return "", fmt.Errorf("trust store for Java: %w", err)
	}
	return path, writeFile(path, text)
}

// quoteJava quotes a path for JAVA_TOOL_OPTIONS, which is split at spaces.
func quoteJava(path string) string {
	if !strings.ContainsAny(path, " \t'") {
		return path
	}
	if !strings.Contains(path, `"`) {
		return `"` + path + `"`
	}
	return `'` + path + `'`
}
