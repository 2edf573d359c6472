"""The native Logger._log beside the logging module's own: every script has to look the same to all who watch."""

import collections
import io
import logging
import sys
import time
import types

import pytest
import vedette.logs
from vedette.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from vedette.instrumentation import logging as logging_instrumentation
from vedette.sdk._logs import LoggerProvider, LoggingHandler
from vedette.sdk._logs.export import BatchLogRecordProcessor
from vedette.sdk.trace import TracerProvider

tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")
NAMES = ("native_log", "native_log.shop", "native_log.own")


class Watcher(logging.Handler):
    """Somebody else's handler."""

    def __init__(self, seen, level=logging.NOTSET):
        super().__init__(level)
        self.seen = seen

    def emit(self, record):
        kept = {
            key: value
            for key, value in vars(record).items()
            if key not in ("created", "msecs", "relativeCreated", "taskName", "exc_info")
        }
        kept["raised"] = repr(record.exc_info and record.exc_info[:2])
        kept["text"] = logging.Formatter("%(levelname)s %(message)s").format(record)
        self.seen.append(repr(kept))


class Stage:
    """What a script plays on: `ours` is on the logger above `log`."""

    def __init__(self, provider):
        self.provider = provider
        self.seen = []
        self.top = logging.getLogger(NAMES[0])
        self.top.propagate = False
        self.top.setLevel(logging.DEBUG)
        self.ours = LoggingHandler(logger_provider=provider)
        self.top.addHandler(self.ours)
        self.log = logging.getLogger(NAMES[1])
        self.log.setLevel(logging.DEBUG)

    def watch(self, logger=None, level=logging.NOTSET):
        (logger or self.log).addHandler(Watcher(self.seen, level))

    def logger_of(self, kind):
        logger = kind(NAMES[2], logging.DEBUG)
        logger.parent = self.top
        logger.manager = self.top.manager
        return logger

    def close(self):
        logging.disable(logging.NOTSET)
        for name in NAMES:
            logging.Logger.manager.loggerDict.pop(name, None)


def plain(s):
    s.log.info("order %s created by %r", 4711, "ada")


def no_arguments(s):
    s.log.debug("100% sure")
    s.log.warning(17)
    s.log.critical({"structured": [1, 2.5, None]})
    s.log.error(ValueError("as message"))
    s.log.log(logging.INFO, "text \ud800 and \0")


def mapping_arguments(s):
    s.log.info("%(a)s", {"a": 1})
    s.log.info("%s", {})
    s.log.info("%s %s", {"a": 1}, {"b": 2})
    s.log.info("%s", [1])


def other_mapping(s):
    s.log.info("%(a)s", collections.UserDict(a=1))


def wrong_arguments(s):
    s.log.info("%d", "no number")
    s.log.info("%s")
    s.log.info("too few %s %s", 1)
    s.log.info("none wanted", 1)


def hostile_argument(s):
    class Hostile:
        def __str__(self):
            raise RuntimeError("never")

        __repr__ = __str__

    s.log.info("%s", Hostile())
    s.log.info("with", extra={"bad": Hostile(), "nan": float("nan"), "big": 1 << 80})


def extra(s):
    s.log.info("x", extra={"total_cents": 1250, "currency": "EUR", "list": [1, "a"], "none": None})
    s.log.info("x", extra={})
    s.log.info("x", extra=None)


def many_extras(s):
    s.log.info("x", extra={f"key{i}": i for i in range(200)})


def extra_proxy(s):
    s.log.info("x", extra=types.MappingProxyType({"a": 1}))


def extra_odd_key(s):
    s.log.info("x", extra={1: "a", "b": 2})


def extra_takes(key):
    def overwrites(s):
        s.log.info("x", extra={"fine": 1, key: "y"})

    return overwrites


def raised(s):
    try:
        {}["missing"]
    except KeyError as error:
        s.log.exception("failed %s", 1)
        s.log.error("failed", exc_info=True)
        s.log.error("failed", exc_info=1)
        s.log.error("failed", exc_info=error)
        s.log.error("failed", exc_info=sys.exc_info())
        s.log.error("fine", exc_info=False)
        s.log.error("fine", exc_info=0)


def nothing_raised(s):
    s.log.error("x", exc_info=True)
    s.log.error("x", exc_info=(None, None, None))
    s.log.exception("x")


