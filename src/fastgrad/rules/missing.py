"""Reductions that ignore NaN: the NaN get gradient 0, and the other elements that of the reduction without them."""

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules.arithmetic import ones_of
from fastgrad.rules.checks import occurs
from fastgrad.rules.comparison import where
from fastgrad.rules.logic import equal
from fastgrad.rules.reductions import axes_of, broadcast_back, prod_vjp, real_inner, restore_axes, sum
from fastgrad.rules.rule import ops, rule
from fastgrad.rules.statistics import cumprod_jvp, cumprod_vjp, cumsum, cumsum_vjp, real_part, replace_zeros

batching = lazy_functions("fastgrad.rules.batching")
patterns = lazy_functions("fastgrad.rules.patterns")

_READ = parameters.read(axis=parameters.axes, keepdims=parameters.flag)
_READ_SPREAD = parameters.read(axis=parameters.axes, ddof=parameters.number, keepdims=parameters.flag)


def _with_nan(low, high, *cases):
    """Elements between `low` and `high`, some of them NaN. Cases are pairs of a shape and the parameters."""

    def draw(rng):
        for shape, params in cases:
            x = rng.uniform(low, high, shape)
            if x.size > 2:
                x.flat[1] = x.flat[-1] = np.nan
            yield (x,), params

    return draw


_SHAPES = (
    ((2, 3), {}), ((2, 3, 4), {"axis": 1}), ((2, 3, 4), {"axis": (0, -1)}), ((3, 2), {"axis": 0, "keepdims": True}),
    ((), {}), ((2, 0, 2), {"axis": (0, 2), "keepdims": True}),
)  # fmt: skip
_SCANS = (
    ((2, 3), {}), ((4,), {}), ((2, 3, 4), {"axis": 1}), ((2, 3), {"axis": -1}), ((0,), {}), ((), {"axis": 0}),
)  # fmt: skip


def _nan(x):
    """Return where `x` is NaN."""
    return np.isnan(x.detach().numpy())


def _without(x, number):
    """`x` with a number in place of NaN."""
    return where(_nan(x), number, x)


def _count(x, axis):
    """The number of elements that are reduced to one, with the reduced axes as length 1."""
    return np.sum(~_nan(x), axis=axes_of(axis, x.ndim), keepdims=True)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, x, axis, keepdims: where(_nan(x), 0, broadcast_back(g, x.shape, axis, keepdims)),
    jvp=lambda t, x, axis, keepdims: sum(where(_nan(x), 0, t), axis, keepdims),
    takes_dtype=True,
    prepare=_READ,
    samples=_with_nan(-2, 2, *_SHAPES),
    pattern=patterns.reduces,
)
def nansum(x, /, axis=None, keepdims=False, *, dtype=None):
    """Sum of the elements of `x` that are not NaN, over `axis`."""
    return np.nansum(x, axis=axis, dtype=dtype, keepdims=keepdims)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, x, y, axis, keepdims: where(_nan(x), 0, prod_vjp(g, _without(x, 1), y, axis, keepdims)),
    jvp=lambda t, x, y, axis, keepdims: sum(
        where(_nan(x), 0, t * prod_vjp(ones_of(y), _without(x, 1), y, axis, keepdims)), axis, keepdims
    ),
    takes_dtype=True,
    prepare=_READ,
    samples=_with_nan(0.5, 2, *_SHAPES),
    pattern=patterns.reduces,
)
def nanprod(x, /, axis=None, keepdims=False, *, dtype=None):
    """Product of the elements of `x` that are not NaN, over `axis`."""
    return np.nanprod(x, axis=axis, dtype=dtype, keepdims=keepdims)


def _nanmean_vjp(g, x, axis, keepdims):
    """`g` divided by the number of elements, where `x` is not NaN."""
    return where(_nan(x), 0, restore_axes(g, x.shape, axis, keepdims) / np.maximum(_count(x, axis), 1).astype(g.dtype))


