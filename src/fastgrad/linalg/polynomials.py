"""Polynomials through points, and from and to their roots, under NumPy's names. Imported at first use."""

import warnings

import numpy as np

from fastgrad import errors, parameters
from fastgrad.functions.arguments import as_tensor, plain
from fastgrad.functions.batches import by_element
from fastgrad.functions.joining import concat
from fastgrad.functions.shapes import expand_dims, matrix_transpose, reshape
from fastgrad.linalg.factors import lstsq
from fastgrad.rules.curves import convolve, vander
from fastgrad.rules.decompositions import eigvals
from fastgrad.rules.linear_systems import inv
from fastgrad.rules.rule import FUNCTIONS

_astype, _getitem, _matmul, _sum = (FUNCTIONS[name] for name in ("astype", "getitem", "matmul", "sum"))


@by_element
def roots(p):
    """Return the roots of the polynomial with coefficients `p`: the eigenvalues of its companion matrix.

    Parameters
    ----------
    p : Tensor or array, shape (n,)
        Coefficients, highest power first.

    Returns
    -------
    Tensor, shape (n - 1,)
        Complex if one of them is. Fewer if the first coefficients are 0.

    Raises
    ------
    ValueError
        If `p` has several axes.

    Notes
    -----
    The gradient is infinite at a root that occurs twice. No gradient flows to zeros at the ends of `p`.
    """
    p = as_tensor(p)
    p = p if p.ndim else reshape(p, (1,))
    if p.ndim != 1:
        raise errors.ShapeError(f"roots: coefficients must be a vector, got shape {p.shape}")
    places = np.flatnonzero(plain(p))
    if not places.size:
        return as_tensor(np.array([]))
    zeros = p.shape[0] - 1 - int(places[-1])
    p = _getitem(p, slice(int(places[0]), int(places[-1]) + 1))
    p = _astype(p, np.dtype(float)) if p.dtype.kind in "biu" else p
    n = p.shape[0] - 1
    found = as_tensor(np.array([]))
    if n:
        row = -_getitem(p, slice(1, None)) / _getitem(p, 0)
        found = eigvals(concat([expand_dims(row, 0), np.eye(n - 1, n, dtype=p.dtype)]))
        if found.dtype.kind == "c" and p.dtype.kind != "c" and not plain(found).imag.any():
            found = FUNCTIONS["real"](found)  # `eigvals` is complex from NumPy 2.5 on
    return concat([found, np.zeros(zeros, found.dtype)]) if zeros else found


@by_element
def poly(seq_of_zeros):
    """Return the coefficients of the polynomial with given roots, and 1 before the highest power.

    Parameters
    ----------
    seq_of_zeros : Tensor or array, shape (n,) or (n, n)
        The roots, or a matrix whose eigenvalues are the roots.

    Returns
    -------
    Tensor, shape (n + 1,)
        The highest power is first. Real if the roots are conjugates of each other.

    Raises
    ------
    ValueError
        If there are several axes, and `seq_of_zeros` is not a square matrix.
    """
    x = as_tensor(seq_of_zeros)
    x = x if x.ndim else reshape(x, (1,))
    if x.ndim == 2 and x.shape[0] == x.shape[1] and x.size:
        x = eigvals(x)
    elif x.ndim != 1:
        raise errors.ShapeError(f"poly: needs a vector of roots or a square matrix, got shape {x.shape}")
    elif x.dtype.kind in "biu":
        x = _astype(x, np.dtype(float))
    y = as_tensor(np.ones(1, x.dtype)) if x.size else as_tensor(1.0)
    for k in range(x.shape[0]):
        y = convolve(y, concat([np.ones(1, x.dtype), -_getitem(x, slice(k, k + 1))]))
    values = plain(x)
    if y.dtype.kind == "c" and np.all(np.sort(values) == np.sort(values.conj())):
        return FUNCTIONS["real"](y)
    return y


@by_element
def polyfit(x, y, deg, rcond=None, full=False, w=None, cov=False):
    """Return the coefficients of the polynomial of degree `deg` that fits points best, by least squares.

    Parameters
    ----------
    x : Tensor or array, shape (m,)
    y : Tensor or array, shape (m,) or (m, k)
    deg : int
    rcond : float, optional
        Singular values below this part of the largest one are ignored; by default `m` times the machine epsilon.
    full : bool
        Whether to return the residuals, the rank, the singular values and `rcond`, too.
    w : Tensor or array, shape (m,), optional
        Weights of the residuals, before they are squared.
    cov : bool or "unscaled"
        Whether to return the covariance matrix of the coefficients, too.

    Returns
    -------
    Tensor, shape (deg + 1,) or (deg + 1, k), or tuple
        The highest power is first.

    Raises
    ------
    ValueError
        If `deg` is negative, or there are too few points for a covariance matrix.
    TypeError
        If the shapes of `x`, `y` and `w` do not fit.
    """
    n, x, y = parameters.integer(deg) + 1, as_tensor(x) + 0.0, as_tensor(y) + 0.0
    if n < 1:
        raise errors.BadSetting(f"polyfit: the degree must not be negative, got {deg}")
    if x.ndim != 1 or not x.size:
        raise errors.DTypeError(f"polyfit: x must be a vector with elements, got shape {x.shape}")
    if y.ndim not in (1, 2) or y.shape[0] != x.shape[0]:
        raise errors.DTypeError(f"polyfit: y of shape {y.shape} does not fit {x.shape[0]} points")
    rcond = x.shape[0] * np.finfo(x.dtype).eps if rcond is None else rcond
    left, right = vander(x, n), y
    if w is not None:
        w = as_tensor(w) + 0.0
        if w.shape != x.shape:
            raise errors.DTypeError(f"polyfit: w of shape {w.shape} does not fit {x.shape[0]} points")
        left, right = left * expand_dims(w, 1), right * (expand_dims(w, 1) if y.ndim == 2 else w)
    scale = FUNCTIONS["sqrt"](_sum(left * left, 0))
    left = left / scale
    c, residuals, rank, s = lstsq(left, right, rcond)
    c = c / (expand_dims(scale, 1) if y.ndim == 2 else scale)
    if rank != n and not full:
        warnings.warn("Polyfit may be poorly conditioned", np.exceptions.RankWarning, stacklevel=2)
    if full:
        return c, residuals, rank, s, rcond
    if not cov:
        return c
    spread = inv(_matmul(matrix_transpose(left), left)) / (expand_dims(scale, 1) * scale)
    if cov != "unscaled":
        if x.shape[0] <= n:
            raise errors.ShapeError(f"polyfit: {x.shape[0]} points are too few for a covariance matrix of degree {deg}")
        factor = residuals / (x.shape[0] - n)
        spread = (expand_dims(spread, 2) if y.ndim == 2 else spread) * factor
    elif y.ndim == 2:
        spread = expand_dims(spread, 2)
    return c, spread
