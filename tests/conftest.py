"""What all tests share: the engine in the header, seeded numbers, and slow tests only when asked for."""

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.rules.later  # the whole table, before the tests are named after it


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="run the tests marked slow as well")


def pytest_report_header(config):
    return f"fastgrad {fg.__version__}, engine: {fg.engine}, NumPy {np.__version__}"


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--slow"):
        skip = pytest.mark.skip(reason="slow: runs with --slow")
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(skip)


@pytest.fixture
def rng():
    return np.random.default_rng(20240217)
