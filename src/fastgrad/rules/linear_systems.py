"""Inverses, determinants, solutions of linear systems, and the matrix exponential. Stacks of matrices as in NumPy."""

import math

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules import lapack
from fastgrad.rules.arithmetic import ones_of, zeros_of
from fastgrad.rules.comparison import where
from fastgrad.rules.complex import conj, imag, real
from fastgrad.rules.draws import normal
from fastgrad.rules.joining import concat, stack
from fastgrad.rules.linear_algebra import matmul, summed, transposed
from fastgrad.rules.reductions import prod
from fastgrad.rules.rule import ops, rule
from fastgrad.rules.shapes import reshape, tril
from fastgrad.rules.singular import adjoint, svd_packed, unpack

batching = lazy_functions("fastgrad.rules.batching")
batching_families = lazy_functions("fastgrad.rules.batching_families")
patterns = lazy_functions("fastgrad.rules.patterns")

_SQUARE = ((3, 3), (1, 1), (2, 3, 3), (0, 0), (0, 2, 2))
_BY_MINORS = 8  # the largest singular matrix whose cofactors are determinants of minors


def regular(*cases):
    """Return a function for `samples=`: as `normal`, with the matrix of the first operand away from singular ones."""

    def draw(rng):
        for (a, *rest), params in normal(*cases)(rng):
            yield (a + 3 * np.eye(*a.shape[-2:]), *rest), params

    return draw


def hermitian_part(x):
    """Return the mean of `x` and its adjoint."""
    return (x + adjoint(x)) * 0.5


def as_matrix(x):
    """Return a stack of numbers as a stack of matrices of one element; one number, which broadcasts, unchanged."""
    return reshape(x, (*x.shape, 1, 1)) if x.ndim else x


@rule(
    batch=batching.stacks,
    vjp=lambda g, y: -matmul(matmul(transposed(y), g), transposed(y)),
    jvp=lambda t, y: -matmul(matmul(y, t), y),
    numpy=("linalg.inv",),
    samples=regular(*((shape, {}) for shape in _SQUARE)),
    pattern=patterns.blocks(2, 2),
)
def inv(a, /):
    """Inverses of the matrices in the last two axes of `a`."""
    return lapack.inv(a)


def _solve_vjp(g, a, b_shape, y):
    """`gb = inv(a).T @ g` for `b`, and `-gb @ y.T` for `a`; summed over the axes along which they were broadcast."""
    if len(b_shape) == 1 and a.ndim == 2:
        gb = solve(transposed(a), g)
        return reshape(-gb, (-1, 1)) * y, gb
    if len(b_shape) == 1:
        g, y = reshape(g, (*g.shape, 1)), reshape(y, (*y.shape, 1))
    gb = solve(transposed(a), g)
    ga = summed(-matmul(gb, transposed(y)), a.shape)
    return ga, summed(gb if len(b_shape) > 1 else reshape(gb, gb.shape[:-1]), b_shape)


def _solve_pattern(call, k):
    """Each column of the solution depends on the matrix and on the same column of `b`."""
    vector = len(call.shape_of(1)) == 1
    if k == 0:
        return patterns.blocks(1 if vector else 2, 2)(call, k)
    return patterns.blocks(1, 1)(call, k) if vector else patterns.along(call, k, (-2,))


def _solve_jvp(t, a, b_shape, y):
    """`-inv(a) @ t @ y`."""
    if len(b_shape) == 1 and a.ndim > 2:
        return -reshape(solve(a, matmul(t, reshape(y, (*y.shape, 1)))), y.shape)
    return -solve(a, matmul(t, y))


@rule(
    batch=batching_families.solve,
    vjp=lambda g, a, b_shape, y: _solve_vjp(g, a, b_shape, y),
    jvp=(lambda t, a, b_shape, y: _solve_jvp(t, a, b_shape, y), lambda t, a: solve(a, t)),
    together=True,
    numpy=("linalg.solve",),
    samples=regular(
        ([(3, 3), (3,)], {}), ([(3, 3), (3, 2)], {}), ([(2, 3, 3), (3,)], {}), ([(2, 3, 3), (3, 1)], {}),
        ([(3, 3), (2, 3, 2)], {}), ([(2, 1, 2, 2), (3, 2, 2)], {}), ([(1, 1), (1,)], {}), ([(0, 0), (0, 2)], {}),
        ([(0, 2, 2), (2,)], {}), ([(2, 2), (2, 0)], {}),
    ),
    pattern=_solve_pattern,
)  # fmt: skip
def solve(a, b, /):
    """Solution x of `a @ x = b`. `b` is a vector if it has one axis, and otherwise a stack of matrices."""
    return lapack.solve(a, b)


