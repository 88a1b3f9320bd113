"""Reductions over one, several or all axes. Sums copy the gradient to all elements, extremes route it."""

import math

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules.arithmetic import ones_of
from fastgrad.rules.checks import occurs
from fastgrad.rules.comparison import where
from fastgrad.rules.draws import uniform
from fastgrad.rules.exponential import exp
from fastgrad.rules.logic import equal
from fastgrad.rules.rule import ops, rule
from fastgrad.rules.shapes import broadcast_to, permute_dims, reshape

batching = lazy_functions("fastgrad.rules.batching")
patterns = lazy_functions("fastgrad.rules.patterns")

_READ = parameters.read(axis=parameters.axes, keepdims=parameters.flag)
SHAPES = (
    ((2, 3), {}), ((2, 3, 4), {"axis": 1}), ((2, 3, 4), {"axis": (0, -1)}), ((3, 2), {"axis": 0, "keepdims": True}),
    ((2, 3), {"keepdims": True}), ((4,), {"axis": -1}), ((), {}), ((2, 3), {"axis": ()}), ((1, 3, 1), {"axis": 2}),
)  # fmt: skip
EMPTY_RESULTS = (((0, 3), {"axis": 1}), ((2, 0, 2), {"axis": (0, 2), "keepdims": True}))  # results without elements
_EMPTY_OPERANDS = (((0, 3), {"axis": 0}), ((2, 0), {"axis": 0}), ((0,), {}))


def axes_of(axis, ndim):
    """Return the reduced axes as a tuple of ints from 0 to ndim - 1."""
    if axis is None or not ndim:  # NumPy accepts axis 0 and -1 of a 0-d array
        return tuple(range(ndim))
    return tuple(k % ndim for k in axis) if isinstance(axis, tuple) else (axis % ndim,)


def restore_axes(y, x_shape, axis, keepdims):
    """The first argument with the reduced axes as length 1, so that it broadcasts against `x`."""
    if keepdims or axis is None or axis == 0 or not x_shape:
        return y  # a missing leading axis broadcasts without a reshape
    axes = axes_of(axis, len(x_shape))
    return reshape(y, tuple(1 if k in axes else n for k, n in enumerate(x_shape)))


def broadcast_back(g, x_shape, axis, keepdims):
    """`g`, broadcast to all elements that were summed."""
    if axis is None:
        return broadcast_to(g, x_shape)
    return broadcast_to(restore_axes(g, x_shape, axis, keepdims), x_shape)


def count_of(x_shape, axis):
    """The number of elements that are reduced to one."""
    return math.prod(x_shape[k] for k in axes_of(axis, len(x_shape)))


def real_inner(t, gradient, axis, keepdims):
    """The derivative along `t` of a real reduction with a `gradient`, where complex numbers count as pairs of reals."""
    return sum(ops.real(ops.conj(gradient) * t) if t.dtype.kind == "c" else gradient * t, axis, keepdims)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, x_shape, axis, keepdims: broadcast_back(g, x_shape, axis, keepdims),
    jvp="linear",
    takes_dtype=True,
    prepare=_READ,
    samples=uniform(-2, 2, *SHAPES, *EMPTY_RESULTS, *_EMPTY_OPERANDS),
    pattern=patterns.reduces,
)
def sum(x, /, axis=None, keepdims=False, *, dtype=None):
    """Sum of `x` over `axis`, all axes by default."""
    return np.sum(x, axis=axis, dtype=dtype, keepdims=keepdims)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, x_shape, axis, keepdims: broadcast_back(g / (count_of(x_shape, axis) or 1), x_shape, axis, keepdims),
    jvp="linear",
    takes_dtype=True,
    prepare=_READ,
    samples=uniform(-2, 2, *SHAPES, *EMPTY_RESULTS),
    pattern=patterns.reduces,
)
def mean(x, /, axis=None, keepdims=False, *, dtype=None):
    """Mean of `x` over `axis`, all axes by default."""
    x = x if type(x) is np.ndarray else np.asarray(x)
    return x.mean(axis, dtype, None, keepdims)  # without the Python code of np.mean


