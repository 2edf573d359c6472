import asyncio
import threading

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine
from vedette._health import health


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
    }


def test_a_check_that_hangs_does_not_hold_up_the_answer():
    release = threading.Event()

    async def hangs():
        await asyncio.Event().wait()

    app = app_with(
        {"thread": lambda: release.wait(30), "coroutine": hangs, "well": lambda: None}, timeout=0.05
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
