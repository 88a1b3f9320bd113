"""Transforms: their arguments, their results, and that they nest."""

import numpy as np
import pytest

import fastgrad as fg

A = np.array([0.25, -1.25, 2.0])


def energy(x):
    return (np.tanh(x) * x).sum()


def energy_gradient(x):
    return np.tanh(x) + x * (1 - np.tanh(x) ** 2)


# --- what comes back is what went in ---


def test_an_array_in_an_array_out():
    value, g = fg.value_and_grad(energy)(A)
    assert type(value) is np.float64 and value == pytest.approx(energy(A), rel=1e-15)
    assert type(g) is np.ndarray
    np.testing.assert_allclose(g, energy_gradient(A), rtol=1e-15)
    np.testing.assert_array_equal(fg.grad(energy)(A), g)


def test_a_number_in_a_numpy_scalar_out():
    g = fg.grad(lambda x: x * x)(3.0)
    assert type(g) is np.float64 and g == 6.0
    assert type(fg.grad(lambda x: x * x)(np.float32(3))) is np.float32


def test_a_zero_dimensional_array_in_one_out():
    g = fg.grad(lambda x: x * x)(np.array(3.0))
    assert type(g) is np.ndarray and g.shape == () and g == 6.0


def test_tensors_in_tensors_out():
    value, g = fg.value_and_grad(energy)(fg.tensor(A))
    assert isinstance(value, fg.Tensor) and isinstance(g, fg.Tensor)
    assert not value.requires_grad and not g.requires_grad
    np.testing.assert_allclose(g.numpy(), energy_gradient(A), rtol=1e-15)


def test_nests_of_tuples_lists_and_dicts_keep_their_form():
    def loss(p):
        return (p["w"][0] * p["w"][1]).sum() + 2 * p["b"]

    p = {"w": [A, np.ones(3)], "b": 1.5, "none": None, "empty": ()}
    g = fg.grad(loss)(p)
    assert list(g) == ["w", "b", "none", "empty"] and g["none"] is None and g["empty"] == ()
    np.testing.assert_array_equal(g["w"][0], np.ones(3))
    np.testing.assert_array_equal(g["w"][1], A)
    assert type(g["b"]) is np.float64 and g["b"] == 2.0


def test_named_tuples_and_dict_subclasses_keep_their_class():
    from collections import OrderedDict, namedtuple

    layer = namedtuple("layer", "w b")
    g = fg.grad(lambda p: p["l"].w * p["l"].b)(OrderedDict(l=layer(2.0, 3.0)))
    assert type(g) is OrderedDict and type(g["l"]) is layer
    assert g["l"] == layer(3.0, 2.0)


def test_argnums_choose_the_arguments():
    def f(a, b, c):
        return a * b * c

    assert fg.grad(f, 1)(2.0, 3.0, 5.0) == 10.0
    assert fg.grad(f, -1)(2.0, 3.0, 5.0) == 6.0
    assert fg.grad(f, (0, 2))(2.0, 3.0, 5.0) == (15.0, 6.0)
    assert fg.value_and_grad(f, [0])(2.0, 3.0, 5.0) == (30.0, (15.0,))


def test_other_arguments_reach_the_function_as_they_are():
    seen = []

    def f(x, n, *, mode):
        seen.extend([n, mode])
        return x * n

    assert fg.grad(f)(2.0, 7, mode="fast") == 7.0
    assert seen == [7, "fast"]


def test_float32_is_kept():
    value, g = fg.value_and_grad(energy)(A.astype(np.float32))
    assert value.dtype == np.float32 and g.dtype == np.float32
    assert fg.hessian(energy)(A.astype(np.float32)).dtype == np.float32
    assert fg.jvp(energy, (A.astype(np.float32),), (np.ones(3),))[1].dtype == np.float32


def test_results_are_the_callers_own_memory():
    x = A.copy()
    value, pullback = fg.vjp(lambda x: x, x)
    (g,) = pullback(x)
    g[:] = 0
    value[:] = 0
    a, b = fg.grad(lambda a, b: (a + b).sum(), (0, 1))(x, x)
    a += 1
    np.testing.assert_array_equal(x, A)
    np.testing.assert_array_equal(b, np.ones(3))
    s = fg.grad(np.sum)(x)
    s[0] = 5
    np.testing.assert_array_equal(s, [5, 1, 1])


