"""Cholesky, QR, eigenvalue and full singular value decompositions. Several factors are packed into one array.

Their derivatives are differentiable to any order. Factors that are not unique follow PyTorch: eigenvectors and singular
vectors keep their phase, so that the gradient is right for every function that does not depend on it.
"""

import numpy as np

from fastgrad import parameters
from fastgrad.rules import batching, lapack, patterns
from fastgrad.rules.complex import real
from fastgrad.rules.draws import normal
from fastgrad.rules.joining import concat
from fastgrad.rules.linear_algebra import diagonal, matmul, transposed
from fastgrad.rules.linear_systems import hermitian_part, inv, regular, solve
from fastgrad.rules.rule import ops, rule
from fastgrad.rules.shapes import reshape, tril, triu
from fastgrad.rules.singular import adjoint, factors_jvp, factors_vjp, inverse_above

_SQUARE = ((3, 3), (1, 1), (2, 3, 3), (0, 0), (0, 2, 2))
_OBLONG = ((3, 3), (4, 2), (2, 4), (2, 3, 2), (1, 1), (0, 2, 2), (0, 2), (3, 0))


def _columns(x):
    """Return a stack of vectors as a stack of matrices with one row, which multiplies columns."""
    return reshape(x, (*x.shape[:-1], 1, x.shape[-1]))


def _rows(x):
    """Return a stack of vectors as a stack of matrices with one column, which multiplies rows."""
    return reshape(x, (*x.shape, 1))


def _eye(x):
    return np.eye(x.shape[-1], dtype=x.dtype)


def _positive_definite(*cases):
    def draw(rng):
        for (a,), params in normal(*cases)(rng):
            yield (a @ np.swapaxes(a, -1, -2) + np.eye(a.shape[-1]),), params

    return draw


# --- Cholesky ---


def _cholesky_vjp(g, y, upper):
    """The Hermitian part of `inv(L).H @ P @ inv(L)`, with P the lower triangle of `L.H @ g`, its diagonal halved."""
    lower, g = (adjoint(y), adjoint(g)) if upper else (y, g)
    inner = matmul(adjoint(lower), tril(g))  # nothing flows to the zeros, not even an infinite slope there
    half = tril(inner) - inner * (0.5 * _eye(inner))
    inverse = inv(lower)
    return hermitian_part(matmul(matmul(adjoint(inverse), half), inverse))


def _cholesky_jvp(t, y, upper):
    """`L @ P`, with P the lower triangle of `inv(L) @ t @ inv(L).H`, its diagonal halved; `t` made Hermitian."""
    lower = adjoint(y) if upper else y
    inverse = inv(lower)
    inner = matmul(matmul(inverse, hermitian_part(t)), adjoint(inverse))
    ty = matmul(lower, tril(inner) - inner * (0.5 * _eye(inner)))
    return adjoint(ty) if upper else ty


@rule(
    batch=batching.stacks,
    vjp=lambda g, y, upper: _cholesky_vjp(g, y, upper),
    jvp=lambda t, y, upper: _cholesky_jvp(t, y, upper),
    holomorphic=False,
    hermitian=True,
    numpy=("linalg.cholesky",),
    prepare=parameters.read(upper=parameters.flag),
    samples=_positive_definite(*((shape, {}) for shape in _SQUARE), ((2, 3, 3), {"upper": True})),
    pattern=patterns.blocks(2, 2),
)
def cholesky(a, /, *, upper=False):
    """Lower triangular L with `L @ L.H` equal to the Hermitian, positive definite `a`, or its adjoint if `upper`.

    The lower triangle of `a` is read, or the upper one if `upper`. The gradient is that in Hermitian directions.
    """
    return lapack.cholesky(a, upper)


# --- QR ---


def unpack_qr(packed, m):
    """Return Q and R from the result of `qr_packed`."""
    return packed[..., :m, :], transposed(packed[..., m:, :])


def _qr_vjp(g, y, x_shape):
    """`(gq + Q S) R.-H`, with `S = T + T.H`, T the upper triangle of `gr R.H - Q.H gq`, its diagonal real and halved.

    Columns of Q behind those of x turn with the first ones, as they remain orthogonal to them. Columns of a wide x
    behind the first m are those of R, multiplied by Q.
    """
    m, n = x_shape[-2:]
    (q, r), (gq, gr) = unpack_qr(y, m), unpack_qr(g, m)
    gr = triu(gr)
    if q.shape[-1] > n:
        rest, g_rest, q, r, gr = q[..., n:], gq[..., n:], q[..., :n], r[..., :n, :], gr[..., :n, :]
        gq = gq[..., :n] - matmul(rest, matmul(adjoint(g_rest), q))
    if m >= n:
        return _tall_qr_vjp(q, r, gq, gr)
    g_right = matmul(q, gr[..., m:])
    gq = gq + matmul(matmul(q, r[..., m:]), adjoint(gr[..., m:]))
    return concat(_tall_qr_vjp(q, r[..., :m], gq, gr[..., :m]), g_right, axis=-1)


