"""Database spans for asyncpg 0.27 to 0.32: the methods of connections and of prepared statements that execute.

What SQLAlchemy executes through asyncpg is told by SQLAlchemy's span alone.
Semantic conventions: database client spans and ``db.client.operation.duration``, stable.
"""

from __future__ import annotations

from typing import Any

from vedette.instrumentation import steps_back
from vedette.instrumentation._patch import observe_coroutine, restore
from vedette.instrumentation._statements import Targets

_METHODS = ("execute", "executemany", "fetch", "fetchval", "fetchrow", "fetchmany")


def instrument() -> bool:
    """Covers asyncpg if it can be imported. Idempotent; says whether it is covered."""
    try:
        import asyncpg
        from asyncpg.prepared_stmt import PreparedStatement
    except ImportError:
        return False
    if steps_back("asyncpg", "AsyncPGInstrumentor"):
        return False
    for owner, helper in ((asyncpg.Connection, _Connections()), (PreparedStatement, _Prepared())):
        for name in _METHODS:
            observe_coroutine(owner, name, "db.driver", "asyncpg", helper=helper)
    return True


def uninstrument() -> None:
    import asyncpg
    from asyncpg.prepared_stmt import PreparedStatement

    for owner in (asyncpg.Connection, PreparedStatement):
        for name in _METHODS:
            restore(owner, name)


class _Connections(Targets):
    def target(self, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        query = arguments[1] if len(arguments) > 1 else keywords["query"]
        parameters = arguments[2:]
        first = parameters[0] if parameters else keywords.get("args")
        rows = len(first) if isinstance(first, list) else 0
        return self.at(arguments[0]), query if parameters or first else (query,), rows

    def at(self, connection: Any) -> dict[Any, Any]:
        address = connection._addr
        host, port = address if isinstance(address, tuple) else (address, None)
        return self.cache_of("postgresql", host, port, connection._params.database)


class _Prepared(_Connections):
    def target(self, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        statement = arguments[0]
        # Text that was prepared has its values apart.
        return self.at(statement._connection), statement._query, 0
