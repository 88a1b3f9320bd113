"""Structured kernels against their rules, over shapes, strides and values that the table of rules does not reach.

A plain sweep runs the kernel, a sweep with `create_graph` the rule; on the pure-Python engine both run the rule. Where the
kernel must be the one that answers, the rule is taken away meanwhile.
"""

import contextlib

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.errors import DTypeError, IndexingError, MutationError, ShapeError
from fastgrad.rules import FUNCTIONS, RULES

COMPILED = fg.engine == "cython"
TOLERANCE = {np.float64: 1e-13, np.float32: 1e-5}
DTYPES = (np.float64, np.float32)


def refuse(*args, **params):
    raise AssertionError("the rule ran, where a kernel should")


@contextlib.contextmanager
def without_rule(*names):
    """Forward and vjp of these rules fail, if there are kernels for them."""
    before = [(RULES[name], RULES[name].forward, RULES[name].vjps) for name in names]
    try:
        for rule, _, vjps in before if COMPILED else ():
            rule.forward = refuse
            rule.vjps = (refuse,) * len(vjps)
        yield
    finally:
        for rule, forward, vjps in before:
            rule.forward, rule.vjps = forward, vjps


def strided(x):
    """Layouts of the same values: as it is, every other element of a wider array, reversed, Fortran order."""
    yield x
    if x.ndim:
        wide = np.full((*x.shape[:-1], 2 * x.shape[-1]), np.nan, x.dtype)
        wide[..., ::2] = x
        yield wide[..., ::2]
        turned = x[tuple(slice(None, None, -1) for _ in x.shape)].copy()
        yield turned[tuple(slice(None, None, -1) for _ in x.shape)]
        yield np.asfortranarray(x)


def leaf(x):
    return fg.asarray(x).requires_grad_()


def same(got, wanted, tolerance, what=""):
    scale = np.max(np.abs(wanted), initial=1.0, where=np.isfinite(wanted))
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance * scale, err_msg=str(what))


def check(f, *arrays, tolerance, names=()):
    """`f` of leaves: value as of the plain forward, gradients by kernel as by rule, once alone and once more on top."""
    rng = np.random.default_rng(3)
    xs = [leaf(x) for x in arrays]
    with without_rule(*names):
        y = f(*xs)
    v = rng.normal(size=y.shape).astype(y.dtype)
    wanted = [g.numpy() for g in fg.gradients(y, xs, v, create_graph=True)]
    with without_rule(*names):
        got = fg.gradients(y, xs, v, retain_graph=True)
        doubled = fg.gradients(y * 2 + f(*xs), xs, v)  # a cotangent arrives where one has gathered already
    for g, d, w, x in zip(got, doubled, wanted, xs, strict=True):
        assert g.dtype == x.dtype and g.shape == x.shape
        same(g.numpy(), w, tolerance)
        same(d.numpy(), 3 * w, 4 * tolerance)
    return y


SHAPES_AND_AXES = [
    ((5,), 0), ((1,), -1), ((3, 10), -1), ((3, 10), 0), ((2, 3, 4), 1), ((2, 3, 4), (0, 1)), ((2, 3, 4), (1, 2)), ((2, 3, 4), None),
    ((40, 7), -1), ((3, 100), 1), ((3, 1100), 1), ((1, 5000), 1), ((300, 4), 0), ((3, 5, 300), 1), ((2, 7, 600), 1), ((3, 40, 40), 1),
    ((700, 2), 1), ((2, 1500, 3), 1), ((0, 3), 1), ((3, 0), 0), ((1, 1, 1), 1),
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "axis"), SHAPES_AND_AXES)
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_softmax_family_over_any_axis(name, shape, axis, dtype, rng):
    x = rng.normal(scale=3, size=shape).astype(dtype)
    wanted = RULES[name].forward(x, axis=axis)
    for view in strided(x):
        y = check(lambda t: FUNCTIONS[name](t, axis=axis), view, tolerance=4 * TOLERANCE[dtype], names=(name,))
        assert y.dtype == dtype
        same(y.numpy(), wanted, TOLERANCE[dtype])


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
@pytest.mark.parametrize("axis", [0, 1])
def test_softmax_family_without_overflow_and_with_infinities(name, axis):
    x = np.array([[1e3, 1.0, -1e3, 0, 5], [-np.inf, 2.0, 1.0, 1.0, 1.0], [np.inf, 0, 1, 2, 3], [np.nan, 1, 2, 3, 4], [-np.inf] * 5])
    with np.errstate(all="ignore"):
        wanted = RULES[name].forward(x, axis=axis)
    xs = leaf(x)
    y = FUNCTIONS[name](xs, axis=axis)
    same(y.numpy(), wanted, 1e-14)
    v = np.random.default_rng(1).normal(size=y.shape)
    by_rule = fg.gradients(y, xs, v, create_graph=True)[0].numpy()
    same(fg.gradients(y, xs, v)[0].numpy(), by_rule, 1e-13)