def _det_vjp(g, a, y):
    """`g` times the cofactors, which are `y * inv(a).T`, and finite for singular matrices too."""
    if not (y.detach().numpy().all() if y.ndim else y.detach().item()):
        return as_matrix(g) * _cofactors(a)
    return transposed(inv(a)) * as_matrix(g * y)


def _cofactors(a):
    """The determinants of the minors, with alternating signs; of large matrices, from the singular value decomposition.

    That is `det(U) * det(V.H) * U* @ diag(products of the other s) @ V.T`. Both are defined for singular matrices.
    """
    n = a.shape[-1]
    if n <= _BY_MINORS:
        others = np.array([[k for k in range(n) if k != i] for i in range(n)], np.intp).reshape(n, n - 1)
        minors = ops.getitem(a, (..., others[:, None, :, None], others[None, :, None, :]))
        signs = 1 - 2 * (np.add.outer(np.arange(n), np.arange(n)) % 2)
        return det(minors) * signs.astype(a.dtype)
    u, s, v = unpack(svd_packed(a), n)
    rest = prod(where(np.eye(n, dtype=bool), 1, reshape(s, (*s.shape[:-1], 1, n))), axis=-1)
    middle = reshape(rest, (*rest.shape[:-1], 1, n)) * as_matrix(det(u) * det(adjoint(v)))
    if a.dtype.kind == "c":
        u = conj(u)
    return matmul(u * middle, transposed(v))


@rule(
    batch=batching.stacks,
    vjp=lambda g, a, y: _det_vjp(g, a, y),
    jvp=lambda t, a, y: ops.sum(t * _det_vjp(ones_of(y), a, y), (-2, -1)),
    numpy=("linalg.det",),
    samples=lambda rng: [
        *regular(*((shape, {}) for shape in _SQUARE))(rng), ((np.outer([1.0, 2, -1], [2.0, 1, 3]),), {}),
        ((np.array([[1.0, 2], [2, 4]]),), {}), ((np.zeros((2, 2, 2)) + np.eye(2) * [[[1.0]], [[0]]],), {}),
    ],
    pattern=patterns.blocks(0, 2),
)  # fmt: skip
def det(a, /):
    """Determinants of the matrices in the last two axes of `a`; the gradient of a singular matrix is its cofactors."""
    return lapack.det(a)


def _slogdet_vjp(g, a, y):
    """`g * inv(a).T` for the logarithm; for complex matrices, the sign turns with the imaginary part of the trace."""
    sign, logarithm = ops.getitem(g, (..., 0)), ops.getitem(g, (..., 1))
    if a.dtype.kind == "c":
        logarithm = real(logarithm) + 1j * imag(sign * conj(ops.getitem(y, (..., 0))))
    return as_matrix(logarithm) * adjoint(inv(a))


def _slogdet_jvp(t, a, y):
    """The trace of `inv(a) @ t`: its real part for the logarithm; the sign turns with its imaginary part."""
    trace = ops.sum(transposed(inv(a)) * t, (-2, -1))
    if a.dtype.kind == "c":
        return stack(ops.getitem(y, (..., 0)) * (1j * imag(trace)), real(trace), axis=-1)
    return stack(zeros_of(trace), trace, axis=-1)


@rule(
    batch=batching.stacks,
    name="slogdet",
    vjp=lambda g, a, y: _slogdet_vjp(g, a, y),
    jvp=lambda t, a, y: _slogdet_jvp(t, a, y),
    holomorphic=False,
    numpy=(),
    samples=regular(*((shape, {}) for shape in _SQUARE)),
)
def slogdet_packed(a, /):
    """Signs and logarithms of the magnitudes of the determinants, along the last axis of one array."""
    sign, logarithm = lapack.slogdet(a)
    y = np.empty((*np.shape(sign), 2), sign.dtype)
    y[..., 0], y[..., 1] = sign, logarithm
    return y


