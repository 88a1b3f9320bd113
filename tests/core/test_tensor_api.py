"""The Tensor's attributes, methods and Python protocols, against NumPy; few gradients."""

import copy
import math
import operator
import pickle

import numpy as np
import pytest

import fastgrad as fg

SUPPORTED = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64",
             "complex64", "complex128")  # fmt: skip


def same(got, wanted):
    got = got.detach().numpy() if isinstance(got, fg.Tensor) else got
    np.testing.assert_array_equal(got, wanted, strict=True)


# --- making ---


@pytest.mark.parametrize("dtype", SUPPORTED)
def test_every_supported_dtype_is_held(dtype):
    x = fg.tensor([[0, 1, 2]], dtype=dtype)
    assert x.dtype == np.dtype(dtype)
    same(x, np.array([[0, 1, 2]], dtype))
    same(fg.asarray(np.array([1, 0], dtype)), np.array([1, 0], dtype))


def test_python_numbers_take_numpys_dtypes():
    assert fg.tensor(1.5).dtype == np.float64
    assert fg.tensor([1, 2]).dtype == np.array([1, 2]).dtype
    assert fg.tensor(True).dtype == np.bool
    assert fg.tensor(1j).dtype == np.complex128
    assert fg.tensor([[1, 2.5]]).shape == (1, 2)


def test_tensor_copies_and_asarray_shares():
    a = np.arange(3.0)
    copied, shared = fg.tensor(a), fg.asarray(a)
    a[0] = 7
    assert copied.tolist() == [0, 1, 2]
    assert shared.tolist() == [7, 1, 2]
    assert fg.asarray(shared) is shared
    same(fg.asarray(shared, copy=True), a)
    assert not np.shares_memory(fg.asarray(shared, copy=True).numpy(), a)
    assert not np.shares_memory(fg.asarray(a, copy=True).numpy(), a)
    assert np.shares_memory(fg.asarray(a, copy=False).numpy(), a)
    assert fg.asarray(a, dtype=np.float32).dtype == np.float32


def test_asarray_that_may_not_copy_says_so():
    with pytest.raises(ValueError, match="copy"):
        fg.asarray(fg.tensor([1.0]), dtype=np.float32, copy=False)
    with pytest.raises(ValueError):
        fg.asarray([1.0, 2.0], copy=False)


def test_a_tensor_of_a_tensor_is_a_leaf_of_its_own():
    x = fg.tensor([1.0], requires_grad=True)
    y = fg.tensor(x * 2)
    assert y.is_leaf and not y.requires_grad
    assert y.tolist() == [2.0]


def test_big_endian_input_becomes_native():
    x = fg.tensor(np.array([1.0, 2.0], ">f8"))
    assert x.dtype.isnative
    assert x.tolist() == [1.0, 2.0]
    assert fg.asarray(np.array([3], ">i4")).tolist() == [3]


# --- attributes ---


def test_what_an_array_knows_a_tensor_knows():
    a = np.arange(12.0, dtype=np.float32).reshape(3, 4)
    x = fg.tensor(a)
    for name in ("shape", "ndim", "size", "dtype", "itemsize", "nbytes", "strides"):
        assert getattr(x, name) == getattr(a, name), name
    same(x.T, a.T)
    same(fg.tensor(a.reshape(1, 3, 4)).mT, a.reshape(1, 3, 4).swapaxes(1, 2))
    assert x.device == "cpu"


def test_a_leaf_and_a_result_say_where_they_come_from():
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    c = fg.tensor([3.0, 4.0])
    y = (x * c).tanh()
    assert x.is_leaf and c.is_leaf and not y.is_leaf
    assert x.requires_grad and y.requires_grad and not c.requires_grad
    assert (x.op, c.op, y.op) == (None, None, "tanh")
    assert x.operands == () and c.operands == ()
    (product,) = y.operands
    assert product.op == "multiply"
    assert product.operands[0] is x and product.operands[1] is c
    assert (x + 1).operands == (x,) or (x + 1).operands[0] is x


def test_nothing_is_recorded_where_no_gradient_is_wanted():
    c = fg.tensor([3.0, 4.0])
    assert (c * 2).op is None and not (c * 2).requires_grad
    x = fg.tensor([1.0], requires_grad=True)
    assert not (x > 0).requires_grad
    assert not x.astype(np.int64).requires_grad


def test_requires_grad_is_switched():
    x = fg.tensor([1.0])
    assert x.requires_grad_() is x and x.requires_grad
    x.requires_grad_(False)
    assert not x.requires_grad
    x.requires_grad = True
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0]


def test_grad_can_be_set_and_reset():
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    assert x.grad is None
    (x * x).sum().backward()
    (x * x).sum().backward()
    assert x.grad.tolist() == [4.0, 8.0]
    x.zero_grad()
    assert x.grad is None or x.grad.tolist() == [0.0, 0.0]
    x.grad = fg.tensor([10.0, 10.0])
    (x * x).sum().backward()
    assert x.grad.tolist() == [12.0, 14.0]
    x.grad = None
    assert x.grad is None


def test_two_leaves_never_share_a_gradient():
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    y = fg.tensor([1.0, 2.0], requires_grad=True)
    cotangent = np.ones(2)
    (x + y).backward(cotangent)
    x.grad *= 5
    assert y.grad.tolist() == [1.0, 1.0]
    assert cotangent.tolist() == [1.0, 1.0]


# --- methods against NumPy ---

A = np.array([[0.3, 0.8, 0.5], [0.7, 0.2, 0.9]])


UNARY = "exp log log1p expm1 sqrt square sin cos tan sinh cosh tanh arcsin arccos arctan abs sign"


@pytest.mark.parametrize("name", UNARY.split())
def test_elementwise_methods_are_numpys(name):
    same(getattr(fg.tensor(A), name)(), getattr(np, name)(A))


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


