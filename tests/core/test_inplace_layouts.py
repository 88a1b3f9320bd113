"""In-place ops on every memory layout give the values, gradients or errors of the same op out of place."""

import operator

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.errors import ReadOnlyError
from fastgrad.rules import FUNCTIONS
from tests.core.layouts import WRITABLE

FLOATING = ("iadd", "isub", "imul", "itruediv", "ipow", "ifloordiv", "imod", "imatmul")
INTEGER = ("iand", "ior", "ixor", "ilshift", "irshift", "iadd", "imul", "ifloordiv", "imod")
# shapes of the target, each with shapes that broadcast to it; None is a Python number
SHAPES = {
    (3, 4): ((3, 4), (4,), (3, 1), (), None), (2, 3, 2): ((2, 3, 2), (3, 1), (1, 1, 2)), (5,): ((5,), (1,), None),
    (): ((), None), (0, 3): ((0, 3), (3,), None), (2, 0): ((2, 0), (2, 1)), (1, 4): ((1, 4), (), (4,)),
}  # fmt: skip
PRODUCTS = {(3, 3): ((3, 3),), (2, 3): ((3, 3),), (3,): ((3, 3),), (2, 0): ((0, 0),), (2, 2, 3): ((3, 3), (2, 3, 3))}
SWEEPS = ("backward", "gradients", "create_graph")
TOLERANCE = {np.float64: 1e-13, np.float32: 2e-5}


def leaf(x):
    return fg.tensor(x, requires_grad=True)


def swept(y, xs, sweep):
    """Return the gradients, and with `create_graph` their gradients as well."""
    rng = np.random.default_rng(5)
    v = fg.asarray(rng.uniform(0.5, 1, size=y.shape).astype(y.dtype))
    if sweep == "backward":
        y.backward(v)
        return [x.grad.numpy() for x in xs]
    if sweep == "gradients":
        return [g.numpy() for g in fg.gradients(y, xs, v)]
    first = fg.gradients(y, xs, v, create_graph=True)
    found = [g.numpy() for g in first]
    followed = [g for g in first if g.requires_grad]
    if followed:
        u = [np.ones(g.shape, g.dtype) for g in followed]
        second = fg.gradients(followed, xs, u, allow_unused=True)
        found += [np.zeros(()) if g is None else g.numpy() for g in second]
    return found


def alike(got, wanted, tolerance, what):
    for a, b in zip(got, wanted, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype, what
        scale = tolerance * np.max(np.abs(b), initial=1.0)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=scale, err_msg=str(what))


def cases(name, dtype):
    rng = np.random.default_rng(3)
    for shape, others in (PRODUCTS if name == "imatmul" else SHAPES).items():
        for other in others:
            target = rng.uniform(1.5, 3, size=shape).astype(dtype)
            yield target, 2.5 if other is None else rng.uniform(0.6, 1.4, size=other).astype(dtype)


@pytest.mark.parametrize("layout", WRITABLE)
@pytest.mark.parametrize("name", FLOATING)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_recorded_write_has_the_gradient_of_its_op(name, layout, dtype):
    for values, other in cases(name, dtype):
        for sweep in SWEEPS:
            found = []
            for inplace in (True, False):
                memory = WRITABLE[layout](values) if inplace else values.copy()
                x, w = fg.asarray(memory), leaf(np.ones((), dtype)) if isinstance(other, float) else leaf(other)
                given = other if isinstance(other, float) else w
                if isinstance(other, float):
                    x = x * w if not inplace else operator.imul(x, w)
                y = getattr(operator, name if inplace else name[1:])(x, given)
                assert y.op is not None and (y is x) == inplace
                if inplace:
                    assert y.strides == memory.strides
                    assert np.shares_memory(y.detach().numpy(), memory) or not memory.size
                # what comes of it reads it as an operand as well
                found.append([y.detach().numpy().copy(), *swept(y * y, [w], sweep)])
            alike(*found, TOLERANCE[dtype], (values.shape, np.shape(other), sweep))
            with np.errstate(all="ignore"):
                plain = getattr(operator, name)(WRITABLE[layout](values), other)
            alike(found[0][:1], [plain], TOLERANCE[dtype], values.shape)


