"""User-defined ops behave as built-in ones, and mistakes in them are reported."""

import math

import numpy as np
import pytest

import fastgrad as fg

A = np.array([0.25, -1.25, 2.0])


@fg.primitive(vjp=lambda g, y: g * y * (1 - y))
def logistic(x):
    """The logistic function, one gate."""
    return 1 / (1 + np.exp(-x))


@fg.primitive(vjp=(lambda g, x2, scale: scale * g * x2, lambda g, x1, scale: scale * g * x1), elementwise=True)
def scaled_product(x1, x2, /, scale=2.0):
    return scale * np.multiply(x1, x2)


def test_a_gate_records_under_its_name():
    x = fg.tensor(A, requires_grad=True)
    y = logistic(x)
    assert y.op == "logistic" and y.operands == (x,)
    y.sum().backward()
    s = 1 / (1 + np.exp(-A))
    np.testing.assert_array_equal(x.grad.numpy(), s * (1 - s))


def test_a_gate_keeps_name_doc_and_signature():
    import inspect

    assert logistic.__name__ == "logistic" and "The logistic function, one gate." in logistic.__doc__
    assert list(inspect.signature(scaled_product).parameters) == ["x1", "x2", "scale"]


def test_an_op_shows_its_signature():
    import inspect
    import pydoc

    assert str(inspect.signature(fg.tanh)) == "(x, /)"
    assert str(inspect.signature(fg.sum)) == "(x, /, axis=None, keepdims=False, *, dtype=None)"
    assert repr(fg.sum) == "<fastgrad function sum(x, /, axis=None, keepdims=False, *, dtype=None)>"
    assert "tanh(x, /)" in pydoc.render_doc(fg.tanh)
    assert not hasattr(type(fg.tanh), "__signature__")


def test_a_gate_passes_the_numerical_check_to_third_order():
    fg.testing.check_grads(logistic, (A,), order=3)
    fg.testing.check_grads(scaled_product, (A, np.ones((2, 1))))
    fg.testing.check_grads(lambda x: scaled_product(x, x, scale=0.5), (A,))


def test_a_gate_is_differentiated_by_every_transform():
    s = 1 / (1 + np.exp(-A))
    np.testing.assert_allclose(fg.elementwise_grad(logistic)(A), s * (1 - s), rtol=1e-15)
    np.testing.assert_allclose(fg.jvp(logistic, (A,), (np.ones(3),))[1], s * (1 - s), rtol=1e-15)
    want = np.diag(s * (1 - s) * (1 - 2 * s))
    np.testing.assert_allclose(fg.hessian(lambda x: logistic(x).sum())(A), want, rtol=1e-14)


def test_a_gate_keeps_float32():
    g = fg.grad(lambda x: logistic(x).sum())(A.astype(np.float32))
    assert g.dtype == np.float32


def test_a_gate_made_of_a_ufunc():
    cbrt = fg.primitive(np.cbrt, vjp=lambda g, y: g / (3 * y * y))
    assert cbrt(8.0).op is None and cbrt(fg.tensor(8.0, requires_grad=True)).op == "cbrt"
    assert fg.grad(cbrt)(8.0) == pytest.approx(1 / 12)
    hypot = fg.primitive(np.hypot, vjp=(lambda g, x1, y: g * x1 / y, lambda g, x2, y: g * x2 / y))
    fg.testing.check_grads(hypot, (A, np.full((2, 1), 2.0)))


def test_a_gate_of_any_number_of_operands():
    @fg.primitive(vjp=lambda g, xs, i: g * xs[1 - i])
    def both(*xs):
        return xs[0] * xs[1]

    fg.testing.check_grads(both, (A, A + 1))


def test_a_gate_with_a_condition_that_has_no_gradient():
    @fg.primitive(vjp=(None, lambda g, mask: g * mask))
    def keep(mask, x):
        return mask * x

    mask = np.array([1.0, 0.0, 1.0])
    np.testing.assert_array_equal(fg.grad(lambda x: keep(mask, x).sum())(A), mask)
    with pytest.warns(fg.GradientWarning, match="seems independent"):
        np.testing.assert_array_equal(fg.grad(lambda m: keep(m, A).sum())(mask), np.zeros(3))


def test_a_gate_may_have_the_name_of_a_built_in_one():
    wrong = fg.primitive(lambda x: np.tanh(x), vjp=lambda g: g * 7, name="tanh")
    x = fg.tensor(A, requires_grad=True)
    (g,) = fg.gradients(wrong(x).sum(), [x])
    np.testing.assert_array_equal(g.numpy(), np.full(3, 7.0))
    (g,) = fg.gradients(np.tanh(x).sum(), [x])
    np.testing.assert_allclose(g.numpy(), 1 - np.tanh(A) ** 2, rtol=1e-15)
    two = fg.primitive(lambda a, b: np.multiply(a, b), vjp=(lambda g: g, lambda g: g), name="multiply")
    (g,) = fg.gradients(two(x, x).sum(), [x])
    np.testing.assert_array_equal(g.numpy(), np.full(3, 2.0))
    np.testing.assert_array_equal((x * 3).detach().numpy(), A * 3)


def test_a_forward_that_returns_its_operand_does_not_share_it():
    same = fg.primitive(lambda x: x, vjp=lambda g: g, name="same")
    x = fg.tensor(A)
    y = same(x)
    x += 1
    np.testing.assert_array_equal(y.numpy(), A)


