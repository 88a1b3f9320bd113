"""fastgrad.micrograd behaves as micrograd: both Values against the definition and against each other."""

import copy
import math
import pickle

import pytest

import fastgrad as fg
from fastgrad import micrograd
from fastgrad.micrograd import engine, value_python


def test_the_engine_in_use_decides_which_value_it_is():
    assert engine.Value is micrograd.Value
    assert (engine.Value is value_python.Value) == (fg.engine == "python")


def test_every_op_has_the_value_and_the_gradient_that_tensors_have(Value):
    def f(a, b):
        c = a * b + b**3 - (-a) / 2.5
        c = c + c + 1 + a.exp() * 0.1
        c = c + 1 + c - a
        d = c * 2 + (b + a).relu() + (b - a).relu() + b.sigmoid()
        d = d + 3 * d + (b - 5).relu() - a.tanh() + (d * d).log()
        e = c - d / 10.0
        return e**2 / 2.0 + 10.0 / e - 2**-0.5 * e

    a, b = Value(-0.4), Value(2.1)
    y = f(a, b)
    y.backward()
    ta, tb = fg.tensor(-0.4, requires_grad=True), fg.tensor(2.1, requires_grad=True)
    ty = f(ta, tb)
    ty.backward()
    assert y.data == pytest.approx(ty.item(), rel=1e-14)
    assert a.grad == pytest.approx(ta.grad.item(), rel=1e-13)
    assert b.grad == pytest.approx(tb.grad.item(), rel=1e-13)


def test_a_fresh_value(Value):
    a = Value(2.0)
    assert (a.data, a.grad, a._prev, a._op, a.label) == (2.0, 0, set(), "", "")
    assert type(a.grad) is int
    assert repr(a) == "Value(data=2.0, grad=0)"
    assert a._backward() is None
    assert Value(data=1.5, _children=(a,), _op="copy", label="b")._prev == {a}
    assert Value(1.5, grad=2).grad == 2
    with pytest.raises(TypeError):
        Value()


def test_the_nodes_of_an_expression_are_those_of_micrograd(Value):
    a, b = Value(6.0, label="a"), Value(4.0, label="b")

    def words(v):
        return v.label or f"{v._op or v.data}"

    def shape(v):
        return (words(v), sorted((shape(x) for x in v._prev), key=str))

    assert shape(a + b) == ("+", [("a", []), ("b", [])])
    assert shape(a - b) == ("+", [("*", [("-1", []), ("b", [])]), ("a", [])])
    assert shape(a / b) == ("*", [("**-1", [("b", [])]), ("a", [])])
    assert shape(2 - a) == ("+", [("*", [("-1", []), ("a", [])]), ("2", [])])
    assert shape(a - 2) == ("+", [("-2", []), ("a", [])])
    assert shape(2 / a) == ("*", [("**-1", [("a", [])]), ("2", [])])
    assert shape(a / 2) == ("*", [("0.5", []), ("a", [])])
    assert shape(a.relu()) == ("ReLU", [("a", [])])
    assert shape(a**0.5) == ("**0.5", [("a", [])])
    assert [f()._op for f in (a.tanh, a.exp, a.log, a.sigmoid)] == ["tanh", "exp", "log", "sigmoid"]
    assert (a + a)._prev == {a}
    y = a * b
    assert y._prev is y._prev


def test_the_notebooks_walk_over_the_graph(Value):
    def trace(root):
        nodes, edges = set(), set()

        def build(v):
            if v not in nodes:
                nodes.add(v)
                for child in v._prev:
                    edges.add((child, v))
                    build(child)

        build(root)
        return nodes, edges

    x = Value(1.0)
    y = (x * 2 + 1).relu()
    nodes, edges = trace(y)
    assert (len(nodes), len(edges)) == (6, 5)
    y.backward()
    assert x.grad == 2.0
    assert trace(y) == (nodes, edges)


def test_one_node_at_a_time_as_in_the_lecture(Value):
    x, w = Value(2.0), Value(-3.0)
    n = x * w
    o = n.tanh()
    o.grad = 1.0
    o._backward()
    n._backward()
    assert n.grad == pytest.approx(1 - math.tanh(-6.0) ** 2, rel=1e-9)
    assert (x.grad, w.grad) == (-3.0 * n.grad, 2.0 * n.grad)
    n._backward()
    assert x.grad == 2 * (-3.0 * n.grad)


