"""``opentelemetry.sdk.util.instrumentation``: who records, a library by name and version."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from json import dumps
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.util.types import Attributes


class InstrumentationScope:
    """The part of an application that records: name, version, schema URL and attributes. Immutable; equal
    when all four are."""

    __slots__ = ("_attributes", "_name", "_schema_url", "_version")

    def __init__(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> None:
        self._name = name
        self._version = version
        self._schema_url = "" if schema_url is None else schema_url
        self._attributes = BoundedAttributes(attributes=attributes, immutable=True)

    @property
    def name(self) -> str:
        return self._name

    @property
    def version(self) -> str | None:
        return self._version

    @property
    def schema_url(self) -> str | None:
        return self._schema_url

    @property
    def attributes(self) -> Attributes:
        return self._attributes

    def _key(self) -> tuple[Any, ...]:
        return (self._name, self._version, self._schema_url, self._attributes)

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, type(self)) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self._key() < other._key() if isinstance(other, type(self)) else NotImplemented

    def __hash__(self) -> int:
        return hash((self._name, self._version, self._schema_url))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name}, {self._version}, {self._schema_url}, {self._attributes})"

    def to_json(self, indent: int | None = 4) -> str:
        return dumps(
            {
                "name": self._name,
                "version": self._version,
                "schema_url": self._schema_url,
                "attributes": dict(self._attributes) if self._attributes else None,
            },
            indent=indent,
            default=str,
        )


class InstrumentationInfo:
    """The scope's former name: name, version and schema URL alone."""

    __slots__ = ("_name", "_schema_url", "_version")

    def __init__(
        self, name: str, version: str | None = None, schema_url: str | None = None
    ) -> None:
        self._name = name
        self._version = version
        self._schema_url = "" if schema_url is None else schema_url

    @property
    def name(self) -> str:
        return self._name

    @property
    def version(self) -> str | None:
        return self._version

    @property
    def schema_url(self) -> str | None:
        return self._schema_url

    def _key(self) -> tuple[Any, ...]:
        return (self._name, self._version, self._schema_url)

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if type(other) is type(self) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self._key() < other._key() if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name}, {self._version}, {self._schema_url})"


def _scope_name_matches_glob(glob_pattern: str) -> Callable[[InstrumentationScope], bool]:
    """For a rule of a configurator: does the scope's name match the pattern?"""
    return lambda scope: fnmatchcase(scope.name, glob_pattern)
