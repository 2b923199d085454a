"""GlueContext: sources and sinks of a job."""
import re
import sys

from pyspark.sql import DataFrame, SparkSession

from awsglue import _bookmark, _s3, _sink, _stream
from awsglue.dynamicframe import DynamicFrame, DynamicFrameReader, DynamicFrameWriter

_INFER = "$json$data_infer_schema$_temporary$"


class _Frames:
    """glueContext.create_data_frame"""

    def __init__(self, context):
        self._context = context

    def from_options(self, connection_type, connection_options=None, format=None, format_options=None, transformation_ctx="", push_down_predicate="", **kwargs):
        return self._context.create_data_frame_from_options(connection_type, connection_options, format, format_options, transformation_ctx)

    def from_catalog(self, database=None, table_name=None, redshift_tmp_dir="", transformation_ctx="", push_down_predicate="", additional_options=None, catalog_id=None, **kwargs):
        return self._context.create_data_frame_from_catalog(database, table_name, redshift_tmp_dir, transformation_ctx, push_down_predicate, additional_options)


class _WriteFrames:
    """glueContext.write_data_frame"""

    def __init__(self, context):
        self._context = context

    def from_options(self, frame, connection_type, connection_options=None, format=None, format_options=None, transformation_ctx="", **kwargs):
        return self._context._write(frame, connection_type, connection_options, format, format_options)

    def from_catalog(self, frame, database, table_name, redshift_tmp_dir="", transformation_ctx="", additional_options=None, catalog_id=None, **kwargs):
        return self._context._write_catalog(frame, database, table_name, additional_options)


class _Logger:
    def _say(self, level, *args):
        print(level, *args, file=sys.stderr, flush=True)

    def info(self, *args):
        self._say("INFO", *args)

    def warn(self, *args):
        self._say("WARN", *args)

    warning = warn

    def error(self, *args):
        self._say("ERROR", *args)

    def debug(self, *args):
        pass


# What Spark says when a Python process of its own has not come up within ten seconds, and how often a stream is started
# where that happens: it goes on from its checkpoint.
_TOO_SLOW, _STARTS = "Python worker failed to connect back", 10


