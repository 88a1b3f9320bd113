"""Singular values, used by matrix norms. Their rules are differentiable to any order, and finite for equal values."""

import numpy as np

from fastgrad._lazy import lazy_functions, lazy_module
from fastgrad.rules.checks import occurs
from fastgrad.rules.comparison import where
from fastgrad.rules.complex import conj, real
from fastgrad.rules.draws import normal
from fastgrad.rules.joining import concat
from fastgrad.rules.linear_algebra import diagonal, matmul, transposed
from fastgrad.rules.logic import less_equal
from fastgrad.rules.reductions import sum
from fastgrad.rules.rule import ops, rule
from fastgrad.rules.shapes import reshape

batching = lazy_functions("fastgrad.rules.batching")
patterns = lazy_functions("fastgrad.rules.patterns")

lapack = lazy_module("fastgrad.rules.lapack")

_SHAPES = ((3, 3), (4, 2), (2, 4), (2, 3, 2), (1, 1), (0, 2, 2))


def adjoint(x):
    """Return the conjugate transpose of the last two axes."""
    return conj(transposed(x)) if x.dtype.kind == "c" else transposed(x)


def unpack(packed, m):
    """Return U, the singular values, and V from the result of `svd_packed`."""
    values = packed[..., m, :]
    return packed[..., :m, :], real(values) if values.dtype.kind == "c" else values, packed[..., m + 1 :, :]


def inverse_above(x, noise):
    """Return 1 / x, or 0 where `x` is only rounding error, at most `noise`."""
    small = less_equal(ops.abs(x), noise).detach().numpy()
    return where(small, 0, 1 / where(small, 1, x)) if occurs(small) else 1 / x


def _values_vjp(g, x):
    """`U @ diag(g) @ V.T` of the singular value decomposition of `x`."""
    u, _, v = unpack(svd_packed(x), x.shape[-2])
    return matmul(u * reshape(g, (*g.shape[:-1], 1, g.shape[-1])), adjoint(v))


def _values_jvp(t, x):
    """The real diagonal of `U.H @ t @ V`."""
    u, _, v = unpack(svd_packed(x), x.shape[-2])
    return sum(_real(conj(u) * matmul(t, v) if u.dtype.kind == "c" else u * matmul(t, v)), -2)


def _real(x):
    return real(x) if x.dtype.kind == "c" else x


@rule(
    batch=batching.stacks,
    vjp=lambda g, x: _values_vjp(g, x),
    jvp=lambda t, x: _values_jvp(t, x),
    holomorphic=False,
    numpy=("linalg.svdvals",),
    samples=normal(*((shape, {}) for shape in _SHAPES)),
    pattern=lambda call, k: patterns.blocks(1, 2)(call, k),
)
def svdvals(x, /):
    """Singular values of the matrices in the last two axes of `x`, in descending order."""
    return lapack.svdvals(x)


def _packed_vjp(g, y, x_shape):
    """The cotangents of U, the singular values and V, together."""
    return factors_vjp(unpack(y, x_shape[-2]), unpack(g, x_shape[-2]))


def factors_vjp(factors, cotangents):
    """U M V^H, plus the parts outside the spaces of U and V if x is not square.

    The usual form of M divides by s_k^2 - s_j^2. Here it is split into a part over s_k - s_j and one over s_k + s_j.
    Where singular values coincide, the first part is omitted: it is 0 for functions that do not distinguish them, such
    as the sum of all.
    """
    (u, s, v), (gu, gs, gv) = factors, cotangents
    m, n = u.shape[-2], v.shape[-2]
    columns, apart, together, noise = _gaps(s, m, n)
    ugu, vgv = matmul(adjoint(u), gu), matmul(adjoint(v), gv)
    a, b = ugu - adjoint(ugu), vgv - adjoint(vgv)
    middle = (a + b) * (0.5 * apart) + (a - b) * (0.5 * together)
    middle = middle + reshape(gs, (*gs.shape, 1)) * np.eye(s.shape[-1], dtype=s.dtype)
    gx = matmul(matmul(u, middle), adjoint(v))
    if m > n:
        gx = gx + matmul((gu - matmul(u, ugu)) * inverse_above(columns, noise), adjoint(v))
    if n > m:
        gx = gx + matmul(u * inverse_above(columns, noise), adjoint(gv - matmul(v, vgv)))
    return gx


def _packed_jvp(t, y, x_shape):
    u, s, v = factors_jvp(unpack(y, x_shape[-2]), t)
    return concat(u, reshape(s, (*s.shape[:-1], 1, s.shape[-1])), v, axis=-2)


def factors_jvp(factors, t):
    """Tangents of U, the singular values and V: the transpose of `factors_vjp`.

    The vectors turn among themselves, by antihermitian matrices from `U.H t V`, and out of their space if x is not
    square.
    """
    u, s, v = factors
    m, n = u.shape[-2], v.shape[-2]
    columns, apart, together, noise = _gaps(s, m, n)
    onto = matmul(t, v)
    inner = matmul(adjoint(u), onto)
    first, second = inner * (0.5 * (apart + together)), inner * (0.5 * (apart - together))
    tu, tv = matmul(u, first - adjoint(first)), matmul(v, second - adjoint(second))
    ts = _real(diagonal(inner, 0, -2, -1))
    if m > n:
        tu = tu + (onto - matmul(u, inner)) * inverse_above(columns, noise)
    if n > m:
        tv = tv + (matmul(adjoint(t), u) - matmul(v, adjoint(inner))) * inverse_above(columns, noise)
    return tu, ts, tv


def _gaps(s, m, n):
    """Return singular values as a row, the inverses of their differences and sums, and their rounding error."""
    columns, rows = reshape(s, (*s.shape[:-1], 1, s.shape[-1])), reshape(s, (*s.shape, 1))
    top = np.max(s.detach().numpy(), axis=-1, keepdims=True, initial=0)[..., None]
    noise = max(m, n) * np.finfo(s.dtype).eps * top
    return columns, inverse_above(columns - rows, noise), inverse_above(columns + rows, noise), noise


@rule(
    batch=batching.stacks,
    name="svd",
    vjp=lambda g, y, x_shape: _packed_vjp(g, y, x_shape),
    jvp=lambda t, y, x_shape: _packed_jvp(t, y, x_shape),
    holomorphic=False,
    numpy=(),
    samples=normal(*((shape, {}) for shape in _SHAPES)),
)
def svd_packed(x, /):
    """Singular value decomposition of `x` as one array: the rows of U, a row of singular values, the rows of V."""
    u, s, vh = lapack.svd(x)
    return np.concatenate([u, s[..., None, :].astype(u.dtype), np.conj(np.swapaxes(vh, -1, -2))], axis=-2)
