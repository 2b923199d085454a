package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"testing"
)

const restConfig = `
resource "aws_kinesis_stream" "ingestion" {
  name                = "tf-ingestion"
  shard_level_metrics = ["IncomingBytes", "OutgoingBytes"]
  stream_mode_details { stream_mode = "ON_DEMAND" }
}

resource "aws_api_gateway_rest_api" "orders" {
  name = "orders"
  endpoint_configuration { types = ["REGIONAL"] }
}

resource "aws_api_gateway_resource" "orders" {
  rest_api_id = aws_api_gateway_rest_api.orders.id
  parent_id   = aws_api_gateway_rest_api.orders.root_resource_id
  path_part   = "orders"
}

resource "aws_api_gateway_method" "post" {
  rest_api_id   = aws_api_gateway_rest_api.orders.id
  resource_id   = aws_api_gateway_resource.orders.id
  http_method   = "POST"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "stream" {
  rest_api_id             = aws_api_gateway_rest_api.orders.id
  resource_id             = aws_api_gateway_resource.orders.id
  http_method             = aws_api_gateway_method.post.http_method
  integration_http_method = "POST"
  type                    = "AWS"
  uri                     = "arn:aws:apigateway:us-east-1:kinesis:action/PutRecord"
  credentials             = "arn:aws:iam::000000000000:role/api"
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
  rest_api_id     = aws_api_gateway_rest_api.orders.id
  resource_id     = aws_api_gateway_resource.orders.id
  http_method     = aws_api_gateway_method.post.http_method
  status_code     = "200"
  response_models = { "application/json" = "Empty" }
}

resource "aws_api_gateway_integration_response" "ok" {
  rest_api_id        = aws_api_gateway_rest_api.orders.id
  resource_id        = aws_api_gateway_resource.orders.id
  http_method        = aws_api_gateway_method.post.http_method
  status_code        = aws_api_gateway_method_response.ok.status_code
  response_templates = { "application/json" = "" }
  depends_on         = [aws_api_gateway_integration.stream]
}

resource "aws_api_gateway_deployment" "v1" {
  rest_api_id = aws_api_gateway_rest_api.orders.id
  triggers    = { change = sha1(jsonencode([aws_api_gateway_integration.stream.uri, aws_api_gateway_integration.stream.request_templates])) }
  lifecycle { create_before_destroy = true }
  depends_on = [aws_api_gateway_integration_response.ok]
}

resource "aws_api_gateway_stage" "apiv1" {
  rest_api_id   = aws_api_gateway_rest_api.orders.id
  deployment_id = aws_api_gateway_deployment.v1.id
  stage_name    = "apiv1"
  variables     = { table = "orders" }
}

resource "aws_api_gateway_method_settings" "all" {
  rest_api_id = aws_api_gateway_rest_api.orders.id
  stage_name  = aws_api_gateway_stage.apiv1.stage_name
  method_path = "*/*"
  settings {
    throttling_rate_limit  = 1000
    throttling_burst_limit = 500
  }
}

resource "aws_api_gateway_model" "order" {
  rest_api_id  = aws_api_gateway_rest_api.orders.id
  name         = "Order"
  content_type = "application/json"
  schema       = jsonencode({ type = "object" })
}

resource "aws_api_gateway_request_validator" "body" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  name                  = "body"
  validate_request_body = true
}

resource "aws_api_gateway_gateway_response" "missing" {
  rest_api_id        = aws_api_gateway_rest_api.orders.id
  response_type      = "MISSING_AUTHENTICATION_TOKEN"
  status_code        = "404"
  response_templates = { "application/json" = "{\"message\":$context.error.messageString}" }
}

resource "aws_api_gateway_api_key" "partner" { name = "partner" }

resource "aws_api_gateway_usage_plan" "partners" {
  name = "partners"
  api_stages {
    api_id = aws_api_gateway_rest_api.orders.id
    stage  = aws_api_gateway_stage.apiv1.stage_name
  }
  throttle_settings {
    rate_limit  = 100
    burst_limit = 200
  }
}

resource "aws_api_gateway_usage_plan_key" "partner" {
  key_id        = aws_api_gateway_api_key.partner.id
  key_type      = "API_KEY"
  usage_plan_id = aws_api_gateway_usage_plan.partners.id
}

output "api" { value = aws_api_gateway_rest_api.orders.id }
output "url" { value = aws_api_gateway_stage.apiv1.invoke_url }
`

// putByREST has an API made by Terraform put a record into a stream.
func putByREST(t *testing.T, n *Node, output func(string) string) {
	order, err := json.Marshal(map[string]string{"StreamName": "tf-ingestion", "PartitionKey": "test-partition-01", "Data": base64.StdEncoding.EncodeToString([]byte(`{"order_id":"o1"}`))})
	if err != nil {
		t.Fatal(err)
	}
	url := n.URL + "/_aws/execute-api/" + output("api") + "/apiv1/orders"
	resp, err := http.Post(url, "application/json", bytes.NewReader(order))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var put struct{ SequenceNumber, ShardId string }
	if err := json.Unmarshal(body, &put); err != nil || resp.StatusCode != 200 || put.SequenceNumber == "" {
		t.Errorf("POST %s: %d %s", url, resp.StatusCode, body)
	}
}
