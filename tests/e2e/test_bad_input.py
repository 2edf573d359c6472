"""Hostile and broken input: a clear 4xx, bounded memory, and the next good request works."""

import gzip
import json
import random
import socket
import time

import cramjam
import pytest
from server import request
from telemetry import REMOTE_WRITE_HEADERS, App

MIB = 1 << 20
SIGNALS = ["traces", "logs", "metrics"]


@pytest.fixture(autouse=True)
def survives(server):
    """Whatever a test sends, memory stays bounded and good requests still work."""
    before = server.resident_bytes()
    yield
    assert server.process.poll() is None, "the server is gone"
    assert server.resident_bytes() - before < 300 * MIB
    assert server.get("/-/ready").status == 200
    body = json.dumps({"resourceSpans": []}).encode()
    assert server.post("/v1/traces", body, "application/json").status == 200


def good_traces_body():
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service

    message = service.ExportTraceServiceRequest()
    span = message.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.name = bytes(range(16)), bytes(range(8)), "good"
    span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
    for i in range(20):
        attribute = span.attributes.add()
        attribute.key, attribute.value.string_value = f"key-{i}", "v" * 40
    return message.SerializeToString()


def is_client_error(answer):
    assert 400 <= answer.status < 500, (answer.status, answer.body[:200])
    assert answer.body or answer.status == 405, "the answer says what is wrong"


def test_truncated_bodies(server):
    body = good_traces_body()
    refused = sum(
        server.post("/v1/traces", body[:cut], "application/x-protobuf").status == 400
        for cut in range(1, len(body), 7)
    )
    assert refused > len(body) / 7 * 0.9, "nearly every cut makes it unreadable"


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("kind", ["application/x-protobuf", "application/json"])
def test_random_bodies(server, signal, kind):
    dice = random.Random(7)
    for size in [1, 10, 100, 1000, 100_000]:
        answer = server.post(f"/v1/{signal}", dice.randbytes(size), kind)
        assert answer.status in (200, 400), answer.body[:200]
        if answer.status == 400:
            assert answer.headers["Content-Type"] == kind


def test_wrong_content_types(server):
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""]:
        assert server.post("/v1/traces", b"{}", kind).status == 415
    assert server.get("/v1/traces").status == 405
    is_client_error(server.post("/api/v1/write", b"xxx", "text/plain"))


