"""reshape and ravel with `order=`; array, r_ and c_."""

import numpy as np
import pytest

import fastgrad as fg
from tests.functions.against_numpy import compare, compare_errors, table_test

A = np.random.default_rng(11).normal(size=(2, 3, 4))

CALLS = [
    ("reshape", (A, (4, 6)), {"order": "F"}), ("reshape", (A, (-1, 3)), {"order": "F"}),
    ("reshape", (A, (6, 4)), {"order": "A"}),
    ("ravel", (A,), {"order": "F"}), ("ravel", (A, "A"), {}), ("ravel", (A, "K"), {}),
    ("ravel", (A[:0],), {"order": "F"}),
    ("reshape", (A[:0], (0, 5)), {"order": "F"}), ("ravel", (A[0, 0],), {"order": "F"}),
]  # fmt: skip


test_values_and_gradients = table_test(compare, CALLS)


@pytest.mark.parametrize("order", ["C", "F", "A", "K"])
def test_arrays_in_other_orders_in_memory(order):
    for x in A.T, np.asfortranarray(A), A.transpose(1, 0, 2), A[:, ::-1], A[..., ::2]:
        t = fg.asarray(x).requires_grad_()
        for got in fg.ravel(t, order), t.ravel(order), np.ravel(t, order):
            np.testing.assert_array_equal(got.detach().numpy(), np.ravel(x, order))
        if order != "K":
            for got in fg.reshape(t, -1, 2, order=order), np.reshape(t, (-1, 2), order=order):
                np.testing.assert_array_equal(got.detach().numpy(), np.reshape(x, (-1, 2), order=order))


test_errors_are_numpys = table_test(compare_errors, [
    ("reshape", (A, (5, 5)), {"order": "F"}), ("reshape", (A, 24), {"order": "K"}), ("ravel", (A,), {"order": "X"}),
])  # fmt: skip


def test_array_takes_lists_of_tensors():
    x = fg.tensor(2.0, requires_grad=True)
    y = fg.array([[x, 1.0], [x * x, 3.0]], ndmin=3)
    assert y.shape == (1, 2, 2) and fg.gradients(y.sum(), x)[0].item() == 5
    a = np.array([1, 2])
    assert fg.array(a, float).dtype == float and fg.array(7).shape == () and fg.array([[1, 2]]).dtype == int
    assert np.shares_memory(fg.array(a, copy=None).numpy(), a) and not np.shares_memory(fg.array(a).numpy(), a)


def test_r_and_c():
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    for got, wanted in (
        (fg.r_[x, 0, 3:5], [1, 2, 0, 3, 4]), (fg.c_[x, [5, 6]], [[1, 5], [2, 6]]),
        (fg.r_["0,2", x, x], [[1, 2], [1, 2]]),
        (fg.r_[1:3, 7], [1, 2, 7]), (fg.r_[0:1:3j], [0, 0.5, 1]),
    ):  # fmt: skip
        assert isinstance(got, fg.Tensor) and got.tolist() == wanted
    assert fg.gradients(fg.r_[x * x, 1.0].sum(), x)[0].tolist() == [2, 4] and repr(fg.c_) == "<fastgrad.c_>"
