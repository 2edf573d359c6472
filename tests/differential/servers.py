"""The two servers that are compared: Prometheus from Debian's sid suite, and vedette."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]

sys.path.insert(0, str(ROOT / "tools"))
import peers  # noqa: E402


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A running server, asked over HTTP."""

    def __init__(self, base: str):
        self.base = base

    def ask(self, endpoint: str, **parameters):
        """The HTTP status and the decoded answer."""
        data = urllib.parse.urlencode(parameters, doseq=True).encode()
        request = urllib.request.Request(f"{self.base}/api/v1/{endpoint}", data=data)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            body = error.read()
            with contextlib.suppress(ValueError):
                return error.code, json.loads(body)
            return error.code, {"status": "error", "error": body.decode(errors="replace")}


@contextlib.contextmanager
def process(command: list[str], ready: str, log: pathlib.Path):
    """Runs a server until the block ends. `ready` is the address that answers 200 once it is up."""
    with log.open("wb") as out:
        child = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        for _ in range(600):
            if child.poll() is not None:
                raise RuntimeError(f"{command[0]} ended:\n{log.read_text()[-2000:]}")
            with contextlib.suppress(OSError):
                urllib.request.urlopen(ready, timeout=5).close()
                break
            time.sleep(0.05)
        else:
            raise RuntimeError(f"{command[0]} does not get ready:\n{log.read_text()[-2000:]}")
        yield
    finally:
        child.terminate()
        child.wait(timeout=30)


@contextlib.contextmanager
def prometheus():
    with tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder)
        (home / "prometheus.yml").write_text("global: {}\n")
        port = free_port()
        command = [
            str(peers.program("prometheus")),
            f"--config.file={home}/prometheus.yml",
            f"--storage.tsdb.path={home}/data",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.enable-remote-write-receiver",
            "--log.level=error",
        ]
        base = f"http://127.0.0.1:{port}"
        with process(command, f"{base}/-/ready", home / "log"):
            yield Server(base)


@contextlib.contextmanager
def vedette():
    """The server under test: build/release/vedette, or what VEDETTE_BINARY names."""
    binary = os.environ.get("VEDETTE_BINARY", str(ROOT / "build" / "release" / "vedette"))
    with tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder)
        port = free_port()
        command = [binary, "serve", "--data", str(home / "data"), "--http", f"127.0.0.1:{port}"]
        command += ["--otlp-http", "none", "--otlp-grpc", "none", "--retention", "forever"]
        base = f"http://127.0.0.1:{port}"
        with process(command, f"{base}/-/ready", home / "log"):
            yield Server(base)