def test_gzip_that_is_none(server):
    answer = server.post(
        "/v1/traces", b"this is no gzip", "application/json", **{"Content-Encoding": "gzip"}
    )
    assert answer.status == 400
    whole = gzip.compress(b'{"resourceSpans":[]}' * 100)
    answer = server.post(
        "/v1/traces", whole[: len(whole) // 2], "application/json", **{"Content-Encoding": "gzip"}
    )
    assert answer.status == 400
    answer = server.post("/v1/traces", b"x", "application/json", **{"Content-Encoding": "rot13"})
    assert answer.status == 415


def test_gzip_bomb(server):
    bomb = gzip.compress(b"\0" * (512 * MIB), 9)
    assert len(bomb) < MIB
    answer = server.post(
        "/v1/traces", bomb, "application/x-protobuf", **{"Content-Encoding": "gzip"}
    )
    assert answer.status == 413


def test_body_over_the_limit(server):
    head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: {65 * MIB}\r\n\r\n"
    assert raw(server, head.encode()).startswith(b"HTTP/1.1 413"), "refused before it is sent"


def test_snappy_that_promises_too_much(server):
    for declared in [b"\xff\xff\xff\xff\x0f", b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f"]:
        is_client_error(
            server.post(
                "/api/v1/write", declared + b"abc", "application/x-protobuf", **REMOTE_WRITE_HEADERS
            )
        )
    framed = bytes(cramjam.snappy.compress(b"the framed format is not the block format"))
    is_client_error(
        server.post("/api/v1/write", framed, "application/x-protobuf", **REMOTE_WRITE_HEADERS)
    )


def nested_any_value(depth):
    """AnyValue{array_value: {values: [AnyValue{…}]}} in protobuf, from the inside out."""
    from telemetry import _field

    value = b"\x0a\x01x"
    for _ in range(depth):
        value = _field(5, _field(1, value))
    return value


def span_with(attribute_value):
    from telemetry import _field

    attribute = _field(1, b"deep") + _field(2, attribute_value)
    span = (
        _field(1, bytes(range(1, 17)))
        + _field(2, bytes(range(1, 9)))
        + _field(5, b"x")
        + _field(9, attribute)
    )
    return _field(1, _field(2, _field(2, span)))


def test_attributes_nested_50000_deep(server):
    answer = server.post(
        "/v1/traces", span_with(nested_any_value(50_000)), "application/x-protobuf"
    )
    assert answer.status in (200, 400), answer.body[:200]
    deep = '{"arrayValue":{"values":[' * 50_000 + '{"stringValue":"x"}' + "]}}" * 50_000
    span = {
        "traceId": "01" * 16,
        "spanId": "02" * 8,
        "name": "x",
        "attributes": [{"key": "deep", "value": "HERE"}],
    }
    body = (
        json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
        .replace('"HERE"', deep)
        .encode()
    )
    assert server.post("/v1/traces", body, "application/json").status in (200, 400)
    assert server.post("/v1/traces", b"[" * 100_000, "application/json").status == 400


def test_text_that_is_not_utf8(server):
    service = b"\xff\xfe shop \xc3\x28"
    from telemetry import _field

    resource = _field(1, _field(1, _field(1, b"service.name") + _field(2, _field(1, service))))
    now = time.time_ns().to_bytes(8, "little")
    span = (
        _field(1, b"\x07" * 16)
        + _field(2, b"\x07" * 8)
        + _field(5, b"na\xffme")
        + b"\x39"
        + now
        + b"\x41"
        + now
    )
    answer = server.post(
        "/v1/traces", _field(1, resource + _field(2, _field(2, span))), "application/x-protobuf"
    )
    assert answer.status in (200, 400)
    if answer.status == 200:
        trace = server.vedette("traces/" + "07" * 16)
        assert "\ufffd" in trace["root_name"]
        assert any("\ufffd" in s["name"] for s in server.vedette("services")["services"])


def test_ids_of_wrong_length_are_refused_alone(server):
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service

    message = service.ExportTraceServiceRequest()
    spans = message.resource_spans.add().scope_spans.add().spans
    for trace_id in [b"", b"\0" * 16, b"short", b"\x09" * 16]:
        span = spans.add()
        span.trace_id, span.span_id, span.name = trace_id, b"\x01" * 8, "some"
        span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
    answer = server.post("/v1/traces", message.SerializeToString(), "application/x-protobuf")
    assert answer.status in (200, 400)
    if answer.status == 200:
        reply = service.ExportTraceServiceResponse.FromString(answer.body)
        assert reply.partial_success.rejected_spans == 3
        assert len(server.vedette("traces/" + "09" * 16)["spans"]) == 1


HOSTILE_QUERIES = [
    ("/api/v1/query", {"query": "(" * 100_000}),
    ("/api/v1/query", {"query": "-" * 100_000 + "1"}),
    ("/api/v1/query", {"query": 'up{a=~"(((((a*)*)*)*)*"'}),
    ("/api/v1/query", {"query": "up", "time": "yesterday"}),
    ("/api/v1/query_range", {"query": "up", "start": 0, "end": 10**9, "step": 1}),
    ("/api/v1/query_range", {"query": "up", "start": 0, "end": 10, "step": 0}),
    ("/api/v1/query", {}),
    ("/loki/api/v1/query_range", {"query": "(" * 60_000}),
    ("/loki/api/v1/query_range", {"query": "{" * 60_000}),
    ("/loki/api/v1/query_range", {"query": '{a=~"("}'}),
    ("/loki/api/v1/query_range", {"query": '{a="b"} | json'}),
    ("/loki/api/v1/query_range", {"query": '{a="b"}', "limit": -1}),
    (
        "/loki/api/v1/query_range",
        {"query": "1+" * 20_000 + "vector(1)", "start": 0, "end": 10**9, "step": "1ms"},
    ),
    ("/loki/api/v1/query", {"query": '{a="b"}'}),
    ("/jaeger/api/traces", {}),
    ("/jaeger/api/traces", {"service": "x", "tags": "{" * 60_000}),
    ("/jaeger/api/traces", {"service": "x", "tags": '{"a":' * 10_000}),
    ("/jaeger/api/traces", {"service": "x", "start": "-5"}),
    ("/jaeger/api/traces", {"service": "x", "minDuration": "5"}),
    ("/jaeger/api/traces/xyz", {}),
    ("/vedette/v1/traces", {"limit": "10000000000"}),
    ("/vedette/v1/traces", {"attr": "a=~("}),
    ("/vedette/v1/traces", {"attr": "=b"}),
    ("/vedette/v1/traces", {"start": "99999999999999999999"}),
    ("/vedette/v1/traces", {"start": 20, "end": 10}),
    ("/vedette/v1/traces", {"cursor": "1.2.3"}),
    ("/vedette/v1/traces/" + "0" * 32, {}),
    ("/vedette/v1/logs", {"q": '"open'}),
    ("/vedette/v1/logs", {"severity": "loud"}),
    ("/vedette/v1/logs", {"cursor": "x"}),
    ("/vedette/v1/logs/histogram", {"buckets": 0}),
    ("/vedette/v1/values", {"table": "secrets", "field": "x"}),
    ("/vedette/v1/verdict", {"time": "soon"}),
]


@pytest.mark.parametrize("path, parameters", HOSTILE_QUERIES, ids=lambda v: str(v)[:40])
def test_hostile_queries(server, path, parameters):
    if sum(len(str(v)) for v in parameters.values()) > 30_000:
        from urllib.parse import urlencode

        answer = server.post(
            path, urlencode(parameters).encode(), "application/x-www-form-urlencoded"
        )
    else:
        answer = server.get(path, **parameters)
    is_client_error(answer)


def test_expensive_but_legal_regular_expression(server):
    with App(server, "regex", "http") as app:
        for _ in range(20):
            app.log("a" * 5000)
    answer = server.get(
        "/vedette/v1/logs", service="regex", attr="service.name=~" + "(a|aa)+" * 30 + "$"
    )
    assert answer.status in (200, 400)


def raw(server, data):
    host, port = server.http.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        reply = b""
        while chunk := connection.recv(65536):
            reply += chunk
        return reply


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 1000,
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100,
    ],
    ids=range(8),
)
def test_broken_http(server, data):
    reply = raw(server, data)
    assert not reply.startswith(b"HTTP/1.1 2"), reply[:100]


def test_a_client_that_goes_away(server):
    host, port = server.http.split(":")
    for _ in range(50):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc"
            )


def test_errors_have_their_apis_shape(server):
    vedette = server.get("/vedette/v1/traces", limit="x").json()
    assert vedette["error"]["code"] == "invalid_argument" and "limit" in vedette["error"]["message"]
    jaeger = server.get("/jaeger/api/traces").json()
    assert jaeger["data"] is None and jaeger["errors"][0]["code"] == 400
    prometheus = server.get("/api/v1/query", query="(").json()
    assert (prometheus["status"], prometheus["errorType"]) == ("error", "bad_data")
    loki = server.get("/loki/api/v1/query_range", query="(")
    assert loki.status == 400 and "parse error" in loki.text
    assert request(server.url("/vedette/v1/traces"), b"", method="POST").status == 405
