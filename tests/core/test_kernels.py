"""Structured kernels against their rules, over shapes, strides and values that the table of rules does not reach.

A plain sweep runs the kernel, a sweep with `create_graph` the rule, and the rule is replaced by one that fails where
the kernel must answer. On the pure-Python engine both sweeps run the rule: tests that compare nothing else are skipped.
"""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.errors import DTypeError, IndexingError, MutationError, ShapeError
from fastgrad.rules import FUNCTIONS, RULES
from tests.support.against_rules import DTYPES, TOLERANCE, check, kernels, leaf, same, strided

SHAPES_AND_AXES = [
    ((5,), 0), ((1,), -1), ((3, 10), -1), ((3, 10), 0), ((2, 3, 4), 1), ((2, 3, 4), (0, 1)), ((2, 3, 4), (1, 2)),
    ((2, 3, 4), None), ((40, 7), -1), ((3, 100), 1), ((3, 1100), 1), ((1, 5000), 1), ((300, 4), 0),
    ((3, 5, 300), 1), ((2, 7, 600), 1), ((3, 40, 40), 1), ((700, 2), 1), ((2, 1500, 3), 1), ((0, 3), 1),
    ((3, 0), 0), ((1, 1, 1), 1),
]  # fmt: skip


@kernels
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


@kernels
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
@pytest.mark.parametrize("axis", [0, 1])
def test_softmax_family_without_overflow_and_with_infinities(name, axis):
    x = np.array(
        [
            [1e3, 1.0, -1e3, 0, 5],
            [-np.inf, 2.0, 1.0, 1.0, 1.0],
            [np.inf, 0, 1, 2, 3],
            [np.nan, 1, 2, 3, 4],
            [-np.inf] * 5,
        ]
    )
    with np.errstate(all="ignore"):
        wanted = RULES[name].forward(x, axis=axis)
    xs = leaf(x)
    y = FUNCTIONS[name](xs, axis=axis)
    same(y.numpy(), wanted, 1e-14)
    v = np.random.default_rng(1).normal(size=y.shape)
    by_rule = fg.gradients(y, xs, v, create_graph=True)[0].numpy()
    same(fg.gradients(y, xs, v)[0].numpy(), by_rule, 1e-13)


@kernels
@pytest.mark.parametrize("keepdims", [False, True])
def test_logsumexp_keeps_dimensions(keepdims, rng):
    x = rng.normal(size=(2, 3, 4))
    y = check(lambda t: fg.logsumexp(t, axis=(0, 1), keepdims=keepdims), x, tolerance=1e-13, names=("logsumexp",))
    assert y.shape == ((1, 1, 4) if keepdims else (4,))


@pytest.mark.parametrize("axis", [2, -3, (0, 0), (0, 2)])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp", "prod", "cumsum", "cumprod"])
def test_wrong_axes_are_refused_as_by_numpy(name, axis):
    with pytest.raises((ValueError, TypeError)):
        FUNCTIONS[name](fg.tensor(np.ones((2, 3)), requires_grad=True), axis=axis)


@kernels
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
            lambda t: fg.nn.functional.cross_entropy(t, labels, reduction=reduction),
            view,
            tolerance=4 * TOLERANCE[dtype],
            names=("cross_entropy",),
        )
        assert y.dtype == dtype
        same(y.numpy(), wanted, TOLERANCE[dtype])
    with fg.no_grad():
        same(
            fg.nn.functional.cross_entropy(fg.asarray(x), labels, reduction=reduction).numpy(), wanted, TOLERANCE[dtype]
        )


@kernels
def test_cross_entropy_takes_labels_of_any_layout(rng):
    x, labels = rng.normal(size=(4, 3)), rng.integers(3, size=(4, 2))
    for given in (labels[:, 1], fg.asarray(labels)[:, 1], fg.tensor(labels[:, 1])):
        check(
            lambda t, given=given: fg.nn.functional.cross_entropy(t, given),
            x,
            tolerance=1e-13,
            names=("cross_entropy",),
        )


@pytest.mark.parametrize(
    ("labels", "error"),
    [
        ([0, 3], IndexingError), ([-1, 0], IndexingError), ([0.0, 1.0], DTypeError), ([0, 1, 2], ShapeError),
        ([True, False], DTypeError),
    ],
)  # fmt: skip
def test_cross_entropy_refuses_what_is_no_class(labels, error):
    with pytest.raises(error):
        fg.nn.functional.cross_entropy(fg.tensor(np.zeros((2, 3)), requires_grad=True), np.array(labels))


