package attack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/brookmere/brookmere/test/nodetest"
)

const enforcing = `
account: "111111111111"
iam: enforce
credentials:
  - {access_key_id: AKIDOWNER, secret_access_key: "owner's secret"}
  - {access_key_id: AKIDSTRANGER, secret_access_key: "stranger's secret", account: "222222222222"}
`

// startEnforcing starts a node of two accounts that enforces policies.
func startEnforcing(t *testing.T) *nodetest.Node {
	t.Helper()
	config := filepath.Join(t.TempDir(), "node.yaml")
	if err := os.WriteFile(config, []byte(enforcing), 0o600); err != nil {
		t.Fatal(err)
	}
	return nodetest.Start(t, nodetest.Options{Args: []string{"--config", config}})
}

// clients are an identity's clients of a node.
type clients struct {
	kinesis  *kinesis.Client
	iam      *iam.Client
	sts      *sts.Client
	s3       *s3.Client
	firehose *firehose.Client
}

func clientsOf(n *nodetest.Node, c aws.Credentials, region string) clients {
	cfg := aws.Config{Region: region, BaseEndpoint: &n.URL, HTTPClient: nodetest.Client, Credentials: credentials.StaticCredentialsProvider{Value: c}, RetryMaxAttempts: 1}
	return clients{
		kinesis.NewFromConfig(cfg), iam.NewFromConfig(cfg), sts.NewFromConfig(cfg), s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }),
		firehose.NewFromConfig(cfg),
	}
}

func allow(action, resource string) *string {
	return aws.String(fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%q,"Resource":%q}]}`, action, resource))
}

func trusts(principal string) *string {
	return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"}]}`)
}

// denied checks that a call was refused with one of AWS's codes for it.
func denied(t *testing.T, what string, err error, part string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: it was done", what)
	} else if !strings.Contains(err.Error(), part) {
		t.Errorf("%s: %v, want %s", what, err, part)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// makeUser makes a user of the owner's account, with a policy and a key.
func makeUser(t *testing.T, root clients, name string, document *string) aws.Credentials {
	t.Helper()
	ctx := t.Context()
	must(root.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: &name}))
	if document != nil {
		must(root.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("p"), PolicyDocument: document}))
	}
	k := must(root.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})).AccessKey
	return aws.Credentials{AccessKeyID: *k.AccessKeyId, SecretAccessKey: *k.SecretAccessKey}
}

