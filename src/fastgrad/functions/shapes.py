"""Shapes, joining and splitting: functions that convert their arguments and call one rule.

Names and signatures are those of the Python array API standard, and NumPy's where it has others.
"""

import math

import numpy as np

from fastgrad import devices, errors, parameters
from fastgrad._engine import Tensor
from fastgrad.functions.arguments import as_tensor, distinct_axes, is_end, one_axis, plain, records
from fastgrad.rules.rule import FUNCTIONS

_getitem = FUNCTIONS["getitem"]
_reshape = FUNCTIONS["reshape"]
_permute = FUNCTIONS["permute_dims"]


def reshape(x, /, shape=(), *lengths, order="C", copy=None):
    """Return the elements of `x` in another shape.

    Parameters
    ----------
    x : Tensor or array
    shape, *lengths : int or tuple of int
        `reshape(x, (2, 3))`, `reshape(x, 2, 3)` and `reshape(x, shape=(2, 3))` are equivalent. One length may be -1.
    order : {"C", "F", "A"}
        Which index changes fastest, of `x` and of the result: the last, the first, or the first if `x` is in Fortran
        order in memory, and otherwise the last.
    copy : bool, optional
        True always copies, and False raises where the strides of `x` do not allow a view.

    Returns
    -------
    Tensor
        A view if the strides allow it.

    Raises
    ------
    ValueError
        If `shape` has a different number of elements than `x`, or `copy` is False and a copy is needed.
    """
    shape = parameters.shape((shape, *lengths) if lengths else shape)
    if order == "C" or not _first_is_fastest("reshape", x, order):
        y = _reshape(x, shape)
    else:
        y = transpose(_reshape(transpose(x), shape[::-1]))
    if copy is None:
        return y
    shared = not y.size or np.may_share_memory(plain(x), plain(y))
    if not copy and not shared:
        raise errors.ShapeError(f"reshape: the strides of x do not allow a view of shape {y.shape}: use copy=None")
    return FUNCTIONS["copy"](y) if copy and shared else y


def astype(x, dtype, /, *, copy=True, device=None):
    """Return the values of `x` in another dtype.

    Parameters
    ----------
    x : Tensor or array
    dtype : dtype
    copy : bool
        If False, `x` itself is returned if it has this dtype.
    device : "cpu", optional

    Returns
    -------
    Tensor

    Raises
    ------
    DTypeError
        If a Tensor cannot hold the dtype.
    """
    if device is not None:
        devices.check(device)
    dtype = np.dtype(dtype)
    if not copy:
        x = as_tensor(x)
        if x.dtype == dtype:
            return x
    return FUNCTIONS["astype"](x, dtype)


def _first_is_fastest(op, x, order):
    """Return whether an order of the elements is that of Fortran."""
    if order not in ("C", "F", "A"):
        raise errors.BadSetting(f'{op}: order must be "C", "F" or "A", got {order!r}')
    flags = np.asarray(plain(x)).flags if order == "A" else None
    return order == "F" or (flags is not None and flags.f_contiguous and not flags.c_contiguous)


def ravel(x, /, order="C"):
    """Return the elements of `x` along one axis; a view if possible.

    Parameters
    ----------
    x : Tensor or array
    order : {"C", "F", "A", "K"}
        Which index changes fastest: the last, the first, the first if `x` is in Fortran order in memory, or the one
        that is fastest in memory.

    Returns
    -------
    Tensor, 1-d
    """
    if order == "K":
        steps = np.abs(np.asarray(plain(x)).strides)
        x = permute_dims(x, tuple(np.argsort(-steps, kind="stable").tolist()))
    elif order != "C" and _first_is_fastest("ravel", x, order):
        x = transpose(x)
    return _reshape(x, (-1,)) if as_tensor(x).size else _reshape(x, (0,))


def flatten(x, /, start_dim=0, end_dim=-1):
    """Return the elements of `x` along one axis, in C order; of the axes from `start_dim` to `end_dim` if given.

    Parameters
    ----------
    x : Tensor or array
    start_dim, end_dim : int
        PyTorch's parameters.

    Returns
    -------
    Tensor
    """
    x = as_tensor(x)
    if (start_dim, end_dim) == (0, -1) or not x.ndim:
        return ravel(x)
    start_dim, end_dim = (one_axis("flatten", k, x.ndim) for k in (start_dim, end_dim))
    if start_dim > end_dim:
        raise errors.ShapeError(f"flatten: start_dim {start_dim} is after end_dim {end_dim}")
    return _reshape(x, (*x.shape[:start_dim], math.prod(x.shape[start_dim : end_dim + 1]), *x.shape[end_dim + 1 :]))


def permute_dims(x, /, axes):
    """Return a view of `x` with its axes in the order `axes`."""
    x = as_tensor(x)
    axes = parameters.integers(axes)
    if len(axes) != x.ndim:
        raise errors.ShapeError(f"permute_dims: axes {axes} do not match {x.ndim} dimensions: pass each axis once")
    return _permute(x, distinct_axes("permute_dims", axes, x.ndim))


def transpose(x, /, axes=None, axis2=None):
    """Return a view of `x` with its axes reversed, or in the order `axes`; `transpose(x, 0, 1)` swaps two axes."""
    if axis2 is not None:
        return swapaxes(x, axes, axis2)
    x = as_tensor(x)
    return _permute(x, tuple(range(x.ndim))[::-1]) if axes is None else permute_dims(x, axes)


