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

data "aws_caller_identity" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id
  bucket  = coalesce(var.bucket, "orders-lake-${local.account}-${var.environment}")
}
