"""Settings of the suite: the engine in the header, a seeded generator, and slow tests only with `--slow`."""

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.rules.later  # registers every rule, because tests are parametrised by their names

from .support.threads import switching_every


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
def switch_often():
    """Let threads take turns as often as possible."""
    with switching_every(1e-6):
        yield


@pytest.fixture
def rng():
    return np.random.default_rng(20240217)
