"""The CPythons that the package is for, other than Debian 12's own: one line each, its version and its path, if any.

Taken are those on PATH, pyenv's, and Debian's newer one, which is unpacked into .cache/pythons with the C library it needs
and never installed. Given paths are taken instead: ``tools/pythons.py /opt/python3.14t/bin/python3.14t``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import peers

VERSIONS = ("3.10", "3.12", "3.13", "3.13t", "3.14", "3.14t")
FROM_DEBIAN = "3.14"
CACHE = peers.ROOT / ".cache" / "pythons"
LIBRARIES = """
    libbz2-1.0 libc6 libcrypt1 libexpat1 libffi8 libgcc-s1 liblzma5 libncursesw6 libreadline8t64 libsqlite3-0 libssl3t64
    libstdc++6 libtinfo6 libuuid1 libzstd1 zlib1g
"""
TELL = (
    "import sys, sysconfig; "
    "print(sysconfig.get_python_version() + 't' * bool(sysconfig.get_config_var('Py_GIL_DISABLED')))"
)


def version_of(python: Path | str) -> str:
    """Empty if it does not run."""
    try:
        done = subprocess.run([python, "-c", TELL], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def from_debian(version: str) -> Path:
    folder = CACHE / version
    python = folder / f"usr/bin/python{version}"
    complete = folder / ".complete"
    if not complete.exists():
        folder.mkdir(parents=True, exist_ok=True)
        parts = ["minimal", "stdlib", "dev"]
        names = [f"python{version}", f"libpython{version}", f"python{version}-venv"]
        names += [f"{name}{version}-{p}" for name in ("python", "libpython") for p in parts]
        names.remove(f"python{version}-stdlib")
        peers.apt("update", cwd=folder)
        peers.apt("download", *names, *LIBRARIES.split(), cwd=folder)
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, folder], check=True)
            package.unlink()
        headers = folder / "usr/include"
        config = (
            headers / f"python{version}/pyconfig.h"
        )  # names a path that only the system's own has
        config.unlink()
        config.symlink_to(headers / f"x86_64-linux-gnu/python{version}/pyconfig.h")
        # Its own loader and C library, wherever it is started from; what it lacks comes from this machine.
        libraries = folder / "usr/lib/x86_64-linux-gnu"
        path = f"{libraries}:/usr/lib/x86_64-linux-gnu"
        loader = libraries / "ld-linux-x86-64.so.2"
        change = ["patchelf", "--set-interpreter", loader, "--force-rpath", "--set-rpath", path]
        subprocess.run([*change, python], check=True)
        complete.touch()
    return python


def find(version: str) -> Path | str:
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    for python in [f"python{version}", *pyenv]:
        if version_of(python) == version:
            return python
    return from_debian(version) if version == FROM_DEBIAN else ""


if __name__ == "__main__":
    for given in sys.argv[1:]:
        print(version_of(given), given)
    for wanted in VERSIONS if not sys.argv[1:] else ():
        print(wanted, find(wanted))
