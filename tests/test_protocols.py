"""NumPy's functions on Tensors, Tensors as arrays, DLPack and the buffer protocol."""

import sys
import warnings

import numpy as np
import pytest

import fastgrad as fg

A = np.array([[0.3, 0.8, 0.5], [0.7, 0.2, 0.9]])


def leaf():
    return fg.tensor(A, requires_grad=True)


# --- NumPy's functions ---

CALLS = {
    "tanh": lambda x: np.tanh(x),
    "add": lambda x: np.add(x, 1),
    "absolute": lambda x: np.absolute(x),
    "power": lambda x: np.power(x, 2),
    "maximum": lambda x: np.maximum(x, 0.5),
    "matmul": lambda x: np.matmul(x, x.T),
    "sum": lambda x: np.sum(x),
    "sum over an axis": lambda x: np.sum(x, 0),
    "sum by keyword": lambda x: np.sum(a=x, axis=-1, keepdims=True),
    "sum with defaults": lambda x: np.sum(x, axis=None, dtype=None, out=None, keepdims=False),
    "mean": lambda x: np.mean(x, axis=(0, 1)),
    "var": lambda x: np.var(x, axis=0, ddof=1),
    "var by position": lambda x: np.var(x, 0, None, None, 1),
    "std": lambda x: np.std(x),
    "max": lambda x: np.max(x, axis=1),
    "amin": lambda x: np.amin(x, axis=0),
    "prod": lambda x: np.prod(x),
    "cumsum": lambda x: np.cumsum(x, axis=1),
    "reshape": lambda x: np.reshape(x, (3, 2)),
    "reshape by keyword": lambda x: (
        np.reshape(x, shape=(3, 2)) if np.lib.NumpyVersion(np.__version__) >= "2.1.0" else x.T
    ),
    "ravel": lambda x: np.ravel(x),
    "transpose": lambda x: np.transpose(x),
    "transpose of axes": lambda x: np.transpose(x, (1, 0)),
    "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "moveaxis": lambda x: np.moveaxis(x, 0, -1),
    "squeeze": lambda x: np.squeeze(x[None], axis=0),
    "expand_dims": lambda x: np.expand_dims(x, 1),
    "broadcast_to": lambda x: np.broadcast_to(x, (2, 2, 3)),
    "concatenate": lambda x: np.concatenate([x, x], axis=1),
    "stack": lambda x: np.stack([x, x]),
    "vstack": lambda x: np.vstack([x, x]),
    "split": lambda x: np.split(x, 3, axis=1)[1],
    "repeat": lambda x: np.repeat(x, 2, axis=0),
    "tile": lambda x: np.tile(x, (2, 1)),
    "flip": lambda x: np.flip(x, axis=1),
    "roll": lambda x: np.roll(x, 1, axis=1),
    "pad": lambda x: np.pad(x, 1),
    "tril": lambda x: np.tril(x),
    "trace": lambda x: np.trace(x),
    "diagonal": lambda x: np.diagonal(x),
    "dot": lambda x: np.dot(x, x.T),
    "outer": lambda x: np.outer(x[0], x[1]),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x),
    "tensordot": lambda x: np.tensordot(x, x, axes=([1], [1])),
    "where": lambda x: np.where(A > 0.5, x, 0.0),
    "clip": lambda x: np.clip(x, 0.4, 0.6),
    "clip by keyword": lambda x: np.clip(x, a_min=0.4, a_max=0.6),
    "norm": lambda x: np.linalg.norm(x),
    "copy": lambda x: np.copy(x) if isinstance(x, np.ndarray) else x.copy(),
    "array on the left": lambda x: A * x + np.float64(2) / x,
    "add.reduce": lambda x: np.add.reduce(x),
    "add.reduce over all": lambda x: np.add.reduce(x, axis=None),
    "multiply.reduce": lambda x: np.multiply.reduce(x, axis=1, keepdims=True),
    "maximum.reduce": lambda x: np.maximum.reduce(x, axis=1),
    "minimum.reduce": lambda x: np.minimum.reduce(x, 0),
}


@pytest.mark.parametrize("name", CALLS)
def test_numpys_functions_are_recorded(name):
    call, x = CALLS[name], leaf()
    got, wanted = call(x), call(A)
    assert isinstance(got, fg.Tensor) and got.requires_grad
    np.testing.assert_allclose(got.detach().numpy(), wanted, rtol=1e-15, strict=True)
    got.backward(np.ones(got.shape))
    assert x.grad.shape == A.shape and np.isfinite(x.grad.numpy()).all()


