import base64
import json
import os
from decimal import Decimal

import boto3

AWS_REGION = os.environ['AWS_REGION']
TABLE_NAME = os.environ['dynamoDBTableName']

dynamodb = boto3.resource('dynamodb', region_name=AWS_REGION)
table = dynamodb.Table(TABLE_NAME)


def lambda_handler(event, context):
    print(event)

    for record in event['Records']:
        payload = base64.b64decode(record['kinesis']['data']).decode('utf-8')
        order = json.loads(payload, parse_float=Decimal)
        table.put_item(Item=order)
        print(f"Order {order['order_id']} of {order['customer_id']} is in {TABLE_NAME}")
