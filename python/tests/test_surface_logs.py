"""Every public name of upstream's logs SDK and log exporters is here, with a signature that takes what upstream's
takes."""

import importlib
import inspect

import pytest
from test_surface_traces import public_names, takes_as_much, vars_of

MODULES = {
    "opentelemetry.sdk._logs": "vedette.sdk._logs",
    "opentelemetry.sdk._logs.export": "vedette.sdk._logs.export",
    "opentelemetry.exporter.otlp.proto.http._log_exporter": (
        "vedette.exporter.otlp.proto.http._log_exporter"
    ),
    "opentelemetry.exporter.otlp.proto.grpc._log_exporter": (
        "vedette.exporter.otlp.proto.grpc._log_exporter"
    ),
}
# Made by a provider only, as upstream's should be.
MADE_BY_OTHERS = {"Logger"}


def names_of(name):
    module = importlib.import_module(name)
    return getattr(module, "__all__", None) or list(public_names(module))


ROWS = [
    pytest.param(theirs, ours, name, id=f"{theirs}.{name}")
    for theirs, ours in MODULES.items()
    for name in names_of(theirs)
]


@pytest.mark.parametrize(("theirs", "ours", "name"), ROWS)
def test_is_here(theirs, ours, name):
    expected = getattr(importlib.import_module(theirs), name)
    found = getattr(importlib.import_module(ours), name)
    if not inspect.isclass(expected):
        assert isinstance(found, type(expected)) or getattr(found, "name", 0) == expected.name
        return
    for member, value in vars_of(expected):
        assert hasattr(found, member), f"{name} has no {member}"
        if callable(value) and not inspect.isclass(value):
            takes_as_much(value, getattr(found, member), f"{name}.{member}")
    if name not in MADE_BY_OTHERS:
        takes_as_much(expected, found, name)