def matrix_transpose(x, /):
    """Return a view of `x` with its last two axes swapped."""
    x = as_tensor(x)
    if x.ndim < 2:
        raise errors.ShapeError(f"matrix_transpose needs at least 2 dimensions, got shape {x.shape}")
    return swapaxes(x, -2, -1)


def swapaxes(x, /, axis1, axis2):
    """Return a view of `x` with two of its axes swapped."""
    x = as_tensor(x)
    a, b = one_axis("swapaxes", axis1, x.ndim), one_axis("swapaxes", axis2, x.ndim)
    order = list(range(x.ndim))
    order[a], order[b] = b, a
    return _permute(x, tuple(order))


def moveaxis(x, /, source, destination):
    """Return a view of `x` with the axes `source` moved to `destination`; the other axes keep their order.

    Parameters
    ----------
    x : Tensor or array
    source, destination : int or sequence of int

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If an axis is out of bounds or occurs twice, or the numbers of axes differ.
    """
    x = as_tensor(x)
    source, destination = distinct_axes("moveaxis", source, x.ndim), distinct_axes("moveaxis", destination, x.ndim)
    if len(source) != len(destination):
        raise errors.ShapeError(f"moveaxis: got {len(source)} source axes and {len(destination)} destinations")
    order = [k for k in range(x.ndim) if k not in source]
    for place, k in sorted(zip(destination, source, strict=True)):
        order.insert(place, k)
    return _permute(x, tuple(order))


def squeeze(x, /, axis=None, *, dim=None):
    """Return a view of `x` without axes of length 1: all of them, or those in `axis`.

    Parameters
    ----------
    x : Tensor or array
    axis : int or tuple of int, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If an axis is out of bounds, occurs twice, or has another length.
    """
    x, axis = as_tensor(x), parameters.axes(parameters.either(axis, dim))
    if is_end(axis) and not x.ndim:  # NumPy accepts axis 0 and -1 of a 0-d array
        axis = None
    if axis is None:
        axes = tuple(k for k, n in enumerate(x.shape) if n == 1)
    else:
        axes = distinct_axes("squeeze", axis, x.ndim)
    for k in axes:
        if x.shape[k] != 1:
            raise errors.ShapeError(f"squeeze: axis {k} of shape {x.shape} has length {x.shape[k]}, not 1")
    return _reshape(x, tuple(n for k, n in enumerate(x.shape) if k not in axes))


def expand_dims(x, /, axis=None, *, dim=None):
    """Return a view of `x` with new axes of length 1 at the positions `axis` of the result.

    Parameters
    ----------
    x : Tensor or array
    axis : int or tuple of int

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If a position is out of bounds or occurs twice.
    """
    x = as_tensor(x)
    axis = parameters.axes(parameters.either(axis, dim))
    if axis is None:
        raise TypeError("expand_dims() missing argument 'axis'")
    ndim = x.ndim + (len(axis) if type(axis) is tuple else 1)
    axes, lengths = distinct_axes("expand_dims", axis, ndim), iter(x.shape)
    return _reshape(x, tuple(1 if k in axes else next(lengths) for k in range(ndim)))


def broadcast_to(x, /, shape):
    """Return a read-only view of `x` broadcast to `shape`."""
    return FUNCTIONS["broadcast_to"](x, parameters.shape(shape))


def broadcast_arrays(*xs):
    """Return all of `xs`, broadcast against each other.

    Parameters
    ----------
    *xs : Tensor or array

    Returns
    -------
    tuple of Tensor
        An array of objects, text or dates remains an array.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.
    """
    xs = tuple(as_tensor(x) if isinstance(x, Tensor) or records(x) else _numeric(np.asarray(plain(x))) for x in xs)
    try:
        shape = np.broadcast_shapes(*(x.shape for x in xs))
    except ValueError:
        raise errors.broadcast("broadcast_arrays", *(x.shape for x in xs)) from None
    return tuple(
        x if x.shape == shape else (broadcast_to if isinstance(x, Tensor) else np.broadcast_to)(x, shape) for x in xs
    )


def _numeric(array):
    """Return a Tensor that shares the memory of an array, if it can hold its dtype."""
    return as_tensor(array) if array.dtype.kind in "biufc" else array


def meshgrid(*xs, indexing="xy"):
    """Return coordinate matrices from coordinate vectors.

    Parameters
    ----------
    *xs : Tensor or array
        Vectors of coordinates; or one list of them.
    indexing : {"xy", "ij"}
        Whether the first vector varies along the columns ("xy") or along the rows ("ij") of the result.

    Returns
    -------
    list of Tensor
        One matrix per vector, all of the same shape.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f'meshgrid: indexing must be "xy" or "ij", got {indexing!r}')
    if len(xs) == 1 and isinstance(xs[0], (list, tuple)) and any(isinstance(x, (Tensor, np.ndarray)) for x in xs[0]):
        xs = xs[0]  # a list of vectors, as in PyTorch
    n, swap = len(xs), indexing == "xy" and len(xs) > 1
    places = [1, 0, *range(2, n)] if swap else range(n)
    grids = (reshape(x, tuple(-1 if k == place else 1 for k in range(n))) for x, place in zip(xs, places, strict=True))
    return list(broadcast_arrays(*grids))
