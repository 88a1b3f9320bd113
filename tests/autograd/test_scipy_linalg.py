"""`autograd.scipy.linalg`: SciPy's values and the derivatives of each function, twice and in both modes."""

import inspect

import numpy as onp
import pytest

import fastgrad as fg
import fastgrad.autograd.numpy as np
from fastgrad.autograd import grad, make_vjp
from fastgrad.autograd.scipy import linalg
from fastgrad.autograd.test_util import check_grads

scipy_linalg = pytest.importorskip("scipy.linalg", reason="SciPy is not there")
RNG = onp.random.default_rng(0)
A, B, Q = RNG.normal(size=(3, 3)), RNG.normal(size=(3, 3)), RNG.normal(size=(3, 3))
REGULAR = A + 4 * onp.eye(3)
POSITIVE = A @ A.T + onp.eye(3)
V, W = RNG.normal(size=3), RNG.normal(size=4)
BANDS = RNG.normal(size=(4, 5)) + onp.array([[0], [0], [5], [0]])
HERMITIAN_BANDS = onp.array([[0, 0.3, 0.2, 0.1, 0.4], [3.0, 4, 5, 4, 3]])
INV_HAS_STRUCTURES = "assume_a" in inspect.signature(scipy_linalg.inv).parameters  # in newer versions

CASES = {
    "solve_triangular": [
        ((REGULAR, V), {}), ((REGULAR, Q), {"trans": 1}), ((REGULAR, V), {"lower": True, "unit_diagonal": True}),
        ((REGULAR, V), {"lower": True, "trans": "T"}), ((REGULAR, Q[:, :2]), {"trans": "C"}),
    ],
    "solve_sylvester": [((REGULAR, B + 6 * onp.eye(3), Q), {}), ((REGULAR, B[:2, :2] + 6 * onp.eye(2), Q[:, :2]), {})],
    "solve_continuous_lyapunov": [((REGULAR, Q), {})],
    "solve_lyapunov": [((REGULAR, Q), {})],
    "solve_discrete_lyapunov": [((0.3 * A, Q), {})],
    "sqrtm": [((POSITIVE,), {}), ((REGULAR,), {})],
    "logm": [((POSITIVE,), {}), ((REGULAR,), {})],
    "expm": [((A,), {}), ((onp.stack([A, B]),), {})],
    "expm_frechet": [((A, B), {"compute_expm": False})],
    "cosm": [((A,), {})],
    "sinm": [((A,), {})],
    "tanm": [((0.3 * A,), {})],
    "coshm": [((A,), {})],
    "sinhm": [((A,), {})],
    "tanhm": [((0.3 * A,), {})],
    "inv": [((REGULAR,), {}), ((POSITIVE,), {"assume_a": "pos"})][: 1 + INV_HAS_STRUCTURES],
    "det": [((A,), {})],
    "solve": [
        ((REGULAR, V), {}), ((POSITIVE, Q), {"assume_a": "pos", "lower": True}), ((REGULAR, V), {"transposed": True}),
    ],
    "cholesky": [((POSITIVE,), {}), ((POSITIVE,), {"lower": True})],
    "eigvalsh": [((POSITIVE,), {}), ((B + B.T, POSITIVE), {}), ((POSITIVE,), {"subset_by_index": [1, 2]})],
    "svdvals": [((A,), {})],
    "norm": [((A,), {}), ((V, 1), {}), ((A,), {"axis": 0})],
    "toeplitz": [((V, W), {}), ((V,), {})],
    "circulant": [((W,), {})],
    "hankel": [((V, W), {}), ((V,), {})],
    "block_diag": [((A, V, 2.0, Q[:2]), {})],
    "khatri_rao": [((A, B[:2]), {})],
    "solve_toeplitz": [((V + onp.array([5, 0, 0]), W[:3]), {})],
    "solve_circulant": [((W + onp.array([5, 0, 0, 0]), W[::-1].copy()), {})],
}  # fmt: skip
ROWS = [pytest.param(name, *case, id=f"{name}-{k}") for name, cases in CASES.items() for k, case in enumerate(cases)]


def boxed(function, *args, **kwargs):
    y, _ = fg.vjp(lambda x: function(x, *args[1:], **kwargs), fg.tensor(args[0], requires_grad=True))
    return y.detach().numpy()


@pytest.mark.parametrize(("name", "args", "kwargs"), ROWS)
def test_values_and_derivatives(name, args, kwargs):
    function = getattr(linalg, name)
    want = getattr(scipy_linalg, name)(*args, **kwargs)
    onp.testing.assert_allclose(function(*args, **kwargs), want)
    onp.testing.assert_allclose(boxed(function, *args, **kwargs), want, rtol=1e-10, atol=1e-12)
    check_grads(lambda *args: function(*args, **kwargs), modes=["fwd", "rev"], order=2)(*args)


