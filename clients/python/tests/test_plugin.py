"""What a user of the plugin sees. The program is BROOKMERE_BIN, or on the PATH."""

import json
import subprocess
import sys

import pytest

boto3 = pytest.importorskip("boto3")


def names(account):
    return account.client("kinesis").list_streams()["StreamNames"]


@pytest.mark.parametrize("number", [1, 2])
def test_each_test_has_an_account(brookmere, number):
    assert names(brookmere) == []
    brookmere.client("kinesis").create_stream(StreamName="same", ShardCount=1)
    assert names(brookmere) == ["same"]
    assert brookmere.client("sts").get_caller_identity()["Account"] == brookmere.account
    brookmere.client("s3").create_bucket(Bucket=brookmere.unique("lake"))


def test_session_account(brookmere_session, brookmere):
    brookmere_session.client("kinesis").create_stream(StreamName="kept", ShardCount=1)
    assert names(brookmere) == []


def test_session_account_again(brookmere_session):
    assert names(brookmere_session) == ["kept"]


def test_environment(brookmere_env):
    # A client that nobody told about the node, and a program.
    boto3.client("dynamodb").list_tables()
    account = boto3.client("sts").get_caller_identity()["Account"]
    assert account == brookmere_env.account
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == account


def test_resource(brookmere):
    table = brookmere.resource("dynamodb").create_table(
        TableName="items", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
    while table.table_status != "ACTIVE":
        table.reload()
    table.put_item(Item={"id": "a"})
    assert table.get_item(Key={"id": "a"})["Item"] == {"id": "a"}


def test_node(brookmere_node):
    assert "kinesis" in json.loads(brookmere_node.call("GET", "health"))["services"]


def test_settings(pytester):
    pytester.makeini("[pytest]\nbrookmere_args =\n    --clock=frozen\n    --account=123456789012\n")
    pytester.makepyfile("""
        import boto3, pytest
        from datetime import datetime, timezone

        def test_time(brookmere_node, brookmere):
            kinesis = brookmere.client("kinesis")
            kinesis.create_stream(StreamName="s", ShardCount=1)
            kinesis.get_waiter("stream_exists").wait(StreamName="s", WaiterConfig={"Delay": 1})
            at = kinesis.get_shard_iterator(StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="LATEST")["ShardIterator"]
            kinesis.get_records(ShardIterator=at)
            brookmere_node.advance(400)
            with pytest.raises(kinesis.exceptions.ExpiredIteratorException):
                kinesis.get_records(ShardIterator=at)

        def test_reset(brookmere_node, brookmere):
            brookmere.client("kinesis").create_stream(StreamName="s", ShardCount=1)
            brookmere_node.reset()
            assert brookmere.client("kinesis").list_streams()["StreamNames"] == []
    """)
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def test_failures(pytester):
    pytester.makepyfile("def test(brookmere): pass")
    result = pytester.runpytest_subprocess("--brookmere-bin", "/no/such/brookmere")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*there is no program /no/such/brookmere: put brookmere on the PATH*"])
    pytester.makeini("[pytest]\nbrookmere_args = --no-such-flag\n")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*unknown flag: --no-such-flag*"])
