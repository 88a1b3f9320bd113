"""What a differentiated function receives: a Tensor that looks as autograd's ArrayBox does."""

import copy
import gc
import pickle
import threading

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import autograd
from fastgrad.autograd import _nodes, grad, jacobian
from fastgrad.autograd.core import VJPNode, backward_pass
from fastgrad.autograd.extend import Box, VSpace, primitive
from fastgrad.autograd.numpy.numpy_boxes import ArrayBox
from fastgrad.autograd.numpy.numpy_vspaces import ArrayVSpace
from fastgrad.autograd.tracer import getval, isbox, new_box, trace

X = np.array([0.3, 0.7, 1.1])


def seen(look, x=X):
    """Return what `look` returns for the box of `x`."""
    found = []

    def f(box):
        found.append(look(box))
        return np.sum(box)

    grad(f)(x)
    return found[0]


def test_the_class_and_where_it_says_it_is():
    assert seen(type) is ArrayBox
    assert ArrayBox.__module__ == "autograd.numpy.numpy_boxes"
    assert str(ArrayBox) == "<class 'autograd.numpy.numpy_boxes.ArrayBox'>"
    assert seen(lambda x: isinstance(x, Box) and isinstance(x, fg.Tensor))
    assert seen(isbox)
    assert seen(lambda x: isbox(x * 2) and isbox(np.sin(x)) and isbox(x[0]) and isbox(x.T))
    assert not isbox(X)
    assert not isbox(fg.tensor(X))


def test_text():
    assert seen(str, 1.5) == seen(repr, 1.5) == "Autograd ArrayBox with value 1.5"
    original = Box.__str__
    try:
        Box.__str__ = lambda self: f"<{self._value}>"
        assert seen(str, 1.5) == "<1.5>"
    finally:
        Box.__str__ = original


def test_values():
    value = seen(lambda x: x._value)
    assert type(value) is np.ndarray
    np.testing.assert_array_equal(value, X)
    value[0] = 5.0  # the user's own
    assert type(seen(lambda x: x._value, 2.0)) is np.float64
    assert seen(lambda x: getval(x * 2).tolist()) == (2 * X).tolist()
    assert getval(3) == 3


def test_comparisons_are_numpys():
    for look in (
        lambda x: x > 0.5, lambda x: x > 0.5, lambda x: x != X, lambda x: x == x, lambda x: np.greater(x, 0.5),
        lambda x: np.isfinite(x), lambda x: np.isclose(x, X),
    ):  # fmt: skip
        found = seen(look)
        assert type(found) is np.ndarray
        assert found.dtype == bool
    assert type(seen(lambda x: x > 0.5, 1.0)) in (bool, np.bool_)
    assert type(seen(lambda x: x.argmax())) is np.int64
    assert seen(lambda x: X[x.argsort()[0]]) == 0.3
    assert type(seen(lambda x: x.any())) is np.bool_
    assert seen(lambda x: (x.shape, x.ndim, x.size, x.dtype, len(x))) == ((3,), 1, 3, np.dtype(float), 3)
    assert grad(lambda x: x * 2 if x > 0 else x)(1.0) == 2.0


def test_levels():
    def f(x):
        levels = [x._trace]
        grad(lambda y: levels.append(y._trace) or y * x)(2.0)
        assert levels == [0, 1]
        return x

    grad(f)(1.0)


def test_the_value_inside_two_transforms_is_a_box_of_the_outer_one():
    """A product with it keeps the outer gradient, and is a constant for the inner one."""

    def inner(y):
        assert isbox(y._value)
        assert not isbox(y._value._value)
        return np.sum((y * y)._value * y)

    # The inner gradient is y**2 of the outer variable, whose own is 2 y.
    np.testing.assert_allclose(grad(lambda x: np.sum(grad(inner)(x)))(X), 2 * X)


def test_a_value_that_may_belong_to_the_outer_transform_is_refused():
    def outer(x):
        return np.sum(grad(lambda y: np.sum((x * y)._value * y))(np.ones(3))) + np.sum(x)

    with pytest.raises(fg.NotDifferentiableError, match="inside two transforms"):
        grad(outer)(X)
    texts = []
    grad(lambda x: np.sum(grad(lambda y: texts.append(str(x * y)) or np.sum(x * y))(np.ones(3))))(X)
    assert texts == ["Autograd ArrayBox with value [0.3 0.7 1.1]"]


# --- arrays of boxes, copies


def test_arrays_of_boxes_hold_boxes():
    def f(x):
        found = np.asarray([x, 1.0, x * 2])
        assert found.dtype == object
        assert [isbox(item) for item in found] == [True, False, True]
        assert np.array(x).dtype == object
        return found[0] * found[2]

    assert grad(f)(3.0) == 12.0
    np.testing.assert_array_equal(grad(lambda x: np.asarray(x * 2).sum())(X), [2.0, 2.0, 2.0])


