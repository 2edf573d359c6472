"""What an order goes through: the stock, the card, the letter."""

from __future__ import annotations

import asyncio
import json
import os
import random

import httpx
import redis.asyncio
import structlog
from opentelemetry import trace
from sqlalchemy import select
from vedette.prometheus import Counter, Histogram

from demo.shop.database import Order, Product, sessions

logger = structlog.get_logger()
tracer = trace.get_tracer("order-service")

cache = redis.asyncio.from_url(os.environ["SHOP_REDIS_URL"])
payments = httpx.AsyncClient(base_url=os.environ["SHOP_PAYMENTS_URL"], timeout=1.0)

orders_created = Counter("orders_created_total", "Orders created", ["payment_method"])
order_value = Histogram(
    "order_value_cents",
    "Order value distribution",
    buckets=[1000, 5000, 10000, 50000, 100000, 500000],
)
payment_failures = Counter("payment_failures_total", "Failed payments", ["reason"])

PRODUCT_CACHE_SECONDS = 5


class OutOfStockError(Exception):
    def __init__(self, sku: str) -> None:
        super().__init__(f"{sku} is out of stock")


class PaymentError(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(f"payment failed: {reason}")
        self.reason = reason


async def find_product(sku: str) -> dict | None:
    """From the cache, else from the database."""
    if cached := await cache.get(f"product:{sku}"):
        return json.loads(cached)
    async with sessions() as session:
        row = (
            await session.execute(select(Product).where(Product.sku == sku))
        ).scalar_one_or_none()
    if row is None:
        return None
    product = {"sku": row.sku, "name": row.name, "price_cents": row.price_cents, "stock": row.stock}
    await cache.set(f"product:{sku}", json.dumps(product), ex=PRODUCT_CACHE_SECONDS)
    return product


async def process_order(user_id: int, sku: str, quantity: int, payment_method: str) -> Order:
    with tracer.start_as_current_span("process_order") as span:
        span.set_attribute("user.id", user_id)
        total_cents = await validate_inventory(sku, quantity)
        order = Order(
            user_id=user_id, total_cents=total_cents, payment_method=payment_method, status="new"
        )
        async with sessions.begin() as session:
            session.add(order)
        span.set_attribute("order.id", order.id)
        await charge_payment(order)
        async with sessions.begin() as session:
            order.status = "paid"
            await session.merge(order)
        await send_confirmation(order)
        orders_created.labels(payment_method=payment_method).inc()
        order_value.observe(total_cents)
        return order


async def validate_inventory(sku: str, quantity: int) -> int:
    """The price of so many, if they are there."""
    with tracer.start_as_current_span("validate_inventory") as span:
        product = await find_product(sku)
        available = product is not None and product["stock"] >= quantity
        span.set_attribute("inventory.available", available)
        if not available:
            span.set_status(trace.StatusCode.ERROR, "Out of stock")
            raise OutOfStockError(sku)
        return product["price_cents"] * quantity


async def charge_payment(order: Order) -> None:
    with tracer.start_as_current_span("charge_payment") as span:
        try:
            result = await request_charge(order)
        except PaymentError as error:
            payment_failures.labels(reason=error.reason).inc()
            logger.error(
                "payment failed", order_id=order.id, user_id=order.user_id, reason=error.reason
            )
            raise
        span.set_attribute("payment.provider", result["provider"])
        span.set_attribute("payment.transaction_id", result["transaction_id"])


async def request_charge(order: Order) -> dict:
    body = {
        "order_id": order.id,
        "user_id": order.user_id,
        "amount_cents": order.total_cents,
        "method": order.payment_method,
    }
    try:
        response = await payments.post("/charge", json=body)
    except httpx.TimeoutException as error:
        raise PaymentError("timeout") from error
    except httpx.HTTPError as error:
        raise PaymentError("unreachable") from error
    if response.status_code == 402:
        raise PaymentError("declined")
    if response.status_code != 200:
        raise PaymentError("provider_error")
    return response.json()


async def send_confirmation(order: Order) -> None:
    with tracer.start_as_current_span("send_confirmation") as span:
        span.set_attribute("order.id", order.id)
        await asyncio.sleep(random.uniform(0.001, 0.006))
        logger.info("confirmation sent", order_id=order.id, user_id=order.user_id)
