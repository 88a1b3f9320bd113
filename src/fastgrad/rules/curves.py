"""Functions of sampled curves: interpolation, convolution of sequences, and polynomials."""

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules.arithmetic import power
from fastgrad.rules.checks import values_of
from fastgrad.rules.comparison import where
from fastgrad.rules.draws import normal
from fastgrad.rules.indexing import getitem, scatter_add
from fastgrad.rules.joining import concat
from fastgrad.rules.linear_algebra import matmul
from fastgrad.rules.logic import equal
from fastgrad.rules.reductions import sum
from fastgrad.rules.rule import ops, rule
from fastgrad.rules.shapes import flip, pad, reshape

batching_families = lazy_functions("fastgrad.rules.batching_families")
patterns = lazy_functions("fastgrad.rules.patterns")


def _piece(x, xp):
    """Return the numbers of the two points around each `x`, and where `x` is below or above all points."""
    x, xp = values_of(x), values_of(xp)
    j = np.clip(np.searchsorted(xp, x, "right") - 1, 0, max(len(xp) - 2, 0))
    return j, np.minimum(j + 1, len(xp) - 1), x < xp[0], x > xp[-1]


def _place(x, xp, j, k):
    """Return the distance of the two points around each `x`, and where `x` is between them, from 0 to 1."""
    left = getitem(xp, j)
    step = getitem(xp, k) - left
    step = where(equal(step, 0), 1, step)
    return step, (x - left) / step


def _slope(x, xp, fp, j, k):
    step, place = _place(x, xp, j, k)
    return (getitem(fp, k) - getitem(fp, j)) / step, place


def _interp_x_vjp(g, x, xp, fp):
    """`g` times the slope of the piece at `x`, of the one to the right at a point, and 0 outside."""
    j, k, below, above = _piece(x, xp)
    return where(below | above, 0, g * _slope(x, xp, fp, j, k)[0])


def _interp_xp_vjp(g, x, xp, fp):
    """`-g * slope` for the two points around `x`, by their weights in the result."""
    j, k, below, above = _piece(x, xp)
    slope, place = _slope(x, xp, fp, j, k)
    change = where(below | above, 0, -g * slope)
    return scatter_add(change * (1 - place), (j,), xp.shape) + scatter_add(change * place, (k,), xp.shape)


def _interp_fp_vjp(g, x, xp, fp_shape, left, right):
    """`g` for the two points around `x`, by their weights in the result, or for the point at the end."""
    j, k, below, above = _piece(x, xp)
    place = where(below | above, 0, _place(x, xp, j, k)[1])
    at_j = where(below if left is not None else False, 0, where(above, 0, g * (1 - place)))
    at_k = where(above, g if right is None else 0, g * place)
    return scatter_add(at_j, (j,), fp_shape) + scatter_add(at_k, (k,), fp_shape)


def _between(t, place, j, k):
    """Return the tangents of the two points around each `x`, by their weights in the result."""
    return getitem(t, j) * (1 - place), getitem(t, k) * place


def _interp_xp_jvp(t, x, xp, fp):
    """`-slope` times the weighted mean of the tangents of the two points around `x`, and 0 outside."""
    j, k, below, above = _piece(x, xp)
    slope, place = _slope(x, xp, fp, j, k)
    at_j, at_k = _between(t, place, j, k)
    return where(below | above, 0, -slope * (at_j + at_k))


def _interp_fp_jvp(t, x, xp, left, right):
    """The weighted mean of the tangents of the two points around `x`, or the tangent of the point at the end."""
    j, k, below, above = _piece(x, xp)
    at_j, at_k = _between(t, where(below | above, 0, _place(x, xp, j, k)[1]), j, k)
    at_j = where(below if left is not None else False, 0, where(above, 0, at_j))
    return at_j + where(above, getitem(t, k) if right is None else 0, at_k)