def _pinv_vjp(g, a, y):
    """`-y.H @ g @ y.H`, and two parts outside the spaces of rows and columns, for matrices of constant rank."""
    yh, gh = adjoint(y), adjoint(g)
    ga = -matmul(matmul(yh, g), yh)
    rows = matmul(gh, matmul(y, yh))  # (I - a y) g^H y y^H
    columns = matmul(matmul(yh, y), gh)  # y^H y g^H (I - y a)
    return ga + (rows - matmul(a, matmul(y, rows))) + (columns - matmul(matmul(columns, y), a))


def _pinv_jvp(t, a, y):
    """`-y @ t @ y`, and two parts outside the spaces of rows and columns, for matrices of constant rank."""
    yh, th = adjoint(y), adjoint(t)
    rows, columns = matmul(matmul(y, yh), th), matmul(th, matmul(yh, y))
    return (rows - matmul(matmul(rows, a), y)) + (columns - matmul(y, matmul(a, columns))) - matmul(matmul(y, t), y)


def _mirrored(a):
    """Return the Hermitian matrix whose lower triangle is that of `a`."""
    return tril(a) + adjoint(tril(a, -1))


def _pinv_any_vjp(g, a, y, hermitian):
    """As for a general matrix; of a Hermitian one, whose lower triangle is read, the Hermitian part."""
    return hermitian_part(_pinv_vjp(g, _mirrored(a), y)) if hermitian else _pinv_vjp(g, a, y)


def _pinv_any_jvp(t, a, y, hermitian):
    """As for a general matrix; of a Hermitian one, along the Hermitian part of `t`."""
    return _pinv_jvp(hermitian_part(t), _mirrored(a), y) if hermitian else _pinv_jvp(t, a, y)


_OBLONG = ((3, 3), (4, 2), (2, 4), (2, 3, 2), (1, 1), (0, 2, 2), (0, 2), (3, 0))


@rule(
    batch=batching.stacks,
    vjp=lambda g, a, y, hermitian: _pinv_any_vjp(g, a, y, hermitian),
    jvp=lambda t, a, y, hermitian: _pinv_jvp(
        hermitian_part(t) if hermitian else t, _mirrored(a) if hermitian else a, y
    ),
    holomorphic=False,
    numpy=(),
    prepare=parameters.read(hermitian=parameters.flag),
    samples=regular(*((shape, {}) for shape in _OBLONG)),
    pattern=patterns.blocks(2, 2),
)
def pinv(a, /, rcond=1e-15, hermitian=False):
    """Pseudo-inverses of the matrices in the last two axes of `a`; the gradient is that for a constant rank.

    Singular values of at most `rcond` times the largest count as 0.
    """
    return lapack.pinv(a, rcond, hermitian)


def _lstsq_inverse(a, rcond):
    """Return the pseudo-inverse of `a` with the tolerance of `lstsq`."""
    if rcond is None or rcond < 0:
        rcond = np.finfo(a.dtype).eps * (max(a.shape) if rcond is None else 1)
    return pinv(a, rcond)


def _lstsq_jvp(t, a, b, rcond):
    """The tangent of the pseudo-inverse of `a`, times `b`."""
    return matmul(_pinv_jvp(t, a, _lstsq_inverse(a, rcond)), b)


def _lstsq_vjp(g, a, b, y, rcond):
    """`gb = pinv(a).H @ g` for `b`; for `a`, the vjp of `pinv` with the cotangent `g @ b.H`."""
    if b.ndim == 1:
        g, b = reshape(g, (-1, 1)), reshape(b, (-1, 1))
        ga, gb = _lstsq_vjp(g, a, b, y, rcond)
        return ga, reshape(gb, (-1,))
    inverse = _lstsq_inverse(a, rcond)
    return _pinv_vjp(matmul(g, adjoint(b)), a, inverse), matmul(adjoint(inverse), g)


