"""What was acknowledged is there after SIGKILL; what is stopped gracefully comes back too."""

import time

import pytest
from telemetry import App, send_samples


def fill(server, service):
    with App(server, service, "http") as app:
        traces = [app.order(f"o-{i}", fails=i % 10 == 0) for i in range(200)]
    now = int(time.time() * 1000)
    answer = send_samples(
        server,
        [
            ({"__name__": "kept", "n": str(i)}, [(now - 1000 * j, j) for j in range(30, -1, -1)])
            for i in range(50)
        ],
    )
    assert answer.status == 204
    return traces


def check(server, service, traces):
    for trace_id in traces[:3] + traces[-3:]:
        assert len(server.vedette("traces/" + trace_id)["spans"]) == 3
    found = server.vedette("traces", service=service, limit=1000)["traces"]
    assert {t["trace_id"] for t in found} == set(traces)
    logs = server.vedette("logs", service=service, limit=5000)["logs"]
    assert len(logs) == 220
    result = server.json("/api/v1/query", query="sum(count_over_time(kept[1h]))")["data"]["result"]
    assert [float(r["value"][1]) for r in result] == [50 * 31]


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_everything_acknowledged_is_there_after_a_restart(own_server, end):
    traces = fill(own_server, "first")
    getattr(own_server, end)()
    own_server.start()
    check(own_server, "first", traces)


def test_killed_again_and_again(own_server):
    written = {}
    for round_number in range(3):
        service = f"round-{round_number}"
        with App(own_server, service) as app:
            written[service] = [app.order(f"{round_number}-{i}") for i in range(20)]
        own_server.kill()
        own_server.start()
    for service, traces in written.items():
        found = own_server.vedette("traces", service=service, limit=1000)["traces"]
        assert {t["trace_id"] for t in found} == set(traces)


def test_stops_gracefully(own_server):
    fill(own_server, "any")
    assert own_server.stop() == 0
