"""Norms of every order, of vectors and matrices: NumPy's values, and finite first and second derivatives."""

import math

import numpy as np
import pytest

import fastgrad as fg

ORDERS = (None, 0, 1, 2, 3, 1.5, 0.5, -1, -2, -2.5, math.inf, -math.inf)
MATRIX_ORDERS = (None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)
VECTORS = {
    "plain": [[1.0, -2, 3], [0.5, 0.25, -4]],
    "zeros": [[0.0, 3, -4], [0, 0, 0]],
    "ties": [[2.0, -2, 2], [-1, 1, 0]],
}
MATRICES = {
    "wide": [[1.0, 2, 3], [0.5, -1, 4]],
    "tall": [[1.0, 2], [0.5, -1], [3, 1]],
    "orthogonal": np.eye(3)[[1, 0, 2]],
    "of rank one": np.outer([1.0, 2, 3], [1, -1]),
    "zero": np.zeros((2, 3)),
}
DTYPES = (np.float64, np.float32, np.complex128)


def both_orders(function, x):
    """Return the gradient of `function` at `x`, and the gradient of its product with non-symmetric weights."""
    y = function(x)
    weights = np.arange(1, y.size + 1).reshape(y.shape).astype(y.dtype)
    (plain,) = fg.gradients([y], [x], [weights], retain_graph=True)
    (first,) = fg.gradients([y], [x], [weights], create_graph=True)
    np.testing.assert_allclose(plain.numpy(), first.detach().numpy(), rtol=1e-5, atol=1e-12)
    assert first.dtype == x.dtype
    if not first.requires_grad:
        return first.numpy(), None
    direction = np.cos(np.arange(x.size)).reshape(x.shape)
    (second,) = fg.gradients([fg.sum(fg.real(first * direction))], [x], allow_unused=True)
    return first.detach().numpy(), second if second is None else second.numpy()


def of(values, dtype):
    x = np.asarray(values, dtype)
    return fg.tensor(x * np.exp(1j * x) if dtype is np.complex128 else x, requires_grad=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ord", ORDERS)
@pytest.mark.parametrize("kind", VECTORS)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_vector_norms(kind, ord, dtype, keepdims):
    x = of(VECTORS[kind], dtype)
    y = fg.norm(x, ord, axis=1, keepdims=keepdims)
    wanted = np.linalg.norm(x.detach().numpy(), ord, axis=1, keepdims=keepdims)
    assert y.dtype == wanted.dtype and y.requires_grad
    np.testing.assert_allclose(y.detach().numpy(), wanted, rtol=1e-6 if dtype is np.float32 else 1e-15)
    first, second = both_orders(lambda x: fg.norm(x, ord, axis=1, keepdims=keepdims), x)
    assert np.isfinite(first).all() and (second is None or np.isfinite(second).all())


@pytest.mark.parametrize("ord", [p for p in ORDERS if p not in (0,)])
def test_vector_norms_have_the_slopes_of_finite_differences(ord):
    x = np.array([[1.0, -2, 3], [0.5, 0.25, -4]])
    fg.testing.check_grads(lambda x: fg.norm(x, ord, axis=1), (x,), order=2)
    fg.testing.check_grads(lambda x: fg.norm(x + 0.5j, ord, axis=0), (x,), order=2)


Y = (3**1.5 + 4**1.5) ** (1 / 1.5)


@pytest.mark.parametrize(("ord", "wanted"), [
    (0.5, [0, 2.1547005383792515, -1.8660254037844386]), (-1, [0, 0, 0]), (-2.5, [0, 0, 0]), (1, [0, 1, -1]),
    (1.5, [0, (3 / Y) ** 0.5, -((4 / Y) ** 0.5)]), (2, [0, 0.6, -0.8]), (0, [0, 0, 0]), (math.inf, [0, 0, -1]),
    (-math.inf, [0, 0, 0]),
])  # fmt: skip
def test_an_element_that_is_zero_gets_the_gradient_zero(ord, wanted):
    first, _ = both_orders(lambda x: fg.norm(x, ord, axis=0), of([0, 3, -4], np.float64))
    np.testing.assert_allclose(first, wanted, rtol=1e-6)
    first, second = both_orders(lambda x: fg.norm(x, ord, axis=0), of([0, 0, 0], np.float64))
    assert not first.any() or ord == -math.inf
    assert second is None or np.isfinite(second).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ord", MATRIX_ORDERS)
@pytest.mark.parametrize("kind", MATRICES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_matrix_norms(kind, ord, dtype, keepdims):
    x = of(MATRICES[kind], dtype)
    y = fg.norm(x, ord, keepdims=keepdims)
    wanted = np.linalg.norm(x.detach().numpy(), ord, keepdims=keepdims)
    assert y.dtype == wanted.dtype and y.shape == wanted.shape
    np.testing.assert_allclose(y.detach().numpy(), wanted, rtol=1e-5 if dtype is np.float32 else 1e-13, atol=1e-15)
    first, second = both_orders(lambda x: fg.norm(x, ord, keepdims=keepdims), x)
    assert np.isfinite(first).all() and (second is None or np.isfinite(second).all())
    if kind == "zero":
        assert not first.any()


@pytest.mark.parametrize("ord", MATRIX_ORDERS)
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)])
def test_matrix_norms_have_the_slopes_of_finite_differences(ord, shape, rng):
    fg.testing.check_grads(lambda x: fg.norm(x, ord, axis=(0, 1)), (rng.normal(size=shape),), order=2)
    stack = rng.normal(size=(shape[0], 2, shape[1]))
    fg.testing.check_grads(lambda x: fg.norm(x, ord, axis=(0, -1), keepdims=True), (stack,), order=1)
    z = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    fg.testing.check_grads(lambda x: fg.norm(x, ord), (z,), order=1)
    fg.testing.check_grads(lambda x: fg.norm(x * z + z.T.reshape(shape), ord), (rng.normal(size=shape),), order=2)


