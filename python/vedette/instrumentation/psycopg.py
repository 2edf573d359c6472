"""Database spans for psycopg 3.1 to 3.3: ``execute`` and ``executemany`` of its cursors, synchronous and asyncio.

What SQLAlchemy executes through psycopg is told by SQLAlchemy's span alone.
Semantic conventions: database client spans and ``db.client.operation.duration``, stable.
"""

from __future__ import annotations

from typing import Any

from vedette.instrumentation import steps_back
from vedette.instrumentation._patch import observe, observe_coroutine, restore
from vedette.instrumentation._statements import Targets

_CACHE = "_vedette_templates"


def instrument() -> bool:
    """Covers psycopg if it can be imported. Idempotent; says whether it is covered."""
    try:
        import psycopg
    except ImportError:
        return False
    if steps_back("psycopg", "PsycopgInstrumentor"):
        return False
    helper = _Cursors()
    for owner, name, awaits in _places(psycopg):
        place = observe_coroutine if awaits else observe
        place(owner, name, "db.driver", "psycopg", helper=helper)
    return True


def uninstrument() -> None:
    import psycopg

    for owner, name, _ in _places(psycopg):
        restore(owner, name)


def _places(psycopg: Any) -> list[tuple[type, str, bool]]:
    return [
        (psycopg.Cursor, "execute", False),
        (psycopg.Cursor, "executemany", False),
        (psycopg.ServerCursor, "execute", False),
        (psycopg.AsyncCursor, "execute", True),
        (psycopg.AsyncCursor, "executemany", True),
        (psycopg.AsyncServerCursor, "execute", True),
    ]


class _Cursors(Targets):
    def target(self, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        cursor = arguments[0]
        connection = cursor.connection
        cache = getattr(connection, _CACHE, None)
        if cache is None:
            info = connection.info
            cache = self.cache_of("postgresql", info.host, info.port, info.dbname)
            setattr(connection, _CACHE, cache)
        query = arguments[1] if len(arguments) > 1 else keywords["query"]
        many = keywords.get("params_seq")
        parameters = arguments[2] if len(arguments) > 2 else keywords.get("params", many)
        text = query if isinstance(query, str) else _text(query, cursor)
        rows = len(parameters) if isinstance(parameters, list) else 0
        return cache, text if parameters else (text,), rows


def _text(query: Any, cursor: Any) -> str:
    if isinstance(query, bytes):
        return query.decode("utf-8", "replace")
    return str(query.as_string(cursor)) if hasattr(query, "as_string") else str(query)
