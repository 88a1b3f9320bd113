"""Decompositions and solutions that consist of several arrays, with the names that NumPy gives them."""

import warnings
from typing import NamedTuple

import numpy as np

from fastgrad import errors, leaving
from fastgrad._engine import Tensor, asarray
from fastgrad.functions.arguments import as_tensor, plain, records
from fastgrad.functions.batches import by_element
from fastgrad.rules.complex import real
from fastgrad.rules.decompositions import (
    eig_packed,
    eigh_packed,
    eigvalsh,
    qr_packed,
    svd_full_packed,
    unpack_eigen,
    unpack_full_svd,
    unpack_qr,
)
from fastgrad.rules.linear_algebra import matmul
from fastgrad.rules.linear_systems import lstsq_solution, slogdet_packed
from fastgrad.rules.rule import FUNCTIONS
from fastgrad.rules.singular import adjoint, svd_packed, svdvals, unpack

_abs, _pinv, _sum = (FUNCTIONS[name] for name in ("abs", "pinv", "sum"))
_NUMPYS_RTOL = 1e-15  # the default of numpy.linalg.pinv


class EigResult(NamedTuple):
    """Eigenvalues, and eigenvectors in the columns of a matrix."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class EighResult(NamedTuple):
    """Eigenvalues in ascending order, and orthonormal eigenvectors in the columns of a matrix."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class QRResult(NamedTuple):
    """A matrix with orthonormal columns, and an upper triangular one."""

    Q: Tensor
    R: Tensor


class SlogdetResult(NamedTuple):
    """The sign of a determinant, and the logarithm of its magnitude."""

    sign: Tensor
    logabsdet: Tensor


