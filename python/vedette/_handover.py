"""Providers made from the environment, which an application's own may replace.

``vedette run`` and ``opentelemetry-instrument`` set providers before the application's first line. Most applications
leave it at that; some set their own in their ``setup_telemetry()``. OpenTelemetry's API would refuse those. Here they
take over: tracers, meters and loggers given out before work for the application's providers from then on.

The API's globals are assigned without using up their "set once", which is then the application's. The names used
are private to ``opentelemetry-api``; where one of them is missing the providers are set the public way.
Threads: as the API's setters, once at start.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from opentelemetry import _logs, metrics, trace
from opentelemetry._logs import _internal as logs_internal
from opentelemetry.metrics import _internal as metrics_internal

from vedette import _exit

logger = logging.getLogger("vedette")

# Kept for good: spans begun with them may still be on their way.
_defaults: dict[str, Any] = {}


def set_tracer_provider(provider: Any) -> None:
    def replaced(new: Any) -> None:
        adopt = getattr(getattr(new, "_native", None), "adopt", None)
        if adopt is None:
            logger.warning(
                "%s takes over from Vedette's tracer provider; tracers given out before keep Vedette's",
                _kind(new),
            )
            return
        for tracer in list(provider._tracers.values()):
            adopt(tracer)
        _retire(provider)

    _set("tracer", trace, "_set_tracer_provider", "_TRACER_PROVIDER", provider, replaced)


def set_meter_provider(provider: Any) -> None:
    try:
        proxy = _meter_provider_class()(provider)
    except AttributeError:
        metrics.set_meter_provider(provider)
        return

    def replaced(new: Any) -> None:
        proxy.hand_over(new)
        _retire(provider)

    _set("meter", metrics_internal, "_set_meter_provider", "_METER_PROVIDER", proxy, replaced)
    # Proxies given out before there was any provider.
    metrics_internal._PROXY_METER_PROVIDER.on_set_meter_provider(proxy)


def set_logger_provider(provider: Any, retire: Callable[[], None] = lambda: None) -> None:
    """``retire`` ends what feeds the provider, such as a handler on the root logger."""

    def replaced(new: Any) -> None:
        retire()
        _retire(provider)

    _set("logger", logs_internal, "_set_logger_provider", "_LOGGER_PROVIDER", provider, replaced)


def _set(kind: str, module: Any, setter: str, variable: str, provider: Any,
         replaced: Callable[[Any], None]) -> None:  # fmt: skip
    original = getattr(module, setter, None)
    if original is None or not hasattr(module, variable):
        public = {"tracer": trace, "meter": metrics, "logger": _logs}[kind]
        getattr(public, f"set_{kind}_provider")(provider)
        return
    if getattr(module, variable) is not None:
        logger.warning(
            "a %s provider is set already, %s; Vedette's is not used",
            kind,
            _kind(getattr(module, variable)),
        )
        return

    def set_provider(new: Any, log: bool) -> None:
        original(new, log)
        if getattr(module, variable) is new and _defaults.get(kind) is provider:
            setattr(module, setter, original)
            try:
                replaced(new)
            except Exception:
                logger.warning("the %s provider could not be handed over", kind, exc_info=True)

    _defaults[kind] = provider
    setattr(module, variable, provider)
    setattr(module, setter, set_provider)


def _retire(provider: Any) -> None:
    """Sends what the provider has recorded, off the caller's thread, and stops it."""
    _exit.at_exit(_Retiring(provider))


class _Retiring:
    """A provider that is shut down by a thread; the end of the process waits for it."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self._thread = threading.Thread(target=self._run, name="vedette-handover", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._provider.shutdown()
        except Exception:
            logger.debug("shutdown failed", exc_info=True)
        finally:
            _exit.forget(self)

    def shutdown(self) -> None:
        self._thread.join(_exit.SECONDS)


def _kind(provider: Any) -> str:
    return f"{type(provider).__module__}.{type(provider).__qualname__}"


_class: Any = None


def _meter_provider_class() -> Any:
    """Made on first use, from the API's own proxies: those can be given another real instrument at any time."""
    global _class
    if _class is not None:
        return _class

    class Meter(metrics_internal._ProxyMeter):
        """Every instrument is a proxy that has its real one from the start."""

        def _make(self, method: str, *args: Any, **more: Any) -> Any:
            with self._making:
                real, self._real_meter = self._real_meter, None
                try:
                    instrument = getattr(super(), method)(*args, **more)
                finally:
                    self._real_meter = real
                instrument.on_meter_set(real)
                return instrument

        _making = threading.RLock()

    for name in [n for n in vars(metrics_internal._ProxyMeter) if n.startswith("create_")]:
        setattr(Meter, name, _maker(name))

    class MeterProvider(metrics.MeterProvider):
        def __init__(self, real: Any) -> None:
            self._real = real
            self._meters: list[Any] = []

        def get_meter(self, name: str, version: str | None = None, schema_url: str | None = None,
                      attributes: Any = None) -> Any:  # fmt: skip
            if _defaults.get("meter") is not self:
                return self._real.get_meter(name, version, schema_url, attributes)
            meter = Meter(name, version=version, schema_url=schema_url)
            meter.on_set_meter_provider(self._real)
            self._meters.append(meter)
            return meter

        def hand_over(self, new: Any) -> None:
            _defaults["meter"] = None
            self._real = new
            for meter in self._meters:
                meter.on_set_meter_provider(new)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.__dict__["_real"], name)

    _class = MeterProvider
    return _class


def _maker(method: str) -> Any:
    def create(self: Any, *args: Any, **more: Any) -> Any:
        return self._make(method, *args, **more)

    create.__name__ = method
    return create
