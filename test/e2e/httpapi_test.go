package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
)

const httpConfig = `
resource "aws_kinesis_stream" "orders" {
  name        = "tf-http-orders"
  shard_count = 1
}

resource "aws_sqs_queue" "returns" { name = "tf-http-returns" }

resource "aws_cloudwatch_log_group" "access" { name = "/tf/http/access" }

resource "aws_apigatewayv2_api" "orders" {
  name          = "orders"
  protocol_type = "HTTP"
  description   = "orders over HTTP"
  cors_configuration {
    allow_origins = ["https://shop.example"]
    allow_methods = ["GET", "POST"]
    allow_headers = ["content-type"]
    max_age       = 300
  }
  tags = { team = "shop" }
}

resource "aws_apigatewayv2_integration" "stream" {
  api_id              = aws_apigatewayv2_api.orders.id
  integration_type    = "AWS_PROXY"
  integration_subtype = "Kinesis-PutRecord"
  credentials_arn     = "arn:aws:iam::000000000000:role/api"
  request_parameters = {
    StreamName   = aws_kinesis_stream.orders.name
    PartitionKey = "$request.body.customer"
    Data         = "$request.body.data"
  }
}

resource "aws_apigatewayv2_integration" "queue" {
  api_id              = aws_apigatewayv2_api.orders.id
  integration_type    = "AWS_PROXY"
  integration_subtype = "SQS-SendMessage"
  credentials_arn     = "arn:aws:iam::000000000000:role/api"
  request_parameters = {
    QueueUrl    = aws_sqs_queue.returns.url
    MessageBody = "$request.body"
  }
  response_parameters {
    status_code = 200
    mappings    = { "overwrite:statuscode" = "202" }
  }
}

resource "aws_apigatewayv2_authorizer" "tokens" {
  api_id           = aws_apigatewayv2_api.orders.id
  name             = "tokens"
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]
  jwt_configuration {
    issuer   = "https://issuer.example"
    audience = ["orders"]
  }
}

resource "aws_apigatewayv2_route" "order" {
  api_id    = aws_apigatewayv2_api.orders.id
  route_key = "POST /orders"
  target    = "integrations/${aws_apigatewayv2_integration.stream.id}"
}

resource "aws_apigatewayv2_route" "return" {
  api_id    = aws_apigatewayv2_api.orders.id
  route_key = "POST /orders/{id}/return"
  target    = "integrations/${aws_apigatewayv2_integration.queue.id}"
}

resource "aws_apigatewayv2_route" "private" {
  api_id               = aws_apigatewayv2_api.orders.id
  route_key            = "GET /orders"
  target               = "integrations/${aws_apigatewayv2_integration.stream.id}"
  authorization_type   = "JWT"
  authorizer_id        = aws_apigatewayv2_authorizer.tokens.id
  authorization_scopes = ["read"]
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.orders.id
  name        = "$default"
  auto_deploy = true
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format          = "$context.requestId $context.routeKey $context.status"
  }
  default_route_settings {
    throttling_burst_limit = 100
    throttling_rate_limit  = 50
  }
  stage_variables = { table = "orders" }
}

resource "aws_apigatewayv2_deployment" "first" {
  api_id      = aws_apigatewayv2_api.orders.id
  description = "first"
  triggers    = { routes = sha1(jsonencode([aws_apigatewayv2_route.order.route_key, aws_apigatewayv2_integration.stream.request_parameters])) }
  lifecycle { create_before_destroy = true }
  depends_on = [aws_apigatewayv2_route.order, aws_apigatewayv2_route.return, aws_apigatewayv2_route.private]
}

resource "aws_apigatewayv2_stage" "v1" {
  api_id        = aws_apigatewayv2_api.orders.id
  name          = "v1"
  deployment_id = aws_apigatewayv2_deployment.first.id
}

output "api" { value = aws_apigatewayv2_api.orders.id }
`

// callHTTPAPI calls the HTTP API that Terraform has made: it puts records into a stream and messages into a queue.
func callHTTPAPI(t *testing.T, n *Node, output func(string) string) {
	base := n.URL + "/_aws/execute-api/" + output("api")
	post := func(path, body string) (int, []byte) {
		resp, err := http.Post(base+path, "application/json", bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, b
	}
	for _, stage := range []string{"", "/v1"} {
		code, body := post(stage+"/orders", `{"customer":"c1","data":"eyJhIjoxfQ=="}`)
		var put struct{ SequenceNumber, ShardId string }
		if err := json.Unmarshal(body, &put); err != nil || code != 200 || put.SequenceNumber == "" {
			t.Errorf("an order: %d %s", code, body)
		}
	}
	if code, body := post("/orders/1/return", `{"why":"<broken> & late"}`); code != 202 || !bytes.Contains(body, []byte("<MessageId>")) {
		t.Errorf("a return: %d %s", code, body)
	}
	resp, err := http.Get(base + "/orders")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 401 {
		t.Errorf("orders without a token: %d", resp.StatusCode)
	}
}
