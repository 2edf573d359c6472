"""The rules of the house that a machine can check; run by `./dev lint`.

- includes keep to the table of modules (ARCHITECTURE.md, "Modules") and CMake links exactly the same;
- third-party headers stay in .cc files;
- files stay small;
- the text speaks of the project alone: no machine's paths, no registries, nothing left unfinished.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What each module may include besides itself, directly. A module is a folder under src/ with a CMakeLists.txt
# that calls vedette_module().
ALLOWED = {
    "base": set(),
    "net/h2": {"base"},
    "net": {"base", "net/h2"},
    "model": {"base"},
    "wire": {"base", "model"},
    "wire/json": {"base", "model", "wire"},
    "sdk": {"base", "model", "wire", "net/h2"},
    "store": {"base", "model"},
    "store/engine": {"base", "model", "store"},
    "query/promql": {"base", "model", "store"},
    "query/logql": {"base", "model", "store"},
    "ingest": {"base", "model", "store", "wire", "wire/json", "net"},
    "api": {"base", "model", "store", "query/promql", "query/logql", "wire", "net"},
    "app": {
        "base",
        "model",
        "store",
        "store/engine",
        "query/promql",
        "query/logql",
        "ingest",
        "api",
        "wire",
        "net",
    },
}

# What its tests may include besides: those of the APIs read what the real engine stores.
ALLOWED_IN_TESTS = {"api": {"store/engine"}}

LINES_MAX = {".cc": 800, ".h": 400, ".py": 700, ".ts": 500, ".tsx": 500, ".sh": 400}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
FOREIGN = re.compile(
    r"/work/|/root/|registry\.npmjs|pypi\.org|files\.pythonhosted|deb\.debian\.org|crates\.io", re.I
)
# OTEL_* variables, or ones whose names are not to be seen, read outside the table of them.
READS_ENVIRONMENT = re.compile(
    r"""(environ(\.get\(|\.pop\(|\[)|getenv\()(?!"(?!OTEL_)\w+")(?![^\]]*\] = )"""
)
READERS_OF_ENVIRONMENT = {"_env.py", "_parse.py"}  # the table; ${…} in a configuration file
INCLUDE = re.compile(r'^\s*#include ([<"])([^>"]+)[>"]', re.M)


def tracked() -> list[Path]:
    out = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [Path(name) for name in out.split("\0") if name and (ROOT / name).is_file()]


def module_of(path: str) -> str | None:
    """The longest module whose folder holds `path` (relative to src/)."""
    folder = path.rsplit("/", 1)[0] if "/" in path else ""
    while folder:
        if folder in ALLOWED:
            return folder
        folder = folder.rsplit("/", 1)[0] if "/" in folder else ""
    return None


def check_includes(file: Path, text: str) -> list[str]:
    inside = file.relative_to("src").as_posix()
    module = module_of(inside)
    if module is None:
        return [f"{file}: belongs to no module of tools/house.py"]
    allowed = ALLOWED[module]
    if file.stem.endswith("_test"):
        allowed = allowed | ALLOWED_IN_TESTS.get(module, set())
    problems = []
    for quote, target in INCLUDE.findall(text):
        if quote == '"':
            used = module_of(target)
            if used is None:
                problems.append(
                    f'{file}: "{target}" is no header of ours; third-party headers take <>'
                )
            elif used != module and used not in allowed:
                problems.append(
                    f"{file}: {module} may not include {target} ({used} is not in its row)"
                )
        elif (
            file.suffix == ".h"
            and not file.name.endswith("test_kit.h")
            and ("/" in target or target.endswith(".h"))
            and not target.startswith("sys/")
        ):
            problems.append(
                f"{file}: <{target}> is not of the standard library; include it in a .cc file"
            )
    return problems


def check_links(file: Path, text: str) -> list[str]:
    call = re.search(r"vedette_module\(NAME (\w+)(.*?)\)", text, re.S)
    if not call:
        return []
    module = file.parent.relative_to("src").as_posix()
    deps = re.search(r"DEPS ((?:\w+\s*)+?)(?:LIBS|EXCLUDE|$)", call.group(2).strip(), re.S)
    names = {m.replace("/", "_"): m for m in ALLOWED}
    linked = {names.get(d, d) for d in deps.group(1).split()} if deps else set()
    extra = linked - ALLOWED.get(module, set()) - {"ui_assets"}
    return [
        f"{file}: {module} links {d}, which is not in its row of tools/house.py"
        for d in sorted(extra)
    ]


def check_text(file: Path, text: str) -> list[str]:
    problems = []
    limit = LINES_MAX.get(file.suffix)
    lines = text.count("\n")
    if limit and lines > limit and "generated" not in file.parts:
        problems.append(f"{file}: {lines} lines, {limit} at most; it holds more than one subject")
    if file.name == "house.py":
        return problems
    for number, line in enumerate(text.splitlines(), 1):
        if UNFINISHED.search(line):
            problems.append(f"{file}:{number}: unfinished: {line.strip()[:80]}")
        if (
            file.parts[:2] == ("python", "vedette")
            and file.name not in READERS_OF_ENVIRONMENT
            and READS_ENVIRONMENT.search(line)
        ):
            problems.append(f"{file}:{number}: read it by vedette._env: {line.strip()[:80]}")
        if FOREIGN.search(line):
            problems.append(
                f"{file}:{number}: a path or host of somebody's machine: {line.strip()[:80]}"
            )
    return problems


def main() -> int:
    problems = []
    for file in tracked():
        try:
            text = (ROOT / file).read_text()
        except UnicodeDecodeError:
            continue
        if file.parts[0] == "src" and file.suffix in (".cc", ".h"):
            problems += check_includes(file, text)
        if file.parts[0] == "src" and file.name == "CMakeLists.txt":
            problems += check_links(file, text)
        if file.suffix in (
            ".cc",
            ".h",
            ".py",
            ".ts",
            ".tsx",
            ".sh",
            ".md",
            ".json",
            ".yaml",
            ".toml",
            ".txt",
        ):
            problems += check_text(file, text)
    print("\n".join(problems) or "The house is in order.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