class GlueContext:
    def __init__(self, sparkContext=None, **options):
        self.spark_session = SparkSession.builder.getOrCreate()
        self._sc = self.spark_session.sparkContext
        _s3.patch()
        _stream.patch()
        from awsglue.kinesis import KinesisDataSource

        self.spark_session.dataSource.register(KinesisDataSource)
        self.create_dynamic_frame = DynamicFrameReader(self)
        self.write_dynamic_frame = DynamicFrameWriter(self)
        self.create_data_frame = _Frames(self)
        self.write_data_frame = _WriteFrames(self)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.__dict__["_sc"], name)

    def getSparkSession(self):
        return self.spark_session

    def get_logger(self):
        return _Logger()

    def setTempDir(self, tmp_dir):
        pass

    # Streams.

    def create_data_frame_from_options(self, connection_type, connection_options=None, format=None, format_options=None, transformation_ctx="", **kwargs):
        options = dict(connection_options or {})
        if connection_type == "s3":
            return self.create_dynamic_frame.from_options(connection_type, options, format, format_options, transformation_ctx).toDF()
        if connection_type != "kinesis":
            raise ValueError("sources of the type %r are not supported on this node: kinesis and s3 are" % connection_type)
        return self._stream(options, None)

    def create_data_frame_from_catalog(self, database, table_name, redshift_tmp_dir="", transformation_ctx="", push_down_predicate="", additional_options=None, **kwargs):
        table = _s3.client("glue").get_table(DatabaseName=database, Name=table_name)["Table"]
        descriptor = table.get("StorageDescriptor") or {}
        told = dict(table.get("Parameters") or {})
        told.update((descriptor.get("SerdeInfo") or {}).get("Parameters") or {})
        told.update(descriptor.get("Parameters") or {})
        if told.get("typeOfData", "").lower() != "kinesis":
            return self.create_dynamic_frame.from_catalog(database, table_name, redshift_tmp_dir, transformation_ctx, push_down_predicate, additional_options).toDF()
        if not any(k.lower() in ("streamarn", "streamname") for k in told):
            told["streamName"] = descriptor.get("Location", "")
        told.update(additional_options or {})
        return self._stream(told, descriptor.get("Columns") or [])

    def _stream(self, options, columns):
        o = {k.lower(): v for k, v in options.items()}
        for refused in ("awsstsrolearn", "awsstssessionname"):
            if o.get(refused):
                raise ValueError("the option %s of Kinesis sources is not supported on this node: the stream is read as the job's role" % refused)
        wanted = ("streamarn", "streamname", "startingposition", "maxfetchrecordspershard")
        reader = self.spark_session.readStream.format("kinesis")
        for k in wanted:
            if o.get(k) is not None:
                reader = reader.option(k, str(o[k]))
        df = reader.load()
        kind = str(o.get("classification") or "").lower()
        stamp = ["approximateArrivalTimestamp AS `__src_timestamp`"] if str(o.get("addrecordtimestamp", "")).lower() == "true" else []
        if not kind:
            return df
        if kind not in ("json", "csv"):
            raise ValueError("records of the classification %r are not supported by script jobs on this node: json and csv are" % kind)
        schema = o.get("schema")
        infer = str(o.get("inferschema", "")).lower() == "true"
        if not schema and columns and not infer:
            schema = ", ".join("`%s` %s" % (c["Name"], c.get("Type") or "string") for c in columns)
        if not schema and kind == "json":
            return df.selectExpr("CAST(data AS STRING) AS `%s`" % _INFER, *stamp)
        if not schema:
            return df.selectExpr("CAST(data AS STRING) AS `csv%s`" % _INFER, *stamp)
        from pyspark.sql import functions as f

        if kind == "json":
            parsed = f.from_json(f.col("data").cast("string"), schema)
        else:
            parsed = f.from_csv(f.col("data").cast("string"), schema, {"sep": o.get("delimiter", ",")})
        return df.select(parsed.alias("r"), "approximateArrivalTimestamp").selectExpr("r.*", *stamp)

    def _expanded(self, df):
        """A batch whose columns follow from its records."""
        spark = self.spark_session
        if df.columns and df.columns[0] in (_INFER, "csv" + _INFER):
            stamped = len(df.columns) > 1
            column = df.columns[0]
            df.persist()
            strings = getattr(df.select("`%s`" % column)._jdf, "as")(spark._jvm.org.apache.spark.sql.Encoders.STRING())
            reader = spark._jsparkSession.read()
            jdf = reader.json(strings) if column == _INFER else reader.option("inferSchema", "true").csv(strings)
            out = DataFrame(jdf, spark)
            if stamped:
                from pyspark.sql import functions as f

                parsed = f.from_json(f.col("`%s`" % column), out.schema) if column == _INFER else f.from_csv(f.col("`%s`" % column), out.schema.toDDL() if hasattr(out.schema, "toDDL") else ", ".join("`%s` %s" % (x.name, x.dataType.simpleString()) for x in out.schema.fields))
                out = df.select(parsed.alias("r"), "__src_timestamp").selectExpr("r.*", "__src_timestamp")
            return out, df
        return df, None

    def forEachBatch(self, frame, batch_function, options=None):
        """Call batch_function with each window of a stream, until the job is stopped."""
        options = dict(options or {})
        location = options.get("checkpointLocation")
        if not location:
            raise ValueError("forEachBatch: the option checkpointLocation must be given")
        retries = int(options.get("batchMaxRetries", 3))

        def batch(df, number):
            for attempt in range(retries + 1):
                expanded, held = self._expanded(df)
                try:
                    return batch_function(expanded, number)
                except Exception as e:
                    if attempt == retries:
                        raise
                    print("Batch %d failed and is tried again: %s" % (number, e), file=sys.stderr, flush=True)
                    _stream.again()
                finally:
                    if held is not None:
                        held.unpersist()

        writer = frame.writeStream.foreachBatch(batch).outputMode("update").option("checkpointLocation", location)
        window = options.get("windowSize", "100 seconds")
        for start in range(_STARTS):
            query = writer.trigger(processingTime=str(window)).start()
            try:
                return query.awaitTermination()
            except Exception as e:
                if _TOO_SLOW not in str(e) or start == _STARTS - 1:
                    raise
                print("The stream's reader did not start in time, as the machine is busy: it is started again.", file=sys.stderr, flush=True)

    # Sinks.

    def getSink(self, connection_type, format=None, transformation_ctx="", **options):
        return _sink.DataSink(self, connection_type, format=format, transformation_ctx=transformation_ctx, **options)

    def getSource(self, connection_type, transformation_ctx="", **options):
        raise NotImplementedError("getSource is not supported on this node: use create_dynamic_frame.from_options")

    def _write(self, frame, connection_type, connection_options, format, format_options):
        o = dict(connection_options or {})
        sink = self.getSink(connection_type, path=o.get("path", ""), partitionKeys=o.get("partitionKeys"), compression=o.get("compression"))
        sink.setFormat(format or "parquet", **(format_options or {}))
        if o.get("compression") and not (format_options or {}).get("compression"):
            sink.compression = o["compression"]
        sink.writeFrame(frame)
        return frame

    def _write_catalog(self, frame, database, table_name, additional_options):
        o = dict(additional_options or {})
        table = _s3.client("glue").get_table(DatabaseName=database, Name=table_name)["Table"]
        d = table["StorageDescriptor"]
        keys = [k["Name"] for k in table.get("PartitionKeys") or []]
        sink = self.getSink("s3", path=d["Location"], partitionKeys=o.get("partitionKeys") or keys, enableUpdateCatalog=bool(keys) or o.get("enableUpdateCatalog", False), updateBehavior=o.get("updateBehavior", "UPDATE_IN_DATABASE") if o.get("enableUpdateCatalog") else "KEEP")
        sink.setCatalogInfo(database, table_name)
        kind = table_format(table)
        sink.setFormat(kind, **({"writeHeader": (table.get("Parameters") or {}).get("skip.header.line.count", "0") != "0"} if kind == "csv" else {}))
        sink.writeFrame(frame)
        return frame

    def write_dynamic_frame_from_options(self, frame, connection_type, connection_options=None, format=None, format_options=None, transformation_ctx=""):
        return self._write(frame, connection_type, connection_options, format, format_options)

    def write_dynamic_frame_from_catalog(self, frame, database, table_name, redshift_tmp_dir="", transformation_ctx="", additional_options=None, catalog_id=None):
        return self._write_catalog(frame, database, table_name, additional_options)

    def create_dynamic_frame_from_options(self, connection_type, connection_options=None, format=None, format_options=None, transformation_ctx="", push_down_predicate="", **kwargs):
        return self.create_dynamic_frame.from_options(connection_type, connection_options, format, format_options, transformation_ctx)

    def create_dynamic_frame_from_catalog(self, database, table_name, redshift_tmp_dir="", transformation_ctx="", push_down_predicate="", additional_options=None, catalog_id=None, **kwargs):
        return self.create_dynamic_frame.from_catalog(database, table_name, redshift_tmp_dir, transformation_ctx, push_down_predicate, additional_options)

    def add_ingestion_time_columns(self, frame, time_granularity):
        from pyspark.sql import functions as f

        parts = {"year": "yyyy", "month": "MM", "day": "dd", "hour": "HH", "minute": "mm"}
        want = list(parts)[: {"day": 3, "hour": 4, "minute": 5}[time_granularity]]
        for p in want:
            frame = frame.withColumn("ingest_" + p, f.date_format(f.current_timestamp(), parts[p]))
        return frame

    def purge_s3_path(self, s3_path, options=None, transformation_ctx="", catalog_id=None):
        bucket, prefix = _s3.split(s3_path)
        hours = float((options or {}).get("retentionPeriod", 168))
        import time

        old = [o["Key"] for o in _s3.objects(bucket, prefix) if time.time() - o["LastModified"].timestamp() > hours * 3600]
        _s3.delete(bucket, old)

    # Objects.

    def _read(self, paths, format, format_options, recurse, exclusions, transformation_ctx, schema=None, bounds=(0, 0)):
        """A frame of the objects below paths, None where there is nothing."""
        kind = (format or "").lower()
        kind = {"glueparquet": "parquet"}.get(kind, kind)
        if kind not in ("json", "csv", "parquet", "orc"):
            raise ValueError("the format %r is not supported on this node: json, csv, parquet and orc are" % format)
        o = dict(format_options or {})
        if o.get("jsonPath") not in (None, "", "$"):
            raise ValueError("jsonPath is not supported on this node")
        frames = []
        for path in paths:
            bucket, prefix = _s3.split(path)
            found = _s3.objects(bucket, prefix)
            if not recurse:
                base = prefix if prefix.endswith("/") or not prefix else prefix + "/"
                found = [x for x in found if "/" not in x["Key"][len(base):]]
            for pattern in exclusions:
                p = re.compile(re.sub(r"\\\*\\\*", ".*", re.escape(pattern)).replace(r"\*", "[^/]*") + "$")
                found = [x for x in found if not p.match("s3://%s/%s" % (bucket, x["Key"])) and not p.match(x["Key"])]
            found = _bookmark.unread(transformation_ctx and "%s %s" % (transformation_ctx, path), found, *bounds)
            if not found:
                continue
            folder = _s3.scratch("in")
            _s3.fetch(bucket, prefix, found, folder)
            r = self.spark_session.read
            if kind == "csv":
                r = r.option("header", str(o.get("withHeader", False)).lower()).option("sep", o.get("separator", ",")).option("multiLine", str(o.get("multiLine", o.get("multiline", False))).lower())
                if o.get("quoteChar") in (-1, "-1"):
                    r = r.option("quote", "")
                elif o.get("quoteChar") is not None:
                    r = r.option("quote", o["quoteChar"])
                if o.get("escaper"):
                    r = r.option("escape", o["escaper"])
            if kind == "json" and str(o.get("multiLine", o.get("multiline", False))).lower() == "true":
                r = r.option("multiLine", "true")
            if not any("=" in x["Key"][len(prefix):].rsplit("/", 1)[0] for x in found if "/" in x["Key"][len(prefix):]):
                r = r.option("recursiveFileLookup", "true")
            if schema:
                r = r.schema(schema)
            if kind == "csv" and not schema:
                df = r.csv("file://" + folder)
                if str(o.get("withHeader", False)).lower() != "true":
                    df = df.toDF(*[re.sub("^_c", "col", c) for c in df.columns])
                frames.append(df)
            else:
                frames.append(r.format(kind).load("file://" + folder))
        df = None
        for f in frames:
            df = f if df is None else df.unionByName(f, allowMissingColumns=True)
        return df

    def _read_table(self, database, name, predicate, transformation_ctx, options):
        glue = _s3.client("glue")
        table = glue.get_table(DatabaseName=database, Name=name)["Table"]
        d = table.get("StorageDescriptor") or {}
        kind = table_format(table)
        columns = ", ".join("`%s` %s" % (c["Name"], c.get("Type") or "string") for c in d.get("Columns") or [])
        fo = {}
        if kind == "csv":
            p = (d.get("SerdeInfo") or {}).get("Parameters") or {}
            fo = {"separator": p.get("field.delim") or p.get("separatorChar") or ",", "withHeader": (table.get("Parameters") or {}).get("skip.header.line.count", p.get("skip.header.line.count", "0")) != "0"}
        keys = [k["Name"] for k in table.get("PartitionKeys") or []]
        schema = columns if kind in ("csv", "json") and columns else None
        if not keys:
            return self._read([d["Location"]], kind, fo, True, [], transformation_ctx, schema)
        args = {"DatabaseName": database, "TableName": name}
        if predicate:
            args["Expression"] = predicate
        from pyspark.sql.functions import lit

        df = None
        for page in glue.get_paginator("get_partitions").paginate(**args):
            for p in page["Partitions"]:
                f = self._read([(p.get("StorageDescriptor") or d)["Location"]], kind, fo, True, [], transformation_ctx, schema)
                if f is None:
                    continue
                for k, v in zip(table["PartitionKeys"], p["Values"]):
                    f = f.withColumn(k["Name"], lit(v).cast(k.get("Type") or "string"))
                df = f if df is None else df.unionByName(f, allowMissingColumns=True)
        return df


def table_format(table):
    d = table.get("StorageDescriptor") or {}
    serde = ((d.get("SerdeInfo") or {}).get("SerializationLibrary") or "").lower()
    kind = ((table.get("Parameters") or {}).get("classification") or "").lower()
    for name, hints in (("parquet", ("parquet",)), ("orc", ("orc",)), ("json", ("json",)), ("csv", ("csv", "lazysimple"))):
        if kind in (name, "glue" + name) or any(h in serde for h in hints):
            return name
    raise ValueError("the table %s is neither Parquet nor ORC nor JSON nor CSV" % table["Name"])
