variable "region" {
  type    = string
  default = "eu-west-2"
}

variable "environment" {
  type    = string
  default = "dev"
}

variable "buffer_seconds" {
  description = "How long a delivery gathers records, unless there are 5 MB before."
  type        = number
  default     = 60
}
