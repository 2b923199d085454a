"""The runtime of Python functions: loads the handler, then takes one invocation after the
other from the Runtime API. Standard library alone; Python 3.6 and later."""

import sys


def _main():
    import decimal
    import importlib
    import json
    import logging
    import math
    import os
    import socket
    import time
    import traceback

    address = os.environ["AWS_LAMBDA_RUNTIME_API"]
    authority, _, prefix = address.partition("/")
    host, _, port = authority.rpartition(":")
    base = ("/" + prefix if prefix else "") + "/2018-06-01/runtime/"
    task = os.environ["LAMBDA_TASK_ROOT"]

    class Connection:
        """One HTTP/1.1 connection, kept open. The server is ours: it sends lengths."""

        def __init__(self):
            self.sock = socket.create_connection((host, int(port)))
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.buffer = bytearray()

        def more(self):
            part = self.sock.recv(262144)
            if not part:
                os._exit(0)  # the node has gone
            self.buffer += part

        def exchange(self, method, path, body=b"", headers=""):
            head = "%s %s%s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n%s\r\n" % (method, base, path, authority, len(body), headers)
            head = head.encode()
            if len(body) < 65536:
                self.sock.sendall(head + body)
            else:
                self.sock.sendall(head)
                self.sock.sendall(body)
            while True:
                end = self.buffer.find(b"\r\n\r\n")
                if end >= 0:
                    break
                self.more()
            lines = self.buffer[:end].decode("latin-1").split("\r\n")
            del self.buffer[:end + 4]
            status = int(lines[0].split(" ", 2)[1])
            fields = {}
            for line in lines[1:]:
                name, _, value = line.partition(":")
                fields[name.lower()] = value.strip()
            length = int(fields.get("content-length", "0"))
            while len(self.buffer) < length:
                self.more()
            if len(self.buffer) == length:
                content, self.buffer = self.buffer, bytearray()
            else:
                content = self.buffer[:length]
                del self.buffer[:length]
            return status, fields, content

    class Encoder(json.JSONEncoder):
        def default(self, o):
            if isinstance(o, decimal.Decimal):
                return math.nan if o.is_nan() else str(o)
            return super().default(o)

    encode = Encoder(ensure_ascii=False).encode

    connection = Connection()
    request = {"id": ""}

    class Filter(logging.Filter):
        def filter(self, record):
            record.aws_request_id = request["id"]
            return True

    class Handler(logging.StreamHandler):
        # Not the stream of now: a function may put another in its place.
        def __init__(self):
            super().__init__(sys.stdout)

    handler = Handler()
    formatter = logging.Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    in_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"

    def now():
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    class JSONFormatter(logging.Formatter):
        """A record of a logger as one JSON document, with what the caller has added to it."""

        known = set(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "aws_request_id"}

        def format(self, record):
            document = {"timestamp": now(), "level": record.levelname, "message": record.getMessage(), "logger": record.name}
            if record.exc_info and record.exc_info[0]:
                kind, error, tb = record.exc_info
                document.update(stackTrace=traceback.format_tb(tb), errorType=kind.__name__, errorMessage=str(error))
            for name, value in vars(record).items():
                if name not in self.known and name not in document:
                    document[name] = value
            if record.aws_request_id:
                document["requestId"] = record.aws_request_id
            return json.dumps(document, default=str, ensure_ascii=False)

    if in_json:
        formatter = JSONFormatter()
        logging.getLogger().setLevel({"TRACE": logging.NOTSET, "DEBUG": logging.DEBUG, "INFO": logging.INFO, "WARN": logging.WARNING, "ERROR": logging.ERROR, "FATAL": logging.CRITICAL}
                                     .get(os.environ.get("AWS_LAMBDA_LOG_LEVEL"), logging.INFO))
    handler.setFormatter(formatter)
    handler.addFilter(Filter())
    logging.getLogger().addHandler(handler)

    def flush():
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass

    def say(fault):
        """Prints an error as one event of the log."""
        if in_json:
            print(json.dumps(dict(fault, timestamp=now(), log_level="ERROR"), default=str))
            flush()
            return
        text = "[ERROR] " + (fault["errorType"] + ": " if fault["errorType"] else "") + str(fault["errorMessage"])
        if fault.get("stackTrace"):
            text += "\nTraceback (most recent call last):\n" + "".join(fault["stackTrace"])
        print(text.rstrip("\n").replace("\n", "\r"))
        flush()

    def frames(tb):
        """The stack, without the frames of this file and of the import machinery."""
        out = []
        for f in traceback.extract_tb(tb):
            if f.filename == __file__ or f.filename.startswith("<frozen importlib"):
                continue
            if f.filename.endswith("importlib/__init__.py") and not out:
                continue
            out.extend(traceback.format_list([f]))
        return out

    def of_exception(error):
        return {"errorMessage": str(error), "errorType": type(error).__name__, "requestId": request["id"], "stackTrace": frames(error.__traceback__)}

    def init_failed(kind, message, stack=()):
        fault = {"errorMessage": message, "errorType": kind, "requestId": "", "stackTrace": list(stack)}
        say(fault)
        connection.exchange("POST", "init/error", encode(fault).encode("utf-8", "replace"), "Lambda-Runtime-Function-Error-Type: %s\r\n" % kind)
        flush()
        os._exit(1)

    def load():
        name = os.environ["_HANDLER"]
        try:
            module_name, function = name.rsplit(".", 1)
        except ValueError as error:
            init_failed("Runtime.MalformedHandlerName", "Bad handler '%s': %s" % (name, error))
        path = module_name.replace("/", ".")
        try:
            if path.split(".")[0] in sys.builtin_module_names:
                init_failed("Runtime.BuiltInModuleConflict", "Cannot use built-in module %s as a handler module" % path)
            module = importlib.import_module(path)
        except ImportError as error:
            init_failed("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module_name, error))
        except SyntaxError as error:
            where = '  File "%s" Line %s\n    %s' % (error.filename, error.lineno, (error.text or "").strip())
            init_failed("Runtime.UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module_name, error), [where])
        except SystemExit as error:
            init_failed("Runtime.ExitError", "SystemExit: %s" % error, frames(error.__traceback__))
        except BaseException as error:
            init_failed(type(error).__name__, str(error), frames(error.__traceback__))
        try:
            return getattr(module, function)
        except AttributeError:
            init_failed("Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (function, module_name))

    class Bag:
        def __init__(self, **members):
            self.__dict__.update(members)

    class Context:
        """What a handler is told of its invocation."""

        def __init__(self, fields):
            self.aws_request_id = fields["lambda-runtime-aws-request-id"]
            self.invoked_function_arn = fields.get("lambda-runtime-invoked-function-arn")
            self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
            self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
            self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
            self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
            self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
            self.tenant_id = None
            identity = json.loads(fields.get("lambda-runtime-cognito-identity") or "{}")
            self.identity = Bag(cognito_identity_id=identity.get("cognitoIdentityId"), cognito_identity_pool_id=identity.get("cognitoIdentityPoolId"))
            self.client_context = None
            given = fields.get("lambda-runtime-client-context")
            if given:
                given = json.loads(given)
                client = given.get("client") or {}
                self.client_context = Bag(custom=given.get("custom"), env=given.get("env"), client=Bag(
                    installation_id=client.get("installation_id"), app_title=client.get("app_title"), app_version_name=client.get("app_version_name"),
                    app_version_code=client.get("app_version_code"), app_package_name=client.get("app_package_name")))
            self._deadline = int(fields.get("lambda-runtime-deadline-ms", "0"))

        def get_remaining_time_in_millis(self):
            return max(0, self._deadline - int(time.time() * 1000))

        def log(self, message):
            sys.stdout.write(str(message))

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    sys.path.insert(0, task)
    sdk = os.environ.pop("BROOKMERE_SDK", None)
    if sdk and sdk not in sys.path:
        sys.path.append(sdk)  # of another interpreter, behind all of this one's
    function = load()
    decode = json.loads
    while True:
        flush()
        status, fields, payload = connection.exchange("GET", "invocation/next")
        if status != 200:
            os._exit(0)
        request["id"] = fields["lambda-runtime-aws-request-id"]
        if "lambda-runtime-trace-id" in fields:
            os.environ["_X_AMZN_TRACE_ID"] = fields["lambda-runtime-trace-id"]
        path = "invocation/" + request["id"]
        fatal = False
        try:
            try:
                event = decode(payload)
            except Exception as error:
                fault = {"errorMessage": "Unable to unmarshal input: %s" % error, "errorType": "Runtime.UnmarshalError", "requestId": request["id"], "stackTrace": []}
            else:
                del payload
                result = function(event, Context(fields))
                del event
                fault = None
                try:
                    answer = encode(result).encode("utf-8")
                except Exception as error:
                    fault = {"errorMessage": "Unable to marshal response: %s" % error, "errorType": "Runtime.MarshalError", "requestId": request["id"], "stackTrace": []}
                result = None
        except SystemExit as error:
            fault, fatal = of_exception(error), True
            fault["errorType"] = "Runtime.ExitError"
            fault["errorMessage"] = "RequestId: %s Error: Runtime exited %s" % (request["id"], "without providing a reason" if not error.code else "with error: exit status %s" % error.code)
        except BaseException as error:
            fault = of_exception(error)
        if fault is None:
            flush()
            status, _, refused = connection.exchange("POST", path + "/response", answer)
            answer = None
            if status == 413:
                fault = decode(refused)
                say({"errorType": fault.get("errorType", ""), "errorMessage": fault.get("errorMessage", "")})
            continue
        say(fault)
        connection.exchange("POST", path + "/error", encode(fault).encode("utf-8", "replace"), "Lambda-Runtime-Function-Error-Type: %s\r\n" % fault["errorType"].encode("ascii", "replace").decode())
        if fatal:
            flush()
            os._exit(1)


del sys.path[0]  # this file's folder
_main()
