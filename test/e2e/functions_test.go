package e2e

import (
	archive "archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

func TestFunctionsBoto3(t *testing.T) {
	Start(t).Python(t, "functions.py")
}

const functionsConfig = `
resource "aws_kinesis_stream" "orders" {
  name        = "tf-functions"
  shard_count = 1
}

resource "aws_dynamodb_table" "orders" {
  name         = "orders"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "customer_id"
  range_key    = "order_id"
  attribute {
    name = "customer_id"
    type = "S"
  }
  attribute {
    name = "order_id"
    type = "S"
  }
}

resource "aws_lambda_layer_version" "words" {
  layer_name          = "words"
  filename            = %[1]q
  compatible_runtimes = ["python3.12"]
}

resource "aws_lambda_function" "consumer" {
  function_name    = "consumer"
  role             = "arn:aws:iam::000000000000:role/consumer"
  runtime          = "python3.12"
  handler          = "lambda_function.lambda_handler"
  filename         = %[2]q
  source_code_hash = filebase64sha256(%[2]q)
  timeout          = 60
  publish          = true
  layers           = [aws_lambda_layer_version.words.arn]
  tags             = { team = "data" }
  environment { variables = { dynamoDBTableName = aws_dynamodb_table.orders.name } }
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.consumer.function_name
  function_version = aws_lambda_function.consumer.version
}

resource "aws_lambda_permission" "s3" {
  statement_id  = "AllowS3"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.consumer.function_name
  principal     = "s3.amazonaws.com"
  source_arn    = "arn:aws:s3:::bucket"
}

resource "aws_lambda_function_url" "consumer" {
  function_name      = aws_lambda_function.consumer.function_name
  authorization_type = "NONE"
  cors { allow_origins = ["*"] }
}

resource "aws_lambda_event_source_mapping" "orders" {
  event_source_arn                   = aws_kinesis_stream.orders.arn
  function_name                      = aws_lambda_function.consumer.arn
  starting_position                  = "LATEST"
  batch_size                         = 1000
  maximum_batching_window_in_seconds = 120
  maximum_retry_attempts             = 2
  tumbling_window_in_seconds         = 30
}

resource "aws_lambda_function_event_invoke_config" "consumer" {
  function_name          = aws_lambda_function.consumer.function_name
  maximum_retry_attempts = 1
}
`

// functionsTerraform deploys functions, and new code of one.
var functionsTerraform = func() terraformPart {
	var layer, code string
	return terraformPart{
		config: func(t *testing.T) string {
			layer, code = functionZip(t, "def lambda_handler(event, context): return event\n"), functionZip(t, "def lambda_handler(event, context): return 1\n")
			return fmt.Sprintf(functionsConfig, layer, code)
		},
		made: func(t *testing.T, n *Node, _ func(string) string) { callConsumer(t, n, "1", "1") },
		changed: func(t *testing.T) string {
			return fmt.Sprintf(functionsConfig, layer, functionZip(t, "def lambda_handler(event, context): return 2\n"))
		},
		updated: func(t *testing.T, n *Node) { callConsumer(t, n, "2", "2") },
	}
}()

// callConsumer calls the version that the alias names.
func callConsumer(t *testing.T, n *Node, version, want string) {
	t.Helper()
	out, err := lambda.NewFromConfig(n.AWS()).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("consumer"), Qualifier: aws.String("live")})
	if err != nil {
		t.Fatal(err)
	}
	if string(out.Payload) != want || aws.ToString(out.ExecutedVersion) != version {
		t.Errorf("version %s says %s, want %s and %s", aws.ToString(out.ExecutedVersion), out.Payload, version, want)
	}
}

func functionZip(t *testing.T, text string) string {
	file := filepath.Join(t.TempDir(), "consumer.zip")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := archive.NewWriter(f)
	part, err := w.Create("lambda_function.py")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}
