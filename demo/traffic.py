"""The shop's customers: several users with a rhythm, slow requests and failing ones, and a tally of what they saw."""

from __future__ import annotations

import asyncio
import collections
import math
import random
import time
from dataclasses import dataclass, field

import httpx

METHODS = ["card", "card", "card", "paypal", "invoice"]


@dataclass
class Tally:
    """What the shop answered, as its customers counted it."""

    requests: collections.Counter = field(
        default_factory=collections.Counter
    )  # (method, route, status)
    orders_by_method: collections.Counter = field(default_factory=collections.Counter)
    payment_failures: collections.Counter = field(default_factory=collections.Counter)  # reason
    order_cents: int = 0
    signups: int = 0

    @property
    def total(self) -> int:
        return sum(self.requests.values())

    @property
    def errors(self) -> int:
        return sum(n for (_, _, status), n in self.requests.items() if status >= 500)


class Customers:
    """Sends requests to the shop, one action at a time per worker, and keeps the tally."""

    def __init__(self, base_url: str, seed: int = 1) -> None:
        self.tally = Tally()
        # A connection for each request: uvicorn closes one behind an unhandled exception, and a request that
        # was already under way on it would be lost from the tally.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(base_url=base_url, timeout=15.0, limits=limits)
        self._random = random.Random(seed)
        self._users = [1, 2, 3, 4, 5]
        self._orders: collections.deque[int] = collections.deque(maxlen=200)
        self._actions = [
            (30, self._order),
            (25, self._look_at_product),
            (20, self._look_at_order),
            (6, self._sign_up),
            (4, self._report),
            (5, self._recommendations),
            (3, self._missing_order),
            (2, self._scan),
        ]

    async def close(self) -> None:
        await self._client.aclose()

    async def act(self) -> None:
        weights, actions = zip(*self._actions, strict=True)
        await self._random.choices(actions, weights)[0]()

    async def run(self, requests_per_second: float, stop: asyncio.Event) -> None:
        """A rhythm: a wave of two minutes around the mean, each request on its own."""
        under_way: set[asyncio.Task] = set()
        begin = time.monotonic()
        while not stop.is_set():
            wave = 1 + 0.6 * math.sin((time.monotonic() - begin) * 2 * math.pi / 120)
            task = asyncio.create_task(self.act())
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            pause = self._random.expovariate(requests_per_second * wave)
            try:
                await asyncio.wait_for(stop.wait(), min(pause, 5.0))
            except asyncio.TimeoutError:
                continue
        await asyncio.gather(*under_way, return_exceptions=True)

    async def run_count(self, count: int, workers: int = 8) -> None:
        """So many actions as fast as the shop takes them."""
        left = iter(range(count))

        async def work() -> None:
            for _ in left:
                await self.act()

        await asyncio.gather(*(work() for _ in range(workers)))

    async def _send(
        self, method: str, route: str, path: str, body: dict | None = None
    ) -> httpx.Response:
        response = await self._client.request(method, path, json=body)
        self.tally.requests[method, route, response.status_code] += 1
        return response

    async def _order(self) -> None:
        sku = self._random.choice(
            ["saddle", "bridle", "horseshoe", "spurs", "lantern", "compass", "telescope", "cloak"]
        )
        payment_method = self._random.choice(METHODS)
        response = await self._send(
            "POST",
            "/orders",
            "/orders",
            {
                "user_id": self._random.choice(self._users),
                "sku": sku,
                "quantity": self._random.choice([1, 1, 1, 2, 3]),
                "payment_method": payment_method,
            },
        )
        if response.status_code == 201:
            order = response.json()
            self._orders.append(order["id"])
            self.tally.orders_by_method[payment_method] += 1
            self.tally.order_cents += order["total_cents"]
        elif response.status_code in (402, 503):
            self.tally.payment_failures[
                response.json()["detail"].removeprefix("payment failed: ")
            ] += 1

    async def _look_at_product(self) -> None:
        sku = self._random.choice(
            ["saddle", "bridle", "horseshoe", "spurs", "lantern", "compass", "telescope"]
        )
        await self._send("GET", "/products/{sku}", f"/products/{sku}")

    async def _look_at_order(self) -> None:
        if self._orders:
            await self._send(
                "GET", "/orders/{order_id}", f"/orders/{self._random.choice(self._orders)}"
            )

    async def _sign_up(self) -> None:
        response = await self._send(
            "POST", "/users", "/users", {"name": f"user-{self._random.randrange(10**6)}"}
        )
        if response.status_code == 201:
            self._users.append(response.json()["id"])
            self.tally.signups += 1

    async def _report(self) -> None:
        await self._send("GET", "/reports/revenue", "/reports/revenue")

    async def _recommendations(self) -> None:
        await self._send(
            "GET",
            "/recommendations/{user_id}",
            f"/recommendations/{self._random.choice(self._users)}",
        )

    async def _missing_order(self) -> None:
        await self._send(
            "GET", "/orders/{order_id}", f"/orders/{10**8 + self._random.randrange(10**6)}"
        )

    async def _scan(self) -> None:
        """What the internet sends to every server."""
        await self._send(
            "GET",
            UNMATCHED,
            self._random.choice(["/wp-login.php", "/.env", f"/x{self._random.random()}"]),
        )


# The one bucket of every path that no route matches.
UNMATCHED = "unmatched"
