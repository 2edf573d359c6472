import asyncio
import threading
from pathlib import Path

import httpx
import pytest
import yaml
from fastapi import FastAPI
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from vedette import checks
from vedette._health import PATHS, health
from vedette.prometheus import REGISTRY


def ask(app, *paths):
    async def run():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return await asyncio.gather(*(client.get(path) for path in paths))

    return asyncio.run(run())


def app_with(checks, **options):
    app = FastAPI()
    health(app, checks, **options)
    return app


def test_ready_when_every_check_is_well():
    async def fine():
        pass

    app = app_with(
        {"database": create_engine("sqlite://"), "coroutine": fine, "function": lambda: None}
    )
    live, ready = ask(app, "/health/live", "/health/ready")
    assert (live.status_code, live.json()) == (200, {"status": "alive"})
    assert ready.status_code == 200
    assert ready.json() == {
        "status": "ready",
        "checks": {"database": "ok", "coroutine": "ok", "function": "ok"},
    }


def test_degraded_when_one_fails_and_the_others_are_still_told():
    def broken():
        raise OSError("gone")

    (ready,) = ask(app_with({"a": lambda: True, "b": broken, "c": lambda: False}), "/health/ready")
    assert ready.status_code == 503
    assert ready.json() == {
        "status": "degraded",
        "checks": {"a": "ok", "b": "failed", "c": "failed"},
        "failures": {"b": "OSError: gone", "c": "RuntimeError: the check returned False"},
    }


def test_a_check_that_hangs_does_not_hold_up_the_answer():
    release = threading.Event()

    async def hangs():
        await asyncio.Event().wait()

    app = app_with(
        {"thread": lambda: release.wait(30), "coroutine": hangs, "well": lambda: None}, timeout=1
    )
    try:
        body = asyncio.run(_one(app, release))
    finally:
        release.set()
    assert body == {"thread": "timeout", "coroutine": "timeout", "well": "ok"}


async def _one(app, release):
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        body = (await client.get("/health/ready")).json()["checks"]
        release.set()
        return body


def test_checks_run_side_by_side_and_once_for_many_probes():
    calls = []

    async def run():
        both = asyncio.Barrier(2) if hasattr(asyncio, "Barrier") else None

        async def meets():
            calls.append(1)
            if both:
                await both.wait()  # only passes while the other check runs too

        app = app_with({"a": meets, "b": meets}, timeout=5)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return await asyncio.gather(*(client.get("/health/ready") for _ in range(5)))

    answers = asyncio.run(run())
    assert {a.status_code for a in answers} == {200}
    assert len(calls) == 2


def test_what_is_no_check_is_said_at_once():
    with pytest.raises(TypeError, match="'database' is no function"):
        app_with({"database": 5})


def test_the_message_keeps_secrets():
    def broken():
        raise OSError("no way to postgres://shop:hunter2@db/shop?password=hunter2\nmore")

    (ready,) = ask(app_with({"db": broken}), "/health/ready")
    assert ready.json()["failures"] == {"db": "OSError: no way to postgres://…@db/shop?…"}


def test_startup_is_over_once_all_was_well():
    works = []

    def check():
        return bool(works)

    app = app_with({"ready": lambda: False}, startup={"warm": check}, cache=0)
    (before,) = ask(app, "/health/startup")
    assert (before.status_code, before.json()["status"]) == (503, "starting")
    assert before.json()["checks"] == {"warm": "failed"}
    works.append(1)
    (now,) = ask(app, "/health/startup")
    works.clear()
    (later,) = ask(app, "/health/startup")
    assert now.status_code == later.status_code == 200
    assert later.json() == {"status": "started"}
    (ready,) = ask(app, "/health/ready")
    assert ready.status_code == 503


def test_startup_takes_the_checks_of_readiness():
    works = []
    app = app_with({"a": lambda: bool(works)}, cache=0)
    assert ask(app, "/health/startup")[0].status_code == 503
    works.append(1)
    assert ask(app, "/health/ready", "/health/startup")[1].status_code == 200


def test_an_answer_is_kept_for_a_while():
    calls = []
    app = app_with({"a": lambda: calls.append(1)}, cache=3600)

    async def run():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            for _ in range(3):
                assert (await client.get("/health/ready")).status_code == 200

    asyncio.run(run())
    assert len(calls) == 1


