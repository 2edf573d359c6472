"""From YAML text to a checked model. Specification: "Declarative Configuration", data model and ``Parse``."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any

from vedette.configuration._model import (
    FILE,
    PLUGIN,
    Component,
    ConfigurationError,
    ListOf,
    Map,
    OneOf,
    Scalar,
)

# The scalars of YAML 1.2's core schema: unlike PyYAML's, "no" and "on" are strings.
_SCALARS = (
    (re.compile(r"(~|null|Null|NULL|)$"), lambda text: None),
    (re.compile(r"(true|True|TRUE)$"), lambda text: True),
    (re.compile(r"(false|False|FALSE)$"), lambda text: False),
    (re.compile(r"[-+]?[0-9]+$"), int),
    (re.compile(r"0o[0-7]+$"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]+$"), lambda text: int(text[2:], 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)$"), lambda text: math.copysign(math.inf, -1 if text[0] == "-" else 1)),
    (re.compile(r"\.(nan|NaN|NAN)$"), lambda text: math.nan),
)  # fmt: skip

_REFERENCE = re.compile(r"\$\$|\$\{(?P<body>[^}]*)\}?")
_BODY = re.compile(r"(?:env:)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^\n]*))?$")
_DEPTH = 64
_NODES = 100_000


def load_config_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads and checks a file. Raises ConfigurationError, OSError, or ImportError without PyYAML."""
    return parse(Path(path).read_text(encoding="utf-8"), os.fspath(path))


def parse(text: str, name: str = "<configuration>") -> dict[str, Any]:
    """The model of a configuration in YAML. ``name`` is what messages call it."""
    return _Parser(name).parse(text)


