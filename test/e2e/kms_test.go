package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// kmsConfig makes a key as modules do, and a bucket that encrypts with it.
const kmsConfig = `
resource "aws_kms_key" "lake" {
  description             = "of the lake"
  deletion_window_in_days = 7
  enable_key_rotation     = true
  tags                    = { team = "data" }
}

resource "aws_kms_key_policy" "lake" {
  key_id = aws_kms_key.lake.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "all", Effect = "Allow", Principal = { AWS = "*" }, Action = "kms:*", Resource = "*" }]
  })
}

resource "aws_kms_alias" "lake" {
  name          = "alias/tf-lake"
  target_key_id = aws_kms_key.lake.key_id
}

resource "aws_kms_key" "signer" {
  key_usage                = "SIGN_VERIFY"
  customer_master_key_spec = "ECC_NIST_P256"
  deletion_window_in_days  = 7
}

resource "aws_s3_bucket" "secret" {
  bucket        = "tf-secret"
  force_destroy = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "secret" {
  bucket = aws_s3_bucket.secret.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.lake.arn
    }
    bucket_key_enabled = true
  }
}

output "key" {
  value = aws_kms_key.lake.arn
}
`

// encryptByAlias uses what Terraform has made.
func encryptByAlias(t *testing.T, n *Node, output func(string) string) {
	who := credentials.NewStaticCredentialsProvider("test", "test", "")
	c := kms.New(kms.Options{Region: "us-east-1", BaseEndpoint: &n.URL, Credentials: who})
	objects := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &n.URL, Credentials: who, UsePathStyle: true})
	sealed, err := c.Encrypt(t.Context(), &kms.EncryptInput{KeyId: aws.String("alias/tf-lake"), Plaintext: []byte("hello")})
	if err != nil {
		t.Fatal(err)
	}
	if *sealed.KeyId != output("key") {
		t.Errorf("encrypted with %s, want %s", *sealed.KeyId, output("key"))
	}
	opened, err := c.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	if err != nil || string(opened.Plaintext) != "hello" {
		t.Errorf("decrypted %v, %v", opened, err)
	}
	put, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("tf-secret"), Key: aws.String("k")})
	if err != nil || aws.ToString(put.SSEKMSKeyId) != output("key") {
		t.Errorf("put with %v, %v", put, err)
	}
}
