"""What both Zipkin exporters do: one POST a batch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from vedette import _env
from vedette.exporter.zipkin._encode import Address, LocalNode
from vedette.sdk.trace import ReadableSpan
from vedette.sdk.trace.export import SpanExporter, SpanExportResult

logger = logging.getLogger("vedette")

DEFAULT_ENDPOINT = next(v.default for v in _env.TABLE if v.name == "OTEL_EXPORTER_ZIPKIN_ENDPOINT")


class ZipkinExporterBase(SpanExporter):
    """``timeout`` is in seconds; ``session`` a requests.Session, if the application wants to send through one."""

    def __init__(self, encode: Callable[..., bytes], content_type: str, endpoint: str | None,
                 local_node_ipv4: Address, local_node_ipv6: Address, local_node_port: int | None,
                 max_tag_value_length: int | None, timeout: float | None, session: Any) -> None:  # fmt: skip
        self._encode = encode
        self._headers = {"Content-Type": content_type}
        self.endpoint = endpoint or _env.read("OTEL_EXPORTER_ZIPKIN_ENDPOINT")
        self.local_node = LocalNode(local_node_ipv4, local_node_ipv6, local_node_port)
        self._length_max = max_tag_value_length
        self.timeout = timeout or _env.read("OTEL_EXPORTER_ZIPKIN_TIMEOUT")
        self.session = session
        self._closed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._closed:
            logger.warning("Exporter already shutdown, ignoring batch")
            return SpanExportResult.FAILURE
        status, text = self._post(self._encode(spans, self.local_node, self._length_max))
        if status in (200, 202):
            return SpanExportResult.SUCCESS
        logger.error("Traces cannot be uploaded; status code: %s, message %s", status, text)
        return SpanExportResult.FAILURE

    def _post(self, body: bytes) -> tuple[int, str]:
        if self.session is not None:
            answer = self.session.post(
                url=self.endpoint, data=body, headers=self._headers, timeout=self.timeout
            )
            return answer.status_code, answer.text[:500]
        from urllib import error, request

        try:
            made = request.Request(self.endpoint, body, self._headers)
            with request.urlopen(made, timeout=self.timeout) as answer:
                return answer.status, ""
        except error.HTTPError as refused:
            with refused:
                return refused.code, refused.read(500).decode("utf-8", "replace")
        except OSError as failed:
            return 0, str(failed)

    def shutdown(self) -> None:
        self._closed = True
        if self.session is not None:
            self.session.close()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True
