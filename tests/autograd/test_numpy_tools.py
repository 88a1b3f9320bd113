"""Tools that derivatives of users' primitives are written with: `numpy_vjps`, `numpy_jvps` and `numpy_wrapper`."""

import numpy as onp
import pytest

import fastgrad.autograd.numpy as np
from fastgrad.autograd.core import make_vjp
from fastgrad.autograd.extend import defvjp, primitive
from fastgrad.autograd.numpy.numpy_jvps import broadcast
from fastgrad.autograd.numpy.numpy_vspaces import ArrayVSpace
from fastgrad.autograd.test_util import check_grads

X = onp.array([0.5, -1.5, 2.5])


@pytest.mark.parametrize("shape", [(), (3,), (1, 3), (2, 1), (2, 3), (1, 1)])
@pytest.mark.parametrize("is_complex", [False, True])
def test_unbroadcast_is_the_transpose_of_broadcasting(shape, is_complex):
    rng = onp.random.default_rng(0)
    x, g = rng.normal(size=shape), rng.normal(size=(4, 2, 3))
    x = x + 1j * x if is_complex else x
    back = np.numpy_vjps.unbroadcast_f(x, lambda g: g + 0j)(g)
    assert np.shape(back) == shape
    assert onp.iscomplexobj(back) == is_complex
    assert onp.sum(back * x) == pytest.approx(onp.sum(g * onp.broadcast_to(x, g.shape)))
    assert broadcast(x, g + 0j).shape == g.shape


def test_a_primitive_with_these_tools():
    scaled = primitive(lambda x, y: onp.asarray(x) * y)
    unbroadcast_f = np.numpy_vjps.unbroadcast_f
    defvjp(
        scaled,
        lambda ans, x, y: unbroadcast_f(x, lambda g: g * y),
        lambda ans, x, y: unbroadcast_f(y, lambda g: g * x),
    )
    check_grads(lambda x, y: scaled(x, y) * 2, modes=["rev"], order=2)(X, onp.ones((2, 1)))


DOTS = [
    ((), ()), ((), (3,)), ((3,), ()), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3,)),
    ((5, 2, 3), (6, 3, 4)), ((3,), (6, 3, 4)), ((2, 3), ()), ((), (2, 3)),
]  # fmt: skip
MATMULS = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3,)), ((5, 2, 3), (5, 3, 4)),
    ((3,), (6, 3, 4)), ((7, 1, 2, 3), (6, 3, 4)),
]  # fmt: skip
TENSORDOTS = [
    ((2, 3), (2, 3), 2), ((2, 3, 4), (3, 4, 5), 2), ((2, 3, 4), (4, 3, 5), ([1, 2], [1, 0])), ((2, 3), (4, 5), 0),
    ((2, 3, 4), (5, 2), (0, 1)), ((2, 3, 4), (4, 2, 3, 6), ([-1, 0, 1], [0, 1, -2])),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "a", "b", "axes"),
    [("dot", a, b, None) for a, b in DOTS]
    + [("matmul", a, b, None) for a, b in MATMULS]
    + [("tensordot", a, b, axes) for a, b, axes in TENSORDOTS],
)
def test_adjoints_of_products_are_their_vjps(function, a, b, axes):
    rng, tools = onp.random.default_rng(0), np.numpy_vjps
    A, B = onp.asarray(rng.normal(size=a)), onp.asarray(rng.normal(size=b))
    more = () if axes is None else (axes,)
    G = onp.asarray(rng.normal(size=onp.shape(getattr(onp, function)(A, B, *more))))
    of_a, of_b = np.metadata(A), np.metadata(B)
    if function == "tensordot":
        found = (
            tools.tensordot_adjoint_0(B, G, axes, A.ndim, B.ndim),
            tools.tensordot_adjoint_1(A, G, axes, A.ndim, B.ndim),
        )
    elif function == "dot":
        found = tools.dot_adjoint_0(B, G, of_a, of_b), tools.dot_adjoint_1(A, G, of_a, of_b)
    else:
        found = tools.matmul_adjoint_0(B, G, of_a, B.ndim), tools.matmul_adjoint_1(A, G, A.ndim, of_b)
    for k, part in enumerate(found):
        f = (lambda x: getattr(np, function)(x, B, *more)) if k == 0 else lambda x: getattr(np, function)(A, x, *more)
        onp.testing.assert_allclose(part, make_vjp(f, (A, B)[k])[0](G), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("offset", [0, 2, -1])
@pytest.mark.parametrize("axes", [(0, 1), (-1, -2), (1, 2)])
def test_make_diagonal_is_the_inverse_of_diagonal(offset, axes):
    D = onp.random.default_rng(0).normal(size=(2, 3))
    made = np.make_diagonal(D, offset, *axes)
    onp.testing.assert_array_equal(onp.diagonal(made, offset, *axes), D)
    assert onp.count_nonzero(made) == D.size
    check_grads(lambda D: np.make_diagonal(D, offset, *axes) ** 2, order=2)(D)


def test_untake_adds_up_what_an_index_repeats():
    space = ArrayVSpace(onp.zeros(4))
    onp.testing.assert_array_equal(np.numpy_vjps.untake(X, [0, 2, 2], space), [0.5, 0.0, 1.0, 0.0])
    check_grads(lambda x: np.numpy_vjps.untake(x**2, onp.array([0, 2, 2]), space), order=2)(X)


def test_smaller_tools():
    tools = np.numpy_vjps
    onp.testing.assert_array_equal(tools.replace_zero(onp.array([0.0, 2.0]), 1.0), [1.0, 2.0])
    onp.testing.assert_array_equal(tools.balanced_eq(X, X, onp.array([0.5, 0.0, 0.0])), [0.5, 1.0, 1.0])
    onp.testing.assert_array_equal(tools.unpermuter(X[[2, 0, 1]], onp.array([2, 0, 1])), X)
    onp.testing.assert_array_equal(tools.reverse_axis(X, 0), X[::-1])
    assert onp.iscomplexobj(tools.match_complex(1j, X))
    assert not onp.iscomplexobj(tools.match_complex(1.0, X + 0j))
    repeated, count = tools.repeat_to_match_shape(onp.ones(2), (2, 3), float, 1, False)
    assert (repeated.shape, count) == ((2, 3), 3)
    onp.testing.assert_array_equal(np.concatenate_args(0, X, X), onp.concatenate([X, X]))
    assert np.array_from_args((), {"ndmin": 3}, X, X).shape == (1, 2, 3)
    assert np.metadata(1j) == ((), 0, onp.dtype(complex), True)
    assert np.parse_einsum_input("ij,j", onp.ones((2, 3)), X)[:2] == ("ij,j", "i")
