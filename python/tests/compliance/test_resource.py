"""Section "Resource"."""

import logging
import time

import pytest
from rows import row
from vedette.sdk import resources
from vedette.sdk.resources import Resource, ResourceDetector, get_aggregated_resources

SECTION = "Resource"


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for name in ("RESOURCE_ATTRIBUTES", "SERVICE_NAME", "EXPERIMENTAL_RESOURCE_DETECTORS"):
        monkeypatch.delenv(f"OTEL_{name}", raising=False)


@row(SECTION, "Create from Attributes", "Retrieve attributes")
def test_create():
    resource = Resource.create({"service.name": "shop", "k": [1, 2]}, "https://s/1")
    assert resource.attributes["service.name"] == "shop" and resource.attributes["k"] == (1, 2)
    assert resource.attributes["telemetry.sdk.language"] == "python"
    assert resource.schema_url == "https://s/1"
    assert dict(Resource({"a": 1}).attributes) == {"a": 1}
    with pytest.raises(TypeError):
        resource.attributes["k"] = 2


@row(SECTION, "Create empty")
def test_empty():
    assert (dict(Resource.get_empty().attributes), Resource.get_empty().schema_url) == ({}, "")


@row(SECTION, "Merge (v2)")
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (({"a": 1, "b": 1}, ""), ({"b": 2}, ""), ({"a": 1, "b": 2}, "")),
        (({"a": 1}, "x"), ({"a": ""}, ""), ({"a": ""}, "x")),
        (({}, ""), ({"a": 1}, "x"), ({"a": 1}, "x")),
        (({"a": 1}, "x"), ({"a": 2}, "x"), ({"a": 2}, "x")),
        (({"a": 1}, "x"), ({"a": 2}, "y"), ({"a": 1}, "x")),  # an error, said; the first stays
    ],
)
def test_merge(caplog, old, new, expected):
    assert Resource(*old).merge(Resource(*new)) == Resource(*expected)
    assert ("incompatible" in caplog.text) == (old[1] == "x" and new[1] == "y")


@row(SECTION, "Default value for service.name")
def test_service_name(monkeypatch):
    def name(**given):
        return Resource.create(given).attributes["service.name"]

    assert name().startswith("unknown_service:python")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=general")
    assert name() == "general"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "special")
    assert name() == "special"
    assert name(**{"service.name": "in code"}) == "in code"


class Zone(ResourceDetector):
    def detect(self):
        return Resource({"zone": "a", "service.name": "detected"})


class Broken(ResourceDetector):
    def detect(self):
        raise RuntimeError("no metadata server")


@row(SECTION, "Resource detector interface/mechanism")
def test_detectors(monkeypatch, caplog):
    def by_name(name):
        return {"zone": Zone, "broken": Broken}[name]()

    own = resources._detector
    monkeypatch.setattr(
        resources, "_detector", lambda n: own(n) if n in resources._OWN_DETECTORS else by_name(n)
    )
    monkeypatch.setenv(
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "zone, broken,missing,process,os,host"
    )
    monkeypatch.setenv("OTEL_SERVICE_NAME", "environment")
    found = Resource.create({"k": 1}).attributes
    assert (found["zone"], found["service.name"], found["k"]) == ("a", "environment", 1)
    assert found["os.type"] == "linux" and found["process.pid"] > 0 and found["host.name"]
    assert found["service.instance.id"]
    assert "no metadata server" in caplog.text and "missing" in caplog.text
    with pytest.raises(RuntimeError, match="no metadata server"):
        get_aggregated_resources([Broken(raise_on_error=True)], Resource.get_empty())


@row(SECTION, "Resource detector interface/mechanism")
def test_slow_detector_is_left_out(caplog):
    class Slow(ResourceDetector):
        def detect(self):
            time.sleep(60)  # on a daemon thread, which nobody waits for

    with caplog.at_level(logging.WARNING):
        found = get_aggregated_resources([Slow(), Zone()], Resource({"a": 1}), timeout=0.05)
    assert found.attributes == {"a": 1, "zone": "a", "service.name": "detected"}
    assert "longer than" in caplog.text


@row(SECTION, "Resource detectors populate Schema URL")
@pytest.mark.parametrize("name", ["process", "os", "host"])
def test_detectors_say_their_schema(monkeypatch, name):
    found = resources._OWN_DETECTORS[name]().detect()
    assert found.attributes and found.schema_url == resources.SCHEMA_URL
    monkeypatch.setenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", name)
    assert Resource.create({"k": 1}).schema_url == resources.SCHEMA_URL
    mine = Resource.create({"k": 1}, "https://mine/1")  # wins, and loses nothing
    assert mine.schema_url == "https://mine/1" and mine.attributes.keys() > found.attributes.keys()