def test_an_op_of_ones_own(Value):
    def cube(v):
        out = Value(v.data**3, (v,), "cube")

        def _backward():
            v.grad += 3 * v.data**2 * out.grad

        out._backward = _backward
        return out

    a = Value(2.0)
    y = cube(a * 3) + cube(a)
    y.backward()
    assert y.data == 216 + 8
    assert a.grad == 3 * 36 * 3 + 12
    assert {v._op for v in y._prev} == {"cube"}
    # A closure in the place of a built-in one.
    b = Value(5.0)
    z = b * 2
    z._backward = lambda: setattr(b, "grad", "seen")
    z.backward()
    assert b.grad == "seen"
    # And a value without one lets nothing through.
    c = Value(1.0)
    Value(2.0, (c,), "?").backward()
    assert c.grad == 0


def test_an_exception_in_a_closure_arrives(Value):
    a = Value(2.0)
    y = a * 3

    def broken():
        raise KeyError("mine")

    y._backward = broken
    with pytest.raises(KeyError, match="mine"):
        y.backward()
    y._prev = {a, 3}
    with pytest.raises(TypeError, match="_prev holds a int"):
        y.backward()


def test_operands_of_ones_own_as_any_iterable(Value):
    a, b = Value(2.0), Value(3.0)
    y = Value(6.0, (v for v in (a, b)), "mine")
    assert y._prev == {a, b}

    def _backward():
        a.grad += b.data * y.grad
        b.grad += a.data * y.grad

    y._backward = _backward
    (y * y).backward()
    assert (a.grad, b.grad) == (36.0, 24.0)


def test_a_second_backward_adds_to_leaves_and_does_not_compound(Value):
    a, b = Value(3.0), Value(4.0)
    y = (a * b + a) * 2
    y.backward()
    once = a.grad, b.grad
    inner = [v.grad for v in y._prev if v._prev]
    y.backward()
    assert (a.grad, b.grad) == (2 * once[0], 2 * once[1]) == (20.0, 12.0)
    assert [v.grad for v in y._prev if v._prev] == inner


def test_identity_is_equality(Value):
    a, b = Value(1.0), Value(1.0)
    assert a == a
    assert a != b
    assert len({a, b, a}) == 2


def test_attributes_of_ones_own_and_subclasses(Value):
    a = Value(1.0)
    a.colour, a.label = "red", "alpha"
    assert (a.colour, a.label) == ("red", "alpha")
    assert {"colour": "red", "label": "alpha"}.items() <= vars(a).items()
    del a.colour
    with pytest.raises(AttributeError, match="colour"):
        a.colour  # noqa: B018

    class Named(Value):
        def __init__(self, data, name):
            super().__init__(data)
            self.name = name

        def double(self):
            return self * 2

    n = Named(4, "n")
    y = n.double() + n - a
    y.backward()
    assert (n.name, n.grad, type(y)) == ("n", 3, Value)
    assert isinstance(1 + n, Value)
    assert (3 * n).data == 12


def test_a_notebook_shows_the_graph(Value):
    a = Value(2.0, label="a")
    y = (a * 3.0).tanh()
    y.backward()
    page = y._repr_html_()
    assert "<svg" in page
    assert all(word in page for word in (">a<", "tanh"))
    for _ in range(100):
        y = y + a
    assert y._repr_html_() is None


def test_copies_and_pickles_carry_the_graph(Value):
    a = Value(2.0, label="a")
    y = (a * -3 + a**2).tanh()
    y.note = [1]
    for twin in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        assert (twin.data, twin._op, twin.note) == (y.data, "tanh", [1])
        twin.backward()
        assert a.grad == 0
        leaves, stack = set(), [twin]
        while stack:
            v = stack.pop()
            stack.extend(v._prev)
            leaves.update({v} if v.label else ())
        assert [leaf.grad for leaf in leaves] == [pytest.approx((1 - y.data**2) * (-3 + 4))]
