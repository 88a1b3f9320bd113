"""Matrices that are made of vectors and of other matrices: their elements are gathered."""

import numpy as np

from fastgrad import linalg
from fastgrad._engine import Tensor, asarray
from fastgrad.functions.shapes import reshape
from fastgrad.rules.complex import conj
from fastgrad.rules.joining import concat


def _tensor(x):
    return x if isinstance(x, Tensor) else asarray(np.asarray(x))


def _vector(x):
    return reshape(_tensor(x), (-1,))


def _rows(n):
    return np.arange(n)[:, None]


def toeplitz(c, r=None):
    """`scipy.linalg.toeplitz`: constant along diagonals, of vectors."""
    c = _vector(c)
    r = conj(c) if r is None else _vector(r)
    n, m = c.shape[0], r.shape[0]
    return concat(r[1:][::-1], c)[_rows(n) - np.arange(m) + m - 1]


def circulant(c):
    """`scipy.linalg.circulant`, of a vector."""
    c = _vector(c)
    n = c.shape[0]
    return c[(_rows(n) - np.arange(n)) % n]


def hankel(c, r=None):
    """`scipy.linalg.hankel`: constant along antidiagonals, of vectors."""
    c = _vector(c)
    r = asarray(np.zeros(c.shape)) if r is None else _vector(r)
    n, m = c.shape[0], r.shape[0]
    return concat(c, r[1:])[_rows(n) + np.arange(m)]


def block_diag(*arrs):
    """`scipy.linalg.block_diag`, of matrices, vectors as rows, and numbers."""
    blocks = [_tensor(x) for x in arrs]
    blocks = [x if x.ndim == 2 else reshape(x, (1, -1)) for x in blocks]
    width, at, rows = sum(x.shape[1] for x in blocks), 0, []
    for x in blocks:
        rows.append(concat(np.zeros((x.shape[0], at)), x, np.zeros((x.shape[0], width - at - x.shape[1])), axis=1))
        at += x.shape[1]
    return concat(*rows, axis=0)


def khatri_rao(a, b):
    """`scipy.linalg.khatri_rao`: the Kronecker products of the columns."""
    a, b = _tensor(a), _tensor(b)
    product = reshape(a, (a.shape[0], 1, -1)) * reshape(b, (1, b.shape[0], -1))
    return reshape(product, (-1, a.shape[1]))


def solve_toeplitz(c_or_cr, b, check_finite=True):
    """`scipy.linalg.solve_toeplitz`, by the full matrix."""
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return linalg.solve(toeplitz(c, r), b)


def solve_circulant(c, b):
    """`scipy.linalg.solve_circulant` of vectors or of the columns of a matrix, by the full matrix."""
    return linalg.solve(circulant(c), b)


def norm(a, ord=None, axis=None, keepdims=False, check_finite=True):
    """`scipy.linalg.norm`."""
    return linalg.norm(a, ord, axis, keepdims)


BOXED = {
    function.__name__: function
    for function in (
        block_diag, circulant, hankel, khatri_rao, norm, solve_circulant, solve_toeplitz, toeplitz,
    )
}  # fmt: skip