def _interp_samples(rng):
    x, xp, fp = rng.uniform(-1, 6, (3, 4)), np.arange(5) + rng.uniform(0, 0.4, 5), rng.normal(size=5)
    return [
        ((x, xp, fp), {}), ((x, xp, fp, 0.5), {}), ((x, xp, fp, None, np.array(2.0)), {}), ((2.2, xp, fp), {}),
        ((x[0], xp, fp, np.array(1.0), np.array(2.0)), {}), ((x, xp[:1], fp[:1]), {}), ((x[:0], xp, fp), {}),
        ((np.array(9.0), xp, fp), {}),
    ]  # fmt: skip


@rule(
    batch=batching_families.interp,
    vjp=(
        lambda g, x, xp, fp: _interp_x_vjp(g, x, xp, fp),
        lambda g, x, xp, fp: _interp_xp_vjp(g, x, xp, fp),
        lambda g, x, xp, fp_shape, left, right: _interp_fp_vjp(g, x, xp, fp_shape, left, right),
        lambda g, x, xp, left_shape: reshape(sum(where(_piece(x, xp)[2], g, 0)), left_shape),
        lambda g, x, xp, right_shape: reshape(sum(where(_piece(x, xp)[3], g, 0)), right_shape),
    ),
    jvp=(
        lambda t, x, xp, fp: _interp_x_vjp(t, x, xp, fp),
        lambda t, x, xp, fp: _interp_xp_jvp(t, x, xp, fp),
        lambda t, x, xp, left, right: _interp_fp_jvp(t, x, xp, left, right),
        lambda t, x, xp: where(_piece(x, xp)[2], reshape(t, ()), 0),
        lambda t, x, xp: where(_piece(x, xp)[3], reshape(t, ()), 0),
    ),
    operands=5,
    numpy=(),  # its function is `functions.calculus.interp`
    samples=_interp_samples,
    pattern=lambda call, k: None if k else patterns.elementwise(call, k),
)
def interp(x, xp, fp, left=None, right=None):
    """Piecewise linear interpolation at `x` of the points `xp`, `fp`. At a point the gradient is that to its right."""
    return np.interp(x, xp, fp, left, right)


def _missing(n, m, size):
    """Return how many elements at the beginning of the full convolution of lengths n and m a result does not have."""
    less = min(n, m) - 1
    return 0 if size == n + m - 1 else less // 2 if size == max(n, m) else less


def _convolve_vjp(g, x_shape, other):
    """The valid part of the convolution of `g`, with zeros around it, and the reversed other operand."""
    other = reshape(other, (-1,))
    n, m = int(np.prod(x_shape, dtype=np.intp)), other.shape[0]
    full, size = n + m - 1, g.shape[0]
    before = _missing(n, m, size)
    g = pad(g, ((before, full - size - before),))
    return reshape(convolve(g, flip(other, 0), mode="valid"), x_shape)


def _convolve_pattern(call, k):
    """Element i of `a` times element j of `v` is added to element i + j of the full convolution."""
    n, m = (int(np.prod(call.shape_of(j), dtype=np.intp)) for j in (0, 1))
    pair = np.indices((n, m)).reshape(2, -1)
    rows = pair[0] + pair[1] - _missing(n, m, call.shape[0])
    kept = (rows >= 0) & (rows < call.shape[0])
    return rows[kept], pair[k][kept]


@rule(
    batch=batching_families.convolve,
    vjp=(lambda g, a_shape, v: _convolve_vjp(g, a_shape, v), lambda g, a, v_shape: _convolve_vjp(g, v_shape, a)),
    jvp="multilinear",
    prepare=parameters.read(mode=parameters.word),
    samples=lambda rng: [
        ((rng.normal(size=n), rng.normal(size=m)), {"mode": mode})
        for n, m in ((5, 3), (2, 4), (3, 3), (4, 1), (1, 2), ((), 3))
        for mode in ("full", "same", "valid")
    ],
    pattern=_convolve_pattern,
)
def convolve(a, v, /, mode="full"):
    """Discrete convolution of two sequences: `y[k]` is the sum of `a[n] * v[k - n]`."""
    return np.convolve(a, v, mode)


