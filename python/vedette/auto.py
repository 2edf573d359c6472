"""``import vedette.auto``, before anything else: ``opentelemetry.sdk``, the OTLP exporters and ``prometheus_client``
are Vedette's from then on, and the code that imports them needs no edit. ``vedette run`` does the same."""

from __future__ import annotations

from vedette import _redirect

#: The packages that Vedette stands in for; without those that were imported before.
redirected = tuple(_redirect.install())
