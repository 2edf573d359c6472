"""``opentelemetry.exporter.zipkin.json``"""

from __future__ import annotations

from typing import Any

from vedette.exporter.zipkin._encode import Address, json_encoder, version_1, version_2
from vedette.exporter.zipkin._exporter import DEFAULT_ENDPOINT, ZipkinExporterBase
from vedette.exporter.zipkin.encoder import Protocol


class ZipkinExporter(ZipkinExporterBase):
    """Sends spans as Zipkin's JSON, version 1 or 2."""

    def __init__(
        self,
        version: Protocol = Protocol.V2,
        endpoint: str | None = None,
        local_node_ipv4: Address = None,
        local_node_ipv6: Address = None,
        local_node_port: int | None = None,
        max_tag_value_length: int | None = None,
        timeout: float | None = None,
        session: Any = None,
    ) -> None:
        shape = version_1 if version is Protocol.V1 else version_2
        super().__init__(json_encoder(shape), "application/json", endpoint, local_node_ipv4,
                         local_node_ipv6, local_node_port, max_tag_value_length, timeout,
                         session)  # fmt: skip


__all__ = ["DEFAULT_ENDPOINT", "Protocol", "ZipkinExporter"]
