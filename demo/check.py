"""Does the server hold what was sent? Asks its public APIs and compares with the customers' own tally."""

from __future__ import annotations

import collections
import time
from dataclasses import dataclass

import httpx

from demo.processes import DemoError
from demo.traffic import Tally


@dataclass
class Row:
    what: str
    expected: str
    found: str
    ok: bool


class Checker:
    def __init__(
        self, vedette_url: str, shop_url: str, payments_url: str, tally: Tally, started: float
    ) -> None:
        self._api = httpx.Client(base_url=vedette_url, timeout=30)
        self._shop_url = shop_url
        self._payments_url = payments_url
        self._tally = tally
        self._started = started
        self.rows: list[Row] = []

    def run(self) -> list[Row]:
        self._add("requests sent", "≥ 500", str(self._tally.total), self._tally.total >= 500)
        self._add("of them failed (5xx)", "≥ 20", str(self._tally.errors), self._tally.errors >= 20)
        self._red()
        self._red_from_spans()
        self._business()
        self._traces()
        self._health()
        return self.rows

    def wait_for_scrapes(self, after: float, seconds: float = 60) -> None:
        """Until each target was scraped once more after the traffic stopped."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            targets = self._get("/vedette/v1/targets")["targets"]
            if len(targets) == 2 and all(
                int(t["last_scrape_ns"] or 0) > (after + 0.2) * 1e9 and t["health"] == "up"
                for t in targets
            ):
                return
            time.sleep(0.2)
        raise DemoError(f"The targets were not scraped again within {seconds:.0f} s: {targets}")

    def _add(self, what: str, expected: str, found: str, ok: bool) -> None:
        self.rows.append(Row(what, expected, found, ok))

    def _equal(self, what: str, expected, found) -> None:
        self._add(what, str(expected), str(found), expected == found)

    def _get(self, path: str, **params):
        response = self._api.get(path, params=params)
        if response.status_code != 200:
            raise DemoError(
                f"{response.request.url} answered {response.status_code}: {response.text[:500]}"
            )
        return response.json()

    def _vector(self, query: str, *labels: str) -> dict:
        result = self._get("/api/v1/query", query=query)["data"]["result"]
        return {
            tuple(r["metric"].get(name, "") for name in labels): float(r["value"][1])
            for r in result
        }

    def _scalar(self, query: str) -> int:
        return int(self._vector(query).get((), 0))

    def _red(self) -> None:
        """The raw counters of the shop, by method, route and status."""
        stored = self._vector('http_requests_total{job="shop"}', "method", "path", "status")
        sent = {
            (m, route, str(status)): n for (m, route, status), n in self._tally.requests.items()
        }
        for key in sorted(set(sent) | set(stored)):
            self._equal(
                "http_requests_total " + " ".join(key), sent.get(key, 0), int(stored.get(key, 0))
            )
        by_route = collections.Counter()
        for (method, route, _), n in self._tally.requests.items():
            by_route[method, route] += n
        counted = self._vector('http_request_duration_seconds_count{job="shop"}', "method", "path")
        self._equal(
            "http_request_duration_seconds_count, every route",
            dict(sorted(by_route.items())),
            {k: int(v) for k, v in sorted(counted.items())},
        )

    def _red_from_spans(self) -> None:
        query = (
            'sum(traces_span_metrics_calls_total{service_name="shop",span_kind="SPAN_KIND_SERVER"})'
        )
        deadline = time.monotonic() + 40
        while (found := self._scalar(query)) != self._tally.total and time.monotonic() < deadline:
            time.sleep(0.5)  # these counters are written every 15 s
        self._equal("server spans of the shop, counted by the server", self._tally.total, found)

    def _business(self) -> None:
        orders = self._vector('orders_created_total{job="shop"}', "payment_method")
        self._equal(
            "orders_created_total by payment method",
            dict(sorted(self._tally.orders_by_method.items())),
            {k[0]: int(v) for k, v in sorted(orders.items()) if v},
        )
        failures = self._vector('payment_failures_total{job="shop"}', "reason")
        self._equal(
            "payment_failures_total by reason",
            dict(sorted(self._tally.payment_failures.items())),
            {k[0]: int(v) for k, v in sorted(failures.items()) if v},
        )
        self._equal(
            "order_value_cents_sum",
            self._tally.order_cents,
            self._scalar('sum(order_value_cents_sum{job="shop"})'),
        )
        self._equal(
            "user_signups_total",
            self._tally.signups,
            self._scalar('sum(user_signups_total{job="shop"})'),
        )

    def _traces(self) -> None:
        """Every order's trace spans both services, nested as the code is, and its logs are found by its id."""
        orders = sum(
            n
            for (m, route, _), n in self._tally.requests.items()
            if (m, route) == ("POST", "/orders")
        )
        found = self._get(
            "/vedette/v1/traces",
            service="shop",
            operation="POST /orders",
            start=self._started,
            limit=1000,
        )["traces"]
        self._equal("traces of POST /orders", orders, len(found))
        created = [t for t in found if not t["errors"]]
        self._equal(
            "of them without an error: orders created",
            sum(self._tally.orders_by_method.values()),
            len(created),
        )
        nested = logged = 0
        problem = ""
        for summary in created:
            trace = self._get(f"/vedette/v1/traces/{summary['trace_id']}")
            wrong = nesting_problem(trace)
            nested += not wrong
            problem = problem or (f" ({summary['trace_id']}: {wrong})" if wrong else "")
            logged += self._has_logs(summary["trace_id"])
        self._add(
            "traces nested through both services",
            str(len(created)),
            f"{nested}{problem}",
            nested == len(created) > 0,
        )
        self._equal("traces whose logs are found by trace id", len(created), logged)
        if created:
            jaeger = self._get(f"/jaeger/api/traces/{created[0]['trace_id']}")["data"][0]
            services = sorted({p["serviceName"] for p in jaeger["processes"].values()})
            self._equal("the same trace by Jaeger's API", ["payments", "shop"], services)

    def _has_logs(self, trace_id: str) -> bool:
        logs = self._get("/vedette/v1/logs", trace_id=trace_id, start=self._started, limit=100)[
            "logs"
        ]
        bodies = {(log["service"], log["body"]) for log in logs}
        return {
            ("shop", "order created"),
            ("shop", "confirmation sent"),
            ("payments", "payment charged"),
        } <= bodies and all(log["trace_id"] == trace_id and log["span_id"] for log in logs)

    def _health(self) -> None:
        for name, url, checks in (
            ("shop", self._shop_url, {"database": "ok", "redis": "ok"}),
            ("payments", self._payments_url, {}),
        ):
            body = httpx.get(url + "/health/ready", timeout=10).json()
            self._equal(f"readiness of {name}", {"status": "ready", "checks": checks}, body)


