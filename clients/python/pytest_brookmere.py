"""Fixtures that run a Brookmere node for tests. See the README."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

REGION = "us-east-1"
START_SECONDS = 120
STOP_SECONDS = 15

# The first account of a test. Go's brookmeretest begins at the same number, on nodes of its own.
_FIRST_ACCOUNT = 100_000_000_001

# A node is on this machine, whatever proxy the environment names.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def pytest_addoption(parser):
    group = parser.getgroup("brookmere")
    group.addoption("--brookmere-bin", help="path of the program brookmere (default: $BROOKMERE_BIN, or on the PATH)")
    group.addoption("--brookmere-endpoint", help="URL of a node that runs already (default: start one)")
    parser.addini("brookmere_bin", "path of the program brookmere")
    parser.addini("brookmere_endpoint", "URL of a node that runs already")
    parser.addini("brookmere_args", "more arguments for brookmere up, a line each", type="linelist")


class BrookmereError(Exception):
    """A node that could not be started, or refuses a call."""


class Node:
    """A node. Its log goes to a file, of which log() returns the end."""

    def __init__(self, url, process=None, directory=None):
        self.url = url
        self._process = process
        self._directory = directory

    @classmethod
    def start(cls, program, args=()):
        directory = tempfile.mkdtemp(prefix="brookmere-pytest-")
        ready = Path(directory, "ready")
        command = [program, "up", "--data", ":memory:", "--listen", "127.0.0.1:0", "--log-level", "warn", "--ready-file", str(ready), *args]
        try:
            with open(Path(directory, "log"), "wb") as log:
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        except OSError as error:
            shutil.rmtree(directory, ignore_errors=True)
            raise BrookmereError(f"start {program}: {error}") from error
        node = cls("", process, directory)
        late = time.monotonic() + START_SECONDS
        while not ready.exists():
            ended = process.poll()
            if ended is not None or time.monotonic() > late:
                text = node.log()
                node.stop()
                what = f"ended with {ended}" if ended is not None else f"does not answer after {START_SECONDS} s"
                raise BrookmereError(f"brookmere {what}:\n{text}")
            time.sleep(0.01)
        node.url = ready.read_text().strip()
        return node

    def log(self):
        """The end of what the node has logged; empty for one that this session has not started."""
        if self._directory is None:
            return ""
        try:
            return Path(self._directory, "log").read_text(errors="replace")[-16384:]
        except FileNotFoundError:
            return ""

    def stop(self):
        """End the node, if this session has started it."""
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    def call(self, method, path, body=None):
        """Ask one of the node's own endpoints, and return what it answers."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_brookmere/{path}", data=data, method=method)
        try:
            with _direct.open(request, timeout=60) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace").strip()
            raise BrookmereError(f"the node answers {error.code}: {text}") from error

    def reset(self):
        """Empty the node: all accounts, of all tests."""
        self.call("POST", "reset")

    def advance(self, seconds):
        """Move the time of a node on that was started with --clock=offset or --clock=frozen."""
        self.call("POST", "clock", {"advance": f"{float(seconds):.9f}s"})


class Account:
    """An account of a node, and what its clients need."""

    region = REGION
    secret_key = "test"

    def __init__(self, node, account):
        self.node = node
        self.account = account

    @property
    def url(self):
        return self.node.url

    @property
    def access_key(self):
        return self.account  # an access key of twelve digits is the account

    def environ(self):
        """Variables with which any current AWS SDK finds the node."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            **{name: ",".join(filter(None, (os.environ.get(name), urllib.parse.urlsplit(self.url).hostname))) for name in ("NO_PROXY", "no_proxy")},
        }

    def unique(self, name):
        """A name that no other test has, for what is global: buckets."""
        return f"{name}-{self.account}"

    def session(self, **more):
        """A boto3 session of the account. Its clients need endpoint_url: client() gives it."""
        import boto3

        return boto3.session.Session(
            **{"aws_access_key_id": self.access_key, "aws_secret_access_key": self.secret_key, "region_name": self.region, **more}
        )

    def client(self, service, **more):
        """A boto3 client of the account."""
        return self.session().client(service, **self._direct(more))

    def resource(self, service, **more):
        """A boto3 resource of the account."""
        return self.session().resource(service, **self._direct(more))

    def _direct(self, more):
        """Arguments of a client that reaches the node, whatever proxy the environment names."""
        import botocore.config

        config = botocore.config.Config(proxies={})
        return {"endpoint_url": self.url, **more, "config": config.merge(more["config"]) if more.get("config") else config}


@pytest.fixture(scope="session")
def brookmere_node(request):
    """The node of the session."""
    config = request.config
    endpoint = config.getoption("--brookmere-endpoint") or config.getini("brookmere_endpoint")
    if endpoint:
        yield Node(endpoint.rstrip("/"))
        return
    program = config.getoption("--brookmere-bin") or config.getini("brookmere_bin") or os.environ.get("BROOKMERE_BIN") or "brookmere"
    found = shutil.which(program)
    if found is None:
        raise BrookmereError(f"there is no program {program}: put brookmere on the PATH, or name it with BROOKMERE_BIN or --brookmere-bin")
    node = Node.start(found, config.getini("brookmere_args"))
    try:
        yield node
    finally:
        node.stop()


@pytest.fixture(scope="session")
def _brookmere_accounts():
    # Another session may use the node that brookmere_endpoint names.
    return itertools.count(_FIRST_ACCOUNT + (time.time_ns() // 1000) % 800_000_000_000)


@pytest.fixture(scope="session")
def brookmere_session(brookmere_node, _brookmere_accounts):
    """An account that all tests of the session have together."""
    return Account(brookmere_node, str(next(_brookmere_accounts)))


@pytest.fixture
def brookmere(brookmere_node, _brookmere_accounts):
    """An account that no other test has."""
    return Account(brookmere_node, str(next(_brookmere_accounts)))


@pytest.fixture
def brookmere_env(brookmere, monkeypatch):
    """The account of the test, with the environment set for code that makes its own clients."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name in list(os.environ):
        if name.startswith("AWS_ENDPOINT_URL_"):
            monkeypatch.delenv(name)
    for name, value in brookmere.environ().items():
        monkeypatch.setenv(name, value)
    return brookmere


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    used = [v if isinstance(v, Node) else v.node for v in getattr(item, "funcargs", {}).values() if isinstance(v, (Node, Account))]
    if used and report.failed:
        text = used[0].log()
        if text:
            report.sections.append(("brookmere", text))
