"""Celery (kombu) on SQS, and watchtower on log groups, as their documents have them."""
import logging
import os
import subprocess
import sys
import tempfile
import time

import boto3
import watchtower
from botocore.config import Config
from celery import Celery
from kombu import Connection

here = os.path.abspath(__file__)

app = Celery("shop", broker="sqs://")
app.conf.update(
    task_default_queue="celery-orders",
    broker_transport_options={"region": "us-east-1", "visibility_timeout": 60, "wait_time_seconds": 1, "polling_interval": 0.2},
    worker_enable_remote_control=False,
    task_acks_late=True,
)


@app.task(name="shop.total", bind=True, max_retries=2, default_retry_delay=1)
def total(self, order):
    if order["id"] == 3 and self.request.retries == 0:
        raise self.retry()
    with open(os.environ["OUT"], "a") as out:
        out.write(f"{order['id']}={sum(order['prices'])}\n")


def queues():
    out = os.environ["OUT"] = os.path.join(tempfile.mkdtemp(), "out")
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "signals_clients", "worker", "--pool", "solo", "--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"],
        cwd=os.path.dirname(here),
    )
    try:
        for i in range(10):
            total.delay({"id": i, "prices": [i, 1]})
        total.apply_async(({"id": 10, "prices": [5]},), countdown=2)
        deadline = time.time() + 90
        lines = []
        while len(lines) < 11 and time.time() < deadline:
            assert worker.poll() is None, "the worker ended"
            time.sleep(0.1)
            lines = open(out).read().split() if os.path.exists(out) else []
        assert sorted(lines) == sorted([f"{i}={i + 1}" for i in range(10)] + ["10=5"]), lines
    finally:
        worker.terminate()
        worker.wait()
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="celery-orders")["QueueUrl"]
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert left["ApproximateNumberOfMessages"] == "0" and left["ApproximateNumberOfMessagesNotVisible"] == "0", left

    with Connection("sqs://", transport_options={"region": "us-east-1"}) as c:
        q = c.SimpleQueue("kombu-simple")
        for i in range(3):
            q.put({"n": i, "text": "äöü ☃"})
        got = []
        for _ in range(3):
            m = q.get(timeout=60)
            got.append(m.payload["n"])
            assert m.payload["text"] == "äöü ☃"
            m.ack()
        assert sorted(got) == [0, 1, 2], got
        q.close()


def logs():
    log = logging.getLogger("shop")
    log.setLevel(logging.INFO)
    handler = watchtower.CloudWatchLogHandler(log_group_name="shop", log_stream_name="{strftime:%Y}/orders", send_interval=1, create_log_group=True, log_group_retention_days=7)
    log.addHandler(handler)
    for i in range(250):
        log.info("order %d", i)
    log.info({"order": 250, "state": "paid"})
    handler.close()
    client = boto3.client("logs")
    events = [e for page in client.get_paginator("filter_log_events").paginate(logGroupName="shop") for e in page["events"]]
    assert [e["message"] for e in events[:250]] == [f"order {i}" for i in range(250)], len(events)
    assert client.filter_log_events(logGroupName="shop", filterPattern='{ $.state = "paid" }')["events"][0]["message"].startswith("{")
    assert client.describe_log_groups(logGroupNamePrefix="shop")["logGroups"][0]["retentionInDays"] == 7


def live_tail():
    # The host of live tails has a prefix, which below an address is no name.
    client = boto3.client("logs", config=Config(inject_host_prefix=False))
    client.create_log_group(logGroupName="tailed")
    client.create_log_stream(logGroupName="tailed", logStreamName="s")
    arn = client.describe_log_groups(logGroupNamePrefix="tailed")["logGroups"][0]["logGroupArn"]
    for event in client.start_live_tail(logGroupIdentifiers=[arn], logEventFilterPattern="ERROR")["responseStream"]:
        if "sessionStart" in event:
            lines = [{"timestamp": int(time.time() * 1000), "message": m} for m in ("INFO one", "ERROR two")]
            client.put_log_events(logGroupName="tailed", logStreamName="s", logEvents=lines)
        elif event["sessionUpdate"]["sessionResults"]:
            assert [r["message"] for r in event["sessionUpdate"]["sessionResults"]] == ["ERROR two"], event
            return
    raise AssertionError("the live tail ended")


if __name__ == "__main__":
    queues()
    logs()
    live_tail()
    print("ok")
