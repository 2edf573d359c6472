"""The shop: orders, products, users, over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time

import structlog
import vedette
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import func, select
from vedette.prometheus import Counter, Gauge

from demo import logging_setup
from demo.shop import orders
from demo.shop.database import Order, User, engine, prepare, sessions

logging_setup.configure()
logger = structlog.get_logger()

active_users = Gauge("active_users_current", "Currently active users")
user_signups = Counter("user_signups_total", "Users signed up")

ACTIVE_SECONDS = 60.0
last_seen: dict[int, float] = {}


def seen(user_id: int) -> None:
    now = time.monotonic()
    last_seen[user_id] = now
    for user, when in list(last_seen.items()):
        if now - when > ACTIVE_SECONDS:
            del last_seen[user]
    active_users.set(len(last_seen))


@contextlib.asynccontextmanager
async def lifespan(_: FastAPI):
    await prepare()
    yield
    await orders.payments.aclose()
    await orders.cache.aclose()
    await engine.dispose()


app = FastAPI(title="shop", lifespan=lifespan)
vedette.instrument(app, service_name="shop", engine=engine)
vedette.health(app, checks={"database": engine, "redis": orders.cache})


class NewOrder(BaseModel):
    user_id: int
    sku: str
    quantity: int = Field(ge=1, le=1000)
    payment_method: str


class NewUser(BaseModel):
    name: str = Field(min_length=1, max_length=100)


@app.post("/orders", status_code=201)
async def create_order(request: NewOrder):
    seen(request.user_id)
    logger.info(
        "order creation started",
        user_id=request.user_id,
        sku=request.sku,
        quantity=request.quantity,
    )
    try:
        order = await orders.process_order(
            request.user_id, request.sku, request.quantity, request.payment_method
        )
    except orders.OutOfStockError as error:
        logger.warning(
            "order refused", user_id=request.user_id, sku=request.sku, reason="out of stock"
        )
        raise HTTPException(409, str(error)) from error
    except orders.PaymentError as error:
        status = 402 if error.reason == "declined" else 503
        raise HTTPException(status, str(error)) from error
    logger.info(
        "order created", order_id=order.id, user_id=order.user_id, total_cents=order.total_cents
    )
    return {"id": order.id, "total_cents": order.total_cents, "status": order.status}


@app.get("/orders/{order_id}")
async def get_order(order_id: int):
    async with sessions() as session:
        order = await session.get(Order, order_id)
    if order is None:
        raise HTTPException(404, "no such order")
    seen(order.user_id)
    return {
        "id": order.id,
        "user_id": order.user_id,
        "total_cents": order.total_cents,
        "status": order.status,
    }


@app.get("/products/{sku}")
async def get_product(sku: str):
    product = await orders.find_product(sku)
    if product is None:
        raise HTTPException(404, "no such product")
    return product


@app.post("/users", status_code=201)
async def sign_up(request: NewUser):
    async with sessions.begin() as session:
        user = User(name=request.name)
        session.add(user)
    user_signups.inc()
    seen(user.id)
    logger.info("user signed up", user_id=user.id)
    return {"id": user.id}


@app.get("/reports/revenue")
async def revenue():
    """Slow, as reports are."""
    async with sessions() as session:
        total, count = (
            await session.execute(select(func.sum(Order.total_cents), func.count()))
        ).one()
    await asyncio.sleep(random.uniform(0.15, 0.6))
    return {"orders": count, "total_cents": total or 0}


@app.get("/recommendations/{user_id}")
async def recommendations(user_id: int):
    """Has a bug: it divides by what a new user has none of."""
    seen(user_id)
    async with sessions() as session:
        count = (
            await session.execute(select(func.count()).where(Order.user_id == user_id))
        ).scalar_one()
    return {"user_id": user_id, "score": 100 // count}
