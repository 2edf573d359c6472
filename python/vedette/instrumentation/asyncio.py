"""How late event loops run, and what held them up, by name.

- ``asyncio.loop.lag``: seconds by which a timer of the loop came late, several times a second;
- ``asyncio.loop.blocked.time``: seconds a loop was blocked, by the function that blocked it; each function is also logged,
  once a minute at most.

``instrument()`` watches every loop that starts to run, and the one that runs; ``watch()`` the latter alone. A loop costs
one timer each quarter of a second, and all loops of a process one thread that wakes when one of them would be late; only
while a loop is late is its stack looked at. Works with asyncio's loops and uvloop's. The loops of a forked child are
watched anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import sys
import threading
import time
import weakref
from types import FrameType
from typing import Any

from vedette._import_hooks import when_imported
from vedette.instrumentation._metrics import Recorded

logger = logging.getLogger("vedette")

_MARK = "_vedette_original"
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_LOOP_FILES = ("asyncio/base_events.py", "asyncio/events.py", "asyncio/runners.py")
_NAMES_MAX = 200
_LOG_PERIOD = 60.0

INTERVAL = 0.25
BLOCKED = 0.1
_LATE = BLOCKED / 2  # then the stack is looked at


class _Watch:
    """One loop. ``due`` is when its timer should run next; written by the loop's thread, read by the watcher."""

    def __init__(self, loop: Any) -> None:
        self.loop = weakref.ref(loop)
        self.thread = threading.get_ident()
        self.due = time.monotonic() + INTERVAL
        self.culprit: str | None = None
        self.stopped = False
        self._timer = loop.call_later(INTERVAL, self._tick)

    def _tick(self) -> None:
        loop = self.loop()
        if self.stopped or loop is None or loop.is_closed():
            self.stopped = True
            return
        now = time.monotonic()
        late = max(now - self.due, 0.0)
        culprit, self.culprit = self.culprit, None
        self.thread = threading.get_ident()
        self.due = now + INTERVAL
        self._timer = loop.call_later(INTERVAL, self._tick)
        try:
            _lag()(late)
            if late >= BLOCKED and culprit is not None:
                _report(culprit, late)
        except Exception:
            logger.debug("the loop's lag cannot be recorded", exc_info=True)

    def stop(self) -> None:
        self.stopped = True
        loop = self.loop()
        if loop is not None and not loop.is_closed():
            with contextlib.suppress(RuntimeError):  # it was closed just now
                loop.call_soon_threadsafe(self._timer.cancel)


_watches: dict[int, _Watch] = {}
_lock = threading.Lock()
_watcher: threading.Thread | None = None
_logged: dict[str, float] = {}
_names: set[str] = set()


@functools.lru_cache(maxsize=1)
def _lag() -> Recorded:
    return Recorded(
        "asyncio.loop.lag", "s", "By how much a timer of the loop was late.", [], _BOUNDS
    )


@functools.lru_cache(maxsize=1)
def _blocked() -> Recorded:
    return Recorded(
        "asyncio.loop.blocked.time",
        "s",
        "How long the loop was blocked, by the function that blocked it.",
        ["code.function.name"],
    )


def watch(loop: Any = None) -> bool:
    """Watches ``loop``, or the one that runs; to be called in the loop's thread. Idempotent."""
    global _watcher
    try:
        loop = loop or asyncio.get_running_loop()
    except RuntimeError:
        return False
    with _lock:
        known = _watches.get(id(loop))
        if known is not None and known.loop() is loop and not known.stopped:
            return True
        _watches[id(loop)] = _Watch(loop)
        if _watcher is None or not _watcher.is_alive():  # it could not start, or died
            _watcher = threading.Thread(target=_watch_all, name="vedette-loop-watch", daemon=True)
            _watcher.start()
    return True


def instrument() -> bool:
    """Watches every loop that starts to run from now on, and the one that runs. Idempotent."""
    if "uvloop" not in sys.modules:
        when_imported("uvloop", _instrument_again)
    return _instrument()


def _instrument_again() -> None:
    if hasattr(asyncio.BaseEventLoop.run_forever, _MARK):
        _instrument()


