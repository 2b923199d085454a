"""DynamicFrame, on a DataFrame of Spark.

Types are decided when a frame is made: there are no columns of several types, and resolveChoice has casts alone to do.
"""
from pyspark.sql import functions as f


class DynamicFrame:
    def __init__(self, df, glue_ctx, name=""):
        self._df, self.glue_ctx, self.name = df, glue_ctx, name

    @classmethod
    def fromDF(cls, dataframe, glue_ctx, name=""):
        return cls(dataframe, glue_ctx, name)

    def _new(self, df, name=None):
        return DynamicFrame(df, self.glue_ctx, name or self.name)

    def toDF(self, options=None, **kwargs):
        return self._df

    def count(self):
        return self._df.count()

    def schema(self):
        return self._df.schema

    def printSchema(self):
        self._df.printSchema()

    def show(self, num_rows=20):
        for row in self._df.limit(num_rows).toJSON().collect():
            print(row)

    def getNumPartitions(self):
        return self._df.rdd.getNumPartitions()

    def repartition(self, num_partitions, *args, **kwargs):
        return self._new(self._df.repartition(num_partitions))

    def coalesce(self, num_partitions, *args, **kwargs):
        return self._new(self._df.coalesce(num_partitions))

    def errorsCount(self):
        return 0

    def stageErrorsCount(self):
        return 0

    def assertErrorThreshold(self):
        pass

    def select_fields(self, paths, transformation_ctx="", **kwargs):
        return self.apply_mapping([(p, p) for p in paths])

    def drop_fields(self, paths, transformation_ctx="", **kwargs):
        df = self._df
        for p in paths:
            if p in df.columns:
                df = df.drop(p)
            elif "." in p and p.split(".")[0] in df.columns:
                head, rest = p.split(".", 1)
                df = df.withColumn(head, _col(head).dropFields(rest))
        return self._new(df)

    def rename_field(self, oldName, newName, transformation_ctx="", **kwargs):
        return self._new(self._df.withColumnRenamed(oldName, newName))

    def split_fields(self, paths, name1, name2, transformation_ctx="", **kwargs):
        return DynamicFrameCollection({name1: self.select_fields(paths), name2: self.drop_fields(paths)}, self.glue_ctx)

    def split_rows(self, comparison_dict, name1, name2, transformation_ctx="", **kwargs):
        cond = f.lit(True)
        for path, tests in comparison_dict.items():
            for op, v in tests.items():
                c = _col(path)
                cond = cond & {">": c > v, "<": c < v, ">=": c >= v, "<=": c <= v, "=": c == v, "!=": c != v}[op]
        return DynamicFrameCollection({name1: self._new(self._df.filter(cond)), name2: self._new(self._df.filter(~cond | cond.isNull()))}, self.glue_ctx)

    def apply_mapping(self, mappings, case_sensitive=False, transformation_ctx="", **kwargs):
        have = self._df.columns
        lower = {c.lower(): c for c in have}
        tree = {}
        for m in mappings:
            source, target, kind = (m[0], m[1], None) if len(m) == 2 else (m[0], m[2], m[3])
            head = source.split(".")[0].strip("`")
            if source in have:
                c = _col(source)
            elif head in have or not case_sensitive and head.lower() in lower:
                c = f.col(source)
            else:
                continue
            if kind:
                c = c.cast(_spark_type(kind))
            at = tree
            *folders, leaf = target.strip("`").split(".") if "`" not in target else [target.strip("`")]
            for p in folders:
                at = at.setdefault(p, {})
            at[leaf] = c

        def build(node):
            return [(f.struct(*build(v)) if isinstance(v, dict) else v).alias(k) for k, v in node.items()]

        return self._new(self._df.select(*build(tree)))

    mapping = apply_mapping

    def filter(self, f=None, transformation_ctx="", **kwargs):
        schema, keep = self._df.schema, f

        def kept(row):
            try:
                return bool(keep(_Record(row.asDict(True))))
            except (KeyError, TypeError, ValueError):  # of a field that is not there, or null
                return False

        rdd = self._df.rdd.filter(kept)
        return self._new(self.glue_ctx.spark_session.createDataFrame(rdd, schema))

    def map(self, f=None, preservesPartitioning=False, transformation_ctx="", **kwargs):
        change = f
        rdd = self._df.rdd.map(lambda row: dict(change(_Record(row.asDict(True)))))
        if rdd.isEmpty():
            return self._new(self._df)
        import json

        texts = rdd.map(lambda d: json.dumps(d, default=str))
        return self._new(self.glue_ctx.spark_session.read.json(texts))

    def join(self, paths1, paths2, frame2, transformation_ctx="", **kwargs):
        other, left = frame2.toDF(), self._df
        for c in other.columns:
            if c in left.columns:
                other = other.withColumnRenamed(c, "." + c)
        cond = None
        for a, b in zip(paths1, paths2):
            b = "." + b if b in left.columns else b
            one = left[_quoted(a)] == other[_quoted(b)]
            cond = one if cond is None else cond & one
        return self._new(left.join(other, cond, "inner"))

    def union(self, other_frame, transformation_ctx="", **kwargs):
        return self._new(self._df.unionByName(other_frame.toDF(), allowMissingColumns=True))

    def resolveChoice(self, specs=None, choice="", database=None, table_name=None, transformation_ctx="", catalog_id=None, **kwargs):
        df = self._df
        for path, action in specs or []:
            kind, _, to = action.partition(":")
            if kind == "cast" and path in df.columns:
                df = df.withColumn(path, _col(path).cast(_spark_type(to)))
        if choice == "match_catalog" and database and table_name:
            from awsglue import _s3

            for c in _s3.client("glue").get_table(DatabaseName=database, Name=table_name)["Table"]["StorageDescriptor"]["Columns"]:
                if c["Name"] in df.columns:
                    df = df.withColumn(c["Name"], _col(c["Name"]).cast(c["Type"]))
        elif choice.startswith("cast:"):
            for c in df.columns:
                df = df.withColumn(c, _col(c).cast(_spark_type(choice[5:])))
        return self._new(df)

    def mergeDynamicFrame(self, stage_dynamic_frame, primary_keys, transformation_ctx="", options=None, **kwargs):
        """This frame with its rows replaced by those of a staging frame that have the same keys; others of it are added."""
        stage = stage_dynamic_frame.toDF()
        keys = stage.select(*[_col(k).alias("k%d" % n) for n, k in enumerate(primary_keys)]).distinct()
        on = [_df_col(self._df, k) == keys["k%d" % n] for n, k in enumerate(primary_keys)]
        return self._new(self._df.join(keys, on, "leftanti").unionByName(stage, allowMissingColumns=True))

    def spigot(self, path, options=None, transformation_ctx="", **kwargs):
        from awsglue.transforms import Spigot

        return Spigot()(self, path, options)

    def errorsAsDynamicFrame(self):
        return self.glue_ctx.create_dynamic_frame._frame(None, self.name)

    def unnest(self, transformation_ctx="", **kwargs):
        return self._new(_unnested(self._df))

    def unbox(self, path, format, transformation_ctx="", **kwargs):
        if format != "json":
            raise ValueError("unbox: the format %r is not supported on this node: json is" % format)
        schema = self.glue_ctx.spark_session.read.json(self._df.select(_col(path)).rdd.map(lambda r: r[0] or "{}")).schema
        return self._new(self._df.withColumn(path, f.from_json(_col(path), schema)))

    def simplify_ddb_json(self, *args, **kwargs):
        raise NotImplementedError("simplify_ddb_json is not supported on this node")

    def relationalize(self, root_table_name, staging_path, options=None, transformation_ctx="", **kwargs):
        from pyspark.sql.types import ArrayType

        frames, todo = {}, [(root_table_name, self._df)]
        while todo:
            name, df = todo.pop(0)
            df = _unnested(df)
            for field in df.schema.fields:
                if isinstance(field.dataType, ArrayType):
                    df = df.withColumn(field.name, f.struct(f.monotonically_increasing_id().alias("id"), _col(field.name).alias("v"))).persist()
                    c = _col(field.name)
                    child = df.filter(c["v"].isNotNull()).select(c["id"].alias("id"), f.posexplode(c["v"])).withColumnRenamed("pos", "index").withColumnRenamed("col", field.name + ".val")
                    todo.append(("%s_%s" % (name, field.name), child))
                    df = df.withColumn(field.name, f.when(c["v"].isNotNull(), c["id"]))
            frames[name] = self._new(df, name)
        return DynamicFrameCollection(frames, self.glue_ctx)

    def write(self, connection_type, connection_options=None, format=None, format_options=None, accumulator_size=0):
        return self.glue_ctx._write(self, connection_type, connection_options, format, format_options)


