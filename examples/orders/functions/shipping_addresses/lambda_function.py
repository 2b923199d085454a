import base64
import json


def lambda_handler(event, context):
    print(event)
    output = []

    for record in event['records']:
        order = json.loads(base64.b64decode(record['data']).decode('utf-8'))
        address = order['shipping_address']
        row = {
            'order_id': order['order_id'],
            'street': address['street'],
            'city': address['city'],
            'state': address['state'],
            'zip': address['zip'],
            'country': address['country'],
        }
        output.append({
            'recordId': record['recordId'],
            'result': 'Ok',
            'data': base64.b64encode(json.dumps(row).encode('utf-8')).decode('utf-8'),
            'metadata': {
                'partitionKeys': {
                    'country': address['country'],
                }
            }
        })

    return {'records': output}
