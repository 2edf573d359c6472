"""What the operating system says about a process: memory, CPU time, file descriptors; from proc(5)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from vedette.prometheus._metric import Metric
from vedette.prometheus.registry import REGISTRY, CollectorRegistry


def _self() -> str:
    return "self"


_KINDS = {
    "virtual_memory_bytes": "gauge",
    "resident_memory_bytes": "gauge",
    "start_time_seconds": "gauge",
    "cpu_seconds": "counter",
    "open_fds": "gauge",
    "max_fds": "gauge",
}


class ProcessCollector:
    """``process_*`` of one process, this one unless ``pid`` says otherwise. That of the answering process, where a
    service has several."""

    def __init__(
        self,
        namespace: str = "",
        pid: Callable[[], int | str] = _self,
        proc: str = "/proc",
        registry: CollectorRegistry | None = REGISTRY,
    ) -> None:
        self._prefix = f"{namespace}_process_" if namespace else "process_"
        self._pid = pid
        self._proc = proc
        # Read natively, when it is this process.
        self._native = "process" if not namespace and pid is _self and proc == "/proc" else None
        if registry is not None:
            registry.register(self)

    def _read(self, *path: str) -> str:
        with open(os.path.join(self._proc, *path), encoding="utf-8", errors="replace") as file:
            return file.read()

    def _describe(self) -> Iterable[Metric]:
        if self._native is None:
            return self.collect()
        return [Metric(self._prefix + name, "", kind) for name, kind in _KINDS.items()]

    def collect(self) -> Iterable[Metric]:
        """The families; none of what cannot be read."""
        pid = str(self._pid()).strip()
        found: list[Metric] = []
        for part in (self._times, self._descriptors):
            try:
                found += part(pid)
            except (OSError, ValueError, IndexError):
                continue
        return found

    def _times(self, pid: str) -> list[Metric]:
        from vedette.prometheus.metrics_core import CounterMetricFamily

        lines = self._read("stat").splitlines()
        booted = next(float(line.split()[1]) for line in lines if line.startswith("btime "))
        # The fields behind the name, which may hold anything: proc(5) numbers the first of them 3.
        fields = self._read(pid, "stat").rpartition(")")[2].split()
        ticks = os.sysconf("SC_CLK_TCK")
        return [
            self._gauge("virtual_memory_bytes", "Virtual memory size in bytes.", float(fields[20])),
            self._gauge(
                "resident_memory_bytes",
                "Resident memory size in bytes.",
                float(fields[21]) * os.sysconf("SC_PAGESIZE"),
            ),
            self._gauge(
                "start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
                float(fields[19]) / ticks + booted,
            ),
            CounterMetricFamily(
                self._prefix + "cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
                value=float(fields[11]) / ticks + float(fields[12]) / ticks,
            ),
        ]

    def _descriptors(self, pid: str) -> list[Metric]:
        used = len(os.listdir(os.path.join(self._proc, pid, "fd")))
        limits = self._read(pid, "limits").splitlines()
        most = next(line.split()[3] for line in limits if line.startswith("Max open file"))
        return [
            self._gauge("open_fds", "Number of open file descriptors.", used),
            self._gauge("max_fds", "Maximum number of open file descriptors.", float(most)),
        ]

    def _gauge(self, name: str, documentation: str, value: float) -> Metric:
        from vedette.prometheus.metrics_core import GaugeMetricFamily

        return GaugeMetricFamily(self._prefix + name, documentation, value=value)


PROCESS_COLLECTOR = ProcessCollector()
"""That of ``REGISTRY``."""
