"""asyncio, threads and executors: every span ends once, below the right parent, whatever is cancelled or closed."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry import trace
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import SimpleSpanProcessor
from vedette.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@pytest.fixture
def traced(caplog, capfd):
    """A tracer, and a function that gives (name, parent's name) of what has ended, each span once."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    def ended():
        spans = exporter.get_finished_spans()
        names = {span.context.span_id: span.name for span in spans}
        assert len(names) == len(spans), "a span has ended twice"
        exporter.clear()
        return sorted((s.name, names.get(s.parent.span_id) if s.parent else None) for s in spans)

    yield provider.get_tracer("async"), ended
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert "detach" not in caplog.text + capfd.readouterr().err


def steps_until(cancelled_at: int):
    """A place to await that is cancelled at the given step, counted over the whole run."""
    step = 0

    async def pause() -> None:
        nonlocal step
        step += 1
        if step == cancelled_at:
            asyncio.current_task().cancel()
        await asyncio.sleep(0)

    return pause


@pytest.mark.parametrize("cancelled_at", range(1, 9))
def test_cancelled_at_every_await(traced, cancelled_at):
    tracer, ended = traced
    pause = steps_until(cancelled_at)

    async def inner(name):
        with tracer.start_as_current_span(name):
            await pause()
            await pause()

    async def outer():
        with tracer.start_as_current_span("outer"):
            await pause()
            await inner("first")
            await pause()
            try:
                await inner("second")
            finally:
                with tracer.start_as_current_span("cleanup"):
                    await asyncio.sleep(0)

    async def run():
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(outer())
            raise asyncio.CancelledError  # a run that was not cancelled ends like the others

    asyncio.run(run())
    expected = [("outer", None)]
    if cancelled_at > 1:
        expected.append(("first", "outer"))
    if cancelled_at > 4:
        expected += [("second", "outer"), ("cleanup", "outer")]
    assert ended() == sorted(expected)


def test_a_task_group_that_fails(traced):
    asyncio_group = getattr(asyncio, "TaskGroup", None)
    if asyncio_group is None:
        pytest.skip("TaskGroup is new in Python 3.11")
    tracer, ended = traced

    async def child(name, fails):
        with tracer.start_as_current_span(name):
            await asyncio.sleep(0)
            if fails:
                raise ValueError(name)
            await asyncio.sleep(3600)

    async def run():
        with tracer.start_as_current_span("group"):
            async with asyncio_group() as group:
                for i in range(5):
                    group.create_task(child(f"child {i}", i == 3))

    with pytest.raises(BaseException) as failure:
        asyncio.run(run())
    assert failure.group_contains(ValueError)
    assert ended() == [(f"child {i}", "group") for i in range(5)] + [("group", None)]


def test_async_generators_closed_by_somebody_else(traced):
    tracer, ended = traced

    async def numbers():
        with tracer.start_as_current_span("generator"):
            for i in range(10):
                yield i

    async def take_one():
        generator = numbers()
        with tracer.start_as_current_span("consumer"):
            await generator.__anext__()
        return generator

    async def run():
        for _ in range(20):
            generator = await asyncio.create_task(take_one())
            await asyncio.create_task(generator.aclose())
        abandoned = await asyncio.create_task(take_one())
        del abandoned  # the loop closes it

    asyncio.run(run())
    names = [name for name, _ in ended()]
    assert names.count("generator") == names.count("consumer") == 21


def test_threads_and_executors(traced):
    tracer, ended = traced

    def work(name):
        with tracer.start_as_current_span(name):
            return name

    async def run():
        with tracer.start_as_current_span("request"):
            await asyncio.to_thread(work, "to_thread")
            await asyncio.get_running_loop().run_in_executor(None, work, "run_in_executor")
            await asyncio.gather(*(asyncio.to_thread(work, "gathered") for _ in range(5)))
            with ThreadPoolExecutor(2) as pool:
                pool.submit(contextvars.copy_context().run, work, "submitted").result()
                pool.submit(work, "alone").result()
            thread = threading.Thread(target=work, args=("thread",))
            thread.start()
            thread.join()

    asyncio.run(run())
    # As Python has it: to_thread takes the context along, plain executors and threads do not.
    assert ended() == sorted(
        [("request", None), ("to_thread", "request"), ("run_in_executor", None)]
        + [("gathered", "request")] * 5
        + [("submitted", "request"), ("alone", None), ("thread", None)]
    )


def test_callbacks_run_in_the_context_they_were_made_in(traced):
    tracer, ended = traced

    def later():
        tracer.start_span("later").end()

    async def run():
        loop = asyncio.get_running_loop()
        with tracer.start_as_current_span("request"):
            loop.call_soon(later)
        await asyncio.sleep(0)

    asyncio.run(run())
    assert ended() == [("later", "request"), ("request", None)]
