"""Calls in NumPy's signature become calls of fastgrad's functions: both engines, and the binding in plain Python."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import counterparts
from fastgrad.call_plans import Plan

A = np.array([[0.3, 0.8, 0.5], [0.7, 0.2, 0.9]])


def bind(function, *args, **kwargs):
    return counterparts.numpy_function(function).plan.bind(args, kwargs)


def test_parameters_are_matched_by_name_and_operands_by_position():
    assert bind(np.sum, A, 0) == ([A], {"axis": 0}, {})
    assert bind(np.sum, a=A, axis=0, dtype=None, out=None) == ([A], {"axis": 0}, {})
    assert bind(np.clip, A, None, a_max=0.5) == ([A, None, 0.5], {}, {})
    assert bind(np.moveaxis, A, 0, destination=1) == ([A, 0, 1], {}, {})
    assert bind(np.reshape, A, (3, 2), order="C") == ([A], {"shape": (3, 2)}, {})


def test_what_fastgrad_does_not_have_is_named_unless_it_is_the_default():
    assert bind(np.add, A, 1, where=True, casting="same_kind", subok=False) == ([A, 1], {}, {})
    assert bind(np.add, A, 1, out=A, casting="no")[2] == {"out": A, "casting": "no"}
    assert bind(np.reshape, A, (3, 2), "F") == ([A], {"shape": (3, 2), "order": "F"}, {})
    assert bind(np.copy, A, "F") == ([A], {}, {})  # the memory order of a result is C


def test_defaults_of_numpy_are_passed_on_where_they_differ():
    def own(x, /, axis=-1, flag=True):
        return x, axis, flag

    def theirs(a, axis=None, flag=True):
        return a

    plan = Plan(theirs, own, "np.theirs")
    assert plan.bind((A,), {}) == ([A, None], {}, {}) or plan.bind((A,), {}) == ([A], {"axis": None}, {})
    assert plan.bind((A, 1), {}) == ([A, 1], {}, {})
    reduce = counterparts.numpy_function(np.add, "reduce")
    assert reduce.plan.bind((A,), {}) == ([A], {"axis": 0}, {})


def test_calls_that_numpy_refuses_have_no_arguments():
    for args, kwargs in (((), {}), ((A, 0, None, None, False, 0, True, 1), {}), ((A,), {"a": A}), ((A,), {"ax": 0})):
        assert bind(np.sum, *args, **kwargs) is None
        with pytest.raises(TypeError):
            np.sum(*(fg.tensor(x) if x is A else x for x in args), **kwargs)


CALLS = {
    "sum": lambda np, x: [np.sum(x), np.sum(x, 0), np.sum(x, axis=1, keepdims=True), np.sum(x, None, np.float32)],
    "var": lambda np, x: [np.var(x, 0, None, None, 1), np.var(x, axis=1, ddof=1), np.std(x, keepdims=True, axis=0)],
    "clip": lambda np, x: [np.clip(x, None, 0.5), np.clip(x, 0.4, 0.6), np.clip(x, a_min=0.4, a_max=None)],
    "cumsum": lambda np, x: [np.cumsum(x), np.cumsum(x, 1), np.add.accumulate(x), np.multiply.accumulate(x, axis=1)],
    "reduce": lambda np, x: [np.add.reduce(x), np.logaddexp.reduce(x, axis=1), np.maximum.reduce(x, 0)],
    "outer": lambda np, x: [np.multiply.outer(x, x[0]), np.subtract.outer(x[0], x), np.add.outer(x, 2.0)],
    "reshape": lambda np, x: [np.reshape(x, (3, 2)), np.reshape(x, -1), np.reshape(x, (6,), "C")],
    "roll": lambda np, x: [np.roll(x, 1), np.roll(x, 1, 0), np.roll(x, shift=(1, 2), axis=(0, 1))],
    "concatenate": lambda np, x: [np.concatenate((x, x), 1), np.concatenate([x, A], axis=None), np.stack([x, A], -1)],
    "trace": lambda np, x: [np.trace(x), np.trace(x, 1), np.diagonal(x, 0, 1, 0), np.trace(x, offset=-1)],
    "einsum": lambda np, x: [np.einsum("ij,kj->ik", x, x), np.einsum("ij->j", x, optimize=True)],
    "pad": lambda np, x: [np.pad(x, 1), np.pad(x, ((1, 0), (0, 1)), "constant", constant_values=2.0)],
    "meshgrid": lambda np, x: [*np.meshgrid(x[0], x[1]), *np.meshgrid(x[0], x[1], indexing="ij")],
    "broadcast_arrays": lambda np, x: [*np.broadcast_arrays(x, x[0])],
    "where": lambda np, x: [np.where(A > 0.5, x, 0.0), np.where(A > 0.5, 1, x)],
    "round": lambda np, x: [np.round(x, 1), np.round(x, decimals=1), np.around(x)],
    "full_like": lambda np, x: [np.full_like(x, x[0]), np.full_like(x, x[0, 0], dtype=np.float32)],
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_calls_of_numpys_functions_are_recorded_with_numpys_values(name):
    x = fg.tensor(A, requires_grad=True)
    for got, wanted in zip(CALLS[name](np, x), CALLS[name](np, A), strict=True):
        assert isinstance(got, fg.Tensor)
        assert got.requires_grad or name == "round"
        np.testing.assert_allclose(got.detach().numpy(), wanted, rtol=1e-15, strict=True)


def test_a_recorded_result_is_written_to_a_tensor_in_out():
    x = fg.tensor(A, requires_grad=True)
    out = fg.tensor(np.zeros((2, 3)))
    assert np.multiply(x, 3.0, out=out) is out
    (gx,) = fg.gradients([out.sum()], [x])
    np.testing.assert_array_equal(gx.numpy(), np.full((2, 3), 3.0))
    out = fg.tensor(np.ones((2, 3)))
    np.exp(x, out=out, where=A > 0.5)
    np.testing.assert_allclose(out.detach().numpy(), np.where(A > 0.5, np.exp(A), 1.0), rtol=1e-15)
    (gx,) = fg.gradients([out.sum()], [x])
    np.testing.assert_allclose(gx.numpy(), np.where(A > 0.5, np.exp(A), 0.0), rtol=1e-15)
    total = fg.tensor(np.zeros(3))
    assert np.sum(x, axis=0, out=total) is total and total.requires_grad
    with pytest.raises(fg.FastgradError, match="out"):
        np.exp(x, out=np.zeros((2, 3)))
    with pytest.raises(fg.DTypeError):
        np.exp(x, out=fg.tensor(np.zeros((2, 3), int)))
    with pytest.raises(fg.ShapeError):
        np.exp(x, out=fg.tensor(np.zeros(3)))


def test_elements_that_where_leaves_out_keep_their_values():
    x, out = fg.tensor(A), fg.tensor(np.ones((2, 3)))
    np.exp(x, out=out, where=A > 0.5)
    np.testing.assert_allclose(out.numpy(), np.where(A > 0.5, np.exp(A), 1.0), rtol=1e-15)


def test_a_list_of_tensors_is_one_array():
    x = fg.tensor(A, requires_grad=True)
    y = np.add(x, [x[0], x[1]])
    (gx,) = fg.gradients([y.sum()], [x])
    np.testing.assert_array_equal(gx.numpy(), np.full((2, 3), 2.0))
