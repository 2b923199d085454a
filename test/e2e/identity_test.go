package e2e

import (
	"strings"
	"testing"
)

// identityConfig is what configurations of pipelines have of IAM: heredocs with odd white space, inline
// policies, users with keys, an identity provider of deployments, an identity pool of a page.
const identityConfig = `
resource "aws_iam_role" "loader" {
  name               = "loader"
  assume_role_policy = <<POLICY
{
  "Version": "2012-10-17",
     "Statement": [
    {
      "Action": "sts:AssumeRole",
      "Principal": { "Service": "firehose.amazonaws.com" },
      "Effect": "Allow",
      "Sid": ""
    }
  ]
}
POLICY
  tags = { a = "b" }
}
resource "aws_iam_role_policy" "loader" {
  name   = "write"
  role   = aws_iam_role.loader.id
  policy = <<POLICY
{
  "Version": "2012-10-17",
  "Statement": [ {   "Sid": "", "Effect": "Allow",
      "Action": [ "s3:PutObject",
   "s3:GetBucketLocation" ],
      "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"] } ]
}
POLICY
}
data "aws_iam_policy_document" "streams" {
  statement {
    actions   = ["kinesis:*"]
    resources = ["*"]
  }
}
resource "aws_iam_policy" "streams" {
  name        = "streams"
  path        = "/x/"
  description = "all of streams"
  policy      = data.aws_iam_policy_document.streams.json
}
resource "aws_iam_role_policy_attachment" "own" {
  role       = aws_iam_role.loader.name
  policy_arn = aws_iam_policy.streams.arn
}
resource "aws_iam_role_policy_attachment" "managed" {
  role       = aws_iam_role.loader.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole"
}
resource "aws_iam_role" "inline" {
  name               = "with-inline"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }] })
  inline_policy {
    name   = "batch"
    policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["dynamodb:BatchWriteItem"], Resource = "*" }] })
  }
  managed_policy_arns = ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]
}
resource "aws_iam_user" "ann" {
  name = "ann"
  tags = { team = "blue" }
}
resource "aws_iam_access_key" "ann" { user = aws_iam_user.ann.name }
resource "aws_iam_user_policy" "ann" {
  name   = "up"
  user   = aws_iam_user.ann.name
  policy = data.aws_iam_policy_document.streams.json
}
resource "aws_iam_virtual_mfa_device" "ann" {
  virtual_mfa_device_name = "ann"
  tags                    = { team = "blue" }
}
resource "aws_iam_user_ssh_key" "ann" {
  username   = aws_iam_user.ann.name
  encoding   = "SSH"
  public_key = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDbNB+9mz3TlnY8lPNNUSCLQDpXlKutsVufo/umz0XWHqTuLOHWYv3EclHqeK1gG8ZJD//2QRJZoU5HDL3BgvK+sxFwLz1Di9MVGQbhOeZF9HaRnOr5EebFQr8FKAaHeWfv1mxs2HTXLrxGR2ht7YumPIPrc9wVHLQyzDMDLBrMstBNsr1s3I+XiDmP9vmB1W+VSCLwIu6539DjdWQJogr8w32d9jmIFzgHEFRVOSRI9X1bCY7KdoIOYDtpzX1PJrwRPZhHbJnfhDTryxg/2BdPf6oVQivOe3vb9GLyNNn/COFE+Wi424FlpGf8MNMRipNOPPtEIpWOXW+6eQb1/yxJ"
}
resource "aws_iam_service_specific_credential" "ann" {
  service_name = "codecommit.amazonaws.com"
  user_name    = aws_iam_user.ann.name
}
resource "aws_iam_account_password_policy" "all" { minimum_password_length = 12 }
resource "aws_iam_security_token_service_preferences" "all" { global_endpoint_token_version = "v2Token" }
resource "aws_iam_group" "g" { name = "g" }
resource "aws_iam_group_membership" "g" {
  name  = "g"
  group = aws_iam_group.g.name
  users = [aws_iam_user.ann.name]
}
resource "aws_iam_instance_profile" "p" {
  name = "p"
  role = aws_iam_role.loader.name
}
resource "aws_iam_openid_connect_provider" "github" {
  url             = "https://token.actions.githubusercontent.com"
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["6938fd4d98bab03faadb97b34396831e3780aea1"]
}
resource "aws_iam_role" "deploy" {
  name                 = "deploy"
  max_session_duration = 7200
  permissions_boundary = aws_iam_policy.streams.arn
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect = "Allow", Action = "sts:AssumeRoleWithWebIdentity", Principal = { Federated = aws_iam_openid_connect_provider.github.arn },
    Condition = { StringEquals = { "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com" }, StringLike = { "token.actions.githubusercontent.com:sub" = "repo:octo/*" } }
  }] })
}
data "aws_iam_role" "deploy" { name = aws_iam_role.deploy.name }
data "aws_iam_policy" "managed" { name = "AWSLambdaKinesisExecutionRole" }
data "aws_caller_identity" "me" {}
resource "aws_cognito_identity_pool" "page" {
  identity_pool_name               = "page pool"
  allow_unauthenticated_identities = true
  tags                             = { a = "b" }
}
resource "aws_iam_role" "guest" {
  name = "guest"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect = "Allow", Action = "sts:AssumeRoleWithWebIdentity", Principal = { Federated = "cognito-identity.amazonaws.com" },
    Condition = { StringEquals = { "cognito-identity.amazonaws.com:aud" = aws_cognito_identity_pool.page.id } }
  }] })
}
resource "aws_cognito_identity_pool_roles_attachment" "page" {
  identity_pool_id = aws_cognito_identity_pool.page.id
  roles            = { unauthenticated = aws_iam_role.guest.arn }
}
output "me" { value = data.aws_caller_identity.me.arn }
output "trust" { value = data.aws_iam_role.deploy.assume_role_policy }
`

// checkIdentities compares what a configuration's data sources read with what it made.
func checkIdentities(t *testing.T, _ *Node, output func(string) string) {
	if me := output("me"); !strings.Contains(me, ":root") {
		t.Errorf("the caller is %s", me)
	}
	if trust := output("trust"); !strings.Contains(trust, "repo:octo/*") {
		t.Errorf("the role's trust policy is %s", trust)
	}
}

// TestRolesOfServices takes permissions of services' roles away and gives them.
func TestRolesOfServices(t *testing.T) {
	t.Parallel()
	Start(t, "--iam", "enforce").Python(t, "roles.py")
}
