"""Runs the script of a job: run.py SCRIPT ARGUMENTS. What went wrong is left in error.json for the node."""
import json
import os
import re
import sys
import traceback

folder = os.environ["BROOKMERE_JOB_FOLDER"]
own = __file__

_CATEGORIES = [
    ("IMPORT_ERROR", ("ModuleNotFoundError", "ImportError")),
    ("SYNTAX_ERROR", ("SyntaxError", "IndentationError", "TabError")),
    ("QUERY_ERROR", ("AnalysisException", "ParseException")),
    ("INVALID_ARGUMENT_ERROR", ("GlueArgumentError", "IllegalArgumentException", "ParamValidationError")),
    ("PERMISSION_ERROR", ("PermissionError", "AccessDenied", "AccessDeniedException")),
    ("RESOURCE_NOT_FOUND_ERROR", ("NoSuchBucket", "NoSuchKey", "EntityNotFoundException", "ResourceNotFoundException", "FileNotFoundError")),
    ("THROTTLING_ERROR", ("ThrottlingException", "ProvisionedThroughputExceededException", "SlowDown")),
    ("CONNECTION_ERROR", ("ConnectionError", "EndpointConnectionError", "ConnectionRefusedError", "ConnectTimeoutError")),
    ("OUT_OF_MEMORY_ERROR", ("MemoryError",)),
    ("UNSUPPORTED_OPERATION_ERROR", ("NotImplementedError",)),
    ("UNCLASSIFIED_SPARK_ERROR", ("Py4JJavaError", "StreamingQueryException", "SparkRuntimeException")),
]


def category(names):
    for kind, members in _CATEGORIES:
        if any(n in members for n in names):
            return kind
    return "UNCLASSIFIED_ERROR"


def missing(modules):
    """Those of --additional-python-modules that are not installed."""
    from importlib import metadata

    found = []
    for m in modules:
        name = re.split(r"[\s<>=!~;\[@]", m, maxsplit=1)[0]
        try:
            have = metadata.version(name)
        except metadata.PackageNotFoundError:
            found.append(m)
            continue
        exact = re.search(r"==\s*([^\s,;*]+)\s*$", m)
        if exact and exact.group(1) != have:
            found.append("%s (%s is installed)" % (m, have))
    return found


def fail(code, **told):
    part = os.path.join(folder, "error.part")
    with open(part, "w") as f:
        json.dump(told, f)
    os.replace(part, os.path.join(folder, "error.json"))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main():
    with open(os.path.join(folder, "job.json")) as f:
        job = json.load(f)
    script, arguments = sys.argv[1], sys.argv[2:]
    sys.path[0] = os.path.dirname(script)
    libraries = [os.path.join(folder, "py", n) for n in job["archives"]] + [os.path.join(folder, "py")]
    sys.path[1:1] = libraries
    os.environ["PYTHONPATH"] = os.pathsep.join(libraries + [os.environ.get("PYTHONPATH", "")])  # of Spark's workers too
    lacking = missing(job["modules"])
    if lacking:
        text = "Python modules are not installed: %s. Run on the node's machine: brookmere jobs setup %s" % (", ".join(lacking), " ".join("'%s'" % m.split(" (")[0] for m in lacking))
        print(text, file=sys.stderr)
        fail(1, type="ModuleNotFoundError", message=text, category="IMPORT_ERROR")
    sys.argv = [script] + arguments
    names = {"__name__": "__main__", "__file__": script, "__builtins__": __builtins__}
    sys.modules["__main__"].__dict__.update(names)
    try:
        with open(script, "rb") as f:
            code = compile(f.read(), script, "exec")
        exec(code, sys.modules["__main__"].__dict__)
        sys.stdout.flush()
    except SystemExit as e:
        if e.code is None or e.code == 0:
            return
        number = e.code & 255 if isinstance(e.code, int) else 1
        if not isinstance(e.code, int):
            print(e.code, file=sys.stderr)
        fail(number or 1, type="SystemExit", message=str(e.code), category="SYSTEM_EXIT_ERROR")
    except BaseException as e:
        kind = type(e)
        names = [c.__name__ for c in kind.__mro__]
        response = getattr(e, "response", None)
        if isinstance(response, dict):
            names.insert(0, str((response.get("Error") or {}).get("Code", "")))
        line = None
        for frame in traceback.extract_tb(e.__traceback__):
            if frame.filename == script:
                line = frame.lineno
        if isinstance(e, SyntaxError) and e.filename == script:
            line = e.lineno
        shown = traceback.TracebackException(kind, e, e.__traceback__)
        shown.stack = traceback.StackSummary.from_list([f for f in shown.stack if f.filename != own])
        print("".join(shown.format()), file=sys.stderr, end="")
        fail(1, type=kind.__name__, message=str(e)[:20000], line=line, category=category(names))


main()
