"""The metrics as a handler of aiohttp."""

from vedette.prometheus.aiohttp.exposition import make_aiohttp_handler

__all__ = ["make_aiohttp_handler"]