@pytest.mark.parametrize("shape", [(5,), (5, 2)])
def test_banded_systems(shape):
    b = RNG.normal(size=shape)
    solve = linalg.solve_banded
    onp.testing.assert_allclose(
        boxed(lambda ab: solve((1, 2), ab, b), BANDS), scipy_linalg.solve_banded((1, 2), BANDS, b)
    )
    check_grads(lambda ab, b: solve((1, 2), ab, b), modes=["fwd", "rev"], order=2)(BANDS, b)


@pytest.mark.parametrize("lower", [False, True])
def test_hermitian_banded_systems(lower):
    ab = onp.array([HERMITIAN_BANDS[1], [0.3, 0.2, 0.1, 0.4, 0]]) if lower else HERMITIAN_BANDS
    b = RNG.normal(size=5)
    want = scipy_linalg.solveh_banded(ab, b, lower=lower)
    onp.testing.assert_allclose(boxed(linalg.solveh_banded, ab, b, lower=lower), want)
    check_grads(lambda ab, b: linalg.solveh_banded(ab, b, lower=lower), modes=["fwd", "rev"], order=2)(ab, b)


def test_factors_and_what_is_solved_with_them():
    for lower in (False, True):
        check_grads(lambda a, b, lower=lower: linalg.cho_solve(linalg.cho_factor(a, lower), b), order=2)(POSITIVE, V)
    check_grads(lambda a: linalg.polar(a)[0] @ B, order=2)(REGULAR)
    check_grads(lambda a: linalg.polar(a, "left")[1], order=2)(REGULAR)
    check_grads(lambda a: np.abs(linalg.eigh(a + a.T)[1]), order=1)(REGULAR)
    check_grads(lambda a, b: np.abs(linalg.eigh(a + a.T, np.dot(b, b.T))[1]), order=1)(A, REGULAR)
    check_grads(lambda a: linalg.svd(a)[1], order=2)(A)


def test_qr_and_pseudo_inverses():
    tall = RNG.normal(size=(4, 3))
    for kwargs in ({"mode": "economic"}, {"mode": "full"}, {"mode": "r"}, {"mode": "r", "pivoting": True}):
        function = lambda a, kwargs=kwargs: linalg.qr(a, **kwargs)[-2 if "pivoting" in kwargs else -1]
        want = scipy_linalg.qr(tall, **kwargs)
        onp.testing.assert_allclose(boxed(function, tall), want[-2 if "pivoting" in kwargs else -1], atol=1e-12)
        check_grads(function, modes=["fwd", "rev"], order=2)(tall)
    onp.testing.assert_allclose(boxed(linalg.pinv, tall), scipy_linalg.pinv(tall), atol=1e-12)
    check_grads(linalg.pinv, modes=["fwd", "rev"], order=2)(tall)
    flat = onp.diag([1.0, 1e-3])
    assert make_vjp(lambda a: linalg.pinv(a, atol=0.1))(flat)[1][1, 1] == 0
    with pytest.raises(ValueError, match="mode"):
        make_vjp(lambda a: linalg.qr(a, mode="raw"))(tall)


def test_complex_triangular_systems():
    a, b = REGULAR + 0.3j * B, V + 1j * W[:3]
    for trans in (0, 1, 2):
        want = scipy_linalg.solve_triangular(a, b, trans)
        onp.testing.assert_allclose(boxed(linalg.solve_triangular, a, b, trans), want)
        check_grads(lambda a, b, trans=trans: linalg.solve_triangular(a, b, trans), modes=["rev"], order=1)(a, b)


def test_fractional_powers():
    onp.testing.assert_allclose(
        boxed(linalg.fractional_matrix_power, POSITIVE, 0.4), scipy_linalg.fractional_matrix_power(POSITIVE, 0.4)
    )
    check_grads(linalg.fractional_matrix_power, order=1)(POSITIVE, 0.4)


def test_functions_without_derivative_return_scipys_values():
    assert linalg.bandwidth(onp.eye(3)) == (0, 0)
    with pytest.raises(NotImplementedError):
        grad(lambda a: np.sum(linalg.signm(a)))(REGULAR)
    with pytest.raises(NotImplementedError, match="disp"):
        make_vjp(lambda a: linalg.sqrtm(a, disp=False)[0])(REGULAR)


def test_wrong_calls_are_errors():
    with pytest.raises(ValueError, match="trans must be"):
        grad(lambda a: np.sum(linalg.solve_triangular(a, V, trans=3)))(REGULAR)
    with pytest.raises(ValueError, match="ab must have the shape"):
        grad(lambda ab: np.sum(linalg.solve_banded((1, 1), ab, onp.ones(5))))(BANDS)
    with pytest.raises(ValueError, match="side must be"):
        grad(lambda a: np.sum(linalg.polar(a, "up")[0]))(REGULAR)
