package attack

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	resttypes "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	httptypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/brookmere/brookmere/test/nodetest"
)

const adminRole = "arn:aws:iam::111111111111:role/admin"

// TestRolesArePassedByName: a role that a service is to act as needs iam:PassRole, in whatever form the call names it: a
// member, an operation of a patch, a description of an API, the configuration of a bucket.
func TestRolesArePassedByName(t *testing.T) {
	n := startEnforcing(t)
	ctx := t.Context()
	root := clientsOf(n, owner, "us-east-1")
	must(root.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("admin"), AssumeRolePolicyDocument: trusts(`{"Service":["apigateway.amazonaws.com","s3.amazonaws.com"]}`)}))
	eve := makeUser(t, root, "eve", aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["apigateway:*","s3:*"],"Resource":"*"}]}`))
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &n.URL, HTTPClient: nodetest.Client, Credentials: credentials.StaticCredentialsProvider{Value: eve}, RetryMaxAttempts: 1}
	rest, https, objects := apigateway.NewFromConfig(cfg), apigatewayv2.NewFromConfig(cfg), clientsOf(n, eve, "us-east-1").s3

	role := aws.String(adminRole)
	api := must(rest.CreateRestApi(ctx, &apigateway.CreateRestApiInput{Name: aws.String("a")}))
	must(rest.PutMethod(ctx, &apigateway.PutMethodInput{RestApiId: api.Id, ResourceId: api.RootResourceId, HttpMethod: aws.String("POST"), AuthorizationType: aws.String("NONE")}))
	kinesis := aws.String("arn:aws:apigateway:us-east-1:kinesis:action/ListStreams")
	put := apigateway.PutIntegrationInput{RestApiId: api.Id, ResourceId: api.RootResourceId, HttpMethod: aws.String("POST"), Type: resttypes.IntegrationTypeAws, IntegrationHttpMethod: aws.String("POST"), Uri: kinesis}
	must(rest.PutIntegration(ctx, &put))
	function := aws.String("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:111111111111:function:f/invocations")
	authorizer := must(rest.CreateAuthorizer(ctx, &apigateway.CreateAuthorizerInput{RestApiId: api.Id, Name: aws.String("x"), Type: resttypes.AuthorizerTypeToken, AuthorizerUri: function, IdentitySource: aws.String("method.request.header.Authorization")}))
	http2 := must(https.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("b"), ProtocolType: httptypes.ProtocolTypeHttp}))
	replace := func(path string) []resttypes.PatchOperation {
		return []resttypes.PatchOperation{{Op: resttypes.OpReplace, Path: &path, Value: role}}
	}
	described := fmt.Sprintf(`{"openapi":"3.0.1","info":{"title":"c","version":"1"},"paths":{"/x":{"post":{"responses":{"200":{"description":"ok"}},
		"x-amazon-apigateway-integration":{"type":"aws","httpMethod":"POST","uri":%q,"credentials":"arn:aws:iam::111111111111:role\u002fadmin"}}}}}`, *kinesis)
	subtyped := fmt.Sprintf(`{"openapi":"3.0.1","info":{"title":"c","version":"1"},"paths":{"/x":{"post":{
		"x-amazon-apigateway-integration":{"type":"AWS_PROXY","integrationSubtype":"Kinesis-PutRecord","payloadFormatVersion":"1.0","credentials":%q,
		"requestParameters":{"StreamName":"s","Data":"$request.body","PartitionKey":"k"}}}}}}`, adminRole)
	for _, bucket := range []string{"from-here", "to-there"} {
		must(objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket}))
		must(objects.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: &bucket, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled}}))
	}

	calls := map[string]func() error{
		"PutIntegration": func() error {
			in := put
			in.Credentials = role
			_, err := rest.PutIntegration(ctx, &in)
			return err
		},
		"UpdateIntegration": func() error {
			_, err := rest.UpdateIntegration(ctx, &apigateway.UpdateIntegrationInput{RestApiId: api.Id, ResourceId: api.RootResourceId, HttpMethod: aws.String("POST"), PatchOperations: replace("/credentials")})
			return err
		},
		"CreateAuthorizer": func() error {
			_, err := rest.CreateAuthorizer(ctx, &apigateway.CreateAuthorizerInput{RestApiId: api.Id, Name: aws.String("y"), Type: resttypes.AuthorizerTypeToken, AuthorizerUri: function, AuthorizerCredentials: role, IdentitySource: aws.String("method.request.header.Authorization")})
			return err
		},
		"UpdateAuthorizer": func() error {
			_, err := rest.UpdateAuthorizer(ctx, &apigateway.UpdateAuthorizerInput{RestApiId: api.Id, AuthorizerId: authorizer.Id, PatchOperations: replace("/authorizerCredentials")})
			return err
		},
		"UpdateAccount": func() error {
			_, err := rest.UpdateAccount(ctx, &apigateway.UpdateAccountInput{PatchOperations: replace("/cloudwatchRoleArn")})
			return err
		},
		"ImportRestApi": func() error {
			_, err := rest.ImportRestApi(ctx, &apigateway.ImportRestApiInput{Body: []byte(described)})
			return err
		},
		"PutRestApi": func() error {
			_, err := rest.PutRestApi(ctx, &apigateway.PutRestApiInput{RestApiId: api.Id, Body: []byte(described), Mode: resttypes.PutModeMerge})
			return err
		},
		"CreateIntegration": func() error {
			_, err := https.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{ApiId: http2.ApiId, IntegrationType: httptypes.IntegrationTypeAwsProxy, IntegrationSubtype: aws.String("Kinesis-PutRecord"), PayloadFormatVersion: aws.String("1.0"),
				CredentialsArn: role, RequestParameters: map[string]string{"StreamName": "s", "Data": "$request.body", "PartitionKey": "k"}})
			return err
		},
		"CreateApi": func() error {
			_, err := https.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("quick"), ProtocolType: httptypes.ProtocolTypeHttp, Target: aws.String("arn:aws:lambda:us-east-1:111111111111:function:f"), CredentialsArn: role})
			return err
		},
		"ImportApi": func() error {
			_, err := https.ImportApi(ctx, &apigatewayv2.ImportApiInput{Body: &subtyped})
			return err
		},
		"PutBucketReplication": func() error {
			_, err := objects.PutBucketReplication(ctx, &s3.PutBucketReplicationInput{Bucket: aws.String("from-here"), ReplicationConfiguration: &s3types.ReplicationConfiguration{Role: role, Rules: []s3types.ReplicationRule{
				{Status: s3types.ReplicationRuleStatusEnabled, Prefix: aws.String(""), Destination: &s3types.Destination{Bucket: aws.String("arn:aws:s3:::to-there")}}}}})
			return err
		},
	}
	for name, call := range calls {
		denied(t, name, call(), "not authorized to perform: iam:PassRole on resource: ")
	}
	must(root.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("eve"), PolicyName: aws.String("pass"), PolicyDocument: allow("iam:PassRole", adminRole)}))
	for name, call := range calls {
		if err := call(); err != nil {
			t.Errorf("%s with a role that may be passed: %v", name, err)
		}
	}
}

// TestFormsAreTheirSigners: a form of S3 does what the user or the session that signed its policy may, not what the account may.
func TestFormsAreTheirSigners(t *testing.T) {
	n := startEnforcing(t)
	ctx := t.Context()
	root := clientsOf(n, owner, "us-east-1")
	must(root.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("forms")}))
	ann := makeUser(t, root, "ann", allow("s3:PutObject", "arn:aws:s3:::forms/ann/*"))
	post := func(key string, by aws.Credentials) (int, string) {
		policy := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"expiration":%q,"conditions":[{"bucket":"forms"},["starts-with","$key",""]]}`, time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05.000Z")))
		h := hmac.New(sha1.New, []byte(by.SecretAccessKey))
		h.Write([]byte(policy))
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for _, field := range [][2]string{{"key", key}, {"AWSAccessKeyId", by.AccessKeyID}, {"policy", policy}, {"signature", base64.StdEncoding.EncodeToString(h.Sum(nil))}} {
			must("", w.WriteField(field[0], field[1]))
		}
		f := must(w.CreateFormFile("file", "f"))
		must(io.Copy(f, strings.NewReader("x")))
		must("", w.Close())
		resp := must(http.Post(n.URL+"/forms", w.FormDataContentType(), &b))
		defer resp.Body.Close()
		return resp.StatusCode, string(must(io.ReadAll(resp.Body)))
	}
	wrong := ann
	wrong.SecretAccessKey = "wrong"
	for _, tt := range []struct {
		what, key string
		by        aws.Credentials
		want      int
	}{
		{"one's own", "ann/a", ann, 204},
		{"another's", "bob/a", ann, 403},
		{"a wrong secret", "ann/b", wrong, 403},
		{"the account's", "bob/a", owner, 204},
		{"another account's", "bob/a", stranger, 403},
	} {
		if got, text := post(tt.key, tt.by); got != tt.want {
			t.Errorf("%s: status %d, want %d: %s", tt.what, got, tt.want, text)
		}
	}
}
