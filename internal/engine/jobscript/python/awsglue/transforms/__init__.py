"""The transforms of Glue, each a class with apply."""
from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection

__all__ = [
    "ApplyMapping", "DropFields", "DropNullFields", "ErrorsAsDynamicFrame", "Filter", "FlatMap", "Join", "Map", "MapToCollection", "Relationalize", "RenameField",
    "ResolveChoice", "SelectFields", "SelectFromCollection", "SplitFields", "SplitRows", "Spigot", "Unbox", "Union", "UnnestFrame", "GlueTransform",
]


class GlueTransform:
    @classmethod
    def apply(cls, *args, **kwargs):
        kwargs.pop("transformation_ctx", None)
        for ignored in ("info", "stageThreshold", "totalThreshold"):
            kwargs.pop(ignored, None)
        return cls()(*args, **kwargs)

    @classmethod
    def name(cls):
        return cls.__name__


class ApplyMapping(GlueTransform):
    def __call__(self, frame, mappings, case_sensitive=False, **kwargs):
        return frame.apply_mapping(mappings, case_sensitive)


class SelectFields(GlueTransform):
    def __call__(self, frame, paths, **kwargs):
        return frame.select_fields(paths)


class DropFields(GlueTransform):
    def __call__(self, frame, paths, **kwargs):
        return frame.drop_fields(paths)


class DropNullFields(GlueTransform):
    def __call__(self, frame, **kwargs):
        from pyspark.sql import functions as f

        df = frame.toDF()
        if not df.columns:
            return frame
        counts = df.select(*[f.count(f.col("`%s`" % c)).alias(c) for c in df.columns]).first()
        return frame.drop_fields([c for c in df.columns if counts[c] == 0])


class RenameField(GlueTransform):
    def __call__(self, frame, old_name, new_name, **kwargs):
        return frame.rename_field(old_name, new_name)


class Filter(GlueTransform):
    def __call__(self, frame, f, **kwargs):
        return frame.filter(f)


class Map(GlueTransform):
    def __call__(self, frame, f, **kwargs):
        return frame.map(f)


class Join(GlueTransform):
    def __call__(self, frame1, frame2, keys1, keys2, **kwargs):
        return frame1.join(keys1, keys2, frame2)


class Union(GlueTransform):
    def __call__(self, frame1, frame2, **kwargs):
        return frame1.union(frame2)


class ResolveChoice(GlueTransform):
    def __call__(self, frame, specs=None, choice="", database=None, table_name=None, **kwargs):
        return frame.resolveChoice(specs, choice, database, table_name)


class SplitFields(GlueTransform):
    def __call__(self, frame, paths, name1="", name2="", **kwargs):
        return frame.split_fields(paths, name1 or frame.name + "1", name2 or frame.name + "2")


class SplitRows(GlueTransform):
    def __call__(self, frame, comparison_dict, name1="frame1", name2="frame2", **kwargs):
        return frame.split_rows(comparison_dict, name1, name2)


class SelectFromCollection(GlueTransform):
    def __call__(self, dfc, key, **kwargs):
        return dfc.select(key)


class MapToCollection(GlueTransform):
    def __call__(self, dfc, callable, **kwargs):
        return dfc.map(callable)


class FlatMap(GlueTransform):
    def __call__(self, dfc, BaseTransform, frame_name, transformation_ctx="", **base):
        return DynamicFrameCollection({k: BaseTransform.apply(**dict(base, **{frame_name: dfc[k]})) for k in dfc.keys()}, dfc.glue_ctx)


class Relationalize(GlueTransform):
    def __call__(self, frame, staging_path=None, name="roottable", options=None, **kwargs):
        return frame.relationalize(name, staging_path, options)


class UnnestFrame(GlueTransform):
    def __call__(self, frame, **kwargs):
        return frame.unnest()


class Unbox(GlueTransform):
    def __call__(self, frame, path, format, **kwargs):
        return frame.unbox(path, format)


class Spigot(GlueTransform):
    def __call__(self, frame, path, options=None, **kwargs):
        n = int((options or {}).get("topk", 100))
        frame.glue_ctx._write(DynamicFrame(frame.toDF().limit(n), frame.glue_ctx, frame.name), "s3", {"path": path}, "json", {})
        return frame


class ErrorsAsDynamicFrame(GlueTransform):
    def __call__(self, frame, **kwargs):
        return frame.glue_ctx.create_dynamic_frame._frame(None, frame.name)
