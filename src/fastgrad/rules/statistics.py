"""Spread along axes, running sums and products: var, std, cumsum, cumprod."""

import math

import numpy as np

from fastgrad import parameters
from fastgrad.rules.comparison import where
from fastgrad.rules.draws import uniform
from fastgrad.rules.logic import equal
from fastgrad.rules.reductions import NOTHING, count_of, kept, mean
from fastgrad.rules.rule import ops, rule
from fastgrad.rules.shapes import flip, reshape

_SPREADS = (
    ((3, 4), {}), ((2, 3, 4), {"axis": 1}), ((2, 3, 4), {"axis": (0, -1), "ddof": 1}), ((5,), {"ddof": 1}),
    ((3, 4), {"axis": 0, "keepdims": True}), ((3, 4), {"keepdims": True}),
)  # fmt: skip
_SCANS = (
    ((2, 3), {}), ((4,), {}), ((2, 3, 4), {"axis": 1}), ((2, 3), {"axis": -1}), ((0,), {}), ((2, 3), {"axis": 0}),
)  # fmt: skip


def nonzero(y):
    """`y` with 1 for 0: a divisor for what is 0 wherever `y` is."""
    zero = equal(y, 0)
    return where(zero, 1, y) if zero.detach().numpy().any() else y


def _freedom(x_shape, axis, ddof):
    """The divisor of a variance; NaN where NumPy's is not positive and its result NaN."""
    n = count_of(x_shape, axis) - ddof
    return n if n > 0 else math.nan


def _real(g):
    """The real part: with a complex `dtype=` the result is complex, its imaginary part the constant 0."""
    return ops.real(g) if g.dtype.kind == "c" else g


def _var_vjp(g, x, axis, ddof, keepdims):
    g = kept(_real(g), x.shape, axis, keepdims)
    if not x.size:  # nothing of `g` arrives anywhere: a NaN as divisor would, in the second order
        return x * g
    return (x - mean(x, axis, True)) * (g * (2 / _freedom(x.shape, axis, ddof)))


@rule(
    vjp=lambda g, x, axis, ddof, keepdims: _var_vjp(g, x, axis, ddof, keepdims),
    holomorphic=False,
    synonyms={"correction": "ddof"},
    takes_dtype=True,
    prepare=parameters.read(axis=parameters.axes, ddof=parameters.number, keepdims=parameters.flag),
    samples=uniform(-2, 2, *_SPREADS, *NOTHING),
)
def var(x, /, axis=None, ddof=0, keepdims=False, *, dtype=None):
    """Variance of `x` over `axis`: the sum of squared deviations divided by `n - ddof`."""
    return np.var(x, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)


def _std_vjp(g, x, y, axis, ddof, keepdims):
    g, y = _real(g), _real(y)
    if not x.size:
        return x * kept(g, x.shape, axis, keepdims)
    center = mean(x, axis, True)
    level = _level(x.detach().numpy(), y.detach().numpy(), center.detach().numpy(), axis, keepdims)
    y = nonzero(y if level is None else where(level, 1, y))
    gx = (x - center) * kept(g / (y * _freedom(x.shape, axis, ddof)), x.shape, axis, keepdims)
    return gx if level is None else where(kept(level, x.shape, axis, keepdims), 0, gx)


def _level(x, y, center, axis, keepdims):
    """Where all elements are equal, though the rounding of their mean makes a deviation of it; None if nowhere."""
    noise = np.finfo(y.dtype).eps * count_of(x.shape, axis)
    small = y <= noise * np.abs(center if keepdims else center.reshape(y.shape))
    if not small.any():
        return None
    return small & (np.max(x, axis=axis, keepdims=keepdims) == np.min(x, axis=axis, keepdims=keepdims))


@rule(
    vjp=lambda g, x, y, axis, ddof, keepdims: _std_vjp(g, x, y, axis, ddof, keepdims),
    holomorphic=False,
    synonyms={"correction": "ddof"},
    takes_dtype=True,
    prepare=parameters.read(axis=parameters.axes, ddof=parameters.number, keepdims=parameters.flag),
    samples=uniform(-2, 2, *_SPREADS, *NOTHING),
)
def std(x, /, axis=None, ddof=0, keepdims=False, *, dtype=None):
    """Standard deviation of `x` over `axis`. Where all elements are equal, a kink, its gradient is 0."""
    return np.std(x, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)


def _cumsum_vjp(g, x_shape, axis):
    gx = flip(cumsum(flip(g, axis), axis), axis)  # what comes after an element holds it
    return gx if gx.shape == x_shape else reshape(gx, x_shape)  # flattened, or of one element where x is a number


@rule(
    vjp=lambda g, x_shape, axis: _cumsum_vjp(g, x_shape, axis),
    takes_dtype=True,
    prepare=parameters.read(axis=parameters.axes),
    samples=uniform(-2, 2, *_SCANS),
)
def cumsum(x, /, axis=None, *, dtype=None):
    """Running sum of `x` along `axis`, of the flattened `x` by default."""
    return np.cumsum(x, axis=axis, dtype=dtype)


def _cumprod_vjp(g, x, y, axis):
    # gx[k] = (x[0] ... x[k - 1]) * s[k], where s[k] = g[k] + x[k + 1] * s[k + 1]: no division, which fails at zeros
    shape = x.shape
    if axis is None:
        axis = 0
        g, x, y = (reshape(t, (-1,)) for t in (g, x, y))
    axis %= x.ndim
    before = (slice(None),) * axis
    parts, s = [], None
    for k in reversed(range(x.shape[axis])):
        s = g[(*before, k)] if s is None else g[(*before, k)] + x[(*before, k + 1)] * s
        parts.append(s if k == 0 else y[(*before, k - 1)] * s)
    return reshape(ops.stack(*reversed(parts), axis=axis) if parts else g, shape)


@rule(
    vjp=lambda g, x, y, axis: _cumprod_vjp(g, x, y, axis),
    takes_dtype=True,
    prepare=parameters.read(axis=parameters.axes),
    samples=uniform(0.5, 2, *_SCANS),
)
def cumprod(x, /, axis=None, *, dtype=None):
    """Running product of `x` along `axis`, of the flattened `x` by default."""
    return np.cumprod(x, axis=axis, dtype=dtype)