@rule(
    name="lstsq",
    vjp=lambda g, a, b, y, rcond: _lstsq_vjp(g, a, b, y, rcond),
    jvp=(
        lambda t, a, b, rcond: _lstsq_jvp(t, a, b, rcond),
        lambda t, a, rcond: matmul(_lstsq_inverse(a, rcond), t),
    ),
    together=True,
    holomorphic=False,
    numpy=(),
    prepare=parameters.read(rcond=parameters.tolerance),
    samples=regular(
        ([(4, 2), (4,)], {}), ([(4, 2), (4, 3)], {}), ([(2, 4), (2, 2)], {}), ([(3, 3), (3,)], {}),
        ([(3, 2), (3, 0)], {}), ([(0, 2), (0,)], {}),
    ),
)  # fmt: skip
def lstsq_solution(a, b, /, rcond=None):
    """The shortest x that minimizes the norm of `a @ x - b`."""
    return np.linalg.lstsq(a, b, rcond)[0]


# --- the matrix exponential ---

# Orders of Padé approximations, each with the largest norm for which it is exact to double precision (Higham, The
# scaling and squaring method for the matrix exponential revisited, 2005, table 2.3).
_ORDERS = ((3, 1.495585217958292e-2), (5, 2.53939833006323e-1), (7, 9.504178996162932e-1), (9, 2.097847961257068))
_LAST, _LARGEST_NORM = 13, 5.371920351148152


def _coefficients(m):
    """Return those of the numerator of the Padé approximation of order `m`, from the constant one."""
    return [float(math.factorial(2 * m - k) // (math.factorial(k) * math.factorial(m - k))) for k in range(m + 1)]


def _pade(a, m):
    """Return the Padé approximation of order `m` of the exponential of `a`: `(V - U)^-1 (V + U)`, U odd and V even."""
    c = _coefficients(m)
    square = a @ a
    powers = [np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape), square]
    while len(powers) < min(m // 2 + 1, 4):
        powers.append(powers[-1] @ square)
    low = len(powers)
    odd, even = (sum(c[2 * k + one] * power for k, power in enumerate(powers)) for one in (1, 0))
    if m == 9:
        eighth = powers[3] @ square
        odd, even = odd + c[9] * eighth, even + c[8] * eighth
    elif m == _LAST:
        odd, even = (
            part + powers[3] @ sum(c[2 * (k + 3) + one] * powers[k] for k in range(1, low))
            for part, one in ((odd, 1), (even, 0))
        )
    odd = a @ odd
    return lapack.solve(even - odd, even + odd)


def _expm_vjp(g, a):
    """The upper right block of the exponential of `[[a.T, g], [0, a.T]]`."""
    return _expm_jvp(g, transposed(a))


def _expm_jvp(g, a):
    """The upper right block of the exponential of `[[a, g], [0, a]]`."""
    n = a.shape[-1]
    lower = concat(np.zeros(a.shape, a.dtype), a, axis=-1)
    return ops.getitem(expm(concat(concat(a, g, axis=-1), lower, axis=-2)), (..., slice(0, n), slice(n, 2 * n)))


@rule(
    batch=batching.stacks,
    vjp=lambda g, a: _expm_vjp(g, a),
    jvp=lambda t, a: _expm_jvp(t, a),
    numpy=(),
    samples=normal(*((shape, {}) for shape in _SQUARE)),
    pattern=patterns.blocks(2, 2),
)
def expm(a, /):
    """Exponentials of the matrices in the last two axes of `a`, by scaling and squaring."""
    a = np.asarray(a)
    if a.ndim < 2 or a.shape[-2] != a.shape[-1]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    dtype = a.dtype if a.dtype.kind in "fc" else np.dtype(np.float64)
    a = a.astype(np.complex128 if dtype.kind == "c" else np.float64)
    if not a.size:
        return a.astype(dtype)
    norms = np.abs(a).sum(axis=-2).max(axis=-1)
    most = norms.max()
    if not np.isfinite(most):
        return np.full(a.shape, np.nan, dtype)
    for m, bound in _ORDERS:
        if most <= bound:
            return _pade(a, m).astype(dtype)
    halvings = np.maximum(np.ceil(np.log2(np.maximum(norms, 1e-300) / _LARGEST_NORM)), 0)[..., None, None]
    y = _pade(np.ldexp(1.0, -halvings.astype(int)) * a, _LAST)
    for k in range(int(halvings.max())):
        y = np.where(k < halvings, y @ y, y)
    return y.astype(dtype)
