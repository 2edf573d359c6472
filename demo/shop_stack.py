"""The whole demo as processes: PostgreSQL, Redis, Vedette, payments, shop; started in this order, ended in reverse."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import urllib.request
from pathlib import Path

from demo.databases import start_postgres, start_redis
from demo.processes import DemoError, Process, free_port, port_open, wait_until

ROOT = Path(__file__).resolve().parent.parent


def answers(url: str) -> bool:
    with urllib.request.urlopen(url, timeout=2) as response:
        return response.status == 200


class ShopStack(contextlib.ExitStack):
    """Enter it to start everything; leaving it ends every process and removes every file."""

    def __init__(self, *, port: int | None, scrape_seconds: int, say) -> None:
        super().__init__()
        self._port = port
        self._scrape_seconds = scrape_seconds
        self._say = say
        self.folder = Path()
        self.vedette_url = self.shop_url = self.payments_url = ""

    def __enter__(self) -> ShopStack:
        super().__enter__()
        try:
            self._start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def _start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vedette-demo-"))
        self.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)  # PostgreSQL runs as another user where we are root

        self._say("PostgreSQL and Redis, private to the demo")
        postgres, database_url = start_postgres(self.folder)
        self.callback(postgres.stop)
        redis, redis_url = start_redis(self.folder)
        self.callback(redis.stop)

        shop_port, payments_port = free_port(), free_port()
        self.shop_url, self.payments_url = (
            f"http://127.0.0.1:{shop_port}",
            f"http://127.0.0.1:{payments_port}",
        )
        self._say("Vedette")
        self._start_vedette(shop_port, payments_port)

        self._say("the shop and its payments service")
        env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.vedette_url,
            "SHOP_DATABASE_URL": database_url,
            "SHOP_REDIS_URL": redis_url,
            "SHOP_PAYMENTS_URL": self.payments_url,
        }
        self._start_app("payments", payments_port, env)
        self._start_app("shop", shop_port, env)

    def _start_vedette(self, shop_port: int, payments_port: int) -> None:
        program = ROOT / "build" / "release" / "vedette"
        if not program.exists():
            raise DemoError("There is no server yet: ./dev build")
        port = self._port if self._port is not None else free_port()
        if port_open(port):
            raise DemoError(
                f"Port {port} is taken (another demo?). Choose one: ./dev demo --port 4329"
            )
        config = self.folder / "vedette.yaml"
        config.write_text(
            "scrape:\n"
            + "".join(
                f"  - job: {job}\n    interval: {self._scrape_seconds}s\n    targets: ['127.0.0.1:{p}']\n"
                for job, p in (("shop", shop_port), ("payments", payments_port))
            )
        )
        process = Process(
            "Vedette",
            [
                str(program),
                "serve",
                "--config",
                str(config),
                "--data",
                str(self.folder / "data"),
                "--http",
                f"127.0.0.1:{port}",
                "--otlp-http",
                "none",
                "--otlp-grpc",
                "none",
            ],
            self.folder / "vedette.log",
        )
        self.callback(process.stop)
        self.vedette_url = f"http://127.0.0.1:{port}"
        wait_until(
            lambda: answers(self.vedette_url + "/-/ready"), "Vedette to be ready", process=process
        )

    def _start_app(self, name: str, port: int, env: dict[str, str]) -> None:
        process = Process(
            name,
            [
                sys.executable,
                "-m",
                "uvicorn",
                f"demo.{name}.app:app",
                "--port",
                str(port),
                "--log-level",
                "warning",
            ],
            self.folder / f"{name}.log",
            env={**env, "PYTHONPATH": str(ROOT)},
            cwd=self.folder,
        )
        self.callback(process.stop)
        wait_until(
            lambda: answers(f"http://127.0.0.1:{port}/health/ready"),
            f"{name} to be ready",
            process=process,
        )

    def log_of(self, name: str) -> str:
        with contextlib.suppress(OSError):
            return (self.folder / f"{name}.log").read_text(errors="replace")
        return ""


def demo_environment() -> None:
    """The demo runs on its own settings, whatever the person's shell has set for OpenTelemetry."""
    for name in [n for n in os.environ if n.startswith("OTEL_")]:
        del os.environ[name]
