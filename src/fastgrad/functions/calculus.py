"""Differences, integrals, interpolation and correlation of samples under NumPy's names. Imported at first use."""

import math

import numpy as np

from fastgrad import errors, parameters
from fastgrad.functions.arguments import as_tensor, distinct_axes, one_axis, plain
from fastgrad.functions.batches import by_element
from fastgrad.functions.joining import concat
from fastgrad.functions.scans import diff
from fastgrad.functions.shapes import reshape
from fastgrad.rules import curves
from fastgrad.rules.rule import FUNCTIONS

_getitem = FUNCTIONS["getitem"]


def correlate(a, v, mode="valid"):
    """Return the cross-correlation of two sequences: `y[k]` is the sum of `a[n + k] * conj(v[n])`.

    Parameters
    ----------
    a, v : Tensor or array, 1-d
    mode : {"valid", "same", "full"}
        Which part of the result to return, as in `convolve`.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If a sequence is empty or has several axes, or the mode is unknown.
    """
    a, v = as_tensor(a), as_tensor(v)
    if a.ndim != 1 or v.ndim != 1:
        raise errors.ShapeError(f"correlate: needs two vectors, got shapes {a.shape} and {v.shape}")
    if v.dtype.kind == "c":
        v = FUNCTIONS["conj"](v)
    turned = FUNCTIONS["flip"](v)
    if mode == "same" and v.size > a.size:  # the result is that of the other order, reversed
        full, before = curves.convolve(a, turned), a.size // 2
        return _getitem(full, slice(before, before + v.size))
    return curves.convolve(a, turned, mode)


@by_element
def interp(x, xp, fp, left=None, right=None, period=None):
    """Return the piecewise linear interpolation at `x` of the points `xp`, `fp`.

    Parameters
    ----------
    x : Tensor or array
    xp : Tensor or array, shape (n,)
        Increasing, unless there is a period.
    fp : Tensor or array, shape (n,)
        Real or complex.
    left, right : Tensor or number, optional
        The values below the first and above the last point, by default those of the first and last point.
    period : Tensor or number, optional
        The period of the x coordinates; `left` and `right` are then ignored.

    Returns
    -------
    Tensor, of the shape of `x`

    Raises
    ------
    ValueError
        If `xp` and `fp` are not vectors of the same length, or the period is 0.

    Notes
    -----
    The gradient flows to all operands. At a point, a kink, it is that of the piece to the right, and at the last point
    that of the last piece.
    """
    if period is None:
        return curves.interp(x, xp, fp, left, right)
    xp, fp = as_tensor(xp), as_tensor(fp)
    if not np.all(plain(period)):
        raise errors.BadSetting("interp: period must be a number other than 0")
    if xp.ndim != 1 or fp.ndim != 1:
        raise errors.ShapeError(f"interp: points must be vectors, got shapes {xp.shape} and {fp.shape}")
    if xp.shape != fp.shape:
        raise errors.ShapeError(f"interp: got {xp.size} x coordinates and {fp.size} y coordinates")
    period, remainder = abs(period), FUNCTIONS["remainder"]
    x, xp = remainder(x, period), remainder(xp, period)
    order = np.argsort(plain(xp))
    xp, fp = _getitem(xp, order), _getitem(fp, order)
    last, first = slice(-1, None), slice(0, 1)
    xp = concat([_getitem(xp, last) - period, xp, _getitem(xp, first) + period])
    return curves.interp(x, xp, concat([_getitem(fp, last), fp, _getitem(fp, first)]))


@by_element
def trapezoid(y, x=None, dx=1.0, axis=-1):
    """Return the integral of samples `y` along `axis` by the trapezoidal rule.

    Parameters
    ----------
    y : Tensor or array
    x : Tensor or array, optional
        The places of the samples: a vector, or an array that is broadcast with `y`.
    dx : Tensor or number
        The distance of neighbouring samples, if `x` is None.
    axis : int

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If the axis is out of bounds, or the lengths of `x` and `y` differ.
    """
    y, axis = as_tensor(y), parameters.integer(axis)
    k = one_axis("trapezoid", axis, y.ndim)
    if x is not None:
        x = as_tensor(x)
        dx = diff(x, axis=axis) if x.ndim != 1 else reshape(diff(x), (-1,) + (1,) * (y.ndim - 1 - k))
    lead = (slice(None),) * k
    sums = _getitem(y, (*lead, slice(1, None))) + _getitem(y, (*lead, slice(None, -1)))
    return FUNCTIONS["sum"](dx * sums / 2.0, axis)  # of the product, which may have more axes than `y`


