"""Short runs of the benchmarks that try a promise: each ends with status 1 where one is not kept."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "bench" / "python"


@pytest.mark.parametrize(
    ("script", "options"),
    [
        ("errors_kept", ["--rate", "150", "--any-rate", "--seconds", "4", "--workers", "2"]),
        ("soak", ["--spans", "500000", "--others", "400000"]),
        ("forks", ["--forks", "200"]),
    ],
    ids=["errors are kept and counted by several workers", "memory is flat", "forks while threads record"],
)  # fmt: skip
def test_promise(script, options):
    done = subprocess.run(
        [sys.executable, SCRIPTS / f"{script}.py", *options],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
