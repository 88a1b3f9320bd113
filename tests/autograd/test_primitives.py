"""Functions of a user with derivatives of a user: what their makers get, and what they may return."""

import warnings

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import autograd
from fastgrad.autograd import deriv, grad, hessian, jacobian, make_jvp
from fastgrad.autograd import numpy as anp
from fastgrad.autograd.core import VJPNode, primitive_jvps, primitive_vjps
from fastgrad.autograd.extend import (
    SparseObject,
    def_linear,
    defjvp,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    notrace_primitive,
    primitive,
    register_notrace,
    vspace,
)
from fastgrad.autograd.test_util import check_grads
from fastgrad.autograd.tracer import isbox

X = np.array([0.3, 0.7, 1.1])


def product(name="product"):
    """Return a new primitive: the product of two arguments."""

    def f(a, b):
        return a * b

    f.__name__ = name
    return primitive(f)


def ruled():
    f = product()
    defvjp(f, lambda ans, a, b: lambda g: g * b, lambda ans, a, b: lambda g: g * a)
    return f


# --- definitions


def test_a_primitive_calls_its_function():
    f = product()
    assert f(2, 3) == 6
    assert f(X, b=2.0).tolist() == (2 * X).tolist()
    assert f.__name__ == "product"
    assert f.fun.__name__ == "product"
    assert f._is_autograd_primitive


@pytest.mark.parametrize("order", ["rev", "fwd"])
def test_derivatives_of_second_order_in_both_modes(order):
    """Forward mode follows from the vjp alone."""
    f = ruled()
    check_grads(f, (0, 1), modes=[order])(0.4, 0.8)
    check_grads(f, (0, 1), modes=[order])(X, X + 1)
    check_grads(lambda a: f(f(a, a), np.sin(a)), modes=[order])(X)


def test_forward_mode_by_its_own_definition():
    f = product()
    defjvp(f, lambda g, ans, a, b: g * b, lambda g, ans, a, b: a * g)
    assert make_jvp(f, (0, 1))(2.0, 3.0)((1.0, 10.0)) == (6.0, 23.0)
    check_grads(f, (0, 1), modes=["fwd"])(X, X + 1)
    assert deriv(lambda a: f(a, a))(3.0) == 6.0
    with pytest.raises(NotImplementedError, match=r"VJP of product wrt argnums \(0,\) not defined"):
        grad(lambda a: f(a, 2.0))(1.0)


def test_linear_functions():
    f = primitive(lambda a, b: a * b)
    def_linear(f)
    assert make_jvp(lambda a: f(a, a))(3.0)(1.0) == (9.0, 6.0)
    f = primitive(lambda a: 5.0 * a)
    defjvp(f, "same")
    assert make_jvp(f)(2.0)(1.0) == (10.0, 5.0)
    f = primitive(lambda a, b: 5.0 * a)
    defjvp(f, None, "same")
    assert make_jvp(f)(2.0, 1.0)(1.0) == (10.0, 0.0)


def test_none_and_argnums():
    f = product()
    defvjp(f, None, lambda ans, a, b: lambda g: g * a)
    assert grad(f, (0, 1))(2.0, 3.0) == (0.0, 2.0)
    f = primitive(lambda text, a: 2 * a)
    defvjp(f, lambda ans, text, a: lambda g: 2 * g, argnums=(1,))
    assert grad(lambda a: f("text", a))(3.0) == 2.0
    with pytest.raises(NotImplementedError, match="wrt argnum 0 not defined"):
        grad(f)(3.0, 1.0)
    for define in defvjp, defjvp:
        with pytest.raises(TypeError, match=r"Bad (VJP|JVP) 5"):
            define(f, 5)


def test_all_arguments_together():
    f = primitive(lambda *args: sum(args))
    seen = []

    def maker(argnums, ans, args, kwargs):
        seen.append((argnums, ans, args, kwargs))
        return lambda g: (g * (k + 1) for k in argnums)

    defvjp_argnums(f, maker)
    assert grad(lambda a, c: f(a, 5.0, c), (0, 1))(1.0, 2.0) == (1.0, 3.0)
    assert seen == [((0, 2), 8.0, (1.0, 5.0, 2.0), {})]
    defvjp_argnum(f, lambda argnum, ans, args, kwargs: lambda g: g * argnum)
    assert grad(f, (0, 1, 2))(1.0, 2.0, 3.0) == (0.0, 1.0, 2.0)
    defjvp_argnums(f, lambda argnums, gs, ans, args, kwargs: sum(gs))
    assert make_jvp(f, (0, 1))(1.0, 2.0)((3.0, 4.0)) == (3.0, 7.0)


