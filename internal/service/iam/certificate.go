package iam

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// Certificates: of servers, with a private key that belongs to them, at most twenty an account, and for signing, at most two a user. No listener here
// serves by them: they are stored. The private key is checked, and not kept, since nothing would ever read it.

const (
	maxSigning            = 2
	maxServerCertificates = 20
)

type serverCertDoc struct {
	Name     string    `json:"name"`
	Path     string    `json:"path"`
	ID       string    `json:"id"`
	Body     string    `json:"body"`
	Chain    string    `json:"chain,omitempty"`
	Uploaded time.Time `json:"uploaded"`
	Expires  time.Time `json:"expires"`
	Tags     []tag     `json:"tags,omitempty"`
}

type signingCert struct {
	ID       string    `json:"id"`
	Body     string    `json:"body"`
	Inactive bool      `json:"inactive,omitempty"`
	Uploaded time.Time `json:"uploaded"`
}

func malformedCertificate(format, body string) error {
	return &types.MalformedCertificateException{Message: aws.String(strings.ReplaceAll(format, "%s", body))}
}

// certificate reads the first certificate of a text in PEM.
func certificate(text string) (*x509.Certificate, bool) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, false
	}
	c, err := x509.ParseCertificate(block.Bytes)
	return c, err == nil
}

func (c *serverCertDoc) arn(sc scope) string { return sc.arn("server-certificate" + c.Path + c.Name) }

func (c *serverCertDoc) metadata(sc scope) *types.ServerCertificateMetadata {
	return &types.ServerCertificateMetadata{
		Arn: aws.String(c.arn(sc)), Path: aws.String(c.Path), ServerCertificateId: aws.String(c.ID), ServerCertificateName: aws.String(c.Name),
		UploadDate: aws.Time(c.Uploaded), Expiration: aws.Time(c.Expires),
	}
}

func noServerCert(name string) error {
	return noSuchEntity("The Server Certificate with name %s cannot be found.", name)
}

func (s *Service) serverCert(sc scope, name string) (*serverCertDoc, error) {
	c, err := s.servers.Get(sc.account, lower(name))
	return c, found(err, noServerCert(name))
}

func (s *Service) modifyServerCert(ctx context.Context, name string, f func(*serverCertDoc) error) error {
	_, err := s.servers.Modify(ctx, f, scopeOf(ctx).account, lower(name))
	return found(err, noServerCert(name))
}

// UploadServerCertificate stores a certificate whose key fits it.
func (s *Service) UploadServerCertificate(ctx context.Context, in *iam.UploadServerCertificateInput, _ ...func(*iam.Options)) (*iam.UploadServerCertificateOutput, error) {
	sc := scopeOf(ctx)
	p, err := path(in.Path)
	if err != nil {
		return nil, err
	}
	parsed, ok := certificate(*in.CertificateBody)
	if !ok {
		return nil, malformedCertificate("Unable to parse certificate. Please ensure the certificate is in PEM format.", "")
	}
	if block, _ := pem.Decode([]byte(*in.PrivateKey)); block == nil {
		return nil, malformedCertificate("Unable to parse key; the body must contain a valid PEM-encoded private key.", "")
	}
	if _, err := tls.X509KeyPair([]byte(*in.CertificateBody), []byte(*in.PrivateKey)); err != nil {
		return nil, &types.KeyPairMismatchException{Message: aws.String("Unable to validate that the private key belongs to the certificate.")}
	}
	if in.CertificateChain != nil {
		if _, ok := certificate(*in.CertificateChain); !ok {
			return nil, malformedCertificate("Unable to parse certificate chain. Please ensure the chain is in PEM format.", "")
		}
	}
	c := &serverCertDoc{
		Name: *in.ServerCertificateName, Path: p, ID: newID("ASCA"), Body: strings.TrimSpace(*in.CertificateBody), Chain: strings.TrimSpace(aws.ToString(in.CertificateChain)),
		Uploaded: s.now(), Expires: parsed.NotAfter.UTC(),
	}
	if c.Tags, err = withTags(nil, in.Tags); err != nil {
		return nil, err
	}
	full := func(most int) bool {
		n := 0
		for range s.servers.Keys(sc.account) {
			n++
		}
		return n > most
	}
	tooMany := limitExceeded("Cannot exceed quota for ServerCertificatesPerAccount: %d", maxServerCertificates)
	if _, err := s.serverCert(sc, c.Name); err != nil && full(maxServerCertificates-1) {
		return nil, tooMany
	}
	if err := s.servers.Create(ctx, c, sc.account, lower(c.Name)); err != nil {
		return nil, created(err, alreadyExists("The Server Certificate with name %s already exists.", c.Name))
	}
	if full(maxServerCertificates) { // others came at the same time
		if err := s.servers.Delete(ctx, sc.account, lower(c.Name)); err != nil {
			return nil, err
		}
		return nil, tooMany
	}
	return &iam.UploadServerCertificateOutput{ServerCertificateMetadata: c.metadata(sc), Tags: tagsOut(c.Tags)}, nil
}

