"""Quantiles and partial sorting: each result is a weighted mean of two neighbours in the order of the elements."""

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules.checks import values_of
from fastgrad.rules.indexing import getitem, scatter_add
from fastgrad.rules.reductions import axes_of, sum
from fastgrad.rules.rule import ops, rule
from fastgrad.rules.shapes import permute_dims, reshape

batching = lazy_functions("fastgrad.rules.batching")
batching_families = lazy_functions("fastgrad.rules.batching_families")
patterns = lazy_functions("fastgrad.rules.patterns")

# Parameters alpha and beta of Hyndman and Fan (1996); the results of the other methods are elements, or means of two.
_CONTINUOUS = {
    "linear": (1, 1), "interpolated_inverted_cdf": (0, 1), "hazen": (1 / 2, 1 / 2), "weibull": (0, 0),
    "median_unbiased": (1 / 3, 1 / 3), "normal_unbiased": (3 / 8, 3 / 8),
}  # fmt: skip


def _constant(value):
    """Read the weights, to which no gradient flows, since the result is one of the elements."""
    return None if value is None else np.array(values_of(value))


_READ = parameters.read(
    axis=parameters.axes, keepdims=parameters.flag, method=parameters.word,
    weights=_constant,
)  # fmt: skip


class _Rows:
    """The elements that are reduced to one, as rows: their order, and the places of the quantiles in it."""

    def __init__(self, x, axis):
        axes = axes_of(axis, x.ndim)
        self.order = tuple(k for k in range(x.ndim) if k not in axes) + axes
        self.lengths = tuple(x.shape[k] for k in self.order)
        self.kept = self.lengths[: x.ndim - len(axes)]
        self.count = int(np.prod(self.kept, dtype=np.intp))
        self.n = int(np.prod(self.lengths[x.ndim - len(axes) :], dtype=np.intp))

    def of(self, x):
        """Return `x`, a Tensor, as a matrix with one row per result."""
        return reshape(permute_dims(x, self.order), (self.count, self.n))

    def back(self, gx):
        """Return a matrix of rows in the shape of the operand."""
        gx = reshape(gx, self.lengths)
        return permute_dims(gx, tuple(self.order.index(k) for k in range(len(self.order))))


def _neighbours(counts, q, method):
    """Return the places of the lower neighbours in the order of each row, and the weights of the upper ones.

    A quantile is the same weighted mean of neighbours for all elements, so NumPy's quantiles of 0, 1, 2, ... are the
    places. There is one row per quantile, and one column per count.
    """
    places = np.zeros((q.size, counts.size))
    for n in np.unique(counts[counts > 0]):
        places[:, counts == n] = np.quantile(np.arange(n, dtype=float), q.ravel(), method=method)[:, None]
    lower = np.clip(np.floor(places), 0, np.maximum(counts - 2, 0)).astype(np.intp)
    return lower, places - lower


def _found(x, q, axis, method, skip_nan):
    """Return the rows of `x`, and per quantile and row the columns of both neighbours and the weight of the upper."""
    rows = _Rows(x, axis)
    values = rows.of(x.detach()).numpy()
    counts = np.sum(~np.isnan(values), axis=1) if skip_nan else np.full(rows.count, rows.n)
    lower, weight = _neighbours(counts, q, method)
    order = np.argsort(values, axis=1)  # NaN is last; the order of equal elements does not matter
    row = np.broadcast_to(np.arange(rows.count), lower.shape)
    upper = np.minimum(lower + 1, np.maximum(counts - 1, 0))
    return rows, values, order, counts, row, order[row, lower], order[row, upper], weight


def _slope(values, counts, method):
    """Return the derivative of the places with respect to the quantiles, which is 0 beyond the first and last place."""
    if method not in _CONTINUOUS:
        return np.zeros((values.size, counts.size))
    alpha, beta = _CONTINUOUS[method]
    slope = counts + 1 - alpha - beta
    place = values.reshape(-1, 1) * slope + (alpha - 1)
    return np.where((place >= 0) & (place <= counts - 1), slope, 0)


def _quantile_vjp(g, x, q, axis, method="linear", weights=None, skip_nan=False, scale=1):
    """`g` for the two neighbours, by their weights in the mean; elements equal to one of them share its part."""
    values = values_of(q) * scale
    if not x.size:
        return ops.astype(np.zeros(x.shape), g.dtype)
    if weights is not None:
        return _weighted_vjp(g, x, values, axis, method, weights, skip_nan)
    rows, matrix, order, counts, row, lower, upper, weight = _found(x, values, axis, method, skip_nan)
    g, weight = reshape(g, (values.size, rows.count)), weight.astype(g.dtype)
    used = weight.any()
    if getattr(q, "requires_grad", False):  # the weights as functions of q
        change = reshape(q - q.detach(), (values.size, 1)) * (scale * _slope(values, counts, method)).astype(g.dtype)
        weight, used = weight + change, True
    shape = (rows.count, rows.n)
    gx = scatter_add(g * (1 - weight), (row, lower), shape)
    if used:
        gx = gx + scatter_add(g * weight, (row, upper), shape)
    return rows.back(_shared(gx, matrix, order))


