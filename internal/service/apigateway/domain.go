package apigateway

import (
	"context"
	"crypto/tls"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// CreateDomainName, GetDomainName, GetDomainNames, UpdateDomainName, DeleteDomainName.
//
// Domain names are kept for read-back: the node answers at its own addresses, and no request is
// led by them. Private domain names and routing rules are refused. A certificate that is uploaded
// is checked and forgotten, its key with it: only its name and the time are kept.

// domainDoc is a domain name with its base path mappings.
type domainDoc struct {
	Name         string                         `json:"name"`
	Endpoint     types.EndpointConfiguration    `json:"endpoint"`
	Certificate  *string                        `json:"certificate,omitempty"`     // ARN, of an edge-optimized name
	CertName     *string                        `json:"certificateName,omitempty"` // of an edge-optimized name
	Uploaded     *time.Time                     `json:"uploaded,omitempty"`        // the certificate
	Regional     *string                        `json:"regional,omitempty"`        // ARN
	RegionalName *string                        `json:"regionalName,omitempty"`
	Ownership    *string                        `json:"ownership,omitempty"` // ARN of the certificate that shows it
	Security     types.SecurityPolicy           `json:"security,omitempty"`
	Access       types.EndpointAccessMode       `json:"access,omitempty"`
	Truststore   *types.MutualTlsAuthentication `json:"truststore,omitempty"`
	Edge         string                         `json:"edge,omitempty"` // label of its name at CloudFront
	Region       string                         `json:"region,omitempty"`
	Mappings     map[string]mappingDoc          `json:"mappings,omitempty"` // by base path
	Tags         map[string]string              `json:"tags,omitempty"`
}

// edgeZone is the hosted zone of all names below cloudfront.net.
const edgeZone = "Z2FDTNDATAQYW2"

// regionalZones are the hosted zones of the regions' names, which alias records need. (Source:
// "Amazon API Gateway endpoints and quotas" of the general reference.)
var regionalZones = map[string]string{
	"af-south-1": "Z2DHW2332DAMTN", "ap-east-1": "Z3FD1VL90ND7K5", "ap-northeast-1": "Z1YSHQZHG15GKL", "ap-northeast-2": "Z20JF4UZKIW1U8",
	"ap-northeast-3": "Z22ILHG95FLSZ2", "ap-south-1": "Z3VO1THU9YC4UR", "ap-southeast-1": "ZL327KTPIQFUL", "ap-southeast-2": "Z2RPCDW04V8134",
	"ca-central-1": "Z19DQILCV0OWEC", "eu-central-1": "Z1U9ULNL0V5AJ3", "eu-north-1": "Z3UWIKFBOOGXPP", "eu-south-1": "Z3BT4WSQ9TDYZV",
	"eu-west-1": "ZLY8HYME6SFDD", "eu-west-2": "ZJ5UAJN8Y3Z2Q", "eu-west-3": "Z3KY65QIEKYHQQ", "me-south-1": "Z20ZBPC0SS8806",
	"sa-east-1": "ZCMLWB8V5SYIT", "us-east-1": "Z1UJRXOUMOOFQ8", "us-east-2": "ZOJJZC49E0EPZ", "us-west-1": "Z2MUQ32089INYE", "us-west-2": "Z2OJLYMUO9EFXC",
}

// maxPrivateKey is how long the private key of an uploaded certificate may be, in bytes of PEM: RSA's of 16384 bits.
const maxPrivateKey = 16 << 10

func invalidDomain() error { return notFound("Invalid domain name identifier specified") }

func (d *domainDoc) has(t types.EndpointType) bool { return slices.Contains(d.Endpoint.Types, t) }

func (d *domainDoc) output(sc scope.Scope) *apigateway.GetDomainNameOutput {
	out := &apigateway.GetDomainNameOutput{
		DomainName: aws.String(d.Name), DomainNameArn: aws.String(apiARN(sc, "/domainnames/"+d.Name)), DomainNameStatus: types.DomainNameStatusAvailable,
		EndpointConfiguration: &d.Endpoint, SecurityPolicy: d.Security, EndpointAccessMode: d.Access, RoutingMode: types.RoutingModeBasePathMappingOnly,
		CertificateArn: d.Certificate, CertificateName: d.CertName, CertificateUploadDate: d.Uploaded, RegionalCertificateArn: d.Regional, RegionalCertificateName: d.RegionalName,
		OwnershipVerificationCertificateArn: d.Ownership, MutualTlsAuthentication: d.Truststore, Tags: d.Tags,
	}
	if d.has(types.EndpointTypeEdge) {
		out.DistributionDomainName, out.DistributionHostedZoneId = aws.String(d.Edge+".cloudfront.net"), aws.String(edgeZone)
	}
	if d.has(types.EndpointTypeRegional) {
		out.RegionalDomainName = aws.String(d.Region + ".execute-api." + sc.Region + ".amazonaws.com")
		if zone := regionalZones[sc.Region]; zone != "" {
			out.RegionalHostedZoneId = aws.String(zone)
		}
	}
	return out
}

var hostLabel = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)

