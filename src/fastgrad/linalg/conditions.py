"""Norms, condition numbers and ranks."""

import numpy as np

from fastgrad import errors, parameters
from fastgrad._engine import asarray
from fastgrad.functions.arguments import as_tensor, distinct_axes, plain
from fastgrad.functions.batches import by_element
from fastgrad.functions.products import norm
from fastgrad.rules.linalg_errors import LinAlgError
from fastgrad.rules.linear_systems import inv
from fastgrad.rules.rule import FUNCTIONS
from fastgrad.rules.singular import svdvals

_norm, _where = FUNCTIONS["norm"], FUNCTIONS["where"]


def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    """Return the norms of the matrices in the last two axes of `x`.

    Parameters
    ----------
    x : Tensor or array, shape (..., m, n)
    keepdims : bool
        Whether to keep the last two axes with length 1.
    ord : {"fro", "nuc", 1, -1, 2, -2, inf, -inf, None}
        As in `fastgrad.norm`.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If `x` has fewer than two axes, or `ord` is unknown.
    """
    x = as_tensor(x)
    if ord == "fro" and x.ndim > 1 and x.dtype.kind in "fc":  # at once, since the general function takes 3 us
        return _norm(x, axis=(-2, -1), keepdims=keepdims)
    return norm(x, ord, (-2, -1), keepdims)


def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    """Return the norms of vectors with the elements along `axis`.

    Parameters
    ----------
    x : Tensor or array
    axis : int, tuple of int or None
        All axes by default. Several axes are one vector.
    keepdims : bool
    ord : number
        As in `fastgrad.norm`: `sum(abs(x)**ord)**(1/ord)`, and the limits for 0, inf and -inf.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If `ord` is not a number, or an axis is out of bounds.
    """
    x = as_tensor(x)
    if ord is not None and isinstance(ord, str):
        raise errors.norm_order(ord, 1)
    if x.dtype.kind in "biu":
        x = FUNCTIONS["astype"](x, np.dtype(np.float64))
    if axis is not None:
        axis = distinct_axes("vector_norm", axis, x.ndim)
    return _norm(x, axis=axis, keepdims=parameters.flag(keepdims), ord=2 if ord is None else float(ord))


@by_element
def cond(x, p=None):
    """Return the condition numbers of the matrices in the last two axes of `x`, in a norm.

    Parameters
    ----------
    x : Tensor or array, shape (..., m, n)
    p : {None, 2, -2, 1, -1, inf, -inf, "fro", "nuc"}
        The norm. None and 2 are the largest singular value over the smallest, -2 the inverse of that.

    Returns
    -------
    Tensor
        Infinite for singular matrices.

    Raises
    ------
    LinAlgError
        If a matrix has no elements, or, for other norms than 2 and -2, is not square, or, before NumPy 2.5,
        singular if `p` is "nuc".
    """
    x = as_tensor(x)
    if x.ndim > 1 and 0 in x.shape[-2:]:
        raise LinAlgError("cond: a matrix without elements has no condition number")
    if p is None or p in (2, -2):
        s = svdvals(x)
        ratio = s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    else:
        ratio = _product_of_norms(x, p)
    undefined = np.isnan(plain(ratio))
    if undefined.any():
        undefined &= ~np.isnan(plain(x)).any(axis=(-2, -1))
        ratio = _where(undefined, np.inf, ratio)
    return ratio


def _product_of_norms(x, p):
    """The norm of `x` times that of its inverse; infinite, and with the gradient 0, if there is none."""
    try:
        return norm(x, p, (-2, -1)) * norm(inv(x), p, (-2, -1))
    except LinAlgError as error:
        try:
            singular = np.isinf(np.linalg.cond(plain(x), p))
        except np.linalg.LinAlgError:  # of matrices that are not square and, before NumPy 2.5, for "nuc"
            raise error from None
    regular = _where(singular[..., None, None], np.eye(x.shape[-1]), x)
    return _where(singular, np.inf, norm(regular, p, (-2, -1)) * norm(inv(regular), p, (-2, -1)))


@by_element
def matrix_rank(A, tol=None, hermitian=False, *, rtol=None):
    """Return the ranks of the matrices in the last two axes of `A`: how many singular values are above a tolerance.

    Parameters
    ----------
    A : Tensor or array
        Of fewer than two axes, the rank is 0 if all elements are 0, and otherwise 1.
    tol : float or array, optional
    hermitian : bool
    rtol : float or array, optional
        Relative to the largest singular value; by default the larger length times the machine precision.

    Returns
    -------
    Tensor
        Integers, without a gradient.

    Raises
    ------
    ValueError
        If both `tol` and `rtol` are passed.
    """
    if tol is not None and rtol is not None:
        raise errors.ShapeError("matrix_rank: tol and rtol are two ways to pass a tolerance: pass one of them")
    return asarray(np.linalg.matrix_rank(plain(A), plain(tol), hermitian, rtol=plain(rtol)))
