#!/usr/bin/env python3
"""Posts made-up orders to the API, as the shop does. Needs nothing but Python.

  ./producer.py --url http://127.0.0.1:4566/_aws/execute-api/API/apiv1/orders --orders 1000
"""
import argparse
import base64
import concurrent.futures
import datetime
import http.client
import json
import random
import threading
import urllib.parse

COUNTRIES = [
    "Austria", "Bolivia", "Brazil", "Cote d'Ivoire", "Guinea-Bissau", "Holy See (Vatican City State)", "Iceland",
    "Japan", "Korea, Republic of", "Lao People's Democratic Republic", "Micronesia, Federated States of", "New Zealand",
    "Palestinian Territory, Occupied", "Saint Vincent and the Grenadines", "Taiwan, Province of China", "Uruguay",
]
PRODUCTS = ["T-Shirt", "Jeans", "Sneakers", "Jacket", "Hat", "Scarf", "Socks", "Sweater"]
PAYMENTS = ["credit_card", "debit_card", "bank_transfer", "paypal"]


def order(n, draw, now):
    """The order of a number: the same for the same draw."""
    def product():
        return {
            "product_id": f"p{draw.randrange(10**6)}",
            "name": draw.choice(PRODUCTS),
            "quantity": draw.randint(1, 9),
            "item_details": {"color": draw.choice(["red", "green", "blue", "black"]), "size": draw.choice(["S", "M", "L", "XL"])},
        }

    return {
        "customer_id": f"user{draw.randrange(20)}",
        "order_id": f"o{n}",
        "order_date": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "status": draw.choice(["pending", "shipped", "delivered", "cancelled"]),
        "shipping_address": {
            "street": f"{draw.randint(1, 999)} Main Street",
            "city": draw.choice(["Springfield", "Riverside", "Bagno a Ripoli"]),
            "state": draw.choice(["North", "South"]),
            "zip": f"{draw.randrange(10**5):05d}",
            "country": draw.choice(COUNTRIES),
        },
        "purchaise_details": {
            "payment_type": draw.choice(PAYMENTS),
            "amount": draw.randrange(100, 100000) / 100,
            "currency": "USD",
            "instalments": draw.randint(1, 12),
        },
        "product_details": [product(), product()],
    }


class Poster:
    """Keeps a connection a thread."""

    def __init__(self, url, stream):
        self.url, self.stream, self.local = urllib.parse.urlsplit(url), stream, threading.local()

    def post(self, o):
        kind = http.client.HTTPSConnection if self.url.scheme == "https" else http.client.HTTPConnection
        if not hasattr(self.local, "connection"):
            self.local.connection = kind(self.url.netloc, timeout=30)
        body = json.dumps({
            "StreamName": self.stream,
            "PartitionKey": "test-partition-01",
            "Data": base64.b64encode(json.dumps(o).encode()).decode(),
        })
        self.local.connection.request("POST", self.url.path, body, {"Content-Type": "application/json"})
        response = self.local.connection.getresponse()
        text = response.read().decode()
        if response.status != 200:
            raise SystemExit(f"order {o['order_id']}: {response.status} {text}")
        answer = json.loads(text)
        return answer["ShardId"], answer["SequenceNumber"]


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--url", required=True, help="of the resource /orders of the deployed API")
    flags.add_argument("--stream", default="ingestion-dev")
    flags.add_argument("--orders", type=int, default=100)
    flags.add_argument("--first", type=int, default=0, help="number of the first order")
    flags.add_argument("--threads", type=int, default=4)
    flags.add_argument("--out", help="file to write the orders to, one a line, when they are taken")
    args = flags.parse_args()

    draw, now = random.Random(args.first), datetime.datetime.now(datetime.timezone.utc)
    orders = [order(args.first + i, draw, now) for i in range(args.orders)]
    poster = Poster(args.url, args.stream)
    with concurrent.futures.ThreadPoolExecutor(args.threads) as pool:
        answers = list(pool.map(poster.post, orders))
    if args.out:
        with open(args.out, "a") as file:
            file.writelines(json.dumps(o) + "\n" for o in orders)
    print(f"{len(answers)} orders are in the stream, the last as {answers[-1][1]} of {answers[-1][0]}")


if __name__ == "__main__":
    main()