def test_cross_entropy_of_nothing():
    x = fg.tensor(np.zeros((0, 3)), requires_grad=True)
    none = np.zeros(0, int)
    mean = fg.nn.functional.cross_entropy(x, none)
    mean.backward()
    assert np.isnan(mean.item()) and x.grad.shape == (0, 3)  # the mean of nothing, as NumPy's
    y = fg.nn.functional.cross_entropy(x, none, reduction="sum")
    y.backward()
    assert y.item() == 0 and x.grad.shape == (0, 3)
    with pytest.raises(ValueError, match="reduction"):
        fg.nn.functional.cross_entropy(x, none, reduction="total")


def test_cross_entropy_keeps_labels_that_are_overwritten(rng):
    x, labels = fg.tensor(rng.normal(size=(4, 3)), requires_grad=True), np.array([0, 1, 2, 0])
    y = fg.nn.functional.cross_entropy(x, labels)
    labels[:] = 2
    by_rule = fg.gradients(y, x, create_graph=True)[0].numpy()
    same(fg.gradients(y, x)[0].numpy(), by_rule, 1e-14)
    assert by_rule[0].argmin() == 0


CONDITIONS = [(3, 4), (4,), (3, 1), (), (2, 3, 4), (1, 1)]
CHOICES = [
    ((3, 4), (3, 4)), ((3, 4), ()), ((4,), (3, 1)), ((3, 4), 0.5), (2, (3, 4)), ((), ()), ((2, 3, 4), (4,)),
    ((3, 4), -1),
]  # fmt: skip


@kernels
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


@kernels
@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.float64, np.float32, np.complex128])
def test_where_takes_any_condition(kind, rng):
    c = np.array([0, 1, 0, 2, 0]).astype(kind)
    y = check(lambda a, b: fg.where(c, a, b), rng.normal(size=5), rng.normal(size=5), tolerance=1e-15, names=("where",))
    assert y.shape == (5,)


def test_where_takes_nan_as_true():
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


@kernels
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
    for record in (True, False):  # by the rule, by the kernel
        (g,) = fg.gradients(y, x, np.ones(4), create_graph=record)
        np.testing.assert_array_equal(g.numpy(), [1, 0, 1, 1])


@kernels
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((5,), None), ((3, 7), 1), ((3, 7), 0), ((2, 8, 3), 1), ((2, 3, 4), (0, 1)), ((), None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("zeros", [0, 1, 2, 5])
def test_prod_with_zeros(shape, axis, keepdims, zeros, dtype, rng):
    x = (rng.uniform(0.5, 2, size=shape) * rng.choice([-1, 1], size=shape)).astype(dtype)
    x.reshape(-1)[rng.permutation(x.size)[:zeros]] = 0
    for view in strided(x):
        y = check(
            lambda t: fg.prod(t, axis=axis, keepdims=keepdims), view, tolerance=4 * TOLERANCE[dtype], names=("prod",)
        )
        same(y.numpy(), np.prod(x, axis=axis, keepdims=keepdims), TOLERANCE[dtype])


@kernels
def test_prod_that_under_or_overflows_has_the_gradient_of_the_rule():
    for values in (
        [1e-200, 1e-200, 3.0],
        [1e200, 1e200, 2.0],
        [1e-300, 1e-10, 1e305],
        [np.nan, 0.0, 1.0],
        [np.inf, 2.0, 0.0],
    ):
        check(lambda t: fg.prod(t), np.array(values), tolerance=1e-14, names=("prod",))


@kernels
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((5,), 0), ((3, 4), None), ((3, 4), 0), ((3, 4), -1), ((2, 3, 4), 1), ((), None), ((2, 0), 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_running_sums_and_products(name, shape, axis, dtype, rng):
    x = rng.normal(size=shape).astype(dtype)
    names = (name,) if x.size else ()
    for view in strided(x):
        y = check(lambda t: FUNCTIONS[name](t, axis=axis), view, tolerance=4 * TOLERANCE[dtype], names=names)
        np.testing.assert_array_equal(y.numpy(), getattr(np, name)(x, axis=axis))


@pytest.mark.parametrize("x", [[2.0, 0.0, 3.0], [0.0, 0.0, 5.0], [0.0], [1.0, 2.0, 0.0]])
def test_a_running_product_has_the_right_gradient_at_zeros(x):
    t = fg.tensor(x, requires_grad=True)
    g = np.arange(1.0, len(x) + 1)
    fg.cumprod(t).backward(g)
    expected = [
        sum(g[j] * np.prod([x[i] for i in range(j + 1) if i != k]) for j in range(k, len(x))) for k in range(len(x))
    ]
    assert t.grad.tolist() == expected
