"""Several processes of one service: each of them answers for all."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.parser import text_string_to_metric_families

DEADLINE = 60


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    folder = tmp_path / "arenas"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("VEDETTE_DIR", str(folder))
    return folder


def run(*command):
    """Runs a Python program in a process of its own and reads the JSON it prints."""
    arguments = command if len(command) > 1 else ("-c", *command)
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=DEADLINE
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


PRELUDE = """
import json, os, signal, sys
from vedette.prometheus import Counter, Gauge, Histogram, Summary, generate_latest
from vedette.prometheus import REGISTRY, disable_created_metrics
disable_created_metrics()
jobs = Counter("jobs", "J", ["kind"])
took = Histogram("took", "T", buckets=[1, 2])
sizes = Summary("sizes", "S")
gauges = {mode: Gauge("g_" + mode, "G", multiprocess_mode=mode) for mode in (
    "all", "liveall", "min", "max", "sum", "livesum", "livemax", "mostrecent")}

def shown(*names):
    lines = generate_latest().decode().splitlines()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
            for line in lines if line.startswith(names)}

def child(work):
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    finally:
        os._exit(0)
"""


def test_a_process_alone_leaves_no_file_and_no_pid_label(own_folder):
    found = run(PRELUDE + "gauges['all'].set(3); print(json.dumps(shown('g_all')))")
    assert found == {"g_all": 3.0}
    assert list(own_folder.iterdir()) == []


def test_forked_workers_are_summed_and_the_dead_stay():
    found = run(
        PRELUDE
        + """
jobs.labels("main").inc(5)
ready, tell = os.pipe()
def work(number):
    for _ in range(1000):
        jobs.labels("any").inc()
        took.observe(number)
        sizes.observe(2)
    jobs.labels(str(number)).inc()
    for mode, gauge in gauges.items():
        gauge.set(number)
    os.write(tell, b"x")
    signal.pause()
pids = [child(lambda: work(number)) for number in (1, 2, 3)]
for _ in pids:
    os.read(ready, 1)
    shown("jobs_total")  # while others count
alive = shown("jobs", "took", "sizes", "g_")
for pid in pids:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
dead = shown("jobs", "took", "sizes", "g_")
print(json.dumps([pids, os.getpid(), alive, dead]))
"""
    )
    pids, parent, alive, dead = found
    for shown in (alive, dead):
        assert shown['jobs_total{kind="any"}'] == 3000
        assert shown['jobs_total{kind="main"}'] == 5
        assert [shown[f'jobs_total{{kind="{number}"}}'] for number in (1, 2, 3)] == [1, 1, 1]
        assert shown['took_bucket{le="1.0"}'] == 1000
        assert shown['took_bucket{le="+Inf"}'] == shown["took_count"] == 3000
        assert shown["took_sum"] == shown["sizes_sum"] == 6000
        assert shown["g_sum"] == 6
        assert shown["g_max"] == 3
        assert shown["g_min"] == 0  # the parent's
        for number, pid in zip((1, 2, 3), pids, strict=True):
            assert shown[f'g_all{{pid="{pid}"}}'] == number
    assert alive["g_livesum"] == 6 and dead["g_livesum"] == 0
    assert alive["g_livemax"] == 3 and dead["g_livemax"] == 0
    assert {f'g_liveall{{pid="{pid}"}}' for pid in pids} <= alive.keys()
    assert [key for key in dead if key.startswith("g_liveall")] == [f'g_liveall{{pid="{parent}"}}']
    assert alive["g_mostrecent"] in (1, 2, 3)


METERS = (
    PRELUDE
    + """
from opentelemetry.metrics import Observation
from vedette.exporter.prometheus import PrometheusMetricReader
from vedette.sdk.metrics import MeterProvider
provider = MeterProvider([PrometheusMetricReader(scope_info_enabled=False)])
meter = provider.get_meter("m")
requests = meter.create_counter("requests")
active = meter.create_up_down_counter("active")
load = meter.create_gauge("load")
waited = meter.create_histogram("waited", "s", explicit_bucket_boundaries_advisory=[1, 2])
seen = {}
meter.create_observable_counter(
    "seen", [lambda _: [Observation(count, {"by": by}) for by, count in seen.items()]])
