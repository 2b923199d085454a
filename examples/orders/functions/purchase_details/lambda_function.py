import base64
import json
from datetime import datetime


def lambda_handler(event, context):
    print(event)
    output = []

    for record in event['records']:
        order = json.loads(base64.b64decode(record['data']).decode('utf-8'))
        order_date = datetime.strptime(order['order_date'], '%Y-%m-%dT%H:%M:%S.%fZ')

        # The key is spelt as the shop sends it.
        purchase = order['purchaise_details']
        row = {
            'order_id': order['order_id'],
            'payment_type': purchase['payment_type'],
            'amount': purchase['amount'],
            'currency': purchase['currency'],
            'instalments': purchase['instalments'],
        }
        output.append({
            'recordId': record['recordId'],
            'result': 'Ok',
            'data': base64.b64encode(json.dumps(row).encode('utf-8')).decode('utf-8'),
            'metadata': {
                'partitionKeys': {
                    'year': str(order_date.year),
                    'month': f"{order_date.month:02d}",
                }
            }
        })

    return {'records': output}
