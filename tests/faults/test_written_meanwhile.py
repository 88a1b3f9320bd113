"""Values and `.grad`s that Python code changes in the middle of a write to them, a forward or a rule."""

import gc
import sys

import numpy as np
import pytest

import fastgrad as fg

MEANWHILE = "modified while the operation was running"


def leaf(*shape):
    return fg.tensor(np.ones(shape), requires_grad=True)


class Answering:
    """An array-like that runs `code` when it is asked for its values."""

    def __init__(self, values, code):
        self.values, self.code = np.asarray(values, dtype=float), code

    def __array__(self, dtype=None, copy=None):
        self.code()
        return self.values.astype(dtype or float)


class Dying(bytearray):
    """Memory that runs code when its last reference is dropped."""

    code = None

    def __del__(self):
        self.code()


def dying(n, code):
    memory = Dying(8 * n)
    memory.code = code
    return fg.asarray(np.frombuffer(memory))


def test_a_value_that_drops_the_old_gradient_while_it_is_assigned():
    x = leaf(64)
    kept = []
    for k in range(50):
        x.grad = fg.tensor(np.full(64, float(k)))
        x.grad = Answering(np.full(64, 2.0), lambda: setattr(x, "grad", None))
        kept += [fg.tensor(np.full(64, 1.5)) for _ in range(3)]
        assert x.grad.tolist() == [2.0] * 64
    assert all(t.tolist() == [1.5] * 64 for t in kept)


@pytest.mark.parametrize("first", range(3))
@pytest.mark.parametrize("kind", ["float", "complex", "create_graph"])
@pytest.mark.parametrize("act", ["clear", "set", "sweep"])
def test_old_gradients_that_run_code_when_they_are_dropped(first, kind, act):
    """All gradients are written before any of that code runs, so that it sees and leaves a consistent state."""
    dtype = complex if kind == "complex" else float
    leaves = [fg.tensor(np.zeros(100), dtype=dtype, requires_grad=True) for _ in range(3)]
    found = []

    def code():
        found.append([None if t.grad is None else t.grad.detach().numpy()[0].real for t in leaves])
        for k, t in enumerate(leaves):
            if act == "sweep":
                (t * float(k)).real.sum().backward()
            else:
                t.grad = None if act == "clear" else fg.tensor(np.full(100, 7.0), dtype=dtype)

    for k, t in enumerate(leaves):
        t.grad = dying(100, code) if k == first and kind != "complex" else fg.tensor(np.ones(100), dtype=dtype)
    if kind == "complex":
        memory = Dying(1600)
        memory.code = code
        leaves[first].grad = fg.asarray(np.frombuffer(memory, dtype=complex))
        del memory
    a, b, c = leaves
    result = ((a * 2.0).sum() + (b * 3.0).sum() + (c * 4.0).sum()).real
    result.backward(create_graph=kind == "create_graph")
    whole = [2.0 + (first != 0), 3.0 + (first != 1), 4.0 + (first != 2)]
    gc.collect()
    assert found == [whole]
    after = {"clear": [None] * 3, "set": [7.0] * 3, "sweep": [v + k for k, v in enumerate(whole)]}[act]
    assert [None if t.grad is None else t.grad.numpy()[0].real for t in leaves] == after


