"""The instrumentations' own tests, against the oldest releases they name; the newest are what all other tests run on."""

import subprocess
import sys
from pathlib import Path

import pytest
from releases import release, with_path

HERE = Path(__file__).parent

OLDEST = {
    "httpx": (["httpx==0.24.0", "httpcore==0.17.3", "sniffio==1.3.1"], "test_httpx.py"),
    "requests": (["requests==2.25.1", "urllib3==1.26.20", "chardet==4.0.0", "idna==2.10"], "test_requests.py"),
    "sqlalchemy": (["SQLAlchemy==2.0.0"], "test_sqlalchemy.py"),
    "redis": (["redis==4.6.0"], "test_redis.py"),
    "psycopg": (["psycopg==3.1.8", "psycopg-binary==3.1.8", "asyncpg==0.27.0"], "test_postgres_drivers.py"),
}  # fmt: skip


@pytest.mark.parametrize("library", OLDEST)
def test_the_oldest_release(library):
    packages, tests = OLDEST[library]
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
        [*command, str(HERE / tests)],
        env=with_path(release(*packages)), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert "passed" in done.stdout
