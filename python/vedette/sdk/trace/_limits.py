"""What a span may hold (specification: common/README.md, "Attribute Limits"; trace/sdk.md, "Span Limits")."""

from __future__ import annotations

from vedette._env import limit


class SpanLimits:
    """Limits of what a span may hold. ``None`` takes the environment's value or the default; ``UNSET``
    is no limit; so is a variable that says ``unset``."""

    UNSET = -1

    def __init__(
        self,
        max_attributes: int | None = None,
        max_events: int | None = None,
        max_links: int | None = None,
        max_span_attributes: int | None = None,
        max_event_attributes: int | None = None,
        max_link_attributes: int | None = None,
        max_attribute_length: int | None = None,
        max_span_attribute_length: int | None = None,
    ) -> None:
        common = limit(max_attributes, "OTEL_ATTRIBUTE_COUNT_LIMIT", 128)
        self.max_attributes = common
        self.max_events = limit(max_events, "OTEL_SPAN_EVENT_COUNT_LIMIT", 128)
        self.max_links = limit(max_links, "OTEL_SPAN_LINK_COUNT_LIMIT", 128)
        self.max_span_attributes = limit(
            max_span_attributes, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", common
        )
        self.max_event_attributes = limit(
            max_event_attributes, "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", common
        )
        self.max_link_attributes = limit(
            max_link_attributes, "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", common
        )
        self.max_attribute_length = limit(max_attribute_length, "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT")
        self.max_span_attribute_length = limit(
            max_span_attribute_length,
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            self.max_attribute_length,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in vars(self).items())})"
