"""Objects of S3 for Spark: they are copied to the run's own disk to be read, and from it when they are written."""
import itertools
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

_count = itertools.count()
_clients = {}
TMP = os.environ.get("TMPDIR", "/tmp")


def client(service):
    if service not in _clients:
        import boto3

        _clients[service] = boto3.client(service)
    return _clients[service]


def is_s3(path):
    return isinstance(path, str) and re.match(r"s3[an]?://", path) is not None


def split(path):
    m = re.match(r"s3[an]?://([^/]+)/*(.*)$", path)
    if not m:
        raise ValueError("%s is not an S3 location" % path)
    return m.group(1), re.sub(r"/+", "/", m.group(2))


def scratch(kind):
    d = os.path.join(TMP, ".job", "%s-%d" % (kind, next(_count)))
    os.makedirs(d)
    return d


def everything(bucket, prefix):
    """All objects whose keys begin with a prefix, those that are hidden from readers too."""
    found = []
    for page in client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        found += page.get("Contents", [])
    return found


def objects(bucket, prefix):
    """All objects below a prefix that have content, or, where it is the key of one, that object."""
    found = everything(bucket, prefix)
    exact = [o for o in found if o["Key"] == prefix]
    if exact and not prefix.endswith("/"):
        return exact
    if prefix and not prefix.endswith("/"):
        found = [o for o in found if o["Key"].startswith(prefix + "/")]
    return [o for o in found if not o["Key"].endswith("/") and not os.path.basename(o["Key"]).startswith(("_", ".")) and o["Size"] > 0]


def fetch(bucket, prefix, found, to):
    """Copy objects below a prefix into a folder."""

    def one(o):
        name = o["Key"][len(prefix):].lstrip("/") if o["Key"] != prefix else os.path.basename(o["Key"])
        file = os.path.normpath(os.path.join(to, name))
        if not file.startswith(to + os.sep):
            raise ValueError("the key %r leads out of its folder" % o["Key"])
        os.makedirs(os.path.dirname(file), exist_ok=True)
        client("s3").download_file(bucket, o["Key"], file)

    client("s3")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, found))


def local(path):
    """A copy of what is at an S3 location, for Spark to read."""
    bucket, key = split(path)
    key, _, pattern = key.partition("*") if "*" in key else (key, "", "")
    if pattern or "*" in path:
        key = key.rsplit("/", 1)[0] + "/" if "/" in key else ""
    found = objects(bucket, key)
    if "*" in path:
        want = re.compile("".join("[^/]*" if c == "*" else re.escape(c) for c in split(path)[1]) + r"(/.*)?$")
        found = [o for o in found if want.match(o["Key"])]
    if not found:
        from pyspark.errors import AnalysisException

        raise AnalysisException("[PATH_NOT_FOUND] Path does not exist: %s." % path)
    to = scratch("in")
    fetch(bucket, key, found, to)
    if len(found) == 1 and found[0]["Key"] == key:
        return "file://" + quote(os.path.join(to, os.path.basename(key)))
    return "file://" + to


def upload(folder, bucket, prefix):
    """Copy the files of a folder that Spark has written to below a prefix."""
    for name in files(folder):
        client("s3").upload_file(os.path.join(folder, name), bucket, prefix + name)


def files(folder):
    found = []
    for at, _, names in os.walk(folder):
        for n in names:
            if not n.endswith(".crc"):
                found.append(os.path.relpath(os.path.join(at, n), folder))
    return sorted(found)


def delete(bucket, keys):
    for n in range(0, len(keys), 1000):
        out = client("s3").delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": k} for k in keys[n : n + 1000]], "Quiet": True})
        if out.get("Errors"):
            raise RuntimeError("delete s3://%s/%s: %s" % (bucket, out["Errors"][0]["Key"], out["Errors"][0].get("Message")))


def patch():
    """Let Spark's own readers and writers take locations of S3."""
    from pyspark.sql.readwriter import DataFrameReader, DataFrameWriter

    if getattr(DataFrameReader, "_brookmere", False):
        return
    DataFrameReader._brookmere = True

    def reads(name):
        plain = getattr(DataFrameReader, name)

        def read(self, path=None, *args, **kwargs):
            def at(p):
                if isinstance(p, (list, tuple)):
                    return [at(x) for x in p]
                return local(p) if is_s3(p) else p

            return plain(self, *([] if path is None else [at(path)]), *[at(a) for a in args], **{k: at(v) if k in ("path", "paths") else v for k, v in kwargs.items()})

        setattr(DataFrameReader, name, read)

    for name in ("load", "json", "csv", "parquet", "text", "orc", "xml"):
        if hasattr(DataFrameReader, name):
            reads(name)
    plain_mode, plain_save = DataFrameWriter.mode, DataFrameWriter.save

    def mode(self, m):
        self._brookmere_mode = m
        return plain_mode(self, m)

    def writes(name):
        plain = getattr(DataFrameWriter, name)

        def write(self, path=None, *args, **kwargs):
            if not is_s3(path):
                return plain(self, *([] if path is None else [path]), *args, **kwargs)
            args = list(args)
            at = 1 if name == "save" else 0  # where mode is among what follows the path: save has format before it
            if len(args) > at and args[at]:
                self._brookmere_mode, args[at] = args[at], None
            if kwargs.get("mode"):
                self._brookmere_mode = kwargs["mode"]
            chosen = (getattr(self, "_brookmere_mode", None) or "error").lower()
            bucket, prefix = split(path)
            prefix = prefix.rstrip("/") + "/" if prefix else ""
            old = [o["Key"] for o in everything(bucket, prefix)]  # hidden ones too: Spark asks whether the path is there
            if old and chosen in ("error", "errorifexists", "default"):
                from pyspark.errors import AnalysisException

                raise AnalysisException("[PATH_ALREADY_EXISTS] Path %s already exists. Set mode as \"overwrite\" to overwrite the existing path." % path)
            if old and chosen == "ignore":
                return None
            to = scratch("out")
            if len(args) > at:
                args[at] = "overwrite"
            else:
                kwargs["mode"] = "overwrite"
            plain(self, to, *args, **kwargs)
            upload(to, bucket, prefix)
            if chosen == "overwrite":
                delete(bucket, [k for k in old if k not in {prefix + n for n in files(to)}])
            shutil.rmtree(to)
            return None

        setattr(DataFrameWriter, name, write)

    DataFrameWriter.mode = mode
    for name in ("save", "json", "csv", "parquet", "orc"):
        writes(name)

    def text(self, path, *args, **kwargs):
        return self.format("text").options(**{k: v for k, v in kwargs.items() if v is not None}).save(path)

    DataFrameWriter.text = text
