"""FillMissingValues, as visual jobs have it: a linear regression for numbers, naive Bayes for all else."""
import decimal
import math
from collections import Counter, defaultdict

from awsglue.transforms import GlueTransform

__all__ = ["FillMissingValues"]

_FEATURES, _CLASSES = 32, 1000


class FillMissingValues(GlueTransform):
    def __call__(self, frame, missing_values_column, output_column="", **kwargs):
        from pyspark.sql import functions as f
        from pyspark.sql.types import ArrayType, DecimalType, IntegralType, MapType, NumericType, StructType

        df, column = frame.toDF(), missing_values_column
        if column not in df.columns:
            raise ValueError("there is no column %r" % column)
        target = output_column or column + "_filled"
        kind = df.schema[column].dataType
        number = isinstance(kind, NumericType)
        nested = (ArrayType, MapType, StructType)
        others = [x.name for x in df.schema.fields if x.name != column and not isinstance(x.dataType, nested) and (not number or isinstance(x.dataType, NumericType))][:_FEATURES]

        def missing(v):
            return v is None or v == ""

        def quoted(name):
            return f.col("`%s`" % name.replace("`", "``"))

        known = [r for r in df.select(quoted(column), *[quoted(c) for c in others]).collect() if not missing(r[0])]
        if not known:
            raise ValueError("the column %r has no value in any row, so that none can be estimated" % column)
        estimate = _regression(known) if number else _classifier(known, column)

        def filled(v, *row):
            if not missing(v):
                return v
            v = estimate(row)
            if isinstance(kind, IntegralType):
                return int(math.floor(abs(v) + 0.5)) * (1 if v >= 0 else -1)
            return decimal.Decimal(repr(v)).quantize(decimal.Decimal(1).scaleb(-kind.scale)) if isinstance(kind, DecimalType) else v

        fill = f.udf(filled, kind)
        return frame._new(df.withColumn(target, fill(quoted(column), *[quoted(c) for c in others])))


def _regression(known):
    import numpy

    width = len(known[0]) - 1
    x = numpy.array([[math.nan if v is None else float(v) for v in r[1:]] for r in known], dtype=float).reshape(len(known), width)
    y = numpy.array([float(r[0]) for r in known])
    means = numpy.array([numpy.nanmean(c) if not numpy.isnan(c).all() else 0.0 for c in x.T]) if width else numpy.zeros(0)
    x = numpy.where(numpy.isnan(x), means, x)
    scales = x.std(axis=0) if width else numpy.zeros(0)
    scales[scales == 0] = 1
    p, mean = (x - means) / scales, float(y.mean())
    weights = numpy.linalg.solve(p.T @ p / len(y) + 1e-9 * numpy.eye(width), p.T @ (y - mean) / len(y)).tolist() if width else []
    means, scales = means.tolist(), scales.tolist()

    def estimate(row):
        return mean + sum(w * (float(v) - m) / s for w, v, m, s in zip(weights, row, means, scales) if v is not None)

    return estimate


def _classifier(known, column):
    classes = Counter(r[0] for r in known)
    if len(classes) > _CLASSES:
        raise ValueError("the column %r has more than %d different values, too many to estimate which is missing" % (column, _CLASSES))
    seen, distinct = defaultdict(Counter), defaultdict(set)
    for r in known:
        for n, v in enumerate(r[1:]):
            if v is not None:
                seen[r[0], n][v] += 1
                distinct[n].add(v)
    order, seen, distinct = list(classes.items()), dict(seen), dict(distinct)

    def estimate(row):
        def score(c):
            value, rows = c
            return math.log(rows) + sum(math.log((seen.get((value, n), {}).get(v, 0) + 1) / (rows + len(distinct.get(n, ())) + 1)) for n, v in enumerate(row) if v is not None)

        return max(order, key=score)[0]

    return estimate
