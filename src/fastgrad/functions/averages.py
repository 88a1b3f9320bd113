"""Weighted means, covariances and ranges under NumPy's names. Imported at first use."""

import warnings

import numpy as np

from fastgrad import errors
from fastgrad.functions.arguments import as_tensor, distinct_axes, plain
from fastgrad.functions.batches import by_element
from fastgrad.functions.joining import concat
from fastgrad.functions.products import diag
from fastgrad.functions.shapes import broadcast_to, matrix_transpose, reshape, squeeze
from fastgrad.rules.rule import FUNCTIONS

_astype, _sum = FUNCTIONS["astype"], FUNCTIONS["sum"]


@by_element
def average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    """Return the weighted mean of `a` over `axis`: `sum(a * weights) / sum(weights)`.

    Parameters
    ----------
    a : Tensor or array
    axis : int, tuple of int or None
    weights : Tensor or array, optional
        Of the shape of `a`, or with the lengths of `axis`. By default all weights are 1.
    returned : bool
        Whether to return the sum of the weights, too.
    keepdims : bool
        Whether to keep the reduced axes with length 1.

    Returns
    -------
    Tensor, or pair of Tensor
        The mean, and the sum of the weights, of the same shape.

    Raises
    ------
    ZeroDivisionError
        If weights sum to zero, or the result has no elements.
    ShapeError
        If the shape of the weights does not fit.
    """
    a = as_tensor(a)
    axes = None if axis is None else distinct_axes("average", axis, a.ndim)
    if weights is None:
        mean = FUNCTIONS["mean"](a, axes, keepdims)
        count = a.size / mean.size
        return (mean, as_tensor(np.full(mean.shape, count, mean.dtype))) if returned else mean
    weights = _weights(a, axes, weights)
    dtype = np.result_type(a.dtype, weights.dtype, *(("f8",) if a.dtype.kind in "biu" else ()))
    total = _sum(weights, axes, keepdims, dtype=dtype)
    if not plain(total).all():
        raise ZeroDivisionError("average: weights sum to zero, and cannot be normalized")
    a, weights = (x if x.dtype == dtype else _astype(x, dtype) for x in (a, weights))
    mean = _sum(a * weights, axes, keepdims) / total
    return (mean, total if total.shape == mean.shape else broadcast_to(total, mean.shape)) if returned else mean


def _weights(a, axes, weights):
    """Return the weights with one axis per axis of `a`."""
    weights = as_tensor(weights)
    if weights.shape == a.shape:
        return weights
    if axes is None:
        raise errors.DTypeError(
            f"average: weights of shape {weights.shape} for an array of shape {a.shape}: select their axes with axis="
        )
    if weights.shape != tuple(a.shape[k] for k in axes):
        raise errors.ShapeError(
            f"average: weights of shape {weights.shape} do not have the lengths of axis {axes} of shape {a.shape}"
        )
    weights = FUNCTIONS["permute_dims"](weights, tuple(int(k) for k in np.argsort(axes)))
    return reshape(weights, tuple(n if k in axes else 1 for k, n in enumerate(a.shape)))


