"""Reads the scripts of tests/golden/promql (their language: src/query/promql/golden_test.cc)."""

import dataclasses
import re

from remote_write import STALE

UNITS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}


def time_ms(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    text = text.lstrip("-")
    try:
        return sign * round(float(text) * 1000)
    except ValueError:
        return sign * sum(
            int(n) * UNITS[unit] for n, unit in re.findall(r"(\d+)(ms|[smhdwy])", text)
        )


def labels(metric: str) -> dict[str, str]:
    name, _, rest = metric.partition("{")
    out = {"__name__": name} if name else {}
    for key, quoted, value in re.findall(
        r'(?:([\w.]+)|"((?:[^"\\]|\\.)*)")\s*(?:=\s*"((?:[^"\\]|\\.)*)")?', rest
    ):
        text = value.encode().decode("unicode_escape").encode("latin-1").decode() if value else ""
        if quoted and not value:
            out["__name__"] = quoted
        elif text:
            out[key or quoted] = text
    return out


def values(words: list[str]) -> list:
    out = []
    for word in words:
        if word == "stale":
            out.append(STALE)
            continue
        first, delta, times = re.fullmatch(
            r"(_|[-+]?(?:[\d.]+(?:[eE][-+]?\d+)?|[Ii]nf|NaN))([-+][\d.]+(?:[eE][-+]?\d+)?)?(?:x(\d+))?",
            word,
        ).groups()
        if first == "_":
            out += [None] * max(int(times or 0), 1)
            continue
        value = float(first)
        for _ in range(int(times or 0) + 1):
            out.append(value)
            value += float(delta or 0)
    return out


def split_metric(line: str) -> tuple[str, list[str]]:
    match = re.match(r'[^\s{]*(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?', line)
    return match.group(0), line[match.end() :].split()


@dataclasses.dataclass
class Eval:
    line: int
    query: str
    instant: int | None = None
    range: tuple[int, int, int] | None = None
    expected: list[str] = dataclasses.field(default_factory=list)

    @property
    def fails(self) -> bool:
        return any(line.startswith("expect fail") for line in self.expected)


@dataclasses.dataclass
class Section:
    """What stands between two `clear`s. Samples by series, later ones win."""

    series: dict = dataclasses.field(default_factory=dict)
    evals: list[Eval] = dataclasses.field(default_factory=list)

    def load(self, step: int, line: str) -> None:
        metric, words = split_metric(line)
        key = tuple(sorted(labels(metric).items()))
        samples = self.series.setdefault(key, {})
        for i, value in enumerate(values(words)):
            if value is not None:
                samples[i * step] = value

    def samples(self) -> list:
        return [
            (dict(key), sorted(samples.items())) for key, samples in self.series.items() if samples
        ]


def read(text: str) -> list[Section]:
    sections = [Section()]
    step, current = None, None
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        section = sections[-1]
        if line[0] in " \t":
            if step is not None:
                section.load(step, stripped)
            elif current is not None:
                current.expected.append(stripped)
            continue
        step, current = None, None
        if stripped == "clear":
            sections.append(Section())
        elif stripped.startswith("load "):
            step = time_ms(stripped[5:])
        elif match := re.fullmatch(r"eval instant at (\S+)\s+(.*)", stripped):
            current = Eval(number, match.group(2), instant=time_ms(match.group(1)))
        elif match := re.fullmatch(r"eval range from (\S+) to (\S+) step (\S+)\s+(.*)", stripped):
            current = Eval(
                number, match.group(4), range=tuple(time_ms(t) for t in match.groups()[:3])
            )
        else:
            raise ValueError(f"line {number}: not a command: {stripped}")
        if current:
            section.evals.append(current)
    return sections
