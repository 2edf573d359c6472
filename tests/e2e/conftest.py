"""Starts the real server on free ports with a folder of its own, and stops it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for all tests of a file."""
    running = Server(tmp_path_factory.mktemp("data"))
    yield running
    running.stop()


@pytest.fixture
def own_server(tmp_path):
    """A server for one test alone, which may kill it."""
    running = Server(tmp_path / "data")
    yield running
    running.stop()