# --- Python's protocols ---


def test_numbers_come_out_of_one_element():
    x = fg.tensor([[2.5]], requires_grad=True)
    assert int(x) == 2 and bool(x) and float(x.detach()) == complex(x.detach()) == 2.5
    assert operator.index(fg.tensor(3)) == 3
    assert [10, 20, 30][fg.tensor(1)] == 20
    assert math.sqrt(fg.tensor(4.0)) == 2.0


def test_len_iter_and_in():
    x = fg.tensor(A, requires_grad=True)
    assert len(x) == 2
    rows = list(x)
    assert [row.tolist() for row in rows] == A.tolist()
    rows[1].sum().backward()
    assert x.grad.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert 0.8 in x and 4.0 not in x
    first, second = x
    assert first.shape == (3,) and second.shape == (3,)


def test_a_tensor_is_found_by_identity_in_sets_and_dicts():
    x, y = fg.tensor([1.0]), fg.tensor([1.0])
    assert len({x, y, x}) == 2
    assert {x: "x", y: "y"}[y] == "y"


def test_indexing_is_numpys():
    a = np.arange(24.0).reshape(2, 3, 4)
    x = fg.tensor(a)
    keys = (
        0, -1, slice(1, None), (0, 1, 2), (..., 0), (slice(None), None, 1), (0, [0, 2], [1, 1]), a > 5,
        np.array([1, 0, 1]), (slice(None), np.array([True, False, True])),
        (slice(None, None, -1), ..., slice(None, None, 2)), (),
    )  # fmt: skip
    for key in keys:
        same(x[key], a[key])
    same(x[fg.tensor([1, 0])], a[[1, 0]])
    same(x[fg.tensor(a) > 5], a[a > 5])


def test_repr_shows_values_dtype_and_place_in_the_graph():
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    assert repr(x) == str(x) == "tensor([1., 2.], requires_grad=True)"
    assert repr(x.tanh()).endswith(", op='tanh')")
    assert repr(fg.tensor([1.0, 2.0], dtype=np.float32)) == "tensor([1., 2.], dtype=float32)"
    assert repr(fg.tensor([1, 2], dtype=np.int64)) == "tensor([1, 2])"
    assert repr(fg.tensor(2.5)) == "tensor(2.5)"
    assert repr(fg.tensor([True])) == "tensor([ True])"
    assert repr(fg.tensor(np.zeros((0, 3)))) == "tensor([], shape=(0, 3), dtype=float64)"
    assert repr(fg.tensor([[1.0], [2.0]])) == "tensor([[1.],\n        [2.]])"
    assert len(repr(fg.tensor(np.zeros(100_000)))) < 200


def test_repr_html_is_a_small_table():
    x = fg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    page = x._repr_html_()
    assert page.count("<td>") == 4 and "float64" in page and "requires gradient" in page
    assert "op tanh" in x.tanh()._repr_html_()
    assert "<table>" not in fg.tensor(np.zeros((30, 30)))._repr_html_()
    assert "scalar" in fg.tensor(1.0)._repr_html_()


def test_format_takes_a_number():
    assert f"{fg.tensor(3.14159, requires_grad=True):.2f}" == "3.14"
    assert f"{fg.tensor([2.0]):5.1f}" == "  2.0"
    assert f"{fg.tensor([1.0, 2.0])}" == "tensor([1., 2.])"


# --- copies ---


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_a_copied_leaf_is_a_leaf(duplicate):
    x = fg.tensor([[1.0, 2.0]], dtype=np.float32, requires_grad=True)
    (x * x).sum().backward()
    y = duplicate(x)
    assert y.is_leaf and y.requires_grad and y.dtype == np.float32
    same(y, x.numpy())
    assert not np.shares_memory(y.numpy(), x.numpy())
    if duplicate is copy.deepcopy:
        assert y.grad.tolist() == [[2.0, 4.0]] and y.grad is not x.grad


def test_deepcopy_keeps_what_is_one_object_one():
    x = fg.tensor([1.0], requires_grad=True)
    a, b = copy.deepcopy([x, x])
    assert a is b and a is not x


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_leaf_is_pickled(protocol):
    for x in (fg.tensor(2.5), fg.tensor(A.T), fg.tensor([1, 2]), fg.tensor(A[::-1], requires_grad=True)):
        if x.requires_grad:
            (x * 3).sum().backward()
        y = pickle.loads(pickle.dumps(x, protocol))
        same(y, x.detach().numpy())
        assert y.requires_grad == x.requires_grad and y.is_leaf
        assert (y.grad is None) == (x.grad is None)
        if x.grad is not None:
            same(y.grad, x.grad.numpy())


def test_a_copy_of_a_result_is_recorded():
    x = fg.tensor([2.0], requires_grad=True)
    y = copy.copy(x * x)
    assert y.op == "copy"
    y.backward()
    assert x.grad.tolist() == [4.0]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [1, 2, 3, 40])
def test_gradients_of_sums_add_up_in_a_leaf(n, dtype):
    x = fg.tensor(np.arange(n, dtype=dtype), requires_grad=True)
    x.sum().backward()
    (x + 1.0).mean().backward()
    (x * 2.0).sum().backward()
    (fg.tensor(np.ones((5, n), dtype)) + x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.full(n, 1 + 1 / n + 2 + 5), rtol=1e-6)
    assert x.grad.dtype == dtype


def test_a_gradient_that_is_one_number_everywhere_adds_to_one_that_is_there():
    x = fg.tensor(np.ones((3, 4)), requires_grad=True)
    (x * x).sum().backward()
    (x + 1.0).sum().backward()
    x.sum().backward()
    assert x.grad.tolist() == [[4.0] * 4] * 3
