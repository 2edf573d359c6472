"""``vedette.logs.make_filtering_bound_logger``: what its methods do is what structlog's do, whatever the chain."""

import collections
import contextvars
import inspect
import logging
import sys

import pytest
import structlog
import vedette.logs

LEVELS = ["debug", "info", "warning", "warn", "error", "critical", "fatal", "msg"]


class Recorder:
    """A logger that keeps what its methods get."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)

        def method(*args, **kwargs):
            if "drop" in kwargs:
                raise structlog.DropEvent
            self.calls.append((name, args, kwargs))
            return "answer of the logger"

        return method


def drop(_logger, _name, _event):
    raise structlog.DropEvent


def fail(_logger, _name, _event):
    raise ZeroDivisionError("in a processor")


def as_text(_logger, name, event):
    return f"{name}: {sorted(event.items())}"


def note_logger(logger, _name, event):
    return {**event, "logger_is": type(logger).__name__}


def outcome(make, say, **options):
    """What the logger got, and what the caller."""
    recorder = Recorder()
    bound = structlog.wrap_logger(
        recorder, wrapper_class=make(options.pop("min_level", 0)), **options
    )
    try:
        answer = say(bound)
    except Exception as error:
        answer = (type(error), str(error))
    return recorder.calls, answer


def same(say, **options):
    ours = outcome(vedette.logs.make_filtering_bound_logger, say, **options)
    theirs = outcome(structlog.make_filtering_bound_logger, say, **options)
    assert ours == theirs
    return ours


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("min_level", [0, logging.INFO, logging.ERROR, logging.CRITICAL])
def test_every_level(level, min_level):
    calls, _ = same(
        lambda log: getattr(log, level)("happened", order=3),
        processors=[as_text],
        min_level=min_level,
    )
    assert len(calls) == (
        min_level == 0 or getattr(logging, {"msg": "INFO"}.get(level, level.upper())) >= min_level
    )


@pytest.mark.parametrize(
    "say",
    [
        lambda log: log.info("plain"),
        lambda log: log.info("with", a=1, b=[2]),
        lambda log: log.info(event="by keyword"),
        lambda log: log.info(event="by keyword", a=1),
        lambda log: log.info(None, a=1),
        lambda log: log.info(42),
        lambda log: log.info("%s is %d", "it", 3),
        lambda log: log.info("%(a)s", {"a": 1}),
        lambda log: log.info("%d", "no number"),
        lambda log: log.info("twice", event="twice"),
        lambda log: log.info("twice", **{"event": "twice"}),
        lambda log: log.info(),
        lambda log: log.bind(user="anna").info("bound"),
        lambda log: log.bind(user="anna").info("bound", user="bert"),
        lambda log: log.bind(event="bound").info("said"),
        lambda log: log.bind(a=1).unbind("a").info("unbound"),
        lambda log: log.new(b=2).info("new"),
        lambda log: log.log(logging.WARNING, "by number", a=1),
        lambda log: log.info("dropped by the logger", drop=True),
        lambda log: type(log).info(log, "by the class", a=1),
        lambda log: [log.info("again", n=n) for n in range(3)],
    ],
)  # fmt: skip
def test_calls(say):
    for processors in ([as_text], [note_logger, as_text], []):
        same(say, processors=processors)


@pytest.mark.parametrize(
    "last",
    [
        lambda *_: "text",
        lambda *_: b"bytes",
        lambda *_: bytearray(b"array"),
        lambda *_: ((1, 2), {"a": 3}),
        lambda *_: ([1], {}),
        lambda *_: {"a": 1},
        lambda *_: None,
        lambda *_: [1],
        lambda *_: (1, 2, 3),
        lambda *_: (1, 2),
        drop,
        fail,
    ],
)
def test_what_the_last_processor_makes(last):
    calls, answer = outcome(
        vedette.logs.make_filtering_bound_logger, lambda log: log.info("e", a=1), processors=[last]
    )
    expected_calls, expected = outcome(
        structlog.make_filtering_bound_logger, lambda log: log.info("e", a=1), processors=[last]
    )
    assert calls == expected_calls
    assert (answer if isinstance(answer, str) else type(answer)) == (
        expected if isinstance(expected, str) else type(expected)
    )


def test_other_contexts_and_processor_lists():
    same(lambda log: log.info("e", a=1), processors=(as_text,))
    same(
        lambda log: log.bind(b=2).info("e", a=1),
        processors=[as_text],
        context_class=collections.OrderedDict,
    )


def test_context_variables_are_merged():
    merge = structlog.contextvars.merge_contextvars
    contextvars.ContextVar("other").set("not of structlog")

    def run():
        structlog.contextvars.bind_contextvars(request="r1", user="anna", gone=1)
        structlog.contextvars.unbind_contextvars("gone")
        calls, _ = same(lambda log: log.info("e", user="bert"), processors=[merge, as_text])
        assert calls[0][1] == ("info: [('event', 'e'), ('request', 'r1'), ('user', 'bert')]",)
        # An event that is no dict any more is structlog's to merge.
        to_ordered = lambda _logger, _name, event: collections.OrderedDict(event)  # noqa: E731
        same(lambda log: log.info("e"), processors=[to_ordered, merge, as_text])

    contextvars.copy_context().run(run)


def test_exceptions_are_shown():
    def say(log):
        try:
            raise ValueError("in the application")
        except ValueError:
            return log.exception("failed", a=1)

    calls, _ = same(say, processors=[structlog.processors.format_exc_info, as_text])
    assert "ValueError: in the application" in calls[0][1][0]
    assert calls[0][0] == "error"


def test_call_sites_are_those_of_the_application():
    parameters = structlog.processors.CallsiteParameterAdder(
        [
            structlog.processors.CallsiteParameter.FUNC_NAME,
            structlog.processors.CallsiteParameter.LINENO,
        ]
    )

    def here(log):
        return log.info("e"), sys._getframe().f_lineno

    calls, (_, line) = outcome(
        vedette.logs.make_filtering_bound_logger, here, processors=[parameters, as_text]
    )
    assert f"('func_name', 'here'), ('lineno', {line})" in calls[0][1][0]


def test_classes_look_like_structlogs():
    ours = vedette.logs.make_filtering_bound_logger(0)
    theirs = structlog.make_filtering_bound_logger(0)
    assert issubclass(ours, theirs)
    assert ours is vedette.logs.make_filtering_bound_logger(0)
    for name in LEVELS:
        method, original = getattr(ours, name), getattr(theirs, name)
        assert method.__name__ == original.__name__
        assert inspect.signature(method) == inspect.signature(original)
        with pytest.raises(AttributeError):
            _ = method.no_such_thing


def test_a_processor_may_change_the_chain():
    def shorten(_logger, _name, event):
        processors.clear()
        return event

    processors = [shorten, fail]
    bound = structlog.wrap_logger(
        recorder := Recorder(),
        processors=processors,
        wrapper_class=vedette.logs.make_filtering_bound_logger(0),
    )
    assert bound.info("e") == "answer of the logger"
    assert recorder.calls == [("info", (), {"event": "e"})]


def test_the_whole_native_way(capfd):
    log = structlog.wrap_logger(
        vedette.logs.LoggerFactory()(),
        processors=[structlog.contextvars.merge_contextvars, vedette.logs.JSONRenderer()],
        wrapper_class=vedette.logs.make_filtering_bound_logger(logging.INFO),
    )
    log.debug("not seen")
    log.bind(a=1).warning("seen", b="ü")
    assert '"a":1' in (line := capfd.readouterr().out.replace(" ", "")) and '"b":"ü"' in line
    assert "notseen" not in line
