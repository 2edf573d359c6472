"""Tries the wheel beside it as a user with a bare Debian would: installs it, records, serves, reads back.

Run by ``./dev wheel`` inside such a Debian with its own Python: first under that Python, then under the venv it makes.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / "venv"
COMMAND = str(VENV / "bin/vedette")
NOT_BARE = ("cc", "g++", "cmake", "pip3")
LIBRARIES = ("nghttp2", "re2", "deflate", "simdjson", "spdlog", "fmt", "roaring", "yaml-cpp")


def install() -> None:
    found = [name for name in NOT_BARE if shutil.which(name)]
    found += [str(p) for name in LIBRARIES for p in Path("/usr/lib").glob(f"*/lib{name}.so*")]
    assert not found, f"this Debian is not bare, it has {found}"
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    pip = [VENV / "bin/pip", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "install", "-q", "--no-index", "--find-links", HERE, "vedette"], check=True
    )
    subprocess.run([*pip, "check"], check=True)
    subprocess.run([*pip, "list"], check=True)


def use() -> None:
    import vedette
    from vedette.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc
    from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http
    from vedette.prometheus import Counter, generate_latest
    from vedette.sdk.trace import TracerProvider
    from vedette.sdk.trace.export import BatchSpanProcessor

    Counter("tried", "").inc()
    assert b"tried_total 1.0" in generate_latest()

    version = subprocess.run([COMMAND, "--version"], check=True, capture_output=True, text=True)
    assert vedette.__version__ in version.stdout, version
    with serving(COMMAND, HERE / "data") as (ui, http, grpc):
        ids = []
        for exporter in (Grpc(f"http://{grpc}"), Http(f"http://{http}/v1/traces")):
            provider = TracerProvider()
            provider.add_span_processor(BatchSpanProcessor(exporter))
            with provider.get_tracer("try").start_as_current_span("tried") as span:
                ids.append(f"{span.get_span_context().trace_id:032x}")
            provider.shutdown()
        for trace_id in ids:
            assert "tried" in read(f"http://{ui}/vedette/v1/traces/{trace_id}")
        assert "<script" in read(f"http://{ui}/"), "the server has no UI"
    print(f"{version.stdout.strip()}: installed, recorded, served and read back")


@contextlib.contextmanager
def serving(command: str, data: Path) -> Iterator[list[str]]:
    """host:port of the UI, of OTLP over HTTP and of OTLP over gRPC."""
    listeners = [f"--{name}=127.0.0.1:0" for name in ("http", "otlp-http", "otlp-grpc")]
    server = subprocess.Popen(
        [command, "serve", "--data", data, *listeners], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        lines = [server.stdout.readline() for _ in range(3)]
        assert "is ready" in lines[0], lines
        ui, grpc, http = (re.search(r"127\.0\.0\.1:\d+", line)[0] for line in lines)  # type: ignore[index]
        yield [ui, http, grpc]
    finally:
        server.terminate()
        assert server.wait(30) == 0


def read(url: str) -> str:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                return response.read().decode()
        except urllib.error.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    if sys.prefix == sys.base_prefix:
        install()
        os.execv(VENV / "bin/python", [str(VENV / "bin/python"), __file__])
    use()
