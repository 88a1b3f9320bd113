"""Inverses, determinants, solutions and factors of matrices under SciPy's names and arguments.

Options that only change how SciPy computes are accepted. Those that change the result are honoured, or an error.
"""

import numpy as np

from fastgrad import linalg
from fastgrad.autograd.scipy._triangular import scipy_linalg, solve_triangular
from fastgrad.functions.shapes import matrix_transpose
from fastgrad.rules.checks import values_of
from fastgrad.rules.complex import conj, real
from fastgrad.rules.linear_algebra import matmul
from fastgrad.rules.shapes import pad, tril, triu

_TRIANGLES = ("sym", "symmetric", "her", "hermitian", "pos", "positive definite")


def _adjoint(a):
    return conj(matrix_transpose(a))


def _from_triangle(a, lower, hermitian=True):
    """Return the Hermitian or symmetric matrix of one triangle of `a`, the only one that SciPy reads."""
    keep, k = (tril, -1) if lower else (triu, 1)
    other = matrix_transpose(keep(a, k))
    if a.dtype.kind != "c" or not hermitian:
        return keep(a) + (conj(other) if hermitian and a.dtype.kind == "c" else other)
    return keep(a, k) + conj(other) + np.eye(a.shape[-1]) * real(a)


def inv(a, overwrite_a=False, check_finite=True, *, assume_a=None, lower=False):
    """`scipy.linalg.inv`."""
    return linalg.inv(_assumed(a, assume_a, lower))


def _assumed(a, assume_a, lower):
    if assume_a in _TRIANGLES:
        return _from_triangle(a, lower, hermitian=assume_a not in ("sym", "symmetric"))
    if assume_a in ("upper triangular", "lower triangular"):
        return triu(a) if assume_a[0] == "u" else tril(a)
    return a


def det(a, overwrite_a=False, check_finite=True):
    """`scipy.linalg.det`."""
    return linalg.det(a)


def solve(a, b, lower=False, overwrite_a=False, overwrite_b=False, check_finite=True, assume_a=None, transposed=False):
    """`scipy.linalg.solve`."""
    a = _assumed(a, assume_a, lower)
    return linalg.solve(matrix_transpose(a) if transposed else a, b)


def cholesky(a, lower=False, overwrite_a=False, check_finite=True):
    """`scipy.linalg.cholesky`: the upper factor, or the lower one."""
    return linalg.cholesky(_from_triangle(a, lower), upper=not lower)


def cho_factor(a, lower=False, overwrite_a=False, check_finite=True):
    """`scipy.linalg.cho_factor`, with zeros in the other triangle."""
    return cholesky(a, lower), lower


def cho_solve(c_and_lower, b, overwrite_b=False, check_finite=True):
    """`scipy.linalg.cho_solve`."""
    c, lower = c_and_lower
    first, second = (0, "C") if lower else ("C", 0)
    return solve_triangular(c, solve_triangular(c, b, first, lower), second, lower)


def eigh(
    a, b=None, *, lower=True, eigvals_only=False, overwrite_a=False, overwrite_b=False, type=1, check_finite=True,
    subset_by_index=None, subset_by_value=None, driver=None,
):  # fmt: skip
    """`scipy.linalg.eigh`, also of `a @ v = w * b @ v`."""
    if type != 1 or subset_by_value is not None:
        raise NotImplementedError("eigh has derivatives for type=1, without subset_by_value")
    a = _from_triangle(a, lower)
    part = slice(None) if subset_by_index is None else slice(subset_by_index[0], subset_by_index[1] + 1)
    if b is None:
        if eigvals_only:
            return linalg.eigvalsh(a)[..., part]
        w, v = linalg.eigh(a)
        return w[..., part], v[..., part]
    root = linalg.inv(linalg.cholesky(_from_triangle(b, lower)))
    reduced = matmul(matmul(root, a), _adjoint(root))
    reduced = 0.5 * (reduced + _adjoint(reduced))  # exactly Hermitian again
    if eigvals_only:
        return linalg.eigvalsh(reduced)[..., part]
    w, v = linalg.eigh(reduced)
    return w[..., part], matmul(_adjoint(root), v)[..., part]


def eigvalsh(a, b=None, *, lower=True, **options):
    """`scipy.linalg.eigvalsh`."""
    return eigh(a, b, lower=lower, eigvals_only=True, **options)


def eigvals(a, b=None, overwrite_a=False, check_finite=True, homogeneous_eigvals=False):
    """`scipy.linalg.eigvals`."""
    if homogeneous_eigvals:
        raise NotImplementedError("eigvals has derivatives without homogeneous_eigvals")
    return linalg.eigvals(a if b is None else linalg.solve(b, a))


def svd(a, full_matrices=True, compute_uv=True, overwrite_a=False, check_finite=True, lapack_driver="gesdd"):
    """`scipy.linalg.svd`."""
    return tuple(linalg.svd(a, full_matrices)) if compute_uv else linalg.svdvals(a)


def svdvals(a, overwrite_a=False, check_finite=True):
    """`scipy.linalg.svdvals`."""
    return linalg.svdvals(a)


def polar(a, side="right"):
    """`scipy.linalg.polar`."""
    if side not in ("left", "right"):
        raise ValueError(f"polar: side must be 'left' or 'right', got {side!r}")
    w, s, vh = linalg.svd(a, False)
    u = matmul(w, vh)
    return u, matmul(_adjoint(vh) * s, vh) if side == "right" else matmul(w * s, _adjoint(w))


def qr(a, overwrite_a=False, lwork=None, mode="full", pivoting=False, check_finite=True):
    """`scipy.linalg.qr`; with pivoting, the order of the columns is a constant."""
    modes = {"full": "complete", "economic": "reduced", "r": "r"}
    if mode not in modes:
        raise ValueError(f"qr has derivatives for mode 'full', 'economic' or 'r', got {mode!r}")
    order = ()
    if pivoting:
        order = (scipy_linalg.qr(values_of(a), mode="r", pivoting=True)[1],)
        a = a[:, order[0]]
    found = linalg.qr(a, modes[mode])
    if mode != "r":
        return (*found, *order)
    # SciPy's "r" has as many rows as the matrix.
    rest = a.shape[-2] - found.shape[-2]
    return (pad(found, ((0, 0),) * (a.ndim - 2) + ((0, rest), (0, 0))), *order)


def pinv(a, *, atol=None, rtol=None, return_rank=False, check_finite=True):
    """`scipy.linalg.pinv`, for a constant rank."""
    s = np.linalg.svd(values_of(a), compute_uv=False)
    largest = s.max(axis=-1, initial=0.0)
    rtol = max(a.shape[-2:]) * np.finfo(s.dtype).eps if rtol is None and atol is None else rtol or 0.0
    relative = max(rtol, (atol or 0.0) / largest if largest > 0 else 0.0)
    found = linalg.pinv(a, relative)
    return (found, int((s > relative * largest).sum())) if return_rank else found


BOXED = {
    function.__name__: function
    for function in (
        cho_factor, cho_solve, cholesky, det, eigh, eigvals, eigvalsh, inv, pinv, polar, qr, solve, svd, svdvals,
    )
}  # fmt: skip
