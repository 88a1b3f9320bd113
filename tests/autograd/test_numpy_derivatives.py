"""Derivatives of NumPy's functions under autograd's names: what its users asked for, in both modes and twice."""

import gc
import time
import tracemalloc

import numpy as onp
import pytest

import fastgrad as fg
import fastgrad.autograd.numpy as np
from fastgrad.autograd import grad, hessian, jacobian, make_jvp, value_and_grad
from fastgrad.autograd.test_util import check_grads

RNG = onp.random.default_rng(0)
V, W, M = RNG.normal(size=6), RNG.uniform(0.5, 2.0, size=6), RNG.normal(size=(4, 3))
SQUARE = RNG.normal(size=(4, 4)) + 4 * onp.eye(4)
GAPS = onp.arange(12).reshape(4, 3) % 5 == 2


def with_gaps(x):
    return np.where(GAPS, onp.nan, x)


MISSING_IN_AUTOGRAD = {
    "take": (lambda x: np.take(x, [[0, 2], [2, 2]], axis=1), M),
    "take_along_axis": (lambda x: np.take_along_axis(x, np.argsort(M, axis=0), axis=0), M),
    "cumprod": (lambda x: np.cumprod(x, axis=0), M),
    "cumprod with a zero": (np.cumprod, onp.array([2.0, 0.0, 3.0, 4.0])),
    "cumsum along a negative axis": (lambda x: np.cumsum(x, axis=-2), M),
    "median": (lambda x: np.median(x, axis=0), M),
    "quantile": (lambda x: np.quantile(x, [0.2, 0.7]), V),
    "percentile": (lambda x: np.percentile(x, 30.0, axis=1), M),
    "nansum": (lambda x: np.nansum(with_gaps(x), axis=0), M),
    "nanmean": (lambda x: np.nanmean(with_gaps(x), axis=1), M),
    "nanvar": (lambda x: np.nanvar(with_gaps(x)), M),
    "nanstd": (lambda x: np.nanstd(with_gaps(x), axis=0), M),
    "nanprod": (lambda x: np.nanprod(with_gaps(x), axis=0), M),
    "nanmax": (lambda x: np.nanmax(with_gaps(x), axis=0), M),
    "nanmedian": (lambda x: np.nanmedian(with_gaps(x)), M),
    "nancumsum": (lambda x: np.nancumsum(with_gaps(x)), M),
    "interp": (lambda x: np.interp(x, [-9.0, 0.1, 0.9, 9.0], W[:4]), V),
    "interp of values": (lambda x: np.interp([0.3, 0.8], [0.0, 0.5, 1.0], x), V[:3]),
    "interp of nodes": (lambda x: np.interp([0.3, 0.8], np.array([0.0, x, 1.0]), W[:3]), 0.45),
    "lstsq": (lambda x: np.linalg.lstsq(x, V[:4], rcond=None)[0], M),
    "qr": (lambda x: tuple(np.linalg.qr(x)), M),
    "full svd": (lambda x: np.linalg.svd(x)[1], M),
    "matrix_power": (lambda x: np.linalg.matrix_power(x, 3), SQUARE),
    "cond": (np.linalg.cond, SQUARE),
    "1-norm": (lambda x: np.linalg.norm(x, 1), V),
    "spectral norm": (lambda x: np.linalg.norm(x, 2), M),
    "sort of a matrix": (lambda x: np.sort(x, axis=0), M),
    "partition of a matrix": (lambda x: np.partition(x, 2, axis=0), M),
    "ptp": (lambda x: np.ptp(x, axis=1), M),
    "trapezoid": (lambda x: np.trapezoid(x, W), V),
    "unwrap": (lambda x: np.unwrap(5 * x), V),
    "convolve": (lambda x: np.convolve(x, W[:3]), V),
    "correlate": (lambda x: np.correlate(x, W[:3], "full"), V),
    "cov": (np.cov, M),
    "corrcoef": (np.corrcoef, M),
    "average": (lambda x: np.average(V, weights=x), W),
    "pad with the edge": (lambda x: np.pad(x, 2, mode="edge"), M),
    "pad by reflection": (lambda x: np.pad(x, ((1, 0), (0, 2)), mode="reflect"), M),
    "diff with another step": (lambda x: np.diff(x, n=2, axis=0, prepend=1.0), M),
    "gradient with spacing": (lambda x: np.gradient(x, W), V),
    "insert": (lambda x: np.insert(x, [1, 3], x[:2]), V),
    "delete": (lambda x: np.delete(x, 2, axis=1), M),
    "polyval": (lambda x: np.polyval(x, 0.7), V),
    "roots": (lambda x: np.sum(np.abs(np.roots(x)) ** 2), onp.array([1.0, -6.0, 11.0, -5.5])),
    "vander": (lambda x: np.vander(x, 4), V),
    "einsum with a diagonal": (lambda x: np.einsum("ii->i", x), SQUARE),
    "dot of matrices with more axes": (lambda x: np.dot(x, onp.ones((2, 4, 3)) * V[:3]), SQUARE),
    "where with broadcasting": (lambda x: np.where(M > 0, x**2, 3 * x[:1]), V[:3]),
    "arange": (lambda x: np.arange(x, 3.0, 2 * x), 0.3),
    "linspace": (lambda x: np.linspace(x, 2 * x, 5), 0.3),
    "full_like": (lambda x: np.full_like(M, x), 0.3),
    "require": (lambda x: np.require(x, requirements="C") ** 2, M),
    "bincount weights": (lambda x: np.bincount([0, 1, 1, 3, 0, 2], weights=x), V),
    "vectorize": (lambda x: np.vectorize(lambda a, b: a * b if a > 0 else b)(x, W), V),
    "apply_along_axis": (lambda x: np.apply_along_axis(lambda v: v * np.sum(v), 0, x), M),
    "piecewise": (lambda x: np.piecewise(x, [V < 0, V >= 0], [lambda v: v * v, np.exp]), V),
    "choose": (lambda x: np.choose([0, 1, 1], [x[:3], x[3:]]), V),
    "unique": (np.unique, V),
    "modf": (lambda x: np.modf(x)[0] ** 2, V),
    "logspace": (lambda x: np.logspace(x, 2 * x, 4), 0.3),
    "i0": (np.i0, V),
    "cbrt": (np.cbrt, W),
    "float_power": (lambda x: np.float_power(x, 1.7), W),
    "copysign": (lambda x: np.copysign(x, -1.0) ** 2, V),
    "split": (lambda x: tuple(np.split(x * x, [1, 4])), V),
    "block": (lambda x: np.block([[x, x**2], [x * 2, 1 / x]]), W[:3]),
    "r_": (lambda x: np.r_[x, 1.0, x[0] ** 2], V),
    "tensorsolve": (lambda x: np.linalg.tensorsolve(x.reshape(2, 2, 4), V[:4].reshape(2, 2)), SQUARE),
}


