"""The same samples to Prometheus and to Vedette by remote write, the same questions, equal answers."""

import itertools
import json
import math
import random

import pytest
import remote_write
import servers

START = 1_700_000_000  # seconds; the samples are 15 s apart for half an hour
STEP, COUNT = 15, 120
END = START + STEP * COUNT


def sample_series() -> list:
    """Counters with resets, gauges, histograms; gaps, stale markers, NaN and infinities among them."""
    rng = random.Random(7)
    out = []

    def add(name: str, labels: dict[str, str], values: list) -> None:
        samples = [
            ((START + i * STEP) * 1000 + rng.randrange(0, 40), v)
            for i, v in enumerate(values)
            if v is not None
        ]
        out.append(({"__name__": name, **labels}, samples))

    for job, instance, code in itertools.product(("api", "web"), ("a", "b", "c"), ("200", "500")):
        total, values = 0.0, []
        for _i in range(COUNT):
            total = 0.0 if rng.random() < 0.01 else total + rng.randrange(0, 30)
            values.append(None if rng.random() < 0.03 else total)
        if instance == "c":
            values[60:] = [remote_write.STALE] + [None] * 20 + [float(i) for i in range(COUNT - 81)]
        add("http_requests_total", {"job": job, "instance": instance, "code": code}, values)
    for job, instance in itertools.product(("api", "web"), ("a", "b", "c")):
        level = rng.uniform(-50, 50)
        values = [level := level + rng.gauss(0, 3) for _ in range(COUNT)]
        add("temperature_celsius", {"job": job, "instance": instance}, values)
        for bound, share in (
            ("0.05", 0.2),
            ("0.1", 0.5),
            ("0.5", 0.9),
            ("1.0", 0.97),
            ("+Inf", 1.0),
        ):
            counts = [math.floor(i * 10 * share) * 1.0 for i in range(COUNT)]
            add("latency_seconds_bucket", {"job": job, "instance": instance, "le": bound}, counts)
    add(
        "odd",
        {"kind": "special"},
        [float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 1e308, 1e-300] * 17,
    )
    add("odd", {"kind": "sparse"}, [float(i) if i % 25 == 0 else None for i in range(COUNT)])
    add("limit", {"job": "api"}, [100.0] * COUNT)
    add("limit", {"job": "web"}, [500.0] * COUNT)
    add("owner", {"job": "api", "team": "blue"}, [1.0] * COUNT)
    add("owner", {"job": "web", "team": "red"}, [1.0] * COUNT)
    return out


C, G, H = "http_requests_total", "temperature_celsius", "latency_seconds_bucket"

RANGE_FUNCTIONS = [
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "resets",
    "changes",
    "deriv",
    "sum_over_time",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "count_over_time",
    "last_over_time",
    "present_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "absent_over_time",
]
VALUE_FUNCTIONS = [
    "abs",
    "ceil",
    "floor",
    "exp",
    "sqrt",
    "ln",
    "log2",
    "log10",
    "sgn",
    "deg",
    "rad",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "round",
    "timestamp",
    "sort",
    "sort_desc",
    "absent",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "hour",
    "minute",
    "month",
    "year",
]
AGGREGATIONS = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"]
OPERATORS = [
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "atan2",
    "==",
    "!=",
    ">",
    "<",
    ">=",
    "<=",
    "and",
    "or",
    "unless",
]