def _nanmean_jvp(t, x, axis, keepdims):
    """The mean of `t` over the elements of `x` that are not NaN."""
    count = np.sum(~_nan(x), axis=axes_of(axis, x.ndim), keepdims=keepdims)
    return sum(where(_nan(x), 0, t), axis, keepdims) / np.maximum(count, 1).astype(t.dtype)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, x, axis, keepdims: _nanmean_vjp(g, x, axis, keepdims),
    jvp=lambda t, x, axis, keepdims: _nanmean_jvp(t, x, axis, keepdims),
    takes_dtype=True,
    prepare=_READ,
    samples=_with_nan(-2, 2, *_SHAPES),
    pattern=patterns.reduces,
)
def nanmean(x, /, axis=None, keepdims=False, *, dtype=None):
    """Mean of the elements of `x` that are not NaN, over `axis`."""
    return np.nanmean(x, axis=axis, dtype=dtype, keepdims=keepdims)


def _nanextreme_jvp(t, x, y, axis, keepdims):
    """The mean of `t` over the elements that equal the extreme."""
    ties = equal(x, restore_axes(y, x.shape, axis, keepdims)).detach().numpy()
    count = np.maximum(np.sum(ties, axis=axis, keepdims=keepdims), 1)
    return sum(where(ties, t, 0), axis, keepdims) / count.astype(t.dtype)


def _nanextreme_vjp(g, x, y, axis, keepdims):
    """`g`, divided by the number of ties, where `x` equals `y`, and 0 elsewhere."""
    ties = equal(x, restore_axes(y, x.shape, axis, keepdims)).detach().numpy()
    count = np.maximum(np.sum(ties, axis=axes_of(axis, x.ndim), keepdims=True), 1)
    return where(ties, restore_axes(g, x.shape, axis, keepdims) / count.astype(g.dtype), 0)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, x, y, axis, keepdims: _nanextreme_vjp(g, x, y, axis, keepdims),
    jvp=lambda t, x, y, axis, keepdims: _nanextreme_jvp(t, x, y, axis, keepdims),
    prepare=_READ,
    samples=_with_nan(-2, 2, *_SHAPES),
    pattern=patterns.reduces,
)
def nanmax(x, /, axis=None, keepdims=False):
    """Largest element of `x` that is not NaN, over `axis`: it gets the upstream gradient; ties share it equally."""
    return np.nanmax(x, axis=axis, keepdims=keepdims)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, x, y, axis, keepdims: _nanextreme_vjp(g, x, y, axis, keepdims),
    jvp=lambda t, x, y, axis, keepdims: _nanextreme_jvp(t, x, y, axis, keepdims),
    prepare=_READ,
    samples=_with_nan(-2, 2, *_SHAPES),
    pattern=patterns.reduces,
)
def nanmin(x, /, axis=None, keepdims=False):
    """Smallest element of `x` that is not NaN, over `axis`: it gets the upstream gradient; ties share it equally."""
    return np.nanmin(x, axis=axis, keepdims=keepdims)


def _nanvar_vjp(g, x, axis, ddof, keepdims):
    """`2 * g * (x - nanmean(x)) / (n - ddof)` where `x` is not NaN."""
    g, count = restore_axes(real_part(g), x.shape, axis, keepdims), _count(x, axis)
    divisor = np.where(count > ddof, count - ddof, np.nan).astype(g.dtype)
    kept = _without(x, 0)
    center = sum(kept, axes_of(axis, x.ndim), True) / np.maximum(count, 1).astype(g.dtype)
    return where(_nan(x), 0, (kept - center) * (g * (2 / divisor)))


