terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

# Nothing here knows where it is applied: AWS_ENDPOINT_URL in the environment names a node.
provider "aws" {
  region = var.region
}

variable "region" {
  type    = string
  default = "us-east-1"
}
