"""What a span may hold (specification: common/README.md, "Attribute Limits"; trace/sdk.md, "Span Limits")."""

from __future__ import annotations

import logging
import os

logger = logging.getLogger("vedette")


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
        pick = self._from_env_if_absent
        common = pick(max_attributes, "OTEL_ATTRIBUTE_COUNT_LIMIT", 128)
        self.max_attributes = common
        self.max_events = pick(max_events, "OTEL_SPAN_EVENT_COUNT_LIMIT", 128)
        self.max_links = pick(max_links, "OTEL_SPAN_LINK_COUNT_LIMIT", 128)
        self.max_span_attributes = pick(
            max_span_attributes, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", common
        )
        self.max_event_attributes = pick(
            max_event_attributes, "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", common
        )
        self.max_link_attributes = pick(
            max_link_attributes, "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", common
        )
        self.max_attribute_length = pick(max_attribute_length, "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT")
        self.max_span_attribute_length = pick(
            max_span_attribute_length,
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            self.max_attribute_length,
        )

    @classmethod
    def _from_env_if_absent(
        cls, value: int | None, env_var: str, default: int | None = None
    ) -> int | None:
        if value == cls.UNSET:
            return None
        if value is not None:
            if value < 0:
                raise ValueError(f"{env_var} must be a non-negative integer but got {value}")
            return value
        text = os.environ.get(env_var, "").strip().lower()
        if not text:
            return default
        if text == "unset":
            return None
        try:
            number = int(text)
        except ValueError:
            number = -1
        if number < 0:
            logger.warning("%s=%r is not a number of 0 or more; it is ignored", env_var, text)
            return default
        return number

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in vars(self).items())})"