@pytest.mark.parametrize("convert", [float, lambda x: np.asarray(x, float), lambda x: complex(x)])
def test_conversions_that_lose_a_gradient_are_refused(convert):
    with pytest.raises(TypeError, match=r"gradient would be lost|would lose its gradient"):
        grad(lambda x: convert(x) * x)(1.0)


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda x: copy.deepcopy({"x": [x]})["x"][0], lambda x: pickle.loads(pickle.dumps(x))],
)
def test_copies_keep_gradients(duplicate):
    def f(x):
        y = duplicate(x * 1.0)
        assert type(y) is ArrayBox
        y[0] = 0.0
        return np.sum(y**2) + np.sum(x)

    np.testing.assert_allclose(grad(f)(X), [1.0, 1 + 2 * 0.7, 1 + 2 * 1.1])


def test_boxes_pickled_by_others_are_refused():
    data = seen(lambda x: [pickle.dumps(x * float(k)) for k in range(300)])
    seen(lambda x: [pickle.dumps(x) for _ in range(800)])  # the first ones are forgotten when their transform is over
    with pytest.raises(fg.NotDifferentiableError, match="unpickling"):
        pickle.loads(data[0])


def test_augmented_assignment_rebinds_the_name():
    """`x += y` is `x = x + y` for boxes: inputs, and values that have other names, are not written."""

    def f(x):
        total, other = x[0], x
        total += 1.0
        x *= 2.0
        x -= total
        x /= 4.0
        x **= 2
        return np.sum(x) + np.sum(other)

    def same(x):
        return np.sum(((2.0 * x - (x[0] + 1.0)) / 4.0) ** 2) + np.sum(x)

    np.testing.assert_allclose(grad(f)(X), grad(same)(X))

    def of_items(x):
        y = x * 1.0
        y[1] += x[0]
        y[1] *= x[2]
        return y[1] + np.sum(y)

    np.testing.assert_allclose(grad(of_items)(X), [1 + 2 * 1.1, 2 * 1.1, 1 + 2 * (0.7 + 0.3)])


def test_assignment():
    def f(x):
        y = x * 1.0
        y[1] = x[0] * x[0]
        return np.sum(y)

    np.testing.assert_allclose(grad(f)(X), [1.6, 0.0, 1.0])

    def to_input(x):
        x[0] = 1.0
        return np.sum(x)

    with pytest.raises(TypeError, match=r"x = x\.copy\(\)"):
        grad(to_input)(X)


# --- classes of users


