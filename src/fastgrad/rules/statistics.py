"""Variance and standard deviation, and cumulative sums and products: var, std, cumsum, cumprod."""

import math

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules.arithmetic import ones_of
from fastgrad.rules.checks import occurs
from fastgrad.rules.comparison import where
from fastgrad.rules.draws import uniform
from fastgrad.rules.logic import equal
from fastgrad.rules.reductions import EMPTY_RESULTS, count_of, mean, real_inner, restore_axes, sum
from fastgrad.rules.rule import ops, rule
from fastgrad.rules.shapes import flip, reshape

batching = lazy_functions("fastgrad.rules.batching")
patterns = lazy_functions("fastgrad.rules.patterns")

_SPREADS = (
    ((3, 4), {}), ((2, 3, 4), {"axis": 1}), ((2, 3, 4), {"axis": (0, -1), "ddof": 1}), ((5,), {"ddof": 1}),
    ((3, 4), {"axis": 0, "keepdims": True}), ((3, 4), {"keepdims": True}),
)  # fmt: skip
_SCANS = (
    ((2, 3), {}), ((4,), {}), ((2, 3, 4), {"axis": 1}), ((2, 3), {"axis": -1}), ((0,), {}), ((2, 3), {"axis": 0}),
    ((), {"axis": 0}),
)  # fmt: skip


def replace_zeros(y):
    """Return `y` with 1 in place of 0, as a divisor for values that are 0 wherever `y` is."""
    zero = equal(y, 0)
    return where(zero, 1, y) if occurs(zero) else y


def _degrees_of_freedom(x_shape, axis, ddof):
    """Return the divisor of a variance, or NaN where it is not positive and NumPy's result is NaN."""
    n = count_of(x_shape, axis) - ddof
    return n if n > 0 else math.nan


def real_part(g):
    """Return the real part: with a complex `dtype=` the result is complex, with the imaginary part constant 0."""
    return ops.real(g) if g.dtype.kind == "c" else g


def _var_vjp(g, x, axis, ddof, keepdims):
    """`2 * g * (x - mean(x)) / (n - ddof)`, with `g` broadcast to the reduced axes."""
    g = restore_axes(real_part(g), x.shape, axis, keepdims)
    if not x.size:  # there are no elements; a divisor of NaN would make the second derivative NaN
        return x * g
    return (x - mean(x, axis, True)) * (g * (2 / _degrees_of_freedom(x.shape, axis, ddof)))


def _var_jvp(t, x, axis, ddof, keepdims):
    """The sum of `2 * t * (x - mean(x)) / (n - ddof)` over the reduced axes."""
    if not x.size:
        return sum(real_part(x * t), axis, keepdims)
    slope = (x - mean(x, axis, True)) * (2 / _degrees_of_freedom(x.shape, axis, ddof))
    return real_inner(t, slope, axis, keepdims)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, x, axis, ddof, keepdims: _var_vjp(g, x, axis, ddof, keepdims),
    jvp=lambda t, x, axis, ddof, keepdims: _var_jvp(t, x, axis, ddof, keepdims),
    holomorphic=False,
    synonyms={"correction": "ddof"},
    takes_dtype=True,
    prepare=parameters.read(axis=parameters.axes, ddof=parameters.number, keepdims=parameters.flag),
    samples=uniform(-2, 2, *_SPREADS, *EMPTY_RESULTS),
    pattern=patterns.reduces,
)
def var(x, /, axis=None, ddof=0, keepdims=False, *, dtype=None):
    """Variance of `x` over `axis`: the sum of squared deviations divided by `n - ddof`."""
    x = x if type(x) is np.ndarray else np.asarray(x)
    return x.var(axis, dtype, None, ddof, keepdims)  # without the Python code of np.var


def _std_vjp(g, x, y, axis, ddof, keepdims):
    """`g * (x - mean(x)) / ((n - ddof) * y)`, with `g` broadcast to the reduced axes; 0 if all elements are equal."""
    g, y = real_part(g), real_part(y)
    if not x.size:
        return x * restore_axes(g, x.shape, axis, keepdims)
    center = mean(x, axis, True)
    constant = _constant(x.detach().numpy(), y.detach().numpy(), center.detach().numpy(), axis, keepdims)
    y = replace_zeros(y if constant is None else where(constant, 1, y))
    gx = (x - center) * restore_axes(g / (y * _degrees_of_freedom(x.shape, axis, ddof)), x.shape, axis, keepdims)
    return gx if constant is None else where(restore_axes(constant, x.shape, axis, keepdims), 0, gx)