def test_aux_is_handed_through():
    def f(x):
        return (x * x).sum(), {"double": 2 * x, "name": "n"}

    (value, aux), g = fg.value_and_grad(f, has_aux=True)(A)
    assert aux["name"] == "n" and type(aux["double"]) is np.ndarray
    np.testing.assert_array_equal(aux["double"], 2 * A)
    assert value == (A * A).sum()
    g2, aux2 = fg.grad(f, has_aux=True)(A)
    np.testing.assert_array_equal(g, g2)
    assert aux2["name"] == "n"


def test_the_wrapper_keeps_name_and_doc():
    for transform in fg.grad, fg.value_and_grad, fg.jacobian, fg.hessian, fg.elementwise_grad, fg.checkpoint:
        assert transform(energy).__name__ == "energy"
        assert transform(energy).__wrapped__ is not None


# --- functions that hardly depend on their argument ---


independent = pytest.mark.filterwarnings("ignore:.*output seems independent:fastgrad.GradientWarning")


@independent
@pytest.mark.parametrize("constant", [4.0, 4, np.float64(4), np.array(4.0)], ids=repr)
def test_a_constant_has_a_zero_gradient(constant):
    value, g = fg.value_and_grad(lambda x: constant)(A)
    assert value == 4.0
    np.testing.assert_array_equal(g, np.zeros(3))
    assert fg.grad(lambda x: constant)(1.0) == 0.0
    np.testing.assert_array_equal(fg.hessian(lambda x: constant)(A), np.zeros((3, 3)))
    np.testing.assert_array_equal(fg.hvp(lambda x: constant, (A,), (A,)), np.zeros(3))


def test_an_argument_returned_unchanged_has_gradient_one():
    assert fg.value_and_grad(lambda x: x)(2.0) == (2.0, 1.0)
    assert fg.value_and_grad(lambda x: x)(np.array(2.0)) == (2.0, 1.0)
    assert fg.jvp(lambda x: x, (2.0,), (3.0,)) == (2.0, 3.0)
    np.testing.assert_array_equal(fg.jacobian(lambda x: x)(A), np.eye(3))
    assert fg.grad(fg.grad(lambda x: x))(2.0) == 0.0


@independent
def test_an_unused_argument_has_a_zero_gradient():
    g, h = fg.grad(lambda a, b: a * a, (0, 1))(2.0, A)
    assert g == 4.0
    np.testing.assert_array_equal(h, np.zeros(3))
    np.testing.assert_array_equal(fg.vjp(lambda a, b: a * a, 2.0, A)[1](1.0)[1], np.zeros(3))


def test_a_detached_value_is_a_constant():
    assert fg.grad(lambda x: x * x.detach())(3.0) == 3.0


def test_one_output_twice_adds_both_cotangents():
    def twice(x):
        y = x * x
        return y, y

    assert fg.vjp(twice, 3.0)[1]((1.0, 10.0)) == (66.0,)
    assert fg.jvp(twice, (3.0,), (1.0,)) == ((9.0, 9.0), (6.0, 6.0))


# --- nesting ---


def test_grad_of_grad_to_the_fourth_order():
    def f(x):
        return x * x * x * x

    want = [16.0, 32.0, 48.0, 48.0, 24.0, 0.0]
    for value in want:
        assert f(2.0) == value
        f = fg.grad(f)


def test_an_inner_gradient_does_not_see_the_outer_variable():
    assert fg.grad(lambda x: x * fg.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert fg.grad(lambda x: x * fg.grad(lambda y: x * y * y)(2.0))(3.0) == 24.0
    assert fg.grad(lambda x: fg.grad(lambda t: t * x * x)(x))(3.0) == 6.0
    assert fg.grad(lambda x: fg.jvp(lambda t: t * x, (1.0,), (x,))[1])(3.0) == 6.0


def test_closures_over_an_outer_variable_with_arrays_inside():
    def outer(w):
        inner = fg.grad(lambda x: (np.tanh(w * x)).sum())(A)  # an array in, yet it must follow w
        return (inner * inner).sum()

    w = np.array([0.5, 1.5, -0.7])
    fg.testing.check_grads(outer, (w,), order=1)


def test_gradient_penalty_follows_the_weights():
    w = fg.tensor([0.5, 1.5, -0.7], requires_grad=True)
    g = fg.grad(lambda x: np.tanh(w * x).sum())(fg.tensor(A))
    (g * g).sum().backward()

    def penalty(w):
        return ((w * (1 - np.tanh(w * A) ** 2)) ** 2).sum()

    np.testing.assert_allclose(w.grad.numpy(), fg.grad(penalty)(w.detach().numpy()), rtol=1e-12)


def test_a_tensor_that_requires_grad_flows_through():
    x = fg.tensor(2.0, requires_grad=True)
    g = fg.grad(lambda t: t * t * t)(x)
    assert g.requires_grad
    g.backward()
    assert x.grad.item() == 12.0


def test_arrays_at_the_top_record_nothing_of_trained_tensors():
    w = fg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    g = fg.grad(lambda x: (w * x * x).sum())(A)
    assert type(g) is np.ndarray
    np.testing.assert_array_equal(g, 2 * A * np.array([1.0, 2.0, 3.0]))
    assert w.grad is None


def test_a_gradient_does_not_free_the_graph_of_what_it_closes_over():
    w = fg.tensor(A, requires_grad=True)
    h = np.tanh(w)
    for x in A, fg.tensor(A), fg.tensor(A, requires_grad=True):
        fg.grad(lambda x: (h * x).sum())(x)
    h.sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), 1 - np.tanh(A) ** 2, rtol=1e-15)


