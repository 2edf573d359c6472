"""Reads Prometheus' text format (Prometheus, "Exposition formats"), leniently, as ``prometheus_client`` does."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from typing import TextIO

from vedette.prometheus.metrics_core import Metric
from vedette.prometheus.samples import Sample
from vedette.prometheus.validation import (
    _is_valid_legacy_metric_name,
    _validate_labelname,
    _validate_metric_name,
)

QUOTED = r'"(?:[^"\\]|\\.)*"'
LABELS = rf'\{{((?:[^"}}]|{QUOTED})*)\}}'

_ESCAPED = re.compile(r'\\([\\n"])')
_ESCAPED_HELP = re.compile(r"\\([\\n])")
_SAMPLE = re.compile(rf'([^{{"]*){LABELS}(.*)', re.S)
_BARE_SAMPLE = re.compile(r"([^ \t]*)[ \t](.*)", re.S)
_TERM = re.compile(rf'((?:[^"=,}}]|{QUOTED})*)(=?)((?:[^",}}]|{QUOTED})*)', re.S)
_TOKEN = re.compile(rf'(?:{QUOTED}|[^\s"])+')

# Which sample names a family of a type has, behind its own.
_SUFFIXES = {"summary": ("_count", "_sum", ""), "histogram": ("_count", "_sum", "_bucket")}


def text_string_to_metric_families(text: str) -> Iterator[Metric]:
    """The families of an exposition. ValueError where it cannot be read."""
    yield from text_fd_to_metric_families(io.StringIO(text))


def unescape(text: str, pattern: re.Pattern[str] = _ESCAPED) -> str:
    """``\\n`` is a newline, an escaped backslash or quote itself; anything else stays."""
    return pattern.sub(lambda match: "\n" if match[1] == "n" else match[1], text)


def unquote(text: str) -> tuple[str, bool]:
    """The text without its quotes, and whether it had some."""
    text = text.strip()
    quoted = text.startswith('"')
    if quoted:
        if len(text) == 1 or not text.endswith('"'):
            raise ValueError("missing close quote")
        text = text[1:-1]
    return unescape(text), quoted


def parse_name(text: str) -> str:
    """The name of a metric: in quotes, or a classic one."""
    name, quoted = unquote(text)
    if not quoted and not _is_valid_legacy_metric_name(name):
        raise ValueError(f"invalid metric name: {text}")
    return name


def parse_value(text: str) -> float:
    """A number; an int where it is one."""
    if text != text.strip() or "_" in text:
        raise ValueError(f"Invalid value: {text!r}")
    try:
        return int(text)
    except ValueError:
        return float(text)


def parse_labels(labels_string: str, openmetrics: bool = False) -> dict[str, str]:
    """What stands between the braces. A term without ``=`` is the metric's name, under ``__name__``. OpenMetrics allows
    no empty terms."""
    labels: dict[str, str] = {}
    rest = labels_string.strip()
    if openmetrics and rest.startswith(","):
        raise ValueError("Invalid labels: " + labels_string)
    first = True
    while rest:
        if not first or rest.startswith(","):
            rest = rest[1:].lstrip() if rest.startswith(",") else rest
            if rest.startswith(",") or (not rest and openmetrics):
                raise ValueError("Invalid labels: " + labels_string)
            if not rest:
                break
        first = False
        match = _TERM.match(rest)
        if match is None or match.end() == 0:
            raise ValueError("Invalid labels: " + labels_string)
        rest = rest[match.end() :].strip()
        _add_label(labels, match, labels_string)
    return labels


def _add_label(labels: dict[str, str], match: re.Match[str], labels_string: str) -> None:
    name_text, equals, value_text = match.groups()
    if not equals:
        name, value_text = "__name__", name_text
    else:
        name, quoted = unquote(name_text) if name_text.strip() else ("", False)
        if not quoted and not _is_valid_legacy_metric_name(name):
            raise ValueError("Invalid labels: " + labels_string)
    if re.fullmatch(QUOTED, value_text.strip(), re.S) is None:
        raise ValueError("Invalid labels: " + labels_string)
    if name == "__name__":
        _validate_metric_name(name)
    else:
        _validate_labelname(name)
    if name in labels:
        raise ValueError("Invalid labels: " + labels_string)
    labels[name] = unquote(value_text)[0]


def name_and_labels(name: str, labels: dict[str, str]) -> tuple[str, dict[str, str]]:
    """The name may stand before the labels or among them, but once."""
    inside = labels.pop("__name__", None)
    if (inside is None) == (not name):
        raise ValueError("a sample has one name")
    return inside or name, labels


def _parse_sample(line: str) -> Sample:
    match = _SAMPLE.match(line)
    if match is not None and " # " not in match[1]:
        name, labels = name_and_labels(match[1].strip(), parse_labels(match[2]))
        rest = match[3]
    else:
        bare = _BARE_SAMPLE.match(line)
        if bare is None or not _is_valid_legacy_metric_name(bare[1]):
            raise ValueError("invalid metric name: " + line)
        name, labels, rest = bare[1], {}, bare[2]
    numbers = rest.split()
    if not numbers:
        raise ValueError("no value: " + line)
    time = parse_value(numbers[-1]) / 1000 if len(numbers) > 1 else None
    return Sample(name, labels, parse_value(numbers[0]), time)


class _Builder:
    """The family that is being read."""

    def __init__(self, name: str = "", typ: str = "untyped") -> None:
        self.name = name
        self.documentation = ""
        self.typ = typ
        self.samples: list[Sample] = []
        self.allowed = {name} if name else set()

    def become(self, typ: str) -> None:
        self.typ = typ
        self.allowed = {self.name + suffix for suffix in _SUFFIXES.get(typ, ("",))}

    def build(self) -> Metric:
        name, samples = self.name, self.samples
        if self.typ == "counter":
            if name.endswith("_total"):
                name = name.removesuffix("_total")
            else:
                samples = [sample._replace(name=sample.name + "_total") for sample in samples]
        family = Metric(name, self.documentation, self.typ)
        family.samples = samples
        return family


def _tokens(line: str, most: int) -> list[str]:
    """Words, where quotes hold words together; the last has all that is left."""
    found: list[str] = []
    at = 0
    while len(found) < most - 1:
        match = _TOKEN.search(line, at)
        if match is None:
            return found
        found.append(match.group())
        at = match.end()
    rest = line[at:].strip()
    return [*found, rest] if rest else found


def text_fd_to_metric_families(fd: TextIO | Iterable[str]) -> Iterator[Metric]:
    """The families of an exposition, read line by line."""
    family = _Builder()
    for raw in fd:
        line = raw.strip()
        if not line:
            continue
        if not line.startswith("#"):
            sample = _parse_sample(line)
            if sample.name in family.allowed:
                family.samples.append(sample)
                continue
            if family.name:
                yield family.build()
            family = _Builder()
            alone = _Builder(sample.name)
            alone.samples.append(sample)
            yield alone.build()
            continue
        words = _tokens(line, 4)
        if len(words) < 3 or words[1] not in ("HELP", "TYPE"):
            continue
        name = parse_name(words[2])
        if words[1] == "TYPE" and len(words) < 4:
            raise ValueError("no type: " + line)
        if name != family.name:
            if family.name:
                yield family.build()
            family = _Builder(name)
        if words[1] == "TYPE":
            family.become(words[3])
        else:
            text = words[3] if len(words) == 4 else ""
            family.documentation = unescape(text, _ESCAPED_HELP)
    if family.name:
        yield family.build()
