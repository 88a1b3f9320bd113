"""Without NumPy's inner loops, as if a later NumPy had changed them, results agree to the last digits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastgrad as fg

WORK = """
import numpy as np
import fastgrad as fg
from fastgrad import core

assert {name.partition(":")[0] for name in core.loops_in_use()} == {"matmul"}, core.loops_in_use()
rng = np.random.default_rng(5)
for dtype, digits in ((np.float64, 1e-13), (np.float32, 1e-5)):
    for shape in ((), (3, 5), (2, 1500)):
        a = rng.uniform(0.5, 2, shape).astype(dtype)
        x = fg.tensor(a, requires_grad=True)
        assert x.sum().item() == a.sum()
        y = x.exp() + x.log1p() * x.tanh() - x**2 / x.sqrt() + fg.cos(x) * fg.sin(x) + x.softplus() + fg.maximum(x, 1)
        wanted = np.exp(a) + np.log1p(a) * np.tanh(a) - a**2 / np.sqrt(a) + np.cos(a) * np.sin(a)
        wanted = wanted + np.log1p(np.exp(a)) + np.maximum(a, 1)
        np.testing.assert_allclose(y.numpy(), wanted, rtol=100 * digits)
        total = y.sum() + x.mean() + x.max() + x.min() + (x.softmax().square().sum() if shape else 0)
        (by_rule,) = fg.gradients(total, x, create_graph=True)
        (by_kernel,) = fg.gradients(total, x)
        assert by_kernel.dtype == dtype
        np.testing.assert_allclose(by_kernel.numpy(), by_rule.numpy(), rtol=100 * digits, atol=100 * digits)
for n in (*range(1, 40), 127, 128, 129, 255, 1000, 4097):  # in NumPy's order, whatever the length and the step
    for a in (rng.normal(size=(2, n)), rng.normal(size=(2, n)).astype(np.float32), rng.normal(size=(2, 2 * n))[:, ::2]):
        np.testing.assert_array_equal(fg.tensor(a).sum(axis=1).numpy(), np.ascontiguousarray(a).sum(axis=1))
x = fg.tensor([1.0, np.nan, 3.0])
assert np.isnan([x.max().item(), x.min().item(), x.sum().item()]).all()
"""


@pytest.mark.skipif(fg.engine != "cython", reason="the pure-Python engine calls no inner loops")
def test_loops_of_our_own_take_the_place_of_numpys():
    source = str(Path(fg.__file__).parents[1])
    environment = {**os.environ, "FASTGRAD_NO_NUMPY_LOOPS": "1", "PYTHONPATH": source}
    done = subprocess.run([sys.executable, "-c", WORK], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
