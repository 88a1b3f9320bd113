"""Selecting and sorting: take, take_along_axis, argsort, sort. Imported at first use.

Names and signatures are those of the Python array API standard, and NumPy's where it has others.
"""

import functools

import numpy as np

from fastgrad import errors, parameters
from fastgrad._engine import Tensor, is_capturing
from fastgrad.batching import Batched
from fastgrad.functions.arguments import as_tensor, constant_result, is_end, one_axis, plain
from fastgrad.functions.batches import by_element
from fastgrad.functions.shapes import ravel
from fastgrad.rules.rule import FUNCTIONS

_getitem = FUNCTIONS["getitem"]


@by_element
def take(x, /, indices, axis=None, *, mode="raise"):
    """Return the elements of `x` at `indices` along `axis`, or of the flattened `x` if `axis` is None.

    Parameters
    ----------
    x : Tensor or array
    indices : int or array of int
    axis : int, optional
    mode : {"raise", "wrap", "clip"}
        What an index out of bounds does: it raises, is counted on from the other end, or is the nearest one in bounds;
        with "clip", negative indices select the first element.

    Returns
    -------
    Tensor
        The axis is replaced by the axes of `indices`.

    Raises
    ------
    IndexError
        If an index or the axis is out of bounds.
    """
    x, axis = as_tensor(x), parameters.axes(axis)
    if axis is None or (not x.ndim and is_end(axis)):
        x, axis = ravel(x), 0
    axis = one_axis("take", axis, x.ndim)
    indices = integers("take", indices)
    if mode != "raise":  # or the index says what is wrong
        indices = in_bounds("take", indices, x.shape[axis], mode)
    elif not x.size and x.shape[axis] and 0 in x.shape[:axis]:  # there, NumPy does not look at the indices
        indices = np.zeros_like(indices)
    return _getitem(x, (*(slice(None),) * axis, indices))


def integers(op, indices):
    """Return an array of integers, of numbers that NumPy accepts as indices: booleans are 0 and 1, and not a mask."""
    indices = index_values(indices)
    if isinstance(indices, Tensor):
        return indices
    if type(indices) is np.ndarray and indices.dtype == np.intp:
        return indices
    if not isinstance(indices, (np.ndarray, np.generic)):
        return np.array(indices, np.intp)
    if not np.can_cast(indices.dtype, np.intp, "same_kind"):
        raise errors.DTypeError(f"{op}: indices must be integers, got {indices.dtype}")
    return np.asarray(indices, np.intp)


def index_values(indices):
    """Return indices as an array, or as they are where no array has them: values of vmap, inputs of a program."""
    if type(indices) is Batched:
        return indices
    if isinstance(indices, Tensor) and indices.dtype.kind in "iu" and is_capturing():
        return indices
    return plain(indices)


def in_bounds(op, indices, n, mode):
    """Return indices of n elements as numbers from 0 to n - 1."""
    if mode not in ("raise", "wrap", "clip"):
        raise errors.BadSetting(f'{op}: mode must be "raise", "wrap" or "clip", got {mode!r}')
    if not indices.size:
        return indices
    if not n:
        raise errors.IndexingError(f"{op}: there is no element at index {indices.flat[0]} of 0 elements")
    if mode == "clip":
        return np.clip(indices, 0, n - 1)
    if mode == "raise":
        outside = indices[(indices < -n) | (indices >= n)]
        if outside.size:
            raise errors.IndexingError(f"{op}: index {outside[0]} is out of bounds for {n} elements")
    return indices % n


def take_along_axis(x, /, indices, axis=-1, *, dim=None):
    """Return the elements of `x` at `indices` along `axis`.

    Parameters
    ----------
    x : Tensor or array
    indices : array of int
        Has as many dimensions as `x`; each element is a position along `axis`.
    axis : int or None
        None flattens `x`, and `indices` is a vector.

    Returns
    -------
    Tensor
        Of the shape of `indices`, with lengths of 1 broadcast.

    Raises
    ------
    ValueError
        If `indices` and `x` have different numbers of dimensions.
    IndexError
        If an index is out of bounds.
    """
    x, axis = as_tensor(x), parameters.either(axis, dim, -1)
    indices = index_values(indices)
    indices = indices if isinstance(indices, Tensor) else np.asarray(indices)
    if axis is None:
        x, axis = ravel(x), 0
    axis = one_axis("take_along_axis", axis, x.ndim)
    if indices.ndim != x.ndim:
        raise errors.ShapeError(
            f"take_along_axis: indices have {indices.ndim} dimensions, x has {x.ndim}: they must be equal"
        )
    key = [np.arange(n).reshape((1,) * k + (-1,) + (1,) * (x.ndim - k - 1)) for k, n in enumerate(x.shape)]
    key[axis] = indices
    return _getitem(x, tuple(key))


@by_element
def argsort(x, /, axis=-1, kind=None, order=None, *, descending=False, stable=True, dim=None):
    """Return the indices that sort `x` along `axis`.

    Parameters
    ----------
    x : Tensor or array
    axis, dim : int or None
        None flattens `x`.
    kind : {None, "quicksort", "mergesort", "heapsort", "stable"}
        NumPy's name of an algorithm. Any of them may be used.
    order : None
        Tensors have no fields.
    descending : bool
        Whether the largest element is first.
    stable : bool
        Whether equal elements keep their order.

    Returns
    -------
    Tensor of int
    """
    axis = parameters.axes(parameters.either(axis, dim, -1))
    _check_kind("argsort", kind, order)
    call = functools.partial(_order, axis=axis, kind="stable" if stable else None, descending=descending)
    return constant_result("argsort", call, x)


def _order(x, axis, kind, descending):
    if axis is None or (not x.ndim and is_end(axis)):
        x, axis = x.ravel(), 0
    axis = one_axis("argsort", axis, x.ndim)
    if not descending:
        return np.argsort(x, axis=axis, kind=kind)
    # sort the reversed array, then reverse the result, so that equal elements keep their order
    order = np.flip(np.argsort(np.flip(x, axis), axis=axis, kind=kind), axis)
    return x.shape[axis] - 1 - order


def sort(x, /, axis=-1, kind=None, order=None, *, descending=False, stable=True):
    """Return `x` sorted along `axis`.

    Parameters
    ----------
    x : Tensor or array
    axis : int or None
        None flattens `x`.
    kind : {None, "quicksort", "mergesort", "heapsort", "stable"}
        NumPy's name of an algorithm. Any of them may be used.
    order : None
        Tensors have no fields.
    descending : bool
        Whether the largest element is first.
    stable : bool
        Whether equal elements keep their order.

    Returns
    -------
    Tensor
        Each element receives the gradient of its position in the result.
    """
    x, axis = (ravel(x), 0) if axis is None else (as_tensor(x), axis)
    axis = one_axis("sort", axis, x.ndim)
    _check_kind("sort", kind, order)
    if not descending:
        return FUNCTIONS["sort"](x, axis)
    return take_along_axis(x, argsort(x, axis, descending=True, stable=stable), axis)


def _check_kind(op, kind, order):
    """Raise on the values of NumPy's parameters on which NumPy raises."""
    if order is not None:
        raise errors.BadSetting(f"{op}: there are no fields to order by, got order={order!r}")
    if kind not in (None, "quicksort", "mergesort", "heapsort", "stable"):
        raise errors.BadSetting(f'{op}: kind must be "quicksort", "mergesort", "heapsort" or "stable", got {kind!r}')