class SVDResult(NamedTuple):
    """Left singular vectors in columns, singular values in descending order, and right singular vectors in rows."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def _real(x):
    return real(x) if x.dtype.kind == "c" else x


def _columns(x, order):
    """Return the columns of matrices, or the elements of vectors, in the given order along the last axis."""
    return FUNCTIONS["getitem"](x, (*np.ix_(*map(np.arange, x.shape[:-1]), [0])[:-1], order))


@by_element
def eig(a):
    """Return the eigenvalues and eigenvectors of the matrices in the last two axes of `a`.

    Parameters
    ----------
    a : Tensor or array, shape (..., n, n)

    Returns
    -------
    eigenvalues : Tensor, shape (..., n)
        Complex or, before NumPy 2.5, real if `a` and all eigenvalues are.
    eigenvectors : Tensor, shape (..., n, n)
        Columns of norm 1.

    Raises
    ------
    LinAlgError
        If the matrices are not square or not finite; in the backward pass, if the eigenvectors are dependent.

    Notes
    -----
    The gradient is right for functions that do not depend on the phases of eigenvectors, and that treat eigenvectors
    of equal eigenvalues alike.
    """
    return EigResult(*unpack_eigen(eig_packed(a)))


def eigh(a, UPLO="L"):
    """Return the eigenvalues and eigenvectors of the Hermitian matrices in the last two axes of `a`.

    Parameters
    ----------
    a : Tensor or array, shape (..., n, n)
    UPLO : {"L", "U"}
        The triangle that is read, the lower or the upper one.

    Returns
    -------
    eigenvalues : Tensor, shape (..., n)
        Real, in ascending order.
    eigenvectors : Tensor, shape (..., n, n)
        Orthonormal columns.

    Raises
    ------
    LinAlgError
        If the matrices are not square, or the iteration does not converge.
    ValueError
        If `UPLO` is neither "L" nor "U".

    Notes
    -----
    The gradient is Hermitian, whichever triangle is read. It is right for functions that do not depend on the phases of
    eigenvectors, and that treat eigenvectors of equal eigenvalues alike.
    """
    values, vectors = unpack_eigen(eigh_packed(a, UPLO))
    return EighResult(_real(values), vectors)


def svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    """Return the singular value decomposition `U @ diag(S) @ Vh` of the matrices in the last two axes of `a`.

    Parameters
    ----------
    a : Tensor or array, shape (..., m, n)
    full_matrices : bool
        Whether U and Vh are square. Otherwise they have k = min(m, n) columns and rows.
    compute_uv : bool
        Whether to return all three factors. Otherwise the singular values alone.
    hermitian : bool
        Whether the matrices are Hermitian; their lower triangles are read.

    Returns
    -------
    U : Tensor, shape (..., m, m) or (..., m, k)
    S : Tensor, shape (..., k)
        In descending order.
    Vh : Tensor, shape (..., n, n) or (..., k, n)

    Raises
    ------
    LinAlgError
        If `a` has fewer than two axes, or the iteration does not converge.

    Notes
    -----
    The gradient is right for functions that do not depend on the phases of singular vectors, and that treat singular
    vectors of equal singular values alike, those behind the first k included. Singular values that are 0 or equal add
    no terms of vectors to it.
    """
    a = as_tensor(a)
    if hermitian:
        return _hermitian_svd(a, compute_uv)
    if not compute_uv:
        return svdvals(a)
    if not full_matrices or a.ndim < 2 or a.shape[-2] == a.shape[-1]:
        u, s, v = unpack(svd_packed(a), a.shape[-2] if a.ndim > 1 else 0)
    else:
        u, s, v = unpack_full_svd(svd_full_packed(a), *a.shape[-2:])
    return SVDResult(u, s, adjoint(v))


def _hermitian_svd(a, compute_uv):
    """The eigenvalue decomposition, in descending order of magnitude; a negative sign is moved into Vh."""
    w, u = eigh(a) if compute_uv else (eigvalsh(a), None)
    size = np.abs(w.detach().numpy())
    order = np.argsort(size)[..., ::-1]
    s = _columns(_abs(w), order)
    if u is None:
        return s
    u = _columns(u, order[..., None, :])
    sign = np.take_along_axis(np.copysign(1.0, w.detach().numpy()), order, axis=-1).astype(w.dtype)
    return SVDResult(u, s, adjoint(u * sign[..., None, :]))


@by_element
def qr(a, mode="reduced"):
    """Return the QR decomposition of the matrices in the last two axes of `a`.

    Parameters
    ----------
    a : Tensor or array, shape (..., m, n)
    mode : {"reduced", "complete", "r", "raw"}
        "reduced" returns k = min(m, n) columns of Q and rows of R, "complete" m of them, "r" R alone. "raw" returns
        LAPACK's arrays, which have no gradient.

    Returns
    -------
    Q : Tensor, shape (..., m, k) or (..., m, m)
    R : Tensor, shape (..., k, n) or (..., m, n)

    Raises
    ------
    LinAlgError
        If `a` has fewer than two axes; in the backward pass, if the first k columns are linearly dependent.
    NotDifferentiableError
        If the mode is "raw" and a gradient would be lost.
    ValueError
        If the mode is unknown.
    """
    if mode in ("f", "full"):
        warnings.warn("qr: the mode 'full' is called 'reduced' now", DeprecationWarning, stacklevel=2)
        mode = "reduced"
    a = as_tensor(a)
    if mode in ("reduced", "complete", "r"):
        q, r = unpack_qr(qr_packed(a, mode == "complete"), a.shape[-2])
        return r if mode == "r" else QRResult(q, r)
    if mode not in ("raw", "e", "economic"):
        raise errors.ShapeError(f"qr: mode {mode!r} is unknown: use 'reduced', 'complete', 'r' or 'raw'")
    if records(a):
        raise leaving.no_numpy_rule(f"qr with mode={mode!r}")
    found = np.linalg.qr(plain(a), mode)
    return tuple(map(asarray, found)) if isinstance(found, tuple) else asarray(found)


def slogdet(a):
    """Return the sign and the logarithm of the magnitude of determinants.

    Parameters
    ----------
    a : Tensor or array, shape (..., n, n)

    Returns
    -------
    sign : Tensor, shape (...)
        1, -1 or 0; of complex matrices, a number of magnitude 1, or 0.
    logabsdet : Tensor, shape (...)
        Minus infinity for singular matrices.

    Raises
    ------
    LinAlgError
        If the matrices are not square; in the backward pass, if one is singular.
    """
    y = slogdet_packed(a)
    return SlogdetResult(y[..., 0], _real(y[..., 1]))


def pinv(a, rcond=None, hermitian=False, *, rtol=_NUMPYS_RTOL):
    """Return the pseudo-inverses of the matrices in the last two axes of `a`.

    Parameters
    ----------
    a : Tensor or array, shape (..., m, n)
    rcond : float or array, optional
        Another name of `rtol`.
    hermitian : bool
        Whether the matrices are Hermitian; their lower triangles are read.
    rtol : float, array or None
        Singular values of at most `rtol` times the largest count as 0. None is `max(m, n)` times the machine precision.

    Returns
    -------
    Tensor, shape (..., n, m)

    Raises
    ------
    LinAlgError
        If `a` has fewer than two axes.
    ValueError
        If both `rcond` and `rtol` are passed.

    Notes
    -----
    The gradient is that for a constant rank.
    """
    a = as_tensor(a)
    if rcond is None:
        rcond = rtol
    elif rtol is not _NUMPYS_RTOL:
        raise errors.ShapeError("pinv: rcond and rtol are the same parameter: pass one of them")
    if rcond is None:
        rcond = max(a.shape[-2:], default=0) * np.finfo(a.dtype).eps
    return _pinv(a, plain(rcond), hermitian)


@by_element
def lstsq(a, b, rcond=None):
    """Return the shortest solution x of `a @ x = b` with the least sum of squared differences.

    Parameters
    ----------
    a : Tensor or array, shape (m, n)
    b : Tensor or array, shape (m,) or (m, k)
    rcond : float, optional
        Singular values of at most `rcond` times the largest count as 0. None is `max(m, n)` times the machine
        precision, -1 the machine precision.

    Returns
    -------
    x : Tensor, shape (n,) or (n, k)
    residuals : Tensor, shape (1,), (k,) or (0,)
        The sums of squared differences; without elements if `a` has not the rank n, or `m <= n`.
    rank : int
    s : Tensor, shape (min(m, n),)
        The singular values of `a`.

    Raises
    ------
    LinAlgError
        If `a` is not a matrix, or `b` does not fit it.

    Notes
    -----
    The gradient of x is that for a constant rank.
    """
    a, b = as_tensor(a), as_tensor(b)
    x = lstsq_solution(a, b, rcond)
    m, n = a.shape
    s = svdvals(a)
    size = s.detach().numpy()
    least = np.finfo(size.dtype).eps * (max(m, n) if rcond is None else 1) if rcond is None or rcond < 0 else rcond
    rank = int(np.count_nonzero(size > least * np.max(size, initial=0)))
    if rank == n < m:
        rest = b - matmul(a, x)
        residuals = _sum(_abs(rest) ** 2, axis=0, keepdims=b.ndim == 1)
    else:
        residuals = asarray(np.zeros(0, size.dtype))
    return x, residuals, rank, s
