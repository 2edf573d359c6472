import logging

import pytest
from metric_setup import Setup
from rows import PROOFS


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "row(section, names): the rows of the matrix that a test proves"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Before anything is deselected: (section, name) -> ids of the tests that prove the row."""
    proofs: dict[tuple[str, str], list[str]] = {}
    for item in items:
        for mark in item.iter_markers("row"):
            section, names = mark.args
            for name in names:
                proofs.setdefault((section, name), []).append(
                    f"{item.path.name}::{item.originalname}"
                )
    config.stash[PROOFS] = (
        proofs,
        {item.path.name for item in items if item.path.parent.name == "compliance"},
    )


@pytest.fixture
def setup():
    return Setup()


@pytest.fixture
def warned(caplog):
    caplog.set_level(logging.WARNING)
    return lambda: [r.getMessage() for r in caplog.records]