def _coefficients_of_derivative(p):
    """The coefficients of the derivative of the polynomial with coefficients `p`, highest power first."""
    n = p.shape[0]
    return getitem(p, slice(0, max(n - 1, 0))) * np.arange(n - 1, 0, -1).astype(p.dtype)


def _polyval_p_vjp(g, p_shape, x):
    """The sum of `g` times the power of `x` that a coefficient multiplies."""
    x = ops.astype(x, g.dtype) if not hasattr(x, "dtype") or x.dtype != g.dtype else x
    powers = power(reshape(x, (-1, 1)), np.arange(p_shape[0] - 1, -1, -1))
    return matmul(reshape(g, (-1,)), powers)


@rule(
    batch=batching_families.polyval,
    vjp=(
        lambda g, p_shape, x: _polyval_p_vjp(g, p_shape, x),
        lambda g, p, x: g * polyval(_coefficients_of_derivative(p), x),
    ),
    jvp=(
        lambda t, x: polyval(t, x),
        lambda t, p, x: t * polyval(_coefficients_of_derivative(p), x),
    ),
    numpy=(),
    samples=normal(([(4,), (2, 3)], {}), ([(3,), ()], {}), ([(1,), (2,)], {}), ([(0,), (2,)], {}), ([(3,), (0,)], {})),
    pattern=lambda call, k: patterns.elementwise(call, k) if k else None,
)
def polyval(p, x, /):
    """The polynomial with coefficients `p`, a vector with the highest power first, at `x`."""
    return np.polyval(p, x)


def _vander_vjp(g, x, N, increasing):
    """The sum of `g` times the derivatives `n * x**(n - 1)` of the powers, which are a narrower Vandermonde matrix."""
    n = len(x.detach().numpy()) if N is None else N
    if n < 2:
        return ops.astype(np.zeros(x.shape), g.dtype)
    part, powers = (slice(1, None), np.arange(1, n)) if increasing else (slice(None, -1), np.arange(n - 1, 0, -1))
    return sum(getitem(g, (slice(None), part)) * powers.astype(g.dtype) * vander(x, n - 1, increasing), axis=1)


def _vander_pattern(call, k):
    """Row i depends on element i."""
    return None, np.indices(call.shape)[0].ravel()


def _vander_jvp(t, x, N, increasing):
    """`t` times the derivatives `n * x**(n - 1)` of the powers; that of the power 0 is 0."""
    n = x.shape[0] if N is None else N
    zero = ops.astype(np.zeros((x.shape[0], min(n, 1)), bool), t.dtype)
    if n < 2:
        return zero
    powers = np.arange(1, n) if increasing else np.arange(n - 1, 0, -1)
    slopes = vander(x, n - 1, increasing) * powers.astype(t.dtype) * reshape(t, (-1, 1))
    return concat(zero, slopes, axis=1) if increasing else concat(slopes, zero, axis=1)


@rule(
    batch=batching_families.vander,
    vjp=lambda g, x, N, increasing: _vander_vjp(g, x, N, increasing),
    jvp=lambda t, x, N, increasing: _vander_jvp(t, x, N, increasing),
    prepare=parameters.read(N=parameters.length, increasing=parameters.flag),
    samples=normal(
        ((4,), {}), ((3,), {"N": 5, "increasing": True}), ((2,), {"N": 2}), ((3,), {"N": 1}), ((0,), {"N": 2}),
    ),
    pattern=_vander_pattern,
)  # fmt: skip
def vander(x, /, N=None, increasing=False):
    """Vandermonde matrix of the vector `x`: its columns are `N` powers, by default as many as elements, from 0 on."""
    return np.vander(x, N, increasing)
