"""Gradients and their relatives under autograd's names: values, types, warnings and errors."""

import warnings

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import autograd
from fastgrad.autograd import (
    checkpoint,
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_jvp_reversemode,
    make_vjp,
    multigrad_dict,
    tensor_jacobian_product,
    value_and_grad,
)
from fastgrad.autograd.test_util import check_grads
from fastgrad.autograd.tracer import trace_stack

X = np.array([0.3, 0.7, 1.1])


def cube(x):
    return np.sum(x**3)


# --- values and types


def test_the_gradient_at_a_float_is_a_numpy_float():
    g = grad(lambda x: x * x)(3.0)
    assert type(g) is np.float64
    assert g == 6.0


def test_integers_are_promoted():
    assert grad(lambda x: x * x)(3) == 6.0
    assert grad(lambda x: np.sum(x * x))(np.arange(3)).tolist() == [0.0, 2.0, 4.0]
    assert elementwise_grad(lambda x: x**2)(3) == 6.0
    assert deriv(lambda x: x**2)(3) == 6.0
    assert make_vjp(lambda x: 2 * x)(3)[0](1) == 2.0
    assert make_jvp(lambda x: x * x)(3)(1) == (9.0, 6.0)
    np.testing.assert_array_equal(jacobian(lambda x: x**2)(np.arange(3)), np.diag([0.0, 2.0, 4.0]))


def test_tuples_of_argnum_and_containers_keep_their_kind():
    g = grad(lambda x, y: x * y, (0, 1))(2.0, 3.0)
    assert type(g) is tuple
    assert g == (3.0, 2.0)
    assert grad(lambda x, y: x * y * y, [1])(2.0, 3.0) == (12.0,)
    g = grad(lambda d: np.sum(d["a"] * d["b"][0]))({"a": X, "b": [2.0, (1.0,)]})
    assert type(g) is dict
    np.testing.assert_array_equal(g["a"], [2.0, 2.0, 2.0])
    assert g["b"][0] == pytest.approx(X.sum())
    assert g["b"][1] == (0.0,)


def test_narrow_and_wide_dtypes_come_back():
    for dtype in np.float16, np.float32, np.longdouble:
        g = grad(lambda x: np.sum(x**2))(X.astype(dtype))
        assert g.dtype == dtype
        np.testing.assert_allclose(g.astype(float), 2 * X, rtol=2e-3)
    assert jacobian(lambda x: x * 2)(X.astype(np.float16)).dtype == np.float16
    assert hessian(cube)(X.astype(np.longdouble)).dtype == np.longdouble


def test_object_arrays_of_numbers():
    assert grad(lambda x: np.sum(x**2))(np.array([1, 2.0, np.float64(3.0)], object)).tolist() == [2.0, 4.0, 6.0]
    with pytest.raises(TypeError, match="dtype object"):
        grad(lambda x: np.sum(x**2))(np.array([1.0, "text"], object))


def test_complex_gradients_have_autograds_convention():
    assert grad(lambda z: np.real(z * z))(1 + 2j) == 2 + 4j  # PyTorch's is 2 - 4j
    assert make_vjp(lambda z: 2 * z * z)(1 + 2j)[0](1 + 1j) == -4 + 12j
    assert make_vjp(lambda x: x * (1 + 2j))(2.0)[0](1 + 0j) == 1.0
    assert holomorphic_grad(lambda z: z**3)(1 + 1j) == pytest.approx(6j)
    assert grad(lambda z: np.real(grad(lambda w: np.real(w**3))(z)))(1 + 2j) == 6 + 12j
    rows = jacobian(lambda z: np.real(z * z))(np.array([1 + 2j, 3.0]))
    np.testing.assert_array_equal(rows, np.diag([2 + 4j, 6.0]))
    with pytest.warns(UserWarning, match="not complex"):
        assert holomorphic_grad(lambda z: z**3)(2.0) == 12.0


@pytest.mark.parametrize(
    "f", [lambda z: z * z, np.abs, lambda z: np.real(z) * np.imag(z), lambda z: np.sum(z * np.conj(z) * z)]
)
def test_complex_derivatives_agree_with_differences(f):
    check_grads(f)(0.4 + 0.7j)