// checkDomain checks the text of a domain name, which may begin with a wildcard.
func checkDomain(name string) error {
	labels := strings.Split(strings.TrimPrefix(name, "*."), ".")
	if len(name) > 253 || len(labels) < 2 || !slices.ContainsFunc(labels, func(l string) bool { return strings.Trim(l, "0123456789") != "" }) {
		return badRequest("Invalid domain name: %.300s", name)
	}
	for _, l := range labels {
		if !hostLabel.MatchString(l) {
			return badRequest("Invalid domain name: %.300s", name)
		}
	}
	return nil
}

// check checks the settings of a domain name against each other, and completes them.
func (d *domainDoc) check(sc scope.Scope) error {
	if len(d.Endpoint.Types) == 0 {
		return badRequest("A domain name must have an endpoint type")
	}
	for _, t := range d.Endpoint.Types {
		switch t {
		case types.EndpointTypeEdge, types.EndpointTypeRegional:
		case types.EndpointTypePrivate:
			return badRequest("Brookmere has no private domain names: choose EDGE or REGIONAL")
		default:
			return badRequest("Invalid endpoint type: %s", t)
		}
	}
	if len(d.Endpoint.VpcEndpointIds) > 0 {
		return badRequest("VPC endpoints can only be specified with PRIVATE endpoint type")
	}
	if d.Endpoint.IpAddressType == "" {
		d.Endpoint.IpAddressType = types.IpAddressTypeIpv4
	}
	if !slices.Contains(d.Endpoint.IpAddressType.Values(), d.Endpoint.IpAddressType) {
		return badRequest("Invalid IP address type: %s", d.Endpoint.IpAddressType)
	}
	edge, regional := d.has(types.EndpointTypeEdge), d.has(types.EndpointTypeRegional)
	switch {
	case !edge && (d.Certificate != nil || d.CertName != nil):
		return badRequest("Cannot import certificates for EDGE while REGIONAL is active.")
	case !regional && (d.Regional != nil || d.RegionalName != nil):
		return badRequest("Cannot import certificates for REGIONAL while EDGE is active.")
	case edge && d.Certificate == nil && d.Uploaded == nil, regional && d.Regional == nil:
		return badRequest("A certificate must be provided for the domain name")
	}
	if err := checkCertificate(d.Certificate, "us-east-1"); err != nil {
		return err
	}
	if err := checkCertificate(d.Regional, sc.Region); err != nil {
		return err
	}
	if err := checkCertificate(d.Ownership, sc.Region); err != nil {
		return err
	}
	if d.Security == "" {
		d.Security = types.SecurityPolicyTls12
	}
	if !slices.Contains(d.Security.Values(), d.Security) {
		return badRequest("Invalid security policy: %s", d.Security)
	}
	if d.Access != "" && !slices.Contains(d.Access.Values(), d.Access) {
		return badRequest("Invalid endpoint access mode: %s", d.Access)
	}
	if t := d.Truststore; t != nil {
		if bucket, key, ok := strings.Cut(strings.TrimPrefix(aws.ToString(t.TruststoreUri), "s3://"), "/"); !ok || bucket == "" || key == "" || !strings.HasPrefix(*t.TruststoreUri, "s3://") {
			return badRequest("Invalid truststore URI: it must be of the form s3://bucket-name/key-name")
		}
		if !regional || edge {
			return badRequest("Mutual TLS is only supported for Regional domain names")
		}
	}
	if regional && d.Region == "" {
		d.Region = "d-" + newID(10)
	}
	if edge && d.Edge == "" {
		d.Edge = "d" + newID(13)
	}
	return checkTags(d.Tags)
}