@by_element
def gradient(f, *varargs, axis=None, edge_order=1):
    """Return the gradient of samples `f` by second-order differences, and one-sided ones at the edges.

    Parameters
    ----------
    f : Tensor or array
    *varargs : Tensor, array or number
        The distance of neighbouring samples, by default 1; or one distance, or vector of places, per axis.
    axis : int, tuple of int or None
        The axes to differentiate along, by default all.
    edge_order : {1, 2}
        The order of the differences at the edges.

    Returns
    -------
    Tensor, or tuple of Tensor if there are several axes
        Of the shape of `f`.

    Raises
    ------
    ValueError
        If an axis has fewer than `edge_order + 1` samples, or the number of places differs from its length.
    TypeError
        If there are neither no, nor one, nor one distance per axis.

    Notes
    -----
    For derivatives of functions see `fg.grad`.
    """
    f = as_tensor(f)
    axes = tuple(range(f.ndim)) if axis is None else distinct_axes("gradient", axis, f.ndim)
    if not varargs:
        spacing = [1.0] * len(axes)
    elif len(varargs) == 1 and np.ndim(plain(varargs[0])) == 0:
        spacing = list(varargs) * len(axes)
    elif len(varargs) == len(axes):
        spacing = [_distances(f, places, k) for places, k in zip(varargs, axes, strict=True)]
    else:
        raise errors.DTypeError(f"gradient: got {len(varargs)} distances for {len(axes)} axes: pass one, or one each")
    if edge_order > 2:
        raise errors.BadSetting(f"gradient: edge_order must be 1 or 2, got {edge_order}")
    if f.dtype.kind in "iu":
        f = FUNCTIONS["astype"](f, np.dtype(float))
    found = tuple(_differences(f, h, k, edge_order) for h, k in zip(spacing, axes, strict=True))
    return found[0] if len(found) == 1 else found


def _distances(f, places, axis):
    """Return the distances of neighbouring samples along an axis: one number, or a vector."""
    if np.ndim(plain(places)) == 0:
        return places
    places = as_tensor(places)
    if places.ndim != 1:
        raise errors.ShapeError(f"gradient: distances must be a number or a vector, got shape {places.shape}")
    if places.shape[0] != f.shape[axis]:
        raise errors.ShapeError(f"gradient: got {places.shape[0]} places for an axis of length {f.shape[axis]}")
    if places.dtype.kind in "iu":
        places = FUNCTIONS["astype"](places, np.dtype(float))
    distances = diff(places)
    values = plain(distances)
    if not places.requires_grad and (values == values[0]).all():
        return values[0]
    return distances


def _differences(f, h, axis, edge_order):
    """Return the differences along one axis."""
    if f.shape[axis] < edge_order + 1:
        raise errors.ShapeError(
            f"gradient: an axis of length {f.shape[axis]} is too short: it needs at least edge_order + 1 samples"
        )
    lead, tail = (slice(None),) * axis, (1,) * (f.ndim - axis - 1)
    at = lambda start, stop: _getitem(f, (*lead, slice(start, stop)))
    ends = {k: at(k, k + 1 or None) for k in (0, 1, -1, -2, *((2, -3) if edge_order == 2 else ()))}
    if np.ndim(plain(h)) == 0:
        inner = (at(2, None) - at(None, -2)) / (2.0 * h)
        steps = (h, h, h, h)
    else:
        one, two = _getitem(h, slice(None, -1)), _getitem(h, slice(1, None))
        weights = -two / (one * (one + two)), (two - one) / (one * two), one / (two * (one + two))
        a, b, c = (reshape(w, (-1, *tail)) for w in weights)
        inner = a * at(None, -2) + b * at(1, -1) + c * at(2, None)
        steps = tuple(_getitem(h, k) for k in (0, min(1, h.shape[0] - 1), -1, max(-2, -h.shape[0])))
    if edge_order == 1:
        return concat([(ends[1] - ends[0]) / steps[0], inner, (ends[-1] - ends[-2]) / steps[2]], axis=axis)
    first = _edge(ends[0], ends[1], ends[2], steps[0], steps[1])
    last = _edge(ends[-1], ends[-2], ends[-3], -steps[2], -steps[3])
    return concat([first, inner, last], axis=axis)


def _edge(f0, f1, f2, h1, h2):
    """Return the derivative at the first of three samples, the distances of which are `h1` and `h2`."""
    a, b, c = -(2.0 * h1 + h2) / (h1 * (h1 + h2)), (h1 + h2) / (h1 * h2), -h1 / (h2 * (h1 + h2))
    return a * f0 + b * f1 + c * f2


@by_element
def unwrap(p, discont=None, axis=-1, *, period=2 * math.pi):
    """Return `p` plus multiples of `period` such that neighbours along `axis` differ by at most half a period.

    Parameters
    ----------
    p : Tensor or array
    discont : number, optional
        Smaller differences are not changed; at least, and by default, half a period.
    axis : int
    period : Tensor or number

    Returns
    -------
    Tensor
        The gradient of `p` is the identity: the multiples are constant, except where they jump.

    Raises
    ------
    AxisError
        If the axis is out of bounds.
    """
    p = as_tensor(p)
    one_axis("unwrap", axis, p.ndim)
    values, length = plain(p), plain(period)
    y = np.unwrap(values, plain(discont), axis, period=length)
    turns = (y - values) / length
    if y.dtype.kind in "iu":
        return as_tensor(y)
    p = p if p.dtype == y.dtype else FUNCTIONS["astype"](p, y.dtype)
    return p + np.round(turns).astype(y.dtype) * period
