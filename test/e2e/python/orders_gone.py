"""After a destroy of examples/orders: nothing of it is left."""
import boto3

for service, operation, key, arguments in (
    ("kinesis", "list_streams", "StreamNames", {}),
    ("lambda", "list_functions", "Functions", {}),
    ("lambda", "list_event_source_mappings", "EventSourceMappings", {}),
    ("firehose", "list_delivery_streams", "DeliveryStreamNames", {}),
    ("dynamodb", "list_tables", "TableNames", {}),
    ("glue", "get_databases", "DatabaseList", {}),
    ("athena", "list_named_queries", "NamedQueryIds", {}),
    ("apigateway", "get_rest_apis", "items", {}),
    ("s3", "list_buckets", "Buckets", {}),
    ("iam", "list_roles", "Roles", {}),
    ("iam", "list_policies", "Policies", {"Scope": "Local"}),
    ("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList", {}),
):
    left = getattr(boto3.client(service), operation)(**arguments)[key]
    assert not left, (service, operation, left)
