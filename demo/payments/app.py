"""The payments service: charges a card, declines some, and can be told to have a bad time."""

from __future__ import annotations

import asyncio
import random
import uuid

import structlog
import vedette
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from vedette.prometheus import Counter

from demo import logging_setup

logging_setup.configure()
logger = structlog.get_logger()

app = FastAPI(title="payments")
vedette.instrument(app, service_name="payments")
vedette.health(app)

charges = Counter("charges_total", "Charges by outcome", ["outcome"])

# What the incident turns on: every charge then takes this long.
trouble = {"delay_seconds": 0.0}


class Charge(BaseModel):
    order_id: int
    user_id: int
    amount_cents: int
    method: str


class Trouble(BaseModel):
    delay_seconds: float


@app.post("/charge")
async def charge(request: Charge):
    await asyncio.sleep(trouble["delay_seconds"] or random.uniform(0.004, 0.03))
    if request.amount_cents > 90_000:
        charges.labels(outcome="declined").inc()
        logger.warning(
            "payment declined",
            order_id=request.order_id,
            reason="limit",
            amount_cents=request.amount_cents,
        )
        raise HTTPException(402, "over the card's limit")
    charges.labels(outcome="charged").inc()
    transaction_id = uuid.uuid4().hex
    logger.info(
        "payment charged",
        order_id=request.order_id,
        amount_cents=request.amount_cents,
        method=request.method,
    )
    return {"provider": "acme-pay", "transaction_id": transaction_id}


@app.post("/trouble")
async def set_trouble(request: Trouble):
    """Makes the service slow, or well again: the demo's incident."""
    trouble["delay_seconds"] = request.delay_seconds
    return request
