"""Functions that move, append and remove elements, under NumPy's names. Imported at first use."""

import numpy as np

from fastgrad import errors, parameters
from fastgrad.functions.arguments import as_tensor, distinct_axes
from fastgrad.functions.joining import concat
from fastgrad.functions.scans import diff
from fastgrad.functions.selecting import sort
from fastgrad.functions.shapes import ravel, swapaxes
from fastgrad.rules.rule import FUNCTIONS

_flip = FUNCTIONS["flip"]


def append(arr, values, axis=None):
    """Return `arr` with `values` after its end, along `axis`, or both flattened if `axis` is None.

    Parameters
    ----------
    arr, values : Tensor or array
        Of the same shape, except along `axis`.
    axis : int, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the shapes differ in another axis.
    """
    if axis is None:
        return concat([ravel(as_tensor(arr)), ravel(as_tensor(values))])
    return concat([arr, values], axis=axis)


def ediff1d(ary, to_end=None, to_begin=None):
    """Return the differences of neighbouring elements of the flattened `ary`, between `to_begin` and `to_end`.

    Parameters
    ----------
    ary : Tensor or array
    to_end, to_begin : Tensor, array or number, optional
        Placed after and before the differences. They must have a dtype that `ary` has room for.

    Returns
    -------
    Tensor, shape (n,)
    """
    ary = as_tensor(ary)
    parts = [diff(ravel(ary))]
    for at, part in ((0, to_begin), (1, to_end)):
        if part is not None:
            parts.insert(at * len(parts), _converted("ediff1d", part, ary.dtype))
    return concat(parts) if len(parts) > 1 else parts[0]


def _converted(op, x, dtype):
    """Return `x`, flattened, in `dtype`; raise if its kind does not fit."""
    x = ravel(as_tensor(x))
    if not np.can_cast(x.dtype, dtype, "same_kind"):
        raise errors.DTypeError(f"{op}: values of dtype {x.dtype} do not fit an array of {dtype}: convert one of them")
    return FUNCTIONS["astype"](x, dtype)


def fliplr(m):
    """Return `m` with the order of its second axis reversed: `m[:, ::-1]`.

    Parameters
    ----------
    m : Tensor or array, two or more axes

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If `m` has fewer than two axes.
    """
    return _flip(_with_axes("fliplr", m, 2), axis=1)


def flipud(m):
    """Return `m` with the order of its first axis reversed: `m[::-1]`.

    Parameters
    ----------
    m : Tensor or array, one or more axes

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If `m` is a scalar.
    """
    return _flip(_with_axes("flipud", m, 1), axis=0)


def rot90(m, k=1, axes=(0, 1)):
    """Return `m` rotated by 90 degrees, `k` times, from the first of `axes` to the second.

    Parameters
    ----------
    m : Tensor or array, two or more axes
    k : int
        Negative numbers rotate the other way.
    axes : pair of int

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If `m` has fewer than two axes, or `axes` are not two different ones.
    AxisError
        If an axis is out of bounds.
    """
    m = _with_axes("rot90", m, 2)
    first, second = _two_axes("rot90", axes, m.ndim)
    turns = parameters.integer(k) % 4
    if turns == 2:
        return _flip(m, axis=(first, second))
    if turns == 1:
        return swapaxes(_flip(m, axis=second), first, second)
    return _flip(swapaxes(m, first, second), axis=second) if turns else FUNCTIONS["copy"](m)


def _with_axes(op, x, n):
    """Return `x` as a Tensor; raise if it has fewer than `n` axes."""
    x = as_tensor(x)
    if x.ndim < n:
        raise errors.ShapeError(f"{op}: the array needs at least {n} {'axis' if n == 1 else 'axes'}, got {x.ndim}")
    return x


def _two_axes(op, axes, ndim):
    """Return two different axes from 0 to ndim - 1."""
    axes = distinct_axes(op, tuple(axes), ndim)
    if len(axes) != 2:
        raise errors.ShapeError(f"{op}: axes must be two axes, got {len(axes)}")
    return axes


def sort_complex(a):
    """Return `a` sorted along its last axis, by the real and then the imaginary parts, in a complex dtype.

    Parameters
    ----------
    a : Tensor or array

    Returns
    -------
    Tensor
        Integers of up to 16 bits become complex64, other real dtypes complex128.
    """
    y = sort(as_tensor(a))
    if y.dtype.kind == "c":
        return y
    return FUNCTIONS["astype"](y, np.dtype(np.complex64 if y.dtype.char in "bhBH" else np.complex128))
