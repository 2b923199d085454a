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
var passes = map[string]string{
	"lambda:CreateFunction": "lambda.amazonaws.com", "lambda:UpdateFunctionConfiguration": "lambda.amazonaws.com",
	"firehose:CreateDeliveryStream": "firehose.amazonaws.com", "firehose:UpdateDestination": "firehose.amazonaws.com",
	"glue:CreateCrawler": "glue.amazonaws.com", "glue:UpdateCrawler": "glue.amazonaws.com",
	"glue:CreateJob": "glue.amazonaws.com", "glue:UpdateJob": "glue.amazonaws.com", "glue:CreateSession": "glue.amazonaws.com",
	"glue:CreateDevEndpoint": "glue.amazonaws.com", "glue:CreateMLTransform": "glue.amazonaws.com",
	"apigateway:PutIntegration": "apigateway.amazonaws.com", "apigateway:UpdateIntegration": "apigateway.amazonaws.com",
	"apigateway:CreateAuthorizer": "apigateway.amazonaws.com", "apigateway:UpdateAccount": "apigateway.amazonaws.com",
	"apigatewayv2:CreateIntegration": "apigateway.amazonaws.com", "apigatewayv2:UpdateIntegration": "apigateway.amazonaws.com",
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
		if m := roleForm.FindStringSubmatch(role); m == nil || m[1] != c.Caller.Account {
			return &Denied{Code: "AccessDeniedException", Message: "Cross-account pass role is not allowed.", Status: http.StatusBadRequest}
		}
		keys := map[string][]string{"iam:PassedToService": {service}}
		if r, err := c.Resources(); err == nil && len(r) > 0 {
			keys["iam:AssociatedResourceArn"] = r[:1]
		}
		if err := a.check(ctx, question{caller: c.Caller, action: "iam:PassRole", resource: role, service: c.Service, call: c, keys: keys}); err != nil {
			return err
		}
	}
	return nil
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
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.IsExported() {
				findRoles(v.Field(i), named || strings.Contains(f.Name, "Role") || f.Name == "Credentials", depth+1, roles)
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
			findRoles(v.MapIndex(k), named || k.Kind() == reflect.String && strings.Contains(k.String(), "Role"), depth+1, roles)
		}
	case reflect.String:
		if s := v.String(); named && strings.Contains(s, ":iam:") && strings.Contains(s, ":role/") { // of whatever form
			*roles = append(*roles, s)
		}
	}
}
