"""Gradients of `fastgrad.linalg` against finite differences, to second order, forward and backward.

Functions of eigenvectors and singular vectors are composed so that their phases cancel.
"""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import linalg

KINDS = ("real", "complex")


def drawn(shape, kind, rng, regular=2.0):
    x = rng.normal(size=shape) + regular * np.eye(*shape[-2:])
    return x + 0.5j * rng.normal(size=shape) if kind == "complex" else x


def adjoint(x):
    return fg.conj(linalg.matrix_transpose(x))


def hermitian(x):
    return (x + adjoint(x)) / 2


def squares(x):
    """Magnitudes of elements, which do not depend on the phases of the columns."""
    return fg.real(x * fg.conj(x))


def weights(x, seed=0):
    """A Hermitian matrix that tells the elements apart."""
    w = np.random.default_rng(seed).normal(size=(x.shape[-2], x.shape[-2]))
    return w + w.T + 1j * (w - w.T) if x.dtype.kind == "c" else w + w.T


def expectations(x):
    """The value of one Hermitian form for each column."""
    return fg.real(fg.sum(fg.conj(x) * (weights(x) @ x), axis=-2))


SQUARE = {
    "inv": linalg.inv, "det": linalg.det, "slogdet": lambda x: linalg.slogdet(x).logabsdet, "expm": linalg.expm,
    "sign": lambda x: fg.angle(linalg.slogdet(x).sign * (1 + 0j)), "solve": lambda x: linalg.solve(x, x[..., :2] ** 2),
    "solve 1": lambda x: linalg.solve(x, x[0, 0] if x.ndim > 2 else x[0]),
    "power": lambda x: linalg.matrix_power(x, 5), "power -2": lambda x: linalg.matrix_power(x, -2),
    "power 0": lambda x: linalg.matrix_power(x, 0) * x[..., :1, :1], "cond": linalg.cond,
    "cond -2": lambda x: linalg.cond(x, -2),
    "cond fro": lambda x: linalg.cond(x, "fro"), "cond 1": lambda x: linalg.cond(x, 1), "trace": linalg.trace,
    "cond nuc": lambda x: linalg.cond(x, "nuc"), "diagonal": lambda x: linalg.diagonal(x * x, offset=1),
    "eigvals": lambda x: squares(linalg.eigvals(x)), "eig": lambda x: expectations(linalg.eig(x).eigenvectors),
    "eig together": lambda x: linalg.eig(x).eigenvalues * expectations(linalg.eig(x).eigenvectors),
    "eigvalsh": lambda x: linalg.eigvalsh(hermitian(x)), "eigh": lambda x: expectations(linalg.eigh(hermitian(x))[1]),
    "eigvalsh U": lambda x: linalg.eigvalsh(hermitian(x), "U"),
    "eigh U": lambda x: expectations(linalg.eigh(hermitian(x), UPLO="U").eigenvectors),
    "cholesky": lambda x: linalg.cholesky(x @ adjoint(x)),
    "cholesky upper": lambda x: linalg.cholesky(x @ adjoint(x), upper=True),
    "pinv hermitian": lambda x: linalg.pinv(hermitian(x), hermitian=True),
    "svd hermitian": lambda x: expectations(linalg.svd(hermitian(x), hermitian=True).U),
    "svd hermitian Vh": lambda x: expectations(adjoint(linalg.svd(hermitian(x), hermitian=True).Vh)),
    "svdvals hermitian": lambda x: linalg.svd(hermitian(x), compute_uv=False, hermitian=True),
}  # fmt: skip


def rebuilt(x, full_matrices):
    """U S^2 Vh, whose phases cancel."""
    u, s, vh = linalg.svd(x, full_matrices=full_matrices)
    k = s.shape[-1]
    return (u[..., :k] * (s**2)[..., None, :]) @ vh[..., :k, :]


def projector(x):
    """The projector on the columns behind the first ones, in which they appear as a whole."""
    return x @ adjoint(x)


OBLONG = {
    "svd": lambda x: rebuilt(x, False), "svd full": lambda x: rebuilt(x, True),
    "svd U": lambda x: expectations(linalg.svd(x, full_matrices=False).U),
    "svd Vh": lambda x: expectations(adjoint(linalg.svd(x, full_matrices=False).Vh)),
    "svd rest": lambda x: projector(linalg.svd(x).U[..., min(x.shape[-2:]) :]),
    "svd rest of Vh": lambda x: projector(adjoint(linalg.svd(x).Vh[..., min(x.shape[-2:]) :, :])),
    "svdvals": linalg.svdvals, "qr": lambda x: linalg.qr(x)[0] * 2, "qr R": lambda x: linalg.qr(x).R,
    "qr both": lambda x: linalg.qr(x).Q @ linalg.qr(x).R ** 2, "qr r": lambda x: linalg.qr(x, "r"),
    "qr complete": lambda x: linalg.qr(x, "complete").R, "pinv": linalg.pinv,
    "nuc": lambda x: linalg.matrix_norm(x, ord="nuc"),
    "qr rest": lambda x: projector(linalg.qr(x, "complete").Q[..., min(x.shape[-2:]) :]),
    "spectral": lambda x: linalg.matrix_norm(x, ord=2), "vector": lambda x: linalg.vector_norm(x, ord=3, axis=-2),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SQUARE)
