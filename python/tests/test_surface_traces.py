"""Every public name of upstream's traces SDK, resources and span exporters is here, with a signature that takes what
upstream's takes."""

import ast
import importlib
import inspect

import pytest
from opentelemetry.trace import StatusCode

MODULES = {
    "opentelemetry.sdk.trace": "vedette.sdk.trace",
    "opentelemetry.sdk.trace.export": "vedette.sdk.trace.export",
    "opentelemetry.sdk.trace.export.in_memory_span_exporter": (
        "vedette.sdk.trace.export.in_memory_span_exporter"
    ),
    "opentelemetry.sdk.trace.sampling": "vedette.sdk.trace.sampling",
    "opentelemetry.sdk.trace._sampling_experimental": "vedette.sdk.trace._sampling_experimental",
    "opentelemetry.sdk.trace._sampling_experimental._rule_based": (
        "vedette.sdk.trace._sampling_experimental._rule_based"
    ),
    "opentelemetry.sdk.trace.id_generator": "vedette.sdk.trace.id_generator",
    "opentelemetry.sdk.resources": "vedette.sdk.resources",
    "opentelemetry.sdk.util": "vedette.sdk.util",
    "opentelemetry.sdk.util.instrumentation": "vedette.sdk.util.instrumentation",
    "opentelemetry.exporter.otlp.proto.http": "vedette.exporter.otlp.proto.http",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter": (
        "vedette.exporter.otlp.proto.http.trace_exporter"
    ),
    "opentelemetry.exporter.otlp.proto.grpc.trace_exporter": (
        "vedette.exporter.otlp.proto.grpc.trace_exporter"
    ),
}
# Deprecated since 1.4; what upstream's module keeps for itself: its logger, Windows, psutil.
LEFT_OUT = {
    "opentelemetry.sdk.util.BoundedDict",
    "opentelemetry.sdk.resources.psutil",
    "opentelemetry.sdk.resources.winreg",
}
# Their own __init__ takes the pieces a tracer puts together; ours are made natively, as upstream's should be.
MADE_BY_OTHERS = {"Span", "Tracer"}
# Ways of saying it that upstream's signature has and nobody can pass: overloads and internals.
PRIVATE_PARAMETERS = {"_transport"}


def public_names(module):
    """What the module's own text defines, not what it has imported."""
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        else:
            names = []
        yield from (name for name in names if not name.startswith("_") and name != "logger")


ROWS = [
    pytest.param(theirs, ours, name, id=f"{theirs}.{name}")
    for theirs, ours in MODULES.items()
    for name in public_names(importlib.import_module(theirs))
    if f"{theirs}.{name}" not in LEFT_OUT
]


@pytest.mark.parametrize(("theirs", "ours", "name"), ROWS)
def test_is_here(theirs, ours, name):
    expected = getattr(importlib.import_module(theirs), name)
    assert hasattr(importlib.import_module(ours), name), f"{ours} has no {name}"
    found = getattr(importlib.import_module(ours), name)
    if inspect.isclass(expected):
        assert inspect.isclass(found)
        for member, value in vars_of(expected):
            assert hasattr(found, member), f"{name} has no {member}"
            if callable(value) and not inspect.isclass(value):
                takes_as_much(value, getattr(found, member), f"{name}.{member}")
        if name not in MADE_BY_OTHERS:
            takes_as_much(expected, found, name)
    elif callable(expected):
        takes_as_much(expected, found, name)
    elif isinstance(expected, (str, int)):
        assert found == expected


def vars_of(cls):
    for base in cls.__mro__:
        if base.__module__.startswith("opentelemetry.sdk"):
            for name, value in vars(base).items():
                if not name.startswith("_"):
                    yield name, value


def takes_as_much(expected, found, where):
    try:
        wanted = inspect.signature(expected).parameters
    except (TypeError, ValueError):
        return
    try:
        given = inspect.signature(found).parameters
    except (TypeError, ValueError):  # native: says its parameters in its docstring
        text = inspect.getdoc(found) or ""
        missing = [n for n in wanted if n not in ("self", "args", "kwargs") and n not in text]
        assert not missing, f"{where}: {missing} not in {text!r}"
        return
    names = [n for n in wanted if n not in PRIVATE_PARAMETERS | {"self"}]
    anything = any(p.kind is p.VAR_KEYWORD for p in given.values())
    positional = [n for n, p in given.items() if p.kind is p.POSITIONAL_OR_KEYWORD and n != "self"]
    expected_positional = [
        n for n in names if wanted[n].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]
    for name in names:
        if wanted[name].kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            continue
        assert name in given or anything, f"{where} does not take {name}"
        if name in given and wanted[name].default is not inspect.Parameter.empty:
            assert given[name].default is not inspect.Parameter.empty, f"{where} insists on {name}"
    if not anything:
        assert positional[: len(expected_positional)] == expected_positional, where


def test_a_span_takes_its_arguments_by_name():
    """inspect cannot say so of native methods before Python 3.13."""
    provider = importlib.import_module("vedette.sdk.trace").TracerProvider(shutdown_on_exit=False)
    span = provider.get_tracer("t").start_span(name="a")
    span.set_attribute(key="one", value=1)
    span.set_attributes(attributes={"two": 2})
    span.add_event(name="e", attributes={}, timestamp=1)
    span.add_link(context=span.get_span_context(), attributes={})
    span.update_name(name="b")
    span.set_status(status=StatusCode.ERROR, description="d")
    span.record_exception(exception=ValueError(), attributes={}, timestamp=1, escaped=False)
    span.end(end_time=2)
    assert (span.name, dict(span.attributes), span.end_time) == ("b", {"one": 1, "two": 2}, 2)
    assert [event.name for event in span.events] == ["e", "exception"]