def _nanvar_jvp(t, x, axis, ddof, keepdims):
    """As for a gradient: the vjp of ones, which broadcast."""
    one = ops.astype(np.ones((1,) * x.ndim, bool), real_part(x).dtype)
    return real_inner(t, _nanvar_vjp(one, x, axis, ddof, True), axis, keepdims)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, x, axis, ddof, keepdims: _nanvar_vjp(g, x, axis, ddof, keepdims),
    jvp=lambda t, x, axis, ddof, keepdims: _nanvar_jvp(t, x, axis, ddof, keepdims),
    holomorphic=False,
    synonyms={"correction": "ddof"},
    takes_dtype=True,
    prepare=_READ_SPREAD,
    samples=_with_nan(-2, 2, *_SHAPES, ((3, 4), {"axis": 1, "ddof": 1})),
    pattern=patterns.reduces,
)
def nanvar(x, /, axis=None, ddof=0, keepdims=False, *, dtype=None):
    """Variance of the elements of `x` that are not NaN: the sum of squared deviations divided by `n - ddof`."""
    return np.nanvar(x, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)


def _nanstd_vjp(g, x, y, axis, ddof, keepdims):
    """`g * (x - nanmean(x)) / ((n - ddof) * y)` where `x` is not NaN; 0 if all such elements are equal."""
    gx = _nanvar_vjp(real_part(g) / (2 * replace_zeros(real_part(y))), x, axis, ddof, keepdims)
    values, axes = x.detach().numpy(), axes_of(axis, x.ndim)
    if not x.size or not axes:
        return gx
    values = np.stack([values.real, values.imag]) if values.dtype.kind == "c" else values[None]
    axes = tuple(k + 1 for k in axes)
    high = np.max(values, axis=axes, keepdims=True, initial=-np.inf, where=~np.isnan(values))
    low = np.min(values, axis=axes, keepdims=True, initial=np.inf, where=~np.isnan(values))
    constant = np.all(high <= low, axis=0)
    return where(constant, 0, gx) if occurs(constant) else gx


@rule(
    batch=batching.over_axis,
    vjp=lambda g, x, y, axis, ddof, keepdims: _nanstd_vjp(g, x, y, axis, ddof, keepdims),
    jvp=lambda t, x, y, axis, ddof, keepdims: real_inner(
        t, _nanstd_vjp(ones_of(y), x, y, axis, ddof, keepdims), axis, keepdims
    ),
    holomorphic=False,
    synonyms={"correction": "ddof"},
    takes_dtype=True,
    prepare=_READ_SPREAD,
    samples=_with_nan(-2, 2, ((2, 3), {}), ((2, 3, 4), {"axis": (0, -1)}), ((3, 4), {"axis": 1, "ddof": 1}),
                      ((3, 4), {"axis": 0, "keepdims": True}), ((2, 0), {"axis": 0})),
    pattern=patterns.reduces,
)  # fmt: skip
def nanstd(x, /, axis=None, ddof=0, keepdims=False, *, dtype=None):
    """Standard deviation of the elements of `x` that are not NaN. If they are equal, a kink, the gradient is 0."""
    return np.nanstd(x, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)


@rule(
    batch=batching.along_axis,
    vjp=lambda g, x, axis: where(_nan(x), 0, cumsum_vjp(g, x.shape, axis)),
    jvp=lambda t, x, axis: cumsum(where(_nan(x), 0, t), axis),
    takes_dtype=True,
    prepare=parameters.read(axis=parameters.axes),
    samples=_with_nan(-2, 2, *_SCANS),
    pattern=patterns.cumulative,
)
def nancumsum(x, /, axis=None, *, dtype=None):
    """Cumulative sum of `x` along `axis`, with 0 in place of NaN."""
    return np.nancumsum(x, axis=axis, dtype=dtype)


@rule(
    batch=batching.along_axis,
    vjp=lambda g, x, y, axis: where(_nan(x), 0, cumprod_vjp(g, _without(x, 1), y, axis)),
    jvp=lambda t, x, y, axis: cumprod_jvp(where(_nan(x), 0, t), _without(x, 1), y, axis),
    takes_dtype=True,
    prepare=parameters.read(axis=parameters.axes),
    samples=_with_nan(0.5, 2, *_SCANS),
    pattern=patterns.cumulative,
)
def nancumprod(x, /, axis=None, *, dtype=None):
    """Cumulative product of `x` along `axis`, with 1 in place of NaN."""
    return np.nancumprod(x, axis=axis, dtype=dtype)