def _shared(gx, values, order):
    """`gx` with equal shares for equal elements of a row."""
    sorted_values = np.take_along_axis(values, order, axis=1)
    same = sorted_values[:, 1:] == sorted_values[:, :-1]
    if not same.any():
        return gx
    starts = np.ones(values.shape, bool)
    starts[:, 1:] = ~same
    group = np.empty(values.shape, np.intp)
    np.put_along_axis(group, order, (np.cumsum(starts) - 1).reshape(values.shape), axis=1)
    size = np.bincount(group.ravel())
    return getitem(scatter_add(gx, (group,), size.shape) / size.astype(gx.dtype), (group,))


def _weighted_vjp(g, x, q, axis, method, weights, skip_nan):
    """`g` for the element that is the quantile; equal elements share it."""
    rows, function = _Rows(x, axis), np.nanquantile if skip_nan else np.quantile
    values = x.detach().numpy()
    y = function(values, q, axis, method=method, weights=weights).reshape(q.size, rows.count, 1)
    chosen = rows.of(x.detach()).numpy() == y
    share = (chosen / np.maximum(chosen.sum(axis=2, keepdims=True), 1)).astype(g.dtype)
    return rows.back(sum(reshape(g, (q.size, rows.count, 1)) * share, axis=0))


def _q_vjp(g, x, q, axis, method, weights=None, skip_nan=False, scale=1):
    """`g` times the distance of the neighbours, times the derivative of the place between them."""
    values = values_of(q) * scale
    if method not in _CONTINUOUS or weights is not None or values_of(x).size < 2:
        return ops.astype(np.zeros(values.shape), g.dtype)
    rows, _, _, counts, row, lower, upper, _ = _found(x, values, axis, method, skip_nan)
    slope = (scale * _slope(values, counts, method)).astype(g.dtype)
    x = rows.of(x)
    step = getitem(x, (row, upper)) - getitem(x, (row, lower))
    return reshape(sum(reshape(g, lower.shape) * step * slope, axis=1), values.shape)


def _samples(largest, nan=False):
    """Return samples: vectors and matrices, with one quantile or several."""

    def draw(rng):
        for shape, q, params in (
            ((5,), 0.3, {}), ((5, 4), np.array([0.2, 0.7, 0.95]), {"axis": 0}), ((2, 3, 4), 0.6, {"axis": (0, -1)}),
            ((5, 2), np.array([[0.11, 0.8]]), {"axis": 0, "keepdims": True, "method": "hazen"}),
            ((3, 4), 0.45, {"axis": 1, "method": "inverted_cdf"}), ((7,), 0.4, {"method": "median_unbiased"}),
            ((6,), 0.37, {"method": "midpoint"}), ((0, 3), 0.5, {"axis": 1}),
        ):  # fmt: skip
            x = rng.permutation(np.prod(shape, dtype=int)).reshape(shape) + rng.uniform(0, 0.4, shape)
            if nan and x.size > 5:
                x.flat[2] = np.nan
            yield (x, q * largest), params

    return draw


@rule(
    batch=batching_families.quantile("quantile"),
    vjp=(
        lambda g, a, q, axis, method, weights: _quantile_vjp(g, a, q, axis, method, weights),
        lambda g, a, q, axis, method, weights: _q_vjp(g, a, q, axis, method, weights),
    ),
    prepare=_READ,
    samples=_samples(1),
)
def quantile(a, q, /, axis=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None):
    """The `q`-quantile of `a` over `axis`: the neighbours in the order get the gradient; ties share it equally."""
    return np.quantile(a, q, axis, method=method, keepdims=keepdims, weights=weights)


@rule(
    batch=batching_families.quantile("percentile"),
    vjp=(
        lambda g, a, q, axis, method, weights: _quantile_vjp(g, a, q, axis, method, weights, False, 0.01),
        lambda g, a, q, axis, method, weights: _q_vjp(g, a, q, axis, method, weights, False, 0.01),
    ),
    prepare=_READ,
    samples=_samples(100),
)
def percentile(a, q, /, axis=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None):
    """The `q`-th percentile of `a` over `axis`: the neighbours in the order get the gradient, as in `quantile`."""
    return np.percentile(a, q, axis, method=method, keepdims=keepdims, weights=weights)


