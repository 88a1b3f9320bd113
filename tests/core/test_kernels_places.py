"""Kernels that move elements: index arrays, joining, batched matmul; and every kernel inside a larger graph."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.errors import MutationError
from fastgrad.rules import FUNCTIONS
from tests.support.against_rules import DTYPES, TOLERANCE, check, kernels, leaf, same, strided, without_rule

I = np.array  # noqa: E741 - keys below are read more easily so
KEYS = [
    ((5,), I([0, 4, 4, -1, -5])), ((5, 3), I([[1, 1], [0, -1]])), ((5, 3), I([], int)),
    ((4, 3), (I([0, 3, 0, 0]), I([2, -1, 2, 2]))), ((4, 3), (I([[0], [3]]), I([0, 2, 2]))),
    ((4, 3, 2), (I([0, 3, 3]), I([1, 1, 1]))), ((4, 3), (slice(None), I([2, 2, 0]))),
    ((2, 4, 3), (slice(None), I([[3, 0], [3, 3]]))), ((2, 4, 3), (slice(None), slice(None), I([1, 1]))),
    ((2, 4, 3), (..., I([1, 0, 1]))), ((2, 4, 3), (..., I([1, 0, 1]), slice(None))),
    ((4, 3), (I([1, 2]), slice(None))), ((4, 3), (I([1, 2, 1]), 0)), ((4, 3), (2, I([1, 1]))),
    ((4, 3, 2), (I([0, 1]), I([1, 1]), I([1, 1]))), ((4,), I([True, False, True, True])),
    ((3, 2), I([[True, False]] * 3)), ((3, 2), (slice(None), I([False, True]))), ((3, 2), I([False] * 3)),
    ((3, 2), I(1)), ((3, 2), (I([2, 1], np.int32),)), ((3, 2), I([2, 1], np.uint8)), ((0, 2), I([], int)),
    ((3, 0), I([1, 1])), ((6,), I([5, 0, 3, 3])[::-2]), ((2, 3, 2), (I([1, 0]), slice(None), slice(None))),
]  # fmt: skip


@kernels
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "key"), KEYS)
def test_index_arrays(shape, key, dtype, rng):
    x = rng.normal(size=shape).astype(dtype)
    for view in strided(x):
        y = check(lambda t: t[key], view, tolerance=TOLERANCE[dtype], names=("getitem",))
        np.testing.assert_array_equal(y.numpy(), x[key])
        assert y.shape == x[key].shape
        same(FUNCTIONS["getitem"](fg.asarray(view), key).numpy(), x[key], 0)


@kernels
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("shape", "key"),
    [
        *KEYS, ((4, 3), 1), ((4, 3), (slice(None, None, -2), slice(1, 3))), ((4, 3), (..., None, 0)),
    ],
)  # fmt: skip
def test_scatter_add(shape, key, dtype, rng):
    wanted = np.zeros(shape, dtype)
    v = rng.normal(size=wanted[key].shape).astype(dtype)
    np.add.at(wanted, key, v)
    for view in strided(v):
        y = check(
            lambda t: FUNCTIONS["scatter_add"](t, key, shape), view, tolerance=TOLERANCE[dtype], names=("scatter_add",)
        )
        same(y.numpy(), wanted, TOLERANCE[dtype])


@pytest.mark.parametrize(
    ("shape", "key"),
    [
        ((3,), I([3])), ((3,), I([-4])), ((3, 2), (I([0, 1]), I([0, 2]))), ((3, 2), (I([0, 1]), I([0, 1, 0]))),
        ((3, 2), (slice(None), I([2]))), ((3,), I([True, False])), ((3,), (I([0]), I([0]))),
        ((3, 2), (I([[True, False]] * 3), slice(None))), ((3,), I([0.0])),
    ],
)  # fmt: skip
def test_index_arrays_out_of_bounds_are_refused(shape, key):
    for x in (fg.tensor(np.zeros(shape), requires_grad=True), fg.asarray(np.zeros(shape))):
        with pytest.raises(IndexError):
            x[key]


def test_an_index_array_may_be_overwritten(rng):
    x, index = leaf(rng.normal(size=(4, 2))), np.array([0, 0, 3])
    y = x[index]
    index[:] = 1
    wanted = np.array([[2, 2], [0, 0], [0, 0], [1, 1]])
    for record in (True, False):
        np.testing.assert_array_equal(
            fg.gradients(y, x, np.ones((3, 2)), create_graph=record, retain_graph=True)[0].numpy(), wanted
        )


def test_picking_scores_by_label(rng):
    scores, labels = leaf(rng.normal(size=(6, 3))), np.array([0, 2, 1, 1, 0, 2])
    picked = scores[np.arange(6), labels]
    picked.sum().backward()
    np.testing.assert_array_equal(scores.grad.numpy(), np.eye(3)[labels])
    assert picked.op == "getitem"


STACKS = [
    ((4, 2, 3), (3, 5)), ((4, 2, 3), (4, 3, 5)), ((2, 3), (4, 3, 5)), ((4, 1, 2, 3), (6, 3, 5)),
    ((1, 2, 3), (4, 3, 5)), ((4, 2, 3), (1, 3, 5)), ((3,), (4, 3, 5)), ((4, 2, 3), (3,)),
    ((2, 4, 2, 3), (2, 4, 3, 5)), ((2, 1, 2, 3), (1, 4, 3, 5)), ((4, 2, 0), (4, 0, 5)), ((0, 2, 3), (0, 3, 5)),
    ((4, 2, 0), (0, 5)), ((4, 0, 3), (3, 5)), ((3, 2, 2), (3, 2, 2)), ((4, 1, 3), (3, 5)), ((5, 4, 1), (1, 3)),
]  # fmt: skip


@kernels
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("s1", "s2"), STACKS)
def test_matmul_of_stacks(s1, s2, dtype, rng):
    a, b = rng.normal(size=s1).astype(dtype), rng.normal(size=s2).astype(dtype)
    for va in strided(a):
        for vb in strided(b):
            y = check(lambda p, q: p @ q, va, vb, tolerance=10 * TOLERANCE[dtype], names=("matmul",))
            same(y.numpy(), a @ b, TOLERANCE[dtype])
            assert y.shape == (a @ b).shape


def test_matmul_of_permuted_heads(rng):
    """As in attention: (batch, time, heads, width) with the middle axes exchanged and no copy."""
    q, k = (leaf(rng.normal(size=(2, 5, 3, 4))) for _ in range(2))
    scores = fg.permute_dims(q, (0, 2, 1, 3)) @ fg.permute_dims(k, (0, 2, 3, 1))
    np.testing.assert_allclose(
        scores.numpy(), np.einsum("bthd,bshd->bhts", q.numpy(), k.numpy()), rtol=1e-13, atol=1e-13
    )
    v = rng.normal(size=scores.shape)
    for got, wanted in zip(
        fg.gradients(scores, [q, k], v, retain_graph=True),
        fg.gradients(scores, [q, k], v, create_graph=True),
        strict=True,
    ):
        same(got.numpy(), wanted.numpy(), 1e-13)


@kernels
def test_matmul_with_itself(rng):
    x = rng.normal(size=(3, 4, 4))
    check(lambda t: t @ t, x, tolerance=1e-12, names=("matmul",))


@pytest.mark.parametrize(
    ("s1", "s2"),
    [
        ((4, 2, 3), (4, 5)), ((2, 2, 3), (3, 3, 5)), ((3,), (4, 2, 5)), ((4, 2, 3), (2,)), ((2, 3, 4), ()),
    ],
)  # fmt: skip
def test_matmul_of_stacks_that_do_not_fit(s1, s2):
    with pytest.raises(ValueError):
        fg.tensor(np.zeros(s1), requires_grad=True) @ fg.tensor(np.zeros(s2))


@kernels
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_joining(axis, dtype, rng):
    lengths = (2, 0, 3)
    shape = [(*[4] * (axis % 3), n, *[4] * (2 - axis % 3)) for n in lengths]
    arrays = [rng.normal(size=s).astype(dtype) for s in shape]
    for views in zip(*map(strided, arrays), strict=True):
        y = check(lambda *ts: fg.concat(ts, axis=axis), *views, tolerance=TOLERANCE[dtype], names=("concat",))
        np.testing.assert_array_equal(y.numpy(), np.concatenate(arrays, axis))
    arrays = [rng.normal(size=(3, 2)).astype(dtype) for _ in range(3)]
    for views in zip(*map(strided, arrays), strict=True):
        y = check(lambda *ts: fg.stack(ts, axis=axis), *views, tolerance=TOLERANCE[dtype], names=("stack",))
        np.testing.assert_array_equal(y.numpy(), np.stack(arrays, axis))


def test_joining_one_tensor_with_itself_and_with_constants(rng):
    x = leaf(rng.normal(size=(2, 3)))
    constant = rng.normal(size=(2, 3))
    with without_rule("concat", "stack"):
        (fg.concat([x, constant, x]).sum() + fg.stack([constant, x, x], axis=1).sum() + fg.stack([x]).sum()).backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.full((2, 3), 5.0))


@pytest.mark.parametrize(
    "arrays",
    [
        [np.ones(2), np.ones((2, 2))], [np.ones((2, 2)), np.ones((3, 3))], [np.ones(()), np.ones(())], [],
    ],
)  # fmt: skip
def test_joining_what_does_not_fit(arrays):
    with pytest.raises((ValueError, TypeError)):
        fg.concat([fg.tensor(a, requires_grad=True) for a in arrays])


def test_joining_promotes_as_numpy():
    y = fg.concat([fg.tensor(np.ones(2, np.float32), requires_grad=True), fg.asarray(np.ones(2))])
    assert y.dtype == np.float64
    y.sum().backward()


STORIES = {
    "softmax": lambda t: fg.nn.functional.softmax(t),
    "log_softmax": lambda t: fg.nn.functional.log_softmax(t, axis=0),
    "logsumexp": lambda t: fg.logsumexp(t, axis=1), "prod": lambda t: fg.prod(t, axis=1),
    "cumsum": lambda t: fg.cumsum(t, axis=0), "cumprod": lambda t: fg.cumprod(t, axis=0),
    "cross_entropy": lambda t: fg.nn.functional.cross_entropy(t, np.array([0, 1, 1])),
    "where": lambda t: fg.where(t.detach().numpy() > 0, t, 1.0), "clip": lambda t: fg.clip(t, -0.5, 0.5),
    "gather": lambda t: t[np.array([0, 2, 2])], "concat": lambda t: fg.concat([t, t]),
    "stack": lambda t: fg.stack([t, t]), "matmul": lambda t: fg.stack([t, t]) @ fg.permute_dims(t, (1, 0)),
    "scatter_add": lambda t: FUNCTIONS["scatter_add"](t, np.array([0, 0, 3]), (4, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
def test_kernels_within_a_graph_of_others(name, rng):
    """With an interior operand, two sweeps, and a second derivative."""
    x = rng.normal(size=(3, 2))

    def loss(t):
        return (STORIES[name](t * 1.5 + t) * STORIES[name](t)).sum()

    fg.testing.check_grads(loss, (x,), order=2)
    t = leaf(x)
    y = loss(t)
    y.backward(retain_graph=True)
    first = t.grad.numpy().copy()
    y.backward()
    same(t.grad.numpy(), 2 * first, 1e-14)


@pytest.mark.parametrize("name", STORIES)
def test_result_written_in_place_keeps_the_gradient(name, rng):
    t = leaf(rng.normal(size=(3, 2)))
    y = STORIES[name](t)
    wanted = fg.gradients(y, t, np.full(y.shape, 3.0), retain_graph=True)[0].numpy()
    y *= 3.0
    try:
        got = fg.gradients(y, t, np.ones(y.shape))[0].numpy()
    except MutationError:
        return
    same(got, wanted, 1e-13)
