# Names with hyphens are quoted.

resource "aws_athena_named_query" "average_amount" {
  name        = "average-amount"
  description = "What an order costs on average"
  database    = aws_glue_catalog_database.lake.name

  query = <<SQL
SELECT AVG(amount) AS average_amount FROM "purchase-details"
SQL
}

resource "aws_athena_named_query" "quantity_by_product" {
  name        = "quantity-by-product"
  description = "How many of each product were ordered"
  database    = aws_glue_catalog_database.lake.name

  query = <<SQL
SELECT name, SUM(quantity) AS quantity
FROM "product-details"
GROUP BY name
ORDER BY quantity DESC, name
SQL
}

resource "aws_athena_named_query" "orders_with_addresses" {
  name        = "orders-with-addresses"
  description = "Where orders go"
  database    = aws_glue_catalog_database.lake.name

  query = <<SQL
SELECT o.customer_id, o.order_id, o.status, a.city, a.country
FROM "orders" o
JOIN "shipping-addresses" a ON o.order_id = a.order_id
ORDER BY o.order_id
SQL
}

resource "aws_athena_named_query" "amount_by_payment_type" {
  name        = "amount-by-payment-type"
  description = "What was paid by card, transfer..."
  database    = aws_glue_catalog_database.lake.name

  query = <<SQL
SELECT payment_type, SUM(amount) AS amount
FROM "purchase-details"
GROUP BY payment_type
ORDER BY payment_type
SQL
}

resource "aws_athena_named_query" "amount_by_country" {
  name        = "amount-by-country"
  description = "What each country paid"
  database    = aws_glue_catalog_database.lake.name

  query = <<SQL
SELECT a.country, SUM(p.amount) AS amount
FROM "purchase-details" p
JOIN "shipping-addresses" a ON p.order_id = a.order_id
GROUP BY a.country
ORDER BY amount DESC
SQL
}