"""
)


def test_meters_of_all_workers():
    """With label names of their own in each, and families that only one of them has."""
    found = run(
        METERS
        + """
requests.add(5, {"kind": "main"})
ready, tell = os.pipe()
def work(number):
    requests.add(number, {"kind": "any"})
    requests.add(1, {"kind": "any", "worker": str(number)})
    active.add(number)
    load.set(number)
    waited.record(number)
    seen["worker"] = number
    meter.create_counter(f"only.{number}").add(number)
    shown()
    os.write(tell, b"x")
    signal.pause()
pids = [child(lambda: work(number)) for number in (1, 2)]
for _ in pids:
    os.read(ready, 1)
names = ("requests", "active", "load", "waited", "seen", "only_")
alive = shown(*names)
headers = [line for line in generate_latest().decode().splitlines() if line.startswith("# TYPE")]
for pid in pids:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
print(json.dumps([pids, alive, shown(*names), headers]))
"""
    )
    pids, alive, dead, headers = found
    for shown in (alive, dead):
        assert shown['requests_total{kind="main"}'] == 5
        assert shown['requests_total{kind="any"}'] == 3
        assert shown['requests_total{kind="any",worker="2"}'] == 1
        assert shown['waited_seconds_bucket{le="1.0"}'] == 1
        assert shown['waited_seconds_bucket{le="2.0"}'] == shown["waited_seconds_count"] == 2
        assert shown["waited_seconds_sum"] == 3
        assert shown['seen_total{by="worker"}'] == 3
        assert (shown["only_1_total"], shown["only_2_total"]) == (1, 2)
    assert alive["active"] == 3 and "active" not in dead
    assert {alive[f'load{{pid="{pid}"}}'] for pid in pids} == {1, 2}
    assert not any(key.startswith("load") for key in dead)
    assert len(headers) == len(set(headers))


def test_the_newest_exemplar_of_all_workers():
    found = run(
        PRELUDE
        + """
from opentelemetry import trace
from vedette.prometheus.openmetrics.exposition import generate_latest as openmetrics
from vedette.sdk.trace import TracerProvider
tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")
ready, tell = os.pipe()
def work(number):
    with tracer.start_as_current_span("s") as span:
        jobs.labels("any").inc()
        took.observe(number)
    jobs.labels("any").inc(1, {"custom": "x" * 100})  # too large to be shared
    trace_id = format(span.get_span_context().trace_id, "032x")
    os.write(tell, trace_id.encode())
    signal.pause()
jobs.labels("any").inc(1, {"trace_id": "older"})
pids, ids = [], []
for number in (1, 2):
    pids.append(child(lambda: work(number)))
    ids.append(os.read(ready, 32).decode())
alive = openmetrics(REGISTRY).decode()
for pid in pids:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
child(lambda: jobs.labels("any").inc())  # takes a place of theirs
os.wait()
dead = openmetrics(REGISTRY).decode()
print(json.dumps([ids, alive, dead]))
"""
    )
    ids, alive, dead = found
    lines = {line.split(" ")[0]: line for line in alive.splitlines()}
    assert f'trace_id="{ids[1]}"' in lines['jobs_total{kind="any"}']
    assert f'trace_id="{ids[0]}"' in lines['took_bucket{le="1.0"}']
    assert f'trace_id="{ids[1]}"' in lines['took_bucket{le="2.0"}']
    assert "#" not in lines['took_bucket{le="+Inf"}']
    (line,) = [line for line in dead.splitlines() if line.startswith("jobs_total")]
    assert line.startswith('jobs_total{kind="any"} 6.0 # {')


def test_facts_and_states_of_all_workers():
    found = run(
        PRELUDE
        + """
from vedette.prometheus import Enum, Info
build = Info("build", "B")
state = Enum("state", "S", ["task"], states=["starting", "running", "stopped"])
build.info({"version": "1"})
state.labels("main").state("running")
ready, tell = os.pipe()
def work(number):
    build.info({"version": str(number), "by": "worker"})
    state.labels("all").state(["running", "stopped"][number - 1])
    Info("only", "O").info({"number": str(number)})
    os.write(tell, b"x")
    signal.pause()
