"""Values of types that the engine does not know, nodes that a user defines, and vector spaces."""

from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.autograd import elementwise_grad, grad, make_jvp, make_vjp, value_and_grad
from fastgrad.autograd.core import VJPNode, backward_pass
from fastgrad.autograd.extend import Box, JVPNode, VSpace, defjvp, defvjp, primitive, vspace
from fastgrad.autograd.misc import const_graph
from fastgrad.autograd.misc.tracers import full_graph
from fastgrad.autograd.numpy.numpy_boxes import ArrayBox
from fastgrad.autograd.numpy.numpy_vspaces import ArrayVSpace, ComplexArrayVSpace
from fastgrad.autograd.test_util import check_grads
from fastgrad.autograd.tracer import Node, trace

X = np.array([0.3, 0.7, 1.1])


class Pair:
    def __init__(self, a, b):
        self.a, self.b = a, b


class PairBox(Box):
    __slots__ = ()
    a = property(lambda self: first(self))
    b = property(lambda self: second(self))


class PairVSpace(VSpace):
    def __init__(self, value):
        pass

    def zeros(self):
        return Pair(0.0, 0.0)

    def _add(self, x, y):
        return Pair(x.a + y.a, x.b + y.b)

    _mut_add = _add


@primitive
def first(pair):
    return pair.a


@primitive
def second(pair):
    return pair.b


@primitive
def swapped(pair):
    return Pair(pair.b, pair.a)


defvjp(first, lambda ans, pair: lambda g: Pair(g, 0.0))
defvjp(second, lambda ans, pair: lambda g: Pair(0.0, g))
defvjp(swapped, lambda ans, pair: lambda g: Pair(g.b, g.a))
defjvp(first, lambda g, ans, pair: g.a)
defjvp(second, lambda g, ans, pair: g.b)
PairBox.register(Pair)
PairVSpace.register(Pair)


def f(pair):
    return np.sin(pair.a) * pair.b + pair.a**2 / 2.0


def test_gradients_of_own_types():
    g = grad(f)(Pair(1.0, 2.0))
    assert type(g) is Pair
    assert g.a == pytest.approx(2 * np.cos(1.0) + 1.0)
    assert g.b == pytest.approx(np.sin(1.0))
    value, g = value_and_grad(lambda k, pair: k * f(swapped(pair)), 1)(3.0, Pair(1.0, 2.0))
    assert value == pytest.approx(3 * (np.sin(2.0) + 2.0))
    assert g.a == pytest.approx(3 * np.sin(2.0))
    vjp, value = make_vjp(f)(Pair(1.0, 2.0))
    assert vjp(2.0).b == pytest.approx(2 * np.sin(1.0))
    value, tangent = make_jvp(f)(Pair(1.0, 2.0))(Pair(1.0, 0.0))
    assert tangent == pytest.approx(2 * np.cos(1.0) + 1.0)
    with pytest.raises(TypeError, match="real scalar-output"):
        grad(lambda pair: pair.a * X)(Pair(1.0, 2.0))
    assert elementwise_grad(lambda pair: pair.a * X)(Pair(1.0, 2.0)).a == pytest.approx(X.sum())


def test_own_types_among_arrays():
    ga, pair = grad(lambda a, pair: np.sum(a * pair.b) + pair.a, (0, 1))(X, Pair(1.0, 2.0))
    np.testing.assert_array_equal(ga, [2.0, 2.0, 2.0])
    assert (pair.a, pair.b) == (1.0, pytest.approx(X.sum()))


# --- nodes of a user


class Recording(Node):
    """Keeps the names of the functions that were called."""

    __slots__ = ("names", "parents", "value")

    def __init__(self, value, fun, args, kwargs, parent_argnums, parents):
        self.value, self.parents = value, parents
        self.names = [*(name for parent in parents for name in parent.names), fun.__name__]

    def initialize_root(self, value):
        self.value, self.names, self.parents = value, [], []


def test_functions_are_recorded_by_name():
    value, node = trace(Recording.new_root(1.5), lambda x: 1 / (1 + np.exp(-x)), 1.5)
    assert value == pytest.approx(1 / (1 + np.exp(-1.5)))
    assert node.names == ["negative", "exp", "add", "divide"]
    value, node = trace(Recording.new_root(X), lambda x: np.sum(x[1:] @ x[:2]) + np.concatenate([x, x]).mean(), X)
    assert value == pytest.approx(X[1:] @ X[:2] + X.mean())
    assert {"__getitem__", "matmul", "sum", "concatenate", "mean"} <= set(node.names)


def test_the_box_of_an_own_node_passes_for_an_arraybox():
    def look(x):
        assert isinstance(x, ArrayBox)
        assert type(x).__name__ == "ArrayBox"
        assert (x.shape, x.ndim, x.size, x.dtype, len(x)) == ((3,), 1, 3, np.dtype(float), 3)
        assert (x > 0.5)._value.tolist() == [False, True, True]
        assert type(x._node) is Recording
        assert "with value [0.3 0.7 1.1]" in str(x)
        return x.sum() + x.T.astype(np.float32).max() + abs(-x)[0] + (2.0 - x)[1] + sum(x * x)

    assert trace(Recording.new_root(X), look, X)[0] == pytest.approx(X.sum() + 1.1 + 0.3 + 1.3 + np.sum(X**2))
    with pytest.raises(TypeError, match="lose the trace"):
        trace(Recording.new_root(X), lambda x: np.asarray(x, float), X)