@pytest.mark.parametrize("keepdims", [False, True])
def test_logsumexp_keeps_dimensions(keepdims, rng):
    x = rng.normal(size=(2, 3, 4))
    y = check(lambda t: fg.logsumexp(t, axis=(0, 1), keepdims=keepdims), x, tolerance=1e-13, names=("logsumexp",))
    assert y.shape == ((1, 1, 4) if keepdims else (4,))


@pytest.mark.parametrize("axis", [2, -3, (0, 0), (0, 2)])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp", "prod", "cumsum"])
def test_wrong_axes_are_refused_as_by_numpy(name, axis):
    with pytest.raises((ValueError, TypeError)):
        FUNCTIONS[name](fg.tensor(np.ones((2, 3)), requires_grad=True), axis=axis)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(5,), (32, 10), (1, 1), (4, 100), (2, 3, 4), (3, 3000), (600, 3)])
@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8, np.uint64])
def test_cross_entropy(shape, reduction, dtype, kind, rng):
    x = rng.normal(scale=3, size=shape).astype(dtype)
    labels = rng.integers(min(shape[-1], 200), size=shape[:-1]).astype(kind)
    wanted = RULES["cross_entropy"].forward(x, labels, reduction)
    for view in strided(x):
        y = check(
            lambda t: fg.nn.functional.cross_entropy(t, labels, reduction), view, tolerance=4 * TOLERANCE[dtype], names=("cross_entropy",)
        )
        assert y.dtype == dtype
        same(y.numpy(), wanted, TOLERANCE[dtype])
    with fg.no_grad():
        same(fg.nn.functional.cross_entropy(fg.asarray(x), labels, reduction).numpy(), wanted, TOLERANCE[dtype])


def test_cross_entropy_takes_labels_of_any_layout(rng):
    x, labels = rng.normal(size=(4, 3)), rng.integers(3, size=(4, 2))
    for given in (labels[:, 1], fg.asarray(labels)[:, 1], fg.tensor(labels[:, 1])):
        check(lambda t, given=given: fg.nn.functional.cross_entropy(t, given), x, tolerance=1e-13, names=("cross_entropy",))


@pytest.mark.parametrize(
    ("labels", "error"),
    [([0, 3], IndexingError), ([-1, 0], IndexingError), ([0.0, 1.0], DTypeError), ([0, 1, 2], ShapeError), ([True, False], DTypeError)],
)
def test_cross_entropy_refuses_what_is_no_class(labels, error):
    with pytest.raises(error):
        fg.nn.functional.cross_entropy(fg.tensor(np.zeros((2, 3)), requires_grad=True), np.array(labels))


def test_cross_entropy_of_nothing():
    x = fg.tensor(np.zeros((0, 3)), requires_grad=True)
    none = np.zeros(0, int)
    with pytest.raises(ShapeError, match="empty batch"):
        fg.nn.functional.cross_entropy(x, none)
    y = fg.nn.functional.cross_entropy(x, none, "sum")
    y.backward()
    assert y.item() == 0 and x.grad.shape == (0, 3)
    with pytest.raises(ValueError, match="reduction"):
        fg.nn.functional.cross_entropy(x, none, "total")


def test_cross_entropy_keeps_labels_that_are_overwritten(rng):
    x, labels = fg.tensor(rng.normal(size=(4, 3)), requires_grad=True), np.array([0, 1, 2, 0])
    y = fg.nn.functional.cross_entropy(x, labels)
    labels[:] = 2
    by_rule = fg.gradients(y, x, create_graph=True)[0].numpy()
    same(fg.gradients(y, x)[0].numpy(), by_rule, 1e-14)
    assert by_rule[0].argmin() == 0


