"""Tries the wheel in an environment full of upstream packages (tests/upstream.txt): what is theirs works as before, and
each way in gives every span once.

Run by ``./dev wheel --check`` under the Python of that environment, before the wheel is in it: tools/try_wheel_beside.py WHEEL.
"""

from __future__ import annotations

import collections
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from try_wheel import read, serving

BIN = Path(sys.prefix) / "bin"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]

# Ends with one line of JSON: the provider's module, what of Vedette is loaded, the trace id.
APP = """
import json, sys, warnings
warnings.simplefilter("ignore")
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry import trace
from sqlalchemy import create_engine, text

app = FastAPI()
engine = create_engine("sqlite://")

@app.get("/orders/{order}")
def order(order: int):
    with trace.get_tracer("shop").start_as_current_span("work") as span, engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        return f"{span.get_span_context().trace_id:032x}"

SETUP
if __name__ == "__main__":
    trace_id = TestClient(app).get("/orders/1").json()
    provider = trace.get_tracer_provider()
    if hasattr(provider, "force_flush"):
        provider.force_flush()
    ours = any(name.startswith("vedette.") for name in sys.modules)
    print(json.dumps([type(provider).__module__, ours, trace_id]))
"""
BY_HAND = """
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

given = TracerProvider()
given.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(given)
"""
INSTRUMENT = "import vedette\nvedette.instrument(app, engine=engine)\n"
AUTO = [str(BIN / "opentelemetry-instrument")]
VEDETTE = [str(BIN / "vedette"), "run"]
THEIRS = {"OTEL_PYTHON_DISTRO": "distro", "OTEL_PYTHON_CONFIGURATOR": "configurator"}
OURS = {"OTEL_PYTHON_DISTRO": "vedette", "OTEL_PYTHON_CONFIGURATOR": "vedette"}


def installed() -> dict[str, str]:
    """Digests of all files of the environment."""
    files = (p for p in Path(sys.prefix).rglob("*") if p.is_file() and p.suffix != ".pyc")
    return {
        str(p.relative_to(sys.prefix)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
    }


def install(wheel: str) -> None:
    before = installed()
    subprocess.run([*PIP, "install", "-q", wheel], check=True)
    subprocess.run([*PIP, "check"], check=True)
    after = installed()
    changed = [name for name in before if after.get(name) != before[name]]
    assert not changed, f"files of others are not as they were: {changed}"
    strange = [n for n in after if n not in before and "vedette" not in n.rpartition("lib/")[2]]
    assert not strange, f"files that are not in folders of ours: {strange}"


class Trial:
    def __init__(self, folder: Path, ui: str, http: str) -> None:
        self.folder = folder
        self.ui = ui
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "PYTHON"))},
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{http}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_SERVICE_NAME": "beside",
            "OTEL_METRICS_EXPORTER": "none",
        }

    def run(self, words: list[str], setup: str = "", **more: str) -> tuple[list[str], str]:
        (self.folder / "shop.py").write_text(APP.replace("SETUP", setup))
        done = subprocess.run(
            words, cwd=self.folder, env={**self.environment, **more},
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines(), done.stderr

    def serve(self, way: str, words: list[str], setup: str = "", **more: str) -> tuple[str, bool, dict[str, int], str]:  # fmt: skip
        """Module of the provider, whether Vedette was loaded, how often which span was stored, and what was said."""
        lines, said = self.run([*words, sys.executable, "shop.py"], setup, **more)
        provider, ours, trace_id = json.loads(lines[-1])
        spans: dict[str, int] = {}
        if "sdk" in provider or "vedette" in provider:
            trace = json.loads(read(f"http://{self.ui}/vedette/v1/traces/{trace_id}"))
            spans = dict(collections.Counter(span["name"] for span in trace["spans"]))
        print(f"{way}: {provider}, {spans}")
        if said:
            print("  " + "\n  ".join(said.splitlines()))
        return provider, ours, spans, said


def try_all(trial: Trial) -> None:
    request, work = "GET /orders/{order}", "work"

    provider, ours, _, said = trial.serve("by itself", [])
    assert not provider.startswith("vedette") and not ours and not said

    provider, ours, spans, said = trial.serve("their distro", AUTO, **THEIRS)
    assert provider == "opentelemetry.sdk.trace" and not ours
    assert spans[request] == spans[work] == 1

    for way, words, more in (
        ("our distro", AUTO, OURS),
        ("vedette run", VEDETTE, {}),
    ):
        provider, ours, spans, said = trial.serve(way, words, **more)
        assert ours and sum(spans.values()) == 3, (way, spans)
        assert spans[request] == spans[work] == spans["SELECT"] == 1, (way, spans)
        assert not said or words is AUTO, (
            said
        )  # it says itself that it leaves the other configurator out

    provider, ours, spans, _ = trial.serve("no distro named", AUTO)
    assert spans[request] == spans[work] == 1, spans

    provider, ours, spans, said = trial.serve("an SDK set up by hand", [], BY_HAND + INSTRUMENT)
    assert provider == "opentelemetry.sdk.trace"
    assert spans[work] == 1 and max(spans.values()) == 1, spans
    assert len(said.splitlines()) == 1, said

    lines, _ = trial.run([str(BIN / "vedette"), "doctor"])
    assert any("opentelemetry-sdk 1." in line for line in lines), lines
    lines, _ = trial.run([str(BIN / "vedette"), "doctor", "uvicorn", "shop:app"])
    assert lines[-1] == "Nothing is broken.", lines


if __name__ == "__main__":
    install(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serving(str(BIN / "vedette"), folder / "data") as (ui, http, _):
            try_all(Trial(folder, ui, http))