func TestIdentity(t *testing.T) {
	n := startEnforcing(t)
	ctx := t.Context()
	root, other := clientsOf(n, owner, "us-east-1"), clientsOf(n, stranger, "us-east-1")
	for _, name := range []string{"mine", "others"} {
		must(root.kinesis.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)}))
	}
	key := makeUser(t, root, "ann", allow("kinesis:PutRecord", "arn:aws:kinesis:us-east-1:111111111111:stream/mine"))
	ann := clientsOf(n, key, "us-east-1")
	put := func(c clients, stream string) error {
		_, err := c.kinesis.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: &stream, Data: []byte("x"), PartitionKey: aws.String("k")})
		return err
	}
	if err := put(ann, "mine"); err != nil {
		t.Fatal(err)
	}

	t.Run("policy", func(t *testing.T) {
		denied(t, "another stream", put(ann, "others"), "AccessDeniedException")
		_, err := ann.kinesis.PutRecords(ctx, &kinesis.PutRecordsInput{StreamARN: aws.String("arn:aws:kinesis:us-east-1:111111111111:stream/others")})
		if err == nil {
			t.Error("records were put")
		}
		_, err = ann.s3.ListBuckets(ctx, nil)
		denied(t, "buckets", err, "AccessDenied")
		// A policy counts from the next request on.
		must(root.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("q"), PolicyDocument: allow("kinesis:*", "*")}))
		if err := put(ann, "others"); err != nil {
			t.Errorf("after the policy: %v", err)
		}
		must(root.iam.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("q")}))
		denied(t, "after the policy has gone", put(ann, "others"), "AccessDeniedException")
	})

	t.Run("escalation", func(t *testing.T) {
		_, err := ann.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("all"), PolicyDocument: allow("*", "*")})
		denied(t, "a policy for oneself", err, "is not authorized to perform: iam:PutUserPolicy on resource: arn:aws:iam::111111111111:user/ann")
		_, err = ann.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("root")})
		denied(t, "a key of another", err, "AccessDenied")
		must(root.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("admin"), AssumeRolePolicyDocument: trusts(`{"Service":"firehose.amazonaws.com"}`)}))
		must(root.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("admin"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")}))
		must(root.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("lake")}))
		bob := clientsOf(n, makeUser(t, root, "bob", allow("firehose:*", "*")), "us-east-1")
		stream := &firehose.CreateDeliveryStreamInput{DeliveryStreamName: aws.String("d"), ExtendedS3DestinationConfiguration: &types.ExtendedS3DestinationConfiguration{
			RoleARN: aws.String("arn:aws:iam::111111111111:role/admin"), BucketARN: aws.String("arn:aws:s3:::lake")}}
		_, err = bob.firehose.CreateDeliveryStream(ctx, stream)
		denied(t, "passing a role", err, "iam:PassRole on resource: arn:aws:iam::111111111111:role/admin")
		must(root.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("bob"), PolicyName: aws.String("pass"), PolicyDocument: allow("iam:PassRole", "arn:aws:iam::111111111111:role/admin")}))
		if _, err := bob.firehose.CreateDeliveryStream(ctx, stream); err != nil {
			t.Errorf("passing a role that may be passed: %v", err)
		}
		_, err = bob.sts.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::111111111111:role/admin"), RoleSessionName: aws.String("bob")})
		denied(t, "a role that trusts a service", err, "AccessDenied")
		stream.DeliveryStreamName, stream.ExtendedS3DestinationConfiguration.RoleARN = aws.String("e"), aws.String("arn:aws:iam::222222222222:role/admin")
		_, err = root.firehose.CreateDeliveryStream(ctx, stream)
		denied(t, "a role of another account", err, "Cross-account pass role is not allowed")
	})

	t.Run("accounts", func(t *testing.T) {
		_, err := other.sts.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::111111111111:role/admin"), RoleSessionName: aws.String("evil")})
		denied(t, "a role of another account", err, "AccessDenied")
		_, err = other.kinesis.PutRecord(ctx, &kinesis.PutRecordInput{StreamARN: aws.String("arn:aws:kinesis:us-east-1:111111111111:stream/mine"), Data: []byte("x"), PartitionKey: aws.String("k")})
		if err == nil {
			t.Error("a record was put into another account's stream")
		}
		if l := must(other.iam.ListUsers(ctx, &iam.ListUsersInput{})); len(l.Users) != 0 {
			t.Errorf("another account sees %d users", len(l.Users))
		}
		// A session token of one account with the key of another.
		mine := must(root.sts.GetSessionToken(ctx, &sts.GetSessionTokenInput{})).Credentials
		theirs := must(other.sts.GetSessionToken(ctx, &sts.GetSessionTokenInput{})).Credentials
		for what, c := range map[string]aws.Credentials{
			"another's token":      {AccessKeyID: *theirs.AccessKeyId, SecretAccessKey: *theirs.SecretAccessKey, SessionToken: *mine.SessionToken},
			"another's key":        {AccessKeyID: *mine.AccessKeyId, SecretAccessKey: *theirs.SecretAccessKey, SessionToken: *mine.SessionToken},
			"no token":             {AccessKeyID: *mine.AccessKeyId, SecretAccessKey: *mine.SecretAccessKey},
			"a token of long term": {AccessKeyID: owner.AccessKeyID, SecretAccessKey: owner.SecretAccessKey, SessionToken: *mine.SessionToken},
		} {
			if err := put(clientsOf(n, c, "us-east-1"), "mine"); err == nil {
				t.Errorf("%s is taken", what)
			}
		}
	})

	t.Run("signature", func(t *testing.T) {
		for what, c := range map[string]aws.Credentials{
			"a wrong secret": {AccessKeyID: key.AccessKeyID, SecretAccessKey: "wrong"},
			"an unknown key": {AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "x"},
			"a deleted user's": func() aws.Credentials {
				c := makeUser(t, root, "eve", allow("*", "*"))
				must(root.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String("eve"), AccessKeyId: &c.AccessKeyID}))
				return c
			}(),
		} {
			if err := put(clientsOf(n, c, "us-east-1"), "mine"); err == nil {
				t.Errorf("%s is taken", what)
			}
		}
		body := `{"StreamName":"mine","Data":"eA==","PartitionKey":"k"}`
		for _, tt := range []struct {
			what   string
			change func(*http.Request)
			sign   func(*http.Request) error
			want   string
		}{
			{"as it is to be", nil, signAs(key, "kinesis", "us-east-1", time.Now()), ""},
			{"unsigned", nil, func(*http.Request) error { return nil }, "MissingAuthenticationToken"},
			{"another service", nil, signAs(key, "s3", "us-east-1", time.Now()), "InvalidSignatureException"},
			{"expired", nil, signAs(key, "kinesis", "us-east-1", time.Now().Add(-time.Hour)), "InvalidSignatureException"},
			{"of tomorrow", nil, signAs(key, "kinesis", "us-east-1", time.Now().Add(24*time.Hour)), "InvalidSignatureException"},
			{"another body", func(r *http.Request) {
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(strings.Replace(body, "eA==", "eQ==", 1))), int64(len(body))
			}, signAs(key, "kinesis", "us-east-1", time.Now()), "InvalidSignatureException"},
			{"another operation", func(r *http.Request) { r.Header.Set("X-Amz-Target", "Kinesis_20131202.DeleteStream") }, signAs(key, "kinesis", "us-east-1", time.Now()), "InvalidSignatureException"},
		} {
			r, _ := http.NewRequestWithContext(ctx, http.MethodPost, n.URL, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/x-amz-json-1.1")
			r.Header.Set("X-Amz-Target", "Kinesis_20131202.PutRecord")
			if err := tt.sign(r); err != nil {
				t.Fatal(err)
			}
			if tt.change != nil {
				tt.change(r)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if ok := resp.StatusCode == 200; ok != (tt.want == "") || !bytes.Contains(text, []byte(tt.want)) {
				t.Errorf("%s: status %d, %s", tt.what, resp.StatusCode, text)
			}
		}
		// The region of a signature is the region of the streams that it reaches.
		denied(t, "another region", put(clientsOf(n, owner, "eu-west-1"), "mine"), "ResourceNotFoundException")
	})

	t.Run("presigned", func(t *testing.T) {
		must(root.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("lake"), Key: aws.String("a"), Body: strings.NewReader("x")}))
		must(root.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("lake"), Key: aws.String("b"), Body: strings.NewReader("y")}))
		carl := clientsOf(n, makeUser(t, root, "carl", allow("s3:GetObject", "arn:aws:s3:::lake/a")), "us-east-1")
		presign := s3.NewPresignClient(carl.s3)
		signed := must(presign.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("lake"), Key: aws.String("a")})).URL
		forbidden := must(presign.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("lake"), Key: aws.String("b")})).URL
		for _, tt := range []struct {
			what, method, url string
			want              int
		}{
			{"as it was signed", http.MethodGet, signed, 200},
			{"another key", http.MethodGet, strings.Replace(signed, "/lake/a", "/lake/b", 1), 403},
			{"another method", http.MethodDelete, signed, 403},
			{"a longer time", http.MethodGet, strings.Replace(signed, "X-Amz-Expires=900", "X-Amz-Expires=90000", 1), 403},
			{"what its signer may not", http.MethodGet, forbidden, 403},
			{"without its signature", http.MethodGet, signed[:strings.Index(signed, "?")], 403},
		} {
			r, _ := http.NewRequestWithContext(ctx, tt.method, tt.url, nil)
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != tt.want {
				t.Errorf("%s: status %d, want %d", tt.what, resp.StatusCode, tt.want)
			}
		}
	})

	t.Run("deputy", func(t *testing.T) {
		// A trust policy that names the account for which a service acts keeps the others out.
		web := func(form url.Values) (int, string) {
			form.Set("Version", "2011-06-15")
			resp, err := http.PostForm(n.URL, form)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			return resp.StatusCode, string(text)
		}
		status, text := web(url.Values{"Action": {"AssumeRoleWithWebIdentity"}, "RoleArn": {"arn:aws:iam::111111111111:role/admin"}, "RoleSessionName": {"evil"}, "WebIdentityToken": {"eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL3guZXhhbXBsZS5jb20iLCJleHAiOjk5OTk5OTk5OTl9."}})
		if status < 400 || !strings.Contains(text, "InvalidIdentityToken") {
			t.Errorf("a token that nobody signed: %d %s", status, text)
		}
		status, text = web(url.Values{"Action": {"ListUsers"}})
		if status != 403 {
			t.Errorf("users, unsigned: %d %s", status, text)
		}
		for _, path := range []string{"identity/explain?request=x", "identity/least-policy?principal=x"} {
			resp, err := http.Get(n.URL + "/_brookmere/" + path)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != 403 {
				t.Errorf("%s without the node's key: %d", path, resp.StatusCode)
			}
		}
		claims, _ := json.Marshal(map[string]any{"iss": "https://x", "exp": 9999999999})
		resp, err := http.Post(n.URL+"/_brookmere/identity/token", "application/json", bytes.NewReader(claims))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 403 {
			t.Errorf("a token without the node's key: %d", resp.StatusCode)
		}
	})
}

// signAs signs a request with its body.
func signAs(c aws.Credentials, service, region string, at time.Time) func(*http.Request) error {
	return func(r *http.Request) error {
		body, err := r.GetBody()
		if err != nil {
			return err
		}
		text, _ := io.ReadAll(body)
		sum := sha256.Sum256(text)
		return v4.NewSigner().SignHTTP(context.Background(), c, r, hex.EncodeToString(sum[:]), service, region, at)
	}
}
