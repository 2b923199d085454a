variable "region" {
  type    = string
  default = "us-east-1"
}

variable "environment" {
  type    = string
  default = "dev"
}

variable "bucket" {
  description = "Name of the lake's bucket; by default made of the account and the environment."
  type        = string
  default     = ""
}

variable "repository" {
  description = "The GitHub repository whose workflows may deploy functions."
  type        = string
  default     = "octo-org/orders"
}

variable "batch_window_seconds" {
  description = "How long the consumer's trigger gathers records, unless there are 1,000 before."
  type        = number
  default     = 120
}

variable "buffer_seconds" {
  description = "How long a delivery gathers records, unless there are 128 MB before."
  type        = number
  default     = 300
}
