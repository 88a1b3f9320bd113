"""The Tensor's methods and operators, against NumPy; few gradients."""

import operator
import re
from pathlib import Path

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.rules import RULES
from tests.support.arrays import has_own_loop, same

A = np.array([[0.3, 0.8, 0.5], [0.7, 0.2, 0.9]])


UNARY = "exp log log1p expm1 sqrt square sin cos tan sinh cosh tanh arcsin arccos arctan abs sign"

# --- methods ---


@pytest.mark.parametrize("name", UNARY.split())
def test_elementwise_methods_are_numpys(name):
    got, wanted = getattr(fg.tensor(A), name)(), getattr(np, name)(A)
    if has_own_loop(name):  # within one ulp of the exact value, as NumPy's is
        np.testing.assert_array_max_ulp(got.numpy(), wanted, 2)
    else:
        same(got, wanted)


def test_activations_are_methods():
    z = fg.tensor([-2.0, 0.0, 3.0])
    same(z.relu(), np.array([0.0, 0.0, 3.0]))
    np.testing.assert_allclose(z.sigmoid().numpy(), 1 / (1 + np.exp([2.0, 0.0, -3.0])), rtol=4e-16)
    np.testing.assert_allclose(z.softplus().numpy(), np.log1p(np.exp([-2.0, 0.0, 3.0])), rtol=4e-16)
    np.testing.assert_allclose(z.softmax().numpy().sum(), 1, rtol=1e-15)
    np.testing.assert_allclose(z.logsumexp().item(), np.log(np.exp([-2.0, 0.0, 3.0]).sum()), rtol=1e-15)
    same(z.clip(-1, 1), np.array([-1.0, 0.0, 1.0]))


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
@pytest.mark.parametrize("name", ["sum", "mean", "prod", "var", "std", "max", "min", "any", "all"])
def test_reductions_are_numpys(name, axis):
    got, wanted = getattr(fg.tensor(A), name)(axis=axis), getattr(np, name)(A, axis=axis)
    np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-15)
    assert got.shape == np.shape(wanted)
    assert (
        getattr(fg.tensor(A), name)(axis=axis, keepdims=True).shape
        == getattr(np, name)(A, axis=axis, keepdims=True).shape
    )


def test_searches_and_running_sums_are_numpys():
    x = fg.tensor(A)
    assert x.argmax().item() == A.argmax() and x.argmin(axis=1).tolist() == A.argmin(axis=1).tolist()
    np.testing.assert_allclose(x.cumsum(axis=1).numpy(), A.cumsum(axis=1), rtol=1e-15)


def test_shape_methods_are_numpys():
    x = fg.tensor(A)
    same(x.reshape(3, 2), A.reshape(3, 2))
    same(x.reshape((-1, 2)), A.reshape(-1, 2))
    same(x.reshape(6), A.reshape(6))
    same(x.ravel(), A.ravel())
    same(x.flatten(), A.flatten())
    same(x.transpose(), A.T)
    same(x.transpose(1, 0), A.T)
    same(x.transpose((1, 0)), A.T)
    same(x.permute_dims((1, 0)), A.T)
    same(x.swapaxes(0, -1), A.swapaxes(0, -1))
    same(x.expand_dims(1), A[:, None])
    same(x.expand_dims(1).squeeze(), A)
    same(x.expand_dims(1).squeeze(1), A)
    same(x.broadcast_to((2, 2, 3)), np.broadcast_to(A, (2, 2, 3)))
    same(x.repeat(2, axis=0), A.repeat(2, axis=0))


def test_flatten_copies_and_ravel_looks():
    x = fg.tensor(A)
    assert np.shares_memory(x.ravel().numpy(), x.numpy())
    assert not np.shares_memory(x.flatten().numpy(), x.numpy())
    assert not np.shares_memory(x.copy().numpy(), x.numpy())


def test_products_are_numpys():
    x, v = fg.tensor(A), fg.tensor([1.0, 2.0, 3.0])
    np.testing.assert_allclose(x.matmul(v).numpy(), A @ v.numpy(), rtol=1e-15)
    np.testing.assert_allclose(x.dot(v).numpy(), A @ v.numpy(), rtol=1e-15)
    np.testing.assert_allclose((x @ x.T).numpy(), A @ A.T, rtol=1e-15)
    same(v.outer(v), np.outer(v.numpy(), v.numpy()))


def test_astype_converts_and_records():
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    y = x.astype(np.float32)
    assert y.dtype == np.float32
    (y * 3).sum().backward()
    assert x.grad.dtype == np.float64 and x.grad.tolist() == [3.0, 3.0]
    assert x.astype(np.float64, copy=False) is x
    assert x.astype("float64") is not x