@rule(
    batch=batching_families.quantile("nanquantile"),
    vjp=(
        lambda g, a, q, axis, method, weights: _quantile_vjp(g, a, q, axis, method, weights, True),
        lambda g, a, q, axis, method, weights: _q_vjp(g, a, q, axis, method, weights, True),
    ),
    prepare=_READ,
    samples=_samples(1, nan=True),
)
def nanquantile(a, q, /, axis=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None):
    """The `q`-quantile of the elements of `a` that are not NaN, which get gradient 0."""
    return np.nanquantile(a, q, axis, method=method, keepdims=keepdims, weights=weights)


@rule(
    batch=batching_families.quantile("nanpercentile"),
    vjp=(
        lambda g, a, q, axis, method, weights: _quantile_vjp(g, a, q, axis, method, weights, True, 0.01),
        lambda g, a, q, axis, method, weights: _q_vjp(g, a, q, axis, method, weights, True, 0.01),
    ),
    prepare=_READ,
    samples=_samples(100, nan=True),
)
def nanpercentile(a, q, /, axis=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None):
    """The `q`-th percentile of the elements of `a` that are not NaN, which get gradient 0."""
    return np.nanpercentile(a, q, axis, method=method, keepdims=keepdims, weights=weights)


def _median_samples(nan):
    def draw(rng):
        for shape, params in (((5,), {}), ((4, 3), {"axis": 0}), ((2, 3, 4), {"axis": (0, 2), "keepdims": True}),
                              ((), {}), ((0, 3), {"axis": 1})):  # fmt: skip
            x = rng.permutation(np.prod(shape, dtype=int)).reshape(shape) + rng.uniform(0, 0.4, shape)
            if nan and x.size > 5:
                x.flat[2] = np.nan
            yield (x,), params

    return draw


@rule(
    batch=batching.over_axis,
    vjp=lambda g, a, axis: _quantile_vjp(g, a, 0.5, axis),
    prepare=parameters.read(axis=parameters.axes, keepdims=parameters.flag),
    samples=_median_samples(False),
    pattern=patterns.reduces,
)
def median(a, /, axis=None, overwrite_input=False, keepdims=False):
    """Median of `a` over `axis`: the element in the middle gets the gradient, or each of two half; ties share it."""
    return np.median(a, axis, keepdims=keepdims)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, a, axis: _quantile_vjp(g, a, 0.5, axis, skip_nan=True),
    prepare=parameters.read(axis=parameters.axes, keepdims=parameters.flag),
    samples=_median_samples(True),
    pattern=patterns.reduces,
)
def nanmedian(a, /, axis=None, overwrite_input=False, keepdims=False):
    """Median of the elements of `a` that are not NaN, which get gradient 0."""
    return np.nanmedian(a, axis, keepdims=keepdims)


def _key_between(a, y, axis, of_result):
    """Return the key of the place that each element of `a` has in the result `y`, or the reverse if `of_result`."""
    source = np.argsort(a.detach().numpy(), axis=axis, kind="stable")  # equal elements in their order
    target = np.argsort(y.detach().numpy(), axis=axis, kind="stable")
    place = np.empty_like(source)
    np.put_along_axis(place, *((target, source) if of_result else (source, target)), axis=axis)
    key = list(np.ogrid[tuple(slice(n) for n in a.shape)])
    key[axis] = place
    return tuple(key)


def _partition_vjp(g, a, y, axis):
    """`g` at the place that each element has in the result; equal elements in their order."""
    if axis is None:
        return reshape(_partition_vjp(g, reshape(a, (-1,)), y, 0), a.shape)
    return getitem(g, _key_between(a, y, axis, False))


def _partition_jvp(t, a, y, axis):
    """Each position of the result gets the tangent of its element."""
    if axis is None:
        t, a, axis = reshape(t, (-1,)), reshape(a, (-1,)), 0
    return getitem(t, _key_between(a, y, axis, True))


@rule(
    batch=batching.along_axis,
    vjp=lambda g, a, y, axis: _partition_vjp(g, a, y, axis),
    jvp=lambda t, a, y, axis: _partition_jvp(t, a, y, axis),
    prepare=parameters.read(kth=parameters.numbers, axis=parameters.axes, kind=parameters.word),
    samples=lambda rng: [
        ((rng.normal(size=shape),), params)
        for shape, params in (
            ((6,), {"kth": 2}), ((3, 5), {"kth": (1, -1)}), ((3, 2), {"kth": 1, "axis": None}),
            ((4, 2), {"kth": 1, "axis": 0}), ((0, 2), {"kth": 1}),
        )
    ],
    pattern=patterns.lines,
)  # fmt: skip
def partition(a, /, kth, axis=-1, kind="introselect", order=None):
    """`a` in an order in which the elements at `kth` are those of the sorted `a`, after all smaller ones."""
    return np.partition(a, kth, axis, kind, order)
