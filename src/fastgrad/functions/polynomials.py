"""Polynomials as vectors of coefficients, highest power first, under NumPy's names. Imported at first use."""

import numpy as np

from fastgrad import errors, parameters
from fastgrad.functions.arguments import as_tensor
from fastgrad.functions.joining import concat
from fastgrad.functions.shapes import reshape
from fastgrad.rules import curves
from fastgrad.rules.rule import FUNCTIONS

_getitem = FUNCTIONS["getitem"]


def _coefficients(p):
    """Return coefficients as a Tensor with at least one axis."""
    p = as_tensor(p)
    return p if p.ndim else reshape(p, (1,))


def polyval(p, x):
    """Return the value at `x` of the polynomial with coefficients `p`.

    Parameters
    ----------
    p : Tensor or array, shape (n,)
        `p[0] * x**(n - 1) + ... + p[n - 1]`.
    x : Tensor or array

    Returns
    -------
    Tensor, of the shape of `x`
    """
    if isinstance(x, np.poly1d):
        raise errors.DTypeError("polyval: x is a poly1d, which Tensors cannot hold: pass an array of places")
    p = as_tensor(p)
    if p.ndim == 1:
        return curves.polyval(p, x)
    y = FUNCTIONS["multiply"](x, 0)
    for coefficient in p:
        y = y * x + coefficient
    return y


def _combined(a1, a2, op):
    a1, a2 = _coefficients(a1), _coefficients(a2)
    n, m = a1.shape[0], a2.shape[0]
    if n < m:
        a1 = concat([np.zeros(m - n, a1.dtype), a1])
    elif m < n:
        a2 = concat([np.zeros(n - m, a2.dtype), a2])
    return FUNCTIONS[op](a1, a2)


def polyadd(a1, a2):
    """Return the coefficients of the sum of two polynomials.

    Parameters
    ----------
    a1, a2 : Tensor or array, 1-d
        Coefficients, highest power first.

    Returns
    -------
    Tensor, 1-d
    """
    return _combined(a1, a2, "add")


def polysub(a1, a2):
    """Return the coefficients of the difference of two polynomials.

    Parameters
    ----------
    a1, a2 : Tensor or array, 1-d
        Coefficients, highest power first.

    Returns
    -------
    Tensor, 1-d
    """
    return _combined(a1, a2, "subtract")


def polymul(a1, a2):
    """Return the coefficients of the product of two polynomials.

    Parameters
    ----------
    a1, a2 : Tensor or array, 1-d
        Coefficients, highest power first. Leading zeros are removed.

    Returns
    -------
    Tensor, 1-d
    """
    return curves.convolve(_trimmed(a1), _trimmed(a2))


def _trimmed(p):
    """Return coefficients without leading zeros, or one zero."""
    p = _coefficients(p)
    if not p.shape[0]:
        return as_tensor(np.zeros(1, p.dtype))
    places = np.flatnonzero(p.detach().numpy())
    return _getitem(p, slice(int(places[0]) if places.size else max(p.shape[0] - 1, 0), None))


def polyder(p, m=1):
    """Return the coefficients of derivative number `m` of a polynomial.

    Parameters
    ----------
    p : Tensor or array, 1-d
        Coefficients, highest power first.
    m : int

    Returns
    -------
    Tensor, 1-d

    Raises
    ------
    ValueError
        If `m` is negative.
    """
    m, p = parameters.integer(m), as_tensor(p)
    if m < 0:
        raise errors.BadSetting(f"polyder: the order of the derivative must not be negative, got {m}")
    for _ in range(m):
        n = p.shape[0]
        p = _getitem(p, slice(None, -1)) * np.arange(n - 1, 0, -1)
    return p


def polyint(p, m=1, k=None):
    """Return the coefficients of an integral of a polynomial, computed `m` times.

    Parameters
    ----------
    p : Tensor or array, 1-d
        Coefficients, highest power first.
    m : int
    k : Tensor, array or number, optional
        The constants of integration, in the order of the integrals; by default 0.

    Returns
    -------
    Tensor, 1-d

    Raises
    ------
    ValueError
        If `m` is negative, or there are fewer constants.
    """
    m, p = parameters.integer(m), as_tensor(p)
    if m < 0:
        raise errors.BadSetting(f"polyint: the number of integrals must not be negative, got {m}")
    k = as_tensor(np.zeros(m) if k is None else k)
    k = k if k.ndim else reshape(k, (1,))
    if k.shape[0] == 1 and m > 1:
        k = FUNCTIONS["repeat"](k, m)
    if k.shape[0] < m:
        raise errors.ShapeError(f"polyint: got {k.shape[0]} constants for {m} integrals: pass one, or one per integral")
    for number in range(m):
        p = concat([p / np.arange(p.shape[0], 0, -1), _getitem(k, slice(number, number + 1))])
    return p


def polydiv(u, v):
    """Return the quotient and the remainder of two polynomials.

    Parameters
    ----------
    u, v : Tensor or array, 1-d
        Coefficients, highest power first.

    Returns
    -------
    quotient, remainder : Tensor, 1-d
        The remainder has no leading coefficients close to 0.
    """
    u, v = _coefficients(u) + 0.0, _coefficients(v) + 0.0
    if u.ndim > 1 or v.ndim > 1:
        raise errors.ShapeError(f"polydiv: coefficients must be vectors, got shapes {u.shape} and {v.shape}")
    dtype, n = np.promote_types(u.dtype, v.dtype), v.shape[0]
    scale, r = 1.0 / _getitem(v, 0), u if u.dtype == dtype else FUNCTIONS["astype"](u, dtype)
    q = []
    for k in range(u.shape[0] - n + 1):
        q.append(scale * _getitem(r, slice(k, k + 1)))
        rest = _getitem(r, slice(k, k + n)) - q[-1] * v
        r = FUNCTIONS["setitem"](r, rest, slice(k, k + n))
    first, values = 0, r.detach().numpy()
    while np.allclose(values[first], 0, rtol=1e-14) and first < len(values) - 1:
        first += 1
    return concat(q) if q else as_tensor(np.zeros(1, dtype)), _getitem(r, slice(first, None))
