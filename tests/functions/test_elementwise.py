"""modf, frexp, real_if_close, nan_to_num and around: results that depend on the values, or are several."""

import numpy as np
import pytest

import fastgrad as fg
from tests.functions.against_numpy import compare_errors, compare_gradients, compare_values

X = np.array([[0.6, -1.75, 3.25], [-0.3, 100.7, 1e-300]])
SPECIAL = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324])

CALLS = [
    ("modf", (X,), {}), ("modf", (SPECIAL,), {}), ("modf", (X.astype(np.float32),), {}), ("modf", (X[:, :0],), {}),
    ("frexp", (X,), {}), ("frexp", (SPECIAL,), {}), ("frexp", (3,), {}), ("frexp", (X[0, :1].reshape(()),), {}),
    ("modf", (np.arange(3),), {}),
    ("real_if_close", (X + 1e-20j,), {}), ("real_if_close", (X + 1j,), {}), ("real_if_close", (X,), {}),
    ("real_if_close", (X + 1e-3j,), {"tol": 0.5}), ("nan_to_num", (SPECIAL,), {}), ("nan_to_num", (X,), {}),
    ("nan_to_num", (SPECIAL,), {"nan": 1.0, "posinf": 2.0, "neginf": -3.0}), ("around", (X, 1), {}),
    ("nan_to_num", (SPECIAL.repeat(2).view(complex),), {}), ("around", (X,), {"decimals": -1}),
    ("float_power", (np.float32([1, 2]), 2), {}), ("float_power", (np.arange(3), 0.5), {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "params"), CALLS)
def test_values_are_numpys(name, args, params):
    compare_values(name, args, params)


@pytest.mark.parametrize(("name", "args", "params"), [
    ("modf", (X[0],), {}), ("frexp", (X[0],), {}), ("real_if_close", (X + 1j,), {}),
    ("real_if_close", (X[0] + 1e-20j,), {}), ("nan_to_num", (X,), {}), ("nan_to_num", (X + 1j * X,), {}),
])  # fmt: skip
def test_gradients(name, args, params):
    compare_gradients(name, args, params)


@pytest.mark.parametrize(("name", "args", "params"), [
    ("modf", (X + 1j,), {}), ("frexp", (X + 1j,), {}), ("fmod", (X + 1j, 2.0), {}), ("cbrt", (X + 1j,), {}),
    ("fmax", (X, X[:, :2]), {}), ("sinc", ("x",), {}), ("i0", (X + 1j,), {}), ("ldexp", (X, X), {}),
    ("around", (X, 0.5), {}),
])  # fmt: skip
def test_errors_are_numpys(name, args, params):
    compare_errors(name, args, params)


def test_replaced_numbers_get_no_gradient_by_parts_of_a_complex_one():
    x = fg.tensor(SPECIAL, requires_grad=True)
    assert fg.gradients(fg.nan_to_num(x).sum(), x)[0].tolist() == [0, 0, 0, 1, 1]
    z = fg.tensor([complex(np.nan, 2), complex(3, np.inf)], requires_grad=True)
    (g,) = fg.gradients(fg.nan_to_num(z), z, np.array([1 + 2j, 3 + 4j]))
    assert g.tolist() == [2j, 3]


def test_nan_to_num_writes_into_its_argument_without_a_copy():
    x = fg.tensor(SPECIAL, requires_grad=True) * 1.0
    assert fg.nan_to_num(x, copy=False, nan=7.0) is x and x[0].item() == 7
    plain = SPECIAL.copy()
    fg.nan_to_num(plain, False)
    np.testing.assert_array_equal(plain, np.nan_to_num(SPECIAL))