CONDITIONS = [(3, 4), (4,), (3, 1), (), (2, 3, 4), (1, 1)]
CHOICES = [((3, 4), (3, 4)), ((3, 4), ()), ((4,), (3, 1)), ((3, 4), 0.5), (2, (3, 4)), ((), ()), ((2, 3, 4), (4,)), ((3, 4), -1)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("choices", CHOICES)
def test_where_broadcasts(condition, choices, dtype, rng):
    c = rng.normal(size=condition) > 0
    a, b = (rng.normal(size=s).astype(dtype) if isinstance(s, tuple) else s for s in choices)
    arrays = [x for x in (a, b) if isinstance(x, np.ndarray)]

    def f(*ts, c=c):
        it = iter(ts)
        return fg.where(c, *(next(it) if isinstance(x, np.ndarray) else x for x in (a, b)))

    for views in zip(*(list(strided(np.asarray(x))) * (4 if not np.ndim(x) else 1) for x in arrays), strict=False):
        for mask in (*strided(np.asarray(c)), fg.asarray(np.asarray(c))):
            y = check(lambda *ts, mask=mask: f(*ts, c=mask), *views, tolerance=TOLERANCE[dtype], names=("where",))
            np.testing.assert_array_equal(y.numpy(), np.where(c, a, b))
            assert y.dtype == dtype


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.float64, np.float32, np.complex128])
def test_where_takes_any_condition(kind, rng):
    c = np.array([0, 1, 0, 2, 0]).astype(kind)
    y = check(lambda a, b: fg.where(c, a, b), rng.normal(size=5), rng.normal(size=5), tolerance=1e-15, names=("where",))
    assert y.shape == (5,)
    nan = fg.asarray(np.array([np.nan, 0.0]))
    np.testing.assert_array_equal(fg.where(nan, fg.asarray(np.ones(2)), 0.0).numpy(), [1, 0])


def test_where_with_one_tensor_for_both(rng):
    x = leaf(rng.normal(size=(3, 4)))
    fg.where(x.numpy() > 0, x, x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.ones((3, 4)))


def test_where_of_different_dtypes_promotes_as_numpy():
    y = fg.where(np.array([True, False]), fg.tensor(np.ones(2, np.float32), requires_grad=True), np.zeros(2))
    assert y.dtype == np.float64
    y.sum().backward()


def test_where_notices_a_condition_that_is_overwritten(rng):
    x = leaf(rng.normal(size=4))
    c = fg.tensor(np.array([True, False, True, False]))
    y = fg.where(c, x, 0.0).sum()
    c[0] = False
    with pytest.raises(MutationError):
        y.backward()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bounds", [(-0.5, 0.5), (None, 0.3), (0, None), (1, -1), (-1, 2), (0.25, 0.25)])
def test_clip(bounds, dtype, rng):
    x = rng.normal(size=(7, 5)).astype(dtype)
    x[0, :3] = 0.25, -0.5, 0.5
    for view in strided(x):
        y = check(lambda t: fg.clip(t, *bounds), view, tolerance=TOLERANCE[dtype], names=("clip",))
        np.testing.assert_array_equal(y.numpy(), np.clip(x, *bounds))
        assert y.dtype == dtype


def test_clip_keeps_nan_and_takes_infinite_bounds():
    x = leaf(np.array([np.nan, np.inf, -np.inf, 1.0]))
    y = fg.clip(x, -np.inf, 2.0)
    np.testing.assert_array_equal(y.numpy(), [np.nan, 2, -np.inf, 1])
    by_rule = fg.gradients(y, x, np.ones(4), create_graph=True)[0].numpy()
    np.testing.assert_array_equal(fg.gradients(y, x, np.ones(4))[0].numpy(), by_rule)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("shape", "axis"), [((5,), None), ((3, 7), 1), ((3, 7), 0), ((2, 8, 3), 1), ((2, 3, 4), (0, 1)), ((), None)])
@pytest.mark.parametrize("zeros", [0, 1, 2, 5])
def test_prod_with_zeros(shape, axis, keepdims, zeros, dtype, rng):
    x = (rng.uniform(0.5, 2, size=shape) * rng.choice([-1, 1], size=shape)).astype(dtype)
    x.reshape(-1)[rng.permutation(x.size)[:zeros]] = 0
    for view in strided(x):
        y = check(lambda t: fg.prod(t, axis=axis, keepdims=keepdims), view, tolerance=4 * TOLERANCE[dtype], names=("prod",))
        same(y.numpy(), np.prod(x, axis=axis, keepdims=keepdims), TOLERANCE[dtype])


