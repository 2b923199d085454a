output "buckets" {
  value = local.buckets
}

output "hoses" {
  value = { for name, h in aws_kinesis_firehose_delivery_stream.hose : name => h.name }
}

output "keys" {
  value     = { for name, k in aws_iam_access_key.person : name => { id = k.id, secret = k.secret } }
  sensitive = true
}
