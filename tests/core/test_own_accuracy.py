"""Our own elementary functions against mpmath, over the whole range of doubles."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import fastgrad as fg

if fg.engine != "cython":
    pytest.skip("the pure-Python engine calls NumPy's functions", allow_module_level=True)
if find_spec("mpmath") is None:
    pytest.skip("needs mpmath", allow_module_level=True)

import mpmath

from tests.core.test_own_math import DISABLED
from tests.support.accuracy import error_in_ulps, worst_errors


@pytest.mark.slow
def test_no_function_is_off_by_an_ulp():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.support.accuracy", "1800"],
        env={**os.environ, "NPY_DISABLE_CPU_FEATURES": DISABLED, "FASTGRAD_NO_NUMPY_LOOPS": ""},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[1:4] for line in done.stdout.splitlines()[2:]]
    assert len(rows) == 14
    for name, error, at in rows:
        assert float(error) <= 1, (name, at)


def test_errors_are_measured():
    third = mpmath.mpf(1) / 3
    assert error_in_ulps(1 / 3, third) == pytest.approx(1 / 3)
    assert error_in_ulps(1 / 3 + 2**-54, third) == pytest.approx(2 / 3)
    assert error_in_ulps(float("inf"), mpmath.mpf("inf")) == 0
    assert error_in_ulps(1.0, mpmath.mpf("inf")) == float("inf")
    assert set(worst_errors(1, 9)) >= {"exp", "log", "sin", "cos"}