@pytest.mark.parametrize("name", MISSING_IN_AUTOGRAD)
def test_what_autograd_does_not_differentiate(name):
    f, x = MISSING_IN_AUTOGRAD[name]
    check_grads(f, modes=["fwd", "rev"], order=2)(x)


FORWARD = {
    "fft": lambda x: np.abs(np.fft.fft(x)) ** 2,
    "ifft": lambda x: np.real(np.fft.ifft(x)) ** 2,
    "rfft": lambda x: np.abs(np.fft.rfft(x)) ** 2,
    "rfftn of an odd size": lambda x: np.abs(np.fft.rfftn(x[:3, :3])) ** 2,
    "irfft": lambda x: np.fft.irfft(x),
    "fft2": lambda x: np.abs(np.fft.fft2(x)) ** 2,
    "hfft": lambda x: np.fft.hfft(x),
    "fftshift": lambda x: np.fft.fftshift(x) ** 2,
    "inv": lambda x: np.linalg.inv(x),
    "det": lambda x: np.linalg.det(x),
    "slogdet": lambda x: np.linalg.slogdet(x)[1],
    "solve": lambda x: np.linalg.solve(x, x[:, :2] ** 2),
    "cholesky": lambda x: np.linalg.cholesky(x @ x.T),
    "eigh": lambda x: tuple(np.linalg.eigh(x)),
    "eigvalsh": lambda x: np.linalg.eigvalsh(x, "U"),
    "eig": lambda x: np.abs(np.linalg.eig(x)[0]),
    "svd": lambda x: tuple(np.abs(part) for part in np.linalg.svd(x, full_matrices=False)),
    "pinv": lambda x: np.linalg.pinv(x[:, :2]),
    "norm": lambda x: np.linalg.norm(x, axis=1),
    "nuclear norm": lambda x: np.linalg.norm(x, "nuc"),
}


@pytest.mark.parametrize("name", FORWARD)
def test_forward_mode_of_fft_and_linalg(name):
    check_grads(FORWARD[name], modes=["fwd"], order=2)(SQUARE)
    check_grads(FORWARD[name], modes=["rev"], order=2)(SQUARE)


@pytest.mark.parametrize("uplo", ["L", "U"])
def test_the_gradient_of_eigh_is_zero_where_it_reads_nothing(uplo):
    """As with finite differences and autograd: NumPy reads one triangle."""

    def f(x):
        return np.sum(np.linalg.eigvalsh(x, uplo) * V[:4])

    g = grad(f)(SQUARE)
    unread = (onp.triu if uplo == "L" else onp.tril)(onp.ones((4, 4)), 1 if uplo == "L" else -1)
    assert onp.all(g[unread == 1] == 0)
    check_grads(f)(SQUARE)


# --- points where the formulas are 0 / 0 ---

