package policy

import (
	"regexp"
	"slices"
	"strings"
)

// parser compiles the tree of a document, and holds it to the rules of its kind.
type parser struct {
	kind   Kind
	stored bool // it was checked when it was stored, by the rules of then
	doc    *Document

	// An effect or a date of the document has a form that IAM reads only after it has looked at the version.
	misread bool
}

func syntax(message string) error { return &SyntaxError{message} }

var errSyntaxInPolicy = syntax("Syntax errors in policy.")

// ErrLegacy is of a document whose effects, dates or resources IAM does not read. Parse refuses the first two with it, and
// says it of resources as Document.Legacy, since documents may have been stored with them.
var ErrLegacy = syntax("The policy failed legacy parsing")

func (p *parser) document(tree any) error {
	members, ok := tree.([]member)
	if !ok {
		return errSyntaxInPolicy
	}
	var statements []any
	version := ""
	for _, m := range members {
		switch m.name {
		case "Version":
			if version, ok = m.value.(string); !ok || version != "2012-10-17" && version != "2008-10-17" {
				if p.kind == Identity {
					return errSyntaxInPolicy
				}
				return syntax("The policy must contain a valid version string")
			}
			p.doc.Version = version
		case "Id":
			if p.doc.ID, ok = m.value.(string); !ok {
				return errSyntaxInPolicy
			}
		case "Statement":
			switch v := m.value.(type) {
			case []member:
				statements = []any{v}
			case []any:
				statements = v
			default:
				return errSyntaxInPolicy
			}
		default:
			if p.kind == Trust {
				return syntax("Unknown field " + m.name)
			}
			return errSyntaxInPolicy
		}
	}
	if len(statements) == 0 {
		return errSyntaxInPolicy
	}
	for i, v := range statements {
		elements, ok := v.([]member)
		if !ok {
			return errSyntaxInPolicy
		}
		s, err := p.statement(elements)
		if err != nil {
			return err
		}
		s.Index = i
		p.doc.Statements = append(p.doc.Statements, s)
	}
	if p.kind == Identity && version != "2012-10-17" {
		return syntax("Policy document must be version 2012-10-17 or greater.")
	}
	if p.misread {
		return ErrLegacy
	}
	if p.kind == Identity {
		for _, s := range p.doc.Statements {
			p.doc.Legacy = p.doc.Legacy || slices.ContainsFunc(s.ResourceNames, unread)
		}
	}
	err := p.statements()
	if err != nil && p.doc.Legacy {
		return ErrLegacy // which IAM finds first
	}
	return err
}

// statements holds the statements to the rules that come after those of syntax, in IAM's order, and compiles them.
func (p *parser) statements() error {
	sids := map[string]bool{}
	for _, s := range p.doc.Statements {
		if s.Sid != "" && sids[s.Sid] {
			return syntax("Statement IDs (SID) in a single policy must be unique.")
		}
		sids[s.Sid] = true
	}
	for _, s := range p.doc.Statements {
		if err := p.complete(s); err != nil {
			return err
		}
	}
	return nil
}

// unread reports whether IAM does not read the resource of a policy: one that leaves out parts in its middle, or the service.
func unread(resource string) bool {
	if resource == "*" || checkResource(resource) != nil {
		return false
	}
	parts := splitARN(resource, true)
	return len(parts) < 6 && strings.Contains(resource, "::") || len(parts) > 2 && parts[2] == ""
}

func (p *parser) statement(elements []member) (*Statement, error) {
	s := &Statement{}
	effect := ""
	has := map[string]bool{}
	for _, m := range elements {
		has[m.name] = true
		ok := true
		switch m.name {
		case "Sid":
			s.Sid, ok = m.value.(string)
		case "Effect":
			effect, ok = m.value.(string)
		case "Action", "NotAction":
			s.notAction = m.name == "NotAction"
			s.ActionNames, ok = texts(m.value, false)
		case "Resource", "NotResource":
			s.hasResources = true
			s.notResource = m.name == "NotResource"
			s.ResourceNames, ok = texts(m.value, false)
		case "Principal", "NotPrincipal":
			if p.kind == Identity {
				return nil, syntax("Policy document should not specify a principal.")
			}
			s.hasPrincipal = true
			s.notPrincipal = m.name == "NotPrincipal"
			var err error
			if s.principals, err = parsePrincipals(m.value); err != nil {
				return nil, err
			}
		case "Condition":
			if err := p.condition(s, m.value); err != nil {
				return nil, err
			}
		default:
			if p.kind == Trust {
				return nil, syntax("Unknown field " + m.name)
			}
			return nil, errSyntaxInPolicy
		}
		if !ok {
			return nil, errSyntaxInPolicy
		}
	}
	for _, name := range []string{"Action", "Resource", "Principal"} {
		if has[name] && has["Not"+name] {
			return nil, errSyntaxInPolicy
		}
	}
	if effect != "Allow" && effect != "Deny" {
		if p.kind == Trust && !has["Effect"] {
			return nil, syntax("Missing required field Effect")
		}
		if p.kind != Identity || !strings.EqualFold(effect, "Allow") && !strings.EqualFold(effect, "Deny") {
			return nil, errSyntaxInPolicy
		}
		p.misread = true
	}
	s.Allow = effect == "Allow"
	return s, nil
}

