"""Types of columns. A frame's schema has Spark's."""
from pyspark.sql.types import *  # noqa: F401,F403
from pyspark.sql.types import ArrayType, BinaryType, BooleanType, ByteType, DataType, DateType, DecimalType, DoubleType, FloatType, IntegerType, LongType, MapType, NullType, ShortType, StringType, StructField, StructType, TimestampType  # noqa: F401

Field = StructField
