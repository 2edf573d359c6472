"""The rows of the OpenTelemetry specification's compliance matrix, and the mark that says which row a test proves.

    from rows import row

    @row("Traces", "UpdateName")
    def test_update_name(): …

    @pytest.mark.parametrize("kind", [pytest.param("a", marks=row("Metrics", "The `Sum` aggregation is available."))])

A row is called by its name without links; where a section has two of one name, by heading and name: ``"Tracer: Safe for
concurrent calls"``. A name that the matrix does not have is an error at once. docs/compliance.md is made from the marks
(test_list.py); rows that do not hold are in ``not_held.py``, with the reason.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

# Where the collected proofs are kept: ({(section, name): [test id]}, {file names}).
PROOFS: pytest.StashKey[tuple[dict[tuple[str, str], list[str]], set[str]]] = pytest.StashKey()

FOLDER = Path(__file__).parent
# Bridges from the APIs that came before OpenTelemetry.
SHIMS = ("OpenCensus Compatibility", "OpenTracing Compatibility")


class Row(NamedTuple):
    section: str
    name: str
    upstream: str  # as the matrix has it: +, -, ?, N/A


def _plain(text: str) -> str:
    text = re.sub(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\([^)]*\)", r"\1", text)
    return " ".join(text.replace("**", "").split())


def _load() -> list[Row]:
    matrix = yaml.safe_load((FOLDER / "matrix.yaml").read_text(encoding="utf-8"))
    rows = []
    for section in matrix["sections"]:
        if section["name"] in SHIMS:
            continue
        found: list[tuple[str, str, str]] = []
        for entry in section["features"]:
            heading = _plain(entry.get("heading") or "")
            for feature in entry.get("features", [entry]):
                status = re.sub(r"\]\[.*", "", str(feature["status"] or "?")).strip("[]")
                found.append((heading, _plain(feature["name"]), status))
        names = Counter(name for _, name, _ in found)
        for heading, name, status in found:
            rows.append(
                Row(section["name"], name if names[name] == 1 else f"{heading}: {name}", status)
            )
    return rows


ROWS = _load()
_KNOWN = {(row.section, row.name) for row in ROWS}


def row(section: str, *names: str) -> pytest.MarkDecorator:
    """Marks a test as the proof of these rows."""
    for name in names:
        if (section, name) not in _KNOWN:
            near = [r.name for r in ROWS if r.section == section]
            raise LookupError(f"the matrix has no {name!r} in {section!r}; it has {near}")
    return pytest.mark.row(section, names)
