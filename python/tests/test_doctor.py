"""`vedette doctor`: what it says, and its exit status."""

import sys
import textwrap

from test_ways import run
from vedette import _boot

DOCTOR = [sys.executable, "-m", "vedette", "doctor"]

APP = """
from fastapi import FastAPI
from starlette.middleware.base import BaseHTTPMiddleware

class Slow(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        return await call_next(request)

app = FastAPI()
app.add_middleware(Slow)
"""


def test_an_app_in_order(tmp_path, http_sink):
    (tmp_path / "doctored.py").write_text(APP)
    done = run([*DOCTOR, "uvicorn", "doctored:app"], cwd=tmp_path, check=False,
               OTEL_EXPORTER_OTLP_ENDPOINT=http_sink.base, OTEL_LOGS_EXPORTER="none")  # fmt: skip
    assert "doctored:app is observed" in done.stdout
    assert "costly" in done.stdout
    assert "doctored.Slow" in done.stdout
    assert "reachable" in done.stdout
    assert "\033" not in done.stdout, "no colours without a terminal"
    assert done.returncode == 0, done.stdout


def test_what_is_broken(tmp_path):
    done = run(
        [*DOCTOR, "doctored:app"],
        cwd=tmp_path,
        check=False,
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        OTEL_BSP_SCHEDULE_DELAY="soon",
        OTEL_TRACES_SAMPLR="always_on",
    )
    for said in (
        "not reachable",
        "OTEL_BSP_SCHEDULE_DELAY=soon",
        "OTEL_TRACES_SAMPLER is meant?",
        "cannot be imported",
    ):
        assert said in done.stdout
    assert done.returncode == 1


def installed(folder, name, version, entry_points=""):
    """A distribution that is found before the real one."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(entry_points)


def doctor(tmp_path, *words, **variables):
    quiet = {f"OTEL_{s}_EXPORTER": "none" for s in ("TRACES", "METRICS", "LOGS")}
    given = {"PYTHONPATH": str(tmp_path), **quiet, **variables}
    return run([*DOCTOR, *words], cwd=tmp_path, check=False, **given)


def line_of(done, start):
    (line,) = [line for line in done.stdout.splitlines() if line[10:].startswith(start)]
    return line


def test_releases_of_libraries(tmp_path):
    """Too new, too old, as tested: each library whose releases are named."""
    for name in _boot.RELEASES:
        installed(tmp_path / "new", _boot.DISTRIBUTIONS.get(name, name), "99.0")
        installed(tmp_path / "old", _boot.DISTRIBUTIONS.get(name, name), "0.1")
    new = doctor(tmp_path, PYTHONPATH=str(tmp_path / "new"))
    old = doctor(tmp_path, PYTHONPATH=str(tmp_path / "old"))
    now = doctor(tmp_path)
    for name, (oldest, newest) in _boot.RELEASES.items():
        line = line_of(new, f"{name} 99.0")
        assert line.startswith("  note") and f"too new: {newest[0]}.{newest[1]} " in line
        line = line_of(old, f"{name} 0.1")
        assert line.startswith("  broken") and f"too old: {oldest[0]}.{oldest[1]} " in line
        assert line_of(now, name).endswith("observed"), "the tests have seen a newer release"
    assert (new.returncode, old.returncode, now.returncode) == (0, 1, 0)


def test_what_is_left_out(tmp_path):
    done = doctor(tmp_path, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="httpx,fastapi")
    for name in ("httpx", "fastapi", "starlette"):
        line = line_of(done, name)
        assert "is not observed: OTEL_PYTHON_DISABLED_INSTRUMENTATIONS" in line
    assert done.returncode == 0


def test_others_instrumentations(tmp_path):
    (tmp_path / "theirs.py").write_text("class Kafka: pass\n")
    entries = (
        "kafka = theirs:Kafka\nfails = theirs:None_\nabsent = no_such_library:X\nhttpx = theirs:X\n"
    )
    installed(tmp_path, "theirs", "1.0", f"[opentelemetry_instrumentor]\n{entries}")
    done = doctor(tmp_path)
    assert line_of(done, "kafka").startswith("  ok")
    assert "No module named 'no_such_library'" in line_of(done, "absent is left out")
    assert "Vedette observes it itself" in line_of(done, "httpx is not loaded")
    assert line_of(done, "fails").startswith("  broken")


def test_a_provider_of_somebody_else(tmp_path):
    (tmp_path / "theirs.py").write_text(
        textwrap.dedent("""
        from opentelemetry import trace
        class Provider(trace.NoOpTracerProvider): pass
        trace.set_tracer_provider(Provider())
        """)
        + APP
    )
    done = doctor(tmp_path, "theirs:app")
    assert "theirs.Provider; its requests are not observed" in done.stdout
    assert done.returncode == 1
    (tmp_path / "sitecustomize.py").write_text("import theirs\n")
    assert "the tracer provider is theirs.Provider" in doctor(tmp_path).stdout


def test_exporters(tmp_path, http_sink):
    done = doctor(
        tmp_path,
        OTEL_TRACES_EXPORTER="otlp,nosuch",
        OTEL_LOGS_EXPORTER="otlp",
        OTEL_EXPORTER_OTLP_ENDPOINT=http_sink.base,
        OTEL_EXPORTER_OTLP_LOGS_ENDPOINT="http://user:secret@127.0.0.1:9/v1/logs",
    )
    assert "is not reachable" in line_of(done, "logs: OTLP") and "secret" not in done.stdout
    assert line_of(done, "traces: OTLP").endswith("reachable")
    assert line_of(done, "traces: nosuch").startswith("  broken")
    assert "not exported" in line_of(done, "metrics")
