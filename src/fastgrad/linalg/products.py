"""Products and powers of matrices, and the parts of matrices, under NumPy's names."""

import operator

import numpy as np

from fastgrad import errors, parameters
from fastgrad.functions.arguments import as_tensor
from fastgrad.rules.linalg_errors import LinAlgError
from fastgrad.rules.linear_algebra import matmul
from fastgrad.rules.linear_systems import inv, solve
from fastgrad.rules.rule import FUNCTIONS

_diagonal, _dot, _outer, _permute, _reshape, _sum = (
    FUNCTIONS[name] for name in ("diagonal", "dot", "outer", "permute_dims", "reshape", "sum")
)


def outer(x1, x2, /):
    """Return the matrix of the products of the elements of two vectors.

    Parameters
    ----------
    x1 : Tensor or array, shape (m,)
    x2 : Tensor or array, shape (n,)

    Returns
    -------
    Tensor, shape (m, n)

    Raises
    ------
    ShapeError
        If an operand is not a vector; `fastgrad.outer` flattens its operands.
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise errors.ShapeError(f"outer: the operands must be vectors, got shapes {x1.shape} and {x2.shape}")
    return _outer(x1, x2)


def diagonal(x, /, *, offset=0):
    """Return the diagonals of the matrices in the last two axes of `x`.

    Parameters
    ----------
    x : Tensor or array, shape (..., m, n)
    offset : int
        Positive numbers are above the main diagonal, negative ones below it.

    Returns
    -------
    Tensor
        A view where possible.

    Raises
    ------
    ShapeError
        If `x` has fewer than two axes.
    """
    return _diagonal(x, offset, -2, -1)


def trace(x, /, *, offset=0, dtype=None):
    """Return the sums of the diagonals of the matrices in the last two axes of `x`.

    Parameters
    ----------
    x : Tensor or array, shape (..., m, n)
    offset : int
        Positive numbers are above the main diagonal, negative ones below it.
    dtype : dtype, optional
        The dtype to compute in, and of the result.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If `x` has fewer than two axes.
    """
    return _sum(_diagonal(x, offset, -2, -1), axis=-1, dtype=dtype)


def matrix_power(a, n):
    """Return the product of `n` times the same matrix, of the matrices in the last two axes of `a`.

    Parameters
    ----------
    a : Tensor or array, shape (..., m, m)
    n : int
        0 is the identity, a negative power that of the inverse.

    Returns
    -------
    Tensor, shape (..., m, m)

    Raises
    ------
    LinAlgError
        If the matrices are not square, or `n` is negative and one is singular.
    TypeError
        If `n` is not an int.
    """
    a = as_tensor(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise LinAlgError(f"matrix_power: the matrices must be square, got shape {a.shape}")
    try:
        n = operator.index(n)
    except TypeError:
        raise errors.DTypeError(f"matrix_power: the exponent must be an int, got {type(n).__name__}") from None
    if n == 0:
        return FUNCTIONS["copy"](np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape))
    if n < 0:
        a, n = inv(a), -n
    if n == 3:
        return matmul(matmul(a, a), a)
    result, power = None, a
    while True:
        n, odd = divmod(n, 2)
        if odd:
            result = power if result is None else matmul(result, power)
        if not n:
            return result
        power = matmul(power, power)


def multi_dot(arrays):
    """Return the product of matrices, in the order that needs the fewest multiplications.

    Parameters
    ----------
    arrays : sequence of Tensor or array
        At least two. The first and the last may be vectors, all others are matrices.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If there are fewer than two.
    LinAlgError
        If an array has another number of axes.
    ShapeError
        If the lengths do not fit.
    """
    arrays = [as_tensor(x) for x in arrays]
    if len(arrays) < 2:
        raise errors.ShapeError(f"multi_dot: needs at least two arrays, got {len(arrays)}")
    if len(arrays) == 2:
        return _dot(*arrays)
    first, last = arrays[0].ndim == 1, arrays[-1].ndim == 1
    if first:
        arrays[0] = _reshape(arrays[0], (1, -1))
    if last:
        arrays[-1] = _reshape(arrays[-1], (-1, 1))
    for x in arrays:
        if x.ndim != 2:
            raise LinAlgError(f"multi_dot: each array must be a matrix, got shape {x.shape}")
    y = _in_order(arrays, _splits([x.shape[0] for x in arrays] + [arrays[-1].shape[1]]), 0, len(arrays) - 1)
    return _reshape(y, y.shape[first : 2 - last])


def _splits(lengths):
    """Return where to split a product of matrices: `{(i, j): k}` for that of number i to j, after number k."""
    n = len(lengths) - 1
    cost, split = {(i, i): 0 for i in range(n)}, {}
    for count in range(1, n):
        for i in range(n - count):
            j = i + count
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + lengths[i] * lengths[k + 1] * lengths[j + 1], k) for k in range(i, j)
            )
    return split


def _in_order(arrays, split, i, j):
    if i == j:
        return arrays[i]
    k = split[i, j]
    return _dot(_in_order(arrays, split, i, k), _in_order(arrays, split, k + 1, j))


def tensorinv(a, ind=2):
    """Return the inverse of the linear map from tensors to tensors that `tensordot` with `a` is.

    Parameters
    ----------
    a : Tensor or array
        The product of its first `ind` lengths equals that of the others.
    ind : int

    Returns
    -------
    Tensor
        The last axes of `a` come first: `tensordot(tensorinv(a), a, ind)` is the identity.

    Raises
    ------
    LinAlgError
        If the map is singular or not square.
    ValueError
        If `ind` is not positive.
    """
    a, ind = as_tensor(a), parameters.integer(ind)
    if ind <= 0:
        raise errors.ShapeError(f"tensorinv: ind must be positive, got {ind}")
    rows = int(np.prod(a.shape[ind:], dtype=np.intp))
    return _reshape(inv(_reshape(a, (rows, -1))), a.shape[ind:] + a.shape[:ind])


def tensorsolve(a, b, axes=None):
    """Return the tensor x with `tensordot(a, x, x.ndim)` equal to `b`.

    Parameters
    ----------
    a : Tensor or array
        Its first axes are those of `b`, its last ones those of the result.
    b : Tensor or array
    axes : sequence of int, optional
        Axes of `a` to move to its end first.

    Returns
    -------
    Tensor

    Raises
    ------
    LinAlgError
        If the map is singular or not square.
    """
    a, b = as_tensor(a), as_tensor(b)
    if axes is not None:
        order = list(range(a.ndim))
        for axis in parameters.integers(axes):
            order.remove(axis)
            order.insert(a.ndim, axis)
        a = _permute(a, tuple(order))
    shape = a.shape[b.ndim - a.ndim :] if a.ndim != b.ndim else a.shape
    n = int(np.prod(shape, dtype=np.intp))
    if a.size != n**2:
        raise LinAlgError(
            f"tensorsolve: {a.shape} is not square: the lengths of b must multiply to those of the result"
        )
    return _reshape(solve(_reshape(a, (n, n)), _reshape(b, (-1,))), shape)