// GetServerCertificate returns a certificate with its chain.
func (s *Service) GetServerCertificate(ctx context.Context, in *iam.GetServerCertificateInput, _ ...func(*iam.Options)) (*iam.GetServerCertificateOutput, error) {
	sc := scopeOf(ctx)
	c, err := s.serverCert(sc, *in.ServerCertificateName)
	if err != nil {
		return nil, err
	}
	return &iam.GetServerCertificateOutput{ServerCertificate: &types.ServerCertificate{
		ServerCertificateMetadata: c.metadata(sc), CertificateBody: aws.String(c.Body), CertificateChain: optional(c.Chain), Tags: listed(c.Tags),
	}}, nil
}

// ListServerCertificates lists the certificates below a path.
func (s *Service) ListServerCertificates(ctx context.Context, in *iam.ListServerCertificatesInput, _ ...func(*iam.Options)) (*iam.ListServerCertificatesOutput, error) {
	sc := scopeOf(ctx)
	all, err := s.servers.All(sc.account)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(c *serverCertDoc) bool { return !strings.HasPrefix(c.Path, aws.ToString(in.PathPrefix)) })
	list, next, more, err := pageOf(all, func(c *serverCertDoc) string { return lower(c.Name) }, in.Marker, in.MaxItems)
	out := &iam.ListServerCertificatesOutput{ServerCertificateMetadataList: []types.ServerCertificateMetadata{}, Marker: next, IsTruncated: more}
	for _, c := range list {
		out.ServerCertificateMetadataList = append(out.ServerCertificateMetadataList, *c.metadata(sc))
	}
	return out, err
}

// UpdateServerCertificate gives a certificate another name or path.
func (s *Service) UpdateServerCertificate(ctx context.Context, in *iam.UpdateServerCertificateInput, _ ...func(*iam.Options)) (*iam.UpdateServerCertificateOutput, error) {
	sc := scopeOf(ctx)
	old, err := s.serverCert(sc, *in.ServerCertificateName)
	if err != nil {
		return nil, err
	}
	change := func(c *serverCertDoc) (err error) {
		if in.NewPath != nil {
			if c.Path, err = path(in.NewPath); err != nil {
				return err
			}
		}
		if in.NewServerCertificateName != nil {
			c.Name = *in.NewServerCertificateName
		}
		return nil
	}
	if in.NewServerCertificateName == nil || lower(*in.NewServerCertificateName) == lower(old.Name) {
		return &iam.UpdateServerCertificateOutput{}, s.modifyServerCert(ctx, old.Name, change)
	}
	c := *old
	if err := change(&c); err != nil {
		return nil, err
	}
	if err := s.servers.Create(ctx, &c, sc.account, lower(c.Name)); err != nil {
		return nil, created(err, alreadyExists("The Server Certificate with name %s already exists.", c.Name))
	}
	return &iam.UpdateServerCertificateOutput{}, found(s.servers.Delete(ctx, sc.account, lower(old.Name)), nil)
}

// DeleteServerCertificate removes a certificate.
func (s *Service) DeleteServerCertificate(ctx context.Context, in *iam.DeleteServerCertificateInput, _ ...func(*iam.Options)) (*iam.DeleteServerCertificateOutput, error) {
	sc := scopeOf(ctx)
	if _, err := s.serverCert(sc, *in.ServerCertificateName); err != nil {
		return nil, err
	}
	err := s.servers.Delete(ctx, sc.account, lower(*in.ServerCertificateName))
	return &iam.DeleteServerCertificateOutput{}, found(err, noServerCert(*in.ServerCertificateName))
}

// TagServerCertificate adds tags.
func (s *Service) TagServerCertificate(ctx context.Context, in *iam.TagServerCertificateInput, _ ...func(*iam.Options)) (*iam.TagServerCertificateOutput, error) {
	return &iam.TagServerCertificateOutput{}, s.modifyServerCert(ctx, *in.ServerCertificateName, func(c *serverCertDoc) (err error) {
		c.Tags, err = withTags(c.Tags, in.Tags)
		return err
	})
}

// UntagServerCertificate removes tags.
func (s *Service) UntagServerCertificate(ctx context.Context, in *iam.UntagServerCertificateInput, _ ...func(*iam.Options)) (*iam.UntagServerCertificateOutput, error) {
	return &iam.UntagServerCertificateOutput{}, s.modifyServerCert(ctx, *in.ServerCertificateName, func(c *serverCertDoc) error {
		c.Tags = withoutTags(c.Tags, in.TagKeys)
		return nil
	})
}