def _constant(x, y, center, axis, keepdims):
    """Return where all elements are equal, although rounding of the mean makes `y` nonzero; None if nowhere."""
    noise = np.finfo(y.dtype).eps * count_of(x.shape, axis)
    small = y <= noise * np.abs(center if keepdims else center.reshape(y.shape))
    if not occurs(small):
        return None
    return small & (np.max(x, axis=axis, keepdims=keepdims) == np.min(x, axis=axis, keepdims=keepdims))


@rule(
    batch=batching.over_axis,
    vjp=lambda g, x, y, axis, ddof, keepdims: _std_vjp(g, x, y, axis, ddof, keepdims),
    jvp=lambda t, x, y, axis, ddof, keepdims: real_inner(
        t, _std_vjp(ones_of(y), x, y, axis, ddof, keepdims), axis, keepdims
    ),
    holomorphic=False,
    synonyms={"correction": "ddof"},
    takes_dtype=True,
    prepare=parameters.read(axis=parameters.axes, ddof=parameters.number, keepdims=parameters.flag),
    samples=uniform(-2, 2, *_SPREADS, *EMPTY_RESULTS),
    pattern=patterns.reduces,
)
def std(x, /, axis=None, ddof=0, keepdims=False, *, dtype=None):
    """Standard deviation of `x` over `axis`. If all elements are equal, a kink, the gradient is 0."""
    x = x if type(x) is np.ndarray else np.asarray(x)
    return x.std(axis, dtype, None, ddof, keepdims)  # without the Python code of np.std


def cumsum_vjp(g, x_shape, axis):
    """The cumulative sum of `g` from the end of the axis, since an element contributes to all later sums."""
    gx = flip(cumsum(flip(g, axis), axis), axis)  # an element contributes to all later sums
    return gx if gx.shape == x_shape else reshape(gx, x_shape)  # x was flattened, or is 0-d


@rule(
    batch=batching.along_axis,
    vjp=lambda g, x_shape, axis: cumsum_vjp(g, x_shape, axis),
    jvp="linear",
    takes_dtype=True,
    prepare=parameters.read(axis=parameters.axes),
    samples=uniform(-2, 2, *_SCANS),
    pattern=patterns.cumulative,
)
def cumsum(x, /, axis=None, *, dtype=None):
    """Cumulative sum of `x` along `axis`, of the flattened `x` by default."""
    return np.cumsum(x, axis=axis, dtype=dtype)


def cumprod_vjp(g, x, y, axis):
    """`gx[k] = y[k - 1] * s[k]` with `s[k] = g[k] + x[k + 1] * s[k + 1]`, which has no division that fails at zeros."""
    shape = x.shape
    if axis is None or not shape:
        axis = 0
        g, x, y = (reshape(t, (-1,)) for t in (g, x, y))
    axis %= x.ndim
    before = (slice(None),) * axis
    parts, s = [], None
    for k in reversed(range(x.shape[axis])):
        s = g[(*before, k)] if s is None else g[(*before, k)] + x[(*before, k + 1)] * s
        parts.append(s if k == 0 else y[(*before, k - 1)] * s)
    return reshape(ops.stack(*reversed(parts), axis=axis) if parts else g, shape)


def cumprod_jvp(t, x, y, axis):
    """`ty[k] = ty[k - 1] * x[k] + y[k - 1] * t[k]`, without division, as the vjp."""
    if axis is None or not x.shape:
        axis = 0
        t, x = (reshape(a, (-1,)) for a in (t, x))
    before = (slice(None),) * (axis % x.ndim)
    parts = []
    for k in range(x.shape[axis]):
        tk = t[(*before, k)]
        parts.append(parts[-1] * x[(*before, k)] + y[(*before, k - 1)] * tk if parts else tk)
    return ops.stack(*parts, axis=axis) if parts else t


@rule(
    batch=batching.along_axis,
    vjp=lambda g, x, y, axis: cumprod_vjp(g, x, y, axis),
    jvp=lambda t, x, y, axis: cumprod_jvp(t, x, y, axis),
    takes_dtype=True,
    prepare=parameters.read(axis=parameters.axes),
    samples=uniform(0.5, 2, *_SCANS),
    pattern=patterns.cumulative,
)
def cumprod(x, /, axis=None, *, dtype=None):
    """Cumulative product of `x` along `axis`, of the flattened `x` by default."""
    return np.cumprod(x, axis=axis, dtype=dtype)