class Labelled:
    """An array-like with operators of its own, as xarray's: the result holds boxes."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return Labelled(getattr(ufunc, method)(*(getattr(x, "values", x) for x in inputs), **kwargs))

    def __mul__(self, other):
        return Labelled(self.values * getattr(other, "values", other))

    __rmul__ = __mul__


@pytest.mark.parametrize("multiply", [lambda x, y: x * y, lambda x, y: y * x, np.multiply, lambda x, y: np.sin(y * x)])
def test_array_likes_with_operators_of_their_own(multiply):
    def f(x):
        y = multiply(x, Labelled(X))
        assert type(y) is Labelled
        return np.sum(y.values * (Labelled(X) * x).values)

    h, at = 1e-6, 2.0
    numbers = [multiply(Labelled(X), at + s * h).values @ (X * (at + s * h)) for s in (1, -1)]
    assert grad(f)(at) == pytest.approx((numbers[0] - numbers[1]) / (2 * h))


def test_no_attribute_loses_the_gradient():
    assert not seen(lambda x: hasattr(x, "data"))


def test_attributes_of_the_class():
    try:
        ArrayBox.doubled = lambda self: 2 * self
        assert grad(lambda x: (x * 3).doubled())(1.0) == 6.0
    finally:
        del ArrayBox.doubled


def test_a_registered_box_and_its_type():
    class Labelled(np.ndarray):
        pass

    class LabelledBox(ArrayBox):
        __slots__ = ()

        def doubled(self):
            return 2 * self

    try:
        LabelledBox.register(Labelled)
        VSpace.register(Labelled, lambda value: ArrayVSpace(np.asarray(value)))
        g = grad(lambda x: np.sum((x * 3).doubled()))(X.view(Labelled))
        np.testing.assert_array_equal(np.asarray(g), [6.0, 6.0, 6.0])
        g = grad(lambda d: np.sum(d["x"].doubled() * d["y"]))({"x": X.view(Labelled), "y": X})
        np.testing.assert_allclose(g["x"], 2 * X)
    finally:
        del Box.type_mappings[Labelled], VSpace.mappings[Labelled]


def test_a_function_may_make_the_boxes_of_a_type():
    class Constant(np.ndarray):
        pass

    def box(value, *args):
        if value.flags.writeable:
            return ArrayBox(np.asarray(value), *args)
        raise ValueError("not trainable")

    try:
        Box.type_mappings[Constant] = box
        np.testing.assert_allclose(grad(lambda x: np.sum(x**2))(X.view(Constant)), 2 * X)
        frozen = X.view(Constant)
        frozen.flags.writeable = False
        with pytest.raises(ValueError, match="not trainable"):
            grad(lambda x: np.sum(x**2))(frozen)
    finally:
        del Box.type_mappings[Constant]


def test_the_box_of_arrays_can_be_replaced():
    class Extended(ArrayBox):
        __slots__ = ()

    try:
        Extended.register(np.ndarray)
        assert seen(type) is Extended
        assert type(seen(lambda x: x * 2)) is Extended
    finally:
        ArrayBox.register(np.ndarray)
    assert seen(type) is ArrayBox


# --- nodes


def test_new_boxes_and_backward_pass():
    node = VJPNode.new_root()
    x = new_box(3.0, 0, node)
    y = x * x + 1
    assert type(y) is ArrayBox
    assert y._value == 10.0
    assert backward_pass(2.0, y._node) == 12.0
    assert backward_pass(np.float64(1.0), y._node) == 6.0
    assert backward_pass(1.0, node) == 1.0
    assert x._node is node


def test_the_root_of_a_graph_is_found():
    one, other = VJPNode.new_root(), VJPNode.new_root()
    x, y = new_box(2.0, 0, one), new_box(3.0, 0, other)
    parents = (x * y)._node.parents
    assert parents[0] is one
    assert parents[1] is other
    assert (x * y)._node.vjp(1.0) == (3.0, 2.0)
    assert new_box(5.0, 0, one)._value == 5.0  # a second value at the same root
    assert backward_pass(1.0, (x * new_box(5.0, 0, one))._node) == 7.0


def test_a_box_as_cotangent_gives_a_box():
    x, g = new_box(3.0, 0, VJPNode.new_root()), new_box(2.0, 0, VJPNode.new_root())
    pulled = backward_pass(g, (x * x)._node)
    assert type(pulled) is ArrayBox
    assert pulled._value == 12.0
    assert backward_pass(1.0, (pulled * 1.0)._node) in (6.0, 4.0)  # of either root


def test_nodes_are_the_same_while_they_live():
    def look(x):
        y = x * 2
        node = y._node
        assert node is y._node
        assert node.parents[0] is x._node
        assert type(node) is VJPNode
        (g,) = node.vjp(np.ones(3))
        assert g.tolist() == [2.0, 2.0, 2.0]
        again = type(y)(y._value, y._trace, y._node)
        assert again is y
        return True

    assert seen(look)
    gc.collect()
    assert not _nodes._views


def test_threads_have_levels_of_their_own():
    levels, barrier = [], threading.Barrier(4)

    def f(x):
        barrier.wait(10)
        levels.append(x._trace)
        return np.sum(x**2)

    threads = [threading.Thread(target=lambda: grad(f)(X)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert levels == [0] * 4


# --- autograd.builtins


def test_builtins_look_at_values():
    def look(x):
        assert autograd.isinstance(x, np.ndarray)
        assert autograd.type(x) is np.ndarray
        assert autograd.isinstance(x[0], float)
        assert autograd.type(x[0]) is np.float64
        assert autograd.isinstance([x], autograd.list)
        return True

    assert seen(look)
    assert autograd.isinstance((), autograd.tuple)
    assert type(autograd.tuple([1, 2])) is tuple
    assert type(autograd.list((1, 2))) is list
    assert autograd.dict({"a": 1}, b=2) == {"a": 1, "b": 2}
    assert autograd.isinstance({}, autograd.dict)
    g = jacobian(lambda x: np.stack(autograd.list((x, x * x))))(2.0)
    np.testing.assert_array_equal(g, [1.0, 4.0])


def test_deep_graphs():
    @primitive
    def identity(x):
        return x

    autograd.extend.defvjp(identity, lambda ans, x: lambda g: g)

    def f(x):
        for _ in range(5000):
            x = identity(x + 1.0)
        return x

    assert grad(f)(1.0) == 1.0


def test_roots_whose_value_is_zero_or_an_array():
    for x in 0.0, X:
        _, node = trace(VJPNode.new_root(), lambda y: np.sum(y * y + y), x)
        np.testing.assert_allclose(backward_pass(1.0, node), 2 * x + 1)
        np.testing.assert_allclose(backward_pass(np.float64(2.0), node), 4 * x + 2)