def gradient_of(vjp, **facts):
    gate = fg.primitive(lambda x: np.tanh(x), vjp=vjp, name="gate", **facts)
    return fg.grad(lambda x: gate(x).sum())


def test_a_rule_that_returns_none_is_named():
    with pytest.raises(TypeError, match="the vjp of 'gate' for 'x' returned None: return zeros, or pass None instead"):
        gradient_of(lambda g: None)(A)


def test_a_rule_that_returns_the_wrong_shape_is_named():
    with pytest.raises(fg.ShapeError, match=r"the vjp of 'gate' .*\(\)"):
        gradient_of(lambda g: g.sum())(A)
    with pytest.raises(fg.ShapeError, match=r"'gate' for 'x' returned shape \(\), the result has \(3,\)"):
        gradient_of(lambda g: g.sum(), elementwise=True)(A)


def test_a_rule_that_returns_integers_is_named():
    with pytest.raises(fg.DTypeError, match="the vjp of 'gate' for 'x' returned int64: a cotangent must be floating"):
        gradient_of(lambda g: np.ones(3, int))(A)


def test_a_rule_that_leaves_the_tensors_gives_first_derivatives_only():
    first = gradient_of(lambda g, y: g.numpy() * (1 - y.numpy() ** 2))
    np.testing.assert_allclose(first(A), 1 - np.tanh(A) ** 2, rtol=1e-15)
    with pytest.raises(fg.NotDifferentiableError, match=r"x\.numpy\(\) of the result of 'gate' inside a transform"):
        fg.jacobian(first)(A)
    first = gradient_of(lambda g, y: g.detach().numpy() * (1 - y.detach().numpy() ** 2))
    with pytest.raises(fg.NotDifferentiableError, match="returned ndarray, not a Tensor, but its derivative is"):
        fg.jacobian(first)(A)


@pytest.mark.parametrize("leave", [math.cos, lambda x: np.cos(x.item()), lambda x: np.cos(float(x))])
def test_a_rule_on_plain_numbers_has_no_second_order(leave):
    sine = fg.primitive(np.sin, vjp=lambda g, x: g * leave(x), name="sine")
    assert fg.grad(sine)(0.5) == math.cos(0.5)
    x = fg.tensor(0.5, requires_grad=True)
    for twice in (
        lambda: fg.grad(fg.grad(sine))(0.5),
        lambda: fg.hessian(sine)(0.5),
        lambda: fg.hvp(sine, (0.5,), (1.0,)),
        lambda: fg.gradients(sine(x), x, create_graph=True),
        lambda: sine(x).backward(create_graph=True),
    ):
        with pytest.raises(fg.NotDifferentiableError, match="its gradient would be lost"):
            twice()
    assert x.item() == 0.5


def test_a_rule_that_names_unknown_words_is_refused_at_once():
    with pytest.raises(TypeError, match="the vjp of 'f' names 'z', which is not an operand or parameter of it"):

        @fg.primitive(vjp=lambda g, z: g * z)
        def f(x):
            return x


def test_a_rule_that_does_not_name_its_cotangent_is_refused_at_once():
    with pytest.raises(TypeError, match="a vjp must be a Python function with a parameter g"):
        fg.primitive(lambda x: x, vjp=lambda y: y, name="f")
    with pytest.raises(TypeError, match=r"a vjp must be a Python function with a parameter g.*got 3"):
        fg.primitive(lambda x: x, vjp=3, name="f")


def test_too_few_rules_are_refused_at_once():
    with pytest.raises(TypeError, match=r"primitive 'f': got 1 vjp\(s\) for 2 operand\(s\), a, b"):
        fg.primitive(lambda a, b: a * b, vjp=lambda g: g, name="f")


def test_a_forward_that_cannot_be_an_op_is_refused():
    with pytest.raises(TypeError, match="the forward must be a Python function or a ufunc, got <class 'int'>"):
        fg.primitive(int, vjp=lambda g: g)
    with pytest.raises(TypeError, match="has 3 operands and 1 results: wrap it in a def"):
        fg.primitive(np.frompyfunc(lambda a, b, c: a, 3, 1), vjp=lambda g: g)
    with pytest.raises(TypeError, match="'f': the forward must name its parameters and have an operand"):
        fg.primitive(lambda **options: 1, vjp=lambda g: g, name="f")
    pair = fg.primitive(lambda x: (x, x), vjp=lambda g: g, name="pair")
    with pytest.raises(TypeError, match="'pair': the forward must return one array, got tuple of 2: pass outputs=2"):
        pair(A)


def test_a_gate_that_bears_the_name_of_a_built_in_op_leaves_that_alone():
    wrong = [
        fg.primitive(ufunc, vjp=(lambda g: g * 0, lambda g: g * 0))
        for ufunc in (np.multiply, np.add, np.subtract, np.divide)
    ]
    x = fg.tensor(A, requires_grad=True)
    y = x * 2
    y *= 3.0
    y += x
    y.sum().backward()
    x.sum().backward()
    assert x.grad.tolist() == [8.0, 8.0, 8.0]
    assert fg.gradients(wrong[0](x, A).sum(), x)[0].tolist() == [0.0, 0.0, 0.0]
