"""The public array functions that are not rules: values, gradients, errors."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import errors
from fastgrad.errors import FastgradError, ShapeError
from fastgrad.functions.constants import constant
from fastgrad.rules import later
from tests.support.references_networks import NETWORKS

rng = np.random.default_rng(0)
A = rng.normal(size=(2, 3, 4))
M = rng.normal(size=(3, 4))
V = rng.normal(size=5)

# name: calls, each with the same arguments for fastgrad and for NumPy; the first argument is differentiated
SAME_AS_NUMPY = {
    "reshape": [(A, (4, -1)), (A, 24), (M, (2, 6))],
    "ravel": [(A,), (np.zeros((0, 2)),)],
    "transpose": [(A,), (A, (1, 2, 0)), (A, (-1, 0, 1)), (V,)],
    "permute_dims": [(A, (1, 2, 0))],
    "matrix_transpose": [(A,), (M,)],
    "swapaxes": [(A, 0, -1), (M, 1, 1)],
    "moveaxis": [(A, 0, -1), (A, (0, 1), (2, 0)), (A, [2], [0])],
    "squeeze": [(A[:1],), (A[:, :1], 1), (A[:1, :1], (0, 1)), (A[:, :1], -2), (M,)],
    "expand_dims": [(A, 0), (A, -1), (M, (0, 3)), (M, (-1, 1))],
    "broadcast_to": [(M, (2, 3, 4)), (V[:1], 3)],
    "take": [(M[:0], [9], 1), (M, [0, 2, 2]), (M, [1, 1], 0), (M, np.array([[3, 0]]), -1), (V, 2)],
    "take_along_axis": [(M, np.array([5, 0]), None), (M, np.argsort(M, axis=1), 1), (M, np.array([[0, 1, 2, 0]]), 0)],
    "sort": [(M,), (M, 0), (V, -1)],
    "argsort": [(M,), (M, 0)],
    "trace": [(M,), (M, 1), (A, 0, 1, 2)],
    "diag": [(M,), (M, 1), (V,), (V, -2), (V, 3)],
    "vecdot": [(A, A), (M, M[0])],
    "diff": [(M,), (V,), (M, 2), (M, 3, 0), (M, 1, 0, 2.0, M[:2]), (M > 0, 2)],
    "unique": [(V,), (M,)],
    "unique_values": [(V,), (M,)],
    "isin": [(V, V[:2]), (M, 3)],
    "tensordot": [(A, M, ((1, 2), (0, 1))), (M, M.T, 1), (V, V, 0), (A, A, 3), (M, M, (0, 0))],
    "cumulative_sum": [(V,)],
    "zeros_like": [(M,)],
    "ones_like": [(M,)],
    "full_like": [(M, 3)],
    "isnan": [(M,)],
    "isclose": [(M, M)],
    "argmax": [(M,), (M, 1)],
    "argmin": [(M, 0)],
    "count_nonzero": [(M > 0,)],
    "all": [(M > 0,), (M > -9, 1)],
    "any": [(M > 0, 0)],
    "searchsorted": [(np.sort(V), V)],
    "logical_not": [(M > 0,)],
    "bitwise_and": [(np.arange(4), 3)],
}


@pytest.mark.parametrize("name", SAME_AS_NUMPY)
def test_equal_to_numpy_and_recorded(name):
    ours, theirs = getattr(fg, name), getattr(np, name, None)
    if theirs is None:
        theirs = np.cumsum  # cumulative_sum, before NumPy 2.1
    for first, *rest in SAME_AS_NUMPY[name]:
        wanted = np.asarray(theirs(first, *rest))
        got = ours(first, *rest)
        assert isinstance(got, fg.Tensor) and got.dtype == wanted.dtype
        # NumPy adds the products of vecdot in an order of its own
        np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-15 if name == "vecdot" else 0)
        if first.dtype.kind == "f":
            x = fg.tensor(first, requires_grad=True)
            y = ours(x, *rest)
            if y.requires_grad:
                fg.testing.check_grads(lambda t: ours(t, *rest), (first,))  # noqa: B023


def test_functions_without_a_gradient_say_so():
    x = fg.tensor(M, requires_grad=True)
    for name in ("isnan", "argmax", "argsort", "zeros_like", "isfinite", "signbit", "all", "equal"):
        assert not (fg.equal(x, x) if name == "equal" else getattr(fg, name)(x)).requires_grad
    assert "no gradient flows" in fg.argmax.__doc__


def test_no_function_loses_a_gradient_silently():
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(fg.NotDifferentiableError, match=r"fg\.cbrt has no rule.*x\.detach\(\)"):
        constant(np.cbrt)(x)
    assert constant(np.cbrt)(x.detach()).tolist() == np.cbrt([1, 2]).tolist()
    assert fg.argmax(x).item() == 1 and fg.isnan(x).tolist() == [False, False]
    y = fg.full((3,), x[0]).sum() + fg.full_like(np.ones((2, 2), np.float32), x).sum() + fg.full(2, x[1], dtype=int)
    assert fg.gradients(y.sum(), x)[0].tolist() == [2 * (3 + 2), 2 * 2]
    with fg.no_grad():
        assert fg.full(2, x[0]).tolist() == constant(np.cbrt)(x[:1]).tolist() * 2 == [1, 1]


def test_creation():
    for made, wanted in [
        (fg.zeros(3), np.zeros(3)), (fg.zeros((2, 3), dtype="float32"), np.zeros((2, 3), "float32")),
        (fg.zeros(3, complex), np.zeros(3, complex)), (fg.ones((2, 3), np.dtype("i4")), np.ones((2, 3), "i4")),
        (fg.empty((0, 2), "f4"), np.empty((0, 2), "f4")), (fg.full(2, 1.5, "f4"), np.full(2, 1.5, "f4")),
        (fg.zeros_like(M, int), np.zeros_like(M, int)), (fg.ones_like(M, "f4"), np.ones_like(M, "f4")),
        (fg.full_like(M, 2, int), np.full_like(M, 2, int)), (fg.arange(0, 3, 1, float), np.arange(0, 3, 1, float)),
        (fg.ones((2,)), np.ones(2)), (fg.full((2, 2), 7), np.full((2, 2), 7)), (fg.full(2, 0.5), np.full(2, 0.5)),
        (fg.arange(5), np.arange(5)), (fg.arange(1, 2, 0.25), np.arange(1, 2, 0.25)), (fg.arange(3.0), np.arange(3.0)),
        (fg.linspace(0, 1, 5), np.linspace(0, 1, 5)),
        (fg.linspace(0, 1, 4, endpoint=False), np.linspace(0, 1, 4, False)),
        (fg.eye(3), np.eye(3)), (fg.eye(2, 3, k=1), np.eye(2, 3, 1)),
        (fg.eye(2, dtype="float32"), np.eye(2, dtype="float32")),
    ]:  # fmt: skip
        assert isinstance(made, fg.Tensor) and made.dtype == wanted.dtype
        np.testing.assert_array_equal(made.numpy(), wanted)
    assert fg.empty((2, 3)).shape == (2, 3) and fg.empty_like(M).shape == M.shape
    assert fg.zeros(3, requires_grad=True).requires_grad and fg.ones_like(M, requires_grad=True).is_leaf
    assert fg.zeros_like(fg.tensor([1, 2]), dtype=float).dtype == np.float64


def test_joining_and_cutting():
    x, y = fg.tensor(M, requires_grad=True), fg.tensor(2 * M)
    for got, wanted in [
        (fg.concat([x, y]), np.concatenate([M, 2 * M])), (fg.concat((x, y), axis=-1), np.concatenate([M, 2 * M], -1)),
        (fg.concat([x, V], axis=None), np.concatenate([M, V], None)),
        (fg.stack([x, y], axis=1), np.stack([M, 2 * M], 1)),
        (fg.vstack([x, M[0]]), np.vstack([M, M[0]])), (fg.hstack([x, y]), np.hstack([M, 2 * M])),
        (fg.hstack([V, x[0]]), np.hstack([V, M[0]])), (fg.vstack([V, V]), np.vstack([V, V])),
    ]:  # fmt: skip
        np.testing.assert_array_equal(got.numpy(), wanted)
    for args in ((3,), (2, 1), ([1, 2],), ([1, 3], -1), ([5, 2],)):
        for a, b in zip(fg.split(x, *args), np.split(M, *args), strict=True):
            np.testing.assert_array_equal(a.numpy(), b)
    first, *_ = fg.unstack(x, axis=1)
    np.testing.assert_array_equal(first.numpy(), M[:, 0])
    fg.testing.check_grads(lambda a, b: fg.concat([a, fg.split(b, 3)[1]]), (M, M))
    grids = fg.meshgrid(V, V[:2])
    for a, b in zip(grids, np.meshgrid(V, V[:2]), strict=True):
        np.testing.assert_array_equal(a.numpy(), b)
    for a, b in zip(
        fg.meshgrid(V, V[:2], V[:3], indexing="ij"), np.meshgrid(V, V[:2], V[:3], indexing="ij"), strict=True
    ):
        np.testing.assert_array_equal(a.numpy(), b)
    assert [t.shape for t in fg.broadcast_arrays(M, V[:1])] == [(3, 4), (3, 4)]


@pytest.mark.parametrize(("subscripts", "shapes"), [
    ("ij,jk", [(2, 3), (3, 4)]), ("ii", [(3, 3)]), ("ba", [(2, 3)]), ("ij -> j", [(2, 3)]),
    ("...ij,...jk->...ik", [(2, 2, 3), (3, 4)]),
    ("...", [(2, 3)]), ("i...->...", [(2, 3)]), ("...i,...i", [(2, 3), (3,)]), ("i...,i", [(2, 3), (2,)]),
    ("...,...->...", [(2, 1), (3,)]),
    ("a,b,c->cba", [(2,), (3,), (4,)]), ("ijk,ilm,njm,nlk,abc->", [(2, 2, 2)] * 5),
    ("kj...,jk...->...", [(2, 2, 3), (2, 2, 3)]),
])  # fmt: skip
def test_einsum_reads_what_numpy_reads(subscripts, shapes):
    xs = [rng.normal(size=shape) for shape in shapes]
    np.testing.assert_allclose(fg.einsum(subscripts, *xs).numpy(), np.einsum(subscripts, *xs), rtol=1e-12)
    fg.testing.check_grads(lambda *ts: fg.einsum(subscripts, *ts), xs)


@pytest.mark.parametrize("subscripts", ["ij,jk->ik", "ij", "ijk", "i->ij", "ij->ijj", "i.j->i", "ij->k", ""])
def test_einsum_refuses_what_numpy_refuses(subscripts):
    x = rng.normal(size=(2, 3)) if subscripts != "ij" else rng.normal(size=2)
    with pytest.raises(ValueError):
        np.einsum(subscripts, x)
    with pytest.raises(ValueError):
        fg.einsum(subscripts, x)


@pytest.mark.parametrize(("ord", "axis"), [
    (None, None), (None, 0), (None, (0, 1)), (2, 1), (1, 0), (np.inf, 1), (-np.inf, 0), (3, 1), (0, 1), ("fro", (0, 1)),
    (1, (0, 1)), (-1, (1, 0)), (np.inf, (0, 1)), (-np.inf, (0, 1)), (2, (0, 1)), (-2, (1, 0)), ("nuc", None), (2, None),
    (-1.5, 0), (0.5, 1),
])  # fmt: skip
@pytest.mark.parametrize("keepdims", [False, True])
def test_norm(ord, axis, keepdims):
    wanted = np.linalg.norm(M, ord, axis, keepdims)
    np.testing.assert_allclose(fg.norm(M, ord, axis, keepdims).numpy(), wanted, rtol=1e-15)
    if ord != 0:
        fg.testing.check_grads(lambda x: fg.norm(x, ord, axis, keepdims), (M,))


def test_sort_keeps_the_order_of_equals_in_both_directions():
    x = np.array([1.0, 3.0, 1.0, 2.0])
    assert fg.argsort(x).tolist() == [0, 2, 3, 1]
    assert fg.argsort(x, descending=True).tolist() == [1, 3, 0, 2]
    assert fg.sort(x, descending=True).tolist() == [3, 2, 1, 1]
    assert fg.argsort(np.stack([x, -x]), axis=0, descending=True).tolist() == [[0, 0, 0, 0], [1, 1, 1, 1]]


def test_sums_and_variances_take_the_words_of_both_standards():
    for name in ("sum", "mean", "prod", "var", "std", "cumsum"):
        got = getattr(fg, name)(M, dtype=np.float32)
        assert got.dtype == np.float32
    assert fg.var(V, correction=1).item() == fg.var(V, ddof=1).item() == np.var(V, ddof=1)
    assert fg.std(V, correction=1).item() == np.std(V, ddof=1)
    assert fg.clip(V, a_min=0, a_max=1).tolist() == np.clip(V, 0, 1).tolist()
    for dtype in (bool, np.int32, np.uint8):
        for name in ("sum", "prod", "cumsum", "mean"):
            x = np.ones((2, 2), dtype)
            assert getattr(fg, name)(x, axis=0).dtype == getattr(np, name)(x, axis=0).dtype
    np.testing.assert_array_equal(fg.cumulative_sum(V, include_initial=True).numpy(), [0, *np.cumsum(V)])
    np.testing.assert_array_equal(fg.cumulative_sum(M, axis=1).numpy(), np.cumsum(M, 1))
    x = fg.tensor(M, requires_grad=True)
    (g,) = fg.gradients(fg.sum(x, dtype=np.float32), x)
    assert g.dtype == np.float64


def test_second_names_are_the_same_functions():
    for words in (
        "acos arccos",
        "atan2 arctan2",
        "pow power",
        "concatenate concat",
        "mod remainder",
        "absolute abs",
    ):
        a, b = words.split()
        assert getattr(fg, a) is getattr(fg, b)


@pytest.mark.parametrize(("call", "text"), [
    (lambda: fg.transpose(M, (0, 0)), "contains an axis twice"),
    (lambda: fg.permute_dims(M, (0,)), "do not match 2 dimensions"),
    (lambda: fg.swapaxes(M, 0, 2), "whose axes are -2 to 1"),
    (lambda: fg.squeeze(M, 0), "has length 3, not 1"),
    (lambda: fg.expand_dims(M, 4), "whose axes are -3 to 2"),
    (lambda: fg.moveaxis(M, (0, 1), 0), "2 source axes and 1 destinations"),
    (lambda: fg.reshape(M, (5, 5)), "cannot reshape"),
    (lambda: fg.broadcast_to(M, (3, 5)), "broadcast"),
    (lambda: fg.split(M, 2), "axis 0 of length 3 cannot be split into 2 equal parts"),
    (lambda: fg.concat([M, V]), "same number of dimensions"),
    (lambda: fg.stack([M, V]), "same shape"),
    (lambda: fg.matrix_transpose(V), "at least 2 dimensions"),
    (lambda: fg.take_along_axis(M, np.array([0]), 0), "indices have 1 dimensions, x has 2"),
    (lambda: fg.vecdot(V, V[:2]), "lengths 5 and 2"),
    (lambda: fg.cumulative_sum(M), "select the axis"),
    (lambda: fg.tensordot(M, M, 1), "shape-mismatch"),
    (lambda: fg.einsum("ij,k", M), "'ij,k' has 2 terms, but there are 1 operand"),
    (lambda: fg.einsum("ijk", M), "names 3 axes, but its operand has 2"),
])  # fmt: skip
def test_shapes_that_do_not_fit_are_refused_by_name(call, text):
    with pytest.raises(ShapeError, match=text) as caught:
        call()
    assert isinstance(caught.value, FastgradError)


def test_arguments_that_are_not_meant_are_refused():
    with pytest.raises(ValueError, match=r"norm: ord=3 over 2 axes, where ord must be None, 1, -1, 2, -2, inf"):
        fg.norm(M, 3)
    with pytest.raises(ValueError, match=r"norm: ord='fro' over 1 axes, where ord must be None or a number"):
        fg.norm(V, "fro")
    with pytest.raises(ValueError, match=r"norm: ord=2 over 3 axes, where ord must be None: select one or two axes"):
        fg.norm(A, 2)
    with pytest.raises(ValueError, match=r'indexing must be "xy" or "ij"'):
        fg.meshgrid(V, indexing="yx")
    with pytest.raises(ValueError, match=r"pad mode 'mean' is not supported"):
        fg.pad(V, 1, mode="mean")
    with pytest.raises(TypeError, match=r"cumsum\(\) got an unexpected keyword argument 'where'"):
        fg.cumsum(V, where=V > 0)
    with pytest.raises(TypeError, match=r"matmul\(\) missing argument 'x2'"):
        fg.matmul(M)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        fg.nothing  # noqa: B018


def test_everything_on_the_menu_is_there():
    for name in dir(fg):
        assert getattr(fg, name) is not None or name in ("newaxis", "__file__")
    for name, function in fg.rules.FUNCTIONS.items():
        if function.rule.forward.__module__.startswith("fastgrad.rules.special"):  # found by SciPy's function
            continue
        if name not in (
            "swish",
            "sum_to",
            "getitem",
            "setitem",
            "scatter_add",
            "cross_entropy",
            "binary_cross_entropy",
            "binary_cross_entropy_with_logits",
            "batch_norm",
            "layer_norm",
            "standardize",
            "svd",
            "sliding_window_view",
            *NETWORKS,
        ) and function.rule.forward.__module__ not in (f"fastgrad.rules.{family}" for family in later.__all__):
            assert callable(getattr(fg, name)), name
        assert callable(function)


@pytest.mark.parametrize("seed", range(30))
def test_random_keys_gather_and_scatter_as_numpy(seed):
    """Any mixture of integers, slices, None, an ellipsis, index arrays and masks."""
    draw = np.random.default_rng(seed)
    shape = tuple(draw.integers(1, 5, size=draw.integers(1, 4)))
    x = draw.normal(size=shape)
    indices = draw.integers(0, 2, size=3)  # index arrays of one key broadcast against each other
    key = []
    for n in shape[: draw.integers(1, len(shape) + 1)]:
        kind = draw.integers(5)
        if kind == 4:
            key.append(None)
        key.append([int(draw.integers(-n, n)), slice(None, None, -1), slice(0, 2), indices % n, slice(None)][kind])
    if draw.integers(2):
        key.append(...)
    key = tuple(key)
    leaf = fg.tensor(x, requires_grad=True)
    y = leaf[key]
    np.testing.assert_array_equal(y.numpy(), x[key])
    v = draw.normal(size=y.shape)
    wanted = np.zeros(shape)
    np.add.at(wanted, key, v)
    np.testing.assert_allclose(fg.gradients(y, leaf, v)[0].numpy(), wanted, rtol=1e-15, atol=1e-15)
    mask = x > 0
    np.testing.assert_array_equal(fg.gradients(leaf[mask].sum(), leaf)[0].numpy(), mask)


def test_vectors_along_an_axis_from_the_start():
    for a, b, axis in ((A, M[:2], 0), (M, V[:3], 0), (A, A, 1)):
        np.testing.assert_allclose(fg.vecdot(a, b, axis=axis), np.vecdot(a, b, axis=axis), rtol=1e-14)
        fg.testing.check_grads(lambda x, y, k=axis: fg.vecdot(x, y, axis=k), (a, b))


def test_constant_functions_raise_as_numpys():
    x = fg.tensor(M)
    for call, wanted, text in (
        (lambda: fg.argmax(x, axis=2), errors.AxisError, r"argmax: axis 2 is out of bounds.*float64\[3, 4\]"),
        (lambda: fg.all(x, axis=(0, 0)), ShapeError, "all: duplicate value in 'axis'"),
        (lambda: fg.argmin(fg.zeros(0)), ShapeError, "argmin: attempt to get argmin of an empty sequence"),
        (lambda: fg.logical_and(x, V), ShapeError, r"logical_and: shapes \(3, 4\) and \(5,\) do not broadcast"),
        (lambda: fg.bitwise_and(x, 1), TypeError, "not supported for the input types"),
    ):
        with pytest.raises(wanted, match=text):
            call()
