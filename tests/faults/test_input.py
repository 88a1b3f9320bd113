"""Unusual arrays and objects that are not arrays: converted correctly, or refused with an error that names them."""

import copy
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import fastgrad as fg
from tests.faults.child import run


def misaligned(dtype):
    raw = np.zeros(6 * np.dtype(dtype).itemsize + 1, np.uint8)
    view = raw[1:].view(dtype).reshape(2, 3)
    view[...] = np.arange(6).reshape(2, 3)
    return view


def field(dtype):
    record = np.zeros(6, [("tag", "u1"), ("value", dtype)])
    record["value"] = np.arange(6)
    return record["value"].reshape(2, 3)


def frozen(array):
    array.flags.writeable = False
    return array


BASE = np.arange(6.0).reshape(2, 3)
LAYOUTS = {
    "contiguous": BASE,
    "fortran": np.asfortranarray(BASE),
    "transposed": np.ascontiguousarray(BASE.T).T,
    "every second": np.repeat(BASE, 2, axis=1)[:, ::2],
    "negative strides": BASE[::-1, ::-1].copy()[::-1, ::-1],
    "zero strides": np.broadcast_to(BASE[:1], (2, 3)),
    "read-only": frozen(BASE.copy()),
    "misaligned": misaligned(np.float64),
    "misaligned float32": misaligned(np.float32),
    "a field of a record": field(np.float64),
    "big-endian": BASE.astype(">f8"),
    "big-endian float32": BASE.astype(">f4"),
    "half": BASE.astype(np.float16),
    "subclass": BASE.view(type("Labelled", (np.ndarray,), {})),
    "masked without a mask": np.ma.array(BASE),
    "one element": BASE[:1, :1],
    "no elements": BASE[:0],
    "no elements either": BASE[:, :0],
    "long double": BASE.astype(np.longdouble),
    "complex": BASE + 1j * BASE,
}
DOORS = {"tensor": fg.tensor, "asarray": fg.asarray}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gives_the_values_and_gradients_of_a_plain_copy(name, door):
    given = LAYOUTS[name]
    before = given.copy()
    try:
        x = DOORS[door](given).requires_grad_()
    except fg.DTypeError as refusal:
        assert str(given.dtype) in str(refusal)
        return
    plain = np.array(given, dtype=given.dtype.newbyteorder("="), order="C", subok=False)
    y = fg.tensor(plain, requires_grad=True)
    for t in (x, y):
        total = (t * t.T.T + 2.0 * t[:, ::-1] + t.sum(axis=0)).sum()
        (fg.real(total) if total.dtype.kind == "c" else total).backward()
    np.testing.assert_array_equal(x.numpy(), y.numpy())
    np.testing.assert_array_equal(x.grad.numpy(), y.grad.numpy())
    assert x.grad.shape == x.shape
    assert x.grad.dtype == x.dtype
    np.testing.assert_array_equal(given, before)


REFUSED = {
    "an object": object(),
    "None": None,
    "strings": np.array(["1", "2"]),
    "bytes": np.array([b"1"]),
    "dates": np.array(["2024-01-01"], "datetime64[D]"),
    "time spans": np.array([1], "timedelta64[s]"),
    "objects": np.array([1.0, None], object),
    "records": np.zeros(2, [("a", "f8")]),
    "void": np.zeros(2, "V3"),
    "a set": {1.0, 2.0},
    "a dict": {"a": 1.0},
    "a function": len,
    "a string": "3.0",
    "a decimal": Decimal("1.5"),
    "a fraction": Fraction(1, 3),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_number_is_refused_at_the_door(name):
    with pytest.raises(fg.DTypeError):
        fg.tensor(REFUSED[name])


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_number_is_refused_inside_an_op_too(name):
    x = fg.tensor(BASE, requires_grad=True)
    with pytest.raises((TypeError, ValueError)):
        fg.add(x, REFUSED[name])
    x.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.ones((2, 3)))


@pytest.mark.parametrize("ragged", [[[1.0, 2.0], [3.0]], [1.0, [2.0]]])
def test_ragged_lists_are_refused(ragged):
    with pytest.raises(ValueError, match="inhomogeneous"):
        fg.tensor(ragged)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, np.int64])
def test_integers_hold_values_and_have_no_gradient(dtype):
    x = fg.tensor(np.ones(3, dtype))
    assert x.dtype == dtype
    with pytest.raises(fg.DTypeError):
        x.requires_grad_()
    with pytest.raises(fg.DTypeError):
        fg.tensor(np.ones(3, dtype), requires_grad=True)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3), (0, 0)])
def test_nothing_at_all_has_gradients_of_its_own_shape(shape):
    x = fg.tensor(np.zeros(shape), requires_grad=True)
    y = (x.exp() * x + x.reshape((-1, 1) if 0 not in shape[1:] else shape).sum()).sum()
    y.backward()
    assert y.item() == 0.0
    assert x.grad.shape == shape


