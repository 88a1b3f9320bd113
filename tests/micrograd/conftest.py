"""The two Values, and each with its class of programs, as fixtures."""

import pytest

import fastgrad as fg
from fastgrad.micrograd import engine, program_python, value_python

VALUES = [pytest.param(value_python.Value, id="python")]
if fg.engine == "cython":
    VALUES.append(pytest.param(engine.Value, id="compiled"))


@pytest.fixture(params=VALUES)
def Value(request):
    return request.param


PAIRS = [pytest.param((value_python.Value, program_python.Program), id="python")]
if fg.engine == "cython":
    PAIRS.append(pytest.param((engine.Value, engine.Program), id="compiled"))


@pytest.fixture(params=PAIRS)
def pair(request):
    return request.param
