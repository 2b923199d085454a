package iam

import (
	"context"
	"crypto/md5"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// Public SSH keys of users, at most five each: RSA keys, in the form of OpenSSH or of PEM. Nothing here signs in by them: they
// are stored.

const (
	maxSSH     = 5
	minSSHBits = 2048
)

type sshKey struct {
	ID       string    `json:"id"`
	Body     string    `json:"body"` // as it was given
	Blob     []byte    `json:"blob"` // of RFC 4253
	Inactive bool      `json:"inactive,omitempty"`
	Uploaded time.Time `json:"uploaded"`
}

const sshRSA = "ssh-rsa"

// sshBlob reads a key of either form.
func sshBlob(body string) (blob []byte, ok bool) {
	if block, _ := pem.Decode([]byte(body)); block != nil {
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		public, is := key.(*rsa.PublicKey)
		if err != nil || !is {
			return nil, false
		}
		for _, part := range [][]byte{[]byte(sshRSA), mpint(big.NewInt(int64(public.E))), mpint(public.N)} {
			blob = binary.BigEndian.AppendUint32(blob, uint32(len(part)))
			blob = append(blob, part...)
		}
		return blob, longKey(blob)
	}
	fields := strings.Fields(body)
	if len(fields) < 2 || fields[0] != sshRSA {
		return nil, false
	}
	blob, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil {
		return nil, false
	}
	return blob, longKey(blob)
}

// longKey reports whether a blob is of a key that is long enough.
func longKey(blob []byte) bool {
	key, ok := rsaKey(blob)
	return ok && key.N.BitLen() >= minSSHBits
}

// mpint is a positive number as RFC 4251 writes it.
func mpint(n *big.Int) []byte {
	b := n.Bytes()
	if len(b) > 0 && b[0] >= 0x80 {
		b = append([]byte{0}, b...)
	}
	return b
}

// rsaKey takes a blob apart.
func rsaKey(blob []byte) (*rsa.PublicKey, bool) {
	next := func() []byte {
		if len(blob) < 4 || uint32(len(blob)-4) < binary.BigEndian.Uint32(blob) {
			return nil
		}
		n := binary.BigEndian.Uint32(blob)
		part := blob[4 : 4+n]
		blob = blob[4+n:]
		return part
	}
	if string(next()) != sshRSA {
		return nil, false
	}
	e, n := new(big.Int).SetBytes(next()), new(big.Int).SetBytes(next())
	if len(blob) != 0 || e.BitLen() > 31 || e.Sign() == 0 || n.Sign() == 0 {
		return nil, false
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, true
}

func (k *sshKey) status() types.StatusType {
	if k.Inactive {
		return types.StatusTypeInactive
	}
	return types.StatusTypeActive
}

func (k *sshKey) out(user, body string) *types.SSHPublicKey {
	sum := md5.Sum(k.Blob)
	digits := hex.EncodeToString(sum[:])
	parts := make([]string, len(sum))
	for i := range parts {
		parts[i] = digits[2*i : 2*i+2]
	}
	return &types.SSHPublicKey{
		SSHPublicKeyId: aws.String(k.ID), SSHPublicKeyBody: &body, Fingerprint: aws.String(strings.Join(parts, ":")), Status: k.status(), UploadDate: aws.Time(k.Uploaded), UserName: &user,
	}
}

func noSSH(id string) error { return noSuchEntity("The Public Key with id %s cannot be found.", id) }

// UploadSSHPublicKey gives a user a key.
func (s *Service) UploadSSHPublicKey(ctx context.Context, in *iam.UploadSSHPublicKeyInput, _ ...func(*iam.Options)) (*iam.UploadSSHPublicKeyOutput, error) {
	var k sshKey
	u, err := s.modifyUser(ctx, in.UserName, func(u *userDoc) error {
		blob, ok := sshBlob(*in.SSHPublicKeyBody)
		switch {
		case !ok:
			return &types.InvalidPublicKeyException{Message: aws.String("The public key is not valid: it must be an RSA key, encoded in ssh-rsa or PEM format.")}
		case slices.ContainsFunc(u.SSH, func(k sshKey) bool { return slices.Equal(k.Blob, blob) }):
			return &types.DuplicateSSHPublicKeyException{Message: aws.String("The SSH public key is already associated with the user " + u.Name + ".")}
		case len(u.SSH) >= maxSSH:
			return limitExceeded("Cannot exceed quota for SSHPublicKeysPerUser: %d", maxSSH)
		}
		k = sshKey{ID: newID("APKA"), Body: *in.SSHPublicKeyBody, Blob: blob, Uploaded: s.now()}
		u.SSH = append(u.SSH, k)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iam.UploadSSHPublicKeyOutput{SSHPublicKey: k.out(u.Name, k.Body)}, nil
}

func (u *userDoc) ssh(id string) *sshKey {
	if i := slices.IndexFunc(u.SSH, func(k sshKey) bool { return k.ID == id }); i >= 0 {
		return &u.SSH[i]
	}
	return nil
}

// GetSSHPublicKey returns a key in the form that is asked for.
func (s *Service) GetSSHPublicKey(ctx context.Context, in *iam.GetSSHPublicKeyInput, _ ...func(*iam.Options)) (*iam.GetSSHPublicKeyOutput, error) {
	u, err := s.user(scopeOf(ctx), *in.UserName)
	if err != nil {
		return nil, err
	}
	k := u.ssh(*in.SSHPublicKeyId)
	if k == nil {
		return nil, noSSH(*in.SSHPublicKeyId)
	}
	body := k.Body
	block, _ := pem.Decode([]byte(body))
	isPEM := block != nil // as sshBlob has read it
	switch {
	case in.Encoding == types.EncodingTypePem && !isPEM:
		key, ok := rsaKey(k.Blob)
		if !ok {
			return nil, fmt.Errorf("public key %s: its blob is not of an RSA key", k.ID)
		}
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			return nil, err
		}
		body = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	case in.Encoding == types.EncodingTypeSsh && isPEM:
		body = sshRSA + " " + base64.StdEncoding.EncodeToString(k.Blob)
	}
	return &iam.GetSSHPublicKeyOutput{SSHPublicKey: k.out(u.Name, body)}, nil
}

// ListSSHPublicKeys lists the keys of a user.
func (s *Service) ListSSHPublicKeys(ctx context.Context, in *iam.ListSSHPublicKeysInput, _ ...func(*iam.Options)) (*iam.ListSSHPublicKeysOutput, error) {
	name, err := s.nameOr(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	u, err := s.user(scopeOf(ctx), name)
	if err != nil {
		return nil, err
	}
	keys := slices.SortedFunc(slices.Values(u.SSH), func(a, b sshKey) int { return strings.Compare(a.ID, b.ID) })
	list, next, more, err := pageOf(keys, func(k sshKey) string { return k.ID }, in.Marker, in.MaxItems)
	out := &iam.ListSSHPublicKeysOutput{SSHPublicKeys: []types.SSHPublicKeyMetadata{}, Marker: next, IsTruncated: more}
	for _, k := range list {
		out.SSHPublicKeys = append(out.SSHPublicKeys, types.SSHPublicKeyMetadata{SSHPublicKeyId: aws.String(k.ID), Status: k.status(), UploadDate: aws.Time(k.Uploaded), UserName: aws.String(u.Name)})
	}
	return out, err
}

// UpdateSSHPublicKey makes a key active or inactive.
func (s *Service) UpdateSSHPublicKey(ctx context.Context, in *iam.UpdateSSHPublicKeyInput, _ ...func(*iam.Options)) (*iam.UpdateSSHPublicKeyOutput, error) {
	_, err := s.modifyUser(ctx, in.UserName, func(u *userDoc) error {
		k := u.ssh(*in.SSHPublicKeyId)
		if k == nil {
			return noSSH(*in.SSHPublicKeyId)
		}
		k.Inactive = in.Status != types.StatusTypeActive
		return nil
	})
	return &iam.UpdateSSHPublicKeyOutput{}, err
}

// DeleteSSHPublicKey removes a key.
func (s *Service) DeleteSSHPublicKey(ctx context.Context, in *iam.DeleteSSHPublicKeyInput, _ ...func(*iam.Options)) (*iam.DeleteSSHPublicKeyOutput, error) {
	_, err := s.modifyUser(ctx, in.UserName, func(u *userDoc) error {
		if u.ssh(*in.SSHPublicKeyId) == nil {
			return noSSH(*in.SSHPublicKeyId)
		}
		u.SSH = slices.DeleteFunc(u.SSH, func(k sshKey) bool { return k.ID == *in.SSHPublicKeyId })
		return nil
	})
	return &iam.DeleteSSHPublicKeyOutput{}, err
}
