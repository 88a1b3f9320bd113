"""Products and norms: functions that convert their arguments and call rules.

Names and signatures are those of the Python array API standard, and NumPy's where it has others.
"""

import math

import numpy as np

from fastgrad import errors, parameters
from fastgrad._engine import Tensor
from fastgrad.functions.arguments import as_tensor, distinct_axes, one_axis
from fastgrad.functions.shapes import expand_dims, moveaxis, ravel, squeeze
from fastgrad.rules.rule import FUNCTIONS


def vecdot(x1, x2, /, *, axis=-1):
    """Return the dot products of the vectors along `axis`; complex vectors of `x1` are conjugated.

    Parameters
    ----------
    x1, x2 : Tensor or array
        The other axes broadcast.
    axis : int

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the lengths of the vectors differ, or the axis is out of bounds.
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    axis = parameters.integer(axis)
    n1, n2 = (x.shape[one_axis("vecdot", axis, x.ndim)] for x in (x1, x2))
    if n1 != n2:
        raise errors.ShapeError(f"vecdot: the vectors along axis {axis} have lengths {n1} and {n2}: they must be equal")
    if axis >= 0 and x1.ndim != x2.ndim:  # these axes are aligned, and not those that would broadcast
        x1, x2, axis = moveaxis(x1, axis, -1), moveaxis(x2, axis, -1), -1
    products = (FUNCTIONS["conj"](x1) if x1.dtype.kind == "c" else x1) * x2
    return products.sum(axis=axis, dtype=products.dtype if products.dtype.kind in "biu" else None)


def trace(x, /, offset=0, axis1=0, axis2=1):
    """Return the sum of diagonal `offset` of the matrices with axes `axis1` and `axis2`.

    Parameters
    ----------
    x : Tensor or array
    offset, axis1, axis2 : int

    Returns
    -------
    Tensor
        Without these two axes.

    Raises
    ------
    ValueError
        If an axis is out of bounds, or the axes are equal.
    """
    return FUNCTIONS["sum"](FUNCTIONS["diagonal"](x, offset, axis1, axis2), axis=-1)


def diag(x, /, k=0):
    """Return diagonal `k` of a matrix, or for a vector a matrix with `x` on diagonal `k` and zeros elsewhere."""
    x = as_tensor(x)
    if x.ndim != 1:
        return FUNCTIONS["diagonal"](x, k)
    n, k = x.shape[0], parameters.integer(k)
    steps, size = np.arange(n), n + abs(k)
    return FUNCTIONS["scatter_add"](x, (steps + max(-k, 0), steps + max(k, 0)), (size, size))


def norm(x, /, ord=None, axis=None, keepdims=False, *, p=None, dim=None, keepdim=None):
    """Return the norm of a vector or matrix over `axis`.

    Parameters
    ----------
    x : Tensor or array
        Integers and booleans are converted to float64.
    ord : {None, 2, 1, inf, -inf, 0, a number, "fro", "nuc", -2, -1}
        The order of the norm. None is the Euclidean norm of all elements. A number p is `sum(abs(x)**p)**(1/p)` along
        one axis. Over two axes 1, -1, inf and -inf are the largest and smallest sums of a column or row, 2 and -2 the
        largest and smallest singular value, "nuc" their sum, and "fro" the Euclidean norm.
    axis, dim : int, tuple of int or None
        One or two axes. None is all axes.
    keepdims, keepdim : bool
        Whether to keep the reduced axes with length 1.
    p : number, optional
        PyTorch's name of `ord`. The norm of a matrix without `axis` is that of its elements, not an operator norm.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If `ord` is not defined for the number of axes.

    Notes
    -----
    The gradient at a kink is 0: of all elements where the norm is 0, of an element that is 0 if p < 2, and of a
    singular value that is 0. If several elements are the largest or smallest, they share the gradient equally. Higher
    derivatives are those of this gradient, so the Hessian of `norm(x)**2` is 0 at 0, although it is 2 everywhere else;
    `sum(x * x)` has the correct Hessian everywhere.
    """
    if ord is p is axis is dim is keepdim is None and isinstance(x, Tensor) and x.dtype.kind in "fc":  # most calls
        return FUNCTIONS["norm"](x, keepdims=keepdims)
    x, axis, keepdims = as_tensor(x), parameters.either(axis, dim), parameters.either(keepdims, keepdim, False)
    ord = parameters.either(ord, p)
    if p is not None and axis is None:  # PyTorch's norm of all elements, and not of a matrix
        x = ravel(x)
    if x.dtype.kind in "biu":
        x = FUNCTIONS["astype"](x, np.dtype(np.float64))
    axes = tuple(range(x.ndim)) if axis is None else distinct_axes("norm", axis, x.ndim)
    if ord is None or (ord in ("fro", "f") and len(axes) == 2) or (ord == 2 and len(axes) == 1):
        return FUNCTIONS["norm"](x, axis=None if axis is None else axes, keepdims=keepdims)
    if len(axes) == 1 and not isinstance(ord, str):
        return FUNCTIONS["norm"](x, axis=axes, keepdims=keepdims, ord=float(ord))
    if len(axes) == 2 and ord in (1, -1, 2, -2, math.inf, -math.inf, "nuc"):
        return _matrix_norm(x, ord, axes, keepdims)
    raise errors.norm_order(ord, len(axes))


def _matrix_norm(x, ord, axes, keepdims):
    size, total, top, low = (FUNCTIONS[name] for name in ("abs", "sum", "max", "min"))
    if ord in (2, -2, "nuc"):
        values = size(FUNCTIONS["svdvals"](moveaxis(x, axes, (-2, -1))))  # abs, so that a zero one gets no gradient
        best = (total if ord == "nuc" else top if ord == 2 else low)(values, axis=-1)
        return expand_dims(best, axes) if keepdims else best
    summed, compared = axes if abs(ord) == 1 else axes[::-1]
    sums = total(size(x), axis=summed, keepdims=True)
    best = (top if ord > 0 else low)(sums, axis=compared, keepdims=True)
    return best if keepdims else squeeze(best, axes)
