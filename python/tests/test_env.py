"""The table of OTEL_* variables, row by row."""

import logging
import re
from pathlib import Path

import pytest
from vedette import _env
from vedette._env import TABLE, Variable

# kind -> what is understood (text -> value), what is not
GOOD = {
    "boolean": {"true": True, "TRUE": True, " false ": False},
    "headers": {"Api-Key=a%20b, x=": (("api-key", "a b"), ("x", ""))},
    "integer": {"17": 17},
    "limit": {"17": 17, "0": 0, "unset": _env.UNLIMITED},
    "list": {"a, b,a": ("a", "b")},
    "number": {"17": 17.0, "1500.5": 1500.5},
    "pairs": {"k=v%2C1,Z=2": (("k", "v,1"), ("Z", "2"))},
    "patterns": {"/health, x.*y": ("/health", "x.*y")},
    "seconds": {"2.5": 2.5, "0": 0.0},
    "string": {" anything at all ": "anything at all"},
    "url": {"http://host:1/path": "http://host:1/path"},
}
BAD = {
    "boolean": ["yes", "1"],
    "headers": ["novalue", "=x"],
    "integer": ["many", "1.5", "1e3"],
    "limit": ["many", "-1"],
    "number": ["soon", "nan", "inf"],
    "pairs": ["novalue"],
    "patterns": ["(", "*,["],
    "seconds": ["soon", "nan", "inf", "-1"],
    "url": ["http://a b"],
}


# What is understood in part.
PARTLY = {
    "headers": {"a=1,novalue": (("a", "1"),)},
    "pairs": {"novalue,k=v": (("k", "v"),)},
    "patterns": {"/a,(": ("/a",)},
}


def good(variable: Variable) -> dict[str, object]:
    if variable.kind == "choice":
        return {
            variable.choices[0].upper(): variable.choices[0],
            variable.choices[-1]: variable.choices[-1],
        }
    return GOOD[variable.kind]


def bad(variable: Variable) -> list[str]:
    if variable.kind == "choice":
        return ["none of these"]
    texts = list(BAD.get(variable.kind, []))
    if variable.kind in ("integer", "number"):
        texts.append(str(int(variable.low) - 1))
        if variable.high < float("inf"):
            texts.append(str(int(variable.high) + 1))
    return texts


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in _env.every_name():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_env, "_said", set())


@pytest.mark.parametrize("variable", TABLE, ids=lambda v: v.name)
def test_variable(variable, monkeypatch, caplog):
    caplog.set_level(logging.WARNING, "vedette")
    assert _env.read(variable.name) == variable.default
    for empty in ("", "  "):
        monkeypatch.setenv(variable.name, empty)
        assert _env.read(variable.name) == variable.default
    for text, value in good(variable).items():
        monkeypatch.setenv(variable.name, text)
        assert _env.read(variable.name) == value
    assert not caplog.records
    for text in bad(variable):
        caplog.clear()
        monkeypatch.setenv(variable.name, text)
        assert _env.read(variable.name) == variable.default
        assert _env.read(variable.name) == variable.default
        assert [variable.name in record.getMessage() for record in caplog.records] == [True], text
    for text, value in PARTLY.get(variable.kind, {}).items():
        caplog.clear()
        monkeypatch.setenv(variable.name, text)
        assert _env.read(variable.name) == _env.read(variable.name) == value
        assert ["the rest is used" in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.parametrize(
    ("variable", "signal"),
    [(v, s) for v in TABLE for s in v.signals],
    ids=lambda x: getattr(x, "name", x),
)
def test_signal_wins_over_generic(variable, signal, monkeypatch, caplog):
    caplog.set_level(logging.WARNING, "vedette")
    own = variable.of_signal(signal)
    first, *_, last = (
        good(variable).items() if len(good(variable)) > 1 else [*good(variable).items()] * 2
    )
    monkeypatch.setenv(variable.name, first[0])
    assert _env.read(variable.name, signal.lower()) == first[1]
    monkeypatch.setenv(own, last[0])
    assert _env.read(variable.name, signal.lower()) == last[1]
    assert _env.read(variable.name) == first[1]
    for text in bad(variable)[:1]:
        monkeypatch.setenv(own, text)
        assert (
            _env.read(variable.name, signal.lower()) == first[1]
        )  # what is wrong falls to the generic one
        assert own in caplog.text


def test_table_has_all_of_upstream():
    import opentelemetry.environment_variables as api
    import opentelemetry.sdk.environment_variables as sdk

    theirs = {
        value
        for module in (api, sdk)
        for name, value in vars(module).items()
        if name.lstrip("_").startswith("OTEL_")
    }
    assert theirs <= set(_env.every_name())


def test_table_has_all_of_the_specification():
    matrix = (Path(__file__).parent / "compliance/matrix.yaml").read_text(encoding="utf-8")
    names = re.findall(r"- name: (OTEL_\S+)", matrix)
    assert len(names) > 25
    for name in names:
        assert any(map(re.compile(name.replace("*", ".+")).fullmatch, _env.every_name())), name


def test_constants_are_mirrored():
    import opentelemetry.sdk.environment_variables as upstream
    import vedette.sdk.environment_variables as ours

    theirs = {name for name in vars(upstream) if name.startswith("OTEL_")}
    assert not [n for n in theirs if getattr(ours, n, None) != getattr(upstream, n)]


DOCUMENT = Path(__file__).parents[2] / "docs/environment.md"
INTRODUCTION = """\
# Environment variables

Every `OTEL_*` variable that Vedette reads, from its own table (`python/vedette/_env.py`). Empty means unset. A value that
is not understood is said once, and the default holds. *Per signal*: there is also one for traces, metrics and logs alone,
`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` and so on, which wins. Of lists, what is understood is used.

| variable | kind | default | range | |
|---|---|---|---|---|
"""


def as_markdown() -> str:
    lines = []
    for v in TABLE:
        if v.choices:
            values = ", ".join(f"`{choice}`" for choice in v.choices)
        elif v.kind in ("integer", "number", "limit", "seconds"):
            values = f"{v.low:g} to {v.high:.0f}" if v.high < float("inf") else f"{v.low:g} or more"
        else:
            values = ""
        default = ",".join(v.default) if isinstance(v.default, tuple) else v.default
        shown = "" if default in (None, "") else f"`{str(default).lower()}`"
        about = "; ".join(filter(None, [v.about, "per signal" if v.signals else ""]))
        lines.append(f"| `{v.name}` | {v.kind} | {shown} | {values} | {about} |\n")
    return INTRODUCTION + "".join(lines)


def test_document_lists_the_table():
    assert DOCUMENT.read_text() == as_markdown(), f"write it anew: python {__file__}"


def test_log_level(monkeypatch):
    level = _env.logger.level
    try:
        monkeypatch.setenv("OTEL_LOG_LEVEL", "error")
        _env.set_log_level()
        assert _env.logger.level == logging.ERROR
    finally:
        _env.logger.setLevel(level)


if __name__ == "__main__":
    DOCUMENT.write_text(as_markdown())
