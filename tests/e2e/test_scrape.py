"""Targets of the configuration are scraped; spans become metrics."""

import http.server
import threading
import time

import pytest
from server import Server
from telemetry import App

PAGE = b"""# HELP orders_created_total Orders.
# TYPE orders_created_total counter
orders_created_total{kind="card"} 17
"""


class Target(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/internal/metrics" else 404)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):
        pass


@pytest.fixture
def target():
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Target)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{listener.server_port}"
    listener.shutdown()
    listener.server_close()


def eventually(ask, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := ask():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come about in time")


def test_static_targets(tmp_path, target):
    file = tmp_path / "vedette.yaml"
    file.write_text(f"""
scrape:
  - job: shop
    targets: [{target}, 127.0.0.1:1]
    interval: 500ms
    path: /internal/metrics
    labels: {{env: test}}
""")
    server = Server(tmp_path / "data", "--config", file)
    try:
        eventually(
            lambda: all(t["health"] != "unknown" for t in server.vedette("targets")["targets"])
        )
        states = {t["instance"]: t for t in server.vedette("targets")["targets"]}
        assert states[target]["health"] == "up" and states[target]["samples"] == 1
        assert states["127.0.0.1:1"]["health"] == "down" and states["127.0.0.1:1"]["last_error"]

        def scraped():
            return server.json("/api/v1/query", query='orders_created_total{env="test"}')["data"][
                "result"
            ]

        sample = eventually(scraped)[0]
        assert sample["value"][1] == "17"
        assert (sample["metric"]["job"], sample["metric"]["instance"]) == ("shop", target)
        up = server.json("/api/v1/query", query="sort(up)")["data"]["result"]
        assert [s["value"][1] for s in up] == ["0", "1"]
        verdict = eventually(
            lambda: [
                t for t in server.vedette("verdict")["targets"] if t["instance"] == "127.0.0.1:1"
            ]
        )
        assert "does not answer" in verdict[0]["sentence"]
    finally:
        server.stop()


def test_metrics_of_spans_are_exact(own_server):
    with App(own_server, "counted", "http") as app:
        for i in range(30):
            app.order(f"o-{i}", fails=i < 7)
    own_server.stop()
    own_server.start()
    calls = own_server.json(
        "/api/v1/query",
        query='sum by (status_code) (traces_span_metrics_calls_total{service_name="counted", span_kind="SPAN_KIND_SERVER"})',
    )["data"]["result"]
    counts = {s["metric"]["status_code"]: float(s["value"][1]) for s in calls}
    assert counts == {"STATUS_CODE_ERROR": 7, "STATUS_CODE_UNSET": 23}
