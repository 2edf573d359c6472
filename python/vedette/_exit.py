"""The end of the process: what is queued is sent, in whichever way it ends.

``atexit`` serves the plain end; the children of ``multiprocessing`` leave through ``os._exit()`` after finalizers of
their own, those of Celery after a signal of its own; SIGTERM, where nobody has a handler for it, ends a process at once,
and uvicorn raises it again when it has served the last request. A process that is killed otherwise loses what is queued.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import threading
from typing import Any, Protocol

logger = logging.getLogger(__name__)

SECONDS = 2.0
"""How long SIGTERM may be held up."""


class Provider(Protocol):
    def shutdown(self) -> Any: ...


_open: list[Provider] = []
_hooked: set[str] = set()


def at_exit(provider: Provider) -> None:
    """``provider.shutdown()`` will be called when the process ends; until then the provider is kept alive."""
    _open.append(provider)
    _hook_children()
    _hook_sigterm()


def forget(provider: Provider) -> None:
    if provider in _open:
        _open.remove(provider)


def shutdown_all() -> None:
    for provider in list(_open):
        try:
            provider.shutdown()
        except Exception:
            logger.exception("a provider could not be shut down")


def _hook_children() -> None:
    """Lets children flush that leave through ``os._exit()``; what makes them need not be imported for that."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None and "multiprocessing" not in _hooked:
        # When it forks it forgets what was to be done at the end of the process, but not what is to be done after a fork.
        _hooked.add("multiprocessing")
        util.register_after_fork(
            _anchor, lambda _: util.Finalize(None, shutdown_all, exitpriority=-10)
        )
    celery = sys.modules.get("celery.signals")
    if celery is not None and "celery" not in _hooked:
        _hooked.add("celery")
        celery.worker_process_shutdown.connect(_on_celery_exit, weak=False)
    base = sys.modules.get("gunicorn.workers.base")
    if base is not None and "gunicorn" not in _hooked:
        _hooked.add("gunicorn")
        _hook_gunicorn(base.Worker)


def _hook_gunicorn(worker: Any) -> None:
    """uvicorn's worker gives SIGTERM its default back before it takes the app, which was imported before the fork."""
    load = worker.load_wsgi

    def load_wsgi(self: Any) -> None:
        load(self)
        if _open:
            _hook_sigterm()

    worker.load_wsgi = load_wsgi


def _on_celery_exit(**_: Any) -> None:
    shutdown_all()


class _Anchor:
    """multiprocessing keeps its hooks in a weak dictionary; this is what ours hangs on."""


_anchor = _Anchor()


def _hook_sigterm() -> None:
    """Only where the default would end the process: who has a handler decides for himself."""
    if threading.current_thread() is not threading.main_thread():
        return
    try:
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _on_sigterm)
    except ValueError:  # not the main interpreter
        pass


def _on_sigterm(number: int, _frame: Any) -> None:
    # In a thread, since the interrupted one may hold a lock that shutting down needs.
    thread = threading.Thread(target=shutdown_all, name="vedette-exit", daemon=True)
    thread.start()
    thread.join(SECONDS)
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


os.register_at_fork(after_in_child=_hook_children)
atexit.register(shutdown_all)
