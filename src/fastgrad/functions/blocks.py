"""Joining, splitting and adding axes under NumPy's names. Imported at first use."""

import numpy as np

from fastgrad import errors, parameters
from fastgrad.functions.arguments import as_tensor, one_axis, plain
from fastgrad.functions.joining import concat, split
from fastgrad.functions.shapes import matrix_transpose, moveaxis
from fastgrad.rules.rule import FUNCTIONS

_getitem, _reshape = FUNCTIONS["getitem"], FUNCTIONS["reshape"]


def _each(function, arrays):
    found = tuple(map(function, arrays))
    return found[0] if len(found) == 1 else found


def _one(x):
    x = as_tensor(x)
    return x if x.ndim else _reshape(x, (1,))


def _two(x):
    x = as_tensor(x)
    return x if x.ndim > 1 else _reshape(x, (1, *(x.shape or (1,))))


def _three(x):
    x = as_tensor(x)
    if x.ndim > 2:
        return x
    return _reshape(x, (*x.shape, 1) if x.ndim == 2 else (1, *(x.shape or (1,)), 1))


def atleast_1d(*arys):
    """Return each array with at least one axis: a scalar becomes a vector.

    Parameters
    ----------
    *arys : Tensor or array

    Returns
    -------
    Tensor, or tuple of Tensor if there are several arrays
    """
    return _each(_one, arys)


def atleast_2d(*arys):
    """Return each array with at least two axes: a vector becomes a row.

    Parameters
    ----------
    *arys : Tensor or array

    Returns
    -------
    Tensor, or tuple of Tensor if there are several arrays
    """
    return _each(_two, arys)


def atleast_3d(*arys):
    """Return each array with at least three axes: a vector of n has shape (1, n, 1), a matrix a third axis of 1.

    Parameters
    ----------
    *arys : Tensor or array

    Returns
    -------
    Tensor, or tuple of Tensor if there are several arrays
    """
    return _each(_three, arys)


def dstack(tup):
    """Join arrays along their third axis, after `atleast_3d`.

    Parameters
    ----------
    tup : sequence of Tensor or array

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the shapes differ along another axis, or there are no arrays.
    """
    return concat([_three(x) for x in tup], axis=2)


def column_stack(tup):
    """Join vectors, as columns, and matrices along their second axis.

    Parameters
    ----------
    tup : sequence of Tensor or array

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the shapes differ along another axis, or there are no arrays.
    """
    return concat([x if x.ndim > 1 else matrix_transpose(_two(x)) for x in map(as_tensor, tup)], axis=1)


def block(arrays):
    """Return an array from nested lists of blocks; the innermost lists are joined along the last axis.

    Parameters
    ----------
    arrays : Tensor, array, or nested lists of them
        All at the same depth.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If the depths differ, a list is empty, or the shapes do not fit.
    TypeError
        If there is a tuple among the lists.
    """
    depth, ndim = _depth(arrays)
    return _joined(arrays, depth, max(depth, ndim))


def _depth(arrays):
    """Return the depth of nested lists, and the largest number of axes in them."""
    if isinstance(arrays, tuple):
        raise errors.DTypeError("block: got a tuple: only lists are joined")
    if not isinstance(arrays, list):
        return 0, as_tensor(arrays).ndim
    if not arrays:
        raise errors.ShapeError("block: a list is empty, which has no blocks to join")
    depths, ranks = zip(*map(_depth, arrays), strict=True)
    if len(set(depths)) > 1:
        raise errors.ShapeError(f"block: lists are nested {min(depths)} and {max(depths)} deep, not equally")
    return depths[0] + 1, max(ranks)


def _joined(arrays, depth, ndim):
    if depth:
        return concat([_joined(part, depth - 1, ndim) for part in arrays], axis=-depth)
    x = as_tensor(arrays)
    return FUNCTIONS["copy"](x) if x.ndim == ndim else _reshape(x, (1,) * (ndim - x.ndim) + x.shape)


