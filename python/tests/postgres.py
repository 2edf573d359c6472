"""A PostgreSQL server for tests, of Debian's package."""

from __future__ import annotations

import glob
import os
import shutil
import socket
import subprocess
import tempfile
import time

import pytest


def _program(name):
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    return found[-1] if found else shutil.which(name)


def _as_other(command):
    """The server refuses to run as root."""
    return (
        ["setpriv", "--reuid=nobody", "--clear-groups", *command] if os.geteuid() == 0 else command
    )


@pytest.fixture(scope="session")
def postgres():
    """Its port on 127.0.0.1; user and database "postgres", no password."""
    if not _program("initdb"):
        pytest.skip("PostgreSQL is not installed")
    folder = tempfile.mkdtemp(prefix="vedette-postgres-")
    data = f"{folder}/data"
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
    made = subprocess.run(
        _as_other([_program("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"]),
        capture_output=True, text=True, cwd="/",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    options = {"port": port, "listen_addresses": "127.0.0.1", "fsync": "off"}
    options["unix_socket_directories"] = folder
    server = subprocess.Popen(
        _as_other(
            [_program("postgres"), "-D", data, *(f"-c{key}={value}" for key, value in options.items())]
        ),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
    )  # fmt: skip
    deadline = time.monotonic() + 60
    ready = [_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    while subprocess.run(ready).returncode and time.monotonic() < deadline:
        assert server.poll() is None, "PostgreSQL ended"
        time.sleep(0.05)
    yield port
    server.send_signal(2)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    shutil.rmtree(folder, ignore_errors=True)
