"""Reads OpenMetrics text (OpenMetrics 1.0, and native histograms), and refuses with a ValueError what is not."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from vedette.prometheus.metrics_core import Metric
from vedette.prometheus.parser import (
    LABELS,
    name_and_labels,
    parse_labels,
    parse_name,
    parse_value,
    unescape,
)
from vedette.prometheus.samples import BucketSpan, Exemplar, NativeHistogram, Sample, Timestamp
from vedette.prometheus.utils import floatToGoString
from vedette.prometheus.validation import _is_valid_legacy_metric_name

_SUFFIXES = {
    "counter": ("_total", "_created"),
    "summary": ("", "_count", "_sum", "_created"),
    "histogram": ("_count", "_sum", "_bucket", "_created"),
    "gaugehistogram": ("_gcount", "_gsum", "_bucket"),
    "info": ("_info",),
}
_EXEMPLAR_MAX = 128

_HEAD = re.compile(rf'([^{{" ]*)(?:{LABELS})? ', re.S)
_NUMBERS = re.compile(rf"([^ ]+)(?: ([^ #][^ ]*))?(?: # {LABELS} ([^ ]+)(?: ([^ ]+))?)?", re.S)
_COMMENT = re.compile(r'# (HELP|TYPE|UNIT) ((?:"(?:[^"\\]|\\.)*"|[^ "])+) (.*)', re.S)
_NATIVE_FIELD = re.compile(r"(\w+):\s*(\[[^\]]*\]|[^,}\[]+)")


def text_string_to_metric_families(text: str) -> Iterator[Metric]:
    """The families of an exposition."""
    yield from text_fd_to_metric_families(io.StringIO(text))


def _parse_timestamp(text: str | None) -> Timestamp | float | None:
    if not text:
        return None
    if text != text.strip() or "_" in text:
        raise ValueError(f"Invalid timestamp: {text!r}")
    match = re.fullmatch(r"([+-]?\d+)(?:\.(\d*))?", text)
    if match is not None and match[2] != "":
        return Timestamp(int(match[1]), int((match[2] or "")[:9].ljust(9, "0")))
    seconds = float(text)
    if not math.isfinite(seconds):
        raise ValueError(f"Invalid timestamp: {text!r}")
    return seconds


def _parse_sample(line: str, native_histograms: bool) -> Sample:
    head = _HEAD.match(line)
    if head is None:
        raise ValueError("Invalid line: " + line)
    rest = line[head.end() :]
    labels: dict[str, str]
    if head[2] is None:
        if not _is_valid_legacy_metric_name(head[1]):
            raise ValueError("invalid metric name: " + line)
        name, labels = head[1], {}
    else:
        name, labels = name_and_labels(head[1], parse_labels(head[2], True))
    if native_histograms and rest.startswith("{"):
        if name.endswith(_SUFFIXES["histogram"]):
            raise ValueError("the sample name of a native histogram has no suffix: " + name)
        # A sample without labels has None, as upstream's.
        return Sample(name, labels or None, None, None, None, _native(rest))  # type: ignore[arg-type]
    numbers = _NUMBERS.fullmatch(rest)
    if numbers is None:
        raise ValueError("Invalid line: " + line)
    value, time, exemplar_labels, exemplar_value, exemplar_time = numbers.groups()
    exemplar = None
    if exemplar_value is not None:
        exemplar_names = parse_labels(exemplar_labels, True)
        if sum(len(k) + len(v) for k, v in exemplar_names.items()) > _EXEMPLAR_MAX:
            raise ValueError("Exemplar labels are too long: " + line)
        exemplar = Exemplar(
            exemplar_names, parse_value(exemplar_value), _parse_timestamp(exemplar_time)
        )
    return Sample(name, labels, parse_value(value), _parse_timestamp(time), exemplar)


def _native(text: str) -> NativeHistogram:
    if "}" not in text:
        raise ValueError("Invalid native histogram: " + text)
    fields = dict(_NATIVE_FIELD.findall(text))

    def items(key: str) -> list[str] | None:
        return fields[key].strip("[]").split(",") if key in fields else None

    def spans(key: str) -> tuple[BucketSpan, ...] | None:
        found = items(key)
        if found is None:
            return None
        return tuple(BucketSpan(*(int(number) for number in item.split(":"))) for item in found)

    def deltas(key: str) -> tuple[int, ...] | None:
        found = items(key)
        return None if found is None else tuple(int(item) for item in found)

    try:
        return NativeHistogram(
            count_value=int(fields["count"]),
            sum_value=float(fields["sum"]),
            schema=int(fields["schema"]),
            zero_threshold=float(fields["zero_threshold"]),
            zero_count=int(fields["zero_count"]),
            pos_spans=spans("positive_spans"),
            neg_spans=spans("negative_spans"),
            pos_deltas=deltas("positive_deltas"),
            neg_deltas=deltas("negative_deltas"),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("Invalid native histogram: " + text) from error


def _is_uncanonical(number: str) -> bool:
    """Only infinity has to be written in one way."""
    return float(number) == math.inf and number != "+Inf"


class _Builder:
    """The family that is being read, and what its samples have to keep to."""

    def __init__(self, name: str, typ: str | None = None) -> None:
        self.name = name
        self.typ = typ
        self.unit: str | None = None
        self.documentation: str | None = None
        self.samples: list[Sample] = []
        self.allowed = {name}
        self._group: Any = None
        self._time: Any = None
        self._seen_groups: set[Any] = set()
        self._seen_series: set[Any] = set()

    def describe(self, key: str, text: str, line: str) -> None:
        if self.samples:
            raise ValueError("Received metadata after samples: " + line)
        attribute = {"HELP": "documentation", "TYPE": "typ", "UNIT": "unit"}[key]
        if getattr(self, attribute) is not None:
            raise ValueError(f"More than one {key} for metric: {line}")
        if key == "HELP":
            text = unescape(text)
        elif key == "TYPE":
            if text == "untyped":
                raise ValueError("Invalid TYPE for metric: " + line)
            self.allowed = {self.name + suffix for suffix in _SUFFIXES.get(text, ("",))}
        setattr(self, attribute, text)

    def add(self, sample: Sample, line: str) -> None:
        if sample.native_histogram is not None:
            self.samples.append(sample)
            return
        self._check(sample, line)
        group = tuple(sorted(self._group_of(sample).items()))
        if self._group is not None and group != self._group and group in self._seen_groups:
            raise ValueError("Invalid metric grouping: " + line)
        if self._group is not None and group == self._group:
            if (sample.timestamp is None) != (self._time is None):
                raise ValueError("Mix of timestamp presence within a group: " + line)
            if self._time is not None and self._time > sample.timestamp and self.typ != "info":
                raise ValueError("Timestamps went backwards within a group: " + line)
        else:
            self._seen_series = set()
        series = (sample.name, tuple(sorted(sample.labels.items())))
        # Timestamps may be cut, so that one series stands there twice.
        if sample.timestamp != self._time or series not in self._seen_series:
            self.samples.append(sample)
        self._seen_series.add(series)
        self._seen_groups.add(group)
        self._group, self._time = group, sample.timestamp

    def _group_of(self, sample: Sample) -> dict[str, str]:
        """The labels that the samples of one series have in common."""
        own = None
        if self.typ == "info":
            return {}
        if self.typ == "summary" and sample.name == self.name:
            own = "quantile"
        elif self.typ == "stateset":
            own = self.name
        elif self.typ in ("histogram", "gaugehistogram") and sample.name == self.name + "_bucket":
            own = "le"
        return {key: value for key, value in sample.labels.items() if key != own}

    def _check(self, sample: Sample, line: str) -> None:
        suffix, value, labels = sample.name[len(self.name) :], sample.value, sample.labels

        def refuse(wrong: bool, why: str) -> None:
            if wrong:
                raise ValueError(f"{why}: {line}")

        refuse(self.typ == "stateset" and self.name not in labels, "Stateset missing label")
        refuse(self.typ == "stateset" and value not in (0, 1), "Stateset samples are zero or one")
        refuse(self.typ == "info" and value != 1, "Info samples can only have value one")
        if suffix == "_bucket":
            bound = labels.get("le", "NaN")
            refuse(bound == "NaN" or _is_uncanonical(bound), "Invalid le label")
        if suffix in ("_bucket", "_count", "_gcount"):
            refuse(not float(value).is_integer(), "Counts must be integers")
        if self.typ == "summary" and not suffix:
            quantile = labels.get("quantile", "-1")
            inside = 0 <= float(quantile) <= 1 and not _is_uncanonical(quantile)
            refuse(not inside, "Invalid quantile label")
            refuse(value < 0, "Quantile values cannot be negative")
        if suffix in ("_total", "_sum", "_count", "_bucket", "_gcount", "_gsum"):
            refuse(math.isnan(value), "Counter-like samples cannot be NaN")
            refuse(value < 0 and suffix != "_gsum", "Counter-like samples cannot be negative")
        if sample.exemplar is not None:
            bucket = self.typ in ("histogram", "gaugehistogram") and suffix == "_bucket"
            counter = self.typ == "counter" and suffix == "_total"
            refuse(not (bucket or counter), "Only buckets and counters can have exemplars")

    def build(self, seen: set[str]) -> Metric:
        typ, unit = self.typ or "unknown", self.unit or ""
        for name in {self.name, *(self.name + suffix for suffix in _SUFFIXES.get(typ, ()))}:
            if name in seen:
                raise ValueError("Clashing name: " + name)
            seen.add(name)
        if unit and not self.name.endswith("_" + unit):
            raise ValueError("Unit does not match metric name: " + self.name)
        if unit and typ in ("info", "stateset"):
            raise ValueError("Units not allowed for this metric type: " + self.name)
        if typ in ("histogram", "gaugehistogram"):
            self._check_histograms()
        family = Metric(self.name, self.documentation or "", typ, unit)
        family.samples = self.samples
        return family

    def _check_histograms(self) -> None:
        """Samples of one histogram follow each other."""
        group: Any = None
        parts: list[Sample] = []
        for sample in self.samples:
            if sample.name == self.name:
                continue  # native
            labels = {key: value for key, value in sample.labels.items() if key != "le"}
            key = (labels if sample.name.endswith("_bucket") else sample.labels, sample.timestamp)
            if parts and key != group:
                self._check_histogram(parts)
                parts = []
            group = key
            parts.append(sample)
        if parts:
            self._check_histogram(parts)

    def _check_histogram(self, samples: list[Sample]) -> None:
        buckets = [
            (float(sample.labels["le"]), sample.value)
            for sample in samples
            if sample.name == self.name + "_bucket"
        ]
        others = {sample.name[len(self.name) :]: sample.value for sample in samples}
        count = others.get("_count", others.get("_gcount"))
        has_sum = "_sum" in others or "_gsum" in others
        negative = any(bound < 0 for bound, _ in buckets)
        for (low, less), (high, more) in zip(buckets, buckets[1:], strict=False):
            if high <= low or more < less:
                raise ValueError("Buckets out of order: " + self.name)
        for wrong, why in (
            (not buckets or buckets[-1][0] != math.inf, "+Inf bucket missing"),
            (count is not None and buckets and buckets[-1][1] != count, "Count is not +Inf's"),
            (has_sum != (count is not None), "_sum and _count go together"),
            (negative and "_sum" in others, "Cannot have _sum with negative buckets"),
            (not negative and others.get("_gsum", 0) < 0, "Cannot have negative _gsum"),
        ):
            if wrong:
                raise ValueError(f"{why}: {self.name}")


def text_fd_to_metric_families(fd: TextIO | Iterable[str]) -> Iterator[Metric]:
    """The families of an exposition, read line by line."""
    family: _Builder | None = None
    seen: set[str] = set()
    ended = False
    for raw in fd:
        line = raw.removesuffix("\n")
        if ended:
            raise ValueError("Received line after # EOF: " + line)
        if not line:
            raise ValueError("Received blank line")
        if line == "# EOF":
            ended = True
        elif line.startswith("#"):
            comment = _COMMENT.fullmatch(line)
            if comment is None:
                raise ValueError("Invalid line: " + line)
            key, name, text = comment[1], parse_name(comment[2]), comment[3]
            if family is None or family.name != name:
                if family is not None:
                    yield family.build(seen)
                family = _Builder(name)
            family.describe(key, text, line)
        else:
            sample = _parse_sample(line, family is not None and family.typ == "histogram")
            native = sample.native_histogram is not None
            if family is None or (sample.name not in family.allowed and not native):
                if family is not None:
                    yield family.build(seen)
                family = _Builder(sample.name, "unknown")
            family.add(sample, line)
    if family is not None:
        yield family.build(seen)
    if not ended:
        raise ValueError("Missing # EOF at end")


__all__ = [
    "floatToGoString",
    "text_fd_to_metric_families",
    "text_string_to_metric_families",
]
