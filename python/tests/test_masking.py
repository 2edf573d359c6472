"""Secrets do not leave the process: of spans, events, statuses, logs and nested values."""

import pytest
from app_client import ask
from fastapi import FastAPI
from opentelemetry.trace import Status, StatusCode
from sink import any_value, attributes
from vedette import _native, logs, masking
from vedette.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from vedette.sdk.resources import Resource
from vedette.sdk.trace.export import BatchSpanProcessor

SECRET = "hunter2"
DSN = f"postgresql://shop:{SECRET}@db:5432/shop"


@pytest.fixture(autouse=True)
def reset():
    yield
    masking.configure()


@pytest.mark.parametrize(
    ("key", "value", "sent"),
    [
        ("http.request.header.authorization", [f"Bearer {SECRET}"], "[REDACTED]"),
        ("http.request.header.Cookie", f"session={SECRET}", "[REDACTED]"),
        ("db.password", SECRET, "[REDACTED]"),
        ("pin.password", 4711, "[REDACTED]"),
        ("password", {"is": SECRET}, "[REDACTED]"),
        ("url.full", f"https://u:{SECRET}@h/p?q=1", "https://REDACTED:REDACTED@h/p?q=1"),
        ("url.query", f"token={SECRET}&page=2", "token=REDACTED&page=2"),
        ("db.connection_string", DSN, "postgresql://REDACTED:REDACTED@db:5432/shop"),
        ("hosts", [DSN, "plain"], ["postgresql://REDACTED:REDACTED@db:5432/shop", "plain"]),
        ("config", {"a": {"api-key": SECRET, "b": 1}}, {"a": {"api-key": "[REDACTED]", "b": 1}}),
        ("order.id", "token=1", "token=1"),
        ("session.id", "s-1", "s-1"),
    ],
)
def test_attributes_of_spans_and_events(observed, key, value, sent):
    with observed.tracer.start_as_current_span("s", attributes={key: value}) as span:
        span.add_event("e", {key: value})
    found = observed.spans()["s"]
    assert attributes(found)[key] == sent
    in_event = attributes(found.events[0])[key]
    assert in_event == sent or SECRET not in str(in_event)
    assert SECRET not in str(found)


def test_exceptions_and_statuses(observed):
    with pytest.raises(ConnectionError), observed.tracer.start_as_current_span("failed"):
        raise ConnectionError(f"no answer from {DSN}")
    with observed.tracer.start_as_current_span("told") as span:
        span.set_status(Status(StatusCode.ERROR, f"GET https://h/?api_key={SECRET} failed"))
    spans = observed.spans()
    event = attributes(spans["failed"].events[0])
    assert (
        event["exception.message"] == "no answer from postgresql://REDACTED:REDACTED@db:5432/shop"
    )
    assert spans["told"].status.message == "GET https://h/?api_key=REDACTED failed"
    assert SECRET not in spans["failed"].status.message


def test_of_a_request_nothing_secret_is_kept(observed, monkeypatch):
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST", ".*")
    headers = {
        "authorization": f"Bearer {SECRET}",
        "cookie": f"session={SECRET}",
        "referer": f"https://u:{SECRET}@h/",
    }
    ask(observed(FastAPI()), f"/?password={SECRET}", headers=headers)
    observed.spans()
    ((_, span),) = observed.sink.spans()
    assert "http.request.header.referer" in attributes(span) and SECRET not in str(span)


def test_what_the_application_names(observed):
    masking.configure(keys=["IBAN"], patterns=[r"\d{4}-\d{4}"])
    with observed.tracer.start_as_current_span("s") as span:
        span.set_attribute("customer.iban", "DE00")
        span.set_attribute("note", "card 1234-5678")
        span.add_event("paid", {"with": "1234-5678"})
    found = observed.spans()["s"]
    assert attributes(found) == {"customer.iban": "[REDACTED]", "note": "card [REDACTED]"}
    assert attributes(found.events[0]) == {"with": "[REDACTED]"}
    with pytest.raises(ValueError, match="missing"):
        masking.configure(patterns=["("])
    masking.configure(enabled=False)
    with observed.tracer.start_as_current_span("open", attributes={"password": "p"}):
        pass
    assert attributes(observed.spans()["open"]) == {"password": "p"}


def test_from_the_environment(observed, monkeypatch):
    monkeypatch.setenv("VEDETTE_MASK_KEYS", " iban , ,card.number")
    monkeypatch.setenv("VEDETTE_MASK_PATTERN", "(")
    masking.configure_from_environment()
    given = {"iban": "1", "card.number": "2", "house.number": "3"}
    with observed.tracer.start_as_current_span("s", attributes=given):
        pass
    assert attributes(observed.spans()["s"]) == {
        "iban": "[REDACTED]", "card.number": "[REDACTED]", "house.number": "3",
    }  # fmt: skip


def test_log_records(observed, http_sink):
    processor = BatchSpanProcessor(OTLPSpanExporter(http_sink.url))
    try:
        lane = processor._add_log_lane(OTLPLogExporter(http_sink.base + "/v1/logs"))
        logs.configure(lane, Resource({}))
        logs.ship(None, "info", {
            "event": f"cannot reach {DSN}", "token": SECRET, "at": {"password": SECRET}, "n": 1,
        })  # fmt: skip
        assert processor.force_flush()
    finally:
        _native.ship_logs_to(None)
        processor.shutdown()
    (record,) = http_sink.logs[0].resource_logs[0].scope_logs[0].log_records
    found = attributes(record)
    assert any_value(record.body) == "cannot reach postgresql://REDACTED:REDACTED@db:5432/shop"
    assert (found["token"], found["at"]) == ("[REDACTED]", {"password": "[REDACTED]"})
    assert SECRET not in str(record)