def odd_exc_info(s):
    s.log.error("x", exc_info="yes")


def through(s, **keywords):
    s.log.info("through", **keywords)


def stack_level(s):
    through(s)
    for level in (1, 2, 3, 1000):
        through(s, stacklevel=level)


def odd_stack_level(s):
    through(s, stacklevel=0)
    through(s, stacklevel=True)


def stack_info(s):
    s.watch()
    s.log.info("x", stack_info=True)


def from_c_code(s):
    list(map(s.log.info, ["a", "b"]))
    exec(compile("log.info('compiled')", "importlib._bootstrap", "exec"), {"log": s.log})


def adapter(s):
    logging.LoggerAdapter(s.log, {"tenant": "a"}).warning("x %s", 1)


def logger_filter_drops(s):
    s.log.addFilter(lambda record: record.args != (2,))
    for i in (1, 2, 3):
        s.log.info("x %s", i)


def logger_filter_changes(s):
    def change(record):
        record.msg, record.added = "changed", True
        return True

    s.log.addFilter(change)
    s.log.info("x")


def filter_above_is_not_asked(s):
    s.top.addFilter(lambda record: False)
    s.log.info("x")


def handler_filter(s):
    s.ours.addFilter(lambda record: record.msg != "hidden")
    s.log.info("hidden")
    s.log.info("shown")


def factory(s):
    before = logging.getLogRecordFactory()

    def make(*args, **keywords):
        record = before(*args, **keywords)
        record.made_by = "factory"
        return record

    logging.setLogRecordFactory(make)
    try:
        s.log.info("x")
    finally:
        logging.setLogRecordFactory(before)


def correlated(s):
    before = logging.getLogRecordFactory()
    vedette.logs.correlate("shop")
    try:
        s.log.info("x")
    finally:
        logging.setLogRecordFactory(before)


def overrides(name):
    def script(s):
        def method(self, *args, **keywords):
            s.seen.append(f"{name} {len(args)}")
            return getattr(logging.Logger, name)(self, *args, **keywords)

        own = s.logger_of(type("Own", (logging.Logger,), {name: method}))
        own.info("x", extra={"a": 1})

    return script


def plain_subclass(s):
    class Own(logging.Logger):
        def audit(self, text):
            self.info(text, stacklevel=2)

    s.logger_of(Own).audit("x")


def subclass_property(s):
    class Own(logging.Logger):
        @property
        def disabled(self):
            return True

        @disabled.setter
        def disabled(self, value):
            pass

    s.logger_of(Own).info("x")


def instance_method(s):
    s.log.handle = lambda record: s.seen.append(record.getMessage())
    s.log.info("x")


def patched_class(s):
    original = logging.Logger.callHandlers

    def call_handlers(self, record):
        s.seen.append(record.getMessage())
        return original(self, record)

    logging.Logger.callHandlers = call_handlers
    try:
        s.log.info("breadcrumb")
    finally:
        logging.Logger.callHandlers = original
    s.log.info("without")


def other_message(s):
    original = logging.LogRecord.getMessage
    logging.LogRecord.getMessage = lambda record: record.msg.format(*record.args)
    try:
        s.log.info("{} {}", 1, 2)
    finally:
        logging.LogRecord.getMessage = original


def other_handler(s):
    s.watch()
    s.log.info("x %s", 1, extra={"a": 1})


def other_handler_above(s):
    s.watch(s.top)
    s.log.info("x")


def other_handler_that_fails(s):
    class Failing(logging.Handler):
        def handle(self, record):
            raise OSError("full")

    s.log.addHandler(Failing())
    s.log.info("x")


def stream_handler(s):
    out = io.StringIO()
    s.log.addHandler(logging.StreamHandler(out))
    s.log.info("%d", "no number")
    s.log.info("fine")
    s.seen.append(out.getvalue())


def does_not_propagate(s):
    s.log.propagate = False
    s.watch()
    s.log.info("x")


def propagates_by_number(s):
    s.log.propagate = 0
    s.watch()
    s.log.info("x")


def null_handler(s):
    s.log.addHandler(logging.NullHandler())
    s.log.info("x")


