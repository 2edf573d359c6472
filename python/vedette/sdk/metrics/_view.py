"""Views: which instruments, and what becomes of them (OpenTelemetry specification, "Metrics SDK", View)."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from vedette.sdk.metrics._aggregation import (
    Aggregation,
    DefaultAggregation,
    _Aggregation,
    _ExplicitBucketHistogramAggregation,
)
from vedette.sdk.metrics._exemplar import (
    AlignedHistogramBucketExemplarReservoir,
    ExemplarReservoirBuilder,
    SimpleFixedSizeExemplarReservoir,
)


def _default_reservoir_factory(
    aggregation_type: type[_Aggregation],
) -> ExemplarReservoirBuilder:
    if issubclass(aggregation_type, _ExplicitBucketHistogramAggregation):
        return AlignedHistogramBucketExemplarReservoir
    return SimpleFixedSizeExemplarReservoir


class View:
    """Selects instruments by type, name and unit (``*`` and ``?`` stand for any characters and for one), and
    by the meter's name, version and schema URL; what is not given matches all. It may change the stream's
    ``name``, ``description`` and ``aggregation``, keep only ``attribute_keys`` or leave out
    ``excluded_attribute_keys``, bound the number of attribute sets, and keep exemplars in a reservoir of one's
    own. Attributes left out may still appear on exemplars.

    Raises an Exception when nothing is selected by, or a ``name`` is given to instruments by wildcard.
    """

    _default_aggregation = DefaultAggregation()

    def __init__(
        self,
        instrument_type: type | None = None,
        instrument_name: str | None = None,
        meter_name: str | None = None,
        meter_version: str | None = None,
        meter_schema_url: str | None = None,
        name: str | None = None,
        description: str | None = None,
        attribute_keys: set[str] | None = None,
        aggregation: Aggregation | None = None,
        exemplar_reservoir_factory: Callable[[type[_Aggregation]], ExemplarReservoirBuilder]
        | None = None,
        instrument_unit: str | None = None,
        aggregation_cardinality_limit: int | None = None,
        *,
        excluded_attribute_keys: set[str] | None = None,
    ) -> None:
        limit = aggregation_cardinality_limit
        if limit is not None and (
            isinstance(limit, bool) or not isinstance(limit, int) or limit < 1
        ):
            raise ValueError(
                f"aggregation_cardinality_limit must be a positive integer, got {limit!r}"
            )
        criteria = (instrument_type, instrument_name, instrument_unit, meter_name, meter_version,
                    meter_schema_url)  # fmt: skip
        if all(one is None for one in criteria):
            raise Exception(f"Some instrument selection criteria must be provided for View {name}")
        if name is not None and instrument_name is not None and set("*?") & set(instrument_name):
            raise Exception(f"View {name} declared with wildcard characters in instrument_name")
        self._instrument_type = instrument_type
        self._instrument_name = instrument_name
        self._instrument_unit = instrument_unit
        self._meter_name = meter_name
        self._meter_version = meter_version
        self._meter_schema_url = meter_schema_url
        self._name = name
        self._description = description
        self._attribute_keys = attribute_keys
        self._excluded_attribute_keys = excluded_attribute_keys or set()
        self._aggregation = aggregation or self._default_aggregation
        self._exemplar_reservoir_factory = exemplar_reservoir_factory or _default_reservoir_factory
        self._aggregation_cardinality_limit = limit

    def _match(self, instrument: Any) -> bool:
        scope = instrument.instrumentation_scope
        exact = (
            (self._meter_name, scope.name),
            (self._meter_version, scope.version),
            (self._meter_schema_url, scope.schema_url),
        )
        name = self._instrument_name
        return (
            (self._instrument_type is None or isinstance(instrument, self._instrument_type))
            and (name is None or fnmatchcase(instrument.name, name.lower()))
            and (
                self._instrument_unit is None or fnmatchcase(instrument.unit, self._instrument_unit)
            )
            and all(wanted is None or wanted == has for wanted, has in exact)
        )

    def _reservoir_builder(self, aggregation: Aggregation, instrument: Any) -> Any:
        """None: the native reservoirs will do."""
        if self._exemplar_reservoir_factory is _default_reservoir_factory:
            return None
        kind = aggregation._kind(instrument)
        builder = self._exemplar_reservoir_factory(kind)
        if builder is _default_reservoir_factory(kind):
            return None
        return functools.partial(builder, **aggregation._reservoir_arguments(instrument))

    def _with(self, other: View) -> View:
        """This view, and what ``other``, registered later, says differently."""
        both = copy.copy(self)
        both._description = self._description if other._description is None else other._description
        if other._aggregation is not View._default_aggregation:
            both._aggregation = other._aggregation
        if other._exemplar_reservoir_factory is not _default_reservoir_factory:
            both._exemplar_reservoir_factory = other._exemplar_reservoir_factory
        if other._aggregation_cardinality_limit is not None:
            both._aggregation_cardinality_limit = other._aggregation_cardinality_limit
        if self._attribute_keys is None:
            both._attribute_keys = other._attribute_keys
        elif other._attribute_keys is not None:
            both._attribute_keys = set(self._attribute_keys) & set(other._attribute_keys)
        excluded = set(self._excluded_attribute_keys) | set(other._excluded_attribute_keys)
        both._excluded_attribute_keys = excluded
        return both

    def _without_aggregation(self) -> View:
        rest = copy.copy(self)
        rest._aggregation = View._default_aggregation
        return rest


def composed(views: Sequence[View]) -> list[View]:
    """One view for each name that matching views give, of all that give it or none; one where none is given."""
    names = dict.fromkeys(view._name for view in views if view._name is not None)
    found = []
    for name in names or ([None] if views else []):
        group = [view for view in views if view._name in (None, name)]
        merged = copy.copy(functools.reduce(View._with, group))
        merged._name = name
        found.append(merged)
    return found