def test_a_gradient_that_is_another_one_whenever_it_was_summed():
    x = fg.tensor(np.ones(3), dtype=complex, requires_grad=True)
    z = x.real.sum()
    x.grad = fg.tensor(np.ones(3), dtype=complex)

    def meddle(frame, event, arg):
        if event == "return":
            x.grad = None
            x.grad = fg.tensor(np.ones(3), dtype=complex)

    sys.setprofile(meddle)
    try:
        with pytest.raises(fg.MutationError, match=MEANWHILE):
            z.backward()
    finally:
        sys.setprofile(None)
    assert x.grad.tolist() == [1.0] * 3


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("nested", [False, True], ids=["plain", "recorded inside"])
def test_an_assigned_value_that_writes_to_the_same_tensor(recorded, nested):
    x, w = leaf(4), leaf(4)
    y = x * 2.0 if recorded else fg.tensor(np.zeros(4))

    def write():
        if nested:
            y[1:2] = (w * 5.0)[:1]
        else:
            with fg.no_grad():
                y[1] = 5.0

    try:
        y[:1] = Answering([3.0], write)
        total = (y * 1.0).sum()
        if recorded or nested:
            total.backward()
    except fg.MutationError:
        return
    assert y.detach().numpy()[:2].tolist() == [3.0, 5.0]
    if recorded and nested:
        assert x.grad.tolist() == [0.0, 0.0, 2.0, 2.0]
    if nested:
        assert w.grad.tolist() == [5.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("op", ["__iadd__", "__imul__", "__isub__", "__itruediv__", "__ipow__"])
def test_an_in_place_operand_that_writes_to_the_same_tensor(op):
    x = leaf(3)
    y, z = x * 2.0, x * 2.0

    def write():
        nonlocal y
        y *= 3.0

    value = Answering([1.5, 2.0, 2.5], write)
    y = getattr(y, op)(np.asarray(value))
    z *= 3.0
    z = getattr(z, op)(np.array([1.5, 2.0, 2.5]))
    assert y.detach().tolist() == z.detach().tolist()
    assert fg.gradients(y.sum(), [x])[0].tolist() == fg.gradients(z.sum(), [x])[0].tolist()


def test_a_forward_that_writes_to_its_own_operand():
    """The result belongs to the old value, but the graph would read the new one."""
    x = leaf(3)
    y = x * 2.0

    def forward(a, /):
        value = np.square(a)
        with fg.no_grad():
            y.__iadd__(1.0)
        return value

    square = fg.primitive(forward, vjp=lambda g, a: g * 2.0 * a)
    with pytest.raises(fg.MutationError, match=MEANWHILE if fg.engine == "cython" else "overwritten in place"):
        square(y)


@pytest.mark.parametrize("other", [3.0, "tensor", "leaf"])
@pytest.mark.parametrize("at", [0, 1])
def test_what_a_primitive_reads_is_guarded_whatever_its_other_operand_is(other, at):
    product = fg.primitive(lambda a, b, /: a * b, vjp=(lambda g, b: g * b, lambda g, a: g * a), name="product")
    x = leaf(3)
    mine = x * 2.0
    given = {3.0: 3.0, "tensor": fg.tensor(np.full(3, 3.0)), "leaf": leaf(3) * 3.0}[other]
    y = product(*((mine, given) if at == 0 else (given, mine)))
    with fg.no_grad():
        mine += 1.0
        if other == "tensor":
            given += 1.0
    if other == 3.0:  # nothing reads `mine`: the rule for it reads the number
        y.sum().backward()
        assert x.grad.tolist() == [6.0] * 3
    else:
        with pytest.raises(fg.MutationError, match="overwritten in place"):
            y.sum().backward()


def test_a_rule_that_writes_to_what_its_next_part_reads():
    x = leaf(3)
    a, b = x * 2.0, x * 3.0

    def first(g, b):
        with fg.no_grad():
            a.__iadd__(1.0)
        return g * b

    product = fg.primitive(lambda a, b, /: a * b, vjp=(first, lambda g, a: g * a), name="product")
    with pytest.raises(fg.MutationError, match="overwritten in place"):
        product(a, b).sum().backward()
    assert x.grad is None


@pytest.mark.skipif(fg.engine != "cython", reason="the readable engine's optimizers are written in Python")
@pytest.mark.parametrize("stepper", ["sgd", "adam", "rmsprop"])
def test_a_step_whose_lists_are_emptied_by_the_garbage_collector(stepper):
    import fastgrad.core as core

    params = []
    for k in range(50):
        t = fg.tensor(np.ones(4), dtype=np.complex128 if k % 2 else np.float64, requires_grad=True)
        t.grad = t.detach() * 1.0
        params.append(t)
    lists = [list(params), *([None] * 50 for _ in range(3))]

    def clear(phase, info):
        for one in lists:
            one.clear()

    before = gc.get_threshold()
    gc.callbacks.append(clear)
    gc.set_threshold(1)
    try:
        if stepper == "sgd":
            core.sgd_step(lists[0], lists[1], 0.1, 0.9, 0.0, 0.0, False)
        elif stepper == "adam":
            core.adam_step(lists[0], lists[1], lists[2], np.zeros(50, np.intp), 0.1, 0.9, 0.99, 1e-8, 0.0, False)
        else:
            core.rmsprop_step(*lists, 0.1, 0.9, 1e-8, 0.9, 0.0, True)
    except ValueError as error:
        assert "per parameter" in str(error)
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(clear)
    assert all(np.all(np.isfinite(t.numpy())) for t in params)
