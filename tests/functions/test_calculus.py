"""correlate, interp, trapezoid, gradient, unwrap, and convolve."""

import numpy as np

import fastgrad as fg
from tests.functions.against_numpy import compare, compare_errors, table_test

rng = np.random.default_rng(3)
V, W, M, A = (rng.normal(size=shape) for shape in ((5,), (3,), (3, 4), (3, 4, 3)))
Z = V + 1j * rng.normal(size=5)
X = np.cumsum(rng.uniform(0.5, 1.5, 5))
P = np.cumsum(rng.uniform(0.5, 1.5, 4))
FP = rng.normal(size=5)
EVEN = rng.normal(size=4)
MODES = ("valid", "same", "full")
PAIRS = ((V, W), (W, V), (EVEN, V), (V, EVEN), (Z, W), (W, Z))
ANGLES = np.array([0.1, 3.0, 6.1, 12.9, 5.0, -0.4])

CALLS = [
    *(("correlate", (a, b, mode), {}) for mode in MODES for a, b in PAIRS),
    ("correlate", (V, W), {}), ("convolve", (V, W), {}), ("convolve", (Z, W, "same"), {}),
    ("convolve", (np.arange(3), np.arange(2)), {}), ("convolve", (2.0, W), {"mode": "valid"}),
    ("interp", (V, X, FP), {}), ("interp", (M, X, FP, 1.0), {}), ("interp", (2.5, X, FP), {"right": 2.0}),
    ("interp", (V, X, Z), {}), ("interp", (V[:0], X, FP), {}), ("interp", (V * 5, X[::-1], FP), {"period": 2.3}),
    ("interp", (V * 5, X, FP), {"period": -7.0}), ("interp", (X[:4] + 0.1, X, FP, np.array(0.5), np.array(0.25)), {}),
    ("trapezoid", (V,), {}), ("trapezoid", (M, P), {}), ("trapezoid", (M, M[:, 0]), {"axis": 0}),
    ("trapezoid", (M, M), {}), ("trapezoid", (P, M), {}), ("trapezoid", (A[0], A), {"axis": -2}),
    ("trapezoid", (M,), {"dx": 0.5, "axis": 0}), ("trapezoid", (M[:, :0],), {}), ("trapezoid", (A, P), {"axis": 1}),
    ("gradient", (V,), {}), ("gradient", (M,), {}), ("gradient", (V, 0.5), {}), ("gradient", (V, X), {}),
    ("gradient", (M, 0.5, P), {"edge_order": 2}), ("gradient", (M,), {"axis": 0}), ("gradient", (A,), {"axis": (0, 1)}),
    ("gradient", (A, 0.25), {"edge_order": 2, "axis": (2, 0)}), ("gradient", (V, X), {"edge_order": 2}),
    ("gradient", (V, np.arange(5)), {"edge_order": 2}), ("gradient", (np.arange(5) ** 2,), {}),
    ("gradient", (V[:2],), {}),
    ("gradient", (V[:2], X[:2]), {}), ("gradient", (V.astype(np.float32), 2.0), {}), ("gradient", (Z,), {}),
    ("unwrap", (ANGLES,), {}), ("unwrap", (ANGLES.reshape(2, 3),), {"axis": 0}), ("unwrap", (ANGLES, 4.0), {}),
    ("unwrap", (ANGLES,), {"period": 2.5}), ("unwrap", (np.array([0, 3, 7]),), {"period": 4}), ("unwrap", (V[:0],), {}),
]  # fmt: skip


test_values_and_gradients = table_test(compare, CALLS)


test_errors_are_numpys = table_test(compare_errors, [
    ("correlate", (V[:0], W), {}), ("correlate", (2.0, W), {}), ("correlate", (M, W), {}),
    ("correlate", (V, W, "x"), {}), ("convolve", (V, M), {}),
    ("convolve", (V, W[:0]), {}), ("interp", (V, X, FP[:3]), {}), ("interp", (V, X[:0], FP[:0]), {}),
    ("interp", (V, X, FP), {"period": 0}), ("interp", (V, M, M), {"period": 1}),
    ("interp", (V, X, FP[:3]), {"period": 1}),
    ("interp", (Z, X, FP), {}), ("trapezoid", (V, W), {}), ("trapezoid", (V,), {"axis": 1}), ("gradient", (V[:1],), {}),
    ("gradient", (V[:2],), {"edge_order": 2}), ("gradient", (V,), {"edge_order": 3}),
    ("gradient", (M, 1.0, 2.0, 3.0), {}),
    ("gradient", (V, W), {}), ("gradient", (V, M), {}), ("gradient", (M,), {"axis": (0, 0)}),
    ("unwrap", (V,), {"axis": 1}),
])  # fmt: skip


def test_the_gradient_flows_to_distances_and_periods():
    fg.testing.check_grads(lambda y, h: fg.trapezoid(y, dx=h), (V, np.array(0.5)))
    fg.testing.check_grads(lambda y, h: fg.gradient(y, h, edge_order=2), (V, np.array(0.5)))
    fg.testing.check_grads(lambda y, x: fg.gradient(y, x), (V, np.arange(5.0)))  # equal distances
    fg.testing.check_grads(lambda p: fg.interp(V * 5, X, FP, period=p), (np.array(7.0),))
    fg.testing.check_grads(lambda y, p: fg.unwrap(y, period=p), (ANGLES, np.array(6.3)))


def test_interpolation_at_its_points_has_the_slope_to_the_right():
    x = fg.tensor([0.0, 1.0, 2.0, -1.0, 3.0], requires_grad=True)
    fp = fg.tensor([0.0, 1.0, 4.0], requires_grad=True)
    gx, gfp = fg.gradients(fg.interp(x, [0.0, 1.0, 2.0], fp).sum(), [x, fp])
    assert gx.tolist() == [1, 3, 3, 0, 0] and gfp.tolist() == [2, 1, 2]
    gfp = fg.gradients(fg.interp(1.0, [0.0, 1.0, 1.0], fp), fp)[0]  # two points at one place
    assert np.isfinite(gfp.numpy()).all() and gfp.numpy().sum() == 1