def test_functions_of_square_matrices(name, kind, rng):
    constant = name.startswith("cond") or name == "solve 1"  # of one element
    for shape in ((3, 3), (2, 2, 2), *(() if constant else ((1, 1),))):
        x = drawn(shape, kind, rng)
        if name.startswith("eig") and kind == "real":
            x = x + np.diag(4.0 * np.arange(shape[-1]))  # real eigenvalues
        fg.testing.check_grads(SQUARE[name], (x,), order=2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2)])
@pytest.mark.parametrize("name", OBLONG)
def test_functions_of_matrices(name, shape, kind, rng):
    fg.testing.check_grads(OBLONG[name], (drawn(shape, kind, rng),), order=2)


def test_complex_eigenvalues_of_real_matrices(rng):
    x = rng.normal(size=(4, 4))
    assert linalg.eigvals(x).dtype == np.complex128
    fg.testing.check_grads(lambda x: squares(linalg.eigvals(x)), (x,), order=2)
    fg.testing.check_grads(lambda x: expectations(linalg.eig(x).eigenvectors), (x,), order=2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shapes", [((4, 2), (4,)), ((4, 2), (4, 3)), ((2, 4), (2,)), ((3, 3), (3, 1))])
def test_least_squares(shapes, kind, rng):
    a, b = drawn(shapes[0], kind, rng), drawn((*shapes[1], 1), kind, rng)[..., 0]
    fg.testing.check_grads(lambda a, b: linalg.lstsq(a, b)[0], (a, b), order=2)
    if a.shape[0] > a.shape[1]:
        fg.testing.check_grads(lambda a, b: linalg.lstsq(a, b)[1], (a, b), order=2)
    fg.testing.check_grads(lambda a: linalg.lstsq(a, b, -1)[3], (a,), order=1)
    got, wanted = linalg.lstsq(a, b)[0], linalg.pinv(a) @ b
    np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_solutions_of_stacks(kind, rng):
    for shapes in (((3, 3), (2, 3, 2)), ((2, 1, 2, 2), (3, 2, 1)), ((2, 2, 2), (2,)), ((1, 2, 2), (2, 2, 3))):
        args = (drawn(shapes[0], kind, rng, 3), rng.normal(size=shapes[1]))
        fg.testing.check_grads(linalg.solve, args, order=2)


def test_products_of_several(rng):
    arrays = tuple(rng.normal(size=shape) for shape in ((3,), (3, 4), (4, 2), (2,)))
    fg.testing.check_grads(lambda *arrays: linalg.multi_dot(arrays), arrays, order=2)
    a = rng.normal(size=(2, 3, 6))
    fg.testing.check_grads(linalg.tensorinv, (a,), order=2)
    fg.testing.check_grads(linalg.tensorsolve, (a, rng.normal(size=(2, 3))), order=2)
    fg.testing.check_grads(linalg.cross, (rng.normal(size=(2, 3)), rng.normal(size=3)), order=2)
    fg.testing.check_grads(linalg.outer, (rng.normal(size=2), rng.normal(size=3)), order=2)


@pytest.mark.parametrize("scale", [1e-3, 0.1, 0.5, 1.5, 4.0, 40.0])
def test_exponentials_of_all_sizes(scale, rng):
    """Each order of the approximation, and halvings: against the exponential of the eigenvalues."""
    a = scale * (lambda x: x + np.swapaxes(x, -1, -2))(rng.normal(size=(2, 3, 3)))
    w, v = np.linalg.eigh(a)
    wanted = (v * np.exp(w)[..., None, :]) @ np.swapaxes(v, -1, -2)
    got = linalg.expm(a).numpy()
    np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-13 * np.abs(wanted).max())
    gradient = fg.grad(lambda a: fg.sum(fg.exp(linalg.eigvalsh(a))))(a)
    np.testing.assert_allclose(fg.grad(lambda a: fg.sum(linalg.trace(linalg.expm(a))))(a), gradient, rtol=1e-9,
                               atol=1e-11 * np.abs(gradient).max())  # fmt: skip


def test_exponentials_of_special_matrices():
    np.testing.assert_array_equal(linalg.expm(np.zeros((2, 2))).numpy(), np.eye(2))
    np.testing.assert_allclose(linalg.expm(np.diag([1, 2])).numpy(), np.diag(np.exp([1.0, 2])), rtol=1e-14)
    nilpotent = np.array([[0.0, 1e3], [0, 0]])
    np.testing.assert_allclose(linalg.expm(nilpotent).numpy(), [[1, 1e3], [0, 1]], rtol=1e-13)
    assert np.isnan(linalg.expm(np.array([[np.inf, 0], [0, 1]])).numpy()).all()
    assert linalg.expm(np.eye(2, dtype="f4")).dtype == np.float32
    turn = linalg.expm(1j * np.pi * np.eye(2))
    np.testing.assert_allclose(turn.numpy(), -np.eye(2), atol=1e-14)
    stack = np.array([np.zeros((2, 2)), 30 * np.ones((2, 2))])  # of different numbers of halvings
    np.testing.assert_allclose(linalg.expm(stack)[0].numpy(), np.eye(2), rtol=1e-15)
    np.testing.assert_allclose(linalg.expm(stack)[1].numpy(), linalg.expm(stack[1]).numpy(), rtol=1e-15)
