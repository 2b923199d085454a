"""Sinks: frames into objects of S3, and the catalog kept up to date."""
import os
import re
import shutil
from urllib.parse import unquote

from awsglue import _s3, _stream

_SERDES = {
    "parquet": ("org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat", "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat", "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", {"serialization.format": "1"}),
    "orc": ("org.apache.hadoop.hive.ql.io.orc.OrcInputFormat", "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat", "org.apache.hadoop.hive.ql.io.orc.OrcSerde", {"serialization.format": "1"}),
    "json": ("org.apache.hadoop.mapred.TextInputFormat", "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat", "org.openx.data.jsonserde.JsonSerDe", {}),
    "csv": ("org.apache.hadoop.mapred.TextInputFormat", "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat", "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", {"field.delim": ","}),
}
_WIDER = ["tinyint", "smallint", "int", "bigint", "float", "double"]


def format_name(name):
    n = (name or "parquet").lower()
    n = {"glueparquet": "parquet"}.get(n, n)
    if n not in _SERDES:
        raise ValueError("the format %r is not supported on this node: parquet, glueparquet, orc, json and csv are" % name)
    return n


class DataSink:
    """Writes DynamicFrames to one place."""

    def __init__(self, context, connection_type, path="", partitionKeys=None, enableUpdateCatalog=False, updateBehavior="UPDATE_IN_DATABASE", transformation_ctx="", format=None, format_options=None, **options):
        if connection_type not in ("s3", "file"):
            raise ValueError("sinks of the type %r are not supported on this node: s3 is" % connection_type)
        self.context, self.path = context, path or options.get("path", "")
        self.keys = list(partitionKeys or [])
        self.update = str(enableUpdateCatalog).lower() == "true"
        self.behavior = updateBehavior
        self.format, self.format_options = format_name(format), dict(format_options or {})
        self.compression = options.get("compression")
        self.database = self.table = None

    def setCatalogInfo(self, catalogDatabase, catalogTableName, catalogId=""):
        self.database, self.table = catalogDatabase.lower(), catalogTableName.lower()

    def setFormat(self, format, **options):
        self.format = format_name(format)
        self.format_options.update(options)
        self.compression = options.get("compression", self.compression)

    def setAccumulableSize(self, size):
        pass

    def write(self, frame, info=""):
        return self.writeFrame(frame, info)

    def writeFrame(self, dynamic_frame, info=""):
        df = dynamic_frame.toDF() if hasattr(dynamic_frame, "toDF") and not hasattr(dynamic_frame, "sparkSession") else dynamic_frame
        if not df.columns:
            return dynamic_frame
        bucket, prefix = _s3.split(self.path)
        prefix = prefix.rstrip("/") + "/" if prefix else ""
        root, path_keys, path_values = prefix, [], []
        while True:  # folders of the form key=value at the end are partitions too
            m = re.match(r"(.*/|)([^/=]+)=([^/]*)/$", root)
            if not m:
                break
            root, path_keys, path_values = m.group(1), [m.group(2)] + path_keys, [unquote(m.group(3))] + path_values
        table = self._table() if self.database and self.update else None
        if table is not None and self.format == "parquet":
            df = self._widened(df, table)
        folder = _s3.scratch("out")
        self._spark_write(df, folder)
        names = [n for n in _s3.files(folder) if not os.path.basename(n).startswith(("_", "."))]
        batch = _stream.current
        if names:
            self._put(folder, names, bucket, prefix, batch)
        shutil.rmtree(folder)
        if self.database and self.update and names:
            keys = path_keys + self.keys
            columns = [(f.name.lower(), _type(f.dataType)) for f in df.schema.fields if f.name not in self.keys]
            self._bring_up(table, "s3://%s/%s" % (bucket, root), columns, keys)
            values = {tuple(path_values + [unquote(p.split("=", 1)[1]) for p in n.split("/")[:-1]]) : os.path.dirname(n) for n in names}
            self._partitions(keys, values, "s3://%s/%s" % (bucket, prefix))
        return dynamic_frame

    def _spark_write(self, df, folder):
        w = df.write.mode("overwrite")
        if self.keys:
            w = w.partitionBy(*self.keys)
        if self.format == "csv":
            o = self.format_options
            w = w.option("header", str(o.get("writeHeader", True)).lower()).option("sep", o.get("separator", ","))
        compression = self.compression or self.format_options.get("compression")
        if compression:
            compression = {"uncompressed": "none"}.get(str(compression).lower(), str(compression).lower())
            w = w.option("compression", compression)
        w.format(self.format).save(folder)

    def _put(self, folder, names, bucket, prefix, batch):
        at = _stream.run_time(bucket, prefix)
        keys = {}
        for name in names:
            part = len(keys) + (batch.part if batch else 0)
            base = os.path.basename(name)
            ending = re.sub(r"^c\d+\.", "", base[base.index(".") + 1 :]) if "." in base else self.format
            if self.format == "parquet":
                codec = ending.rsplit(".", 2)[-2] if ending.count(".") else ""
                codec = {"snappy": "-snappy", "gz": "-gzip", "gzip": "-gzip", "zstd": "-zstd", "lz4": "-lz4"}.get(codec, "")
                leaf = "run-%d-part-block-0-r-%05d%s.parquet" % (at, part, codec)
            else:
                ending = {"json": "", "csv": "", "orc": ""}.get(ending, "." + ending.split(".", 1)[-1] if "." in ending else "")
                leaf = "run-%d-part-r-%05d%s" % (at, part, ending)
            keys[name] = prefix + os.path.join(os.path.dirname(name), leaf)
        if batch is not None:
            batch.part += len(keys)
            batch.note(bucket, list(keys.values()))
        for name, key in keys.items():
            _s3.client("s3").upload_file(os.path.join(folder, name), bucket, key)

    def _table(self):
        glue = _s3.client("glue")
        try:
            return glue.get_table(DatabaseName=self.database, Name=self.table)["Table"]
        except glue.exceptions.EntityNotFoundException:
            return None

    def _widened(self, df, table):
        """The frame in the types of the table, where those are wider."""
        from pyspark.sql.functions import col

        have = {c["Name"].lower(): c.get("Type", "") for c in table["StorageDescriptor"]["Columns"]}
        out = []
        for f in df.schema.fields:
            mine, theirs = f.dataType.simpleString(), have.get(f.name.lower(), "")
            name = "`%s`" % f.name.replace("`", "``")
            if mine in _WIDER and theirs in _WIDER and _WIDER.index(theirs) > _WIDER.index(mine) or theirs == "string" and mine in _WIDER + ["boolean"]:
                out.append(col(name).cast(theirs).alias(f.name))
            else:
                out.append(col(name))
        return df.select(*out)

    def _bring_up(self, table, location, columns, keys):
        glue = _s3.client("glue")
        for attempt in range(10):
            if table is None:
                i, o, serde, params = _SERDES[self.format]
                parameters = {"classification": self.format, "compressionType": "none", "typeOfData": "file", "EXTERNAL": "TRUE"}
                if self.format == "parquet":
                    parameters["useGlueParquetWriter"] = "true"
                if self.format == "csv" and str(self.format_options.get("writeHeader", True)).lower() != "false":
                    parameters["skip.header.line.count"] = "1"
                try:
                    glue.create_table(DatabaseName=self.database, TableInput={
                        "Name": self.table, "TableType": "EXTERNAL_TABLE", "Owner": "owner", "Parameters": parameters,
                        "StorageDescriptor": {"Columns": [{"Name": n, "Type": t} for n, t in columns], "Location": location, "InputFormat": i, "OutputFormat": o, "SerdeInfo": {"SerializationLibrary": serde, "Parameters": params}, "NumberOfBuckets": -1},
                        "PartitionKeys": [{"Name": k.lower(), "Type": "string"} for k in keys],
                    })
                    return
                except glue.exceptions.AlreadyExistsException:
                    table = self._table()
                    continue
            if self.behavior != "UPDATE_IN_DATABASE":
                return
            have = {c["Name"].lower(): c for c in table["StorageDescriptor"]["Columns"]}
            changed = retyped = False
            for n, t in columns:
                c = have.get(n)
                if c is None:
                    table["StorageDescriptor"]["Columns"].append({"Name": n, "Type": t})
                    changed = True
                elif c.get("Type") != t and t in _WIDER and c.get("Type") in _WIDER and _WIDER.index(t) > _WIDER.index(c["Type"]):
                    c["Type"] = t
                    changed = retyped = True
            if not changed:
                return
            if retyped:
                self._retype(glue, table["StorageDescriptor"]["Columns"])
            known = ("Name", "Description", "Owner", "LastAccessTime", "LastAnalyzedTime", "Retention", "StorageDescriptor", "PartitionKeys", "ViewOriginalText", "ViewExpandedText", "TableType", "Parameters", "TargetTable")
            try:
                glue.update_table(DatabaseName=self.database, TableInput={k: v for k, v in table.items() if k in known}, VersionId=table.get("VersionId", ""))
                return
            except glue.exceptions.ConcurrentModificationException:
                table = self._table()
        raise RuntimeError("the table %s.%s is being changed by somebody else all the time" % (self.database, self.table))

    def _retype(self, glue, columns):
        """Gives the partitions, whose files are read by the types that each keeps, the columns that the table is about to have."""
        types = {c["Name"].lower(): c.get("Type") for c in columns}
        known = ("Values", "LastAccessTime", "LastAnalyzedTime", "StorageDescriptor", "Parameters")
        token = {}
        while token is not None:
            out = glue.get_partitions(DatabaseName=self.database, TableName=self.table, **token)
            entries = []
            for p in out.get("Partitions", []):
                own = p.get("StorageDescriptor", {}).get("Columns", [])
                if any(types.get(c["Name"].lower(), c.get("Type")) != c.get("Type") for c in own):
                    p["StorageDescriptor"]["Columns"] = columns
                    entries.append({"PartitionValueList": p["Values"], "PartitionInput": {k: v for k, v in p.items() if k in known}})
            for n in range(0, len(entries), 100):
                failed = glue.batch_update_partition(DatabaseName=self.database, TableName=self.table, Entries=entries[n : n + 100])
                for e in failed.get("Errors", []):
                    if e["ErrorDetail"]["ErrorCode"] != "EntityNotFoundException":
                        raise RuntimeError("partition %s: %s" % (e.get("PartitionValueList"), e["ErrorDetail"].get("ErrorMessage")))
            token = {"NextToken": out["NextToken"]} if out.get("NextToken") else None

    def _partitions(self, keys, values, base):
        if not keys:
            return
        glue = _s3.client("glue")
        table = self._table()
        if table is None:
            return
        if len(table.get("PartitionKeys", [])) != len(keys):
            raise ValueError("the table %s.%s has %d partition keys, and the job writes %d: %s" % (self.database, self.table, len(table.get("PartitionKeys", [])), len(keys), ", ".join(keys)))
        inputs = [{"Values": list(v), "StorageDescriptor": dict(table["StorageDescriptor"], Location=(base + folder).rstrip("/") + "/")} for v, folder in values.items()]
        for n in range(0, len(inputs), 100):
            out = glue.batch_create_partition(DatabaseName=self.database, TableName=self.table, PartitionInputList=inputs[n : n + 100])
            for e in out.get("Errors", []):
                if e["ErrorDetail"]["ErrorCode"] != "AlreadyExistsException":
                    raise RuntimeError("partition %s: %s" % (e.get("PartitionValues"), e["ErrorDetail"].get("ErrorMessage")))


def _type(t):
    """A type of Spark as the catalog names it."""
    from pyspark.sql import types

    if isinstance(t, types.StructType):
        return "struct<%s>" % ",".join("%s:%s" % (f.name.lower(), _type(f.dataType)) for f in t.fields)
    if isinstance(t, types.ArrayType):
        return "array<%s>" % _type(t.elementType)
    if isinstance(t, types.MapType):
        return "map<%s,%s>" % (_type(t.keyType), _type(t.valueType))
    if isinstance(t, types.TimestampNTZType):
        return "timestamp"
    return t.simpleString()
