"""Other releases of libraries, each in a folder of its own below .cache, for tests against the oldest and the newest one."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "releases"


def release(*packages: str) -> str:
    """The folder that holds exactly these packages ("name==1.2"), none of what they need. Skips, by name, when they are not
    there and cannot be had."""
    digest = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:12]
    folder = CACHE / f"py{sys.version_info[1]}-{packages[0].replace('==', '-')}-{digest}"
    if not folder.exists():
        making = folder.with_name(f"{folder.name}.{os.getpid()}")
        command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        command += ["--no-deps", "--only-binary", ":all:", "--retries", "0", "--timeout", "10"]
        done = subprocess.run(
            [*command, "--target", str(making), *packages], capture_output=True, text=True
        )
        if done.returncode:
            shutil.rmtree(making, ignore_errors=True)
            pytest.skip(f"cannot be had: {', '.join(packages)}")
        try:
            making.rename(folder)
        except OSError:  # another run was faster
            shutil.rmtree(making, ignore_errors=True)
    return str(folder)


def with_path(*folders: str) -> dict[str, str]:
    """The environment for a Python that finds these folders first."""
    path = [*folders, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
