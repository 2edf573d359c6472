"""Values that an application should not pass, and does: small ones of every kind."""

from __future__ import annotations

import collections.abc
import enum


class RaisesInStr:
    def __str__(self):
        raise RuntimeError("no")

    __repr__ = __str__


class RaisesInEverything(collections.abc.Mapping):
    def __getitem__(self, key):
        raise RuntimeError("no")

    def __iter__(self):
        raise RuntimeError("no")

    def __len__(self):
        raise RuntimeError("no")


class SneakyInt(int):
    def __index__(self):
        raise RuntimeError("no")


class SneakyStr(str):
    def __str__(self):
        raise RuntimeError("no")


def _recursive():
    value = []
    value.append(value)
    return value


def _deep():
    value = []
    for _ in range(200):
        value = [value]
    return value


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
    "deep": _deep(),
    "recursive": _recursive(),
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
