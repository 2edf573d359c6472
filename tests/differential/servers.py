"""The two servers that are compared: Prometheus from Debian's sid suite, and vedette."""

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "sid"


def run(*command: str, **options) -> None:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:4])} … failed:\n{done.stdout[-2000:]}")


def mirror() -> str:
    """The Debian mirror that apt is set to."""
    for path in [
        *pathlib.Path("/etc/apt/sources.list.d").glob("*.sources"),
        pathlib.Path("/etc/apt/sources.list"),
    ]:
        if path.exists():
            found = re.search(
                r"(?:URIs:|^deb)\s+(?:\[[^]]*\]\s+)?(https?://\S*/debian)/?\s",
                path.read_text(),
                re.M,
            )
            if found:
                return found.group(1)
    raise RuntimeError("apt has no Debian mirror: set one in /etc/apt/sources.list")


def prometheus_binary() -> pathlib.Path:
    """Downloads and unpacks Prometheus from Debian sid into .cache/; nothing is installed."""
    binary = CACHE / "root" / "usr" / "bin" / "prometheus"
    if binary.exists():
        return binary
    for folder in ("state/lists/partial", "cache/archives/partial", "root"):
        (CACHE / folder).mkdir(parents=True, exist_ok=True)
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (CACHE / "sources.list").write_text(f"deb [signed-by={keyring}] {mirror()} sid main\n")
    apt = ["apt-get"]
    for option in (
        f"Dir::State={CACHE}/state",
        "Dir::State::status=/dev/null",
        f"Dir::Cache={CACHE}/cache",
        f"Dir::Etc::sourcelist={CACHE}/sources.list",
        "Dir::Etc::sourceparts=/dev/null",
        "Dir::Etc::preferencesparts=/dev/null",
    ):
        apt += ["-o", option]
    run(*apt, "update", cwd=CACHE)
    run(*apt, "download", "prometheus", cwd=CACHE)
    package = next(CACHE.glob("prometheus_*.deb"))
    run("dpkg", "-x", str(package), str(CACHE / "root"))
    return binary


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
            str(prometheus_binary()),
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
