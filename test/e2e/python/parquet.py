"""What Firehose converts to Parquet, read back by pyarrow and by DuckDB, is what the JSON said.

Schemas and records are made at random, by the seed in PARQUET_SEED ("any" for another each time): nested types, numbers at the ends
of their ranges, decimals, times in every form, text of all planes, nulls and what is missing."""
import io
import json
import math
import os
import random
import struct
import tempfile
import time
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, localcontext

import boto3
import duckdb
import pyarrow.parquet as pq

firehose, s3, glue = boto3.client("firehose"), boto3.client("s3"), boto3.client("glue")
ROLE = "arn:aws:iam::000000000000:role/delivery"
SEED = os.environ.get("PARQUET_SEED", "1")
SEED = time.time_ns() % 1000000 if SEED == "any" else int(SEED)
rnd = random.Random(SEED)
RECORDS = 400


class Raw(str):
    """A number as it is written."""


def text(v):
    """JSON of v, in which numbers keep their digits and white space comes and goes."""
    space = rnd.choice(["", "", " ", "\n  "])
    if isinstance(v, Raw):
        return str(v)
    if isinstance(v, dict):
        return "{" + ("," + space).join(space + json.dumps(k, ensure_ascii=rnd.random() < 0.5) + ":" + space + text(x) for k, x in v.items()) + space + "}"
    if isinstance(v, list):
        return "[" + ("," + space).join(text(x) for x in v) + "]"
    return json.dumps(v, ensure_ascii=rnd.random() < 0.5)


def integer(bits):
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    n = rnd.choice([low, high, 0, -1, 1, rnd.randint(low, high), rnd.randint(-99, 99)])
    return n, n


def number(hive):
    n = rnd.choice([0.0, -0.0, 1e300, -1e300, 5e-324, 2.2250738585072014e-308, 0.1, 1 / 3, math.pi, rnd.uniform(-1e6, 1e6), rnd.gauss(0, 1) * 10 ** rnd.randint(-30, 30)])
    if not hive and rnd.random() < 0.1:
        name = rnd.choice(["NaN", "Infinity", "-Infinity"])
        return name, float(name)
    return Raw(rnd.choice([repr(n), "%.17e" % n, "%.17E" % n])), n


def single(hive):
    while True:
        written, n = number(hive)
        if math.isinf(n) or math.isnan(n):
            return written, n
        try:
            return written, struct.unpack("<f", struct.pack("<f", float(written)))[0]
        except OverflowError:
            pass


def decimal(precision, scale):
    digits = rnd.choice([precision, rnd.randint(1, precision)])
    n = rnd.choice([-1, 1]) * rnd.randint(0, 10 ** digits - 1)
    with localcontext() as c:
        c.prec = 80
        exact = Decimal(n).scaleb(-scale)
        if rnd.random() < 0.2 and precision > scale and abs(n) < 10 ** (precision - 1):  # more digits than the column has are rounded
            exact += Decimal(rnd.choice(["0.1", "0.4", "0.5", "0.6", "0.49999", "0.50000"])).scaleb(-scale)
        value = exact.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP)
        return Raw(rnd.choice([format(exact, "f"), format(exact, "E")])), value


LETTERS = "aZ09 .,:;'\"\\/\n\r\t\b\f\u0000\u001f\u007fäßéŁ\u2028漢字‮🙂𝔘\U0010ffff"


def string():
    s = "".join(rnd.choice(LETTERS) for _ in range(rnd.choice([0, 1, 5, 30])))
    return s, s


def day():
    d = date(1, 1, 1) + timedelta(days=rnd.choice([0, 719162, rnd.randint(0, 3652058), rnd.randint(650000, 740000)]))
    return (d.isoformat() if rnd.random() < 0.8 else f"{d.year:04d}-{d.month}-{d.day}"), d


