package authorize

import (
	"context"
	"net/http"
	"reflect"
	"regexp"
	"strings"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
)

// passes are the operations by which a caller hands a role to a service, which then acts as it: the
// caller needs iam:PassRole on the role. Without it, whoever may create a function could become any role.
// Services whose inputs are documents (descriptions of APIs, the replication of a bucket) ask by PassRole.
var passes = map[string]string{
	"lambda:CreateFunction": "lambda.amazonaws.com", "lambda:UpdateFunctionConfiguration": "lambda.amazonaws.com",
	"firehose:CreateDeliveryStream": "firehose.amazonaws.com", "firehose:UpdateDestination": "firehose.amazonaws.com",
	"glue:CreateCrawler": "glue.amazonaws.com", "glue:UpdateCrawler": "glue.amazonaws.com",
	"glue:CreateJob": "glue.amazonaws.com", "glue:UpdateJob": "glue.amazonaws.com", "glue:CreateSession": "glue.amazonaws.com",
	"glue:CreateDevEndpoint": "glue.amazonaws.com", "glue:CreateMLTransform": "glue.amazonaws.com",
	"apigateway:PutIntegration": "apigateway.amazonaws.com", "apigateway:UpdateIntegration": "apigateway.amazonaws.com",
	"apigateway:CreateAuthorizer": "apigateway.amazonaws.com", "apigateway:UpdateAuthorizer": "apigateway.amazonaws.com", "apigateway:UpdateAccount": "apigateway.amazonaws.com",
	"apigatewayv2:CreateIntegration": "apigateway.amazonaws.com", "apigatewayv2:UpdateIntegration": "apigateway.amazonaws.com",
	"apigatewayv2:CreateAuthorizer": "apigateway.amazonaws.com", "apigatewayv2:UpdateAuthorizer": "apigateway.amazonaws.com",
	"apigatewayv2:CreateApi": "apigateway.amazonaws.com", "apigatewayv2:UpdateApi": "apigateway.amazonaws.com",
	"kinesisanalytics:CreateApplication": "kinesisanalytics.amazonaws.com", "kinesisanalytics:UpdateApplication": "kinesisanalytics.amazonaws.com",
	"kinesisanalytics:AddApplicationInput": "kinesisanalytics.amazonaws.com", "kinesisanalytics:AddApplicationOutput": "kinesisanalytics.amazonaws.com",
	"kinesisanalytics:AddApplicationReferenceDataSource":          "kinesisanalytics.amazonaws.com",
	"kinesisanalytics:AddApplicationInputProcessingConfiguration": "kinesisanalytics.amazonaws.com",
	"kinesisanalytics:AddApplicationCloudWatchLoggingOption":      "kinesisanalytics.amazonaws.com",
	"kinesisanalytics:DiscoverInputSchema":                        "kinesisanalytics.amazonaws.com",
	"kinesisanalyticsv2:DiscoverInputSchema":                      "kinesisanalytics.amazonaws.com",
	"kinesisanalyticsv2:CreateApplication":                        "kinesisanalytics.amazonaws.com", "kinesisanalyticsv2:UpdateApplication": "kinesisanalytics.amazonaws.com",
	"logs:PutSubscriptionFilter": "logs.amazonaws.com", "logs:PutDestination": "logs.amazonaws.com",
	"cognito-identity:SetIdentityPoolRoles": "cognito-identity.amazonaws.com",
	"sns:Subscribe":                         "sns.amazonaws.com", "sns:SetSubscriptionAttributes": "sns.amazonaws.com",
	"sns:CreateTopic": "sns.amazonaws.com", "sns:SetTopicAttributes": "sns.amazonaws.com",
	"events:PutTargets": "events.amazonaws.com", "events:PutRule": "events.amazonaws.com",
	"dynamodb:EnableKinesisStreamingDestination": "", // it has none
}

// sameRole reports whether two ARNs are of one role, whatever their partitions: of two ARNs that differ by path or case
// alone, one may be passed and the other not.
func sameRole(a, b string) bool {
	_, a, _ = strings.Cut(a, ":iam:")
	_, b, _ = strings.Cut(b, ":iam:")
	return a == b
}

var roleForm = regexp.MustCompile(`^arn:aws[a-z-]*:iam::(\d{12}):role/[!-~]+$`)

// checkPassed decides about the roles that a call hands on.
func (a *Authorizer) checkPassed(ctx context.Context, c *awswire.Call) error {
	service := passes[c.Service+":"+c.Operation]
	if service == "" {
		return nil
	}
	in, err := c.Input()
	if err != nil {
		return err
	}
	var roles []string
	findRoles(reflect.ValueOf(in), false, 0, &roles)
	if name := glueRole(c.Service, in); name != "" {
		roles = append(roles, arn.Global("iam", c.Caller.Region, c.Caller.Account, "role/"+name))
	}
	if role := attributeRole(in); role != "" {
		roles = append(roles, role)
	}
	for _, role := range roles {
		resource := ""
		if r, err := c.Resources(); err == nil && len(r) > 0 {
			resource = r[0]
		}
		if err := a.pass(ctx, question{caller: c.Caller, resource: role, service: c.Service, call: c}, service, resource); err != nil {
			return err
		}
	}
	return nil
}

