package iam

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/brookmere/brookmere/internal/authorize"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/seal"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// BenchmarkDecide is a decision about one request, by documents as they are stored: a user with an inline
// policy, a managed one, and one of a group.
func BenchmarkDecide(b *testing.B) {
	br, err := broker.Start(broker.Options{Dir: filepath.Join(b.TempDir(), "nats"), NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	st, err := state.Open(b.Context(), br, state.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { st.Close(); br.Close() })
	s, err := New(Config{State: st, Sealer: seal.Random()})
	if err != nil {
		b.Fatal(err)
	}
	ctx := awswire.WithCaller(b.Context(), awswire.Caller{Account: account, Region: "us-east-1"})
	for _, err := range []error{
		second(s.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ann")})),
		second(s.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("g")})),
		second(s.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("g"), UserName: aws.String("ann")})),
		second(s.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("p"), PolicyDocument: aws.String(odd)})),
		second(s.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("ann"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonS3FullAccess")})),
		second(s.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: aws.String("g"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess")})),
	} {
		if err != nil {
			b.Fatal(err)
		}
	}
	a := authorize.New(authorize.Config{Mode: authorize.Enforce, Identities: s})
	f := awswire.Facts{Service: "kinesis", Operation: "PutRecord", Actions: []string{"kinesis:PutRecord"}, Resources: []string{"arn:aws:kinesis:us-east-1:" + account + ":stream/s"}}
	chain := []awswire.Interceptor{a.Intercept}
	call := awswire.WithCaller(b.Context(), awswire.Caller{Account: account, Region: "us-east-1", Principal: "arn:aws:iam::" + account + ":user/ann", RequestID: "r"})
	b.ReportAllocs()
	for b.Loop() {
		if err := awswire.Intercept(call, chain, f, func(context.Context) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
