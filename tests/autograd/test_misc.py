"""`autograd.misc` and the tools: flat parameters, optimizers, fixed points, comparisons with differences."""

import numpy as np
import pytest

from fastgrad.autograd import grad, jacobian
from fastgrad.autograd.extend import defvjp, primitive
from fastgrad.autograd.misc.fixed_points import fixed_point
from fastgrad.autograd.misc.flatten import flatten, flatten_func
from fastgrad.autograd.misc.optimizers import adam, rmsprop, sgd
from fastgrad.autograd.test_util import check_equivalent, check_grads, combo_check
from fastgrad.autograd.util import quick_grad_check, subval, subvals, toposort
from fastgrad.autograd.wrap_util import unary_to_nary

X = np.array([0.3, 0.7, 1.1])


def test_flatten():
    value = (1.0, X, [np.eye(2), {"y": 2.0, "x": 3.0}], (), 4.0)
    vector, unflatten = flatten(value)
    np.testing.assert_array_equal(vector, [1, 0.3, 0.7, 1.1, 1, 0, 0, 1, 3, 2, 4])
    again = unflatten(vector)
    assert again[2][1] == {"y": 2.0, "x": 3.0}
    assert again[3] == ()
    np.testing.assert_array_equal(flatten(again)[0], vector)
    assert flatten([])[0].shape == (0,)
    assert flatten(1 + 2j)[1](np.array([1 + 2j])) == 1 + 2j


def test_flatten_is_differentiable():
    np.testing.assert_allclose(grad(lambda x: np.sum(flatten([x, {"a": x * x}])[0]))(X), 1 + 2 * X)
    vector, unflatten = flatten({"w": X, "b": 2.0})
    np.testing.assert_allclose(grad(lambda v: np.sum(unflatten(v)["w"] ** 2) * unflatten(v)["b"])(vector)[1:], 4 * X)
    of_vector, unflatten, start = flatten_func(lambda p: {"w": p["b"] * p["w"]}, {"w": X, "b": 2.0})
    np.testing.assert_allclose(of_vector(start), 2 * X)
    assert jacobian(of_vector)(start).shape == (3, 4)


@pytest.mark.parametrize(("optimize", "options"), [(sgd, {}), (rmsprop, {"num_iters": 60}), (adam, {"step_size": 0.1})])
def test_optimizers(optimize, options):
    start, target, seen = {"w": X, "b": [2.0]}, {"w": X[::-1], "b": [-1.0]}, []

    def loss(p, i):
        return np.sum((p["w"] - target["w"]) ** 2) + (p["b"][0] - target["b"][0]) ** 2

    final = optimize(grad(loss), start, callback=lambda p, i, g: seen.append((i, p["b"][0], g["b"][0])), **options)
    assert seen[0] == (0, 2.0, 6.0)
    assert len(seen) == options.get("num_iters", 200 if optimize is sgd else 100)
    np.testing.assert_allclose(final["w"], target["w"], atol=0.05)
    np.testing.assert_allclose(final["b"], target["b"], atol=0.05)


def test_fixed_points():
    def newton(a):
        return lambda x: 0.5 * (x + a / x)

    def root(a):
        return fixed_point(newton, a, 1.0, lambda x, y: abs(x - y), 1e-13)

    assert root(2.0) == pytest.approx(np.sqrt(2.0))
    assert grad(root)(2.0) == pytest.approx(0.5 / np.sqrt(2.0))
    assert grad(grad(root))(2.0) == pytest.approx(-0.25 * 2.0**-1.5)
    g = grad(lambda p: fixed_point(lambda p: newton(p["a"]), p, 1.0, lambda x, y: abs(x - y), 1e-13))({"a": 3.0})
    assert g["a"] == pytest.approx(0.5 / np.sqrt(3.0))


def test_wrong_derivatives_are_found():
    double = primitive(lambda x: 2.0 * x)
    defvjp(double, lambda ans, x: lambda g: 2.001 * g)
    with pytest.raises(AssertionError, match=r"\(VJP\) check of .* failed with arg 1\.0"):
        check_grads(double, modes=["rev"])(1.0)
    with pytest.raises(AssertionError, match="Value mismatch"):
        check_grads(double, modes=["fwd"])(1.0)
    defvjp(double, lambda ans, x: lambda g: 2.0 * slightly_wrong(g))
    with pytest.raises(AssertionError, match=r"\(VJP\) check of vjp_"):
        check_grads(double, modes=["rev"])(1.0)
    with pytest.raises(AssertionError, match="VSpace mismatch"):
        check_equivalent(X, X[:2])
    with pytest.raises(AssertionError, match="modes"):
        check_grads(np.sin, modes=["both"])(1.0)


@primitive
def slightly_wrong(x):
    return x


defvjp(slightly_wrong, lambda ans, x: lambda g: 1.001 * g)


def test_combinations():
    seen = []

    def f(x, y, scale):
        seen.append((np.shape(x), np.shape(y), scale))
        return scale * x * y

    combo_check(f, (0, 1), order=1)([0.3, X], [0.5], scale=[1.0, 2.0])
    assert set(seen) == {((), (), 1.0), ((3,), (), 1.0), ((), (), 2.0), ((3,), (), 2.0)}


def test_old_check():
    with pytest.warns(UserWarning, match="deprecated"):
        quick_grad_check(lambda x, y: x**2 + y, 1.0, (2.0,))


def test_helpers():
    assert subvals((1, 2, 3), [(0, 5), (2, 6)]) == (5, 2, 6)
    assert subval([1, 2], 1, 7) == (1, 7)
    graph = {"d": ["b", "c"], "b": ["a"], "c": ["a", "a"], "a": []}
    order = list(toposort("d", graph.__getitem__))
    assert order[0] == "d"
    assert order[-1] == "a"
    assert sorted(order) == ["a", "b", "c", "d"]


def test_operators_of_users():
    @unary_to_nary
    def halved(fun, x, by=2.0):
        """Return half of the value."""
        return fun(x) / by

    assert halved(lambda x, y: x * y, 1)(3.0, 4.0) == 6.0
    assert halved(lambda x, y: x * y, (0, 1), by=3.0)(3.0, 4.0) == 4.0
    assert halved(lambda x: x)(3.0) == 1.5
    assert halved.__name__ == "halved"
    assert halved(np.sin, 0).__name__ == "halved_of_sin_wrt_argnum_0"
