"""What spans say of SQL statements: name, attributes, metric labels; made once for each statement."""

from __future__ import annotations

from typing import Any

from vedette import _native
from vedette.instrumentation._semconv import db_attributes

_NOT_LABELS = frozenset({"db.query.text"})


def template(name: str, attributes: dict[str, Any]) -> Any:
    """A span template; its metric labels are the attributes, without the text of the query."""
    attributes = {key: value for key, value in attributes.items() if value is not None}
    labels = {key: value for key, value in attributes.items() if key not in _NOT_LABELS}
    return _native.SpanTemplate(name, db_attributes(attributes), labels)


def describe_statement(statement: str, parameterized: bool, target: dict[str, Any]) -> Any:
    """The template of a statement against ``target``, the attributes that say which database it is.

    Literals of statements without parameters may be secrets: they become ``?``.
    """
    mysql = target.get("db.system.name") in ("mysql", "mariadb")
    operation, collection, summary, text = _native.describe_sql(statement, parameterized, mysql)
    found = {
        "db.query.text": text,
        "db.query.summary": summary or None,
        "db.operation.name": operation or None,
        "db.collection.name": collection or None,
    }
    return template(summary or target.get("db.namespace") or "query", {**target, **found})


class Statements:
    """The helper of observed calls whose templates are kept per target.

    Keys are statements, or one-tuples of statements without parameters; a cache knows its target under ``None``.
    """

    def describe(self, key: Any, cache: dict[Any, Any]) -> Any:
        plain = isinstance(key, tuple)
        return describe_statement(key[0] if plain else key, not plain, cache[None])


class Targets(Statements):
    """The helper for drivers: one cache for each server and database."""

    _caches_max = 256

    def __init__(self) -> None:
        self._caches: dict[Any, dict[Any, Any]] = {}

    def cache_of(self, system: str, host: Any, port: Any, database: Any) -> dict[Any, Any]:
        key = (host, port, database)
        found = self._caches.get(key)
        if found is None:
            target = {
                "db.system.name": system,
                "db.namespace": str(database) if database else None,
                "server.address": str(host) if host else None,
                "server.port": int(port) if port else None,
            }
            found = {None: {name: value for name, value in target.items() if value is not None}}
            if len(self._caches) >= self._caches_max:
                self._caches.clear()
            self._caches[key] = found
        return found
