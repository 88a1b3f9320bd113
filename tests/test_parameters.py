"""Axes, shapes and indices given as objects that run Python code are converted once, whatever that code does.

Every entry point that takes one is called with an object that returns another number the second time, with one that
raises, and with one that writes to the tensor, or sweeps its graph, during the conversion.
"""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.rules import FUNCTIONS
from tests.support.entry_points import ENTRIES, Calling, Changing


def run(name, make, record=True):
    """Call with `make(k, n)` in place of number `k`, which is `n`; return the operand, the result and the gradient."""
    shape, numbers, call = ENTRIES[name]
    x = fg.tensor(np.random.default_rng(2).uniform(1, 2, shape), requires_grad=record)
    y = call(x, *(make(k, n) for k, n in enumerate(numbers)))
    return x, y


def outcome(x, y):
    """Value and gradients, by kernel and by rule."""
    found = [y.detach().numpy()]
    if y.requires_grad:
        v = np.random.default_rng(4).normal(size=y.shape)
        found += [
            fg.gradients(y, x, v, retain_graph=True)[0].numpy(),
            fg.gradients(y, x, v, create_graph=True)[0].numpy(),
        ]
    return found


def same(got, wanted):
    for a, b in zip(got, wanted, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13)  # an int for eps is the rule's, a float the kernel's


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("record", [True, False])
def test_a_number_that_changes_counts_as_it_was_first(name, record):
    wanted = outcome(*run(name, lambda k, n: n, record))
    for then in (0, 1, -1, 10**6, -(10**6), 2**62):
        objects = [Changing(n, then) for n in ENTRIES[name][1]]
        same(outcome(*run(name, lambda k, n, objects=objects: objects[k], record)), wanted)
        assert all(o.asked == 1 for o in objects)


class Trouble(Exception):
    pass


def trouble():
    raise Trouble


@pytest.mark.parametrize("name", ENTRIES)
def test_a_number_that_raises_leaves_nothing_behind(name):
    shape, numbers, call = ENTRIES[name]
    for at in range(len(numbers)):
        x = fg.tensor(np.ones(shape), requires_grad=True)
        with pytest.raises(Trouble):
            call(x, *(Calling(n, trouble) if k == at else n for k, n in enumerate(numbers)))
        (x * 2).sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), np.full(shape, 2.0))


@pytest.mark.parametrize("name", ENTRIES)
def test_a_number_whose_code_writes_to_the_operand(name):
    """The op computes with the written values; nothing that it read before may be outdated."""
    shape, numbers, call = ENTRIES[name]
    found = []
    for meanwhile in (True, False):
        x = fg.tensor(np.random.default_rng(2).uniform(1, 2, shape), requires_grad=True)
        base = x * 1.0

        def write(base=base, x=x):
            if base.op == "multiply":
                base += x

        if not meanwhile:
            write()
        y = call(
            base, *(Calling(n, write) if meanwhile and k == len(numbers) - 1 else n for k, n in enumerate(numbers))
        )
        found.append(outcome(x, y))
    same(*found)


@pytest.mark.parametrize("name", ENTRIES)
def test_a_number_whose_code_sweeps_and_frees_the_graph(name):
    shape, numbers, call = ENTRIES[name]
    x = fg.tensor(np.random.default_rng(2).uniform(1, 2, shape), requires_grad=True)
    base = x.exp()
    waiting = [base * 2.0]

    def sweep():
        if waiting:
            waiting.pop().sum().backward()
            fg.clear_cache()

    y = call(base, *(Calling(n, sweep) if k == 0 else n for k, n in enumerate(numbers)))
    same([y.detach().numpy()], [call(base.detach(), *numbers).numpy()])
    if y.requires_grad:
        with pytest.raises(fg.GraphFreedError):
            y.backward(np.ones(y.shape))


def test_an_assignment_whose_key_writes_to_the_very_tensor():
    for record in (True, False):
        x = fg.tensor(np.ones(3), requires_grad=record)
        y = x * 2.0
        w = y * 3.0

        def inner(y=y):
            y[1] = 5.0

        y[Calling(0, inner) : Changing(1, 3)] = 7.0
        assert y.tolist() == [7.0, 5.0, 2.0]
        if record:
            ((y * y).sum() + w.sum()).backward()
            assert x.grad.tolist() == [6.0, 6.0, 14.0]


class Number:
    """An array-like object that runs a function when NumPy converts it."""

    def __init__(self, function):
        self.function = function

    def __array__(self, dtype=None, copy=None):
        self.function()
        return np.array(4.0, dtype)


def test_an_assignment_whose_value_writes_to_the_very_tensor():
    x = fg.tensor(np.ones(3), requires_grad=True)
    y = x * 2.0

    def inner():
        y[1] = 5.0

    y[0] = Number(inner)
    assert y.tolist() == [4.0, 5.0, 2.0]
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 2.0]


def test_an_assignment_whose_value_records_a_write_is_not_lost_silently():
    x, y = fg.tensor(2.0, requires_grad=True), fg.tensor(np.zeros(3))

    def inner():
        y[1] = x * 3.0

    y[:1] = Number(inner)
    assert y.tolist() == [4.0, 6.0, 0.0]
    try:
        y.sum().backward()
    except fg.MutationError:
        return
    assert x.grad.item() == 3.0


