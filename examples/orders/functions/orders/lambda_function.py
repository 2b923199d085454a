import base64
import json


def lambda_handler(event, context):
    print(event)
    output = []

    for record in event['records']:
        order = json.loads(base64.b64decode(record['data']).decode('utf-8'))
        row = {
            'customer_id': order['customer_id'],
            'order_id': order['order_id'],
            'order_date': order['order_date'][:10],
            'status': order['status'],
        }
        output.append({
            'recordId': record['recordId'],
            'result': 'Ok',
            'data': base64.b64encode(json.dumps(row).encode('utf-8')).decode('utf-8'),
            'metadata': {
                'partitionKeys': {
                    'customer_id': order['customer_id'],
                }
            }
        })

    print(f"Transformed {len(output)} records")
    return {'records': output}