def test_under_no_grad_results_are_constants_and_still_right():
    x = fg.tensor(2.0, requires_grad=True)
    with fg.no_grad():
        g = fg.grad(lambda t: t * t * t)(x)
        assert fg.grad(lambda t: t * t)(3.0) == 6.0
        assert not fg.is_grad_enabled()
    assert not g.requires_grad and g.item() == 12.0


def test_an_exception_inside_leaves_the_level_as_it_was():
    w = fg.tensor(2.0, requires_grad=True)

    def bad(x):
        raise KeyError("mine")

    with pytest.raises(KeyError):
        fg.grad(bad)(1.0)
    with pytest.raises(KeyError):
        fg.grad(bad)(A)
    assert type(fg.grad(lambda x: (w * x).sum())(A)) is np.ndarray


# --- vjp, jvp, hvp, jacobian, hessian, elementwise_grad ---


def test_vjp_pulls_back_again_and_again():
    value, pullback = fg.vjp(lambda a, b: {"p": a * b, "s": [a + b]}, A, 2.0)
    np.testing.assert_array_equal(value["p"], 2 * A)
    for scale in 1.0, 3.0:
        ga, gb = pullback({"p": np.full(3, scale), "s": [np.ones(3)]})
        np.testing.assert_array_equal(ga, np.full(3, 2 * scale + 1))
        assert gb == pytest.approx(scale * A.sum() + 3)


def test_vjp_survives_a_later_write_to_its_argument():
    x = A.copy()
    _, pullback = fg.vjp(lambda x: x * x, x)
    x[:] = 0
    np.testing.assert_array_equal(pullback(np.ones(3))[0], 2 * A)


def test_an_array_that_is_used_again_inside_an_outer_function():
    buffer = np.zeros(3)

    def outer(w):
        total = 0.0
        for k in range(3):
            buffer[:] = A + k  # the graph of the last round must not follow
            total = total + (fg.grad(lambda x: (w * x * x * x).sum())(buffer)).sum()
        return total

    np.testing.assert_allclose(fg.grad(outer)(np.ones(3)), 3 * (A**2 + (A + 1) ** 2 + (A + 2) ** 2), rtol=1e-15)


def test_jvp_is_the_jacobian_times_the_tangent():
    def f(x):
        return np.tanh(x) * x[0]

    v = np.array([1.0, -2.0, 0.5])
    value, dy = fg.jvp(f, (A,), (v,))
    np.testing.assert_array_equal(value, f(A))
    np.testing.assert_allclose(dy, fg.jacobian(f)(A) @ v, rtol=1e-14)


def test_jacobian_has_the_shape_of_result_then_argument():
    x = np.arange(6.0).reshape(2, 3)
    j = fg.jacobian(lambda x: (x * x).sum(axis=0))(x)
    assert j.shape == (3, 2, 3)
    np.testing.assert_array_equal(j, np.eye(3)[:, None, :] * 2 * x)
    assert type(fg.jacobian(lambda x: x * x)(3.0)) is np.float64
    assert fg.jacobian(lambda x: x * A)(3.0).shape == (3,)


