"""`vedette doctor`: what it says, and its exit status."""

import sys

from test_ways import run

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