@by_element
def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *, dtype=None):
    """Return the covariance matrix of variables, given their observations.

    Parameters
    ----------
    m, y : Tensor or array, one or two axes
        Each row is a variable, each column an observation.
    rowvar : bool
        False if each column is a variable.
    bias : bool
        Whether to divide by n instead of n - 1.
    ddof : int, optional
        The divisor is n - ddof, whatever `bias` is.
    fweights : array of int, optional
        How often each observation counts; no gradient flows to it.
    aweights : Tensor or array, optional
        The relative weight of each observation.
    dtype : dtype, optional

    Returns
    -------
    Tensor, shape (n, n) or ()

    Raises
    ------
    ValueError
        If an array has more than two axes, a weight is negative, or `ddof` is not an integer.
    WeightsError
        If the numbers of weights and observations differ.
    """
    if ddof is not None and ddof != int(ddof):
        raise errors.BadSetting(f"cov: ddof must be an integer, got {ddof!r}")
    variables = _variables(m, y, rowvar, dtype)
    if not variables.shape[0]:
        return as_tensor(np.empty((0, 0)))
    ddof = (1 if bias == 0 else 0) if ddof is None else int(ddof)
    counts = None if fweights is None else _observed("fweights", plain(fweights), variables.shape[1])
    if counts is not None and not np.all(counts.numpy() == np.around(counts.numpy())):
        raise errors.DTypeError("cov: fweights must be integers")
    relative = None if aweights is None else _observed("aweights", aweights, variables.shape[1])
    w = counts if relative is None else relative if counts is None else counts * relative
    center, total = average(variables, axis=1, weights=w, returned=True, keepdims=True)
    total = total[0, 0]
    if w is None:
        divisor = variables.shape[1] - ddof
    elif relative is None or ddof == 0:
        divisor = total - ddof
    else:
        divisor = total - ddof * _sum(w * relative) / total
    if divisor <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=2)
        divisor = None
    variables = variables - center
    weighted = matrix_transpose(variables if w is None else variables * w)
    c = FUNCTIONS["matmul"](variables, FUNCTIONS["conj"](weighted) if weighted.dtype.kind == "c" else weighted)
    return squeeze(c * (np.inf if divisor is None else 1 / divisor))


def _variables(m, y, rowvar, dtype):
    """Return a matrix of one row per variable."""
    parts = [as_tensor(m)] + ([] if y is None else [as_tensor(y)])
    for name, x in zip("my", parts, strict=False):
        if x.ndim > 2:
            raise errors.ShapeError(f"cov: {name} has more than 2 dimensions")
    dtype = np.result_type(*(x.dtype for x in parts), np.float64) if dtype is None else np.dtype(dtype)
    rows = []
    for k, x in enumerate(parts):
        rank, x = x.ndim, x if x.ndim == 2 else reshape(x, (1, -1))
        turned = not rowvar and (x.shape[0] != 1 if k else rank != 1)
        x = matrix_transpose(x) if turned else x
        if not k and not x.shape[0]:
            return x
        rows.append(x if x.dtype == dtype else _astype(x, dtype))
    return concat(rows) if y is not None else rows[0]


def _observed(name, weights, n):
    """Return weights of observations; raise if they are not `n` weights of at least 0."""
    weights = as_tensor(weights)
    weights = weights if weights.dtype == np.float64 else _astype(weights, np.dtype(float))
    if weights.ndim > 1:
        raise errors.WeightsError(f"cov: {name} must be a vector, got shape {weights.shape}")
    if weights.shape[0] != n:
        raise errors.WeightsError(f"cov: got {weights.shape[0]} {name} for {n} observations")
    if (plain(weights) < 0).any():
        raise errors.BadSetting(f"cov: {name} cannot be negative")
    return weights


def corrcoef(x, y=None, rowvar=True, *, dtype=None):
    """Return the matrix of correlation coefficients of variables: the covariance divided by standard deviations.

    Parameters
    ----------
    x, y : Tensor or array, one or two axes
        Each row is a variable, each column an observation.
    rowvar : bool
        False if each column is a variable.
    dtype : dtype, optional

    Returns
    -------
    Tensor, shape (n, n) or ()

    Raises
    ------
    ValueError
        If an array has more than two axes.
    """
    c = cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    spread = FUNCTIONS["sqrt"](FUNCTIONS["real"](diag(c)))
    c = c / reshape(spread, (-1, 1)) / spread
    clip = FUNCTIONS["clip"]
    if c.dtype.kind == "c":
        return clip(FUNCTIONS["real"](c), -1, 1) + 1j * clip(FUNCTIONS["imag"](c), -1, 1)
    return clip(c, -1, 1)


def ptp(a, axis=None, *, keepdims=False):
    """Return the range of `a` over `axis`: the largest minus the smallest element. Ties share the gradient equally.

    Parameters
    ----------
    a : Tensor or array
    axis : int, tuple of int or None
    keepdims : bool
        Whether to keep the reduced axes with length 1.

    Returns
    -------
    Tensor

    Raises
    ------
    AxisError
        If an axis is out of bounds.
    ShapeError
        If there are no elements.
    """
    return FUNCTIONS["subtract"](FUNCTIONS["max"](a, axis, keepdims), FUNCTIONS["min"](a, axis, keepdims))
