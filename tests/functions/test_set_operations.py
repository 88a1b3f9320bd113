"""union1d, intersect1d, setxor1d and setdiff1d."""

import numpy as np
import pytest

import fastgrad as fg
from tests.functions.against_numpy import compare_gradients, compare_values

A, B = np.array([[3.0, 1.0], [2.5, 1.0]]), np.array([2.5, 7.0, 3.0, 0.5])
NAMES = ("union1d", "intersect1d", "setxor1d", "setdiff1d")


@pytest.mark.parametrize("name", NAMES)
def test_values(name):
    for args, params in (
        ((A, B), {}), ((B, A), {}), ((A[:, :0], B), {}), ((np.arange(4), np.array([2, 9])), {}), ((A, [3, 9]), {}),
        ((A.astype(np.float32), B), {}), ((A + 1j, B + 1j), {}), ((np.array([np.nan, 1, np.nan]), B), {}),
    ):  # fmt: skip
        compare_values(name, args, params)
    if name != "union1d":
        compare_values(name, (B, A.ravel()[:3]), {"assume_unique": True})
    compare_values("intersect1d", (A, B), {"return_indices": True})


@pytest.mark.parametrize("name", ["union1d", "setxor1d", "setdiff1d"])
def test_gradients(name):
    compare_gradients(name, (np.array([3.0, 1.0, 2.0]), np.array([5.0, 0.5])), {})


def test_the_first_of_equal_elements_gets_the_gradient():
    a, b = fg.tensor(A, requires_grad=True), fg.tensor(B, requires_grad=True)
    ga, gb = fg.gradients((fg.union1d(a, b) * np.arange(1.0, 6.0)).sum(), [a, b])
    assert ga.tolist() == [[4, 2], [3, 0]] and gb.tolist() == [0, 5, 0, 1]
    assert fg.gradients(np.intersect1d(a, b).sum(), a)[0].tolist() == [[1, 0], [1, 0]]
