"""What the in-process benchmarks share: fresh processes that take turns, and a place to send to.

A benchmark script is its own worker: `SCRIPT --worker KIND ARGUMENT…` measures one thing in a fresh process and prints
JSON; without it the script starts such workers in turn, round after round. Costs are thread CPU, so that other load on
the machine and export threads do not count, less those of the loop alone.

A virtual core shares its hardware with neighbours: on the machines we know it runs at one of two speeds, almost a factor
of two apart, for seconds at a time. So each slice of work stands between two runs of a loop that is always the same, counts
only where both took the same, and is given in multiples of it; the loop at its fastest in the whole run makes nanoseconds
of that again.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple


@dataclass
class Row:
    """One line of the table: our figure beside the peer's, and the ratio that is promised."""

    figure: str
    vedette: float | None
    peer: float | None
    peer_name: str
    bar: str
    unit: str = "ns"


class Cost(NamedTuple):
    """What a call costs in multiples of the yardstick, and that in nanoseconds."""

    multiple: float
    yardstick: float


def yardstick() -> int:
    """Nanoseconds of thread CPU that a fixed piece of work takes: how fast the core is just now."""
    start = time.thread_time_ns()
    total = 0
    for number in range(50_000):
        total += number
    return time.thread_time_ns() - start


def beside_yardstick(run: Callable[[], float], before: int) -> tuple[float, int, bool]:
    """What `run` answers in multiples of the yardstick, the yardstick after it, and whether that is still what it was
    before: otherwise the core has changed its speed, and the answer says little."""
    answered, after = run(), yardstick()
    return 2 * answered / (before + after), after, abs(after - before) < 0.1 * before


def at_one_speed(run: Callable[[], float], times: int) -> Cost:
    """What `run` answers, the median of some times.

    Where the core changed its speed meanwhile, the answer does not count, unless it never keeps one.
    """
    steady, others, before = [], [], yardstick()
    shortest = before
    for _ in range(4 * times):
        multiple, after, kept = beside_yardstick(run, before)
        (steady if kept else others).append(multiple)
        shortest, before = min(shortest, after), after
        if len(steady) == times:
            break
    return Cost(statistics.median(steady or others), shortest)


def nothing() -> None:
    pass


def cost(
    function: Callable[[], object], count: int, without: Callable[[], object] = nothing
) -> Cost:
    """The thread CPU of a call above that of what it is compared with."""
    slices = 20
    each = max(1, count // slices)

    def timed(called: Callable[[], object]) -> float:
        start = time.thread_time_ns()
        for _ in range(each):
            called()
        return (time.thread_time_ns() - start) / each

    def difference() -> float:
        return timed(function) - timed(without)

    difference()
    return at_one_speed(difference, slices)


def worker_kind() -> str | None:
    """What this process is to measure, if it is a worker; its arguments are left in sys.argv[1:]."""
    if sys.argv[1:2] != ["--worker"]:
        return None
    kind = sys.argv[2]
    del sys.argv[1:3]
    return kind


def answer(found: object) -> None:
    print(json.dumps(found))


def rounds(script: str, kinds: Sequence[str], arguments: Sequence[object], count: int) -> dict:
    """Answers of fresh workers, a list for each kind; the kinds take turns. None: the worker could not."""
    found: dict[str, list] = {kind: [] for kind in kinds}
    for _ in range(count):
        for kind in kinds:
            done = subprocess.run(
                [sys.executable, script, "--worker", kind, *map(str, arguments)],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise RuntimeError(f"{script} {kind}:\n{done.stderr[-2000:]}")
            found[kind].append(json.loads(done.stdout))
    return found


def nanoseconds(found: dict[str, list[Cost]]) -> dict[str, float]:
    """Of each kind, at the core's higher speed; `found` is what workers answered of cost()."""
    costs = {kind: [Cost(*one) for one in answers] for kind, answers in found.items()}
    fastest = min(one.yardstick for answers in costs.values() for one in answers)
    return {
        kind: fastest * statistics.median(one.multiple for one in answers)
        for kind, answers in costs.items()
    }


def report(rows: Sequence[Row], as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(row) for row in rows]))
        return
    for row in rows:
        digits = 3 if row.unit == "×" else 1
        theirs = "" if row.peer is None else f"{row.peer_name} {row.peer:,.{digits}f} {row.unit}"
        ratio = f"{row.peer / row.vedette:.1f} ×" if row.vedette and row.peer else ""
        ours = "-" if row.vedette is None else f"{row.vedette:,.{digits}f} {row.unit}"
        print(f"{row.figure:60} {ours:>14}   {theirs:36} {ratio:>8}   bar {row.bar}")


class Sink:
    """Takes what is posted as OTLP/HTTP, in a process of its own so that it costs the measured one nothing.

    Its address is given to the block; `spans()` is how many spans have arrived: counted by their length-delimited
    field in the decoded request, when `opentelemetry-proto` is there.
    """

    PROGRAM = r"""
import socket, sys, threading, gzip
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
spans = [0]
def answer(head, body):
    if head.startswith(b"GET"):
        return str(spans[0]).encode()
    if b"/v1/traces " not in head:
        return b""
    if b"content-encoding: gzip" in head.lower():
        body = gzip.decompress(body)
    request = ExportTraceServiceRequest.FromString(body)
    spans[0] += sum(len(s.spans) for r in request.resource_spans for s in r.scope_spans)
    return b""
def serve(peer):
    data = b""
    while chunk := peer.recv(1 << 16):
        data += chunk
        while True:
            head, found, body = data.partition(b"\r\n\r\n")
            if not found: break
            lower = head.lower()
            length = int(lower.split(b"content-length: ")[1].split(b"\r\n")[0]) if b"content-length: " in lower else 0
            if len(body) < length: break
            data = body[length:]
            said = answer(head, body[:length])
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: %d\r\n\r\n" % len(said) + said)
while True:
    peer, _ = listener.accept()
    threading.Thread(target=serve, args=(peer,), daemon=True).start()
"""

    def __enter__(self) -> str:
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.PROGRAM], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        return f"http://127.0.0.1:{self.process.stdout.readline().strip()}/v1/traces"

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def arrived(url: str) -> int:
    """How many spans the sink has got."""
    import urllib.request

    with urllib.request.urlopen(url, timeout=30) as response:
        return int(response.read())