def _tall_qr_vjp(q, r, gq, gr):
    inner = matmul(gr, adjoint(r)) - matmul(adjoint(q), gq)
    above = triu(inner, 1)
    on = inner * _eye(inner)
    s = above + adjoint(above) + (real(on) if on.dtype.kind == "c" else on)
    return matmul(gq + matmul(q, s), adjoint(inv(r)))


def _qr_jvp(t, y, x_shape):
    """`tq = Q W + (t - Q Q.H t) R^-1` and `tr = Q.H t - W R`; other columns of Q and R as in the vjp.

    W is antihermitian: the lower triangle of `Q.H t R^-1` minus its adjoint, so that `tr` is an upper triangle.
    """
    m, n = x_shape[-2:]
    q, r = unpack_qr(y, m)
    k = min(m, n)
    first, top, left = q[..., :k], r[..., :k, :], t[..., :k]
    inverse, onto = inv(top[..., :k]), matmul(adjoint(first), t)
    inner = matmul(onto[..., :k], inverse)
    below, on = tril(inner, -1), inner * _eye(inner)
    turn = below - adjoint(below) + (on - real(on) if on.dtype.kind == "c" else 0)
    tq = matmul(first, turn) + matmul(left - matmul(first, onto[..., :k]), inverse)
    tr = onto - matmul(turn, top)
    if q.shape[-1] > k:
        tq = concat(tq, _rest_jvp(first, q[..., k:], tq), axis=-1)
        tr = concat(tr, np.zeros((*tr.shape[:-2], q.shape[-1] - k, n), tr.dtype), axis=-2)
    return concat(tq, transposed(tr), axis=-2)


def _rest_jvp(first, rest, t):
    """The tangent of further columns, which turn with the first ones, to remain orthogonal to them."""
    return -matmul(first, matmul(adjoint(t), rest))


@rule(
    batch=batching.stacks,
    name="qr",
    vjp=lambda g, y, x_shape: _qr_vjp(g, y, x_shape),
    jvp=lambda t, y, x_shape: _qr_jvp(t, y, x_shape),
    holomorphic=False,
    numpy=(),
    prepare=parameters.read(complete=parameters.flag),
    samples=regular(*((shape, {}) for shape in _OBLONG), ((3, 2), {"complete": True}), ((2, 3), {"complete": True})),
)
def qr_packed(x, /, complete=False):
    """QR decomposition of `x` as one array: the rows of Q, and the rows of the transpose of R."""
    q, r = np.linalg.qr(x, "complete") if complete else lapack.qr(x)
    return np.concatenate([q, np.swapaxes(r, -1, -2)], axis=-2)


# --- eigenvalues ---


def _packed(w, v):
    """Return eigenvalues and eigenvectors as one array: the rows of the eigenvectors, then the eigenvalues."""
    packed = np.empty((*w.shape[:-1], w.shape[-1] + 1, w.shape[-1]), v.dtype)
    packed[..., :-1, :], packed[..., -1, :] = v, w
    return packed


def unpack_eigen(packed):
    """Return the eigenvalues and eigenvectors from the result of `eigh_packed` or `eig_packed`."""
    n = packed.shape[-1]
    return packed[..., n, :], packed[..., :n, :]


def _differences(w):
    """The inverses of the differences of eigenvalues, column minus row, and 0 where two are equal."""
    size = np.abs(w.detach().numpy())
    noise = w.shape[-1] * np.finfo(w.dtype).eps * np.max(size, axis=-1, keepdims=True, initial=0)[..., None]
    return inverse_above(_columns(w) - _rows(w), noise)


def _eigh_vjp(g, y):
    """`V (diag(gw) + E (V.H gv - gv.H V) / 2) V.H`, where E is 1 over the differences of eigenvalues, 0 if equal."""
    (w, v), (gw, gv) = unpack_eigen(y), unpack_eigen(g)
    if w.dtype.kind == "c":
        w, gw = real(w), real(gw)
    turned = matmul(adjoint(v), gv)
    middle = (turned - adjoint(turned)) * (0.5 * _differences(w)) + _rows(gw) * np.eye(w.shape[-1], dtype=w.dtype)
    return matmul(matmul(v, middle), adjoint(v))


