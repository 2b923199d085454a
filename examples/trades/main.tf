terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

# Nothing here knows where it is applied: AWS_ENDPOINT_URL in the environment names a node,
# and without it this is a configuration for AWS.
provider "aws" {
  region = var.region
}

# Identities are managed by a provider of their own, as where another profile may do so.
provider "aws" {
  alias  = "identity"
  region = var.region
}

data "aws_caller_identity" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id
  buckets = { for name in ["price", "transaction", "reference"] : name => "${name}-lake-${local.account}-${var.environment}" }
}
