"""Functions of the user along axes, under NumPy's names. Imported at first use."""

import numpy as np

from fastgrad import errors, parameters
from fastgrad.functions.arguments import as_tensor, one_axis
from fastgrad.functions.joining import stack
from fastgrad.functions.shapes import expand_dims, moveaxis, reshape
from fastgrad.rules.rule import FUNCTIONS


def apply_along_axis(func1d, axis, arr, *args, **kwargs):
    """Return the results of a function of vectors, called with each vector along `axis`.

    Parameters
    ----------
    func1d : function
        Takes a vector, and returns an array or a number.
    axis : int
    arr : Tensor or array
    *args, **kwargs
        Further arguments of the function.

    Returns
    -------
    Tensor
        `axis` is replaced by the axes of the results.

    Raises
    ------
    ValueError
        If there are no vectors.
    AxisError
        If the axis is out of bounds.
    """
    arr = as_tensor(arr)
    axis = one_axis("apply_along_axis", axis, arr.ndim)
    rows = moveaxis(arr, axis, -1)
    outer = rows.shape[:-1]
    if 0 in outer:
        raise errors.ShapeError(f"apply_along_axis: there are no vectors along axis {axis} of shape {arr.shape}")
    found = [as_tensor(func1d(FUNCTIONS["getitem"](rows, key), *args, **kwargs)) for key in np.ndindex(*outer)]
    y = stack([FUNCTIONS["astype"](x, found[0].dtype) if x.dtype != found[0].dtype else x for x in found])
    y = reshape(y, (*outer, *found[0].shape))
    return moveaxis(y, tuple(range(len(outer), y.ndim)), tuple(range(axis, axis + found[0].ndim)))


def apply_over_axes(func, a, axes):
    """Return `a`, reduced by a function over each of several axes, which stay with length 1.

    Parameters
    ----------
    func : function
        Takes an array and an axis, as `fg.sum`.
    a : Tensor or array
    axes : int or sequence of int

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If the function does not return an array with the axis, or without it.
    """
    y, axes = as_tensor(a), parameters.axes(axes)
    ndim = y.ndim
    for axis in axes if isinstance(axes, tuple) else (axes,):
        axis = axis + ndim if axis < 0 else axis
        found = as_tensor(func(y, axis))
        y = found if found.ndim == y.ndim else expand_dims(found, axis)
        if y.ndim != ndim:
            raise errors.ShapeError(f"apply_over_axes: the function returned {found.ndim} axes, of {ndim}")
    return y