def test_jacobian_and_hessian():
    np.testing.assert_allclose(jacobian(lambda x: np.outer(x, x).ravel()[:2])(X), [[0.6, 0, 0], [0.7, 0.3, 0]])
    assert jacobian(lambda x, y: x * y, 1)(X, X).shape == (3, 3)
    assert type(jacobian(lambda x: x**2)(3.0)) is np.ndarray
    np.testing.assert_allclose(hessian(cube)(X), np.diag(6 * X))
    assert hessian(lambda x: x**3)(X).shape == (3, 3, 3)
    np.testing.assert_array_equal(hessian(lambda x: np.sum(2 * x))(X), np.zeros((3, 3)))
    assert jacobian(lambda x: x * 2)(np.zeros(0)).shape == (0, 0)
    with pytest.raises(TypeError, match="make_vjp"):
        jacobian(lambda xs: xs[0] * xs[1])([1.0, 2.0])


def test_products_with_the_jacobian_and_the_hessian():
    v = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(hessian_vector_product(cube)(X, v), 6 * X * v)
    np.testing.assert_allclose(hessian_tensor_product(lambda a, x: np.sum(a * x**3), 1)(2.0, X, v), 12 * X * v)
    np.testing.assert_allclose(hessian_vector_product(lambda x, a: np.sum(a * x**3), -2)(X, 2.0, v), 12 * X * v)
    np.testing.assert_allclose(hessian_vector_product(lambda a, x: np.sum(a * x**3), -1)(2.0, X, v), 12 * X * v)
    assert hessian_vector_product(lambda x: x**3)(2.0, 3.0) == 36.0
    pairs = hessian_vector_product(lambda x, y: x**2 * y, (0, 1))(2.0, 3.0, (1.0, 0.0))
    assert pairs == (6.0, 4.0)
    product, gradient = make_hvp(cube)(X)
    np.testing.assert_allclose(product(v), 6 * X * v)
    np.testing.assert_allclose(gradient, 3 * X**2)
    np.testing.assert_allclose(tensor_jacobian_product(lambda x: x**2)(X, v), 2 * X * v)
    np.testing.assert_allclose(make_jvp_reversemode(lambda x: x**3)(X)(v), 3 * X**2 * v)
    J = np.diag(1 - np.tanh(X) ** 2)
    np.testing.assert_allclose(make_ggnvp(np.tanh)(X)(v), J.T @ J @ v)
    np.testing.assert_allclose(make_ggnvp(np.tanh, lambda y: np.sum(2 * y**2))(X)(v), 4 * J.T @ J @ v)


def test_a_vjp_may_be_called_again():
    vjp, y = make_vjp(lambda x: x**2)(X)
    np.testing.assert_array_equal(y, X**2)
    rows = [vjp(row) for row in np.eye(3)]
    np.testing.assert_allclose(np.stack(rows), np.diag(2 * X))
    np.testing.assert_allclose(vjp(1.0), 2 * X)  # one number stands for all
    with pytest.raises(fg.ShapeError, match=r"\(2,\).*\(3,\)"):
        vjp(np.ones(2))
    with pytest.raises(TypeError, match="nested"):
        make_vjp(lambda x: (x, x))(X)[0](np.ones(3))


def test_auxiliary_results_are_values():
    g, aux = grad_and_aux(lambda x: (np.sum(x**2), {"first": x[0]}))(X)
    np.testing.assert_allclose(g, 2 * X)
    assert aux == {"first": 0.3}
    assert not isinstance(aux["first"], fg.Tensor)


def test_gradients_by_name():
    assert grad_named(lambda a, b: a * b * b, "b")(2.0, 3.0) == 12.0

    def f(a, b=2.0, *c, **d):
        return a * b + sum(c) * d["e"]

    g = multigrad_dict(f)(1.0, 3.0, 4.0, 5.0, e=6.0)
    assert list(g) == ["a", "b", "c", "d"]
    assert g == {"a": 3.0, "b": 1.0, "c": (6.0, 6.0), "d": {"e": 9.0}}
    assert multigrad_dict(lambda a, b=2.0: a * b)(3.0) == {"a": 2.0, "b": 3.0}


def test_names_and_docstrings():
    def loss(w):
        return w

    assert grad(loss, 1).__name__ == "grad_of_loss_wrt_argnum_1"
    assert value_and_grad(loss, [0]).__name__ == "value_and_grad_of_loss_wrt_argnum_[0]"
    assert "gradient" in grad.__doc__
    assert "argument number 1" in jacobian(loss, 1).__doc__
    assert make_jvp.__name__ == "make_jvp"


def test_keyword_arguments_and_negative_numbers():
    assert grad(lambda x, y=2.0: x * y)(3.0, y=5.0) == 5.0
    assert grad(lambda x, y: x * y * y, -1)(3.0, 5.0) == 30.0
    with pytest.raises(TypeError, match="argnum"):
        grad(cube, "x")


# --- nesting


