"""polyval, polyadd, polysub, polymul, polydiv, polyder, polyint, poly, roots and polyfit."""

import numpy as np
import pytest

import fastgrad as fg
from tests.functions.against_numpy import compare, compare_errors, compare_gradients, compare_values, table_test

rng = np.random.default_rng(5)
P, Q, X = (rng.normal(size=shape) for shape in ((4,), (2,), (2, 3)))
Z = P + 1j * rng.normal(size=4)

CALLS = [
    ("polyval", (P, X), {}), ("polyval", (P, 2.0), {}), ("polyval", (Z, X), {}), ("polyval", ([1.0, 2.0], X), {}),
    ("polyval", (rng.normal(size=(3, 2)), Q), {}), ("polyval", (P[:0], X), {}),
    ("polyval", (P.astype(np.float32), 2), {}),
    ("polyadd", (P, Q), {}), ("polyadd", (Q, P), {}), ("polyadd", (P, 2.0), {}), ("polysub", (P, Q), {}),
    ("polysub", (Q, Z), {}),
    ("polymul", (P, Q), {}),
    ("polymul", (Z, 2.0), {}), ("polyder", (P,), {}), ("polyder", (P, 2), {}), ("polyder", (Q, 3), {}),
    ("polyder", (P, 0), {}),
    ("polyint", (P,), {}), ("polyint", (P, 2), {}), ("polyint", (P, 2), {"k": 1.5}), ("polyint", (P, 2, Q), {}),
    ("polyint", (P, 0), {}), ("polyint", (np.arange(3),), {}), ("polyder", (np.arange(3),), {}),
]  # fmt: skip


# Of elements that the result does not depend on, or that are zeros where it jumps.
CONSTANT = [
    ("polymul", (np.array([0.0, 0, 1.5, 2]), Q), {}),
    ("polymul", (np.zeros(2), Q), {}),
    ("polymul", (P[:0], Q), {}),
]


test_values_and_gradients = table_test(compare, CALLS)
test_values_alone = table_test(compare_values, CONSTANT)


test_errors_are_numpys = table_test(compare_errors, [
    ("polyder", (P, -1), {}), ("polydiv", (np.ones((3, 2)), Q), {}), ("polyint", (P, -1), {}),
    ("polyint", (P, 3), {"k": [1.0, 2.0]}),
])  # fmt: skip


T = np.array([-1.0, 0.3, 0.9, 2.0, 2.5, 3.1])
Y = rng.normal(size=(6, 2))
W = rng.uniform(0.5, 2, 6)

FITTED = [
    ("polydiv", (P, Q), {}), ("polydiv", (Q, P), {}), ("polydiv", (Z, Q), {}), ("polydiv", (np.arange(1, 5), 2.0), {}),
    ("poly", (P,), {}), ("poly", (Z,), {}), ("poly", (np.diag(P) + 0.1,), {}),
    ("polyfit", (T, Y[:, 0], 2), {}), ("polyfit", (T, Y, 1), {"w": W}), ("polyfit", (T, Y[:, 0], 2), {"cov": True}),
    ("polyfit", (T, Y, 1), {"cov": "unscaled"}), ("polyfit", (T, Y, 3), {"cov": True, "w": W}),
    ("roots", (np.array([1.0, -6.0, 11.0, -6.0]),), {}), ("roots", (np.array([2.0, 1.0, 3.0]),), {}),
    ("roots", (Z,), {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "params"), FITTED)
def test_fits_and_roots(name, args, params):
    compare_values(name, args, params, rounding=1e-12)
    compare_gradients(name, args, params)


@pytest.mark.parametrize(("name", "args", "params"), [
    ("roots", (np.array([0, 0, 1.0, 2, 0, 0]),), {}), ("roots", (np.zeros(2),), {}), ("roots", (np.array([3.0]),), {}),
    ("roots", (np.array([1, -3, 2]),), {}), ("poly", (np.array([1 + 1j, 1 - 1j]),), {}), ("poly", ([1, 2],), {}),
    ("polydiv", (np.array([1.0, 0, -1]), np.array([1.0, 1])), {}),
])  # fmt: skip
def test_zeros_and_conjugates(name, args, params):
    compare_values(name, args, params)


def test_a_fit_with_all_results():
    for got, wanted in zip(fg.polyfit(T, Y, 1, full=True), np.polyfit(T, Y, 1, full=True), strict=True):
        np.testing.assert_allclose(np.asarray(got), wanted, rtol=1e-12)
    with pytest.warns(np.exceptions.RankWarning):
        fg.polyfit(np.ones(3), np.ones(3), 2)


@pytest.mark.parametrize(("name", "args", "params"), [
    ("roots", (X,), {}), ("poly", (X,), {}), ("polyfit", (T, Y, -1), {}), ("polyfit", (Y, Y, 1), {}),
    ("polyfit", (T, Y[:3], 1), {}), ("polyfit", (T, Y, 1), {"w": W[:2]}), ("polyfit", (T[:0], T[:0], 1), {}),
    ("polyfit", (T[:2], T[:2], 1), {"cov": True}),
])  # fmt: skip
def test_errors_of_fits(name, args, params):
    compare_errors(name, args, params)


def test_a_polynomial_object_has_no_place_in_a_tensor():
    with pytest.raises(fg.errors.DTypeError, match="poly1d"):
        fg.polyval(fg.tensor(P), np.poly1d([1.0, 2.0]))
