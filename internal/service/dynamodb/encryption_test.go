package dynamodb

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// fakeKeys has a key by its alias, whose state it tells, and the one that AWS has for tables.
type fakeKeys struct{ state kmstypes.KeyState }

const keyARN = "arn:aws:kms:us-east-1:000000000000:key/"

func (f fakeKeys) DescribeKey(_ context.Context, in *kms.DescribeKeyInput, _ ...func(*kms.Options)) (*kms.DescribeKeyOutput, error) {
	m := &kmstypes.KeyMetadata{KeyState: kmstypes.KeyStateEnabled, KeySpec: kmstypes.KeySpecSymmetricDefault}
	switch *in.KeyId {
	case "alias/aws/dynamodb":
		m.Arn = aws.String(keyARN + "own")
	case "alias/mine", keyARN + "mine":
		m.Arn, m.KeyState = aws.String(keyARN+"mine"), f.state
	case "alias/signs":
		m.Arn, m.KeySpec = aws.String(keyARN+"signs"), kmstypes.KeySpecRsa2048
	default:
		return nil, &kmstypes.NotFoundException{Message: aws.String("Key '" + *in.KeyId + "' does not exist")}
	}
	return &kms.DescribeKeyOutput{KeyMetadata: m}, nil
}

// The key of a table is looked for when it is named, and shown by its ARN.
func TestKeysOfTables(t *testing.T) {
	h := newHarness(t, Config{})
	h.s.UseKeys(fakeKeys{kmstypes.KeyStateEnabled})
	h.call("CreateTable", `{"TableName":"sealed","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST","SSESpecification":{"Enabled":true}}`)
	shown := func(want string) {
		t.Helper()
		if _, got := h.call("DescribeTable", `{"TableName":"sealed"}`); want == "" && strings.Contains(string(got), "SSEDescription") || !strings.Contains(string(got), want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
	change := func(specification, want string) {
		t.Helper()
		if _, got := h.call("UpdateTable", `{"TableName":"sealed","SSESpecification":`+specification+`}`); !strings.Contains(string(got), want) {
			t.Errorf("%s: %s, want %s", specification, got, want)
		}
	}
	shown(`"KMSMasterKeyArn":"` + keyARN + `own"`)
	change(`{"Enabled":true,"SSEType":"KMS","KMSMasterKeyId":"alias/mine"}`, `"SSEDescription":{"KMSMasterKeyArn":"`+keyARN+`own","SSEType":"KMS","Status":"UPDATING"}`)
	shown(`"KMSMasterKeyArn":"` + keyARN + `mine"`)
	change(`{"SSEType":"KMS","KMSMasterKeyId":"`+keyARN+`mine"}`, "Table is already encrypted with given KMSMasterKeyId")
	change(`{"SSEType":"KMS","KMSMasterKeyId":"alias/none"}`, "KMS validation error: com.amazonaws.services.kms.model.NotFoundException: Key 'alias/none' does not exist")
	change(`{"SSEType":"KMS","KMSMasterKeyId":"alias/signs"}`, "is not a symmetric key for encryption")
	for _, other := range []string{"arn:aws:s3:::mine", "arn:aws:kms:us-east-1::key/mine", "arn:aws:kms:eu-west-1:111111111111:key/mine", "arn:aws:kms:us-east-1:111111111111:grant/mine"} {
		change(`{"SSEType":"KMS","KMSMasterKeyId":"`+other+`"}`, "KMS validation error: com.amazonaws.services.kms.model.NotFoundException")
	}
	h.s.UseKeys(fakeKeys{kmstypes.KeyStateDisabled})
	change(`{"SSEType":"KMS","KMSMasterKeyId":"alias/mine"}`, "KMS key disabled error: com.amazonaws.services.kms.model.DisabledException: "+keyARN+"mine is disabled.")
	h.s.UseKeys(fakeKeys{kmstypes.KeyStatePendingDeletion})
	change(`{"SSEType":"KMS","KMSMasterKeyId":"alias/mine"}`, "mine is pending deletion.")
	shown(`"KMSMasterKeyArn":"` + keyARN + `mine"`)
	change(`{"Enabled":false}`, `"Status":"UPDATING"`)
	shown("")
	change(`{"Enabled":false}`, "Table is already encrypted by default")
}