class _Record(dict):
    """A record, as functions of filters and maps see it: fields of structures are dictionaries too."""


class DynamicFrameCollection:
    def __init__(self, dynamic_frames, glue_ctx):
        self._frames, self.glue_ctx = dict(dynamic_frames), glue_ctx

    def __getitem__(self, key):
        return self._frames[key]

    def __len__(self):
        return len(self._frames)

    def keys(self):
        return self._frames.keys()

    def values(self):
        return self._frames.values()

    def select(self, key, transformation_ctx=""):
        return self._frames[key]

    def map(self, callable, transformation_ctx="", **kwargs):
        return DynamicFrameCollection({k: callable(v, transformation_ctx) for k, v in self._frames.items()}, self.glue_ctx)


class DynamicFrameReader:
    def __init__(self, glue_context):
        self._glue_context = glue_context

    def from_options(self, connection_type, connection_options=None, format=None, format_options=None, transformation_ctx="", push_down_predicate="", **kwargs):
        o = dict(connection_options or {})
        if connection_type != "s3":
            raise ValueError("sources of the type %r are not supported on this node: s3 is" % connection_type)
        paths = o.get("paths") or ([o["path"]] if o.get("path") else [])
        if isinstance(paths, str):
            paths = [paths]
        exclusions = o.get("exclusions") or []
        if isinstance(exclusions, str):
            import json

            exclusions = json.loads(exclusions)
        bounds = int(o.get("boundedFiles") or 0), int(o.get("boundedSize") or 0)
        df = self._glue_context._read(paths, format, format_options, str(o.get("recurse", True)).lower() == "true", exclusions, transformation_ctx, bounds=bounds)
        return self._frame(df, transformation_ctx)

    def from_catalog(self, database=None, table_name=None, redshift_tmp_dir="", transformation_ctx="", push_down_predicate="", additional_options=None, catalog_id=None, **kwargs):
        database = database or kwargs.get("name_space")
        df = self._glue_context._read_table(database, table_name, push_down_predicate, transformation_ctx, additional_options or {})
        return self._frame(df, transformation_ctx)

    def from_rdd(self, data, name, schema=None, sampleRatio=None):
        return DynamicFrame(self._glue_context.spark_session.createDataFrame(data, schema, sampleRatio), self._glue_context, name)

    def _frame(self, df, name):
        if df is None:
            from pyspark.sql.types import StructType

            df = self._glue_context.spark_session.createDataFrame([], StructType([]))
        return DynamicFrame(df, self._glue_context, name)


