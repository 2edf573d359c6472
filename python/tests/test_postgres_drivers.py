import asyncio

import psycopg
import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode
from postgres import postgres  # noqa: F401
from psycopg import sql
from recorded import spans  # noqa: F401
from vedette.instrumentation import asyncpg as asyncpg_instrumentation
from vedette.instrumentation import psycopg as psycopg_instrumentation
from vedette.instrumentation import sqlalchemy as sqlalchemy_instrumentation


@pytest.fixture(autouse=True)
def instrumented():
    assert psycopg_instrumentation.instrument()
    asyncpg_instrumentation.instrument()
    yield
    psycopg_instrumentation.uninstrument()
    asyncpg_instrumentation.uninstrument()


def dsn(port):
    return f"postgresql://postgres@127.0.0.1:{port}/postgres"


def test_psycopg_statements_are_client_spans(postgres, spans):  # noqa: F811
    with psycopg.connect(dsn(postgres)) as connection:
        connection.execute("CREATE TEMP TABLE orders (id int, note text)")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO orders VALUES (%s, 'x')", [(1,), (2,)])
            cursor.execute(
                sql.SQL("SELECT * FROM {} WHERE id = 1").format(sql.Identifier("orders"))
            )
            assert cursor.fetchall() == [(1, "x")]
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute(b"SELECT 'secret' FROM nowhere")
    create, insert, select, wrong = spans()
    assert [s.name for s in (create, insert, select)] == [
        "CREATE TABLE orders",
        "INSERT orders",
        "SELECT orders",
    ]
    assert insert.attributes["db.operation.batch.size"] == 2
    assert dict(select.attributes) == {
        "db.system.name": "postgresql",
        "db.namespace": "postgres",
        "server.address": "127.0.0.1",
        "server.port": postgres,
        "db.operation.name": "SELECT",
        "db.collection.name": "orders",
        "db.query.summary": "SELECT orders",
        "db.query.text": 'SELECT * FROM "orders" WHERE id = ?',
    }
    assert wrong.attributes["error.type"] == "psycopg.errors.UndefinedTable"
    assert wrong.status.status_code is StatusCode.ERROR
    assert wrong.attributes["db.query.text"] == "SELECT ? FROM nowhere"


def test_asyncio_drivers_are_children_of_what_awaits_them(postgres, spans):  # noqa: F811
    asyncpg = pytest.importorskip("asyncpg")

    async def ask():
        with trace.get_tracer("test").start_as_current_span("outer"):
            connection = await psycopg.AsyncConnection.connect(dsn(postgres))
            async with connection:
                await connection.execute("SELECT %s", (1,))
            other = await asyncpg.connect(dsn(postgres))
            assert await asyncio.create_task(other.fetchval("SELECT $1::int", 7)) == 7
            statement = await other.prepare("SELECT 5")
            assert await statement.fetchval() == 5
            await other.close()

    asyncio.run(ask())
    *inner, outer = spans()
    assert [s.attributes["db.query.text"] for s in inner] == [
        "SELECT %s",
        "SELECT $1::int",
        "SELECT 5",
    ]
    assert {s.parent.span_id for s in inner} == {outer.get_span_context().span_id}
    assert {s.attributes["server.port"] for s in inner} == {postgres}


@pytest.mark.parametrize("spans", ["vedette"], indirect=True)
def test_a_statement_of_sqlalchemy_is_told_once(postgres, spans):  # noqa: F811
    from sqlalchemy import create_engine, text

    engine = create_engine(dsn(postgres).replace("postgresql", "postgresql+psycopg"))
    with engine.connect() as connection:
        seen = len(spans())
        sqlalchemy_instrumentation.instrument_engine(engine)
        connection.execute(text("SELECT 1"))
    engine.dispose()
    assert [s.instrumentation_scope.name for s in spans()[seen:]] == ["vedette.sqlalchemy"]