// checkCertificate checks the ARN of a certificate, which must be of a region where it is ACM's.
func checkCertificate(text *string, region string) error {
	if text == nil {
		return nil
	}
	a, ok := arn.Parse(*text)
	switch {
	case ok && a.Service == "iam" && strings.HasPrefix(a.Resource, "server-certificate/"):
		return nil
	case !ok || a.Service != "acm" || !strings.HasPrefix(a.Resource, "certificate/"):
		return badRequest("Invalid certificate ARN: %.300s", *text)
	case a.Region != region:
		return badRequest("Invalid certificate ARN: %.300s. Certificate must be in '%s'.", *text, region)
	}
	return nil
}

// CreateDomainName keeps a domain name, edge-optimized where no type of endpoint is named.
func (s *Service) CreateDomainName(ctx context.Context, in *apigateway.CreateDomainNameInput, _ ...func(*apigateway.Options)) (*apigateway.CreateDomainNameOutput, error) {
	if err := checkDomain(*in.DomainName); err != nil {
		return nil, err
	}
	switch {
	case in.Policy != nil:
		return nil, badRequest("Policies are only supported for private domain names")
	case in.RoutingMode != "" && in.RoutingMode != types.RoutingModeBasePathMappingOnly:
		return nil, badRequest("Brookmere has no routing rules: the routing mode must be BASE_PATH_MAPPING_ONLY")
	}
	d := &domainDoc{
		Name: *in.DomainName, Certificate: full(in.CertificateArn), CertName: full(in.CertificateName), Regional: full(in.RegionalCertificateArn), RegionalName: full(in.RegionalCertificateName),
		Ownership: full(in.OwnershipVerificationCertificateArn), Security: in.SecurityPolicy, Access: in.EndpointAccessMode, Tags: in.Tags,
	}
	if in.EndpointConfiguration != nil {
		d.Endpoint = *in.EndpointConfiguration
	}
	if len(d.Endpoint.Types) == 0 {
		d.Endpoint.Types = []types.EndpointType{types.EndpointTypeEdge}
	}
	if len(d.Endpoint.Types) > 1 {
		return nil, badRequest("Only one endpoint type is allowed")
	}
	if m := in.MutualTlsAuthentication; m != nil {
		d.Truststore = &types.MutualTlsAuthentication{TruststoreUri: m.TruststoreUri, TruststoreVersion: m.TruststoreVersion}
	}
	if in.CertificateBody != nil || in.CertificatePrivateKey != nil {
		if d.Certificate != nil {
			return nil, badRequest("A certificate is given by its ARN or by its body, not by both")
		}
		if len(aws.ToString(in.CertificatePrivateKey)) > maxPrivateKey { // the work of reading one grows with the square
			return nil, badRequest("A private key has at most %d bytes", maxPrivateKey)
		}
		chain := aws.ToString(in.CertificateBody) + "\n" + aws.ToString(in.CertificateChain)
		if _, err := tls.X509KeyPair([]byte(chain), []byte(aws.ToString(in.CertificatePrivateKey))); err != nil {
			return nil, badRequest("The certificate and its private key cannot be used: %v", err)
		}
		d.Uploaded = aws.Time(s.cfg.Clock.Now().UTC())
	}
	sc := scope.Of(ctx)
	if err := d.check(sc); err != nil {
		return nil, err
	}
	err := s.domains.Create(ctx, d, sc.Key(d.Name)...)
	if isExists(err) {
		return nil, conflict("The domain name you provided already exists.")
	}
	if err != nil {
		return nil, err
	}
	return (*apigateway.CreateDomainNameOutput)(d.output(sc)), nil
}

