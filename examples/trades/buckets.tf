resource "aws_s3_bucket" "lake" {
  for_each      = local.buckets
  bucket        = each.value
  force_destroy = true

  tags = {
    Name        = each.key
    Environment = var.environment
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "lake" {
  for_each = aws_s3_bucket.lake
  bucket   = each.value.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# The reference data: files of comma-separated values without headers, told apart by their first column.
resource "aws_s3_bucket_object" "reference" {
  for_each     = fileset("${path.module}/data", "*.csv")
  bucket       = aws_s3_bucket.lake["reference"].id
  key          = "reference/${each.value}"
  source       = "${path.module}/data/${each.value}"
  etag         = filemd5("${path.module}/data/${each.value}")
  content_type = "text/csv"

  depends_on = [aws_s3_bucket_server_side_encryption_configuration.lake]
}
