# package.py makes a zip of each function's one file.

resource "aws_lambda_function" "consumer" {
  function_name    = "consumer-${var.environment}"
  role             = aws_iam_role.consumer.arn
  runtime          = "python3.12"
  handler          = "lambda_function.lambda_handler"
  filename         = "${path.module}/build/consumer.zip"
  source_code_hash = filebase64sha256("${path.module}/build/consumer.zip")
  timeout          = 60
  memory_size      = 128

  environment {
    variables = {
      dynamoDBTableName = aws_dynamodb_table.orders.name
    }
  }
}

resource "aws_lambda_event_source_mapping" "consumer" {
  event_source_arn                   = aws_kinesis_stream.ingestion.arn
  function_name                      = aws_lambda_function.consumer.arn
  starting_position                  = "LATEST"
  batch_size                         = 1000
  maximum_batching_window_in_seconds = var.batch_window_seconds
  maximum_retry_attempts             = 2
  tumbling_window_in_seconds         = 30

  depends_on = [
    aws_iam_role_policy_attachment.consumer_stream,
    aws_iam_role_policy_attachment.consumer_table,
    aws_iam_role_policy_attachment.consumer_logs,
  ]
}

resource "aws_lambda_function" "orders" {
  function_name    = "transform-orders-${var.environment}"
  role             = aws_iam_role.transform_orders.arn
  runtime          = "python3.12"
  handler          = "lambda_function.lambda_handler"
  filename         = "${path.module}/build/orders.zip"
  source_code_hash = filebase64sha256("${path.module}/build/orders.zip")
  timeout          = 60
  memory_size      = 128
}

resource "aws_lambda_function" "product_details" {
  function_name    = "transform-product-details-${var.environment}"
  role             = aws_iam_role.transform_product_details.arn
  runtime          = "python3.12"
  handler          = "lambda_function.lambda_handler"
  filename         = "${path.module}/build/product_details.zip"
  source_code_hash = filebase64sha256("${path.module}/build/product_details.zip")
  timeout          = 60
  memory_size      = 128
}

resource "aws_lambda_function" "purchase_details" {
  function_name    = "transform-purchase-details-${var.environment}"
  role             = aws_iam_role.transform_purchase_details.arn
  runtime          = "python3.12"
  handler          = "lambda_function.lambda_handler"
  filename         = "${path.module}/build/purchase_details.zip"
  source_code_hash = filebase64sha256("${path.module}/build/purchase_details.zip")
  timeout          = 60
  memory_size      = 128
}

resource "aws_lambda_function" "shipping_addresses" {
  function_name    = "transform-shipping-addresses-${var.environment}"
  role             = aws_iam_role.transform_shipping_addresses.arn
  runtime          = "python3.12"
  handler          = "lambda_function.lambda_handler"
  filename         = "${path.module}/build/shipping_addresses.zip"
  source_code_hash = filebase64sha256("${path.module}/build/shipping_addresses.zip")
  timeout          = 60
  memory_size      = 128
}