pids = [child(lambda: work(number)) for number in (1, 2)]
for _ in pids:
    os.read(ready, 1)
alive = shown("build", "state", "only")
for pid in pids:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
print(json.dumps([alive, shown("build", "state", "only")]))
"""
    )
    alive, dead = found
    main = {
        'build_info{version="1"}': 1,
        'state{state="starting",task="main"}': 0,
        'state{state="running",task="main"}': 1,
        'state{state="stopped",task="main"}': 0,
    }
    assert alive == main | {
        'build_info{by="worker",version="1"}': 1,
        'build_info{by="worker",version="2"}': 1,
        'state{state="starting",task="all"}': 0,
        'state{state="running",task="all"}': 1,
        'state{state="stopped",task="all"}': 1,
        'only_info{number="1"}': 1,
        'only_info{number="2"}': 1,
    }
    assert dead == main


def test_gauge_functions_are_asked_by_the_process_that_answers():
    """Others show what they said when their own process was asked last."""
    found = run(
        PRELUDE
        + """
sizes_of = Gauge("queue_size", "Q", multiprocess_mode="livesum")
ready, tell = os.pipe()
def work(number):
    sizes_of.set_function(lambda: number)
    shown()
    os.write(tell, b"x")
    signal.pause()
pids = [child(lambda: work(number)) for number in (10, 20)]
for _ in pids:
    os.read(ready, 1)
sizes_of.set_function(lambda: 1)
print(json.dumps(shown("queue_size")))
for pid in pids:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
"""
    )
    assert found == {"queue_size": 31}


def test_slots_of_the_dead_are_used_again(own_folder):
    found = run(
        PRELUDE
        + f"""
def size():
    folder = {str(own_folder)!r}
    return sum(os.stat(os.path.join(folder, name)).st_size for name in os.listdir(folder))
sizes = []
for number in range(200):
    def work():
        jobs.labels("any").inc()
        took.observe(1)
        gauges["sum"].set(1)
    os.waitpid(child(work), 0)
    sizes.append(size())
print(json.dumps([shown("jobs_total", "took_count", "g_sum"), sizes]))
"""
    )
    shown, sizes = found
    assert shown == {'jobs_total{kind="any"}': 200, "took_count": 200, "g_sum": 200}
    assert sizes[-1] == sizes[10]


def test_any_forked_worker_answers_for_all():
    found = run(
        PRELUDE
        + """
ask, answer = os.pipe(), os.pipe()
ready, tell = os.pipe()
def work(number):
    jobs.labels(str(number)).inc(number)
    os.write(tell, b"x")
    os.read(ask[0], 1)
    os.write(answer[1], (json.dumps(shown("jobs_total")) + "\\n").encode())
    signal.pause()
pids = [child(lambda: work(number)) for number in (1, 2)]
for _ in pids: os.read(ready, 1)
os.write(ask[1], b"xx")
lines = os.fdopen(answer[0])
answers = [json.loads(lines.readline()) for _ in pids]
for pid in pids:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
print(json.dumps(answers))
"""
    )
    assert found == [{'jobs_total{kind="1"}': 1, 'jobs_total{kind="2"}': 2}] * 2


def test_spawned_workers(tmp_path):
    program = tmp_path / "spawning.py"
    program.write_text(
        PRELUDE
        + """
import multiprocessing
lazy = []
def work(number):
    jobs.labels("any").inc(number)
    Counter("only_workers_have_this", "O").inc()
if __name__ == "__main__":
    jobs.labels("main").inc()
    for method in ("spawn", "forkserver", "fork"):
        context = multiprocessing.get_context(method)
        for number in (1, 2):
            process = context.Process(target=work, args=(number,))
            process.start()
            process.join()
    print(json.dumps(shown("jobs_total", "only_")))
"""
    )
    assert run("-u", str(program)) == {
        'jobs_total{kind="main"}': 1,
        'jobs_total{kind="any"}': 9,
        "only_workers_have_this_total": 6,
    }


def test_programs_that_another_starts_are_not_its_workers():
    found = run(
        PRELUDE
        + """
