package lambda

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// Policies of versions of layers: which other accounts may use them. Left out: organizations, of which there are none here:
// a statement for one lets nobody in.

// layerStatement is a statement as Lambda writes it.
type layerStatement struct {
	Sid       string
	Effect    string
	Principal any // "*", or the root of an account
	Action    string
	Resource  string
	Condition any `json:",omitempty"`
}

// lets reports whether the policy of a layer's version lets an account use it.
func (d *layerDoc) lets(account string) bool {
	if d.Account == account {
		return true
	}
	if d.Policy == nil {
		return false
	}
	return slices.ContainsFunc(d.Policy.Statements, func(st statement) bool {
		var s layerStatement
		if json.Unmarshal(st.Text, &s) != nil || s.Condition != nil {
			return false
		}
		if s.Principal == "*" {
			return true
		}
		who, _ := s.Principal.(map[string]any)
		name, _ := who["AWS"].(string)
		a, ok := arn.Parse(name)
		return ok && a.Account == account
	})
}

// changeLayer changes the policy of a layer's version, which must be the caller's.
func (s *Service) changeLayer(ctx context.Context, name *string, version *int64, revision *string, f func(d *layerDoc, p *policyDoc) error) (*layerDoc, error) {
	sc, n, err := layerVersionName(ctx, name, version)
	if err != nil {
		return nil, err
	}
	d, err := s.layers.Modify(ctx, func(d *layerDoc) error {
		if d.Deleted {
			return noLayer(d.arn())
		}
		p := new(policyDoc)
		if d.Policy != nil {
			*p = policyDoc{d.Policy.Revision, slices.Clone(d.Policy.Statements)}
		}
		if revision != nil && *revision != p.Revision {
			return &types.PreconditionFailedException{Type: user, Message: aws.String("The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id")}
		}
		if err := f(d, p); err != nil {
			return err
		}
		p.Revision = newID()
		d.Policy = p
		return nil
	}, layerKey(sc, n, *version)...)
	return d, missingLayer(err, sc, n, *version)
}

func noLayer(arn string) error { return notFound("Layer version %s does not exist.", arn) }

// missingLayer names a version of a layer in an error that says that something is not there.
func missingLayer(err error, sc scope.Scope, name string, version int64) error {
	if err == errNoResource { //nolint:errorlint // that of the collection alone, not of what is in the document
		return noLayer((&layerDoc{Account: sc.Account, Region: sc.Region, Name: name, Version: version}).arn())
	}
	return err
}

// AddLayerVersionPermission lets an account, or all, use a version of a layer.
func (s *Service) AddLayerVersionPermission(ctx context.Context, in *lambda.AddLayerVersionPermissionInput, _ ...func(*lambda.Options)) (*lambda.AddLayerVersionPermissionOutput, error) {
	st := layerStatement{Sid: aws.ToString(in.StatementId), Effect: "Allow", Action: aws.ToString(in.Action), Principal: "*"}
	if p := aws.ToString(in.Principal); p != "*" {
		if accountForm.MatchString(p) {
			p = arn.Global("iam", scope.Of(ctx).Region, p, "root")
		}
		st.Principal = map[string]string{"AWS": p}
	}
	if in.OrganizationId != nil {
		if st.Principal != "*" {
			return nil, invalid("An organization id is for the principal * alone.")
		}
		st.Condition = map[string]any{"StringEquals": map[string]string{"aws:PrincipalOrgID": *in.OrganizationId}}
	}
	var text []byte
	d, err := s.changeLayer(ctx, in.LayerName, in.VersionNumber, in.RevisionId, func(d *layerDoc, p *policyDoc) error {
		if slices.ContainsFunc(p.Statements, func(o statement) bool { return o.ID == st.Sid }) {
			return conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", st.Sid)
		}
		st.Resource = d.arn()
		var err error
		if text, err = json.Marshal(st); err != nil {
			return err
		}
		p.Statements = append(p.Statements, statement{st.Sid, text})
		if len(policyText(p)) > maxPolicy {
			return &types.PolicyLengthExceededException{Type: user, Message: aws.String("The final policy size (more than 20480) is bigger than the limit (20480).")}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &lambda.AddLayerVersionPermissionOutput{Statement: aws.String(string(text)), RevisionId: &d.Policy.Revision}, nil
}

// RemoveLayerVersionPermission removes a statement.
func (s *Service) RemoveLayerVersionPermission(ctx context.Context, in *lambda.RemoveLayerVersionPermissionInput, _ ...func(*lambda.Options)) (*lambda.RemoveLayerVersionPermissionOutput, error) {
	_, err := s.changeLayer(ctx, in.LayerName, in.VersionNumber, in.RevisionId, func(_ *layerDoc, p *policyDoc) error {
		had := len(p.Statements)
		p.Statements = slices.DeleteFunc(p.Statements, func(o statement) bool { return o.ID == aws.ToString(in.StatementId) })
		if len(p.Statements) == had {
			return notFound("Statement %s is not found in resource policy.", aws.ToString(in.StatementId))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &lambda.RemoveLayerVersionPermissionOutput{}, nil
}

// GetLayerVersionPolicy returns the policy of a version of a layer.
func (s *Service) GetLayerVersionPolicy(ctx context.Context, in *lambda.GetLayerVersionPolicyInput, _ ...func(*lambda.Options)) (*lambda.GetLayerVersionPolicyOutput, error) {
	sc, name, err := layerVersionName(ctx, in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	d, err := s.layer(sc, name, *in.VersionNumber)
	if err != nil {
		return nil, missingLayer(err, sc, name, *in.VersionNumber)
	}
	if d.Policy == nil || len(d.Policy.Statements) == 0 {
		return nil, notFound("No policy is associated with the given resource.")
	}
	return &lambda.GetLayerVersionPolicyOutput{Policy: aws.String(policyText(d.Policy)), RevisionId: &d.Policy.Revision}, nil
}