def test_prod_that_under_or_overflows_has_the_gradient_of_the_rule():
    for values in ([1e-200, 1e-200, 3.0], [1e200, 1e200, 2.0], [1e-300, 1e-10, 1e305], [np.nan, 0.0, 1.0], [np.inf, 2.0, 0.0]):
        check(lambda t: fg.prod(t), np.array(values), tolerance=1e-14, names=("prod",))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "axis"), [((5,), 0), ((3, 4), None), ((3, 4), 0), ((3, 4), -1), ((2, 3, 4), 1), ((), None), ((2, 0), 0)])
def test_cumsum(shape, axis, dtype, rng):
    x = rng.normal(size=shape).astype(dtype)
    names = ("cumsum",) if x.size else ()
    for view in strided(x):
        y = check(lambda t: fg.cumsum(t, axis=axis), view, tolerance=4 * TOLERANCE[dtype], names=names)
        np.testing.assert_array_equal(y.numpy(), np.cumsum(x, axis=axis))


I = np.array  # noqa: E741 - keys below are read more easily so
KEYS = [
    ((5,), I([0, 4, 4, -1, -5])), ((5, 3), I([[1, 1], [0, -1]])), ((5, 3), I([], int)), ((4, 3), (I([0, 3, 0, 0]), I([2, -1, 2, 2]))),
    ((4, 3), (I([[0], [3]]), I([0, 2, 2]))), ((4, 3, 2), (I([0, 3, 3]), I([1, 1, 1]))), ((4, 3), (slice(None), I([2, 2, 0]))),
    ((2, 4, 3), (slice(None), I([[3, 0], [3, 3]]))), ((2, 4, 3), (slice(None), slice(None), I([1, 1]))), ((2, 4, 3), (..., I([1, 0, 1]))),
    ((2, 4, 3), (..., I([1, 0, 1]), slice(None))), ((4, 3), (I([1, 2]), slice(None))), ((4, 3), (I([1, 2, 1]), 0)), ((4, 3), (2, I([1, 1]))),
    ((4, 3, 2), (I([0, 1]), I([1, 1]), I([1, 1]))), ((4,), I([True, False, True, True])), ((3, 2), I([[True, False]] * 3)),
    ((3, 2), (slice(None), I([False, True]))), ((3, 2), I([False] * 3)), ((3, 2), I(1)), ((3, 2), (I([2, 1], np.int32),)),
    ((3, 2), I([2, 1], np.uint8)), ((0, 2), I([], int)), ((3, 0), I([1, 1])), ((6,), I([5, 0, 3, 3])[::-2]), ((2, 3, 2), (I([1, 0]), slice(None), slice(None))),
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "key"), KEYS)
def test_index_arrays(shape, key, dtype, rng):
    x = rng.normal(size=shape).astype(dtype)
    for view in strided(x):
        y = check(lambda t: t[key], view, tolerance=TOLERANCE[dtype], names=("getitem",))
        np.testing.assert_array_equal(y.numpy(), x[key])
        assert y.shape == x[key].shape
        same(FUNCTIONS["getitem"](fg.asarray(view), key).numpy(), x[key], 0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "key"), [*KEYS, ((4, 3), 1), ((4, 3), (slice(None, None, -2), slice(1, 3))), ((4, 3), (..., None, 0))])
def test_scatter_add(shape, key, dtype, rng):
    wanted = np.zeros(shape, dtype)
    v = rng.normal(size=wanted[key].shape).astype(dtype)
    np.add.at(wanted, key, v)
    for view in strided(v):
        y = check(lambda t: FUNCTIONS["scatter_add"](t, key, shape), view, tolerance=TOLERANCE[dtype], names=("scatter_add",))
        same(y.numpy(), wanted, TOLERANCE[dtype])


