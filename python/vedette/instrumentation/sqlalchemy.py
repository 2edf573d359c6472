"""Database spans for SQLAlchemy 2.0 and 2.1, synchronous and asyncio.

No engine event is registered: a single one switches on event dispatch for every statement, which costs more than the
span. Three methods of the engine's dialect are replaced instead; all executions pass through them.
Semantic conventions: database client spans, stable.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from opentelemetry.trace import SpanKind

from vedette.instrumentation import error_type, suppressed, tracer

_MARK = "_vedette_instrumented"
_SYSTEMS = {"mssql": "microsoft.sql_server", "oracle": "oracle.db"}
_TABLE = re.compile(
    r'\b(?:from|into|update|join|table(?:\s+if(?:\s+not)?\s+exists)?)\s+([\w."`\[\]]+)',
    re.IGNORECASE,
)
_COMMENTS = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_LITERALS = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")


def instrument() -> bool:
    """Covers every engine made from now on, if SQLAlchemy can be imported. Idempotent; says whether they are covered."""
    try:
        from sqlalchemy.engine import Engine
    except ImportError:
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
    """Engines made from now on are left alone."""
    from sqlalchemy.engine import Engine

    original = getattr(Engine.__init__, _MARK, None)
    if original is not None:
        Engine.__init__ = original


def instrument_engine(engine: Any) -> bool:
    """Covers an ``Engine`` or ``AsyncEngine``, and all that share its dialect. Idempotent; says whether it is covered."""
    engine = getattr(engine, "sync_engine", engine)
    dialect = getattr(engine, "dialect", None)
    if dialect is None or not hasattr(dialect, "do_execute"):
        return False
    if getattr(dialect, _MARK, False):
        return True
    common = _attributes_of(engine)
    for name, many in (
        ("do_execute", False),
        ("do_executemany", True),
        ("do_execute_no_params", False),
    ):
        setattr(dialect, name, _wrapper(getattr(dialect, name), common, many))
    setattr(dialect, _MARK, True)
    return True


def _attributes_of(engine: Any) -> dict[str, Any]:
    url = engine.url
    name = engine.dialect.name
    found = {
        "db.system.name": _SYSTEMS.get(name, name),
        "db.namespace": url.database,
        "server.address": url.host,
        "server.port": url.port,
    }
    return {key: value for key, value in found.items() if value is not None}


def _wrapper(original: Any, common: dict[str, Any], many: bool) -> Any:
    @functools.wraps(original)
    def execute(cursor: Any, statement: Any, *arguments: Any, **keywords: Any) -> Any:
        if suppressed():
            return original(cursor, statement, *arguments, **keywords)
        parameters = arguments[0] if arguments else keywords.get("parameters")
        name, described = _describe(str(statement), bool(parameters))
        attributes = {**common, **described}
        if many and hasattr(parameters, "__len__") and len(parameters) > 1:
            attributes["db.operation.batch.size"] = len(parameters)
        with tracer("sqlalchemy").start_as_current_span(
            name, kind=SpanKind.CLIENT, attributes=attributes
        ) as span:
            try:
                return original(cursor, statement, *arguments, **keywords)
            except BaseException as error:
                span.set_attribute("error.type", error_type(error))
                raise

    return execute


@functools.lru_cache(maxsize=2048)
def _describe(statement: str, parameterized: bool) -> tuple[str, dict[str, str]]:
    """Span name and attributes of a statement. Literals of statements without parameters may be secrets: they become ``?``."""
    text = _COMMENTS.sub(" ", statement).strip()
    operation = text.split(None, 1)[0].upper() if text else ""
    table = _TABLE.search(text)
    collection = re.sub(r'["`\[\]]', "", table.group(1)) if table else ""
    attributes = {"db.query.text": statement if parameterized else _LITERALS.sub("?", statement)}
    if operation:
        attributes["db.operation.name"] = operation
    if collection:
        attributes["db.collection.name"] = collection
    return " ".join(part for part in (operation, collection) if part) or "query", attributes
