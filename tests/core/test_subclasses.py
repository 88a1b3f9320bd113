"""Subclasses of Tensor, which the engine makes for the names of other packages."""

import copy
import gc

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.numpy as fnp
import fastgrad.transforms.lift  # defines the ops through which arguments enter
from fastgrad import _engine


class Meta(type):
    def __new__(meta, name, bases, members):
        if any(issubclass(base, fg.Tensor) for base in bases):
            return _engine.subclass(meta, name, bases, members)
        return super().__new__(meta, name, bases, members)


class Mixin(metaclass=Meta):
    __slots__ = ()
    mark = "mixed in"


class Marked(fg.Tensor, Mixin):
    pass


def marked(value, requires_grad=True):
    return _engine.set_class(fg.tensor(value, requires_grad=requires_grad), Marked)


X = np.linspace(0.3, 1.2, 6).reshape(2, 3)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: -x,
        lambda x: x + x,
        lambda x: x * 2.0,
        lambda x: 2.0 - x,
        lambda x: np.ones(3) * x,
        lambda x: fg.tensor(X) * x,
        lambda x: x @ fg.tensor(X.T),
        lambda x: fg.tensor(X.T) @ x,
        lambda x: x.sum(),
        lambda x: x.sum(axis=0),
        lambda x: x[0, 1],
        lambda x: x[[0, 0]],
        lambda x: x.T,
        lambda x: x.reshape(6),
        lambda x: x.astype(np.float32),
        lambda x: fnp.sin(x),
        lambda x: np.sin(x),
        lambda x: fnp.concatenate([np.ones((1, 3)), x]),
        lambda x: fnp.stack([x, X]),
        lambda x: fnp.array([1.0, x[0, 0]]),
        lambda x: fnp.where(x > 0.5, 0.0, x),
        lambda x: fnp.einsum("ij,kj->ik", X, x),
        lambda x: fnp.linalg.norm(x),
        lambda x: fnp.median(x),
        lambda x: x.softmax(axis=0),
    ],
)
def test_results_have_the_class_of_their_operand(f):
    y = f(marked(X))
    assert type(y) is Marked
    assert y.mark == "mixed in"
    np.testing.assert_array_equal(y.detach().numpy(), f(fg.tensor(X)).numpy())


def test_the_gradient_is_that_of_a_tensor():
    x, plain = marked(X), fg.tensor(X, requires_grad=True)
    for t in x, plain:
        (fnp.sin(t) * t @ t.T).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), plain.grad.numpy())
    assert type(x.grad) is fg.Tensor


def test_constants_are_plain_tensors():
    x = marked(X)
    assert type(x > 0.5) is fg.Tensor
    with fg.no_grad():
        assert type(x * 2.0) is fg.Tensor
    assert type(marked(X, False) * 2.0) is fg.Tensor


def test_a_written_tensor_takes_the_class():
    y = fg.tensor(np.zeros(3))
    y[0] = marked(2.0)
    assert type(y) is Marked
    z = fg.tensor(np.ones(3))
    z *= marked(2.0)
    assert type(z) is Marked


def test_recorded_gradients_have_the_class():
    x = marked(X)
    (g,) = fg.gradients([(x**3).sum()], [x], create_graph=True)
    assert type(g) is Marked
    (h,) = fg.gradients([g.sum()], [x])
    np.testing.assert_allclose(h.numpy(), 6 * X)


def test_attributes_are_set_on_the_class_alone():
    class Extended(Marked):
        pass

    x = _engine.set_class(fg.tensor(X, requires_grad=True), Extended)
    Extended.doubled = property(lambda self: 2.0 * self)
    Extended.__mul__ = lambda self, other: "replaced"
    assert type(x.doubled) is Extended
    assert x * 3.0 == "replaced"
    assert not hasattr(marked(X), "doubled")
    assert not isinstance(marked(X) * 3.0, str)
    with pytest.raises(AttributeError):
        x.own = 1


def test_memory_is_reused_by_plain_tensors():
    """A dead Tensor of a subclass goes to the same pool."""
    for _ in range(3):
        x = marked(X)
        many = [x * float(k) for k in range(100)]
        del many, x
        gc.collect()
        assert all(type(fg.tensor(float(k)) * 2.0) is fg.Tensor for k in range(300))


def test_the_collector_leaves_the_class_alone():
    """It must not take Tensors of the class for objects that it tracks, nor clear the class."""
    many = [marked(1.0) for _ in range(200)]
    for _ in range(3):
        gc.collect()
    assert [type(x + 1.0) for x in many] == [Marked] * 200
    assert Marked.__mro__[1:3] == (fg.Tensor, Mixin)


def test_python_code_cannot_derive_from_tensor():
    if fg.engine == "cython":
        with pytest.raises(TypeError, match="not an acceptable base type"):

            class _(fg.Tensor):
                pass

    with pytest.raises(TypeError):  # the pure-Python engine refuses it at first use
        _engine.set_class(fg.tensor(1.0), _engine.subclass(type, "WithSlots", (fg.Tensor,), {"__slots__": ("own",)}))
    with pytest.raises(TypeError):
        _engine.set_class(fg.tensor(1.0), dict)


def test_a_function_of_numpy_can_be_overridden():
    try:
        fnp.tanh.override = lambda x: ("mine", x)
        assert fnp.tanh(3.0) == ("mine", 3.0)
    finally:
        fnp.tanh.override = None
    assert fnp.tanh(0.0) == 0.0


class Dialect:
    box = Marked
    Elsewhere = ()

    def lift(self, run, leaf):
        return fg.tensor(np.asarray(leaf, np.float64))

    def require_scalar(self, verb, y):
        raise ArithmeticError(verb)

    def warn_unreached(self, run, gs, each):
        self.unreached = [g is None for g in gs]


def test_a_dialect_says_what_the_function_receives():
    seen = []

    def f(x, y):
        seen.extend((x, y))
        return (x * x).sum() + y["a"]

    dialect = Dialect()
    function = _engine.gradient_function("grad", f, (0, 1), False, False, dialect)
    gx, gy = function(np.array([1, 2]), {"a": 3, "b": 1.0})
    assert all(type(leaf) is Marked for leaf in (seen[0], *seen[1].values()))
    np.testing.assert_array_equal(gx, [2.0, 4.0])
    assert gy == {"a": 1.0, "b": 0.0}
    assert dialect.unreached == [False, False, True]
    with pytest.raises(ArithmeticError, match="grad"):
        _engine.gradient_function("grad", lambda x: x, 0, False, False, dialect)(np.ones(2))


def test_inner_gradients_of_boxes_are_boxes_or_arrays():
    """As the value that is not a Tensor: only what an outer transform differentiates is one."""
    assert fg.transforms  # imported: it makes the op through which Tensors enter an inner transform
    inner = _engine.gradient_function("grad", lambda x: (3.0 * x).sum(), 0, False, False, Dialect())
    curved = _engine.gradient_function("grad", lambda x: (x**3).sum(), 0, False, False, Dialect())
    found = []

    def outer(x):
        found.extend((inner(x), curved(x)))
        return curved(x).sum()

    h = _engine.gradient_function("grad", outer, 0, False, False, Dialect())(np.array([1.0, 2.0]))
    assert type(found[0]) is np.ndarray
    assert type(found[1]) is Marked
    np.testing.assert_array_equal(h, [6.0, 12.0])


def test_copies_are_tensors_of_the_same_value():
    x = marked(X)
    np.testing.assert_array_equal(copy.copy(x).detach().numpy(), X)
    np.testing.assert_array_equal(copy.deepcopy(x).detach().numpy(), X)