// ListServerCertificateTags lists them.
func (s *Service) ListServerCertificateTags(ctx context.Context, in *iam.ListServerCertificateTagsInput, _ ...func(*iam.Options)) (*iam.ListServerCertificateTagsOutput, error) {
	c, err := s.serverCert(scopeOf(ctx), *in.ServerCertificateName)
	if err != nil {
		return nil, err
	}
	out := &iam.ListServerCertificateTagsOutput{}
	out.Tags, out.Marker, out.IsTruncated, err = tagPage(c.Tags, in.Marker, in.MaxItems)
	return out, err
}

func (c *signingCert) out(user string) types.SigningCertificate {
	status := types.StatusTypeActive
	if c.Inactive {
		status = types.StatusTypeInactive
	}
	return types.SigningCertificate{CertificateBody: aws.String(c.Body), CertificateId: aws.String(c.ID), Status: status, UploadDate: aws.Time(c.Uploaded), UserName: &user}
}

func (u *userDoc) certificate(id string) (*signingCert, error) {
	if i := slices.IndexFunc(u.Certificates, func(c signingCert) bool { return c.ID == id }); i >= 0 {
		return &u.Certificates[i], nil
	}
	return nil, noSuchEntity("The Certificate with id %s cannot be found.", id)
}

// UploadSigningCertificate gives a user a certificate.
func (s *Service) UploadSigningCertificate(ctx context.Context, in *iam.UploadSigningCertificateInput, _ ...func(*iam.Options)) (*iam.UploadSigningCertificateOutput, error) {
	name, err := s.nameOr(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	var c signingCert
	u, err := s.modifyUser(ctx, &name, func(u *userDoc) error {
		body := *in.CertificateBody
		_, ok := certificate(body)
		switch {
		case !ok:
			return malformedCertificate("Certificate %s is malformed.", *in.CertificateBody)
		case slices.ContainsFunc(u.Certificates, func(c signingCert) bool { return c.Body == body }):
			return &types.DuplicateCertificateException{Message: aws.String("The certificate is already associated with the user " + u.Name + ".")}
		case len(u.Certificates) >= maxSigning:
			return limitExceeded("Cannot exceed quota for CertificatesPerUser: %d", maxSigning)
		}
		c = signingCert{ID: newID("")[:16] + newID("")[:16], Body: body, Uploaded: s.now()}
		u.Certificates = append(u.Certificates, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := c.out(u.Name)
	return &iam.UploadSigningCertificateOutput{Certificate: &out}, nil
}

// ListSigningCertificates lists the certificates of a user.
func (s *Service) ListSigningCertificates(ctx context.Context, in *iam.ListSigningCertificatesInput, _ ...func(*iam.Options)) (*iam.ListSigningCertificatesOutput, error) {
	name, err := s.nameOr(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	u, err := s.user(scopeOf(ctx), name)
	if err != nil {
		return nil, err
	}
	all := slices.SortedFunc(slices.Values(u.Certificates), func(a, b signingCert) int { return strings.Compare(a.ID, b.ID) })
	list, next, more, err := pageOf(all, func(c signingCert) string { return c.ID }, in.Marker, in.MaxItems)
	out := &iam.ListSigningCertificatesOutput{Certificates: []types.SigningCertificate{}, Marker: next, IsTruncated: more}
	for _, c := range list {
		out.Certificates = append(out.Certificates, c.out(u.Name))
	}
	return out, err
}

// UpdateSigningCertificate makes a certificate active or inactive.
func (s *Service) UpdateSigningCertificate(ctx context.Context, in *iam.UpdateSigningCertificateInput, _ ...func(*iam.Options)) (*iam.UpdateSigningCertificateOutput, error) {
	name, err := s.nameOr(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	_, err = s.modifyUser(ctx, &name, func(u *userDoc) error {
		c, err := u.certificate(*in.CertificateId)
		if err == nil {
			c.Inactive = in.Status != types.StatusTypeActive
		}
		return err
	})
	return &iam.UpdateSigningCertificateOutput{}, err
}

// DeleteSigningCertificate removes a certificate.
func (s *Service) DeleteSigningCertificate(ctx context.Context, in *iam.DeleteSigningCertificateInput, _ ...func(*iam.Options)) (*iam.DeleteSigningCertificateOutput, error) {
	name, err := s.nameOr(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	_, err = s.modifyUser(ctx, &name, func(u *userDoc) error {
		if _, err := u.certificate(*in.CertificateId); err != nil {
			return err
		}
		u.Certificates = slices.DeleteFunc(u.Certificates, func(c signingCert) bool { return c.ID == *in.CertificateId })
		return nil
	})
	return &iam.DeleteSigningCertificateOutput{}, err
}