def test_missing_definitions():
    f = primitive(lambda a: 2.0 * a)
    with pytest.raises(NotImplementedError, match=r"VJP of .* not defined"):
        grad(f)(1.0)
    with pytest.raises(NotImplementedError, match=r"JVP of .* not defined"):
        deriv(f)(1.0)
    assert f(1.0) == 2.0


def test_methods_and_callable_objects():
    class Model:
        @primitive
        def squared(self, a):
            return a**2

        def __call__(self, a):
            return a**3

    defvjp(Model.squared, None, lambda ans, self, a: lambda g: g * 2 * a)
    assert grad(Model().squared)(3.0) == 6.0
    f = primitive(Model())
    defvjp(f, lambda ans, a: lambda g: g * 3 * a**2)
    assert grad(f)(2.0) == 12.0


def test_deprecated_definitions():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f = autograd.primitive(lambda a, b: a * b)
    with pytest.warns(UserWarning, match="defgrad of primitives is deprecated"):
        f.defgrad(lambda ans, a, b: lambda g: b * g)
    with pytest.warns(UserWarning, match="defvjp of primitives is deprecated"):
        f.defvjp(lambda g, ans, vs, gvs, a, b: a * g, argnum=0)
    assert grad(f)(2.0, 3.0) == 2.0
    with pytest.warns(UserWarning, match="defvjp_is_zero of primitives is deprecated"):
        f.defvjp_is_zero([0, 1])
    assert grad(f, 1)(2.0, 3.0) == 0.0


# --- what the functions get


def test_values_in_first_order_and_boxes_in_recorded_sweeps():
    kinds = []
    f = primitive(lambda a: a**3)

    def maker(ans, a):
        kinds.append((isbox(ans), isbox(a)))
        return lambda g: kinds.append(isbox(g)) or g * 3 * a**2

    defvjp(f, maker)
    assert grad(f)(2.0) == 12.0
    assert kinds == [(False, False), False]  # made when the function is called
    kinds.clear()
    assert grad(grad(f))(2.0) == 12.0
    assert (True, True) in kinds
    assert hessian(lambda a: np.sum(f(a)))(X).shape == (3, 3)


def test_arguments_are_the_functions_own():
    """It may write to them, as with autograd, where the caller's array changes."""

    def cleared(a):
        a[0] = 0.0
        return 2 * a

    f = primitive(cleared)
    defvjp(f, lambda ans, a: lambda g: 2 * g)
    np.testing.assert_allclose(grad(lambda a: np.sum(f(a) * a))(X), [0.6, 2.8, 4.4])


def test_writes_after_the_call():
    f = primitive(lambda a: a * a)
    defvjp(f, lambda ans, a: lambda g: g * 2 * a)

    def of_result(a):
        c = f(a * 1.0)
        c[0] = 5.0
        return np.sum(c)

    def of_argument(a):
        b = a * 1.0
        c = f(b)
        b[0] = 5.0
        return np.sum(c**2) + np.sum(b)

    np.testing.assert_allclose(grad(of_result)(X), [0.0, 1.4, 2.2])
    np.testing.assert_allclose(grad(of_argument)(X), 4 * X**3 + [0, 1, 1])
    with pytest.raises(fg.errors.MutationError, match="written in place"):
        jacobian(grad(of_argument))(X)


def test_boxes_in_containers_are_arguments():
    f = primitive(lambda pair: pair[0] * pair[1]["k"])
    defvjp(f, lambda ans, pair: lambda g: [g * pair[1]["k"], {"k": g * pair[0]}])
    defjvp(f, lambda g, ans, pair: g[0] * pair[1]["k"] + pair[0] * g[1]["k"])
    check_grads(f)([0.5, {"k": 0.3}])
    check_grads(lambda a: f([a * a, {"k": np.sin(a)}]))(0.7)
    assert grad(lambda a: f([a, {"k": 2.0}]))(3.0) == 2.0


def test_boxes_that_the_function_closes_over():
    def outer(y):
        f = primitive(lambda a: a * y)
        defvjp(f, lambda ans, a: lambda g: g * y)
        return np.sum(f(y))

    np.testing.assert_allclose(grad(outer)(X), 2 * X)


# --- what the functions return


def test_several_results():
    f = primitive(lambda a: (a * a, np.sum(a), 3))
    defvjp(f, lambda ans, a: lambda g: g[0] * 2 * a + g[1])
    defjvp(f, lambda g, ans, a: (2 * a * g, np.sum(g), 0))

    def h(a):
        u, v, n = f(a)
        assert n == 3
        return np.sum(u) * v * n

    check_grads(h)(X)
    f = primitive(lambda a: {"square": a * a, "n": 1.0})
    defvjp(f, lambda ans, a: lambda g: g["square"] * 2 * a)
    assert grad(lambda a: f(a)["square"])(3.0) == 6.0


