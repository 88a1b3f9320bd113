"""choose, insert, delete, diagflat, select, piecewise, compress, extract and resize."""

import numpy as np
import pytest

import fastgrad as fg
from tests.functions.against_numpy import compare, compare_errors, compare_values, table_test

rng = np.random.default_rng(4)
V, W, M = (rng.normal(size=shape) for shape in ((4,), (4,), (3, 4)))
SINGLE = V.astype(np.float32)

CALLS = [
    ("choose", (np.array([0, 1, 1, 0]), [V, W]), {}), ("choose", ([2, 0, 1, 0], M), {}), ("choose", (1, (V, W)), {}),
    ("choose", (np.array([[0], [1]]), [V, 2.0]), {}), ("choose", ([-1, 5, 0, 1], [V, W]), {"mode": "clip"}),
    ("choose", ([-1, 5, 0, 1], [V, W]), {"mode": "wrap"}), ("choose", (np.array([], int), [V[:0], W[:0]]), {}),
    ("insert", (V, 1, 2.0), {}), ("insert", (V, [1, 3], W[:2]), {}), ("insert", (M, 1, V, 0), {}),
    ("insert", (M, 0, 1.5), {"axis": 1}),
    ("insert", (M, slice(0, 2), W[:2, None].T, 1), {}), ("insert", (SINGLE, -1, 3), {}),

    ("insert", (np.arange(3), 1, 7), {}), ("delete", (V, 1), {}), ("delete", (M, [0, -1], 1), {}),
    ("delete", (M, slice(None, None, 2)), {}),
    ("delete", (M, M[0] > 0, 1), {}), ("diagflat", (M[:2, :2],), {}), ("diagflat", (V, 1), {}),
    ("diagflat", (2.0,), {"k": -1}), ("compress", ([0, 1, 1], M, 0), {}), ("compress", ([True, False], V), {}),
    ("compress", (np.array([1, 0, 1]), M), {"axis": 1}), ("extract", (M > 0, M), {}), ("extract", ([1, 0], V[:2]), {}),
    ("extract", (1, V[:2]), {}),
    ("resize", (V, (2, 3)), {}), ("sort_complex", (M,), {}), ("sort_complex", (M[0] + 1j * V,), {}),
    ("resize", (M, 5), {}), ("resize", (V, ()), {}),
    ("select", ([V > 0, V > -1], [V, W]), {}), ("select", ([V > 0], [V], 0.5), {}),
    ("select", ([V > 0], [SINGLE], 0.5), {}),
    ("select", ([M > 0, M > -1], [V, 2]), {"default": np.array(0.5)}), ("select", ([V > 0, V < 0], [1, 2]), {}),
    ("select", ([np.array(True), V > 0], [V, W]), {}), ("select", ([V[:0] > 0], [V[:0]]), {}),
    ("piecewise", (V, [V > 0, V < -0.5], [lambda x: x * x, 2.0]), {}),
    ("piecewise", (V, [V > 0], [np.exp, lambda x: -x]), {}),
    ("piecewise", (V, V > 0, [lambda x, k: x * k, 1], 3.0), {}),
    ("piecewise", (np.array(0.5), [True], [lambda x: x * x]), {}),
    ("piecewise", (M, [M > 0], [lambda x, power: x**power]), {"power": 3}),
]  # fmt: skip


# Of elements that the result does not depend on, or that are zeros where it jumps.
CONSTANT = [
    ("delete", (V[:0], []), {}),
    ("resize", (V[:0], 3), {}),
    ("piecewise", (V, [V > 9], [np.exp]), {}),
]


test_values_and_gradients = table_test(compare, CALLS)
test_values_alone = table_test(compare_values, CONSTANT)


test_errors_are_numpys = table_test(compare_errors, [
    ("choose", ([0, 2], [V[:2], W[:2]]), {}), ("choose", ([0, -1], [V[:2], W[:2]]), {}), ("choose", ([0.5], [V]), {}),
    ("choose", ([0, 1], [V, W]), {}), ("insert", (V, 9, 1.0), {}), ("insert", (V, [0, 1], W[:3]), {}),
    ("insert", (M, 0, 1.0, 2), {}),
    ("insert", (V, 0.5, 1.0), {}), ("delete", (V, 4), {}), ("delete", (M, 0, 2), {}), ("delete", (V, 1.5), {}),
    ("compress", ([[1, 0]], M), {}), ("compress", ([1, 1, 1, 1], M, 0), {}), ("compress", ([1], M, 2), {}),
    ("resize", (V, -1), {}),
    ("select", ([], []), {}), ("select", ([V > 0], [V, W]), {}), ("select", ([V], [V]), {}),
    ("select", ([V > 0], [M.T]), {}),
    ("piecewise", (V, [V > 0], [1, 2, 3]), {}), ("piecewise", (V, [V[:2] > 0], [1]), {}),
])  # fmt: skip


def test_a_function_of_piecewise_may_read_other_tensors():
    fg.testing.check_grads(lambda x, s: fg.piecewise(x, [V > 0], [lambda v: v * s, s]), (V, np.array(0.7)))


def test_select_of_one_tensor_is_pytorchs():
    x = fg.tensor(M)
    assert fg.select(x, 1, 2).tolist() == fg.select(x, dim=1, index=2).tolist() == M[:, 2].tolist()


@pytest.mark.filterwarnings("ignore:in the future insert:FutureWarning")  # of NumPy before 2.1
def test_insert_at_a_mask():
    compare_values("insert", (V, V > 0, 1.0), {})
