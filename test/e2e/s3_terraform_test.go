package e2e

import (
	"strings"
	"testing"
)

// moreS3Config has the resources of buckets that s3Config has not, those of S3 Control, and copies.
const moreS3Config = `
data "aws_caller_identity" "me" {}

data "aws_canonical_user_id" "me" {}

resource "aws_s3_bucket" "a" {
  bucket        = "tf-more-a"
  force_destroy = true
  tags          = { a = "b", c = "" }
}

resource "aws_s3_bucket" "b" {
  bucket_prefix       = "tf-more-b-"
  force_destroy       = true
  object_lock_enabled = true
}

resource "aws_s3_bucket_versioning" "a" {
  bucket = aws_s3_bucket.a.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket_versioning" "b" {
  bucket = aws_s3_bucket.b.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket_inventory" "i" {
  bucket                   = aws_s3_bucket.a.id
  name                     = "daily"
  included_object_versions = "All"
  optional_fields          = ["Size", "ETag", "StorageClass"]
  schedule { frequency = "Daily" }
  filter { prefix = "documents/" }
  destination {
    bucket {
      format     = "Parquet"
      bucket_arn = aws_s3_bucket.b.arn
      prefix     = "inv"
      encryption {
        sse_s3 {}
      }
    }
  }
}

resource "aws_s3_bucket_analytics_configuration" "an" {
  bucket = aws_s3_bucket.a.id
  name   = "an"
  filter {
    prefix = "p/"
    tags   = { x = "y" }
  }
  storage_class_analysis {
    data_export {
      destination {
        s3_bucket_destination { bucket_arn = aws_s3_bucket.b.arn }
      }
    }
  }
}

resource "aws_s3_bucket_intelligent_tiering_configuration" "it" {
  bucket = aws_s3_bucket.a.id
  name   = "it"
  status = "Disabled"
  filter {
    prefix = "p/"
    tags   = { x = "y" }
  }
  tiering {
    access_tier = "ARCHIVE_ACCESS"
    days        = 125
  }
  tiering {
    access_tier = "DEEP_ARCHIVE_ACCESS"
    days        = 180
  }
}

resource "aws_s3_bucket_metric" "m" {
  bucket = aws_s3_bucket.a.id
  name   = "m"
  filter {
    prefix = "p/"
    tags   = { x = "y", z = "w" }
  }
}

resource "aws_s3_bucket_metric" "whole" {
  bucket = aws_s3_bucket.a.id
  name   = "whole"
}

resource "aws_iam_role" "r" {
  name               = "tf-more-repl"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "s3.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}

resource "aws_s3_bucket_replication_configuration" "rep" {
  depends_on = [aws_s3_bucket_versioning.a, aws_s3_bucket_versioning.b]
  bucket     = aws_s3_bucket.a.id
  role       = aws_iam_role.r.arn
  rule {
    id       = "r1"
    priority = 1
    status   = "Enabled"
    filter {
      and {
        prefix = "x/"
        tags   = { k = "v" }
      }
    }
    delete_marker_replication { status = "Enabled" }
    existing_object_replication { status = "Enabled" }
    destination {
      bucket        = aws_s3_bucket.b.arn
      storage_class = "STANDARD_IA"
      metrics {
        status = "Enabled"
        event_threshold { minutes = 15 }
      }
      replication_time {
        status = "Enabled"
        time { minutes = 15 }
      }
    }
  }
}

resource "aws_s3_bucket_object_lock_configuration" "ol" {
  bucket = aws_s3_bucket.b.id
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = 1
    }
  }
}

resource "aws_s3_bucket_request_payment_configuration" "rp" {
  bucket = aws_s3_bucket.a.id
  payer  = "Requester"
}

resource "aws_s3_bucket_accelerate_configuration" "ac" {
  bucket = aws_s3_bucket.a.id
  status = "Enabled"
}

resource "aws_s3_bucket_logging" "lg" {
  bucket        = aws_s3_bucket.a.id
  target_bucket = aws_s3_bucket.c.id
  target_prefix = "log/"
  target_object_key_format {
    partitioned_prefix { partition_date_source = "EventTime" }
  }
}

resource "aws_s3_bucket" "c" {
  bucket        = "tf-more-c"
  force_destroy = true
}

resource "aws_s3_bucket_website_configuration" "w" {
  bucket = aws_s3_bucket.c.id
  index_document { suffix = "index.html" }
  error_document { key = "error.html" }
  routing_rule {
    condition { key_prefix_equals = "docs/" }
    redirect { replace_key_prefix_with = "documents/" }
  }
  routing_rule {
    condition { http_error_code_returned_equals = "404" }
    redirect {
      host_name          = "example.com"
      http_redirect_code = "302"
      protocol           = "https"
      replace_key_with   = "gone"
    }
  }
}

resource "aws_s3_bucket" "d" {
  bucket        = "tf-more-d"
  force_destroy = true
}

resource "aws_s3_bucket_website_configuration" "w2" {
  bucket = aws_s3_bucket.d.id
  redirect_all_requests_to {
    host_name = "example.com"
    protocol  = "https"
  }
}

resource "aws_s3_bucket_ownership_controls" "c" {
  bucket = aws_s3_bucket.c.id
  rule { object_ownership = "BucketOwnerPreferred" }
}

resource "aws_s3_bucket_public_access_block" "c" {
  bucket                  = aws_s3_bucket.c.id
  block_public_acls       = false
  block_public_policy     = false
  ignore_public_acls      = false
  restrict_public_buckets = false
}

resource "aws_s3_bucket_acl" "c" {
  depends_on = [aws_s3_bucket_ownership_controls.c, aws_s3_bucket_public_access_block.c]
  bucket     = aws_s3_bucket.c.id
  access_control_policy {
    grant {
      grantee {
        id   = data.aws_canonical_user_id.me.id
        type = "CanonicalUser"
      }
      permission = "FULL_CONTROL"
    }
    grant {
      grantee {
        type = "Group"
        uri  = "http://acs.amazonaws.com/groups/s3/LogDelivery"
      }
      permission = "WRITE"
    }
    owner { id = data.aws_canonical_user_id.me.id }
  }
}

resource "aws_s3_bucket_cors_configuration" "c" {
  bucket = aws_s3_bucket.c.id
  cors_rule {
    id              = "one"
    allowed_headers = ["*"]
    allowed_methods = ["PUT", "POST"]
    allowed_origins = ["https://example.com"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3000
  }
  cors_rule {
    allowed_methods = ["GET"]
    allowed_origins = ["*"]
  }
}

resource "aws_kms_key" "k" {}

resource "aws_s3_bucket_server_side_encryption_configuration" "d" {
  bucket = aws_s3_bucket.d.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.k.arn
    }
    bucket_key_enabled = true
  }
}

resource "aws_s3_object" "o" {
  bucket             = aws_s3_bucket.a.id
  key                = "src/o.txt"
  content            = "hello"
  content_type       = "text/plain"
  metadata           = { m = "v" }
  tags               = { t = "1" }
  checksum_algorithm = "SHA256"
  storage_class      = "STANDARD_IA"
  cache_control      = "no-cache"
  website_redirect   = "/x"
  depends_on         = [aws_s3_bucket_versioning.a]
}

resource "aws_s3_object" "locked" {
  bucket                        = aws_s3_bucket.b.id
  key                           = "locked.txt"
  content                       = "hello"
  object_lock_legal_hold_status = "ON"
  object_lock_mode              = "GOVERNANCE"
  object_lock_retain_until_date = "2030-01-01T00:00:00Z"
  force_destroy                 = true
  depends_on                    = [aws_s3_bucket_object_lock_configuration.ol]
}

resource "aws_s3_object_copy" "cp" {
  bucket                 = aws_s3_bucket.d.id
  key                    = "copy.txt"
  source                 = "${aws_s3_bucket.a.id}/${aws_s3_object.o.key}"
  metadata_directive     = "REPLACE"
  metadata               = { n = "w" }
  tagging_directive      = "REPLACE"
  tags                   = { z = "9" }
  server_side_encryption = "aws:kms"
  kms_key_id             = aws_kms_key.k.arn
}

resource "aws_s3_bucket_policy" "d" {
  bucket = aws_s3_bucket.d.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "x", Effect = "Allow", Principal = { AWS = data.aws_caller_identity.me.account_id }, Action = ["s3:GetObject"], Resource = "${aws_s3_bucket.d.arn}/*" }] })
}

resource "aws_s3_access_point" "ap" {
  bucket = aws_s3_bucket.a.id
  name   = "tf-more-ap"
  public_access_block_configuration {
    block_public_acls       = true
    block_public_policy     = false
    ignore_public_acls      = true
    restrict_public_buckets = false
  }
  lifecycle { ignore_changes = [policy] }
}

resource "aws_s3control_access_point_policy" "app" {
  access_point_arn = aws_s3_access_point.ap.arn
  policy           = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:GetObjectTagging", Principal = { AWS = "*" }, Resource = "${aws_s3_access_point.ap.arn}/object/*" }] })
}

resource "aws_s3_access_point" "vpc" {
  bucket = aws_s3_bucket.a.id
  name   = "tf-more-vpc"
  vpc_configuration { vpc_id = "vpc-12345678" }
}

resource "aws_s3_account_public_access_block" "acc" {
  block_public_acls   = false
  block_public_policy = false
}

data "aws_s3_object" "o" {
  bucket        = aws_s3_object.o.bucket
  key           = aws_s3_object.o.key
  checksum_mode = "ENABLED"
}

data "aws_s3_objects" "os" {
  bucket     = aws_s3_bucket.a.id
  prefix     = "src/"
  depends_on = [aws_s3_object.o]
}

output "copied" {
  value = [data.aws_s3_object.o.body, join(",", data.aws_s3_objects.os.keys)]
}
`

// TestTerraformS3Settings has Terraform set all that can be set of buckets, find nothing to change, and take it away again.
func TestTerraformS3Settings(t *testing.T) {
	n := Start(t)
	tf := NewTerraform(t, n, t.TempDir(), moreS3Config)
	// Clients of S3 Control put the account before the host, a name that only the node's proxy knows.
	tf.Env = []string{"HTTP_PROXY=" + n.URL, "NO_PROXY=127.0.0.1"}
	tf.ApplyAndDestroy(t, func() {
		if got := tf.Output(t, "copied"); !strings.Contains(got, "hello") || !strings.Contains(got, "src/o.txt") {
			t.Errorf("it reads %s", got)
		}
	})
}