def nesting_problem(trace: dict) -> str:
    """What is wrong with an order's trace; empty if nothing is."""
    spans = {s["span_id"]: s for s in trace["spans"]}

    def service(span: dict) -> str:
        return trace["resources"][span["resource"]]["service"]

    def path(span: dict) -> list[str]:
        names = []
        while span is not None:
            names.append(f"{service(span)}:{span['name']}")
            span = spans.get(span["parent_span_id"])
        return names[::-1]

    paths = [path(s) for s in trace["spans"]]
    root = ["shop:POST /orders", "shop:process_order"]
    for wanted in (
        [*root, "shop:validate_inventory"],
        [*root, "shop:charge_payment", "shop:POST", "payments:POST /charge"],
        [*root, "shop:send_confirmation"],
    ):
        if wanted not in paths:
            return f"no span {' > '.join(wanted)}"
    if not any(p[:2] == root and p[-1].startswith("shop:INSERT") for p in paths):
        return "no INSERT below process_order"
    for span in trace["spans"]:
        if span["parent_span_id"] and span["parent_span_id"] not in spans:
            return f"the parent of {span['name']} is missing"
    return ""


def print_table(rows: list[Row], colour: bool) -> None:
    green, red, plain = ("\033[32m", "\033[31m", "\033[0m") if colour else ("", "", "")
    width = max(len(r.what) for r in rows)
    for r in rows:
        mark = f"{green}✓{plain}" if r.ok else f"{red}✗{plain}"
        same = r.expected == r.found
        print(
            f"{mark} {r.what:<{width}}  {r.found}"
            + ("" if same else f"   {'' if r.ok else red}expected {r.expected}{plain}")
        )