def no_handlers(s):
    s.top.handlers.clear()
    out, before = io.StringIO(), sys.stderr
    sys.stderr = out
    try:
        s.log.warning("last resort")
        s.log.info("not even that")
    finally:
        sys.stderr = before
    s.seen.append(out.getvalue())


def levels(s):
    s.log.setLevel(logging.WARNING)
    s.log.info("no")
    s.log.warning("yes")
    logging.disable(logging.ERROR)
    s.log.error("no")
    s.log.critical("yes")


def handler_level(s):
    s.ours.setLevel(logging.ERROR)
    s.log.warning("no")
    s.log.error("yes")


def own_level(s):
    s.log.log(25, "no name")


def named_level(s):
    logging.addLevelName(26, "NOTICE")
    s.log.log(26, "x")


def disabled(s):
    s.log.disabled = True
    s.log.error("no")
    s.log._log(logging.ERROR, "no", ())


def formatter(s):
    s.ours.setFormatter(logging.Formatter("<%(message)s>"))
    s.log.info("x")


def handler_method(s):
    s.ours.handle = lambda record: s.seen.append(record.msg)
    s.log.info("x")


def handler_subclass(s):
    class Own(LoggingHandler):
        def emit(self, record):
            s_seen.append(record.getMessage())

    s_seen = s.seen
    s.log.addHandler(Own(logger_provider=s.provider))
    s.log.info("x")


def handler_subclass_filters(s):
    class Own(LoggingHandler):
        def filter(self, record):
            return record.msg != "hidden"

    s.top.handlers[:] = [Own(logger_provider=s.provider)]
    s.log.info("hidden")
    s.log.info("shown")


def two_of_ours(s):
    s.log.addHandler(LoggingHandler(logger_provider=s.provider))
    s.log.info("x")


def bad_calls(s):
    for args, keywords in (
        (("x",), {"unknown": 1}),
        ((), {}),
        (("x",), {"extra": 5}),
        (("x",), {"stacklevel": "2"}),
    ):
        try:
            s.log.info(*args, **keywords)
        except Exception as error:
            s.seen.append(f"{type(error).__name__} {error}")
    try:
        s.log.log("INFO", "x")
    except TypeError as error:
        s.seen.append(str(error))


def own_clock(s):
    originals = time.time, time.time_ns  # up to Python 3.12, and from 3.13 on
    time.time, time.time_ns = lambda: 1_000_000_000.0, lambda: 1_000_000_000 * 10**9
    try:
        s.log.info("x")
    finally:
        time.time, time.time_ns = originals


def logs_while_logging(s):
    class Chatty:
        def __str__(self):
            s.log.info("inner")
            return "outer"

    s.log.info("%s", Chatty())


# Scripts, and how many records of theirs need a LogRecord although Logger._log is native.
SCRIPTS = [
    (plain, 0),
    (no_arguments, 0),
    (mapping_arguments, 0),
    (other_mapping, 1),
    (wrong_arguments, 0),
    (hostile_argument, 0),
    (extra, 0),
    (many_extras, 1),
    (extra_proxy, 1),
    (extra_odd_key, 1),
    *((extra_takes(key), 1) for key in ("message", "asctime", "name", "args", "exc_text", "process")),
    (raised, 0),
    (nothing_raised, 0),
    (odd_exc_info, 1),
    (stack_level, 0 if sys.version_info >= (3, 11) else 3),
    (odd_stack_level, 2),
    (stack_info, 1),
    (from_c_code, 0),
    (adapter, 0),
    (logger_filter_drops, 3),
    (logger_filter_changes, 1),
    (filter_above_is_not_asked, 0),
    (handler_filter, 2),
    (factory, 1),
    (correlated, 0),
    *((overrides(name), 1) for name in ("findCaller", "makeRecord", "handle", "callHandlers", "filter")),
    (overrides("_log"), 0),
    (plain_subclass, 0 if sys.version_info >= (3, 11) else 1),
    (subclass_property, 0),
    (instance_method, 1),
    (patched_class, 1),
    (other_message, 1),
    (other_handler, 1),
    (other_handler_above, 1),
    (other_handler_that_fails, 1),
    (stream_handler, 2),
    (does_not_propagate, 1),
    (propagates_by_number, 1),
    (null_handler, 0),
    (no_handlers, 2),
    (levels, 0),
    (handler_level, 0),
    (own_level, 1),
    (named_level, 0),
    (disabled, 1),
    (formatter, 1),
    (handler_method, 1),
    (handler_subclass, 1),
    (handler_subclass_filters, 2),
    (two_of_ours, 0),
    (bad_calls, 1),
    (own_clock, 1),
    (logs_while_logging, 0),
]  # fmt: skip


