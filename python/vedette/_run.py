"""``vedette run CMD…``: runs a program with Vedette in it, unedited.

Everything goes through the environment, so that child processes, workers and reloaders have it, too. The command
replaces this process: signals and exit status are its own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

USAGE = """\
vedette run [--service-name NAME] [--endpoint URL] [--] CMD [ARG…]

Runs CMD with traces, metrics and logs: FastAPI and Starlette apps, httpx, SQLAlchemy, redis and what installed
opentelemetry-instrumentation-* packages know are observed; opentelemetry.sdk and prometheus_client are Vedette's.
All OTEL_* variables are honoured. Child processes inherit it.

  --service-name NAME   OTEL_SERVICE_NAME
  --endpoint URL        OTEL_EXPORTER_OTLP_ENDPOINT [http://localhost:4318]

  vedette run uvicorn app:app --workers 4
  vedette run python job.py
"""

_OPTIONS = {
    "--service-name": "OTEL_SERVICE_NAME",
    "--endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT",
}


def main(words: list[str]) -> int:
    environment = dict(os.environ)
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word in ("-h", "--help"):
            print(USAGE, end="")
            return 0
        if word == "--":
            break
        option, equals, value = word.partition("=")
        if option not in _OPTIONS or not (equals or words):
            print(
                f"vedette run: {word} is not an option of its own, or lacks its value",
                file=sys.stderr,
            )
            return 2
        environment[_OPTIONS[option]] = value if equals else words.pop(0)
    if not words:
        print(USAGE, end="", file=sys.stderr)
        return 2
    environment["PYTHONPATH"] = python_path(environment.get("PYTHONPATH", ""))
    _replace_process(words, environment)


def python_path(existing: str) -> str:
    """PYTHONPATH with our folder in front, once."""
    own = str(Path(__file__).resolve().parent / "_site")
    rest = [entry for entry in existing.split(os.pathsep) if entry and entry != own]
    return os.pathsep.join([own, *rest])


def _replace_process(words: list[str], environment: dict[str, str]) -> NoReturn:
    program = words[0]
    if program.endswith(".py") and os.path.isfile(program) and not os.access(program, os.X_OK):
        words = [sys.executable, *words]
    elif "/" not in program:
        # The programs of this environment come first, whether it is activated or not.
        beside = os.path.join(os.path.dirname(sys.executable), program)
        if os.access(beside, os.X_OK):
            words = [beside, *words[1:]]
    try:
        os.execvpe(words[0], words, environment)
    except OSError as error:
        print(f"vedette run: {program}: {error.strerror}", file=sys.stderr)
        raise SystemExit(127 if isinstance(error, FileNotFoundError) else 126) from None