def _eigh_jvp(t, y):
    """The real diagonal of `V.H t V`, and `V (E * (V.H t V))`, with `t` made Hermitian."""
    w, v = unpack_eigen(y)
    inner = matmul(matmul(adjoint(v), hermitian_part(t)), v)
    tv = matmul(v, inner * _differences(real(w) if w.dtype.kind == "c" else w))
    return concat(tv, _columns(_real_diagonal(inner)), axis=-2)


def _real_diagonal(x):
    on = diagonal(x, 0, -2, -1)
    return real(on) if on.dtype.kind == "c" else on


_UPLO = (((3, 3), {"UPLO": "U"}), *((shape, {}) for shape in _SQUARE))


@rule(
    batch=batching.stacks,
    name="eigh",
    vjp=lambda g, y: _eigh_vjp(g, y),
    jvp=lambda t, y: _eigh_jvp(t, y),
    holomorphic=False,
    hermitian=True,
    numpy=(),
    prepare=parameters.read(UPLO=parameters.word),
    samples=normal(*_UPLO),
)
def eigh_packed(x, /, UPLO="L"):
    """Eigenvalue decomposition of a Hermitian `x` as one array: the rows of the eigenvectors, then the eigenvalues."""
    return _packed(*lapack.eigh(x, UPLO))


def _eigvalsh_vjp(g, a, UPLO):
    """`V diag(g) V.H`, with the eigenvectors V."""
    _, v = unpack_eigen(eigh_packed(a, UPLO))
    return matmul(v * _columns(g), adjoint(v))


def _eigvalsh_jvp(t, a, UPLO):
    """The real diagonal of `V.H t V`, with `t` made Hermitian."""
    _, v = unpack_eigen(eigh_packed(a, UPLO))
    return _real_diagonal(matmul(adjoint(v), matmul(hermitian_part(t), v)))


@rule(
    batch=batching.stacks,
    vjp=lambda g, a, UPLO: _eigvalsh_vjp(g, a, UPLO),
    jvp=lambda t, a, UPLO: _eigvalsh_jvp(t, a, UPLO),
    holomorphic=False,
    hermitian=True,
    numpy=("linalg.eigvalsh",),
    prepare=parameters.read(UPLO=parameters.word),
    samples=normal(*_UPLO),
    pattern=patterns.blocks(1, 2),
)
def eigvalsh(a, /, UPLO="L"):
    """Eigenvalues, in ascending order, of the Hermitian matrices in the last two axes of `a`.

    The lower triangle is read, or the upper one if `UPLO` is "U". The gradient is that in Hermitian directions.
    """
    return lapack.eigvalsh(a, UPLO)


def _eig_vjp(g, y):
    """`V.-H (diag(gw) + E* (V.H gv - V.H V D)) V.H`, with D the real diagonal of `V.H gv`, as columns have the norm 1.

    E is 1 over the differences of eigenvalues, 0 if equal.
    """
    (w, v), (gw, gv) = unpack_eigen(y), unpack_eigen(g)
    vh = adjoint(v)
    turned = matmul(vh, gv)
    on = diagonal(turned, 0, -2, -1)
    scaled = matmul(vh, v) * _columns(real(on) if on.dtype.kind == "c" else on)
    middle = (turned - scaled) * ops.conj(_differences(w)) + _rows(gw) * np.eye(w.shape[-1], dtype=w.dtype)
    return solve(vh, matmul(middle, vh))


def _eig_jvp(t, y):
    """The diagonal of `M = V^-1 t V`, and `V (E * M)` without its real part along V, as columns have the norm 1."""
    w, v = unpack_eigen(y)
    inner = solve(v, matmul(t, v))
    tv = matmul(v, inner * _differences(w))
    tv = tv - v * _columns(_real_diagonal(matmul(adjoint(v), tv)))
    return concat(tv, _columns(diagonal(inner, 0, -2, -1)), axis=-2)


def _real_eigenvalues(*shapes):
    """Return a function for `samples=`: matrices with real, distinct eigenvalues."""

    def draw(rng):
        for shape in shapes:
            yield (0.3 * rng.standard_normal(shape) + np.diag(3.0 * np.arange(shape[-1])),), {}

    return draw


