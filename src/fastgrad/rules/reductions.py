"""Reductions: many elements to one, over all axes, one, or several. Sums copy the gradient, extremes route it."""

import math

import numpy as np

from fastgrad import parameters
from fastgrad.rules.comparison import where
from fastgrad.rules.draws import uniform
from fastgrad.rules.exponential import exp
from fastgrad.rules.logic import equal
from fastgrad.rules.rule import ops, rule
from fastgrad.rules.shapes import broadcast_to, permute_dims, reshape

_READ = parameters.read(axis=parameters.axes, keepdims=parameters.flag)
SHAPES = (
    ((2, 3), {}), ((2, 3, 4), {"axis": 1}), ((2, 3, 4), {"axis": (0, -1)}), ((3, 2), {"axis": 0, "keepdims": True}),
    ((2, 3), {"keepdims": True}), ((4,), {"axis": -1}), ((), {}), ((2, 3), {"axis": ()}), ((1, 3, 1), {"axis": 2}),
)  # fmt: skip
NOTHING = (((0, 3), {"axis": 1}), ((2, 0, 2), {"axis": (0, 2), "keepdims": True}))  # results without elements
_EMPTY = (((0, 3), {"axis": 0}), ((2, 0), {"axis": 0}), ((0,), {}))


def axes_of(axis, ndim):
    """The reduced axes as a tuple of numbers from 0 to ndim - 1."""
    if axis is None or not ndim:  # a number may be reduced along axis 0 and -1, as NumPy lets it, and has none
        return tuple(range(ndim))
    return tuple(k % ndim for k in axis) if isinstance(axis, tuple) else (axis % ndim,)


def kept(y, x_shape, axis, keepdims):
    """The result with the reduced axes back as length 1, so that it broadcasts against the operand."""
    if keepdims or axis is None or axis == 0 or not x_shape:
        return y  # a missing leading axis broadcasts by itself
    axes = axes_of(axis, len(x_shape))
    return reshape(y, tuple(1 if k in axes else n for k, n in enumerate(x_shape)))


def spread(g, x_shape, axis, keepdims):
    """The cotangent copied to every element that was summed."""
    return broadcast_to(kept(g, x_shape, axis, keepdims), x_shape)


def count_of(x_shape, axis):
    """How many elements each result is made of."""
    return math.prod(x_shape[k] for k in axes_of(axis, len(x_shape)))


@rule(
    vjp=lambda g, x_shape, axis, keepdims: spread(g, x_shape, axis, keepdims),
    takes_dtype=True,
    prepare=_READ,
    samples=uniform(-2, 2, *SHAPES, *NOTHING, *_EMPTY),
)
def sum(x, /, axis=None, keepdims=False, *, dtype=None):
    """Sum of `x` over `axis`, all axes by default."""
    return np.sum(x, axis=axis, dtype=dtype, keepdims=keepdims)


@rule(
    vjp=lambda g, x_shape, axis, keepdims: spread(g / (count_of(x_shape, axis) or 1), x_shape, axis, keepdims),
    takes_dtype=True,
    prepare=_READ,
    samples=uniform(-2, 2, *SHAPES, *NOTHING),
)
def mean(x, /, axis=None, keepdims=False, *, dtype=None):
    """Mean of `x` over `axis`, all axes by default."""
    return np.mean(x, axis=axis, dtype=dtype, keepdims=keepdims)


def extreme_vjp(g, x, y, axis, keepdims):
    """`g`, divided by the number of ties, where `x` equals `y`; 0 elsewhere. NaN wins, as in NumPy."""
    ties = equal(x, kept(y, x.shape, axis, keepdims)).detach().numpy()
    if np.isnan(y.detach().numpy()).any():
        ties = ties | np.isnan(x.detach().numpy())
    count = np.maximum(np.sum(ties, axis=axis, keepdims=keepdims), 1)
    if (count > 1).any():
        g = g / count.astype(g.dtype)
    return where(ties, kept(g, x.shape, axis, keepdims), 0)


@rule(
    vjp=lambda g, x, y, axis, keepdims: extreme_vjp(g, x, y, axis, keepdims),
    numpy=("max", "amax"),
    prepare=_READ,
    samples=uniform(-2, 2, *SHAPES, *NOTHING),
)
def max(x, /, axis=None, keepdims=False):
    """The largest element of `x` over `axis`: routes the upstream gradient to the winner; ties share it equally."""
    return np.max(x, axis=axis, keepdims=keepdims)


