"""Transforms raise errors that name the transform, the argument and the remedy."""

import numpy as np
import pytest

import fastgrad as fg

A = np.array([0.25, -1.25, 2.0])


def energy(x):
    return (np.tanh(x) * x).sum()


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        (3, r"grad: argument 0 is int \(3\); only floating and complex values have a gradient. Pass a float"),
        (np.arange(3), "argument 0 is int64; .* Convert it to a floating dtype first"),
        (True, r"argument 0 is bool \(True\)"),
        ({"w": [1.0, 2]}, r"argument 0\['w'\]\[1\] is int \(2\)"),
        ("text", "argument 0 is str; .* Pass arrays, numbers, Tensors"),
    ],
    ids=["int", "array", "bool", "nested", "str"],
)
def test_what_has_no_gradient_is_refused_by_place(argument, text):
    with pytest.raises(fg.NotDifferentiableError, match=text):
        fg.grad(lambda x: x)(argument)


def test_a_place_after_the_first_argument_is_named():
    with pytest.raises(fg.NotDifferentiableError, match=r"argument 2\[1\] is int \(4\)"):
        fg.grad(lambda a, b, c: a, (0, 2))(1.0, 2.0, [1.0, 4])


def test_a_result_of_several_elements_is_refused_by_grad():
    for x in A, [A]:
        with pytest.raises(fg.ShapeError, match=r"must return one number, got shape \(3,\). Sum or average it, or"):
            fg.grad(lambda x: x * 2 if isinstance(x, fg.Tensor) else x[0] * 2)(x)
    assert fg.grad(lambda x: x[:1] * 2)(A)[0] == 2.0


def test_a_complex_result_is_refused_by_grad():
    with pytest.raises(fg.NotDifferentiableError, match=r"must return a real floating number, got complex128. Take"):
        fg.grad(lambda z: z * z)(1 + 1j)


def test_a_result_that_is_no_number_is_refused():
    with pytest.raises(TypeError, match="grad: the function must return a Tensor, an array or a number, got NoneType"):
        fg.grad(lambda x: None)(A)
    with pytest.raises(TypeError, match="got str"):
        fg.vjp(lambda x: "no", A)


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match=r"grad takes a function, got Tensor: .* use fg.gradients\(outputs, inputs\)"):
        fg.grad(fg.tensor(1.0))
    with pytest.raises(TypeError, match="hessian takes a function, got float"):
        fg.hessian(1.0)


def test_argnums_that_cannot_be_are_refused():
    with pytest.raises(TypeError, match="argnums must be an int or a tuple of ints, got 'x'"):
        fg.grad(energy, "x")
    with pytest.raises(TypeError, match="argnums selects argument 1 of a call with 1 positional arguments"):
        fg.grad(energy, 1)(A)
    with pytest.raises(TypeError, match=r"argnums selects argument -1 twice: \(1, -1\)"):
        fg.grad(energy, (1, -1))(A, A)
    with pytest.raises(TypeError, match="nothing to differentiate"):
        fg.grad(energy)(None)


def test_cotangents_and_tangents_must_fit():
    _, pullback = fg.vjp(lambda x: (x, x), A)
    with pytest.raises(TypeError, match="vjp: the cotangents must be nested as the values"):
        pullback(A)
    with pytest.raises(fg.ShapeError, match=r"vjp: cotangent 1 has shape \(2,\), its value has shape \(3,\)"):
        pullback((A, A[:2]))
    with pytest.raises(fg.ShapeError, match=r"jvp: tangent 0 has shape \(\), its value has shape \(3,\)"):
        fg.jvp(energy, (A,), (1.0,))
    with pytest.raises(fg.NotDifferentiableError, match="tangent 0 is complex128, its value is float64"):
        fg.hvp(energy, (A,), (A * 1j,))
    with pytest.raises(TypeError, match="jvp: primals must be a tuple with one entry per argument"):
        fg.jvp(energy, A, A)


def test_has_aux_wants_a_pair():
    with pytest.raises(TypeError, match="with has_aux=True the function must return a pair"):
        fg.grad(energy, has_aux=True)(A)


def test_a_jacobian_that_mixes_real_and_complex_is_refused():
    with pytest.raises(fg.NotDifferentiableError, match="must be all real, or all complex"):
        fg.jacobian(lambda x: x * (1 + 1j))(A)
