"""What the wheel promises: one dependency, no library that a machine may lack, nothing of ours in others' way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from importlib import metadata
from pathlib import Path

import pytest
import vedette._native
from elftools.elf.elffile import ELFFile

# Of these every Linux with glibc has one; the others `./dev wheel` puts into the wheel.
SYSTEM = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2"}
VENDORED = {"libre2", "libnghttp2", "libdeflate"}


def test_the_extension_brings_its_own_tls_and_shows_nothing_but_its_init():
    with open(vedette._native.__file__, "rb") as file:
        elf = ELFFile(file)
        tags = elf.get_section_by_name(".dynamic").iter_tags("DT_NEEDED")
        needed = {tag.needed for tag in tags}
        symbols = elf.get_section_by_name(".dynsym").iter_symbols()
        shown = {
            s.name
            for s in symbols
            if s["st_shndx"] != "SHN_UNDEF" and s["st_info"]["bind"] in ("STB_GLOBAL", "STB_WEAK")
        }
    stems = {name.partition(".so")[0].partition("-")[0] for name in needed - SYSTEM}
    assert stems <= VENDORED
    assert [name for name in shown if name.startswith("Py")] == ["PyInit__native"]
    assert not [name for name in shown if name.startswith(("SSL_", "EVP_", "CRYPTO_", "vedette"))]


def test_one_dependency():
    required = [r for r in metadata.requires("vedette") or [] if "extra ==" not in r]
    assert [r.partition(">")[0] for r in required] == ["opentelemetry-api"]


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Path:
    """A site directory with what `pip install vedette` puts into an empty environment, and nothing else."""
    site = tmp_path_factory.mktemp("site")
    for name in ("opentelemetry-api", "typing_extensions"):
        for file in metadata.files(name) or []:
            if ".." not in file.parts:
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                (site / file).symlink_to(file.locate())
    (site / "vedette").symlink_to(Path(vedette._native.__file__).parent)
    info = next(f for f in metadata.files("vedette") or [] if f.name == "METADATA").locate().parent
    (site / info.name).symlink_to(info)
    return site


def python(site: Path, *words: str, code: str = "") -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "PYTHON"))}
    if code:
        words = ("-c", textwrap.dedent(code))
    return subprocess.run(
        [sys.executable, "-S", *words],
        env={**kept, "PYTHONPATH": str(site), "OTEL_SDK_DISABLED": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_every_module_imports_in_an_empty_environment(empty):
    """But for the two that others import: opentelemetry-instrument its distro, Django its app."""
    done = python(
        empty,
        code="""
        import importlib, json, pkgutil, vedette
        missing = {}
        for module in pkgutil.walk_packages(vedette.__path__, "vedette."):
            if module.name.endswith("__main__"):
                continue
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:
                missing[module.name] = error.name
        print(json.dumps(missing))
        """,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "vedette._distro": "opentelemetry.instrumentation",
        "vedette.prometheus.django": "django",
    }


def test_the_commands_work_in_an_empty_environment(empty):
    done = python(empty, "-m", "vedette", "doctor")
    assert "opentelemetry-api" in done.stdout, done.stderr
    done = python(
        empty, "-m", "vedette", "run", sys.executable, "-S", "-c", "import sys; print(sys.argv)"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "['-c']\n", "")
    done = python(empty, "-m", "vedette", "--version")
    assert done.stdout.startswith("vedette ") or "has no server" in done.stderr
