import asyncio

import pytest
from opentelemetry.trace import SpanKind, StatusCode
from recorded import spans  # noqa: F401
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from vedette import prometheus
from vedette.instrumentation import sqlalchemy as instrumentation
from vedette.instrumentation import suppress
from vedette.instrumentation._statements import describe_statement
from vedette.instrumentation.sqlalchemy import instrument_engine


@pytest.fixture
def engine():
    engine = create_engine("sqlite://")
    assert instrument_engine(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (id INTEGER, note TEXT)"))
    yield engine
    engine.dispose()


def test_a_statement_is_a_client_span(engine, spans):  # noqa: F811
    with engine.connect() as connection:
        connection.execute(text("SELECT * FROM orders WHERE id = :id"), {"id": 7}).all()
    (span,) = spans()
    assert span.name == "SELECT orders"
    assert span.kind is SpanKind.CLIENT
    assert dict(span.attributes) == {
        "db.system.name": "sqlite",
        "db.operation.name": "SELECT",
        "db.collection.name": "orders",
        "db.query.summary": "SELECT orders",
        "db.query.text": "SELECT * FROM orders WHERE id = ?",
    }


def test_many_rows_are_one_span_with_their_number(engine, spans):  # noqa: F811
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO orders VALUES (:id, 'x')"), [{"id": i} for i in range(3)]
        )
    (span,) = spans()
    assert span.name == "INSERT orders"
    assert span.attributes["db.operation.batch.size"] == 3


def test_a_failing_statement_marks_the_span_and_raises_as_before(engine, spans):  # noqa: F811
    with engine.connect() as connection, pytest.raises(OperationalError):
        connection.execute(text("SELECT * FROM nowhere"))
    (span,) = spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "sqlite3.OperationalError"


def test_instrumenting_twice_records_once_and_what_is_suppressed_not_at_all(engine, spans):  # noqa: F811
    from opentelemetry import context

    instrument_engine(engine)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        token = suppress()
        connection.execute(text("SELECT 2"))
        context.detach(token)
    assert len(spans()) == 1


def test_async_engines_share_the_context(spans):  # noqa: F811
    pytest.importorskip("aiosqlite")
    from opentelemetry import trace
    from sqlalchemy.ext.asyncio import create_async_engine

    async def ask():
        engine = create_async_engine("sqlite+aiosqlite://")
        instrument_engine(engine)
        with trace.get_tracer("test").start_as_current_span("outer"):
            async with engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        await engine.dispose()

    asyncio.run(ask())
    inner, outer = spans()
    assert inner.parent.span_id == outer.get_span_context().span_id


def test_bulk_inserts_of_the_orm_are_recorded(engine, spans):  # noqa: F811
    from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

    class Base(DeclarativeBase):
        pass

    class Item(Base):
        __tablename__ = "items"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Item(name=str(i)) for i in range(5)])
        session.commit()
    assert "INSERT items" in [s.name for s in spans()]


def test_copies_of_an_engine_are_covered_once(engine, spans):  # noqa: F811
    other = engine.execution_options(isolation_level="AUTOCOMMIT")
    instrument_engine(other)
    with other.connect() as connection:
        connection.execute(text("SELECT 1"))
    assert len(spans()) == 1


def test_every_engine_made_while_instrumented_is_covered_until_it_is_not(spans):  # noqa: F811
    assert instrumentation.instrument()
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        instrumentation.uninstrument()
        connection.execute(text("SELECT 2"))
    assert len(spans()) == 1
    assert "do_execute" not in vars(engine.dialect)


def test_both_sets_of_names_when_asked_for(spans, monkeypatch):  # noqa: F811
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "database/dup")
    engine = create_engine("sqlite:///:memory:")
    instrument_engine(engine)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    (span,) = spans()
    for new, old in {"db.system.name": "db.system", "db.query.text": "db.statement"}.items():
        assert span.attributes[new] == span.attributes[old]


def test_pools_are_measured_no_spans(tmp_path):
    from sqlalchemy.exc import TimeoutError as PoolTimeout
    from sqlalchemy.pool import QueuePool

    def sample(name, **labels):
        labels = {f"db_client_connection_{key}": value for key, value in labels.items()}
        return prometheus.REGISTRY.get_sample_value(f"db_client_connection_{name}", labels) or 0

    options = {"pool_size": 1, "max_overflow": 1, "pool_timeout": 0.01, "poolclass": QueuePool}
    engine = create_engine(f"sqlite:///{tmp_path}/a.db", pool_logging_name="shop", **options)
    instrument_engine(engine)
    for _ in range(2):  # the second time with the pool that disposing makes
        before = (
            sample("timeouts_total", pool_name="shop"),
            sample("wait_time_seconds_count", pool_name="shop"),
        )
        with engine.connect():
            with engine.connect(), pytest.raises(PoolTimeout):
                engine.connect()
            assert sample("count", pool_name="shop", state="used") == 1
        assert sample("count", pool_name="shop", state="used") == 0
        assert sample("count", pool_name="shop", state="idle") == 1
        assert sample("max", pool_name="shop") == 2
        assert sample("timeouts_total", pool_name="shop") - before[0] == 1
        assert sample("wait_time_seconds_count", pool_name="shop") - before[1] == 2
        engine.dispose()


@pytest.mark.parametrize(
    ("statement", "parameterized", "name", "recorded"),
    [
        ("select a from t", True, "SELECT t", "select a from t"),
        ("SELECT 1", False, "SELECT", "SELECT ?"),
        ("SELECT 1", True, "SELECT", "SELECT 1"),
        ("INSERT INTO t VALUES ('it''s', 4.5)", False, "INSERT t", "INSERT INTO t VALUES (?, ?)"),
        ("", False, "shop", ""),
        ("SELECT '\ud800' FROM t", False, "SELECT t", "SELECT ? FROM t"),
    ],
)
def test_names_and_texts(statement, parameterized, name, recorded):
    target = {"db.system.name": "sqlite", "db.namespace": "shop"}
    found = describe_statement(statement, parameterized, target)
    assert found.name == name
    assert found.attributes["db.query.text"] == recorded
    assert "db.query.text" not in found.labels
