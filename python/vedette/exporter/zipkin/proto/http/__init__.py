"""``opentelemetry.exporter.zipkin.proto.http``"""

from __future__ import annotations

from typing import Any

from vedette.exporter.zipkin._encode import Address, protobuf
from vedette.exporter.zipkin._exporter import DEFAULT_ENDPOINT, ZipkinExporterBase


class ZipkinExporter(ZipkinExporterBase):
    """Sends spans as Zipkin's protobuf."""

    def __init__(
        self,
        endpoint: str | None = None,
        local_node_ipv4: Address = None,
        local_node_ipv6: Address = None,
        local_node_port: int | None = None,
        max_tag_value_length: int | None = None,
        timeout: float | None = None,
        session: Any = None,
    ) -> None:
        super().__init__(protobuf, "application/x-protobuf", endpoint, local_node_ipv4,
                         local_node_ipv6, local_node_port, max_tag_value_length, timeout,
                         session)  # fmt: skip


__all__ = ["DEFAULT_ENDPOINT", "ZipkinExporter"]