def array_split(ary, indices_or_sections, axis=0):
    """Split `ary` along `axis` into parts whose lengths differ by at most 1, or at indices.

    Parameters
    ----------
    ary : Tensor or array
    indices_or_sections : int or sequence of int
        The number of parts, or the indices to split at.
    axis : int

    Returns
    -------
    list of Tensor
        Views of `ary`.

    Raises
    ------
    ValueError
        If the number of parts is not positive.
    """
    ary = as_tensor(ary)
    cuts = parameters.numbers(plain(indices_or_sections))
    if not isinstance(cuts, tuple):
        n, parts = ary.shape[one_axis("array_split", axis, ary.ndim)], parameters.integer(cuts)
        if parts <= 0:
            raise errors.ShapeError(f"array_split: the number of parts must be positive, got {parts}")
        cuts = tuple(k * (n // parts) + min(k, n % parts) for k in range(1, parts))
    return split(ary, cuts, axis)


def _splitter(name, axis, least, text):
    def function(ary, indices_or_sections):
        ary = as_tensor(ary)
        if ary.ndim < least:
            raise errors.ShapeError(f"{name}: the array needs at least {least} dimensions, got {ary.ndim}")
        return split(ary, indices_or_sections, 0 if ary.ndim == 1 else axis)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""Split `ary` {text}, as `split`.

    Parameters
    ----------
    ary : Tensor or array
    indices_or_sections : int or sequence of int
        The number of equal parts, or the indices to split at.

    Returns
    -------
    list of Tensor
        Views of `ary`.

    Raises
    ------
    ValueError
        If `ary` has fewer than {least} axes, or its length is not a multiple of the number of parts.
    """
    return function


hsplit = _splitter("hsplit", 1, 1, "along its second axis, or a vector along its only one")
vsplit = _splitter("vsplit", 0, 2, "along its first axis")
dsplit = _splitter("dsplit", 2, 3, "along its third axis")


def rollaxis(a, axis, start=0):
    """Return a view of `a` with `axis` moved to the place before `start`.

    Parameters
    ----------
    a : Tensor or array
    axis, start : int

    Returns
    -------
    Tensor

    Raises
    ------
    AxisError
        If an axis is out of bounds.
    """
    a = as_tensor(a)
    axis, start = one_axis("rollaxis", axis, a.ndim), parameters.integer(start)
    place = start + a.ndim if start < 0 else start
    if not 0 <= place <= a.ndim:
        raise errors.bad_axis("rollaxis", start, a.ndim)
    return moveaxis(a, axis, place - (axis < place))


def trim_zeros(filt, trim="fb", axis=None):
    """Return `filt` without the zeros at its ends.

    Parameters
    ----------
    filt : Tensor or array
    trim : {"fb", "f", "b"}
        Whether to remove zeros at the front, at the back, or both.
    axis : int, tuple of int or None
        The axes along which to trim, by default all.

    Returns
    -------
    Tensor
        A view of `filt`.

    Raises
    ------
    ValueError
        If `trim` is something else.
    """
    filt = as_tensor(filt)
    trim = trim.lower()
    if trim not in ("fb", "bf", "f", "b"):
        raise errors.BadSetting(f'trim_zeros: trim must be "fb", "f" or "b", got {trim!r}')
    axes = range(filt.ndim) if axis is None else np.atleast_1d(parameters.axes(axis)).tolist()
    axes = {one_axis("trim_zeros", k, filt.ndim) for k in axes}
    found = np.nonzero(plain(filt)) if filt.ndim else ()
    key = []
    for k, (n, places) in enumerate(zip(filt.shape, found, strict=True)):
        if k not in axes:
            key.append(slice(None))
        elif not places.size:
            key.append(slice(0, 0))
        else:
            key.append(slice(places.min() if "f" in trim else 0, places.max() + 1 if "b" in trim else n))
    return _getitem(filt, tuple(key))
