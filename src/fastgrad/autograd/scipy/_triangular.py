"""Systems with triangular and banded matrices. Calls need SciPy."""

import numpy as np

from fastgrad import linalg
from fastgrad.autograd.scipy._modules import ScipyModule
from fastgrad.functions.shapes import reshape, transpose
from fastgrad.primitives import primitive
from fastgrad.rules.comparison import where
from fastgrad.rules.complex import conj
from fastgrad.rules.joining import concat
from fastgrad.rules.linear_algebra import matmul
from fastgrad.rules.shapes import tril, triu

scipy_linalg = ScipyModule("scipy.linalg")


def columns(x):
    """Return a vector as a matrix with one column."""
    return reshape(x, (-1, 1)) if x.ndim == 1 else x


def outer(x, y):
    """Return the sum of the outer products of the columns of `x` and `y`."""
    return matmul(columns(x), transpose(columns(y)))


def _triangle(x, lower, unit_diagonal):
    return tril(x, -int(unit_diagonal)) if lower else triu(x, int(unit_diagonal))


def _triangular_vjp(g, a, y, trans, lower, unit_diagonal):
    """`gb` solves the transposed system for `g`; `ga` is the triangle of `-gb @ y.T`, transposed for `trans`."""
    gb = _solve_triangular(a, g, 1 - trans, lower, unit_diagonal)
    ga = outer(y, gb) if trans else outer(gb, y)
    return -_triangle(ga, lower, unit_diagonal), gb


def _triangular_a_jvp(t, a, y, trans, lower, unit_diagonal):
    t = _triangle(t, lower, unit_diagonal)
    return -_solve_triangular(a, matmul(transpose(t) if trans else t, y), trans, lower, unit_diagonal)


@primitive(
    vjp=_triangular_vjp,
    jvp=(
        _triangular_a_jvp,
        lambda t, a, trans, lower, unit_diagonal: _solve_triangular(a, t, trans, lower, unit_diagonal),
    ),
    together=True,
    name="solve_triangular",
)
def _solve_triangular(a, b, /, trans, lower, unit_diagonal):
    return scipy_linalg.solve_triangular(a, b, trans, lower, unit_diagonal, check_finite=False)


def solve_triangular(a, b, trans=0, lower=False, unit_diagonal=False, overwrite_b=False, check_finite=True):
    """`scipy.linalg.solve_triangular`; stacks of matrices are solved as full ones."""
    trans = {"N": 0, "T": 1, "C": 2}.get(trans, trans)
    if trans not in (0, 1, 2):
        raise ValueError(f"solve_triangular: trans must be 0, 1, 2, 'N', 'T' or 'C', got {trans!r}")
    if trans == 2:
        a, trans = conj(a), 1
    lower, unit_diagonal = bool(lower), bool(unit_diagonal)
    if a.ndim == 2 and b.ndim <= 2:
        return _solve_triangular(a, b, trans, lower, unit_diagonal)
    a = _triangle(a, lower, unit_diagonal)
    a = a + np.eye(a.shape[-1], dtype=a.dtype) if unit_diagonal else a
    a = linalg.matrix_transpose(a) if trans else a
    return linalg.solve(a, b)


# --- bands ---


def _gathered(band, rows, cols, keep):
    """Return `band[rows, cols]`, and 0 where not `keep`."""
    return where(keep, band[np.where(keep, rows, 0), np.where(keep, cols, 0)], 0)


def transposed_band(band, lower, upper):
    """Return the bands of the transposed matrix, in SciPy's order: the element (i, j) is in row `upper + i - j`."""
    n = band.shape[1]
    row, j = np.ogrid[: lower + upper + 1, :n]
    i = j + row - lower  # of the transposed matrix, which has `lower` bands above the diagonal
    return _gathered(band, upper + j - i, i, (i >= 0) & (i < n))


def _bands_of_product(x, y, lower, upper):
    """Return the bands of the sum of the outer products of the columns of `x` and `y`."""
    n = x.shape[0]
    row, j = np.ogrid[: lower + upper + 1, :n]
    i = j + row - upper
    keep = (i >= 0) & (i < n)
    return where(keep, (columns(x)[np.where(keep, i, 0)] * columns(y)).sum(-1), 0)


def _band_times(band, x, lower, upper):
    """Return the product of a matrix with these bands and `x`."""
    n = band.shape[1]
    flipped = transposed_band(band, lower, upper)  # column i has the elements of row i of the matrix
    row, i = np.ogrid[: lower + upper + 1, :n]
    j = i + row - lower
    keep = (j >= 0) & (j < n)
    y = (reshape(flipped, (*flipped.shape, 1)) * columns(x)[np.where(keep, j, 0)]).sum(0)
    return reshape(y, x.shape)


def _banded_vjp(g, ab, y, lower, upper):
    """`gb` solves the transposed system for `g`, and `gab` has the bands of `-gb @ y.T`."""
    gb = _solve_banded(transposed_band(ab, lower, upper), g, upper, lower)
    return -_bands_of_product(gb, y, lower, upper), gb


@primitive(
    vjp=_banded_vjp,
    jvp=(
        lambda t, ab, y, lower, upper: -_solve_banded(ab, _band_times(t, y, lower, upper), lower, upper),
        lambda t, ab, lower, upper: _solve_banded(ab, t, lower, upper),
    ),
    together=True,
    name="solve_banded",
)
def _solve_banded(ab, b, /, lower, upper):
    return scipy_linalg.solve_banded((lower, upper), ab, b, check_finite=False)


def solve_banded(l_and_u, ab, b, overwrite_ab=False, overwrite_b=False, check_finite=True):
    """`scipy.linalg.solve_banded`."""
    lower, upper = l_and_u
    if ab.ndim != 2 or b.ndim > 2 or ab.shape[0] != lower + upper + 1:
        raise ValueError(f"solve_banded: ab must have the shape ({lower + upper + 1}, n), got {ab.shape}")
    return _solve_banded(ab, b, int(lower), int(upper))


def solveh_banded(ab, b, overwrite_ab=False, overwrite_b=False, lower=False, check_finite=True):
    """`scipy.linalg.solveh_banded`, by the bands of the full matrix."""
    n = ab.shape[0] - 1
    if lower:
        above = conj(transposed_band(ab, n, 0))
        full = concat(above[:-1], ab, axis=0)
    else:
        full = concat(ab, conj(transposed_band(ab, 0, n))[1:], axis=0)
    return solve_banded((n, n), full, b)


BOXED = {function.__name__: function for function in (solve_banded, solve_triangular, solveh_banded)}
