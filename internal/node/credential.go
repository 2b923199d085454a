package node

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// credentialFile is below the data directory. Its form is that of ~/.aws/credentials, so that clients can be
// pointed at it (AWS_SHARED_CREDENTIALS_FILE).
const credentialFile = "credentials"

// ReadCredential returns the credential that a node has made for its data directory: see Node.makeCredential.
// An error that is fs.ErrNotExist says that it has made none.
func ReadCredential(data string) (Credential, error) {
	name := filepath.Join(data, credentialFile)
	text, err := os.ReadFile(name)
	if err != nil {
		return Credential{}, fmt.Errorf("the node's credential: %w", err)
	}
	var c Credential
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, "=")
		switch strings.TrimSpace(key) {
		case "aws_access_key_id":
			c.AccessKeyID = strings.TrimSpace(value)
		case "aws_secret_access_key":
			c.SecretAccessKey = strings.TrimSpace(value)
		}
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return Credential{}, fmt.Errorf("%s has no credential: remove it to have another made", name)
	}
	return c, nil
}

// makeCredential gives a node that others can reach, and that nobody has given credentials, one of its own: that
// of its data directory, made and shown once.
func (n *Node) makeCredential() error {
	host, _, _ := net.SplitHostPort(n.cfg.Listen)
	if len(n.cfg.Credentials) > 0 || n.cfg.Insecure || isLoopback(host) {
		return nil
	}
	c, err := ReadCredential(n.dirs.root)
	if errors.Is(err, fs.ErrNotExist) {
		c = newCredential()
		text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", c.AccessKeyID, c.SecretAccessKey)
		name := filepath.Join(n.dirs.root, credentialFile)
		if err = writePrivate(name, text); err == nil {
			n.log.Warn("made a credential for this node, which others can reach: it is shown this once, and kept",
				"access_key_id", c.AccessKeyID, "secret_access_key", c.SecretAccessKey, "file", name)
		}
	}
	if err != nil {
		return err
	}
	n.cfg.Credentials = []Credential{c}
	return nil
}

// newCredential makes a credential of the form that AWS's have.
func newCredential() Credential {
	var key [10]byte
	var secret [30]byte
	rand.Read(key[:])
	rand.Read(secret[:])
	letters := strings.NewReplacer("+", "A", "/", "B") // which some tools do not take
	return Credential{
		AccessKeyID:     "AKIA" + base32.StdEncoding.EncodeToString(key[:]),
		SecretAccessKey: letters.Replace(base64.StdEncoding.EncodeToString(secret[:])),
	}
}

// writePrivate writes a file that its owner alone may read, in one step.
func writePrivate(name, text string) error {
	f, err := os.OpenFile(name+".part", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(name+".part", name)
}

// insecureWarning is how often an open node that others can reach says so.
const insecureWarning = time.Hour

// warnInsecure warns while the node runs that anybody may do anything with it.
func (n *Node) warnInsecure() {
	host, _, _ := net.SplitHostPort(n.cfg.Listen)
	if !n.cfg.Insecure || isLoopback(host) {
		return
	}
	warn := func() {
		n.log.Warn("this node takes any credentials from whoever can reach it (insecure)", "addr", n.Addr())
	}
	warn()
	t := time.NewTicker(insecureWarning)
	go func() {
		defer t.Stop()
		for {
			select {
			case <-t.C:
				warn()
			case <-n.closing:
				return
			}
		}
	}()
}
