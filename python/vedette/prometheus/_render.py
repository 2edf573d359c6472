"""Collectors as text. Native ones are rendered natively, all at once and without the GIL; families of collectors
written in Python here. A collector that fails costs only itself, and is named once in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from vedette import _native
from vedette.prometheus.metrics import MetricWrapperBase
from vedette.prometheus.metrics_core import Metric
from vedette.prometheus.openmetrics.exposition import (
    ALLOWUTF8,
    ESCAPINGS,
    escape_label_name,
    escape_metric_name,
    escape_text,
)
from vedette.prometheus.registry import CollectorRegistry
from vedette.prometheus.samples import Exemplar, NativeHistogram, Sample
from vedette.prometheus.utils import floatToGoString, parse_version
from vedette.prometheus.validation import _is_valid_legacy_metric_name

logger = logging.getLogger("vedette")

_reported: set[str] = set()


def render(registry: Any, escaping: str, openmetrics: str | None) -> bytes:
    """``openmetrics`` is the version, or None for Prometheus' own text format."""
    native = isinstance(registry, CollectorRegistry)
    if not native or type(registry).collect is not CollectorRegistry.collect:
        return b"".join(_families(registry, escaping, openmetrics))
    groups: list[list[Any]] = []
    order: list[bytes | int] = []  # finished text, or the number of a group
    for part in registry._parts():
        collector = _native_of(part)
        if collector is None:
            order += _families(part, escaping, openmetrics)
        elif order and order[-1] == len(groups) - 1 and groups:
            groups[-1].append(collector)
        else:
            groups.append([collector])
            order.append(len(groups) - 1)
    number = ESCAPINGS.index(escaping) if escaping in ESCAPINGS else 0
    rendered = _native.metrics_render(groups, openmetrics is not None, number, registry._foreign)
    order.append(len(groups))
    return b"".join(rendered[part] if isinstance(part, int) else part for part in order)


def _native_of(collector: Any) -> Any:
    """What renders a collector natively, or None."""
    if isinstance(collector, _native.Collector):
        method = getattr(type(collector), "collect", MetricWrapperBase.collect)
        return collector if method is MetricWrapperBase.collect else None
    return getattr(collector, "_native", None)


def _families(collector: Any, escaping: str, openmetrics: str | None) -> list[bytes]:
    texts = []
    try:
        families = [collector] if isinstance(collector, Metric) else collector.collect()
        for family in families:
            if openmetrics is None:
                text = "".join(_plain(family, escaping))
            else:
                text = "".join(_openmetrics(family, escaping, openmetrics))
            texts.append(text.encode("utf-8", "replace"))
    except Exception:
        name = type(collector).__qualname__
        if name not in _reported:
            _reported.add(name)
            logger.warning("the metrics of %s cannot be shown", name, exc_info=True)
    return texts


_SUFFIX = {"counter": "_total", "info": "_info"}
_TYPE = {
    "info": "gauge",
    "stateset": "gauge",
    "gaugehistogram": "histogram",
    "unknown": "untyped",
}
_BEHIND = ("_created", "_gcount", "_gsum")  # of OpenMetrics only: gauges of their own


def _plain(family: Metric, escaping: str) -> Iterable[str]:
    kind = family.type
    help_text = family.documentation.replace("\\", "\\\\").replace("\n", "\\n")

    def header(suffix: str, kind: str) -> str:
        name = escape_metric_name(family.name + suffix, escaping)
        return f"# HELP {name} {help_text}\n# TYPE {name} {kind}\n"

    yield header(_SUFFIX.get(kind, ""), _TYPE.get(kind, kind))
    behind: dict[str, list[str]] = {}
    for sample in family.samples:
        when = sample.timestamp
        line = _line(
            sample,
            escaping,
            floatToGoString(sample.value),
            f" {int(float(when) * 1000):d}" if when is not None else "",
        )
        suffix = sample.name[len(family.name) :]
        if suffix in _BEHIND and sample.name == family.name + suffix:
            behind.setdefault(suffix, []).append(line)
        else:
            yield line
    for suffix in sorted(behind):
        yield header(suffix, "gauge")
        yield from behind[suffix]


def _openmetrics(family: Metric, escaping: str, version: str) -> Iterable[str]:
    name = escape_metric_name(family.name, escaping)
    yield f"# HELP {name} {escape_text(family.documentation)}\n# TYPE {name} {family.type}\n"
    if family.unit:
        yield f"# UNIT {name} {family.unit}\n"
    for sample in family.samples:
        histogram = sample.native_histogram
        if histogram and parse_version(version) < (2, 0, 0):
            continue
        exemplars = [sample.exemplar] if sample.exemplar else []
        if histogram:
            value = _native_histogram(histogram)
            exemplars += histogram.nh_exemplars or ()
        else:
            value = floatToGoString(sample.value) if sample.value is not None else ""
        when = f" {sample.timestamp}" if sample.timestamp is not None else ""
        shown = "".join(_exemplar(family, sample, exemplar) for exemplar in exemplars)
        yield _line(sample, escaping, value, when + shown)


def _line(sample: Sample, escaping: str, value: str, rest: str) -> str:
    name = escape_metric_name(sample.name, escaping)
    pairs = [
        f'{escape_label_name(key, escaping)}="{escape_text(str(text))}"'
        for key, text in sorted((sample.labels or {}).items())
    ]
    if escaping == ALLOWUTF8 and not _is_valid_legacy_metric_name(sample.name):
        pairs.insert(0, name)
        name = ""
    labels = "{" + ",".join(pairs) + "}" if pairs else ""
    return f"{name}{labels} {value}{rest}\n"


def _exemplar(family: Metric, sample: Sample, exemplar: Exemplar) -> str:
    counter = family.type == "counter" and sample.name.endswith("_total")
    bucket = family.type in ("histogram", "gaugehistogram") and sample.name.endswith("_bucket")
    if not (counter or bucket or (family.type == "histogram" and sample.name == family.name)):
        raise ValueError(
            f"Metric {family.name} has exemplars, but is not a histogram bucket or counter"
        )
    labels = ",".join(
        f'{key}="{escape_text(value)}"' for key, value in sorted(exemplar.labels.items())
    )
    when = f" {exemplar.timestamp}" if exemplar.timestamp is not None else ""
    return f" # {{{labels}}} {floatToGoString(exemplar.value)}{when}"


def _native_histogram(histogram: NativeHistogram) -> str:
    parts = [
        f"count:{histogram.count_value}",
        f"sum:{histogram.sum_value}",
        f"schema:{histogram.schema}",
        f"zero_threshold:{histogram.zero_threshold}",
        f"zero_count:{histogram.zero_count}",
    ]
    for side, spans, deltas in (
        ("negative", histogram.neg_spans, histogram.neg_deltas),
        ("positive", histogram.pos_spans, histogram.pos_deltas),
    ):
        if spans:
            shown = ",".join(f"{span[0]}:{span[1]}" for span in spans)
            parts.append(f"{side}_spans:[{shown}]")
            parts.append(f"{side}_deltas:[{','.join(str(delta) for delta in deltas or ())}]")
    return "{" + ",".join(parts) + "}"