def test_the_largest_of_nothing_is_an_error_as_in_numpy():
    x = fg.tensor(np.zeros((0, 3)), requires_grad=True)
    with pytest.raises(ValueError, match="zero-size"):
        x.max()
    assert x.max(axis=1).shape == (0,)


def test_matrices_with_an_empty_side_multiply_to_zeros():
    a, b = fg.tensor(np.zeros((2, 0)), requires_grad=True), fg.tensor(np.zeros((0, 3)), requires_grad=True)
    product = a @ b
    product.sum().backward()
    assert product.tolist() == [[0.0] * 3] * 2
    assert a.grad.shape == (2, 0)
    assert b.grad.shape == (0, 3)


def test_64_dimensions_are_the_limit_as_in_numpy():
    x = fg.tensor(np.ones((1,) * 64), requires_grad=True)
    (x * 2.0).sum().backward()
    assert x.grad.shape == (1,) * 64
    with pytest.raises((ValueError, IndexError, RuntimeError)):
        fg.expand_dims(x, axis=0)


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda x: x.reshape((4, 4)), ValueError),
        (lambda x: x.reshape((-1, -1)), ValueError),
        (lambda x: x.reshape((2**62, 2**62)), ValueError),
        (lambda x: x.reshape((-2, -3)), ValueError),
        (lambda x: x.sum(axis=2), ValueError),
        (lambda x: x.sum(axis=(0, 0)), ValueError),
        (lambda x: x.sum(axis=0.5), TypeError),
        (lambda x: x.permute_dims((0, 0)), ValueError),
        (lambda x: x.permute_dims((0,)), ValueError),
        (lambda x: x[2], IndexError),
        (lambda x: x[0, 0, 0], IndexError),
        (lambda x: x["a"], IndexError),
        (lambda x: x[np.array([0, 9])], IndexError),
        (lambda x: x[np.zeros((3, 3), bool)], IndexError),
        (lambda x: x[2**70], (IndexError, OverflowError)),
        (lambda x: x @ x, ValueError),
        (lambda x: x @ 1.0, ValueError),
        (lambda x: x + np.ones(7), ValueError),
        (lambda x: fg.broadcast_to(x, (3, 2)), ValueError),
        (lambda x: fg.broadcast_to(x, (-1, 2, 3)), ValueError),
        (lambda x: fg.concat([x, x[0]]), ValueError),
        (lambda x: fg.stack([x, x[0]]), ValueError),
        (lambda x: fg.concat([]), ValueError),
        (lambda x: fg.split(x, 4), ValueError),
        (lambda x: fg.repeat(x, -1), ValueError),
        (lambda x: fg.einsum("ij,jk->ik", x, x), ValueError),
        (lambda x: fg.einsum("ij->k", x), ValueError),
        (lambda x: x.squeeze(0), ValueError),
    ],
)  # fmt: skip
def test_what_numpy_refuses_is_refused_and_nothing_is_recorded(call, kind):
    x = fg.tensor(BASE, requires_grad=True)
    with pytest.raises(kind):
        call(x)
    assert x.grad is None
    (x * 2.0).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.full((2, 3), 2.0))


SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, -5e-324, 1.7e308]


@pytest.mark.parametrize("name", ["exp", "tanh", "sqrt", "log", "sigmoid", "abs", "reciprocal", "softplus", "relu"])
def test_infinities_and_denormals_pass_without_a_warning(name):
    x = fg.tensor(SPECIAL, requires_grad=True)
    y = getattr(fg, name, None) or getattr(fg.nn.functional, name)
    y(x).sum().backward()
    assert x.grad.shape == x.shape


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_tensor_comes_back_from_a_pickle(protocol):
    x = fg.tensor(BASE[:, ::-1], requires_grad=True)
    back = pickle.loads(pickle.dumps(x, protocol))
    assert back.requires_grad and back.tolist() == x.tolist() and back.dtype == x.dtype
    (back * 3.0).sum().backward()
    assert x.grad is None


def damaged_pickles():
    whole = pickle.dumps(fg.tensor(BASE, requires_grad=True))
    step = max(1, len(whole) // 40)
    yield from (whole[:end] for end in range(0, len(whole), step))
    for at in range(0, len(whole), step):
        yield whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # NumPy's own, for damaged dtypes
def test_a_damaged_pickle_is_an_error_or_a_tensor():
    for damaged in damaged_pickles():
        try:
            back = pickle.loads(damaged)
        except Exception as error:  # whatever pickle makes of it; what matters is that the process lives
            assert str(error) is not None
            continue
        if isinstance(back, fg.Tensor):
            copy.deepcopy(back).sum()


@pytest.mark.parametrize("state", [(), (1,), None, ("nonsense",) * 4, (BASE, 2, 3, 4, 5, 6)])
def test_a_tensor_takes_no_forged_state(state):
    x = fg.tensor(BASE)
    setter = getattr(x, "__setstate__", None)
    if setter is not None:
        with pytest.raises((TypeError, ValueError)):
            setter(state)
    assert x.tolist() == BASE.tolist()


def test_an_unmade_tensor_cannot_be_had_or_does_no_harm():
    assert run("unmade.py") == "ok\n"