def _ties(x, y, axis, keepdims):
    """Return where `x` equals `y`, and how often, None if once everywhere. NaN is the extreme, as in NumPy."""
    ties = equal(x, restore_axes(y, x.shape, axis, keepdims)).detach().numpy()
    if occurs(np.isnan(y.detach().numpy())):
        ties = ties | np.isnan(x.detach().numpy())
    count = np.maximum(np.sum(ties, axis=axis, keepdims=keepdims), 1)
    return ties, count if occurs(count > 1) else None


def extreme_vjp(g, x, y, axis, keepdims):
    """`g`, divided by the number of ties, where `x` equals `y`, and 0 elsewhere."""
    ties, count = _ties(x, y, axis, keepdims)
    g = g if count is None else g / count.astype(g.dtype)
    return where(ties, restore_axes(g, x.shape, axis, keepdims), 0)


def extreme_jvp(t, x, y, axis, keepdims):
    """The mean of `t` over the elements that equal the extreme."""
    ties, count = _ties(x, y, axis, keepdims)
    t = sum(where(ties, t, 0), axis, keepdims)
    return t if count is None else t / count.astype(t.dtype)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, x, y, axis, keepdims: extreme_vjp(g, x, y, axis, keepdims),
    jvp=lambda t, x, y, axis, keepdims: extreme_jvp(t, x, y, axis, keepdims),
    numpy=("max", "amax"),
    prepare=_READ,
    samples=uniform(-2, 2, *SHAPES, *EMPTY_RESULTS),
    pattern=patterns.reduces,
)
def max(x, /, axis=None, keepdims=False):
    """Largest element of `x` over `axis`: the upstream gradient is routed to it; ties share it equally."""
    return np.max(x, axis=axis, keepdims=keepdims)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, x, y, axis, keepdims: extreme_vjp(g, x, y, axis, keepdims),
    jvp=lambda t, x, y, axis, keepdims: extreme_jvp(t, x, y, axis, keepdims),
    numpy=("min", "amin"),
    prepare=_READ,
    samples=uniform(-2, 2, *SHAPES, *EMPTY_RESULTS),
    pattern=patterns.reduces,
)
def min(x, /, axis=None, keepdims=False):
    """Smallest element of `x` over `axis`: the upstream gradient is routed to it; ties share it equally."""
    return np.min(x, axis=axis, keepdims=keepdims)


def prod_vjp(g, x, y, axis, keepdims):
    """`g * y / x`; if `x` has zeros, or `y` underflows, `g` times the product of the other elements."""
    size = np.abs(y.detach().numpy())
    if size.size and size.min() > np.finfo(size.dtype).tiny and size.max() < np.inf:
        return restore_axes(g * y, x.shape, axis, keepdims) / x
    return _prod_others(g, x, axes_of(axis, x.ndim))