@pytest.mark.parametrize(
    ("shape", "key"),
    [((3,), I([3])), ((3,), I([-4])), ((3, 2), (I([0, 1]), I([0, 2]))), ((3, 2), (I([0, 1]), I([0, 1, 0]))), ((3, 2), (slice(None), I([2]))),
     ((3,), I([True, False])), ((3,), (I([0]), I([0]))), ((3, 2), (I([[True, False]] * 3), slice(None))), ((3,), I([0.0]))],
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
        np.testing.assert_array_equal(fg.gradients(y, x, np.ones((3, 2)), create_graph=record, retain_graph=True)[0].numpy(), wanted)


def test_picking_scores_by_label(rng):
    scores, labels = leaf(rng.normal(size=(6, 3))), np.array([0, 2, 1, 1, 0, 2])
    picked = scores[np.arange(6), labels]
    picked.sum().backward()
    np.testing.assert_array_equal(scores.grad.numpy(), np.eye(3)[labels])
    assert picked.op == "getitem"


STACKS = [
    ((4, 2, 3), (3, 5)), ((4, 2, 3), (4, 3, 5)), ((2, 3), (4, 3, 5)), ((4, 1, 2, 3), (6, 3, 5)), ((1, 2, 3), (4, 3, 5)), ((4, 2, 3), (1, 3, 5)),
    ((3,), (4, 3, 5)), ((4, 2, 3), (3,)), ((2, 4, 2, 3), (2, 4, 3, 5)), ((2, 1, 2, 3), (1, 4, 3, 5)), ((4, 2, 0), (4, 0, 5)),
    ((0, 2, 3), (0, 3, 5)), ((4, 2, 0), (0, 5)), ((4, 0, 3), (3, 5)), ((3, 2, 2), (3, 2, 2)), ((4, 1, 3), (3, 5)), ((5, 4, 1), (1, 3)),
]  # fmt: skip


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
    """As attention does: (batch, time, heads, width), the middle axes exchanged, without a copy."""
    q, k = (leaf(rng.normal(size=(2, 5, 3, 4))) for _ in range(2))
    scores = fg.permute_dims(q, (0, 2, 1, 3)) @ fg.permute_dims(k, (0, 2, 3, 1))
    np.testing.assert_allclose(scores.numpy(), np.einsum("bthd,bshd->bhts", q.numpy(), k.numpy()), rtol=1e-13, atol=1e-13)
    v = rng.normal(size=scores.shape)
    for got, wanted in zip(
        fg.gradients(scores, [q, k], v, retain_graph=True), fg.gradients(scores, [q, k], v, create_graph=True), strict=True
    ):
        same(got.numpy(), wanted.numpy(), 1e-13)


def test_matmul_with_itself(rng):
    x = rng.normal(size=(3, 4, 4))
    check(lambda t: t @ t, x, tolerance=1e-12, names=("matmul",))


@pytest.mark.parametrize(("s1", "s2"), [((4, 2, 3), (4, 5)), ((2, 2, 3), (3, 3, 5)), ((3,), (4, 2, 5)), ((4, 2, 3), (2,)), ((2, 3, 4), ())])
def test_matmul_of_stacks_that_do_not_fit(s1, s2):
    with pytest.raises(ValueError):
        fg.tensor(np.zeros(s1), requires_grad=True) @ fg.tensor(np.zeros(s2))


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


@pytest.mark.parametrize("arrays", [[np.ones(2), np.ones((2, 2))], [np.ones((2, 2)), np.ones((3, 3))], [np.ones(()), np.ones(())], []])
def test_joining_what_does_not_fit(arrays):
    with pytest.raises((ValueError, TypeError)):
        fg.concat([fg.tensor(a, requires_grad=True) for a in arrays])


def test_joining_promotes_as_numpy():
    y = fg.concat([fg.tensor(np.ones(2, np.float32), requires_grad=True), fg.asarray(np.ones(2))])
    assert y.dtype == np.float64
    y.sum().backward()


STORIES = {
    "softmax": lambda t: fg.nn.functional.softmax(t), "log_softmax": lambda t: fg.nn.functional.log_softmax(t, axis=0),
    "logsumexp": lambda t: fg.logsumexp(t, axis=1), "prod": lambda t: fg.prod(t, axis=1), "cumsum": lambda t: fg.cumsum(t, axis=0),
    "cross_entropy": lambda t: fg.nn.functional.cross_entropy(t, np.array([0, 1, 1])), "where": lambda t: fg.where(t.numpy() > 0, t, 1.0),
    "clip": lambda t: fg.clip(t, -0.5, 0.5), "gather": lambda t: t[np.array([0, 2, 2])], "concat": lambda t: fg.concat([t, t]),
    "stack": lambda t: fg.stack([t, t]), "matmul": lambda t: fg.stack([t, t]) @ fg.permute_dims(t, (1, 0)),
    "scatter_add": lambda t: FUNCTIONS["scatter_add"](t, np.array([0, 0, 3]), (4, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
def test_kernels_within_a_graph_of_others(name, rng):
    """An interior operand, swept twice, written in place afterwards, and a second derivative."""
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