SUMS_OF_SQUARES = {
    "sum of products": lambda x: np.sqrt(np.sum(x * x)),
    "sum of squares": lambda x: np.sqrt(np.sum(x**2)),
    "square": lambda x: np.sqrt(np.mean(np.square(x))),
    "dot": lambda x: np.sqrt(np.dot(x, x)),
    "matmul": lambda x: np.sqrt(x @ x),
    "einsum": lambda x: np.sqrt(np.einsum("i,i", x, x)),
    "elements": lambda x: np.sqrt(x[0] ** 2 + 3 * (x[1] - x[2]) ** 2 / 2),
    "power of abs": lambda x: np.sqrt(np.sum(np.abs(x) ** 3)),
    "distances": lambda x: np.sum(np.sqrt(np.sum((x[:, None] - x[None, :]) ** 2, axis=1))),
    "of each element": lambda x: np.sum(np.sqrt(x**2)),
    "norm": np.linalg.norm,
    "norm of columns": lambda x: np.sum(np.linalg.norm(x[:, None] * onp.ones(2), axis=0)),
    "std": np.std,
}


@pytest.mark.parametrize("name", SUMS_OF_SQUARES)
def test_the_norm_and_the_root_of_a_sum_of_squares_are_finite_at_zero(name):
    f, zero = SUMS_OF_SQUARES[name], onp.zeros(3)
    onp.testing.assert_array_equal(grad(f)(zero), zero)
    assert make_jvp(f)(zero)(V[:3])[1] == 0
    away = onp.array([0.5, 1.0, -2.0])
    check_grads(f, order=2)(away)


def test_the_root_keeps_the_slope_that_it_has():
    with onp.errstate(divide="ignore", invalid="ignore"):
        assert grad(np.sqrt)(0.0) == onp.inf
        assert grad(lambda x: np.sqrt(2 * x))(0.0) == onp.inf
        assert onp.all(onp.isnan(grad(lambda x: np.sum(np.sqrt(x**2 - x**2)))(onp.ones(2))))  # not known to be squares
        assert onp.isnan(grad(lambda x: np.sqrt(x**3))(0.0))
    mixed = onp.array([0.0, 4.0])
    onp.testing.assert_array_equal(grad(lambda x: np.sum(np.sqrt(x**2)))(mixed), [0.0, 1.0])


def test_a_root_of_squares_whose_operand_is_written_afterwards():
    def f(x):
        y = x * 1.0
        u = y * y
        y += 3.0
        return np.sum(np.sqrt(u))

    with onp.errstate(divide="ignore", invalid="ignore"):
        g = grad(f)(onp.array([0.0, 2.0]))
    assert g[1] == 1.0
    assert g[0] == 0 or (fg.engine == "python" and onp.isnan(g[0]))  # its graph only knows that y was written


# --- writing ---


def test_assignment_inside_a_differentiated_function():
    def f(x):
        y = np.zeros(3) * x[0]
        for k in range(3):
            y[k] = x[k] ** 2
        y[1:] *= 2.0
        return np.sum(y * x)

    check_grads(f, order=2)(V[:3])
    onp.testing.assert_allclose(grad(f)(V[:3]), 3 * V[:3] ** 2 * [1, 2, 2])


def test_assignment_to_a_copy_of_the_argument():
    def f(x):
        y = np.array(x)
        y[0], y[1] = y[1], y[0] ** 2
        return y[0] + 3 * y[1]

    onp.testing.assert_array_equal(grad(f)(onp.array([2.0, 5.0])), [12.0, 1.0])


# --- long lists ---

LISTS = {
    "array of elements": lambda x: np.sum(np.array([x[k] ** 2 for k in range(len(x))])),
    "stack of slices": lambda x: np.sum(np.stack([x[k : k + 2] for k in range(len(x) - 1)]) ** 2),
    "concatenation of slices": lambda x: np.sum(np.concatenate([x[k : k + 1] for k in range(len(x))]) ** 2),
    "sum over elements": lambda x: sum(x[k] ** 2 for k in range(len(x))),
    "iteration": lambda x: sum(v * v for v in x),
}


def cost(f, n):
    """Return the CPU time in seconds, the least of four, and the peak of the memory in bytes of one gradient."""
    x, g, took = onp.ones(n), grad(f), []
    for _ in range(4):
        start = time.process_time()
        g(x)
        took.append(time.process_time() - start)
    gc.collect()
    tracemalloc.start()
    g(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return min(took), peak


@pytest.mark.parametrize("name", LISTS)
def test_indexing_and_stacking_long_lists_is_linear(name):
    """Ten times the elements: a quadratic sweep would take a hundred times as long."""
    n = 200 if fg.engine == "python" else 2000  # the pure-Python engine adds a whole array for each index
    (short, little), (long, much) = cost(LISTS[name], n), cost(LISTS[name], 10 * n)
    assert much < 15 * little
    assert long < 40 * short


@pytest.mark.slow
@pytest.mark.skipif(fg.engine == "python", reason="the pure-Python engine adds a whole array for each index")
def test_a_million_elements():
    n = 10**6
    value, g = value_and_grad(LISTS["array of elements"])(onp.ones(n))
    assert value == n
    onp.testing.assert_array_equal(g, onp.full(n, 2.0))


def test_second_derivatives_through_lists():
    def f(x):
        return np.sum(np.array([x[k] ** 3 * x[k - 1] for k in range(len(x))]))

    h = hessian(f)(V)
    onp.testing.assert_allclose(h, h.T, rtol=1e-13)
    onp.testing.assert_allclose(h, jacobian(grad(f))(V), rtol=1e-13)
    check_grads(f, order=2)(V)