@pytest.fixture
def play(http_sink):
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(
        BatchLogRecordProcessor(OTLPLogExporter(http_sink.base + "/v1/logs"))
    )

    def records():
        assert provider.force_flush()
        found = [
            (scope.scope.name, record)
            for request in http_sink.logs
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]
        http_sink.logs.clear()
        return found

    def run(script, native):
        """What others saw, what arrived, and how many LogRecords were made."""
        if native:
            assert logging_instrumentation.instrument()
        stage = Stage(provider)
        if not native:
            logging_instrumentation.uninstrument()
        made = []
        maker = logging.LogRecord.__init__.__code__
        with tracer.start_as_current_span("s") as span:
            sys.setprofile(
                lambda frame, event, _: event == "call" and frame.f_code is maker and made.append(1)
            )
            try:
                script(stage)
            except Exception as error:
                stage.seen.append(f"{type(error).__name__} {error}")
            finally:
                sys.setprofile(None)
                stage.close()
        arrived = []
        for scope, record in records():
            assert record.trace_id == span.context.trace_id.to_bytes(16, "big")
            assert record.span_id == span.context.span_id.to_bytes(8, "big")
            for when in (record.time_unix_nano, record.observed_time_unix_nano):
                assert when > 1_600_000_000 * 10**9 or script is own_clock
            record.ClearField("observed_time_unix_nano")
            if script is not own_clock:
                record.ClearField("time_unix_nano")
            record.ClearField("span_id")
            record.ClearField("trace_id")
            arrived.append((scope, str(record)))
        return stage.seen, arrived, len(made)

    yield run
    logging_instrumentation.instrument()
    provider.shutdown()


@pytest.mark.parametrize(
    ("script", "made"),
    SCRIPTS,
    ids=[f"{i}-{script.__name__}" for i, (script, _) in enumerate(SCRIPTS)],
)
def test_nobody_sees_a_difference(play, script, made):
    (seen, arrived, _), native = [play(script, native) for native in (False, True)]
    assert seen or arrived or script in (disabled, subclass_property)
    assert native == (seen, arrived, made)


def test_it_can_be_taken_out_and_put_back():
    logging_instrumentation.uninstrument()
    original = logging.Logger.__dict__["_log"]
    assert isinstance(original, types.FunctionType)
    LoggingHandler(logger_provider=LoggerProvider(shutdown_on_exit=False))
    assert logging.Logger.__dict__["_log"] is original  # taken out means taken out
    assert logging_instrumentation.instrument()
    assert logging_instrumentation.instrument()
    assert logging.Logger.__dict__["_log"] is not original
    logging_instrumentation.uninstrument()
    logging_instrumentation.uninstrument()
    assert logging.Logger.__dict__["_log"] is original
    logging_instrumentation.instrument()


def test_what_others_have_put_there_stays():
    logging_instrumentation.uninstrument()
    original = logging.Logger.__dict__["_log"]

    def theirs(self, *args, **keywords):
        return original(self, *args, **keywords)

    logging.Logger._log = theirs
    try:
        assert not logging_instrumentation.instrument()
        assert logging.Logger.__dict__["_log"] is theirs
    finally:
        logging.Logger._log = original
    assert logging_instrumentation.instrument()


def test_references_are_balanced(play):
    def many(stage):
        value, name = object(), "order %s"
        before = sys.getrefcount(value), sys.getrefcount(name), sys.getrefcount(None)
        for _ in range(1000):
            stage.log.info(name, value, extra={"value": value}, exc_info=(None, None, None))
        after = sys.getrefcount(value), sys.getrefcount(name), sys.getrefcount(None)
        # Of None the threads of the sink have some, too.
        moved = [abs(a - b) for a, b in zip(before, after, strict=True)]
        stage.seen.append([moved[0] < 10, moved[1] < 10, moved[2] < 500])

    seen, arrived, made = play(many, True)
    assert (seen, len(arrived), made) == ([[True, True, True]], 1000, 0)
