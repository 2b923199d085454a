"""EvaluateDataQuality, for the rules on the numbers of columns and rows: those that Glue Studio writes by itself.

All others are refused with their names.
"""
import re
import sys

from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection

_RULE = re.compile(r"(ColumnCount|RowCount)\s*(<=|>=|=|<|>)\s*(\d+)$")


def _rules(ruleset):
    m = re.search(r"Rules\s*=\s*\[(.*)\]", re.sub(r"#.*", "", ruleset), re.S)
    if not m:
        raise ValueError("the ruleset has no Rules = [...]")
    return [r for r in (x.strip() for x in re.split(r",|\n", m.group(1))) if r]


def _evaluate(frame, ruleset):
    df, out = frame.toDF(), []
    for rule in _rules(ruleset):
        m = _RULE.match(rule)
        if not m:
            raise ValueError("the rule %r is not supported on this node: ColumnCount and RowCount are" % rule)
        got, want = len(df.columns) if m.group(1) == "ColumnCount" else df.count(), int(m.group(3))
        passed = {"<": got < want, ">": got > want, "<=": got <= want, ">=": got >= want, "=": got == want}[m.group(2)]
        out.append((rule, "Passed" if passed else "Failed", None if passed else "Value: %d does not meet the constraint requirement!" % got))
        print("Data quality: %s: %s (%d)" % (rule, out[-1][1], got), file=sys.stderr, flush=True)
    return out


class EvaluateDataQuality:
    @classmethod
    def apply(cls, frame, ruleset, publishing_options=None, additional_options=None, **kwargs):
        spark = frame.glue_ctx.spark_session
        df = spark.createDataFrame(_evaluate(frame, ruleset), "Rule string, Outcome string, FailureReason string")
        return DynamicFrame(df, frame.glue_ctx, "EvaluateDataQuality")

    def process_rows(self, frame, ruleset, publishing_options=None, additional_options=None, **kwargs):
        outcomes = self.apply(frame, ruleset, publishing_options, additional_options)
        return DynamicFrameCollection({"rowLevelOutcomes": frame, "originalData": frame, "ruleOutcomes": outcomes}, frame.glue_ctx)
