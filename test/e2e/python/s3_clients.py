"""Clients of other makers than AWS on one bucket: pyarrow's file system, delta-rs, pyiceberg with the catalog of Glue, MinIO's."""
import io
import os

import boto3
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake
from minio import Minio
from minio.commonconfig import ComposeSource, CopySource
from pyiceberg.catalog import load_catalog
from pyiceberg.expressions import EqualTo

ENDPOINT, REGION = os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_DEFAULT_REGION"]
KEY, SECRET = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
SCHEME, HOST = ENDPOINT.split("://")
s3 = boto3.client("s3")
s3.create_bucket(Bucket="clients")


def rows(first, n):
    return pa.table({"id": pa.array(range(first, first + n), pa.int64()), "team": [f"t{i % 3}" for i in range(first, first + n)]})


def arrow():
    fs = pyarrow.fs.S3FileSystem(endpoint_override=HOST, scheme=SCHEME, access_key=KEY, secret_key=SECRET, region=REGION)
    ds.write_dataset(rows(0, 300), "clients/arrow", filesystem=fs, format="parquet", partitioning=["team"], partitioning_flavor="hive")
    got = ds.dataset("clients/arrow", filesystem=fs, partitioning="hive").to_table(filter=ds.field("team") == "t1")
    assert sorted(got["id"].to_pylist()) == list(range(1, 300, 3)), got
    names = [f.path for f in fs.get_file_info(pyarrow.fs.FileSelector("clients/arrow")) if f.type == pyarrow.fs.FileType.Directory]
    assert sorted(names) == [f"clients/arrow/team=t{i}" for i in range(3)], names
    big = os.urandom(11 << 20)  # in parts
    with fs.open_output_stream("clients/arrow-big") as f:
        f.write(big)
    with fs.open_input_file("clients/arrow-big") as f:
        f.seek(6 << 20)
        assert f.read(1000) == big[6 << 20:(6 << 20) + 1000] and f.size() == len(big)
    fs.move("clients/arrow-big", "clients/arrow-moved")
    fs.delete_dir("clients/arrow")
    assert fs.get_file_info("clients/arrow").type == pyarrow.fs.FileType.NotFound


def delta():
    options = {"AWS_ENDPOINT_URL": ENDPOINT, "AWS_ALLOW_HTTP": "true", "aws_conditional_put": "etag"}
    uri = "s3://clients/delta"
    for i in range(3):
        write_deltalake(uri, rows(i * 100, 100), mode="append", storage_options=options)
    table = DeltaTable(uri, storage_options=options)
    assert table.version() == 2 and table.to_pyarrow_table().num_rows == 300
    table.delete("team = 't0'")
    table.optimize.compact()
    assert table.to_pyarrow_table().num_rows == 200
    assert DeltaTable(uri, version=0, storage_options=options).to_pyarrow_table().num_rows == 100
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    # Of two writers of one version one wins.
    stale = DeltaTable(uri, version=table.version(), storage_options=options)
    table.update(predicate="id = 1", updates={"team": "'x'"})
    try:
        stale.update(predicate="id = 1", updates={"team": "'y'"})
        raise AssertionError("a write on top of a version that is no longer the last went through")
    except Exception as e:
        if isinstance(e, AssertionError):
            raise


def iceberg():
    catalog = load_catalog("glue", **{"type": "glue", "glue.endpoint": ENDPOINT, "glue.region": REGION, "s3.endpoint": ENDPOINT, "s3.region": REGION,
                                      "s3.access-key-id": KEY, "s3.secret-access-key": SECRET, "warehouse": "s3://clients/iceberg"})
    catalog.create_namespace("ice")
    table = catalog.create_table("ice.events", schema=rows(0, 1).schema)
    table.append(rows(0, 100))
    table.append(rows(100, 100))
    assert table.scan(row_filter=EqualTo("team", "t1")).to_arrow().num_rows == 67
    table.delete("id < 50")
    assert catalog.load_table("ice.events").scan().to_arrow().num_rows == 150
    assert [t[1] for t in catalog.list_tables("ice")] == ["events"]


def minio():
    m = Minio(HOST, access_key=KEY, secret_key=SECRET, secure=SCHEME == "https", region=REGION)
    m.put_object("clients", "m/a b+c", io.BytesIO(b"x" * 10), 10, metadata={"Kind": "odd"}, content_type="text/plain")
    m.put_object("clients", "m/stream", io.BytesIO(b"y" * (6 << 20)), -1, part_size=5 << 20)  # of a length that it does not know
    assert m.stat_object("clients", "m/a b+c").size == 10 and m.stat_object("clients", "m/stream").size == 6 << 20
    m.copy_object("clients", "m/copy", CopySource("clients", "m/a b+c"))
    m.compose_object("clients", "m/both", [ComposeSource("clients", "m/stream"), ComposeSource("clients", "m/a b+c")])
    r = m.get_object("clients", "m/both", offset=(6 << 20) - 1, length=3)
    assert r.read() == b"yxx"
    r.release_conn()
    assert sorted(o.object_name for o in m.list_objects("clients", prefix="m/", recursive=True)) == ["m/a b+c", "m/both", "m/copy", "m/stream"]
    from minio.deleteobjects import DeleteObject
    assert list(m.remove_objects("clients", [DeleteObject(o.object_name) for o in m.list_objects("clients", "m/", recursive=True)])) == []
    assert list(m.list_objects("clients", prefix="m/")) == []


for part in (arrow, delta, iceberg, minio):
    part()
    print(part.__name__, "is fine")