@pytest.mark.parametrize("layout", WRITABLE)
@pytest.mark.parametrize("name", INTEGER)
def test_an_unrecorded_write_of_integers_is_numpys(name, layout):
    for shape, others in SHAPES.items():
        for other in others:
            values = np.arange(np.prod(shape, dtype=int)).reshape(shape) + 3
            given = 2 if other is None else np.arange(np.prod(other, dtype=int)).reshape(other) % 3 + 1
            memory, wanted = WRITABLE[layout](values), WRITABLE[layout](values)
            x = fg.asarray(memory)
            assert getattr(operator, name)(x, given) is x
            wanted = getattr(operator, name)(wanted, given)
            np.testing.assert_array_equal(x.numpy(), wanted)
            np.testing.assert_array_equal(memory, wanted)


KEYS = (
    ((3, 4), 1, (4,)), ((3, 4), (slice(None), 2), ()), ((3, 4), (slice(None, None, -2), slice(1, 3)), (2, 1)),
    ((3, 4), ..., (3, 4)), ((3, 4), np.array([2, 0, 2]), (3, 4)), ((3, 4), np.eye(3, 4) > 0, (3,)), ((), (), ()),
    ((5,), slice(4, None, -1), (5,)), ((2, 0), slice(None), (2, 0)), ((2, 0), 0, ()), ((2, 3, 2), (0, ..., 1), (1,)),
)  # fmt: skip


@pytest.mark.parametrize("layout", WRITABLE)
@pytest.mark.parametrize("case", range(len(KEYS)))
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_recorded_assignment_routes_the_gradient(case, layout, dtype):
    shape, key, part = KEYS[case]
    rng = np.random.default_rng(case)
    values, value = rng.uniform(1, 2, size=shape).astype(dtype), rng.uniform(1, 2, size=part).astype(dtype)
    for sweep in SWEEPS:
        found = []
        for inplace in (True, False):
            w, v = leaf(np.full((), 1.5, dtype)), leaf(value)
            x = fg.asarray(WRITABLE[layout](values))
            if inplace:
                x *= w
                x[key] = v
            else:
                x = FUNCTIONS["setitem"](x * w, v, key)
            found.append([x.detach().numpy().copy(), *swept(x * x, [w, v], sweep)])
        alike(*found, TOLERANCE[dtype], (shape, key, sweep))


@pytest.mark.parametrize("layout", WRITABLE)
@pytest.mark.parametrize("shape", [(3, 4), (100, 90)])  # the larger one is swept block by block
@pytest.mark.parametrize("sweep", SWEEPS)
def test_writes_one_after_the_other_with_readers_in_between(shape, layout, sweep):
    rng = np.random.default_rng(1)
    values, factor, row = rng.uniform(1, 2, shape), rng.uniform(1, 2, shape), rng.uniform(1, 2, shape[-1])
    found = []
    for inplace in (True, False):
        w, r = leaf(factor), leaf(row)
        x = fg.asarray(WRITABLE[layout](values)) if inplace else fg.tensor(values)
        readers = []
        for name, other in ("imul", w), ("imul", r), ("iadd", 2.0), ("ipow", 2.0), ("isub", w), ("itruediv", w):
            x = getattr(operator, name if inplace else name[1:])(x, other)
            readers.append(x + w)
        early = readers[1] * r + readers[4].tanh()
        found.append([x.detach().numpy().copy(), *swept(early * 3 + (x * w).sigmoid() * x, [w, r], sweep)])
    alike(*found, 1e-12, shape)


@pytest.mark.parametrize("layout", WRITABLE)
@pytest.mark.parametrize("name", FLOATING[:5])
def test_memory_that_its_owner_writes_after_the_record(name, layout):
    """The rule of a division reads its result; if that lies in an array of the user's, the engine keeps a copy."""
    for sweep in SWEEPS:
        found = []
        for afterwards in (False, True):
            memory = WRITABLE[layout](np.arange(1.0, 13).reshape(3, 4))
            w = leaf(np.linspace(1, 2, 4))
            x = fg.asarray(memory)
            x = getattr(operator, name)(x, w)
            if afterwards:
                memory[...] = np.nan
            found.append(swept(x, [w], sweep))
        alike(*found, 0, (layout, sweep))


def frozen(x):
    x.flags.writeable = False
    return x


