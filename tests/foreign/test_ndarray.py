"""Methods of ndarray on Tensors: values as NumPy's, gradients, writes under the rules of in-place writes, errors."""

import numpy as np
import pytest

import fastgrad as fg

A = np.random.default_rng(0).normal(size=(3, 4)).round(1)
N = np.array([[2, 0, 1], [1, 1, 0]])
SORTED = np.sort(A.ravel())


def leaf(a=A):
    return fg.tensor(a, requires_grad=a.dtype.kind in "fc")


def same(got, wanted):
    if isinstance(wanted, tuple):
        assert len(got) == len(wanted)
        for one, other in zip(got, wanted, strict=True):
            same(one, other)
        return
    assert isinstance(got, fg.Tensor) and got.dtype == wanted.dtype and got.shape == wanted.shape
    np.testing.assert_array_equal(got.detach().numpy(), wanted)


# name: arrays and calls, each the same for Tensors and arrays; those that select floats are recorded
CALLS = {
    "nonzero": [(A, ()), (N, ())],
    "searchsorted": [(SORTED, (A[0],)), (SORTED, (0.5, "right")), (A[0], (0.1, "left", np.argsort(A[0])))],
    "argpartition": [(A, (1,)), (A, (2, 0)), (A[0], ((0, 2),))],
    "argsort": [(A, (0,)), (A[0], (None,)), (A, (-1, "stable"))],
    "conjugate": [(A, ()), (A + 1j, ())],
    "conj": [(A + 1j, ())],
    "compress": [(A, ([True, False, True],)), (A, ([0, 1], 0)), (A, ([1, 1, 0, 1], 1)), (A, ([], 0))],
    "choose": [(N, ([5, 6, 7],)), (N, ([A[0, :3], A[1, :3], 0.5],))],
    "take": [(A, ([0, -1],)), (A, ([[2]], 0)), (A, ([True, False],)), (A, (1, -1)), (A, (np.uint8(1), 1))],
    "round": [(A, ()), (A * 10, (-1,))],
    "cumprod": [(A, ()), (A, (0,))],
    "trace": [(A, ()), (A, (1,)), (np.stack([A, A]), (0, 1, 2))],
    "diagonal": [(A, ()), (A, (-1,)), (np.stack([A, A]), (0, 0, 2))],
    "swapaxes": [(A, (0, 1))],
    "squeeze": [(A[None], ()), (A[None], (0,))],
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_methods_return_what_ndarrays_methods_do(name):
    for a, args in CALLS[name]:
        x, wanted = leaf(a), getattr(a, name)(*args)
        got = getattr(x, name)(*args)
        same(got, wanted)
        if x.requires_grad and not isinstance(wanted, tuple) and wanted.dtype.kind == "f":
            assert got.requires_grad
            if name not in ("round", "cumprod"):  # steps, and products with zeros: see the tests of their rules
                fg.testing.check_grads(lambda t, f=name, p=args: getattr(t, f)(*p), (a,))


def test_ptp_and_choose_with_keywords():
    same(leaf().ptp(), np.asarray(np.ptp(A)))
    same(leaf().ptp(0, keepdims=True), np.ptp(A, 0, keepdims=True))
    for mode in ("wrap", "clip"):
        same(fg.tensor(N + 9).choose([1, 2], mode=mode), (N + 9).choose([1, 2], mode=mode))
    fg.testing.check_grads(lambda t: t.ptp(1), (A + np.arange(12).reshape(3, 4) / 100,))


def test_dunder_methods():
    x, n = leaf(), fg.tensor(N)
    for got, wanted in ((divmod(x, 0.5), divmod(A, 0.5)), (divmod(7, n + 1), divmod(7, N + 1)), (~n, ~N)):
        same(got, wanted)
    assert round(x, 0).requires_grad and A[1, 1] in x and 99 not in x
    assert complex(fg.tensor(2 + 1j)) == 2 + 1j and complex(fg.tensor([2])) == 2
    assert [1, 2, 3][fg.tensor(1) :] == [2, 3] and range(9)[fg.tensor(2, dtype=fg.uint8)] == 2
    with pytest.raises(TypeError, match="float64"):
        [1, 2][fg.tensor(1.0)]


def test_nonzero_as_pytorch_returns_it():
    assert fg.tensor(N).nonzero(as_tuple=False).tolist() == np.argwhere(N).tolist()
    if np.lib.NumpyVersion(np.__version__) >= "2.1.0":
        with pytest.raises(fg.ShapeError, match=r"nonzero: .*0d"):
            fg.tensor(1).nonzero()


def test_bytes_and_flags():
    x = leaf()
    for order in ("C", "F", "A"):
        assert x.tobytes(order) == A.tobytes(order) and x.T.tobytes(order) == A.T.tobytes(order)
    assert x.flags.c_contiguous and x.T.flags.f_contiguous and not x.flags.writeable
    with pytest.raises(fg.NotDifferentiableError, match=r"x\.tobytes\(\)"):
        fg.grad(lambda t: t.sum() * len(t.tobytes()))(A)


def test_view_as_another_shape_or_dtype():
    x = leaf()
    assert x.view(2, 6).shape == x.view((2, -1)).shape == (2, 6) and x.view(-1).requires_grad
    assert x.view(np.float64).requires_grad and x.view("float64").tolist() == A.tolist()
    for dtype in (np.int64, "uint8", np.dtype("complex128"), fg.float32):
        got = x.detach().view(dtype)
        same(got, A.view(dtype))
        same(x.detach().view(dtype=dtype), A.view(dtype))
        with pytest.raises(fg.NotDifferentiableError, match=r"x\.view\(dtype\) has no rule"):
            x.view(dtype)
    source = fg.zeros(2)
    bits = source.view(np.int64)
    source[0] = 1.0
    assert bits.tolist() == [np.ones(1).view(np.int64)[0], 0]
    with pytest.raises(fg.ShapeError, match="view: "):
        fg.zeros(3, dtype=fg.uint8).view(np.float64)
    with pytest.raises(fg.DTypeError):
        fg.zeros(2).view("S8")


# --- writes ---


WRITES = {
    "fill": [(7,), (fg.tensor(2.0),), (np.array(3),)],
    "put": [
        ([0, 5], [1, 2]), (3, 9.5), ([0, -1, 2], [4]), ([[1, 1]], [3, 8]), ([0], [1, 2, 3]), ([], [1]), ([0], []),
        ([13, -15], [1, 2], "wrap"), ([13, -15], [1, 2], "clip"), ([True], [6]), (np.arange(12), fg.tensor([1.0, 2.0])),
    ],
    "partition": [(1,), (2, 0), ([0, 3], 1)],
}  # fmt: skip


@pytest.mark.parametrize("name", WRITES)
def test_writing_methods_write_what_ndarrays_methods_do(name):
    for args in WRITES[name]:
        wanted, x, y = A.copy(), fg.tensor(A), leaf() * 1
        plain = [a.numpy() if isinstance(a, fg.Tensor) else a for a in args]
        assert getattr(wanted, name)(*plain) is getattr(x, name)(*args) is getattr(y, name)(*args) is None
        if name == "partition":  # the order of the other elements is not specified
            k, axis = np.atleast_1d(args[0]), args[1] if len(args) > 1 else -1
            assert np.array_equal(np.sort(x.numpy(), axis), np.sort(A, axis))
            wanted, x, y = (np.take(z, k, axis) for z in (wanted, x.numpy(), y.detach().numpy()))
        np.testing.assert_array_equal(np.asarray(x), wanted)
        np.testing.assert_array_equal(y if name == "partition" else y.detach().numpy(), wanted)
        if np.size(args[0]) and (len(args) == 1 or np.size(args[1])):  # or there is nothing to write
            with pytest.raises(fg.MutationError, match="no_grad"):
                getattr(leaf(), name)(*args)


def test_what_writing_methods_write_is_recorded():
    x, v = leaf(), fg.tensor([2.0, 3.0], requires_grad=True)

    def put(x, v):
        y = x * 1
        y.put([1, 5, 1], v[:1] * v)  # the second write to element 1 is that of v[0] * v[0]
        return y

    def fill(x, v):
        y = x * 1
        y.fill(v[0])
        y.flat[5:7] = v
        return y

    def partition(x, v):
        y = x * v[0]
        y.partition([1, 2])
        return y

    for f in (put, fill, partition):
        fg.testing.check_grads(f, (A + np.arange(12).reshape(3, 4) / 100, v.detach().numpy()))
    assert fg.gradients(put(x, v).sum(), x)[0].ravel().tolist() == [1, 0, 1, 1, 1, 0, *[1] * 6]


def test_flat():
    x = leaf()
    assert len(x.flat) == 12 and [e.item() for e in x.T.flat] == A.T.ravel().tolist()
    assert x.flat[3].requires_grad and x.flat[3].shape == ()
    for key in (3, -1, slice(2, 9, 3), np.array([0, 0, 5]), [1, 2], A.ravel() > 0, ...):
        same(x.T.flat[key], np.asarray(A.T.flat[key]))
    assert x.flat.base is x and x.flat.copy().op == "copy"
    y, wanted = fg.tensor(A), A.copy()
    for key, value in ((0, 1), (slice(None, None, 2), [7, 8]), (np.array([3, 3]), [1, 2]), (-1, fg.tensor(4.0))):
        y.flat[key] = value
        wanted.flat[key] = np.asarray(value)
        np.testing.assert_array_equal(y, wanted)
    y.flat = wanted.flat = [1, 2, 3]
    np.testing.assert_array_equal(y.T.flat, wanted.T.ravel())
    z = fg.tensor(1.0)
    z.flat = 5.0
    assert [e.item() for e in z.flat] == [5.0] and len(fg.zeros(0, 2).flat) == 0
    with pytest.raises(fg.MutationError):
        x.flat = 0


def test_errors():
    x = fg.tensor(A)
    for call, wanted, text in (
        (lambda: x.fill([1, 2]), fg.ShapeError, r"fill: the value must be a number, got shape \(2,\)"),
        (lambda: x.compress([[True]]), fg.ShapeError, r"the condition must be a vector, got shape \(1, 1\)"),
        (lambda: x.compress([0, 0, 0, 1], 0), IndexError, "out of bounds"),
        (lambda: x.put(12, 1), IndexError, "put: index 12 is out of bounds for 12 elements"),
        (lambda: x.put([0, -13], 1), IndexError, "put: index -13"),
        (lambda: x.put(np.array([0.5]), 1), TypeError, "put: indices must be integers, got float64"),
        (lambda: x.put(0, 1, "skip"), ValueError, "put: mode must be"),
        (lambda: fg.zeros(0).put(0, 1, "clip"), IndexError, "put: there is no element at index 0 of 0"),
        (lambda: x.partition(4), ValueError, "out of bounds"),
        (lambda: x.partition(0, 2), IndexError, "partition: axis 2"),
        (lambda: x.flat[12], IndexError, "out of bounds"),
        (lambda: x.argsort(kind="bubble"), ValueError, "argsort: kind must be .* got 'bubble'"),
        (lambda: fg.sort(x, order="name"), ValueError, "no fields to order by, got order='name'"),
        (lambda: x.sort(), AttributeError, r"use fg\.sort\(x\)"),
        (lambda: fg.tensor([3]).choose([1, 2]), ValueError, "choose|choice"),
    ):
        with pytest.raises(wanted, match=text):
            call()
    assert fg.zeros(0).put([], 1) is None and x.tolist() == A.tolist()