@pytest.mark.parametrize(
    "f",
    [
        lambda x: grad(lambda y: y**3)(x),
        lambda x: grad(lambda y: x * y * y)(2.0) * x,
        lambda x: make_jvp(lambda y: np.sin(y) * y)(x)(1.0)[1],
        lambda x: make_vjp(lambda y: np.sin(y) * y)(x)[0](x),
        lambda x: np.sum(jacobian(lambda y: np.stack([y, y**2, x * y**3]))(x)),
        lambda x: hessian(lambda y: y**4)(x),
        lambda x: np.sum(hessian_vector_product(lambda y: np.sum(x * y**3))(X, X)),
        lambda x: value_and_grad(lambda y: y**3)(x)[0],
        lambda x: checkpoint(lambda y: np.sin(y) ** 2)(x),
        lambda x: fg.grad(lambda y: y**3)(x),
    ],
)
def test_derivatives_nest(f):
    check_grads(f)(0.7)


def test_fifth_derivative():
    f = lambda x: x**6
    for _ in range(5):
        f = grad(f)
    assert f(2.0) == 1440.0


def test_inside_fastgrads_own_transforms():
    assert fg.grad(lambda x: x * grad(lambda y: y**3)(x))(2.0) == 36.0


def test_under_no_grad():
    with fg.no_grad():
        np.testing.assert_allclose(grad(cube)(X), 3 * X**2)
        np.testing.assert_allclose(hessian(cube)(X), np.diag(6 * X))
        np.testing.assert_allclose(jacobian(lambda x: x**2)(X), np.diag(2 * X))
        np.testing.assert_allclose(make_vjp(cube)(X)[0](1.0), 3 * X**2)
        np.testing.assert_allclose(make_jvp(cube)(X)(X)[1], 3 * np.sum(X**3))
        np.testing.assert_allclose(hessian_vector_product(cube)(X, X), 6 * X**2)


def test_inside_vmap():
    rows = np.stack([X, 2 * X])
    np.testing.assert_allclose(fg.vmap(grad(cube))(rows), 3 * rows**2)
    np.testing.assert_allclose(grad(lambda x: np.sum(fg.vmap(cube)(x)))(rows), 3 * rows**2)


def test_checkpoint_computes_again():
    calls = []

    def f(x):
        calls.append(type(x).__name__)
        return np.sin(x)

    assert grad(lambda x: checkpoint(f)(x) ** 2)(0.5) == pytest.approx(np.sin(1.0))
    assert calls == ["ArrayBox", "ArrayBox"]


# --- warnings and errors


@pytest.mark.parametrize("operator", [grad, elementwise_grad, jacobian, value_and_grad])
def test_constant_functions_warn(operator):
    with pytest.warns(UserWarning, match=r"Output seems independent of input\."):
        operator(lambda x: 3.0)(2.0)


def test_an_argument_that_is_not_used_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert grad(lambda x, y: x * x, (0, 1))(2.0, 3.0) == (4.0, 0.0)


@pytest.mark.parametrize("y", [X, 3, True, None, "text", 1j, [1.0]])
def test_results_that_are_no_real_number(y):
    with pytest.raises(TypeError, match="real scalar-output"):
        grad(lambda x: y)(2.0)
    with pytest.raises(TypeError, match="real scalar-output"):
        value_and_grad(lambda x: x * np.ones(3))(2.0)


def test_elementwise_functions_must_be_real():
    with pytest.raises(TypeError, match="real-output"):
        elementwise_grad(lambda x: x * 1j)(2.0)
    with pytest.raises(TypeError, match="real-output"):
        elementwise_grad(lambda x: 1j)(2.0)


@pytest.mark.parametrize("x", ["text", object(), True, np.array([True])])
def test_arguments_without_a_gradient(x):
    with pytest.raises(TypeError, match=r"Can't differentiate w\.r\.t\. type"):
        grad(lambda y: 1.0)(x)
    with pytest.raises(TypeError, match=r"Can't differentiate w\.r\.t\. type"):
        make_vjp(lambda y: 1.0)(x)


def test_empty_containers():
    with pytest.warns(UserWarning, match="independent"):
        assert make_vjp(lambda x: 1.0)([])[0](1.0) == []
    assert grad(lambda x, y: y * y, (0, 1))([], 3.0) == ([], 6.0)


def test_an_exception_leaves_no_state_behind():
    for operator in grad, jacobian, make_vjp, lambda f: make_jvp(f)(1.0):
        with pytest.raises(ZeroDivisionError):
            operator(lambda x: 1 / 0)(1.0)
        assert trace_stack.top == -1
    assert grad(lambda x: x * x)(3.0) == 6.0


def test_all_names_of_the_package():
    for name in autograd.__all__:
        assert getattr(autograd, name) is not None
