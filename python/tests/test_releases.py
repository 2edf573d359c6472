"""The instrumentations' own tests, against the oldest releases they name; the newest are what all other tests run on."""

import subprocess
import sys
from pathlib import Path

import pytest
from releases import release, with_path

HERE = Path(__file__).parent

# By the Python from which on they are the oldest that work: on a newer one an older release has no wheel, or does not import.
OLDEST = {
    "httpx": {
        (3, 10): ["httpx==0.24.0", "httpcore==0.17.3", "sniffio==1.3.1"],
        (3, 14): ["httpx==0.25.1", "httpcore==1.0.9", "sniffio==1.3.1"],
    },
    "requests": {
        (3, 10): ["requests==2.25.1", "urllib3==1.26.20", "chardet==4.0.0", "idna==2.10"],
    },
    "sqlalchemy": {
        (3, 10): ["SQLAlchemy==2.0.0"],
        (3, 13): ["SQLAlchemy==2.0.31"],
    },
    "redis": {(3, 10): ["redis==4.6.0"]},
    "postgres_drivers": {
        (3, 10): ["psycopg==3.1.8", "psycopg-binary==3.1.8", "asyncpg==0.27.0"],
        (3, 12): ["psycopg==3.1.12", "psycopg-binary==3.1.12", "asyncpg==0.29.0"],
        (3, 13): ["psycopg==3.2.3", "psycopg-binary==3.2.3", "asyncpg==0.30.0"],
        (3, 14): ["psycopg==3.2.11", "psycopg-binary==3.2.11", "asyncpg==0.31.0"],
    },
}


@pytest.mark.parametrize("library", OLDEST)
def test_the_oldest_release(library):
    packages = max(item for item in OLDEST[library].items() if item[0] <= sys.version_info[:2])[1]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        "vedette or no_spans",
    ]
    done = subprocess.run(
        [*command, str(HERE / f"test_{library}.py")],
        env=with_path(release(*packages)), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert "passed" in done.stdout
