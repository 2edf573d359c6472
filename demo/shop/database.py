"""The shop's tables and its stock."""

from __future__ import annotations

import os

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine(os.environ["SHOP_DATABASE_URL"], pool_size=10, max_overflow=10)
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class Product(Base):
    __tablename__ = "products"
    sku: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    price_cents: Mapped[int]
    stock: Mapped[int]


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    total_cents: Mapped[int]
    payment_method: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20))


PRODUCTS = [
    ("saddle", "Saddle", 24_900, 10_000_000),
    ("bridle", "Bridle", 8_900, 10_000_000),
    ("horseshoe", "Horseshoe", 1_200, 10_000_000),
    ("spurs", "Pair of spurs", 4_500, 10_000_000),
    ("telescope", "Brass telescope", 99_000, 10_000_000),
    ("lantern", "Signal lantern", 3_300, 10_000_000),
    ("cloak", "Riding cloak", 15_900, 0),  # never there: "out of stock"
    ("compass", "Compass", 2_700, 10_000_000),
]


async def prepare() -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with sessions.begin() as session:
        if (await session.execute(select(Product).limit(1))).first() is None:
            session.add_all(
                Product(sku=s, name=n, price_cents=p, stock=c) for s, n, p, c in PRODUCTS
            )
            session.add_all(
                User(name=name) for name in ("ada", "grace", "edsger", "barbara", "donald")
            )
