"""Making Tensors, their attributes, Python protocols and copies, against NumPy; few gradients."""

import copy
import math
import operator
import pickle

import numpy as np
import pytest

import fastgrad as fg
from tests.support.arrays import same

A = np.array([[0.3, 0.8, 0.5], [0.7, 0.2, 0.9]])
SUPPORTED = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64",
             "complex64", "complex128")  # fmt: skip


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


def test_the_size_is_an_int_that_widens_no_array():
    x = fg.tensor(np.ones((2, 3), np.float32), requires_grad=True)
    assert type(x.size) is int and (x / x.size).dtype == (x.detach().numpy() * x.size).dtype == np.float32


def test_asarray_of_a_float():
    for value in (1.5, -0.0, float("nan"), np.inf):
        t = fg.asarray(value)
        assert t.shape == () and t.dtype == np.float64 and t.is_leaf and not t.requires_grad
        np.testing.assert_array_equal(t.numpy(), value)
        assert np.signbit(t.numpy()) == np.signbit(value)
    t = fg.asarray(2.0)
    t[...] = 3.0
    assert t.item() == 3.0 and fg.asarray(2.0).item() == 2.0
    assert fg.asarray(2.0, np.float32).dtype == np.float32 and fg.asarray(2.0, copy=True).item() == 2.0
    with pytest.raises(ValueError, match="copy"):
        fg.asarray(2.0, copy=False)
