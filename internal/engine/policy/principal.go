package policy

import (
	"regexp"
	"strings"
)

// PrincipalKind is what sort of identity makes a request.
type PrincipalKind uint8

const (
	// Anonymous has no credentials.
	Anonymous PrincipalKind = iota
	// Root is an account itself.
	Root
	// User is an IAM user.
	User
	// Role is a session of an IAM role.
	Role
	// FederatedUser is a session of GetFederationToken.
	FederatedUser
	// Service is a service that acts by itself, as "firehose.amazonaws.com".
	Service
	// Federated is somebody with a token of an identity provider, before a role is assumed.
	Federated
)

// Principal is who makes a request.
type Principal struct {
	Kind    PrincipalKind
	Account string // 12 digits; of services and federated identities empty
	// ARN of the user, the role session, the federated user or the root.
	ARN string
	// Role of a session ("arn:aws:iam::111122223333:role/path/name"); of a federated user, the ARN of the
	// user who asked for the session.
	Role string
	// Name of a service ("firehose.amazonaws.com"), or of an identity provider (its ARN, or
	// "cognito-identity.amazonaws.com").
	Name string
	// ID is the unique id (AIDA..., AROA...), by which documents may name a principal.
	ID string
}

// grant says how directly a statement names a principal.
type grant uint8

const (
	notNamed  grant = iota
	byAccount       // the principal's account: a delegation
	byRole          // the role of a session, or the user behind a federated one
	direct          // the user, the session, everyone
)

// principals is a Principal element, compiled.
type principals struct {
	everyone  bool
	accounts  []string
	arns      []string // canonical
	written   []string // the same, as they are written
	ids       []string
	services  []string
	federated []string // ARNs are canonical
}

var (
	accountForm   = regexp.MustCompile(`^\d{12}$`)
	principalForm = regexp.MustCompile(`^arn:aws[a-z-]*:(iam|sts)::(\d{12}):(root$|user/|role/|assumed-role/|federated-user/)`)
	originForm    = regexp.MustCompile(`^arn:aws[a-z-]*:iam::cloudfront:user/CloudFront Origin Access Identity [A-Z0-9]+$`)
	uniqueIDForm  = regexp.MustCompile(`^A[A-Z0-9]{15,127}$`)
	serviceForm   = regexp.MustCompile(`^[a-z0-9.-]+\.(amazonaws\.com|amazonaws\.com\.cn|amazon\.com|aws\.internal)$`)
	domainForm    = regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(/[!-~]*)?$`)
	providerForm  = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:(saml-provider|oidc-provider)/[!-~]+$`)
)

func parsePrincipals(v any) (principals, error) {
	var p principals
	if text, ok := v.(string); ok {
		if text != "*" {
			return p, syntax("Invalid principal in policy")
		}
		p.everyone = true
		return p, nil
	}
	members, ok := v.([]member)
	if !ok || len(members) == 0 {
		return p, syntax("Invalid principal in policy")
	}
	for _, m := range members {
		values, ok := texts(m.value, false)
		if !ok || len(values) == 0 {
			return p, syntax("Invalid principal in policy")
		}
		for _, value := range values {
			if err := p.add(m.name, value); err != nil {
				return p, err
			}
		}
	}
	return p, nil
}

func (p *principals) add(kind, value string) error {
	invalid := syntax(`Invalid principal in policy: "` + strings.ToUpper(kind) + `":"` + value + `"`)
	switch kind {
	case "AWS":
		switch m := principalForm.FindStringSubmatch(value); {
		case value == "*":
			p.everyone = true
		case accountForm.MatchString(value):
			p.accounts = append(p.accounts, value)
		case m != nil && m[3] == "root":
			p.accounts = append(p.accounts, m[2])
		case m != nil && !strings.ContainsAny(value, "*?"):
			p.arns, p.written = append(p.arns, canonicalARN(value)), append(p.written, value)
		case originForm.MatchString(value): // which nobody is here
			p.arns, p.written = append(p.arns, value), append(p.written, value)
		case uniqueIDForm.MatchString(value):
			p.ids = append(p.ids, value)
		default:
			return invalid
		}
	case "Service":
		if !serviceForm.MatchString(value) {
			return invalid
		}
		p.services = append(p.services, value)
	case "Federated":
		if !domainForm.MatchString(value) && !providerForm.MatchString(value) {
			return syntax("Federated principals must be valid domain names or SAML metadata ARNs")
		}
		p.federated = append(p.federated, canonicalARN(value))
	case "CanonicalUser":
		p.ids = append(p.ids, value)
	default:
		return syntax("Invalid principal in policy")
	}
	return nil
}

func has(list []string, value string) bool {
	if value == "" {
		return false
	}
	for _, v := range list {
		if v == value {
			return true
		}
	}
	return false
}

// names reports how the element names a principal.
func (p *principals) names(who *Principal) grant {
	switch {
	case p.everyone:
		return direct
	case who.Kind == Service:
		return asDirect(has(p.services, who.Name))
	case who.Kind == Federated:
		return asDirect(hasARN(p.federated, who.Name))
	case who.Kind == Anonymous:
		return notNamed
	case who.Kind == Root:
		return asDirect(has(p.accounts, who.Account))
	case hasARN(p.arns, who.ARN), has(p.ids, who.ID) && who.Kind == User:
		return direct
	case hasARN(p.arns, who.Role), has(p.ids, who.ID):
		return byRole
	case has(p.accounts, who.Account):
		return byAccount
	}
	return notNamed
}

func asDirect(ok bool) grant {
	if ok {
		return direct
	}
	return notNamed
}

// spares reports whether NotPrincipal, of a Deny, leaves a principal out. It must name the whole chain: a
// session, its role, and their account.
func (p *principals) spares(who *Principal) bool {
	switch who.Kind {
	case Anonymous, Service, Federated, Root:
		return p.names(who) != notNamed
	case User:
		return p.everyone || hasARN(p.arns, who.ARN) && has(p.accounts, who.Account)
	}
	return p.everyone || hasARN(p.arns, who.ARN) && hasARN(p.arns, who.Role) && has(p.accounts, who.Account)
}

// grants reports how a statement of a resource's policy applies to a principal.
func (s *Statement) grants(who *Principal) grant {
	switch {
	case !s.hasPrincipal:
		return notNamed
	case !s.notPrincipal:
		return s.principals.names(who)
	case !s.Allow:
		return asDirect(!s.principals.spares(who))
	}
	return asDirect(s.principals.names(who) == notNamed)
}