def test_jacobian_by_rows_and_by_columns_agree():
    w = np.linspace(-1, 1, 15).reshape(5, 3)

    def tall(x):
        return np.tanh(w @ x)  # more results than arguments: by columns

    def wide(z):
        return np.tanh(w.T @ z)

    np.testing.assert_allclose(fg.jacobian(tall)(A), (1 - np.tanh(w @ A) ** 2)[:, None] * w, rtol=1e-13)
    z = np.linspace(0, 1, 5)
    np.testing.assert_allclose(fg.jacobian(wide)(z), (1 - np.tanh(w.T @ z) ** 2)[:, None] * w.T, rtol=1e-13)


def test_jacobian_of_nests_is_a_nest_of_nests():
    j = fg.jacobian(lambda p: {"y": p["a"] * p["b"], "c": 1.0})({"a": A, "b": 2.0})
    np.testing.assert_array_equal(j["y"]["a"], 2 * np.eye(3))
    np.testing.assert_array_equal(j["y"]["b"], A)
    np.testing.assert_array_equal(j["c"]["a"], np.zeros(3))


def test_hessian_of_a_quadratic_form_is_its_matrix():
    m = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.0, -1.0, 4.0]])
    np.testing.assert_array_equal(fg.hessian(lambda x: 0.5 * (x @ m @ x))(A), m)
    h = fg.hessian(lambda a, b: (a * b).sum(), (0, 1))(A, A)
    np.testing.assert_array_equal(h[0][1], np.eye(3))
    np.testing.assert_array_equal(h[0][0], np.zeros((3, 3)))


def test_hvp_is_the_hessian_times_the_tangent():
    v = np.array([1.0, -2.0, 0.5])

    def f(x):
        return (np.tanh(x) * x * x[0]).sum()

    np.testing.assert_allclose(fg.hvp(f, (A,), (v,)), fg.hessian(f)(A) @ v, rtol=1e-13)
    a, b = fg.hvp(lambda a, b: (a * b).sum(), (A, A), (v, 2 * v))
    np.testing.assert_array_equal(a, 2 * v)
    np.testing.assert_array_equal(b, v)


def test_elementwise_grad_of_a_function_of_each_element():
    np.testing.assert_allclose(fg.elementwise_grad(np.tanh)(A), 1 - np.tanh(A) ** 2, rtol=1e-15)
    second = fg.elementwise_grad(fg.elementwise_grad(np.tanh))(A)
    np.testing.assert_allclose(second, -2 * np.tanh(A) * (1 - np.tanh(A) ** 2), rtol=1e-14)


def test_third_derivatives_through_jvp_of_hvp():
    v = np.ones(3)
    _, third = fg.jvp(lambda x: fg.hvp(lambda t: (t * t * t * t).sum(), (x,), (v,)), (A,), (v,))
    np.testing.assert_allclose(third, 24 * A, rtol=1e-14)


def test_jacobians_are_differentiable():
    w = np.linspace(-1, 1, 15).reshape(5, 3)
    for f in (lambda x: np.tanh(w @ x)), (lambda x: np.tanh(w[:2] @ x)):  # by columns, and by rows
        fg.testing.check_grads(fg.jacobian(f), (A,), order=1)
    fg.testing.check_grads(fg.hessian(lambda x: (np.tanh(x) * x[0]).sum()), (A,), order=1)


def test_zero_size_arguments_and_results():
    empty = np.zeros((0, 2))
    value, g = fg.value_and_grad(lambda x: (x * x).sum())(empty)
    assert value == 0.0 and g.shape == (0, 2)
    assert fg.jacobian(lambda x: x * x)(empty).shape == (0, 2, 0, 2)
    assert fg.jacobian(lambda x: np.sum(x) + A)(empty).shape == (3, 0, 2)
    assert fg.hvp(lambda x: (x * x).sum(), (empty,), (empty,)).shape == (0, 2)


# --- complex numbers ---


def test_the_complex_gradient_is_that_of_steepest_ascent():
    z = np.array([1 + 2j, -0.5j])
    np.testing.assert_allclose(fg.grad(lambda z: (z.real * z.real + z.imag * z.imag).sum())(z), 2 * z, rtol=1e-15)


def test_a_holomorphic_jacobian_is_dy_dz():
    z = np.array([1 + 2j, -0.5j])
    np.testing.assert_allclose(fg.jacobian(lambda z: z * z)(z), np.diag(2 * z), rtol=1e-15)
    np.testing.assert_allclose(fg.jvp(lambda z: z * z, (z,), (np.full(2, 1j),))[1], 2j * z, rtol=1e-15)