// PassRole decides whether the caller of a context may hand a role to a service ("apigateway.amazonaws.com"), for the
// resource of an ARN, in the words of the API that it calls ("apigateway").
func (a *Authorizer) PassRole(ctx context.Context, api, role, service, resource string) error {
	if a.config.Mode == Off {
		return nil
	}
	return a.pass(ctx, question{caller: awswire.CallerFrom(ctx), resource: role, service: api}, service, resource)
}

// pass decides whether the role that is the resource of a question may be handed on.
func (a *Authorizer) pass(ctx context.Context, q question, service, resource string) error {
	if m := roleForm.FindStringSubmatch(q.resource); m == nil || m[1] != q.caller.Of() {
		denied := &Denied{Code: "AccessDeniedException", Message: "Cross-account pass role is not allowed.", Status: http.StatusBadRequest}
		if a.config.Mode == Enforce {
			return denied
		}
		a.config.Logger.Warn("would be denied", "request", q.caller.RequestID, "action", "iam:PassRole", "resource", q.resource, "reason", denied.Message)
		return nil
	}
	q.action, q.keys = "iam:PassRole", map[string][]string{"iam:PassedToService": {service}}
	if resource != "" {
		q.keys["iam:AssociatedResourceArn"] = []string{resource}
	}
	return a.check(ctx, q)
}

// glueRole is the name of a role that is passed without its ARN, as Glue lets it be, with its path; empty if none is.
func glueRole(service string, in any) string {
	v := reflect.Indirect(reflect.ValueOf(in))
	if service != "glue" || v.Kind() != reflect.Struct {
		return ""
	}
	if u := v.FieldByName("JobUpdate"); u.IsValid() && !u.IsNil() {
		v = u.Elem()
	}
	role := v.FieldByName("Role")
	if role.Kind() == reflect.Pointer {
		role = role.Elem()
	}
	if role.Kind() != reflect.String { // there is none
		return ""
	}
	name := role.String()
	if strings.HasPrefix(name, "arn:") {
		return ""
	}
	return strings.TrimPrefix(name, "/")
}

// attributeRole is the role of a call that sets one attribute by its name; empty if that is none.
func attributeRole(in any) string {
	v := reflect.Indirect(reflect.ValueOf(in))
	if v.Kind() != reflect.Struct {
		return ""
	}
	text := func(member string) string {
		f := v.FieldByName(member)
		if !f.IsValid() || f.Kind() != reflect.Pointer || f.IsNil() || f.Elem().Kind() != reflect.String {
			return ""
		}
		return f.Elem().String()
	}
	if !strings.Contains(text("AttributeName"), "Role") {
		return ""
	}
	return text("AttributeValue")
}

// maxInput bounds how deep an input is searched.
const maxInput = 12

// namesRole reports whether a member, or the path of one, is named for a role.
func namesRole(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "role") || strings.Contains(name, "credentials")
}

// patchesRole reports whether a struct is an operation of a patch (API Gateway's) of a member that is named for a role.
func patchesRole(v reflect.Value) bool {
	path := v.FieldByName("Path")
	if !path.IsValid() || path.Kind() != reflect.Pointer || path.IsNil() || path.Elem().Kind() != reflect.String || !v.FieldByName("Op").IsValid() {
		return false
	}
	return namesRole(path.Elem().String())
}

// findRoles collects the ARNs of roles in the members of an input that are named for one.
func findRoles(v reflect.Value, named bool, depth int, roles *[]string) {
	if depth > maxInput {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			findRoles(v.Elem(), named, depth+1, roles)
		}
	case reflect.Struct:
		named = named || patchesRole(v)
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.IsExported() {
				findRoles(v.Field(i), named || namesRole(f.Name), depth+1, roles)
			}
		}
	case reflect.Slice, reflect.Array:
		if k := v.Type().Elem().Kind(); k != reflect.Uint8 {
			for i := range v.Len() {
				findRoles(v.Index(i), named, depth+1, roles)
			}
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			findRoles(v.MapIndex(k), named || k.Kind() == reflect.String && namesRole(k.String()), depth+1, roles)
		}
	case reflect.String:
		if s := v.String(); named && strings.Contains(s, ":iam:") && strings.Contains(s, ":role/") { // of whatever form
			*roles = append(*roles, s)
		}
	}
}