def test_gradients_inside_a_trace_are_traced():
    value, node = trace(Recording.new_root(2.0), lambda x: grad(lambda y: np.sin(y) * y)(x), 2.0)
    assert value == pytest.approx(np.cos(2.0) * 2.0 + np.sin(2.0))
    assert "vjp_sin" in node.names


def test_a_trace_of_constants_warns():
    with pytest.warns(UserWarning, match="independent"):
        assert trace(Recording.new_root(2.0), lambda x: 5.0, 2.0) == (5.0, None)
    with pytest.warns(UserWarning, match="independent"):
        assert trace(VJPNode.new_root(), lambda x: 5.0, 2.0) == (5.0, None)


def test_gradients_of_constants_around_which_a_trace_runs_are_refused():
    with pytest.raises(fg.NotDifferentiableError, match="trace"):
        trace(Recording.new_root(2.0), lambda x: grad(lambda y: y * x)(3.0), 2.0)


def test_a_node_class_needs_its_methods():
    with pytest.raises(TypeError, match="Node defines no initialize_root"):
        Node.new_root()
    with pytest.raises(TypeError, match="Node defines no __init__"):
        Node(1.0, None, (), {}, (), ())


def test_traces_in_both_modes():
    value, node = trace(VJPNode.new_root(), lambda x: x[0] * x[1], [2.0, 3.0])
    assert value == 6.0
    assert backward_pass(1.0, node) == [3.0, 2.0]
    value, node = trace(JVPNode.new_root(1.0), lambda x: np.sin(x) * x, 2.0)
    assert node.g == pytest.approx(np.cos(2.0) * 2.0 + np.sin(2.0))


def test_const_graph_runs_the_function_once():
    calls = []

    def h(x, y):
        calls.append(1)
        return grad(lambda z: np.sin(z) + z * 2)(x * y)

    replayed = const_graph(h)
    for args in (0.0, 0.0), (1.0, 0.5), (2.0, 3.0):
        assert replayed(*args) == pytest.approx(h(*args))
    assert len(calls) == 4
    fixed = const_graph(lambda x, y: x["a"] * y, {"a": 3.0})
    assert fixed(2.0) == 6.0
    with pytest.raises(ValueError, match="independent"), pytest.warns(UserWarning, match="independent"):
        const_graph(lambda x: 1.0)(2.0)


def test_full_graph():
    node = full_graph(lambda x: np.sin(x) * 2, 1.0)
    fun, _, _, parents = node.recipe
    assert fun.__name__ == "multiply"
    assert node.value == pytest.approx(2 * np.sin(1.0))
    ((place, parent),) = parents
    assert place == 0
    assert parent.recipe[0].__name__ == "sin"


# --- vector spaces


@pytest.mark.parametrize(
    "value", [0.0, X, 1j * np.ones((2, 1)), [1.0, X], (1.0, {"a": X}), {"x": [0.0, X], "y": ({"a": 0j},)}]
)
def test_spaces(value):
    vs = vspace(value)
    zero, one, x, y = vs.zeros(), vs.ones(), vs.randn(), vs.randn()
    assert vs == vspace(zero) == vspace(one) == vspace(x) == vspace(vs.add(x, y)) == vspace(vs.scalar_mul(x, 2.0))
    basis = list(vs.standard_basis())
    assert len(basis) == vs.size
    for j, u in enumerate(basis):
        for k, v in enumerate(basis):
            assert vs.inner_prod(u, v) == (j == k)
    total = zero
    for u in basis:
        total = vs.mut_add(total, u)
    assert vs.inner_prod(vs.add(total, vs.scalar_mul(one, -1.0)), x) == 0.0
    assert vs.inner_prod(x, y) == pytest.approx(vs.inner_prod(y, x))
    assert vs.inner_prod(vs.mut_add(None, x), x) == pytest.approx(vs.inner_prod(x, x))
    assert vs != vspace([value, value])


class Point(NamedTuple):
    x: float
    y: np.ndarray


def test_spaces_of_subclasses_of_containers():
    vs = vspace(Point(1.0, X))
    assert type(vs.zeros()) is Point
    assert vs.inner_prod(Point(1.0, X), Point(2.0, X)) == pytest.approx(2.0 + X @ X)
    assert vs == vspace(Point(3.0, X))
    g = grad(lambda p: p.x * np.sum(p.y))(Point(2.0, X))
    assert type(g) is Point
    assert g.y.tolist() == [2.0, 2.0, 2.0]
    check_grads(lambda p: p.x * np.sum(p.y**2))(Point(2.0, X))
    check_grads(lambda d: d["x"] * np.sum(d["y"] ** 2))(OrderedDict(y=X, x=0.5))


def test_the_spaces_of_arrays():
    assert type(vspace(X)) is ArrayVSpace
    assert type(vspace(X + 0j)) is ComplexArrayVSpace
    assert vspace(X) != vspace(X[:2])
    assert vspace(X) != vspace(X.astype(np.float32))
    assert vspace(2.0) == vspace(np.float64(2.0))
    assert repr(vspace(2.0)) == "ArrayVSpace_{'shape': (), 'dtype': dtype('float64')}"
    assert type(vspace(np.linalg.svd(np.eye(2)))).__name__ == "SVDResultVSpace"
    with pytest.raises(TypeError, match="Can't find vector space for value 'text'"):
        vspace("text")
    found = []
    grad(lambda x: found.append(vspace(x)) or np.sum(x))(X)
    assert found[0] == vspace(X)
