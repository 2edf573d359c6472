"""``opentelemetry.sdk.trace.id_generator``: where trace and span ids come from."""

from __future__ import annotations

import abc
import random


class IdGenerator(abc.ABC):
    """Derive from it and give it to ``TracerProvider(id_generator=…)``. An id of 0, or none, is replaced by a
    random one."""

    @abc.abstractmethod
    def generate_span_id(self) -> int:
        """A new span id: an int of 64 bits, not 0."""

    @abc.abstractmethod
    def generate_trace_id(self) -> int:
        """A new trace id: an int of 128 bits, not 0, whose lower 56 bits should be random."""

    def is_trace_id_random(self) -> bool:
        """Whether they are: then the W3C trace flag "random" is set."""
        return False


class RandomIdGenerator(IdGenerator):
    """Random ids. A provider makes these natively, and does not call this class."""

    def generate_span_id(self) -> int:
        while not (made := random.getrandbits(64)):
            pass
        return made

    def generate_trace_id(self) -> int:
        while not (made := random.getrandbits(128)):
            pass
        return made

    def is_trace_id_random(self) -> bool:
        return True