def test_outcomes_are_metrics():
    ask(app_with({"well": lambda: None, "sick": lambda: False}), "/health/ready")
    value = REGISTRY.get_sample_value
    assert value("health_check_up", {"check": "well"}) == 1
    assert value("health_check_up", {"check": "sick"}) == 0
    assert value("health_check_duration_seconds", {"check": "well"}) >= 0


class AsyncpgPool:
    def __init__(self, fails):
        self.fails = fails

    async def fetchval(self, query):
        assert query == "SELECT 1"
        if self.fails:
            raise ConnectionRefusedError("no database")
        return 1


class Redis:
    def __init__(self, fails):
        self.fails = fails

    def ping(self):
        if self.fails:
            raise ConnectionError("no redis")
        return True


class AsyncRedis(Redis):
    async def ping(self):
        return super().ping()


class Connection:
    def __init__(self, fails):
        self.fails = fails

    def execute(self, query):
        if self.fails:
            raise ConnectionError("no database")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class AsyncConnection(Connection):
    async def execute(self, query):
        super().execute(query)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass


class PsycopgPool:
    def __init__(self, fails):
        self.fails = fails

    def getconn(self):
        raise AssertionError("is not given back")

    def connection(self):
        return Connection(self.fails)


class AsyncPsycopgPool(PsycopgPool):
    async def getconn(self):
        raise AssertionError("is not given back")

    def connection(self):
        return AsyncConnection(self.fails)


@pytest.mark.parametrize("fails", [False, True])
def test_what_is_a_check_as_it_is(fails, tmp_path, http_sink):
    path = tmp_path / "none" / "db" if fails else tmp_path / "db"
    made = {
        "engine": create_engine(f"sqlite:///{path}"),
        "async engine": create_async_engine(f"sqlite+aiosqlite:///{path}"),
        "asyncpg": AsyncpgPool(fails),
        "psycopg": PsycopgPool(fails),
        "async psycopg": AsyncPsycopgPool(fails),
        "redis": Redis(fails),
        "async redis": AsyncRedis(fails),
        "http": checks.http(http_sink.base + "/x"),
        "disk": checks.disk(str(tmp_path), free_bytes=1 << 60 if fails else 1),
    }
    http_sink.server.RequestHandlerClass.do_GET = lambda self: (
        self.send_response(503 if fails else 204),
        self.end_headers(),
    )
    (ready,) = ask(app_with(made, timeout=30), "/health/ready")
    body = ready.json()
    assert body["checks"] == dict.fromkeys(made, "failed" if fails else "ok"), body
    if fails:
        assert body["failures"]["http"] == "RuntimeError: 127.0.0.1 answered 503"
        assert "MiB are free" in body["failures"]["disk"]
        assert set(body["failures"]) == set(made)
    made["engine"].dispose()


def test_what_is_no_url_is_said_at_once():
    with pytest.raises(ValueError, match="not an http URL"):
        checks.http("shop:80")


MANIFESTS = Path(__file__).parents[2] / "docs" / "kubernetes"


def test_manifests_ask_what_is_answered():
    manifests = [
        entry
        for file in sorted(MANIFESTS.glob("*.yaml"))
        for entry in yaml.safe_load_all(file.read_text(encoding="utf-8"))
    ]
    assert {entry["kind"] for entry in manifests} >= {"Deployment", "Service"}
    deployments = {e["metadata"]["name"]: e for e in manifests if e["kind"] == "Deployment"}
    pod = deployments["shop"]["spec"]["template"]["spec"]
    for container in pod["containers"]:
        probes = ("livenessProbe", "readinessProbe", "startupProbe")
        assert tuple(container[probe]["httpGet"]["path"] for probe in probes) == PATHS
        ports = {port["name"] for port in container["ports"]}
        assert all(container[probe]["httpGet"]["port"] in ports for probe in probes)
        # A probe must outlast a check's deadline, and the pod what is done before and after SIGTERM.
        assert all(container[probe]["timeoutSeconds"] > 0.9 for probe in probes)
        pause = int(container["lifecycle"]["preStop"]["exec"]["command"][-1])
        assert pod["terminationGracePeriodSeconds"] > pause + 5
