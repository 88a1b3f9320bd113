"""Transforms copy their arguments, complex numbers follow one convention, and values stay in the graph of a vjp."""

import copy
import math
import pickle

import numpy as np
import pytest

import fastgrad as fg

A = np.array([0.25, -1.25, 2.0])
Z = np.array([1 + 2j, -0.5j])
W = np.array([0.3 + 1j, 2 - 1j])

# --- what a function writes to its argument never reaches the caller ---

TRANSFORMS = {
    "grad": lambda f, x: fg.grad(f)(x),
    "value_and_grad": lambda f, x: fg.value_and_grad(f)(x)[1],
    "aux": lambda f, x: fg.grad(lambda x: (f(x), 0), has_aux=True)(x)[0],
    "argnums": lambda f, x: fg.grad(lambda a, x: f(x), 1)(1.0, x),
    "nest": lambda f, x: fg.grad(lambda p: f(p["x"]))({"x": x})["x"],
    "vjp": lambda f, x: fg.vjp(f, x)[1](1.0)[0],
    "jvp": lambda f, x: fg.jvp(f, (x,), (np.ones(3),))[1],
    "jvp of Tensors": lambda f, x: fg.jvp(f, (x,), (fg.tensor(np.ones(3)),))[1],
    "hvp": lambda f, x: fg.hvp(f, (x,), (np.ones(3),)),
    "jacobian": lambda f, x: fg.jacobian(f)(x),
    "hessian": lambda f, x: fg.hessian(f)(x),
    "elementwise_grad": lambda f, x: fg.elementwise_grad(f)(x),
    "inner": lambda f, x: fg.grad(lambda w: (fg.grad(lambda x: f(x) * w)(x)).sum())(2.0),
    "inner of a traced one": lambda f, x: fg.grad(lambda x: fg.grad(f)(x).sum())(x),
}
WRITES = {
    "add": lambda x: x.__iadd__(1.0),
    "multiply": lambda x: x.__imul__(2.0),
    "setitem": lambda x: x.__setitem__(0, 5.0),
    "a view": lambda x: x[1:].__iadd__(1.0),
    "what is detached": lambda x: x.detach().__iadd__(1.0),
    "as an array": lambda x: x.detach().numpy(writable=True).__iadd__(1.0),
}
ARGUMENTS = {
    "array": lambda: A.copy(),
    "Fortran": lambda: np.array([[0.0, 0.25], [0.0, -1.25], [0.0, 2.0]], order="F")[:, 1],
    "strided": lambda: np.repeat(A, 2)[::2],
    "Tensor": lambda: fg.tensor(A),
    "leaf": lambda: fg.tensor(A, requires_grad=True),
    "result": lambda: fg.tensor(A, requires_grad=True) * 1,
}


@pytest.mark.parametrize("how", WRITES)
@pytest.mark.parametrize("argument", ARGUMENTS)
@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_write_under_no_grad_stays_inside(name, argument, how):
    x = ARGUMENTS[argument]()

    def f(x):
        with fg.no_grad():
            WRITES[how](x)
        return (x * x * x).sum()

    written = np.array([0.25, -1.25, 2.0])
    WRITES[how](made := fg.tensor(written))
    traced = name in ("inner", "inner of a traced one", "hessian") or argument in ("leaf", "result")
    try:
        got = TRANSFORMS[name](f, x)
    except fg.MutationError:  # the copy of what is traced is a recorded result, and those are not overwritten
        assert traced
        got = None
    np.testing.assert_array_equal(np.asarray(fg.asarray(x).detach()), A)
    if got is not None and name in (
        "grad",
        "value_and_grad",
        "aux",
        "argnums",
        "nest",
        "vjp",
        "jacobian",
        "elementwise_grad",
    ):
        np.testing.assert_allclose(np.asarray(fg.asarray(got).detach()), 3 * made.numpy() ** 2, rtol=1e-14)


@pytest.mark.parametrize("argument", ["array", "Tensor", "leaf"])
def test_what_the_caller_writes_later_changes_no_pullback(argument):
    x = ARGUMENTS[argument]()
    _, pullback = fg.vjp(lambda x: x * x, x)
    with fg.no_grad():
        x += 1
    np.testing.assert_array_equal(np.asarray(fg.asarray(pullback(np.ones(3))[0]).detach()), 2 * A)


# --- complex numbers ---


def real_form(z):
    return (z * np.conj(z)).sum().real ** 2 + (z * z).real.sum()


def test_hvp_of_complex_arguments_is_the_derivative_of_the_gradient():
    np.testing.assert_allclose(
        fg.hvp(real_form, (Z,), (W,)), [29.3 + 63.8j, 46 - 30.2j], rtol=1e-14
    )  # PyTorch's numbers
    np.testing.assert_allclose(fg.jvp(fg.grad(real_form), (Z,), (W,))[1], fg.hvp(real_form, (Z,), (W,)), rtol=1e-14)
    h = 1e-6
    slope = (fg.grad(real_form)(Z + h * W) - fg.grad(real_form)(Z - h * W)) / (2 * h)
    np.testing.assert_allclose(fg.hvp(real_form, (Z,), (W,)), slope, rtol=1e-8)
    a, b = fg.hvp(lambda z, x: (abs(z) ** 2).sum() * x, (Z, 2.0), (W, 1.0))
    np.testing.assert_allclose(a, 4 * W + 2 * Z, rtol=1e-14)
    assert b == pytest.approx(2 * np.vdot(Z, W).real)