// full is a text that says something: an empty one is none.
func full(text *string) *string {
	if aws.ToString(text) == "" {
		return nil
	}
	return text
}

// domain is a domain name of the caller's. Only private ones have ids, and there are none.
func (s *Service) domain(ctx context.Context, name, id *string) (*domainDoc, error) {
	if aws.ToString(name) == "" || aws.ToString(id) != "" {
		return nil, invalidDomain()
	}
	return s.domains.Get(scope.Of(ctx).Key(*name)...)
}

// GetDomainName returns a domain name.
func (s *Service) GetDomainName(ctx context.Context, in *apigateway.GetDomainNameInput, _ ...func(*apigateway.Options)) (*apigateway.GetDomainNameOutput, error) {
	d, err := s.domain(ctx, in.DomainName, in.DomainNameId)
	if err != nil {
		return nil, err
	}
	return d.output(scope.Of(ctx)), nil
}

// GetDomainNames lists the caller's domain names; no other account shares any.
func (s *Service) GetDomainNames(ctx context.Context, in *apigateway.GetDomainNamesInput, _ ...func(*apigateway.Options)) (*apigateway.GetDomainNamesOutput, error) {
	sc := scope.Of(ctx)
	all, err := s.domains.All(sc.Key()...)
	if err != nil {
		return nil, err
	}
	if in.ResourceOwner == types.ResourceOwnerOtherAccounts {
		all = nil
	}
	list, next, err := pageOf(all, func(d *domainDoc) string { return d.Name }, in.Position, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &apigateway.GetDomainNamesOutput{Items: []types.DomainName{}, Position: next}
	for _, d := range list {
		o := d.output(sc)
		out.Items = append(out.Items, types.DomainName{
			DomainName: o.DomainName, DomainNameArn: o.DomainNameArn, DomainNameStatus: o.DomainNameStatus, EndpointConfiguration: o.EndpointConfiguration,
			SecurityPolicy: o.SecurityPolicy, EndpointAccessMode: o.EndpointAccessMode, RoutingMode: o.RoutingMode, CertificateArn: o.CertificateArn, CertificateName: o.CertificateName,
			CertificateUploadDate: o.CertificateUploadDate, RegionalCertificateArn: o.RegionalCertificateArn, RegionalCertificateName: o.RegionalCertificateName,
			OwnershipVerificationCertificateArn: o.OwnershipVerificationCertificateArn, MutualTlsAuthentication: o.MutualTlsAuthentication, Tags: o.Tags,
			DistributionDomainName: o.DistributionDomainName, DistributionHostedZoneId: o.DistributionHostedZoneId, RegionalDomainName: o.RegionalDomainName, RegionalHostedZoneId: o.RegionalHostedZoneId,
		})
	}
	return out, nil
}

// UpdateDomainName changes settings of a domain name. What a type of endpoint has goes with it.
func (s *Service) UpdateDomainName(ctx context.Context, in *apigateway.UpdateDomainNameInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateDomainNameOutput, error) {
	if _, err := s.domain(ctx, in.DomainName, in.DomainNameId); err != nil {
		return nil, err
	}
	sc := scope.Of(ctx)
	d, err := s.domains.Modify(ctx, func(d *domainDoc) error {
		if err := d.patch(in.PatchOperations); err != nil {
			return err
		}
		return d.check(sc)
	}, sc.Key(*in.DomainName)...)
	if err != nil {
		return nil, err
	}
	return (*apigateway.UpdateDomainNameOutput)(d.output(sc)), nil
}

func (d *domainDoc) patch(operations []types.PatchOperation) error {
	security, access, address := (*string)(&d.Security), (*string)(&d.Access), (*string)(&d.Endpoint.IpAddressType)
	var uri, version *string
	if d.Truststore != nil {
		uri, version = d.Truststore.TruststoreUri, d.Truststore.TruststoreVersion
	}
	err := patches{
		"/certificateArn":                            setText(&d.Certificate),
		"/certificateName":                           setText(&d.CertName),
		"/regionalCertificateArn":                    setText(&d.Regional),
		"/regionalCertificateName":                   setText(&d.RegionalName),
		"/ownershipVerificationCertificateArn":       setText(&d.Ownership),
		"/securityPolicy":                            setText(&security),
		"/endpointAccessMode":                        setText(&access),
		"/endpointConfiguration/ipAddressType":       setText(&address),
		"/mutualTlsAuthentication/truststoreUri":     setText(&uri),
		"/mutualTlsAuthentication/truststoreVersion": setText(&version),
		"/endpointConfiguration/types":               d.setEndpointType,
		"/endpointConfiguration/types/":              d.setEndpointType,
		"/routingMode": func(_ types.Op, _, value string) error {
			if value != "" && value != string(types.RoutingModeBasePathMappingOnly) {
				return badRequest("Brookmere has no routing rules: the routing mode must be BASE_PATH_MAPPING_ONLY")
			}
			return nil
		},
	}.apply(operations)
	if err != nil {
		return err
	}
	d.Certificate, d.CertName, d.Regional, d.RegionalName, d.Ownership = full(d.Certificate), full(d.CertName), full(d.Regional), full(d.RegionalName), full(d.Ownership)
	d.Security, d.Access, d.Endpoint.IpAddressType = types.SecurityPolicy(aws.ToString(security)), types.EndpointAccessMode(aws.ToString(access)), types.IpAddressType(aws.ToString(address))
	if d.Truststore = nil; full(uri) != nil {
		d.Truststore = &types.MutualTlsAuthentication{TruststoreUri: uri, TruststoreVersion: full(version)}
	}
	return nil
}

// setEndpointType adds a type of endpoint, removes one, or has one in the place of all.
func (d *domainDoc) setEndpointType(op types.Op, key, value string) error {
	t := types.EndpointType(value)
	switch op {
	case types.OpAdd:
		if !d.has(t) {
			d.Endpoint.Types = append(d.Endpoint.Types, t)
		}
		return nil
	case types.OpRemove:
		if t == "" {
			t = types.EndpointType(key)
		}
		if !d.has(t) {
			return badRequest("Invalid endpoint type: %s", t)
		}
		d.Endpoint.Types = slices.DeleteFunc(d.Endpoint.Types, func(o types.EndpointType) bool { return o == t })
	default:
		d.Endpoint.Types = []types.EndpointType{t}
	}
	if !d.has(types.EndpointTypeEdge) {
		d.Certificate, d.CertName, d.Uploaded, d.Edge = nil, nil, nil, ""
	}
	if !d.has(types.EndpointTypeRegional) {
		d.Regional, d.RegionalName, d.Region, d.Ownership, d.Truststore = nil, nil, "", nil, nil
	}
	return nil
}

// DeleteDomainName removes a domain name with its base path mappings.
func (s *Service) DeleteDomainName(ctx context.Context, in *apigateway.DeleteDomainNameInput, _ ...func(*apigateway.Options)) (*apigateway.DeleteDomainNameOutput, error) {
	d, err := s.domain(ctx, in.DomainName, in.DomainNameId)
	if err != nil {
		return nil, err
	}
	if err := s.domains.Delete(ctx, scope.Of(ctx).Key(d.Name)...); err != nil {
		return nil, err
	}
	return &apigateway.DeleteDomainNameOutput{}, nil
}
