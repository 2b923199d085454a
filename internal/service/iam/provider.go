package iam

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awskit/arn"
)

// Identity providers: OpenID Connect, by the URL of their issuer, with at most 100 audiences and five
// thumbprints, and SAML. Tokens of the first are verified by STS; sign-in by SAML is left out, and its
// providers are read back.

const (
	maxClients     = 100
	maxThumbprints = 5
)

var thumbprintForm = regexp.MustCompile(`^[0-9A-Fa-f]{40}$`)

func (s *Service) oidcProvider(sc scope, providerARN string) (*oidcDoc, error) {
	absent := noSuchEntity("OpenIDConnect Provider not found for arn %s", providerARN)
	a, _ := arn.Parse(providerARN)
	id, ok := a.After("oidc-provider/")
	if !ok || a.Service != "iam" || a.Account != sc.account {
		return nil, absent
	}
	p, err := s.oidc.Get(sc.account, lower(id))
	return p, found(err, absent)
}

func (s *Service) modifyOIDC(ctx context.Context, arn string, f func(*oidcDoc) error) (*oidcDoc, error) {
	sc := scopeOf(ctx)
	p, err := s.oidcProvider(sc, arn)
	if err != nil {
		return nil, err
	}
	p, err = s.oidc.Modify(ctx, f, sc.account, lower(p.URL))
	return p, found(err, noSuchEntity("OpenIDConnect Provider not found for arn %s", arn))
}

// CreateOpenIDConnectProvider makes a provider. Without a thumbprint it gets one that is made of the
// issuer's host: AWS fetches its certificate, which a node that may be without a network does not.
func (s *Service) CreateOpenIDConnectProvider(ctx context.Context, in *iam.CreateOpenIDConnectProviderInput, _ ...func(*iam.Options)) (*iam.CreateOpenIDConnectProviderOutput, error) {
	sc := scopeOf(ctx)
	u, err := url.Parse(*in.Url)
	if err != nil || u.Scheme != "https" && (u.Scheme != "http" || !onThisMachine(u.Hostname())) || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return nil, validation("Invalid Open ID Connect Provider URL")
	}
	p := &oidcDoc{URL: strings.TrimSuffix(u.Host+u.Path, "/"), Created: s.now()}
	for _, c := range in.ClientIDList {
		if !slices.Contains(p.Clients, c) {
			p.Clients = append(p.Clients, c)
		}
	}
	if len(p.Clients) > maxClients {
		return nil, limitExceeded("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d", maxClients)
	}
	if p.Thumbprints, err = thumbprints(in.ThumbprintList); err != nil {
		return nil, err
	}
	if len(p.Thumbprints) == 0 {
		sum := sha1.Sum([]byte(u.Host))
		p.Thumbprints = []string{hex.EncodeToString(sum[:])}
	}
	if p.Tags, err = withTags(nil, in.Tags); err != nil {
		return nil, err
	}
	if err := s.oidc.Create(ctx, p, sc.account, lower(p.URL)); err != nil {
		return nil, created(err, alreadyExists("Provider with url %s already exists.", *in.Url))
	}
	return &iam.CreateOpenIDConnectProviderOutput{OpenIDConnectProviderArn: aws.String(sc.arn("oidc-provider/" + p.URL)), Tags: tagsOut(p.Tags)}, nil
}

// onThisMachine reports whether a host is this machine, whose issuers may do without TLS.
func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func thumbprints(list []string) ([]string, error) {
	if len(list) > maxThumbprints {
		return nil, invalidInput("Thumbprint list must contain fewer than %d entries.", maxThumbprints)
	}
	for _, t := range list {
		if !thumbprintForm.MatchString(t) {
			return nil, validation("Thumbprint %s is not valid: it must be 40 hexadecimal digits.", t)
		}
	}
	return list, nil
}

