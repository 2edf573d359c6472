"""What never leaves the process: values of secret keys, passwords in URLs, and what you name here.

Without any setting, an attribute whose key ends in ``authorization``, ``cookie``, ``set-cookie``, ``password``,
``token``, ``api_key`` and the like (``db.password``, ``http.request.header.authorization``) reads ``[REDACTED]``; in
URLs, messages and stack traces user information and secret query parameters read ``REDACTED``. This holds for
attributes of spans, events and log records and for nested values, and happens natively before anything is encoded.

    vedette.masking.configure(keys=["iban"], patterns=[r"\\b\\d{4}-\\d{4}-\\d{4}-\\d{4}\\b"])

``VEDETTE_MASK_KEYS`` (comma-separated) and ``VEDETTE_MASK_PATTERN`` (one pattern) say the same.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable

from vedette import _native

logger = logging.getLogger("vedette")


def configure(
    keys: Iterable[str] = (), patterns: Iterable[str] = (), *, enabled: bool = True
) -> None:
    """Replaces what was configured before; for the whole process and what is recorded from now on.

    ``keys``: names of secrets beside the built-in ones, as a whole key or its last part, in any case. ``patterns``:
    what to hide in every text, in RE2's syntax (linear time; no look-around, no back-references), each looked for
    in every string that is recorded. ``enabled=False`` hides nothing. Raises ``ValueError`` for a pattern that is
    none; then what was before holds.
    """
    _native.configure_masking(enabled, tuple(keys), tuple(patterns))


def configure_from_environment() -> None:
    """As the variables say, if they do. A pattern that is none is said, and the keys hold."""
    keys = [key.strip() for key in os.environ.get("VEDETTE_MASK_KEYS", "").split(",")]
    keys = [key for key in keys if key]
    pattern = os.environ.get("VEDETTE_MASK_PATTERN", "")
    if not keys and not pattern:
        return
    try:
        configure(keys, [pattern] if pattern else [])
    except ValueError as error:
        logger.warning("VEDETTE_MASK_PATTERN is no pattern: %s", error)
        configure(keys)


__all__ = ["configure", "configure_from_environment"]