func (p *parser) condition(s *Statement, v any) error {
	ops, ok := v.([]member)
	if !ok {
		return errSyntaxInPolicy
	}
	for _, op := range ops {
		keys, ok := op.value.([]member)
		if !ok {
			return errSyntaxInPolicy
		}
		for _, k := range keys {
			values, ok := texts(k.value, true)
			if !ok {
				return errSyntaxInPolicy
			}
			if p.kind != Identity && !strings.Contains(k.name, ":") {
				return syntax("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
			}
			c, ok := newCondition(op.name, k.name, values, p.doc.Version != "2008-10-17")
			switch {
			case ok:
			case p.kind == Identity && c.ofDates:
				p.misread = true
			case p.kind == Trust:
				return syntax("Invalid Condition type : " + op.name)
			default:
				return errSyntaxInPolicy
			}
			s.conditions = append(s.conditions, c)
			s.keys = append(s.keys, k.name)
			if p.doc.Version != "2008-10-17" {
				s.keys = append(s.keys, variablesIn(strings.Join(values, " "))...)
			}
		}
	}
	return nil
}

var sidForm = regexp.MustCompile(`^[0-9A-Za-z]*$`)

// complete holds a statement to the rules that come after those of syntax, and compiles it.
func (p *parser) complete(s *Statement) error {
	if p.kind == Identity && !sidForm.MatchString(s.Sid) {
		return syntax("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
	}
	if len(s.ActionNames) == 0 {
		if p.kind == Trust {
			return syntax("Missing required field Action")
		}
		return syntax("Policy statement must contain actions.")
	}
	if p.kind != Identity && !s.hasPrincipal {
		return syntax("Missing required field Principal")
	}
	if p.kind == Trust && s.hasResources {
		return syntax("Has prohibited field Resource")
	}
	variables := p.doc.Version != "2008-10-17"
	for _, r := range s.ResourceNames {
		if err := checkResource(r); err != nil {
			return err
		}
		s.resources = append(s.resources, newARNPattern(r, variables, true))
		if variables {
			s.keys = append(s.keys, variablesIn(r)...)
		}
	}
	for _, a := range s.ActionNames {
		if err := checkAction(a); err != nil {
			return err
		}
		g := newGlob(a, false, true, true)
		assumes := func(action string) bool { return g.matches(action, nil, false) }
		if p.kind == Trust && !p.stored && !s.notAction && (!strings.HasPrefix(strings.ToLower(a), "sts:") || !slices.ContainsFunc(assumeActions, assumes)) {
			return syntax("AssumeRole policy may only specify STS AssumeRole actions.")
		}
		s.actions = append(s.actions, g)
	}
	if p.kind != Trust && len(s.ResourceNames) == 0 {
		return syntax("Policy statement must contain resources.")
	}
	return nil
}

// assumeActions are those that a trust policy can allow, in lower case.
var assumeActions = []string{"sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity", "sts:tagsession", "sts:setsourceidentity", "sts:setcontext"}

var vendorForm = regexp.MustCompile(`^[a-zA-Z0-9.-]+$`)

func checkAction(action string) error {
	if action == "*" {
		return nil
	}
	vendor, name, ok := strings.Cut(action, ":")
	switch {
	case !ok:
		return syntax("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
	case strings.Contains(name, ":"):
		return syntax("Actions/Condition can contain only one colon.")
	case vendor != "*" && !vendorForm.MatchString(vendor):
		return syntax("Vendor " + vendor + " is not valid")
	}
	return nil
}

// checkResource holds the pattern of a resource to the form of an ARN.
func checkResource(resource string) error {
	if resource == "*" {
		return nil
	}
	parts := splitARN(resource, true)
	if len(parts) == 1 {
		return syntax(`Resource ` + resource + ` must be in ARN format or "*".`)
	}
	partition := parts[1]
	if partition != "*" && partition != "aws" && partition != "aws-cn" && partition != "aws-us-gov" && partition != "aws-eusc" &&
		!strings.HasPrefix(partition, "aws-iso") && !strings.ContainsAny(partition, "*?$") {
		rest := append(parts[2:], "*", "*", "*", "*")[:4]
		return syntax(`Partition "` + partition + `" is not valid for resource "arn:` + partition + `:` + strings.Join(rest, ":") + `".`)
	}
	if parts[0] != "arn" {
		return syntax(`Resource ` + resource + ` must be in ARN format or "*".`)
	}
	if len(parts) == 2 && partition != "*" && !strings.HasSuffix(partition, "*") {
		return syntax("Resource vendor must be fully qualified and cannot contain regexes.")
	}
	if len(parts) < 4 {
		return nil
	}
	switch service, region := parts[2], parts[3]; {
	case service == "iam" && region != "" && region != "*":
		return syntax("IAM resource " + resource + " cannot contain region information.")
	case service == "s3" && region != "" && region != "*" && !(len(parts) == 6 && strings.HasPrefix(parts[5], "accesspoint/")):
		return syntax("Resource " + resource + " can not contain region information.")
	case service == "iam" && len(parts) == 6 && !strings.HasPrefix(parts[5], "*"):
		for _, start := range iamResources {
			if strings.HasPrefix(parts[5], start) {
				return nil
			}
		}
		if parts[5] == "root" || strings.ContainsAny(parts[5], "*?$") {
			return nil
		}
		return syntax(`IAM resource path must either be "*", root, or start with ` + strings.Join(iamResources, ", ") + ".")
	}
	return nil
}

var iamResources = []string{
	"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/",
	"policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/",
}
