"""Gradients by convention: of singular matrices, equal eigenvalues, triangles and matrices without elements."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import linalg


def gradient(f, x):
    """The gradient of a sum with weights, and whether second derivatives are finite."""
    x = fg.tensor(x, requires_grad=True)
    y = f(x)
    (first,) = fg.gradients([fg.sum(fg.real(y) * np.arange(1.0, y.size + 1).reshape(y.shape))], [x], create_graph=True)
    if first.requires_grad:
        (second,) = fg.gradients(
            [fg.sum(fg.real(first) * np.cos(np.arange(x.size)).reshape(x.shape))], [x], allow_unused=True
        )
        assert second is None or np.isfinite(second.numpy()).all()
    return first.detach().numpy()


def cofactors(a):
    """The derivative of a determinant, which is linear in each element."""
    found = np.zeros(a.shape)
    for i, j in np.ndindex(*a.shape):
        minor = np.delete(np.delete(a, i, 0), j, 1)
        found[i, j] = (-1) ** (i + j) * np.linalg.det(minor)
    return found


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 9, 12])
def test_the_gradient_of_a_singular_determinant_is_its_cofactors(n, rank, rng):
    a = np.triu(rng.integers(1, 4, (n, n))).astype(float)
    a[min(rank, n - 1) :] = 0  # exactly singular
    assert np.linalg.det(a) == 0
    np.testing.assert_allclose(gradient(linalg.det, a), cofactors(a), rtol=1e-9, atol=1e-9)
    z = a * np.exp(1j * np.arange(n))
    got = fg.gradients([linalg.det(x := fg.tensor(z, requires_grad=True))], [x], [1 + 0j])[0].numpy()
    turn = np.exp(1j * (n * (n - 1) / 2 - np.arange(n)))  # each cofactor lacks the phase of its column
    np.testing.assert_allclose(got, np.conj(cofactors(a) * turn), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_all_derivatives_of_a_singular_determinant_are_exact(n):
    a = np.diag(np.arange(float(n)))
    fg.testing.check_grads(linalg.det, (a,), order=2)
    stack = np.stack([a, np.eye(n), np.zeros((n, n))])  # singular ones among others
    fg.testing.check_grads(linalg.det, (stack,), order=2)


def test_a_nearly_singular_determinant():
    a = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]])
    assert 0 < abs(np.linalg.det(a)) < 1e-14
    np.testing.assert_allclose(gradient(linalg.det, a), cofactors(a), rtol=1e-6, atol=1e-6)


def test_singular_matrices_without_a_gradient_raise():
    x = fg.tensor(np.ones((2, 2)), requires_grad=True)
    sign, logarithm = linalg.slogdet(x)
    assert sign.item() == 0 and logarithm.item() == -np.inf
    with pytest.raises(linalg.LinAlgError, match="Singular matrix"):
        logarithm.backward()
    with pytest.raises(linalg.LinAlgError, match="Singular matrix"):
        linalg.qr(x * 0).R.sum().backward()
    defective = fg.tensor([[1.0, 0], [0, 1]], requires_grad=True)
    fg.real(linalg.eigvals(defective)).sum().backward()
    np.testing.assert_allclose(defective.grad.numpy(), np.eye(2))
    shear = fg.tensor([[0.0, 1], [0, 0]], requires_grad=True)  # both eigenvectors are the same
    try:
        fg.real(linalg.eigvals(shear)).sum().backward()
    except linalg.LinAlgError:
        return
    assert not np.isnan(shear.grad.numpy()).any()


@pytest.mark.parametrize("f", [
    linalg.cholesky, lambda x: linalg.cholesky(x, upper=True), linalg.eigvalsh, lambda x: linalg.eigvalsh(x, "U"),
    lambda x: linalg.eigh(x).eigenvectors ** 2, lambda x: linalg.pinv(x, hermitian=True),
    lambda x: linalg.svd(x, hermitian=True).S, lambda x: linalg.svd(x, hermitian=True).U ** 2,
], ids=range(8))  # fmt: skip
def test_functions_that_read_one_triangle_have_symmetric_gradients(f, rng):
    """The same as if the function read the mean of both triangles."""
    x = rng.normal(size=(3, 3))
    x = x @ x.T + np.eye(3)
    got = gradient(f, x)
    np.testing.assert_allclose(got, got.T, rtol=1e-12)
    inside = gradient(lambda x: f((x + linalg.matrix_transpose(x)) / 2), x)
    np.testing.assert_allclose(got, inside, rtol=1e-10, atol=1e-12)
    upper = np.triu(x) + np.tril(rng.normal(size=(3, 3)), -1)  # the other triangle has no influence
    lower = np.tril(x) + np.triu(rng.normal(size=(3, 3)), 1)
    values = f(x).numpy()
    matches = [one for one in (upper, lower) if np.allclose(f(one).numpy(), values, rtol=1e-10)]
    assert len(matches) == 1
    np.testing.assert_allclose(gradient(f, matches[0]), got, rtol=1e-10, atol=1e-12)


def test_functions_of_equal_eigenvalues_alone_are_exact(rng):
    q = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    a = q @ np.diag([1.0, 2, 2, 2]) @ q.T
    a = (a + a.T) / 2
    cube = lambda x: fg.sum(linalg.eigvalsh(x) ** 3)
    np.testing.assert_allclose(fg.grad(cube)(a), 3 * a @ a, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(fg.grad(lambda x: fg.sum(linalg.svdvals(x) ** 2))(a), 2 * a, rtol=1e-12, atol=1e-12)
    general = lambda x: fg.real(fg.sum(linalg.eigvals(x) ** 3))
    np.testing.assert_allclose(fg.grad(general)(a), 3 * (a @ a).T, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("a", [np.eye(3), np.zeros((3, 3)), np.diag([1.0, 1, 2]), np.diag([2.0, -2, 0])], ids=str)
def test_gradients_at_equal_values_are_finite(a):
    for f in (
        lambda x: linalg.eigh(x).eigenvectors,
        lambda x: linalg.eigvalsh(x),
        lambda x: linalg.eig(x).eigenvectors,
        lambda x: linalg.svd(x).U,
        lambda x: linalg.svd(x).Vh,
        lambda x: linalg.svd(x, hermitian=True).U,
        lambda x: linalg.svd(x[:2]).Vh,
        linalg.svdvals,
        linalg.pinv,
    ):
        assert np.isfinite(gradient(f, a)).all()


def test_spectral_projectors_of_equal_eigenvalues_are_exact(rng):
    """The projector on the space of an eigenvalue does not depend on the choice of its eigenvectors."""
    q = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    a = q @ np.diag([1.0, 1, 3, 4]) @ q.T
    a = (a + a.T) / 2
    w = rng.normal(size=(4, 4))

    def overlap(x):
        v = linalg.eigh(x).eigenvectors[:, :2]
        return fg.sum(v @ linalg.matrix_transpose(v) * w)

    got, d = fg.grad(overlap)(a), (lambda d: d + d.T)(rng.normal(size=(4, 4)))
    slope = (overlap(a + 1e-5 * d) - overlap(a - 1e-5 * d)).item() / 2e-5
    np.testing.assert_allclose(np.sum(got * d), slope, rtol=1e-7)


@pytest.mark.parametrize("shape", [(0, 0), (0, 2, 2), (2, 0, 0)])
def test_matrices_without_elements_have_gradients_without_elements(shape):
    for f in (
        linalg.inv, linalg.det, lambda x: linalg.slogdet(x).logabsdet, linalg.expm, linalg.cholesky, linalg.eigvalsh,
        lambda x: linalg.eigh(x)[1], lambda x: linalg.eig(x)[1], linalg.eigvals, lambda x: linalg.svd(x).U,
        linalg.svdvals,
        lambda x: linalg.qr(x).R, linalg.pinv, lambda x: linalg.solve(x, x), lambda x: linalg.matrix_power(x, 3),
    ):  # fmt: skip
        assert gradient(f, np.zeros(shape)).shape == shape


@pytest.mark.parametrize("dtype", ["f4", "c8"])
def test_gradients_have_the_dtype_of_the_operand(dtype, rng):
    a = (rng.normal(size=(3, 3)) + 3 * np.eye(3)).astype(dtype)
    for f in (
        linalg.inv, linalg.det, lambda x: linalg.slogdet(x).logabsdet, linalg.expm,
        lambda x: linalg.cholesky(x @ x.conj().T),
        linalg.eigvalsh, lambda x: linalg.eigh(x)[1], lambda x: linalg.eig(x)[1], linalg.eigvals, linalg.svdvals,
        lambda x: linalg.svd(x).U, lambda x: linalg.qr(x).R, linalg.pinv, lambda x: linalg.lstsq(x, x[0])[0],
        lambda x: linalg.cond(x, 1), lambda x: linalg.svd(x[:2]).Vh, lambda x: linalg.pinv(x, hermitian=True),
    ):  # fmt: skip
        x = fg.tensor(a, requires_grad=True)
        y = f(x)
        assert y.dtype.itemsize <= x.dtype.itemsize or y.dtype == np.complex64
        assert fg.gradients([y], [x], [np.ones(y.shape, y.dtype)])[0].dtype == x.dtype


def test_ranks_cut_off_small_singular_values():
    a = np.diag([1.0, 1e-3])
    np.testing.assert_allclose(linalg.pinv(a, 1e-2).numpy(), np.diag([1, 0]), atol=1e-15)
    np.testing.assert_allclose(linalg.pinv(np.stack([a, a]), np.array([1e-2, 1e-4])).numpy(),
                               [np.diag([1, 0]), np.diag([1, 1e3])], atol=1e-12)  # fmt: skip
    assert linalg.matrix_rank(a, 1e-2).item() == 1 and linalg.lstsq(a, np.ones(2), 1e-2)[2] == 1
    assert linalg.matrix_rank(np.ones(3)).item() == 1 and linalg.matrix_rank(0.0).item() == 0


@pytest.mark.parametrize("factor", [
    linalg.cholesky, lambda x: linalg.cholesky(x, upper=True), lambda x: linalg.qr(x)[1],
    lambda x: linalg.qr(x, "complete")[1],
])  # fmt: skip
def test_nothing_flows_to_the_zeros_of_a_triangular_factor(factor):
    """Where the slope of the cube root is infinite."""

    def roots_elsewhere(x):
        y = factor(x)
        zero = y.detach().numpy() == 0
        return fg.where(zero, 0, fg.cbrt(fg.where(zero, 1, y)))

    a = np.array([[2.0, 1.0], [1.0, 3.0]])
    np.testing.assert_allclose(gradient(lambda x: fg.cbrt(factor(x)), a), gradient(roots_elsewhere, a), rtol=1e-13)
