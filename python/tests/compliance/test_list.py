"""docs/compliance.md: every row of the matrix, with the test that proves it or the reason why it does not hold.

To write it anew: VEDETTE_UPDATE=1 python -m pytest python/tests/compliance -k test_list
"""

import os
import re
from pathlib import Path

import pytest
from not_held import NOT_HELD
from rows import FOLDER, PROOFS, ROWS

DOCUMENT = Path(__file__).parents[3] / "docs/compliance.md"
INTRODUCTION = """\
# Compliance with the OpenTelemetry specification

Every row of the specification's compliance matrix (Python, August 2026; the OpenTracing and OpenCensus shims left out), and
the test in `python/tests/compliance` that proves it for Vedette, or why it does not hold. *Upstream* is what the matrix says
of `opentelemetry-sdk`. The list is made from the tests.
"""


@pytest.fixture
def proofs(request):
    found, files = request.config.stash[PROOFS]
    if not files.issuperset(path.name for path in FOLDER.glob("test_*.py")):
        pytest.skip("only part of the tests was collected")
    return found


def document(proofs) -> str:
    held = sum((row.section, row.name) in proofs for row in ROWS)
    lines = [INTRODUCTION, f"\n**{held} of {len(ROWS)} rows are proved.**\n"]
    section = ""
    for row in ROWS:
        if row.section != section:
            section = row.section
            lines.append(
                f"\n## {section}\n\n| row | upstream | proved by, or why not |\n|---|---|---|\n"
            )
        key = (row.section, row.name)
        tests = " ".join(f"`{test}`" for test in dict.fromkeys(proofs.get(key, ())))
        reason = f"does not hold: {NOT_HELD[key]}" if key in NOT_HELD else "no test proves it yet"
        lines.append(
            f"| {row.name.replace('|', '&#124;')} | {row.upstream} | {tests or reason} |\n"
        )
    return "".join(lines)


def test_every_row_is_listed_and_explained(proofs):
    text = DOCUMENT.read_text(encoding="utf-8")
    assert not [row for row in ROWS if f"| {row.name.replace('|', '&#124;')} |" not in text]
    assert not NOT_HELD.keys() - {(row.section, row.name) for row in ROWS}


def test_every_proof_exists(proofs):
    if os.environ.get("VEDETTE_UPDATE"):
        DOCUMENT.write_text(document(proofs), encoding="utf-8")
    known = {test for tests in proofs.values() for test in tests}
    assert set(re.findall(r"`(test_\w+\.py::\w+)`", DOCUMENT.read_text(encoding="utf-8"))) <= known
