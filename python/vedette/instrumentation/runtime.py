"""The process and the interpreter: CPU, memory, threads, open files, context switches, and what garbage collection costs.

Semantic conventions: ``process.*`` and ``cpython.gc.*``; beside them, in ``vedette.prometheus`` alone,
``cpython_gc_pause_duration_seconds``: how long the interpreter stood still for a collection, by generation. Everything but that is read only when it is asked for.
"""

from __future__ import annotations

import functools
import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from vedette import prometheus
from vedette.instrumentation._metrics import Observed, Readings, register

_PAUSE_BOUNDS = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
)
_active: _Runtime | None = None


def instrument() -> bool:
    """Exposes the metrics. Idempotent."""
    global _active
    if _active is None:
        _active = _Runtime()
    return True


def uninstrument() -> None:
    global _active
    if _active is not None:
        _active.stop()
        _active = None


class _Runtime:
    def __init__(self) -> None:
        # A collection may start anywhere, also where a lock is held: only a series that is there already, of ours, which
        # takes no lock, may be touched then.
        pauses = _pauses()
        self._observe = [pauses.labels(str(g)).observe for g in range(len(gc.get_stats()))]
        self._started = 0.0
        self._unregister = register(_METRICS)
        gc.callbacks.append(self._collecting)

    def stop(self) -> None:
        self._unregister()
        gc.callbacks.remove(self._collecting)

    def _collecting(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._started = time.perf_counter()
        elif self._started:
            seconds = time.perf_counter() - self._started
            self._started = 0.0
            self._observe[info["generation"]](seconds)


@functools.lru_cache(maxsize=1)
def _pauses() -> Any:
    return prometheus.Histogram(
        "cpython_gc_pause_duration_seconds",
        "How long the interpreter stood still for a garbage collection.",
        ["cpython_gc_generation"],
        buckets=_PAUSE_BOUNDS,
    )


def _cpu() -> Readings:
    times = os.times()
    yield {"cpu.mode": "user"}, times.user
    yield {"cpu.mode": "system"}, times.system


def _memory(field: int) -> Callable[[], Readings]:
    def read() -> Readings:
        with open("/proc/self/statm", "rb") as file:
            yield {}, int(file.read().split()[field]) * os.sysconf("SC_PAGE_SIZE")

    return read


def _threads() -> Readings:
    try:
        yield {}, len(os.listdir("/proc/self/task"))
    except OSError:
        yield {}, threading.active_count()


def _descriptors() -> Readings:
    yield {}, len(os.listdir("/proc/self/fd")) - 1  # less the one that reads


def _usage() -> Any:
    import resource  # not before somebody asks

    return resource.getrusage(resource.RUSAGE_SELF)


def _switches() -> Readings:
    usage = _usage()
    yield {"process.context_switch.type": "voluntary"}, usage.ru_nvcsw
    yield {"process.context_switch.type": "involuntary"}, usage.ru_nivcsw


def _faults() -> Readings:
    usage = _usage()
    yield {"process.paging.fault_type": "minor"}, usage.ru_minflt
    yield {"process.paging.fault_type": "major"}, usage.ru_majflt


def _uptime() -> Readings:
    with open("/proc/self/stat", "rb") as file:
        started = int(file.read().rpartition(b")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    yield {}, time.clock_gettime(time.CLOCK_BOOTTIME) - started


def _collections(key: str) -> Callable[[], Readings]:
    def read() -> Iterator[tuple[dict[str, str], float]]:
        for generation, stats in enumerate(gc.get_stats()):
            yield {"cpython.gc.generation": str(generation)}, stats[key]

    return read


_METRICS = [
    Observed("process.cpu.time", "counter", "s", "Total CPU seconds.", _cpu),
    Observed("process.memory.usage", "updown", "By", "Physical memory in use.", _memory(1)),
    Observed("process.memory.virtual", "updown", "By", "Committed virtual memory.", _memory(0)),
    Observed("process.thread.count", "updown", "{thread}", "Process threads.", _threads),
    Observed(
        "process.unix.file_descriptor.count",
        "updown",
        "{file_descriptor}",
        "Unix file descriptors in use.",
        _descriptors,
    ),
    Observed(
        "process.context_switches", "counter", "{context_switch}", "Context switches.", _switches
    ),
    Observed("process.paging.faults", "counter", "{fault}", "Page faults.", _faults),
    Observed("process.uptime", "gauge", "s", "The time the process has been running.", _uptime),
    Observed(
        "cpython.gc.collections",
        "counter",
        "{collection}",
        "The number of times a generation was collected since interpreter start.",
        _collections("collections"),
    ),
    Observed(
        "cpython.gc.collected_objects",
        "counter",
        "{object}",
        "The total number of objects collected inside a generation since interpreter start.",
        _collections("collected"),
    ),
    Observed(
        "cpython.gc.uncollectable_objects",
        "counter",
        "{object}",
        "The total number of objects found to be uncollectable inside a generation.",
        _collections("uncollectable"),
    ),
]
