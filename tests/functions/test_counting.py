"""bincount, histogram, linspace, logspace, geomspace."""

import numpy as np
import pytest

import fastgrad as fg
from tests.functions.against_numpy import compare, compare_errors, compare_values, table_test

rng = np.random.default_rng(8)
V, W, M = rng.normal(size=6), rng.normal(size=6), rng.normal(size=(2, 3))
N = np.array([0, 3, 1, 3, 0, 5])
LOW, HIGH = rng.uniform(1, 2, 3), rng.uniform(3, 4, (2, 3))
Z = V + 1j * W
COUNTED = V.tolist()  # no gradient with respect to these

CALLS = [
    ("bincount", (N, W), {}), ("bincount", (N, W, 9), {}), ("bincount", (N,), {"weights": None, "minlength": 3}),
    ("histogram", (COUNTED, 4, None, None, W), {}),
    ("histogram", (COUNTED,), {"bins": 3}),
    ("histogram", (COUNTED, np.array([-1, 0, 1]), None, True, W), {}),
    ("histogram", (COUNTED, 3, (-1, 1), False, Z), {}),
    ("histogram", (COUNTED, 5, None, True, np.abs(W)), {}), ("histogram", ([], 2, (0, 1), None, W[:0]), {}),
    ("linspace", (LOW, HIGH), {}), ("linspace", (np.array(1.5), 3, 4), {}), ("linspace", (LOW, HIGH, 5), {"axis": -1}),
    ("linspace", (LOW, 9.0, 5), {"endpoint": False, "retstep": True}),
    ("linspace", (Z[:3], LOW, 3), {"axis": 1}),
    ("logspace", (LOW, HIGH, 4), {}), ("logspace", (np.array(0.5), 2.0, 5), {"base": 2.0, "endpoint": False}),
    ("logspace", (LOW, HIGH, 4), {"base": np.array([2.0, 3.0, 4.0]), "axis": -1}),
    ("logspace", (1, 3, 3), {"dtype": int}),
    ("geomspace", (LOW, HIGH, 4), {}), ("geomspace", (-LOW, -HIGH, 5), {"axis": 1}),
    ("geomspace", (LOW, 9.0, 3), {"endpoint": False}),
    ("geomspace", (np.array(1 + 1j), np.array(-2 + 1j), 4), {}), ("geomspace", (1, 1000, 4), {}),
    ("geomspace", ([1, 2], [4.0, 5.0], 3), {}),
    ("geomspace", (LOW, HIGH, 1), {}),
]  # fmt: skip


CONSTANT = [
    ("bincount", (N[:0], W[:0]), {}),
    ("linspace", (LOW, 9.0, 1), {"retstep": True}),
    ("linspace", (LOW, HIGH, 4), {"dtype": np.float32}),
]


test_values_and_gradients = table_test(compare, CALLS)
test_values_alone = table_test(compare_values, CONSTANT)


test_errors_are_numpys = table_test(compare_errors, [
    ("bincount", ([-1], W[:1]), {}), ("bincount", (N, W[:2]), {}), ("bincount", (V, W), {}),
    ("histogram", (V, [1, 0], None, None, W), {}),
    ("histogram", (COUNTED, 3, None, None, W[:2]), {}), ("histogram", (COUNTED, 0), {}),
    ("geomspace", (LOW, 0.0), {}), ("linspace", (LOW, M[:, :2]), {}),
    ("linspace", (LOW, HIGH, -1), {}), ("logspace", (LOW, HIGH, 0.5), {}),
])  # fmt: skip


def test_edges_of_a_differentiated_array():
    for params in {"bins": 4}, {"range": (-1, 1)}, {"density": True}, {"bins": [-1, 0, 1], "density": True}:
        compare_values("histogram", (V,), params)
    compare_values("histogram", (np.ones(3),), {"bins": 2})
    compare_values("histogram", (V[:0],), {"bins": 2})
    fg.testing.check_grads(lambda x: fg.histogram(x, 3)[1], (V,))
    fg.testing.check_grads(lambda x, w: fg.histogram(x, 3, weights=w, density=True)[0], (V, np.abs(W)))
    fg.testing.check_grads(lambda e: fg.histogram(V, e, density=True)[0], (np.array([-1.1, 0.1, 1.3]),))
    fg.testing.check_grads(lambda s: fg.histogram(V, 3, (-s, 2 * s), True)[0], (np.array(1.2),))
    x = fg.tensor(V, requires_grad=True)
    assert not fg.histogram(x)[0].requires_grad
    with pytest.raises(fg.NotDifferentiableError, match=r"fg\.histogram with bins="):
        fg.histogram(x, "auto")


def test_the_gradient_flows_to_the_base():
    fg.testing.check_grads(lambda b: fg.logspace(0.5, 2.0, 4, base=b), (np.array(3.0),))
