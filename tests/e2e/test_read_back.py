"""What upstream exporters send is there through every API at once, whatever way it came."""

import json
import time

import pytest
from telemetry import TRANSPORTS, App, send_samples


@pytest.fixture(scope="module", params=TRANSPORTS)
def sent(request, server):
    """One good and one failing order of a shop of its own per transport."""
    service = f"shop-{request.param}"
    with App(server, service, request.param, **{"host.name": "h1"}) as app:
        requests = app.meter.create_counter("shop.requests", unit="1")
        requests.add(3, {"route": "/orders"})
        app.meter.create_histogram("shop.duration", unit="s").record(0.2, {"route": "/orders"})
        good = app.order("o-1")
        bad = app.order("o-2", fails=True)
    return {"service": service, "good": good, "bad": bad}


def by_name(spans):
    return {span["name"]: span for span in spans}


def test_trace_by_id(server, sent):
    trace = server.vedette("traces/" + sent["bad"])
    assert (trace["root_name"], trace["root_service"], trace["has_root"]) == (
        "POST /orders",
        sent["service"],
        True,
    )
    assert trace["errors"] == 2 and trace["logs"] == 2
    assert trace["services"] == [{"name": sent["service"], "spans": 3}]
    spans = by_name(trace["spans"])
    root, call = spans["POST /orders"], spans["POST /charges"]
    assert trace["spans"][0]["name"] == "POST /orders" and root["parent_span_id"] == ""
    assert call["parent_span_id"] == root["span_id"]
    assert (call["kind"], call["status"], call["status_message"]) == ("client", "error", "timeout")
    assert root["attributes"]["http.response.status_code"] == 502
    event = call["events"][0]
    assert event["name"] == "exception" and event["attributes"]["exception.type"] == "TimeoutError"
    assert call["links"] == [
        {"trace_id": sent["bad"], "span_id": root["span_id"], "attributes": {"why": "same order"}}
    ]
    assert trace["resources"][root["resource"]]["attributes"]["host.name"] == "h1"
    assert trace["scopes"][root["scope"]]["name"] == "e2e"
    assert int(root["start_ns"]) <= int(call["start_ns"])


def found(server, sent, **conditions):
    traces = server.vedette("traces", service=sent["service"], **conditions)["traces"]
    return [t["trace_id"] for t in traces]


def test_trace_search(server, sent):
    both = [sent["bad"], sent["good"]]
    assert found(server, sent) == both, "the newest first"
    assert found(server, sent, status="error") == [sent["bad"]]
    assert found(server, sent, operation="POST /charges") == both
    assert found(server, sent, attr="order.id=o-1") == [sent["good"]]
    assert found(server, sent, attr=["http.response.status_code>=500", "http.route=/orders"]) == [
        sent["bad"]
    ]
    assert found(server, sent, attr="order.id=~^o-[12]$", root="true") == both
    assert found(server, sent, attr="!order.id", kind="server") == []
    assert found(server, sent, attr="host.name=h1", kind="server") == both, (
        "attributes of the resource count too"
    )
    assert found(server, sent, min_duration="1h") == []
    assert found(server, sent, max_duration="1h", kind="client") == both
    assert found(server, sent, end=time.time() - 1800) == []


def test_trace_search_by_pages(server, sent):
    first = server.vedette("traces", service=sent["service"], limit=1)
    assert [t["trace_id"] for t in first["traces"]] == [sent["bad"]]
    second = server.vedette("traces", service=sent["service"], limit=1, cursor=first["next"])
    assert [t["trace_id"] for t in second["traces"]] == [sent["good"]]
    assert second["next"] is None
    summary = second["traces"][0]
    assert (summary["spans"], summary["errors"], summary["root_name"]) == (3, 0, "POST /orders")


def bodies(server, sent, **conditions):
    return [
        log["body"] for log in server.vedette("logs", service=sent["service"], **conditions)["logs"]
    ]


def test_log_search(server, sent):
    assert bodies(server, sent) == ["payment of o-2 failed", "order o-2 stored", "order o-1 stored"]
    assert bodies(server, sent, order="oldest")[0] == "order o-1 stored"
    assert bodies(server, sent, severity="error") == ["payment of o-2 failed"]
    assert bodies(server, sent, q="PAYMENT failed") == ["payment of o-2 failed"], (
        "words in any case"
    )
    assert bodies(server, sent, q='"o-2 stored"') == ["order o-2 stored"]
    assert bodies(server, sent, q="order -o-2") == ["order o-1 stored"]
    assert bodies(server, sent, attr="attempt>2") == ["payment of o-2 failed"]
    assert bodies(server, sent, trace_id=sent["good"]) == ["order o-1 stored"]
    assert bodies(server, sent, end=time.time() - 1800) == []


