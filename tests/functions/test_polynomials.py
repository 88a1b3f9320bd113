"""polyval, polyadd, polysub, polymul, polyder and polyint."""

import numpy as np
import pytest

import fastgrad as fg
from tests.functions.against_numpy import compare_errors, compare_gradients, compare_values

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
]


@pytest.mark.parametrize(("name", "args", "params"), CALLS)
def test_values_and_gradients(name, args, params):
    compare_values(name, args, params)
    compare_gradients(name, args, params)


@pytest.mark.parametrize(("name", "args", "params"), CONSTANT)
def test_values_alone(name, args, params):
    compare_values(name, args, params)


@pytest.mark.parametrize(("name", "args", "params"), [
    ("polyder", (P, -1), {}), ("polyint", (P, -1), {}), ("polyint", (P, 3), {"k": [1.0, 2.0]}),
])  # fmt: skip
def test_errors_are_numpys(name, args, params):
    compare_errors(name, args, params)


def test_a_polynomial_object_has_no_place_in_a_tensor():
    with pytest.raises(fg.errors.DTypeError, match="poly1d"):
        fg.polyval(fg.tensor(P), np.poly1d([1.0, 2.0]))
