"""PostgreSQL and Redis of the demo's own: Debian's programs, a folder of ours, a free loopback port."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from demo.processes import DemoError, Process, free_port, port_open, unprivileged_user, wait_until


def _postgres_program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not found:
        raise DemoError("PostgreSQL is not installed: apt-get install postgresql")
    return str(found[-1])


def start_postgres(folder: Path) -> tuple[Process, str]:
    """A private cluster; gives its process and the SQLAlchemy URL."""
    user = unprivileged_user()
    data, log = folder / "postgres", folder / "postgres.log"
    data.mkdir(mode=0o700)
    log.touch()
    if user:
        entry = pwd.getpwnam(user)
        os.chown(data, entry.pw_uid, entry.pw_gid)
    made = subprocess.run(
        [
            _postgres_program("initdb"),
            "-D",
            str(data),
            "-U",
            "shop",
            "--auth=trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        ],
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    if made.returncode:
        raise DemoError(f"PostgreSQL's initdb failed:\n{made.stderr}")
    port = free_port()
    process = Process(
        "PostgreSQL",
        [
            _postgres_program("postgres"),
            "-D",
            str(data),
            "-p",
            str(port),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
            "-c",
            "fsync=off",
            "-c",
            "max_connections=50",
        ],
        log,
        user=user,
        stop_signal=signal.SIGINT,
        cwd=Path("/"),
    )
    wait_until(lambda: port_open(port), "PostgreSQL to answer", process=process)
    return process, f"postgresql+psycopg://shop@127.0.0.1:{port}/postgres"


def start_redis(folder: Path) -> tuple[Process, str]:
    """A private Redis that keeps nothing; gives its process and its URL."""
    program = shutil.which("redis-server")
    if not program:
        raise DemoError("Redis is not installed: apt-get install redis-server")
    port = free_port()
    process = Process(
        "Redis",
        [
            program,
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(folder),
        ],
        folder / "redis.log",
    )
    wait_until(lambda: port_open(port), "Redis to answer", process=process)
    return process, f"redis://127.0.0.1:{port}/0"
