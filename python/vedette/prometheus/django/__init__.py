"""The metrics as a view of Django."""

from vedette.prometheus.django.exposition import PrometheusDjangoView

__all__ = ["PrometheusDjangoView"]