// GetOpenIDConnectProvider returns a provider.
func (s *Service) GetOpenIDConnectProvider(ctx context.Context, in *iam.GetOpenIDConnectProviderInput, _ ...func(*iam.Options)) (*iam.GetOpenIDConnectProviderOutput, error) {
	p, err := s.oidcProvider(scopeOf(ctx), *in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	return &iam.GetOpenIDConnectProviderOutput{
		Url: aws.String(p.URL), ClientIDList: orEmpty(p.Clients), ThumbprintList: orEmpty(p.Thumbprints), CreateDate: aws.Time(p.Created), Tags: listed(p.Tags),
	}, nil
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// ListOpenIDConnectProviders lists the ARNs of an account's providers.
func (s *Service) ListOpenIDConnectProviders(ctx context.Context, _ *iam.ListOpenIDConnectProvidersInput, _ ...func(*iam.Options)) (*iam.ListOpenIDConnectProvidersOutput, error) {
	sc := scopeOf(ctx)
	out := &iam.ListOpenIDConnectProvidersOutput{OpenIDConnectProviderList: []types.OpenIDConnectProviderListEntry{}}
	oidc, err := s.oidc.All(sc.account)
	if err != nil {
		return nil, err
	}
	for _, p := range oidc {
		out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList, types.OpenIDConnectProviderListEntry{Arn: aws.String(sc.arn("oidc-provider/" + p.URL))})
	}
	return out, nil
}

// AddClientIDToOpenIDConnectProvider adds an audience; one that is there stays.
func (s *Service) AddClientIDToOpenIDConnectProvider(ctx context.Context, in *iam.AddClientIDToOpenIDConnectProviderInput, _ ...func(*iam.Options)) (*iam.AddClientIDToOpenIDConnectProviderOutput, error) {
	_, err := s.modifyOIDC(ctx, *in.OpenIDConnectProviderArn, func(p *oidcDoc) error {
		if slices.Contains(p.Clients, *in.ClientID) {
			return nil
		}
		if len(p.Clients) >= maxClients {
			return limitExceeded("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d", maxClients)
		}
		p.Clients = append(p.Clients, *in.ClientID)
		return nil
	})
	return &iam.AddClientIDToOpenIDConnectProviderOutput{}, err
}

// RemoveClientIDFromOpenIDConnectProvider removes an audience, if it is there.
func (s *Service) RemoveClientIDFromOpenIDConnectProvider(ctx context.Context, in *iam.RemoveClientIDFromOpenIDConnectProviderInput, _ ...func(*iam.Options)) (*iam.RemoveClientIDFromOpenIDConnectProviderOutput, error) {
	_, err := s.modifyOIDC(ctx, *in.OpenIDConnectProviderArn, func(p *oidcDoc) error {
		p.Clients = slices.DeleteFunc(p.Clients, func(c string) bool { return c == *in.ClientID })
		return nil
	})
	return &iam.RemoveClientIDFromOpenIDConnectProviderOutput{}, err
}

// UpdateOpenIDConnectProviderThumbprint replaces the thumbprints.
func (s *Service) UpdateOpenIDConnectProviderThumbprint(ctx context.Context, in *iam.UpdateOpenIDConnectProviderThumbprintInput, _ ...func(*iam.Options)) (*iam.UpdateOpenIDConnectProviderThumbprintOutput, error) {
	list, err := thumbprints(in.ThumbprintList)
	if err != nil {
		return nil, err
	}
	_, err = s.modifyOIDC(ctx, *in.OpenIDConnectProviderArn, func(p *oidcDoc) error { p.Thumbprints = list; return nil })
	return &iam.UpdateOpenIDConnectProviderThumbprintOutput{}, err
}

// DeleteOpenIDConnectProvider removes a provider.
func (s *Service) DeleteOpenIDConnectProvider(ctx context.Context, in *iam.DeleteOpenIDConnectProviderInput, _ ...func(*iam.Options)) (*iam.DeleteOpenIDConnectProviderOutput, error) {
	sc := scopeOf(ctx)
	absent := noSuchEntity("OpenId connect Provider %s cannot be found.", *in.OpenIDConnectProviderArn)
	p, err := s.oidcProvider(sc, *in.OpenIDConnectProviderArn)
	if err != nil {
		var is *types.NoSuchEntityException
		if errors.As(err, &is) {
			return nil, absent
		}
		return nil, err
	}
	err = s.oidc.Delete(ctx, sc.account, lower(p.URL))
	return &iam.DeleteOpenIDConnectProviderOutput{}, found(err, absent)
}

func (s *Service) samlProvider(sc scope, providerARN string) (*samlDoc, error) {
	absent := noSuchEntity("Manifest not found for arn %s", providerARN)
	a, _ := arn.Parse(providerARN)
	name, ok := a.After("saml-provider/")
	if !ok || a.Service != "iam" || a.Account != sc.account {
		return nil, absent
	}
	p, err := s.saml.Get(sc.account, lower(name))
	return p, found(err, absent)
}

func (s *Service) modifySAML(ctx context.Context, arn string, f func(*samlDoc) error) (*samlDoc, error) {
	sc := scopeOf(ctx)
	p, err := s.samlProvider(sc, arn)
	if err != nil {
		return nil, err
	}
	p, err = s.saml.Modify(ctx, f, sc.account, lower(p.Name))
	return p, found(err, noSuchEntity("Manifest not found for arn %s", arn))
}

// checkMetadata holds a metadata document to what every one has: an EntityDescriptor with an IDP.
func checkMetadata(text string) error {
	var doc struct {
		XMLName xml.Name `xml:"EntityDescriptor"`
		ID      string   `xml:"entityID,attr"`
		IDP     *struct {
		} `xml:"IDPSSODescriptor"`
	}
	if err := xml.Unmarshal([]byte(text), &doc); err != nil || doc.IDP == nil {
		return invalidInput("Could not parse metadata")
	}
	return nil
}

// CreateSAMLProvider makes a provider.
func (s *Service) CreateSAMLProvider(ctx context.Context, in *iam.CreateSAMLProviderInput, _ ...func(*iam.Options)) (*iam.CreateSAMLProviderOutput, error) {
	sc := scopeOf(ctx)
	if err := checkMetadata(*in.SAMLMetadataDocument); err != nil {
		return nil, err
	}
	if in.AddPrivateKey != nil {
		return nil, invalidInput("Encrypted assertions are not supported.")
	}
	p := &samlDoc{Name: *in.Name, Metadata: *in.SAMLMetadataDocument, UUID: uuid.NewString(), Created: s.now(), Until: s.now().AddDate(100, 0, 0)}
	var err error
	if p.Tags, err = withTags(nil, in.Tags); err != nil {
		return nil, err
	}
	if err := s.saml.Create(ctx, p, sc.account, lower(p.Name)); err != nil {
		return nil, created(err, alreadyExists("SAML provider with name %s already exists.", p.Name))
	}
	return &iam.CreateSAMLProviderOutput{SAMLProviderArn: aws.String(sc.arn("saml-provider/" + p.Name)), Tags: tagsOut(p.Tags)}, nil
}

// GetSAMLProvider returns a provider.
func (s *Service) GetSAMLProvider(ctx context.Context, in *iam.GetSAMLProviderInput, _ ...func(*iam.Options)) (*iam.GetSAMLProviderOutput, error) {
	p, err := s.samlProvider(scopeOf(ctx), *in.SAMLProviderArn)
	if err != nil {
		return nil, err
	}
	return &iam.GetSAMLProviderOutput{
		SAMLMetadataDocument: aws.String(p.Metadata), SAMLProviderUUID: aws.String(p.UUID), CreateDate: aws.Time(p.Created), ValidUntil: aws.Time(p.Until), Tags: tagsOut(p.Tags),
	}, nil
}

// ListSAMLProviders lists an account's providers.
func (s *Service) ListSAMLProviders(ctx context.Context, _ *iam.ListSAMLProvidersInput, _ ...func(*iam.Options)) (*iam.ListSAMLProvidersOutput, error) {
	sc := scopeOf(ctx)
	out := &iam.ListSAMLProvidersOutput{SAMLProviderList: []types.SAMLProviderListEntry{}}
	saml, err := s.saml.All(sc.account)
	if err != nil {
		return nil, err
	}
	for _, p := range saml {
		out.SAMLProviderList = append(out.SAMLProviderList, types.SAMLProviderListEntry{
			Arn: aws.String(sc.arn("saml-provider/" + p.Name)), CreateDate: aws.Time(p.Created), ValidUntil: aws.Time(p.Until),
		})
	}
	return out, nil
}

// UpdateSAMLProvider replaces a provider's metadata.
func (s *Service) UpdateSAMLProvider(ctx context.Context, in *iam.UpdateSAMLProviderInput, _ ...func(*iam.Options)) (*iam.UpdateSAMLProviderOutput, error) {
	if in.AddPrivateKey != nil || in.RemovePrivateKey != nil {
		return nil, invalidInput("Encrypted assertions are not supported.")
	}
	if in.SAMLMetadataDocument != nil {
		if err := checkMetadata(*in.SAMLMetadataDocument); err != nil {
			return nil, err
		}
	}
	_, err := s.modifySAML(ctx, *in.SAMLProviderArn, func(p *samlDoc) error {
		if in.SAMLMetadataDocument != nil {
			p.Metadata = *in.SAMLMetadataDocument
		}
		return nil
	})
	return &iam.UpdateSAMLProviderOutput{SAMLProviderArn: in.SAMLProviderArn}, err
}

// DeleteSAMLProvider removes a provider.
func (s *Service) DeleteSAMLProvider(ctx context.Context, in *iam.DeleteSAMLProviderInput, _ ...func(*iam.Options)) (*iam.DeleteSAMLProviderOutput, error) {
	sc := scopeOf(ctx)
	p, err := s.samlProvider(sc, *in.SAMLProviderArn)
	if err != nil {
		return nil, err
	}
	return &iam.DeleteSAMLProviderOutput{}, s.saml.Delete(ctx, sc.account, lower(p.Name))
}

// OIDC returns the provider of an account whose issuer, without its scheme, is given.
func (s *Service) OIDC(_ context.Context, account, issuer string) (ARN string, clients []string, ok bool) {
	p, err := s.oidc.Get(account, lower(issuer))
	if err != nil {
		return "", nil, false
	}
	return scope{account: account, partition: "aws"}.arn("oidc-provider/" + p.URL), p.Clients, true
}

func sum(text string) []byte {
	h := sha256.Sum256([]byte(text))
	return h[:]
}

// since reports whether t is longer ago than d.
func (s *Service) since(t time.Time, d time.Duration) bool { return s.clock.Now().Sub(t) > d }