CONJUGATED = {
    "z conj(z)": lambda z: z * np.conj(z),
    "conj": np.conj,
    "real part": lambda z: z.real * z,
    "abs": lambda z: np.abs(z) * z,
    "one element of several": lambda z: z * fg.stack([z[0], np.conj(z[1])]),
    "a sum": lambda z: (z * np.conj(z)).sum() + 0 * z.sum(),
    "many results": lambda z: np.conj(z)[:, None] * np.ones((1, 5)),
    "nest": lambda z: {"a": z * z, "b": z.imag * z},
}


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
@pytest.mark.parametrize("name", CONJUGATED)
def test_jacobian_refuses_what_is_not_holomorphic_by_rows_and_by_columns(name, dtype):
    with pytest.raises(fg.NotDifferentiableError, match=r"jacobian: the function is not holomorphic.*use vjp or jvp"):
        fg.jacobian(CONJUGATED[name])(Z.astype(dtype))


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
@pytest.mark.parametrize(
    "f", [lambda z: z * z, np.exp, lambda z: (z * z).sum(), lambda z: np.sin(z)[:, None] * A, lambda z: z]
)
def test_jacobian_of_what_is_holomorphic_is_dy_dz(f, dtype):
    z, v = Z.astype(dtype), W.astype(dtype)
    j = fg.jacobian(f)(z)
    assert j.dtype == (dtype if "A" not in f.__code__.co_names else np.complex128) if hasattr(f, "__code__") else dtype
    np.testing.assert_allclose(j @ v, fg.jvp(f, (z,), (v,))[1], rtol=2e-6 if dtype is np.complex64 else 1e-13)


def test_hessian_refuses_a_gradient_that_is_not_holomorphic():
    with pytest.raises(fg.NotDifferentiableError, match=r"hessian: the gradient is not holomorphic.*or use hvp"):
        fg.hessian(real_form)(Z)
    np.testing.assert_allclose(fg.hessian(lambda z: (abs(z) ** 2).sum())(Z), 2 * np.eye(2), atol=1e-15)


# --- values stay in the graph where the sweep itself is recorded ---


def by_math(g, x):
    return g * math.cos(x)


LEAVING = {
    "math": by_math,
    "float": lambda g, x: g * np.cos(float(x)),
    "item": lambda g, x: g * np.cos(x.item()),
    "tolist": lambda g, x: g * np.cos(x.tolist()),
    "numpy": lambda g, x: g * np.cos(x.numpy()),
    "np.float64": lambda g, x: g * np.cos(np.float64(x)),
    "complex": lambda g, x: g * np.cos(complex(x).real),
    "tensor": lambda g, x: g * np.cos(fg.tensor(x)),
    "deepcopy": lambda g, x: g * np.cos(copy.deepcopy(x)),
    "copy": lambda g, x: g * np.cos(copy.copy(x)),
    "pickle": lambda g, x: g * np.cos(pickle.loads(pickle.dumps(x))),
    "of the cotangent": lambda g, x: float(g) * np.cos(x),
}


@pytest.mark.parametrize("leaf", [False, True])
@pytest.mark.parametrize("name", LEAVING)
def test_a_vjp_on_plain_numbers_gives_no_silent_second_order(name, leaf):
    sine = fg.primitive(lambda x: np.sin(x), vjp=LEAVING[name], name="sine")
    x = fg.tensor(0.7, requires_grad=True)
    y = sine(x if leaf else x * 1)
    if leaf or name not in ("deepcopy", "pickle"):  # of results there are no such copies
        (g,) = fg.gradients(y, x, retain_graph=True)
        assert g.item() == pytest.approx(np.cos(0.7), rel=1e-15)
    y = sine(x if leaf else x * 1)
    ways = [
        lambda: fg.gradients(fg.gradients(y, x, create_graph=True)[0], x)[0].item(),
        lambda: fg.grad(fg.grad(sine if leaf else lambda x: sine(x * 1)))(0.7),
        lambda: fg.hvp(sine if leaf else lambda x: sine(x * 1), (0.7,), (1.0,)),
    ]
    for way in ways:
        try:
            second = way()
        except (fg.NotDifferentiableError, fg.BackwardError):  # refused, by name
            continue
        assert second == pytest.approx(-np.sin(0.7), rel=1e-12)


@pytest.mark.parametrize("how", ["tensor", "copy", "deepcopy", "pickle"])
def test_a_traced_value_is_not_copied_out_of_the_graph(how):
    ways = {
        "tensor": fg.tensor,
        "copy": copy.copy,
        "deepcopy": copy.deepcopy,
        "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    }
    for f in (lambda x: ways[how](x) * x, lambda x: ways[how](x * 1) * x):
        try:
            g = fg.grad(f)(3.0)
        except (fg.NotDifferentiableError, fg.BackwardError):
            continue
        assert how == "copy" and g == 6.0
