"""Which names attributes have: today's, or today's and those before (``OTEL_SEMCONV_STABILITY_OPT_IN``)."""

from __future__ import annotations

from typing import Any

from vedette import _env

_OLD_DB = {
    "db.system.name": "db.system",
    "db.namespace": "db.name",
    "db.query.text": "db.statement",
    "db.operation.name": "db.operation",
    "db.collection.name": "db.sql.table",
    "server.address": "net.peer.name",
    "server.port": "net.peer.port",
}


def emits_old_names(domain: str) -> bool:
    """Whether ``domain``/dup (``http``, ``database``) is asked for: both sets of names at once."""
    words = _env.read("OTEL_SEMCONV_STABILITY_OPT_IN")
    return f"{domain}/dup" in [word.lower() for word in words]


def db_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes, and their older names beside them when they are asked for."""
    if not emits_old_names("database"):
        return attributes
    return attributes | {_OLD_DB[key]: attributes[key] for key in _OLD_DB if key in attributes}
