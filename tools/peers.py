"""Newer peers than Debian 12 has, from the suite where they are: downloaded and unpacked into .cache, never installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "peers"
SUITE = "sid"
PROGRAMS = {"prometheus": "usr/bin/prometheus", "victoria-metrics": "usr/bin/victoria-metrics"}


def _mirror() -> str:
    """The mirror that apt is already set to."""
    for source in sorted(Path("/etc/apt").glob("sources.list.d/*.sources")):
        for line in source.read_text().splitlines():
            if line.startswith("URIs:"):
                return line.split()[1]
    for line in Path("/etc/apt/sources.list").read_text().splitlines():
        words = [w for w in line.split() if not w.startswith("[") and not w.endswith("]")]
        if words[:1] == ["deb"]:
            return words[1]
    raise RuntimeError("apt has no sources")


def _apt(*arguments: str, cwd: Path) -> None:
    state = CACHE / "apt"
    for folder in ("lists/partial", "cache/archives/partial"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    sources = state / "sources.list"
    sources.write_text(
        f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {_mirror()} {SUITE} main\n"
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
    subprocess.run(
        ["apt-get", *flags, *arguments], cwd=cwd, check=True, capture_output=True, text=True
    )


def program(name: str) -> Path:
    """Where the peer's program is, fetching it first if need be."""
    folder = CACHE / name
    path = folder / PROGRAMS[name]
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _apt("update", cwd=folder)
        _apt("download", name, cwd=folder)
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
    for peer in PROGRAMS:
        print(f"{peer}: {program(peer)}: {version(peer)}")