OVERLAPPING = {
    "broadcast": lambda: np.broadcast_to(np.ones(3), (2, 3)),
    "zero strides": lambda: np.lib.stride_tricks.as_strided(np.ones(3), (2, 3), (0, 8)),
    "a sliding window": lambda: np.lib.stride_tricks.sliding_window_view(np.ones(4), 3, writeable=True),
    "read-only": lambda: frozen(np.ones((2, 3))),
}
# Whatever else is wrong with it, a write to such memory is refused as such, and before anything is written.
WRITES = {
    "add": lambda x, w: operator.iadd(x, w), "a number": lambda x, w: operator.imul(x, 2.0),
    "unrecorded": lambda x, w: operator.itruediv(x, w.detach()), "floor": lambda x, w: operator.ifloordiv(x, 2.0),
    "an item": lambda x, w: operator.setitem(x, 0, 5.0), "a recorded item": lambda x, w: operator.setitem(x, 0, w[0]),
    "no such item": lambda x, w: operator.setitem(x, 9, 5.0), "another shape": lambda x, w: operator.iadd(x, w[None]),
    "another kind": lambda x, w: operator.iadd(x, 1j), "a view for writing": lambda x, w: x.numpy(writable=True),
}  # fmt: skip


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("memory", OVERLAPPING)
def test_memory_that_cannot_be_written_is_refused(memory, write):
    array = OVERLAPPING[memory]()
    x, w = fg.asarray(array), leaf(np.ones((2, 3)))
    with pytest.raises(ReadOnlyError, match=r"several of its elements share memory.*x\.copy\(\)"):
        WRITES[write](x, w)
    assert (array == 1).all() and x.is_leaf and not x.requires_grad


# x is a leaf, y a result of it, w another leaf
REFUSED = {
    "a leaf": (lambda x, y, w: operator.iadd(x, 1.0), fg.MutationError),
    "a leaf, by an op without gradient": (lambda x, y, w: operator.ifloordiv(x, 2.0), fg.MutationError),
    "a leaf, another shape": (lambda x, y, w: operator.iadd(x, np.ones((1, 2, 3))), fg.MutationError),
    "a leaf, no such shape": (lambda x, y, w: operator.iadd(x, np.ones(7)), fg.ShapeError),
    "a leaf, no such item": (lambda x, y, w: operator.setitem(x, 9, 0.0), fg.MutationError),
    "another shape": (lambda x, y, w: operator.iadd(y, np.ones((1, 2, 3))), fg.ShapeError),
    "another kind": (lambda x, y, w: operator.iadd(y, 1j), fg.DTypeError),
    "no such item": (lambda x, y, w: operator.setitem(y, 9, 0.0), IndexError),
    "an item that does not fit": (lambda x, y, w: operator.setitem(y, 0, np.ones(7)), fg.ShapeError),
    "an item of another kind": (lambda x, y, w: operator.setitem(y, 0, w.astype(complex)), fg.DTypeError),
    "no number": (lambda x, y, w: operator.iadd(y, "a"), TypeError),
    "a view, no such item": (lambda x, y, w: operator.setitem(y[:1], 9, 1.0), IndexError),
    "a view, another shape": (lambda x, y, w: operator.iadd(y.T, np.ones((1, 3, 2))), fg.ShapeError),
    "a view of a leaf": (lambda x, y, w: operator.iadd(x.T, 1.0), fg.MutationError),
    "a constant view": (lambda x, y, w: operator.imul(y.detach(), w), fg.MutationError),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_are_the_same_on_both_engines(case):
    write, error = REFUSED[case]
    x = leaf(np.ones((2, 3)))
    y, w = x * 2, leaf(np.ones(3))
    with pytest.raises(error):
        write(x, y, w)
    assert x.tolist() == [[1.0] * 3] * 2 and y.tolist() == [[2.0] * 3] * 2 and y.op == "multiply"
    y.sum().backward()
    assert x.grad.tolist() == [[2.0] * 3] * 2


@pytest.mark.parametrize("shape", [(2, 0), (0, 2), (0,), (2, 0, 3)])
def test_memory_without_elements_counts_as_writable(shape):
    """NumPy gives such memory strides of zero."""
    w = leaf(np.ones(()))
    x = fg.asarray(np.zeros(shape))
    x += w
    x *= 2.0
    x[...] = w
    x.sum().backward()
    assert w.grad.item() == 0.0 and x.shape == shape
    with fg.no_grad():
        x += 1.0
    assert x.numpy(writable=True).flags.writeable


def test_a_fresh_result_lies_in_c_order():
    """Also where NumPy would keep the order of the operands."""
    x = leaf(np.arange(6.0).reshape(2, 3)).T
    for y in (
        x.copy(), +x, fg.clip(x, 0, 1), x.astype(np.float32), fg.where(np.ones((3, 2), bool), x, x * x), x + x,
        fg.exp(x), fg.sin(x), fg.arctan2(x, x), x.astype(complex), fg.sort(x), fg.tril(x), fg.flip(x).copy(),
    ):  # fmt: skip
        assert y.strides == np.empty(y.shape, y.dtype).strides, y.op
