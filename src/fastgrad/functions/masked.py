"""Reductions with `where=`, `initial=` and `mean=`. Imported at first use.

`CALLS` has the function for a call of a reduction with one of these keywords, by the name of the reduction.
"""

import numpy as np

from fastgrad import errors, parameters
from fastgrad.functions.arguments import as_tensor, plain
from fastgrad.functions.shapes import broadcast_to
from fastgrad.rules.reductions import axes_of
from fastgrad.rules.rule import FUNCTIONS

_where, _sum = FUNCTIONS["where"], FUNCTIONS["sum"]


def _selected(op, x, where, skip_nan=False):
    """Return the mask of the selected elements, of the shape of `x`; None if there is none."""
    mask = None
    if where is not True:
        mask = np.asarray(plain(where))
        if mask.dtype != bool:
            raise errors.DTypeError(f"{op}: where must be of booleans, got {mask.dtype}")
        try:
            mask = np.broadcast_to(mask, x.shape)
        except ValueError:
            raise errors.ShapeError(f"{op}: where has shape {mask.shape}, the array {x.shape}") from None
    if skip_nan and x.dtype.kind in "fc":
        present = ~np.isnan(plain(x))
        mask = present if mask is None else mask & present
    return mask


def _converted(op, x, dtype):
    """Return a number in the dtype of a result; raise if its kind does not fit."""
    x = as_tensor(x)
    if x.dtype == dtype:
        return x
    if not np.can_cast(x.dtype, dtype, "same_kind"):
        raise errors.DTypeError(f"{op}: initial of dtype {x.dtype} does not fit a result of {dtype}")
    return FUNCTIONS["astype"](x, dtype)


def _accumulated(op, join, neutral, skip_nan=False):
    """Return a reduction that starts from `initial`, or from the neutral element."""

    def call(x, axis=None, keepdims=False, *, dtype=None, initial=None, where=True, dim=None, keepdim=None):
        x, axis, keepdims = _common(x, axis, dim, keepdims, keepdim)
        mask = _selected(op, x, where, skip_nan)
        y = FUNCTIONS[op](x if mask is None else _where(mask, x, neutral), axis, keepdims, dtype=dtype)
        return y if initial is None else FUNCTIONS[join](y, _converted(op, initial, y.dtype))

    return call


def _common(x, axis, dim, keepdims, keepdim):
    x, axis = as_tensor(x), parameters.axes(parameters.either(axis, dim))
    return x, axis, parameters.flag(parameters.either(keepdims, keepdim, False))


def _extreme(op, join, skip_nan=False):
    def call(x, axis=None, keepdims=False, *, initial=None, where=True, dim=None, keepdim=None):
        x, axis, keepdims = _common(x, axis, dim, keepdims, keepdim)
        if initial is None and where is not True:
            raise errors.ShapeError(f"{op}: there may be no elements where `where` is true: pass initial=, too")
        mask = _selected(op, x, where, skip_nan)
        if initial is None:
            return FUNCTIONS[f"nan{op}" if skip_nan else op](x, axis, keepdims)
        initial = _converted(op, initial, x.dtype)
        if initial.ndim:
            raise errors.ShapeError(f"{op}: initial must be a number, got shape {initial.shape}")
        if mask is not None:
            x = _where(mask, x, initial)
        if not all(x.shape[k] for k in axes_of(axis, x.ndim)):
            return broadcast_to(initial, np.sum(plain(x), axis=axis, keepdims=keepdims).shape)
        return FUNCTIONS[join](FUNCTIONS[op](x, axis, keepdims), initial)

    return call


def _mean(op, skip_nan=False):
    def call(x, axis=None, keepdims=False, *, dtype=None, where=True, dim=None, keepdim=None):
        x, axis, keepdims = _common(x, axis, dim, keepdims, keepdim)
        mask = _selected(op, x, where, skip_nan)
        return _mean_of(_in_dtype(x, dtype), mask, axis, keepdims)

    return call


def _in_dtype(x, dtype):
    dtype = np.dtype(float if x.dtype.kind in "biu" else x.dtype) if dtype is None else np.dtype(dtype)
    return x if x.dtype == dtype else FUNCTIONS["astype"](x, dtype)


def _count(x, mask, axis, keepdims):
    return np.sum(np.ones(x.shape, bool) if mask is None else mask, axis=axis, keepdims=keepdims)


def _mean_of(x, mask, axis, keepdims):
    """Return the mean of the selected elements; NaN if there are none."""
    total = _sum(x if mask is None else _where(mask, x, 0), axis, keepdims)
    return total / _count(x, mask, axis, keepdims).astype(plain(total).real.dtype)


def _spread(op, skip_nan=False):
    def call(
        x, axis=None, ddof=0, keepdims=False, *, dtype=None, mean=None, where=True, correction=None, dim=None,
        keepdim=None,
    ):  # fmt: skip
        x, axis, keepdims = _common(x, axis, dim, keepdims, keepdim)
        ddof = parameters.number(parameters.either(ddof, correction, 0))
        mask = _selected(op, x, where, skip_nan)
        x = _in_dtype(x, dtype)
        center = _mean_of(x, mask, axis, True) if mean is None else as_tensor(mean)
        away = x - center if mask is None else _where(mask, x - center, 0)  # no NaN in what is squared
        squares = away * away
        if away.dtype.kind == "c":
            squares = FUNCTIONS["real"](away * FUNCTIONS["conj"](away))
        count = _count(x, mask, axis, keepdims) - ddof
        total = _sum(squares, axis, keepdims)
        y = total / np.where(count > 0, count, np.nan if skip_nan else 0).astype(total.dtype)
        if op == "var":
            return y
        zero = plain(y) == 0
        return _where(zero, 0, FUNCTIONS["sqrt"](_where(zero, 1, y))) if zero.any() else FUNCTIONS["sqrt"](y)

    return call


CALLS = {
    "sum": _accumulated("sum", "add", 0), "nansum": _accumulated("sum", "add", 0, True),
    "prod": _accumulated("prod", "multiply", 1), "nanprod": _accumulated("prod", "multiply", 1, True),
    "max": _extreme("max", "maximum"), "nanmax": _extreme("max", "maximum", True),
    "min": _extreme("min", "minimum"), "nanmin": _extreme("min", "minimum", True),
    "mean": _mean("mean"), "nanmean": _mean("mean", True),
    "var": _spread("var"), "nanvar": _spread("var", True), "std": _spread("std"), "nanstd": _spread("std", True),
}  # fmt: skip