import subprocess
jobs.labels("a").inc()
child(lambda: None)
other = "from vedette.prometheus import *; Counter('jobs', 'J', ['kind']).labels('b').inc()"
other += "; import os; os.fork() or os._exit(0); os.wait(); print(generate_latest().decode())"
text = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True).stdout
print(json.dumps([shown("jobs_total"), "kind=\\"b\\"" in text, "kind=\\"a\\"" in text]))
"""
    )
    assert found == [{'jobs_total{kind="a"}': 1}, True, False]


APP = """
import os, time
from vedette.prometheus import Counter, make_asgi_app, make_wsgi_app
hits = Counter("hits", "H", ["worker"])
metrics_wsgi, metrics_asgi = make_wsgi_app(), make_asgi_app()

def hit():
    hits.labels(str(os.getpid())).inc()
    time.sleep(0.02)  # the other worker takes the next one
    return str(os.getpid()).encode()

def wsgi(environ, start_response):
    if environ["PATH_INFO"] == "/metrics":
        return metrics_wsgi(environ, start_response)
    if environ["PATH_INFO"] == "/die":
        os._exit(1)
    start_response("200 OK", [("Connection", "close")])
    return [hit()]

async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["path"] == "/metrics":
        return await metrics_asgi(scope, receive, send)
    if scope["path"] == "/die":
        os._exit(1)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
    await send({"type": "http.response.body", "body": hit()})
"""


class Server:
    def __init__(self, command, port, folder):
        self.base = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def get(self, path):
        with urllib.request.urlopen(self.base + path, timeout=10) as answer:
            return answer.read().decode()

    def wait(self):
        end = time.monotonic() + DEADLINE
        while True:
            try:
                return self.get("/metrics")
            except OSError:
                assert time.monotonic() < end and self.process.poll() is None, "it does not start"
                time.sleep(0.05)

    def hit(self, workers, but=()):
        """Hits until that many workers have answered; how often each did."""
        counts = {}
        end = time.monotonic() + DEADLINE
        with ThreadPoolExecutor(4) as pool:
            while len(counts.keys() - set(but)) < workers:
                assert time.monotonic() < end, counts
                for answer in pool.map(self.try_get, ["/hit"] * 8):
                    if answer:
                        counts[answer] = counts.get(answer, 0) + 1
        return counts

    def try_get(self, path):
        try:
            return self.get(path)
        except OSError:
            return None

    def counted(self):
        return {
            sample.labels["worker"]: sample.value
            for family in text_string_to_metric_families(self.get("/metrics"))
            for sample in family.samples
            if sample.name == "hits_total"
        }

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


SERVERS = {
    "gunicorn": ["gunicorn", "--workers", "2", "--bind", "127.0.0.1:{port}", "workers_app:wsgi"],
    "gunicorn-preload": ["gunicorn", "--preload", "--workers", "2", "--bind", "127.0.0.1:{port}", "workers_app:wsgi"],
    "uvicorn": ["uvicorn", "--workers", "2", "--port", "{port}", "workers_app:asgi"],
}  # fmt: skip


@pytest.mark.parametrize("kind", SERVERS)
def test_real_servers(kind, tmp_path):
    (tmp_path / "workers_app.py").write_text(APP)
    port = free_port()
    command = [part.format(port=port) for part in SERVERS[kind]]
    server = Server([sys.executable, "-m", *command], port, tmp_path)
    try:
        server.wait()
        sent = server.hit(workers=2)
        for _ in range(6):  # whoever answers
            assert server.counted() == sent
        server.try_get("/die")
        more = server.hit(workers=2, but=[worker for worker in sent if not is_alive(worker)])
        for worker, count in more.items():
            sent[worker] = sent.get(worker, 0) + count
        for _ in range(4):
            found = server.counted()
            # A hit whose answer was lost with the worker counts all the same.
            assert found.keys() >= sent.keys()
            assert all(found[worker] >= count for worker, count in sent.items())
    finally:
        server.stop()


def is_alive(pid):
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True