def test_detach_shares_memory_and_forgets_the_graph():
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    d = y.detach()
    assert d.op is None and not d.requires_grad and d.is_leaf
    assert np.shares_memory(d.numpy(), y.numpy())


def test_numpy_is_a_read_only_view():
    x = fg.tensor([1.0, 2.0])
    view = x.numpy()
    assert np.shares_memory(view, x.numpy())
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 5
    x.numpy(writable=True)[0] = 5
    assert x.tolist() == [5.0, 2.0] and view[0] == 5


def test_an_array_outlives_its_tensor():
    view = (fg.tensor(np.arange(1000.0)) * 2).numpy()
    assert view.sum() == 999000.0


def test_item_and_tolist():
    x = fg.tensor(A)
    assert x.tolist() == A.tolist()
    assert fg.tensor([[2.5]]).item() == 2.5
    assert x.item(4) == A.item(4) and x.item(1, 1) == A.item(1, 1)
    assert isinstance(fg.tensor(3).item(), int)


# --- operators ---

BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow"]


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize(
    "other", [2.0, 3, np.float64(1.5), np.array([1.0, 2.0, 3.0]), [1.0, 2.0, 3.0]], ids=lambda o: type(o).__name__
)
def test_arithmetic_from_both_sides(name, other):
    apply = getattr(operator, name)
    x = fg.tensor(A)
    for got, wanted in ((apply(x, other), apply(A, other)), (apply(other, x), apply(np.asarray(other), A))):
        assert isinstance(got, fg.Tensor)
        np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-15)


@pytest.mark.parametrize("name", ["eq", "ne", "lt", "le", "gt", "ge"])
def test_comparisons_are_elementwise(name):
    compare = getattr(operator, name)
    x = fg.tensor([1.0, 2.0, 3.0])
    for other in (2.0, np.array([3.0, 2.0, 1.0]), fg.tensor([3.0, 2.0, 1.0])):
        plain = other.numpy() if isinstance(other, fg.Tensor) else other
        same(compare(x, other), compare(x.numpy(), plain))
        same(compare(other, x), compare(plain, x.numpy()))


@pytest.mark.parametrize("name", ["and_", "or_", "xor", "lshift", "rshift"])
def test_bits(name):
    apply = getattr(operator, name)
    a, b = np.array([6, 5, 3]), np.array([3, 1, 2])
    same(apply(fg.tensor(a), fg.tensor(b)), apply(a, b))
    same(apply(fg.tensor(a), 1), apply(a, 1))
    same(apply(9, fg.tensor(b)), apply(9, b))


def test_unary_operators():
    x = fg.tensor([-1.0, 2.0])
    assert (-x).tolist() == [1.0, -2.0] and (+x).tolist() == [-1.0, 2.0] and abs(x).tolist() == [1.0, 2.0]
    same(~fg.tensor([True, False]), np.array([False, True]))


def test_a_python_scalar_never_widens():
    x = fg.tensor([1.0], dtype=np.float32)
    assert (x * 2.0).dtype == (2 / x).dtype == (x + 1).dtype == np.float32
    assert (x * np.float64(2)).dtype == np.float64
    assert (fg.tensor([1]) + 1.5).dtype == np.float64


def test_other_classes_get_their_turn():
    class Other:
        __array_ufunc__ = None

        def __radd__(self, x):
            return "other"

        def __eq__(self, x):
            return "equal"

        __hash__ = None

    x = fg.tensor([1.0])
    assert x + Other() == "other"
    assert (x == Other()) == "equal"
    with pytest.raises(TypeError):
        x + object()
    with pytest.raises(TypeError):
        x + "a"
    with pytest.raises(TypeError):
        x < None  # noqa: B015
    assert (x == None) is False  # noqa: E711
    assert x != "a"


def test_methods_in_the_class_pass_every_argument_of_their_op():
    """`call_method` gets a C array, whose length nothing else checks."""
    source = Path(fg.__file__).parent / "core" / "object" / "tensor_class.pxi"
    if not source.exists():
        pytest.skip("the sources are not part of an installed package")
    calls = re.findall(r"call_method\((\w+), \[(.*)\]\)", source.read_text())
    assert len(calls) >= 6
    for name, given in calls:
        rule = RULES[name.lower()]
        given = re.sub(r"\([^()]*\)", "", given)
        assert given.count(",") + 1 == rule.n_operands + len(rule.param_names), name
