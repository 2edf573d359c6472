import asyncio
import gc
import logging
import time

import pytest
import uvloop
from vedette import prometheus
from vedette.instrumentation import asyncio as loops
from vedette.instrumentation import runtime


def samples():
    found = {}
    for line in prometheus.generate_latest().decode().splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return found


@pytest.fixture
def watched():
    loops.instrument()
    loops.instrument()
    yield
    loops.uninstrument()


def eats_time(seconds):
    time.sleep(seconds)


async def block_then_wait():
    await asyncio.sleep(0.05)
    eats_time(1.0)
    deadline = time.monotonic() + 20
    count = "asyncio_loop_lag_seconds_count"
    before = samples().get(count, 0)
    while samples().get(count, 0) < before + 2 and time.monotonic() < deadline:
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_what_blocks_a_loop_is_named(factory, watched, caplog):
    name = 'asyncio_loop_blocked_time_seconds_total{code_function_name="test_runtime.eats_time"}'
    before = samples().get(name, 0)
    loops._logged.clear()
    loop = factory()
    with caplog.at_level(logging.WARNING, "vedette"):
        loop.run_until_complete(block_then_wait())
    loop.close()
    assert samples()[name] - before > 0.5
    assert "by test_runtime.eats_time" in caplog.text


def test_a_loop_that_waits_is_not_late_and_one_that_stands_is_not_watched(watched):
    async def idle():
        await asyncio.sleep(0.6)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(idle())
    time.sleep(0.5)  # the loop does not run: nothing blocks it
    names = [name for name in samples() if name.startswith("asyncio_loop_blocked")]
    loop.run_until_complete(idle())
    loop.close()
    assert [n for n in samples() if n.startswith("asyncio_loop_blocked")] == names
    assert samples()["asyncio_loop_lag_seconds_count"] > 0


def test_uninstrumenting_gives_the_loops_back(watched):
    original = asyncio.BaseEventLoop.run_forever.__wrapped__
    loops.uninstrument()
    assert asyncio.BaseEventLoop.run_forever is original


def test_the_runtime_is_exposed():
    assert runtime.instrument() and runtime.instrument()
    try:
        gc.collect()
        found = samples()
        assert found['process_cpu_time_seconds_total{cpu_mode="user"}'] > 0
        assert found["process_memory_usage_bytes"] > 1e6
        assert found["process_thread_count"] >= 1
        assert found["process_unix_file_descriptor_count"] >= 3
        assert found["process_uptime_seconds"] > 0
        assert found['cpython_gc_collections_total{cpython_gc_generation="2"}'] >= 1
        assert found['cpython_gc_pause_duration_seconds_count{cpython_gc_generation="2"}'] >= 1
    finally:
        runtime.uninstrument()
    assert "process_thread_count" not in samples()
    assert not any("_Runtime" in repr(callback) for callback in gc.callbacks)


def test_a_meter_of_another_sdk_gets_the_runtime_too(monkeypatch):
    from opentelemetry.metrics import _internal
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    monkeypatch.setattr(_internal, "_METER_PROVIDER", MeterProvider([reader]))
    runtime.instrument()
    try:
        data = reader.get_metrics_data()
    finally:
        runtime.uninstrument()
    metrics = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics]
    assert {"process.cpu.time", "process.memory.usage", "cpython.gc.collections"} <= {
        metric.name for metric in metrics
    }
