"""Database spans for SQLAlchemy 2.0 and 2.1, synchronous and asyncio, and metrics of its pools.

No engine event is registered: a single one switches on event dispatch for every statement, which costs more than the
span. Three methods of the engine's dialect are replaced instead; all executions pass through them.
Semantic conventions: database client spans and ``db.client.operation.duration``, stable.
"""

from __future__ import annotations

import functools
import weakref
from typing import Any

from vedette import _native
from vedette.instrumentation import steps_back
from vedette.instrumentation._patch import DB_DURATION
from vedette.instrumentation._pools import observe_pool
from vedette.instrumentation._statements import Statements

_MARK = "_vedette_original"
_SYSTEMS = {
    "mssql": "microsoft.sql_server",
    "oracle": "oracle.db",
    "redshift": "aws.redshift",
    "db2": "ibm.db2",
    "hana": "sap.hana",
}
_METHODS = {
    "do_execute": "db.dialect",
    "do_executemany": "db.dialect.many",
    "do_execute_no_params": "db.dialect.plain",
}
_dialects: weakref.WeakSet[Any] = weakref.WeakSet()


def instrument() -> bool:
    """Covers every engine made from now on, if SQLAlchemy can be imported. Idempotent; says whether they are covered."""
    try:
        from sqlalchemy.engine import Engine
    except ImportError:
        return False
    if steps_back("sqlalchemy", "SQLAlchemyInstrumentor"):
        return False
    original = Engine.__init__
    if hasattr(original, _MARK):
        return True

    @functools.wraps(original)
    def init(self: Any, *arguments: Any, **keywords: Any) -> None:
        original(self, *arguments, **keywords)
        instrument_engine(self)

    setattr(init, _MARK, original)
    Engine.__init__ = init
    return True


def uninstrument() -> None:
    """Gives every engine back as it was; engines made from now on are left alone."""
    from sqlalchemy.engine import Engine

    original = getattr(Engine.__init__, _MARK, None)
    if original is not None:
        Engine.__init__ = original
    for dialect in list(_dialects):
        for name in _METHODS:
            if isinstance(vars(dialect).get(name), _native.Observed):
                delattr(dialect, name)
        _dialects.discard(dialect)


def instrument_engine(engine: Any) -> bool:
    """Covers an ``Engine`` or ``AsyncEngine``, and all that share its dialect. Idempotent; says whether it is covered."""
    engine = getattr(engine, "sync_engine", engine)
    dialect = getattr(engine, "dialect", None)
    if dialect is None or not hasattr(dialect, "do_execute"):
        return False
    if dialect in _dialects:
        return True
    if steps_back("sqlalchemy", "SQLAlchemyInstrumentor"):
        return False
    helper = _Engine(_attributes_of(engine))
    for name, kind in _METHODS.items():
        original = getattr(dialect, name)
        setattr(
            dialect,
            name,
            _native.Observed(kind, "sqlalchemy", DB_DURATION, original, False, helper),
        )
    _dialects.add(dialect)
    observe_pool(engine)
    return True


class _Engine(Statements):
    def __init__(self, target: dict[str, Any]) -> None:
        self._target = target

    def describe(self, key: Any, cache: dict[Any, Any]) -> Any:
        return super().describe(key, {None: self._target})


def _attributes_of(engine: Any) -> dict[str, Any]:
    url = engine.url
    name = "mariadb" if getattr(engine.dialect, "is_mariadb", False) else engine.dialect.name
    found = {
        "db.system.name": _SYSTEMS.get(name, name),
        "db.namespace": url.database,
        "server.address": url.host,
        "server.port": url.port,
    }
    return {key: value for key, value in found.items() if value is not None}
