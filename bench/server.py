"""One server under load: started on an empty folder, fed, left until quiet, stopped, weighed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from demo.processes import free_port, wait_until

ROOT = Path(__file__).resolve().parent.parent
LOAD = ROOT / "build" / "release" / "vedette_load"


@dataclass
class Target:
    name: str
    argv: Callable[[int, Path], list[str]]  # port, data folder
    ready: str  # path that answers 200
    paths: dict[str, str]  # where each kind of load goes


@dataclass
class Outcome:
    records: int
    raw_bytes: int
    cpu_seconds: float  # user and system of the whole process, flushes and merges included
    disk_bytes: int  # files after a clean stop
    rss_bytes: int  # the most it held

    @property
    def per_cpu_second(self) -> float:
        return self.records / self.cpu_seconds

    @property
    def bytes_each(self) -> float:
        return self.disk_bytes / self.records


def vedette() -> Target:
    program = str(ROOT / "build" / "release" / "vedette")
    return Target(
        "Vedette",
        lambda port, data: [
            program,
            "serve",
            "--data",
            str(data),
            "--http",
            f"127.0.0.1:{port}",
            "--otlp-http",
            "none",
            "--otlp-grpc",
            "none",
        ],
        "/-/ready",
        {"spans": "/v1/traces", "logs": "/v1/logs", "samples": "/api/v1/write"},
    )


def run(target: Target, kind: str, size: str | None = None) -> Outcome:
    folder = Path(tempfile.mkdtemp(prefix="vedette-bench-"))
    port = free_port()
    try:
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(target.argv(port, folder / "data"), stdout=log, stderr=log)
        wait_until(
            lambda: _answers(f"http://127.0.0.1:{port}{target.ready}"),
            f"{target.name} to be ready",
            60,
        )
        command = [str(LOAD), kind, str(port), target.paths[kind], *([size] if size else [])]
        load = json.loads(
            subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        )
        _wait_until_quiet(process.pid)
        process.send_signal(signal.SIGTERM)
        _, _, usage = os.wait4(process.pid, 0)
        disk = sum(f.stat().st_size for f in (folder / "data").rglob("*") if f.is_file())
        return Outcome(
            load["records"],
            load["raw_bytes"],
            usage.ru_utime + usage.ru_stime,
            disk,
            usage.ru_maxrss * 1024,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _answers(url: str) -> bool:
    with urllib.request.urlopen(url, timeout=2) as response:
        return response.status == 200


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def _wait_until_quiet(pid: int, quiet_seconds: float = 3.0, at_most: float = 120.0) -> None:
    """Until the server has used less than 2 % of a core for a while: flushes and merges are then done."""
    deadline = time.monotonic() + at_most
    while time.monotonic() < deadline:
        before = _cpu_ticks(pid)
        time.sleep(quiet_seconds)
        if _cpu_ticks(pid) - before <= quiet_seconds * os.sysconf("SC_CLK_TCK") * 0.02:
            return
