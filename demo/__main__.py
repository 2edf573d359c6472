"""`./dev demo`: starts the shop and what watches it, sends customers, and ends without a trace on the machine."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time

import httpx

from demo.check import Checker, print_table
from demo.processes import DemoError
from demo.shop_stack import ROOT, ShopStack, demo_environment
from demo.traffic import Customers

CHECK_ACTIONS = 700
INCIDENT_AFTER, INCIDENT_LASTS = 60, 120
INCIDENT_DELAY_SECONDS = 3.0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__)
    parser.add_argument(
        "--check",
        action="store_true",
        help="drive traffic, compare what is stored with what was sent, exit",
    )
    parser.add_argument(
        "--incident",
        action="store_true",
        help="after a minute payments starts timing out, then recovers",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=None,
        help="of the UI and all APIs (default: 4319; with --check a free one)",
    )
    parser.add_argument(
        "--rate", type=float, default=8.0, help="requests a second, on average (default: 8)"
    )
    parser.add_argument(
        "--then",
        metavar="COMMAND",
        help="with --check: run this while everything stands, with VEDETTE_URL set",
    )
    return parser.parse_args()


def say(what: str) -> None:
    print(f"  starting {what}…", flush=True)


async def set_trouble(payments_url: str, seconds: float) -> None:
    async with httpx.AsyncClient() as client:
        (
            await client.post(payments_url + "/trouble", json={"delay_seconds": seconds})
        ).raise_for_status()


async def incident(payments_url: str) -> None:
    await asyncio.sleep(INCIDENT_AFTER)
    print("Incident: payments answers too late from now on.", flush=True)
    await set_trouble(payments_url, INCIDENT_DELAY_SECONDS)
    await asyncio.sleep(INCIDENT_LASTS)
    await set_trouble(payments_url, 0)
    print("Payments is well again.", flush=True)


async def live(stack: ShopStack, options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    customers = Customers(stack.shop_url, seed=int(time.time()))
    trouble = asyncio.create_task(incident(stack.payments_url)) if options.incident else None
    await customers.run(options.rate, stop)
    if trouble:
        trouble.cancel()
    await customers.close()
    print(
        f"\n{customers.tally.total} requests sent. Everything is being ended and removed.",
        flush=True,
    )


async def drive(stack: ShopStack) -> Customers:
    """Enough of everything, quickly: the usual mix, and a short time of trouble with payments."""
    customers = Customers(stack.shop_url)
    await customers.run_count(CHECK_ACTIONS)
    await set_trouble(stack.payments_url, INCIDENT_DELAY_SECONDS)
    await customers.run_count(100, workers=20)
    await set_trouble(stack.payments_url, 0)
    await customers.run_count(60)
    await customers.close()
    return customers


def check(stack: ShopStack, options: argparse.Namespace) -> int:
    started = time.time()
    print("  sending customers…", flush=True)
    customers = asyncio.run(drive(stack))
    stopped = time.time()
    checker = Checker(
        stack.vedette_url, stack.shop_url, stack.payments_url, customers.tally, started - 1
    )
    print("  waiting for one last scrape…", flush=True)
    checker.wait_for_scrapes(stopped)
    rows = checker.run()
    print_table(rows, sys.stdout.isatty())
    failed = sum(not r.ok for r in rows)
    print(f"{len(rows) - failed} hold, {failed} do not")
    if failed:
        for name in ("vedette", "shop", "payments"):
            print(f"--- the end of {name}'s output ---\n{stack.log_of(name)[-2000:]}")
        return 1
    if options.then:
        done = subprocess.run(
            options.then,
            shell=True,
            cwd=ROOT,
            check=False,
            env={**os.environ, "VEDETTE_URL": stack.vedette_url},
        )
        return done.returncode
    return 0


def main() -> int:
    options = arguments()
    demo_environment()
    port = options.port if options.port is not None or options.check else 4319
    try:
        # The check scrapes often, so that its last scrape comes soon; the living demo as in production.
        with ShopStack(port=port, scrape_seconds=2 if options.check else 5, say=say) as stack:
            if options.check:
                return check(stack, options)
            print(
                f"\n  Open {stack.vedette_url}\n\n  The shop is at {stack.shop_url}. Ctrl-C ends everything.\n",
                flush=True,
            )
            asyncio.run(live(stack, options))
            return 0
    except DemoError as error:
        print(f"The demo can't go on. {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