def _instrument() -> bool:
    for owner in _loop_classes():
        # run_until_complete(), and so asyncio.run() and all servers, come through here.
        original = owner.run_forever
        if not hasattr(original, _MARK):
            owner.run_forever = _watched(original)
    watch()
    return True


def uninstrument() -> None:
    """Ends the watching of every loop."""
    for owner in _loop_classes():
        original = getattr(owner.run_forever, _MARK, None)
        if original is not None:
            owner.run_forever = original
    with _lock:
        watches = list(_watches.values())
        _watches.clear()
    for one in watches:
        one.stop()


def _loop_classes() -> list[Any]:
    found: list[Any] = [asyncio.BaseEventLoop]
    uvloop = sys.modules.get("uvloop")
    if uvloop is not None:
        found.append(uvloop.Loop)
    return found


def _watched(original: Any) -> Any:
    @functools.wraps(original)
    def run_forever(self: Any) -> Any:
        with contextlib.suppress(RuntimeError):  # closed: the original says so
            self.call_soon(watch, self)
        return original(self)

    setattr(run_forever, _MARK, original)
    return run_forever


# ---- the thread that looks at the clock ----


def _watch_all() -> None:
    global _watcher
    while True:
        with _lock:
            _forget_the_ended()
            watches = list(_watches.values())
            if not watches:
                _watcher = None
                return
        now = time.monotonic()
        for one in watches:
            if now - one.due > _LATE:
                _look_at(one)
        # A loop that starts meanwhile is not late before this is over.
        waiting = [one.due + _LATE - now for one in watches if one.culprit is None]
        time.sleep(max(min(waiting, default=INTERVAL), INTERVAL / 8))


def _forget_the_ended() -> None:
    for key, one in list(_watches.items()):
        loop = one.loop()
        if one.stopped or loop is None or loop.is_closed():
            del _watches[key]


def _look_at(one: _Watch) -> None:
    """Names what the thread of a late loop does right now. The first look counts: it is nearest to the cause."""
    loop = one.loop()
    if loop is None or one.culprit is not None:
        return
    if not loop.is_running():
        one.due = time.monotonic() + INTERVAL
        return
    frame = sys._current_frames().get(one.thread)
    if frame is not None:
        one.culprit = name_of(frame)


def name_of(frame: FrameType | None) -> str | None:
    """The innermost function of the application that runs, or else what the loop has called; None when the loop idles.

    ``module.qualified_name``: of few values, since it names code.
    """
    called: FrameType | None = None
    while frame is not None:
        path = frame.f_code.co_filename
        if path.endswith(_LOOP_FILES):
            break
        if _is_application(path):
            return _name(frame)
        called = frame
        frame = frame.f_back
    return _name(called) if called is not None and not _is_selecting(called) else None


def _is_selecting(frame: FrameType) -> bool:
    return frame.f_code.co_filename.endswith("selectors.py")


@functools.lru_cache(maxsize=1024)
def _is_application(path: str) -> bool:
    """Neither the standard library's nor an installed package's."""
    if path.startswith("<frozen") or os.sep + "site-packages" + os.sep in path:
        return False
    if os.sep + "dist-packages" + os.sep in path:
        return False
    return not path.startswith((_STANDARD_LIBRARY, _HERE))


_STANDARD_LIBRARY = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def _name(frame: FrameType) -> str:
    code = frame.f_code
    module = frame.f_globals.get("__name__", "?")
    return f"{module}.{getattr(code, 'co_qualname', code.co_name)}"


def _report(culprit: str, seconds: float) -> None:
    if culprit not in _names and len(_names) >= _NAMES_MAX:
        culprit = "__overflow__"
    _names.add(culprit)
    _blocked()(seconds, culprit)
    now = time.monotonic()
    if now - _logged.get(culprit, -_LOG_PERIOD) >= _LOG_PERIOD:
        _logged[culprit] = now
        logger.warning("the event loop was blocked for %.2f s by %s", seconds, culprit)


def _start_anew_in_child() -> None:
    global _watcher, _lock
    _lock = threading.Lock()
    _watcher = None
    _watches.clear()


os.register_at_fork(after_in_child=_start_anew_in_child)
