"""The numbers inside a metric, as the attributes ``_value``, ``_sum``, ``_count`` and ``_buckets`` show them."""

from __future__ import annotations

from typing import Any


class Value:
    """One number of a series; ``-1`` is its value or sum, others count its buckets."""

    def __init__(self, metric: Any, cell: int = -1) -> None:
        self._metric = metric
        self._cell = cell

    def get(self) -> float:
        """The number now."""
        value: float = self._metric._cell(self._cell)
        return value

    def set(self, value: float, timestamp: float | None = None) -> None:
        """Sets a value; counts of buckets cannot be set."""
        if self._cell != -1:
            raise ValueError("the count of a bucket cannot be set")
        self._metric._set_cell(value)

    def inc(self, amount: float) -> None:
        """Adds to a value."""
        self.set(self.get() + amount)
