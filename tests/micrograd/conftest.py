"""The two Values, as a fixture."""

import pytest

import fastgrad as fg
from fastgrad.micrograd import engine, value_python

VALUES = [pytest.param(value_python.Value, id="python")]
if fg.engine == "cython":
    VALUES.append(pytest.param(engine.Value, id="compiled"))


@pytest.fixture(params=VALUES)
def Value(request):
    return request.param