def test_an_assignment_that_fails_in_its_middle_counts_as_a_write():
    x, y = fg.tensor(np.ones(3), requires_grad=True), fg.tensor(np.ones(3))
    z = x * y
    with pytest.raises(Trouble):
        y[...] = [2.0, Floating(trouble), 3.0]
    if y.tolist() == [1.0] * 3:
        return
    with pytest.raises(fg.MutationError):
        z.sum().backward()


class Floating:
    def __init__(self, function):
        self.function = function

    def __float__(self):
        self.function()
        return 1.0


class Lying(tuple):
    """A tuple whose elements change when it is iterated or counted a second time."""

    def __iter__(self):
        count = Lying.seen = getattr(Lying, "seen", 0) + 1
        return iter((1, 0) if count == 1 else (0, 0, 0, 0, 0, 0))

    def __len__(self):
        return 2

    def __getitem__(self, k):
        return 99


class LyingInt(int):
    def __index__(self):
        return 77

    def __int__(self):
        return 77

    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


@pytest.mark.parametrize(
    "call",
    [
        lambda x, t: fg.permute_dims(x, t), lambda x, t: fg.sum(x, axis=t), lambda x, t: fg.flip(x, t),
        lambda x, t: x[t],
        lambda x, t: x.reshape(t), lambda x, t: fg.broadcast_to(x, t), lambda x, t: FUNCTIONS["sum_to"](x, t),
        lambda x, t: fg.roll(x, t, (0, 1)), lambda x, t: fg.tile(x, t), lambda x, t: fg.nn.functional.max_pool2d(x, t),
        lambda x, t: fg.expand_dims(x, t), lambda x, t: FUNCTIONS["scatter_add"](x, ..., t),
    ],
)  # fmt: skip
def test_a_tuple_of_two_minds(call):
    """Forward and backward use the same one of its two values."""
    Lying.seen = 0
    x = fg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    try:
        y = call(x, Lying((0, 1)))
    except (ValueError, TypeError, IndexError):
        return
    v = np.ones(y.shape)
    by_rule = fg.gradients(y, x, v, create_graph=True)[0].numpy()
    np.testing.assert_array_equal(fg.gradients(y, x, v)[0].numpy(), by_rule)


def test_an_int_that_pretends_to_be_another():
    x = fg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    one, two, three = LyingInt(1), LyingInt(2), LyingInt(3)
    for y in (
        x.sum(one), x[one], x[one:], x.permute_dims((one, LyingInt(0))), x.reshape(three, two), fg.roll(x, one, 0),
        fg.nn.functional.max_pool2d(x, two),
    ):  # fmt: skip
        y.backward(np.ones(y.shape))
    assert x.grad.shape == (2, 3) and x.sum(LyingInt(1)).shape == (2,)


def test_a_list_that_its_own_elements_change():
    x = fg.tensor(np.arange(24.0).reshape(2, 3, 4), requires_grad=True)
    for call, wanted in (
        (lambda axes: fg.sum(x, axis=axes), (3,)), (lambda axes: fg.expand_dims(x, axes), (1, 2, 1, 3, 4)),
        (lambda axes: fg.squeeze(x[:1, :, :1], axes), (3,)), (lambda axes: fg.flip(x, axes), (2, 3, 4)),
    ):  # fmt: skip
        axes = []
        axes += [Calling(0, lambda axes=axes: axes.extend([1] * 100)), 2]
        y = call(axes)
        assert y.shape == wanted
        y.backward(np.ones(y.shape))


@pytest.mark.parametrize("call", [
    lambda x: x.sum(True), lambda x: x.sum((0, True)), lambda x: fg.broadcast_to(x, (True, 2, 3)),
    lambda x: x.reshape(True, 6),
    lambda x: fg.concat([x, x], axis=False), lambda x: fg.permute_dims(x, (True, False)), lambda x: x.softmax(False),
])  # fmt: skip
def test_a_bool_is_no_axis_and_no_length(call):
    with pytest.raises(TypeError, match=r"got (True|False) for an axis, a length or a count, which must be an int"):
        call(fg.tensor(np.ones((2, 3)), requires_grad=True))


@pytest.mark.parametrize(
    "call", [lambda x: x.sum(keepdims="no"), lambda x: fg.max(x, keepdims=None), lambda x: x.logsumexp(0, "yes")]
)
def test_what_is_no_flag_is_refused(call):
    with pytest.raises(TypeError):
        call(fg.tensor(np.ones((2, 3)), requires_grad=True))


@pytest.mark.parametrize("shape", [(1,) * 65, (4, 3), (2,), (2, 3, 1), (0, 3), (-1, 3), (2**70,)])
def test_nothing_is_summed_to_what_would_not_broadcast_back(shape):
    x = fg.tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises(fg.ShapeError, match=r"sum_to: .* would not broadcast to"):
        FUNCTIONS["sum_to"](x, shape)
    assert FUNCTIONS["sum_to"](x, (1, 3)).shape == (1, 3)


@pytest.mark.parametrize(
    "call",
    [lambda x, n: x.reshape((1,) * n), lambda x, n: fg.broadcast_to(x, (1,) * n), lambda x, n: x[(None,) * n],
     lambda x, n: fg.expand_dims(x, tuple(range(n))), lambda x, n: FUNCTIONS["scatter_add"](x, (0,) * n, (1,) * n)],
)  # fmt: skip
def test_64_dimensions_are_the_most(call):
    x = fg.tensor(1.0, requires_grad=True)
    y = call(x, 64)
    assert y.ndim == 64
    y.backward(np.ones(y.shape))
    for n in (65, 200):
        with pytest.raises((ValueError, IndexError)):
            call(x, n)
