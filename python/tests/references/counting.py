"""Which operations keep references: run by a debug build of CPython, which counts all references there are.

    python3-dbg python/tests/references/counting.py EXTENSION [PART OF A NAME…]

names each operation, with the references and blocks of memory that a call keeps; ends with status 1 where one does.
EXTENSION is vedette._native built for that interpreter; `./dev test references` does it all. An operation is made by a
function marked `@operation`, which gives what is to be called again and again.
"""

from __future__ import annotations

import gc
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

Operation = Callable[[], object]

_makers: dict[str, Callable[[], Operation | Iterator[Operation]]] = {}

WARM_UP = 40
CALLS = 30
ROUNDS = 3


def operation(make: Callable[[], Operation | Iterator[Operation]]) -> object:
    """Its name is the function's. A generator function yields the operation and cleans up afterwards."""
    _makers[f"{make.__module__}: {make.__name__}"] = make
    return make


def variants(names: object, make: Callable[..., Operation], prefix: str) -> None:
    """One operation for each value: `make(value)` gives it."""
    for name, value in dict(names).items():  # type: ignore[call-overload]
        _makers[f"{make.__module__}: {prefix} {name}"] = lambda value=value: make(value)


def kept(call: Operation, calls: int) -> tuple[float, float]:
    """References and blocks that a call keeps. The least of some rounds, since caches fill now and then."""

    def count() -> tuple[int, int]:
        gc.collect()
        return sys.gettotalrefcount(), sys.getallocatedblocks()  # type: ignore[attr-defined]

    for _ in range(WARM_UP):
        call()
    references, blocks = [], []
    before = count()
    for _ in range(ROUNDS):
        for _ in range(calls):
            call()
        after = count()
        references.append(after[0] - before[0])
        blocks.append(after[1] - before[1])
        before = after
    return _least(references) / calls, _least(blocks) / calls


def _is_much(references: float, blocks: float) -> bool:
    return abs(references) >= 0.5 or blocks >= 0.5


def _least(growth: list[int]) -> int:
    """What is nearest to nothing: a leak is in every round, and so is a reference given back too often."""
    return min(growth, key=abs)


class Modules:
    """The extension built for this interpreter; and SQLAlchemy's modules in Python, which stand beside the compiled
    ones, since these do not count references."""

    def __init__(self, extension: str) -> None:
        self._extension = extension

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        if name == "vedette._native":
            return importlib.util.spec_from_file_location(name, self._extension)
        if not name.endswith("_cy") or path is None:
            return None
        source = Path(next(iter(path)), name.rpartition(".")[2] + ".py")  # type: ignore[call-overload]
        return importlib.util.spec_from_file_location(name, source)


def tried(name: str) -> tuple[float, float]:
    """What a call of this operation keeps."""
    made = _makers[name]()
    call = next(made) if isinstance(made, Iterator) else made
    gc.collect()
    gc.freeze()  # what is there now need not be looked at again
    try:
        found = kept(call, CALLS)
        # A leak stays as much a call, a cache does not.
        return kept(call, 10 * CALLS) if _is_much(*found) else found
    except Exception as error:
        raise RuntimeError(name) from error
    finally:
        del call
        if isinstance(made, Iterator):
            next(made, None)


def main(extension: str, *wanted: str) -> int:
    sys.meta_path.insert(0, Modules(extension))
    import clients
    import logs
    import meters
    import requests_served
    import spans

    del clients, logs, meters, requests_served, spans  # they are imported for what they mark
    names = [name for name in _makers if not wanted or any(part in name for part in wanted)]
    leaks = 0
    for name in names:
        print(name, end="", flush=True)
        references, blocks = tried(name)
        leaks += _is_much(references, blocks)
        print(
            f" KEEPS {references:.2f} references, {blocks:.2f} blocks"
            * _is_much(references, blocks),
            flush=True,
        )
    print(f"{len(names)} operations, {leaks} that keep something")
    return 0 if names and not leaks else 1


if __name__ == "__main__":
    sys.modules["counting"] = sys.modules["__main__"]
    sys.exit(main(*sys.argv[1:]))
