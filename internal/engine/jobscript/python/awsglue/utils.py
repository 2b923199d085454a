"""Arguments of a job."""
import argparse
import sys


class GlueArgumentError(Exception):
    """An argument that the script needs was not given."""


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        raise GlueArgumentError(message)


_RESERVED = ("job-bookmark-option", "job-bookmark-from", "job-bookmark-to", "continuation-option", "JOB_ID", "JOB_RUN_ID", "SECURITY_CONFIGURATION", "RedshiftTempDir", "encryption-type", "enable-metrics")


def getResolvedOptions(args, options):
    """The values of options among args, and those that Glue itself gives a job."""
    parser = _Parser(prog=args[0] if args else None)
    for name in _RESERVED:
        if name == "enable-metrics":
            parser.add_argument("--" + name, nargs="?", const="true", required=False)
        else:
            parser.add_argument("--" + name, required=False)
    if "TempDir" not in options:
        parser.add_argument("--TempDir", required=False)
    for name in options:
        if name in _RESERVED and name not in ("JOB_ID", "JOB_RUN_ID"):
            raise RuntimeError("Using reserved arguments " + name)
        if name not in _RESERVED:
            parser.add_argument("--" + name, required=True)
    found, _ = parser.parse_known_args(args[1:])
    values = vars(found)
    bookmark = values.get("job_bookmark_option") or "job-bookmark-disable"
    if bookmark not in ("job-bookmark-enable", "job-bookmark-pause", "job-bookmark-disable"):
        raise GlueArgumentError("argument --job-bookmark-option: invalid choice: %r" % bookmark)
    values["job_bookmark_option"] = bookmark
    return values
