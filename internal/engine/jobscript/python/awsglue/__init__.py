"""The part of AWS Glue's Python library that jobs of Brookmere's nodes run with.

awsglue.utils works without Spark, for Python shell jobs; everything else needs pyspark.
"""


def __getattr__(name):
    if name in ("DynamicFrame", "DynamicFrameCollection"):
        from awsglue import dynamicframe

        return getattr(dynamicframe, name)
    raise AttributeError("module 'awsglue' has no attribute %r" % name)