def moment(hive):
    t = datetime(1970, 1, 1) + timedelta(microseconds=rnd.choice([0, 1, -1, rnd.randint(-9 * 10 ** 15, 9 * 10 ** 15), rnd.randint(10 ** 15, 2 * 10 ** 15)]))
    fraction = f".{t.microsecond:06d}".rstrip("0") if t.microsecond else rnd.choice(["", ".0"])
    plain = f"{t.year:04d}-{t.month:02d}-{t.day:02d} {t.hour:02d}:{t.minute:02d}:{t.second:02d}{fraction}"
    if hive:
        return plain, t
    form = rnd.randint(0, 4)
    if form == 0:
        return plain.replace(" ", "T") + "Z", t
    if form == 1:
        return f"{t.year:04d}-{t.month}-{t.day} {t.hour}:{t.minute}:{t.second}{fraction}", t
    whole = t.replace(microsecond=t.microsecond // 1000 * 1000)
    ms = (whole - datetime(1970, 1, 1)) // timedelta(milliseconds=1)
    if form == 2 and abs(ms) >= 10 ** 12:
        return ms, whole
    if form == 3:
        whole = t.replace(microsecond=0)
        return Raw((whole - datetime(1970, 1, 1)) // timedelta(seconds=1)), whole
    return plain, t


def maker(hive, depth):
    """A type, and a function that makes a value's JSON and what is to be read."""
    def made(name, f, *args):
        return name, lambda: f(*args)
    scalars = [
        lambda: ("boolean", lambda: (lambda b: (b, b))(rnd.random() < 0.5)),
        lambda: made("tinyint", integer, 8), lambda: made("smallint", integer, 16), lambda: made("int", integer, 32), lambda: made("bigint", integer, 64),
        lambda: made("double", number, hive), lambda: made("float", single, hive), lambda: made("string", string),
        lambda: (lambda p: (lambda s: made(f"decimal({p},{s})", decimal, p, s))(rnd.randint(0, p)))(rnd.choice([1, 9, 10, 18, 19, 38])),
        lambda: made("date", day), lambda: made("timestamp", moment, hive),
    ]
    kind = rnd.random()
    if depth == 0 or kind < 0.5:
        name, make = rnd.choice(scalars)()
    elif kind < 0.65:
        inner, f = maker(hive, depth - 1)
        name = f"array<{inner}>"

        def make():
            got = [f() for _ in range(rnd.choice([0, 1, 2, 5]))]
            return [g[0] for g in got], [g[1] for g in got]
    elif kind < 0.8:
        inner, f = maker(hive, depth - 1)
        name = f"map<string,{inner}>"

        def make():
            got = {f"K{i} É🙂": f() for i in range(rnd.choice([0, 1, 2, 5]))}
            return {k: v[0] for k, v in got.items()}, {k if hive else k.lower(): v[1] for k, v in got.items()}
    else:
        fields = {f"f{i}": maker(hive, depth - 1) for i in range(rnd.randint(1, 4))}
        name = "struct<" + ",".join(f"{k}:{t}" for k, (t, _) in fields.items()) + ">"

        def make():
            written, value = {}, {}
            for k, (_, f) in fields.items():
                if rnd.random() < 0.15:  # missing
                    value[k] = None
                    continue
                written[rnd.choice([k, k.upper()])], value[k] = f()
            if rnd.random() < 0.2:
                written["not in the schema"] = [1, {"a": None}]
            return written, value

    def perhaps():
        return (None, None) if rnd.random() < 0.1 else make()
    return name, perhaps


def plain(v):
    """A value as both readers have it: microseconds, maps as dicts, no signs of NaN."""
    if isinstance(v, float) and math.isnan(v):
        return "NaN"
    if hasattr(v, "to_pydatetime"):  # pandas has a datetime of its own
        v = v.to_pydatetime(warn=False)
    if isinstance(v, datetime):
        return v.replace(tzinfo=None)
    if isinstance(v, dict):
        return {k: plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    return v


def maps(v, t):
    """v of pyarrow's type t, its maps as dicts: pyarrow gives pairs."""
    name = str(t)
    if v is None:
        return None
    if name.startswith("map<"):
        return {k: maps(x, t.item_type) for k, x in v}
    if name.startswith("list<"):
        return [maps(x, t.value_type) for x in v]
    if name.startswith("struct<"):
        return {t.field(i).name: maps(v[t.field(i).name], t.field(i).type) for i in range(t.num_fields)}
    return v


def objects(bucket, prefix=""):
    out = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for o in page.get("Contents", []):
            out[o["Key"]] = s3.get_object(Bucket=bucket, Key=o["Key"])["Body"].read()
    return out


def difference(a, b, path=""):
    """Where a and b are not the same, or ''."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return next((d for k in a if (d := difference(a[k], b[k], f"{path}.{k}"))), "")
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return next((d for i, (x, y) in enumerate(zip(a, b)) if (d := difference(x, y, f"{path}[{i}]"))), "")
    same = a == b and type(a) is type(b) and (not isinstance(a, float) or math.copysign(1, a) == math.copysign(1, b))
    return "" if same else f"{path}: {a!r}, want {b!r}"


def table(i, hive):
    columns = {f"c{n}": maker(hive, 3) for n in range(8)}
    columns["t"] = ("timestamp", lambda: moment(hive))
    columns["n"] = ("decimal(12,2)", lambda: decimal(12, 2))
    glue.create_table(DatabaseName="truth", TableInput={"Name": f"t{i}", "StorageDescriptor": {
        "Columns": [{"Name": "id", "Type": "bigint"}] + [{"Name": k, "Type": t} for k, (t, _) in columns.items()]}})
    records, truth = [], {}
    for n in range(RECORDS):
        written, value = {"id": n}, {"id": n}
        for k, (_, f) in columns.items():
            w, v = f()
            value[k] = v
            if w is not None or rnd.random() < 0.5:  # else missing
                written[rnd.choice([k, k.upper()])] = w
        records.append(text(dict(sorted(written.items(), key=lambda _: rnd.random()))).encode())
        truth[n] = value
    return columns, records, truth


def deliver(i, hive, writer):
    columns, records, truth = table(i, hive)
    firehose.create_delivery_stream(DeliveryStreamName=f"t{i}", ExtendedS3DestinationConfiguration={
        "RoleARN": ROLE, "BucketARN": "arn:aws:s3:::truth", "Prefix": f"t{i}/", "ErrorOutputPrefix": f"errors{i}/",
        "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 900},
        "DataFormatConversionConfiguration": {
            "SchemaConfiguration": {"RoleARN": ROLE, "DatabaseName": "truth", "TableName": f"t{i}"},
            "InputFormatConfiguration": {"Deserializer": {"HiveJsonSerDe": {}} if hive else {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": writer}}}})
    for at in range(0, len(records), 100):
        batch, here = [], records[at:at + 100]
        while here:  # some records hold several
            n = rnd.choice([1, 1, 3])
            batch.append({"Data": rnd.choice([b"", b"\n", b" "]).join(here[:n])})
            here = here[n:]
        assert firehose.put_record_batch(DeliveryStreamName=f"t{i}", Records=batch)["FailedPutCount"] == 0
    firehose.delete_delivery_stream(DeliveryStreamName=f"t{i}")  # which delivers
    assert not objects("truth", f"errors{i}/"), next(iter(objects("truth", f"errors{i}/").values()))[:2000]
    return columns, truth


def read(i):
    """The rows as pyarrow and as DuckDB have them, and the files' metadata."""
    a, b, meta = [], [], []
    for body in objects("truth", f"t{i}/").values():
        f = pq.ParquetFile(io.BytesIO(body))
        meta.append(f)
        t = f.read()
        a += [{k: maps(v, t.schema.field(k).type) for k, v in row.items()} for row in t.to_pylist()]
        with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
            file.write(body)
            file.flush()
            db = duckdb.connect().execute("SELECT * FROM read_parquet(?)", [file.name])
            names = [d[0] for d in db.description]
            b += [dict(zip(names, row)) for row in db.fetchall()]
    return plain(a), plain(b), meta


def check(i, hive, writer):
    columns, truth = deliver(i, hive, writer)
    a, b, files = read(i)
    schema = {k: t for k, (t, _) in columns.items()}
    for reader, rows in (("pyarrow", a), ("DuckDB", b)):
        assert sorted(r["id"] for r in rows) == list(range(RECORDS)), f"{reader}: {len(rows)} rows"
        for r in rows:
            d = difference(r, plain(truth[r["id"]]))
            assert not d, f"seed {SEED}, {reader}, {'Hive' if hive else 'OpenX'}, {writer}: row {r['id']}{d} ({schema})"
    for f in files:
        types = {f.schema.column(n).path: f.schema.column(n) for n in range(len(f.schema))}
        assert types["t"].physical_type == "INT96", types["t"]
        assert (types["n"].logical_type.type, types["n"].precision, types["n"].scale) == ("DECIMAL", 12, 2), types["n"]
        assert types["n"].converted_type == "DECIMAL", types["n"]
        for g in range(f.metadata.num_row_groups):
            for n in range(f.metadata.num_columns):
                c = f.metadata.row_group(g).column(n)
                codec = writer.get("Compression", "SNAPPY")
                assert c.compression == codec, c
                dictionary = any("DICTIONARY" in e for e in c.encodings)
                assert writer.get("EnableDictionaryCompression") or not dictionary, c
                if c.physical_type != "INT96":
                    assert c.statistics is not None and c.statistics.has_null_count, f"{c.path_in_schema}: {c.statistics}"
        ids = f.metadata.row_group(0).column([c.path for c in (f.schema.column(n) for n in range(len(f.schema)))].index("id")).statistics
        assert (ids.min, ids.max) == (0, RECORDS - 1), ids


s3.create_bucket(Bucket="truth")
glue.create_database(DatabaseInput={"Name": "truth"})
for i, (hive, writer) in enumerate([
        (False, {}), (True, {"Compression": "GZIP"}), (False, {"Compression": "UNCOMPRESSED", "WriterVersion": "V2", "EnableDictionaryCompression": True}),
        (True, {"WriterVersion": "V2"}), (False, {"EnableDictionaryCompression": True, "PageSizeBytes": 65536})]):
    check(i, hive, writer)
print("parquet: fine")
