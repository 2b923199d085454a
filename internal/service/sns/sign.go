package sns

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // what the first version of signatures has
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// keyDoc is a key that signs messages. One that has expired is kept, so that messages of before can be verified.
type keyDoc struct {
	ID          string    `json:"id"`
	Sealed      []byte    `json:"sealed"`
	Certificate string    `json:"certificate"` // PEM
	Expires     time.Time `json:"expires"`
}

// signingKey is one that is open.
type signingKey struct {
	doc *keyDoc
	key *rsa.PrivateKey
}

const (
	keyPurpose  = "key that signs messages of topics"
	certHost    = "sns.amazonaws.com"
	certPrefix  = "/SimpleNotificationService-"
	renewBefore = 7 * 24 * time.Hour
)

// certificatePath is where a key's certificate is served.
func certificatePath(id string) string { return certPrefix + id + ".pem" }

// sign signs a text by a version of signatures; it returns the signature and the URL of the certificate.
func (s *Service) sign(version, text string) (signature, certURL string, err error) {
	k, err := s.signer()
	if err != nil {
		return "", "", fmt.Errorf("sign: %w", err)
	}
	hash, sum := crypto.SHA1, []byte(nil)
	if version == "2" {
		h := sha256.Sum256([]byte(text))
		hash, sum = crypto.SHA256, h[:]
	} else {
		h := sha1.Sum([]byte(text)) //nolint:gosec // what the first version of signatures has
		sum = h[:]
	}
	b, err := rsa.SignPKCS1v15(rand.Reader, k.key, hash, sum)
	if err != nil {
		return "", "", fmt.Errorf("sign: %w", err)
	}
	return base64.StdEncoding.EncodeToString(b), strings.TrimSuffix(s.cfg.Endpoint(), "/") + certificatePath(k.doc.ID), nil
}

// signer returns the key that signs now. It makes one where there is none.
func (s *Service) signer() (*signingKey, error) {
	s.signing.Lock()
	defer s.signing.Unlock()
	good := func(d *keyDoc) bool { return s.now().Add(renewBefore).Before(d.Expires) }
	if k := s.signing.key; k != nil && good(k.doc) {
		return k, nil
	}
	for it, err := range s.keys.List() {
		if err != nil {
			return nil, err
		}
		if good(it.Value) {
			return s.open(it.Value)
		}
	}
	d, err := s.newKey()
	if err != nil {
		return nil, err
	}
	if err := s.keys.Create(context.Background(), d, d.ID); err != nil {
		return nil, err
	}
	return s.open(d)
}

func (s *Service) open(d *keyDoc) (*signingKey, error) {
	der, err := s.cfg.Sealer.Open(d.Sealed, keyPurpose)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		return nil, err
	}
	s.signing.key = &signingKey{d, key}
	return s.signing.key, nil
}

func (s *Service) newKey() (*keyDoc, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	certify := s.cfg.Certificate
	if certify == nil {
		certify = func(host string, _ crypto.PublicKey) ([]byte, error) { return s.selfSigned(host, key) }
	}
	certificate, err := certify(certHost, &key.PublicKey)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(certificate)
	if block == nil {
		return nil, errors.New("the certificate is not PEM")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(block.Bytes)
	return &keyDoc{
		ID: hex.EncodeToString(sum[:16]), Sealed: s.cfg.Sealer.Seal(x509.MarshalPKCS1PrivateKey(key), keyPurpose), Certificate: string(certificate), Expires: leaf.NotAfter,
	}, nil
}

func (s *Service) selfSigned(host string, key *rsa.PrivateKey) ([]byte, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(s.now().UnixNano()), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: s.now().Add(-time.Hour), NotAfter: s.now().Add(90 * 24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), err
}

// certificate returns the certificate of a path; nil for none.
func (s *Service) certificate(path string) ([]byte, error) {
	id, isOne := strings.CutPrefix(path, certPrefix)
	id, isPEM := strings.CutSuffix(id, ".pem")
	if !isOne || !isPEM || id == "" {
		return nil, nil
	}
	d, err := s.keys.Get(id)
	if errors.Is(err, state.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []byte(d.Certificate), nil
}