class DynamicFrameWriter:
    def __init__(self, glue_context):
        self._glue_context = glue_context

    def from_options(self, frame, connection_type, connection_options=None, format=None, format_options=None, transformation_ctx="", **kwargs):
        return self._glue_context._write(frame, connection_type, connection_options, format, format_options)

    def from_catalog(self, frame, database=None, table_name=None, redshift_tmp_dir="", transformation_ctx="", additional_options=None, catalog_id=None, **kwargs):
        return self._glue_context._write_catalog(frame, database or kwargs.get("name_space"), table_name, additional_options)


def _quoted(name):
    return "`%s`" % name.strip("`").replace("`", "``")


def _col(name):
    return f.col(name if "." in name and "`" not in name and not name.startswith(".") else _quoted(name))


def _df_col(df, name):
    return df[name if "." in name and name not in df.columns else _quoted(name)]


def _spark_type(kind):
    return {"long": "bigint", "short": "smallint", "byte": "tinyint", "integer": "int"}.get(kind, kind)


def _unnested(df):
    from pyspark.sql.types import StructType

    while any(isinstance(x.dataType, StructType) for x in df.schema.fields):
        out = []
        for x in df.schema.fields:
            if isinstance(x.dataType, StructType):
                out += [f.col(_quoted(x.name))[y.name].alias(x.name + "." + y.name) for y in x.dataType.fields]
            else:
                out.append(f.col(_quoted(x.name)))
        df = df.select(*out)
    return df