def test_every_rule_answers_its_numpy_names(rng):
    from fastgrad.rules import RULES

    dispatched = 0
    for rule in RULES.values():
        if rule.samples is None and rule.n_operands == 1 and rule.domain is not None and rule.has_vjp:
            for name in rule.numpy_names:
                theirs = getattr(np, name, None)
                if theirs is not None:
                    low, high = rule.domain if not isinstance(rule.domain[0], tuple) else rule.domain[0]
                    y = theirs(fg.tensor(rng.uniform(low, high, 3), requires_grad=True))
                    assert y.op == rule.name and y.requires_grad
                    dispatched += 1
    assert dispatched > 15


QUESTIONS = {
    "isnan": lambda x: np.isnan(x),
    "greater": lambda x: np.greater(x, 0.5),
    "argmax": lambda x: np.argmax(x, axis=1),
    "argsort": lambda x: np.argsort(x, axis=1),
    "any": lambda x: np.any(x > 0.5),
    "searchsorted": lambda x: np.searchsorted(x[:, 0], 0.5),
    "count_nonzero": lambda x: np.count_nonzero(x),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_questions_need_no_gradient(name):
    np.testing.assert_array_equal(np.asarray(QUESTIONS[name](leaf())), QUESTIONS[name](A))


def test_what_is_asked_of_shapes_and_equality():
    x = leaf()
    assert np.shape(x) == (2, 3) and np.ndim(x) == 2 and np.size(x) == 6
    assert np.allclose(x, A) and np.array_equal(x, A)
    assert np.result_type(x, np.float32) == np.float64
    assert np.zeros_like(x).shape == (2, 3)


@pytest.mark.parametrize("name", ["spacing", "sort_complex", "trim_zeros"])
def test_a_function_without_a_rule_runs_on_constants(name):
    call = getattr(np, name)
    x = fg.tensor(A)
    np.testing.assert_allclose(np.asarray(call(x)), call(A))
    assert isinstance(call(x), fg.Tensor)


def test_a_function_without_a_rule_refuses_what_records():
    x = leaf()
    with pytest.raises(fg.NotDifferentiableError, match=r"np\.spacing has no rule.*x\.detach\(\).*fg\.primitive"):
        np.spacing(x)
    with pytest.raises(fg.NotDifferentiableError, match=r"np\.histogramdd"):
        np.histogramdd(x)
    with pytest.raises(fg.NotDifferentiableError, match=r"np\.add\.reduceat has no rule"):
        np.add.reduceat(x, [0, 1])
    with fg.no_grad():
        np.testing.assert_array_equal(np.spacing(x), np.spacing(A))
    np.testing.assert_array_equal(np.spacing(x.detach()), np.spacing(A))


def test_arguments_that_cannot_be_recorded_are_named():
    x = leaf()
    with pytest.raises(fg.NotDifferentiableError, match=r"np\.tanh with where= cannot be recorded: call it without"):
        np.tanh(x, where=A > 0.5)
    assert float(np.sum(x.detach(), where=A > 0.5)) == np.sum(A, where=A > 0.5)
    assert np.add(x.detach(), 1, dtype=np.float32).dtype == np.float32


def test_out_is_for_constants():
    x, out = leaf(), np.zeros((2, 3))
    for call in (
        lambda: np.add(x, 1, out=out), lambda: np.add(A, 1, out=x), lambda: np.sum(x, axis=0, out=out[0]),
        lambda: np.modf(x, out=(x * 1, None)),
    ):  # fmt: skip
        with pytest.raises(fg.NotDifferentiableError, match="out= cannot be recorded"):
            call()
    assert not out.any()
    assert np.add(x.detach(), 1, out=out) is out
    np.testing.assert_array_equal(out, A + 1)
    t = fg.tensor(np.zeros((2, 3)))
    assert np.add(A, 1, out=t) is t
    np.testing.assert_array_equal(t.numpy(), A + 1)
    assert np.sum(fg.tensor(A), axis=0, out=out[0]) is not None
    np.testing.assert_array_equal(out[0], A.sum(axis=0))


def test_errors_say_how_to_write_a_record_into_an_array():
    """The idioms of NumPy programs: `out = np.zeros(n); out[k] = x`, `out += x`, `np.full(n, x)`, `np.array([x])`."""
    x, a = leaf(), np.zeros((2, 3))
    with pytest.raises(fg.NotDifferentiableError, match=r"what a \+= x means.*a = a \+ x, create a with fg\.zeros"):
        a += x
    with pytest.raises(fg.NotDifferentiableError, match=r"y\[key\] = value into a Tensor, .* fg\.zeros"):
        a[0] = x[0]
    with pytest.raises(fg.NotDifferentiableError, match=r"np\.full, too: use fg\.full"):
        np.full((2, 3), x[0, 0], dtype=np.float64)
    with pytest.raises(fg.NotDifferentiableError, match=r"fg\.stack\(\[\.\.\.\]\) or fastgrad\.numpy\.array"):
        np.array([x[0], x[1]])
    assert not a.any()


def test_an_array_takes_constants_in_place_and_refuses_records():
    a = np.ones((2, 3))
    a += fg.tensor(A)
    np.testing.assert_array_equal(a, 1 + A)
    with pytest.raises(fg.NotDifferentiableError, match="out="):
        a += leaf()
    counts = np.ones(3, int)
    with pytest.raises(TypeError):
        counts += fg.tensor([0.5, 0.5, 0.5])
    with pytest.raises(fg.NotDifferentiableError):
        a[0] = leaf()[0]
    np.testing.assert_array_equal(a, 1 + A)


def test_copying_into_an_array_is_refused():
    with pytest.raises(fg.NotDifferentiableError, match=r"np\.copyto"):
        np.copyto(np.zeros((2, 3)), leaf())


def test_other_array_classes_get_their_turn():
    class Other:
        __array_ufunc__ = None

        def __array_function__(self, function, types, args, kwargs):
            return "other"

    assert np.concatenate([fg.tensor([1.0]), Other()]) == "other"


# --- as an array ---


def test_a_constant_is_an_array_without_a_copy():
    x = fg.tensor(A)
    assert np.shares_memory(np.asarray(x), x.numpy())
    assert np.asarray(x, dtype=np.float32).dtype == np.float32
    copied = np.array(x)
    assert not np.shares_memory(copied, x.numpy()) and copied.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(x)[0, 0] = 1.0


def test_what_records_is_no_array():
    x = leaf()
    with pytest.raises(
        fg.NotDifferentiableError, match=r"a leaf that requires a gradient to an array .*x\.detach\(\)\.numpy\(\)"
    ):
        np.asarray(x)
    with pytest.raises(fg.NotDifferentiableError, match=r"the result of 'tanh' to an array"):
        np.array(x.tanh())
    with pytest.raises(fg.NotDifferentiableError):
        np.array([x[0], x[1]])
    with pytest.raises(fg.NotDifferentiableError):
        fg.tensor([x[0, 0], x[0, 1]])
    np.testing.assert_array_equal(np.asarray(x.detach()), A)
    with fg.no_grad():
        np.testing.assert_array_equal(np.asarray(x), A)


# --- DLPack, buffers, the array API ---


def test_dlpack_shares_memory_both_ways():
    x = fg.tensor(A)
    assert x.__dlpack_device__() == (1, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a = np.from_dlpack(x)
    np.testing.assert_array_equal(a, A)
    assert np.shares_memory(a, x.numpy())

    class Foreign:
        def __dlpack__(self, **kwargs):
            return b.__dlpack__(**kwargs)

        def __dlpack_device__(self):
            return b.__dlpack_device__()

    b = np.arange(3.0)
    y = fg.asarray(Foreign())
    b[0] = 9.0
    assert y.tolist() == [9.0, 1.0, 2.0]


def test_dlpack_refuses_what_records():
    with pytest.raises((fg.NotDifferentiableError, BufferError), match="detach"):
        np.from_dlpack(leaf())


def test_a_consumer_that_knows_no_read_only_is_watched():
    x = leaf()
    y = x * x
    x.detach().__dlpack__()
    with pytest.raises(fg.MutationError, match="overwritten in place"):
        y.sum().backward()


@pytest.mark.skipif(
    fg.engine == "python" and sys.version_info < (3, 12), reason="Python code exports no buffers before Python 3.12"
)
def test_the_buffer_protocol():
    x = fg.tensor(A)
    view = memoryview(x)
    assert view.readonly and view.shape == (2, 3) and view.format == "d" and view.tolist() == A.tolist()
    assert memoryview(x.T).strides == A.T.strides


def test_the_array_namespace_is_the_package():
    x = fg.tensor(A)
    assert x.__array_namespace__() is fg
    assert x.__array_namespace__(api_version="2023.12") is fg


def test_array_api_code_runs_unchanged():
    def softmax(x):
        xp = x.__array_namespace__()
        e = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
        return e / xp.sum(e, axis=-1, keepdims=True)

    np.testing.assert_allclose(softmax(fg.tensor(A)).numpy().sum(axis=-1), 1, rtol=1e-15)