@rule(
    vjp=lambda g, x, y, axis, keepdims: extreme_vjp(g, x, y, axis, keepdims),
    numpy=("min", "amin"),
    prepare=_READ,
    samples=uniform(-2, 2, *SHAPES, *NOTHING),
)
def min(x, /, axis=None, keepdims=False):
    """The smallest element of `x` over `axis`: routes the upstream gradient to the winner; ties share it equally."""
    return np.min(x, axis=axis, keepdims=keepdims)


def _prod_vjp(g, x, y, axis, keepdims):
    """`g * y / x`; where `x` has zeros or `y` has no digits left, the products of all others, without a division."""
    size = np.abs(y.detach().numpy())
    if size.size and size.min() > np.finfo(size.dtype).tiny and size.max() < np.inf:
        return kept(g * y, x.shape, axis, keepdims) / x
    return _prod_others(g, x, axes_of(axis, x.ndim))


def _prod_others(g, x, axes):
    """`g` times the product of all other elements, without a division: back through a tree of pairwise products."""
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
    vjp=lambda g, x, y, axis, keepdims: _prod_vjp(g, x, y, axis, keepdims),
    takes_dtype=True,
    prepare=_READ,
    samples=lambda rng: [*uniform(0.5, 2, *SHAPES, *NOTHING, *_EMPTY)(rng), *_with_zeros(rng)],
)
def prod(x, /, axis=None, keepdims=False, *, dtype=None):
    """Product of `x` over `axis`, all axes by default. The gradient is exact where elements are zero, too."""
    return np.prod(x, axis=axis, dtype=dtype, keepdims=keepdims)


def _with_zeros(rng):
    for zeros in (1, 2, 3):
        x = rng.uniform(0.5, 2, size=(2, 5))
        x[0, :zeros] = 0
        yield (x,), {"axis": 1}
        yield (x,), {}


def _finite(y):
    """`y`, with 0 for -inf: the logsumexp of nothing but -inf, whose gradient is then exp(-inf - 0) = 0 and not NaN."""
    nothing = equal(y, -np.inf)
    return where(nothing, 0, y) if nothing.detach().numpy().any() else y


def _top(x, axis):
    """What the softmax family takes out of `x`: its largest real part; 0 where there are no elements."""
    x = np.real(x)
    return np.max(x, axis=axis, keepdims=True) if x.size else np.sum(x, axis=axis, keepdims=True)


@rule(
    vjp=lambda g, x, y, axis, keepdims: (
        kept(g, x.shape, axis, keepdims) * exp(x - kept(_finite(y), x.shape, axis, keepdims))
    ),
    numpy=(),
    prepare=_READ,
    samples=uniform(-2, 2, *SHAPES, *NOTHING),
)
def logsumexp(x, /, axis=None, keepdims=False):
    """`log(sum(exp(x)))` over `axis`, without overflow: the largest element is taken out first. -inf of no elements."""
    top = _top(x, axis)
    top = np.where(np.isfinite(top), top, 0)  # a real number: taking out an imaginary part would change the branch
    y = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis=axes_of(axis, y.ndim))


@rule(
    vjp=lambda g, y, axis: y * (g - sum(g * y, axis, True)),
    numpy=(),
    prepare=parameters.read(axis=parameters.axes),
    samples=uniform(
        -2, 2, ((2, 3), {}), ((4,), {}), ((2, 3, 2), {"axis": 1}), ((2, 3), {"axis": (0, 1)}), ((0, 3), {})
    ),
)
def softmax(x, /, axis=-1):
    """`exp(x) / sum(exp(x))` along `axis`, without overflow."""
    e = np.exp(x - _top(x, axis))
    return e / np.sum(e, axis=axis, keepdims=True)


@rule(
    vjp=lambda g, y, axis: g - exp(y) * sum(g, axis, True),
    numpy=(),
    prepare=parameters.read(axis=parameters.axes),
    samples=uniform(
        -2, 2, ((2, 3), {}), ((4,), {}), ((2, 3, 2), {"axis": 1}), ((2, 3), {"axis": (0, 1)}), ((0, 3), {})
    ),
)
def log_softmax(x, /, axis=-1):
    """`x - logsumexp(x)` along `axis`: the logarithm of softmax, exact where softmax underflows."""
    x = x - _top(x, axis)
    return x - np.log(np.sum(np.exp(x), axis=axis, keepdims=True))
