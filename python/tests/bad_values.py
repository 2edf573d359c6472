"""What an application should not pass, and does."""

from __future__ import annotations

import collections.abc


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


class EndlessSequence(collections.abc.Sequence):
    def __getitem__(self, index):
        return "x"

    def __len__(self):
        return 1 << 60


class SneakyInt(int):
    def __index__(self):
        raise RuntimeError("no")


class SneakyStr(str):
    def __str__(self):
        raise RuntimeError("no")


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


def recursive():
    value = []
    value.append(value)
    return value
