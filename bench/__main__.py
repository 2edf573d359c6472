"""`./dev bench [NAME…]`: measures and writes bench/RESULTS.md. Names: python errors soak forks spans logs samples ui idle; all
where none is given.

Figures are CPU seconds and bytes, and ratios between programs measured in the same run: wall time on a shared machine
says little. `--quick` uses a tenth of the load.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import server
from demo.processes import Process, free_port, wait_until

sys.path.insert(0, str(server.ROOT / "tools"))
import peers

RESULTS = server.ROOT / "bench" / "RESULTS.md"

# What others need for the same work, from a quiet two-core machine; quoted where they can't be had by package name.
QUOTED = {
    "spans": "VictoriaTraces 36,000 /CPU-s and 60 B; Collector receiving and dropping 246,000 /CPU-s",
    "logs": "VictoriaLogs 45,000 /CPU-s and 27 B",
    "samples": "VictoriaMetrics 680,000 /CPU-s and 0.65 B; Prometheus 174,000 /CPU-s and 1.4 B",
}
BARS = {"spans": (200_000, 32), "logs": (150_000, 22), "samples": (500_000, 0.9)}


def prometheus() -> server.Target:
    program = str(peers.program("prometheus"))
    return server.Target(
        peers.version("prometheus").split(" (")[0],
        lambda port, data: [
            program,
            "--web.enable-remote-write-receiver",
            f"--web.listen-address=127.0.0.1:{port}",
            f"--storage.tsdb.path={data}",
            f"--config.file={_empty_config()}",
        ],
        "/-/ready",
        {"samples": "/api/v1/write"},
    )


def victoria_metrics() -> server.Target:
    program = str(peers.program("victoria-metrics"))
    return server.Target(
        "VictoriaMetrics",
        lambda port, data: [
            program,
            f"-httpListenAddr=127.0.0.1:{port}",
            f"-storageDataPath={data}",
        ],
        "/health",
        {"samples": "/api/v1/write"},
    )


def _empty_config() -> str:
    path = Path(tempfile.gettempdir()) / "vedette-bench-prometheus.yml"
    path.write_text("{}\n")
    return str(path)


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(r) + " |" for r in rows]) + "\n"


def bench_ingest(kind: str, quick: bool) -> str:
    size = {"spans": "14000", "logs": "14000", "samples": "0.6"}[kind] if quick else None
    targets = [server.vedette()] + ([prometheus(), victoria_metrics()] if kind == "samples" else [])
    rows = []
    for target in targets:
        print(f"  {kind} into {target.name}…", flush=True)
        o = server.run(target, kind, size)
        rows.append(
            [
                target.name,
                f"{o.records:,}",
                f"{o.cpu_seconds:.2f}",
                f"{o.per_cpu_second:,.0f}",
                f"{o.bytes_each:.2f}",
                f"{o.rss_bytes / 2**20:.0f} MiB",
            ]
        )
    bar = (
        f"Bar: ≥ {BARS[kind][0]:,} a CPU second, ≤ {BARS[kind][1]} B. Elsewhere: {QUOTED[kind]}.\n"
    )
    return (
        table(["server", kind, "CPU s", "per CPU second", "bytes each", "peak RSS"], rows)
        + "\n"
        + bar
    )


def bench_python(quick: bool) -> str:
    """Every script of bench/python, one after the other: rows beside those of the peers."""
    rows = []
    for script in sorted((server.ROOT / "bench" / "python").glob("*_cost.py")):
        print(f"  {script.stem}…", flush=True)
        command = [sys.executable, str(script), "--json", *(["--rounds", "1"] if quick else [])]
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        rows += [python_row(row) for row in json.loads(out)]
    head = ["figure", "Vedette", "peer", "", "ratio", "bar"]
    return table(head, rows) + "\nThread CPU each, where the unit says nothing else.\n"


def bench_promise(script: str, quick: bool, *quick_options: str) -> str:
    """A script of bench/python that tries a promise under load and says so itself where it is not kept."""
    command = [sys.executable, str(server.ROOT / "bench" / "python" / f"{script}.py"), "--json"]
    done = subprocess.run(
        command + list(quick_options if quick else ()),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    rows = [[row[0], row[1], row[5]] for row in map(python_row, json.loads(done.stdout))]
    outcome = "Kept." if done.returncode == 0 else "**Not kept.**"
    return table(["figure", "Vedette", "bar"], rows) + f"\n{outcome}\n"


def python_row(row: dict) -> list[str]:
    def shown(value: float | None) -> str:
        digits = 0 if value is not None and (value >= 1000 or value == int(value)) else 2
        return "–" if value is None else f"{value:,.{digits}f} {row['unit']}".strip()

    ours, theirs = row["vedette"], row["peer"]
    ratio = f"{theirs / ours:.1f} ×" if ours and theirs else "–"
    return [row["figure"], shown(ours), shown(theirs), row["peer_name"], ratio, row["bar"]]


def bench_ui(_quick: bool) -> str:
    """Bytes of the first load: the page and what it refers to, gzip."""
    dist = server.ROOT / "ui" / "dist"
    page = (dist / "index.html").read_text()
    files = ["index.html", *re.findall(r'(?:src|href)="/(assets/[^"]+\.(?:js|css))"', page)]
    sizes = {name: len(gzip.compress((dist / name).read_bytes(), 9)) for name in files}
    rows = [[name, f"{size:,}"] for name, size in sizes.items()] + [
        ["**all**", f"**{sum(sizes.values()):,}**"]
    ]
    return table(["file", "bytes, gzip"], rows) + "\nBar: ≤ 60,000.\n"


def bench_idle(_quick: bool) -> str:
    """From start to ready on an empty folder, and what an idle server takes."""
    target = server.vedette()
    with tempfile.TemporaryDirectory(prefix="vedette-bench-") as name:
        folder, port = Path(name), free_port()
        begin = time.monotonic()
        process = Process("vedette", target.argv(port, folder / "data"), folder / "log")
        try:
            wait_until(
                lambda: server._answers(f"http://127.0.0.1:{port}/-/ready"),
                "ready",
                process=process,
            )
            ready = time.monotonic() - begin
            before = server._cpu_ticks(process.pid)
            time.sleep(20)
            cpu = (server._cpu_ticks(process.pid) - before) / os.sysconf("SC_CLK_TCK") / 20
            status = Path(f"/proc/{process.pid}/status").read_text()
            rss = int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024
        finally:
            process.stop()
    rows = [[f"{ready:.2f} s", f"{cpu:.2%} of a core", f"{rss:.0f} MiB"]]
    return (
        table(["start to ready", "idle CPU", "idle RSS"], rows)
        + "\nBars: < 0.3 s, < 1 %, < 60 MB.\n"
    )


BENCHES = {
    "python": ("In the process", bench_python),
    "errors": (
        "Every error kept, at a steady rate over several workers",
        lambda quick: bench_promise("errors_kept", quick, "--seconds", "6"),
    ),
    "soak": (
        "Memory over time",
        lambda quick: bench_promise("soak", quick, "--spans", "1000000", "--others", "100000"),
    ),
    "forks": (
        "Forks while threads record",
        lambda quick: bench_promise("forks", quick, "--forks", "1000"),
    ),
    "spans": ("Spans stored and indexed, OTLP/HTTP", lambda quick: bench_ingest("spans", quick)),
    "logs": (
        "Log records stored and indexed, OTLP/HTTP",
        lambda quick: bench_ingest("logs", quick),
    ),
    "samples": (
        "Samples stored and indexed, remote write",
        lambda quick: bench_ingest("samples", quick),
    ),
    "ui": ("The UI's first load", bench_ui),
    "idle": ("The idle server", bench_idle),
}


def previous_sections() -> dict[str, str]:
    if not RESULTS.exists():
        return {}
    parts = re.split(r"^## ", RESULTS.read_text(), flags=re.M)[1:]
    return {p.split("\n", 1)[0]: p.split("\n", 1)[1].strip() + "\n" for p in parts}


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(BENCHES))
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the load; RESULTS.md is left alone"
    )
    options = parser.parse_args()
    if unknown := [n for n in options.names if n not in BENCHES]:
        parser.error(f"no benchmark {unknown[0]!r}; there are: {' '.join(BENCHES)}")
    sections = previous_sections()
    for name in options.names or BENCHES:
        title, bench = BENCHES[name]
        print(f"{title}…", flush=True)
        body = bench(options.quick)
        print(body, flush=True)
        sections[title] = (
            f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores.\n\n{body}"
        )
    if not options.quick:
        order = [title for title, _ in BENCHES.values()]
        text = "# Results\n\nWritten by `./dev bench`; see bench/README.md for what is measured and how.\n\n"
        RESULTS.write_text(
            text + "\n".join(f"## {t}\n\n{sections[t]}" for t in order if t in sections)
        )
        print(f"Written to {RESULTS.relative_to(server.ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