def test_results_of_other_dtypes():
    f = primitive(lambda a: a.astype(np.float16))
    defvjp(f, lambda ans, a: lambda g: g)
    assert grad(lambda a: np.sum(f(a)))(X).tolist() == [1.0, 1.0, 1.0]
    f = primitive(lambda a: np.round(a).astype(int))  # with a straight-through gradient
    defvjp(f, lambda ans, a: lambda g: g)
    np.testing.assert_array_equal(grad(lambda a: np.sum(f(a) * 2.0))(X), [2.0, 2.0, 2.0])
    f = primitive(lambda a: a > 0.5)
    assert grad(lambda a: np.sum(a[f(a)]))(X).tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("result", ["text", None, [object()], np.array([object()])])
def test_results_without_a_gradient(result):
    f = primitive(lambda a: result)
    defvjp(f, lambda ans, a: lambda g: g)
    with pytest.raises(TypeError, match="Can't differentiate"):
        grad(f)(1.0)


def test_sparse_cotangents():
    f = primitive(lambda a, i: a[i])

    def maker(ans, a, i):
        def vjp(g):
            def mut_add(A):
                A[i] += g
                return A

            return SparseObject(vspace(a), mut_add)

        return vjp

    defvjp(f, maker)
    np.testing.assert_allclose(grad(lambda a: f(a, 0) * f(a, 2) + f(a, 0))(X), [2.1, 0.0, 0.3])


def test_cotangents_that_do_not_fit():
    f = product()
    defvjp(f, lambda ans, a, b: lambda g: g * b)
    with pytest.raises(fg.ShapeError, match=r"VJP of product returned shape \(3,\) for an argument of shape \(\)"):
        grad(lambda a: np.sum(f(a, X)))(2.0)
    defvjp_argnums(f, lambda argnums, ans, args, kwargs: lambda g: (g,))
    with pytest.raises(TypeError, match="1 cotangents for argnums"):
        grad(f, (0, 1))(2.0, 3.0)
    defvjp_argnums(f, lambda argnums, ans, args, kwargs: lambda g: ("text",))
    with pytest.raises(TypeError, match="str, not numbers"):
        grad(f)(2.0, 3.0)
    defvjp_argnums(f, lambda argnums, ans, args, kwargs: lambda g: (None,))
    assert grad(f)(2.0, 3.0) == 0.0


def test_complex_primitives():
    f = primitive(lambda z: z * z)
    defvjp(f, lambda ans, z: lambda g: g * 2 * z)
    assert grad(lambda z: np.real(f(z)))(1 + 2j) == 2 + 4j
    check_grads(f)(0.3 + 0.4j)
    check_grads(lambda x: np.real(f(x * (1 + 2j))))(0.3)
    defjvp(f, lambda g, ans, z: g * 2 * z)
    check_grads(f)(0.3 + 0.4j)


# --- NumPy's functions


def test_definitions_for_functions_of_numpy_replace_their_rules():
    try:
        defvjp(anp.sinh, lambda ans, x: lambda g: 100.0 * g)
        assert grad(anp.sinh)(1.0) == 100.0
        assert anp.sinh(1.0) == np.sinh(1.0)
    finally:
        primitive_vjps.pop(anp.sinh)
    assert grad(anp.sinh)(1.0) == pytest.approx(np.cosh(1.0))


def test_the_tables_have_entries_for_functions_of_numpy():
    assert anp.multiply in primitive_vjps
    assert tuple(primitive_vjps[anp.multiply]((0, 1), 6.0, (2.0, 3.0), {})(1.0)) == (3.0, 2.0)
    assert primitive_jvps[anp.multiply]((0, 1), (1.0, 1.0), 6.0, (2.0, 3.0), {}) == 5.0
    assert primitive_vjps.get(len) is None
    with pytest.raises(KeyError):
        primitive_vjps[len]
    # The entry of another function can be used for one's own.
    f = primitive(lambda a, b: a * b)
    primitive_vjps[f] = primitive_vjps[anp.multiply]
    check_grads(f, (0, 1), modes=["rev"])(0.3, 0.6)


# --- primitives that are not recorded


def test_notrace():
    seen = []

    @notrace_primitive
    def count(a):
        seen.append(isbox(a))
        return 3

    assert grad(lambda a: a * count(a))(2.0) == 3.0
    assert seen == [False]
    f = product()
    register_notrace(VJPNode, f)
    assert grad(lambda a: a * f(a, a))(3.0) == 9.0
    try:
        register_notrace(VJPNode, anp.cosh)
        assert grad(lambda a: a * anp.cosh(a))(0.0) == 1.0
    finally:
        anp.cosh.override = None
