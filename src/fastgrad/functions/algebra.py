"""Products of vectors and matrices under NumPy's names. Imported at first use."""

import numpy as np

from fastgrad import errors
from fastgrad.functions.arguments import as_tensor, one_axis
from fastgrad.functions.contractions import tensordot
from fastgrad.functions.joining import stack
from fastgrad.functions.shapes import expand_dims, moveaxis, ravel, reshape, squeeze
from fastgrad.rules.cross import cross as _cross
from fastgrad.rules.rule import FUNCTIONS

_getitem, _matmul, _multiply = FUNCTIONS["getitem"], FUNCTIONS["matmul"], FUNCTIONS["multiply"]


def _conjugate(x):
    return FUNCTIONS["conj"](x) if x.dtype.kind == "c" else x


def inner(a, b, /):
    """Return the sums of products over the last axes of `a` and `b`; the product, if one of them is a scalar.

    Parameters
    ----------
    a, b : Tensor or array
        With last axes of the same length.

    Returns
    -------
    Tensor
        Of the remaining axes of `a`, followed by those of `b`.

    Raises
    ------
    ShapeError
        If the lengths of the last axes differ.
    """
    a, b = as_tensor(a), as_tensor(b)
    if not a.ndim or not b.ndim:
        return _multiply(a, b)
    if a.shape[-1] != b.shape[-1]:
        raise errors.ShapeError(f"inner: the last axes have lengths {a.shape[-1]} and {b.shape[-1]}")
    if a.ndim == b.ndim == 1:
        return _matmul(a, b)
    return tensordot(a, b, ((-1,), (-1,)))


def vdot(a, b, /):
    """Return the sum of products of the elements of `a`, conjugated, and `b`, both flattened.

    Parameters
    ----------
    a, b : Tensor or array
        With the same number of elements.

    Returns
    -------
    Tensor, 0-d

    Raises
    ------
    ShapeError
        If the numbers of elements differ.
    """
    a, b = ravel(as_tensor(a)), ravel(as_tensor(b))
    if a.shape != b.shape:
        raise errors.ShapeError(f"vdot: the arrays have {a.size} and {b.size} elements: the numbers must be equal")
    return _matmul(_conjugate(a), b)


def matvec(x1, x2, /):
    """Return the products of the matrices in `x1` and the vectors in `x2`.

    Parameters
    ----------
    x1 : Tensor or array, shape (..., m, n)
    x2 : Tensor or array, shape (..., n)

    Returns
    -------
    Tensor, shape (..., m)

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    """
    x1, x2 = _matrices("matvec", x1, x2)
    return squeeze(_matmul(x1, expand_dims(x2, -1)), -1)


def vecmat(x1, x2, /):
    """Return the products of the vectors in `x1`, conjugated, and the matrices in `x2`.

    Parameters
    ----------
    x1 : Tensor or array, shape (..., n)
    x2 : Tensor or array, shape (..., n, m)

    Returns
    -------
    Tensor, shape (..., m)

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    """
    x2, x1 = _matrices("vecmat", x2, x1)
    return squeeze(_matmul(expand_dims(_conjugate(x1), -2), x2), -2)


def _matrices(op, matrix, vector):
    matrix, vector = as_tensor(matrix), as_tensor(vector)
    if matrix.ndim < 2 or vector.ndim < 1:
        raise errors.ShapeError(f"{op}: needs a matrix and a vector, got shapes {matrix.shape} and {vector.shape}")
    return matrix, vector


def kron(a, b):
    """Return the Kronecker product: blocks `a[i, j] * b`, for arrays of any number of axes.

    Parameters
    ----------
    a, b : Tensor or array

    Returns
    -------
    Tensor
        Its lengths are the products of those of `a` and `b`.
    """
    a, b = as_tensor(a), as_tensor(b)
    ndim = max(a.ndim, b.ndim)
    if not ndim:
        return _multiply(a, b)
    x, y = ((1,) * (ndim - t.ndim) + t.shape for t in (a, b))
    a = reshape(a, tuple(n for length in x for n in (length, 1)))
    b = reshape(b, tuple(n for length in y for n in (1, length)))
    return reshape(_multiply(a, b), tuple(n * m for n, m in zip(x, y, strict=True)))


def cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """Return the cross products of the vectors in `a` and `b`.

    Parameters
    ----------
    a, b : Tensor or array
        Of vectors with 2 or 3 elements; a third element that is missing is 0.
    axisa, axisb : int
        The axes of the vectors.
    axisc : int
        The axis of the vectors in the result. It has none if all vectors have 2 elements.
    axis : int, optional
        Replaces all three.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the vectors have other lengths, or the shapes do not broadcast.
    AxisError
        If an axis is out of bounds.
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = as_tensor(a), as_tensor(b)
    if not a.ndim or not b.ndim:
        raise errors.ShapeError(f"cross: needs arrays with at least one axis, got shapes {a.shape} and {b.shape}")
    a, b = (moveaxis(x, one_axis("cross", k, x.ndim), -1) for x, k in ((a, axisa), (b, axisb)))
    n, m = a.shape[-1], b.shape[-1]
    if n not in (2, 3) or m not in (2, 3):
        raise errors.ShapeError(f"cross: vectors must have 2 or 3 elements, got {n} and {m}")
    shape = np.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    if n == m == 3:
        return moveaxis(_cross(a, b), -1, one_axis("cross", axisc, len(shape) + 1))
    one, two = (tuple(_getitem(x, (..., k)) for k in range(x.shape[-1])) for x in (a, b))
    last = one[0] * two[1] - one[1] * two[0]
    if n == m == 2:
        return last
    axisc = one_axis("cross", axisc, len(shape) + 1)
    if n == 2:
        parts = one[1] * two[2], -one[0] * two[2]
    else:
        parts = -one[2] * two[1], one[2] * two[0]
    return stack((*parts, last), axis=axisc)