def _prod_others(g, x, axes):
    """`g` times the product of all other elements, without division: backpropagation through a tree of products."""
    rest = tuple(k for k in range(x.ndim) if k not in axes)
    order = rest + axes
    lengths = tuple(x.shape[k] for k in rest)
    n = math.prod(x.shape[k] for k in axes)
    level = reshape(permute_dims(x, order), (*lengths, n))
    levels = []
    while level.shape[-1] > 1:
        levels.append(level)
        last = level.shape[-1] // 2 * 2
        pairs = ops.multiply(level[..., 0:last:2], level[..., 1:last:2])
        level = pairs if last == level.shape[-1] else ops.concat(pairs, level[..., last:], axis=-1)
    down = reshape(g, (*lengths, 1)) if n else broadcast_to(reshape(g, (*lengths, 1)), (*lengths, 0))
    for level in reversed(levels):
        last = level.shape[-1] // 2 * 2
        half = down[..., : last // 2]
        both = ops.stack(half * level[..., 1:last:2], half * level[..., 0:last:2], axis=-1)
        both = reshape(both, (*lengths, last))
        down = both if last == level.shape[-1] else ops.concat(both, down[..., last // 2 :], axis=-1)
    down = reshape(down, tuple(x.shape[k] for k in order))
    return permute_dims(down, tuple(order.index(k) for k in range(x.ndim)))


@rule(
    batch=batching.over_axis,
    vjp=lambda g, x, y, axis, keepdims: prod_vjp(g, x, y, axis, keepdims),
    jvp=lambda t, x, y, axis, keepdims: sum(t * prod_vjp(ones_of(y), x, y, axis, keepdims), axis, keepdims),
    takes_dtype=True,
    prepare=_READ,
    samples=lambda rng: [*uniform(0.5, 2, *SHAPES, *EMPTY_RESULTS, *_EMPTY_OPERANDS)(rng), *_with_zeros(rng)],
    pattern=patterns.reduces,
)
def prod(x, /, axis=None, keepdims=False, *, dtype=None):
    """Product of `x` over `axis`, all axes by default. The gradient is correct for elements that are zero."""
    return np.prod(x, axis=axis, dtype=dtype, keepdims=keepdims)


def _with_zeros(rng):
    for zeros in (1, 2, 3):
        x = rng.uniform(0.5, 2, size=(2, 5))
        x[0, :zeros] = 0
        yield (x,), {"axis": 1}
        yield (x,), {}


def _finite(y):
    """`y` with 0 in place of -inf: the gradient of the logsumexp of -infs is exp(-inf - 0) = 0, not NaN."""
    nothing = equal(y, -np.inf)
    return where(nothing, 0, y) if occurs(nothing) else y


def _maximum(x, axis):
    """Return the largest real part of `x`, which the softmax family subtracts, or 0 if there are no elements."""
    x = np.asarray(np.real(x))
    return np.max(x, axis=axis, keepdims=True) if x.size else np.sum(x, axis=axis, keepdims=True)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, x, y, axis, keepdims: (
        restore_axes(g, x.shape, axis, keepdims) * exp(x - restore_axes(_finite(y), x.shape, axis, keepdims))
    ),
    jvp=lambda t, x, y, axis, keepdims: sum(
        t * exp(x - restore_axes(_finite(y), x.shape, axis, keepdims)), axis, keepdims
    ),
    numpy=(),
    prepare=_READ,
    samples=uniform(-2, 2, *SHAPES, *EMPTY_RESULTS),
    pattern=patterns.reduces,
)
def logsumexp(x, /, axis=None, keepdims=False):
    """`log(sum(exp(x)))` over `axis`, computed without overflow; -inf for no elements."""
    top = _maximum(x, axis)
    top = np.where(np.isfinite(top), top, 0)  # real, since subtracting an imaginary part could change the branch
    y = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis=axes_of(axis, y.ndim))


@rule(
    batch=batching.over_axis,
    vjp=lambda g, y, axis: y * (g - sum(g * y, axis, True)),
    jvp=lambda t, y, axis: y * (t - sum(t * y, axis, True)),
    numpy=(),
    takes_dtype=True,
    prepare=parameters.read(axis=parameters.axes),
    samples=uniform(
        -2, 2, ((2, 3), {}), ((4,), {}), ((2, 3, 2), {"axis": 1}), ((2, 3), {"axis": (0, 1)}), ((0, 3), {})
    ),
    pattern=patterns.lines,
)
def softmax(x, /, axis=-1, *, dtype=None):
    """`exp(x) / sum(exp(x))` along `axis`, computed without overflow."""
    e = np.exp(x - _maximum(x, axis))
    return e / np.sum(e, axis=axis, keepdims=True)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, y, axis: g - exp(y) * sum(g, axis, True),
    jvp=lambda t, y, axis: t - sum(t * exp(y), axis, True),
    numpy=(),
    takes_dtype=True,
    prepare=parameters.read(axis=parameters.axes),
    samples=uniform(
        -2, 2, ((2, 3), {}), ((4,), {}), ((2, 3, 2), {"axis": 1}), ((2, 3), {"axis": (0, 1)}), ((0, 3), {})
    ),
    pattern=patterns.lines,
)
def log_softmax(x, /, axis=-1, *, dtype=None):
    """`x - logsumexp(x)` along `axis`: the logarithm of softmax, accurate where softmax underflows."""
    x = x - _maximum(x, axis)
    return x - np.log(np.sum(np.exp(x), axis=axis, keepdims=True))
