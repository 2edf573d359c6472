"""Values that an application should not pass, and does: small ones of every kind."""

from __future__ import annotations

import enum

from bad_values import RaisesInEverything, RaisesInStr, SneakyInt, SneakyStr, deep, recursive

HOSTILE = {
    "text": "wörld",
    "int": 7,
    "float": 0.5,
    "bool": True,
    "surrogate": "\ud800 lone",
    "nan": float("nan"),
    "huge int": 1 << 200,
    "long text": "x" * 5_000,
    "bytes": b"x\xff",
    "list": ["a", 1, None, [True]],
    "mixed tuple": ("a", 1, object()),
    "map": {"k": {"deep": 1}, 1: 2, None: 3, "\ud800": 5},
    "object": object(),
    "raises in str": RaisesInStr(),
    "raises in everything": RaisesInEverything(),
    "sneaky int": SneakyInt(7),
    "sneaky str": SneakyStr("s"),
    "deep": deep(200),
    "recursive": recursive(),
    "exception": ValueError("x"),
    "enum": enum.Enum("E", "A").A,
    "set": {1, 2},
    "memoryview": memoryview(b"x"),
    "none": None,
}


def bad_calls(*calls):
    """An operation of calls that raise TypeError or ValueError, every one."""

    def call():
        for one in calls:
            try:
                one()
            except (TypeError, ValueError, AttributeError, RuntimeError):
                continue

    return call