def test_log_pages(server, sent):
    seen, cursor = [], {}
    while True:
        page = server.vedette("logs", service=sent["service"], limit=1, **cursor)
        seen += [log["body"] for log in page["logs"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == bodies(server, sent)


def test_log_carries_its_span(server, sent):
    log = server.vedette("logs", service=sent["service"], severity="error")["logs"][0]
    spans = by_name(server.vedette("traces/" + log["trace_id"])["spans"])
    assert log["span_id"] == spans["POST /charges"]["span_id"]
    assert log["attributes"] == {"order_id": "o-2", "attempt": 3}
    assert (log["severity"], log["severity_number"]) == ("ERROR", 17)
    assert log["resource"]["host.name"] == "h1"


def test_histograms(server, sent):
    logs = server.vedette("logs/histogram", service=sent["service"], buckets=10)
    assert {s["severity"]: sum(s["counts"]) for s in logs["series"]} == {"INFO": 2, "ERROR": 1}
    assert all(len(s["counts"]) == 10 for s in logs["series"])
    spans = server.vedette("traces/histogram", service=sent["service"], buckets=10)
    assert {s["status"]: sum(s["counts"]) for s in spans["series"]} == {"unset": 4, "error": 2}


def test_catalog(server, sent):
    services = {s["name"]: s for s in server.vedette("services")["services"]}
    assert services[sent["service"]] == {
        "name": sent["service"],
        "spans": 6,
        "errors": 2,
        "logs": 3,
    }
    operations = server.vedette("operations", service=sent["service"])["operations"]
    assert {"name": "POST /charges", "spans": 2, "errors": 1} in operations
    served = server.vedette("operations", service=sent["service"], kind="server")["operations"]
    assert [o["name"] for o in served] == ["POST /orders"]
    fields = server.vedette("fields", table="spans", service=sent["service"])["fields"]
    assert {"http.route", "order.id"} <= set(fields)
    assert server.vedette("values", table="spans", field="order.id", service=sent["service"])[
        "values"
    ] == ["o-1", "o-2"]
    assert server.vedette("values", table="logs", field="severity", service=sent["service"])[
        "values"
    ] == ["INFO", "ERROR"]


def test_verdict(server, sent):
    verdict = server.vedette("verdict", service=sent["service"])
    assert [s["service"] for s in verdict["services"]] == [sent["service"]]
    assert verdict["state"] == "healthy", "one bad request is too few to alarm"


def test_jaeger(server, sent):
    assert sent["service"] in server.json("/jaeger/api/services")["data"]
    operations = server.json(f"/jaeger/api/services/{sent['service']}/operations")["data"]
    assert operations == ["INSERT orders", "POST /charges", "POST /orders"]
    with_kind = server.json("/jaeger/api/operations", service=sent["service"])["data"]
    assert {"name": "POST /orders", "spanKind": "server"} in with_kind
    traces = server.json(
        "/jaeger/api/traces", service=sent["service"], tags=json.dumps({"error": "true"}), limit=5
    )["data"]
    assert [t["traceID"] for t in traces] == [sent["bad"]]
    trace = server.json("/jaeger/api/traces/" + sent["bad"])["data"][0]
    spans = {s["operationName"]: s for s in trace["spans"]}
    call = spans["POST /charges"]
    assert trace["processes"][call["processID"]]["serviceName"] == sent["service"]
    parent = spans["POST /orders"]["spanID"]
    assert {"refType": "CHILD_OF", "traceID": sent["bad"], "spanID": parent} in call["references"]
    tags = {t["key"]: t["value"] for t in call["tags"]}
    assert (
        tags["error"] is True
        and tags["span.kind"] == "client"
        and tags["server.address"] == "payments"
    )
    assert abs(call["startTime"] / 1e6 - time.time()) < 600, "microseconds"
    fields = {f["key"]: f["value"] for f in call["logs"][0]["fields"]}
    assert fields["event"] == "exception"
    now = int(time.time() * 1e6)
    old = server.json(
        "/jaeger/api/traces",
        service=sent["service"],
        start=now - 7200_000_000,
        end=now - 3600_000_000,
    )
    assert old["data"] == []
    slow = server.json("/jaeger/api/traces", service=sent["service"], minDuration="1h")
    assert slow["data"] == []


def test_loki(server, sent):
    selector = f'{{service_name="{sent["service"]}"}}'
    answer = server.json("/loki/api/v1/query_range", query=selector)
    assert answer["status"] == "success" and answer["data"]["resultType"] == "streams"
    lines = [line for stream in answer["data"]["result"] for _, line in stream["values"]]
    assert sorted(lines) == ["order o-1 stored", "order o-2 stored", "payment of o-2 failed"]

    def ask(query, **parameters):
        result = server.json("/loki/api/v1/query_range", query=query, **parameters)["data"][
            "result"
        ]
        return [line for stream in result for _, line in stream["values"]]

    assert ask(selector + ' |= "payment"') == ["payment of o-2 failed"]
    assert ask(f'{{service_name="{sent["service"]}", level="error"}}') == ["payment of o-2 failed"]
    assert ask(
        f'{{service_name="{sent["service"]}", host_name="h1"}} |~ "o-[2-9]" != "failed"'
    ) == ["order o-2 stored"]
    assert ask(selector + ' | order_id="o-1"') == ["order o-1 stored"]
    assert ask(selector + " | attempt>=3") == ["payment of o-2 failed"]
    assert ask(selector + f' | trace_id="{sent["good"]}"') == ["order o-1 stored"]
    assert ask(selector + ' |= "stored"', limit=1, direction="forward") == ["order o-1 stored"]
    stream = answer["data"]["result"][0]["stream"]
    assert stream["service_name"] == sent["service"] and stream["host_name"] == "h1"
    assert {"service_name", "level", "order_id"} <= set(server.json("/loki/api/v1/labels")["data"])
    assert sent["service"] in server.json("/loki/api/v1/label/service_name/values")["data"]
    assert server.json("/loki/api/v1/label/level/values", query=selector)["data"] == [
        "error",
        "info",
    ]


def test_loki_health_check_of_grafana(server):
    data = server.json("/loki/api/v1/query", query="vector(1)+vector(1)", time=4000000000)["data"]
    assert data["resultType"] == "vector"
    assert [sample["value"][1] for sample in data["result"]] == ["2"]


def instant(server, query, **parameters):
    data = server.json("/api/v1/query", query=query, **parameters)["data"]
    return {tuple(sorted(s["metric"].items())): float(s["value"][1]) for s in data["result"]}


def test_metrics(server, sent):
    job = sent["service"]
    values = instant(server, f'sum by (route) (shop_requests_total{{job="{job}"}})')
    assert values == {(("route", "/orders"),): 3.0}
    assert instant(server, f'shop_duration_seconds_count{{job="{job}"}}') and instant(
        server,
        f'histogram_quantile(0.5, sum by (le) (shop_duration_seconds_bucket{{job="{job}"}})) <= 5',
    )


def test_remote_write_on_every_listener(server):
    now = int(time.time() * 1000)
    for i, address in enumerate([server.http, server.otlp_http, server.grpc]):
        answer = send_samples(
            server, [({"__name__": "written", "listener": str(i)}, [(now, i)])], address
        )
        assert answer.status == 204, answer.text
    assert sorted(instant(server, "written").values()) == [0.0, 1.0, 2.0]


def test_otlp_on_every_listener(server):
    body = json.dumps(
        {
            "resourceSpans": [
                {
                    "scopeSpans": [
                        {
                            "spans": [
                                {
                                    "traceId": "5b8efff798038103d269b633813fc60c",
                                    "spanId": "eee19b7ec3c1b174",
                                    "name": "json",
                                    "startTimeUnixNano": str(time.time_ns()),
                                    "endTimeUnixNano": str(time.time_ns()),
                                }
                            ]
                        }
                    ]
                }
            ]
        }
    ).encode()
    for address in [server.http, server.otlp_http, server.grpc]:
        answer = server.post("/v1/traces", body, "application/json", address)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    trace = server.vedette("traces/5b8efff798038103d269b633813fc60c")
    assert len(trace["spans"]) == 1, "the same span three times is one span"


def test_own_metrics_and_health(server):
    assert server.get("/-/healthy").status == 200
    assert server.get("/-/ready").status == 200
    text = server.get("/metrics").text
    assert 'vedette_ingest_accepted_total{source="otlp_traces"}' in text
    for line in text.splitlines():
        assert line.startswith("#") or len(line.rsplit(" ", 1)) == 2
    status = server.vedette("status")
    assert status["retention_ns"] == 30 * 86400 * 10**9 and status["durability"] == "wal"
    assert {t["table"] for t in status["tables"]} >= {"spans", "logs", "samples"}


def test_unknown_paths_say_so(server):
    for path in ["/vedette/v1/nope", "/jaeger/api/nope", "/loki/api/v1/nope"]:
        assert server.get(path).status == 404
    answer = server.get("/vedette/v1/traces/00000000000000000000000000000001")
    assert answer.status == 404 and answer.json()["error"]["code"] == "not_found"
