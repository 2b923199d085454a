import base64
import json
from datetime import datetime


def lambda_handler(event, context):
    print(event)
    output = []

    for record in event['records']:
        order = json.loads(base64.b64decode(record['data']).decode('utf-8'))
        order_date = datetime.strptime(order['order_date'], '%Y-%m-%dT%H:%M:%S.%fZ')

        # An order has two products, and each becomes a row: the first keeps the record's id.
        for index, product in enumerate(order['product_details']):
            row = {
                'product_id': product['product_id'],
                'order_id': order['order_id'],
                'name': product['name'],
                'quantity': product['quantity'],
                'color': product['item_details']['color'],
                'size': product['item_details']['size'],
            }
            record_id = record['recordId'] if index == 0 else f"{record['recordId']}_{index}"
            output.append({
                'recordId': record_id,
                'result': 'Ok',
                'data': base64.b64encode(json.dumps(row).encode('utf-8')).decode('utf-8'),
                'metadata': {
                    'partitionKeys': {
                        'year': str(order_date.year),
                    }
                }
            })

    return {'records': output}
