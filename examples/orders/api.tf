# POST /orders puts a record into the stream, without any code between: the request names the
# stream and the partition key, and carries the data in base64.

resource "aws_api_gateway_rest_api" "ingestion" {
  name        = "ingestion-${var.environment}"
  description = "Takes orders"

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

resource "aws_api_gateway_resource" "orders" {
  rest_api_id = aws_api_gateway_rest_api.ingestion.id
  parent_id   = aws_api_gateway_rest_api.ingestion.root_resource_id
  path_part   = "orders"
}

resource "aws_api_gateway_method" "post_order" {
  rest_api_id   = aws_api_gateway_rest_api.ingestion.id
  resource_id   = aws_api_gateway_resource.orders.id
  http_method   = "POST"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "put_record" {
  rest_api_id             = aws_api_gateway_rest_api.ingestion.id
  resource_id             = aws_api_gateway_resource.orders.id
  http_method             = aws_api_gateway_method.post_order.http_method
  type                    = "AWS"
  integration_http_method = "POST"
  uri                     = "arn:aws:apigateway:${var.region}:kinesis:action/PutRecord"
  credentials             = aws_iam_role.api.arn

  request_templates = {
    "application/json" = <<EOT
#set($inputRoot = $input.path('$'))
{
  "StreamName": "$inputRoot.StreamName",
  "PartitionKey": "$inputRoot.PartitionKey",
  "Data": "$inputRoot.Data"
}
EOT
  }
}

resource "aws_api_gateway_method_response" "ok" {
  rest_api_id = aws_api_gateway_rest_api.ingestion.id
  resource_id = aws_api_gateway_resource.orders.id
  http_method = aws_api_gateway_method.post_order.http_method
  status_code = "200"

  response_models = {
    "application/json" = "Empty"
  }
}

# An empty template: what Kinesis answers goes to the client as it is.
resource "aws_api_gateway_integration_response" "ok" {
  rest_api_id = aws_api_gateway_rest_api.ingestion.id
  resource_id = aws_api_gateway_resource.orders.id
  http_method = aws_api_gateway_method.post_order.http_method
  status_code = aws_api_gateway_method_response.ok.status_code

  response_templates = {
    "application/json" = ""
  }

  depends_on = [aws_api_gateway_integration.put_record]
}

resource "aws_api_gateway_deployment" "v1" {
  rest_api_id = aws_api_gateway_rest_api.ingestion.id
  stage_name  = "apiv1"

  depends_on = [
    aws_api_gateway_integration.put_record,
    aws_api_gateway_integration_response.ok,
  ]
}
