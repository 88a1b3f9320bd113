"""Reductions that return something else in PyTorch. A keyword that only PyTorch has selects these: `x.max(dim=1)`.

`max`, `min`, `median` and `sort` return pairs of values and indices; the divisor of `std` and `var` is n - 1.
"""

import numpy as np

from fastgrad import errors, parameters
from fastgrad.functions.arguments import as_tensor, one_axis, plain
from fastgrad.functions.batches import by_element
from fastgrad.functions.selecting import argsort, take_along_axis
from fastgrad.functions.shapes import squeeze
from fastgrad.rules.rule import FUNCTIONS


class ValuesAndIndices(tuple):
    """A pair `(values, indices)`, as PyTorch returns it."""

    __slots__ = ()

    @property
    def values(self):
        """The selected elements."""
        return self[0]

    @property
    def indices(self):
        """Their positions along the axis; a constant."""
        return self[1]

    def __repr__(self):
        return f"ValuesAndIndices(values={self[0]!r}, indices={self[1]!r})"


def _selected(x, indices, axis, keepdims):
    """Return the elements of `x` at `indices`, which have length 1 along `axis`, and the indices."""
    values, indices = take_along_axis(x, indices, axis), as_tensor(indices)
    if not keepdims:
        values, indices = squeeze(values, axis), squeeze(indices, axis)
    return ValuesAndIndices((values, indices))


def _extreme(op):
    position = getattr(np, f"arg{op}")

    def call(x, axis=None, keepdims=False, *, dim=None, keepdim=None):
        axis, keepdims = parameters.either(axis, dim), parameters.either(keepdims, keepdim, False)
        if axis is None:
            return FUNCTIONS[op](x, None, keepdims)
        x = as_tensor(x)
        if not x.ndim:
            return ValuesAndIndices((FUNCTIONS["copy"](x), as_tensor(0)))
        axis = one_axis(op, axis, x.ndim)
        return _selected(x, position(plain(x), axis, keepdims=True), axis, keepdims)

    return call


def _spread(op):
    def call(x, axis=None, ddof=None, keepdims=False, *, dim=None, keepdim=None, unbiased=None, **rest):
        axis, keepdims = parameters.either(axis, dim), parameters.either(keepdims, keepdim, False)
        ddof = rest.pop("correction", ddof)
        if ddof is None:
            ddof = 1 if unbiased is None else int(unbiased)
        return FUNCTIONS[op](x, axis=axis, ddof=ddof, keepdims=keepdims, **rest)

    return call


def median(x, axis=None, keepdims=False, *, dim=None, keepdim=None):
    """Return the median of all elements; along an axis, the pair of medians and their indices. PyTorch's function.

    Parameters
    ----------
    x : Tensor or array
    axis, dim : int, optional
    keepdims, keepdim : bool

    Returns
    -------
    Tensor or (Tensor, Tensor)
        Of two elements in the middle, the smaller one; the gradient flows to it. `numpy.median` takes their mean.
    """
    axis, keepdims = parameters.either(axis, dim), parameters.either(keepdims, keepdim, False)
    x = as_tensor(x)
    if axis is None:
        return median(x.reshape(-1), 0)[0]
    axis = one_axis("median", axis, x.ndim)
    order = argsort(x, axis).numpy()
    middle = np.take(order, [(x.shape[axis] - 1) // 2], axis)
    return _selected(x, middle, axis, keepdims)


@by_element
def topk(x, k, dim=-1, largest=True, sorted=True):
    """Return the `k` largest elements along an axis, in descending order, and their indices. PyTorch's function.

    Parameters
    ----------
    x : Tensor or array
    k : int
    dim : int
    largest : bool
        False returns the smallest ones, in ascending order.
    sorted : bool
        Results are always sorted.

    Returns
    -------
    (Tensor, Tensor)
    """
    x = as_tensor(x)
    axis = one_axis("topk", dim, x.ndim)
    k, n = parameters.integer(k), x.shape[axis] if x.ndim else 1
    if not 0 <= k <= n:
        raise errors.IndexingError(f"topk: k must be from 0 to {n}, the length of axis {axis}, got {k}")
    order = argsort(x, axis, descending=bool(largest)).numpy()
    return _selected(x, np.take(order, range(k), axis), axis, True)


def amax(x, axis=None, keepdims=False, *, dim=None, keepdim=None):
    """Return the largest elements over one or several axes, as `fg.max` with `axis=`."""
    return FUNCTIONS["max"](x, parameters.either(axis, dim), parameters.either(keepdims, keepdim, False))


def amin(x, axis=None, keepdims=False, *, dim=None, keepdim=None):
    """Return the smallest elements over one or several axes, as `fg.min` with `axis=`."""
    return FUNCTIONS["min"](x, parameters.either(axis, dim), parameters.either(keepdims, keepdim, False))


def _with_mean(op, x, dim, unbiased, correction, keepdim):
    if type(dim) is bool:  # PyTorch's `std_mean(x, unbiased)`
        dim, unbiased = None, dim
    ddof = int(unbiased) if unbiased is not None else 1 if correction is None else correction
    return FUNCTIONS[op](x, axis=dim, ddof=ddof, keepdims=keepdim), FUNCTIONS["mean"](x, axis=dim, keepdims=keepdim)


def var_mean(x, dim=None, unbiased=None, keepdim=False, *, correction=1):
    """Return the pair of variance and mean. PyTorch's function."""
    return _with_mean("var", x, dim, unbiased, correction, keepdim)


def std_mean(x, dim=None, unbiased=None, keepdim=False, *, correction=1):
    """Return the pair of standard deviation and mean. PyTorch's function."""
    return _with_mean("std", x, dim, unbiased, correction, keepdim)


CALLS = {
    "max": _extreme("max"), "median": median, "min": _extreme("min"), "std": _spread("std"), "var": _spread("var"),
}  # fmt: skip