def test_the_nuclear_norm_has_a_second_derivative_where_singular_values_coincide():
    """At the identity the first derivative turns with the polar factor: half of what is not symmetric."""
    hessian = fg.hessian(lambda x: fg.norm(x, "nuc"))(np.eye(2)).reshape(4, 4)
    np.testing.assert_allclose(hessian, [[0, 0, 0, 0], [0, 0.5, -0.5, 0], [0, -0.5, 0.5, 0], [0, 0, 0, 0]], atol=1e-12)


def test_singular_values(rng):
    a = rng.normal(size=(2, 3, 4))
    np.testing.assert_allclose(fg.svdvals(a).numpy(), np.linalg.svd(a, compute_uv=False), rtol=1e-14)
    x = fg.tensor(a, requires_grad=True)
    np.linalg.norm(x, "nuc", axis=(1, 2)).sum().backward()
    u, _, vh = np.linalg.svd(a, full_matrices=False)
    np.testing.assert_allclose(x.grad.numpy(), u @ vh, rtol=1e-12, atol=1e-14)
    x.grad = None
    np.linalg.svdvals(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), u @ vh, rtol=1e-12, atol=1e-14)
    with pytest.raises(ValueError, match="zero-size array"):
        fg.norm(np.zeros((0, 3)), 2)
    assert fg.norm(np.zeros((0, 3)), "nuc").item() == 0


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i4", "u4", "i8"])
def test_integers_are_computed_with_as_float64(dtype):
    a = np.array([[100, 90], [1, 0]]).astype(dtype)
    for axis, orders in ((1, ORDERS), ((0, 1), MATRIX_ORDERS)):
        for ord in orders:
            with np.errstate(divide="ignore"):
                wanted = np.linalg.norm(a, ord, axis=axis)
            got = fg.norm(fg.tensor(a), ord, axis=axis)
            assert got.dtype == wanted.dtype == np.float64
            np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-14)
    assert fg.norm(fg.tensor([4 * 10**9, 3 * 10**9])).item() == 5e9
    assert fg.norm(fg.tensor([50000, 50000], dtype=np.int32)).item() == pytest.approx(70710.678)


def test_what_the_documentation_says_of_the_hessian_at_zero():
    np.testing.assert_array_equal(fg.hessian(lambda x: fg.norm(x) ** 2)(np.zeros(2)), np.zeros((2, 2)))
    np.testing.assert_array_equal(fg.hessian(lambda x: fg.sum(x * x))(np.zeros(2)), 2 * np.eye(2))
    np.testing.assert_allclose(fg.hessian(lambda x: fg.norm(x) ** 2)(np.full(2, 1e-9)), 2 * np.eye(2), atol=1e-9)
