"""Functions of `numpy.linalg` for one float64 matrix, without the conversions that make up most of NumPy's time.

NumPy's functions take 2 to 30 µs to check shapes, find a dtype and set up error handling, around loops of LAPACK that
take less than 1 µs for small matrices. Here the same loops are called directly, so that results are the same. They are
private to NumPy, and used only if they have the expected name, signature and types. In all other cases (stacks, other
dtypes, shapes that do not fit, results that contain NaN because LAPACK failed) NumPy's function is called.
"""

from functools import lru_cache

import numpy as np

from fastgrad.rules import linalg_errors  # noqa: F401  so that NumPy's LinAlgError becomes ours

_loops = getattr(np.linalg, "_umath_linalg", None)
_F64 = np.dtype(np.float64)
_CACHED = 1024  # the largest matrix for which the places below the diagonal are kept


def _loop(name, signature, types):
    """Return a loop of NumPy, or None if there is none with this signature and these types."""
    found = getattr(_loops, name, None)
    known = str(getattr(found, "signature", "")).replace(" ", "") == signature and types in found.types
    return found if known else None


_cholesky_lo = _loop("cholesky_lo", "(m,m)->(m,m)", "d->d")
_cholesky_up = _loop("cholesky_up", "(m,m)->(m,m)", "d->d")
_det = _loop("det", "(m,m)->()", "d->d")
_eigh_lo = _loop("eigh_lo", "(m,m)->(m),(m,m)", "d->dd")
_eigh_up = _loop("eigh_up", "(m,m)->(m),(m,m)", "d->dd")
_eigvalsh_lo = _loop("eigvalsh_lo", "(m,m)->(m)", "d->d")
_eigvalsh_up = _loop("eigvalsh_up", "(m,m)->(m)", "d->d")
_inv = _loop("inv", "(m,m)->(m,m)", "d->d")
_qr_raw = _loop("qr_r_raw", "(m,n)->(p)", "d->d")
_qr_reduced = _loop("qr_reduced", "(m,n),(k)->(m,k)", "dd->d")
_slogdet = _loop("slogdet", "(m,m)->(),()", "d->dd")
_solve = _loop("solve", "(m,m),(m,n)->(m,n)", "dd->d")
_solve1 = _loop("solve1", "(m,m),(m)->(m)", "dd->d")
_svd_s = _loop("svd_s", "(m,n)->(m,p),(p),(p,n)", "d->ddd")
_svdvals = _loop("svd", "(m,n)->(p)", "d->d")


def _is_matrix(a):
    """Return whether `a` is one float64 matrix with elements."""
    return isinstance(a, np.ndarray) and a.dtype is _F64 and a.ndim == 2 and a.size


def _is_square(a):
    """Return whether `a` is one float64 matrix that a loop for square matrices takes."""
    return isinstance(a, np.ndarray) and a.dtype is _F64 and a.ndim == 2 and a.size and a.shape[0] == a.shape[1]


def _is_number(y):
    """Return whether the first element of a result is not NaN, which fills the results of a loop that failed."""
    first = y.item(0)
    return first == first


def inv(a):
    """Return `np.linalg.inv(a)`."""
    if _inv is not None and _is_square(a):
        y = _inv(a, signature="d->d")
        if _is_number(y):
            return y
    return np.linalg.inv(a)


def _is_right_side(b, n):
    return isinstance(b, np.ndarray) and b.dtype is _F64 and b.size and b.shape[0] == n


def solve(a, b):
    """Return `np.linalg.solve(a, b)`."""
    if _solve1 is not None and _is_square(a) and _is_right_side(b, a.shape[0]):
        loop = _solve1 if b.ndim == 1 else _solve if b.ndim == 2 else None
        if loop is not None:
            y = loop(a, b, signature="dd->d")
            if _is_number(y):
                return y
    return np.linalg.solve(a, b)


def det(a):
    """Return `np.linalg.det(a)`."""
    return _det(a, signature="d->d") if _det is not None and _is_square(a) else np.linalg.det(a)


def slogdet(a):
    """Return `np.linalg.slogdet(a)`."""
    return _slogdet(a, signature="d->dd") if _slogdet is not None and _is_square(a) else np.linalg.slogdet(a)


def cholesky(a, upper):
    """Return `np.linalg.cholesky(a, upper=upper)`."""
    loop = _cholesky_up if upper else _cholesky_lo
    if loop is not None and _is_square(a):
        y = loop(a, signature="d->d")
        if _is_number(y):
            return y
    return np.linalg.cholesky(a, upper=upper)


def eigh(a, UPLO):
    """Return `np.linalg.eigh(a, UPLO)`."""
    loop = _eigh_lo if UPLO == "L" else _eigh_up if UPLO == "U" else None
    if loop is not None and _is_square(a):
        w, v = loop(a, signature="d->dd")
        if _is_number(w):
            return w, v
    return np.linalg.eigh(a, UPLO)


def eigvalsh(a, UPLO):
    """Return `np.linalg.eigvalsh(a, UPLO)`."""
    loop = _eigvalsh_lo if UPLO == "L" else _eigvalsh_up if UPLO == "U" else None
    if loop is not None and _is_square(a):
        w = loop(a, signature="d->d")
        if _is_number(w):
            return w
    return np.linalg.eigvalsh(a, UPLO)


def svdvals(a):
    """Return `np.linalg.svd(a, compute_uv=False)`."""
    if _svdvals is not None and _is_matrix(a):
        s = _svdvals(a, signature="d->d")
        if _is_number(s):
            return s
    return np.linalg.svd(a, compute_uv=False)


def svd(a):
    """Return `np.linalg.svd(a, full_matrices=False)`."""
    if _svd_s is not None and _is_matrix(a):
        u, s, vh = _svd_s(a, signature="d->ddd")
        if _is_number(s):
            return u, s, vh
    return np.linalg.svd(a, full_matrices=False)


@lru_cache(maxsize=32)
def _below(m, n):
    """Return where the elements of a matrix are below its diagonal. Callers do not write to it."""
    return np.tri(m, n, -1, dtype=bool)


def qr(a):
    """Return `np.linalg.qr(a)`."""
    if _qr_raw is None or _qr_reduced is None or not _is_matrix(a) or a.size > _CACHED:
        return np.linalg.qr(a)
    raw = a.copy()
    scales = _qr_raw(raw, signature="d->d")  # overwrites it: R above the diagonal, reflectors below
    q = _qr_reduced(raw, scales, signature="dd->d")
    if not _is_number(q):
        return np.linalg.qr(a)
    r = raw[: min(raw.shape)]
    r[_below(*r.shape)] = 0
    return q, r


def pinv(a, rcond, hermitian):
    """Return `np.linalg.pinv(a, rcond, hermitian)`."""
    if hermitian or type(rcond) is not float or not _is_matrix(a):
        return np.linalg.pinv(a, rcond, hermitian)
    u, s, vh = svd(a)
    large = s > rcond * s.max()
    s = np.divide(1, s, where=large, out=np.zeros(s.shape))
    return np.matmul(vh.T, s[:, None] * u.T)
