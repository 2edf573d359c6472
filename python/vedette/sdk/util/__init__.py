"""``opentelemetry.sdk.util``: small things the SDK's modules and its users share."""

from __future__ import annotations

import datetime
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any


def ns_to_iso_str(nanoseconds: int) -> str:
    """ISO 8601 text, in UTC with microseconds, of nanoseconds since 1970."""
    time = datetime.datetime.fromtimestamp(nanoseconds / 1e9, tz=datetime.timezone.utc)
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def get_dict_as_key(labels: Mapping[str, Any]) -> tuple[Any, ...]:
    """A mapping as something that can be hashed."""
    return tuple(
        sorted((k, tuple(v)) if isinstance(v, list) else (k, v) for k, v in labels.items())
    )


class BoundedList(Sequence[Any]):
    """A list that holds at most ``maxlen`` items (``None``: any number): the oldest goes, and is counted in
    ``dropped``. Safe for concurrent use."""

    def __init__(self, maxlen: int | None) -> None:
        self.dropped = 0
        self._items: deque[Any] = deque(maxlen=maxlen)
        self._lock = threading.Lock()

    @classmethod
    def from_seq(cls, maxlen: int | None, seq: Iterable[Any]) -> BoundedList:
        made = cls(maxlen)
        made.extend(tuple(seq))
        return made

    def append(self, item: Any) -> None:
        self.extend((item,))

    def extend(self, seq: Sequence[Any]) -> None:
        with self._lock:
            maxlen = self._items.maxlen
            if maxlen is not None:
                self.dropped += max(0, len(self._items) + len(seq) - maxlen)
            self._items.extend(seq)

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        with self._lock:
            return iter(list(self._items))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self._items)}, maxlen={self._items.maxlen})"