@rule(
    batch=batching.stacks,
    name="eig",
    vjp=lambda g, y: _eig_vjp(g, y),
    jvp=lambda t, y: _eig_jvp(t, y),
    holomorphic=False,
    numpy=(),
    samples=_real_eigenvalues(*_SQUARE),
)
def eig_packed(x, /):
    """Eigenvalue decomposition of `x` as one array: the rows of the eigenvectors, then the eigenvalues."""
    return _packed(*np.linalg.eig(x))


def _eigvals_vjp(g, a):
    """`V.-H diag(g) V.H`, with the eigenvectors V."""
    _, v = unpack_eigen(eig_packed(a))
    return solve(adjoint(v), _rows(g) * adjoint(v))


def _eigvals_jvp(t, a):
    """The diagonal of `V^-1 t V`."""
    _, v = unpack_eigen(eig_packed(a))
    return diagonal(solve(v, matmul(t, v)), 0, -2, -1)


@rule(
    batch=batching.stacks,
    vjp=lambda g, a: _eigvals_vjp(g, a),
    jvp=lambda t, a: _eigvals_jvp(t, a),
    holomorphic=False,
    numpy=("linalg.eigvals",),
    samples=_real_eigenvalues(*_SQUARE),
    pattern=patterns.blocks(1, 2),
)
def eigvals(a, /):
    """Eigenvalues of the matrices in the last two axes of `a`; before NumPy 2.5, real if all are and `a` is."""
    return np.linalg.eigvals(a)


# --- singular values and all singular vectors ---


def unpack_full_svd(packed, m, n):
    """Return U, the singular values, and V from the result of `svd_full_packed`."""
    values = packed[..., m, : min(m, n)]
    values = real(values) if values.dtype.kind == "c" else values
    return packed[..., :m, :m], values, packed[..., m + 1 :, :n]


def _first(u, gu, k):
    """The first `k` columns of U, and their cotangent. The other columns turn with them, to remain orthogonal."""
    first, rest, g_rest = u[..., :k], u[..., k:], gu[..., k:]
    return first, gu[..., :k] - matmul(rest, matmul(adjoint(g_rest), first))


def _svd_full_vjp(g, y, x_shape):
    """As for `svd_packed`, with what the other singular vectors contribute added to the cotangent of the first ones."""
    m, n = x_shape[-2:]
    (u, s, v), (gu, gs, gv) = unpack_full_svd(y, m, n), unpack_full_svd(g, m, n)
    if m > n:
        u, gu = _first(u, gu, n)
    elif n > m:
        v, gv = _first(v, gv, m)
    return factors_vjp((u, s, v), (gu, gs, gv))


def _svd_full_jvp(t, y, x_shape):
    """As for `svd_packed`; the other singular vectors turn with the first ones."""
    m, n = x_shape[-2:]
    u, s, v = unpack_full_svd(y, m, n)
    k = min(m, n)
    tu, ts, tv = factors_jvp((u[..., :k], s, v[..., :k]), t)
    if m > n:
        tu = concat(tu, _rest_jvp(u[..., :k], u[..., k:], tu), axis=-1)
    elif n > m:
        tv = concat(tv, _rest_jvp(v[..., :k], v[..., k:], tv), axis=-1)
    return concat(*(_widened(part, max(m, n)) for part in (tu, _columns(ts), tv)), axis=-2)


def _widened(x, n):
    """Return rows filled with zeros to the length `n`."""
    if x.shape[-1] == n:
        return x
    return concat(x, np.zeros((*x.shape[:-1], n - x.shape[-1]), x.dtype), axis=-1)


@rule(
    batch=batching.stacks,
    name="svd_full",
    vjp=lambda g, y, x_shape: _svd_full_vjp(g, y, x_shape),
    jvp=lambda t, y, x_shape: _svd_full_jvp(t, y, x_shape),
    holomorphic=False,
    numpy=(),
    samples=normal(*((shape, {}) for shape in ((3, 2), (2, 3), (2, 3, 2), (0, 3, 2)))),
)
def svd_full_packed(x, /):
    """Singular value decomposition with square U and V as one array: rows of U, the singular values, rows of V.

    Shorter rows are filled with zeros.
    """
    u, s, vh = np.linalg.svd(x)
    m, n = x.shape[-2:]
    packed = np.zeros((*x.shape[:-2], m + 1 + n, max(m, n)), u.dtype)
    packed[..., :m, :m], packed[..., m, : min(m, n)] = u, s
    packed[..., m + 1 :, :n] = np.conj(np.swapaxes(vh, -1, -2))
    return packed