class _Parser:
    def __init__(self, name: str) -> None:
        self._name = name
        self._mistakes: list[tuple[int, int, str]] = []
        self._nodes = 0

    def parse(self, text: str) -> dict[str, Any]:
        yaml = _yaml()
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise ConfigurationError(
                [f"{self._name}:{line}:{column}: {error.problem or 'no YAML'}"]
            ) from None
        except yaml.YAMLError as error:
            raise ConfigurationError([f"{self._name}: {error}"]) from None
        except RecursionError:
            raise ConfigurationError([f"{self._name}: too deeply nested"]) from None
        if node is None:
            raise ConfigurationError([f"{self._name}:1:1: the file is empty"])
        model = self._read(node, FILE, "", 0)
        if isinstance(model, dict):
            version = str(model.get("file_format") or "")
            if version and not re.match(r"1\.\d+(-rc\.\d+)?$", version):
                self._wrong(node, "file_format", f"{version!r} is not known; this reads 1.0")
        if self._mistakes:
            raise ConfigurationError(
                [
                    f"{self._name}:{line}:{column}: {what}"
                    for line, column, what in sorted(self._mistakes)
                ]
            )
        return model

    def _wrong(self, node: Any, path: str, message: str) -> None:
        mark = node.start_mark
        self._mistakes.append(
            (mark.line + 1, mark.column + 1, f"{path}: {message}" if path else message)
        )

    def _where(self, node: Any) -> str:
        return f"{self._name}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"

    def _read(self, node: Any, schema: Any, path: str, depth: int) -> Any:
        if self._is_too_much(node, path, depth):
            return None
        if isinstance(schema, Scalar):
            return self._scalar(node, schema, path, depth)
        if self._is_null(node, path):
            return (
                self._component(node, schema, [], path, depth)
                if isinstance(schema, OneOf)
                else None
            )
        if isinstance(schema, ListOf):
            return self._list(node, schema, path, depth)
        if node.id != "mapping":
            self._wrong(node, path, "a mapping is expected")
            return None
        pairs = self._pairs(node, path)
        if isinstance(schema, OneOf):
            return self._component(node, schema, pairs, path, depth)
        return self._map(node, schema, pairs, path, depth)

    def _is_too_much(self, node: Any, path: str, depth: int) -> bool:
        """Aliases may make a small file endless."""
        self._nodes += 1
        if self._nodes > _NODES:
            raise ConfigurationError([f"{self._where(node)}: too many values"])
        if depth > _DEPTH:
            self._wrong(node, path, "too deeply nested")
        return depth > _DEPTH

    def _is_null(self, node: Any, path: str) -> bool:
        return node.id == "scalar" and self._value(node, path) is None

    def _list(self, node: Any, schema: ListOf, path: str, depth: int) -> Any:
        if node.id != "sequence":
            self._wrong(node, path, "a list is expected")
            return None
        if len(node.value) < schema.at_least:
            self._wrong(node, path, "the list is empty")
        return [
            self._read(item, schema.items, f"{path}[{i}]", depth + 1)
            for i, item in enumerate(node.value)
        ]

    def _pairs(self, node: Any, path: str) -> list[tuple[str, Any, Any]]:
        pairs: list[tuple[str, Any, Any]] = []
        for key, value in node.value:
            if key.id != "scalar":
                self._wrong(key, path, "a key must be a string")
                continue
            if any(key.value == known for known, _, _ in pairs):
                self._wrong(key, _join(path, key.value), "is there twice")
            pairs.append((key.value, key, value))
        return pairs

    def _map(self, node: Any, schema: Map, pairs: Any, path: str, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, key, value in pairs:
            if name in schema.keys:
                result[name] = self._read(value, schema.keys[name], _join(path, name), depth + 1)
            elif schema.open:
                result[name] = self._anything(value, _join(path, name), depth + 1)
            else:
                known = ", ".join(schema.keys) or "nothing"
                self._wrong(key, _join(path, name), f"is not known here; there may be: {known}")
        for name in schema.required:
            if result.get(name) is None and not any(name == known for known, _, _ in pairs):
                self._wrong(node, path, f"{name} is missing")
        return result

    def _component(self, node: Any, schema: OneOf, pairs: Any, path: str, depth: int) -> Any:
        if len(pairs) != 1:
            self._wrong(node, path, f"exactly one of {', '.join(schema.keys)} is expected")
            return None
        name, key, value = pairs[0]
        inner = schema.keys.get(name)
        if inner is None and schema.closed:
            self._wrong(
                key, _join(path, name), f"is not known; there are: {', '.join(schema.keys)}"
            )
            return None
        properties = self._read(value, inner or PLUGIN, _join(path, name), depth + 1)
        return Component(
            schema.group, name, properties or {}, f"{self._where(key)}: {_join(path, name)}"
        )

    def _anything(self, node: Any, path: str, depth: int) -> Any:
        if self._is_too_much(node, path, depth):
            return None
        if node.id == "sequence":
            return [
                self._anything(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(node.value)
            ]
        if node.id == "mapping":
            return {
                n: self._anything(v, _join(path, n), depth + 1)
                for n, _, v in self._pairs(node, path)
            }
        return self._value(node, path)

    def _scalar(self, node: Any, schema: Scalar, path: str, depth: int) -> Any:
        if schema.kind == "any":
            return self._anything(node, path, depth)
        if node.id != "scalar":
            self._wrong(node, path, f"a {schema.kind} is expected")
            return None
        value = self._value(node, path)
        if value is None:
            return None
        kinds: dict[str, Any] = {
            "string": str,
            "boolean": bool,
            "integer": int,
            "number": (int, float),
        }
        if not isinstance(value, kinds[schema.kind]) or (
            isinstance(value, bool) and schema.kind != "boolean"
        ):
            self._wrong(node, path, f"a {schema.kind} is expected, not {value!r}")
            return None
        if schema.choices and value not in schema.choices:
            self._wrong(node, path, f"{value!r} is none of {', '.join(schema.choices)}")
        elif schema.kind in ("integer", "number") and not schema.low <= value <= schema.high:
            upper = "" if schema.high == math.inf else f" to {schema.high:g}"
            self._wrong(
                node, path, f"{value!r} is out of range: {schema.low:g}{upper or ' or more'}"
            )
        return value

    def _value(self, node: Any, path: str) -> Any:
        """The value of a scalar: environment variables put in, then its type."""
        text = _REFERENCE.sub(lambda match: self._substitute(match, node, path), node.value)
        if node.style in ("'", '"', "|", ">") or node.tag == "!!str":
            return text
        for pattern, convert in _SCALARS:
            if pattern.match(text):
                return convert(text)
        return text

    def _substitute(self, match: re.Match[str], node: Any, path: str) -> str:
        if match.group(0) == "$$":
            return "$"
        body = _BODY.match(match.group("body")) if match.group(0).endswith("}") else None
        if body is None:
            self._wrong(node, path, f"{match.group(0)!r} is not ${{NAME}} or ${{NAME:-default}}")
            return ""
        return os.environ.get(body.group("name")) or body.group("default") or ""


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _yaml() -> Any:
    try:
        import yaml
    except ImportError:
        raise ImportError(
            "reading a configuration file needs PyYAML: pip install 'vedette[config]'"
        ) from None
    return yaml