def queries() -> list[str]:
    out = []
    for f in RANGE_FUNCTIONS:
        out += [f"{f}({C}[1m])", f"{f}({G}[5m:30s])", f"{f}(odd[4m] offset 1m)"]
    for f in VALUE_FUNCTIONS:
        out += [f"{f}({G})", f"{f}(odd)"]
    for a, by in itertools.product(AGGREGATIONS, ("", "by (job) ", "without (instance, code) ")):
        out.append(f"{a} {by}({C})")
    out += [f"{a}(rate({C}[2m]) > 0.5)" for a in AGGREGATIONS]
    for op in OPERATORS:
        out.append(f'{C}{{code="200"}} {op} ignoring(code) {C}{{code="500"}}')
        if op not in ("and", "or", "unless"):
            out += [
                f"{G} {op} 10",
                f"10 {op} {G}",
                f"{C} {op} on(job) group_left limit",
                f"odd {op} odd",
            ]
        if op in ("==", "!=", ">", "<", ">=", "<="):
            out += [
                f"{G} {op} bool 10",
                f"limit {op} bool on(job) group_right {C}",
                f"1 {op} bool 2",
            ]
    for q in ("0", "0.1", "0.5", "0.99", "1", "-1", "2"):
        out += [
            f"histogram_quantile({q}, {H})",
            f"histogram_quantile({q}, sum by (le, job) (rate({H}[5m])))",
            f"quantile({q}, {G})",
            f"quantile by (job) ({q}, {C})",
            f"quantile_over_time({q}, {G}[3m])",
        ]
    for k in ("1", "3", "100", "0"):
        out += [f"topk({k}, {G})", f"bottomk by (job) ({k}, {G})", f"topk({k}, rate({C}[1m]))"]
    out += [
        f"{C} * on(job) group_left(team) owner",
        f"owner * on(job) group_right() {C}",
        f"{C} and on(job) limit{{job='api'}}",
        f"{C} unless on(job) limit{{job='api'}}",
        f"sum({C}) or vector(1)",
        f"count_values('v', floor({G} / 50))",
        "count_values by (job) ('v', limit)",
        f"predict_linear({G}[5m], 3600)",
        f"predict_linear({G}[5m:1m] offset 2m, 60)",
        f"clamp({G}, -10, 10)",
        f"clamp_min({G}, 0)",
        f"clamp_max({G}, 0)",
        f"round({G}, 0.25)",
        f"label_replace({C}, 'host', '$1-$2', 'instance', '(.)(.*)')",
        f"label_join({C}, 'where', '/', 'job', 'instance', 'code')",
        f"scalar(sum({C}))",
        "vector(time())",
        "time() - 1700000000",
        "pi() * 2",
        f"{C} offset 5m",
        f"{C} offset -5m",
        f"{C} @ {START + 600}",
        f"{C} @ start()",
        f"rate({C}[2m] @ end())",
        f"{C} @ {START + 600} offset 1m",
        f"max_over_time(rate({C}[1m])[5m:15s])",
        f"sum_over_time(sum(rate({C}[1m]))[5m:])",
        "{__name__=~'limit|owner', job!='web'}",
        f"{C}{{code=~'5..', instance!~'a|b'}}",
        f"absent({C}{{job='nothing'}})",
        f"-{G}",
        f"sum({C}) / count({C}) > 100",
        f"avg_over_time(({G} > 0)[10m:1m])",
        f"sum by (job) (rate({C}{{code='500'}}[5m])) / sum by (job) (rate({C}[5m]))",
        f"timestamp({C} offset 1m)",
        f"{C} + {G}",
        f"{C} + on(job) {G}",
        "rate({__name__=~'http_requests_total|temperature_celsius'}[5m])",
        f"{C}[1m]",
        f"{G}[2m:30s]",
        f"sum({C}",
        f"sum({C}[5m])",
        "1 == 1",
        "nosuch(1)",
        f"histogram_fraction(0.06, 0.3, {H})",
    ]
    return list(dict.fromkeys(out))


def values_agree(a: str, b: str) -> bool:
    x, y = float(a), float(b)
    return x == y or (x != x and y != y) or abs(x - y) <= 1e-12 * max(abs(x), abs(y))


def differences(want: dict, got: dict, ordered: bool) -> str:
    """Empty where the two answers are the same."""
    if want["status"] != got["status"]:
        return f"{want.get('error', 'success')} | {got.get('error', 'success')}"
    if want["status"] == "error":
        return "" if want["errorType"] == got["errorType"] else f"{want} | {got}"
    a, b = want["data"], got["data"]
    if a["resultType"] != b["resultType"]:
        return f"{a['resultType']} | {b['resultType']}"
    if a["resultType"] in ("scalar", "string"):
        same = a["result"][0] == b["result"][0] and values_agree(a["result"][1], b["result"][1])
        return "" if same else f"{a['result']} | {b['result']}"
    keys = [[json.dumps(s["metric"], sort_keys=True) for s in side["result"]] for side in (a, b)]
    if (keys if ordered else [sorted(k) for k in keys])[0] != (
        keys if ordered else [sorted(k) for k in keys]
    )[1]:
        return f"series {sorted(set(keys[0]) ^ set(keys[1]))[:4]}, {len(keys[0])} | {len(keys[1])}"
    by_key = dict(zip(keys[1], b["result"]))
    for key, series in zip(keys[0], a["result"]):
        other = by_key[key]
        points = [s.get("values", [s.get("value")]) for s in (series, other)]
        if len(points[0]) != len(points[1]):
            return f"{key}: {len(points[0])} | {len(points[1])} points"
        for p, q in zip(*points):
            if p[0] != q[0] or not values_agree(p[1], q[1]):
                return f"{key}: {p} | {q}"
    return ""


@pytest.fixture(scope="module")
def both():
    with servers.prometheus() as prometheus, servers.vedette() as vedette:
        series = sample_series()
        for server in (prometheus, vedette):
            remote_write.write(f"{server.base}/api/v1/write", series)
        yield prometheus, vedette


def compare(both, kind: str, ordered: bool, **parameters) -> None:
    problems = []
    asked = queries()
    assert len(asked) >= 200
    for query in asked:
        answers = [server.ask(kind, query=query, **parameters)[1] for server in both]
        # Where a query of equal values could be cut either way, order says nothing.
        if problem := differences(
            *answers, ordered and query.startswith("sort") and "odd" not in query
        ):
            problems.append(f"{query}\n    {problem}")
    assert not problems, f"{len(problems)} of {len(asked)} differ:\n" + "\n".join(problems)


@pytest.mark.parametrize("at", [START + 301, START + 15 * 61, END - 15, END + 240])
def test_instant(both, at: int) -> None:
    compare(both, "query", ordered=True, time=at)


@pytest.mark.parametrize(
    ("start", "end", "step"),
    [(START, END, 60), (START + 7, END + 400, 37), (START + 600, START + 700, 1)],
)
def test_range(both, start: int, end: int, step: int) -> None:
    compare(both, "query_range", ordered=False, start=start, end=end, step=step)
