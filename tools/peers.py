"""Newer peers than Debian 12 has, from the suite where they are: downloaded and unpacked into .cache, never installed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "peers"
SUITE = "sid"
PROGRAMS = {
    "prometheus": "usr/bin/prometheus",
    "promtool": "usr/bin/promtool",
    "victoria-metrics": "usr/bin/victoria-metrics",
}


def mirror() -> str:
    """The Debian mirror that apt is set to."""
    etc = Path("/etc/apt")
    for path in [*sorted((etc / "sources.list.d").glob("*.sources")), etc / "sources.list"]:
        if path.exists():
            found = re.search(
                r"(?:URIs:|^deb)\s+(?:\[[^]]*\]\s+)?(https?://\S*/debian)/?\s",
                path.read_text(),
                re.M,
            )
            if found:
                return found.group(1)
    raise RuntimeError("apt has no Debian mirror: set one in /etc/apt/sources.list")


def apt(*arguments: str, cwd: Path) -> None:
    state = CACHE / "apt"
    for folder in ("lists/partial", "cache/archives/partial"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    sources = state / "sources.list"
    sources.write_text(
        f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror()} {SUITE} main\n"
    )
    options = {
        "Dir::State": state,
        "Dir::State::lists": state / "lists",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": state / "cache",
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Sandbox::User": "root",  # its own user could not write here
    }
    flags = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
    done = subprocess.run(
        ["apt-get", *flags, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"apt-get {arguments[0]} failed:\n{(done.stdout + done.stderr)[-2000:]}")


def program(name: str) -> Path:
    """Where the peer's program is, fetching it first if need be."""
    folder = CACHE / name
    path = folder / PROGRAMS[name]
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        apt("update", cwd=folder)
        apt("download", name, cwd=folder)
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(folder)], check=True)
            package.unlink()
    return path


def version(name: str) -> str:
    out = subprocess.run(
        [str(program(name)), "--version"], capture_output=True, text=True, check=False
    )
    return (out.stdout or out.stderr).splitlines()[0]


if __name__ == "__main__":
    if sys.argv[1:] == ["--mirror"]:
        print(mirror())
        sys.exit()
    for peer in PROGRAMS:
        print(f"{peer}: {program(peer)}: {version(peer)}")
